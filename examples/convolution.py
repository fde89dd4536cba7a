"""Convolution with any stride and padding, and its gradients in kernel and input, written by hand and checked.

Y[m,n,k] = Σ_{i,j,l} W[i,j,k,l]·X[s·m + i − p, s·n + j − p, l] with input channels l, output channels k, stride s and
padding p (X counts as 0 outside). From G = ∂L/∂Y:
∂L/∂W[i,j,k,l] = Σ_{m,n} G[m,n,k]·X[s·m + i − p, s·n + j − p, l], and each G[m,n,k]·W[i,j,k,l] goes to the entry of
∂L/∂X that it came from. Published for s = 1, p = 0: ∂L/∂W_{ijkl} = Σ_{mn} G_{mnk}·X_{m+i,n+j,l}, and
∂L/∂X_{ijk} = Σ_{mnl} W_{mnkl}·G_{i−m,j−n,l}. In the second one k is the input channel: it needs W with its channels in
the other order. One of the two formulas is wrong for either order.
"""

import numpy as np

import diffkit as dk


def windows(X, W, stride, padding):
    """The input with its padding, and for each entry (i, j) of the kernel the part of it that meets this entry."""
    padded = np.pad(X, ((padding, padding), (padding, padding), (0, 0)))
    rows, columns = ((n + 2 * padding - k) // stride + 1 for n, k in zip(X.shape[:2], W.shape[:2], strict=True))
    parts = {
        (i, j): (slice(i, i + stride * rows, stride), slice(j, j + stride * columns, stride))
        for i, j in np.ndindex(*W.shape[:2])
    }
    return padded, parts


def convolve(X, W, stride=1, padding=0):
    padded, parts = windows(X, W, stride, padding)
    return sum(np.einsum("mnl,kl->mnk", padded[part], W[ij]) for ij, part in parts.items())


def gradients(X, W, G, stride=1, padding=0, channels="mnk,kl->mnl"):
    padded, parts = windows(X, W, stride, padding)
    by_input, by_kernel = np.zeros(padded.shape), np.zeros(W.shape)
    for ij, part in parts.items():
        by_kernel[ij] = np.einsum("mnk,mnl->kl", G, padded[part])
        by_input[part] += np.einsum(channels, G, W[ij])
    return by_input[padding : padding + X.shape[0], padding : padding + X.shape[1]], by_kernel


def published(X, W, G):
    """∂L/∂X_{ijk} = Σ_{mnl} W_{mnkl}·G_{i−m,j−n,l} entry by entry, and ∂L/∂W."""
    by_input = np.zeros(X.shape)
    for i, j, k in np.ndindex(*X.shape):
        for m, n in np.ndindex(*W.shape[:2]):
            if 0 <= i - m < G.shape[0] and 0 <= j - n < G.shape[1]:
                by_input[i, j, k] += W[m, n, k] @ G[i - m, j - n]
    return by_input, gradients(X, W, G)[1]


rng = np.random.default_rng(5)


def random(*shape):
    return rng.integers(-9, 10, shape) / 4.0


print("By hand, L = ½Σ(Y − T)², 4×3 inputs with 2 channels, 3 filters of 2×2")
X, W = random(4, 3, 2), random(2, 2, 3, 2)
for stride, padding in ((1, 0), (1, 1), (2, 0), (2, 1)):
    T = random(*convolve(X, W, stride, padding).shape)

    def loss(X, W, T=T, stride=stride, padding=padding):
        return np.sum((convolve(X, W, stride, padding) - T) ** 2) / 2

    def by_hand(X, W, T=T, stride=stride, padding=padding):
        return gradients(X, W, convolve(X, W, stride, padding) - T, stride, padding)

    print(f"stride {stride}, padding {padding}, output {T.shape}: {dk.check(loss, by_hand, at=[X, W]).verdict}")

print("\nAs published, for a given G = ∂L/∂Y: L = ΣG·Y, with 2 input and 2 output channels")
X, W, G = random(3, 3, 2), random(2, 2, 2, 2), random(2, 2, 2)
ORDERS = {
    "W[i,j,output,input]": lambda X, W: np.sum(G * convolve(X, W)),
    "W[i,j,input,output]": lambda X, W: np.sum(G * convolve(X, W.swapaxes(2, 3))),
}
for order, loss in ORDERS.items():
    for k, wrt in enumerate(("∂L/∂X", "∂L/∂W")):
        at = [X, W]

        def of_one(part, loss=loss, k=k, at=at):
            return loss(*(part if place == k else other for place, other in enumerate(at)))

        def claim(part, k=k, at=at):
            return published(*(part if place == k else other for place, other in enumerate(at)), G)[k]

        print(f"{order}: {wrt} {dk.check(of_one, claim, at=at[k]).verdict}")
    check = dk.check(loss, lambda X, W: published(X, W, G), at=[X, W])
    print(f"{order}: both {check.verdict}; {check.explanation}")

X, W, G = random(3, 3, 2), random(2, 2, 3, 2), random(2, 2, 3)
try:
    published(X, W, G)
except ValueError as error:
    print(f"2 input and 3 output channels: it does not run, {str(error).partition(' with')[0]}")
alone, filters, G = random(3, 3, 1), random(2, 2, 1, 1), random(2, 2, 1)
check = dk.check(lambda X: np.sum(G * convolve(X, filters)), lambda X: published(X, filters, G)[0], at=alone)
print(f"1 input and 1 output channel: ∂L/∂X {check.verdict}, there is no order of channels")

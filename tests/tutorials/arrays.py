"""What T4 states of convolution and pooling, for kernels W[i, j, output, input] and inputs X[row, column, channel]."""

import numpy as np

import diffkit as dk
from tutorials.statements import Statement, claim, fact

RNG = np.random.default_rng(11)
IMAGE, KERNEL, UPSTREAM = RNG.normal(size=(3, 3, 2)), RNG.normal(size=(2, 2, 2, 2)), RNG.normal(size=(2, 2, 2))
POOL, TIE = np.array([0.3, 2.0, -1.0, 1.5]), np.array([2.0, 2.0, 1.0])


def convolved(X, W):
    """Y_{mnk} = Σ_{ijl} W_{ijkl}·X_{m+i,n+j,l}."""
    parts = [W[i, j] @ X[m + i, n + j] for m in (0, 1) for n in (0, 1) for i in (0, 1) for j in (0, 1)]
    return np.stack([sum(parts[4 * k : 4 * k + 4]) for k in range(4)]).reshape(2, 2, 2)


def loss(X, W):
    return np.sum(UPSTREAM * convolved(X, W))


def by_kernel(X, W):
    """The published Σ_{mn} ∂L/∂Y_{mnk}·X_{m+i,n+j,l}."""
    found = np.zeros(W.shape)
    for i, j, k, c in np.ndindex(*W.shape):
        found[i, j, k, c] = sum(UPSTREAM[m, n, k] * X[m + i, n + j, c] for m in (0, 1) for n in (0, 1))
    return found


def by_input(X, W):
    """The published Σ_{mnl} W_{mnkl}·∂L/∂Y_{i−m,j−n,l}."""
    found = np.zeros(X.shape)
    for i, j, k in np.ndindex(*X.shape):
        for m, n, c in np.ndindex(2, 2, 2):
            if 0 <= i - m < 2 and 0 <= j - n < 2:
                found[i, j, k] += W[m, n, k, c] * UPSTREAM[i - m, j - n, c]
    return found


def other_order(X, W):
    """The same for kernels W[i, j, input, output]."""
    return loss(X, W.swapaxes(2, 3))


def first_maximum(x):
    return np.where(np.arange(x.size) == np.argmax(x), 1.0, 0.0)


GRADIENTS = [
    Statement("convolution: ∂L/∂W_{ijkl} = Σ_{mn} ∂L/∂Y_{mnk}·X_{m+i,n+j,l}", "right",
              "for kernels W[i, j, output, input]", [
        claim("∂L/∂W", lambda W: loss(IMAGE, W), lambda W: by_kernel(IMAGE, W), KERNEL),
    ]),
    Statement("∂L/∂X_{ijk} = Σ_{mnl} W_{mnkl}·∂L/∂Y_{i−m,j−n,l}", "wrong",
              "for the same kernels; it is right for W[i, j, input, output], where the first one is wrong", [
        claim("∂L/∂X", lambda X: loss(X, KERNEL), lambda X: by_input(X, KERNEL), IMAGE, "wrong"),
        claim("both together", loss, lambda X, W: (by_input(X, W), by_kernel(X, W)), [IMAGE, KERNEL], "wrong",
              "exchange axes 2 and 3 of W"),
    ], [
        claim("∂L/∂X_{ijl} = Σ W_{mnkl}·∂L/∂Y_{i−m,j−n,k}", loss,
              lambda X, W: (by_input(X, W.swapaxes(2, 3)), by_kernel(X, W)), [IMAGE, KERNEL]),
        claim("∂L/∂X, the other order", lambda X: other_order(X, KERNEL), lambda X: by_input(X, KERNEL), IMAGE),
        claim("∂L/∂W, the other order", lambda W: other_order(IMAGE, W), lambda W: by_kernel(IMAGE, W), KERNEL,
              "wrong"),
    ]),
    Statement("max pooling: ∂L/∂Xᵢ = ∂L/∂Yⱼ where i is the arg max, else 0", "in part",
              "without ties; [with ties](networks.md#pooling) there is no derivative, and the first maximum a "
              "convention", [
        claim("one maximum", np.max, first_maximum, POOL),
        fact("a derivative with a tie", "dk.gradient", lambda: dk.gradient(np.max, TIE).ok, "fails"),
    ], [
        claim("a share to each", np.max, lambda x: np.ones(4) / 4, POOL, "wrong"),
        claim("with a tie: to the first", np.max, np.array([1.0, 0.0, 0.0]), TIE),
        claim("with a tie: to the one below", np.max, np.array([0.0, 0.0, 1.0]), TIE, "wrong"),
    ]),
]  # fmt: skip

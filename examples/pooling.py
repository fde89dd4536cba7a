"""Pooling: the mean and the maximum of each window, their gradients by hand, and what happens where maxima tie.

Average: every entry gets 1/k² of the window's. Maximum: the entry that is largest gets it all, the others nothing.
Where two are largest there is no derivative. Any weights ≥ 0 on the tied entries that add up to 1 are an element of
Clarke's generalised gradient: "the first", "the last" and "equal shares" are; the full gradient to each of them is not,
though each of its entries lies between the slopes of the two sides. `check` finds the formulas that meet at the tie:
a claim is a mixture of their gradients, or there is a direction along which it has none of their slopes.
"""

import numpy as np

import diffkit as dk

SIZE = 2
WEIGHTS = np.array([[1.0, -2.0, 4.0], [0.5, 3.0, -1.5], [2.0, -0.5, 2.5]])  # ∂L/∂Y, so that L = Σ WEIGHTS·Y


def blocks(X):
    """The windows: (rows, columns, entries of a window)."""
    n, m = X.shape[0] // SIZE, X.shape[1] // SIZE
    return X.reshape(n, SIZE, m, SIZE).transpose(0, 2, 1, 3).reshape(n, m, SIZE * SIZE)


def unblocks(B):
    n, m, _ = B.shape
    return B.reshape(n, m, SIZE, SIZE).transpose(0, 2, 1, 3).reshape(n * SIZE, m * SIZE)


def average_loss(X):
    return np.sum(WEIGHTS * np.mean(blocks(X), axis=2))


def average_gradient(X):
    return np.kron(WEIGHTS, np.ones((SIZE, SIZE))) / SIZE**2


def max_loss(X):
    return np.sum(WEIGHTS * np.max(blocks(X), axis=2))


def first(X):
    return shared(X, lambda tied: np.arange(tied.shape[2]) == np.argmax(tied, axis=2)[:, :, None])


def last(X):
    return shared(X, lambda tied: np.arange(4) == 3 - np.argmax(tied[:, :, ::-1], axis=2)[:, :, None])


def equal(X):
    return shared(X, lambda tied: tied / tied.sum(axis=2, keepdims=True))


def each(X):
    return shared(X, lambda tied: tied)


def neither(X):
    return shared(X, lambda tied: tied * (tied.sum(axis=2, keepdims=True) == 1))


def shared(X, share):
    B = blocks(X)
    return unblocks(WEIGHTS[:, :, None] * share(np.max(B, axis=2, keepdims=True) == B))


X = np.random.default_rng(2).permutation(36).reshape(6, 6) / 8.0  # no two entries are equal
print("Average pooling of 6×6 in windows of 2×2")
print(f"a quarter of the window's gradient each: {dk.check(average_loss, average_gradient, at=X).verdict}")
check = dk.check(average_loss, lambda X: 4 * average_gradient(X), at=X)
print(f"all of it to each: {check.verdict}; {check.explanation}")

print("\nMax pooling where every window has one maximum")
print(f"all of it to the largest: {dk.check(max_loss, first, at=X).verdict}")
check = dk.check(max_loss, average_gradient, at=X)
print(f"the gradient of the average: {check.verdict}")

print("\nMax pooling where the first window is (5, 5, 4, 2): two entries tie")
X[:2, :2] = [[5, 5], [4, 2]]
reference = dk.gradient(max_loss, X)
print(f"entry (0, 0): {reference.statuses[0, 0]}, slopes {reference.left[0, 0]:g} and {reference.right[0, 0]:g}")
direction = np.zeros((6, 6))
direction[0, :2] = 1
both = dk.directional(max_loss, X, direction.ravel()).value
print(f"slope where both rise together: {both:g}")
for name, claim in (("the first", first), ("the last", last), ("equal shares", equal), ("all to each", each),
                    ("neither", neither)):  # fmt: skip
    check = dk.check(max_loss, claim(X), at=X)
    print(f"{name:13s} {check.verdict}, both together {np.sum(claim(X) * direction):g}", end=": ")
    if check:
        print("an element of Clarke's gradient")
    else:
        witness = check.witness
        names = ", ".join(name for name, value in witness.direction.items() if value)
        print(f"along {names} the claim gives {witness.claimed:g}, f has slope {witness.least:g}")

"""Calculus in machine learning: a line y = mx + c, its squared errors, and the way down their surface.

SSE(m, c) = Σ(yᵢ − m·xᵢ − c)² is convex: its Hessian is constant and positive definite, so the only stationary point
is the minimum. The way of steepest descent to it is not a straight line: the gradient is at right angles to the level
curves, and these are ellipses. Cost curves of networks are not convex: minima, saddles and flat parts have gradient 0.
"""

import numpy as np

import diffkit as dk

x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.0, 5.0, 6.0])


def sse(m, c):
    return np.sum((y - m * x - c) ** 2)


def by_hand(m, c):
    return -2 * np.sum((y - m * x - c) * x), -2 * np.sum(y - m * x - c)


print("A linear map y = mx + c has slope m everywhere")
for m, c in ((2, 0), (2, 1), (-1, 3)):
    print(f"m = {m}, c = {c}: dy/dx = {dk.derivative(f'{m}*x + {c}', 0.7).value:g}")

print("\nSSE at the points (1, 2), (2, 3), (3, 5), (4, 6)")
print("        " + "".join(f"c = {c:<6g}" for c in (-1, 0, 1)))
for m in (1.0, 1.4, 2.0):
    print(f"m = {m:g}  ".ljust(8) + "".join(f"{sse(m, c):<10.4g}" for c in (-1, 0, 1)))

print("\nIts gradient, −2Σ(y − mx − c)x and −2Σ(y − mx − c)")
check = dk.check(sse, by_hand, at=[1.0, 0.0])
print(f"by hand: {check.verdict}; at (1, 0): {dk.gradient(sse, [1.0, 0.0]).value.tolist()}")
hessian = dk.hessian(sse, [1.0, 0.0]).value
print(f"Hessian: {hessian.tolist()}, eigenvalues {np.round(np.linalg.eigvalsh(hessian), 4).tolist()}: convex")

best = np.linalg.solve(hessian, -dk.gradient(sse, [0.0, 0.0]).value)
print(f"minimum: m = {best[0]:.4f}, c = {best[1]:.4f}, SSE = {sse(*best):.4f}", end="; ")
print(f"gradient there: {np.round(dk.gradient(sse, best.tolist()).value, 9).tolist()}")

print("\nDescent from (0, 0), θ ← θ − 0.02·∇SSE(θ)")
theta = path = np.zeros((1, 2))
for _ in range(2000):
    theta = theta - 0.02 * np.array(by_hand(*theta[0]))
    path = np.vstack([path, theta])
for k in (0, 1, 2, 10, 100, 2000):
    print(f"step {k:4d}: m = {path[k, 0]:.4f}, c = {path[k, 1]:.4f}, SSE = {sse(*path[k]):.4f}")
length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
print(f"length of the path {length:.4f}, straight line {np.linalg.norm(path[-1] - path[0]):.4f}: it is not straight")

print("\nA cost curve that is not convex: w⁴ − 2w² + 0.3w, and saddle and flat part in two and one variables")
for at in np.real(np.roots([4, 0, -4, 0.3])):
    second = dk.derivative("w^4 - 2w^2 + 3/10*w", at, order=2).value
    value = at**4 - 2 * at**2 + 0.3 * at
    print(f"stationary at w = {at:.4f}, cost {value:.4f}: {'minimum' if second > 0 else 'maximum'} (f″ = {second:.3f})")
saddle = np.linalg.eigvalsh(dk.hessian("u^2 - v^2", (0, 0)).value)
print(f"saddle of u² − v² at 0: eigenvalues of the Hessian {saddle.tolist()}")
flat = [dk.derivative("tanh(w)^2", w).value for w in (1, 5, 10)]
print("flat part of tanh(w)²: slope " + ", ".join(f"{s:.1e} at {w}" for s, w in zip(flat, (1, 5, 10), strict=True)))

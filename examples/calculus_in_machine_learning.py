"""Calculus in machine learning: a line y = mx + c, its squared errors, and the way down their surface.

SSE(m, c) = Σ(yᵢ − m·xᵢ − c)² is convex: its Hessian is constant and positive definite, so the only stationary point
is the minimum. The way down is not a straight line. Each step leaves the line of equal cost at right angles, and these
lines are ellipses; at a rate above 1/L, with L the Hessian's largest eigenvalue, it also bounces from side to side.
Cost curves of networks are not convex: minima, saddles and flat parts have gradient 0 or nearly so.
"""

import sys

import numpy as np

import diffkit as dk

x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.0, 5.0, 6.0])


def sse(m, c):
    return np.sum((y - m * x - c) ** 2)


def by_hand(m, c):
    return -2 * np.sum((y - m * x - c) * x), -2 * np.sum(y - m * x - c)


print("A linear map y = mx + c has slope m everywhere")
for m, c in ((2, 0), (2, 1), (-1, 3)):
    print(f"m = {m}, c = {c}: the tangent at 0.7 is y = {dk.tangent(f'{m}*x + {c}', 0.7).multiplied_out}")

print("\nSSE at the points (1, 2), (2, 3), (3, 5), (4, 6)")
print("        c = -1    c = 0     c = 1")
for m in (1.0, 1.4, 2.0):
    print(f"m = {m:g}  ".ljust(8) + "".join(f"{sse(m, c):<10.4g}" for c in (-1, 0, 1)).rstrip())

print("\nIts gradient, −2Σ(y − mx − c)x and −2Σ(y − mx − c)")
check = dk.check(sse, by_hand, at=[1.0, 0.0])
print(f"by hand: {check.verdict}; at (1, 0): {dk.gradient(sse, [1.0, 0.0]).value.tolist()}")
hessian = dk.hessian(sse, [1.0, 0.0]).value
print(f"Hessian: {hessian.tolist()}, eigenvalues {np.round(np.linalg.eigvalsh(hessian), 4).tolist()}: convex")
print(dk.stationary(sse, "m=-5:5,c=-5:5"))

print("\nDescent from (3, 0), θ ← θ − α·∇SSE(θ)")
for rate in (0.005, 0.01, 0.02):
    run = dk.descend(sse, (3.0, 0.0), gradient=by_hand, rate=rate, steps=10_000, keep=1)
    moves = np.diff(run.path.points, axis=0)
    turns = np.sum(np.sum(moves[1:] * moves[:-1], axis=1) < 0)
    length, line = np.linalg.norm(moves, axis=1).sum(), np.linalg.norm(run.point - run.path.points[0])
    side = "below" if rate < run.at_start.safe_rate else "above"
    print(f"α = {rate}, {side} 1/L = {run.at_start.safe_rate:.4f}: {run.status}, ", end="")
    print(f"path {length:.3f}, straight line {line:.3f}, {turns} steps turn back")

print("\nA cost curve that is not convex, w⁴ − 2w² + 0.3w")
print(dk.stationary("w^4 - 2w^2 + 3/10*w", (-2, 2)))
print(
    "Descent from 2 ends in the local minimum, at w =",
    f"{dk.descend('w^4 - 2w^2 + 3/10*w', 2, rate=0.02).point[0]:.4f}",
)

print("\nA saddle, u² − v², and a flat part, tanh(w)² at w = 10")
print(dk.descend("u^2 - v^2", (1, 0), rate=0.1).messages[0])
print(dk.descend("tanh(w)^2", 10, rate=0.1).messages[0])

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import paths

    pictures.save(paths.picture(dk.descend(sse, (3.0, 0.0), rate=0.01, steps=1000), "contours"), sys.argv[1])

"""What is a gradient? The slope of x² at three points, the tangent there, and the gradient of two variables.

The derivative is the limit of (f(x + h) − f(x))/h. Its sign says whether f rises or falls, its size how fast, and
where it is 0 f is stationary. Close by, f(x + δ) ≈ f(x) + f′(x)·δ; what is left is ½f″(x)δ², exactly so for x².
In several variables the vector of partial derivatives points to the steepest ascent.
"""

import numpy as np

import diffkit as dk

WORDS = {-1: "f falls", 0: "f is stationary", 1: "f rises"}

print("f(x) = x² on [−1, 1] in steps of 0.1")
grid = np.linspace(-1, 1, 21)
slopes = dk.derivative("x^2", grid).value
print(f"f′ runs from {slopes[0]:g} to {slopes[-1]:g}; it is 2x at all {len(grid)} points: {np.all(slopes == 2 * grid)}")

for x in (-0.5, 0.5, 0.0):
    slope = dk.derivative("x^2", x)
    print(f"f′({x:g}) = {slope.value:.3f} ({slope.error_kind}): {WORDS[int(np.sign(slope.value))]}")

print("\nThe difference quotient of 3x² − 4x at 1 approaches 2")
for h in (0.1, 0.01, 0.001, 1e-4, 1e-5):
    quotient = (3 * (1 + h) ** 2 - 4 * (1 + h) + 1) / h
    print(f"h = {h:<7g} {quotient:.5f}")
print(f"the limit: {dk.derivative('3x^2 - 4x', 1).value:.5f}")

print("\nThe tangent at x = 0.5 as an approximation of x²")
value, slope, half_second = dk.taylor("x^2", 0.5, 2).value
print(f"tangent: y = {value:g} + {slope:g}·δ")
for delta in (0.1, 0.01):
    gap = (0.5 + delta) ** 2 - (value + slope * delta)
    print(f"δ = {delta:g}: off by {gap:.4g}, which is ½f″·δ² = {half_second * delta**2:.4g}")

print("\nThe gradient of x² + 3xy at (1, 2) points to steepest ascent")
f, at = "x^2 + 3*x*y", (1, 2)
gradient = dk.gradient(f, at).value
steepest = gradient / np.linalg.norm(gradient)
angles = np.radians(np.arange(0, 360, 15))
slopes = [dk.directional(f, at, (c, s)).value for c, s in zip(np.cos(angles), np.sin(angles), strict=True)]
print(f"gradient: ({gradient[0]:g}, {gradient[1]:g}), length {np.linalg.norm(gradient):.6f}")
print(f"slope along it: {dk.directional(f, at, steepest.tolist()).value:.6f}; in 24 other directions: at most ", end="")
print(f"{max(slopes):.6f}")
print(f"Hessian, the derivatives of the gradient: {dk.hessian(f, at).value.astype(int).tolist()}")

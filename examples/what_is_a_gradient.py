"""What is a gradient? The slope of x² at three points, the tangent there, and the gradient of two variables.

The derivative is the limit of (f(x + h) − f(x))/h. Its sign says whether f rises or falls, its size how fast, and
where it is 0 f is stationary. Close by, f(x + δ) ≈ f(x) + f′(x)·δ; what is left is ½f″(x)δ², exactly so for x².
In several variables the vector of partial derivatives points to the steepest ascent.
"""

import sys

import numpy as np

import diffkit as dk

print("f(x) = x² on [−1, 1] in steps of 0.1")
grid = np.linspace(-1, 1, 21)
slopes = dk.derivative("x^2", grid).value
print(f"f′ runs from {slopes[0]:g} to {slopes[-1]:g}; it is 2x at all {len(grid)} points: {np.all(slopes == 2 * grid)}")

for x in (-0.5, 0.5, 0.0):
    tangent = dk.tangent("x^2", x)
    print(f"f′({x:g}) = {tangent.slopes[0].value:.3f}, tangent y = {tangent.multiplied_out}")
    for words in tangent.words[: 1 if x else 2]:
        print(f"  {words}")

print("\nThe difference quotient of 3x² − 4x at 1 approaches 2")
found = dk.quotients("3x^2 - 4x", 1, steps=[0.1, 0.01, 0.001, 1e-4, 1e-5])
for step in found.steps:
    print(f"h = {step.h:<7g} {step.forward.value:.5f}")
print(f"the limit: {found.limits['forward']:.5f}")

print("\nThe rules that lead to it")
for step in dk.explain("3x^2 - 4x").steps:
    print(f"{step.rule}: {step.text}")

print("\nThe tangent of x² at 0.5 as an approximation")
for model in dk.tangent("x^2", 0.5, deltas=[0.1, 0.01]).models:
    print(f"δ = {model.delta:g}: off by {model.line_error:.4g}, which is δ² = {model.delta**2:.4g}")

print("\nThe gradient of x² + 3xy at (1, 2) points to steepest ascent")
f, at = "x^2 + 3*x*y", (1, 2)
plane = dk.tangent(f, at)
by_x, by_y = plane.slopes
print(f"gradient ({by_x.text}, {by_y.text}), length {plane.length:.6f}; plane {plane.multiplied_out}")
angles = np.radians(np.arange(0, 360, 15))
slopes = [dk.directional(f, at, (c, s)).value for c, s in zip(np.cos(angles), np.sin(angles), strict=True)]
print(f"slope along it: {dk.directional(f, at, plane.steepest).value:.6f}; in 24 other directions: at most ", end="")
print(f"{max(slopes):.6f}")
print(f"Hessian, the derivatives of the gradient: {dk.hessian(f, at).value.astype(int).tolist()}")

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import curves

    pictures.save(curves.picture_of_tangent(dk.tangent("x^2", 0.5), (-1, 1)), sys.argv[1])

"""How fast gradient descent converges on strongly convex smooth functions.

If all eigenvalues of the Hessian lie between μ and L, descent with step 1/L multiplies f − f* by at most 1 − μ/L each
time, so that f − f* falls by ε within (L/μ)·log(1/ε) steps; with step 2/(L + μ) the distance to the minimum falls by
(L − μ)/(L + μ) (Nesterov, Introductory Lectures on Convex Optimization, 2004, theorem 2.1.15). On a quadratic, a step
beyond 2/L diverges. Without strong convexity (x⁴) no such factor exists.
"""

import math
import sys

import numpy as np

import diffkit as dk

print("Quadratics ½(x² + κy²): μ = 1, L = κ; steps of 1/L until f has fallen by ε = 1e-6")
for kappa in (2, 10, 100):
    run = dk.descend(f"(x^2 + {kappa}*y^2)/2", (1, 1), rate=1 / kappa, steps=20 * kappa)
    needed, bound = run.convergence.needed, math.ceil(run.convergence.bound)
    print(f"L/μ = {run.at_end.condition:g}: {needed:g} steps, the bound (L/μ)·log(1/ε) is {bound}", end=": ")
    print(f"kept: {needed <= bound}")

print("\nThe step 2/(L + μ): the distance falls by (L − μ)/(L + μ) each time")
for kappa in (2, 10, 100):
    speed = dk.descend(f"(x^2 + {kappa}*y^2)/2", (1, 1), rate=2 / (kappa + 1), steps=100).convergence
    print(f"L/μ = {kappa}: factor {speed.observed:.6f}, promised {speed.at_best_rate:.6f}")

print("\nA step beyond 2/L diverges")
runs = [dk.descend("(x^2 + 10*y^2)/2", (1, 1), rate=rate, steps=100) for rate in (0.1, 0.19, 0.21)]
for run in runs:
    print(f"step {run.settings.rate:g}: {run.status}, |y| = {abs(run.weights['y']):.2e}")
print(runs[-1].messages[0])

print("\nNot a quadratic: log(1 + eˣ) + log(1 + e⁻ˣ) + x²/2 + y², Hessian between μ = 1 and L = 2")
f = "log(1 + exp(x)) + log(1 + exp(-x)) + x^2/2 + y^2"
eigenvalues = [np.linalg.eigvalsh(dk.hessian(f, (x, 1.0), backend="dual").value) for x in np.linspace(-4, 4, 17)]
print(f"eigenvalues at 17 points: between {np.min(eigenvalues):.4f} and {np.max(eigenvalues):.4f}")
values = dk.descend(f, (3.0, -2.0), rate=0.5, steps=40, keep=1).path.values
excess = values - 2 * math.log(2)
print(
    f"worst factor of f − f* over ten steps of 1/L: {np.max(excess[1:11] / excess[:10]):.4f}; 1 − μ/L = {1 - 1 / 2:.4f}"
)

print("\nNot strongly convex: x⁴ from 1, step 0.05")
run = dk.descend("x^4", 1, rate=0.05, steps=10_000, keep=1, tolerance=0)
for k in (10, 100, 1000, 10_000):
    x = run.path.points[k, 0]
    print(f"step {k:5d}: x = {x:.5f}, x·√(8·0.05·k) = {x * math.sqrt(0.4 * k):.4f}")

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import paths

    pictures.save(paths.compare_rates(runs), sys.argv[1])

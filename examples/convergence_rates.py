"""How fast gradient descent converges on strongly convex smooth functions.

If all eigenvalues of the Hessian lie between μ and L, descent with step 1/L multiplies f − f* by at most 1 − μ/L each
time, so that f − f* falls by ε within (L/μ)·log(1/ε) steps; with step 2/(L + μ) the distance to the minimum falls by
(L − μ)/(L + μ) (Nesterov, Introductory Lectures on Convex Optimization, 2004, theorem 2.1.15). On a quadratic, a step
beyond 2/L diverges. Without strong convexity (x⁴) no such factor exists.
"""

import math

import numpy as np

import diffkit as dk


def descend(gradient, x, step, count):
    """The points of descent, the first included."""
    path = [np.asarray(x, dtype=float)]
    for _ in range(count):
        path.append(path[-1] - step * np.asarray(gradient(path[-1])))
    return np.array(path)


print("Quadratics ½(x² + κy²): μ = 1, L = κ; steps of 1/L until f has fallen by ε = 1e-6")
for kappa in (2, 10, 100):
    f = f"(x^2 + {kappa}*y^2)/2"
    mu, largest = np.linalg.eigvalsh(dk.hessian(f, (1, 1)).value)
    path = descend(dk.prepare(f, backend="dual"), [1.0, 1.0], 1 / largest, 6 * kappa)
    values = (path[:, 0] ** 2 + kappa * path[:, 1] ** 2) / 2
    steps = int(np.argmax(values <= 1e-6 * values[0]))
    bound = math.ceil(largest / mu * math.log(1e6))
    print(f"L/μ = {largest / mu:g}: {steps} steps, the bound (L/μ)·log(1/ε) is {bound}: kept: {steps <= bound}")

print("\nThe step 2/(L + μ): the distance falls by (L − μ)/(L + μ) each time")
for kappa in (2, 10, 100):
    path = descend(dk.prepare(f"(x^2 + {kappa}*y^2)/2", backend="dual"), [1.0, 1.0], 2 / (kappa + 1), 10)
    distances = np.linalg.norm(path, axis=1)
    print(f"L/μ = {kappa}: factor {distances[10] / distances[9]:.6f}, promised {(kappa - 1) / (kappa + 1):.6f}")

print("\nA step beyond 2/L diverges")
for step in (0.19, 0.21):
    end = descend(dk.prepare("(x^2 + 10*y^2)/2", backend="dual"), [1.0, 1.0], step, 100)[-1]
    print(f"step {step:g}, 2/L = 0.2: |y| after 100 steps is {abs(end[1]):.2e}")

print("\nNot a quadratic: log(1 + eˣ) + log(1 + e⁻ˣ) + x²/2 + y², Hessian between μ = 1 and L = 2")
f = "log(1 + exp(x)) + log(1 + exp(-x)) + x^2/2 + y^2"
eigenvalues = [np.linalg.eigvalsh(dk.hessian(f, (x, 1.0), backend="dual").value) for x in np.linspace(-4, 4, 17)]
print(f"eigenvalues at 17 points: between {np.min(eigenvalues):.4f} and {np.max(eigenvalues):.4f}")
path = descend(dk.prepare(f, backend="dual"), [3.0, -2.0], 0.5, 40)
values = np.logaddexp(0, path[:, 0]) + np.logaddexp(0, -path[:, 0]) + path[:, 0] ** 2 / 2 + path[:, 1] ** 2
excess = values - 2 * math.log(2)
factors = excess[1:11] / excess[:10]
print(f"worst factor of f − f* over ten steps of 1/L: {factors.max():.4f}; 1 − μ/L = {1 - 1 / 2:.4f}")

print("\nNot strongly convex: x⁴ from 1, step 0.05")
path = descend(lambda x: 4 * x**3, 1.0, 0.05, 10000)
for k in (10, 100, 1000, 10000):
    print(f"step {k:5d}: x = {path[k]:.5f}, x·√(8·0.05·k) = {path[k] * math.sqrt(0.4 * k):.4f}")

"""Linear regression by gradient descent, on five points of a line and on noisy ones.

J(θ) = (1/m)·Σ(Xθ − y)² has gradient (2/m)·Xᵀ(Xθ − y). X needs a column of ones for the constant: with X = 1 … 5 as
one column it does not multiply a θ of length 2. Descent with α = 0.01 for 1000 steps comes near the solution of the
normal equations, but is not there yet. For ½·mean((y − wx − b)²) the gradient is (−mean((y − ŷ)x), −mean(y − ŷ)).
"""

import sys

import numpy as np

import diffkit as dk


def cost(theta, X, y):
    return np.mean((X @ theta - y) ** 2)


def gradient(theta, X, y):
    return 2 / len(y) * X.T @ (X @ theta - y)


def loss(w, b, x, y):
    return np.mean((y - (w * x + b)) ** 2) / 2


def slopes(w, b, x, y):
    rest = y - (w * x + b)
    return -np.mean(rest * x), -np.mean(rest)


print("The gradient for any size, found as a formula")
shapes = {"X": ("m", "n"), "theta": ("n",), "y": ("m",)}
print("∂/∂theta sum((X @ theta - y)**2) =", dk.matrix_derivative("sum((X @ theta - y)**2)", "theta", shapes=shapes))

print("\nX = 1 … 5, y = 1.5 … 5.5")
x, y = np.arange(1.0, 6.0), np.arange(1.5, 6.0)
X = np.column_stack([np.ones(5), x])
run = dk.descend(cost, np.zeros(2), gradient=gradient, args=(X, y), rate=0.01, steps=1000, keep=1)
print(f"gradient by hand: {run.check().verdict}")
half = dk.check(cost, lambda t, X, y: X.T @ (X @ t - y) / len(y), at=np.array([0.3, 0.4]), args=(X, y))
print(f"without the 2: {half.verdict}; {half.explanation}")
print(f"gradient at the start: {np.round(run.path.gradients[0], 12).tolist()}")
for step in (0, 1, 10, 100, 1000):
    theta = run.path.points[step]
    print(f"step {step:4d}: θ = ({theta[0]:.4f}, {theta[1]:.4f}), J = {run.path.values[step]:.6f}")
exact = np.linalg.solve(X.T @ X, X.T @ y)
print(f"normal equations: θ = ({exact[0]:.4f}, {exact[1]:.4f}), J = {abs(cost(exact, X, y)):.6f}")
speed = run.convergence
print(f"each step multiplies the gradient by {speed.observed:.6f}; predicted {speed.predicted:.6f}, as ", end="")
print(f"κ = L/μ = {run.at_end.condition:.1f}")

print("\ny = 2x + 3 + 0.5·noise at 100 random points")
rng = np.random.default_rng(42)
x = rng.uniform(0, 2, 100)
y = 2 * x + 3 + 0.5 * rng.normal(size=100)
noisy = dk.descend(loss, (0.0, 0.0), gradient=slopes, args=(x, y), rate=0.01, steps=1000, keep=100)
print(f"gradient by hand: {noisy.check().verdict}")
for step, value in zip(noisy.path.steps, noisy.path.values, strict=True):
    print(f"step {step:4d}: loss = {value:.6f}")
w, b = noisy.point
best = np.polyfit(x, y, 1)
print(f"line after 1000 steps: y = {w:.4f}·x + {b:.4f}; least squares: y = {best[0]:.4f}·x + {best[1]:.4f}")

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import paths

    pictures.save(paths.picture(run, "surface"), sys.argv[1])

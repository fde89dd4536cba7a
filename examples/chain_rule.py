"""The rules of differentiation, each checked as a formula, and the chain rule with many intermediates.

dy/dx = dy/du·du/dx; with several intermediates ∂y/∂xᵢ = Σⱼ ∂y/∂uⱼ·∂uⱼ/∂xᵢ, which is a product of Jacobians. Linear
algebra: ∇(x ↦ xᵀAx) = (A + Aᵀ)x, ∇‖x‖² = 2x, ∇‖X‖²_F = 2X; the Jacobian of Ax is A (its transpose where gradients
stand as columns).
"""

import numpy as np

import diffkit as dk

RULES = {
    "constant": ("3", "0"),
    "power": ("x^5", "5*x^4"),
    "exponential": ("exp(x)", "exp(x)"),
    "logarithm": ("log(x)", "1/x"),
    "constant multiple": ("7*sin(x)", "7*cos(x)"),
    "sum": ("sin(x) + exp(x)", "cos(x) + exp(x)"),
    "product": ("sin(x)*exp(x)", "cos(x)*exp(x) + sin(x)*exp(x)"),
    "quotient": ("sin(x)/exp(x)", "(cos(x)*exp(x) - sin(x)*exp(x))/exp(x)^2"),
    "chain": ("sin(x^2)", "cos(x^2)*2*x"),
}
print("Rules")
for name, (f, claim) in RULES.items():
    check = dk.check(f, claim, variables=["x"])
    print(f"{name:18s} ({f})′ = {claim}: {check.verdict}")
forgotten = dk.check("sin(x^2)", "cos(x^2)")
print(f"{'inner derivative forgotten':18s}: {forgotten.verdict}; {forgotten.explanation}")

print("\nMany intermediates: y = u₁·u₂ + e^u₃ with u = (x₁ + x₂, x₁·x₂, sin x₁)")
inner, outer = ["x1 + x2", "x1*x2", "sin(x1)"], "u1*u2 + exp(u3)"
at = (0.5, 2.0)
u = [dk.taylor(part, {"x1": at[0], "x2": at[1]}, 0, wrt="x1", variables=["x1", "x2"]).value[0] for part in inner]
dy_du = dk.gradient(outer, u).value
du_dx = dk.jacobian(inner, at).value
composed = dk.gradient("(x1 + x2)*x1*x2 + exp(sin(x1))", at).value
print(f"∂y/∂u = {np.round(dy_du, 6).tolist()}, ∂u/∂x = {np.round(du_dx, 6).tolist()}")
print(f"∂y/∂u·∂u/∂x = {np.round(dy_du @ du_dx, 9).tolist()}; of the composed formula {np.round(composed, 9).tolist()}")

print("\nMatrix identities at random A, x and X")
rng = np.random.default_rng(1)
A, B, x, X = rng.normal(size=(3, 3)), rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=(2, 3))
IDENTITIES = (
    ("∂(Bx)/∂x = B", lambda x: B @ x, lambda x: B, x),
    ("∇(xᵀAx) = (A + Aᵀ)x", lambda x: x @ A @ x, lambda x: (A + A.T) @ x, x),
    ("∇(xᵀAx) = 2Ax", lambda x: x @ A @ x, lambda x: 2 * A @ x, x),
    ("∇‖x‖² = 2x", lambda x: np.sum(x**2), lambda x: 2 * x, x),
    ("∇‖X‖²_F = 2X", lambda X: np.sum(X**2), lambda X: 2 * X, X),
    ("∂(Ax)/∂x = Aᵀ, gradients as rows", lambda x: A @ x, lambda x: A.T, x),
)
for name, f, claim, point in IDENTITIES:
    check = dk.check(f, claim, at=point)
    print(f"{name}: {check.verdict}" + (f"; {check.explanation}" if check.explanation else ""))

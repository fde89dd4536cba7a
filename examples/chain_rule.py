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
print("\nWhich of them lead to the derivative of eˣ·sin(x²)")
derivation = dk.explain("exp(x)*sin(x^2)")
for step in derivation.steps:
    print(f"{step.rule}: {step.text}")
print(f"together: {derivation.formula}")
forgotten = dk.check("sin(x^2)", "cos(x^2)")
print(f"the inner derivative of sin(x²) forgotten: {forgotten.verdict}; {forgotten.explanation}")

print("\nMany intermediates: y = u₁·u₂ + e^u₃ with u = (x₁ + x₂, x₁·x₂, sin x₁)")
inner, outer = ["x1 + x2", "x1*x2", "sin(x1)"], "u1*u2 + exp(u3)"
at = (0.5, 2.0)
u = [dk.taylor(part, {"x1": at[0], "x2": at[1]}, 0, wrt="x1", variables=["x1", "x2"]).value[0] for part in inner]
dy_du = dk.gradient(outer, u).value
du_dx = dk.jacobian(inner, at).value
composed = dk.gradient("(x1 + x2)*x1*x2 + exp(sin(x1))", at).value
print(f"∂y/∂u = {np.round(dy_du, 6).tolist()}, ∂u/∂x = {np.round(du_dx, 6).tolist()}")
print(f"∂y/∂u·∂u/∂x = {np.round(dy_du @ du_dx, 9).tolist()}; of the composed formula {np.round(composed, 9).tolist()}")

print("\nMatrix identities, for any size")
for text, name in (("x.T @ A @ x", "x"), ("norm(x)**2", "x"), ("norm(X)**2", "X"), ("A @ x", "x")):
    print(f"d/d{name} {text} = {dk.matrix_derivative(text, name)}")
for text in (
    "d/dx A @ x = A.T",
    "d/dx x.T @ A = A",
    "d/dx x.T @ A @ x = (A + A.T) @ x",
    "d/dx x.T @ A @ x = 2*A @ x",
    "d/dx x.T @ x = 2*x",
    "d/dX norm(X)**2 = 2*X",
):
    found = dk.check_identity(text)
    print(f"{text}: {found.verdict}" + (f"; it is {found.right}" if found.right and found.verdict != "true" else ""))
at = np.array([1.0, 2.0])
A = np.array([[1.0, 3.0], [0.0, 2.0]])
check = dk.check(lambda x: A @ x, lambda x: A.T, at=at)
print(f"Aᵀ for the Jacobian of Ax, whose rows are gradients: {check.verdict}; {check.explanation}")

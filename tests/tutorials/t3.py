"""T3 "Dive into deep learning 2.4, calculus"."""

import numpy as np

import diffkit as dk
from tutorials.statements import Statement, claim, fact, identity, number

QUOTIENTS = {0.1: "2.30000", 0.01: "2.03000", 0.001: "2.00300", 1e-4: "2.00030", 1e-5: "2.00003"}
PARABOLA = "3x^2 - 4x"
RNG = np.random.default_rng(3)
A, V, M = RNG.normal(size=(3, 3)), RNG.normal(size=3), RNG.normal(size=(2, 3))


def quotient(h):
    return f"{dk.quotients(PARABOLA, 1, steps=[h]).steps[0].forward.value:.5f}"


def is_two_plus_three_h():
    return all(
        abs(s.forward.exact - (2 + 3 * s.h)) < 1e-14 for s in dk.quotients(PARABOLA, 1, steps=list(QUOTIENTS)).steps
    )


def one_number():
    """The same number from every question that is one of these notations."""
    answers = (
        dk.derivative(PARABOLA, 1).value,
        dk.gradient(PARABOLA, 1).value[0],
        dk.taylor(PARABOLA, 1, 1).value[1],
        dk.quotients(PARABOLA, 1).limits["forward"],
        dk.explain(PARABOLA, at=1).value.value,
        float(dk.tangent(PARABOLA, 1).slopes[0].value),
    )
    return set(answers) == {2.0}


STATEMENTS = [
    Statement("(f(1 + h) − f(1))/h of f = 3x² − 4x is " + ", ".join(QUOTIENTS.values()) + " for h = 0.1, 0.01 … 10⁻⁵",
              "right",
              "it is 2 + 3h", [
        *(number(digits, "dk.quotients", lambda h=h: quotient(h)) for h, digits in QUOTIENTS.items()),
    ], [
        fact("2 + 3h", "dk.quotients", is_two_plus_three_h),
    ]),
    Statement("f′(1) = 2", "right", "", [
        claim("f′(1)", PARABOLA, np.array([2.0]), 1),
        claim("6x − 4", PARABOLA, "6*x - 4"),
    ]),
    Statement("f′ = y′ = dy/dx = df/dx = d/dx f = Df = D_x f", "right",
              "names of one thing, which is 2 in the row above", [
        fact("one number", "dk.derivative, dk.gradient, dk.taylor, dk.quotients, dk.explain, dk.tangent", one_number),
    ]),
    Statement("DC = 0", "right", "", [claim("D7 = 0", "7", "0", variables=["x"])]),
    Statement("Dxⁿ = nxⁿ⁻¹", "right", "for every n, by x; by n it is xⁿ·ln x", [
        claim("n and x", "x^n", ["x^n*log(x)", "n*x^(n-1)"]),
        claim("n = 7", "x^7", "7*x^6"),
        claim("n = 5/2", "x^(5/2)", "5/2*x^(3/2)", 1.3),
    ]),
    Statement("Deˣ = eˣ", "right", "", [claim("eˣ", "exp(x)", "exp(x)")]),
    Statement("D ln x = 1/x", "right", "for x > 0", [
        claim("ln x", "log(x)", "1/x"),
    ], [
        fact("for x > 0 only", "dk.check", lambda: "true for x > 0 only" in dk.check("log(x)", "1/x").scope),
        claim("D ln |x| = 1/|x|", "log(abs(x))", "1/abs(x)", None, "wrong"),
    ]),
    Statement("constant-multiple rule, sum rule", "right", "", [
        claim("constant multiple", "3*sin(x)", "3*cos(x)"),
        claim("sum", "sin(x) + exp(x)", "cos(x) + exp(x)"),
    ]),
    Statement("product rule", "right", "", [
        claim("product", "sin(x)*exp(x)", "sin(x)*exp(x) + exp(x)*cos(x)"),
    ], [
        claim("product of the derivatives", "sin(x)*exp(x)", "cos(x)*exp(x)", None, "wrong",
              "add sin(x) times the derivative of exp(x)"),
    ]),
    Statement("quotient rule", "right", "", [
        claim("quotient", "sin(x)/exp(x)", "(exp(x)*cos(x) - sin(x)*exp(x))/exp(x)^2"),
    ], [
        claim("terms exchanged", "sin(x)/exp(x)", "(sin(x)*exp(x) - exp(x)*cos(x))/exp(x)^2", None, "wrong",
              "change the sign"),
    ]),
    Statement("dy/dx = dy/du·du/dx", "right", "", [
        claim("sin(x²)", "sin(x^2)", "cos(x^2)*2*x"),
    ], [
        claim("without du/dx", "sin(x^2)", "cos(x^2)", None, "wrong", "the derivative of x**2"),
    ]),
    Statement("∂y/∂xᵢ = Σⱼ ∂y/∂uⱼ·∂uⱼ/∂xᵢ", "right", "", [
        claim("y = (a + b)·ab", "(a + b)*(a*b)", ["1*(a*b) + (a + b)*b", "1*(a*b) + (a + b)*a"]),
    ], [
        claim("one u left out", "(a + b)*(a*b)", ["a*b", "a*b"], None, "wrong", "times the derivative of a*b"),
    ]),
    Statement("∇ₓAx = Aᵀ", "in part",
              "a convention: right where the gradient of each output is a column; where it is a "
              "row, as in diffkit's Jacobians, it is A", [
        identity("d/dx A @ x = A.T"),
        claim("a gradient in each row", lambda x: A @ x, lambda x: A.T, V, "wrong", "transpose"),
    ], [
        claim("rows, A", lambda x: A @ x, lambda x: A, V),
    ]),
    Statement("∇ₓxᵀA = A", "in part", "the same convention", [
        identity("d/dx x.T @ A = A"),
        claim("a gradient in each row", lambda x: x @ A, lambda x: A, V, "wrong", "transpose"),
    ], [
        claim("rows, Aᵀ", lambda x: x @ A, lambda x: A.T, V),
    ]),
    Statement("∇ₓxᵀAx = (A + Aᵀ)x", "right", "2Ax is right for symmetric A only", [
        identity("d/dx x.T @ A @ x = (A + A.T) @ x"),
        claim("at random A and x", lambda x: x @ A @ x, lambda x: (A + A.T) @ x, V),
    ], [
        claim("2Ax", lambda x: x @ A @ x, lambda x: 2 * A @ x, V, "wrong"),
        claim("2Ax, A symmetric", lambda x: x @ (A + A.T) @ x, lambda x: 2 * (A + A.T) @ x, V),
        identity("d/dx x.T @ A @ x = 2*A @ x", "false"),
    ]),
    Statement("∇ₓ‖x‖² = ∇ₓxᵀx = 2x", "right", "", [
        identity("d/dx norm(x)^2 = 2*x"),
        identity("d/dx x.T @ x = 2*x"),
        claim("at a random x", lambda x: x @ x, lambda x: 2 * x, V),
    ]),
    Statement("∇_X‖X‖²_F = 2X", "right", "", [
        identity("d/dX norm(X)^2 = 2*X"),
        claim("at a random X", lambda X: np.sum(X**2), lambda X: 2 * X, M),
    ], [
        claim("2Xᵀ", lambda X: np.sum(X**2), lambda X: 2 * X.T, M, "wrong", "transpose"),
    ]),
]  # fmt: skip

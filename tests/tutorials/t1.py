"""T1 "What is a gradient in machine learning"."""

import math
from itertools import pairwise

import numpy as np

import diffkit as dk
from tutorials.statements import Statement, claim, fact, number

SLOPES = {-0.5: "-1.000", 0.5: "1.000", 0.0: "0.000"}


def limit_is_reached():
    steps = dk.quotients("x^2", 0.5, steps=[10.0**-k for k in range(1, 7)]).steps
    errors = [abs(step.forward.error) for step in steps]
    return all(b < a / 9 for a, b in pairwise(errors)) and errors[-1] < 2e-6


def slopes_on_the_grid():
    grid = np.arange(-10, 11) / 10
    return np.allclose(dk.derivative("x^2", grid).value, 2 * grid, rtol=1e-15, atol=0)


def model_is_of_second_order():
    models = dk.tangent("exp(x)", 0.7, deltas=[1e-2, 1e-3]).models
    return models[1].line_error / models[0].line_error


def error_of_line():
    """The error of the line is ½f″δ² up to δ³."""
    (model,) = dk.tangent("exp(x)", 0.7, deltas=[1e-3]).models
    return math.isclose(model.line_error, math.exp(0.7) / 2 * 1e-6, rel_tol=1e-3)


def steepest_is_the_gradient():
    f, at = "x^2 + 3*x*y", (1, 2)
    gradient = dk.gradient(f, at).value
    angles = np.radians(np.arange(0.0, 360.0, 5.0))
    slopes = [dk.directional(f, at, (math.cos(t), math.sin(t)), backend="dual").value for t in angles]
    best = angles[int(np.argmax(slopes))]
    gap = abs(math.atan2(gradient[1], gradient[0]) - best)
    return gap <= math.radians(2.5) and max(slopes) <= np.linalg.norm(gradient)


def changes_by_the_slope():
    models = dk.tangent("x^2", 0.5, deltas=[1e-2, 1e-3]).models
    return all(math.isclose(model.value - 0.25, 1.0 * model.delta, rel_tol=0.02) for model in models)


def kind(f):
    return dk.stationary(f, (-1, 1)).points[0].kind


STATEMENTS = [
    Statement("the derivative is the limit of (f(x + h) − f(x))/h", "right",
              "the error falls with h, until rounding takes over", [
        fact("x² at 0.5", "dk.quotients", limit_is_reached),
    ], [
        fact("rounding takes over", "dk.quotients", lambda: dk.quotients("x^2", 0.3).takeover("forward") < 1e-6),
    ]),
    Statement("f(x) = x² on [−1, 1] in steps of 0.1: " + ", ".join(f"f′({x:g}) = {s}" for x, s in SLOPES.items()),
              "right", "f′ = 2x", [
        *(number(digits, "dk.derivative",
                 lambda x=x: f"{dk.derivative('x^2', x).value:.3f}") for x, digits in SLOPES.items()),
        claim("(x²)′ = 2x", "x^2", "2*x"),
        fact("on the grid", "dk.derivative", slopes_on_the_grid),
    ], [
        claim("a plus for the minus", "x^2", np.array([1.0]), -0.5, "wrong"),
    ]),
    Statement("a positive derivative: f rises; a negative one: f falls", "right", "", [
        fact("positive", "dk.tangent", lambda: "f is rising" in dk.tangent("x^2", 0.5).words[0]),
        fact("negative", "dk.tangent", lambda: "f is falling" in dk.tangent("x^2", -0.5).words[0]),
    ]),
    Statement("its size says how fast", "right", "a small step δ changes f by about f′·δ", [
        fact("f(x + δ) − f(x) against f′·δ", "dk.tangent", changes_by_the_slope),
    ]),
    Statement("where it is 0 f is stationary: a minimum or a maximum", "in part", "x³ at 0 is neither", [
        fact("x²", "dk.stationary", lambda: kind("x^2") == "minimum"),
        fact("−x²", "dk.stationary", lambda: kind("-x^2") == "maximum"),
        fact("x³", "dk.stationary", lambda: kind("x^3") in ("minimum", "maximum"), "fails"),
    ]),
    Statement("f(x + δ) ≈ f(x) + f′(x)·δ", "right", "the error is ½f″(x)·δ² and smaller terms", [
        fact("a tenth of δ leaves a hundredth of the error", "dk.tangent",
             lambda: math.isclose(model_is_of_second_order(), 0.01, rel_tol=0.02)),
    ], [
        fact("½f″δ²", "dk.tangent", error_of_line),
    ]),
    Statement("the second derivative is the rate of change of the rate of change", "right", "", [
        claim("(x²)″ = 2", "x^2", "2", kind="hessian"),
        claim("(2x)′ = 2", "2*x", "2"),
    ]),
    Statement("the gradient points to steepest ascent", "right", "where it is not 0", [
        fact("x² + 3xy at (1, 2) against 72 directions", "dk.directional", steepest_is_the_gradient),
    ], [
        fact("no direction where it is 0", "dk.tangent", lambda: dk.tangent("x^2 + y^2", (0, 0)).steepest is None),
    ]),
    Statement("finite differences, symbolic differentiation (SymPy), automatic differentiation (JAX, TensorFlow) or an "
              "online service give derivatives", "right",
              "the first three agree, each within [its own error](../reading_a_comparison.md); a service is not "
              "asked here", [
        fact("sin(x)·eˣ at 1", "dk.compare", lambda: dk.compare("sin(x)*exp(x)", 1).verdict == "agree"),
    ]),
    Statement("not every function is differentiable", "right", "|x| at 0 has the slopes −1 and 1", [
        fact("|x| at 0", "dk.derivative", lambda: dk.derivative("abs(x)", 0).status == "not_differentiable"),
    ], [
        fact("slopes −1 and 1", "dk.derivative",
             lambda: (dk.derivative("abs(x)", 0).left, dk.derivative("abs(x)", 0).right) == (-1, 1)),
    ]),
]  # fmt: skip

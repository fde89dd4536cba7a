"""What is nested deeply goes to SymPy some levels at a time, joined by the chain rule."""

import pytest

import diffkit as dk

LEVELS = ("sin(x*exp(", "sin(", "sqrt(1+", "1/(2+", "where(x > 0, tanh(", "abs(x*")
"""what each level of a formula begins with"""


def nested(level, depth, inner="x*y"):
    end = {"where(x > 0, tanh(": "), x)"}.get(level, ")" * level.count("("))
    limits = dk.Limits(parentheses=10 * depth + 200, depth=10 * depth + 400)
    return dk.parse(level * depth + inner + end * depth, ("x", "y"), limits)


@pytest.mark.parametrize("depth", [12, 60, 400])
@pytest.mark.parametrize("level", LEVELS)
def test_deep_formulas_have_the_derivatives_of_the_rules(level, depth):
    f = nested(level, depth)
    for point in ((0.7, 0.3), (1.2, -0.4)):
        found, known = dk.gradient(f, point, backend="symbolic"), dk.gradient(f, point, backend="dual")
        assert found.ok is known.ok
        if known.ok:
            assert found.value == pytest.approx(known.value, rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("level", ["sin(x*", "sqrt(1+"])
def test_second_derivatives_of_deep_formulas(level):
    f = nested(level, 120)
    found, known = (dk.hessian(f, (0.7, 0.3), backend=backend) for backend in ("symbolic", "dual"))
    assert found.value == pytest.approx(known.value, rel=1e-13, abs=1e-300)


def test_what_is_too_long_is_still_refused():
    with pytest.raises(dk.LimitError, match="operations are too many for SymPy"):
        dk.gradient(nested("sin(", 31_000), (0.7, 0.3), backend="symbolic")

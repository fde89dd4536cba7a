"""|u| of a u with branches: SymPy would take the sign of one branch for that of all, and is not asked."""

import pytest
import sympy

import diffkit as dk
from diffkit.core.table import table

INNER = ("where(x==0, 1, sin(x)/x) - 1/2", "sinc(x)", "(where(x > 1, x, 2) - 3)/4", "where(x > 1, x^2/9, x/3)",
         "x*log(x) - 1/5", "x + sinc(x)")  # fmt: skip
POINTS = (0.6, 1.7, 3.9)
ROWS = [row for row in table if row.callable and len(row.arguments) == 1 and not row.truth and not row.steps]


def assert_right(text, at):
    """The symbolic derivative is what is proven, wherever both are known."""
    proven = dk.derivative(text, at)
    found = dk.derivative(text, at, backend="symbolic")
    if proven.ok and found.ok:
        assert found.value == pytest.approx(proven.value, rel=1e-9, abs=1e-12), (text, at)
    return proven.ok and found.ok


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_function_of_branches_within_an_absolute_value(row):
    seen = [assert_right(f"abs({row.name}({u}) - 1/4)", at) for u, at in zip(INNER, POINTS * 2, strict=False)]
    assert any(seen)


@pytest.mark.parametrize("at", POINTS)
@pytest.mark.parametrize("text", [f"{outer.format(u)}" for u in INNER for outer in ("abs({})", "abs({})^3*x")])
def test_absolute_values_of_branches(text, at):
    assert assert_right(text, at)
    (symbol,) = (expression := dk.parse(text).sympy).free_symbols
    assert float(expression.subs(symbol, sympy.Rational(at))) == pytest.approx(
        dk.derivative(f"({text})*q", {"x": at, "q": 1.0}, wrt="q").value
    )


@pytest.mark.parametrize("text", ["abs(sinc(x)-1)", "x*abs(sinc(x)-1)", "abs(sinc(2*x)-1)", "log(abs(sinc(x)-1))"])
def test_a_derivation_of_them_is_proven(text):
    derived = dk.explain(text)
    for at in POINTS:
        assert dk.derivative(f"({derived.formula})*q", {"x": at, "q": 1.0}, wrt="q").value == pytest.approx(
            dk.derivative(text, at).value
        )


def test_a_wrong_zero_is_not_simplified_to():
    for claim, verdict in (("sinc(x) - 1", "wrong"), ("1 - sinc(x)", "correct")):
        assert dk.check("z*abs(sinc(x) - 1)", claim, at={"x": 2.0, "z": 1.0}, wrt="z").verdict == verdict

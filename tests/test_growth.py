"""Points behind which an argument tends to infinity: what the growth of each row decides there."""

import math
from itertools import product

import pytest

import diffkit as dk
from diffkit.core.program import run
from diffkit.core.table import table
from diffkit.numbers.multiprecision import multiprecision

DIGITS = multiprecision(120)
INNER = ("1/x", "1/x**2", "-1/x**2", "1/x**3", "-1/abs(x)", "1/sin(x)")
ROWS = [row.name for row in table if row.callable and len(row.arguments) == 1 and not row.truths]
AT_INFINITY = {
    "exp(-abs({0}))": 0, "1/cosh({0})": 0, "1/sinh({0})": 0, "tanh({0}**2)": 1, "erf({0}**2)": 1, "sigmoid({0}**2)": 1,
    "exp(-{0}**2)": 0, "expm1(-{0}**2)": -1, "erfc({0}**2)": 0, "gelu(-{0}**2)": 0, "silu(-{0}**2)": 0,
    "atan({0}**2)": math.pi / 2, "softplus(-{0}**2)": 0, "1/gamma({0}**2)": 0, "{0}*exp(-{0}**2)": 0,
    "hypot(1, {0})/abs({0})": 1, "floor({0})/{0}": 1,
    "log({0}**2)/{0}": 0, "asinh({0})/{0}": 0, "acosh({0}**2)/{0}": 0, "sin({0})/{0}": 0, "log1p({0}**2)/{0}": 0,
    "loggamma({0}**2)/{0}**3": 0, "digamma({0}**2)/{0}": 0, "polygamma(1, {0}**2)": 0, "besselj(2, {0})/{0}": 0,
    "{0}/log({0}**2)/{0}**2": 0, "atan2(1, {0}**2)": 0, "sqrt({0}**2 + 1)/abs({0})": 1, "log2({0}**2)/{0}": 0,
    "logsumexp({0}**2, 3)/{0}**2": 1, "cbrt({0})/{0}": 0, "1/{0}": 0, "ceil({0})/{0}": 1, "cos({0})/{0}**2": 0,
}  # fmt: skip
"""Texts of a variable that tends to ±∞, with their limits."""


@pytest.mark.parametrize("text", AT_INFINITY)
def test_limits_at_infinity(text):
    """Removable points behind 1/x and its like: the limit of a row where its argument tends to infinity."""
    limit = AT_INFINITY[text]
    for inner in ("1/x", "-1/x", "1/x**3", "1/sin(x)", "1/(exp(x) - 1)"):
        result = dk.derivative(text.format(f"({inner})"), 0)
        assert (result.status, result.limit) == ("domain_error", limit), inner
        assert "removable" in result.message


@pytest.mark.parametrize("name", ROWS)
def test_no_limit_of_a_row_is_made_up(name):
    """Whatever is said of xᵏ·row(…) at 0 is what its values at 1e-20 and 1e-21 to both sides say."""
    context = DIGITS.context
    for inner, power in product(INNER, (0, 1, 3)):
        text = f"x**{power}*{name}({inner})" if power else f"{name}({inner})"
        program = dk.parse(text, ("x",)).program
        result = dk.derivative(text, 0)
        assert result.status in ("domain_error", "pole"), text
        near = [run(program, DIGITS, [context.mpf(side) * 10**-k])[0] for side in (1, -1) for k in (20, 21)]
        if result.limit is not None:
            known = [value for value in near if context.isfinite(value)]
            assert all(abs(value - result.limit) < 1e-5 * (1 + abs(result.limit)) for value in known), text
        if result.status == "pole":
            assert all(not context.isfinite(value) or abs(value) > 1e6 for value in near), text


UNTOLD = ["1/log(x**2)", "x*tanh(log(x**2))", "x*log(abs(x))", "abs(x)/log(abs(x))"]


@pytest.mark.parametrize("text", UNTOLD)
def test_a_bound_decides_no_slope(text):
    assert dk.derivative(f"where(x == 0, 0, {text})", 0).status == "uncertain"


def test_slopes_behind_infinity():
    assert dk.derivative("where(x == 0, 0, x*atan(1/x))", 0).status == "not_differentiable"
    assert dk.derivative("where(x == 0, 0, x**2*asinh(1/x))", 0).value == 0.0
    assert dk.derivative("where(x == 0, 0, x**2*floor(1/x))", 0).value == 1.0

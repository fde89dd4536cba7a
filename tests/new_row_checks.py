"""What every part of diffkit makes of the rows that tests/new_rows.py adds, against the truth by mpmath."""

import math
import pickle
import re
from fractions import Fraction

import pytest

CHECKS = {}
"""what is checked, by the name of the part"""


def knows(part):
    """Register the check of a part."""
    return lambda check: CHECKS.setdefault(part, check)


# The truth, by mpmath with 60 digits ------------------------------------------------------------------------------


def truth(name, order, at):
    """The derivative of a new function at a number."""
    import mpmath

    with mpmath.workdps(80):
        x = mpmath.mpf(at)
        if name == "exprel":  # ∫₀¹ tⁿ exp(t·x) dt
            return mpmath.hyp1f1(order + 1, order + 2, x) / (order + 1)
        return mpmath.diff(lambda t: mpmath.sqrt(1 + t) / t, x, order)


def near(value, right, rel=1e-13):
    """Whether a value is right."""
    assert abs(value - float(right)) <= rel * max(1e-300, abs(float(right))), f"{value!r} is not {float(right)!r}"


def both(check):
    """Check at ordinary points of both functions, and at the removable point and near it."""
    for name, points in (("flare", (-0.7, 0.3, 40.0)), ("exprel", (-3.0, -1e-9, 0.0, 1e-5, 0.2, 0.25, 5.0))):
        for at in points:
            check(name, at)


# Text -------------------------------------------------------------------------------------------------------------


@knows("parser and printer")
def _():
    import diffkit as dk

    for text in ("flare(x)", "2*exprel(x**2) - flr(x)", "exprel_series(2, x)"):
        assert str(dk.parse(str(dk.parse(text)))) == str(dk.parse(text))
    assert str(dk.parse("flr(x)")) == "flare(x)"
    assert dk.parse("exprel(0) + x").program == dk.parse("1 + x").program


@knows("hints")
def _():
    import diffkit as dk

    for wrong, right in (("exprl(x)", "exprel"), ("flar(x)", "flare"), ("exprel2x + x", "exprel(2x)")):
        with pytest.raises(dk.ParseError, match=re.escape(right)):
            dk.parse(wrong)


@knows("LaTeX")
def _():
    from diffkit.core.text import parse_program
    from diffkit.core.text.latex import latex

    assert latex(parse_program("flare(x)")) == "\\operatorname{fl}\\left(x\\right)"
    assert latex(parse_program("exprel(x)")) == "\\operatorname{exprel}\\left(x\\right)"
    assert latex(parse_program("exprel_series(2, x)")) == "\\operatorname{exprel}^{(2)}\\left(x\\right)"


@knows("documentation")
def _():
    from click.testing import CliRunner

    from diffkit.cli.commands import cli

    for name, words in (("flare", ("√(1 + x)/x", "domain ends at x = −1", "pole at x = 0", "sqrt(1 + x)/x")),
                        ("exprel", ("by its power series at x = 0", "expm1(x)/x"))):  # fmt: skip
        shown = CliRunner().invoke(cli, ["functions", name]).output
        assert all(word in shown for word in words), shown
        assert name in CliRunner().invoke(cli, ["functions"]).output


@knows("pickles")
def _():
    import diffkit as dk

    assert pickle.loads(pickle.dumps(dk.parse("exprel(x)*flare(x)"))).program == dk.parse("exprel(x)*flare(x)").program


@knows("code in other languages")
def _():
    import diffkit as dk

    for name, points in (("flare", (-0.7, 0.3, 40.0)), ("exprel", (-3.0, -1e-9, 0.0, 1e-5, 0.2, 5.0))):
        space = {}
        exec(dk.code(f"{name}(x)", "derivative", "python").source, space)
        for at in points:
            near(space["derivative"](at), truth(name, 1, at))
        assert f"C has no {name}" in str(dk.code(f"x*{name}(x)", "derivative", "c"))


# Numbers ----------------------------------------------------------------------------------------------------------


@knows("floats, arrays and pairs")
def _():
    import numpy as np

    from diffkit.core.table import table
    from diffkit.numbers.arrays import ARRAYS
    from diffkit.numbers.doubles import DOUBLES
    from diffkit.numbers.floats import FLOATS

    def check(name, at):
        right = truth(name, 0, at)
        near(FLOATS.apply(table[name], (at,)), right, 1e-15)
        near(DOUBLES.apply(table[name], ((at, 0.0),))[0], right, 1e-15)
        with np.errstate(all="ignore"):
            near(ARRAYS.apply(table[name], (np.array([at, at]),))[1], right, 1e-15)

    both(check)


@knows("duals and Taylor series")
def _():
    from diffkit.core.table import table
    from diffkit.numbers.duals import DualAlgebra
    from diffkit.numbers.floats import FLOATS
    from diffkit.numbers.multiprecision import multiprecision
    from diffkit.numbers.taylor import TaylorAlgebra

    digits = multiprecision(60)

    def check(name, at):
        duals, series = DualAlgebra(FLOATS), TaylorAlgebra(digits)
        near(duals.apply(table[name], [duals.variable(at, "x")]).tangents["x"], truth(name, 1, at), 1e-9)
        found = series.apply(table[name], [series.variable(digits.number(at))])
        for n in range(5):
            value, right = found.coefficient(n) * math.factorial(n), truth(name, n, at)
            assert abs(value - right) <= 1e-30 * max(1, abs(right)), (name, at, n)

    both(check)


@knows("balls and series over balls")
def _():
    from flint import arb, arb_series

    from diffkit.core.table import table
    from diffkit.numbers.balls import ball_function, precision, series_function

    def check(name, at):
        with precision(512, 5):
            ball, series = ball_function(table[name])(arb(at)), series_function(table[name])(arb_series([at, 1]))
            for n in range(5):
                value, right = series[n] * math.factorial(n), truth(name, n, at)
                assert value.rad() < 1e-30
                assert abs(float(value.mid()) - float(right)) <= 1e-15 * abs(float(right))
            assert ball.overlaps(series[0])

    both(check)
    with precision(160):
        assert ball_function(table["exprel"])(arb(0, 2.0**-100)).rad() < 1e-29  # about the removable point
        assert not ball_function(table["flare"])(arb(0, 1)).is_finite()


@knows("hulls")
def _():
    from diffkit.core.table import table
    from diffkit.numbers.balls import precision
    from diffkit.numbers.intervals import ball, ends, hull_function

    with precision(80):
        for name, low, high in (("exprel", -2.0, 1.5), ("flare", 0.5, 0.625), ("flare", -0.75, -0.625)):
            found = ends(hull_function(table[name])(ball(low, high)))
            right = sorted(float(truth(name, 0, x)) for x in (low, high))
            assert found[0] <= right[0]
            assert right[1] <= found[1]
            assert found[1] - found[0] <= 1.5 * (right[1] - right[0]), (name, found, right)


@knows("one-sided series at the special points")
def _():
    import diffkit as dk

    assert (dk.derivative("exprel(x)*abs(x)", 0).left, dk.derivative("exprel(x)*abs(x)", 0).right) == (-1, 1)
    assert dk.derivative("(exprel(x) - 1)*abs(x)", 0).value == 0
    for text, limit in (("(exprel(x) - 1)/x", 0.5), ("x*flare(x)", 1.0), ("x*exprel(x)/(exprel(x) - 1)", 2.0)):
        found = dk.derivative(text, 0)
        assert (found.status, found.limit) == ("domain_error", limit), (text, found)
    kink = dk.derivative("max(exprel(x), 1)", 0)
    assert (kink.status, kink.left, kink.right) == ("not_differentiable", 0.0, 0.5)
    for text, at, status in (("flare(x)", -1, "domain_error"), ("flare(x)", -2, "domain_error"),
                             ("flare(x)", 0, "pole"), ("1/flare(x)", 0, "domain_error")):  # fmt: skip
        assert dk.derivative(text, at).status == status
    assert dk.derivative("(1 + x)*flare(x)", -1).status == "domain_error"
    assert dk.derivative("flare(abs(x) - 1)**3", 0).value == 0  # (√|x|)³ at the edge


# Derivatives ------------------------------------------------------------------------------------------------------


@knows("symbolic, finite, dual, reverse and proven values")
def _():
    import diffkit as dk

    def check(name, at):
        for backend, orders, rel in (("auto", 5, 2e-16), ("dual", 4, 1e-9), ("finite", 3, 1e-7)):
            for order in range(1, orders):
                found = dk.derivative(f"{name}(x)", at, order=order, backend=backend)
                assert found.ok, (name, at, backend, order, found.message)
                near(found.value, truth(name, order, at), rel)
        near(dk.gradient(f"{name}(x)", [at], backend="reverse").value[0], truth(name, 1, at), 1e-9)
        if at == 0 or abs(at) > 0.1:
            for order in (1, 2, 3):
                near(
                    dk.derivative(f"{name}(x)", at, order=order, backend="symbolic").value, truth(name, order, at), 1e-9
                )
        assert dk.compare(f"{name}(x)", at).verdict == "agree" or 0 < abs(at) < 1e-4

    both(check)
    near(dk.derivative("exprel(exp(x) - e)", 1).value, math.e / 2)  # a removable point that no binary64 hits exactly


@knows("removable points of other kinds")
def _():
    """Beside an edge, of second order, with poles in the complex plane, and away from 0: values by the definition."""
    import mpmath

    import diffkit as dk
    from diffkit.core.table import Place, removable, table

    edge = Place("edge", lambda F, x: x, "x = 0")
    bernoulli = [Fraction(*map(int, mpmath.bernfrac(k))) / math.factorial(k) for k in range(200)]
    for name, definition, partial, coefficient, at, places in (
        ("logratio", lambda F, x: F.log(x) / (x - 1), lambda F, x, y: (1 / x - y) / (x - 1),
         lambda k: Fraction((-1) ** k, k + 1), 1, (edge,)),
        ("versine", lambda F, x: 2 * F.sin(x / 2) ** 2 / x**2, lambda F, x, y: (F.sin(x) - 2 * x * y) / x**2,
         lambda k: Fraction((-1) ** (k // 2) * (1 - k % 2), math.factorial(k + 2)), 0, ()),
        ("todd", lambda F, x: x / F.expm1(x), lambda F, x, y: (1 - y * F.exp(x)) / F.expm1(x),
         lambda k: bernoulli[k], 0, ()),
    ):  # fmt: skip
        table.add(name, "x", f"for a test: {name}", definition=definition, partials=(partial,),
                  places=(*places, removable(coefficient, at=at)), points=(at + 0.5,))  # fmt: skip
        exact = {"logratio": lambda x: mpmath.log(x) / (x - 1), "versine": lambda x: (1 - mpmath.cos(x)) / x**2,
                 "todd": lambda x: x / mpmath.expm1(x)}[name]  # fmt: skip
        for x in (at, at + 1e-12, at - 1e-5, at + 0.2, at - 0.25, at + 0.25, at + 3.0):
            for order in (1, 2, 3, 5):
                if x == at:
                    right = coefficient(order) * math.factorial(order)
                else:
                    with mpmath.workdps(200):
                        right = mpmath.diff(exact, mpmath.mpf(x), order, h=mpmath.mpf(10) ** -30)
                found = dk.derivative(f"{name}(x)", x, order=order)
                assert found.ok
                near(found.value, right, 3e-16)
                near(dk.derivative(f"{name}(x)", x, order=order, backend="dual").value, right, 1e-6)
        symbolic = dk.derivative(f"{name}(x)", at, order=2, backend="symbolic")
        near(symbolic.value, 2 * coefficient(2))
    near(dk.gradient("logratio(exp(x))*todd(x*y)", [0.0, 2.0]).value[0], -1.5)
    assert dk.derivative("abs(todd(x) - 1)", 0).right == 0.5
    assert dk.derivative("logratio(x)", 0).status == "domain_error"


@knows("prepared calls")
def _():
    import numpy as np

    import diffkit as dk

    prepared = dk.prepare("exprel(x)*flare(y)")
    found = prepared(np.array([[0.0, 0.5], [2.0, 40.0]]))
    near(found[0, 0], 0.5 * truth("flare", 0, 0.5))
    near(found[1, 1], truth("exprel", 0, 2.0) * truth("flare", 1, 40.0))


@knows("SymPy")
def _():
    import sympy

    import diffkit as dk

    x = sympy.Symbol("x", real=True)
    expression = dk.parse("exprel(x) + flare(x)").sympy
    near(float(expression.subs(x, sympy.Rational(1, 5))), truth("exprel", 0, 0.2) + truth("flare", 0, 0.2))
    assert dk.parse("exprel(x)").sympy.subs(dk.parse("exprel(x)").sympy.free_symbols.pop(), 0) == 1


@knows("NumPy code")
def _():
    import numpy as np
    import scipy.special

    import diffkit as dk

    for at in (0.0, 1e-7, 0.2, 3.0):
        found = dk.derivative(lambda t: scipy.special.exprel(t), at)
        assert found.ok
        near(found.value, truth("exprel", 1, at))
    found = dk.gradient(lambda v: np.sum(scipy.special.exprel(v)), np.array([0.0, 2.0]))
    near(found.value[0], 0.5)
    near(found.value[1], truth("exprel", 1, 2.0))


# Lessons ----------------------------------------------------------------------------------------------------------


@knows("explain")
def _():
    import diffkit as dk

    for text, at in (("exprel(x**2)", 0.8), ("x*flare(2*x)", 0.3)):
        steps = dk.explain(text)
        assert all(step.evidence.points for step in steps.steps)
        derived = dk.derivative(f"({steps.formula})*y", {"x": at, "y": 1.0}, wrt="y")
        near(derived.value, dk.derivative(text, at).value, 1e-9)
        assert "series" not in steps.formula


@knows("stationary")
def _():
    import diffkit as dk

    found = dk.stationary("exprel(x)*(x - 2)", box={"x": (-3, 3)})
    assert found.complete
    assert [p.point for p in found.points] == [(0.0,)]
    found = dk.stationary("flare(x) + x", box={"x": (-0.9, 4)})
    assert found.complete
    slopes = [float(truth("flare", 1, p.point[0])) + 1 for p in found.points]
    assert len(slopes) == 1
    assert abs(slopes[0]) < 1e-12


@knows("tangent, Taylor polynomial and quotients")
def _():
    import diffkit as dk

    near(dk.tangent("exprel(x)", 0).slopes[0].value, 0.5)
    for k, c in enumerate(dk.taylor("exprel(x)", 0, 6).value):
        near(c, 1 / math.factorial(k + 1))
    assert dk.quotients("flare(x)", 0.5).derivative.ok


@knows("matrices, elementwise")
def _():
    import numpy as np

    import diffkit as dk

    for text in ("sum(exprel(A@x))", "sum(flare(A@x))", "sum(exprel(x)*flare(x))"):
        found = dk.matrix_derivative(text, wrt="x")
        assert found.trials >= 20, text
    assert dk.matrix_derivative("sum(exprel(x))", wrt="x").formula == "(exp(x) - exprel(x))/x"
    found = dk.gradient(dk.arrays("sum(exprel(A@x))", A=np.eye(2)), np.array([0.0, 2.0]))
    near(found.value[0], 0.5)
    near(found.value[1], truth("exprel", 1, 2.0))


@knows("check and its repairs")
def _():
    import diffkit as dk

    assert dk.check("exprel(x)", "(exp(x) - exprel(x))/x", at=0.3).verdict == "correct"
    assert dk.check("flare(x)", "-(x + 2)/(2*x^2*sqrt(1 + x))", at=0.3).verdict == "correct"
    assert dk.check("exprel(x)", lambda t: 0.5, at=0.0, beside=0).verdict == "correct"
    for text, claim in (("exprel(3*x)", "(exp(3*x) - exprel(3*x))/(3*x)"),
                        ("flare(3*x)", "-(3*x + 2)/(2*(3*x)^2*sqrt(1 + 3*x))")):  # fmt: skip
        found = dk.check(text, claim, at=0.3)
        assert found.verdict == "wrong"
        assert found.explanation is not None
        assert "3" in str(found.explanation)

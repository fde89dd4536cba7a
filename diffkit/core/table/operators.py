"""Rows of operators: arithmetic, roots and steps; comparisons, conditions and choices."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

from diffkit.core.table import ball_forms, ieee
from diffkit.core.table.ball_forms import raised
from diffkit.core.table.places import Place
from diffkit.core.table.primitive import NOT_NEGATIVE, row

Exact = int | Fraction


def _fold_div(x: Exact, y: Exact) -> Exact | None:
    return Fraction(x) / y if y else None


def _fold_power(x: Exact, y: Exact) -> Exact | None:
    if y.denominator != 1 or (x == 0 and y < 0):
        return None
    return Fraction(x) ** int(y)


LONGEST_CHAIN = 2**20  # exponents below which a power of balls is a chain of products


def _ball_power(flint: Any, x: Any, y: Any) -> Any:
    """Multiply for a whole exponent, as Arb's own power of a ball about 0 has no value."""
    if y.is_integer() and not y.is_zero() and abs(y) < LONGEST_CHAIN:
        n = int(y.unique_fmpz())
        return raised(x, n) if n > 0 else 1 / raised(x, -n)
    return flint.arb(0) if x.is_zero() and y > 0 else x**y


def _div_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    """(x/y)′ = (x′ − (x/y)·y′)/y: one division, and the quotient is shared."""
    up, down = tangents
    if down is None:
        return up / args[1]
    inner = y * down
    return -(inner / args[1]) if up is None else (up - inner) / args[1]


row("add", "x, y", "sum", infix="+", callable=False, bends=(),
    pairs="add", family="operation",
    germ="sum", exact="add",
    floats=operator.add, array="add", mpmath=lambda mp, x, y: x + y, sympy="Add", fold=operator.add, ulps=0.5,
    partials=(lambda F, x, y, s: 1, lambda F, x, y, s: 1),
    points=((0.1, 0.2), (1e16, -1.0), (-3.5, 3.25)))

row("sub", "x, y", "difference", infix="-", callable=False, bends=(),
    pairs="sub", family="operation",
    germ="sum", exact="sub",
    floats=operator.sub, array="subtract", mpmath=lambda mp, x, y: x - y, fold=operator.sub, ulps=0.5,
    sympy=lambda sp, x, y: x - y,
    partials=(lambda F, x, y, d: 1, lambda F, x, y, d: -1),
    points=((0.1, 0.2), (1e16, 1.0), (3.5, 3.25)))

row("mul", "x, y", "product", infix="*", callable=False, bends=((0, 1),),
    pairs="mul", family="operation",
    germ="product", exact="mul",
    floats=operator.mul, array="multiply", mpmath=lambda mp, x, y: x * y, sympy="Mul", fold=operator.mul, ulps=0.5,
    partials=(lambda F, x, y, p: y, lambda F, x, y, p: x),
    points=((0.1, 0.3), (-7.5, 1e-20), (3.0, 0.0)))

row("div", "x, y", "quotient", infix="/", callable=False, bends=((0, 1), (1, 1)),
    pairs="div", family="operation",
    germ="quotient", exact="div",
    floats=ieee.div, array="divide", mpmath=lambda mp, x, y: x / y, fold=_fold_div, series=ball_forms.ratio, ulps=0.5,
    sympy=lambda sp, x, y: x / y,
    partials=(lambda F, x, y, q: 1 / y, lambda F, x, y, q: -q / y),
    pushforward=_div_pushforward,
    places=(Place("pole", lambda F, x, y: y, "y = 0"),),
    points=((1.0, 3.0), (-0.7, 1e-5), (0.0, 2.0)))

row("power", "x, y", "real power; x < 0 only with an integer exponent", infix="**", callable=False,
    pairs="power",
    hull=ball_forms.power_range,
    germ="power", exact="power", moved=lambda F, x, y: F.exp(y * F.log(x)),
    libm="pow",
    floats=ieee.power, array="power", mpmath="power", sympy="Pow", fold=_fold_power,
    ball=_ball_power, series=ball_forms.power,
    code={"python": "math.pow"},
    partials=(lambda F, x, y, p: y * x ** (y - 1), lambda F, x, y, p: p * F.log(x)),
    places=(
        Place("edge", lambda F, x, y: F.where(F.eq(y, F.floor(y)), 1, x), "x = 0 if y is not an integer",
              closed=True, inside="x > 0 unless y is an integer"),
        Place("edge", lambda F, x, y: x, "x = 0 if y varies", varying=(1,), closed=True),
        Place("pole", lambda F, x, y: F.where(y < 0, x, 1),
              "x = 0 if y is negative", inside="x ≠ 0 unless y ≥ 0"),
    ),
    points=((2.0, 0.5), (1.1, 7.3), (0.3, -2.5), (10.31, -6.0), (1e-10, 1e-10)))

row("neg", "x", "change of sign", infix="-", callable=False, bends=(),
    pairs="neg", family="function",
    germ="negative", exact="neg", odd=True,
    floats=operator.neg, array="negative", mpmath=lambda mp, x: -x, fold=operator.neg, ulps=0.0,
    sympy=lambda sp, x: -x,
    partials=(lambda F, x, y: -1,),
    points=(-1.5, 0.0, 2.0))

row("abs", "x", "absolute value", aliases=("Abs", "fabs"), bends=(),
    pairs="abs", extreme=1, options=(lambda F, x: x, lambda F, x: -x), convention="and frameworks take 0",
    range=NOT_NEGATIVE,
    germ="absolute", exact="absolute", latex="\\left|#\\right|",
    libm="fabs",
    floats=operator.abs, array="abs", mpmath="fabs", sympy="Abs", fold=operator.abs, ulps=0.0,
    ball=lambda flint, x: abs(x), series=ball_forms.absolute, hull=ball_forms.absolute_range,
    code={"python": "abs", "fortran": "abs", "julia": "abs"},
    partials=(lambda F, x, y: F.sign(x),),
    places=(Place("kink", lambda F, x: x, "x = 0", slope=lambda F, t: F.abs(t)),),
    points=(-1e-300, -2.0, 0.5))

row("sign", "x", "−1, 0 or 1", aliases=("sgn",),
    range=(-1.0, 1.0), monotone=1,
    germ="sign", exact="sign_of", odd=True,
    floats=ieee.sign, array="sign", mpmath="sign", sympy="sign", ulps=0.0,
    fold=lambda x: (x > 0) - (x < 0),
    ball="sgn",
    spelled=lambda F, x: F.where(x > 0, 1, F.where(x < 0, -1, x)),
    partials=(None,),
    places=(Place("jump", lambda F, x: x, "x = 0"),),
    points=(-2.0, 1e-300))

row("floor", "x", "largest integer not above x",
    pairs="whole_below",
    monotone=1,
    germ="floor", exact="floor", exponent=20_000, latex="\\left\\lfloor #\\right\\rfloor",
    libm="floor",
    floats=ieee.floor, array="floor", mpmath="floor", sympy="floor", fold=math.floor, ulps=0.0,
    ball="floor",
    code={"python": "float(math.floor(#))"},
    partials=(None,),
    places=(Place("jump", lambda F, x: x - F.floor(x), "x is an integer"),),
    points=(-1.5, 0.2, 1e15 + 0.5))

row("ceil", "x", "smallest integer not below x", aliases=("ceiling",),
    pairs="whole_above",
    monotone=1,
    germ="ceil", exact="ceil", exponent=20_000, latex="\\left\\lceil #\\right\\rceil",
    libm="ceil",
    floats=ieee.ceil, array="ceil", mpmath="ceil", sympy="ceiling", fold=math.ceil, ulps=0.0,
    ball="ceil",
    code={"python": "float(math.ceil(#))"},
    partials=(None,),
    places=(Place("jump", lambda F, x: x - F.floor(x), "x is an integer"),),
    points=(-1.5, 0.2, 7.1))

row("heaviside", "x", "unit step: 0, ½ at 0, 1", aliases=("Heaviside",),
    range=(0.0, 1.0), monotone=1,
    floats=ieee.heaviside, array=lambda np, x: np.heaviside(x, 0.5), sympy="Heaviside", ulps=0.0,
    fold=lambda x: Fraction((x > 0) - (x < 0) + 1, 2),
    definition=lambda F, x: (1 + F.sign(x)) / 2,
    partials=(None,),
    places=(Place("jump", lambda F, x: x, "x = 0"),),
    points=(-0.3, 2.0))

row("sqrt", "x", "square root",
    pairs="sqrt", family="function", root=2, prefix="√",
    range=NOT_NEGATIVE, monotone=1, domain=NOT_NEGATIVE, hull=ball_forms.root_range,
    germ="root", exact=lambda F, x: x ** F.rational(1, 2), latex="\\sqrt{#}",
    libm="sqrt",
    floats=ieee.ieee(math.sqrt), array="sqrt", mpmath="sqrt", sympy="sqrt", ulps=0.5,
    ball="sqrt", series="sqrt",
    code={"fortran": "sqrt"},
    partials=(lambda F, x, y: F.rational(1, 2) / y,),
    places=(Place("edge", lambda F, x: x, "x = 0", closed=True),),
    points=(1e-300, 0.3, 2.0, 1e200))

row("cbrt", "x", "real cube root, also of negative numbers",
    root=3,
    monotone=1,
    germ="cube_root", odd=True, latex="\\sqrt[3]{#}",
    libm="cbrt",
    floats=math.cbrt, array="cbrt", mpmath=lambda mp, x: mp.sign(x) * mp.cbrt(abs(x)), ulps=1.0,
    definition=lambda F, x: F.sign(x) * F.abs(x) ** F.rational(1, 3),
    ball=lambda flint, x: x if x.is_zero() else x.root(3) if x >= 0 else -(-x).root(3),
    partials=(lambda F, x, y: 1 / (3 * y**2),),
    places=(Place("kink", lambda F, x: x, "x = 0, where the tangent is vertical", slope=lambda F, t: t / 0),),
    points=(-8.0, -0.3, 1e-30, 2.0))


def _select_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    """The tangent of the chosen branch: selecting, not multiplying, so the other branch's NaN stays out."""
    _, x, z = (0 if t is None else t for t in tangents)
    return F.where(args[0], x, z)


def _max_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    s, t = (0 if t is None else t for t in tangents)
    return F.where(args[0] >= args[1], s, t)


def _min_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    s, t = (0 if t is None else t for t in tangents)
    return F.where(args[0] <= args[1], s, t)


def _certain(holds: bool, fails: bool) -> bool | None:
    """A comparison of balls is true only where it holds throughout; None where the balls do not tell."""
    return True if holds else False if fails else None


def _both(p: bool | None, q: bool | None) -> bool | None:
    return False if p is False or q is False else None if p is None or q is None else True


def _not(p: bool | None) -> bool | None:
    return None if p is None else not p


def _comparison(
    name: str, sign: str, function: Any, opposite: Any, array: str, sympy: str, words: str
) -> None:
    row(name, "x, y", words, infix=sign, truth=True, callable=False,
        family="equality" if name in ("eq", "ne") else "order",
        floats=function, array=array, mpmath=lambda mp, x, y: function(x, y), sympy=sympy, ulps=0.0,
        ball=lambda flint, x, y: _certain(function(x, y), opposite(x, y)),
        partials=(None, None),
        places=(Place("jump", lambda F, x, y: x - y, "x = y"),),
        points=((1.0, 2.0), (2.0, -1.0)))


_comparison("lt", "<", operator.lt, operator.ge, "less", "Lt", "less than")
_comparison("le", "<=", operator.le, operator.gt, "less_equal", "Le", "at most")
_comparison("gt", ">", operator.gt, operator.le, "greater", "Gt", "greater than")
_comparison("ge", ">=", operator.ge, operator.lt, "greater_equal", "Ge", "at least")
_comparison("eq", "==", operator.eq, operator.ne, "equal", "Eq", "equal to")
_comparison("ne", "!=", operator.ne, operator.eq, "not_equal", "Ne", "different from")

row("and_", "p, q", "both conditions hold", infix="and", truth=True, truths=(0, 1), callable=False,
    floats=lambda p, q: p and q, family="junction",
    ball=lambda flint, p, q: _both(p, q), array="logical_and", mpmath=lambda mp, p, q: p and q, sympy="And", ulps=0.0,
    partials=(None, None), points=((True, False), (True, True)))

row("or_", "p, q", "one of the conditions holds", infix="or", truth=True, truths=(0, 1), callable=False,
    floats=lambda p, q: p or q, family="junction",
    ball=lambda flint, p, q: _not(_both(_not(p), _not(q))),
    array="logical_or", mpmath=lambda mp, p, q: p or q, sympy="Or", ulps=0.0,
    partials=(None, None), points=((True, False), (False, False)))

row("not_", "p", "the condition does not hold", infix="not ", truth=True, truths=(0,), callable=False,
    floats=operator.not_,
    ball=lambda flint, p: _not(p), array="logical_not", mpmath=lambda mp, p: not p, sympy="Not", ulps=0.0,
    partials=(None,), points=(True, False))

row("where", "condition, x, y", "x if the condition holds, else y", truths=(0,), aliases=("Piecewise",), bends=(),
    pairs="where",
    floats=ieee.where, array="where", mpmath=lambda mp, c, x, y: x if c else y, ulps=0.0,
    sympy=lambda sp, c, x, y: sp.Piecewise((x, c), (y, True)),
    ball=lambda flint, c, x, y: x.union(y) if c is None else x if c else y, series=ball_forms.where,
    partials=(None, lambda F, c, x, y, r: F.where(c, 1, 0), lambda F, c, x, y, r: F.where(c, 0, 1)),
    pushforward=_select_pushforward,
    points=((True, 1.5, -2.0), (False, 1.5, -2.0)))

row("max", "x, y", "largest argument", variadic=True, monotone=1, aliases=("Max", "maximum"), bends=(),
    pairs="max", extreme=1, options=(lambda F, x, y: x, lambda F, x, y: y),
    convention="and frameworks differ: JAX and PyTorch take the middle, others the first argument",
    germ="extreme", exact="largest", latex="\\max",
    floats=ieee.maximum, array="maximum", mpmath=lambda mp, x, y: x if x >= y or x != x else y,
    sympy="Max", fold=max, ball="max", series=ball_forms.largest, ulps=0.0,
    code={"c": "fmax", "python": "max", "fortran": "max", "julia": "max"},
    partials=(lambda F, x, y, m: F.where(x >= y, 1, 0), lambda F, x, y, m: F.where(x >= y, 0, 1)),
    pushforward=_max_pushforward,
    places=(Place("kink", lambda F, x, y: x - y, "x = y", slope=lambda F, s, t: F.max(s, t)),),
    points=((1.0, 2.0), (0.3, -1e-300)))

row("min", "x, y", "smallest argument", variadic=True, monotone=1, aliases=("Min", "minimum"), bends=(),
    pairs="min", extreme=-1, options=(lambda F, x, y: x, lambda F, x, y: y),
    convention="and frameworks differ: JAX and PyTorch take the middle, others the first argument",
    germ="extreme", exact="smallest", latex="\\min",
    floats=ieee.minimum, array="minimum", mpmath=lambda mp, x, y: x if x <= y or x != x else y,
    sympy="Min", fold=min, ball="min", series=ball_forms.smallest, ulps=0.0,
    code={"c": "fmin", "python": "min", "fortran": "min", "julia": "min"},
    partials=(lambda F, x, y, m: F.where(x <= y, 1, 0), lambda F, x, y, m: F.where(x <= y, 0, 1)),
    pushforward=_min_pushforward,
    places=(Place("kink", lambda F, x, y: x - y, "x = y", slope=lambda F, s, t: F.min(s, t)),),
    points=((1.0, 2.0), (0.3, -1e-300)))

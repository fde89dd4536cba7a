"""Rows of exponentials, logarithms, trigonometric and hyperbolic functions, their inverses, and activations.

Derivative forms are chosen for accuracy near poles, edges and saturation: tanh′ by the logistic function rather than
1 − tanh², (1 − x)(1 + x) rather than 1 − x².
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from diffkit.core.table import ball_forms
from diffkit.core.table import ieee as floats
from diffkit.core.table.ieee import INF, ieee, limit_at, odd_overflow
from diffkit.core.table.places import Place, removable
from diffkit.core.table.primitive import NOT_NEGATIVE, Complement, Logistic, row

QUARTER, HALF_TURN = math.nextafter(math.pi / 2, 4.0), math.nextafter(math.pi, 4.0)
"""π/2 and π, rounded up"""


def _near_zero(F: Any, x: Any) -> Any:
    """Where sin x rounds to x and cos x to 1; half of a subnormal number need not be a number."""
    return F.abs(x) < F.rational(1, 2**27)


def _sine_by_tangent(F: Any, x: Any) -> Any:
    """2t/(1 + t²) with t = tan(x/2), to 2.5 ulp at any x (DLMF, 4.21.35, the other way round)."""
    half = F.tan(F.rational(1, 2) * x)
    return 2 * half / (1 + half * half)


def _ball_atan2(flint: Any, y: Any, x: Any) -> Any:
    """Angle of a point that a ball encloses, away from the cut; 0 at the origin."""
    if x > 0:
        return (y / x).atan()
    if y > 0 or y < 0:
        return y.sgn() * flint.arb.pi() / 2 - (x / y).atan()
    if y.is_zero() and (x < 0 or x.is_zero()):
        return flint.arb.pi() if x < 0 else flint.arb(0)
    return flint.arb("nan")


def _angle(F: Any, y: Any, x: Any) -> Any:
    """The angle of (x, y), by arctangents of what is finite."""
    on_the_axis = F.where(x > 0, 0, F.where(x < 0, F.pi, x / x))
    return F.where(F.eq(y, 0), on_the_axis, F.where(x > 0, F.atan(y / x), F.sign(y) * F.pi / 2 - F.atan(x / y)))


row("exp", "x", "eˣ",
    family="function", inverse="log", logistic=Logistic("sigmoid", "softplus"),
    complement=Complement(1, lambda F, x: -F.expm1(x)),
    range=NOT_NEGATIVE, positive=True, monotone=1,
    tails=(0.0, INF), exact="exp", exponent=60, latex="e^{#}",
    libm="exp",
    floats=floats.exp, array="exp", mpmath="exp", sympy="exp",
    ball="exp", series="exp",
    code={"fortran": "exp"},
    partials=(lambda F, x, y: y,),
    points=(-700.0, -1e-3, 0.0, 1.0, 30.5, 700.0))

row("expm1", "x", "eˣ − 1, accurate near 0",
    range=(-1.0, INF), monotone=1,
    exponent=60,
    libm="expm1",
    floats=ieee(math.expm1), array="expm1", mpmath="expm1",
    definition=lambda F, x: F.exp(x) - 1,
    ball="expm1",
    partials=(lambda F, x, y: F.exp(x),),
    points=(-40.0, -1e-10, 0.0, 1e-5, 2.0, 300.0))

row("log", "x", "natural logarithm; log(x, b) is log(x)/log(b)", aliases=("ln",),
    family="function", base="e", inverse="exp",
    monotone=1, domain=NOT_NEGATIVE,
    germ="logarithm", exact="log", latex="\\ln",
    libm="log",
    floats=limit_at(math.log, zero=(0.0, -INF)), array="log", mpmath="log", sympy="log",
    ball="log", series="log",
    code={"fortran": "log"},
    partials=(lambda F, x, y: 1 / x,),
    places=(Place("edge", lambda F, x: x, "x = 0"),),
    points=(1e-300, 0.3, 0.999999, 2.0, 1e200))

row("log2", "x", "logarithm to base 2",
    base=2,
    monotone=1, domain=NOT_NEGATIVE,
    latex="\\log_{2}",
    libm="log2",
    floats=limit_at(math.log2, zero=(0.0, -INF)), array="log2",
    definition=lambda F, x: F.log(x) / F.log(2),
    partials=(lambda F, x, y: 1 / (x * F.log(2)),),
    places=(Place("edge", lambda F, x: x, "x = 0"),),
    points=(1e-300, 0.3, 8.0, 1e200))

row("log10", "x", "logarithm to base 10",
    base=10,
    monotone=1, domain=NOT_NEGATIVE,
    latex="\\log_{10}",
    libm="log10",
    floats=limit_at(math.log10, zero=(0.0, -INF)), array="log10", ulps=1.5,
    definition=lambda F, x: F.log(x) / F.log(10),
    code={"fortran": "log10"},
    partials=(lambda F, x, y: 1 / (x * F.log(10)),),
    places=(Place("edge", lambda F, x: x, "x = 0"),),
    points=(1e-300, 0.3, 1000.0, 1e200))

row("log1p", "x", "log(1 + x), accurate near 0",
    monotone=1, domain=(-1.0, INF),
    libm="log1p",
    floats=limit_at(math.log1p, edge=(-1.0, -INF)), array="log1p", mpmath="log1p",
    definition=lambda F, x: F.log(1 + x),
    ball="log1p",
    partials=(lambda F, x, y: 1 / (1 + x),),
    places=(Place("edge", lambda F, x: 1 + x, "x = −1"),),
    points=(-0.999, -1e-12, 0.0, 1e-5, 1e10))

row("sin", "x", "sine",
    family="function",
    range=(-1.0, 1.0), hull=ball_forms.sine_range,
    odd=True, exact="sin", exponent=20_000, latex="\\sin",
    libm="sin",
    floats=ieee(math.sin), array="sin", mpmath="sin", sympy="sin",
    ball="sin", series="sin",
    vectors=lambda F, x: F.where(_near_zero(F, x), x, _sine_by_tangent(F, x)),
    code={"fortran": "sin"},
    partials=(lambda F, x, y: F.cos(x),),
    points=(-2.5, -1e-8, 0.0, 1.0, 3.0, 1e5))

row("cos", "x", "cosine",
    family="function",
    complement=Complement(1, lambda F, x: 2 * F.sin(x / 2) ** 2),
    range=(-1.0, 1.0), hull=ball_forms.cosine_range,
    exact="cos", exponent=20_000, latex="\\cos",
    libm="cos",
    floats=ieee(math.cos), array="cos", mpmath="cos", sympy="cos",
    ball="cos", series="cos",
    vectors=lambda F, x: F.where(_near_zero(F, x), 1, _sine_by_tangent(F, x) / F.tan(x)),  # 4 ulp
    code={"fortran": "cos"},
    partials=(lambda F, x, y: -F.sin(x),),
    points=(-2.5, 1e-8, 0.0, 1.5, 3.0, 1e5))

row("sinc", "x", "sin(x)/x, and 1 at 0",
    range=(-0.25, 1.0), ulps=2.0,
    mpmath="sinc", sympy="sinc", ball="sinc",
    definition=lambda F, x: F.sin(x) / x,
    partials=(lambda F, x, y: (F.cos(x) - y) / x,),
    places=(removable(lambda k: Fraction((-1) ** (k // 2) * (1 - k % 2), math.factorial(k + 1)), reach=3),),
    points=(-700.5, -2.0, -1e-5, 0.2, 1.5, 30.0))

row("tan", "x", "tangent",
    odd=True, moved=lambda F, x: F.sin(x) / F.cos(x), exact=lambda F, x: F.sin(x) / F.cos(x),
    exponent=20_000, latex="\\tan",
    libm="tan",
    floats=ieee(math.tan), array="tan", mpmath="tan", sympy="tan",
    ball="tan", series="tan",
    code={"fortran": "tan"},
    partials=(lambda F, x, y: 1 + y**2,),
    places=(Place("pole", lambda F, x: F.cos(x), "x = π/2 + kπ", inside="x ≠ π/2 + kπ"),),
    points=(-1.5, 1e-8, 0.7, 1.5707963267948966, 100.0))

row("cot", "x", "cotangent",
    odd=True, moved=lambda F, x: F.cos(x) / F.sin(x), exponent=20_000, latex="\\cot",
    mpmath="cot", sympy="cot", ulps=2.0,
    definition=lambda F, x: 1 / F.tan(x),
    ball="cot",
    partials=(lambda F, x, y: -1 / F.sin(x) ** 2,),
    places=(Place("pole", lambda F, x: F.sin(x), "x = kπ", inside="x ≠ kπ"),),
    points=(-1.5, 1e-8, 0.7, 3.0))

row("sec", "x", "secant",
    exponent=20_000, latex="\\sec",
    mpmath="sec", sympy="sec", ulps=2.0,
    definition=lambda F, x: 1 / F.cos(x),
    ball="sec",
    partials=(lambda F, x, y: y * F.tan(x),),
    places=(Place("pole", lambda F, x: F.cos(x), "x = π/2 + kπ", inside="x ≠ π/2 + kπ"),),
    points=(-1.5, 0.7, 3.0))

row("csc", "x", "cosecant", aliases=("cosec",),
    odd=True, exponent=20_000, latex="\\csc",
    mpmath="csc", sympy="csc", ulps=2.0,
    definition=lambda F, x: 1 / F.sin(x),
    ball="csc",
    partials=(lambda F, x, y: -F.cos(x) / F.sin(x) ** 2,),
    places=(Place("pole", lambda F, x: F.sin(x), "x = kπ", inside="x ≠ kπ"),),
    points=(-1.5, 1e-8, 0.7, 3.0))

row("asin", "x", "inverse sine, in [−π/2, π/2]", aliases=("arcsin",),
    range=(-QUARTER, QUARTER), monotone=1, domain=(-1.0, 1.0),
    odd=True, moved=lambda F, x: F.sign(x) * (F.pi / 2 - 2 * F.asin(F.sqrt((1 - F.abs(x)) / 2))),
    exact="asin", latex="\\arcsin",
    libm="asin",
    floats=ieee(math.asin), array="arcsin", mpmath="asin", sympy="asin",
    ball="asin", series="asin",
    code={"fortran": "asin"},
    partials=(lambda F, x, y: 1 / F.sqrt((1 - x) * (1 + x)),),
    places=(Place("edge", lambda F, x: (1 - x) * (1 + x), "|x| = 1", closed=True, inside="|x| < 1"),),
    points=(-0.9999999999, -1e-8, 0.3, 0.999))

row("acos", "x", "inverse cosine, in [0, π]", aliases=("arccos",),
    range=(0.0, HALF_TURN), monotone=-1, domain=(-1.0, 1.0),
    exact=lambda F, x: F.pi / 2 - F.asin(x), latex="\\arccos",
    moved=lambda F, x: F.where(x > 0, 2 * F.asin(F.sqrt((1 - x) / 2)), F.pi - 2 * F.asin(F.sqrt((1 + x) / 2))),
    libm="acos",
    floats=ieee(math.acos), array="arccos", mpmath="acos", sympy="acos",
    ball="acos", series="acos",
    code={"fortran": "acos"},
    partials=(lambda F, x, y: -1 / F.sqrt((1 - x) * (1 + x)),),
    places=(Place("edge", lambda F, x: (1 - x) * (1 + x), "|x| = 1", closed=True, inside="|x| < 1"),),
    points=(-0.9999999999, -1e-8, 0.3, 0.999))

row("atan", "x", "inverse tangent, in (−π/2, π/2)", aliases=("arctan",),
    range=(-QUARTER, QUARTER), monotone=1,
    odd=True, growth=lambda F, x: F.sign(x) * F.pi / 2 - F.atan(1 / x), exact="atan", latex="\\arctan",
    libm="atan",
    floats=math.atan, array="arctan", mpmath="atan", sympy="atan",
    ball="atan", series="atan",
    code={"fortran": "atan"},
    partials=(lambda F, x, y: 1 / (1 + x**2),),
    points=(-1e10, -0.5, 1e-9, 2.0))

row("atan2", "y, x", "angle of the point (x, y), in (−π, π]", aliases=("arctan2",),
    range=(-HALF_TURN, HALF_TURN),
    growth=_angle, moved=_angle, exact="atan2",
    libm="atan2",
    floats=math.atan2, array="arctan2", mpmath="atan2", sympy="atan2",
    ball=_ball_atan2,
    identity=lambda F, y, x: F.where(x > 0, F.atan(y / x), F.sign(y) * F.pi / 2 - F.atan(x / y)),
    code={"fortran": "atan2", "julia": "atan"},
    partials=(
        lambda F, y, x, a: x / F.hypot(x, y) / F.hypot(x, y),
        lambda F, y, x, a: -y / F.hypot(x, y) / F.hypot(x, y),
    ),
    places=(Place("jump", lambda F, y, x: F.where(x > 0, 1, y), "y = 0 and x ≤ 0"),),
    points=((1.0, 2.0), (-0.3, -4.0), (2.0, -1e-5), (1e-200, 1e-200)))

row("hypot", "x, y", "√(x² + y²) without overflow", variadic=True,
    alone="abs(x)",
    range=NOT_NEGATIVE,
    libm="hypot",
    floats=math.hypot, array="hypot", mpmath="hypot", ulps=1.0,
    definition=lambda F, x, y: F.sqrt(x**2 + y**2),
    code={"fortran": "hypot"},
    partials=(lambda F, x, y, r: x / r, lambda F, x, y, r: y / r),
    places=(Place("kink", lambda F, x, y: F.max(F.abs(x), F.abs(y)), "x = y = 0",
                  slope=lambda F, s, t: F.hypot(s, t)),),
    points=((3.0, 4.0), (1e200, 1e199), (-1e-200, 1e-200)))

row("sinh", "x", "hyperbolic sine",
    monotone=1,
    odd=True, growth=lambda F, x: (F.exp(x) - F.exp(-x)) / 2, exact=lambda F, x: (F.exp(x) - 1 / F.exp(x)) / 2,
    exponent=60, latex="\\sinh",
    libm="sinh",
    floats=ieee(math.sinh, odd_overflow), array="sinh", mpmath="sinh", sympy="sinh",
    ball="sinh", identity=lambda F, x: (F.exp(x) - F.exp(-x)) / 2,
    code={"fortran": "sinh"},
    partials=(lambda F, x, y: F.cosh(x),),
    points=(-700.0, -1e-8, 0.0, 0.3, 20.0))

row("cosh", "x", "hyperbolic cosine",
    range=(1.0, INF), positive=True, hull=ball_forms.cosh_range,
    growth=lambda F, x: (F.exp(x) + F.exp(-x)) / 2, exact=lambda F, x: (F.exp(x) + 1 / F.exp(x)) / 2,
    exponent=60, latex="\\cosh",
    libm="cosh",
    floats=ieee(math.cosh), array="cosh", mpmath="cosh", sympy="cosh",
    ball="cosh", identity=lambda F, x: (F.exp(x) + F.exp(-x)) / 2,
    code={"fortran": "cosh"},
    partials=(lambda F, x, y: F.sinh(x),),
    points=(-700.0, 1e-8, 0.0, 0.3, 20.0))

row("tanh", "x", "hyperbolic tangent",
    family="function", activation=True,
    complement=Complement(1, lambda F, x: 4 * (F.sigmoid(2 * x) * F.sigmoid(-2 * x)), power=2),
    range=(-1.0, 1.0), monotone=1,
    odd=True, tails=(-1.0, 1.0), exact=lambda F, x: (F.exp(2 * x) - 1) / (F.exp(2 * x) + 1),
    exponent=60, latex="\\tanh",
    libm="tanh",
    floats=math.tanh, array="tanh", mpmath="tanh", sympy="tanh",
    ball="tanh", series=ball_forms.tanh, identity=lambda F, x: 2 * F.sigmoid(2 * x) - 1,
    code={"fortran": "tanh"},
    partials=(lambda F, x, y: 4 * F.sigmoid(2 * x) * F.sigmoid(-2 * x),), written=(lambda F, x, y: 1 - y**2,),
    points=(-800.0, -1.2, 0.0, 0.3, 20.0))

row("asinh", "x", "inverse hyperbolic sine", aliases=("arcsinh",),
    monotone=1,
    latex="\\operatorname{arsinh}",
    odd=True, growth=lambda F, x: F.sign(x) * F.log(F.abs(x) + F.sqrt(1 + x**2)),
    exact=lambda F, x: F.log(x + F.sqrt(1 + x**2)),
    libm="asinh",
    floats=math.asinh, array="arcsinh", mpmath="asinh", sympy="asinh", ulps=2.0,
    ball="asinh", series=ball_forms.asinh,
    code={"fortran": "asinh"},
    partials=(lambda F, x, y: 1 / F.hypot(1, x),), written=(lambda F, x, y: 1 / F.sqrt(1 + x**2),),
    points=(-1e200, -0.3, 1e-9, 2.0))

row("acosh", "x", "inverse hyperbolic cosine", aliases=("arccosh",),
    range=NOT_NEGATIVE, monotone=1, domain=(1.0, INF),
    latex="\\operatorname{arcosh}",
    growth=lambda F, x: F.log(x + F.sqrt(x**2 - 1)), moved=lambda F, x: 2 * F.asinh(F.sqrt((x - 1) / 2)),
    exact=lambda F, x: F.log(x + F.sqrt(x**2 - 1)),
    libm="acosh",
    floats=ieee(math.acosh), array="arccosh", mpmath="acosh", sympy="acosh", ulps=2.0,
    ball="acosh", identity=lambda F, x: F.log(x + F.sqrt(x - 1) * F.sqrt(x + 1)),
    code={"fortran": "acosh"},
    partials=(lambda F, x, y: 1 / (F.sqrt(x - 1) * F.sqrt(x + 1)),), written=(lambda F, x, y: 1 / F.sqrt(x**2 - 1),),
    places=(Place("edge", lambda F, x: x - 1, "x = 1", closed=True),),
    points=(1.0000001, 1.5, 20.0, 1e200))

row("atanh", "x", "inverse hyperbolic tangent", aliases=("arctanh",),
    monotone=1, domain=(-1.0, 1.0),
    latex="\\operatorname{artanh}",
    odd=True, moved=lambda F, x: F.log((1 + x) / (1 - x)) / 2, exact=lambda F, x: F.log((1 + x) / (1 - x)) / 2,
    libm="atanh",
    floats=limit_at(math.atanh, right=(1.0, INF), left=(-1.0, -INF)), array="arctanh", mpmath="atanh",
    sympy="atanh", ulps=2.0,
    ball="atanh", identity=lambda F, x: F.log((1 + x) / (1 - x)) / 2,
    code={"fortran": "atanh"},
    partials=(lambda F, x, y: 1 / ((1 - x) * (1 + x)),),
    places=(Place("edge", lambda F, x: (1 - x) * (1 + x), "|x| = 1", inside="|x| < 1"),),
    points=(-0.9999, -0.3, 1e-9, 0.5))


row("sigmoid", "x", "logistic function 1/(1 + e⁻ˣ)", aliases=("expit", "logistic"),
    family="function", activation=True,
    range=(0.0, 1.0), positive=True, monotone=1,
    tails=(0.0, 1.0), exponent=60, latex="\\sigma",
    floats=floats.sigmoid, array="scipy.special.expit", ulps=2.5,
    definition=lambda F, x: 1 / (1 + F.exp(-x)),
    ball=ball_forms.logistic, series=ball_forms.logistic,
    pairs=lambda F, x: F.where(x > 0, 1, F.exp(-F.abs(x))) / (1 + F.exp(-F.abs(x))),
    partials=(lambda F, x, y: y * F.sigmoid(-x),), written=(lambda F, x, y: y * (1 - y),),
    points=(-700.0, -20.5, 0.0, 0.3, 8.0, 40.0))

row("relu", "x", "max(x, 0)", bends=(),
    pairs="relu", extreme=1, options=(lambda F, x: x, lambda F, x: 0), convention="and frameworks take 0",
    activation=True,
    range=NOT_NEGATIVE, monotone=1,
    floats=lambda x: floats.maximum(x, 0.0), array=lambda np, x: np.maximum(x, 0.0), ulps=0.0,
    definition=lambda F, x: F.max(x, 0),
    partials=(lambda F, x, y: F.where(x > 0, 1, 0),),
    places=(Place("kink", lambda F, x: x, "x = 0", slope=lambda F, t: F.max(t, 0)),),
    points=(-3.0, -1e-8, 1e-8, 2.0))

row("softplus", "x", "log(1 + eˣ)",
    activation=True,
    range=NOT_NEGATIVE, positive=True, monotone=1,
    growth=lambda F, x: F.max(x, 0) + F.log1p(F.exp(-F.abs(x))), exponent=60,
    floats=floats.softplus, array=lambda np, x: np.logaddexp(0.0, x), ulps=2.0,
    definition=lambda F, x: F.log1p(F.exp(x)),
    ball=ball_forms.softplus, series=ball_forms.softplus,
    pairs=lambda F, x: F.max(x, 0) + F.log1p(F.exp(-F.abs(x))),
    partials=(lambda F, x, y: F.sigmoid(x),),
    points=(-700.0, -20.5, 0.0, 0.3, 8.0, 800.0))

row("silu", "x", "x·sigmoid(x)", aliases=("swish",), ulps=3.0,
    activation=True,
    exponent=60,
    definition=lambda F, x: x * F.sigmoid(x),
    partials=(lambda F, x, y: F.sigmoid(x) * (1 + x * F.sigmoid(-x)),),
    written=(lambda F, x, y: F.sigmoid(x) * (1 + x * (1 - F.sigmoid(x))),),
    points=(-700.0, -6.0, 0.0, 1.3, 40.0))

row("gelu", "x", "x·Φ(x), Φ the normal distribution function", ulps=6.0,
    activation=True,
    exponent=30,
    definition=lambda F, x: x * F.erfc(-x / F.sqrt(2)) / 2,
    partials=(lambda F, x, y: F.erfc(-x / F.sqrt(2)) / 2 + x * F.exp(-(x**2) / 2) / F.sqrt(2 * F.pi),),
    points=(-1.5, 0.0, 0.3, 4.0))

row("logsumexp", "x, y", "log(eˣ + eʸ + …)", variadic=True, aliases=("logaddexp",),
    growth=lambda F, x, y: F.max(x, y) + F.log1p(F.exp(-F.abs(x - y))), exponent=60,
    floats=floats.logsumexp, array="logaddexp", ulps=2.0,
    definition=lambda F, x, y: F.log(F.exp(x) + F.exp(y)),
    ball=ball_forms.logsumexp, series=ball_forms.logsumexp,
    pairs=lambda F, x, y: F.max(x, y) + F.log1p(F.exp(-F.abs(x - y))),
    partials=(lambda F, x, y, s: F.sigmoid(x - y), lambda F, x, y, s: F.sigmoid(y - x)),
    points=((0.3, 0.5), (1000.0, 999.0), (-700.0, 3.0)))

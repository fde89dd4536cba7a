"""Rows of special functions: erf, gamma and its relatives, Bessel functions.

ψ⁽ⁿ⁾ is by SciPy and mpmath for x > 0, and elsewhere by reflection: there they would walk to the right step by step.

ψ⁽ⁿ⁾(x) = (−1)ⁿ·ψ⁽ⁿ⁾(1 − x) − π·dⁿ/dxⁿ cot(πx) (DLMF 5.15.6), where dⁿ/dxⁿ cot(πx) = πⁿ·Pₙ(cot πx) with P₀ = c and
Pₙ₊₁ = −(1 + c²)·Pₙ′: coefficients of one sign and powers of one parity, so that nothing cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from diffkit.core.table import ball_forms
from diffkit.core.table.ieee import ieee, scipy_special
from diffkit.core.table.places import Place, Rule
from diffkit.core.table.primitive import NOT_NEGATIVE, Complement, row

LAST_FACTORIAL = 170  # the order whose factorial is the last that is a binary64
FARTHEST_LEFT = 10_000
ASYMPTOTIC_FROM, ASYMPTOTIC_TERMS = 10, 14  # of erfcx: what is left out is below 2⁻⁵³
AT = "x = 0, −1, −2, …"
BESIDE_POLES = "x ≠ 0, −1, −2, …"
NEAREST_POLE = Place("pole", lambda F, x: F.where(x > 0, 1, x - F.floor(x)), AT, inside=BESIDE_POLES)
POLYGAMMA_POLE = Place("pole", lambda F, n, x: F.where(x > 0, 1, x - F.floor(x)), AT, inside=BESIDE_POLES)
LOGARITHM = NEAREST_POLE._replace(kind="edge")
"""not a pole: log |Γ| grows more slowly than any power"""


@cache
def cotangents(n: int) -> tuple[int, ...]:
    """Coefficients of Pₙ, of the highest power first, every other one: those of the powers n + 1, n − 1, …"""
    p = [0, 1]
    for _ in range(n):
        slope = [k * a for k, a in enumerate(p)][1:]
        p = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(p[::-2])


def polygamma(n: float, x: float) -> float:
    """ψ⁽ⁿ⁾(x); NaN where binary64 does not reach."""
    import scipy.special

    order = int(n)
    if not -math.inf < x < 0:
        return float(scipy.special.polygamma(order, x))
    d = math.remainder(x, 1.0)
    if d == 0 or order > LAST_FACTORIAL:
        return math.inf if d == 0 else math.nan
    cosine = math.cos(math.pi * d) if abs(d) < 0.25 else math.sin(math.pi * (0.5 - abs(d)))
    c = cosine / math.sin(math.pi * d)
    total, *rest = map(float, cotangents(order))
    for a in rest:
        total = total * c * c + a
    turned: float = math.pi * math.pi**order * (total if order % 2 else total * c)
    mirrored = float(scipy.special.polygamma(order, 1.0 - x))
    return (-mirrored if order % 2 else mirrored) - turned


def polygammas(np: Any, n: float, x: Any) -> Any:
    """The same of the elements of an array."""
    import scipy.special

    order, x = int(n), np.asarray(x, dtype=float)
    left = (x < 0) & np.isfinite(x)
    found = np.array(scipy.special.polygamma(order, np.where(left, 1.0 - x, x)), dtype=float)
    if left.any():
        found[left] = _mirrored(np, order, x[left], found[left])
    return found


def _mirrored(np: Any, order: int, x: Any, right: Any) -> Any:
    """ψ⁽ⁿ⁾ at finite x < 0, from what it is at 1 − x."""
    d = x - np.rint(x)
    if order > LAST_FACTORIAL:
        return np.where(d == 0, np.inf, np.nan)
    cosine = np.where(np.abs(d) < 0.25, np.cos(np.pi * d), np.sin(np.pi * (0.5 - np.abs(d))))
    with np.errstate(all="ignore"):
        c = cosine / np.sin(np.pi * d)
        total, *rest = map(float, cotangents(order))
        for a in rest:
            total = total * c * c + a
        turned = np.pi * np.pi**order * (total if order % 2 else total * c)
        return np.where(d == 0, np.inf, (-1) ** order * right - turned)


def _polygamma_of_mpmath(mp: Any, n: Any, x: Any) -> Any:
    """The same of a number of mpmath."""
    order = int(n)
    if not x < 0:
        return mp.psi(order, x)
    d = x - mp.nint(x)
    c = mp.cot(mp.pi * d) if abs(d) < 0.25 else mp.sign(d) * mp.tan(mp.pi * (0.5 - abs(d)))
    turned = mp.pi ** (order + 1) * mp.polyval(cotangents(order), c * c) * (1 if order % 2 else c)
    return (-1) ** order * mp.psi(order, 1 - x) - turned




def _special() -> Any:
    import scipy.special

    return scipy.special


def _of_mpmath(name: str) -> Callable[..., Any]:
    """A function of the gamma family by mpmath, which walks up to the positive side step by step: not from far."""
    return lambda mp, x: mp.nan if x < -FARTHEST_LEFT else mp.re(getattr(mp, name)(x))


def _ball_erfc(_: Any, x: Any) -> Any:
    """Arb's erfc; far out, where its bound for a ball is coarse, between the values at the ends."""
    found = x.erfc()
    return found if found > 0 or x.is_exact() else x.upper().erfc().union(x.lower().erfc())


def _ball_erfcx(flint: Any, x: Any) -> Any:
    """exp(x²)·erfc(x), for x > 0 as U(½, ½, x²)/√π (DLMF 7.11.5), which does not overflow."""
    half = flint.arb("0.5")
    return (x * x).hypgeom_u(half, half) / flint.arb.pi().sqrt() if x > 0 else (x * x).exp() * _ball_erfc(flint, x)


def _ball_log_ndtr(flint: Any, x: Any) -> Any:
    """Log Φ(x) = log(1 − Φ(−x)): sharp on either side."""
    root = flint.arb(2).sqrt()
    if x > 0:
        return (-_ball_erfc(flint, x / root) / 2).log1p()
    return (_ball_erfcx(flint, -x / root) / 2).log() - x * x / 2 if x < 0 else (_ball_erfc(flint, -x / root) / 2).log()


def ball_polygamma(flint: Any, n: Any, x: Any) -> Any:
    """ψ⁽ⁿ⁾; for x < 0 by the reflection ψ⁽ⁿ⁾(x) = (−1)ⁿ·ψ⁽ⁿ⁾(1 − x) − π·dⁿ/dxⁿ cot(πx) (DLMF 5.15.6)."""
    if not x < 0:
        return flint.acb(x).polygamma(n).real
    order = int(n.unique_fmpz())
    with ball_forms.length(flint, order + 1):
        turned = flint.arb_series([x, 1]).cot_pi()[order]
    return (-1) ** order * flint.acb(1 - x).polygamma(n).real - flint.arb.pi() * turned * math.factorial(order)


def _spelled_erfcx(F: Any, x: Any) -> Any:
    """By erfc; for large x by the asymptotic series Σ (−1)ᵏ·(2k − 1)!!/(2x²)ᵏ/(x·√π) (DLMF 7.12.1)."""
    total: Any = 1
    for k in reversed(range(ASYMPTOTIC_TERMS)):
        total = 1 - (2 * k + 1) * total / (2 * x**2)
    return F.where(x > ASYMPTOTIC_FROM, total / (x * F.sqrt(F.pi)), F.exp(x**2) * F.erfc(x))


def _spelled_log_ndtr(F: Any, x: Any) -> Any:
    u = F.abs(x) / F.sqrt(2)
    return F.where(x > 0, F.log1p(-F.erfc(u) / 2), F.log(F.erfcx(u) / 2) - x**2 / 2)


def _gamma_away(n: int) -> Rule:
    """Γ(x) = Γ(x + n + 1)/(x(x + 1)…(x + n)) (DLMF 5.5.1)."""

    def rule(F: Any, x: Any) -> Any:
        product = x
        for k in range(1, n + 1):
            product = product * (x + k)
        return F.gamma(x + (n + 1)) / product

    return rule


def _digamma_away(n: int) -> Rule:
    """ψ(x) = ψ(x + n + 1) − Σ 1/(x + k) (DLMF 5.5.2)."""

    def rule(F: Any, x: Any) -> Any:
        total = F.digamma(x + (n + 1))
        for k in range(n + 1):
            total = total - 1 / (x + k)
        return total

    return rule


def _polygamma_growth(F: Any, n: Any, x: Any) -> Any:
    return F.where(x > 0, F.where(n > 0, F.sin(x) / x**n, F.sin(x) * F.log(x)), F.tan(x))



row("erf", "x", "error function 2/√π ∫₀ˣ exp(−t²) dt",
    complement=Complement(1, lambda F, x: F.erfc(x)),
    range=(-1.0, 1.0), monotone=1,
    odd=True, tails=(-1.0, 1.0), exponent=30,
    libm="erf",
    floats=math.erf, array="scipy.special.erf", mpmath="erf", sympy="erf",
    ball="erf", series="erf",
    code={"fortran": "erf", "julia": "SpecialFunctions.erf"},
    partials=(lambda F, x, y: 2 / F.sqrt(F.pi) * F.exp(-(x**2)),),
    points=(-6.0, -0.3, 1e-9, 0.5, 2.0))

row("erfc", "x", "1 − erf(x), accurate for large x",
    complement=Complement(2, lambda F, x: F.erfc(-x)),
    range=(0.0, 2.0), positive=True, monotone=-1,
    tails=(2.0, 0.0), exact=lambda F, x: 1 - F.erf(x), exponent=30,
    libm="erfc",
    floats=math.erfc, array="scipy.special.erfc", mpmath="erfc", sympy="erfc", ulps=4.0,
    ball=_ball_erfc, series=lambda flint, x: ball_forms.beginning(flint, x.erfc(), _ball_erfc(flint, x[0])),
    code={"fortran": "erfc", "julia": "SpecialFunctions.erfc"},
    partials=(lambda F, x, y: -2 / F.sqrt(F.pi) * F.exp(-(x**2)),),
    points=(-3.0, 0.3, 2.0, 5.5, 20.0))

row("erfcx", "x", "scaled complementary error function exp(x²)·erfc(x)",
    range=NOT_NEGATIVE, positive=True, monotone=-1,
    exponent=30,
    floats=scipy_special("erfcx"), array="scipy.special.erfcx", ulps=4.0,
    mpmath=lambda mp, x: mp.exp(x * x) * mp.erfc(x),
    definition=lambda F, x: F.exp(x**2) * F.erfc(x),
    ball=_ball_erfcx, series=ball_forms.erfcx,
    code={"fortran": "erfc_scaled", "julia": "SpecialFunctions.erfcx"},
    spelled=_spelled_erfcx,
    partials=(lambda F, x, y: 2 * x * y - 2 / F.sqrt(F.pi),),
    points=(-3.0, -0.3, 1e-9, 2.0, 20.0))

row("log_ndtr", "x", "log Φ(x), Φ the normal distribution function",
    range=(-math.inf, 0.0), monotone=1,
    latex="\\ln\\Phi\\left(#\\right)",
    exponent=30,
    floats=scipy_special("log_ndtr"), array="scipy.special.log_ndtr", ulps=10.0,
    mpmath=lambda mp, x: mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2) if x > 0 else mp.log(mp.erfc(-x / mp.sqrt(2)) / 2),
    definition=lambda F, x: F.log(F.erfc(-x / F.sqrt(2)) / 2),
    ball=_ball_log_ndtr,
    spelled=_spelled_log_ndtr,
    partials=(lambda F, x, y: F.sqrt(2 / F.pi) / F.erfcx(-x / F.sqrt(2)),),
    points=(-40.0, -5.0, -1.5, 0.3, 4.0))

row("gamma", "x", "gamma function Γ(x)", aliases=("Gamma",),
    unfolds=True,
    growth=lambda F, x: F.where(x > 0, F.exp(x), F.tan(x)), away=_gamma_away, exponent=30, latex="\\Gamma",
    libm="tgamma",
    floats=ieee(math.gamma), array="scipy.special.gamma", mpmath=_of_mpmath("gamma"), sympy="gamma", ulps=10.0,
    ball="gamma", series="gamma",
    code={"fortran": "gamma", "julia": "SpecialFunctions.gamma"},
    partials=(lambda F, x, y: y * F.digamma(x),),
    places=(NEAREST_POLE,),
    points=(-2.5, 1e-5, 0.5, 3.3, 20.25, 150.5))

row("loggamma", "x", "log |Γ(x)|", aliases=("lgamma", "gammaln"),
    unfolds=True,
    latex="\\ln\\left|\\Gamma\\left(#\\right)\\right|",
    growth=lambda F, x: F.where(x > 0, F.sin(x) * x * F.log(x), F.tan(x)), exponent=200,
    libm="lgamma",
    floats=ieee(math.lgamma), array="scipy.special.gammaln", sympy="loggamma", ulps=10.0,
    mpmath=_of_mpmath("loggamma"),
    ball=lambda flint, x: x.lgamma() if x > 0 else abs(x.gamma()).log(),
    series=ball_forms.loggamma,
    code={"fortran": "log_gamma", "julia": "SpecialFunctions.logabsgamma(#)[1]"},
    partials=(lambda F, x, y: F.digamma(x),),
    places=(LOGARITHM,),
    points=(-2.3, 1e-5, 0.5, 3.3, 20.25, 1e10))

row("digamma", "x", "ψ(x) = Γ′(x)/Γ(x)", aliases=("psi",),
    unfolds=True,
    growth=lambda F, x: F.where(x > 0, F.sin(x) * F.log(x), F.tan(x)), away=_digamma_away, exponent=200, latex="\\psi",
    floats=scipy_special("psi"), array="scipy.special.psi", ulps=10.0,
    mpmath=lambda mp, x: _polygamma_of_mpmath(mp, 0, x),
    definition=lambda F, x: F.polygamma(0, x),
    ball="digamma", series=ball_forms.digamma,
    code={"python": "scipy.special.psi", "jax": "jax.scipy.special.digamma", "julia": "SpecialFunctions.digamma"},
    partials=(lambda F, x, y: F.polygamma(1, x),),
    places=(NEAREST_POLE,),
    points=(-2.5, 1e-5, 0.5, 3.3, 20.25, 1e10))

row("polygamma", "n, x", "nth derivative of ψ(x); the order n is an integer constant", orders=(0,),
    unfolds=True, lowest=0,
    latex="\\psi^{(#)}\\left(#\\right)",
    growth=_polygamma_growth, exponent=200,
    floats=polygamma, array=polygammas,
    mpmath=_polygamma_of_mpmath, sympy="polygamma", ulps=20.0,
    ball=ball_polygamma, series=ball_forms.polygamma,
    code={"numpy": "scipy.special.polygamma", "julia": "SpecialFunctions.polygamma"},
    partials=(None, lambda F, n, x, y: F.polygamma(n + 1, x)),
    places=(POLYGAMMA_POLE,),
    points=((0, 0.5), (1, 3.3), (2, 20.25), (3, 1e-3), (1, -20.3), (2, -100.75), (4, -2.7)))

row("besselj", "n, x", "Bessel function of the first kind; the order n is an integer constant", orders=(0,),
    unfolds=True,
    range=(-1.0, 1.0),
    latex="J_{#}\\left(#\\right)",
    exponent=16,
    floats=scipy_special("jv"), array=lambda np, n, x: _special().jv(int(n), x),
    mpmath=lambda mp, n, x: mp.besselj(int(n), x), sympy="besselj", ulps=40.0,
    ball=lambda flint, n, x: x.bessel_j(n), series=ball_forms.besselj,
    code={"c": "jn", "numpy": "scipy.special.jv", "julia": "SpecialFunctions.besselj"},
    partials=(None, lambda F, n, x, y: (F.besselj(n - 1, x) - F.besselj(n + 1, x)) / 2),
    points=((0, 0.5), (1, 3.3), (2, -7.0), (5, 20.25)))

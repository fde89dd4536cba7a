"""Forms of rows on balls: ranges where Arb has no sharp function of its own, and power series over balls.

A form on series is called with flint and series, and gives the series of the row up to the length that flint is set
to. Where the balls leave open what the row does, every coefficient is NaN: a shorter series would say that the others
are zero.

A ball holds all numbers between its ends; a range holds all values there, and is the least such ball but for rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_ONES: dict[int, Any] = {}
"""by length"""


@contextmanager
def length(flint: Any, terms: int) -> Iterator[None]:
    """Compute with series of that many terms."""
    before = flint.ctx.cap
    flint.ctx.cap = terms
    try:
        yield
    finally:
        flint.ctx.cap = before


def undefined(flint: Any) -> Any:
    """A series of which nothing is known."""
    return flint.arb_series([flint.arb("nan")] * flint.ctx.cap)


def constant(flint: Any, value: Any) -> Any:
    """A number as a series that does not move; one that is not bounded may be anything."""
    return flint.arb_series([value]) if value.is_finite() else undefined(flint)


def beginning(flint: Any, series: Any, value: Any) -> Any:
    """The series with a sharper ball for its constant term."""
    if not value.is_finite():
        return series
    return flint.arb_series([value, *[series[k] for k in range(1, len(series))]])


def one_series(flint: Any) -> Any:
    """1 as a series; flint takes longer to make one of a number than to multiply two."""
    found = _ONES.get(flint.ctx.cap)
    if found is None:
        found = _ONES[flint.ctx.cap] = flint.arb_series([1])
    return found


def ratio(flint: Any, x: Any, y: Any) -> Any:
    """x/y."""
    return x / y if y[0] != 0 else undefined(flint)


def power(flint: Any, x: Any, y: Any) -> Any:
    """x**y; exp(y·log x) where y moves."""
    if len(y) > 1:
        return x if not len(x) and y[0] > 0 else (y * x.log()).exp()
    if not (y[0].is_exact() and y[0].is_integer()):
        return x ** y[0]
    whole = int(y[0].unique_fmpz())
    return x**whole if whole >= 0 else ratio(flint, flint.arb_series([1]), x**-whole)


def absolute(flint: Any, x: Any) -> Any:
    """|x|, by the sign of the constant term."""
    return x if x[0] > 0 else -x if x[0] < 0 else undefined(flint)


def where(flint: Any, condition: bool | None, x: Any, y: Any) -> Any:
    """x or y."""
    return undefined(flint) if condition is None else x if condition else y


def largest(flint: Any, x: Any, y: Any) -> Any:
    """max(x, y), by the constant terms."""
    return x if x[0] > y[0] else y if x[0] < y[0] else undefined(flint)


def smallest(flint: Any, x: Any, y: Any) -> Any:
    """min(x, y), by the constant terms."""
    return x if x[0] < y[0] else y if x[0] > y[0] else undefined(flint)


# Functions whose formula overflows, or cancels, on one side of zero: there they have another. Of balls too, where the
# first formula is preferred because it holds x once, which keeps enclosures over boxes narrow.


def _leading(x: Any) -> Any:
    """A ball, or the constant term of a series."""
    return x[0] if hasattr(x, "coeffs") else x


def _log1p(flint: Any, x: Any) -> Any:
    return beginning(flint, (1 + x).log(), x[0].log1p()) if hasattr(x, "coeffs") else x.log1p()


def logistic(flint: Any, x: Any) -> Any:
    """1/(1 + e⁻ˣ), or eˣ/(1 + eˣ)."""
    up, tail = 1, (-x).exp()
    if type(tail) is flint.arb:
        if not tail.is_finite():
            up = tail = x.exp()
        return up / (1 + tail)
    one = one_series(flint)
    if tail[0].is_finite():
        return ratio(flint, one, tail + one)
    tail = x.exp()
    return ratio(flint, tail, tail + one)


def tanh(flint: Any, x: Any) -> Any:
    """2/(1 + e⁻²ˣ) − 1, or 1 − 2/(1 + e²ˣ)."""
    one, twice = one_series(flint), x + x
    tail = (-twice).exp()
    if tail[0].is_finite():
        half = ratio(flint, one, tail + one)
        return beginning(flint, half + half - one, x[0].tanh())
    half = ratio(flint, one, twice.exp() + one)
    return beginning(flint, one - half - half, x[0].tanh())


def softplus(flint: Any, x: Any) -> Any:
    """log(1 + eˣ), or x + log(1 + e⁻ˣ)."""
    tail = x.exp()
    if _leading(tail).is_finite():
        return _log1p(flint, tail)
    return x + _log1p(flint, (-x).exp())


def logsumexp(flint: Any, x: Any, y: Any) -> Any:
    """log(eˣ + eʸ), or y + log(1 + eˣ⁻ʸ) with the larger one outside."""
    found = (x.exp() + y.exp()).log()
    if _leading(found) != 0:
        return found
    return x + softplus(flint, y - x) if _leading(x - y).mid() > 0 else y + softplus(flint, x - y)


def asinh(flint: Any, x: Any) -> Any:
    """log(x + √(1 + x²)), which is odd: the identity with |x| holds for all of a ball, wherever that lies."""
    rises = x[0].mid() > 0
    size = x if rises else -x
    found = (size + (1 + size * size).sqrt()).log()
    return beginning(flint, found if rises else -found, x[0].asinh())


# Functions that are defined by Γ, or by a hypergeometric function, with derivatives that come from there.


def loggamma(flint: Any, x: Any) -> Any:
    """Log |Γ(x)|: Arb's own for x > 0, from Γ elsewhere."""
    return x.lgamma() if x[0] > 0 else absolute(flint, x.gamma()).log()


def polygamma(flint: Any, n: Any, x: Any) -> Any:
    """The nth derivative of ψ = (log Γ)′ = −(1/Γ)′·Γ, from Arb's series of log Γ or of 1/Γ."""
    order, terms = int(n[0].unique_fmpz()), flint.ctx.cap
    with length(flint, order + terms + 1):
        moving = flint.arb_series([x[0], 1])
        if x[0] > 0:
            psi = moving.lgamma().derivative()
        else:
            inverse = moving.rgamma()
            psi = ratio(flint, -inverse.derivative(), inverse)
    return composed(flint, [psi[k + order] * math.perm(k + order, order) for k in range(terms)], x)


def digamma(flint: Any, x: Any) -> Any:
    """ψ(x)."""
    return polygamma(flint, flint.arb_series([0]), x)


def besselj(flint: Any, n: Any, x: Any) -> Any:
    """(x/2)ⁿ/n!·₀F₁(; n + 1; −x²/4), where dᵏ/dzᵏ ₀F₁(; b; z) = ₀F₁(; b + k; z)/(b)ₖ (DLMF 10.16.9, 16.3.1)."""
    order = int(n[0].unique_fmpz())
    size = abs(order)
    z = -x * x / 4
    coefficients = [
        z[0].hypgeom_0f1(size + 1 + k) / (math.perm(size + k, k) * math.factorial(k)) for k in range(flint.ctx.cap)
    ]
    found = (x / 2) ** size / math.factorial(size) * composed(flint, coefficients, z)
    return beginning(flint, -found if order < 0 and size % 2 else found, x[0].bessel_j(order))


def erfcx(flint: Any, x: Any) -> Any:
    """U(½, ½, x²)/√π for x > 0, where dᵏ/dzᵏ U(a, b, z) = (−1)ᵏ·(a)ₖ·U(a + k, b + k, z) (DLMF 13.3.22)."""
    if not x[0] > 0:
        return (x * x).exp() * x.erfc()
    half, z = flint.arb("0.5"), x * x
    coefficients = [
        (-1) ** k * half.rising(k) / math.factorial(k) * z[0].hypgeom_u(half + k, half + k)
        for k in range(flint.ctx.cap)
    ]
    return composed(flint, coefficients, z) / flint.arb.pi().sqrt()


def composed(flint: Any, coefficients: Sequence[Any], inner: Any) -> Any:
    """Σ cₖ·(u − u₀)ᵏ."""
    if not all(c.is_finite() for c in coefficients):
        return undefined(flint)
    outer = flint.arb_series(coefficients)
    moved = [inner[k] for k in range(1, len(inner))]
    return outer(flint.arb_series([0, *moved])) if moved else flint.arb_series([coefficients[0]])


def raised(x: Any, n: int) -> Any:
    """Multiply x with itself by squaring, n ≥ 1 factors."""
    if n == 1:
        return x
    square = raised(x, n // 2)
    return square * square * x if n % 2 else square * square


def absolute_range(_: Any, x: Any) -> Sequence[Any]:
    """|x|."""
    return x.abs_lower(), x.abs_upper()


def power_range(flint: Any, x: Any, y: Any) -> Sequence[Any]:
    """xⁿ, by its ends: Arb's own power has no value for balls about 0."""
    if not y.is_exact() or (whole := y.unique_fmpz()) is None:
        return (x**y,)
    n = int(whole)
    if not n:
        return (flint.arb(1),)
    low, high = (x.lower(), x.upper()) if n % 2 else (x.abs_lower(), x.abs_upper())
    low, high = raised(low, abs(n)), raised(high, abs(n))
    if n > 0:
        return low, high
    return (1 / low, 1 / high) if x > 0 or x < 0 else _around_pole(flint, low, high)


def _around_pole(flint: Any, low: Any, high: Any) -> Sequence[Any]:
    """1/p for p from ``low`` to ``high``, without bound on the sides of 0 where p may be."""
    infinite = flint.arb("inf")
    if low < 0 < high:
        return -infinite, infinite
    return (1 / high, infinite) if high > 0 else (-infinite, 1 / low)


def root_range(flint: Any, x: Any) -> Sequence[Any]:
    """√ over the part of a ball where it is defined."""
    return (x.sqrt(),) if x > 0 or not x.contains(0) else (x.upper().sqrt(), flint.arb(0))


def sine_range(flint: Any, x: Any) -> Sequence[Any]:
    """The sine, which turns at π/2 + kπ."""
    return _wave(flint, x, flint.arb.sin, flint.arb(0.5))


def cosine_range(flint: Any, x: Any) -> Sequence[Any]:
    """The cosine, which turns at kπ."""
    return _wave(flint, x, flint.arb.cos, flint.arb(0))


def cosh_range(_: Any, x: Any) -> Sequence[Any]:
    """The hyperbolic cosine, which grows with |x|."""
    return x.abs_lower().cosh(), x.abs_upper().cosh()


def _wave(flint: Any, x: Any, wave: Any, shift: Any) -> Sequence[Any]:
    """The values at the ends, and (−1)ⁿ for the n that x/π − ``shift`` may be; −1 to 1 where these are many."""
    low, high = x.lower(), x.upper()
    if x.is_exact():
        return (wave(low),)
    first = (low / flint.arb.pi() - shift).lower().ceil().unique_fmpz()
    last = (high / flint.arb.pi() - shift).upper().floor().unique_fmpz()
    if first is None or last is None or last > first:
        return flint.arb(-1), flint.arb(1)
    return (wave(low), wave(high)) if last < first else (wave(low), wave(high), flint.arb(-1 if first % 2 else 1))

"""Balls: midpoints with rigorous radii (Arb, by python-flint), and power series whose coefficients are balls.

Every operation encloses the exact result for every choice of reals inside its arguments (Johansson, Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Comput. 66, 2017). Working precision and series
length belong to the process in python-flint, so whoever computes holds the lock of ``precision``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from threading import RLock
from typing import Any

import flint
from flint import arb, arb_series, ctx, fmpq

from diffkit.primitives import Primitive
from diffkit.program import Constant, Named, run
from diffkit.rules import by_definition, trace

LOCK = RLock()
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
}  # fmt: skip
NAN = arb("nan")


class precision:
    """Compute, ``with precision(bits, length):``, at a working precision in bits with series of that many terms."""

    __slots__ = ("before", "bits", "length")

    def __init__(self, bits: int, length: int = 1):
        self.bits, self.length = bits, length

    def __enter__(self) -> None:
        LOCK.acquire()
        self.before = ctx.prec, ctx.cap
        ctx.prec, ctx.cap = self.bits, self.length

    def __exit__(self, *_: object) -> None:
        ctx.prec, ctx.cap = self.before
        LOCK.release()


def rational(value: int | Fraction) -> Any:
    """Give an exact rational as flint's."""
    return fmpq(value.numerator, value.denominator)


def exact_fraction(value: Any) -> Fraction | None:
    """Give the number in a ball of radius zero, or None."""
    if not value.is_exact() or not value.is_finite():
        return None
    mantissa, exponent = value.man_exp()
    exponent = int(exponent)
    return Fraction(int(mantissa)) * Fraction(2) ** exponent


def dumped(ball: Any) -> Any:
    """Give a ball as integers m, e, r, f, for m·2ᵉ ± r·2ᶠ; None if it is not finite."""
    return [int(n) for part in (ball.mid(), ball.rad()) for n in part.man_exp()] if ball.is_finite() else None


def loaded(parts: Any) -> Any:
    """Give a ball that holds the one that was dumped, with the same middle."""
    return arb(NAN) if parts is None else arb(arb(tuple(parts[:2])), arb(tuple(parts[2:])))


class BallAlgebra:
    """Arb balls at the working precision; a comparison that the balls do not decide is None."""

    def constant(self, value: Constant) -> Any:
        """Give the ball of an exact constant."""
        if isinstance(value, Named):
            return arb.pi() if value.name == "pi" else arb.const_e()
        return arb(rational(value))

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a ball that holds the row's values at the arguments."""
        return ball_function(primitive)(*args)


BALLS = BallAlgebra()


@cache
def ball_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of balls."""
    form = primitive.ball
    if isinstance(form, str):
        return getattr(arb, form)  # type: ignore[no-any-return]
    if form is not None:
        return lambda *args: form(flint, *args)
    if primitive.name in OPERATORS:
        return OPERATORS[primitive.name]
    return lambda *args: by_definition(primitive, BALLS, args)


class SeriesAlgebra:
    """Truncated power series over balls, by Arb's own rules, which know nothing of the table's derivatives.

    A choice follows the sign of the constant term; where that is not proven the series is NaN. Rows that Arb has no
    series for (digamma, polygamma, besselj) are composed from the table's own derivatives.
    """

    def constant(self, value: Constant) -> Any:
        """Give a constant series."""
        return arb_series([BALLS.constant(value)])

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the row's series at series."""
        return series_function(primitive)(*args)


SERIES = SeriesAlgebra()


@cache
def series_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of power series."""
    moving = _moving_function(primitive)
    if not primitive.places or primitive.truth:
        return moving
    still = ball_function(primitive)

    def choose(*args: Any) -> Any:
        for series in args:  # at its place a row has a value for what stands still, and no series
            if len(series) > 1 or not series[0].is_finite():
                return moving(*args)
        return arb_series([still(*[series[0] for series in args])])

    return choose


def _moving_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of power series of which some are no constants."""
    form = primitive.series
    if primitive.name in OPERATORS:
        return _ratio if primitive.name == "div" else OPERATORS[primitive.name]
    if isinstance(form, str):
        return getattr(arb_series, form)  # type: ignore[no-any-return]
    if form is not None:
        return lambda *args: _by_rule(form, args)
    if primitive.name in CHOICES:
        return CHOICES[primitive.name]
    if primitive.truth:
        compare = ball_function(primitive)
        return lambda *args: compare(*[a if a is None or isinstance(a, bool) else a[0] for a in args])
    if primitive.steps:
        step = ball_function(primitive)
        return lambda *args: arb_series([step(*[a[0] for a in args])])
    if primitive.definition is not None:
        return lambda *args: by_definition(primitive, SERIES, args)
    return lambda *args: _composed(primitive, args)


def _by_rule(rule: Callable[..., Any], args: Sequence[Any]) -> Any:
    return run(trace(rule, len(args)), SERIES, args)[0]


def _ratio(x: Any, y: Any) -> Any:
    return x / y if y[0] != 0 else arb_series([NAN])


def _power(x: Any, y: Any) -> Any:
    if len(y) > 1:
        return x if not len(x) and y[0] > 0 else (y * x.log()).exp()
    whole = exact_fraction(y[0])
    if whole is not None and whole.denominator == 1:
        return x ** int(whole) if whole >= 0 else _ratio(arb_series([1]), x ** -int(whole))
    return x ** y[0]


def _absolute(x: Any) -> Any:
    return x if x[0] > 0 else -x if x[0] < 0 else arb_series([NAN])


def _where(condition: bool | None, x: Any, y: Any) -> Any:
    return arb_series([NAN]) if condition is None else x if condition else y


def _largest(x: Any, y: Any) -> Any:
    return _where(True if x[0] > y[0] else False if x[0] < y[0] else None, x, y)


def _smallest(x: Any, y: Any) -> Any:
    return _where(True if x[0] < y[0] else False if x[0] > y[0] else None, x, y)


CHOICES: dict[str, Callable[..., Any]] = {
    "power": _power, "abs": _absolute, "where": _where, "max": _largest, "min": _smallest,
}  # fmt: skip


def _composed(primitive: Primitive, args: Sequence[Any]) -> Any:
    """f(n, u(t)) from the table's derivatives of f at u(0): Σ f⁽ᵏ⁾(u₀)/k!·(u − u₀)ᵏ."""
    from diffkit.algebras.taylor import TaylorAlgebra

    algebra = TaylorAlgebra(BALLS)
    *orders, u = args
    lifted = [algebra.constant(int(exact_fraction(order[0]) or 0)) for order in orders]
    tower = algebra.apply(primitive, [*lifted, algebra.variable(u[0])])
    coefficients = [tower.coefficient(k) for k in range(ctx.cap if len(u) > 1 else 1)]
    outer = arb_series([arb(0) if c is None else c for c in coefficients])
    return outer(arb_series([arb(0), *(u[k] for k in range(1, len(u)))])) if len(u) > 1 else outer

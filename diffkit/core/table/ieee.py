"""Elementary functions on Python floats with IEEE answers: infinities and NaN where ``math`` would raise."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

NAN = math.nan
INF = math.inf


def ieee(function: Callable[..., float], overflow: Callable[..., float] = lambda *_: INF) -> Callable[..., float]:
    """Wrap a ``math`` function: NaN outside the domain, ``overflow(*args)`` beyond the largest float."""

    @wraps(function)
    def safe(*args: float) -> float:
        try:
            return function(*args)
        except ValueError:
            return NAN
        except OverflowError:
            return overflow(*args)

    return safe


def limit_at(function: Callable[[float], float], **limits: tuple[float, float]) -> Callable[[float], float]:
    """Wrap a ``math`` function that has infinite limits at the edge of its domain."""
    values = dict(limits.values())
    safe = ieee(function)

    @wraps(function)
    def limited(x: float) -> float:
        found = values.get(x)
        return safe(x) if found is None else found

    return limited


def odd_overflow(x: float) -> float:
    """Infinity with the sign of the argument."""
    return math.copysign(INF, x)


def div(x: float, y: float) -> float:
    """x/y as IEEE 754 divides."""
    try:
        return x / y
    except ZeroDivisionError:
        return NAN if x == 0 or x != x else math.copysign(INF, x) * math.copysign(1.0, y)


def power(x: float, y: float) -> float:
    """x**y for real x and y: NaN where the real power does not exist."""
    try:
        return math.pow(x, y)
    except ValueError:  # a negative base with a fractional exponent, or zero with a negative one
        return INF if x == 0 else NAN
    except OverflowError:
        return -INF if x < 0 and y % 2 == 1 else INF


def sign(x: float) -> float:
    """−1, 0 or 1."""
    return float((x > 0) - (x < 0)) if x == x else NAN


def floor(x: float) -> float:
    """Largest integer not above x."""
    return float(math.floor(x)) if math.isfinite(x) else x


def ceil(x: float) -> float:
    """Smallest integer not below x."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def heaviside(x: float) -> float:
    """0, ½ or 1."""
    return (sign(x) + 1.0) / 2.0


def maximum(x: float, y: float) -> float:
    """Larger of two; NaN if either is NaN."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    """Smaller of two; NaN if either is NaN."""
    return x if x <= y or x != x else y


def where(condition: bool, x: float, y: float) -> float:
    """x if the condition holds, else y."""
    return x if condition else y


exp = ieee(math.exp)


def sigmoid(x: float) -> float:
    """1/(1 + e⁻ˣ), without overflow on either side."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    tail = exp(x)
    return tail / (1.0 + tail)


def softplus(x: float) -> float:
    """log(1 + eˣ), without overflow."""
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(exp(x))


def logsumexp(x: float, y: float) -> float:
    """log(eˣ + eʸ), without overflow."""
    if x == y:
        return x + math.log(2.0)
    high, low = (x, y) if x > y else (y, x)
    return high + math.log1p(exp(low - high))


def scipy_special(name: str) -> Callable[..., float]:
    """Give a SciPy special function as one on Python floats, imported when first called."""

    def call(*args: float) -> float:
        import scipy.special

        orders: tuple[Any, ...] = tuple(int(a) for a in args[:-1])
        return float(getattr(scipy.special, name)(*orders, args[-1]))

    return call

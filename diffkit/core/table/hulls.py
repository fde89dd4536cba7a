"""Ranges over balls of rows that are not monotone, where Arb's own function is wide or has no value.

A ball holds all numbers between its ends; a range holds all values there, and is the least such ball but for rounding.
"""

from __future__ import annotations

from typing import Any


def raised(x: Any, n: int) -> Any:
    """Multiply x with itself by squaring, n ≥ 1 factors."""
    if n == 1:
        return x
    square = raised(x, n // 2)
    return square * square * x if n % 2 else square * square


def power(flint: Any, x: Any, y: Any) -> Any:
    """xⁿ, by its ends: Arb's own power has no value for balls about 0."""
    if not (y.is_exact() and y.is_integer()):
        return x**y
    n = int(y.unique_fmpz())
    if n <= 0:
        return 1 / power(flint, x, -y) if n else flint.arb(1)
    if n % 2 == 0 and x.contains(0):
        return raised(x.abs_upper(), n).union(flint.arb(0))
    return raised(x.lower(), n).union(raised(x.upper(), n))


def root(flint: Any, x: Any) -> Any:
    """√ over the part of a ball where it is defined."""
    return x.sqrt() if x > 0 or not x.contains(0) else x.upper().sqrt().union(flint.arb(0))


def sine(flint: Any, x: Any) -> Any:
    """The sine, which turns at π/2 + kπ."""
    return _wave(flint, x, flint.arb.sin, x / flint.arb.pi() - _half(flint))


def cosine(flint: Any, x: Any) -> Any:
    """The cosine, which turns at kπ."""
    return _wave(flint, x, flint.arb.cos, x / flint.arb.pi())


def cosh(_: Any, x: Any) -> Any:
    """The hyperbolic cosine, which grows with |x|."""
    return x.abs_lower().cosh().union(x.abs_upper().cosh())


def _half(flint: Any) -> Any:
    return flint.arb(1) / 2


def _wave(flint: Any, x: Any, wave: Any, turns: Any) -> Any:
    """The hull of the values at the ends, and of (−1)ⁿ where ``turns`` may be n; over half a turn or more Arb's own."""
    half = _half(flint)
    if x.is_exact() or not turns.rad() < half:
        return wave(x)
    nearest = (turns.mid() + half).floor().unique_fmpz()
    if nearest is None:
        return wave(x)
    found = wave(x.lower()).union(wave(x.upper()))
    return found.union(flint.arb(-1 if int(nearest) % 2 else 1)) if turns.contains(flint.arb(nearest)) else found

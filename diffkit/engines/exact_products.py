"""Where a fused multiply-add gives the rounding error of a product that Dekker's splitting gives.

Both are exact, and so alike, unless the error has digits below the last of binary64 or splitting a factor overflows.
x·y − fl(x·y) is a multiple of 2^(u + v) where x is one of 2^u and y of 2^v (Ogita, Rump & Oishi, SIAM J. Sci. Comput.
26 (2005), section 2): u + v ≥ −1074 is enough. The powers of two are followed through sums and products; a factor of
which too little is known is looked at while the code runs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from diffkit.calculus.guards import sources
from diffkit.core.program import Program
from diffkit.core.table import ABS, ADD, MAX, MIN, MUL, NEG, SUB, WHERE
from diffkit.engines.float_operations import PRODUCT_ERROR

SMALLEST_FACTOR, LARGEST_FACTOR = 2.0**-80, 2.0**80
"""what a factor that is looked at must lie between, unless it is zero or not finite"""
_LAST_DIGIT = -1074  # binary64 are multiples of this power of two
_LARGEST_SPLIT, _LARGEST_PRODUCT = 990, 1020
_SIZE_KEEPING = frozenset((NEG, ABS))
_CHOICES = frozenset((WHERE, MAX, MIN))
_SUMS = frozenset((ADD, SUB))


class _Digits(NamedTuple):
    """Multiples of 2^``unit`` of a size below 2^``top``."""

    unit: float
    top: float


_NOT_KNOWN = _Digits(-math.inf, math.inf)
_KNOWN_WHILE_RUNNING = _Digits(-80 - 52, 81)


def factors_to_watch(program: Program) -> list[int]:
    """Slots that must lie between the two bounds, or be zero or not finite, for all errors of products to be exact."""
    factors = {slot for row, args in program.instructions if row is PRODUCT_ERROR for slot in args[:2]}
    inputs = set[int]().union(*(sources(program, slot) for slot in factors)) & set(range(len(program.inputs)))
    known = [_KNOWN_WHILE_RUNNING if slot in inputs else _NOT_KNOWN for slot in range(len(program.inputs))]
    known += [_of_constant(float(c)) for c in program.constants]  # type: ignore[arg-type]
    watched = sorted(inputs)
    for _, row, args in program.numbered():
        if row is PRODUCT_ERROR:
            for slot in sorted(args[:2], key=lambda slot: known[slot].unit):
                if not _is_exact(known[args[0]], known[args[1]]):
                    known[slot] = _KNOWN_WHILE_RUNNING
                    watched.append(slot)
        known.append(_of_row(row, [known[a] for a in args]))
    return watched


def _is_exact(x: _Digits, y: _Digits) -> bool:
    return x.unit + y.unit >= _LAST_DIGIT and max(x.top, y.top) <= _LARGEST_SPLIT and x.top + y.top <= _LARGEST_PRODUCT


def _of_constant(value: float) -> _Digits:
    if not math.isfinite(value):
        return _NOT_KNOWN
    if value == 0.0:
        return _Digits(math.inf, -math.inf)
    numerator, denominator = value.as_integer_ratio()
    trailing = (numerator & -numerator).bit_length() - 1
    return _Digits(trailing - denominator.bit_length() + 1, math.frexp(value)[1])


def _of_row(row: object, args: list[_Digits]) -> _Digits:
    """Rounding takes digits at the end away and may raise the top by one."""
    if row in _SIZE_KEEPING:
        return args[0]
    if row in _CHOICES:
        return _Digits(min(a.unit for a in args[-2:]), max(a.top for a in args[-2:]))
    if row in _SUMS:
        return _Digits(min(a.unit for a in args), max(a.top for a in args) + 1)
    if row is MUL:
        unit = args[0].unit + args[1].unit
        return _Digits(unit, args[0].top + args[1].top) if unit >= _LAST_DIGIT else _NOT_KNOWN
    if row is PRODUCT_ERROR:
        return _Digits(args[0].unit + args[1].unit, args[0].top + args[1].top)
    return _NOT_KNOWN

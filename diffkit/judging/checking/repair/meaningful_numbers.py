"""Numbers that mean something: the repair "multiply by r" with the reason why r."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from diffkit.judging.checking.repair.evidence import Array

TELLING = 1e-3  # a number that is known less precisely than this has no name
LARGEST = 6  # numerator and denominator of a small fraction
WHOLE = 12
CONSTANTS = (
    ("π", math.pi, "factor"),
    ("2π", 2 * math.pi, "factor"),
    ("π/180", math.pi / 180, "unit"),
    ("log(2)", math.log(2), "factor"),
    ("log(10)", math.log(10), "factor"),
    ("sqrt(2)", math.sqrt(2), "factor"),
    ("sqrt(π)", math.sqrt(math.pi), "factor"),
    ("sqrt(2π)", math.sqrt(2 * math.pi), "factor"),
)


class Measured(NamedTuple):
    """A number read off the samples, and how far off it may be."""

    value: float
    error: float


class Factor(NamedTuple):
    """What the claim is to be multiplied by, the instruction, and the kind of bug."""

    value: float
    text: str
    kind: str = "factor"
    error: float = 0.0
    digits: int = 0


def measure(above: Array, above_bars: Array, below: Array, below_bars: Array) -> Measured | None:
    """The ratio above/below where it is known best; None where nothing tells it."""
    with np.errstate(all="ignore"):
        relative = above_bars / np.abs(above) + below_bars / np.abs(below)
        relative = np.where(np.isfinite(relative), relative, np.inf)
    if not relative.size or not relative.min() < TELLING:
        return None
    at = np.unravel_index(np.argmin(relative), relative.shape)
    ratio = float(above[at] / below[at])
    return Measured(ratio, abs(ratio) * (float(relative[at]) + 4e-16))


def names(sizes: Mapping[str, int], coordinates: int) -> Iterator[Factor]:
    """Factors that mean something, the simplest first."""
    yield Factor(-1.0, "change the sign", "signs")
    for value in (2, 3):
        if value not in sizes.values():
            yield from _pair(float(value), str(value), "", ("factor", "factor"))
    lengths = {
        value: f", which is {'also ' if value == 2 else ''}{name}"
        for name, value in reversed(list(sizes.items()))
        if value > 1
    }
    if coordinates > 1:
        lengths.setdefault(coordinates, ", the number of coordinates")
    for size, reason in lengths.items():
        kinds = ("mean", "sum") if reason.startswith(", which") else ("factor", "factor")
        yield from _pair(float(size), str(size), reason, kinds)
    for number, text in ((2.0, "2"), (0.5, "1/2"), (-1.0, "−1"), (-2.0, "−2")):
        for size, reason in lengths.items():
            where = f", where {size} is {reason.removeprefix(', which is ').removeprefix('also ').removeprefix(', ')}"
            yield Factor(number * size, f"multiply by {text}·{size}{where}")
            yield Factor(number / size, f"multiply by ({text})/{size}{where}")
    for text, number, kind in CONSTANTS:
        yield from _pair(number, text, "", (kind, kind))
    for below in range(1, WHOLE + 1):
        for above in range(1, WHOLE + 1):
            if (
                math.gcd(above, below) == 1
                and above != below
                and (min(above, below) == 1 or max(above, below) <= LARGEST)
            ):
                for sign in (1, -1):
                    yield _fraction(Fraction(sign * above, below))


def _pair(number: float, text: str, reason: str, kinds: tuple[str, str]) -> Iterator[Factor]:
    yield Factor(1 / number, f"divide by {text}{reason}", kinds[0])
    yield Factor(number, f"multiply by {text}{reason}", kinds[1])


def _fraction(value: Fraction) -> Factor:
    if value.denominator == 1:
        return Factor(float(value), f"multiply by {value.numerator}".replace("-", "−"))
    if value.numerator == 1:
        return Factor(float(value), f"divide by {value.denominator}")
    return Factor(float(value), f"multiply by {value.numerator}/{value.denominator}".replace("-", "−"))


def named(ratio: Measured, known: Mapping[str, int], coordinates: int) -> Factor | None:
    """The factor that means something and lies within the error of the ratio."""
    for factor in names(known, coordinates):
        if abs(factor.value - ratio.value) <= ratio.error:
            return factor
    return None


def peculiar(ratio: Measured) -> Factor | None:
    """The shortest decimal to multiply or to divide by, if there is one; else the number as it was measured.

    None if it is hardly to be told from 1.
    """
    if ratio.error > TELLING * abs(ratio.value - 1):
        return None
    direct, inverse = shortest(ratio), shortest(inverted(ratio))
    if len(inverse) <= len(direct):
        value, text = 1 / float(inverse), f"divide by {inverse}"
    else:
        value, text = float(direct), f"multiply by {direct}"
    return Factor(value, text.replace("-", "−"), "factor", 0.0 if is_short(text) else ratio.error, digits_of(text))


def inverted(ratio: Measured) -> Measured:
    """1/r."""
    return Measured(1 / ratio.value, ratio.error / ratio.value**2)


def is_short(text: str) -> bool:
    """Whether a number was surely meant as it is written."""
    return digits_of(text) < 8


def digits_of(text: str) -> int:
    """Significant digits of the number in a text."""
    mantissa = "".join(filter(str.isdigit, text.split("e-")[0].split("e+")[0]))
    return len(mantissa.strip("0"))


def shortest(number: Measured) -> str:
    """The decimal with the fewest digits within the error."""
    for digits in range(1, 17):
        text = f"{number.value:.{digits}g}"
        if abs(float(text) - number.value) <= number.error:
            break
    value = float(text)
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)

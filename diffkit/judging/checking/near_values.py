"""Claims that are right, settled array by array: an object for a component is made when somebody looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffkit.core.partials import LazySequence
from diffkit.judging.checking.outcome import (
    DIGITS_OF_A_DOUBLE,
    DIGITS_WANTED,
    LEAST_MISTAKE,
    REFERENCE,
    TIMES_UNCERTAIN,
    Judged,
    Measured,
    digits_of,
    settle,
)

_SURELY = 1.0 - 2.0**-30  # of a limit: within that, no rounding of the comparison itself counts


@dataclass(frozen=True, eq=False, repr=False)
class NearValues(LazySequence[Measured]):
    """Values of a claim's code beside the reference at one point, by component; nothing is odd there."""

    claimed: Any
    reference: Any
    terms: Mapping[str, Any]
    """what they may differ by, by name"""

    def __len__(self) -> int:
        return len(self.claimed)

    def item(self, place: int) -> Measured:
        """One component."""
        claimed, reference = float(self.claimed[place]), float(self.reference[place])
        terms = {name: float(term[place]) for name, term in self.terms.items()}
        return Measured(place, claimed, reference, abs(claimed - reference), terms)

    @property
    def tolerance(self) -> Any:
        """What each may differ by."""
        return sum(self.terms.values())

    @property
    def largest(self) -> float:
        """The largest reference that is seen above what is uncertain of it; 0 if none is."""
        sizes = np.abs(self.reference)
        return float(np.max(sizes, where=(sizes > self.tolerance) & np.isfinite(sizes), initial=0.0))

    def settled(self, largest: float) -> RightValues | None:
        """All components as right; None where one may not be."""
        size, error = np.abs(self.reference), np.abs(self.claimed - self.reference)
        scale = np.where(size > self.tolerance, size, np.maximum(size, largest))
        limit = np.maximum(TIMES_UNCERTAIN * self.tolerance, LEAST_MISTAKE * scale)
        off = error + self.terms[REFERENCE]
        right = (error <= _SURELY * limit) & ((off <= _SURELY * 10.0**-DIGITS_WANTED * scale) | (off == 0))
        return (
            RightValues(self, largest, off, scale) if np.isfinite(self.tolerance + size).all() and right.all() else None
        )


@dataclass(frozen=True, eq=False, repr=False)
class RightValues(LazySequence[Judged]):
    """The verdicts on values that are all right, with |claim − reference| + bar and what that is a part of."""

    values: NearValues
    largest: float
    off: Any
    scale: Any

    def __len__(self) -> int:
        return len(self.off)

    def item(self, place: int) -> Judged:
        """The verdict on one component."""
        return settle(self.values.item(place), self.largest, None)

    @property
    def least(self) -> Judged:
        """The first of those of which the fewest digits are seen to agree."""
        part = np.divide(self.off, self.scale, out=np.zeros(len(self.off)), where=self.off > 0)
        worst = int(np.argmax(part))
        digits = digits_of(float(self.off[worst]), float(self.scale[worst]))
        if digits == DIGITS_OF_A_DOUBLE:
            return self.item(0)
        candidates = np.flatnonzero(part[: worst + 1] >= _SURELY * 10.0 ** -(digits + 1))
        alike = (self.item(c) for c in (*candidates[:-1].tolist(), worst))
        return next(j for j in alike if j.digits == digits)


def doubtful(judged: Sequence[Judged]) -> Sequence[Judged]:
    """Those that are wrong or not decided."""
    return () if isinstance(judged, RightValues) else [j for j in judged if j.verdict != "correct"]


def least(judged: Sequence[Judged]) -> Judged:
    """The first of those of which the fewest digits are seen to agree."""
    return judged.least if isinstance(judged, RightValues) else min(judged, key=lambda j: j.digits)

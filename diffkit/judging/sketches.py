"""Quantiles of many numbers: exact up to a size, and of a t-digest above that, where there is a library for it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from diffkit.core.row_files import strict, typed

EXACT = "exact"
_EXACT_NUMBERS = 100_000  # of which all are kept
_BUFFERED = 10_000  # numbers that enter a digest together
_PERCENTS = (50, 95, 99, 100)


class Quantiles(NamedTuple):
    """Nearest-rank quantiles, from the best to the worst: half, 95 %, 99 % and all of the numbers are this good."""

    median: float
    most: float
    nearly_all: float
    worst: float


class Sketch:
    """Numbers, infinities among them, of which quantiles are asked.

    Up to 100,000 numbers all are kept, and quantiles are exact; above that a t-digest (Dunning and Ertl, Computing
    extremely accurate quantiles using t-digests, 2019) by the package fastdigest takes their place. Without it all are
    kept, in 8 bytes each. The largest is always exact.
    """

    def __init__(self) -> None:
        self.kept = array("d")
        """all finite numbers, or those that are not in the digest yet"""
        self.infinite = 0
        self.largest = -math.inf
        """of the finite numbers"""
        self.digest: Any = None

    @property
    def finite(self) -> int:
        """How many finite numbers there are."""
        return len(self.kept) + (0 if self.digest is None else self.digest.n_values)

    @property
    def source(self) -> str:
        """Where quantiles come from."""
        return EXACT if self.digest is None else "t-digest (fastdigest)"

    def add(self, number: float) -> None:
        """Take a number in."""
        if number == math.inf:
            self.infinite += 1
            return
        self.largest = max(self.largest, number)
        self.kept.append(number)
        if len(self.kept) > (_EXACT_NUMBERS if self.digest is None else _BUFFERED):
            self._fold()

    def merge(self, other: Sketch) -> None:
        """Take in all that another holds."""
        self.infinite += other.infinite
        self.largest = max(self.largest, other.largest)
        if other.digest is not None:
            self._fold()
            self.digest = other.digest.copy() if self.digest is None else self.digest.merge(other.digest)
        self.kept.extend(other.kept)
        if len(self.kept) > _EXACT_NUMBERS:
            self._fold()

    def _fold(self) -> None:
        """Let a digest take the place of the numbers."""
        digest = _digest()
        if digest is None or not self.kept:
            return
        if self.digest is None:
            self.digest = digest.from_values(self.kept)
        else:
            self.digest.batch_update(self.kept)
        self.kept = array("d")

    def quantiles(self, sign: float = 1.0) -> Quantiles:
        """Give quantiles by nearest rank (so infinities need no arithmetic), times ``sign``; all NaN of no numbers."""
        if self.digest is not None:
            self._fold()
        ordered = sorted(self.kept) if self.digest is None else None
        finite, count = self.finite, self.finite + self.infinite

        def at(percent: int) -> float:
            rank = max(1, math.ceil(percent * count / 100))
            if rank > finite:
                return math.inf
            if ordered is not None:
                return ordered[rank - 1]
            return self.largest if rank == finite else float(self.digest.quantile(rank / finite))

        return Quantiles(*(sign * at(percent) if count else math.nan for percent in _PERCENTS))

    def state(self) -> dict[str, Any]:
        """Give all that it holds, as JSON can."""
        self._fold() if self.digest is not None else None
        digest = None if self.digest is None else self.digest.to_dict()
        return strict({"kept": list(self.kept), "infinite": self.infinite, "largest": self.largest, "digest": digest})  # type: ignore[no-any-return]

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Sketch:
        """Give one by its state; LookupError where a digest needs a package that is not there."""
        found = cls()
        found.kept = array("d", state["kept"])
        found.infinite = int(state["infinite"])
        found.largest = typed("float", state["largest"])
        if state["digest"] is not None:
            digest = _digest()
            if digest is None:
                raise LookupError("its quantiles are t-digests, which need fastdigest")
            found.digest = digest.from_dict(state["digest"])
        return found


def _digest() -> Any:
    """The library's type of digests, if there is one."""
    try:
        from fastdigest import TDigest
    except ImportError:
        return None
    return TDigest


def quantiles(values: Iterable[float], sign: float = 1.0) -> Quantiles:
    """Give the quantiles of some numbers."""
    found = Sketch()
    for value in values:
        found.add(value)
    return found.quantiles(sign)

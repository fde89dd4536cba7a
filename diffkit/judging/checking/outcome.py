"""What a check says: when a claim and its reference agree, the entries that are wrong or undecided, what was looked at.

With d = |claim − reference|, b the reference's bar and t = atol + rtol·|reference|, a claim is correct if d + b ≤ t,
wrong if d − b > t, and otherwise nothing is said. Without rtol and atol it is wrong where neither the bars, nor the
tolerance of the code itself, nor rounding explain the difference, and correct where six digits are seen to agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Final, Result
from diffkit.core.surroundings import undisturbed

Verdict = Literal["correct", "wrong", "inconclusive"]
WORST: tuple[Verdict, ...] = ("correct", "inconclusive", "wrong")
"""Verdicts from good to bad; a check has that of its worst entry."""
REFERENCE, OWN_TOLERANCE, CLAIM_ROUNDING, LITERALS = (
    "the reference", "the code's own tolerance", "rounding of the claim's code", "rounded constants",
)  # fmt: skip
"""What can be uncertain: the parts of a tolerance by name."""

_COORDINATES_NAMED = 4  # coordinates of a point, or of a direction, that one line names


@dataclass(frozen=True)
class DirectionWitness:
    """A direction along which a claim is none of the slopes that f has around a point."""

    direction: Mapping[str, float]
    claimed: float
    """claim·d"""
    least: float
    largest: float
    """g·d for all gradients g around the point lies between"""

    def __str__(self) -> str:
        d = self.direction
        if len(d) <= _COORDINATES_NAMED:
            along = f"d = ({', '.join(map(_short, d.values()))})"
        else:
            along = f"d with {_named({name: value for name, value in d.items() if value})}, else 0,"
        if self.least == self.largest:
            truth = f"f has slope {_short(self.least)} to both sides"
        else:
            truth = f"the slopes of f around the point lie between {_short(self.least)} and {_short(self.largest)}"
        return (
            f"along {along} the claim gives {_short(self.claimed)}, but {truth}: no mixture of the gradients around "
            "the point gives the claim"
        )


@dataclass(frozen=True, eq=False)
class Entry(ByContent):
    """One entry of a claim that is wrong or undecided, where that shows most.

    Examples
    --------
    >>> entry = dk.check("x^3", "2*x^2", at=2).entries[0]
    >>> entry.label, entry.claimed, entry.reference, entry.verdict
    ('∂f/∂x', 8.0, 12.0, 'wrong')
    """

    index: tuple[int, ...]
    """its place in the claimed array"""
    label: str
    """its name: ∂f/∂x, ∂f/∂w[3]"""
    claimed: float
    """the claim's value"""
    reference: float
    """the right value"""
    error: float
    """|claimed − reference|"""
    tolerance: float
    """what the two may differ by; the sum of ``terms``"""
    verdict: Verdict
    """wrong or inconclusive"""
    digits: int = 0
    """to which the two were seen to agree"""
    decided: str = ""
    """the largest term of the tolerance: what limits the check"""
    note: str = ""
    """what else there is to say"""
    at: Mapping[str, float] | None = None
    """the point, if it is not the one that was asked about"""
    witness: DirectionWitness | None = None
    """what the whole vector is wrong by, where the entry alone could be right"""


class Measured(NamedTuple):
    """How far one component of a claim is from the reference at one point, and what is uncertain about that."""

    component: int
    claimed: float
    reference: float
    error: float
    """|claimed − reference|; of the formulas, where both are known"""
    terms: Mapping[str, float]
    """what they may differ by, by name"""
    computed: float = 0.0
    """|what the claim's code computes − reference|, where ``error`` is of formulas"""
    doubt: str = ""
    """why the reference is not certain though its bar is known"""

    @property
    def tolerance(self) -> float:
        """What the claim may differ by."""
        return sum(self.terms.values())


class Judged(NamedTuple):
    """The verdict on one component at one point."""

    component: int
    verdict: Verdict
    claimed: float
    reference: float
    error: float
    terms: Mapping[str, float]
    """parts of the tolerance by name"""
    digits: int = 0
    """to which claim and reference were seen to agree"""
    note: str = ""
    convention: str = ""
    witness: DirectionWitness | None = None

    @property
    def tolerance(self) -> float:
        """What the claim may differ by."""
        return sum(self.terms.values())

    @property
    def decided(self) -> str:
        """Name of the largest part of the tolerance."""
        return max(self.terms, key=lambda k: self.terms[k]) if self.tolerance > 0 else ""


def badness(j: Judged | Entry) -> tuple[int, float]:
    """How bad it is: the verdict, then the error in proportion to the reference."""
    size = 0.0
    if not math.isnan(j.error):
        size = j.error / abs(j.reference) if j.reference else math.inf if j.error else 0.0
    return WORST.index(j.verdict), size


def _nothing() -> None:
    """There is nothing to explain."""


@dataclass(frozen=True, eq=False, repr=False)
class Check(ReportViews, ByContent, Final):
    """Whether a claimed derivative is right.

    ``verdict``: "correct" (within ``allowed``, or to six ``digits`` and more),
    "wrong" (it differs by more than that, or than everything that is known to
    be uncertain), or "inconclusive". ``entries`` are those that are wrong or
    undecided, the worst last; ``passed`` counts the others. A pickle holds what
    was found so far: an ``explanation`` that nobody has asked for is not looked
    for any more. ``bool(c)`` is whether the claim is correct.

    Examples
    --------
    >>> c = dk.check("x^2*y", ["2*x*y", "x"], at=[3, 2])
    >>> c.verdict, c.passed
    ('wrong', 1)
    >>> entry = c.entries[-1]
    >>> entry.label, entry.claimed, entry.reference
    ('∂f/∂y', 3.0, 9.0)
    """

    verdict: Verdict
    """correct, wrong or inconclusive"""
    kind: str
    """of derivative"""
    entries: tuple[Entry, ...]
    """those that are wrong or undecided, the worst last"""
    passed: int
    """how many entries are right"""
    reference: Result
    """the derivative that the claim is judged by"""
    source: str
    """where the reference comes from"""
    digits: int
    """decimal digits to which claim and reference were seen to agree in every entry, and no more than really do"""
    allowed: Tolerances | None = None
    """what the caller allowed, by rtol and atol"""
    decided: str = ""
    """what limits the digits"""
    unchecked: str = ""
    """what was sampled rather than looked at"""
    points: int = 1
    """how many points were looked at"""
    scope: str = ""
    """for which points it was shown, and how"""
    convention: str = ""
    """what the claim takes at a kink"""
    reason: str = ""
    """why it is inconclusive, or what shows that the whole vector is wrong"""
    counterexample: Mapping[str, float] | None = None
    """a point at which two formulas differ"""
    warnings: tuple[str, ...] = ()
    """what is odd about the code"""
    at: Mapping[str, Any] = field(default_factory=dict)
    """the point by name"""
    explain: Callable[[], str | None] = field(default=_nothing, compare=False)
    """looks for the repair: it costs more than the verdict, so it waits until ``explanation`` is asked for"""

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "explanation": self.explanation, "explain": _nothing}  # nothing is left to look with

    @cached_property
    @undisturbed()
    def explanation(self) -> str | None:
        """The repair, proven at fresh points; None if the claim is not wrong, or no repair was found."""
        return self.explain()

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.reference.notes

    def __bool__(self) -> bool:
        """A check is true only if the claim is correct."""
        return self.verdict == "correct"

    @property
    def witness(self) -> DirectionWitness | None:
        """A direction that shows the whole vector to be wrong, where its worst entry alone could be right."""
        return self.entries[-1].witness if self.entries else None

    @property
    def summary(self) -> str:
        """The verdict, and how far claim and reference were seen to agree."""
        if self.verdict != "correct" or self.digits > 15:  # formulas are equal, not digits
            return self.verdict
        return f"correct, within {self.allowed}" if self.allowed else f"correct, to at least {self.digits} digits"

    def __str__(self) -> str:
        parts: list[str] = [self.summary]
        if self.entries:
            worst = self.entries[-1]
            given = "the given point" if len(self.at) > _COORDINATES_NAMED else _named(self.at)
            parts[0] += f" at {given if worst.at is None else _named(worst.at)}"
            if not worst.note:
                parts.append(f"{worst.label} is {worst.reference!r}, claimed {worst.claimed!r}")
            elif not self.reason.startswith(worst.note):
                parts.append(f"{worst.label} is claimed to be {worst.claimed!r}, but {worst.note}")
        if self.explanation:
            parts.append(self.explanation)
        return "; ".join([*parts, *([self.reason] if self.reason else [])])

    def __repr__(self) -> str:
        return f"<check: {self}>"


def _named(at: Mapping[str, float]) -> str:
    """A point in words, cut where it is long."""
    parts = [f"{name} = {_short(value)}" for name, value in at.items()]
    if len(parts) > _COORDINATES_NAMED:
        parts[_COORDINATES_NAMED:] = [f"{len(parts) - _COORDINATES_NAMED} more"]
    return ", ".join([*parts[:-2], " and ".join(parts[-2:])])


def _short(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


TIMES_UNCERTAIN = 3.0  # times everything that is uncertain, beyond which a claim is wrong
LEAST_MISTAKE = 1e-10  # of the entry: less than that is no mistake
DIGITS_WANTED = 6  # digits that must be seen to agree
DIGITS_OF_A_DOUBLE = 15  # digits that binary64 holds


def settle(m: Measured, largest: float, allowed: Tolerances | None) -> Judged:
    """The verdict on a number; where the entry drowns in what is uncertain, the ``largest`` entry is the measure."""
    bar, scale = m.terms.get(REFERENCE, 0.0), _measure_of(m, largest)
    digits = digits_of(max(m.error, m.computed) + bar, scale)
    judged = Judged(m.component, "inconclusive", m.claimed, m.reference, m.error, m.terms, digits, m.doubt)
    if not math.isfinite(m.tolerance + m.reference):
        return judged._replace(digits=0, note=m.doubt or "what is uncertain there is not bounded")
    if allowed is not None:
        limit = allowed.at(m.reference)
        if m.error + bar <= limit:
            return judged._replace(verdict="correct", note="")
        wrong = m.error - bar - m.terms.get(OWN_TOLERANCE, 0.0) > limit
    else:
        wrong = m.error > max(TIMES_UNCERTAIN * m.tolerance, LEAST_MISTAKE * scale)
        if not (wrong or m.doubt) and digits_of(m.error + bar, scale) >= DIGITS_WANTED:
            return judged._replace(verdict="correct")
    return judged._replace(verdict="wrong") if wrong else judged


def _measure_of(m: Measured, largest: float) -> float:
    """What the error of an entry is a part of: the entry, or the largest one where it drowns."""
    size = abs(m.reference)
    return size if size > m.tolerance else max(size, largest)


def digits_of(error: float, scale: float) -> int:
    """How many digits are seen to agree: −log₁₀(error/scale), rounded down."""
    if not (error < scale or error == 0):  # NaN too
        return 0
    part = error / scale if error else 0.0
    return min(DIGITS_OF_A_DOUBLE, math.floor(-math.log10(part))) if part else DIGITS_OF_A_DOUBLE


class Tolerances(NamedTuple):
    """The sum of an absolute tolerance and a relative one."""

    rtol: float
    atol: float

    def at(self, reference: float) -> float:
        """What may be off of a number."""
        return self.atol + self.rtol * abs(reference)

    def __str__(self) -> str:
        return " and ".join(f"{name} = {value:g}" for name, value in self._asdict().items() if value)


def read_tolerances(rtol: Any, atol: Any, closeness: Any = None) -> Tolerances | None:
    """Give what a caller allows, one of the two omitted being 0; None if both are.

    DiffkitError if they allow nothing, if one is no finite number of at least 0, and for ``closeness``, which they
    have replaced.
    """
    if closeness is not None:
        raise DiffkitError("closeness is no longer taken", hint="give rtol, and atol, in its place")
    if rtol is None and atol is None:
        return None
    found = Tolerances(_size("rtol", rtol), _size("atol", atol))
    if not any(found):
        raise DiffkitError("rtol and atol are both 0, which no rounded number meets", hint="leave both out for the "
                           "default")  # fmt: skip
    return found


def _size(name: str, value: Any) -> float:
    if value is None:
        return 0.0
    try:
        found = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise DiffkitError(f"{name} is a finite number of at least 0, not {value!r}")
    return found

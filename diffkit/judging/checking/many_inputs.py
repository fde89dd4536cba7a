"""Many inputs: every entry of a claim against the gradient by reverse mode, confirmed by directional derivatives.

v·∇f(x) along a random v holds every entry at once, for the price of one directional derivative in forward mode. Where
reverse mode does not run, or directions do not confirm it, the claim itself is judged along random directions and
entry by entry where sampled; a direction that is off is halved until the entries that are wrong are found. Memory
stays O(n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.answers import lay_out
from diffkit.asking.points import Points
from diffkit.asking.tasks import directional_task, gradient_task
from diffkit.core.errors import BackendError, DiffkitError, LimitError
from diffkit.core.results import Answer, Odd
from diffkit.judging.agreement import BEYOND, Tolerances, settle
from diffkit.judging.checking.outcome import REFERENCE, ROUNDING, WORST, Check, Entry, Judged, Measured
from diffkit.methods import Bounded, get_backend
from diffkit.methods.auto import Referee

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting

DIRECTIONS = 4
SAMPLED = 10  # entries looked at because they are the largest, and as many at random
CONFIRMED = 2  # of each, where they only confirm what reverse mode gives
MOST_WRONG = 8  # wrong entries that are tracked down
SIMPLE = (2.0, 0.5, -1.0, -2.0, -0.5, 3.0, 1 / 3, 10.0, 0.1)


class Line(NamedTuple):
    """A directional derivative: what the claim makes of it, and what it is, with its bar and what is odd about it."""

    judged: Judged
    direction: Any
    slope: float
    bar: float
    odd: Odd | None


class Whole(NamedTuple):
    """The gradient by reverse mode: values and bars, and what is odd, by entry."""

    values: Any
    bars: Any
    odd: dict[int, Odd]

    def judge(self, i: int, lines: Lines) -> Judged:
        """Judge an entry of a claim by it."""
        odd, claimed = self.odd.get(i), float(lines.claimed[i])
        if odd is not None and odd.status != "ok":
            return Judged(i, "inconclusive", claimed, math.nan, math.nan, {}, note=odd.message)
        terms = {REFERENCE: float(self.bars[i]), ROUNDING: float(lines.noise[i])}
        value = float(self.values[i])
        return settle(Measured(i, claimed, value, abs(claimed - value), terms), lines.largest, lines.allowed)

    def keeps(self, line: Line) -> bool:
        """Whether a directional derivative, found without it, is what it makes of the direction."""
        reached = line.direction != 0
        if line.odd is not None or any(reached[i] for i in self.odd):
            return True  # nothing can be told there
        terms = self.values[reached] * line.direction[reached]
        value = math.fsum(terms.tolist())
        slack = float(np.sum(np.abs(self.bars[reached] * line.direction[reached]))) + line.bar + 2 * math.ulp(value)
        return abs(value - line.slope) <= BEYOND * slack


class Lines:
    """Directional derivatives of a function at one point, all from one preparation."""

    def __init__(self, setting: Setting, point: Sequence[float], allowed: Tolerances | None):
        function = setting.subject.function
        assert function is not None
        self.point = tuple(point)
        self.task = directional_task(function, [0.0] * len(point))
        self.referee = Referee(self.task, untraced=setting.subject.reason)
        self.claimed = np.asarray(setting.claim.values(np.array(point)), dtype=float)
        self.noise = np.asarray(setting.claim.rounding(np.array(point)), dtype=float)
        if setting.claim.paired:
            self.claimed, self.noise = self.claimed[1:], self.noise[1:]
        self.scale = np.where(np.array(point) == 0, 1.0, np.abs(point))
        self.allowed = allowed
        self.largest = float(np.max(np.abs(self.claimed)))
        self.evaluations = 0
        self.note = ""

    def along(self, direction: Any) -> Line:
        """Judge v·claim."""
        answer = self.referee.at((*self.point, *direction.tolist(), 0.0))
        self.evaluations += answer.evaluations
        self.note = answer.note
        slope, bar = float(answer.values[0]), float(answer.errors[0])
        parts = self.claimed * direction
        value = math.fsum(parts.tolist())
        odd = answer.odd.get(0)
        if odd is not None and odd.status != "ok":
            judged = Judged(0, "inconclusive", value, math.nan, math.nan, {}, note=odd.message)
            return Line(judged, direction, slope, bar, odd)
        terms = {REFERENCE: bar, ROUNDING: float(np.sum(np.abs(self.noise * direction))) + math.ulp(value)}
        seen = Measured(0, value, slope, abs(value - slope), terms)
        judged = settle(seen, float(np.max(np.abs(parts))), self._allowed(direction))
        return Line(judged, direction, slope, bar, None)

    def _allowed(self, direction: Any) -> Tolerances | None:
        """What v·claim may be off by: Σ|vᵢ|·(atol + rtol·|claimedᵢ|)."""
        if self.allowed is None:
            return None
        return Tolerances(
            0.0, float(np.sum(np.abs(direction) * (self.allowed.atol + self.allowed.rtol * np.abs(self.claimed))))
        )

    def entry(self, i: int) -> Line:
        """Judge one entry."""
        direction = np.zeros(len(self.claimed))
        direction[i] = 1.0
        line = self.along(direction)
        return line._replace(judged=line.judged._replace(component=i))

    def search(self, line: Line) -> list[int]:
        """Entries that make a direction wrong, by halving it; the first few of them."""
        found: list[int] = []
        waiting = [(np.flatnonzero(line.direction), line)]
        while waiting and len(found) < MOST_WRONG:
            indices, _ = waiting.pop()
            if len(indices) == 1:
                found.append(int(indices[0]))
                continue
            half = len(indices) // 2
            for part in (indices[half:], indices[:half]):
                direction = np.zeros(len(self.claimed))
                direction[part] = line.direction[part]
                below = self.along(direction)
                if below.judged.verdict == "wrong":
                    waiting.append((part, below))
        return found


def check_large(setting: Setting, allowed: Tolerances | None) -> Check:
    """Check a gradient of many entries by directions and samples."""
    if setting.kind != "gradient":
        raise DiffkitError(
            f"a {setting.kind} of {len(setting.labels)} inputs is too large to be checked entry by entry",
            hint="check products with a vector: the gradient of v·f, or of v·∇f",
        )
    point, rng = setting.given[0], setting.rng
    lines, n = Lines(setting, point, allowed), len(setting.labels)
    along = [lines.along(rng.choice([-1.0, 1.0], n) * lines.scale) for _ in range(DIRECTIONS)]
    largest, others = np.argsort(-np.abs(lines.claimed)).tolist(), rng.choice(n, SAMPLED, replace=False).tolist()
    entries_seen = {i: lines.entry(i) for i in (*largest[:CONFIRMED], *others[:CONFIRMED])}
    gradient = reverse_gradient(setting, point)
    if gradient is not None and all(map(gradient.keeps, (*along, *entries_seen.values()))):
        judged = [gradient.judge(i, lines) for i in range(n)]
        source = "reverse mode through the code, with its rounding measured, confirmed by " + lines.note
        how = f"every entry, and {len(entries_seen)} of them and {DIRECTIONS} random directions by forward mode too"
        unchecked = ""
    else:
        entries_seen.update({i: lines.entry(i) for i in (*largest[CONFIRMED:SAMPLED], *others[CONFIRMED:])})
        off = next((line for line in along if line.judged.verdict == "wrong"), None)
        found = lines.search(off) if off is not None else []
        entries_seen.update({i: lines.entry(i) for i in found if i not in entries_seen})
        judged = [line.judged for line in entries_seen.values()]
        source, how = lines.note, f"{len(judged)} entries one by one and {DIRECTIONS} random directions"
        unchecked = _unchecked(n, len(judged), lines, along)
    whole = [line.judged for line in along]
    verdict = max((j.verdict for j in (*judged, *whole)), key=WORST.index)
    entries = tuple(sorted((_entry(setting, j) for j in judged if j.verdict != "correct"),
                           key=lambda e: (WORST.index(e.verdict), e.error / (abs(e.reference) or 1.0))))  # fmt: skip
    reason = next((j.note for j in (*whole, *judged) if j.verdict == "inconclusive" and j.note), "")
    least = min((*judged, *whole), key=lambda j: j.digits)
    function = setting.subject.function
    assert function is not None
    return Check(
        verdict, setting.kind, entries, len(judged) - len(entries), _reference(setting, point, judged),
        f"{source} (nothing is proven: {setting.subject.reason})",
        least.digits, allowed, least.decided, unchecked, 1, f"at 1 point, {how}", "",
        reason if verdict == "inconclusive" else "", None, (*function.warnings, *setting.claim.warnings),
        setting.named(point), partial(_factor, whole),
    )  # fmt: skip


def reverse_gradient(setting: Setting, point: Sequence[float]) -> Whole | None:
    """The gradient by reverse mode; None where the code cannot be followed."""
    evaluation = get_backend("reverse").prepare(gradient_task(setting.source))
    assert isinstance(evaluation, Bounded)
    try:
        answer = evaluation.at(point)
        bars = evaluation.bound(point)
    except (BackendError, LimitError):
        return None
    return Whole(np.array(answer.values), np.array(bars), answer.odd)


def _unchecked(n: int, seen: int, lines: Lines, along: Sequence[Line]) -> str:
    """What was looked at only together with others."""
    hidden = max(line.judged.tolerance for line in along) / float(np.median(lines.scale))
    return (
        f"{n - seen} of {n} entries were looked at only together, along {DIRECTIONS} random directions: an "
        f"error below about {hidden:.1g} in a single one of them would not be seen"
    )


def _entry(setting: Setting, j: Judged) -> Entry:
    c = j.component + setting.claim.paired
    return Entry(
        setting.index(c), setting.task.labels[c], j.claimed, j.reference, j.error, j.tolerance, j.verdict, j.digits,
        j.decided, j.note,
    )  # fmt: skip


def _reference(setting: Setting, point: Sequence[float], judged: Sequence[Judged]) -> Any:
    """The entries that were looked at, as a Result; the others are NaN and uncertain."""
    known = {j.component: j for j in judged}
    task = setting.task
    count = len(task.indices)
    values = [known[c].reference if c in known else math.nan for c in range(count)]
    bars = [known[c].terms.get(REFERENCE, math.nan) if c in known else math.nan for c in range(count)]
    unseen = Odd("uncertain", "not looked at")
    odd = {c: unseen for c in range(count) if c not in known}
    return lay_out(task, Answer(values, bars, odd), Points(task.variables, tuple(point)), "referee", "estimate")


def _factor(whole: Sequence[Judged]) -> str | None:
    """The one factor that makes every direction right, if there is one."""
    ratios = [j.reference / j.claimed for j in whole if j.claimed and math.isfinite(j.reference)]
    if len(ratios) < len(whole):
        return None
    slack = max(BEYOND * j.tolerance / abs(j.claimed) for j in whole)
    for factor in SIMPLE:
        if all(abs(r - factor) <= slack for r in ratios):
            return f"multiply by {factor:.6g}" if abs(factor) >= 1 else f"divide by {1 / factor:.6g}"
    return None

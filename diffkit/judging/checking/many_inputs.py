"""Many inputs: every entry of a claim against the gradient by reverse mode, confirmed by directional derivatives.

v·∇f(x) along a random v holds every entry at once, for the price of one directional derivative in forward mode. Where
reverse mode does not run, or directions do not confirm it, the claim itself is judged along random directions and
entry by entry where sampled; a direction that is off is halved until the entries that are wrong are found. Memory
stays O(n).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.answers import lay_out
from diffkit.asking.points import Points
from diffkit.asking.tasks import directional_task, gradient_task
from diffkit.core.errors import BackendError, DiffkitError, LimitError
from diffkit.core.results import Answer, Odd, Result
from diffkit.judging.checking.near_values import NearValues, RightValues, doubtful, least
from diffkit.judging.checking.outcome import (
    CLAIM_ROUNDING,
    REFERENCE,
    TIMES_UNCERTAIN,
    WORST,
    Check,
    Judged,
    Measured,
    Tolerances,
    badness,
    settle,
)
from diffkit.methods import Bounded, get_backend
from diffkit.methods.auto import Referee

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting

_RANDOM = 4
_SAMPLED = 10  # entries looked at because they are the largest, and as many at random
_FOR_SURE = 2  # of each, where they only confirm what reverse mode gives
_MOST_WRONG = 8  # wrong entries that are tracked down
_SIMPLE_FACTORS = (2.0, 0.5, -1.0, -2.0, -0.5, 3.0, 1 / 3, 10.0, 0.1)


class _JudgedDirection(NamedTuple):
    """A directional derivative: what the claim makes of it, and what it is, with its bar and what is odd about it."""

    judged: Judged
    direction: Any
    slope: float
    bar: float
    odd: Odd | None


class _ReverseGradient(NamedTuple):
    """The gradient by reverse mode: values and bars, and what is odd, by entry."""

    values: Any
    bars: Any
    odd: Mapping[int, Odd]

    def judged(self, lines: _Directions) -> Sequence[Judged]:
        """Judge a claim by it."""
        if not self.odd and lines.allowed is None:
            terms = {REFERENCE: self.bars, CLAIM_ROUNDING: lines.noise}
            right = NearValues(lines.claimed, self.values, terms).settled(lines.largest)
            if right is not None:
                return right
        return [self._judge(i, lines) for i in range(len(lines.claimed))]

    def _judge(self, i: int, lines: _Directions) -> Judged:
        """Judge an entry."""
        odd, claimed = self.odd.get(i), float(lines.claimed[i])
        if odd is not None and odd.status != "ok":
            return Judged(i, "inconclusive", claimed, math.nan, math.nan, {}, note=odd.message)
        terms = {REFERENCE: float(self.bars[i]), CLAIM_ROUNDING: float(lines.noise[i])}
        value = float(self.values[i])
        return settle(Measured(i, claimed, value, abs(claimed - value), terms), lines.largest, lines.allowed)

    def keeps(self, line: _JudgedDirection) -> bool:
        """Whether a directional derivative, found without it, is what it makes of the direction."""
        reached = line.direction != 0
        if line.odd is not None or any(reached[i] for i in self.odd):
            return True  # nothing can be told there
        terms = self.values[reached] * line.direction[reached]
        value = math.fsum(terms.tolist())
        slack = float(np.sum(np.abs(self.bars[reached] * line.direction[reached]))) + line.bar + 2 * math.ulp(value)
        return abs(value - line.slope) <= TIMES_UNCERTAIN * slack


class _Directions:
    """Directional derivatives of a function at one point, all from one preparation."""

    def __init__(self, setting: Setting):
        function, point = setting.subject.function, setting.given[0]
        assert function is not None
        self.point, self.allowed = point, setting.allowed
        self.referee = Referee(directional_task(function, [0.0] * len(point)), unrecorded=setting.subject.reason)
        self.claimed = np.asarray(setting.claim.values(np.array(point)), dtype=float)
        self.noise = np.asarray(setting.claim.rounding(np.array(point)), dtype=float)
        if setting.claim.paired:
            self.claimed, self.noise = self.claimed[1:], self.noise[1:]
        self.scale = np.where(np.array(point) == 0, 1.0, np.abs(point))
        self.largest = float(np.max(np.abs(self.claimed)))
        self.note = ""

    def along(self, direction: Any) -> _JudgedDirection:
        """Judge v·claim."""
        answer = self.referee.at((*self.point, *direction.tolist(), 0.0))
        self.note = answer.note
        slope, bar = float(answer.values[0]), float(answer.errors[0])
        parts = self.claimed * direction
        value = math.fsum(parts.tolist())
        odd = answer.odd.get(0)
        if odd is not None and odd.status != "ok":
            judged = Judged(0, "inconclusive", value, math.nan, math.nan, {}, note=odd.message)
            return _JudgedDirection(judged, direction, slope, bar, odd)
        terms = {REFERENCE: bar, CLAIM_ROUNDING: float(np.sum(np.abs(self.noise * direction))) + math.ulp(value)}
        seen = Measured(0, value, slope, abs(value - slope), terms)
        judged = settle(seen, float(np.max(np.abs(parts))), self._allowed(direction))
        return _JudgedDirection(judged, direction, slope, bar, None)

    def _allowed(self, direction: Any) -> Tolerances | None:
        """What v·claim may be off by: Σ|vᵢ|·(atol + rtol·|claimedᵢ|)."""
        if self.allowed is None:
            return None
        return Tolerances(
            0.0, float(np.sum(np.abs(direction) * (self.allowed.atol + self.allowed.rtol * np.abs(self.claimed))))
        )

    def entry(self, i: int) -> _JudgedDirection:
        """Judge one entry."""
        direction = np.zeros(len(self.claimed))
        direction[i] = 1.0
        line = self.along(direction)
        return line._replace(judged=line.judged._replace(component=i))

    def search(self, line: _JudgedDirection) -> list[int]:
        """Entries that make a direction wrong, by halving it; the first few of them."""
        found: list[int] = []
        waiting = [(np.flatnonzero(line.direction), line)]
        while waiting and len(found) < _MOST_WRONG:
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


def check_large(setting: Setting) -> Check:
    """Check a gradient of many entries by directions and samples."""
    if setting.kind != "gradient":
        raise DiffkitError(
            f"a {setting.kind} of {len(setting.labels)} inputs is too large to be checked entry by entry",
            hint="check products with a vector: the gradient of v·f, or of v·∇f",
        )
    lines, rng, n = _Directions(setting), setting.rng, len(setting.labels)
    along = [lines.along(rng.choice([-1.0, 1.0], n) * lines.scale) for _ in range(_RANDOM)]
    largest, others = np.argsort(-np.abs(lines.claimed)).tolist(), rng.choice(n, _SAMPLED, replace=False).tolist()
    few = {i: lines.entry(i) for i in (*largest[:_FOR_SURE], *others[:_FOR_SURE])}
    gradient = _reverse_gradient(setting, lines.point)
    if gradient is not None and all(map(gradient.keeps, (*along, *few.values()))):
        found = _by_reverse(gradient, lines, len(few))
    else:
        found = _by_samples(lines, along, few, (*largest[_FOR_SURE:_SAMPLED], *others[_FOR_SURE:]))
    return _concluded(setting, found, [line.judged for line in along])


class _Found(NamedTuple):
    """The entries that were judged: by what, in how many ways, and what was not looked at."""

    judged: Sequence[Judged]
    source: str
    how: str
    unchecked: str = ""


def _by_reverse(gradient: _ReverseGradient, lines: _Directions, confirmed: int) -> _Found:
    """Every entry, by reverse mode."""
    source = "reverse mode through the code, with its rounding measured, confirmed by " + lines.note
    how = f"every entry, and {confirmed} of them and {_RANDOM} random directions by forward mode too"
    return _Found(gradient.judged(lines), source, how)


def _by_samples(
    lines: _Directions, along: Sequence[_JudgedDirection], seen: dict[int, _JudgedDirection], more: Sequence[int]
) -> _Found:
    """Some entries, and those that are tracked down where a direction is wrong."""
    seen = {**seen, **{i: lines.entry(i) for i in more}}
    off = next((line for line in along if line.judged.verdict == "wrong"), None)
    found = lines.search(off) if off is not None else []
    seen.update({i: lines.entry(i) for i in found if i not in seen})
    n, hidden = len(lines.claimed), max(line.judged.tolerance for line in along) / float(np.median(lines.scale))
    unchecked = (
        f"{n - len(seen)} of {n} entries were looked at only together, along {_RANDOM} random directions: "
        f"an error below about {hidden:.1g} in a single one of them would not be seen"
    )
    how = f"{len(seen)} entries one by one and {_RANDOM} random directions"
    return _Found([line.judged for line in seen.values()], lines.note, how, unchecked)


def _concluded(setting: Setting, found: _Found, whole: Sequence[Judged]) -> Check:
    """The verdict on the entries that were judged and on ``whole`` directions."""
    function, judged = setting.subject.function, found.judged
    assert function is not None
    open_ = doubtful(judged)
    verdict = max((j.verdict for j in (*open_, *whole)), key=WORST.index)
    first = setting.claim.paired  # the value comes first among the components
    odd = (j._replace(component=j.component + first) for j in open_)
    entries = tuple(sorted(map(setting.entry, odd), key=badness))
    reason = next((j.note for j in (*whole, *open_) if j.verdict == "inconclusive" and j.note), "")
    worst = min((least(judged), *whole), key=lambda j: j.digits)
    return Check(
        verdict, setting.kind, entries, len(judged) - len(entries), _reference(setting, judged),
        f"{found.source} (nothing is proven: {setting.subject.reason})", worst.digits, setting.allowed, worst.decided,
        found.unchecked, scope=f"at 1 point, {found.how}", reason=reason if verdict == "inconclusive" else "",
        warnings=(*function.warnings, *setting.claim.warnings), at=setting.named(setting.given[0]),
        explain=partial(_factor, whole),
    )  # fmt: skip


def _reverse_gradient(setting: Setting, point: Sequence[float]) -> _ReverseGradient | None:
    """The gradient by reverse mode; None where the code cannot be followed."""
    evaluation = get_backend("reverse").prepare(gradient_task(setting.source))
    assert isinstance(evaluation, Bounded)
    try:
        answer = evaluation.at(point)
        bars = evaluation.bound(point)
    except (BackendError, LimitError):
        return None
    return _ReverseGradient(np.array(answer.values), np.array(bars), answer.odd)


def _reference(setting: Setting, judged: Sequence[Judged]) -> Result:
    """The entries that were looked at, as a Result; the others are NaN and uncertain."""
    task = setting.task
    count = len(task.indices)
    values, bars = np.full((2, count), np.nan)
    if isinstance(judged, RightValues):
        known = list(range(len(judged)))
        values[: len(judged)], bars[: len(judged)] = judged.values.reference, judged.values.terms[REFERENCE]
    else:
        known = [j.component for j in judged]
        values[known] = [j.reference for j in judged]
        bars[known] = [j.terms.get(REFERENCE, math.nan) for j in judged]
    unseen = Odd("uncertain", "not looked at")
    odd = dict.fromkeys(np.setdiff1d(np.arange(count), known).tolist(), unseen)
    return lay_out(task, Answer(values, bars, odd), Points(task.variables, setting.given[0]), "referee", "estimate")


def _factor(whole: Sequence[Judged]) -> str | None:
    """The one factor that makes every direction right, if there is one."""
    ratios = [j.reference / j.claimed for j in whole if j.claimed and math.isfinite(j.reference)]
    if len(ratios) < len(whole):
        return None
    slack = max(TIMES_UNCERTAIN * j.tolerance / abs(j.claimed) for j in whole)
    for factor in _SIMPLE_FACTORS:
        if all(abs(r - factor) <= slack for r in ratios):
            return f"multiply by {factor:.6g}" if abs(factor) >= 1 else f"divide by {1 / factor:.6g}"
    return None

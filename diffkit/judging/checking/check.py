"""Is this derivative right? A claim against the reference, at the point and at points beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.callables.code_shapes import meetings_in
from diffkit.core.deadline import Deadline, TimeIsUp, check_time, current_deadline, time_limit
from diffkit.core.errors import DiffkitError, OutOfTime, PointError
from diffkit.core.isolation import Isolation
from diffkit.core.surroundings import undisturbed
from diffkit.core.text.names import Names
from diffkit.core.workers import timed
from diffkit.judging.checking.array_structure import by_triangles
from diffkit.judging.checking.claims import NumberClaim, meetings_of
from diffkit.judging.checking.clarke import mixtures
from diffkit.judging.checking.judge import Judge, Seen, advice, at_points, coverage
from diffkit.judging.checking.near_values import NearValues, RightValues, doubtful, least
from diffkit.judging.checking.outcome import (
    DIGITS_WANTED,
    WORST,
    Check,
    Entry,
    Judged,
    Measured,
    Verdict,
    badness,
    read_tolerances,
    settle,
)
from diffkit.judging.checking.reference import Truth, claim_of_zero, typical_slope
from diffkit.judging.checking.setting import Inquiry, Setting
from diffkit.judging.repair.explanation import repair

_POINTS_BESIDE = 2  # points beside the given one that are looked at too
_BLIND_POINTS = 2  # points for each that is wanted, at which nothing can be told, after which no more are tried
_GENERIC_POINTS = 8  # points for a claim in words without a point
_MANY_INPUTS = 200  # inputs of a black box from which entries are sampled
_CLAIM_KINDS = ("derivative", "gradient", "jacobian", "hessian", "vjp")


@timed
@undisturbed()
def check(
    f: Any, claim: Any, at: Any = None, *, kind: str | None = None, wrt: Any = None, variables: Names | None = None,
    args: Sequence[Any] = (), claim_args: Sequence[Any] | None = None, rtol: float | None = None,
    atol: float | None = None, beside: int = _POINTS_BESIDE, symmetric: bool = False,
    reset: Callable[[], Any] | None = None, seed: int = 0, closeness: Any = None,
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001
) -> Check:  # fmt: skip
    """Is ``claim`` the derivative of ``f``?

    With d = |claim − reference|, b the reference's bar and t = atol +
    rtol·|reference|, a claim is correct if d + b ≤ t, wrong if d − b > t, and
    inconclusive otherwise. Without tolerances two formulas in text are compared
    exactly; where code is involved, a claim is wrong if nothing that is
    uncertain explains the difference and that is more than 1e-10 of the entry,
    and correct if six digits or more are seen to agree (``Check.digits``).

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function.
    claim : str, Expression, sympy.Expr, callable or array
        Its derivative, as somebody has it: a formula, code, or numbers. The
        shape says what it is: a gradient, a Jacobian, a Hessian, or a (value,
        gradient) pair. Gradients by several parameters come one after another
        or by name (W or dW).
    at : number, sequence, mapping or array, optional
        One point, or a batch; an expression may do without.
    kind : {"derivative", "gradient", "jacobian", "hessian", "vjp"}, optional
        Settles what a shape leaves open; "vjp" is a backward function, claim(x,
        …, cotangent).
    wrt : str, sympy.Symbol or sequence, optional
        What is differentiated by.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of f.
    claim_args : sequence, optional
        Further arguments of the claim; those of f unless given.
    rtol, atol : float, optional
        What the claim may be off by; one of the two omitted is 0.
    beside : int, default 2
        How many random points beside the given one are looked at. They are of
        its kind: a symmetric matrix stays symmetric, probabilities add up to
        one.
    symmetric : bool, default False
        Whether f is a function of symmetric matrices, so that of the claim only
        the symmetric part counts.
    reset : callable, optional
        Is called before every evaluation of f and of the claim, such as
        ``lambda: np.random.seed(0)``.
    seed : int, default 0
        Draws the points beside, with what is given.
    closeness : object, optional
        No longer taken; ``rtol`` and ``atol`` have its place.
    timeout : float, optional
        Seconds that it may take; an explanation is searched for as long again.
    isolated : bool or Isolation, default False
        Do all of it in a worker process.

    Returns
    -------
    Check
        ``verdict`` is "correct", "wrong" or "inconclusive"; ``explanation`` a
        proven repair, where one is found.

    Raises
    ------
    DiffkitError
        For what is no question, such as a point that does not fit.

    Examples
    --------
    >>> dk.check("x^2*sin(x)", "2*x*sin(x) + x^2*cos(x)").verdict
    'correct'
    >>> c = dk.check(lambda w: np.sum(w**2), lambda w: w, np.array([1.0, 2.0]))
    >>> c.verdict, [entry.label for entry in c.entries]
    ('wrong', ['∂f/∂w[0]', '∂f/∂w[1]'])
    """
    if kind is not None and kind not in _CLAIM_KINDS:
        raise DiffkitError(f"unknown kind {kind!r}", hint=f"a claim is a {', a '.join(_CLAIM_KINDS)}")
    if isinstance(beside, bool) or not hasattr(beside, "__index__") or beside < 0:
        raise DiffkitError(f"beside is a whole number of points, 0 or more, not {beside!r:.40}")
    kind = "gradient" if kind == "derivative" else kind
    claim_args = args if claim_args is None else claim_args
    allowed = read_tolerances(rtol, atol, closeness)
    setting = Setting(
        Inquiry(f, claim, at, kind, wrt, variables, args, claim_args, reset, symmetric, seed, beside, allowed)
    )
    if len(setting.labels) > _MANY_INPUTS and not setting.subject.is_short:
        from diffkit.judging.checking.many_inputs import check_large

        return check_large(setting)
    return _Looks(setting).check()


class _Look(NamedTuple):
    """What was seen at one point."""

    point: tuple[float, ...]
    seen: Sequence[Seen]
    truth: Truth


class _Looks:
    """Judging at several points, and what comes of it."""

    def __init__(self, setting: Setting):
        self.setting, self.allowed = setting, setting.allowed
        self.judge = Judge(setting)
        self.looks: list[_Look] = []
        self._verdicts: dict[tuple[Any, ...], Sequence[Judged]] = {}
        self.deadline = current_deadline()
        self.stopped = ""
        """why not all was looked at, where the time was up"""
        beside = setting.asked.beside
        self.wanted = 0 if isinstance(setting.claim, NumberClaim) or setting.unsteady else beside
        if not setting.given:
            self.wanted = max(_GENERIC_POINTS, beside)

    def check(self) -> Check:
        """Look, and say what was seen."""
        setting = self.setting
        try:
            for point in setting.given:
                self.looks.append(self._look(point, setting.subject.at(point, setting.unsteady)))
            self._look_beside()
        except TimeIsUp as up:
            if not self.looks:
                raise
            self.stopped = up.reason
        if not self.looks:
            raise PointError("no point was found at which f has a derivative", hint="give one with at=…")
        judged = self._judged(self.looks, self._largest(self.looks) or self._typical())
        try:
            for look, found in zip(self.looks[: len(setting.given)], judged, strict=False):
                if isinstance(found, list):
                    mixtures(setting, look.point, look.truth, found)
        except TimeIsUp as up:
            self.stopped = up.reason
        return self._verdict(judged)

    def _look(self, point: tuple[float, ...], truth: Truth) -> _Look:
        return _Look(point, self.judge.at(point, truth), truth)

    def _look_beside(self) -> None:
        """Look at points of our own choice; one that cannot tell is no witness, and others are tried for it."""
        setting = self.setting
        fresh = blind = 0
        for point in setting.beside(self.wanted) if self.wanted else ():
            if fresh >= self.wanted or blind > _BLIND_POINTS * self.wanted:
                break
            truth = setting.subject.at(point)
            check_time()  # a truth for which there was no time is no reason to look elsewhere
            if any(odd.status != "ok" for odd in truth.odd.values()):
                continue
            look = self._look(point, truth)
            if setting.given:
                looks = [*self.looks, look]
                judged = self._judged(looks, self._largest(looks))[-1]
                open_ = doubtful(judged)
                if any(j.verdict == "wrong" and math.isnan(j.claimed) for j in open_):
                    continue  # the claim need not have values beside the point that was asked about
                if open_ and all(j.verdict != "wrong" for j in open_):
                    blind += 1
                    continue
            self.looks.append(look)
            fresh += 1

    def _largest(self, looks: Sequence[_Look]) -> float:
        """The largest component that was seen anywhere; 0 where all drown in what is uncertain of them."""
        return max((_largest_of(look.seen) for look in looks), default=0.0)

    def _typical(self) -> float:
        """A typical slope of f, where all that was seen of its derivative drowns."""
        function, first = self.setting.subject.function, self.looks[0]
        if function is None or first.truth.proven:
            return 0.0
        return typical_slope(function, first.point, [index for index in self.judge.indices if index[1]])

    def _judged(self, looks: Sequence[_Look], largest: float) -> list[Sequence[Judged]]:
        """The verdicts at each point. What is wrong at the first one is so whatever may explain it at others."""
        first, *others = looks
        found = self._settled(first, largest)
        wrong = {j.component for j in doubtful(found) if j.verdict == "wrong"}
        return [found, *(self._settled(look, largest, wrong) for look in others)]

    def _settled(self, look: _Look, largest: float, wrong: Collection[int] = ()) -> Sequence[Judged]:
        """The verdict on each component; what seems to be wrong is looked at again, with all that may explain it.

        Of those that are known to be ``wrong`` nothing needs to be explained.
        """
        asked = (look.point, largest, frozenset(wrong))
        if asked not in self._verdicts:
            self._verdicts[asked] = self._find_settled(look, largest, wrong)
        found = self._verdicts[asked]
        return list(found) if isinstance(found, list) else found

    def _find_settled(self, look: _Look, largest: float, wrong: Collection[int]) -> Sequence[Judged]:
        if isinstance(look.seen, NearValues) and (right := look.seen.settled(largest)) is not None:
            return right
        found = [settle(s, largest, self.allowed) if isinstance(s, Measured) else s for s in look.seen]
        suspects = [s for s, j in zip(look.seen, found, strict=True)
                    if isinstance(s, Measured) and j.verdict == "wrong" and s.component not in wrong]  # fmt: skip
        try:
            for measured in self.judge.explained(look.point, suspects) if suspects else ():
                found[measured.component] = settle(measured, largest, self.allowed)
        except TimeIsUp as up:  # whether anything explains the difference is not known
            for s in suspects:
                found[s.component] = found[s.component]._replace(verdict="inconclusive", note=up.reason)
        self._zeros(look, found)
        by_triangles(self.setting, found, largest)
        return found

    def _zeros(self, look: _Look, judged: list[Judged]) -> None:
        """Claims of zero about a black box, which has to be constant around the point for that."""
        function = self.setting.subject.function
        if function is None or look.truth.proven:
            return
        for j in judged:
            index = self.judge.indices[j.component]
            if j.claimed == 0 and j.verdict == "inconclusive" and index[1] and math.isfinite(j.error):
                name = self.setting.labels[index[1][0]]
                judged[j.component] = claim_of_zero(function, look.point, index, j, name)

    def _verdict(self, seen: Sequence[Sequence[Judged]]) -> Check:
        setting = self.setting
        first, _, truth = self.looks[0]
        entries = self._entries(seen)
        wrong = any(e.verdict == "wrong" for e in entries)
        warnings = tuple(dict.fromkeys((*self._warnings(wrong), *setting.claim.warnings)))
        if self.stopped:
            warnings += (f"{self.stopped}: fewer points were looked at",)
        worst = min(map(least, seen), key=lambda j: j.digits)
        verdict, reason = self._concluded(entries, first, worst.digits)
        try:
            scope = coverage(setting, self.judge, len(self.looks), verdict)
        except TimeIsUp:
            scope = at_points(len(self.looks))
        return Check(
            verdict, setting.kind, entries, len(setting.places) - len(entries),
            setting.subject.result(first, truth), self._source(truth), worst.digits, self.allowed, worst.decided,
            points=len(self.looks), scope=scope, reason=reason, warnings=warnings, at=setting.named(first),
            convention="; ".join(dict.fromkeys(_conventions(seen[0]))),
            counterexample=next((e.at for e in reversed(entries) if e.verdict == "wrong"), None),
            explain=partial(self._repair, entries),
        )  # fmt: skip

    def _concluded(self, entries: Sequence[Entry], first: Sequence[float], digits: int) -> tuple[Verdict, str]:
        """The verdict on all entries that were found to be odd, and its reason if it needs one."""
        verdict: Verdict = max((e.verdict for e in entries), key=WORST.index, default="correct")
        if verdict != "wrong" and (shaky := self.setting.unsteady):
            return "inconclusive", shaky
        if verdict == "inconclusive":
            undecided = [e for e in entries if e.verdict == "inconclusive"]
            at = undecided[-1].at
            point = first if at is None else tuple(at.values())
            return verdict, advice(self.setting, undecided, point)
        if entries and entries[-1].witness:
            return verdict, entries[-1].note
        if verdict == "correct" and digits < DIGITS_WANTED and self.allowed is None:
            return verdict, f"as formulas they are equal; rounding leaves {digits} digits of their values"
        return verdict, ""

    def _repair(self, entries: Sequence[Entry]) -> str | None:
        """What would make the claim right, looked for where it is wrong."""
        wrong = (e for e in reversed(entries) if e.verdict == "wrong" and not e.witness and math.isfinite(e.claimed))
        worst = next(wrong, None)
        if worst is None:
            return None
        point = self.looks[0].point if worst.at is None else tuple(worst.at.values())
        try:
            with time_limit(self.deadline and Deadline(self.deadline.seconds)):
                return repair(self.setting, point, int(self.setting.rng.integers(2**31)))
        except (OutOfTime, TimeIsUp):
            return None

    def _warnings(self, wrong: bool) -> tuple[str, ...]:
        """What is odd about the code of f; where the claim is wrong, also what may be odd about shapes."""
        function = self.setting.subject.function
        told = () if function is None else function.warnings
        if not wrong:
            return told
        start = np.array(self.looks[0].point)
        of_f = [] if function is None else meetings_in(lambda: function.values(start))
        return (*told, *of_f, *meetings_of(self.setting.claim))

    def _source(self, truth: Truth) -> str:
        if truth.proven or not self.setting.subject.reason:
            return truth.note
        return f"{truth.note} (nothing is proven: {self.setting.subject.reason})"

    def _entries(self, seen: Sequence[Sequence[Judged]]) -> tuple[Entry, ...]:
        """Each component that is wrong or undecided anywhere, at the point where it is worst; the worst last."""
        first = self.looks[0].point
        found = []
        open_: dict[int, list[tuple[tuple[float, ...], Judged]]] = {}
        for look, judged in zip(self.looks, seen, strict=True):
            for j in doubtful(judged):
                open_.setdefault(j.component, []).append((look.point, j))
        for _, looks in sorted(open_.items()):
            worst = max(WORST.index(j.verdict) for _, j in looks)
            looks = [(point, j) for point, j in looks if WORST.index(j.verdict) == worst]
            point, j = max(looks, key=lambda look: (look[0] == first, badness(look[1])))
            own = point == first and self.setting.given
            found.append(self.setting.entry(j, None if own else self.setting.named(point)))
        return tuple(sorted(found, key=badness))


def _largest_of(seen: Sequence[Seen]) -> float:
    """The largest component at a point that is more than what is uncertain of it; 0 if none is."""
    if isinstance(seen, NearValues):
        return seen.largest
    sizes = (abs(s.reference) for s in seen if abs(s.reference) > s.tolerance)
    return max(filter(math.isfinite, sizes), default=0.0)


def _conventions(judged: Sequence[Judged]) -> list[str]:
    """What a claim takes at kinks, of which there are none where arrays tell that it is right."""
    return [] if isinstance(judged, RightValues) else [j.convention for j in judged if j.convention]

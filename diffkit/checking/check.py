"""Is this derivative right? A claim against the reference, at the point and at points beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from diffkit.checking.claims import NumberClaim
from diffkit.checking.clarke import mixtures
from diffkit.checking.judge import Judge, sharp
from diffkit.checking.model import WORST, Check, Entry, Judged, Verdict
from diffkit.checking.repairs import repair
from diffkit.checking.scope import scope_of
from diffkit.checking.setting import Setting
from diffkit.checking.subject import Truth
from diffkit.errors import DiffkitError, PointError
from diffkit.syntax.names import Names

CLOSENESS = 1e-9
BESIDE = 2  # points beside the given one that are looked at too
BLIND = 2  # points for each that is wanted, at which nothing can be told, after which no more are tried
GENERIC = 8  # points for a claim in words without a point
MANY = 200  # inputs of a black box from which entries are sampled
KINDS = ("derivative", "gradient", "jacobian", "hessian")


def check(
    f: Any, claim: Any, at: Any = None, *, kind: str | None = None, variables: Names | None = None,
    args: Sequence[Any] = (), claim_args: Sequence[Any] | None = None, closeness: float = CLOSENESS,
    beside: int = BESIDE, seed: int = 0,
) -> Check:  # fmt: skip
    """Is ``claim`` the derivative of ``f``? The verdict is "correct", "wrong" or "inconclusive".

    ``f`` and ``claim`` are each text, an Expression, SymPy or a Python function; the claim may also be numbers. Its
    shape says what it is: a gradient, a Jacobian, a Hessian, or a (value, gradient) pair; ``kind`` settles what a
    shape leaves open. ``at`` is one point, or a batch; an expression may do without. ``args`` are further arguments
    of f, and of the claim unless ``claim_args`` says otherwise. ``closeness`` is the relative error that must be
    seen for a claim to be called correct, ``beside`` how many random points beside the given one are looked at.
    """
    if kind is not None and kind not in KINDS:
        raise DiffkitError(f"unknown kind {kind!r}", hint=f"a claim is a {', a '.join(KINDS)}")
    kind = "gradient" if kind == "derivative" else kind
    if not 0 < closeness < 1:
        raise DiffkitError("the closeness is a relative error between 0 and 1")
    setting = Setting(f, claim, at, kind, variables, args, args if claim_args is None else claim_args)
    rng = np.random.default_rng(seed)
    if setting.subject.program is None and len(setting.labels) > MANY:
        from diffkit.checking.large import check_large

        return check_large(setting, closeness, rng)
    return _Looks(setting, closeness, beside, rng).check()


class _Looks:
    """Judging at several points, and what comes of it."""

    def __init__(self, setting: Setting, closeness: float, beside: int, rng: Any):
        self.setting, self.closeness, self.rng = setting, closeness, rng
        self.judge = Judge(setting.subject, setting.claim, setting.places)
        self.seen: list[tuple[tuple[float, ...], list[Judged], Truth]] = []
        self.wanted = 0 if isinstance(setting.claim, NumberClaim) else beside
        if not setting.given:
            self.wanted = max(GENERIC, beside)

    def check(self) -> Check:
        """Look, and say what was seen."""
        setting = self.setting
        for point in setting.given:
            judged, truth = self.judge.at(point)
            mixtures(setting.subject, setting.places, point, judged, truth, self.rng)
            self.seen.append((point, judged, truth))
        self._look_beside()
        if not self.seen:
            raise PointError("no point was found at which f has a derivative", hint="give one with at=…")
        largest = self._largest([])
        self.seen = [(point, self._settled(judged, largest), truth) for point, judged, truth in self.seen]
        return self._verdict()

    def _look_beside(self) -> None:
        """Look at points of our own choice; one that cannot tell is no witness, and others are tried for it."""
        setting = self.setting
        fresh = blind = 0
        for point in setting.beside(self.wanted, self.rng) if self.wanted else ():
            if fresh >= self.wanted or blind > BLIND * self.wanted:
                break
            truth = setting.subject.at(point)
            if any(odd.status != "ok" for odd in truth.odd.values()):
                continue
            judged, _ = self.judge.at(point, truth)
            if setting.given:
                if any(j.verdict == "wrong" and math.isnan(j.claimed) for j in judged):
                    continue  # the claim need not have values beside the point that was asked about
                settled = self._settled(judged, self._largest(judged))
                if all(j.verdict != "wrong" for j in settled) and any(map(_blind, settled)):
                    blind += 1
                    continue
            self.seen.append((point, judged, truth))
            fresh += 1

    def _largest(self, more: Sequence[Judged]) -> float:
        """The largest component that was seen anywhere."""
        judged = [j for _, each, _ in self.seen for j in each]
        return max((abs(j.reference) for j in (*judged, *more) if math.isfinite(j.reference)), default=0.0)

    def _settled(self, judged: Sequence[Judged], largest: float) -> list[Judged]:
        return [sharp(j, self.closeness, largest) for j in judged]

    def _verdict(self) -> Check:
        setting = self.setting
        first, judged, truth = self.seen[0]
        entries = self._entries()
        wrong = any(e.verdict == "wrong" for e in entries)
        warnings = tuple(dict.fromkeys((*self._warnings(), *setting.claim.warnings)))
        passing = [j for _, js, _ in self.seen for j in js if j.verdict == "correct"]
        worst = max(passing, key=lambda j: j.tolerance / abs(j.reference) if j.reference else 0.0, default=None)
        verdict: Verdict = max((e.verdict for e in entries), key=WORST.index, default="correct")
        reason = ""
        shaky = self._shaky()
        if shaky and verdict != "wrong":
            verdict, reason = "inconclusive", shaky
        elif verdict == "inconclusive":
            reason = next(e.note for e in reversed(entries) if e.verdict == "inconclusive")
        elif entries and entries[-1].witness:
            reason = entries[-1].note
        scope, holds = scope_of(setting, self.judge, len(self.seen), verdict)
        return Check(
            verdict, setting.kind, entries, len(setting.places) - len(entries),
            setting.subject.result(first, truth), self._source(truth),
            "", 0.0 if worst is None or not worst.reference else worst.tolerance / abs(worst.reference),
            "" if worst is None else worst.decided, len(self.seen), scope,
            "; ".join(dict.fromkeys(j.convention for j in judged if j.convention)), reason,
            next((e.at for e in reversed(entries) if e.verdict == "wrong"), None) if wrong else holds,
            warnings, self.closeness, setting.named(first), partial(self._repair, entries),
        )  # fmt: skip

    def _repair(self, entries: Sequence[Entry]) -> str | None:
        """What would make the claim right, looked for where it is wrong."""
        wrong = (e for e in reversed(entries) if e.verdict == "wrong" and not e.witness and math.isfinite(e.claimed))
        worst = next(wrong, None)
        if worst is None:
            return None
        point = self.seen[0][0] if worst.at is None else tuple(worst.at.values())
        return repair(self.setting, point, int(self.rng.integers(2**31)))

    def _shaky(self) -> str:
        """Why agreeing proves nothing: f or the claim gives two values at one point; empty if neither does."""
        bounds = (self.setting.subject.function, getattr(self.setting.claim, "bound", None))
        return next((bound.unsteady for bound in bounds if bound is not None and bound.unsteady), "")

    def _warnings(self) -> tuple[str, ...]:
        function = self.setting.subject.function
        return () if function is None else function.warnings

    def _source(self, truth: Truth) -> str:
        if truth.proven or not self.setting.subject.reason:
            return truth.note
        return f"{truth.note} (nothing is proven: {self.setting.subject.reason})"

    def _entries(self) -> tuple[Entry, ...]:
        """Each component that is wrong or undecided anywhere, at the point where it is worst; the worst last."""
        setting = self.setting
        found = []
        for c in range(len(setting.places)):
            looks = [(point, judged[c]) for point, judged, _ in self.seen if judged[c].verdict != "correct"]
            if not looks:
                continue
            first = self.seen[0][0]
            point, j = max(looks, key=lambda look: (WORST.index(look[1].verdict), look[0] == first, _size(look[1])))
            at = None if point == first and setting.given else setting.named(point)
            label = setting.task.labels[c]
            found.append(Entry(setting.index(c), label, j.claimed, j.reference, j.error, j.tolerance, j.verdict,
                               j.decided, j.note, at, j.witness))  # fmt: skip
        return tuple(sorted(found, key=lambda e: (WORST.index(e.verdict), _size(e))))


def _blind(j: Judged) -> bool:
    """Whether a point cannot tell, though nothing there is against the claim."""
    return j.verdict == "inconclusive" and not j.error > j.tolerance


def _size(j: Any) -> float:
    """How bad it is: the error in proportion to the reference."""
    if math.isnan(j.error):
        return 0.0
    return float(j.error / abs(j.reference)) if j.reference else math.inf if j.error else 0.0

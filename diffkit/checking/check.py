"""Is this derivative right? A claim against the reference, at the point and at points beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from diffkit.callables.function import Argument, Function, as_function
from diffkit.checking.claims import Claim, CodeClaim, NumberClaim, TextClaim, read_claim, unfit
from diffkit.checking.clarke import mixtures
from diffkit.checking.judge import Judge, sharp
from diffkit.checking.model import WORST, Check, Entry, Judged, Verdict
from diffkit.checking.repairs import repair
from diffkit.checking.scope import scope_of
from diffkit.checking.subject import Subject, Truth
from diffkit.errors import DiffkitError, PointError
from diffkit.functions import as_joint_program, is_function
from diffkit.points import Points, read_points
from diffkit.questions import source_task
from diffkit.questions.of_function import OfFunction
from diffkit.tasks import Task

CLOSENESS = 1e-9
BESIDE = 2  # points beside the given one that are looked at too
SPREAD = 0.3  # how far beside, in proportion
TRIES = 8  # random points tried for each that is wanted, as some have no derivative
BLIND = 2  # points for each that is wanted, at which nothing can be told, after which no more are tried
GENERIC = 8  # points for a claim in words without a point
MANY = 200  # inputs of a black box from which entries are sampled
KINDS = ("derivative", "gradient", "jacobian", "hessian")


def check(
    f: Any, claim: Any, at: Any = None, *, kind: str | None = None, variables: Sequence[str] | None = None,
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


class Setting:
    """What a check is about: the subject, the claim, and the points that were given."""

    def __init__(
        self, f: Any, claim: Any, at: Any, kind: str | None, variables: Sequence[str] | None, args: Sequence[Any],
        claim_args: Sequence[Any],
    ):  # fmt: skip
        code = is_function(f)
        self.given: list[tuple[float, ...]]
        points: Points | None
        if code:
            if at is None:
                raise PointError("a Python function is checked at a point", hint="give at=…")
            question = OfFunction(f, "jacobian", variables, args, {})
            task, points = question.at(at)
            bound = task.function
            assert bound is not None
            source: Any = bound
            self.arguments: tuple[Argument, ...] = bound.arguments
            self.outputs = bound.shape
            words = bound.inputs if all(a.shape == () for a in bound.arguments) else None
        else:
            program = as_joint_program(f, variables)
            source, words = program, program.inputs
            points = read_points(at, program.inputs) if at is not None else None
            self.arguments = _arguments_of(claim, program.inputs, at, claim_args)
            self.outputs = () if len(program.outputs) == 1 else (len(program.outputs),)
        self.source = source
        self.functions = [as_function(g, a) for g, a in ((f, args), (claim, claim_args)) if is_function(g)]
        self.labels: tuple[str, ...] = source.inputs
        self.given = [] if points is None else [points.point] if points.point is not None else list(
            map(tuple, points.rows.tolist()))  # fmt: skip
        start = self.given[0] if self.given else (0.7,) * len(self.labels)
        self.claim: Claim = read_claim(claim, claim_args, self.arguments, self.labels, start, words,
                                       None if kind is None else False)  # fmt: skip
        if isinstance(self.claim, NumberClaim) and len(self.given) != 1:
            raise PointError("numbers are a derivative at one point", hint="give that point with at=…")
        if isinstance(self.claim, CodeClaim) and not self.given:
            raise PointError("a claim in code is checked at a point", hint="give at=…")
        self.kind = self._kind(kind)
        self.task = self._task()
        self.places = self.task.places
        self.subject = Subject(self.task)
        self.shape = self.claim.shape

    def _kind(self, asked: str | None) -> str:
        """What the claim is, by the number of its entries."""
        n, m = len(self.labels), math.prod(self.outputs)
        count = math.prod(self.claim.shape)
        sizes = {"gradient": n, "hessian": n * n} if m == 1 else {"jacobian": m * n}
        if asked is not None:
            if asked not in sizes and asked != "jacobian":
                raise DiffkitError(f"f has {m} outputs, so its derivative is a jacobian, no {asked}")
            sizes = {asked: sizes.get(asked, m * n)}
        if count not in sizes.values():
            raise unfit(self.claim, self.arguments, sizes)
        return next(kind for kind, size in sizes.items() if size == count)

    def _task(self) -> Task:
        task = source_task(self.source, self.kind, {})
        if not self.claim.paired:
            return task
        indices = ((0, ()), *task.indices)
        places = (0, *(p + 1 for p in task.places))
        return task._replace(indices=indices, places=places, shape=(len(places),), labels=("f", *task.labels))

    def index(self, c: int) -> tuple[int, ...]:
        """Place of a component in the claimed array."""
        if self.claim.paired:
            return () if c == 0 else tuple(map(int, np.unravel_index(c - 1, self.shape or (1,))))
        return tuple(map(int, np.unravel_index(c, self.shape))) if self.shape else ()

    def named(self, point: Sequence[float]) -> dict[str, float]:
        """A point by the names of its coordinates."""
        return dict(zip(self.labels, point, strict=True))

    def beside(self, wanted: int, rng: Any) -> list[tuple[float, ...]]:
        """Random points: near the first given one, or anywhere moderate for words without a point."""
        n = len(self.labels)
        if not self.given:
            rows = rng.choice([-1, 1], (TRIES * wanted, n)) * np.exp(rng.uniform(-2, 1, (TRIES * wanted, n)))
            return [tuple(row) for row in rows.tolist()]
        base = np.array(self.given[0])
        scale = np.where(base == 0, 1.0, np.abs(base))
        return [tuple((base + SPREAD * scale * rng.uniform(-1, 1, n)).tolist()) for _ in range(TRIES * wanted)]


def _arguments_of(claim: Any, inputs: Sequence[str], at: Any, args: Sequence[Any]) -> tuple[Argument, ...]:
    """How a claim in code takes the variables of an expression: one by one, or all in one array."""
    scalars = tuple(Argument(name, ()) for name in inputs)
    if not (is_function(claim) or isinstance(claim, Function)):
        return scalars
    parameters = as_function(claim, args).parameters()
    array = isinstance(at, (list, tuple)) or getattr(at, "shape", ()) != ()
    if parameters is not None and len(parameters) == 1 and (len(inputs) > 1 or array):
        return (Argument(parameters[0], (len(inputs),)),)
    if parameters is not None and len(parameters) != len(inputs):
        names = ", ".join(inputs)
        raise DiffkitError(
            f"the claim takes {len(parameters)} arguments, f has {len(inputs)} variables ({names})",
            hint="let it take them one by one, or all in one array; data go into claim_args=",
        )
    return scalars


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


__all__ = ["Setting", "TextClaim", "check"]

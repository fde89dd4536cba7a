"""backend="auto": the proven, correctly rounded value; for a Python function the best that its code allows."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.core.deadline import TimeIsUp
from diffkit.core.errors import BackendError, DiffkitError, LimitError, TracingError
from diffkit.core.partials import in_order
from diffkit.core.program import Index
from diffkit.core.results import Answer, ErrorKind, Odd, by_rows, floats_of, joined, unanswered
from diffkit.core.watching import tell
from diffkit.methods import get_backend
from diffkit.methods.coloured import ColouredEvaluation, coloured
from diffkit.methods.complex import ComplexEvaluation
from diffkit.methods.differences import STENCIL_ORDER
from diffkit.methods.differences.testimony import (
    FOLLOWED,
    LAG,
    STEPPED,
    Seen,
    Testified,
    smoothed,
    unknown,
    vague,
    widened,
)
from diffkit.methods.differences.witness import DifferenceWitness, laid_out, sizes
from diffkit.proof.proofs import Proofs

if TYPE_CHECKING:
    from diffkit.asking.callables import Bound
    from diffkit.core.worker_pool import Workers
    from diffkit.engines import MakeCall
    from diffkit.proof.array_proofs import ArrayProofs


_CODE_METHODS = ("dual", "complex")
"""Methods for code that cannot be recorded, the most accurate first; what none of them finds, differences do."""
_VALUES = {"complex", "finite"}
"""Methods that know values alone, and not how many steps led to them."""
_DIRECTIONS_PER_SWEEP = 4  # directions of forward mode that cost about as much as one sweep of reverse mode
_METHOD_NOTES = {
    "reverse": "reverse mode through the code, with its rounding measured, confirmed by real differences",
    "dual": "dual numbers pushed through the code, with its rounding measured, confirmed by real differences",
    "complex": "complex steps, confirmed by real differences, which give their bar",
    "finite": "finite differences of its values",
}
_UNASKED = "no method can differentiate this function"
_MOST_DIGITS = 1000
_ROWS_SENT = 1024  # of a batch at most for each call of a worker, which prepares anew


class Referee:
    """What other answers are judged by: proven where the source has a formula, else the best that its code allows.

    ``unrecorded`` is why nothing can be proven, where that is known beforehand; ``workers`` share the rows of a batch.
    """

    formula = None

    def __init__(self, task: Task, digits: int | None = None, unrecorded: str = "", workers: Workers = None):
        self.workers = workers
        self.task, self.source, self.digits, self.unrecorded = task, task.source, digits, unrecorded

    @cached_property
    def reason(self) -> str:
        """Why nothing can be proven; empty if it can."""
        return self.unrecorded or self.source.hindrance

    @cached_property
    def proven(self) -> Proofs | ArrayProofs | None:
        """The proofs about the formula, if there is one."""
        if self.reason:
            return None
        if self.source.arrays is None:
            return Proofs(self.task, self.digits)
        from diffkit.proof.array_proofs import proofs_of

        return proofs_of(self.task, self.digits)

    @cached_property
    def measured(self) -> _Measurement | ColouredEvaluation:
        """What is said where nothing is proven."""
        return coloured(self.task, _Measurement, scaled=True)  # type: ignore[no-any-return]

    def at(self, point: Sequence[float]) -> Answer:
        """Prove, or measure."""
        if self.reason:
            return self.measured.at(point)
        try:
            self.source.check_formula(point)
        except TracingError:
            return self.measured.at(point)
        assert self.proven is not None
        answer = self.proven.at(point)
        answer.note = self.source.origin + answer.note
        return answer

    @property
    def writer(self) -> ProvenPoints | None:
        """What writes proven values to arrays, where the source is a formula."""
        proven = None if self.reason else self.proven
        return ProvenPoints(proven) if isinstance(proven, Proofs) else None

    def timely(self, point: Sequence[float]) -> Answer:
        """As ``at``; nothing is known of a point for which the time is up."""
        try:
            return self.at(point)
        except TimeIsUp as up:
            return unanswered(len(self.task.indices), up.reason)

    def batch(self, points: Any) -> Answer:
        """Answer row by row; workers share the rows, and the answer is the same."""
        if self.workers is None:
            return by_rows(self, points)
        from diffkit.core.worker_pool import are_shared, in_order, parts

        if not are_shared(self.workers):
            return by_rows(self, points)
        from diffkit.core.workers import pickled

        there = partial(_answered_there, pickled(Referee(self.task, self.digits, self.unrecorded)))
        found: list[Answer] = []
        left = len(points)
        try:
            for rows, answer in in_order(there, parts(points, self.workers, _ROWS_SENT), self.workers, self._lost):
                found.append(answer)
                left -= len(rows)
                tell("points", len(points) - left, len(points))
        except TimeIsUp as up:
            found.append(unanswered(len(self.task.indices) * left, up.reason))
        together = joined(found)
        if self.task.function is not None:
            self.task.function.evaluations += together.evaluations
        return together

    def _lost(self, _: Any, error: DiffkitError) -> Answer:
        """What is known of a row that ends every worker that is asked about it."""
        return unanswered(len(self.task.indices), str(error))


def _answered_there(packed: bytes, rows: Any) -> Answer:
    """In a worker, or in a thread, which has a referee of its own too: the answer at some rows."""
    referee: Referee = pickle.loads(packed)
    function = referee.task.function
    before = 0 if function is None else function.evaluations
    answer = by_rows(referee, rows)
    if function is not None:
        answer.evaluations = function.evaluations - before
    return answer


class ProvenPoints:
    """Proven values at points where nothing else is to be said, as engines write theirs."""

    faster, points_interpreted = False, 0
    """proofs compile by themselves what they run again and again"""

    def __init__(self, proofs: Proofs):
        self.proofs = proofs

    def written(self, places: Sequence[int], shape: tuple[int, ...], many: bool = False) -> MakeCall:  # noqa: ARG002
        """Give what makes functions of a point that give an array of a shape, the values in the order of ``places``."""
        import numpy as np

        plain, placed, flat = self.proofs.plain, not in_order(places), len(shape) == 1

        def make(otherwise: Any, arrays: bool) -> Callable[..., Any]:  # noqa: ARG001
            def call(at: Any, out: Any = None) -> Any:
                fits = out is None or (type(out) is np.ndarray and out.shape == shape)
                values = plain(at) if fits and type(at) is tuple else None
                if values is None:
                    return otherwise(at, out)
                if placed:
                    values = [values[place] for place in places]
                if out is None and flat:
                    return np.array(values)
                found: Any = np.empty(shape) if out is None else out
                found.flat = values
                return found

            return call

        return make


class _Measurement:
    """Answers about a Python function, component by component from the best method that has one."""

    def __init__(self, task: Task):
        assert task.function is not None
        self.task, self.function = task, task.function

    def at(self, point: Sequence[float]) -> Answer:
        """Each partial from the first method whose value real differences confirm, or from these alone."""
        import numpy as np

        function, before = self.function, self.function.evaluations
        place = tuple(map(float, point))
        with np.errstate(all="ignore"):
            witness = DifferenceWitness.of(function, place)
            with function.faults.remembering():
                seen, used = self._seen(place, witness)
            seen.update(_with_solvers(function, place, seen))
            if not _VALUES.isdisjoint(used):
                seen.update(_with_loops(function, place, seen))
        if function.unsteady:  # which may have shown only now
            seen = {index: _unsteady(one, function.unsteady) for index, one in seen.items()}
        note = "; ".join([_METHOD_NOTES[name] for name in used] + _doubt(seen.values()))
        return laid_out(self.task.indices, seen, function.evaluations - before, note)

    def _seen(self, point: tuple[float, ...], witness: DifferenceWitness) -> tuple[dict[Index, Seen], list[str]]:
        """What is known of each partial, and the methods that found it."""
        if self.task.order > STENCIL_ORDER:
            return {index: unknown(Odd("uncertain", _UNASKED)) for index in self.task.indices}, []
        plain = witness.values(self.task.indices)
        silent = {index for index, one in plain.items() if one.odd is not None}
        seen = {index: one for index, one in plain.items() if one.odd is None}
        used, told = self._follow(point, witness, seen, silent)
        rest = [index for index in self.task.indices if index not in seen]
        seen.update(_alone(witness, rest, told))
        return seen, used + ["finite"] * bool(rest)

    def _follow(
        self, point: tuple[float, ...], witness: DifferenceWitness, seen: dict[Index, Seen], silent: Collection[Index]
    ) -> tuple[list[str], dict[Index, Odd]]:
        """Follow the code where f has a value, one way after another; who found something, and what else they say."""
        used: list[str] = []
        told: dict[Index, Odd] = {}
        for name, evaluation in [] if self.function.unsteady else self._prepared:
            wanted = [index for index in self.task.indices if index not in seen and index not in silent]
            if not wanted:
                break
            try:
                claims, odd = _claims(evaluation, point, wanted)
                found = witness.confirm(claims, STEPPED if name == "complex" else FOLLOWED)
            except (BackendError, LimitError):
                continue
            if name == "complex":  # where it is contradicted, the code is not analytic: that is no doubt about values
                found = {index: one for index, one in found.items() if one.odd is None}
            told.update(odd)
            seen.update(found)
            used += [name] * bool(found)
        return used, told

    @cached_property
    def _prepared(self) -> list[tuple[str, Any]]:
        found = []
        for name in _ladder(self.task):
            try:
                found.append((name, get_backend(name).prepare(self.task)))
            except (BackendError, LimitError):
                continue
        return found


def _ladder(task: Task) -> tuple[str, ...]:
    """The methods in order: reverse mode comes first where it needs fewer runs of the function than forward mode."""
    sweeps = {output for output, index in task.indices if index}
    directions = {index[0] for _, index in task.indices if index}
    return ("reverse", *_CODE_METHODS) if len(directions) > _DIRECTIONS_PER_SWEEP * len(sweeps) else _CODE_METHODS


def _claims(
    evaluation: Any, point: tuple[float, ...], wanted: Sequence[Index]
) -> tuple[dict[Index, Testified], dict[Index, Odd]]:
    """What a method finds of some partials, and what is odd about the others."""
    if isinstance(evaluation, ComplexEvaluation):
        claims = evaluation.claims(point)
        return {index: claims[index] for index in wanted if math.isfinite(claims[index].value)}, {}
    answer = evaluation.at(point)
    odd = {index: answer.odd[c] for c, index in enumerate(evaluation.task.indices) if c in answer.odd}
    left = set(wanted).difference(odd)
    if not left:
        return {}, odd
    import numpy as np

    from diffkit.asking.callables.following import lag

    largest = np.array(list(sizes(dict(zip(evaluation.task.indices, answer.values, strict=True))).values()))
    bars = np.array(evaluation.bound(point))
    try:
        bars, firm = bars + lag(evaluation.function, lambda row: evaluation.derive(row).partials, point, largest), True
    except (BackendError, LimitError):
        firm = False
    found = zip(evaluation.task.indices, floats_of(answer.values), bars.tolist(), strict=True)
    return {index: Testified(value, bar, firm) for index, value, bar in found if index in left}, odd


def _alone(witness: DifferenceWitness, wanted: Sequence[Index], told: Mapping[Index, Odd]) -> dict[Index, Seen]:
    """What differences say, or what was told by those that followed the code where it is no more than that."""
    try:
        found = witness.alone(wanted)
    except (BackendError, LimitError) as error:
        found = {index: unknown(Odd("uncertain", f"{_UNASKED}: {error}")) for index in wanted}
    for index, one in found.items():
        if one.odd is not None and one.odd.status == "uncertain" and index in told:
            found[index] = unknown(one.odd._replace(message=told[index].message))
    return found


def _with_solvers(function: Bound, point: tuple[float, ...], seen: Mapping[Index, Seen]) -> dict[Index, Seen]:
    """Bars that have room for what solvers leave over inside f; a kink no larger than that is theirs."""
    from diffkit.asking.callables.solvers import left_over

    off, solver = left_over(function, point)
    smooth = {index: smoothed(one, off) for index, one in seen.items()} if off else {}
    largest = sizes({index: one.value for index, one in smooth.items()})
    return {
        index: widened(one, off * largest[index], largest[index], solver)
        for index, one in smooth.items()
        if one.odd is None and off * largest[index] > one.bar
    }


def _with_loops(function: Bound, point: tuple[float, ...], seen: Mapping[Index, Seen]) -> dict[Index, Seen]:
    """Bars that have room for what loops leave over that stop at a tolerance."""
    from diffkit.asking.callables.following import tooth

    around = tooth(function, point)
    smooth = {index: one for index, one in seen.items() if one.odd is None}
    if around is None or not smooth:
        return {}
    largest = sizes({index: one.value for index, one in smooth.items()})
    off = {index: around.off(index) for index in smooth}
    return {i: widened(one, off[i], largest[i], LAG) for i, one in smooth.items() if off[i] > one.bar}


def _unsteady(one: Seen, reason: str) -> Seen:
    """A partial of a function whose values are not to be relied on."""
    value, bar = (one.value, one.bar) if one.odd is None else (one.odd.value, one.odd.error)
    return unknown(vague(value, bar, reason))


def _doubt(seen: Iterable[Seen]) -> list[str]:
    """Why the widest bar is wide, if it is."""
    doubts = [one for one in seen if one.odd is None and one.reason]
    return [max(doubts, key=lambda one: one.bar / (abs(one.value) or 1.0)).reason] if doubts else []


class AutoBackend:
    """The referee as a backend: what it says is proven, or called uncertain.

    ``digits`` asks for that many proven decimal digits besides the binary64; ``workers`` share the rows of a batch.
    """

    name = "auto"
    error_kind: ErrorKind = "proven"

    def __init__(self, digits: int | None = None, workers: Workers = None):
        if workers is not None:
            from diffkit.core.worker_pool import are_shared  # who asks for one value has no workers

            are_shared(workers)
        if digits is not None and not 1 <= digits <= _MOST_DIGITS:
            raise DiffkitError(f"{digits} digits were asked for, but proofs go from 1 to {_MOST_DIGITS}")
        self.digits, self.workers = digits, workers

    def prepare(self, task: Task) -> Referee:
        """Get ready for proofs."""
        return Referee(task, self.digits, workers=self.workers)

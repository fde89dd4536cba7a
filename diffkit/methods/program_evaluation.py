"""Evaluating derivatives that are programs: compiled where a point is ordinary, interpreted anywhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import Guarded, guard, unguarded
from diffkit.calculus.without_cancellation import may_cancel, stable
from diffkit.core.builder import select
from diffkit.core.errors import BackendError, TracingError
from diffkit.core.program import Program, run, run_slots
from diffkit.core.results import Answer, Odd, by_rows
from diffkit.core.table import WHERE
from diffkit.engines import POINTS_INTERPRETED, Precision, check_engine
from diffkit.methods import FEW_ROWS
from diffkit.numbers.doubles import DOUBLES, array_doubles
from diffkit.numbers.floats import SMALLEST_FLOAT

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.engines import Call
    from diffkit.engines.choice import Engines
    from diffkit.engines.shared_formulas import FormulaTexts

_BATCH_ROWS = 8192  # rows of a batch that run together, so that what is computed between stays in the cache

LOST = "binary64 overflows or loses everything on the way"
_LOST_VALUE = (
    "binary64 loses the value on the way, or cannot tell on which side of a kink or branch the point lies; "
    "backend='auto' goes on"
)


class ProgramEvaluation:
    """The partials of a task as a program in binary64, whichever method wrote that program.

    Its outputs are the partials; the values of f may follow them. ``shown``: whether it is a formula for people as it
    was written.
    """

    def __init__(self, task: Task, program: Program, shown: bool = False):
        self.task, self.program, self.shown = task, program, shown
        self._seen = 0
        self.precision: Precision = "pairs"
        self.engine = "auto"

    def compiled(self, precision: Precision, engine: str) -> ProgramEvaluation:
        """The same with a precision and an engine; BackendError for an engine that is not there."""
        found = ProgramEvaluation(self.task, self.program, self.shown)
        found.precision, found.engine = precision, check_engine(engine)
        return found

    @cached_property
    def written(self) -> Program:
        """The partials as they were written."""
        count = len(self.task.indices)
        return (
            self.program if len(self.program.outputs) == count else select(self.program, self.program.outputs[:count])
        )

    @cached_property
    def derivative(self) -> Program:
        """The partials in forms that do not cancel."""
        return stable(self.written)

    @cached_property
    def formula(self) -> FormulaTexts | None:
        """The text of each partial, if it is for people; written when it is asked for."""
        if not self.shown:
            return None
        from diffkit.engines.shared_formulas import formula_texts  # who asks for a value needs none

        return formula_texts(self.written)

    def engines(self) -> Engines:
        """The guarded derivative as code, made when it is first worth it."""
        return self._engines

    @cached_property
    def _engines(self) -> Engines:
        from diffkit.engines.choice import Engines  # a point or two need none

        return Engines(self.guarded, self.precision, self.engine)

    @cached_property
    def guarded(self) -> Guarded:
        """The derivative with the primal's values and guards."""
        primal = self.task.program
        known = None if may_cancel(self.program) else unguarded(primal, self.program, len(self.task.indices))
        return guard(primal, self.derivative) if known is None else known

    def at(self, point: Sequence[float]) -> Answer:
        """Evaluate at one point: compiled once it pays, interpreted where the point is not ordinary."""
        _check_recorded(self.task.source, point)
        call = self._call()
        found = None if call is None else call(*point)
        return self._interpreted(point) if found is None else Answer(list(found), None, {}, 1)

    def _call(self) -> Call | None:
        """The function of one point; None for as many points as it is not worth it, when no engine is even loaded."""
        self._seen += 1
        if self._seen <= POINTS_INTERPRETED and (self.precision, self.engine) == ("pairs", "auto"):
            return None
        return self._engines.point if self._seen > self._engines.points_interpreted else None

    def _interpreted(self, point: Sequence[float]) -> Answer:
        """Evaluate at one point in pairs of Python floats."""
        pairs = run_slots(self.guarded.program, DOUBLES, [DOUBLES.number(x) for x in point])
        return self._finish(list(map(_high, pairs)), point, 0)

    def _finish(self, slots: Sequence[Any], point: Sequence[float], first: int) -> Answer:
        guarded = self.guarded
        count = guarded.derivatives
        values = [float(slots[o]) + 0.0 for o in guarded.program.outputs[:count]]  # a zero has no sign
        odd: dict[int, Odd] = {}
        if special := self._special(slots):
            from diffkit.proof.classification import Classifier  # flint is wanted at odd points only

            classifier = Classifier(self.task.program, point)
            for c in special:
                seen = _describe(classifier.component(self.task.indices[c]), values[c])
                if seen is not None:
                    values[c] = seen.value
                    odd[first + c] = seen
        return Answer(values, None, odd, 1)

    def _special(self, slots: Sequence[Any]) -> list[int]:
        """The partials that no finite numbers lead to, or that a guard concerns which is not kept."""
        guarded, program = self.guarded, self.guarded.program
        plain = guarded.derivatives + guarded.primals
        lost = {slot for slot, x in enumerate(slots) if not math.isfinite(x)}
        finite = [not (lost and _leads_there(program, slots, output, lost)) for output in program.outputs[:plain]]
        margins = [slots[output] for output in program.outputs[plain:]]
        holding = guarded.holding(finite[guarded.derivatives :], margins, self.task.indices)
        return [c for c, holds in enumerate(holding) if not (holds and finite[c])]

    def bound(self, point: Sequence[float]) -> list[float]:
        """Running bound on the rounding error of each component at a point."""
        from diffkit.numbers.bounds import DOUBLES_BOUNDS as bounds

        return list(map(bounds.total, run(self.derivative, bounds, list(map(bounds.number, point)))))

    def batch(self, points: Any) -> Answer:
        """Evaluate at the rows of an array (B, n): few of them one by one, many compiled; odd rows are interpreted."""
        import numpy as np

        if len(points) < FEW_ROWS:
            return by_rows(self, points)
        for row in (points[0], points[-1]):  # data that the code reads do not change within a call
            _check_recorded(self.task.source, row)
        count = self.guarded.derivatives
        values = np.empty((len(points), count))
        call = self._engines.many(len(points))
        ordinary = np.zeros(len(points), dtype=bool) if call is None else call(points, values)
        odd: dict[int, Odd] = {}
        rest = () if ordinary is None else np.flatnonzero(~ordinary)
        for first in range(0, len(rest), _BATCH_ROWS):
            self._interpret(points, rest[first : first + _BATCH_ROWS], values, odd)
        return Answer(values.ravel(), None, odd, len(points))

    def outside(self, points: Any) -> Any:
        """Which rows of an array are so far outside f's domain, with no choice on the way, that no partial has a value.

        An edge is passed there by more than a bound on what is rounded; of other rows nothing is said.
        """
        import numpy as np

        from diffkit.numbers.array_bounds import ARRAY_BOUNDS

        guarded, primal = self.guarded, self.task.program
        if any(row.truth or row is WHERE for row, _ in primal.instructions):
            return np.zeros(len(points), dtype=bool)
        with np.errstate(all="ignore"):
            found = run(guarded.program, ARRAY_BOUNDS, [(column, np.zeros(len(column))) for column in points.T])
        margins = found[guarded.derivatives + guarded.primals :]
        edges = [(g, value < -2 * error) for g, (value, error) in zip(guarded.guards, margins, strict=True)
                 if g.edge and not g.some]  # fmt: skip
        outside = np.isfinite(points).all(axis=1)
        for output in {output for output, _ in self.task.indices}:
            passed = [beyond for g, beyond in edges if guarded.concerns(g, output)]
            outside = outside & np.any(np.broadcast_arrays(outside, *passed)[1:], axis=0)
        return outside

    def _interpret(self, points: Any, rows: Any, values: Any, odd: dict[int, Odd]) -> None:
        """Fill in some rows by pairs of arrays, and what is odd about them."""
        import numpy as np

        count = self.guarded.derivatives
        columns, clean = self._columns(points[rows])
        outputs = [columns[slot] for slot in self.guarded.program.outputs[:count]]
        values[rows] = np.stack(outputs, axis=1) + 0.0 if count else 0.0
        for place in np.flatnonzero(~clean).tolist():
            row = int(rows[place])
            answer = self._finish([column[place].item() for column in columns], points[row].tolist(), row * count)
            values[row] = answer.values
            odd.update(answer.odd)

    def _columns(self, points: Any) -> tuple[list[Any], Any]:
        """Slots of the guarded program at the rows of an array; where all is finite and no guard fails."""
        import numpy as np

        guarded = self.guarded
        plain = guarded.derivatives + guarded.primals
        clean = np.ones(len(points), dtype=bool)
        with np.errstate(all="ignore"):
            slots = run_slots(guarded.program, array_doubles(), [(column, 0.0) for column in points.T])
            columns = [np.broadcast_to(np.asarray(_high(x), dtype=float), clean.shape) for x in slots]
            for column in columns:
                clean &= np.isfinite(column)
            margins = [columns[slot] for slot in guarded.program.outputs[plain:]]
            for column, edge in zip(margins, guarded.edges, strict=True):
                clean &= (column > 0) if edge else (column != 0)
        return columns, clean


def departure(source: Source, point: Sequence[float]) -> str:
    """In what code is no longer its formula at a point, as data that it reads may have changed; empty if it is."""
    if source.code is None:
        return ""
    try:
        source.check_formula(point)
    except TracingError as error:
        return error.reason
    return ""


def _check_recorded(source: Source, point: Sequence[float]) -> None:
    """BackendError where code is no longer its formula."""
    if changed := departure(source, point):
        raise BackendError(f"this is of the formula of the code, and {changed}", hint="prepare it anew")


def _high(x: Any) -> Any:
    """The high part of a pair; a truth is itself."""
    return x[0] if isinstance(x, tuple) else x


def _leads_there(program: Program, slots: Sequence[Any], output: int, places: set[int]) -> bool:
    """Whether an output is computed from some slots, through the branches that are taken."""
    seen: set[int] = set()
    stack = [output]
    while stack:
        slot = stack.pop()
        if slot in places:
            return True
        if slot not in seen:
            seen.add(slot)
            row, args = program.instruction_at(slot) or (None, ())
            stack.extend((args[0], args[1 if slots[args[0]] else 2]) if row is WHERE else args)
    return False


def _describe(seen: Odd, value: float) -> Odd | None:
    """What a component is at a point where a guard failed or something overflowed; None: the plain value."""
    if seen.status != "ok":
        return seen
    if not math.isfinite(value):
        return Odd("uncertain", f"{LOST}; backend='auto' goes on")
    if not math.isclose(value, seen.value, rel_tol=1e-6, abs_tol=SMALLEST_FLOAT):
        return Odd("uncertain", _LOST_VALUE)
    return seen._replace(value=value) if seen.message else None


def table_bound(task: Task, point: Sequence[float]) -> list[float]:
    """What plain binary64, without pairs, may round in the table's derivative: a bar for a method that states none."""
    from diffkit.numbers.bounds import BOUNDS

    program = derivative_program(task.program, task.indices)
    return [error for _, error in run(program, BOUNDS, [(x, 0.0) for x in point])]

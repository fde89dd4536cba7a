"""Evaluating derivatives of Python functions at points, by following the code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.asking.tasks import Task
from diffkit.core.deadline import TimeIsUp
from diffkit.core.errors import BackendError
from diffkit.core.partials import PartialGrid, grids, output_numbers
from diffkit.core.results import Answer, Odd, ToldOfAll, by_rows, floats_of
from diffkit.engines import POINTS_INTERPRETED
from diffkit.methods import FEW_ROWS
from diffkit.methods.program_evaluation import LOST

if TYPE_CHECKING:
    from diffkit.methods.replay import Replay, Watched
    from diffkit.ndarrays import Hit

_NESTED_ORDER = 4  # of a Python function: nesting costs 2ⁿ
_ASIDE = 2.0**-9  # of a coordinate: how far off a record is compared with the code
_AGAIN_FACTOR = 1 + 2.0**-9  # factor of the point at which the code is followed once more, to see that it can be


class Derived(NamedTuple):
    """What following a function gave: its values, flat; the partials in the order of the task's indices; the hits."""

    values: Any
    partials: Any
    hits: list[Hit]


class FunctionEvaluation:
    """The partials of a Python function; a subclass says how they are found (``derive``)."""

    formula = None

    def __init__(self, task: Task):
        if task.order > _NESTED_ORDER:
            raise BackendError(f"derivatives of a Python function go up to order {_NESTED_ORDER}, not {task.order}",
                               hint="a function without branches can be recorded: use backend='auto'")  # fmt: skip
        assert task.function is not None
        self.task, self.function = task, task.function
        self.followed = 0
        self.engine = "auto"
        self._watched: Watched | None = None
        """the record, while nothing changes that the function reads: then it need not be compared"""
        self._watching = False
        """whether that was tried: it is not, once something has changed"""

    def __getstate__(self) -> dict[str, Any]:
        """What was compiled is compiled again where a pickle arrives, and what is read is looked through again."""
        state = {name: value for name, value in vars(self).items() if name != "_replay"}
        return {**state, "_watched": None, "_watching": False}

    def replayed_by(self, engine: str) -> FunctionEvaluation:
        """The same, with an engine for many points of a record; BackendError for one that takes no records."""
        if engine not in ("auto", "jax"):  # code is followed in binary64 as it is
            raise BackendError(f"the engine {engine} takes no records of code", hint="leave it to diffkit, or take jax")
        self.engine = engine
        return self

    @cached_property
    def grids(self) -> dict[tuple[int, ...] | None, list[PartialGrid]]:
        """The task's partials by the variables after the first; values of f itself under None."""
        return grids(self.task.indices)

    def fill(self, found: Any, rest: tuple[int, ...], table: Any, row: Any, column: Any) -> None:
        """Put the partials with a rest where they belong, from a table of outputs by variables."""
        for grid in self.grids[rest]:
            grid.fill(found, table, row, column)

    def fill_values(self, found: Any, values: Any) -> None:
        """Put the values of f itself where they are asked for."""
        for grid in self.grids.get(None, ()):
            found[grid.places] = values[grid.outputs]

    @property
    def chosen(self) -> Mapping[str, str]:
        """The engines that a record runs by, so far."""
        replay = vars(self).get("_replay")
        return {} if replay is None else replay.chosen

    @cached_property
    def _replay(self) -> Replay | None:
        """The task by the function's record, where there is one."""
        from diffkit.methods.replay import replay_of

        return replay_of(self.task, self.engine)

    def derive(self, point: Any) -> Derived:
        """Follow the function at a point, an array of its coordinates."""
        raise NotImplementedError

    def seeds(self, variables: Any, point: Any) -> list[Any]:
        """Tangents of the arguments along some coordinates; None for an argument that does not move."""
        import numpy as np

        rows = np.zeros((len(variables), len(point)), dtype=point.dtype)
        rows[np.arange(len(variables)), variables] = 1.0
        return [part if np.any(part) else None for part in self.function.split(rows)]

    def _check_beside(self, point: Any) -> None:
        """TracingError if, beside the point, the code gives other values when it is followed; once is enough."""
        from diffkit.asking.callables.following import check_values, following
        from diffkit.ndarrays import pushforward

        beside = point * _AGAIN_FACTOR + (point == 0) * (_AGAIN_FACTOR - 1)
        row = (beside - point)[None]
        with following(self.function.name):
            pushed = pushforward(self.function.call, self.function.split(beside), self.function.split(row))
            check_values(self.function, beside, pushed.value)

    def at(self, point: Sequence[float]) -> Answer:
        """Give the partials at one point, with what is odd about them."""
        import numpy as np

        start = self.function.evaluations
        replayed = self.replayed(np.array(point, dtype=float))
        if replayed is not None:
            return Answer(replayed, None, {}, self.function.evaluations - start)
        with np.errstate(all="ignore"):
            plain = self.function.values(point)
            partials, hits = self._found(np.array(point, dtype=float), plain)
            odd = self._odds(plain, partials, hits)
        if odd:
            partials[slice(None) if isinstance(odd, ToldOfAll) else list(odd)] = math.nan
        return Answer(partials, None, odd, self.function.evaluations - start)

    def _found(self, point: Any, plain: Any) -> tuple[Any, list[Hit]]:
        """The partials and the hits; NaN where the function has no value, or none to rely on."""
        import numpy as np

        from diffkit.asking.callables.following import check_values, following

        if self.function.unsteady or not np.any(np.isfinite(plain)):
            return np.full(len(self.task.indices), np.nan), []
        self.followed += 1
        if self.followed == 1:
            self._check_beside(point)
        with following(self.function.name):
            found = self.derive(point)
        check_values(self.function, point, found.values, plain)
        return found.partials, found.hits

    def replayed(self, row: Any) -> Any:
        """The partials at a point where the record serves and nothing is odd; None anywhere else."""
        import numpy as np

        if self.followed < POINTS_INTERPRETED or self._replay is None or not math.isfinite(np.add.reduce(row)):
            return None
        with np.errstate(all="ignore"):
            if self._watched is not None and self._watched.reads.unchanged():
                return self._watched.partials(row)
            found = self._replay.partials(row)
            return found if found is not None and self._is_current(row) else None

    def _is_current(self, row: Any) -> bool:
        """Whether the record has the values of the code beside a point; from then on it is watched, if that goes."""
        from diffkit.methods.replay import watch

        if not self._compared(row):
            return False
        assert self._replay is not None
        self._watched, self._watching = None if self._watching else watch(self.function, self._replay, row), True
        return True

    def _compared(self, row: Any) -> bool:
        """Whether the record has the values of the code beside a point; if not, the code is followed from here on.

        In no particular direction: at the point itself two functions may be equal by chance.
        """
        from diffkit.asking.callables.following import same_values

        assert self._replay is not None
        beside = row + (row + (row == 0)) * self._aside
        values = self._replay.values(beside)
        if values is None:  # nothing can be compared there, which is not the fault of the record
            return False
        if same_values(self.function, beside, values, self.function.values(beside)):
            return not self.function.unsteady
        self._replay = None
        return False

    @cached_property
    def _aside(self) -> Any:
        """How far beside a point the record is compared with the code, in proportion."""
        import numpy as np

        return np.random.default_rng(len(self.function.inputs)).uniform(-_ASIDE, _ASIDE, len(self.function.inputs))

    def _odds(self, plain: Any, partials: Any, hits: Sequence[Hit]) -> Mapping[int, Odd]:
        """What is known of the components that have no ordinary value; each kind of them is told the same."""
        import numpy as np

        if len(plain) and np.all(np.isnan(plain)):
            return ToldOfAll(len(partials), self._outside("nan"))
        ties = [hit for hit in hits if hit.kind == "tie"]
        doubt = self.function.unsteady or "; ".join(dict.fromkeys(map(str, ties)))
        if not doubt and np.all(np.isfinite(plain)) and np.all(np.isfinite(partials)):
            return {}
        values = plain[output_numbers(self.task.indices)]
        cases = [np.isnan(values), values == np.inf, values == -np.inf, ~np.isfinite(partials)]
        kinds = np.select(cases, [1, 2, 3, 4], default=5 if doubt else 0)
        lost = self.function.unsteady or "; ".join(dict.fromkeys(map(str, hits))) or LOST
        told = {k: self._outside(value) for k, value in enumerate(("nan", "inf", "-inf"), 1)}
        told |= {4: Odd("uncertain", lost), 5: Odd("uncertain", doubt)}
        present = np.unique(kinds).tolist()
        if len(present) == 1:
            return ToldOfAll(len(kinds), told[present[0]])
        return {c: told[kind] for c, kind in enumerate(kinds.tolist()) if kind}

    def _outside(self, value: str) -> Odd:
        """What is said of the partials of a result that is no number."""
        reason = self.function.reason or f"{self.function.name} is {value} there"
        return Odd("domain_error", reason, cause="outside the domain")

    def bound(self, point: Sequence[float]) -> list[float]:
        """How far rounding may carry each component, measured."""
        import numpy as np

        from diffkit.asking.callables.faults import rounding

        with np.errstate(all="ignore"):
            bars: list[float] = rounding(lambda row: self.derive(row).partials, point).tolist()
        return bars

    def batch(self, points: Any) -> Answer:
        """Answer row by row; by the record, all that are ordinary at once."""
        import numpy as np

        first = max(0, POINTS_INTERPRETED - self.followed)  # these are followed, to see that they can be
        if len(points) < FEW_ROWS + first:
            return by_rows(self, points)
        before = self.function.evaluations
        head = by_rows(self, points[:first])
        values = np.empty((len(points), len(self.task.indices)))
        values[:first] = np.reshape(floats_of(head.values), (first, values.shape[1]))
        odd, width = dict(head.odd), values.shape[1]
        rest = self._replayed_rows(points, first, values)
        answer = by_rows(self, points[rest])
        values[rest] = np.reshape(floats_of(answer.values), (len(rest), width))
        odd.update({rest[c // width] * width + c % width: found for c, found in answer.odd.items()})
        return Answer(values.ravel(), None, odd, self.function.evaluations - before)

    def replayed_rows(self, points: Any) -> tuple[Any, list[int]] | None:
        """The partials at the rows of an array, and the rows that are left; None where the record serves none."""
        import numpy as np

        if self.followed < POINTS_INTERPRETED or not np.isfinite(np.add.reduce(points, axis=None)):
            return None
        values = np.empty((len(points), len(self.task.indices)))
        rest = self._replayed_rows(points, 0, values)
        return None if len(rest) == len(points) else (values, rest)

    def _replayed_rows(self, points: Any, first: int, values: Any) -> list[int]:
        """Fill in rows from the first on by the record; give those that it does not serve."""
        import numpy as np

        rest = list(range(first, len(points)))
        if self._replay is None:
            return rest
        try:
            with np.errstate(all="ignore"):
                reads = None if self._watched is None else self._watched.reads
                watched = reads is not None and not reads.large and reads.unchanged()
                if not watched and not self._is_current(points[-1]):
                    return rest
                found, ordinary = self._replay.batch(points)  # of all, as it may be compiled for how many there are
                values[first:] = found[first:]
        except TimeIsUp:  # which is told of each row that is left
            return rest
        return (first + np.flatnonzero(~ordinary[first:])).tolist()

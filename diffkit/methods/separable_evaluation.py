"""Evaluating derivatives of partially separable functions: term by term wherever a point is ordinary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from diffkit.asking.sources import Formula
from diffkit.calculus.derivatives import reverse_program
from diffkit.calculus.element_functions import ElementFunction
from diffkit.core.results import Answer, by_rows
from diffkit.engines import Precision, Unsuited, check_engine, is_installed
from diffkit.methods.program_evaluation import ProgramEvaluation

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task
    from diffkit.engines import BatchCall, MakeCall
    from diffkit.engines.element_sums import ElementSums

_ELEMENT_ENGINES = ("llvm", "numpy")
"""engines for the terms of a point, the best first"""


class SeparableEvaluation:
    """The partials of a sum of element functions; the program of the whole is written where a point is not ordinary."""

    formula = None

    def __init__(
        self, task: Task, functions: Sequence[ElementFunction], precision: Precision = "pairs", engine: str = "auto"
    ):
        self.task, self.functions, self.precision, self.engine = task, functions, precision, engine

    @classmethod
    def of(cls, task: Task) -> SeparableEvaluation | None:
        """The evaluation of a gradient, a Hessian or H·v whose function is such a sum."""
        orders = {len(index) for _, index in task.indices}
        one_by_one = len(task.indices) == 1 or task.factors is not None
        if one_by_one or orders not in ({1}, {2}) or not isinstance(task.source, Formula):
            return None
        functions = task.source.element_functions
        return None if functions is None else cls(task, functions)

    def __getstate__(self) -> dict[str, Any]:
        """What was compiled is compiled again where a pickle arrives."""
        return {name: value for name, value in vars(self).items() if name not in ("_terms", "whole")}

    @cached_property
    def whole(self) -> ProgramEvaluation:
        """The same as one program."""
        found = ProgramEvaluation(self.task, reverse_program(self.task.program, self.task.with_values))
        return found.compiled(self.precision, self.engine)

    def compiled(self, precision: Precision, engine: str) -> SeparableEvaluation:
        """The same with a precision and an engine; BackendError for an engine that is not there."""
        return SeparableEvaluation(self.task, self.functions, precision, check_engine(engine))

    def engines(self) -> Any:
        """The terms as code, or the whole where no engine takes them."""
        return self.whole.engines() if self._terms is None else self._terms

    @cached_property
    def _terms(self) -> _CompiledTerms | None:
        from diffkit.engines.element_sums import ElementSums  # a question about text alone wants no NumPy

        count, indices = len(self.task.program.inputs), self.task.indices
        for name in _ELEMENT_ENGINES if self.engine == "auto" else (self.engine,):
            if name in _ELEMENT_ENGINES and is_installed(name):
                try:
                    sums = ElementSums(self.functions, indices, self.precision, name, count)
                    return _CompiledTerms(sums, name, len(indices))
                except Unsuited:
                    continue
        return None

    def at(self, point: Sequence[float]) -> Answer:
        """Evaluate at one point."""
        terms = self._terms
        found = None if terms is None else terms.at(point)
        return self.whole.at(point) if found is None else Answer(found.tolist(), None, {}, 1)

    def batch(self, points: Any) -> Answer:
        """Evaluate at the rows of an array (B, n), one by one."""
        return by_rows(self, points)

    def outside(self, points: Any) -> Any:
        """Which rows of an array are plainly outside f's domain."""
        return self.whole.outside(points)

    def bound(self, point: Sequence[float]) -> list[float]:
        """Running bound on the rounding error of each component at a point."""
        return self.whole.bound(point)


class _CompiledTerms:
    """Compiled terms as what gives arrays."""

    faster, points_interpreted = False, 0

    def __init__(self, sums: ElementSums, engine: str, count: int):
        self.sums, self.count = sums, count
        self.chosen = {"terms": engine}

    def at(self, point: Sequence[float]) -> Any:
        """All partials at a point; None where it is not ordinary."""
        import numpy as np

        return self._all(np.array(point, dtype=float))

    @cached_property
    def _all(self) -> Callable[[Any], Any]:
        return self.sums.at(range(self.count))

    def written(self, places: Sequence[int], shape: tuple[int, ...], many: bool = False) -> MakeCall:  # noqa: ARG002
        """Give what makes functions of a point that give an array of a shape, the values in the order of ``places``."""
        import numpy as np

        sums, wanted = self.sums.at(places), self.sums.shape
        read = _reader(self.chosen["terms"], *wanted)

        def make(otherwise: Any, arrays: bool) -> Callable[..., Any]:
            def call(at: Any, out: Any = None) -> Any:
                if type(at) is tuple:
                    x = read(at)
                else:
                    usable = arrays and type(at) is np.ndarray and at.shape == wanted and at.dtype == float
                    x = at if usable else None
                fits = out is None or (out.shape, out.dtype) == (shape, float)
                found = sums(x) if x is not None and fits else None
                if found is None:
                    return otherwise(at, out)
                if out is None:
                    return found.reshape(shape)
                out[...] = found.reshape(shape)
                return out

            return call

        return make

    def many(self, rows: int, places: Sequence[int] | None = None, factors: Any = None) -> BatchCall:  # noqa: ARG002
        """Give the function of points and of an array of values: which are ordinary, row after row."""
        import numpy as np

        sums = self._all if places is None else self.sums.at(places)

        def batch(points: Any, out: Any) -> Any:
            ordinary = np.ones(len(points), dtype=bool)
            for row, point in enumerate(points):
                found = sums(point)
                ordinary[row] = found is not None
                out[row] = 0.0 if found is None else found
            return None if ordinary.all() else ordinary

        return batch


def _reader(engine: str, count: int) -> Callable[[Any], Any]:
    """What reads tuples of floats: by the engine, or by NumPy where they are too long."""
    from diffkit.engines import numpy

    try:
        return import_module(f"diffkit.engines.{engine}").compile_reader(count)  # type: ignore[no-any-return]
    except Unsuited:
        return numpy.compile_reader(count)

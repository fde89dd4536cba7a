"""What all adapters of other tools share: the partials of a task as the tool gives them, and what is odd about a point.

A tool gives its own numbers. That a point has no derivative it does not say; of a formula that is found here, as for
every backend, by the guards of the primal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.core.errors import BackendError, DiffkitError, LimitError, TracingError, told
from diffkit.core.program import run
from diffkit.core.results import Answer, Odd, by_rows
from diffkit.methods.program_evaluation import departure
from diffkit.methods.tools import TOOLS, is_installed
from diffkit.numbers.namespaces import NamespaceAlgebra

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.asking.tasks import Task
    from diffkit.calculus.guards import Guarded
    from diffkit.core.program import Index, Program
    from diffkit.core.results import ErrorKind

FEW_VARIABLES = 8  # up to which tools with both modes are asked forwards
AtPoint = Callable[[Sequence[float]], "ToolPartials"]
Levels = tuple[tuple[int, ...], ...]


class ToolPartials(NamedTuple):
    """The partials at a point, with the errors that the tool states, and how often f was evaluated."""

    values: Sequence[float]
    bars: Sequence[float] | None = None
    evaluations: int = 1
    of_formula: bool = True
    """whether they are those of the formula, and not of code or values"""


class Tool:
    """Another library, or method, as a backend. ``partials`` is what each of them has to say."""

    name = ""
    error_kind: ErrorKind = "none"
    most_order = 4
    """the highest order that it is asked for"""
    covering = True
    """whether its errors are meant as bounds; else they are what is usual, and need not cover"""
    takes = "formulas"
    """what it is given: formulas, values of f, or code too that is written for its arrays"""

    def __init__(self) -> None:
        package = TOOLS[self.name].package if self.name in TOOLS else ""  # others look after themselves
        if package and not is_installed(self.name):
            raise BackendError(f"the backend {self.name} needs {package}, which is not installed",
                               hint=f"pip install {package}")  # fmt: skip

    def prepare(self, task: Task) -> ToolEvaluation:
        """Hand the task to the tool; BackendError where it cannot do it."""
        if task.order > self.most_order:
            raise BackendError(f"{self.name} is asked for derivatives up to order {self.most_order}, not {task.order}",
                               hint="use backend='auto' or 'dual'")  # fmt: skip
        return ToolEvaluation(self, task)

    def partials(self, source: Source, indices: Sequence[Index]) -> AtPoint:
        """Give the function of a point that gives these partials of a source."""
        raise NotImplementedError


class ToolEvaluation:
    """The partials of a task by a tool."""

    formula = None

    def __init__(self, tool: Tool, task: Task):
        self.tool, self.task = tool, task

    def __getstate__(self) -> dict[str, Any]:
        """What a tool has made is made again where a pickle arrives."""
        return {"tool": self.tool, "task": self.task}

    @property
    def of_values(self) -> bool:
        """Whether it knows values of f alone."""
        return self.tool.takes == "values"

    @cached_property
    def usual(self) -> Program | None:
        """The derivative by the rules that all tools follow, in a form that may cancel; None where f has no formula."""
        from diffkit.calculus.derivatives import derivative_program

        return None if self._guarded is None else derivative_program(self._guarded.primal, self.task.indices)

    @cached_property
    def _partials(self) -> Callable[[Sequence[float]], ToolPartials]:
        return self.tool.partials(self.task.source, self.task.indices)

    def at(self, point: Sequence[float]) -> Answer:
        """What the tool finds at one point; BackendError where it raises."""
        try:
            found = self._partials(tuple(map(float, point)))
        except DiffkitError:
            raise
        except Exception as error:  # whatever a tool raises is its own
            raise BackendError(f"{self.tool.name} raised {told(error)}") from error
        changed = "" if self._guarded is None else departure(self.task.source, point)
        if changed and found.of_formula:
            raise BackendError(f"{self.tool.name} has the formula of the code, and {changed}", hint="prepare it anew")
        values = [float(value) for value in found.values]
        bars = None if found.bars is None else [float(bar) for bar in found.bars]
        odd = self._odd(point, values, bars, None if changed else self._guarded)
        for c in odd:
            values[c] = math.nan
            if bars is not None:
                bars[c] = math.nan
        return Answer(values, bars, odd, found.evaluations)

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        return by_rows(self, points)

    def _odd(
        self, point: Sequence[float], values: Sequence[float], bars: Sequence[float] | None, guarded: Guarded | None
    ) -> dict[int, Odd]:
        """What is odd about each partial: its point, or that it is no number."""
        special = [] if guarded is None else _special(guarded, point, self.task.indices)
        odd: dict[int, Odd] = {}
        if guarded is not None and special:
            from diffkit.proof.classification import Classifier  # flint is wanted at odd points only

            classifier = Classifier(guarded.primal, point)
            seen = {c: classifier.component(self.task.indices[c]) for c in special}
            odd = {c: one for c, one in seen.items() if one.status != "ok"}
        for c, value in enumerate(values):
            error = bars[c] if bars is not None else 0.0
            if c not in odd and not (math.isfinite(value) and math.isfinite(error)):
                told_error = "" if bars is None else f" ± {error}"
                odd[c] = Odd("uncertain", f"{self.tool.name} gives {value}{told_error}; backend='auto' goes on")
        return odd

    @cached_property
    def _guarded(self) -> Guarded | None:
        """Where the source has derivatives; None where it has no formula."""
        from diffkit.calculus.guards import guard
        from diffkit.core.builder import select

        try:
            program = self.task.source.program
        except (TracingError, LimitError):
            return None
        return guard(program, select(program, ()))


def _special(guarded: Guarded, point: Sequence[float], indices: Sequence[Index]) -> list[int]:
    """The partials of which it is not plain that they exist at a point."""
    from diffkit.numbers.doubles import DOUBLES

    pairs = run(guarded.program, DOUBLES, [DOUBLES.number(x) for x in point])
    highs = [pair[0] for pair in pairs]
    finite = list(map(math.isfinite, highs[: guarded.primals]))
    holding = guarded.holding(finite, highs[guarded.primals :], indices)
    return [c for c, holds in enumerate(holding) if not holds]


# What adapters are made of -----------------------------------------------------------------------------------------


class Nested(NamedTuple):
    """Partials of one order, as entries of nested Jacobians: the variables of each level, and where each entry is."""

    levels: Levels
    places: tuple[tuple[int, tuple[int, ...]], ...]
    """numbers of partials, and their places in (outputs, first level, second level, …)"""


def nested(indices: Sequence[Index]) -> list[Nested]:
    """Split partials by order; a level is all variables that stand in a place of their indices."""
    found = []
    for order in sorted({len(variables) for _, variables in indices}):
        mine = [(c, output, variables) for c, (output, variables) in enumerate(indices) if len(variables) == order]
        levels = tuple(tuple(sorted(set(level))) for level in zip(*(variables for *_, variables in mine), strict=True))
        at = [{v: k for k, v in enumerate(level)} for level in levels]
        places = [
            (c, (output, *(place[v] for place, v in zip(at, variables, strict=True)))) for c, output, variables in mine
        ]
        found.append(Nested(levels, tuple(places)))
    return found


def by_nesting(
    f: Any, count: int, indices: Sequence[Index], numpy: Any, derivative: Callable[[Any, int], Any],
    compiled: Callable[[Any], Any] = lambda g: g,
) -> Callable[[Any], list[float]]:  # fmt: skip
    """The partials at an array of the tool, by Jacobians of Jacobians of a function of such an array of ``count``.

    ``derivative`` of a function of so many numbers is its Jacobian, whose axis for these comes last.
    """
    parts = []
    for group in nested(indices):
        g = f
        for level in reversed(group.levels):
            g = _jacobian(g, level, count, numpy, derivative)
        parts.append((compiled(g), group.places))

    def at(x: Any) -> list[float]:
        import numpy as np

        values = [0.0] * len(indices)
        for g, places in parts:
            found = np.asarray(g(x))
            for c, (output, *rest) in places:
                values[c] = float(found[(output, *reversed(rest))])
        return values

    return at


def _jacobian(
    g: Any, level: Sequence[int], count: int, numpy: Any, derivative: Callable[[Any, int], Any]
) -> Callable[[Any], Any]:
    """The function of an array that gives the Jacobian of g by some of its numbers."""
    import numpy as np

    if tuple(level) == tuple(range(count)):
        return derivative(g, count)  # type: ignore[no-any-return]
    place = {variable: k for k, variable in enumerate(level)}
    order, chosen = np.array([place.get(k, len(level) + k) for k in range(count)]), np.array(level)
    return lambda x: derivative(lambda part: g(numpy.concatenate([part, x])[order]), len(level))(x[chosen])


class FollowedFunction:
    """f of a tool's flat array: code as it is where it takes that, else its formula.

    ``numpy`` has the tool's functions by NumPy's names, ``special`` by SciPy's.
    """

    def __init__(self, source: Source, numpy: Any, special: Any):
        self.source, self.numpy, self._algebra = source, numpy, NamespaceAlgebra(numpy, special)
        self.of_formula = source.code is None
        self._refusal = ""

    def __call__(self, x: Any) -> Any:
        """Give all outputs in a flat array of the tool."""
        found = None if self.of_formula else self._of_code(x)
        return self._of_formula(x) if found is None else self.numpy.ravel(found)

    def _of_code(self, x: Any) -> Any:
        """What the code gives; None if it is not written for the tool, now and at all later points."""
        code = self.source.code
        assert code is not None
        try:
            found = code.call(*code.split(x))
        except Exception as error:  # whatever code raises that is given what it does not expect
            self._refusal, found = told(error), None
        self.of_formula = _is_plain(found)  # NumPy's functions may take the tool's arrays, and lose what follows them
        return None if self.of_formula else found

    def _of_formula(self, x: Any) -> Any:
        try:
            program = self.source.program
        except TracingError as error:
            if not self._refusal:
                raise
            raise BackendError(f"the code does not take the tool's arrays ({self._refusal}), and has no formula "
                               f"({error.reason})", hint="use backend='auto'") from error  # fmt: skip
        outputs = run(program, self._algebra, [x[k] for k in range(len(self.source.inputs))])
        numpy = self.numpy
        return numpy.stack([numpy.asarray(y, dtype=float) if isinstance(y, float) else y for y in outputs])


def _is_plain(found: Any) -> bool:
    """Whether a result is nothing that a tool follows."""
    import numpy as np

    return found is None or isinstance(found, (np.ndarray, np.generic, int, float, list, tuple))


def imported(name: str) -> Any:
    """A module of a tool; BackendError where it cannot be loaded."""
    try:
        return import_module(name)
    except ImportError as error:
        raise BackendError(f"{name} cannot be imported ({told(error)})") from error

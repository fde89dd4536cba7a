"""What derivatives are asked of: a map from n named coordinates to m numbers, given as a formula or as code.

Both fulfil one protocol, so that what is asked and what answers need not know which it is. ``code`` is for the methods
that follow code rather than write a program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cached_property, partial, reduce
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Protocol

from diffkit.core.builder import ProgramBuilder, copy_slots, select
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, run
from diffkit.core.table import ADD, MUL
from diffkit.numbers.floats import FLOATS, HALF_ULP, first_outputs

if TYPE_CHECKING:
    from diffkit.asking.callables import Bound
    from diffkit.calculus.element_functions import ElementFunction

_WORTH_ARRAYS = 40_000  # operations for one sample of every partial, from which arrays pay for importing NumPy
_HELD_VALUES = 2**23  # values that arrays may hold at a time

Point = tuple[float, ...]
Output = Callable[[Sequence[Point]], Sequence[float]]
"""One output at many points at a time."""


class Source(Protocol):
    """f: Rⁿ → Rᵐ, of which derivatives are asked."""

    inputs: tuple[str, ...]
    """names of the coordinates"""
    evaluations: int
    """how often it was evaluated so far"""

    @property
    def outputs(self) -> Sequence[int]:
        """As many as there are results."""

    @property
    def program(self) -> Program:
        """The formula; TracingError where it has none, as code that branches has not."""

    @property
    def arrays(self) -> Program | None:
        """The Program of arrays that code was recorded as, None for formulas; TracingError where it cannot be."""

    @property
    def code(self) -> Bound | None:
        """The Python function, if it is one."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what a direction gives velocities to."""

    @property
    def hindrance(self) -> str:
        """Why nothing can be proven about it; empty if it can."""

    @property
    def origin(self) -> str:
        """Where its formula comes from, if it was not given: the beginning of a note."""

    @property
    def blind(self) -> bool:
        """Whether nothing is known of it beyond one point, so that it is prepared anew for each."""

    @property
    def unsteady(self) -> str:
        """Why its values are not to be relied on; empty if they are."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about it."""

    def check_formula(self, point: Sequence[float]) -> None:
        """TracingError if its formula has other values than it has at a point."""

    def options_for(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        """Options of a kind of derivative by coordinates; DiffkitError where the source is not what the kind is of."""

    def answer_shape(self, kind: str) -> tuple[int, ...] | None:
        """Shape of the whole answer, where it is not told by counting coordinates and outputs."""

    def dependence(self, order: int) -> list[list[int]] | None:
        """Inputs by which partials may not be 0: first ones of each output, or second ones of each input.

        None where that is not known.
        """

    def moving(self) -> Source:
        """f of x + t·v as a function of x, v and t, so that one preparation serves every direction."""

    def weighted(self) -> Source:
        """Σ wₖ·fₖ of the outputs as a function of x and the cotangent w: its gradient by x is Jᵀ·w."""

    def along(self, direction: Sequence[float]) -> tuple[Source, tuple[float, ...]]:
        """A source whose last input is t in f(x + t·v) for a known v; values of the inputs after x, at t = 0."""

    def values(self, row: Any) -> Any:
        """All outputs at a point, in binary64; NaN where it has no value."""

    def complex_values(self, row: Any) -> Any:
        """All outputs, flat, at a point of complex coordinates."""

    def samplers(self, rows: int = 1, partials: int = 1) -> list[Output]:
        """Each output at many points at a time, for so many partials at so many points."""

    def known_to(self, point: Point) -> tuple[float, str]:
        """The share that values around a point may be off by, and why that is not binary64's."""

    def check_again(self, points: Iterable[Sequence[float]]) -> None:
        """See whether it has equal values for equal arguments."""

    def spent(self, counted: int) -> int:
        """Evaluations to tell with an answer that counted so many."""


class Formula:
    """The map that a Program is."""

    code = arrays = None
    hindrance = origin = unsteady = ""
    blind = False
    warnings: tuple[str, ...] = ()

    def __init__(self, program: Program):
        self.program, self.inputs, self.outputs = program, program.inputs, program.outputs
        self.evaluations = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.program == other.program

    def __hash__(self) -> int:
        return hash(self.program)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what a direction gives velocities to."""
        return self.inputs

    def check_formula(self, point: Sequence[float]) -> None:
        """TracingError if its formula has other values than it has at a point: it has not."""

    def options_for(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Options of a kind of derivative by coordinates, which they are."""
        return options

    def answer_shape(self, kind: str) -> tuple[int, ...] | None:  # noqa: ARG002
        """Shape of the whole answer, where it is not told by counting coordinates and outputs."""
        return None

    def dependence(self, order: int) -> list[list[int]] | None:
        """Inputs by which partials may not be 0: first ones of each output, or second ones of each input."""
        from diffkit.calculus.sparsity import hessian_pattern, jacobian_pattern  # differences load no calculus

        return jacobian_pattern(self.program) if order == 1 else hessian_pattern(self.program, self.element_functions)

    @cached_property
    def element_functions(self) -> list[ElementFunction] | None:
        """The functions that it is a long sum of, if it is one."""
        from diffkit.calculus.element_functions import element_functions

        return element_functions(self.program)

    def moving(self) -> Formula:
        """f of x + t·v as a function of x, v and t, so that one preparation serves every direction."""
        names = _with_fresh(self.inputs, [*(f"v_{name}" for name in self.inputs), "t"])
        builder = ProgramBuilder(names)
        n = len(self.inputs)
        steps = [builder.apply(MUL, (2 * n, n + i)) for i in range(n)]
        return self._moved(builder, [builder.apply(ADD, (i, step)) for i, step in enumerate(steps)], names)

    def weighted(self) -> Formula:
        """Σ wₖ·fₖ of the outputs as a function of x and the cotangent w: its gradient by x is Jᵀ·w."""
        names = _with_fresh(self.inputs, [f"w{k + 1}" for k in range(len(self.outputs))])
        builder = ProgramBuilder(names)
        n = len(self.inputs)
        slots = copy_slots(self.program, builder, range(n))
        terms = [builder.apply(MUL, (n + k, slots[output])) for k, output in enumerate(self.outputs)]
        return Formula(builder.program([reduce(lambda x, y: builder.apply(ADD, (x, y)), terms)], names))

    def along(self, direction: Sequence[float]) -> tuple[Formula, tuple[float, ...]]:
        """A source whose last input is t in f(x + t·v) for a known v: its formula names no v."""
        names = (*self.inputs, _fresh("t", self.inputs))
        builder = ProgramBuilder(names)
        t = builder.input(names[-1])
        moved = []
        for slot, component in enumerate(direction):
            scaled = builder.apply(MUL, (builder.constant(Fraction(component)), t))
            moved.append(builder.apply(ADD, (slot, scaled)) if component else slot)
        return self._moved(builder, moved, names), (0.0,)

    def _moved(self, builder: ProgramBuilder, inputs: Sequence[int], names: tuple[str, ...]) -> Formula:
        slots = copy_slots(self.program, builder, inputs)
        return Formula(builder.program([slots[output] for output in self.outputs], names))

    def values(self, row: Any) -> list[float]:
        """All outputs at a point, in binary64; NaN where it has no value."""
        self.evaluations += 1
        return run(self.program, FLOATS, row)

    def complex_values(self, row: Any) -> Any:
        """All outputs, flat, at a point of complex coordinates."""
        import numpy as np

        from diffkit.numbers.arrays import ARRAYS

        self.evaluations += 1
        with np.errstate(all="ignore"):
            return np.array(run(self.program, ARRAYS, [np.asarray(x)[()] for x in row]))

    def samplers(self, rows: int = 1, partials: int = 1) -> list[Output]:
        """Each output at many points at a time, for so many partials at so many points."""
        large = rows > 1 or len(self.program) * partials >= _WORTH_ARRAYS
        values = self._in_arrays if large else self._in_floats
        return [partial(values, program) for program in self._single]

    @cached_property
    def _single(self) -> list[Program]:
        """The program of each output."""
        return [self.program] if len(self.outputs) == 1 else [select(self.program, (k,)) for k in self.outputs]

    def _in_floats(self, program: Program, points: Sequence[Point]) -> list[float]:
        """An output at one point after another, on Python floats."""
        self.evaluations += len(points)
        return first_outputs(program, in_time(points))

    def _in_arrays(self, program: Program, points: Sequence[Point]) -> list[float]:
        """An output at many points at a time, on NumPy arrays."""
        import numpy as np

        from diffkit.numbers.arrays import ARRAYS

        self.evaluations += len(points)
        found: list[float] = []
        size = max(1, _HELD_VALUES // len(program))
        for first in range(0, len(points), size):
            block = np.array(points[first : first + size], dtype=float)
            with np.errstate(all="ignore"):
                (column,) = run(program, ARRAYS, list(block.T))
            found += np.broadcast_to(np.asarray(column, dtype=float), (len(block),)).tolist()
        return found

    def known_to(self, point: Point) -> tuple[float, str]:  # noqa: ARG002
        """The share that values around a point may be off by, and why that is not binary64's."""
        return HALF_ULP, ""

    def check_again(self, points: Iterable[Sequence[float]]) -> None:
        """See whether it has equal values for equal arguments: it has."""

    def spent(self, counted: int) -> int:
        """Evaluations to tell with an answer that counted so many."""
        return counted


def source_of(f: Program | Source) -> Source:
    """Give the source that a Program is, or the source itself."""
    return Formula(f) if isinstance(f, Program) else f


def _with_fresh(inputs: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Inputs, and more of such names as are not taken."""
    names = dict.fromkeys(inputs)
    for name in more:
        names[_fresh(name, names)] = None
    return tuple(names)


def _fresh(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken: the name itself, or with a number."""
    return next(n for n in chain([name], map(f"{name}{{}}".format, count())) if n not in taken)

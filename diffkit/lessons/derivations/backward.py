"""Back-propagation as a table: the value of every intermediate on the way forward, its adjoint on the way back.

Forward, zₖ = φₖ(its arguments); backward, x̄ = Σ ȳ·∂y/∂x over the operations y that use x, beginning with 1 at the
output (Griewank & Walther, Evaluating Derivatives, 2nd ed., eq. 3.7). The adjoint of an intermediate is the derivative
of f by it, and those of the variables are the gradient, all at the price of a few evaluations of f
(Baur & Strassen, Theor. Comput. Sci. 22 (1983): at most 5 in operations, for + − × ÷).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import add
from typing import Any, NamedTuple

from diffkit.asking.questions import ask
from diffkit.asking.tasks import gradient_task
from diffkit.calculus.derivatives import reverse_program, sweep_back
from diffkit.calculus.guards import depends
from diffkit.core.builder import ProgramBuilder
from diffkit.core.deadline import in_time
from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError
from diffkit.core.isolation import Isolation
from diffkit.core.program import Program, run_slots
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Result
from diffkit.core.rules import times_partial
from diffkit.core.surroundings import undisturbed
from diffkit.core.table import MAX, MIN, WHERE, Primitive
from diffkit.core.text import format_outputs
from diffkit.core.text.names import Names
from diffkit.core.text.printer import LONGEST_FORMULA, format_constant
from diffkit.core.workers import timed
from diffkit.judging.blame import Blame, blame_for_program
from diffkit.judging.comparison import WRONG
from diffkit.lessons.derivations.textbook_rules import tidy
from diffkit.methods.answering import answer
from diffkit.numbers.floats import FLOATS

_BRANCHING = {MAX: lambda x, y: x >= y, MIN: lambda x, y: x <= y}
CHEAP_GRADIENT = 5.0  # evaluations of f that a gradient costs at most, in + − × ÷


class _Contribution(NamedTuple):
    """What one use of a quantity adds to its adjoint: the adjoint of the user times a local partial derivative."""

    to: str
    user: str
    partial: str
    """∂user/∂to as a formula in the names of the table"""
    slope: float
    """its value"""
    amount: float
    """the user's adjoint times the slope"""


class BackwardNode(NamedTuple):
    """A variable or an intermediate: how it is computed, its value, its adjoint and what its adjoint is the sum of."""

    name: str
    instruction: str
    """the operation in names, or nothing for a variable"""
    value: float | bool
    adjoint: float
    contributions: tuple[_Contribution, ...]


class OperationCount(NamedTuple):
    """Instructions of f, and of f and its gradient together."""

    function: int
    gradient: int
    """what the gradient needs beside the value, which it shares"""

    @property
    def ratio(self) -> float:
        """How many evaluations of f value and gradient cost together; NaN where f has no operation."""
        return (self.function + self.gradient) / self.function if self.function else math.nan


@dataclass(frozen=True, eq=False, repr=False)
class Backward(ReportViews, ByContent):
    """The forward values and adjoints of f at a point, in binary64.

    Examples
    --------
    >>> b = dk.backward("(y - w*x)^2", {"w": 2, "x": 3, "y": 7})
    >>> [(node.name, node.value) for node in b.forward]
    [('z1', 6.0), ('z2', 1.0), ('z3', 1.0)]
    >>> {node.name: node.adjoint for node in b.variables}
    {'w': -6.0, 'x': -4.0, 'y': 2.0}
    """

    program: Program
    """what computes f"""
    at: Mapping[str, float]
    """the point by name"""
    forward: tuple[BackwardNode, ...]
    """intermediates z1, z2 …, the last of which is f"""
    variables: tuple[BackwardNode, ...]
    """the variables with their adjoints, which are the gradient"""
    gradient: Result
    """the proven gradient, for comparison"""
    cost: OperationCount
    """operations of f, and of its gradient"""

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.gradient.notes

    @property
    def f(self) -> str:
        """f as text."""
        return format_outputs(self.program, LONGEST_FORMULA)[0]

    @cached_property
    @undisturbed()
    def faults(self) -> dict[str, Blame]:
        """Why adjoints are wrong in binary64, by the label of the partial derivative; nothing where none is."""
        found: dict[str, Blame] = {}
        proven, point = self.gradient, list(self.at.values())
        for c, (label, node) in enumerate(zip(proven.labels, self.variables, strict=True)):
            truth = proven.flat[c]
            if (
                proven.error_kind != "proven"
                or proven.is_odd(c)
                or abs(node.adjoint - truth) <= WRONG * (abs(truth) or 1.0)
            ):
                continue
            found[label] = blame_for_program(_with_gradient(self.program), 1 + c, point, node.adjoint, truth)
        return found

    @property
    def value(self) -> float:
        """f at the point."""
        return float(self.forward[-1].value if self.forward else self.variables[0].value)

    def __str__(self) -> str:
        found = ", ".join(f"{node.name}: {node.adjoint:.6g}" for node in self.variables)
        return f"back-propagation through {len(self.forward)} operations: f = {self.value:.6g}, gradient {found}"

    def __repr__(self) -> str:
        return f"<{self}>"


@timed
@undisturbed()
def backward(
    f: Any, at: Any, *, variables: Names | None = None, args: Sequence[Any] = (),
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001
) -> Backward:  # fmt: skip
    """∂f/∂zₖ of every intermediate zₖ of f, by reverse accumulation in binary64.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as for `gradient`; a Python function must have no
        branches.
    at : number, sequence or mapping
        One point.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.
    timeout : float, optional
        Seconds that it may take.
    isolated : bool or Isolation, default False
        Do all of it in a worker process.

    Returns
    -------
    Backward
        Both sweeps, and the proven gradient beside them.

    Raises
    ------
    PointError
        For a batch.
    DiffkitError
        Where an operation has no value or derivative at the point.
    OutOfTime
        After ``timeout`` seconds.

    Examples
    --------
    >>> sweep = dk.backward("sigmoid(w*x + b)", {"w": 1, "x": 2, "b": -2})
    >>> [(node.name, node.instruction, node.adjoint) for node in sweep.forward]
    [('z1', 'w*x', 0.25), ('z2', 'z1 + b', 0.25), ('z3', 'sigmoid(z2)', 1.0)]
    """
    question = ask(f, "gradient", at, variables, args)
    point = question.point("back-propagation is shown at one point")
    program = question.task.program
    gradient = answer(question._replace(task=replace(gradient_task(program), notes=question.task.notes)))
    return _BackwardSweep(program, point).table(gradient.at, gradient)


class _BackwardSweep:
    """One run forward and one back."""

    def __init__(self, program: Program, point: Sequence[float]):
        self.program = program
        self.values: list[Any] = run_slots(program, FLOATS, list(point))
        self.varies = depends(program)
        self.names = self._names()
        self.bars: dict[int, float] = {}
        self.parts: list[list[_Contribution]] = [[] for _ in range(len(program))]

    def _names(self) -> list[str]:
        """Variables by name, constants as they are, intermediates z1, z2 … (or another letter, if z1 is a variable)."""
        program = self.program
        constants = [format_constant(c)[0] for c in program.constants]
        letter = next(
            c for c in ("z", "t", "w", "_") if not any(n.startswith(c) and n[1:].isdigit() for n in program.inputs)
        )
        count = range(1, len(program.instructions) + 1)
        return [*program.inputs, *constants, *(f"{letter}{k}" for k in count)]

    def table(self, at: Mapping[str, float], gradient: Result) -> Backward:
        """Sweep back and lay everything out."""
        program = self.program
        if not math.isfinite(self.values[program.outputs[0]]):
            raise DiffkitError(
                f"f is {self.values[program.outputs[0]]} at the point in binary64", hint="choose a point of its domain"
            )
        self.bars = sweep_back(program, {program.outputs[0]: 1.0}, self._handed, add)
        nodes = [self._node(slot) for slot in in_time(range(len(program))) if self._shown(slot)]
        count = len(program.inputs)
        return Backward(program, at, tuple(nodes[count:]), tuple(nodes[:count]), gradient, cost(program))

    def _shown(self, slot: int) -> bool:
        return slot < len(self.program.inputs) or slot >= self.program.first_instruction

    def _node(self, slot: int) -> BackwardNode:
        adjoint, parts = self.bars.get(slot, 0.0), tuple(self.parts[slot])
        return BackwardNode(self.names[slot], self._instruction(slot), self.values[slot], adjoint, parts)

    def _instruction(self, slot: int) -> str:
        """The operation of a slot in the names of its arguments."""
        instruction = self.program.instruction_at(slot)
        if instruction is None:
            return ""
        builder = ProgramBuilder()
        return _text(builder, builder.apply(instruction[0], self._named(builder, instruction[1])))

    def _named(self, builder: ProgramBuilder, args: Sequence[int]) -> list[int]:
        """Slots of arguments in another builder: constants as they are, everything else by its name."""
        constants = [self.program.constant_at(arg) for arg in args]
        return [
            builder.input(self.names[arg]) if value is None else builder.constant(value)
            for arg, value in zip(args, constants, strict=True)
        ]

    def _handed(self, slot: int, row: Primitive, args: tuple[int, ...], adjoint: float) -> Iterator[tuple[int, float]]:
        """What an operation hands on to its arguments."""
        primals = [self.values[arg] for arg in args]
        for k, arg in enumerate(args):
            if not self.varies[arg] or not self._taken(row, primals, k):
                continue
            slope = times_partial(row, FLOATS, primals, self.values[slot], k, 1.0)
            if slope is not None:
                yield arg, self._amount(slot, arg, k, float(slope), adjoint)

    @staticmethod
    def _taken(row: Primitive, primals: Sequence[Any], k: int) -> bool:
        """Whether an argument matters at the point: a branch that is not taken hands nothing on."""
        if row is WHERE:
            return k == (1 if primals[0] else 2)
        return row not in _BRANCHING or (k == 0) == bool(_BRANCHING[row](*primals))

    def _amount(self, slot: int, arg: int, k: int, slope: float, adjoint: float) -> float:
        """What is handed on to one argument, written down."""
        name, amount = self.names[arg], adjoint * slope
        if not math.isfinite(amount):
            what = f"{self.names[slot]} = {self._instruction(slot)}"
            hint = "diffkit grad says what happens there"
            raise DiffkitError(f"{what} has no derivative by {name} at the point", hint=hint)
        self.parts[arg].append(_Contribution(name, self.names[slot], self._partial(slot, k), slope, amount))
        return amount

    def _partial(self, slot: int, k: int) -> str:
        """∂/∂(argument k) of an operation by the table's rule, in the names of its arguments."""
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        row, args = instruction
        if row is WHERE or row in _BRANCHING:
            return "1"
        builder = ProgramBuilder()
        own = self._named(builder, args)
        term = times_partial(row, builder, own, builder.input(self.names[slot]), k, builder.constant(1))
        return _text(builder, term)


def _text(builder: ProgramBuilder, slot: int) -> str:
    return format_outputs(tidy(builder.program([slot]), False), LONGEST_FORMULA)[0]


def _with_gradient(program: Program) -> Program:
    """f and its partial derivatives by reverse accumulation."""
    return reverse_program(program, [(0, ()), *((0, (variable,)) for variable in range(len(program.inputs)))])


def cost(program: Program) -> OperationCount:
    """Count instructions: those of f, and those that its gradient by reverse accumulation adds."""
    both = _with_gradient(program)
    own = ProgramBuilder.of(program).program([program.outputs[0]], program.inputs)
    return OperationCount(len(own.instructions), len(both.instructions) - len(own.instructions))

"""The tangent at a point, how good it is nearby, and what sign and size of the derivatives say of the graph.

f(a + δ) ≈ f(a) + f′(a)·δ, and with the second derivative f(a) + f′(a)·δ + f″(a)/2·δ². Values, models and their errors
are enclosed in balls, so that even an error far below the rounding of binary64 is shown right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb

from diffkit.asking.points import number
from diffkit.asking.questions import ask
from diffkit.asking.tasks import derivative_task, directional_task, gradient_task, read_direction, taylor_task
from diffkit.core.builder import ProgramBuilder
from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError, PointError
from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Program
from diffkit.core.results import Result
from diffkit.core.surroundings import undisturbed
from diffkit.core.table import ADD, MUL, SUB
from diffkit.core.text import format_outputs
from diffkit.core.text.names import Names
from diffkit.core.text.printer import LONGEST_FORMULA
from diffkit.core.workers import timed
from diffkit.lessons.shape_of_graph import of_curve, of_surface
from diffkit.lessons.shown_numbers import NO_NUMBER, Number, nearest, of_ball, of_fraction, proven, value, value_at
from diffkit.methods.prepared import answer
from diffkit.numbers.balls import precision

DELTAS = (1.0, 0.1, 0.01, 0.001)


class Model(NamedTuple):
    """f near the point: its value at a + δ, what line and parabola say, and by how much they are off."""

    delta: float
    value: float
    """f(a + δ)"""
    line: float
    """f(a) + f′(a)·δ"""
    line_error: float
    """f(a + δ) − line"""
    quadratic: float
    """f(a) + f′(a)·δ + f″(a)/2·δ²"""
    quadratic_error: float
    """f(a + δ) − quadratic"""


@dataclass(frozen=True, eq=False, repr=False)
class Tangent(ByContent):
    """The tangent line, or of several variables the tangent plane, of f at a point.

    ``slopes`` are the partial derivatives, ``second`` is f″ along ``direction``. ``direction`` is a unit vector: the
    one that was asked for, or of steepest ascent, or None for one variable. ``models`` are taken along it. Without a
    derivative there is no ``line``, and ``derivative`` says why.
    """

    program: Program
    at: Mapping[str, float]
    derivative: Result
    value: Number
    slopes: tuple[Number, ...]
    second: Number
    direction: tuple[float, ...] | None
    along: Number
    """slope along the direction, per unit of length"""
    models: tuple[Model, ...]
    words: tuple[str, ...]
    """what it means, in sentences"""

    def __bool__(self) -> bool:
        """A tangent is true only if there is one."""
        return self.derivative.ok

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.derivative.notes

    @property
    def f(self) -> str:
        """f as text."""
        return format_outputs(self.program, LONGEST_FORMULA)[0]

    @property
    def length(self) -> float:
        """|∇f|, the slope of steepest ascent."""
        return math.hypot(*(s.value for s in self.slopes))

    @property
    def steepest(self) -> tuple[float, ...] | None:
        """The unit vector along which f grows fastest; None where there is none."""
        if not self.derivative.ok or not self.length or math.isinf(self.length):
            return None
        return tuple(s.value / self.length for s in self.slopes)

    @property
    def exact(self) -> bool:
        """Whether the numbers of the line are exact, rather than the nearest binary64."""
        return all(n.exact is not None for n in (self.value, *self.slopes, self.intercept))

    @property
    def line(self) -> str:
        """The line through the point: f(a) + f′(a)·(x − a), as text; empty where there is none."""
        return self._affine(self.value, tuple(self.at.values()), True) if self.derivative.ok else ""

    @property
    def multiplied_out(self) -> str:
        """The same as f′(a)·x + c, as text; empty where there is none."""
        return self._affine(self.intercept, (0.0,) * len(self.at), False) if self.derivative.ok else ""

    @property
    def intercept(self) -> Number:
        """The line's value where all variables are zero, f(a) − f′(a)·a."""
        places = [Fraction(a) for a in self.at.values()]
        if all(n.exact is not None for n in (self.value, *self.slopes)):
            parts = zip(self.slopes, places, strict=True)
            return of_fraction(self.value.constant - sum(s.constant * a for s, a in parts))
        with precision(SHOWN_BITS):
            total = self.value.ball
            for slope, a in zip(self.slopes, self.at.values(), strict=True):
                total = total - slope.ball * arb(a)
            return of_ball(total)

    def _affine(self, constant: Number, places: Sequence[float], first: bool) -> str:
        """Constant and slopes times (x − place) as text, the constant first or last."""
        builder = ProgramBuilder(tuple(self.at))
        terms = []
        for k, (slope, place) in enumerate(zip(self.slopes, places, strict=True)):
            if slope.sign == 0:
                continue
            moved = builder.apply(SUB, (k, builder.constant(Fraction(repr(place)))))
            terms.append(builder.apply(MUL, (builder.constant(slope.constant), moved)))
        terms.insert(0 if first else len(terms), builder.constant(constant.constant))
        total, *rest = [term for term in terms if builder.rational(term) != 0] or terms[:1]
        for term in rest:
            total = builder.apply(ADD, (total, term))
        return format_outputs(builder.program([total], tuple(self.at)))[0]

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value}" for name, value in self.at.items())
        if not self.derivative.ok:
            return f"no tangent at {where}: {self.derivative.message}"
        return f"tangent at {where}: y {'=' if self.exact else '≈'} {self.line}"

    def __repr__(self) -> str:
        return f"<{self}>"


@timed
@undisturbed()
def tangent(
    f: Any, at: Any, *, deltas: Any = None, direction: Any = None, variables: Names | None = None,
    args: Sequence[Any] = (),
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Tangent:  # fmt: skip
    """The line y = f(a) + f′(a)·(x − a), or the plane of several variables, and how far f is from it nearby.

    ``f`` and ``at`` as for ``gradient``, of one point; a Python function must be traceable. ``deltas`` are the steps δ
    at which f, the line and the parabola are compared (1, 0.1, 0.01, 0.001 unless given), along ``direction`` where
    there are several variables (steepest ascent unless given). Raises PointError for a batch or a zero direction,
    and OutOfTime after ``timeout`` seconds.
    """
    question = ask(f, "gradient", at, variables, args)
    start = question.point("a tangent is drawn at one point")
    program = question.task.program
    if not program.inputs:
        raise DiffkitError("the expression has no variable, so there is no tangent")
    steps = DELTAS if deltas is None else read_deltas(deltas)
    asked_for = gradient_task(program) if len(program.inputs) > 1 else derivative_task(program)
    derivative = answer(question._replace(task=replace(asked_for, notes=question.task.notes)))
    slopes, odd = proven(gradient_task(program), start)
    several = len(program.inputs) > 1
    asked = None if direction is None else read_unit(direction, program.inputs)
    if direction is not None and not several:
        raise PointError("a direction is for several variables", hint="of one variable the tangent is a line")
    height = value(program, start)
    if any(odd):
        return Tangent(program, derivative.at, derivative, height, tuple(slopes), NO_NUMBER, asked, NO_NUMBER, (), ())
    chosen = asked or (_steepest(slopes) if several else None)
    path = program if chosen is None else directional_task(program, chosen).program
    place = 0 if chosen is None else len(program.inputs)
    point = start if chosen is None else (*start, 0.0)
    (_, along, half), _ = proven(taylor_task(path, 2, path.inputs[place]), point)
    second = _double(half)
    words = of_surface(program, point[:place], slopes) if several else of_curve(program, point, 0, along, second)
    if any(n.underflows for n in (height, along, second)):
        words.append(f"numbers below {math.ulp(0.0):.3g} do not fit in binary64, and are 0 in the table")
    models = tuple(_model(path, point, place, delta, (height, along, half)) for delta in steps)
    return Tangent(
        program, derivative.at, derivative, height, tuple(slopes), second, chosen, along, models, tuple(words)
    )


def read_deltas(deltas: Any) -> tuple[float, ...]:
    """Give one step or several as numbers; DiffkitError unless there is one at least and none is zero."""
    found = tuple(number(d, "δ") for d in ([deltas] if isinstance(deltas, (str, int, float)) else deltas))
    if not found or 0.0 in found:
        raise DiffkitError("δ is a step from the point, so it is not zero", hint="give some, such as 0.1, 0.01")
    return found


def read_unit(direction: Any, variables: Sequence[str]) -> tuple[float, ...]:
    """Give a direction as a vector of length 1; PointError if it has another size than the point, or no length."""
    found = read_direction(direction, variables)
    if len(found) != len(variables):
        raise PointError(f"the direction has {len(found)} components for {len(variables)} variables")
    length = math.hypot(*found)
    if not length:
        raise PointError("the direction is zero", hint="it says which way to go")
    return tuple(v / length for v in found)


def _steepest(slopes: Sequence[Number]) -> tuple[float, ...]:
    """The unit vector of the gradient; along the first variable where there is none."""
    length = math.hypot(*(s.value for s in slopes))
    if not length or math.isinf(length):
        return (1.0, *(0.0 for _ in slopes[1:]))
    return tuple(s.value / length for s in slopes)


def _double(half: Number) -> Number:
    """A second derivative from its Taylor coefficient."""
    if half.exact is not None:
        return of_fraction(2 * half.exact)
    with precision(SHOWN_BITS):
        return of_ball(2 * half.ball)


def _model(
    path: Program, point: Sequence[float], place: int, delta: float, numbers: tuple[Number, Number, Number]
) -> Model:
    """f and its models at one step."""
    start, slope, half = (n.ball for n in numbers)
    with precision(SHOWN_BITS):
        moved = [arb(x) for x in point]
        step = arb(delta)
        moved[place] = moved[place] + step
        there = value_at(path, moved)
        line = start + slope * step
        parabola = line + half * step * step
        balls = (there, line, there - line, parabola, there - parabola)
        return Model(delta, *map(nearest, balls))

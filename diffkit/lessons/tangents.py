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
from diffkit.asking.tasks import (
    derivative_task,
    directional_task,
    gradient_task,
    hessian_task,
    read_direction,
    taylor_task,
)
from diffkit.core.builder import ProgramBuilder
from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError, PointError
from diffkit.core.isolation import Isolation
from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Program
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Result
from diffkit.core.surroundings import undisturbed
from diffkit.core.table import ADD, MUL, SUB
from diffkit.core.text import format_outputs
from diffkit.core.text.names import Names
from diffkit.core.text.printer import LONGEST_FORMULA
from diffkit.core.workers import timed
from diffkit.lessons.shown_numbers import NO_NUMBER, Number, nearest, of_ball, of_fraction, proven, value, value_at
from diffkit.methods.answering import answer
from diffkit.numbers.balls import precision

_DELTAS = (1.0, 0.1, 0.01, 0.001)


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
class Tangent(ReportViews, ByContent):
    """The tangent line, or of several variables the tangent plane, at a point.

    ``slopes`` are the partial derivatives, ``second`` is f″ along
    ``direction``. ``direction`` is a unit vector: the one that was asked for,
    or of steepest ascent, or None for one variable. ``models`` are taken along
    it. Without a derivative there is no ``line``, and ``derivative`` says why;
    ``bool`` is whether there is one.

    Examples
    --------
    >>> t = dk.tangent("x^2", 1)
    >>> t.line, t.multiplied_out
    ('1 + 2*(x - 1)', '2*x - 1')
    """

    program: Program
    """what computes f"""
    at: Mapping[str, float]
    """the point by name"""
    derivative: Result
    """the gradient as a Result"""
    value: Number
    """f at the point"""
    slopes: tuple[Number, ...]
    """the partial derivatives"""
    second: Number
    """f″ along the direction"""
    direction: tuple[float, ...] | None
    """a unit vector, or None of one variable"""
    along: Number
    """slope along the direction, per unit of length"""
    models: tuple[Model, ...]
    """f, the line and the parabola at each step δ"""
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
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001
) -> Tangent:  # fmt: skip
    """The line f(a) + f′(a)·(x − a), or the plane, and how far f is from it.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as for `gradient`; a Python function must have no
        branches.
    at : number, sequence or mapping
        One point.
    deltas : sequence of numbers, optional
        Steps δ at which f, the line and the parabola are compared: 1, 0.1,
        0.01, 0.001 unless given.
    direction : sequence of numbers, optional
        Along which, if there are several variables: steepest ascent unless
        given.
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
    Tangent
        The line, or why there is none.

    Raises
    ------
    PointError
        For a batch or a zero direction.
    OutOfTime
        After ``timeout`` seconds.

    Examples
    --------
    >>> print(dk.tangent("x^2*y", [1, 2]).line)
    2 + 4*(x - 1) + (y - 2)
    """
    question = ask(f, "gradient", at, variables, args)
    start = question.point("a tangent is drawn at one point")
    program = question.task.program
    if not program.inputs:
        raise DiffkitError("the expression has no variable, so there is no tangent")
    steps = _DELTAS if deltas is None else _read_deltas(deltas)
    asked_for = gradient_task(program) if len(program.inputs) > 1 else derivative_task(program)
    derivative = answer(question._replace(task=replace(asked_for, notes=question.task.notes)))
    slopes, odd = proven(gradient_task(program), start)
    several = len(program.inputs) > 1
    asked = None if direction is None else _read_unit(direction, program.inputs)
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
    words = _of_surface(program, point[:place], slopes) if several else _of_curve(program, point, 0, along, second)
    if any(n.underflows for n in (height, along, second)):
        words.append(f"numbers below {math.ulp(0.0):.3g} do not fit in binary64, and are 0 in the table")
    models = tuple(_model(path, point, place, delta, (height, along, half)) for delta in steps)
    return Tangent(
        program, derivative.at, derivative, height, tuple(slopes), second, chosen, along, models, tuple(words)
    )


def _read_deltas(deltas: Any) -> tuple[float, ...]:
    """Give one step or several as numbers; DiffkitError unless there is one at least and none is zero."""
    found = tuple(number(d, "δ") for d in ([deltas] if isinstance(deltas, (str, int, float)) else deltas))
    if not found or 0.0 in found:
        raise DiffkitError("δ is a step from the point, so it is not zero", hint="give some, such as 0.1, 0.01")
    return found


def _read_unit(direction: Any, variables: Sequence[str]) -> tuple[float, ...]:
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


_SEARCHED_ORDER = 10  # order up to which a derivative that is not zero is looked for
_SIGN_TEXT = {1: "> 0", -1: "< 0", 0: "= 0"}
_SIGN_UNDECIDED = "is not told from zero"
_UNKNOWN = (
    "the Hessian does not tell what kind of point it is, for it is singular, or nearly so; diffkit stationary looks "
    "further, in a box around the point"
)


def _of_curve(program: Program, point: Sequence[float], place: int, slope: Number, second: Number) -> list[str]:
    """Say what f′ and f″ along one input mean, in sentences; at a stationary point also what kind it is."""
    name = program.inputs[place]
    found = _of_slope(name, slope)
    if slope.sign == 0:
        found.append(_turning(program, point, place))
    found += _of_curvature(second, slope.sign == 0)
    if _is_rounded(point[place], slope, second):
        found.append(
            f"f′ would be 0 about {abs(slope.value / second.value):.3g} from here, and no binary64 is nearer to that "
            "place: the point may be a stationary one, rounded"
        )
    return found


def _is_rounded(x: float, slope: Number, second: Number) -> bool:
    """Whether a step of Newton's method for f′ = 0 is shorter than the rounding of the point."""
    return 0 < abs(slope.value) <= math.ulp(x) / 2 * abs(second.value)


def _of_slope(name: str, slope: Number) -> list[str]:
    sign = slope.sign
    if sign is None:
        return [f"f′ {_SIGN_UNDECIDED}: whether f rises or falls is not decided"]
    if sign == 0:
        return ["f′ = 0: the point is stationary, the tangent is horizontal"]
    angle = abs(math.degrees(math.atan(slope.value)))
    size = abs(slope.value)
    steep = "steep" if size > 1 else "gentle" if size < 1 else "as steep as a diagonal"
    word, moves = ("rising", "grows") if sign > 0 else ("falling", "falls")
    return [
        f"f′ {_SIGN_TEXT[sign]}: f is {word}; a small step δ in {name} changes it by about {slope.text}·δ",
        f"|f′| {'>' if size > 1 else '<' if size < 1 else '='} 1: the graph is {steep}; it {moves} at an angle of "
        f"{f'{angle:.3g}' if angle else 'less than 1e-300'}° where both axes have one scale",
    ]


def _of_curvature(second: Number, stationary: bool) -> list[str]:
    if math.isnan(second.value):
        return ["f″ does not exist here, or is not known: the quadratic model has no meaning"]
    if second.sign is None:
        return [f"f″ {_SIGN_UNDECIDED}"]
    if second.sign == 0:
        return ["f″ = 0: the slope itself is not changing here, and the quadratic model is the line"]
    way, side = ("upwards (convex)", "above") if second.sign > 0 else ("downwards (concave)", "below")
    change = "grows" if second.sign > 0 else "falls"
    flat = "" if stationary else f", by about {second.text.removeprefix('-')} per unit"
    curves = f"the graph curves {way}: its slope {change}{flat}"
    return [f"f″ {_SIGN_TEXT[second.sign]}: {curves}, and it lies {side} the tangent"]


def _turning(program: Program, point: Sequence[float], place: int) -> str:
    """Minimum, maximum or inflection, by the first derivative that is not zero."""
    task = taylor_task(program, _SEARCHED_ORDER, program.inputs[place])
    numbers, _ = proven(task, point)
    for order, coefficient in enumerate(numbers[2:], 2):
        sign = coefficient.sign
        if sign is None:
            return "what kind of stationary point it is, is not decided"
        if sign:
            which = f"the first derivative that is not zero is the {_ordinal(order)}, {_SIGN_TEXT[sign]}"
            if order % 2:
                return f"an inflection point: {which}, and its order is odd"
            return f"a local {'minimum' if sign > 0 else 'maximum'}: {which}, and its order is even"
    return f"all derivatives up to the {_ordinal(_SEARCHED_ORDER)} are zero: they do not tell what kind of point it is"


def _ordinal(order: int) -> str:
    """Give 2nd, 3rd, 4th."""
    return f"{order}{ {2: 'nd', 3: 'rd'}.get(order, 'th') }".replace(" ", "")


def _of_surface(program: Program, point: Sequence[float], slopes: Sequence[Number]) -> list[str]:
    """Say what the gradient means; at a stationary point what the Hessian says of it."""
    signs = [slope.sign for slope in slopes]
    if any(sign is None for sign in signs):
        return ["a partial derivative is not told from zero"]
    if any(signs):
        rising = [n for n, sign in zip(program.inputs, signs, strict=True) if sign == 1]
        falling = [n for n, sign in zip(program.inputs, signs, strict=True) if sign == -1]
        still = [n for n, sign in zip(program.inputs, signs, strict=True) if sign == 0]
        parts = [
            f"{word} {', '.join(names)}"
            for word, names in (("rises with", rising), ("falls with", falling), ("is stationary along", still))
            if names
        ]
        return ["f " + ", ".join(parts)]
    return ["∇f = 0: the point is stationary, the tangent plane is level", _by_hessian(program, point)]


def _by_hessian(program: Program, point: Sequence[float]) -> str:
    task = hessian_task(program)
    numbers, odd = proven(task, point)
    if any(odd):
        return "the second derivatives do not exist here, or are not known"
    size = len(program.inputs)
    matrix = [[numbers[task.places[i * size + j]].ball for j in range(size)] for i in range(size)]
    kind = definiteness(matrix)
    words = {
        "positive": "a local minimum: the Hessian is positive definite",
        "negative": "a local maximum: the Hessian is negative definite",
        "indefinite": "a saddle point: the Hessian has positive and negative eigenvalues",
    }
    return words.get(kind, _UNKNOWN)


def definiteness(matrix: Sequence[Sequence[Any]]) -> str:
    """positive, negative or indefinite where that is proven of a symmetric matrix of balls, else nothing.

    Indefinite if the diagonal has both signs or a 2×2 principal minor is negative; otherwise by the pivots of
    elimination, which have the signs of the eigenvalues (Sylvester's law of inertia).
    """
    size = range(len(matrix))
    diagonal = [matrix[i][i] for i in size]
    if any(d > 0 for d in diagonal) and any(d < 0 for d in diagonal):
        return "indefinite"
    if any(matrix[i][i] * matrix[j][j] - matrix[i][j] * matrix[i][j] < 0 for i in size for j in size if i < j):
        return "indefinite"
    rows = [list(row) for row in matrix]
    signs = []
    for k in size:
        pivot = rows[k][k]
        if not (pivot > 0 or pivot < 0):
            return ""
        signs.append(bool(pivot > 0))
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return "positive" if all(signs) else "indefinite" if any(signs) else "negative"

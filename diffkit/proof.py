"""Proofs of derivatives at regular points: an enclosure by the table's rules, confirmed by Arb's own.

The derivative program runs in balls together with guards that prove the point to lie inside the domain and off
every kink, jump and pole; precision rises until the enclosure leaves one binary64. Power series of the primal,
which Arb differentiates by rules of its own, must agree, so that a wrong row of the table proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple

from flint import arb, arb_series

from diffkit.algebras.balls import BALLS, SERIES, ball_function, exact_fraction, precision, rational, series_function
from diffkit.algebras.field import vanishes
from diffkit.algebras.floats import FLOATS, to_float
from diffkit.algebras.rationals import Inexact, rationals
from diffkit.builder import select
from diffkit.confirmation import Check, Direction, alone, confirmations
from diffkit.emit import LARGEST, Emitted
from diffkit.program import Program, run, run_slots
from diffkit.results import Odd
from diffkit.syntax import excerpt
from diffkit.tasks import Task, gradient_task
from diffkit.transforms import derivative_program, guard

PRECISIONS = (96, 192, 512, 2400)
EXACT_BEFORE = 512  # bits before which exact arithmetic is asked
HUGE = 60_000  # slots of a derivative program above which only the first precisions are tried
DOUBLINGS = 5  # of the precision, until decimal digits are settled
PATIENCE = 3  # points after which compiling pays


class Enclosure(NamedTuple):
    """What is proven of one component: a ball, and the one binary64 that every number in it rounds to, if any."""

    ball: Any
    value: float | None

    @property
    def error(self) -> float:
        """Upper bound of |value − truth|."""
        if self.value is None or math.isinf(self.value):
            return math.inf
        with precision(PRECISIONS[1]):
            distance = (self.ball - arb(self.value)).abs_upper()
        return 0.0 if distance.is_zero() else math.nextafter(float(distance), math.inf)

    @property
    def is_zero(self) -> bool:
        """Whether the component is proven to be zero, rather than to round to 0.0."""
        return bool(self.ball.is_zero())


class Regular(NamedTuple):
    """Components enclosed at a point; ``inside`` says whether all guards were proven.

    ``agreed`` is what Arb's series said of the enclosures: yes, no, or (None) nothing definite.
    """

    enclosures: tuple[Enclosure, ...]
    inside: bool
    agreed: bool | None = None


def enclose(ball: Any) -> Enclosure:
    """Round every number in a ball."""
    middle = float(ball)
    half = abs(middle - math.nextafter(middle, 0.0)) / 2  # its neighbour on the other side is never nearer
    if -half < ball - middle < half:
        return Enclosure(ball, middle)
    low = float(ball.lower())
    if low != float(ball.upper()) or not ball.is_finite():
        return Enclosure(ball, None)
    return Enclosure(ball, low + 0.0)  # a −0.0 becomes 0.0


class Runner:
    """A program over one flint algebra: interpreted at first, compiled when it is used again and again."""

    def __init__(self, program: Program, algebra: Any, function: Callable[..., Any]):
        self.program, self.algebra, self.function = program, algebra, function
        self.compiles = len(program) <= LARGEST
        self.calls = 0
        self.bound: dict[tuple[int, int], Callable[..., list[Any]]] = {}

    @cached_property
    def emitted(self) -> Emitted:
        """The compiled program."""
        return Emitted(self.program, self.function)

    def __call__(self, bits: int, length: int, inputs: Sequence[Any]) -> list[Any]:
        """Give the outputs; the caller holds that precision."""
        self.calls += 1
        if self.calls <= PATIENCE or not self.compiles:
            return run(self.program, self.algebra, inputs)
        call = self.bound.get((bits, length))
        if call is None:
            constants = [self.algebra.constant(c) for c in self.program.constants]
            call = self.bound[bits, length] = self.emitted.bind(constants)
        return call(*inputs)


class Prover:
    """A task made ready for proofs."""

    def __init__(self, task: Task):
        self.task = task
        self._speeds: dict[Direction, list[int]] = {}

    @cached_property
    def derivative(self) -> Program:
        """The partials by the table's rules."""
        return derivative_program(self.task.program, self.task.indices)

    @cached_property
    def _steps(self) -> tuple[int, ...]:
        return PRECISIONS if len(self.derivative) <= HUGE else PRECISIONS[:2]

    @cached_property
    def _balls(self) -> tuple[Runner, int, int, tuple[bool, ...]]:
        guarded = guard(self.task.program, self.derivative)
        runner = Runner(guarded.program, BALLS, ball_function)
        return runner, guarded.derivatives, guarded.derivatives + guarded.primals, guarded.edges

    @cached_property
    def _series(self) -> Runner:
        return Runner(self.task.program, SERIES, series_function)

    @cached_property
    def _checks(self) -> list[Check]:
        return confirmations(self.task.indices)

    def at(self, point: Sequence[float], deadline: float | None = None) -> Regular:
        """Prove what can be proven of every component as an ordinary derivative; past the deadline, no further."""
        found: list[Enclosure] = []
        inside = False
        for bits in self._steps:
            if deadline is not None and found and monotonic() > deadline:
                break
            if bits == EXACT_BEFORE and inside:
                exactly = self._exactly(point, found)
                if exactly is not None:
                    return exactly
            with precision(bits, self.task.order + 1):
                found, inside, hopeless = self._enclosures(bits, point)
                if hopeless:
                    break
                if inside and not any(e.value is None for e in found):
                    agreed = self._confirmed(bits, point, found)
                    if agreed is not None:
                        return Regular(tuple(found), True, agreed)
        return Regular(tuple(found), inside)

    def decimals(
        self, point: Sequence[float], digits: int, factors: Sequence[Fraction], deadline: float | None = None
    ) -> list[str]:
        """Give each component times its factor, correctly rounded to decimal digits; empty where that is not proven."""
        texts: list[str] = []
        bits = int(digits * 3.33) + 64
        for _ in range(DOUBLINGS):
            with precision(bits):
                found, inside, _ = self._enclosures(bits, point)
                balls = [e.ball * rational(f) for e, f in zip(found, factors, strict=True)]
                texts = [decimal_text(ball, digits) if inside else "" for ball in balls]
            if all(texts) or (deadline is not None and monotonic() > deadline):
                break
            bits *= 2
        return texts

    def _enclosures(self, bits: int, point: Sequence[float]) -> tuple[list[Enclosure], bool, bool]:
        """Enclosures, whether all guards are proven, and whether one is proven not to hold."""
        runner, count, first_margin, edges = self._balls
        outputs = runner(bits, 1, [arb(x) for x in point])
        inside = True
        for output in outputs[count:first_margin]:
            inside = inside and output.is_finite()
        for margin, edge in zip(outputs[first_margin:], edges, strict=True):
            if not (margin > 0 if edge else margin != 0):
                inside = False
                if margin.is_zero() or (edge and margin < 0):
                    return [enclose(ball) for ball in outputs[:count]], False, True
        return [enclose(ball) for ball in outputs[:count]], inside, False

    def _exactly(self, point: Sequence[float], found: Sequence[Enclosure]) -> Regular | None:
        """Settle by exact arithmetic what no precision separates: ties and zeros; None if that does not settle all."""
        settled = list(found)
        try:
            with precision(PRECISIONS[-1]):
                for c, value in enumerate(run(self.derivative, rationals(), [Fraction(x) for x in point])):
                    settled[c] = Enclosure(arb(rational(value)), to_float(value))
        except Inexact:
            for c in [c for c, e in enumerate(found) if e.value is None or e.ball.contains(0)]:
                if vanishes(select(self.derivative, [self.derivative.outputs[c]]), point):
                    settled[c] = Enclosure(arb(0), 0.0)
        if any(e.value is None for e in settled):
            return None
        with precision(PRECISIONS[-1], self.task.order + 1):
            return Regular(tuple(settled), True, self._confirmed(PRECISIONS[-1], point, settled))

    def _confirmed(
        self, bits: int, point: Sequence[float], found: Sequence[Enclosure], checks: Sequence[Check] | None = None
    ) -> bool | None:
        """Whether Arb's series agree with the enclosures; None if they are too wide to tell. In a precision held."""
        runner = self._series
        series: dict[Direction, list[Any]] = {}
        balls = [enclosure.ball for enclosure in found]
        for check in self._checks if checks is None else checks:
            for _, direction in check.left:
                if direction not in series:
                    series[direction] = self._along(runner, bits, point, direction)
            agreed = check.agrees(series, balls)
            if agreed is None and len(check.right) > 1:  # components of very different size: one by one
                each = [alone(self.task.indices, c) for _, c in check.right]
                agreed = self._confirmed(bits, point, found, each)
            if not agreed:
                return agreed
        return True

    def _along(self, runner: Runner, bits: int, point: Sequence[float], direction: Direction) -> list[Any]:
        """Outputs as power series along a direction; the caller holds the precision and the length."""
        speeds = self._speeds.get(direction)
        if speeds is None:
            moves = dict(direction)
            speeds = self._speeds[direction] = [moves.get(i, 0) for i in range(len(point))]
        return runner(bits, self.task.order + 1, [arb_series([x, v]) for x, v in zip(point, speeds, strict=True)])


def decimal_text(ball: Any, digits: int) -> str:
    """The decimal that both ends of a ball round to, half to even; empty if they round apart."""
    if not ball.is_finite():
        return ""
    ends = [exact_fraction(end) for end in (ball.lower(), ball.upper())]
    with localcontext(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_HALF_EVEN):
        low, high = (Decimal(end.numerator) / Decimal(end.denominator) for end in ends if end is not None)
    if low != high:
        return ""
    return format(low, "f") if low == 0 or -7 < low.adjusted() < digits else format(low, "e")


def too_large(program: Program, output: int) -> Odd:
    """The status of a derivative that is finite, and no binary64."""
    message = "the derivative is larger than the largest binary64, 1.8e308"
    return Odd("overflow", message, cause="overflow", where=excerpt(program, output))


def suspects(program: Program, point: Sequence[float]) -> list[str]:
    """Names of the rows of a program whose own derivative Arb's series contradict at the values they take there."""
    values = run_slots(program, FLOATS, point)
    found = []
    for _, row, args in program.numbered():
        here = [values[a] for a in args]
        if row.truth or any(isinstance(v, bool) or not math.isfinite(v) for v in here):
            continue
        names = tuple(f"x{i}" for i in range(len(args)))
        alone = Program(names, (), ((row, tuple(range(len(args)))),), (len(args),))
        if not row.orders and Prover(gradient_task(alone)).at(here).agreed is False:
            found.append(row.name)
    return list(dict.fromkeys(found))

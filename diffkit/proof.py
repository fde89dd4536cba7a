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
from diffkit.confirmation import ZERO, Check, Direction, confirmations, parts
from diffkit.emit import LARGEST, Emitted, maker
from diffkit.program import Program, run, run_slots
from diffkit.results import Odd
from diffkit.syntax import excerpt
from diffkit.tasks import Task, gradient_task
from diffkit.transforms import Guarded, derivative_program, guard

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
    if ball.is_zero():
        return Enclosure(ball, 0.0)
    low = float(ball.lower())
    if low != float(ball.upper()) or not ball.is_finite():
        return Enclosure(ball, None)
    return Enclosure(ball, low + 0.0)  # a −0.0 becomes 0.0


class Runner:
    """A program over one flint algebra: interpreted at first, compiled when it is used again and again."""

    def __init__(self, program: Program, algebra: Any, form: Callable[..., Any]):
        self.program, self.algebra, self.form = program, algebra, form
        self.patience = PATIENCE if len(program) + len(program.outputs) <= LARGEST else math.inf
        self.bound: dict[int, Callable[..., list[Any]]] = {}

    @cached_property
    def _emitted(self) -> Emitted:
        return Emitted(self.program, self.form)

    def compiled(self, bits: int) -> Callable[..., list[Any]]:
        """Give the compiled program; the caller holds that precision."""
        call = self.bound.get(bits)
        if call is None:
            constants = [self.algebra.constant(c) for c in self.program.constants]
            call = self.bound[bits] = self._emitted.bind(constants)
        return call

    def __call__(self, bits: int, inputs: Sequence[Any]) -> list[Any]:
        """Give the outputs; the caller holds that precision."""
        if self.patience > 0:
            self.patience -= 1
            return run(self.program, self.algebra, inputs)
        return self.compiled(bits)(*inputs)


class Prover:
    """A task made ready for proofs."""

    def __init__(self, task: Task):
        self.task = task

    @cached_property
    def derivative(self) -> Program:
        """The partials by the table's rules."""
        return derivative_program(self.task.program, self.task.indices)

    @cached_property
    def _steps(self) -> tuple[int, ...]:
        return PRECISIONS if len(self.derivative) <= HUGE else PRECISIONS[:2]

    @cached_property
    def _guarded(self) -> Guarded:
        return guard(self.task.program, self.derivative)

    @cached_property
    def _balls(self) -> Runner:
        return Runner(self._guarded.program, BALLS, ball_function)

    @cached_property
    def _series(self) -> Runner:
        return Runner(self.task.program, SERIES, series_function)

    @cached_property
    def _checks(self) -> list[Check]:
        return confirmations(self.task.program, self.task.indices)

    def at(self, point: Sequence[float], deadline: float | None = None) -> Regular:
        """Prove what can be proven of every component as an ordinary derivative; past the deadline, no further."""
        if not self._balls.patience and (proof := self._at_once(*point)):
            return proof
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
                if inside and None not in [e.value for e in found]:
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
        _, count, primals, edges = self._guarded
        outputs, first_margin = self._balls(bits, [arb(x) for x in point]), count + primals
        found = [enclose(ball) for ball in outputs[:count]]
        inside = True
        for output in outputs[count:first_margin]:
            inside = inside and output.is_finite()
        for margin, edge in zip(outputs[first_margin:], edges, strict=True):
            if not (margin > ZERO if edge else margin != ZERO):
                inside = False
                if margin.is_zero() or (edge and margin < ZERO):
                    return found, False, True
        return found, inside, False

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
        series: dict[Direction, list[Any]] = {}
        balls = [enclosure.ball for enclosure in found]
        for check in checks or self._checks:
            for _, direction in check.left:
                if direction not in series:
                    series[direction] = self._series(
                        bits, [arb_series([x, v]) for x, v in zip(point, self._speeds(direction), strict=True)]
                    )
            agreed = check.agrees(series, balls)
            if agreed is None and len(check.right) > 1:  # components of very different size: one by one
                agreed = self._confirmed(bits, point, found, parts(check, self.task.indices, balls))
            if not agreed:
                return agreed
        return True

    def _speeds(self, direction: Direction) -> list[int]:
        """How fast each input moves along a direction."""
        moves = dict(direction)
        return [moves.get(i, 0) for i in range(len(self.task.program.inputs))]

    @cached_property
    def _at_once(self) -> Callable[..., Regular | None]:
        """The first step of ``at`` as straight-line code; gives None where a test does not come out, for ``at`` to see.

        For tasks that one direction confirms: gradients, Hessians and derivatives of one variable.
        """
        directions = {direction for check in self._checks for _, direction in check.left}
        if len(directions) != 1:
            return lambda *_: None
        (direction,) = directions
        bits, length = PRECISIONS[0], self.task.order + 1
        program, count, primals, edges = self._guarded
        inputs = [f"x{i}" for i in range(len(program.inputs))]
        line = [f"arb_series([{x}, {v}])" for x, v in zip(inputs, self._speeds(direction), strict=True)]
        balls = [f"b{slot}" for slot in program.outputs]
        components, margins = balls[:count], balls[count + primals :]
        tests = [f"{value}.is_finite()" for value in balls[count : count + primals]]
        tests += [f"{margin} {'>' if edge else '!='} zero" for margin, edge in zip(margins, edges, strict=True)]
        with precision(bits, length):
            constants = {
                "precision": precision, "arb": arb, "arb_series": arb_series, "zero": ZERO, "direction": direction,
                "balls": self._balls.compiled(bits), "series": self._series.compiled(bits),
                "enclose": enclose, "Regular": Regular,
                **{f"agrees{k}": check.agrees for k, check in enumerate(self._checks)},
            }  # fmt: skip
        body = [
            f"with precision({bits}, {length}):",
            f"  {', '.join(balls)}, = balls({', '.join(f'arb({x})' for x in inputs)})",
            f"  if not ({' and '.join(tests)}): return None",
            *(f"  e{ball} = enclose({ball})" for ball in dict.fromkeys(components)),
            f"  if None in [{', '.join(f'e{ball}.value' for ball in dict.fromkeys(components))}]: return None",
            f"  found, along = [{', '.join(components)}], {{direction: series({', '.join(line)})}}",
            *(f"  if not agrees{k}(along, found): return None" for k in range(len(self._checks))),
            f"  return Regular(({' '.join(f'e{ball},' for ball in components)}), True, True)",
        ]
        return maker(inputs, body, constants)(**constants)


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

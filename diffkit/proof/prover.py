"""Proofs of derivatives at regular points: an enclosure by the table's rules, confirmed by Arb's own.

The derivative program runs in balls together with guards that prove the point to lie inside the domain and off
every kink, jump and pole; precision rises until the enclosure leaves one binary64. Power series of the primal,
which Arb differentiates by rules of its own, must agree, so that a wrong row of the table proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from flint import arb, arb_series, fmpq_series

from diffkit.asking.tasks import Task, gradient_task
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import Guarded, guard
from diffkit.core.deadline import TimeIsUp, check_time
from diffkit.core.limits import PROOF_PRECISIONS, SHOWN_BITS
from diffkit.core.program import LARGEST_BLOCK, Emitted, Program, run, run_slots
from diffkit.core.results import Odd
from diffkit.engines import POINTS_INTERPRETED
from diffkit.numbers.balls import (
    BALLS,
    HALF_LEAST,
    NO_ENCLOSURE,
    SERIES,
    Enclosure,
    ball_function,
    decimal_text,
    enclose,
    precision,
    rational,
    rounded_to,
    series_function,
)
from diffkit.numbers.floats import FLOATS
from diffkit.proof.confirmation import (
    NUMERATOR_WORDS,
    RATIONAL_SERIES,
    RATIONALS,
    Direction,
    Links,
    Polarisation,
    confirmations,
    exact,
    exact_function,
    height,
    holds,
    parts,
    settled,
)
from diffkit.proof.straight_proofs import proof_at_once, values_at_once

_LARGE_PROGRAM = 60_000  # slots of a derivative program above which only the first precisions are tried
_PRECISION_DOUBLINGS = 5  # of the precision, until decimal digits are settled
_KEPT_FIELDS = ("program", "indices", "order", "derivative")


class Regular(NamedTuple):
    """What is proven of each component at a point as an ordinary derivative, with ``bits`` of precision at most.

    ``holding`` says whether the guards that concern a component hold, ``confirmed`` whether Arb's series agree with
    its enclosure: yes, no, or (None) nothing definite.
    """

    enclosures: tuple[Enclosure, ...]
    holding: tuple[bool | None, ...]
    confirmed: tuple[bool | None, ...]
    bits: int
    stopped: str = ""
    """why no more is known, where the time was up"""

    @property
    def inside(self) -> bool:
        """Whether the guards of all components are proven."""
        return all(self.holding)

    @property
    def agreed(self) -> bool | None:
        """What Arb's series say of all components together; no if they contradict one."""
        return False if False in self.confirmed else None if None in self.confirmed else True


class Runner:
    """A program over one flint algebra: interpreted at first, compiled when it is used again and again."""

    def __init__(self, program: Program, algebra: Any, form: Callable[..., Any], powers: str):
        self.program, self.algebra, self.form, self.powers = program, algebra, form, powers
        self.patience = POINTS_INTERPRETED if len(program) + len(program.outputs) <= LARGEST_BLOCK else math.inf
        self.bound: dict[int, Callable[..., list[Any]]] = {}

    @cached_property
    def _emitted(self) -> Emitted:
        return Emitted(self.program, self.form, self.powers)

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
        self.program, self.indices, self.order = task.source.program, task.indices, task.order

    def __getstate__(self) -> dict[str, Any]:
        """The derivative goes along with a pickle; what runs on balls is made anew where it arrives."""
        return {name: value for name, value in vars(self).items() if name in _KEPT_FIELDS}

    @cached_property
    def derivative(self) -> Program:
        """The partials by the table's rules."""
        return derivative_program(self.program, self.indices)

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The precisions to try."""
        return PROOF_PRECISIONS if len(self.derivative) <= _LARGE_PROGRAM else PROOF_PRECISIONS[:2]

    @cached_property
    def guarded(self) -> Guarded:
        """The derivative with what must hold."""
        return guard(self.program, self.derivative)

    @cached_property
    def balls(self) -> Runner:
        """The derivative and its guards in balls."""
        return Runner(self.guarded.program, BALLS, ball_function, "*")

    @cached_property
    def series(self) -> Runner:
        """The primal in power series of balls."""
        return Runner(self.program, SERIES, series_function, "*")

    @cached_property
    def checks(self) -> list[Polarisation]:
        """What the series must agree with the components in."""
        return confirmations(self._links, self.indices)

    @cached_property
    def _links(self) -> Links:
        return Links(self.program)

    def at(self, point: Sequence[float]) -> Regular:
        """Prove what can be proven of every component as an ordinary derivative."""
        climb, stopped = None, ""
        try:
            if not self.balls.patience and (proof := self._at_once(*point)):
                return proof
            climb = _Climb(self, point)
            self._climb(climb)
        except TimeIsUp as up:
            climb, stopped = climb or _Climb(self, point), up.reason
        return Regular(tuple(climb.enclosures), tuple(climb.holding), tuple(climb.confirmed), climb.bits, stopped)

    def _climb(self, climb: _Climb) -> None:
        vague: list[int] = []
        for bits in self.steps:
            check_time()
            with precision(bits, self.order + 1):
                vague = climb.rise(bits)
                if not vague:
                    climb.confirm()
            if not climb.open:
                break
        if vague:
            with precision(climb.bits, self.order + 1):
                climb.confirm()

    def decimals(self, point: Sequence[float], digits: int, factors: Sequence[Fraction]) -> list[str]:
        """Give each component times its factor, correctly rounded to decimal digits; empty where that is not proven."""
        texts: list[str] = []
        bits = int(digits * 3.33) + 64
        for _ in range(_PRECISION_DOUBLINGS):
            check_time()
            with precision(bits):
                found, holding = self.enclosures(bits, point)
                balls = [e.ball * rational(f) for e, f in zip(found, factors, strict=True)]
                texts = [
                    decimal_text(ball, digits) if holds else "" for ball, holds in zip(balls, holding, strict=True)
                ]
            if not any(not text and holds is not False for text, holds in zip(texts, holding, strict=True)):
                break
            bits *= 2
        return texts

    def enclosures(self, bits: int, point: Sequence[float]) -> tuple[list[Enclosure], list[bool | None]]:
        """Enclosures, and for each whether the guards that concern it hold."""
        outputs, count = self.balls(bits, [arb(x) for x in point]), self.guarded.derivatives
        finite = [value.is_finite() for value in outputs[count : count + self.guarded.primals]]
        margins = outputs[count + self.guarded.primals :]
        holding = self.guarded.holding(finite, margins, self.indices)
        return [enclose(ball) for ball in outputs[:count]], holding

    def confirmed(
        self, bits: int, point: Sequence[float], found: Sequence[Enclosure], members: Sequence[int]
    ) -> dict[int, bool | None]:
        """Whether Arb's series agree with components; None if they are too wide to tell. In a precision held."""
        whole = len(members) == len(self.indices)
        checks = self.checks if whole else confirmations(self._links, self.indices, members)
        series: dict[Direction, list[Any]] = {}
        balls = [enclosure.ball for enclosure in found]
        answers: dict[int, bool | None] = dict.fromkeys(members, True)  # zeros that the graph shows need no witness
        while checks:
            again: list[Polarisation] = []
            for check in checks:
                for _, direction in check.left:
                    if direction not in series:
                        series[direction] = self.series(
                            bits, [arb_series([x, v]) for x, v in zip(point, self.speeds(direction), strict=True)]
                        )
                agreed = self.agree(check, series, balls, point)
                if not agreed and len(check.right) > 1:  # components of very different size, or one of them wrong
                    again += parts(check, self.indices, balls)
                else:
                    answers.update((c, agreed) for _, c in check.right)
            checks = again
        return answers

    def agree(
        self, check: Polarisation, series: dict[Direction, list[Any]], balls: Sequence[Any], point: Sequence[float]
    ) -> bool | None:
        """Whether an identity holds in balls, or in rational numbers where balls cannot tell a derivative from 0."""
        agreed = check.agrees(series, balls)
        if agreed is None and any(balls[c].is_zero() for _, c in check.right):
            return self._exactly(check, point) or None
        return agreed

    def _exactly(self, check: Polarisation, point: Sequence[float]) -> bool:
        """Whether an identity holds in rational arithmetic, by the rules of flint's series, where that can be asked."""
        if self._rationals is None:
            return False
        values, line = self._rationals
        numbers = [exact(x) for x in point]
        try:
            found = values(0, numbers)
            series = {
                direction: line(0, [fmpq_series([x, v]) for x, v in zip(numbers, self.speeds(direction), strict=True)])
                for _, direction in check.left
            }
        except ZeroDivisionError:
            return False
        return holds(check, series, found)

    @cached_property
    def _rationals(self) -> tuple[Runner, Runner] | None:
        """The derivative in rational numbers and the primal in series of them; None where they are no such program."""
        if max(height(self.program), height(self.derivative)) > NUMERATOR_WORDS:
            return None
        return (Runner(self.derivative, RATIONALS, exact_function, "*"),
                Runner(self.program, RATIONAL_SERIES, exact_function, "*"))  # fmt: skip

    def speeds(self, direction: Direction) -> list[int]:
        """How fast each input moves along a direction."""
        moves = dict(direction)
        return [moves.get(i, 0) for i in range(len(self.program.inputs))]

    @cached_property
    def directions(self) -> list[Direction]:
        """The directions of the series that confirm all components."""
        return list(dict.fromkeys(direction for check in self.checks for _, direction in check.left))

    @property
    def has_one_direction(self) -> bool:
        """Whether one series confirms all components."""
        return len(self.directions) == 1

    @cached_property
    def _at_once(self) -> Callable[..., Regular | None]:
        return proof_at_once(self, Regular)

    @cached_property
    def _values_at_once(self) -> Callable[[Any], list[float] | None]:
        return values_at_once(self)

    def values(self, point: Any) -> list[float] | None:
        """The values at a tuple of floats where the first step proves all of them; None elsewhere, and at first."""
        return None if self.balls.patience else self._values_at_once(point)


class _Climb:
    """One point's way up the precisions: a component that is decided stays so, the others go on."""

    def __init__(self, prover: Prover, point: Sequence[float]):
        self.prover, self.point, self.bits = prover, point, 0
        count = len(prover.indices)
        self.enclosures = [NO_ENCLOSURE] * count
        self.holding: list[bool | None] = [None] * count
        self.confirmed: list[bool | None] = [None] * count
        self.open = list(range(count))
        """components that a higher precision may tell more of"""

    @property
    def vague(self) -> list[int]:
        """Open components that may be inside the domain, and have no value or no proof of that."""
        return [c for c in self.open if not self.holding[c] or self.enclosures[c].value is None]

    def rise(self, bits: int) -> list[int]:
        """Take the open components as far as a precision goes, which is held; give those that stay vague."""
        self.bits, known = bits, self.enclosures
        self.enclosures, self.holding = self.prover.enclosures(bits, self.point)
        for c, old in enumerate(known):
            if old.value is not None and self.enclosures[c].value is None:
                self.enclosures[c] = old
        if False in self.holding:
            self.open = [c for c in self.open if self.holding[c] is not False]
        vague = self.vague
        if vague and bits == SHOWN_BITS:
            self._settle(vague)
        if vague and (bits >= SHOWN_BITS or bits == self.prover.steps[-1]):
            self._drop(vague)
            return self.vague
        return vague

    def confirm(self) -> None:
        """Ask Arb's series about the open components that have a value, in the precision reached."""
        ready = [c for c in self.open if self.holding[c] and self.enclosures[c].value is not None]
        for c, agreed in self.prover.confirmed(self.bits, self.point, self.enclosures, ready).items():
            self.confirmed[c] = agreed
        self.open = [c for c in self.open if self.confirmed[c] is None]

    def _settle(self, vague: Sequence[int]) -> None:
        """Ask exact arithmetic about zeros and ties, which no precision separates."""
        balls = {c: self.enclosures[c].ball for c in vague if self.holding[c]}
        for c, (ball, value) in settled(self.prover.derivative, balls, self.point).items():
            self.enclosures[c] = rounded_to(ball, value)

    def _drop(self, vague: Sequence[int]) -> None:
        """Round to zero what is smaller than any binary64, whether or not it is zero."""
        for c in vague:
            if self.enclosures[c].value is None and abs(self.enclosures[c].ball) < HALF_LEAST:
                self.enclosures[c] = rounded_to(self.enclosures[c].ball, 0.0)


def too_large(where: str) -> Odd:
    """The status of a derivative of what is written so, that is finite and no binary64."""
    message = "the derivative is larger than the largest binary64, 1.8e308"
    return Odd("overflow", message, cause="overflow", where=where)


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

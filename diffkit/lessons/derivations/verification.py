"""Checks of a derivation: each line at random points in balls, against Arb's power series and ``sympy.diff``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from flint import arb, arb_series

from diffkit.core.builder import select
from diffkit.core.deadline import check_time, share_of_time, time_limit
from diffkit.core.errors import BackendError, DiffkitError, LimitError, OutOfTime
from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Program, run, run_slots
from diffkit.numbers.balls import BALLS, SERIES, precision

_HALF_OF_THE_TIME = 0.5  # of the time, which SymPy may take
_POINTS_OF_A_STEP = 4  # points at which a step is checked
_POINTS_TRIED = 600  # random points looked at
_REACHES = (2.0, 1.0, 5.0, 30.0, 400.0, 0.03, 1e-6, 1e4, 1e7)  # how far from the middle points are drawn, in turn


class DerivationError(DiffkitError):
    """A step of a derivation did not stand its checks: a rule of the table is wrong, and nothing is shown."""


class StepEvidence(NamedTuple):
    """At how many random points a step was checked against Arb's series, and against SymPy's derivative."""

    points: int
    by_sympy: int
    unasked: str = ""
    """why SymPy has not been asked, if it has not"""

    def __str__(self) -> str:
        second = f", and against sympy.diff at {self.by_sympy}"
        if not self.by_sympy:
            second = f"; SymPy was not asked: {self.unasked}" if self.unasked else "; SymPy has no form of it"
        return f"checked against Arb's power series at {self.points} random points{second}"


class _RandomPoint(NamedTuple):
    """A random point: values and derivatives of all slots there, by Arb's series."""

    point: tuple[Any, ...]
    values: list[Any]
    slopes: list[Any]


class Verifier:
    """What every step of one derivation is checked by."""

    def __init__(self, program: Program, variable: int, slots: Sequence[int], middle: Sequence[float] | None = None):
        self.program, self.variable, self.slots = program, variable, tuple(slots)
        self.middle = tuple(middle or [0.0] * len(program.inputs))
        """where points are drawn around"""
        self.found: list[StepEvidence] = []
        self.unasked = ""

    @cached_property
    def places(self) -> list[_RandomPoint]:
        """Random points at which f has a derivative, and enough of them for every slot that is looked at."""
        missing = dict.fromkeys(self.slots, _POINTS_OF_A_STEP)
        found = []
        for point in self._points():
            check_time()
            place = self._place(point)
            used = [slot for slot in missing if _known(place.values[slot]) and _known(place.slopes[slot])]
            if not any(slot in used and missing[slot] > 0 for slot in used):
                continue
            found.append(place)
            for slot in used:
                missing[slot] -= 1
            if max(missing.values()) <= 0:
                break
        return found

    def _points(self) -> Iterator[tuple[Any, ...]]:
        random = Random(0)
        for k in range(_POINTS_TRIED):
            reach = _REACHES[k % len(_REACHES)]
            yield tuple(arb(x + random.uniform(-reach, reach)) for x in self.middle)

    def _place(self, point: tuple[Any, ...]) -> _RandomPoint:
        with precision(SHOWN_BITS, 2):
            inputs = [arb_series([x, int(k == self.variable)]) for k, x in enumerate(point)]
            series = run_slots(self.program, SERIES, inputs)
            values = [s if isinstance(s, bool) or s is None else s[0] for s in series]
            slopes = [None if isinstance(s, bool) or s is None else s[1] for s in series]
        return _RandomPoint(point, values, slopes)

    @cached_property
    def by_sympy(self) -> dict[int, Program]:
        """SymPy's derivatives of the slots, where it has a form of them."""
        from diffkit.calculus.sympy import symbolic_derivative

        found: dict[int, Program] = {}
        try:
            with time_limit(share_of_time(_HALF_OF_THE_TIME)):
                for slot in self.slots:
                    part = select(self.program, [slot])
                    with suppress(BackendError, LimitError):
                        found[slot] = symbolic_derivative(part, [(0, (self.variable,))])
        except OutOfTime as error:
            self.unasked = error.reason
        return found

    def check(
        self, slot: int, rule: str, formula: tuple[Program, Program], line: Program, answer: Program,
        parts: Sequence[int], moving: Sequence[int],
    ) -> StepEvidence:  # fmt: skip
        """Check one step: the rule in letters, the line and the answer. DerivationError if one is wrong."""
        checked = by_sympy = 0
        for place in self.places:
            check_time()
            truth = place.slopes[slot]
            if not (_known(place.values[slot]) and _known(truth)):
                continue
            sides = self._sides(place, formula, line, answer, parts, moving)
            agreements = {
                what: _agree(value, place.values[slot] if what == "formula" else truth) for what, value in sides
            }
            other = self._sympy_at(slot, place)
            agreements["sympy.diff"] = None if other is None else _agree(other, truth)
            wrong = [what for what, agree in agreements.items() if agree is False]
            if wrong:
                raise DerivationError(
                    f"internal error: the step “{rule}” does not hold at a random point ({', '.join(wrong)})",
                    hint="nothing is shown; please report the expression",
                )
            if None in [agreements[what] for what, _ in sides]:
                continue
            checked += 1
            by_sympy += bool(agreements["sympy.diff"])
        if not checked:
            raise DiffkitError(
                f"the step “{rule}” cannot be checked: no point was found at which it has a derivative",
                hint="name a point of its domain with at, near which to look",
            )
        self.found.append(StepEvidence(checked, by_sympy, "" if slot in self.by_sympy else self.unasked))
        return self.found[-1]

    def _sides(
        self, place: _RandomPoint, formula: tuple[Program, Program], line: Program, answer: Program,
        parts: Sequence[int], moving: Sequence[int],
    ) -> list[tuple[str, Any]]:  # fmt: skip
        """Values of everything that a step states: of the operation in letters, and three times of its derivative."""
        with precision(SHOWN_BITS):
            values = [place.values[arg] for arg in parts] or [place.point[self.variable]]
            slopes = [place.slopes[arg] for arg in moving]
            once = [place.slopes[arg] for arg in dict.fromkeys(moving)]
            return [
                ("formula", run(formula[0], BALLS, values)[0]),
                ("rule", run(formula[1], BALLS, [*values, *slopes])[0]),
                ("line", run(line, BALLS, [*place.point, *once])[0]),
                ("answer", run(answer, BALLS, place.point)[0]),
            ]

    def _sympy_at(self, slot: int, place: _RandomPoint) -> Any:
        program = self.by_sympy.get(slot)
        if program is None:
            return None
        with precision(SHOWN_BITS):
            return run(program, BALLS, place.point)[0]

    @property
    def summary(self) -> StepEvidence:
        """The least evidence of any step."""
        return StepEvidence(min(e.points for e in self.found), min(e.by_sympy for e in self.found), self.unasked)


def _known(ball: Any) -> bool:
    """Whether a slot has a value at a point: a finite ball, or a truth."""
    return isinstance(ball, bool) or (ball is not None and bool(ball.is_finite()))


def _agree(one: Any, other: Any) -> bool | None:
    """Whether two balls are the same number, to half their bits; None if they are too wide to tell, or unbounded."""
    if not (one.is_finite() and other.is_finite()):
        return None
    with precision(SHOWN_BITS):
        gap, size = abs(one - other), abs(one) + abs(other)
        if gap.abs_upper() <= size.abs_lower() * arb(2) ** -60 or gap.abs_upper() <= arb(2) ** (-SHOWN_BITS // 2):
            return True
        return False if gap > 0 else None

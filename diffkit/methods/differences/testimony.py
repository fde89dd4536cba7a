"""What a real difference says about partials: of those that were found otherwise, and of one that was not.

A claim v ± a is confirmed where the difference d ± b agrees, |v − d| ≤ a + b, and b shows enough digits. Nothing finer
than |v − d| + b is then known of it, unless it is firm: followed by rules of our own, with a bar for all they leave.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from diffkit.asking.sources import Point
from diffkit.core.program import Index
from diffkit.core.results import Odd
from diffkit.methods.differences import Difference
from diffkit.methods.differences.samples import Sampler, Stencil, divided

_WIDEST_BAR = 1e-3  # of an entry, or of the largest where it drowns: the widest bar of a value that is ok
_NOISE_MARGIN = 2.0  # times the bar of a difference that rests on noise or steps of f, of which few were seen
_UNEXPLAINED_BAR = 1e-9  # of the largest entry: a bar that needs no reason
_SUM_ROUNDING = 2.0**-50  # of the terms of a sum: its rounding
_STEP_UNITS = 4.0  # units of rounding in a step of f, or of x
_FLOAT32_UNIT = 2.0**-24  # unit of float32, to which code may round on the way
_STRIDES = (2.0**-3, 1.0, 8.0, 2.0**-10, 2.0**-20)  # of the scale: distances at which f shows by how much it changes
LAG = "a loop of the code stops at a tolerance, and one step more changes it by that much"
NOTHING_FINER = "its values tell no more"
OUTSIDE_DOMAIN = Odd("domain_error", "f has no value at the point", cause="outside the domain")


class Manner(NamedTuple):
    """How claims were found, in words, and what may be wrong with them if differences contradict them."""

    how: str
    doubt: str


FOLLOWED = Manner("followed through its code", "the code hides (a cache, caught errors), or stops at a tolerance")
STEPPED = Manner(
    "by complex steps", "the code is not analytic (abs, a comparison, .real), or the steps underflow in it"
)


class Testified(NamedTuple):
    """A partial found otherwise, and the bar that its own method admits.

    It is firm where the bar is all that there is to be known, and differences need only confirm it.
    """

    value: float
    bar: float = 0.0
    firm: bool = False


class Seen(NamedTuple):
    """What is known of a partial: value ± bar; what is odd about it; why the bar is wide."""

    value: float
    bar: float
    odd: Odd | None = None
    reason: str = ""


class Steps(NamedTuple):
    """Steps of f: how wide they are, as a part of the variable, and how high."""

    width: float
    height: float


class Probe(NamedTuple):
    """The derivative that a block adds up to: a partial of a function that is sampled, and the weights of the sum."""

    sampler: Sampler
    start: Point
    partial: tuple[int, ...]
    """its multi-index"""
    weights: dict[Index, float]


class Testimony(NamedTuple):
    """A probe and the difference that was found for it; ``rounded`` says that f does not give binary64."""

    probe: Probe
    difference: Difference
    rounded: str = ""

    def confirms(self, claims: Mapping[Index, Testified]) -> bool:
        """Whether claims are firm, and the difference agrees and sees enough digits of them."""
        weights = self.probe.weights
        largest = max(abs(weight * claims[index].value) for index, weight in weights.items())
        return (
            all(claims[index].firm for index in weights)
            and self.agrees(claims)
            and self.is_fine(largest, self.difference.bar, largest)
            and not self.is_flat
        )

    def agrees(self, claims: Mapping[Index, Testified]) -> bool:
        """Whether the claims add up to the difference, within their bars and its own."""
        weights = self.probe.weights
        bars = math.fsum(abs(weight) * claims[index].bar for index, weight in weights.items())
        sizes = math.fsum(abs(weight * claims[index].value) for index, weight in weights.items())
        rounding = 0.0 if self._is_one else _SUM_ROUNDING * sizes
        return self.difference.odd is None and self.apart(claims) <= self.difference.bar + bars + rounding

    def total(self, claims: Mapping[Index, Testified]) -> float:
        """What the claims add up to."""
        return math.fsum(weight * claims[index].value for index, weight in self.probe.weights.items())

    def apart(self, claims: Mapping[Index, Testified]) -> float:
        """How far that is from the difference."""
        return abs(self.total(claims) - self.difference.value)

    def weigh(self, claims: Mapping[Index, Testified], largest: Mapping[Index, float], by: Manner) -> dict[Index, Seen]:
        """Weigh each claim; ``largest`` is the largest partial of its kind, ``by`` says how claims were found."""
        if self.confirms(claims):
            return {index: self._firm(claims[index], largest[index]) for index in self.probe.weights}
        return {
            index: self._weighed(claims[index], weight, claims, largest[index], by)
            for index, weight in self.probe.weights.items()
        }

    @property
    def _is_one(self) -> bool:
        """Whether the difference is that of one partial."""
        return len(self.probe.weights) == 1

    def _firm(self, claim: Testified, largest: float) -> Seen:
        fine = self.is_fine(claim.value, claim.bar, largest)
        return Seen(claim.value, claim.bar) if fine else unknown(vague(claim.value, claim.bar, LAG))

    def _weighed(
        self, claim: Testified, weight: float, claims: Mapping[Index, Testified], largest: float, by: Manner
    ) -> Seen:
        if self.difference.odd is not None:
            return unknown(_unconfirmed(claim.value, self.difference.odd, weight if self._is_one else math.nan, by.how))
        wide = max((self.apart(claims) + max(self.difference.bar, self._beyond)) / abs(weight), claim.bar)
        if self.agrees(claims):
            fine = self.is_fine(claim.value, wide * abs(weight), largest * abs(weight))
            return self._seen(claim.value, wide, fine)
        if wide <= _WIDEST_BAR * largest and not self.is_flat:
            return self._seen(claim.value, wide, True)
        d, summed = self.difference, "" if self._is_one else " (summed with others)"
        said = f"{by.how} it has {self.total(claims):.6g}, by real differences {d.value:.6g} ± {d.bar:.2g}{summed}"
        odd = Odd("uncertain", f"{said}: {d.reason or by.doubt}", value=claim.value, error=wide)
        if d.reason and not claim.value:  # it is the slope of a step, and f as a whole has another
            odd = odd._replace(value=d.value / weight, error=_NOISE_MARGIN * d.bar / abs(weight), other=claim.value)
        return unknown(odd)

    def alone(self, largest: float, steps: Steps) -> Seen:
        """Give the difference itself; ``largest`` of its kind, ``steps`` that f takes along any variable."""
        d = self.difference
        if d.odd is not None:
            odd = d.odd if math.isnan(d.odd.value) else vague(d.odd.value, d.odd.error, d.odd.message)
            return unknown(odd._replace(other=0.0) if self.is_flat else odd)
        bar = max(_NOISE_MARGIN * d.bar if d.reason else d.bar, _STEP_UNITS * steps.width * largest)
        if math.isinf(d.plateau):  # f may take a step farther away
            bar = max(bar, _STEP_UNITS * steps.height / self._length)
        if self.is_flat and self._beyond:
            return unknown(vague(d.value, max(bar, self._beyond), d.reason))
        if self.is_flat:
            said = f"it is {d.value:.6g} ± {bar:.2g} as a whole: {d.reason}"
            return unknown(Odd("uncertain", said, value=d.value, error=bar, other=0.0))
        return self._seen(d.value, bar, self.is_fine(d.value, bar, largest, constant=not steps.height))

    def _seen(self, value: float, bar: float, fine: bool) -> Seen:
        reason = self._digits(value, bar) if self.rounded else self.difference.reason
        return Seen(value, bar, None, reason) if fine else unknown(vague(value, bar, reason or NOTHING_FINER))

    def _digits(self, value: float, bar: float) -> str:
        """How many digits can be seen in values that are not binary64."""
        digits = max(0, math.floor(-math.log10(bar / abs(value)))) if bar and value else 0
        return f"{self.rounded}: seen to {digits} digit{'s' * (digits != 1)}"

    def is_fine(self, value: float, bar: float, largest: float, constant: bool = True) -> bool:
        """Whether a bar is small beside the largest entry or beside how f changes; a zero is fine if f never does."""
        constant = constant and value == 0 and math.isinf(self.difference.plateau)
        return constant or bar <= _WIDEST_BAR * largest or bar <= _WIDEST_BAR * self._variation()

    def _variation(self) -> float:
        """By how much f changes over a part of the scale, or where it was seen, as a derivative; 0 if it does not."""
        stencil = Stencil(self.probe.start, self.probe.partial)
        for h in (*_STRIDES, self.difference.reach):
            center, *values = self.probe.sampler.values([self.probe.start, *stencil.points(h)])
            change = max(abs(value - center) for value in values)
            steps = [s for s, m in zip(stencil.steps(h), stencil.orders, strict=True) for _ in range(m)]
            if change and math.isfinite(change) and all(steps):
                return divided(change, steps)
        return 0.0

    @property
    def steps(self) -> Steps:
        """The steps that f takes along the variable."""
        d = self.difference
        if not math.isfinite(d.plateau):
            return Steps(0.0, 0.0)
        slope = abs(d.value if d.odd is None else d.odd.value)
        return Steps(d.plateau / self._length, d.plateau * slope if math.isfinite(slope) else 0.0)

    @property
    def _length(self) -> float:
        return Stencil(self.probe.start, self.probe.partial).scale(self.probe.partial[0])

    @property
    def _beyond(self) -> float:
        """The slope of f beyond the plateau, of which a difference that lies on it knows nothing; 0 otherwise."""
        d = self.difference
        return self._variation() if d.odd is None and abs(d.value) <= d.bar and d.settled and self.is_flat else 0.0

    @property
    def is_flat(self) -> bool:
        """Whether f keeps its value farther around the point than rounding, of x or of f, to float32 explains."""
        if self.steps.width <= _STEP_UNITS * _FLOAT32_UNIT:
            return False
        (value,) = self.probe.sampler.values([self.probe.start])
        rise = self.difference.plateau * self._variation()
        return rise > _STEP_UNITS * max(_FLOAT32_UNIT, self.probe.sampler.unit) * abs(value)


def unknown(odd: Odd) -> Seen:
    """A partial without a value."""
    return Seen(math.nan, math.nan, odd)


def vague(value: float, bar: float, reason: str) -> Odd:
    """Describe a value that is known, but not well enough."""
    said = f"{value:.6g} ± {bar:.2g}: {reason}" if math.isfinite(value) else reason
    return Odd("uncertain", said, value=value, error=bar)


def widened(seen: Seen, bar: float, largest: float, reason: str) -> Seen:
    """A partial with a wider bar, and the reason where few digits are left; a value no more where that is too wide."""
    if bar > _WIDEST_BAR * largest:
        return unknown(vague(seen.value, bar, reason))
    return Seen(seen.value, bar, None, reason if bar > _UNEXPLAINED_BAR * largest else seen.reason)


def smoothed(seen: Seen, share: float) -> Seen:
    """A partial between the slopes of a kink, if these are as near to one another as a share of them."""
    if seen.odd is None or not abs(seen.odd.right - seen.odd.left) <= share * max(
        abs(seen.odd.left), abs(seen.odd.right)
    ):
        return seen
    left, right = seen.odd.left, seen.odd.right
    return Seen((left + right) / 2, abs(right - left) / 2)


def _unconfirmed(value: float, odd: Odd, weight: float, how: str) -> Odd:
    """Describe a claim where differences have no answer; what they know and the claim may both be meant."""
    said = Odd("uncertain", f"{how} it has {value:.6g}, which real differences do not confirm: {odd.message}")
    other, bar = odd.value / weight, odd.error / abs(weight)
    if math.isnan(other):
        return said
    if not value:  # it is the slope of a step, and f as a whole has another
        return said._replace(value=other, error=bar, other=value)
    low, high = min(value, other - bar), max(value, other + bar)
    return said._replace(value=(low + high) / 2, error=(high - low) / 2)

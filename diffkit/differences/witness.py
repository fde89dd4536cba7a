"""Real differences as a witness: they see nothing but values of f, and confirm partials that were found otherwise.

A partial v ± a is confirmed where a difference d ± b agrees, |v − d| ≤ a + b, and b shows enough digits. Nothing finer
than |v − d| + b is then known of it, unless the claim is firm: f is one formula around the point, and a its rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from diffkit.differences import ECONOMY, THOROUGH, Difference, Effort, partials
from diffkit.differences.probes import Block, Index, Probe, Prober, blocks
from diffkit.differences.sampling import UNIT, Function, Point
from diffkit.differences.stencils import Stencil
from diffkit.results import Answer, Odd

FINE = 1e-3  # of an entry, or of the largest where it drowns: the widest bar of a value that is ok
SPLITS = 16  # blocks that are split to see which of their partials are not confirmed
SUM = 2.0**-50  # of the terms of a sum: its rounding
STEPS = 4.0  # units of rounding in a step of f
SINGLE = 2.0**-21  # of x: so far f may keep its value because its code rounds to float32 on the way
STRIDES = (2.0**-3, 2.0**-10, 2.0**-20)  # of the scale: distances at which f shows by how much it changes
COARSE = "its values tell no more"
NO_VALUE = Odd("domain_error", "f has no value at the point", cause="outside the domain")
HIDES = "the code hides (a cache, caught errors), or stops at a tolerance"


class Claim(NamedTuple):
    """A partial found otherwise, and the bar that its own method admits.

    It is firm where differences need only confirm it: the bar is all that rounding can do to a formula.
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


class Sum(NamedTuple):
    """A weighted sum of claims: its value, the bar that they admit together, and the size of the largest term."""

    value: float
    bar: float
    largest: float


Family = tuple[int, int]
"""output and order"""


class Witness:
    """Real differences of a function at one point.

    ``unit`` is that of the rounding of its values, ``rounded`` says in words that it is not binary64's. With
    ``strict`` a value is ok only if its bar is a small part of it.
    """

    def __init__(
        self, functions: Sequence[Function], point: Point, unit: float = UNIT, rounded: str = "", strict: bool = True
    ):
        self.unit, self.rounded, self.strict = unit, rounded, strict
        self.prober = Prober(functions, point, unit)
        self.probes: dict[Block, Probe] = {}
        self.known: dict[tuple[Block, Effort], Difference] = {}

    def values(self, wanted: Iterable[Index]) -> dict[Index, Seen]:
        """What needs no looking: values of f, and the partials of an output that has none at the point."""
        found: dict[Index, Seen] = {}
        for output, index in wanted:
            (value,) = self.prober.functions[output]([self.prober.point])
            if not math.isfinite(value):
                found[output, index] = unknown(NO_VALUE)
            elif not index:
                found[output, index] = Seen(value, 2 * self.unit * abs(value))
        return found

    def confirm(self, claims: Mapping[Index, Claim], how: str) -> dict[Index, Seen]:
        """Judge partials that were found otherwise, ``how`` says the message."""
        found: dict[Index, Seen] = {}
        largest = _largest((index, claim.value) for index, claim in claims.items())
        waiting, splits = blocks(claims), SPLITS
        while waiting:
            further: list[Block] = []
            for block, seen in self._look(waiting, claims, largest, how):
                if block.alone or not splits or all(one.odd is None for one in seen.values()):
                    found.update(seen)
                else:
                    splits -= 1
                    further += block.parts()
            waiting = further
        return found

    def alone(self, wanted: Sequence[Index]) -> dict[Index, Seen]:
        """What differences say where there is nothing to confirm."""
        looked = [Block((k,), index[:1], index[1:]) for k, index in wanted]
        seen = self._differences(looked, THOROUGH)
        largest = _largest((index, d.value) for index, d in zip(wanted, seen, strict=True))
        return {
            index: self._plain(block, d, largest[_family(index)])
            for index, block, d in zip(wanted, looked, seen, strict=True)
        }

    # Samples ----------------------------------------------------------------------------------------------------

    def _probe(self, block: Block) -> Probe:
        if block not in self.probes:
            self.probes[block] = self.prober.probe(block)
        return self.probes[block]

    def _differences(self, wanted: Sequence[Block], effort: Effort) -> list[Difference]:
        """The difference of each block; those that share samples are found together."""
        sharing: dict[int, list[Block]] = {}
        for block in wanted:
            if (block, effort) not in self.known:
                sharing.setdefault(id(self._probe(block).sampler), []).append(block)
        for mine in sharing.values():
            probes = [self._probe(block) for block in mine]
            indices = [probe.index for probe in probes]
            (row,) = partials(probes[0].sampler, [probes[0].start], indices, effort)
            self.known.update(zip(((block, effort) for block in mine), row, strict=True))
        return [self.known[block, effort] for block in wanted]

    def _variation(self, probe: Probe) -> float:
        """By how much f changes over a part of the scale, as a derivative; 0 where it has no value so far."""
        stencil = Stencil(probe.start, probe.index)
        for h in STRIDES:
            points = stencil.points(h)
            center, *values = probe.sampler.function([probe.start, *points])
            change = max(abs(value - center) for value in values)
            step = math.prod(s**m for s, m in zip(stencil.steps(h), stencil.orders, strict=True))
            if math.isfinite(change) and step:
                return change / step
        return 0.0

    # Judgement --------------------------------------------------------------------------------------------------

    def _look(
        self, wanted: Sequence[Block], claims: Mapping[Index, Claim], largest: Mapping[Family, float], how: str
    ) -> Iterator[tuple[Block, dict[Index, Seen]]]:
        """Look at blocks: economically where claims are firm, thoroughly where that does not confirm them."""
        quick = [block for block in wanted if all(claims[index].firm for index in self._probe(block).weights)]
        kept = {
            block
            for block, d in zip(quick, self._differences(quick, ECONOMY), strict=True)
            if self._keeps(block, claims, d)
        }
        rest = [block for block in wanted if block not in kept]
        found = dict(zip(rest, self._differences(rest, THOROUGH), strict=True))
        for block in wanted:
            if block in kept or (block in quick and self._keeps(block, claims, found[block])):
                yield block, {index: Seen(*claims[index][:2]) for index in self._probe(block).weights}
            else:
                yield block, self._judged(block, claims, found[block], largest, how)

    def _sum(self, block: Block, claims: Mapping[Index, Claim]) -> Sum:
        """What the claims of a block add up to."""
        weights = self._probe(block).weights
        terms = [weight * claims[index].value for index, weight in weights.items()]
        bars = [abs(weight) * claims[index].bar for index, weight in weights.items()]
        sizes = [abs(term) for term in terms]
        rounding = 0.0 if block.alone else SUM * math.fsum(sizes)
        return Sum(math.fsum(terms), math.fsum(bars) + rounding, max(sizes))

    def _keeps(self, block: Block, claims: Mapping[Index, Claim], d: Difference) -> bool:
        """Whether a difference confirms firm claims, and sees enough digits of them."""
        claimed = self._sum(block, claims)
        if d.odd is not None or not abs(claimed.value - d.value) <= claimed.bar + d.bar:
            return False
        return self._is_fine(self._probe(block), d, d.bar, claimed.largest)

    def _judged(
        self, block: Block, claims: Mapping[Index, Claim], d: Difference, largest: Mapping[Family, float], how: str
    ) -> dict[Index, Seen]:
        """Judge the claims of a block by a difference that does not confirm their own bars."""
        probe, claimed = self._probe(block), self._sum(block, claims)
        apart = abs(claimed.value - d.value)
        agree = apart <= d.bar + claimed.bar
        found = {}
        for index, weight in probe.weights.items():
            claim = claims[index]
            if d.odd is not None:
                found[index] = _undecided(claim.value, d.odd, how)
                continue
            wide = max((apart + d.bar) / abs(weight), claim.bar)
            fine = self._is_fine(probe, d, wide * abs(weight), abs(weight) * largest[_family(index)])
            if (fine or not self.strict) if agree else fine and not self._is_flat(probe, d):
                found[index] = Seen(claim.value, wide, None, self._rounding(claim.value, wide) or d.reason)
            elif agree:
                found[index] = self._coarse(claim.value, wide, d)
            else:
                found[index] = _apart(claim.value, wide, claimed.value, d, how, block.alone)
        return found

    def _plain(self, block: Block, d: Difference, largest: float) -> Seen:
        """Judge a difference that stands alone."""
        probe = self._probe(block)
        if d.odd is not None:
            known = math.isfinite(d.odd.value) and d.odd.status == "uncertain"
            return _uncertain(d.odd.value, d.odd.error, d.odd.message) if known else unknown(d.odd)
        if self._is_flat(probe, d):
            return _hull(0.0, 0.0, d, f"{d.value:.6g} ± {d.bar:.2g} as a whole: {d.reason}")
        if self._is_fine(probe, d, d.bar, largest):
            return Seen(d.value, d.bar, None, self._rounding(d.value, d.bar) or d.reason)
        return self._coarse(d.value, d.bar, d)

    def _is_fine(self, probe: Probe, d: Difference, bar: float, largest: float) -> bool:
        """Whether a bar is small beside the largest entry, or beside how f changes; any is where f never changes."""
        return bar <= FINE * largest or math.isinf(d.plateau) or bar <= FINE * self._variation(probe)

    def _is_flat(self, probe: Probe, d: Difference) -> bool:
        """Whether f keeps its value farther around the point than rounding explains."""
        if not 0 < d.plateau < math.inf:
            return False
        (value,) = probe.sampler.function([probe.start])
        length = Stencil(probe.start, probe.index).scale(probe.index[0])
        return d.plateau > SINGLE * length and d.plateau * abs(d.value) > STEPS * self.unit * abs(value)

    def _coarse(self, value: float, bar: float, d: Difference) -> Seen:
        return _uncertain(value, bar, self._rounding(value, bar) or d.reason or COARSE)

    def _rounding(self, value: float, bar: float) -> str:
        """How many digits can be seen in values that are not binary64; empty for those that are."""
        if not self.rounded:
            return ""
        digits = max(0, math.floor(-math.log10(bar / abs(value)))) if bar and value else 0
        return f"{self.rounded}: seen to {digits} digit{'s' * (digits != 1)}"


def laid_out(indices: Sequence[Index], seen: Mapping[Index, Seen], evaluations: int, note: str = "") -> Answer:
    """The Answer of what is known of each partial."""
    found = [seen[index] for index in indices]
    odd = {c: one.odd for c, one in enumerate(found) if one.odd is not None}
    values, bars = [one.value for one in found], [one.bar for one in found]
    return Answer(values, bars, odd, evaluations, note, error_kind="estimate")


def unknown(odd: Odd) -> Seen:
    """A partial without a value."""
    return Seen(math.nan, math.nan, odd)


def _family(index: Index) -> Family:
    """Partials of the same output and order are compared in size."""
    output, variables = index
    return output, len(variables)


def _largest(values: Iterable[tuple[Index, float]]) -> dict[Family, float]:
    found: dict[Family, float] = {}
    for index, value in values:
        family = _family(index)
        found[family] = max(found.get(family, 0.0), abs(value) if math.isfinite(value) else 0.0)
    return found


def _uncertain(value: float, bar: float, reason: str) -> Seen:
    """A value that is known, but not well enough."""
    return unknown(Odd("uncertain", f"{value:.6g} ± {bar:.2g}: {reason}", value=value, error=bar))


def _undecided(value: float, odd: Odd, how: str) -> Seen:
    """A claim that differences do not confirm, as they find none."""
    said = Odd("uncertain", f"{how} it has {value:.6g}, which real differences do not confirm: {odd.message}")
    if math.isfinite(odd.value):
        low, high = min(value, odd.value - odd.error), max(value, odd.value + odd.error)
        said = said._replace(value=(low + high) / 2, error=(high - low) / 2)
    return unknown(said)


def _apart(value: float, wide: float, total: float, d: Difference, how: str, alone: bool) -> Seen:
    """A claim, or the total of several, that differences contradict."""
    said = f"{how} it has {total:.6g}, by real differences {d.value:.6g} ± {d.bar:.2g}" + " (summed)" * (not alone)
    return unknown(Odd("uncertain", f"{said}: {d.reason or HIDES}", value=value, error=wide))


def _hull(value: float, bar: float, d: Difference, message: str) -> Seen:
    """Both of two values that may be meant."""
    low, high = min(value - bar, d.value - d.bar), max(value + bar, d.value + d.bar)
    return unknown(Odd("uncertain", message, value=(low + high) / 2, error=(high - low) / 2))

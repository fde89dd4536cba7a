"""Real differences as a witness: they see nothing but values of f, and confirm partials that were found otherwise.

A few partials are looked at one by one, many of them by sums (``probes``); a sum that is not confirmed is split.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from diffkit.core.results import Answer
from diffkit.methods.differences import ECONOMY, THOROUGH, Effort, partials
from diffkit.methods.differences.probes import Block, Index, Probe, Prober, blocks
from diffkit.methods.differences.sampling import UNIT, Function, Point
from diffkit.methods.differences.testimony import NO_VALUE, Claim, Manner, Seen, Steps, Testimony, unknown

if TYPE_CHECKING:
    from diffkit.asking.sources import Source

SPLITS = 16  # sums that are split to see which of their partials are not confirmed


class Witness:
    """Real differences of a function at one point.

    ``unit`` is that of the rounding of its values, ``rounded`` says in words that it is not binary64's.
    """

    def __init__(self, functions: Sequence[Function], point: Point, unit: float = UNIT, rounded: str = ""):
        self.unit, self.rounded = unit, rounded
        self.prober = Prober(functions, point, unit)
        self.probes: dict[Block, Probe] = {}
        self.known: dict[tuple[Block, Effort], Testimony] = {}

    @classmethod
    def of(cls, source: Source, point: Point) -> Witness:
        """Real differences of a source at a point, to confirm what is found otherwise."""
        return cls(source.samplers(), point, *source.known_to(point))

    def values(self, wanted: Iterable[Index]) -> dict[Index, Seen]:
        """What needs no looking: values of f, and the partials of an output that has none at the point."""
        found: dict[Index, Seen] = {}
        values: dict[int, float] = {}
        for output, index in wanted:
            if output not in values:
                (values[output],) = self.prober.functions[output]([self.prober.point])
            value = values[output]
            if not math.isfinite(value):
                found[output, index] = unknown(NO_VALUE)
            elif not index:
                found[output, index] = Seen(value, 2 * self.unit * abs(value))
        return found

    def confirm(self, claims: Mapping[Index, Claim], by: Manner) -> dict[Index, Seen]:
        """Judge partials that were found otherwise."""
        found: dict[Index, Seen] = {}
        largest = sizes({index: claim.value for index, claim in claims.items()})
        waiting, splits = blocks(claims), SPLITS
        while waiting:
            testimonies, waiting = self._confirming(waiting, claims), []
            for block, testimony in testimonies.items():
                if testimony.agrees(claims) or block.alone or not splits:
                    found.update(testimony.judge(claims, largest, by))
                else:
                    splits -= 1
                    waiting += block.parts()
        return found

    def alone(self, wanted: Sequence[Index]) -> dict[Index, Seen]:
        """What differences say where there is nothing to confirm."""
        looked = self._differences([Block((k,), index[:1], index[1:]) for k, index in wanted], THOROUGH)
        seen = dict(zip(wanted, looked.values(), strict=True))
        largest = sizes({index: testimony.difference.value for index, testimony in seen.items()})
        widths = sizes({index: testimony.steps.width for index, testimony in seen.items()})
        heights = sizes({index: testimony.steps.height for index, testimony in seen.items()})
        steps = {index: Steps(widths[index], heights[index]) for index in seen}
        return {index: testimony.alone(largest[index], steps[index]) for index, testimony in seen.items()}

    def _confirming(self, wanted: Sequence[Block], claims: Mapping[Index, Claim]) -> dict[Block, Testimony]:
        """Look economically where claims are firm, and thoroughly where that does not confirm them."""
        firm = [block for block in wanted if all(claims[index].firm for index in self._probe(block).weights)]
        quick = {block: t for block, t in self._differences(firm, ECONOMY).items() if t.confirms(claims)}
        return quick | self._differences([block for block in wanted if block not in quick], THOROUGH)

    def _differences(self, wanted: Sequence[Block], effort: Effort) -> dict[Block, Testimony]:
        """The difference of each block; those that share samples are found together."""
        sharing: dict[int, list[Block]] = {}
        for block in wanted:
            if (block, effort) not in self.known:
                sharing.setdefault(id(self._probe(block).sampler), []).append(block)
        for mine in sharing.values():
            probes = [self._probe(block) for block in mine]
            (row,) = partials(probes[0].sampler, [probes[0].start], [probe.partial for probe in probes], effort)
            for block, probe, difference in zip(mine, probes, row, strict=True):
                self.known[block, effort] = Testimony(probe, difference, self.rounded)
        return {block: self.known[block, effort] for block in wanted}

    def _probe(self, block: Block) -> Probe:
        if block not in self.probes:
            self.probes[block] = self.prober.probe(block)
        return self.probes[block]


def laid_out(indices: Sequence[Index], seen: Mapping[Index, Seen], evaluations: int, note: str = "") -> Answer:
    """The Answer of what is known of each partial."""
    found = [seen[index] for index in indices]
    odd = {c: one.odd for c, one in enumerate(found) if one.odd is not None}
    values, bars = [one.value for one in found], [one.bar for one in found]
    return Answer(values, bars, odd, evaluations, note, error_kind="estimate")


def sizes(values: Mapping[Index, float]) -> dict[Index, float]:
    """For each partial the largest of the same output and order."""
    found: dict[tuple[int, int], float] = {}
    for (output, index), value in values.items():
        size = abs(value) if math.isfinite(value) else 0.0
        found[output, len(index)] = max(size, found.get((output, len(index)), 0.0))
    return {(output, index): found[output, len(index)] for output, index in values}

"""Real differences as a witness: they see nothing but values of f, and confirm partials that were found otherwise.

A few partials are looked at one by one, many of them by sums (``probes``); a sum that is not confirmed is split.

With x(s) = x + s·m, dᵖ/dsᵖ Σₖ uₖ·∂ʳfₖ(x(s)) = Σₖ Σₐ uₖ·(p!/a!)·mᵃ·∂ᵃ⁺ʳfₖ, the sum over multi-indices a of order p.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.asking.sources import Output, Point
from diffkit.core.program import Index
from diffkit.core.results import Answer
from diffkit.methods.differences import ECONOMY, THOROUGH, Effort, partials
from diffkit.methods.differences.samples import Sampler, total
from diffkit.methods.differences.testimony import (
    OUTSIDE_DOMAIN,
    Manner,
    Probe,
    Seen,
    Steps,
    Testified,
    Testimony,
    unknown,
)
from diffkit.numbers.floats import HALF_ULP

if TYPE_CHECKING:
    from diffkit.asking.sources import Source


_SPLITS = 16  # sums that are split to see which of their partials are not confirmed


class DifferenceWitness:
    """Real differences of a function at one point.

    ``unit`` is that of the rounding of its values, ``rounded`` says in words that it is not binary64's.
    """

    def __init__(self, functions: Sequence[Output], point: Point, unit: float = HALF_ULP, rounded: str = ""):
        self.unit, self.rounded = unit, rounded
        self.prober = _Prober(functions, point, unit)
        self.probes: dict[Block, Probe] = {}
        self.known: dict[tuple[Block, Effort], Testimony] = {}

    @classmethod
    def of(cls, source: Source, point: Point) -> DifferenceWitness:
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
                found[output, index] = unknown(OUTSIDE_DOMAIN)
            elif not index:
                found[output, index] = Seen(value, 2 * self.unit * abs(value))
        return found

    def confirm(self, claims: Mapping[Index, Testified], by: Manner) -> dict[Index, Seen]:
        """Weigh partials that were found otherwise."""
        found: dict[Index, Seen] = {}
        largest = sizes({index: claim.value for index, claim in claims.items()})
        waiting, splits = blocks(claims), _SPLITS
        while waiting:
            testimonies, waiting = self._confirming(waiting, claims), []
            for block, testimony in testimonies.items():
                if testimony.agrees(claims) or block.alone or not splits:
                    found.update(testimony.weigh(claims, largest, by))
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

    def _confirming(self, wanted: Sequence[Block], claims: Mapping[Index, Testified]) -> dict[Block, Testimony]:
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


_SEPARATE_PARTIALS = 12  # partials of an output up to which each one is a block of its own
_OUTPUTS = 50  # outputs up to which each one has blocks of its own


class Block(NamedTuple):
    """The partials of each output by ``power`` of the variables, with repetition, and by ``rest`` besides."""

    outputs: tuple[int, ...]
    variables: tuple[int, ...]
    rest: tuple[int, ...]
    power: int = 1

    @property
    def alone(self) -> bool:
        """Whether it is one partial."""
        return len(self.outputs) == len(self.variables) == 1

    @property
    def only(self) -> tuple[int, ...]:
        """The multi-index of the one partial."""
        return tuple(sorted((*self.variables * self.power, *self.rest)))

    def weights(self, scales: dict[int, float], moves: dict[int, float]) -> dict[Index, float]:
        """Weight of each partial in the sum, from the factors of the outputs and the steps of the variables."""
        found = {}
        for chosen in combinations_with_replacement(self.variables, self.power):
            ways = math.factorial(self.power) // math.prod(math.factorial(chosen.count(v)) for v in set(chosen))
            weight = ways * math.prod(moves[v] for v in chosen)
            index = tuple(sorted((*chosen, *self.rest)))
            found.update({(k, index): scales[k] * weight for k in self.outputs})
        return found

    def parts(self) -> list[Block]:
        """The same partials in smaller blocks."""
        if len(self.outputs) > 1:
            half = len(self.outputs) // 2
            return [self._replace(outputs=part) for part in (self.outputs[:half], self.outputs[half:])]
        if self.power > 1:  # by the last variable of each
            return [
                Block(self.outputs, self.variables[: k + 1], (v, *self.rest), self.power - 1)
                for k, v in enumerate(self.variables)
            ]
        half = len(self.variables) // 2
        return [self._replace(variables=part) for part in (self.variables[:half], self.variables[half:])]


def blocks(wanted: Iterable[Index]) -> list[Block]:
    """Split partials into blocks: one each where they are few, lines through many."""
    mine: dict[int, list[tuple[int, ...]]] = {}
    for output, index in wanted:
        mine.setdefault(output, []).append(index)
    if len(mine) <= _OUTPUTS:
        return [block for k, indices in mine.items() for block in _of_output(k, indices)]
    together: dict[tuple[Any, ...], list[int]] = {}
    for k, indices in mine.items():
        for block in _lines(k, indices):
            together.setdefault(block[1:], []).append(k)
    size = -(-len(mine) // _OUTPUTS)
    return [
        Block(tuple(outputs[first : first + size]), *shared)
        for shared, outputs in together.items()
        for first in range(0, len(outputs), size)
    ]


def _of_output(output: int, indices: Sequence[tuple[int, ...]]) -> Iterator[Block]:
    if len(indices) > _SEPARATE_PARTIALS:
        return _lines(output, indices)
    return (Block((output,), index[:1], index[1:]) for index in indices)


def _lines(output: int, indices: Sequence[tuple[int, ...]]) -> Iterator[Block]:
    """All partials of an order as one block where none is missing, otherwise by the variables after the first."""
    for order in sorted(set(map(len, indices))):
        mine = sorted(index for index in indices if len(index) == order)
        variables = tuple(sorted({v for index in mine for v in index}))
        if len(mine) == math.comb(len(variables) + order - 1, order):
            yield Block((output,), variables, (), order)
            continue
        rows: dict[tuple[int, ...], list[int]] = {}
        for index in mine:
            rows.setdefault(index[1:], []).append(index[0])
        yield from (Block((output,), tuple(first), rest) for rest, first in rows.items())


class _Prober:
    """Makes probes of blocks at a point; single partials of an output share their samples."""

    def __init__(self, functions: Sequence[Output], point: Point, unit: float):
        self.functions, self.point, self.unit = functions, point, unit
        self.samplers = [Sampler(function, unit) for function in functions]

    def probe(self, block: Block) -> Probe:
        """Give the probe of a block."""
        if block.alone:
            (k,) = block.outputs
            return Probe(self.samplers[k], self.point, block.only, {(k, block.only): 1.0})
        several = len(block.outputs) > 1
        scales = {k: _weight(k) / self._size(k) if several else 1.0 for k in block.outputs}
        moves = {v: _weight(v) * (abs(self.point[v]) or 1.0) for v in block.variables}
        held = tuple(sorted(set(block.rest)))
        path = self._along(scales, moves, held)
        start = (0.0, *(self.point[v] for v in held))
        partial = (0,) * block.power + tuple(1 + held.index(v) for v in block.rest)
        return Probe(Sampler(path, self.unit), start, partial, block.weights(scales, moves))

    def _size(self, output: int) -> float:
        """Size of an output, so that none drowns beside others."""
        (value,) = self.functions[output]([self.point])
        return abs(value) if math.isfinite(value) and value else 1.0

    def _along(self, scales: dict[int, float], moves: dict[int, float], held: tuple[int, ...]) -> Output:
        """Σ uₖ·fₖ as a function of the place on the line and of the variables beside it."""

        def place(s: float, *beside: float) -> Point:
            moved = list(self.point)
            for v, x in zip(held, beside, strict=True):
                moved[v] = x
            for v, step in moves.items():
                moved[v] += s * step
            return tuple(moved)

        def path(steps: Sequence[Point]) -> list[float]:
            points = [place(*step) for step in steps]
            columns = [self.functions[k](points) for k in scales]
            rows = zip(*columns, strict=True)
            return [total(u * value for u, value in zip(scales.values(), row, strict=True)) for row in rows]

        return path


def _weight(c: int) -> float:
    """Weights without a pattern."""
    return 1 + 0.5 * math.sin(c + 1.0)

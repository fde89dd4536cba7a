"""Sums of partials that are one derivative along a line, so that many partials are looked at for the price of one.

With x(s) = x + s·m, dᵖ/dsᵖ Σₖ uₖ·∂ʳfₖ(x(s)) = Σₖ Σₐ uₖ·(p!/a!)·mᵃ·∂ᵃ⁺ʳfₖ, the sum over multi-indices a of order p.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

from diffkit.methods.differences.sampling import Function, Point, Sampler, total

Index = tuple[int, tuple[int, ...]]
"""(output, inputs differentiated by)"""

FEW = 12  # partials of an output up to which each one is a block of its own
OUTPUTS = 50  # outputs up to which each one has blocks of its own


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
    if len(mine) <= OUTPUTS:
        return [block for k, indices in mine.items() for block in _of_output(k, indices)]
    together: dict[tuple[Any, ...], list[int]] = {}
    for k, indices in mine.items():
        for block in _lines(k, indices):
            together.setdefault(block[1:], []).append(k)
    size = -(-len(mine) // OUTPUTS)
    return [
        Block(tuple(outputs[first : first + size]), *shared)
        for shared, outputs in together.items()
        for first in range(0, len(outputs), size)
    ]


def _of_output(output: int, indices: Sequence[tuple[int, ...]]) -> Iterator[Block]:
    if len(indices) > FEW:
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


class Probe(NamedTuple):
    """The derivative that a block adds up to: a partial of a function that is sampled, and the weights of the sum."""

    sampler: Sampler
    start: Point
    partial: tuple[int, ...]
    """its multi-index"""
    weights: dict[Index, float]


class Prober:
    """Makes probes of blocks at a point; single partials of an output share their samples."""

    def __init__(self, functions: Sequence[Function], point: Point, unit: float):
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

    def _along(self, scales: dict[int, float], moves: dict[int, float], held: tuple[int, ...]) -> Function:
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

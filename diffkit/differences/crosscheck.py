"""Derivatives found by another method against real differences, which see nothing but values of f."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from diffkit.differences import ECONOMY, THOROUGH, Difference, Function, Point, Sampler, partials

FEW = 12  # partials of an output up to which each one has a check of its own
OUTPUTS = 50  # outputs that are looked at
AGREE = 8.0  # times the bar of a real difference
SLACK = 2.0**-43  # relative, for the rounding of what is compared


class Contradiction(NamedTuple):
    """What was claimed of a partial, or of a sum of several, and what real differences find."""

    claimed: float
    real: Difference


def contradictions(
    samplers: Sequence[Function], point: Point, indices: Sequence[tuple[int, tuple[int, ...]]], claimed: Sequence[float]
) -> tuple[dict[int, Contradiction], int]:
    """Partials that real differences contradict, by position, and the evaluations spent.

    Many first derivatives of an output are checked together, along one generic direction; of many higher ones a few
    are. Claims that are no numbers are left alone.
    """
    found: dict[int, Contradiction] = {}
    spent = 0
    stride = -(-len(samplers) // OUTPUTS)
    for output in range(0, len(samplers), stride):
        mine = [c for c, (of, index) in enumerate(indices) if of == output and index and math.isfinite(claimed[c])]
        if len(mine) > FEW and all(len(indices[c][1]) == 1 for c in mine):
            moves = {indices[c][1][0]: _weight(c) * (abs(point[indices[c][1][0]]) or 1.0) for c in mine}
            sampler = Sampler(_along(samplers[output], point, moves))
            ((real,),) = partials(sampler, [(0.0,)], [(0,)], THOROUGH)
            terms = [claimed[c] * moves[indices[c][1][0]] for c in mine]
            if _apart(math.fsum(terms), real, math.fsum(map(abs, terms))):
                found.update(dict.fromkeys(mine, Contradiction(math.fsum(terms), real)))
        else:
            mine = mine[:: -(-len(mine) // FEW)] if mine else mine
            sampler = Sampler(samplers[output])
            (row,) = partials(sampler, [point], [indices[c][1] for c in mine], ECONOMY)
            for c, real in zip(mine, row, strict=True):
                if _apart(claimed[c], real, abs(claimed[c])):
                    found[c] = Contradiction(claimed[c], real)
        spent += sampler.evaluations
    return found, spent


def _weight(c: int) -> float:
    """Weights without a pattern."""
    return 1 + 0.5 * math.sin(c + 1.0)


def _along(function: Function, point: Point, moves: dict[int, float]) -> Function:
    """F along a line, as a function of the one parameter of the line."""

    def path(steps: Sequence[Point]) -> Any:
        return function([tuple(x + t * moves.get(i, 0.0) for i, x in enumerate(point)) for (t,) in steps])

    return path


def _apart(claimed: float, real: Difference, size: float) -> bool:
    """Whether a real difference excludes a claim: by its value, or by what it finds at the point."""
    if real.odd is not None:
        return real.odd.status != "uncertain"
    return not abs(real.value - claimed) <= AGREE * real.bar + SLACK * size

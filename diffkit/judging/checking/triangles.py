"""Code that reads one triangle of a symmetric matrix, as LAPACK's does for Cholesky factors and eigenvalues.

As a function of n² numbers it has no slope in the other triangle; as a function of symmetric matrices its gradient is
symmetric, and an off-diagonal pair shares the slope of the entry that is read. A claim of that gradient is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from diffkit.judging.checking.agreement import settle
from diffkit.judging.checking.array_structure import symmetric
from diffkit.judging.checking.outcome import Judged, Measured
from diffkit.judging.tolerances import Tolerances

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting

SAID = "f reads one triangle of {}; the claim is its gradient among symmetric matrices"


def by_triangles(setting: Setting, judged: list[Judged], largest: float, allowed: Tolerances | None) -> None:
    """Judge pairs of entries together, where f has no slope in one triangle and the claim is symmetric."""
    arrays = setting.structure.split(setting.structure.point)
    first = 0
    for argument, array in zip(setting.arguments, arrays, strict=True):
        if symmetric(array):
            for pairs in _pairs(setting, first, len(array)):
                _settle(judged, pairs, SAID.format(argument.name), largest, allowed)
        first += argument.size


def _pairs(setting: Setting, first: int, n: int) -> Iterator[list[tuple[int, int]]]:
    """The components of opposite entries of a matrix whose coordinates begin at ``first``, for each output."""
    indices = [setting.task.indices[place] for place in setting.places]
    for output in {output for output, _ in indices}:
        where = {index[0]: c for c, (o, index) in enumerate(indices) if o == output and len(index) == 1}
        opposite = [(first + n * i + j, first + n * j + i) for i in range(n) for j in range(i)]
        if all(a in where and b in where for a, b in opposite):
            yield [(where[a], where[b]) for a, b in opposite]


def _settle(
    judged: list[Judged], pairs: list[tuple[int, int]], said: str, largest: float, allowed: Tolerances | None
) -> None:
    if not any(judged[c].verdict == "wrong" for pair in pairs for c in pair):
        return
    unread = [
        side for side in (0, 1) if all(abs(judged[p[side]].reference) <= judged[p[side]].tolerance for p in pairs)
    ]
    sums = [_sum(judged[a], judged[b]) for a, b in pairs]
    if len(unread) != 1 or any(m is None for m in sums):
        return
    together = [settle(m, largest, allowed) for m in sums if m is not None]
    if all(j.verdict == "correct" for j in together):
        for pair, j in zip(pairs, together, strict=True):
            for c in pair:
                judged[c] = judged[c]._replace(verdict="correct", digits=j.digits, note="", convention=said)


def _drowns(j: Judged) -> bool:
    return abs(j.reference) <= j.tolerance


def _sum(a: Judged, b: Judged) -> Measured | None:
    """Two opposite entries together; None where the claim is not symmetric in them."""
    terms = {name: a.terms.get(name, 0.0) + b.terms.get(name, 0.0) for name in {**a.terms, **b.terms}}
    claimed, reference = a.claimed + b.claimed, a.reference + b.reference
    if not abs(a.claimed - b.claimed) <= sum(terms.values()) + 1e-12 * abs(claimed) or np.isnan(reference):
        return None
    return Measured(a.component, claimed, reference, abs(claimed - reference), terms)

"""What the arrays of a point have in common with other points of their kind, so that points beside it are of that kind.

A gradient of log det at a symmetric matrix, or of an entropy at probabilities, is meant for such points only: beside
the point a symmetric matrix stays symmetric, a positive definite one positive definite, a sum of one a sum of one.

As a function of n² numbers it has no slope in the other triangle; as a function of symmetric matrices its gradient is
symmetric, and an off-diagonal pair shares the slope of the entry that is read. A claim of that gradient is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.callables.function import Argument
from diffkit.judging.checking.outcome import Judged, Measured, Tolerances, settle

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting


SAME_ARRAY = 1e-12  # of the size: as far as rounding may carry a property from holding exactly
_HALVINGS_TO_DEFINITE = 8  # of the way from the point, until a matrix is positive definite again


class _ArrayKind(NamedTuple):
    """A property of an array: whether it holds, and the array nearest to another one that has it."""

    holds: Callable[[Any], bool]
    keep: Callable[[Any, Any], Any]
    """(moved, the point's own array) -> moved so that it holds"""


def symmetric(a: Any) -> bool:
    """Whether a matrix is its own transpose, and more than a number."""
    return _is_square(a) and _same(a, a.T)


def _is_square(a: Any) -> bool:
    """Whether an array is a square matrix of more than one entry."""
    return bool(np.ndim(a) == 2 and a.shape[0] == a.shape[1] > 1)


def _same(a: Any, b: Any) -> bool:
    return bool(np.all(np.abs(a - b) <= SAME_ARRAY * np.max(np.abs(a))))


def _triangular(a: Any) -> bool:
    return _is_square(a) and bool(np.any(a)) and (not np.any(np.triu(a, 1)) or not np.any(np.tril(a, -1)))


def _definite(a: Any) -> bool:
    return symmetric(a) and float(np.linalg.eigvalsh(a)[0]) > 0


def _shrunk(moved: Any, own: Any) -> Any:
    for _ in range(_HALVINGS_TO_DEFINITE):
        if _definite(moved):
            break
        moved = (moved + own) / 2
    return moved


def _polar(moved: Any, _: Any) -> Any:
    left, _, right = np.linalg.svd(moved)
    return left @ right


def _sums(a: Any, axis: int | None) -> bool:
    """Whether the entries along an axis (all of them for None) are probabilities: not negative, with sum one."""
    if not _along(a, axis) or np.any(a < 0):
        return False
    return bool(np.all(np.abs(np.sum(a, axis=axis) - 1) <= SAME_ARRAY * a.size))


def _norms(a: Any, axis: int | None) -> bool:
    """Whether the vectors along an axis (the whole array for None) have length one, and more than one entry each."""
    if not _along(a, axis) or _sums(a, axis):
        return False
    return bool(np.all(np.abs(np.sum(a * a, axis=axis) - 1) <= SAME_ARRAY * a.size))


def _along(a: Any, axis: int | None) -> bool:
    """Whether there are vectors of several entries along an axis, of more than a triangle."""
    whole = axis is None
    return not _triangular(a) and (a.size if whole else a.shape[axis or 0] if a.ndim > 1 else 0) > 1


def _shares(moved: Any, _: Any, axis: int | None) -> Any:
    return np.abs(moved) / np.sum(np.abs(moved), axis=axis, keepdims=True)


def _units(moved: Any, _: Any, axis: int | None) -> Any:
    return moved / np.sqrt(np.sum(moved * moved, axis=axis, keepdims=True))


def _ascending(a: Any) -> bool:
    return bool(a.ndim == 1 and a.size > 2 and np.all(np.diff(a) > 0))


_ARRAY_KINDS = (
    _ArrayKind(_triangular, lambda m, own: np.where(own == 0, 0.0, m)),
    _ArrayKind(symmetric, lambda m, _: (m + m.T) / 2),
    _ArrayKind(lambda a: _is_square(a) and bool(np.any(a)) and _same(a, -a.T), lambda m, _: (m - m.T) / 2),
    _ArrayKind(_definite, _shrunk),
    _ArrayKind(lambda a: _is_square(a) and _same(a @ a.T, np.eye(len(a))) and not _triangular(a), _polar),
    _ArrayKind(_ascending, lambda m, _: np.sort(m)),
    *(_ArrayKind(partial(_sums, axis=axis), partial(_shares, axis=axis)) for axis in (None, 0, -1)),
    *(_ArrayKind(partial(_norms, axis=axis), partial(_units, axis=axis)) for axis in (None, 0, -1)),
)  # fmt: skip


class Structure:
    """The kinds of the arrays of a point."""

    def __init__(self, arguments: Sequence[Argument], point: Sequence[float]):
        self.arguments = arguments
        self.point = np.array(point, dtype=float)
        self.kinds = [[kind for kind in _ARRAY_KINDS if kind.holds(array)] for array in self.split(self.point)]

    def split(self, row: Any) -> list[Any]:
        """The arrays of a row of coordinates."""
        ends = np.cumsum([a.size for a in self.arguments])[:-1]
        return [part.reshape(a.shape) for part, a in zip(np.split(row, ends), self.arguments, strict=True)]

    def kept(self, row: Any) -> Any:
        """The row moved to a point of the kind of the given one; None where that is not found."""
        found = []
        for moved, own, kinds in zip(self.split(np.asarray(row)), self.split(self.point), self.kinds, strict=True):
            for kind in kinds:
                moved = kind.keep(moved, own)
            if not all(kind.holds(moved) for kind in kinds):
                return None
            found.append(np.ravel(moved))
        return np.concatenate(found) if found else np.asarray(row)


_TRIANGLE_SAID = "f reads one triangle of {}; the claim is its gradient among symmetric matrices"


def by_triangles(setting: Setting, judged: list[Judged], largest: float) -> None:
    """Judge pairs of entries together, where f has no slope in one triangle and the claim is symmetric."""
    arrays = setting.structure.split(setting.structure.point)
    first = 0
    for argument, array in zip(setting.arguments, arrays, strict=True):
        if symmetric(array):
            for pairs in _pairs(setting, first, len(array)):
                _settle_pairs(judged, pairs, _TRIANGLE_SAID.format(argument.name), largest, setting.allowed)
        first += argument.size


def _pairs(setting: Setting, first: int, n: int) -> Iterator[list[tuple[int, int]]]:
    """The components of opposite entries of a matrix whose coordinates begin at ``first``, for each output."""
    indices = [setting.task.indices[place] for place in setting.places]
    for output in {output for output, _ in indices}:
        where = {index[0]: c for c, (o, index) in enumerate(indices) if o == output and len(index) == 1}
        opposite = [(first + n * i + j, first + n * j + i) for i in range(n) for j in range(i)]
        if all(a in where and b in where for a, b in opposite):
            yield [(where[a], where[b]) for a, b in opposite]


def _settle_pairs(
    judged: list[Judged], pairs: list[tuple[int, int]], said: str, largest: float, allowed: Tolerances | None
) -> None:
    if not any(judged[c].verdict == "wrong" for pair in pairs for c in pair):
        return
    drowned = [abs(j.reference) <= j.tolerance for j in judged]
    unread = [side for side in (0, 1) if all(drowned[pair[side]] for pair in pairs)]
    sums = [_sum(judged[a], judged[b]) for a, b in pairs]
    if len(unread) != 1 or any(m is None for m in sums):
        return
    together = [settle(m, largest, allowed) for m in sums if m is not None]
    if all(j.verdict == "correct" for j in together):
        for pair, j in zip(pairs, together, strict=True):
            for c in pair:
                judged[c] = judged[c]._replace(verdict="correct", digits=j.digits, note="", convention=said)


def _sum(a: Judged, b: Judged) -> Measured | None:
    """Two opposite entries together; None where the claim is not symmetric in them."""
    terms = {name: a.terms.get(name, 0.0) + b.terms.get(name, 0.0) for name in {**a.terms, **b.terms}}
    claimed, reference = a.claimed + b.claimed, a.reference + b.reference
    if not abs(a.claimed - b.claimed) <= sum(terms.values()) + 1e-12 * abs(claimed) or np.isnan(reference):
        return None
    return Measured(a.component, claimed, reference, abs(claimed - reference), terms)

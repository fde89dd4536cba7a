"""The gradients of all formulas that f has around a point where choices tie.

Next to the point f is one smooth formula on each of finitely many sets. Clarke's gradient is the convex hull of the
gradients of those whose sets have inner points arbitrarily near (Scholtes, Introduction to Piecewise Differentiable
Equations, 2012, proposition 4.3.1). To first order each set is a cone {d: a·d > 0 for some vectors a}. If that has
inner points the formula is certain to count; if the inequalities contradict one another as they stand, not only to
first order, it does not; otherwise it may. Choices that share no input are made independently of each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from diffkit.core.program import Program
from diffkit.judging.checking.choices import (
    NO_CHANGE,
    FirstOrder,
    OpenBranch,
    OpenTest,
    TiedExtreme,
    Ties,
    Untold,
    Vector,
    total,
)
from diffkit.numbers.constants import Undecided

_MOST_FORMULAS = 256  # formulas of one group of choices
_MOST_INEQUALITIES = 400  # inequalities on the way, beyond which a contradiction is no longer looked for


class Piece(NamedTuple):
    """What one way of choosing adds to the gradient, and whether it is certain to be taken next to the point."""

    gradient: Vector
    certain: bool


class Pieces(NamedTuple):
    """Gradients around a point: the base and one piece of each group."""

    base: Vector
    groups: tuple[tuple[Piece, ...], ...]


class _Choosing(NamedTuple):
    """Choices made so far, and the inequalities under which they are."""

    chosen: dict[int, FirstOrder]
    truths: dict[int, bool]
    rows: tuple[Vector, ...] = ()
    formal: tuple[Vector, ...] = ()
    certain: bool = True

    def given(self, form: FirstOrder) -> FirstOrder:
        """A form by inputs alone."""
        return FirstOrder(self._by_inputs(form.slope, 0), self._by_inputs(form.formal, 1))

    def _by_inputs(self, part: Vector, which: int) -> Vector:
        known = [key for key in part if key in self.chosen]
        own = {key: value for key, value in part.items() if key not in self.chosen}
        return total([own, *(self.chosen[key][which] for key in known)], [1, *(part[key] for key in known)])

    def where(self, rows: Sequence[FirstOrder]) -> _Choosing | None:
        """With further inequalities, row > 0; None where they contradict."""
        slopes, formal = self.rows + tuple(r.slope for r in rows), self.formal + tuple(r.formal for r in rows)
        certain = self.certain and positive(slopes) is True
        if not certain and positive(formal) is False:
            return None
        return self._replace(rows=slopes, formal=formal, certain=certain)


def pieces(program: Program, output: int, point: Sequence[float]) -> Pieces:
    """The gradients of an output (a slot) around a point. Raises Untold where they cannot all be found."""
    try:
        ties = Ties(program, output, point)
    except (Undecided, RecursionError, OverflowError):
        raise Untold("neither balls nor exact algebra tell which of its choices tie") from None
    slope = ties.output.slope
    base = {key: value for key, value in slope.items() if key not in ties.choices}
    groups = []
    for nodes in _groups(ties):
        if any(node in slope for node in nodes):
            groups.append(_pieces(ties, nodes))
    return Pieces(base, tuple(groups))


def _groups(ties: Ties) -> list[list[int]]:
    """The choices that matter, those together that share an input or rest on one another."""
    touched: dict[int, set[int]] = {}
    stack = [key for key in ties.output.slope if key in ties.choices]
    while stack:
        slot = stack.pop()
        if slot not in touched:
            choice = ties.choices[slot]
            touched[slot] = {slot, *(ties.tests(choice.condition) if isinstance(choice, OpenBranch) else ())}
            for form in _forms(choice):
                touched[slot].update(form.slope, (key for key in form.formal if key in ties.choices))
            stack.extend(key for key in touched[slot] if key in ties.choices)
    groups: list[tuple[set[int], list[int]]] = []
    for slot, keys in touched.items():
        joined = [group for group in groups if not keys.isdisjoint(group[0])]
        groups = [group for group in groups if keys.isdisjoint(group[0])]
        groups.append((keys.union(*(k for k, _ in joined)), sorted([slot, *(s for _, nodes in joined for s in nodes)])))
    return [nodes for _, nodes in groups]


def _forms(choice: TiedExtreme | OpenTest | OpenBranch) -> tuple[FirstOrder, ...]:
    if isinstance(choice, TiedExtreme):
        return choice.options
    return (choice.margin,) if isinstance(choice, OpenTest) else (choice.yes, choice.no)


def _pieces(ties: Ties, nodes: Sequence[int]) -> tuple[Piece, ...]:
    """All ways through a group of choices, one for each gradient."""
    paths = [_Choosing({}, {})]
    for node in nodes:
        paths = [longer for path in paths for longer in _ways(ties, node, path)]
        if len(paths) > _MOST_FORMULAS:
            raise Untold(f"more than {_MOST_FORMULAS} formulas meet there")
    slope = ties.output.slope
    own = [node for node in nodes if node in slope]
    found = [(p, total([p.chosen[k].slope for k in own], [slope[k] for k in own])) for p in paths]
    certain: dict[frozenset[tuple[int, Fraction]], bool] = {}
    for path, gradient in found:
        key = frozenset(gradient.items())
        certain[key] = certain.get(key, False) or path.certain
    return tuple(Piece(dict(key), sure or len(certain) == 1) for key, sure in certain.items())


def _ways(ties: Ties, slot: int, path: _Choosing) -> Iterator[_Choosing]:
    """Each way of making one more choice."""
    choice = ties.choices[slot]
    if isinstance(choice, OpenBranch):
        _check_joined(ties, choice, path)
        form = choice.yes if ties.holds(choice.condition, path.truths) else choice.no
        yield path._replace(chosen={**path.chosen, slot: path.given(form)})
    elif isinstance(choice, OpenTest):
        margin = path.given(choice.margin)
        for sign in (1, -1) if margin.slope else (0,) if not margin.formal else (1, -1, 0):
            truth = bool(choice.primitive.floats(sign, 0))  # type: ignore[misc]
            longer = path.where([NO_CHANGE.plus(margin, sign)]) if margin.slope else path
            if longer is not None:
                certain = longer.certain and bool(margin.slope or not margin.formal)
                yield longer._replace(truths={**path.truths, slot: truth}, certain=certain)
    else:
        alike: dict[frozenset[tuple[int, Fraction]], list[FirstOrder]] = {}
        for option in map(path.given, choice.options):
            same = alike.setdefault(frozenset(option.slope.items()), [])
            if option not in same:
                same.append(option)
        for taken in alike.values():
            rows = [_above(taken, other, choice.sense) for other in alike.values() if other is not taken]
            longer = path.where(rows)
            if longer is not None:
                yield longer._replace(chosen={**path.chosen, slot: taken[0]})


def _above(taken: Sequence[FirstOrder], other: Sequence[FirstOrder], sense: int) -> FirstOrder:
    """Taken − other, for options with the same slope each; beyond first order only where there is one of each."""
    row = NO_CHANGE.plus(taken[0], sense).plus(other[0], -sense)
    return row if len(taken) == len(other) == 1 else row._replace(formal={-1: Fraction(1)})


def _check_joined(ties: Ties, branch: OpenBranch, path: _Choosing) -> None:
    """Untold unless the sides of a branch have, to first order, the same values where one comparison turns it."""
    apart = path.given(branch.yes).plus(path.given(branch.no), -1).slope
    here = ties.holds(branch.condition, path.truths)
    for slot in ties.tests(branch.condition):
        test = ties.choices[slot]
        assert isinstance(test, OpenTest)
        wall = path.given(test.margin)
        turned = ties.holds(branch.condition, {**path.truths, slot: not path.truths[slot]}) != here
        if not turned or not (wall.slope or wall.formal) or not _on(wall.slope, apart):
            continue
        others = [row for row in (_on(wall.slope, row) for row in path.rows) if row]
        if positive(others) is not False:
            raise Untold("the two sides of a choice do not meet")


def _on(wall: Vector, vector: Vector) -> Vector:
    """A vector as a linear function on the plane d·wall = 0, by the other inputs."""
    if not wall:
        return vector
    key = min(wall)
    return total([vector, wall], [1, -vector.get(key, Fraction(0)) / wall[key]])


def positive(rows: Sequence[Vector]) -> bool | None:
    """Whether some d has row·d > 0 for all rows, by Fourier–Motzkin elimination; None where that takes too long."""
    left = list(rows)
    while left:
        if not all(left):
            return False  # 0 > 0
        above: dict[int, int] = {}
        below: dict[int, int] = {}
        for row in left:
            for key, value in row.items():
                side = above if value > 0 else below
                side[key] = side.get(key, 0) + 1
        column = min({*above, *below}, key=lambda key: above.get(key, 0) * below.get(key, 0))
        if above.get(column, 0) * below.get(column, 0) > _MOST_INEQUALITIES:
            return None
        up = [row for row in left if row.get(column, 0) > 0]
        down = [row for row in left if row.get(column, 0) < 0]
        combined = [total([p, n], [1 / p[column], -1 / n[column]]) for p in up for n in down]
        left = [row for row in left if column not in row]
        left += [row for row in combined if row not in left]
        if len(left) > _MOST_INEQUALITIES:
            return None
    return True

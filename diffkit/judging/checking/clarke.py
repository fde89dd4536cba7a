"""Whether a whole vector is an element of Clarke's gradient: each of its entries may be, and the vector not.

Clarke's gradient is the convex hull of the limits of gradients at points beside (Clarke, Optimization and Nonsmooth
Analysis, 1983, theorem 2.5.1): at a tie of max(x, y) it holds (t, 1 − t), but not (1, 1). Where the formula of f is
known, so are these limits: a claim is a mixture of them, or some direction d tells it from all of them. Otherwise
gradients at random points beside stand for them, and only a mixture decides anything.

Next to the point f is one smooth formula on each of finitely many sets. Clarke's gradient is the convex hull of the
gradients of those whose sets have inner points arbitrarily near (Scholtes, Introduction to Piecewise Differentiable
Equations, 2012, proposition 4.3.1). To first order each set is a cone {d: a·d > 0 for some vectors a}. If that has
inner points the formula is certain to count; if the inequalities contradict one another as they stand, not only to
first order, it does not; otherwise it may. Choices that share no input are made independently of each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.core.errors import TracingError
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
from diffkit.judging.checking.outcome import DirectionWitness, Judged
from diffkit.judging.checking.reference import CheckedFunction, Truth
from diffkit.numbers.constants import Undecided

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting


_DISTANCE_BESIDE = 2.0**-20  # of the points beside, in proportion
_GRADIENT_CHANGE = 1e-3  # of the largest gradient beside: what a gradient may change over that distance
_SAMPLES_BASE, _SAMPLES_EACH = 16, 8  # points beside: so many, and so many more for each entry at a kink
_MOST_KINKS = 64  # entries at kinks up to which gradients beside are gathered
_MIXTURE_ROUNDING = 1e-12  # of the gradients: what solving for the weights of a mixture is good for
_CLEARLY = 3  # times its uncertainty, by which a claim must differ along a direction
_DIRECTION_STEPS = (1, 12, 1000, 2**40)  # fractions that a direction is rounded to, the simplest first
_MIXED = "f has no gradient there; the claim is a mixture of the gradients around the point"
_NO_MIXTURE = (
    "each entry lies between its slopes, but together they are no mixture of the gradients seen around the point"
)


def mixtures(setting: Setting, point: Sequence[float], truth: Truth, judged: list[Judged]) -> None:
    """Judge the gradients of a claim as whole vectors, where f is not smooth at the point."""
    if not truth.odd:
        return
    indices = [setting.task.indices[place] for place in setting.places]
    for output in {output for output, index in indices}:
        rows = {index[0]: k for k, (o, index) in enumerate(indices) if o == output and len(index) == 1}
        whole = len(rows) > 1 and all(math.isfinite(judged[k].claimed) for k in rows.values())
        if whole and any(judged[k].convention or judged[k].verdict == "wrong" for k in rows.values()):
            untold = _settled(setting.subject, output, point, rows, judged)
            kinks = [k for k in rows.values() if judged[k].convention]
            if untold and len(kinks) > 1 and all(judged[k].verdict != "wrong" for k in rows.values()):
                _by_points(setting, point, judged, kinks, untold)


def _settled(
    subject: CheckedFunction, output: int, point: Sequence[float], rows: dict[int, int], judged: list[Judged]
) -> str:
    """Settle the entries of one output by the formulas around the point; otherwise say what is not decided."""
    try:
        return _by_formulas(_pieces(subject, output, point), rows, judged, subject.task.variables)
    except Untold as reason:
        return str(reason)


def _by_points(
    setting: Setting, point: Sequence[float], judged: list[Judged], kinks: Sequence[int], untold: str
) -> None:
    """Entries at kinks that are no mixture of the gradients seen beside the point are not decided."""
    claimed = [judged[k].claimed for k in kinks]
    if len(kinks) <= _MOST_KINKS and _is_mixture(setting, [setting.places[k] for k in kinks], point, claimed):
        return
    note = f"{_NO_MIXTURE}; whether there are others is not known: {untold}"
    for k in kinks:
        judged[k] = judged[k]._replace(
            verdict="inconclusive", reference=math.nan, error=math.nan, note=note, convention=""
        )


def _pieces(subject: CheckedFunction, output: int, point: Sequence[float]) -> _Pieces:
    program = subject.program
    if program is None:
        raise Untold(subject.reason)
    try:
        subject.task.source.check_formula(point)
    except TracingError as error:
        raise Untold(error.reason) from None
    return _pieces_around(program, program.outputs[output], point)


def _by_formulas(around: _Pieces, rows: dict[int, int], judged: list[Judged], names: Sequence[str]) -> str:
    """Settle the entries by all gradients around the point; otherwise say what is not decided."""
    untold = ""
    for group in around.groups:  # they share no input, so that each has entries of its own
        moving = {i: k for i, k in rows.items() if len({piece.gradient.get(i, 0) for piece in group}) > 1}
        if moving:
            untold = _by_group(around.base, group, moving, judged, names) or untold
    return untold


def _by_group(
    base: Vector, group: Sequence[_Piece], moving: dict[int, int], judged: list[Judged], names: Sequence[str]
) -> str:
    claimed = {i: Fraction(judged[k].claimed) for i, k in moving.items()}
    slack = {i: judged[k].tolerance + 4 * math.ulp(judged[k].claimed) for i, k in moving.items()}
    gradients = [total([base, piece.gradient], [1, 1]) for piece in group]
    held, direction = _mixed(gradients, claimed, slack)
    if held:
        sure = [gradient for gradient, piece in zip(gradients, group, strict=True) if piece.certain]
        if not sure or not _mixed(sure, claimed, slack)[0]:
            return "to first order it is not decided which of its formulas are taken around the point"
        for k in moving.values():
            if judged[k].verdict != "correct":
                judged[k] = judged[k]._replace(verdict="correct", reference=judged[k].claimed, error=0.0, note="",
                                               convention=_MIXED)  # fmt: skip
        return ""
    if any(judged[k].verdict == "wrong" for k in moving.values()):
        return ""  # an entry says so already
    witness = _witness(gradients, claimed, slack, direction, names)
    if witness is None:
        return "the claim lies just outside of them"
    for i, k in moving.items():
        if witness.direction[names[i]]:
            judged[k] = judged[k]._replace(verdict="wrong", reference=math.nan, error=math.nan, note=str(witness),
                                           convention="", witness=witness)  # fmt: skip
    return ""


def _mixed(gradients: Sequence[Vector], claimed: Vector, slack: dict[int, float]) -> tuple[bool, dict[int, float]]:
    """Whether a claim is a mixture of gradients; and the direction from the nearest one to it.

    The residual of non-negative least squares is at an acute angle to no column (the Karush–Kuhn–Tucker conditions).
    """
    from scipy.optimize import nnls

    values = np.array([[float(gradient.get(i, 0)) for gradient in gradients] for i in claimed])
    right = np.array([float(value) for value in claimed.values()])
    size = np.max(np.abs(values), axis=1)
    size[size == 0] = 1.0
    matrix = np.vstack([values / size[:, None], np.ones(len(gradients))])
    target = np.append(right / size, 1.0)
    weights, _ = nnls(matrix, target)
    apart = np.abs(right - values @ weights / max(np.sum(weights), _MIXTURE_ROUNDING))
    held = bool(np.all(apart <= np.array([slack[i] for i in claimed]) + _MIXTURE_ROUNDING * size))
    direction = (target - matrix @ weights)[:-1] / size
    return held, dict(zip(claimed, direction.tolist(), strict=True))


def _witness(
    gradients: Sequence[Vector], claimed: Vector, slack: dict[int, float], direction: dict[int, float],
    names: Sequence[str],
) -> DirectionWitness | None:  # fmt: skip
    """The simplest direction along which the claim is none of the slopes around the point; None if there is none."""
    largest = max(direction.values(), key=abs)
    for step in _DIRECTION_STEPS if largest else ():
        d = {i: Fraction(round(v / largest * step), step) for i, v in direction.items()}
        value, *slopes = (sum((d[i] * g.get(i, 0) for i in d), Fraction(0)) for g in (claimed, *gradients))
        uncertain = sum(abs(float(d[i])) * slack[i] for i in d)
        if max(value - max(slopes), min(slopes) - value) > _CLEARLY * uncertain:
            named = {name: float(d.get(i, 0)) for i, name in enumerate(names)}
            return DirectionWitness(named, float(value), float(min(slopes)), float(max(slopes)))
    return None


def _is_mixture(setting: Setting, places: Sequence[int], point: Sequence[float], claimed: Any) -> bool:
    base = np.array(point, dtype=float)
    scale = _DISTANCE_BESIDE * np.where(base == 0, 1.0, np.abs(base))
    rows = []
    for _ in range(_SAMPLES_BASE + _SAMPLES_EACH * len(places)):
        truth = setting.subject.at(tuple((base + scale * setting.rng.uniform(-1, 1, len(base))).tolist()))
        if all(place not in truth.odd or truth.odd[place].status == "ok" for place in places):
            rows.append([truth.values[place] for place in places])
    if not rows:
        return False
    from scipy.optimize import nnls

    beside = np.array(rows)
    size = float(np.max(np.abs(beside))) or 1.0
    matrix, target = np.vstack([beside.T, np.full(len(rows), size)]), np.append(claimed, size)  # weights add up to 1
    weights, _ = nnls(matrix, target)
    apart = np.linalg.norm(matrix @ weights - target)  # SciPy 1.15 gives residuals that are too small
    return bool(np.all(weights >= 0) and apart <= _GRADIENT_CHANGE * size)


# The gradients of all formulas around a point ------------------------------------------------------------------------

_MOST_FORMULAS = 256  # formulas of one group of choices
_MOST_INEQUALITIES = 400  # inequalities on the way, beyond which a contradiction is no longer looked for


class _Piece(NamedTuple):
    """What one way of choosing adds to the gradient, and whether it is certain to be taken next to the point."""

    gradient: Vector
    certain: bool


class _Pieces(NamedTuple):
    """Gradients around a point: the base and one piece of each group."""

    base: Vector
    groups: tuple[tuple[_Piece, ...], ...]


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
        certain = self.certain and _positive(slopes) is True
        if not certain and _positive(formal) is False:
            return None
        return self._replace(rows=slopes, formal=formal, certain=certain)


def _pieces_around(program: Program, output: int, point: Sequence[float]) -> _Pieces:
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
            groups.append(_pieces_of_group(ties, nodes))
    return _Pieces(base, tuple(groups))


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


def _pieces_of_group(ties: Ties, nodes: Sequence[int]) -> tuple[_Piece, ...]:
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
    return tuple(_Piece(dict(key), sure or len(certain) == 1) for key, sure in certain.items())


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
        if _positive(others) is not False:
            raise Untold("the two sides of a choice do not meet")


def _on(wall: Vector, vector: Vector) -> Vector:
    """A vector as a linear function on the plane d·wall = 0, by the other inputs."""
    if not wall:
        return vector
    key = min(wall)
    return total([vector, wall], [1, -vector.get(key, Fraction(0)) / wall[key]])


def _positive(rows: Sequence[Vector]) -> bool | None:
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

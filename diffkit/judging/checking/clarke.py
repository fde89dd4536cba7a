"""Whether a whole vector is an element of Clarke's gradient: each of its entries may be, and the vector not.

Clarke's gradient is the convex hull of the limits of gradients at points beside (Clarke, Optimization and Nonsmooth
Analysis, 1983, theorem 2.5.1): at a tie of max(x, y) it holds (t, 1 − t), but not (1, 1). Where the formula of f is
known, so are these limits (``diffkit.judging.checking.piece_gradients``): a claim is a mixture of them, or some
direction d tells it from all of them. Otherwise gradients at random points beside stand for them, and only a mixture
decides anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.judging.checking.choices import Untold, Vector, total
from diffkit.judging.checking.outcome import DirectionWitness, Judged
from diffkit.judging.checking.piece_gradients import Piece, Pieces, pieces
from diffkit.judging.checking.reference import CheckedFunction, Truth

_DISTANCE_BESIDE = 2.0**-20  # of the points beside, in proportion
_GRADIENT_CHANGE = 1e-3  # of the largest gradient beside: what a gradient may change over that distance
_SAMPLES_BASE, _SAMPLES_EACH = 16, 8  # points beside: so many, and so many more for each entry at a kink
_MOST_KINKS = 64  # entries at kinks up to which gradients beside are gathered
_MIXTURE_ROUNDING = 1e-12  # of the gradients: what solving for the weights of a mixture is good for
_CLEARLY = 3  # times its uncertainty, by which a claim must differ along a direction
_DIRECTION_STEPS = (1, 12, 1000, 2**40)  # fractions that a direction is rounded to, the simplest first
_MIXED = "f has no gradient there; the claim is a mixture of the gradients around the point"
_OUTSIDE_MIXTURES = (
    "each entry lies between its slopes, but together they are no mixture of the gradients seen around the point"
)


def mixtures(
    subject: CheckedFunction,
    places: Sequence[int],
    point: Sequence[float],
    judged: list[Judged],
    truth: Truth,
    rng: Any,
) -> None:
    """Judge the gradients of a claim as whole vectors, where f is not smooth at the point."""
    if not truth.odd:
        return
    indices = [subject.task.indices[place] for place in places]
    for output in {output for output, index in indices}:
        rows = {index[0]: k for k, (o, index) in enumerate(indices) if o == output and len(index) == 1}
        whole = len(rows) > 1 and all(math.isfinite(judged[k].claimed) for k in rows.values())
        if whole and any(judged[k].convention or judged[k].verdict == "wrong" for k in rows.values()):
            untold = _settled(subject, output, point, rows, judged)
            kinks = [k for k in rows.values() if judged[k].convention]
            if untold and len(kinks) > 1 and all(judged[k].verdict != "wrong" for k in rows.values()):
                _by_points(subject, places, point, judged, kinks, untold, rng)


def _settled(
    subject: CheckedFunction, output: int, point: Sequence[float], rows: dict[int, int], judged: list[Judged]
) -> str:
    """Settle the entries of one output by the formulas around the point; otherwise say what is not decided."""
    try:
        return _by_formulas(_pieces(subject, output, point), rows, judged, subject.task.variables)
    except Untold as reason:
        return str(reason)


def _by_points(
    subject: CheckedFunction, places: Sequence[int], point: Sequence[float], judged: list[Judged], kinks: Sequence[int],
    untold: str, rng: Any,
) -> None:  # fmt: skip
    """Entries at kinks that are no mixture of the gradients seen beside the point are not decided."""
    claimed = [judged[k].claimed for k in kinks]
    if len(kinks) <= _MOST_KINKS and _is_mixture(subject, [places[k] for k in kinks], point, claimed, rng):
        return
    note = f"{_OUTSIDE_MIXTURES}; whether there are others is not known: {untold}"
    for k in kinks:
        judged[k] = judged[k]._replace(
            verdict="inconclusive", reference=math.nan, error=math.nan, note=note, convention=""
        )


def _pieces(subject: CheckedFunction, output: int, point: Sequence[float]) -> Pieces:
    program = subject.program
    if program is None:
        raise Untold(subject.reason)
    try:
        subject.task.source.check_formula(point)
    except TracingError as error:
        raise Untold(error.reason) from None
    return pieces(program, program.outputs[output], point)


def _by_formulas(around: Pieces, rows: dict[int, int], judged: list[Judged], names: Sequence[str]) -> str:
    """Settle the entries by all gradients around the point; otherwise say what is not decided."""
    untold = ""
    for group in around.groups:  # they share no input, so that each has entries of its own
        moving = {i: k for i, k in rows.items() if len({piece.gradient.get(i, 0) for piece in group}) > 1}
        if moving:
            untold = _by_group(around.base, group, moving, judged, names) or untold
    return untold


def _by_group(
    base: Vector, group: Sequence[Piece], moving: dict[int, int], judged: list[Judged], names: Sequence[str]
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


def _is_mixture(
    subject: CheckedFunction, places: Sequence[int], point: Sequence[float], claimed: Any, rng: Any
) -> bool:
    base = np.array(point, dtype=float)
    scale = _DISTANCE_BESIDE * np.where(base == 0, 1.0, np.abs(base))
    rows = []
    for _ in range(_SAMPLES_BASE + _SAMPLES_EACH * len(places)):
        truth = subject.at(tuple((base + scale * rng.uniform(-1, 1, len(base))).tolist()))
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

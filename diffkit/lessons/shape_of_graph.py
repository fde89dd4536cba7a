"""What the derivatives at a point say of the graph: does it rise, how steeply, how does it curve, what turns there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diffkit.asking.tasks import hessian_task, taylor_task
from diffkit.core.program import Program
from diffkit.lessons.shown_numbers import Number, proven

SEARCHED_ORDER = 10  # order up to which a derivative that is not zero is looked for
SIGN_TEXT = {1: "> 0", -1: "< 0", 0: "= 0"}
SIGN_UNDECIDED = "is not told from zero"
UNKNOWN = (
    "the Hessian does not tell what kind of point it is, for it is singular, or nearly so; diffkit stationary looks "
    "further, in a box around the point"
)


def of_curve(program: Program, point: Sequence[float], place: int, slope: Number, second: Number) -> list[str]:
    """Say what f′ and f″ along one input mean, in sentences; at a stationary point also what kind it is."""
    name = program.inputs[place]
    found = _of_slope(name, slope)
    if slope.sign == 0:
        found.append(_turning(program, point, place))
    found += _of_curvature(second, slope.sign == 0)
    if _is_rounded(point[place], slope, second):
        found.append(
            f"f′ would be 0 about {abs(slope.value / second.value):.3g} from here, and no binary64 is nearer to that "
            "place: the point may be a stationary one, rounded"
        )
    return found


def _is_rounded(x: float, slope: Number, second: Number) -> bool:
    """Whether a step of Newton's method for f′ = 0 is shorter than the rounding of the point."""
    return 0 < abs(slope.value) <= math.ulp(x) / 2 * abs(second.value)


def _of_slope(name: str, slope: Number) -> list[str]:
    sign = slope.sign
    if sign is None:
        return [f"f′ {SIGN_UNDECIDED}: whether f rises or falls is not decided"]
    if sign == 0:
        return ["f′ = 0: the point is stationary, the tangent is horizontal"]
    angle = abs(math.degrees(math.atan(slope.value)))
    size = abs(slope.value)
    steep = "steep" if size > 1 else "gentle" if size < 1 else "as steep as a diagonal"
    word, moves = ("rising", "grows") if sign > 0 else ("falling", "falls")
    return [
        f"f′ {SIGN_TEXT[sign]}: f is {word}; a small step δ in {name} changes it by about {slope.text}·δ",
        f"|f′| {'>' if size > 1 else '<' if size < 1 else '='} 1: the graph is {steep}; it {moves} at an angle of "
        f"{f'{angle:.3g}' if angle else 'less than 1e-300'}° where both axes have one scale",
    ]


def _of_curvature(second: Number, stationary: bool) -> list[str]:
    if math.isnan(second.value):
        return ["f″ does not exist here, or is not known: the quadratic model has no meaning"]
    if second.sign is None:
        return [f"f″ {SIGN_UNDECIDED}"]
    if second.sign == 0:
        return ["f″ = 0: the slope itself is not changing here, and the quadratic model is the line"]
    way, side = ("upwards (convex)", "above") if second.sign > 0 else ("downwards (concave)", "below")
    change = "grows" if second.sign > 0 else "falls"
    flat = "" if stationary else f", by about {second.text.removeprefix('-')} per unit"
    return [
        f"f″ {SIGN_TEXT[second.sign]}: the graph curves {way}: its slope {change}{flat}, and it lies {side} the tangent"
    ]


def _turning(program: Program, point: Sequence[float], place: int) -> str:
    """Minimum, maximum or inflection, by the first derivative that is not zero."""
    task = taylor_task(program, SEARCHED_ORDER, program.inputs[place])
    numbers, _ = proven(task, point)
    for order, coefficient in enumerate(numbers[2:], 2):
        sign = coefficient.sign
        if sign is None:
            return "what kind of stationary point it is, is not decided"
        if sign:
            which = f"the first derivative that is not zero is the {ordinal(order)}, {SIGN_TEXT[sign]}"
            if order % 2:
                return f"an inflection point: {which}, and its order is odd"
            return f"a local {'minimum' if sign > 0 else 'maximum'}: {which}, and its order is even"
    return f"all derivatives up to the {ordinal(SEARCHED_ORDER)} are zero: they do not tell what kind of point it is"


def ordinal(order: int) -> str:
    """Give 2nd, 3rd, 4th."""
    return f"{order}{ {2: 'nd', 3: 'rd'}.get(order, 'th') }".replace(" ", "")


def of_surface(program: Program, point: Sequence[float], slopes: Sequence[Number]) -> list[str]:
    """Say what the gradient means; at a stationary point what the Hessian says of it."""
    signs = [slope.sign for slope in slopes]
    if any(sign is None for sign in signs):
        return ["a partial derivative is not told from zero"]
    if any(signs):
        rising = [n for n, sign in zip(program.inputs, signs, strict=True) if sign == 1]
        falling = [n for n, sign in zip(program.inputs, signs, strict=True) if sign == -1]
        still = [n for n, sign in zip(program.inputs, signs, strict=True) if sign == 0]
        parts = [
            f"{word} {', '.join(names)}"
            for word, names in (("rises with", rising), ("falls with", falling), ("is stationary along", still))
            if names
        ]
        return ["f " + ", ".join(parts)]
    return ["∇f = 0: the point is stationary, the tangent plane is level", _by_hessian(program, point)]


def _by_hessian(program: Program, point: Sequence[float]) -> str:
    task = hessian_task(program)
    numbers, odd = proven(task, point)
    if any(odd):
        return "the second derivatives do not exist here, or are not known"
    size = len(program.inputs)
    matrix = [[numbers[task.places[i * size + j]].ball for j in range(size)] for i in range(size)]
    kind = definiteness(matrix)
    words = {
        "positive": "a local minimum: the Hessian is positive definite",
        "negative": "a local maximum: the Hessian is negative definite",
        "indefinite": "a saddle point: the Hessian has positive and negative eigenvalues",
    }
    return words.get(kind, UNKNOWN)


def definiteness(matrix: Sequence[Sequence[Any]]) -> str:
    """positive, negative or indefinite where that is proven of a symmetric matrix of balls, else nothing.

    Indefinite if the diagonal has both signs or a 2×2 principal minor is negative; otherwise by the pivots of
    elimination, which have the signs of the eigenvalues (Sylvester's law of inertia).
    """
    size = range(len(matrix))
    diagonal = [matrix[i][i] for i in size]
    if any(d > 0 for d in diagonal) and any(d < 0 for d in diagonal):
        return "indefinite"
    if any(matrix[i][i] * matrix[j][j] - matrix[i][j] * matrix[i][j] < 0 for i in size for j in size if i < j):
        return "indefinite"
    rows = [list(row) for row in matrix]
    signs = []
    for k in size:
        pivot = rows[k][k]
        if not (pivot > 0 or pivot < 0):
            return ""
        signs.append(bool(pivot > 0))
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return "positive" if all(signs) else "indefinite" if any(signs) else "negative"

"""How a path ended, in the light of the curvature there: at a minimum, on a plateau, bouncing, running away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.lessons.gradient_descent.convexity import NO_MINIMUM, Rest, at_rest
from diffkit.lessons.gradient_descent.hessians import Hessians
from diffkit.lessons.gradient_descent.walk import FAR, Path, Status

if TYPE_CHECKING:
    from diffkit.lessons.gradient_descent.descent import Descent

REACHED = 1e-3  # distance to a minimum, in sizes of x, that a small gradient may leave
ROUNDED = 1e-7  # the same where rounding ends the steps: little more than √ε
FEW = 20  # kept points below which progress is not judged
NO_GAIN = 1e-12  # relative progress of half the steps that counts as none
MOSTLY = 0.9  # part of the steps in which a gradient that runs away has grown
ENDINGS = {
    "stagnated": "stagnated: no progress, and no sign of a minimum",
    "diverged": "diverged",
    "left the domain": "left the domain of f",
    "steps used up": "steps used up before the gradient was within the tolerance",
    "interrupted": "interrupted; this is the path so far",
    "out of time": "out of time; this is the path so far",
}
AT_REST: dict[Rest, str] = {
    "minimum": "at a minimum as far as the curvature tells",
    "changing": "but the curvature changes too much close by to tell a minimum",
    "singular": "but the Hessian is singular there and does not tell whether this is a minimum",
    "extremes": "and no eigenvalue of the Hessian that Lanczos steps found is negative; not all were looked at",
    "unknown": "but there is no Hessian there, and whether this is a minimum was not looked at",
}


def in_words(descent: Descent) -> str:
    """The status as a sentence."""
    if descent.status != "converged":
        return ENDINGS[descent.status]
    small = math.sqrt(descent.path.gradients[-1] @ descent.path.gradients[-1]) <= descent.settings.tolerance
    met = "the gradient is within the tolerance" if small else "the steps are down to rounding"
    return f"converged: {met}, {AT_REST[at_rest(descent.hessians, descent.path)]}"


def judged(status: Status, hessians: Hessians, path: Path, norms: Sequence[float], of_batches: bool) -> Status:
    """The status in the light of the curvature at the end, and of what half the steps gained."""
    if status == "steps used up":
        status = _after_all_steps(path, norms, of_batches)
        if status != "stagnated" or of_batches:
            return status
        return "converged" if _settled(hessians, path, ROUNDED) else "stagnated"
    if status in ("converged", "stagnated"):
        return "converged" if _settled(hessians, path, REACHED if status == "converged" else ROUNDED) else "stagnated"
    return status


def _after_all_steps(path: Path, norms: Sequence[float], of_batches: bool) -> Status:
    values = path.values
    if not of_batches and _runs_away(norms) and (values[-1] > values[0] or norms[-1] > FAR * max(1.0, norms[0])):
        return "diverged"
    if len(values) < FEW:
        return "steps used up"
    if of_batches:
        third, last = np.array_split(values, 4)[2:]
        return "stagnated" if np.median(third) - np.median(last) < np.std(last) / 2 else "steps used up"
    first, second = np.array_split(values, 2)
    gained = np.min(first) - np.min(second)
    return "stagnated" if gained <= NO_GAIN * abs(np.min(first)) else "steps used up"


def _runs_away(norms: Sequence[float]) -> bool:
    """Whether the gradient has grown, and did so in nearly every pair of the later steps (single ones may alternate).

    A rate that is too large for a bounded f makes gradients jump up and down instead.
    """
    sizes: Any = np.asarray(norms)
    grown = (sizes[2:] > sizes[:-2])[max(0, len(sizes) - 2) // 2 :]
    return len(grown) > 0 and bool(sizes[-1] > sizes[0]) and float(np.mean(grown)) >= MOSTLY


def _settled(hessians: Hessians, path: Path, near: float) -> bool:
    """Whether nothing in first and second derivatives speaks against a minimum close to the last point."""
    rest = at_rest(hessians, path)
    if rest in NO_MINIMUM:
        return False
    return rest == "unknown" or remaining(hessians, path) <= near * (1 + float(np.linalg.norm(path.points[-1])))


def on_top(hessians: Hessians, path: Path) -> bool:
    """Whether f falls away from the last point by its curvature, rather than by the slope that is left.

    The slope along a direction that bends upwards does not count where Newton's step is short.
    """
    point, gradient = path.points[-1], path.gradients[-1]
    curvature = hessians.at(point)
    if curvature.shape not in ("saddle", "concave"):
        return False
    near = REACHED * (1 + float(np.linalg.norm(point)))
    if float(np.linalg.norm(gradient)) <= near * abs(curvature.smallest):
        return True
    return bool(np.linalg.norm(hessians.newton(point, gradient)) <= near)


def remaining(hessians: Hessians, path: Path) -> float:
    """How far a minimum is at least, if f keeps its curvature: ‖g‖ / c with c = gᵀHg/gᵀg, infinite where c ≤ 0.

    Newton's step is longer where a part of the gradient lies along a direction that bends less, and then it counts.
    """
    gradient = path.gradients[-1]
    norm = float(np.linalg.norm(gradient))
    if norm == 0:
        return 0.0
    bend = float(hessians.times(path.points[-1], gradient) @ gradient) / norm**2
    along = norm / bend if bend > 0 else math.inf
    return float(np.fmax(along, hessians.newton_length(path.points[-1], gradient)))

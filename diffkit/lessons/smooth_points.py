"""Points for property tests: a strategy of Hypothesis that keeps off kinks, jumps, poles and edges of the domain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffkit.core.program import Program

_FIRST_TRIED = 200  # random points among which one must be usable, or there is an error at once


def points(
    f: Any, low: float = -10, high: float = 10, *, at: Any = None, margin: float = 1e-3, variables: Any = None,
    args: Any = (),
) -> Any:  # fmt: skip
    """Give a strategy of Hypothesis for points off kinks: f is smooth in all of Π [xᵢ − margin, xᵢ + margin].

    That is proven, by enclosing over the box what is 0 at a kink, a jump, a pole or an edge of the domain, so a point
    that is drawn has a derivative, and no difference quotient of a step below ``margin`` crosses a place without one.
    Coordinates lie in [low, high]. The point of an expression is a dict of its variables. Code is recorded at ``at``,
    a point of any value, and the points have its form (a number, an array of that shape, a list or a dict of these).

    Raises PointError if no usable point is found, TracingError if code cannot be recorded; ImportError without
    Hypothesis, which is imported here.
    """
    from random import Random

    from hypothesis import strategies

    from diffkit.core.errors import PointError

    if not (low < high and margin >= 0):
        raise PointError(f"points lie between low < high, off kinks by margin ≥ 0, not {low}, {high} and {margin}")
    program = _program_of(f, at, variables, args)
    usable, draw = partial(_is_smooth, _runners(program), margin), Random(0)
    if not any(usable([draw.uniform(low, high) for _ in program.inputs]) for _ in range(_FIRST_TRIED)):
        raise PointError(f"no point in {low:g}:{high:g} was found around which f is smooth", hint="give low= and high=")
    rows = strategies.tuples(*(strategies.floats(low, high) for _ in program.inputs)).filter(usable)
    form = dict.fromkeys(program.inputs, 0.0) if at is None else at
    return rows.map(lambda row: _in_form(form, dict(zip(program.inputs, row, strict=True))))


def _program_of(f: Any, at: Any, variables: Any, args: Any) -> Program:
    from diffkit.asking.expressions import as_list, is_function, read_joint
    from diffkit.asking.questions import ask
    from diffkit.core.errors import PointError

    if not is_function(f):
        return read_joint(as_list(f), variables).of_one(variables).program
    if at is None:
        raise PointError("points of code have the form of one that is given", hint="add at=, such as at=np.zeros(3)")
    return ask(f, "jacobian", at, variables, args).task.program


def _runners(program: Program) -> tuple[Any, Any]:
    """What encloses f and says where boxes stand."""
    from diffkit.lessons.stationary_points.boxes import HullRunner, Surface

    return HullRunner(program), Surface(program)


def _is_smooth(runners: tuple[Any, Any], margin: float, row: Sequence[float]) -> bool:
    """Whether f is proven to be smooth around a point, and finite in binary64."""
    from diffkit.core.limits import SEARCH_BITS
    from diffkit.lessons.stationary_points.boxes import balls
    from diffkit.numbers.balls import precision

    values, surface = runners
    with precision(SEARCH_BITS):
        box = balls(tuple((x - margin, x + margin) for x in row))
        bounds = (value.abs_upper() for value in values(SEARCH_BITS, box))
        return surface.standing(box).smooth and all(bound < sys.float_info.max for bound in bounds)


def _in_form(form: Any, numbers: dict[str, float]) -> Any:
    """Numbers by their labels, as a point of the same form; those of a dict go by name, others in their order."""
    import numpy as np

    from diffkit.asking.callables.function import Argument

    if isinstance(form, dict):
        labels = {name: list(Argument(name, np.shape(value)).labels()) for name, value in form.items()}
        return {name: _in_form(form[name], {key: numbers[key] for key in labels[name]}) for name in form}
    if isinstance(form, (list, tuple)) and any(map(np.ndim, form)):
        rest = iter(numbers.items())
        return [_in_form(part, dict(islice(rest, np.size(part)))) for part in form]
    values = np.array(list(numbers.values())).reshape(np.shape(form))
    return values if isinstance(form, np.ndarray) else values.tolist()

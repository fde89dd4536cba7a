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
    """Give a strategy of Hypothesis for points around which f is smooth.

    It is so in all of Π [xᵢ − margin, xᵢ + margin]. That is proven, by
    enclosing over the box what is 0 at a kink, a jump, a pole or an edge of the
    domain, so a point that is drawn has a derivative, and no difference
    quotient of a step below ``margin`` crosses a place without one.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function.
    low, high : float, default -10, 10
        Between which coordinates lie.
    at : number, array, list or mapping, optional
        A point of any value at which code is recorded. The points have its
        form; those of an expression are mappings.
    margin : float, default 1e-3
        How far a kink is at least.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Points.

    Raises
    ------
    PointError
        If no usable point is found.
    TracingError
        If code cannot be recorded.
    ImportError
        Without Hypothesis.

    Examples
    --------
    >>> from diffkit.testing import points
    >>> drawn = points("abs(x)", -1, 1, margin=0.1)
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

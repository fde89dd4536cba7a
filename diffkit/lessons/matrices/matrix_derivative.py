"""The derivative of an array expression of any size, shown only after it has passed its check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from diffkit.core.deadline import TimeIsUp
from diffkit.core.errors import FormError, VariableError, did_you_mean
from diffkit.core.surroundings import undisturbed
from diffkit.core.text.names import Name, as_name
from diffkit.core.workers import timed
from diffkit.lessons.matrices.algebra import Algebra
from diffkit.lessons.matrices.ball_agreement import Claim
from diffkit.lessons.matrices.caveats import kinks
from diffkit.lessons.matrices.display import finished
from diffkit.lessons.matrices.gradients import derivative, simplified
from diffkit.lessons.matrices.nodes import Node
from diffkit.lessons.matrices.problem import Problem, read_problem
from diffkit.lessons.matrices.shapes import Length, Shape, said
from diffkit.lessons.matrices.trials import CLOSE, TRIALS, apart, tried, usable_trials, value_of


@dataclass(frozen=True)
class MatrixDerivative:
    """A derivative by one name, for any size.

    ``formula`` is text of the array language; ``transposed`` the same in the other layout, of a Jacobian;
    ``layout`` says what the entries are. ``shape`` is the formula's. ``trials`` counts the random shapes on which
    it equals dual numbers, and ``worst`` is the largest relative difference seen there, but for ``settled`` of them,
    where rounding is larger and balls were asked instead. ``kinks`` say where f may have no derivative, so that the
    formula says nothing.
    """

    expression: str
    wrt: str
    order: int
    formula: str
    transposed: str | None
    shape: Shape
    layout: str
    problem: Problem
    trials: int
    worst: float
    settled: int
    kinks: tuple[str, ...]

    def __str__(self) -> str:
        return self.formula


@timed
@undisturbed()
def matrix_derivative(
    text: str, wrt: Name, *, shapes: Mapping[str, Sequence[Length]] | None = None, symmetric: Sequence[str] = (),
    order: int = 1, timeout: float | None = None,  # noqa: ARG001
) -> MatrixDerivative:  # fmt: skip
    """Find the derivative of an array expression by one of its names, for any size, and check it.

    A scalar expression has a gradient of the shape of ``wrt``, df = sum(G * dX); anything by a scalar has a derivative
    of its own shape; a vector by a vector has its Jacobian. ``order`` 2 is the Hessian of a scalar by a vector.
    ``symmetric`` matrices move, if they do, within the symmetric ones: G is then symmetric itself.
    Raises ParseError, ShapeError, VariableError, FormError where no formula is found or it fails its check, and
    OutOfTime after ``timeout`` seconds.
    """
    name = as_name(wrt)
    return _by(read_problem([text], shapes, symmetric, declare=(name,)), name, order)


def _by(problem: Problem, wrt: str, order: int) -> MatrixDerivative:
    """The derivative of a problem's expression by one of its names."""
    if order not in (1, 2):
        raise FormError(f"formulas are found of order 1 and 2, not {order!r}",
                        hint="with data, grad differentiates at a point")  # fmt: skip
    if not isinstance(wrt, str) or wrt not in problem.shapes:
        names = tuple(problem.shapes)
        what = f"{wrt} is a length here" if wrt in problem.sizes else f"the expression has no {wrt}"
        raise VariableError(what, hint=did_you_mean(str(wrt), names) or f"it has {', '.join(names)}")
    algebra = Algebra(problem.shapes, problem.symmetric)
    f = simplified(algebra, problem.trees[0])
    found = derivative(algebra, f, wrt)
    checked: Node = problem.trees[0]
    if order == 2:
        if algebra.shape(f) or len(problem.shapes[wrt]) > 1:
            raise FormError("second derivatives are found of a scalar by a vector or a scalar")
        confirm(problem, checked, wrt, finished(algebra, found))
        checked, found = finished(algebra, found), derivative(algebra, found, wrt)
    formula = finished(algebra, found)
    worst, settled = confirm(problem, checked, wrt, formula)
    value, own = algebra.shape(f), problem.shapes[wrt]
    jacobian = order == 1 and len(value) == 1 and len(own) == 1
    transposed = str(finished(algebra, algebra.T(found))) if jacobian else None
    layout = describe(value, own, wrt, order, wrt in problem.symmetric)
    return MatrixDerivative(
        problem.texts[0], wrt, order, str(formula), transposed, algebra.shape(formula), layout, problem, TRIALS, worst,
        settled, kinks(algebra, f, wrt),
    )  # fmt: skip


class MatrixDerivatives(NamedTuple):
    """Derivatives by several names: the ``answers``, and the reasons why others are ``refused``."""

    answers: tuple[MatrixDerivative, ...]
    refused: Mapping[str, FormError]


def matrix_derivatives(
    text: str, wrt: Sequence[str] | None = None, *, shapes: Mapping[str, Sequence[Length]] | None = None,
    symmetric: Sequence[str] = (), order: int = 1,
) -> MatrixDerivatives:  # fmt: skip
    """Find the derivatives by several names; errors as ``matrix_derivative``.

    Where no names are given all are tried, and those without a formula are refused, unless that leaves none.
    """
    problem = read_problem([text], shapes, symmetric, declare=wrt or ())
    chosen = tuple(problem.shapes) if wrt is None else tuple(dict.fromkeys(wrt))
    answers, refused = [], {}
    for name in chosen:
        try:
            answers.append(_by(problem, name, order))
        except FormError as error:
            if wrt is not None:
                raise
            refused[name] = error
        except TimeIsUp as up:
            if not answers:
                raise
            refused[name] = FormError(up.reason)
    if not answers:
        raise refused[chosen[0]]
    return MatrixDerivatives(tuple(answers), refused)


def describe(value: Shape, own: Shape, wrt: str, order: int, symmetric: bool) -> str:
    """What the entries of a derivative are."""
    if order == 2:
        return f"the Hessian: entry [i, j] is ∂²f/∂{wrt}[i]∂{wrt}[j]" if own else "the second derivative"
    if not own:
        return f"{said(value)}, as f: every entry differentiated by the scalar {wrt}" if value else "a scalar"
    if value:
        return f"the Jacobian (numerator layout): entry [i, j] is ∂f[i]/∂{wrt}[j]"
    index = "[i]" if len(own) == 1 else "[i, j]"
    if symmetric:
        return (f"the gradient among symmetric matrices: symmetric, and df = sum(G * d{wrt}) for symmetric d{wrt}; "
                f"by one off-diagonal pair of entries f changes twice as fast as G says")  # fmt: skip
    return f"the gradient, in the shape of {wrt}: entry {index} is ∂f/∂{wrt}{index}"


def confirm(problem: Problem, tree: Node, wrt: str, formula: Node) -> tuple[float, int]:
    """Try a formula against dual numbers on random shapes; FormError unless it holds on all of them.

    Gives the largest relative difference, and the number of shapes on which it is larger than ``CLOSE`` by rounding
    alone: there the sides agree in ball arithmetic.
    """
    worst, count, settled = 0.0, 0, 0
    claim = Claim(tree, formula, wrt, symmetric=wrt in problem.symmetric)
    for trial, known in islice(usable_trials(problem, tree, wrt, formula), TRIALS):
        gap = apart(value_of(formula, trial), known)
        if gap <= CLOSE:
            worst = max(worst, gap)
        elif claim.at(trial).gap == 0:
            settled += 1
        else:
            at = ", ".join(f"{name} = {size}" for name, size in trial.sizes.items()) or "a random value"
            raise FormError(f"the formula found, {str(formula)[:200]}, is off by {gap:.2g} at {at}: it is not shown "
                            "as an answer", hint="please report the expression")  # fmt: skip
        count += 1
    if count < TRIALS:
        raise FormError(f"the formula could be tried on {tried(problem, count)} only, not on {TRIALS}",
                        hint="the expression has no value at most of them")  # fmt: skip
    return worst, settled

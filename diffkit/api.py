"""The functions of ``import diffkit as dk``: derivatives at points by any backend, and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from diffkit.auto import AutoBackend
from diffkit.backends import BACKENDS, Backend, get_backend
from diffkit.comparison import DEFAULT_BACKENDS, Comparison, compare_task, make_result
from diffkit.errors import BackendError, DiffkitError, PointError, did_you_mean
from diffkit.functions import as_joint_program, as_program
from diffkit.points import Points, number, read_points
from diffkit.results import Result, worst_message
from diffkit.tasks import (
    Task,
    derivative_task,
    directional_task,
    gradient_task,
    hessian_task,
    jacobian_task,
    taylor_task,
)  # fmt: skip

TASKS = {
    "derivative": derivative_task,
    "gradient": gradient_task,
    "jacobian": jacobian_task,
    "hessian": hessian_task,
    "taylor": taylor_task,
    "directional": directional_task,
}
"""What can be asked, by name."""


def find_backend(backend: str | Backend) -> Backend:
    """Give the backend of a name, ``auto`` among them; BackendError for an unknown name."""
    if isinstance(backend, str) and backend == "auto":
        return AutoBackend()
    if not isinstance(backend, str) and not hasattr(backend, "prepare"):
        raise BackendError(f"a backend is a name or an object with prepare(task), not a {type(backend).__name__}")
    if isinstance(backend, str) and backend not in BACKENDS:
        hint = did_you_mean(backend, ("auto", *BACKENDS)) or f"there are auto, {', '.join(BACKENDS)}"
        raise BackendError(f"unknown backend {backend!r}", hint=hint)
    return get_backend(backend)


class Prepared:
    """A derivative ready for many points: ``p(points)`` gives an array, ``p.result(points)`` a Result."""

    def __init__(self, task: Task, backend: str | Backend = "auto"):
        self.task = task
        self.backend = find_backend(backend)
        self._evaluation = self.backend.prepare(task)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names a point gives values to."""
        return self.task.variables

    @property
    def formula(self) -> str | None:
        """The formula, where the backend finds one."""
        return joined_formula(self.task, self._evaluation.formula)

    def result(self, at: Any) -> Result:
        """Give the Result at a point or a batch of points."""
        points = (
            at
            if isinstance(at, Points)
            else read_points(at, self.variables, elementwise=self.task.kind == "derivative")
        )
        if points.point is not None:
            answer = self._evaluation.at((*points.point, *self.task.extras))
            found = make_result(
                self.task, answer, self.backend.name, points.point, self.backend.error_kind, self.formula
            )
        else:
            found = self._batch(points)
        confirmation = getattr(self._evaluation, "confirmation", "")
        return found if not confirmation or found.message else replace(found, message=confirmation)

    def __call__(self, at: Any) -> Any:
        """Give the values as an array (NaN where a component is not ok)."""
        import numpy as np

        return np.asarray(self.result(at).value)

    def _batch(self, points: Points) -> Result:
        import numpy as np

        task = self.task
        rows = points.rows
        if task.extras:
            rows = np.hstack([rows, np.tile(task.extras, (len(rows), 1))])
        answer = self._evaluation.batch(rows)
        count = len(task.indices)
        flat = self._lay_out(answer.values, len(rows))
        errors = None if answer.errors is None else self._lay_out(answer.errors, len(rows))
        width = len(task.places)
        odd = {}
        if answer.odd:
            for c, place in enumerate(task.places):
                for position in range(place, len(rows) * count, count):
                    if position in answer.odd:
                        odd[position // count * width + c] = answer.odd[position]
        return Result(
            task.kind, (*points.batch, *task.shape), flat, self.backend.name, task.variables, points.at, task.labels,
            errors, self.backend.error_kind, odd, worst_message(odd), answer.evaluations, self.formula,
        )  # fmt: skip

    def _lay_out(self, flat: Any, rows: int) -> Any:
        import numpy as np

        table = np.asarray(flat, dtype=float).reshape(rows, len(self.task.indices))[:, list(self.task.places)]
        return (table if self.task.factors is None else table * np.array(self.task.factors)).ravel()


def joined_formula(task: Task, formulas: Sequence[str] | None) -> str | None:
    """Give the partials' formulas as one text in the shape of the task."""
    if formulas is None:
        return None
    cells = [formulas[p] for p in task.places]
    if task.kind == "taylor":
        cells = [c if k < 2 else f"({c})/{k}!" for k, c in enumerate(cells)]
    if len(task.shape) < 2:
        return cells[0] if task.shape == () else f"[{', '.join(cells)}]"
    width = task.shape[1]
    lines = [f"[{', '.join(cells[i * width : (i + 1) * width])}]" for i in range(task.shape[0])]
    return f"[{', '.join(lines)}]"


def derivative(
    f: Any, at: Any, *, wrt: str | Sequence[str] | None = None, order: int = 1, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
) -> Result:  # fmt: skip
    """dⁿf/dxⁿ at a point, or a mixed partial ∂ⁿf/∂x∂y… if ``wrt`` is several names; value of shape ().

    ``f`` is text, an Expression or a SymPy expression; ``at`` a number, a list or tuple (one point in the order of
    the variables), a mapping of names, or an array. ``order`` runs from 1 to 20. Misuse raises a DiffkitError;
    where the derivative does not exist the Result says so.
    """
    return Prepared(derivative_task(as_program(f, variables), wrt, order), backend).result(at)


def gradient(
    f: Any, at: Any, *, wrt: str | Sequence[str] | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
) -> Result:  # fmt: skip
    """∇f, the vector of partials ∂f/∂xᵢ; value of shape (n,), batch dimensions first. Arguments as ``derivative``."""
    return Prepared(gradient_task(as_program(f, variables), wrt), backend).result(at)


def jacobian(
    fs: Any, at: Any, *, wrt: str | Sequence[str] | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
) -> Result:  # fmt: skip
    """J = ∂fᵢ/∂xⱼ of a sequence of scalar functions over the union of their variables; value of shape (m, n)."""
    return Prepared(jacobian_task(as_joint_program(fs, variables), wrt), backend).result(at)


def hessian(
    f: Any, at: Any, *, wrt: str | Sequence[str] | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
) -> Result:  # fmt: skip
    """H = ∂²f/∂xᵢ∂xⱼ, symmetric by construction; value of shape (n, n). Arguments as ``derivative``."""
    return Prepared(hessian_task(as_program(f, variables), wrt), backend).result(at)


def directional(
    f: Any, at: Any, direction: Sequence[Any], order: int = 1, *, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
) -> Result:  # fmt: skip
    """dᵏ/dtᵏ f(x + t·v) at t = 0; value of shape (). The direction v, one number per variable, is not normalised."""
    return Prepared(make_task(f, "directional", variables, direction=direction, order=order), backend).result(at)


def taylor(
    f: Any, at: Any, order: int, *, wrt: str | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
) -> Result:  # fmt: skip
    """Taylor coefficients f⁽ᵏ⁾(x)/k! for k = 0 … order in one variable; value of shape (order + 1,)."""
    return Prepared(taylor_task(as_program(f, variables), order, wrt), backend).result(at)


def prepare(
    f: Any,
    kind: str = "gradient",
    *,
    backend: str | Backend = "auto",
    variables: Sequence[str] | None = None,
    **options: Any,
) -> Prepared:
    """Do once what does not depend on the point. ``kind`` and ``options`` as the function of that name takes them."""
    return Prepared(make_task(f, kind, variables, **options), backend)


def compare(
    f: Any, at: Any, kind: str = "gradient", backends: Sequence[str | Backend] = DEFAULT_BACKENDS, *,
    variables: Sequence[str] | None = None, **options: Any,
) -> Comparison:  # fmt: skip
    """Compare backends at one point with each other and with a 50-digit reference.

    The verdict is "agree" if every backend keeps its own error bar about the reference, else "disagree",
    "undecided", or the status of a point without a derivative.
    """
    task = make_task(f, kind, variables, **options)
    points = at if isinstance(at, Points) else read_points(at, task.variables)
    if points.point is None:
        raise PointError("compare takes one point", hint="call it for each point of a batch")
    return compare_task(task, points.point, [find_backend(b) for b in backends])


def make_task(f: Any, kind: str, variables: Sequence[str] | None = None, **options: Any) -> Task:
    """Give the task of a kind; DiffkitError for an unknown kind or option."""
    if kind not in TASKS:
        raise DiffkitError(
            f"unknown kind {kind!r}", hint=did_you_mean(str(kind), TASKS) or f"there are {', '.join(TASKS)}"
        )
    program = (as_joint_program if kind == "jacobian" else as_program)(f, variables)
    if "direction" in options:
        direction = options["direction"]
        if isinstance(direction, str) or not hasattr(direction, "__len__"):
            raise PointError("the direction is a list of numbers, one per variable")
        options["direction"] = [number(v, "direction") for v in direction]
    try:
        return TASKS[kind](program, **options)  # type: ignore[operator,no-any-return,unused-ignore]
    except TypeError as error:
        raise DiffkitError(f"{kind}: {str(error).split('() ')[-1]}") from None

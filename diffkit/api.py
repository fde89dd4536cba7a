"""The functions of ``import diffkit as dk``: derivatives at points by any backend, and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any

from diffkit.backends import BACKENDS, Backend, get_backend
from diffkit.errors import BackendError, DiffkitError, PointError, did_you_mean
from diffkit.functions import as_joint_program, as_program
from diffkit.layout import joined_formula, lay_out
from diffkit.points import Points, number, read_points
from diffkit.results import Answer, Result
from diffkit.tasks import (
    Task,
    derivative_task,
    directional_task,
    gradient_task,
    hessian_task,
    jacobian_task,
    taylor_task,
)  # fmt: skip

if TYPE_CHECKING:
    from diffkit.accuracy import AccuracyReport
    from diffkit.comparison import Comparison

TASKS: dict[str, Any] = {
    "derivative": derivative_task,
    "gradient": gradient_task,
    "jacobian": jacobian_task,
    "hessian": hessian_task,
    "taylor": taylor_task,
    "directional": directional_task,
}
"""What can be asked, by name."""


def find_backend(backend: str | Backend, digits: int | None = None, timeout: float | None = None) -> Backend:
    """Give the backend of a name, ``auto`` among them; BackendError for an unknown name, or for digits of another."""
    if isinstance(backend, str) and backend == "auto":
        from diffkit.auto import AutoBackend

        return AutoBackend(digits, timeout)
    if digits is not None or timeout is not None:
        raise BackendError("digits and a timeout belong to proofs", hint="only the backend auto proves")
    return get_backend(backend)


class Prepared:
    """A derivative ready for many points: ``p(points)`` gives an array, ``p.result(points)`` a Result."""

    def __init__(
        self, task: Task, backend: str | Backend = "auto", digits: int | None = None, timeout: float | None = None
    ):
        self.task = task
        self.backend = find_backend(backend, digits, timeout)
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
        elementwise = self.task.kind == "derivative"
        points = at if isinstance(at, Points) else read_points(at, self.variables, elementwise=elementwise)
        answer = self._answer(points)
        backend, evaluation = self.backend, self._evaluation
        return lay_out(self.task, answer, points, backend.name, backend.error_kind, evaluation.formula)

    def _answer(self, points: Points) -> Answer:
        extras = self.task.extras
        if points.point is not None:
            return self._evaluation.at((*points.point, *extras))
        if not extras:
            return self._evaluation.batch(points.rows)
        import numpy as np

        return self._evaluation.batch(np.hstack([points.rows, np.tile(extras, (len(points.rows), 1))]))

    def __call__(self, at: Any) -> Any:
        """Give the values as an array (NaN where a component is not ok)."""
        import numpy as np

        return np.asarray(self.result(at).value)


def derivative(
    f: Any, at: Any, *, wrt: str | Sequence[str] | None = None, order: int = 1, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None, digits: int | None = None, timeout: float | None = None,
) -> Result:  # fmt: skip
    """dⁿf/dxⁿ at a point, or a mixed partial ∂ⁿf/∂x∂y… if ``wrt`` is several names; value of shape ().

    ``f`` is text, an Expression or a SymPy expression; ``at`` a number, a list or tuple (one point in the order of
    the variables), a mapping of names, or an array. ``order`` runs from 1 to 20. ``digits`` asks ``auto`` for proven
    decimal digits (``result.decimals``), ``timeout`` bounds a proof in seconds. Misuse raises a DiffkitError; where
    the derivative does not exist the Result says so.
    """
    return Prepared(derivative_task(as_program(f, variables), wrt, order), backend, digits, timeout).result(at)


def gradient(
    f: Any, at: Any, *, wrt: str | Sequence[str] | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None, digits: int | None = None, timeout: float | None = None,
) -> Result:  # fmt: skip
    """∇f, the vector of partials ∂f/∂xᵢ; value of shape (n,), batch dimensions first. Arguments as ``derivative``."""
    return Prepared(gradient_task(as_program(f, variables), wrt), backend, digits, timeout).result(at)


def jacobian(
    fs: Any, at: Any, *, wrt: str | Sequence[str] | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None, digits: int | None = None, timeout: float | None = None,
) -> Result:  # fmt: skip
    """J = ∂fᵢ/∂xⱼ of a sequence of scalar functions over the union of their variables; value of shape (m, n)."""
    return Prepared(jacobian_task(as_joint_program(fs, variables), wrt), backend, digits, timeout).result(at)


def hessian(
    f: Any, at: Any, *, wrt: str | Sequence[str] | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None, digits: int | None = None, timeout: float | None = None,
) -> Result:  # fmt: skip
    """H = ∂²f/∂xᵢ∂xⱼ, symmetric by construction; value of shape (n, n). Arguments as ``derivative``."""
    return Prepared(hessian_task(as_program(f, variables), wrt), backend, digits, timeout).result(at)


def directional(
    f: Any, at: Any, direction: Sequence[Any], order: int = 1, *, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None, digits: int | None = None, timeout: float | None = None,
) -> Result:  # fmt: skip
    """dᵏ/dtᵏ f(x + t·v) at t = 0; value of shape (). The direction v, one number per variable, is not normalised."""
    task = make_task(f, "directional", variables, direction=direction, order=order)
    return Prepared(task, backend, digits, timeout).result(at)


def taylor(
    f: Any, at: Any, order: int, *, wrt: str | None = None, backend: str | Backend = "auto",
    variables: Sequence[str] | None = None, digits: int | None = None, timeout: float | None = None,
) -> Result:  # fmt: skip
    """Taylor coefficients f⁽ᵏ⁾(x)/k! for k = 0 … order in one variable; value of shape (order + 1,)."""
    return Prepared(taylor_task(as_program(f, variables), order, wrt), backend, digits, timeout).result(at)


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
    f: Any, at: Any, kind: str = "gradient", backends: str | Sequence[str | Backend] = tuple(BACKENDS), *,
    variables: Sequence[str] | None = None, **options: Any,
) -> Comparison:  # fmt: skip
    """Compare backends at one point with each other and with a proven value.

    The verdict is "agree" if every backend keeps its own error bar about the reference, else "disagree",
    "undecided", or the status of a point without a derivative.
    """
    task = make_task(f, kind, variables, **options)
    points = at if isinstance(at, Points) else read_points(at, task.variables)
    if points.point is None:
        raise PointError("compare takes one point", hint="report takes many, as cases")
    from diffkit.comparison import compare_task

    chosen = (backends,) if isinstance(backends, str) else backends
    return compare_task(task, points.point, [find_backend(b) for b in chosen])


def report(
    cases: str | PathLike[str] | Iterable[Mapping[str, Any]], kind: str = "gradient",
    backends: str | Sequence[str | Backend] = tuple(BACKENDS), *, closeness: float | None = None,
) -> AccuracyReport:  # fmt: skip
    """Compare backends over many cases: quantiles of their errors, worst cases, and findings by cause.

    ``cases`` is the path of a file of JSON lines, or an iterable of mappings with the same fields: ``expr``, ``at``,
    and if wanted ``id``, ``vars``, ``source`` and the expected ``gradient`` (or ``hessian``, with that ``kind``).
    An expected number holds within ``closeness`` (relative, 1e-12 unless given). FileError names a malformed line.
    """
    from diffkit.accuracy import CLOSE, AccuracyReport, examine
    from diffkit.cases import load_cases

    loaded = load_cases(cases, kind)
    chosen = [find_backend(b) for b in ((backends,) if isinstance(backends, str) else backends)]
    outcomes = tuple(examine(loaded, chosen, CLOSE if closeness is None else closeness))
    return AccuracyReport(kind, tuple(b.name for b in chosen), outcomes, len(loaded))


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
    builder: Callable[..., Task] = TASKS[kind]
    accepted = signature(builder).parameters
    for name in options:
        if name not in accepted:
            known = [n for n in accepted if n != "program"]
            hint = did_you_mean(name, known) or f"it takes {', '.join(known)}"
            raise DiffkitError(f"a {kind} takes no {name}", hint=hint)
    missing = [n for n, p in accepted.items() if p.default is p.empty and n not in ("program", *options)]
    if missing:
        raise DiffkitError(f"{kind} needs {' and '.join(missing)}")
    return builder(program, **options)

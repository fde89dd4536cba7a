"""What a backend answers to a question about a point or a batch of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.asking.answers import lay_out
from diffkit.asking.points import Points
from diffkit.asking.tasks import Question, Task
from diffkit.core.deadline import TimeIsUp
from diffkit.core.errors import BackendError, PointError
from diffkit.core.results import Answer, Result, unanswered
from diffkit.core.surroundings import undisturbed
from diffkit.methods import Backend, get_backend, installed_backends

if TYPE_CHECKING:
    from diffkit.core.worker_pool import Workers


def find_backend(backend: str | Backend, digits: int | None = None, workers: Workers = None) -> Backend:
    """Give the backend of a name, ``auto`` among them; BackendError for an unknown name.

    Or for digits, or workers, of another.
    """
    if isinstance(backend, str) and backend == "auto":
        from diffkit.methods.auto import AutoBackend

        return AutoBackend(digits, workers)
    if workers is not None:
        raise BackendError("workers share proofs", hint="only the backend auto proves")
    if digits is not None:
        raise BackendError("digits belong to proofs", hint="only the backend auto proves")
    return get_backend(backend)


def find_backends(backends: str | Backend | Sequence[str | Backend]) -> list[Backend]:
    """Give backends of names or objects: one, several, or ``all`` that are installed."""
    if isinstance(backends, str) or hasattr(backends, "prepare"):
        backends = [backends]  # type: ignore[list-item]
    names: list[Any] = []
    for backend in backends:
        names += installed_backends() if isinstance(backend, str) and backend == "all" else [backend]
    return [find_backend(name) for name in names]


def answer(
    question: Question, backend: str | Backend = "auto", digits: int | None = None, workers: Workers = None
) -> Result:
    """Give what a backend answers to a question; BackendError if it cannot, PointError for a question without points.

    ``digits`` are proven decimal digits, and ``workers`` share the points, for ``auto`` alone.
    """
    chosen = find_backend(backend, digits, workers)
    return answer_of(question, chosen, chosen.prepare)


def answer_of(
    question: Question, backend: Backend, prepare: Callable[[Task], Any], extras: tuple[float, ...] | None = None
) -> Result:
    """The Result; where the time is up everything in it is uncertain."""
    task, points = question
    if points is None:
        raise PointError("there is no point", hint="the question is where the derivative is taken")
    formula = None
    try:
        evaluation = prepare(task)
        formula = evaluation.formula
        with undisturbed():
            found = _answer(evaluation, points, task.extras if extras is None else extras)
            if task.pattern is not None and points.point is not None:
                from diffkit.methods.pattern_check import checked  # few ask for sparse matrices

                found = checked(task, points.point, found, backend.error_kind)
    except TimeIsUp as up:
        rows = 1 if points.point is not None else len(points.rows)
        found = unanswered(len(task.indices) * rows, up.reason)
    with undisturbed():
        return lay_out(task, found, points, backend.name, backend.error_kind, formula)


def _answer(evaluation: Any, points: Points, extras: tuple[float, ...]) -> Answer:
    point = points.rows[0].tolist() if points.point is None and len(points.rows) == 1 else points.point
    if point is not None:  # of one row too: arrays of length 1 cost ten times as much
        return evaluation.at((*point, *extras))  # type: ignore[no-any-return]
    if not extras:
        return evaluation.batch(points.rows)  # type: ignore[no-any-return]
    import numpy as np

    return evaluation.batch(np.hstack([points.rows, np.tile(extras, (len(points.rows), 1))]))  # type: ignore[no-any-return]

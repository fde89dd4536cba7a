"""What can be asked of something that can be differentiated: from f, a kind and a point to a task and points."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

from diffkit.asking.expressions import as_list, is_function, read_joint
from diffkit.asking.frames import names_in
from diffkit.asking.points import PointsFile, read_points
from diffkit.asking.tasks import Question, Task, check_options, source_task
from diffkit.core.errors import DiffkitError
from diffkit.core.text.names import Names, names_of


class OpenQuestion(Protocol):
    """A kind of derivative of f, wherever: at a point it becomes a Question."""

    @property
    def kind(self) -> str:
        """What is asked."""

    def at(self, at: Any) -> Question:
        """Give the Question at the points that ``at`` means; the same task object for points of the same shape."""

    def other(self, kind: str, **options: Any) -> OpenQuestion:
        """Ask for another kind of derivative of the same f."""

    def is_same(self, other: Any) -> bool:
        """Whether another question about f asks for the same derivatives."""

    def values(self, x: Any) -> list[float]:
        """All outputs of f at a flat array of coordinates, in binary64."""


class OfExpression:
    """A question about an expression, which is one task."""

    def __init__(self, task: Task):
        self.task = task

    @property
    def kind(self) -> str:
        """What is asked."""
        return self.task.kind

    def at(self, at: Any) -> Question:
        """Read a point or a batch."""
        return Question(self.task, read_points(at, self.task.variables, elementwise=self.task.kind == "derivative"))

    def other(self, kind: str, **options: Any) -> OfExpression:
        """Ask for another kind of derivative of the same expression."""
        return OfExpression(source_task(self._whole.source, kind, options))

    def is_same(self, other: OfExpression) -> bool:
        """Whether another question about the expression asks for the same derivatives."""
        return (other.kind, other.task.indices) == (self.kind, self.task.indices)

    def values(self, x: Any) -> list[float]:
        """All outputs of f at a flat array of coordinates, in binary64."""
        return list(self._whole.source.values([float(v) for v in x]))

    @property
    def _whole(self) -> Task:
        """The task, which must be of f itself."""
        if self.task.extras:
            raise DiffkitError(f"a prepared {self.kind} is of f along a line", hint="prepare the gradient")
        return self.task


def ask(
    f: Any, kind: str, at: Any, variables: Names | None = None, args: Sequence[Any] = (), **options: Any
) -> Question:
    """Give the question about f at ``at``.

    DiffkitError for an unknown kind or option, for something that is no function, or for points that do not fit.
    """
    given = at.names if isinstance(at, PointsFile) else names_in(at)
    return open_question(f, kind, variables, args, given, **options).at(at)


def ask_everywhere(f: Any, kind: str, variables: Names | None = None, **options: Any) -> Question:
    """Give the question about an expression without points; where it has no variable, the point is the empty one."""
    task = make_task(f, kind, variables, None, **options)
    return Question(task, None if task.variables else read_points([], ()))


def open_question(
    f: Any, kind: str, variables: Names | None = None, args: Sequence[Any] = (), given: Collection[str] = (),
    **options: Any,
) -> OpenQuestion:  # fmt: skip
    """Give the question without its point, of which only the ``given`` names are known; errors as ``ask``.

    Names that the point gives values to are meant as variables.
    """
    check_options(kind, options)
    if is_function(f):
        from diffkit.asking.function_questions import OfFunction

        return OfFunction(f, kind, variables, args, options, given)
    if len(args):
        raise DiffkitError("args are further arguments of a Python function", hint="an expression takes none")
    return OfExpression(make_task(f, kind, variables, given, **options))


def make_task(
    f: Any, kind: str, variables: Names | None = None, given: Collection[str] | None = (), **options: Any
) -> Task:
    """Give the task of a kind about an expression; errors as ``ask``. The variable of a constant is x.

    f does not vary with a name in ``wrt`` that is none of its variables, if the point gives it or there is none
    (``given`` is None); anywhere else it is taken for a slip.
    """
    check_options(kind, options)
    wrt = names_of(options.get("wrt"))
    reading = read_joint(as_list(f) if kind == "jacobian" else [f], variables, {*(given or ()), *wrt})
    if variables is None:
        reading = reading.declaring([name for name in wrt if given is None or name in given])
    reading = reading.of_one(variables) if kind in ("derivative", "taylor") else reading
    return replace(source_task(reading.program, kind, options), notes=reading.notes)

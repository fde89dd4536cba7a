"""What can be asked of something that can be differentiated: from f, a kind and a point to a task and points."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

from diffkit.asking.expressions import Reading, as_list, is_function, read_joint
from diffkit.asking.frames import names_in
from diffkit.asking.points import Points, PointsFile, read_points
from diffkit.asking.sources import Formula, Source
from diffkit.asking.tasks import OF_SEVERAL, Question, Task, check_options, source_task
from diffkit.core.errors import DiffkitError
from diffkit.core.program import Program
from diffkit.core.text.names import Names, names_of


class _Subject(Protocol):
    """f as it was given: a point makes a source of it."""

    @property
    def source(self) -> Source | None:
        """The source, where it is one and the same for all points."""

    def place(self, at: Any, *, elementwise: bool) -> tuple[Source, Points]:
        """Give the source and the points that ``at`` means; the same object for points of the same shape."""

    def values(self, x: Any) -> list[float]:
        """All outputs at a flat array of coordinates, in binary64."""


class Written:
    """An expression: one formula, wherever."""

    def __init__(self, program: Program):
        self.source = Formula(program)

    def place(self, at: Any, *, elementwise: bool) -> tuple[Source, Points]:
        """Read a point or a batch."""
        return self.source, read_points(at, self.source.inputs, elementwise=elementwise)

    def values(self, x: Any) -> list[float]:
        """All outputs at a flat array of coordinates, in binary64."""
        return self.source.values([float(v) for v in x])


class OpenQuestion:
    """A kind of derivative of f, wherever: at a point it becomes a Question."""

    def __init__(self, f: _Subject, kind: str, options: dict[str, Any], notes: tuple[str, ...] = ()):
        if hasattr(options.get("sparsity"), "__next__"):  # what runs once is asked about for each shape of an argument
            options = {**options, "sparsity": list(options["sparsity"])}
        self.f, self.kind, self.options, self.notes = f, kind, options, notes
        self._tasks: dict[Source, Task] = {}
        if f.source is not None:
            self._task(f.source)

    @property
    def task(self) -> Task | None:
        """The task of the first source that was asked about."""
        return next(iter(self._tasks.values()), None)

    def at(self, at: Any) -> Question:
        """Give the Question at the points that ``at`` means; the same task object for points of the same shape."""
        source, points = self.f.place(at, elementwise=self.kind == "derivative")
        return Question(self._task(source), points)

    def other(self, kind: str, **options: Any) -> OpenQuestion:
        """Ask for another kind of derivative of the same f."""
        return OpenQuestion(self.f, kind, options)

    def is_same(self, other: OpenQuestion) -> bool:
        """Whether another question about f asks for the same derivatives, as far as their kinds tell."""
        return self.kind == other.kind and not (self.options or other.options)

    def _task(self, source: Source) -> Task:
        known = self._tasks.get(source)
        if known is None:
            options = source.options_for(self.kind, self.options)
            known = replace(source_task(source, self.kind, options), notes=self.notes)
            shape = source.answer_shape(self.kind)
            if shape is not None and options.get("wrt") is None and known.pattern is None:
                known = replace(known, shape=shape)
            if not source.blind:  # what is not known beyond one point is asked about anew at each
                self._tasks[source] = known
        return known


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
        from diffkit.asking.callables.called import Called

        called = Called(f, args, variables)
        return OpenQuestion(called, kind, options, called.notes(given))
    if len(args):
        raise DiffkitError("args are further arguments of a Python function", hint="an expression takes none")
    reading = _read(f, kind, variables, given, options)
    return OpenQuestion(Written(reading.program), kind, options, reading.notes)


def make_task(
    f: Any, kind: str, variables: Names | None = None, given: Collection[str] | None = (), **options: Any
) -> Task:
    """Give the task of a kind about an expression; errors as ``ask``. The variable of a constant is x.

    f does not vary with a name in ``wrt`` that is none of its variables, if the point gives it or there is none
    (``given`` is None); anywhere else it is taken for a slip.
    """
    check_options(kind, options)
    reading = _read(f, kind, variables, given, options)
    return replace(source_task(reading.program, kind, options), notes=reading.notes)


def _read(
    f: Any, kind: str, variables: Names | None, given: Collection[str] | None, options: dict[str, Any]
) -> Reading:
    """The program of an expression, of the variables that it has and of those that the question names."""
    wrt = names_of(options.get("wrt"))
    reading = read_joint(as_list(f) if kind in OF_SEVERAL else [f], variables, {*(given or ()), *wrt})
    if variables is None:
        reading = reading.declaring([name for name in wrt if given is None or name in given])
    return reading.of_one(variables) if kind in ("derivative", "taylor") else reading

"""The methods of differentiation behind one protocol, and the registry that knows them by name.

A backend prepares a task once; the evaluation it gives answers at one point or at a batch. To add a backend,
write a module with a class of this shape and name it in ``BACKENDS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from diffkit.core.errors import BackendError, DiffkitError, did_you_mean, told
from diffkit.core.joined import BACKEND_GROUP, home, joined, left_out, loaded

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from diffkit.asking.tasks import Task
    from diffkit.core.results import Answer, ErrorKind
    from diffkit.engines import BatchCall, Precision
    from diffkit.engines.choice import Engines

FEW_ROWS = 10  # of a batch that go one by one: arrays that short cost more


class Evaluation(Protocol):
    """A task prepared by a backend."""

    @property
    def formula(self) -> tuple[str, ...] | None:
        """Text of each partial of the task, where the method has one."""

    def at(self, point: Sequence[float]) -> Answer:
        """Answer at one point, given as one float per input."""

    def batch(self, points: Any) -> Answer:
        """Answer at the rows of an array of shape (B, inputs), row by row in one flat Answer."""


@runtime_checkable
class Bounded(Protocol):
    """An evaluation that can also bound its rounding errors, on request: an optional part of ``Evaluation``."""

    def bound(self, point: Sequence[float]) -> list[float]:
        """Running bound on |value − exact| of each partial at a point; infinite where there is none."""


@runtime_checkable
class Compiled(Protocol):
    """An evaluation of a program, which engines compile: an optional part of ``Evaluation``."""

    def engines(self) -> Engines:
        """The program as code."""

    def compiled(self, precision: Precision, engine: str) -> Compiled:
        """The same with a precision and an engine; BackendError for an engine that is not there."""


@runtime_checkable
class ManyPoints(Protocol):
    """What computes many points at a time, as engines do."""

    def many(
        self, rows: int, places: Sequence[int] | None = None, factors: Sequence[float] | None = None
    ) -> BatchCall | None:
        """Give the function of so many points and of the array to write to."""


class Backend(Protocol):
    """A method of differentiation."""

    name: str
    error_kind: ErrorKind

    def prepare(self, task: Task) -> Evaluation:
        """Do once what does not depend on the point; BackendError if the method cannot do the task."""


COMPARED = ("symbolic", "finite", "dual")
"""What is compared unless told otherwise."""

BACKENDS = {
    "symbolic": "diffkit.methods.symbolic:SymbolicBackend",
    "finite": "diffkit.methods.finite:FiniteBackend",
    "dual": "diffkit.methods.dual:DualBackend",
    "reverse": "diffkit.methods.reverse:ReverseBackend",
    "complex": "diffkit.methods.complex:ComplexBackend",
}
"""Name → module:class; a module is imported when its backend is first wanted."""


def get_backend(backend: str | Backend) -> Backend:
    """Give the backend of a name, or the object itself; BackendError if there is none of that name."""
    if not isinstance(backend, str):
        if not hasattr(backend, "prepare"):
            raise BackendError(f"a backend is a name or an object with prepare(task), not a {type(backend).__name__}")
        return backend
    if backend in BACKENDS:
        return _made(BACKENDS[backend])
    from diffkit.methods.tools import TOOLS  # those who compare our own have no use for it

    if backend in TOOLS:
        return _made(TOOLS[backend].path)
    others = joined_backends()
    if backend in others:
        try:
            made: Backend = loaded(others[backend])()
        except Exception as error:
            reason = error.reason if isinstance(error, DiffkitError) else told(error)
            raise BackendError(f"the backend {backend} of {home(others[backend])} cannot be made: {reason}") from error
        return made
    known = ("auto", *BACKENDS, *TOOLS, *others)
    hint = did_you_mean(backend, known) or f"there are auto, {', '.join(BACKENDS)}; diffkit backends lists the tools"
    raise BackendError(f"unknown backend {backend!r}", hint=hint)


def _made(path: str) -> Backend:
    """A backend of ours, from module:class."""
    module, _, name = path.partition(":")
    found: Backend = getattr(import_module(module), name)()
    return found


def joined_backends() -> dict[str, EntryPoint]:
    """The backends that other packages add, by name; none of them may take the name of one that is here."""
    from diffkit.methods.tools import TOOLS

    ours = {"auto", "all", *BACKENDS, *TOOLS}
    return {name: entry for name, entry in joined(BACKEND_GROUP).items() if name not in ours}


def working_backends() -> dict[str, Backend]:
    """The backends that other packages add and that can be made; the others cost a line."""
    made: dict[str, Backend] = {}
    for name in joined_backends():
        try:
            made[name] = get_backend(name)
        except BackendError as error:
            left_out(f"the backend {name}", error.reason)
    return made


def installed_backends() -> list[str]:
    """Names of all backends that can be asked.

    Ours, the tools that are installed, and what other packages add.

    Returns
    -------
    list of str
        What ``backend=`` takes, besides "auto".

    Examples
    --------
    >>> dk.backends.names()[:3]
    ['symbolic', 'finite', 'dual']
    """
    from diffkit.methods.tools import TOOLS, is_installed

    return [*BACKENDS, *filter(is_installed, TOOLS), *working_backends()]

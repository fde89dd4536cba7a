"""Derivatives made ready for many points, and the plain functions that optimisers take."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, overload

from diffkit.asking.answers import joined_formula
from diffkit.asking.questions import OpenQuestion
from diffkit.asking.tasks import Task, read_direction
from diffkit.core.deadline import time_limit
from diffkit.core.errors import BackendError, DiffkitError, listing
from diffkit.core.partials import arranged
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Result, V_co
from diffkit.core.surroundings import undisturbed
from diffkit.engines import check_engine, check_precision
from diffkit.methods import Backend, Compiled, ManyPoints
from diffkit.methods.answering import answer_of, find_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Protocol

    from numpy.typing import NDArray

    from diffkit.core.results import Array
    from diffkit.core.worker_pool import Workers
    from diffkit.methods.quick_points import QuickPoints, Writer

    class Frame(Protocol):
        """A table with columns by name."""

        @property
        def columns(self) -> Any:
            """Its names."""

        def to_numpy(self) -> Any:
            """Its rows."""

    Batch = NDArray[Any] | Mapping[Any, NDArray[Any]] | Sequence[Sequence[float]] | Frame
    """many points, where a list, a number or text is one"""


_MANY_PARTIALS = ("gradient", "hessian", "hvp")
"""kinds of one function by many variables, whose programs are shortest by reverse accumulation"""
_LONG_POINT = 100  # coordinates from which an array of them is not made a tuple if that can be helped
_COMPILED = ("_points", "_values", "_replays", "_first_order", "jac")
"""what is compiled again where a pickle arrives"""


class _SignatureOfCall:
    """How a prepared derivative is called, for those who ask; its class is called otherwise."""

    def __get__(self, prepared: Prepared | None, _: type) -> Any:
        """Give the signature, of an object alone."""
        if prepared is None:
            raise AttributeError("__signature__")
        from inspect import signature

        return signature(prepared._call)


class Prepared(ReportViews, Generic[V_co]):
    """A derivative ready for many points; `prepare` makes it.

    ``p(points)`` gives an array, ``p.result(points)`` a Result. ``p.fun``,
    ``p.jac``, ``p.hess`` and ``p.hessp`` are plain functions of a flat array,
    as ``scipy.optimize.minimize`` takes them. Of a prepared Jacobian ``p.fun``
    gives all functions, shape (m,), and ``p.jac`` their Jacobian, shape (m, n),
    as ``scipy.optimize.root`` and ``least_squares`` take them.

    Examples
    --------
    >>> p = dk.prepare("x^2*y")
    >>> p((1.0, 2.0)), p.fun([1.0, 2.0])
    (array([4., 1.]), 2.0)
    >>> p.hess([1.0, 2.0])
    array([[4., 2.],
           [2., 0.]])
    """

    if not TYPE_CHECKING:  # pyright takes what a slot is called for an attribute
        __slots__ = {
            "__call__": """Give the values as an array (NaN where one is not ok), or a sparse one if asked for.

            They are written to ``out`` if that is given, an array of their shape. A tuple of floats is the
            quickest point.
            """,
            "__dict__": "what else is known",
            "__weakref__": "what does not keep it",
        }  # a call is that of the function in its place, and then compiled: a method would cost as much as all of that
    __signature__ = _SignatureOfCall()

    def __init__(
        self, question: OpenQuestion, backend: str | Backend = "auto", digits: int | None = None,
        timeout: float | None = None, precision: str = "pairs", engine: str = "auto",
        workers: Workers = None,
    ):  # fmt: skip
        self.question = question
        if backend == "auto" and (precision, engine) != ("pairs", "auto"):  # what is compiled is not proven
            backend = "reverse" if question.kind in _MANY_PARTIALS else "dual"
        self.backend = find_backend(backend, digits, workers)
        self.timeout = timeout
        self.precision, self.engine = check_precision(precision), check_engine(engine)
        self._evaluations: dict[int, tuple[Task, Any]] = {}
        self._others: dict[str, Prepared] = {}
        self._replays: dict[Any, tuple[Any, Any]] = {}
        """tasks of code and their evaluations, by the shape of the only argument"""
        self._set_call(self._call)

    @cached_property
    def _points(self) -> QuickPoints:
        from diffkit.methods.quick_points import QuickPoints  # who asks once has no use for it

        return QuickPoints(self._known, not self._elementwise, self.precision == "double")

    @property
    def _elementwise(self) -> bool:
        """Whether each number of an array is a point."""
        return self.question.kind == "derivative" and len(self.variables) == 1

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in _COMPILED}
        return {**state, "_evaluations": list(self._evaluations.values())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _evaluations={id(known[0]): known for known in state["_evaluations"]})
        self._replays = {}
        self._set_call(self._call)

    def __repr__(self) -> str:
        """What was prepared, and by which engines it has been compiled so far."""
        plain = self._plain or self.precision != "pairs"
        how = [self.backend.name, self.precision] if plain else [self.backend.name]
        return f"<prepared {self.question.kind} of {listing(self.variables)}: {', '.join(how + self.engines)}>"

    @property
    def engines(self) -> list[str]:
        """What has been compiled so far, and by which engine."""
        return [f"{work} by {name}" for known in self._evaluations.values() for work, name in _chosen(known[1])]

    def _evaluation(self, task: Task) -> Any:
        """The prepared task; there is one for each shape of a function's argument."""
        known = self._evaluations.get(id(task))
        if known is None:
            known = (task, self._compiled(self.backend.prepare(task)))
            if not task.source.blind:  # one that is blind is made anew for every point
                self._evaluations[id(task)] = known
                if hasattr(known[1], "replayed") and (shape := _only_shape(task)) is not None:
                    self._replays[shape] = known
        return known[1]

    @property
    def _plain(self) -> bool:
        """Whether what the backend prepares is a program in binary64, which engines compile."""
        return any(isinstance(known[1], Compiled) for known in self._evaluations.values())

    def _compiled(self, evaluation: Any) -> Any:
        """The evaluation with the precision and the engine that were asked for; BackendError where it has none."""
        if self.precision == "pairs" and self.engine == "auto":
            return evaluation
        if not isinstance(evaluation, Compiled):
            if self.precision == "double" and hasattr(evaluation, "replayed_by"):
                return evaluation.replayed_by(self.engine)
            raise BackendError(f"the backend {self.backend.name} has no choice of precision or engine here",
                               hint="take backend='reverse', 'dual' or 'symbolic' for an expression")  # fmt: skip
        return evaluation.compiled(self.precision, self.engine)

    @property
    def formula(self) -> str | None:
        """The formula, where the backend finds one; of a Python function once it has seen a point."""
        task = getattr(self.question, "task", None)
        return None if task is None else joined_formula(task, self._evaluation(task).formula)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names a point gives values to; those of a Python function once it has seen a point."""
        task = getattr(self.question, "task", None)
        return () if task is None else task.variables

    @overload
    def result(self, at: Batch) -> Result[Array]: ...
    @overload
    def result(self, at: Any) -> Result[V_co]: ...
    def result(self, at: Any) -> Result:
        """Give the Result at a point or a batch of points.

        Parameters
        ----------
        at : number, sequence, mapping or array
            The point or points, as for `gradient`.

        Returns
        -------
        Result
            With statuses, messages and errors, where a call gives an array alone.

        Raises
        ------
        DiffkitError
            For a point that does not fit.
        """
        with time_limit(self.timeout):
            return answer_of(self.question.at(at), self.backend, self._evaluation)

    if TYPE_CHECKING:

        def __call__(self, at: Any, out: Array | None = None) -> Array:
            """Give the values as an array (NaN where one is not ok), written to ``out`` if that is given."""

    def _call(self, at: Any, out: Array | None = None) -> Array:
        """What a call does until it is known what is quickest, which takes its place then."""
        if type(at) is not tuple:
            return self._called(at, out)
        quickest = self._points.function(self._called)
        if self._points.settled is not None:
            self._set_call(quickest)
        return quickest(at, out)  # type: ignore[no-any-return]

    def _set_call(self, function: Callable[..., Array]) -> None:
        object.__setattr__(self, "__call__", function)

    def _called(self, at: Any, out: Array | None = None) -> Array:
        """What a call does about anything that compiled code does not take."""
        if out is None and type(at) is not tuple and (quick := self._of_array(at)) is not None:
            return quick
        import numpy as np

        value: Any = self.result(at).value
        value = value if hasattr(value, "toarray") else np.asarray(value)
        if out is None:
            return value  # type: ignore[no-any-return]
        if getattr(out, "shape", None) != value.shape:
            raise DiffkitError(f"out has shape {getattr(out, 'shape', None)}, and the values have {value.shape}")
        out[...] = value
        return out

    def _of_array(self, at: Any) -> Array | None:
        """The array at one point that is an array of floats, by what is compiled; None for anything else."""
        if type(at).__name__ != "ndarray" or at.dtype != float:
            return None
        if self.question.f.source is not None and at.ndim:
            at = at[..., None] if self._elementwise else at
            return self._points.quick(tuple(at.tolist())) if at.ndim == 1 else self._of_rows(at)
        task, evaluation = self._replays.get(at.shape, (None, None))
        if task is None:
            return self._of_code_rows(at)
        with undisturbed():
            found = evaluation.replayed(at.ravel())
        return None if found is None else arranged(found.reshape(1, -1), task.places).reshape(task.shape)

    def _of_code_rows(self, at: Array) -> Array | None:
        """The arrays at many points of code whose argument has a shape of its own; None where it is not replayed."""
        from diffkit.methods.row_values import rows_of_code

        for shape, (task, evaluation) in self._replays.items():
            split = at.ndim - len(shape)
            if split > 0 and at.shape[split:] == shape == task.function.function.shape and self.timeout is None:
                with undisturbed():
                    found = rows_of_code(task, evaluation, at.reshape(-1, len(task.variables)), self._told)
                return None if found is None else found.reshape(*at.shape[:split], *task.shape)
        return None

    def _of_rows(self, at: Array) -> Array | None:
        """The arrays at many points, written where they are handed out; None where nothing is compiled for that."""
        found = self._known() if self.timeout is None else None
        if found is None or not isinstance(found[1], ManyPoints) or found[0].pattern is not None or found[0].extras:
            return None
        task, (*batch, width) = found[0], at.shape
        if width != len(task.variables):
            return None
        from diffkit.methods.row_values import rows_of_program

        rows = at.reshape(-1, width)
        values = rows_of_program(task, self._evaluation(task), rows, self._told)
        return None if values is None else values.reshape(*batch, *task.shape)

    def _told(self, points: Any) -> Any:
        return self.result(points).value

    def _known(self) -> tuple[Task, Writer] | None:
        """The task and what compiles it, where each component is a number that it computes; else None."""
        task = self.question.task
        if task is None or task.source.blind:
            return None
        evaluation = self._evaluation(task)
        if isinstance(evaluation, Compiled):
            return (task, evaluation.engines()) if task.source.code is None else None  # code may have changed
        writer = None if self.timeout is not None else getattr(evaluation, "writer", None)
        return None if writer is None else (task, writer)

    # What optimisers ask for -----------------------------------------------------------------------------------

    @property
    def _several(self) -> bool:
        """Whether f is asked for as several functions."""
        return self.question.kind == "jacobian"

    def fun(self, x: Any) -> Any:
        """f at a flat array, in binary64.

        Parameters
        ----------
        x : array
            The variables in their order, shape (n,).

        Returns
        -------
        float or array
            A number, or of a Jacobian all functions, shape (m,).
        """
        import numpy as np

        x = _flat(x)
        found = self._values(*x.tolist())
        if found is not None:
            return np.array(found) if self._several else found[0]
        with undisturbed():
            values = self.question.f.values(x)
        return np.array(values) if self._several else float(values[0])

    @cached_property
    def _values(self) -> Callable[..., Any]:
        """f's own values at coordinates; None where it has none."""
        source = self.question.f.source
        if source is None or source.code is not None or source.blind:
            return lambda *_: None
        from diffkit.engines.lowering import lower_values
        from diffkit.engines.python import compile_point

        return compile_point(lower_values(source.program))

    def jac(self, x: Any) -> Array:
        """The gradient at a flat array, or the Jacobian.

        Parameters
        ----------
        x : array
            The variables in their order, shape (n,).

        Returns
        -------
        array
            Shape (n,), or of a Jacobian (m, n).
        """
        points = self._first_order._points
        if points.settled is not None and "jac" not in vars(self):  # what is compiled takes the place of this
            vars(self)["jac"] = points.function(self._jac)
        return self._jac(x)

    def _jac(self, x: Any, _: None = None) -> Array:
        return self._at_flat(self._first_order, _flat(x))

    def hess(self, x: Any) -> Array:
        """The Hessian at a flat array.

        Parameters
        ----------
        x : array
            The variables in their order, shape (n,).

        Returns
        -------
        array
            Shape (n, n).
        """
        self._check_one()
        return self._at_flat(self._own("hessian"), _flat(x))

    @cached_property
    def _first_order(self) -> Prepared:
        return self._own("jacobian" if self._several else "gradient")

    @staticmethod
    def _at_flat(prepared: Prepared, x: Any) -> Array:
        """The array at a flat array of coordinates, one for each of its axes."""
        long = len(x) > _LONG_POINT and (quick := prepared._points.quick(x)) is not None
        if long or (quick := prepared._points.quick(tuple(x.tolist()))) is not None:
            return quick  # type: ignore[no-any-return]
        found = prepared(x)
        if hasattr(found, "toarray"):
            return found
        kind = prepared.question.kind
        return found.ravel() if kind == "gradient" else found.reshape(len(x) if kind == "hessian" else -1, len(x))

    def hessp(self, x: Any, v: Any) -> Array:
        """The Hessian at a flat array times v; the Hessian itself is never formed.

        Parameters
        ----------
        x : array
            The variables in their order, shape (n,).
        v : array
            The direction, shape (n,).

        Returns
        -------
        array
            Shape (n,).
        """
        import numpy as np

        self._check_one()
        x = _flat(x)
        prepared = self._others.get("hvp") or self._other("hvp", direction=[0.0] * len(x))
        plain = len(x) > _LONG_POINT and type(v) is np.ndarray and v.dtype == x.dtype and v.shape == x.shape
        quick: Array | None = prepared._points.quick(np.concatenate((x, v, (0.0,)))) if plain else None
        if quick is not None:
            return quick
        direction = _direction(v)
        quick = prepared._points.quick((*x.tolist(), *direction, 0.0))
        if quick is not None:
            return quick
        with time_limit(self.timeout):
            found = answer_of(prepared.question.at(x), self.backend, prepared._evaluation, (*direction, 0.0))
            return np.array(found.flat)

    def _check_one(self) -> None:
        """DiffkitError where f is several functions: none of them is meant more than another."""
        if self._several:
            raise DiffkitError("a Hessian is of one function, and a Jacobian was prepared",
                               hint='prepare the function itself: dk.prepare(f, "hessian")')  # fmt: skip

    def _own(self, kind: str) -> Prepared:
        """The derivative of a kind, as it was prepared if it was, for all variables."""
        same = self.question.kind == kind and self.question.options.get("wrt") is None
        return self if same else self._other(kind)

    def _other(self, kind: str, **options: Any) -> Prepared:
        if kind not in self._others:
            other = self.question.other(kind, **options)
            same = self.question.is_same(other)
            self._others[kind] = (
                self
                if same
                else Prepared(other, self.backend, timeout=self.timeout, precision=self.precision, engine=self.engine)
            )
        return self._others[kind]


def _only_shape(task: Task) -> tuple[int, ...] | None:
    """The shape of the only argument of code, where an array of it is a point and answers are plain numbers."""
    code = task.source.code
    extra = task.kind == "derivative" or task.pattern is not None or task.factors is not None or bool(task.extras)
    return None if code is None or extra or len(code.arguments) > 1 else code.arguments[0].shape


def _chosen(evaluation: Any) -> Iterable[tuple[str, str]]:
    """The engines that an evaluation has been compiled by, by what they do."""
    engines = evaluation.engines() if isinstance(evaluation, Compiled) else evaluation
    return getattr(engines, "chosen", {}).items()


def _direction(v: Any) -> list[float]:
    """Numbers of a direction; an array of finite floats has nothing to be read."""
    import numpy as np

    if type(v) is np.ndarray and v.ndim == 1 and v.dtype == np.float64 and np.isfinite(v).all():
        found: list[float] = v.tolist()
        return found
    return read_direction(v)


def _flat(x: Any) -> Any:
    import numpy as np

    if type(x) is np.ndarray and x.ndim == 1 and x.dtype == np.float64:
        return x
    return np.asarray(x, dtype=float).ravel()

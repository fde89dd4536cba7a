"""A Python function and its point: which parameters move, their shapes, and the names of all coordinates."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.array_libraries import plain, signature_of
from diffkit.asking.frames import labelled, records, split_top
from diffkit.asking.points import Points, column, number, read_text
from diffkit.core.errors import DiffkitError, PointError, VariableError, listing, plural, visible
from diffkit.core.text.names import Names, as_names, check_variables

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Function:
    """f(x) of one number or array, or f(x, y, …) of several, as code.

    It says what the signature of the code does not say. A plain function does
    where there is nothing to add.

    Parameters
    ----------
    call : callable
        The code.
    args : tuple, default ()
        Further arguments (data), passed after those of the point.
    vectorized : bool, default False
        Whether one call takes many points, stacked along a new first axis of
        every argument.
    shape : tuple of int, optional
        The shape of the only argument: a point with axes before it is a batch.
    shapes : mapping, optional
        Those of several arguments by name, likewise.

    Examples
    --------
    >>> f = dk.Function(lambda x, a: np.sum(a * x**2), args=(3.0,), shape=(2,))
    >>> dk.gradient(f, np.array([[1.0, 2.0], [3.0, 4.0]])).value
    array([[ 6., 12.],
           [18., 24.]])
    """

    call: Callable[..., Any]
    """the code"""
    args: tuple[Any, ...] = ()
    """further arguments"""
    vectorized: bool = False
    """whether one call takes many points"""
    shape: tuple[int, ...] | None = None
    """of the only argument"""
    shapes: Mapping[str, tuple[int, ...]] | None = None
    """of several"""

    def __post_init__(self) -> None:
        if not callable(self.call):
            raise DiffkitError(f"a Function needs a function, not a {type(self.call).__name__}")
        if not isinstance(self.args, (tuple, list)):
            raise DiffkitError("args is a tuple of further arguments", hint="write args=(data,)")

    def __call__(self, *point: Any) -> Any:
        """The value at a point, the further arguments included."""
        return self.call(*point, *self.args)

    @property
    def name(self) -> str:
        """What to call it."""
        found = getattr(self.call, "__name__", type(self.call).__name__)
        return "f" if found == "<lambda>" else visible(str(found))

    def undeclared(self, given: Collection[str] = ()) -> frozenset[str]:
        """Names that nobody declared, in the text of a function made of text.

        Parameters
        ----------
        given : collection of str, default ()
            Names that a point declares.

        Returns
        -------
        frozenset of str
            Nothing of code.
        """
        of_text = getattr(self.call, "undeclared", None)
        return frozenset() if of_text is None else of_text(given)

    @property
    def ordered(self) -> bool:
        """Whether whoever gives a list of values can know their order, as a signature tells it."""
        return True

    def shaped(self, shapes: Mapping[str, tuple[int, ...]]) -> Function:
        """The same with arguments of known shapes, of which there may be many.

        Parameters
        ----------
        shapes : mapping
            The shape of each argument by its name.

        Returns
        -------
        Function
            Points with axes before those shapes are batches.
        """
        several = len(shapes) > 1
        return replace(self, shape=None if several else next(iter(shapes.values())), shapes=shapes if several else None)

    def parameters(self) -> tuple[str, ...] | None:
        """Names of the parameters that a point gives values to.

        Returns
        -------
        tuple of str or None
            None if it takes any number of them.
        """
        told, hidden = signature_of(self.call)
        if told is None or isinstance(told, tuple):
            return told
        try:
            found = list(inspect.signature(told).parameters.values())[hidden:]
        except (TypeError, ValueError):  # built-in functions and NumPy's own
            return ("x",)
        plain = [p for p in found if p.kind in POSITIONAL]
        if not plain and any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in found):
            return None
        needed = [p.name for p in plain if p.default is inspect.Parameter.empty]
        count = max(1, len(needed) - len(self.args))
        if not plain:
            raise DiffkitError(f"{self.name} takes no argument to differentiate by")
        return tuple(p.name for p in plain[:count])


class Argument(NamedTuple):
    """A parameter that moves: its name and its shape, () for a number."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many coordinates it has."""
        return math.prod(self.shape)

    def labels(self) -> Iterator[str]:
        """Names of the coordinates: x, or x[0], or x[0,1]."""
        if self.shape == ():
            yield self.name
            return
        for index in product(*([str(k) for k in range(length)] for length in self.shape)):
            yield f"{self.name}[{','.join(index)}]"


def coordinates(wrt: Any, arguments: Sequence[Argument]) -> Any:
    """Names of coordinates, where an array parameter stands for all of its own."""
    by_name = {a.name: tuple(a.labels()) for a in arguments if a.shape != ()}
    for a in arguments:  # the whole of a tree, by the name before those of its leaves
        if (whole := re.split(r"[.\[]", a.name)[0]) != a.name:
            by_name[whole] = (*by_name.get(whole, ()), *a.labels())
    wrt = as_names(wrt)
    if isinstance(wrt, str):
        return by_name.get(wrt, wrt)
    return tuple(label for name in wrt for label in by_name.get(name, (name,)))


class ArgumentPoint(NamedTuple):
    """A point as a function takes it: its arguments, the names of their coordinates, and the coordinates."""

    arguments: tuple[Argument, ...]
    points: Points


def as_function(f: Any, args: Sequence[Any] = ()) -> Function:
    """Give the Function of a callable, with further arguments."""
    if isinstance(f, Function):
        return f if isinstance(args, tuple) and not args else replace(f, args=args)  # type: ignore[arg-type]
    return Function(f, args)  # type: ignore[arg-type]


def shaped_like(f: Any, like: Any, args: Sequence[Any] = ()) -> Function:
    """Give the Function whose arguments have the shapes of arrays: of one, of a mapping by name, or of a list in order.

    DiffkitError for what is no function, PointError where names or numbers of arguments do not fit.
    """
    if not callable(f):
        raise DiffkitError("like gives the shape of a Python function's argument", hint="an expression has variables")
    function = as_function(f, args)
    names = function.parameters()
    if isinstance(like, Mapping):
        values = _by_name(like, names)
    elif names is not None and len(names) == 1:
        values = {names[0]: like}
    else:
        if not isinstance(like, (list, tuple)) or len(like) != len(names or like):
            raise PointError("like is one array, and the function has several arguments",
                             hint=f"give one for each by name: {listing(names or ())}")  # fmt: skip
        if not function.ordered:
            raise unordered(names or (), "like")
        values = dict(zip(names or _any_number(like), like, strict=True))
    return function.shaped({name: _shape_of(value, name) for name, value in values.items()})


def _shape_of(value: Any, name: str) -> tuple[int, ...]:
    try:
        return tuple(np.shape(value))
    except ValueError:
        raise PointError(f"{name} is a ragged list") from None


def read_place(function: Function, at: Any, names: Names | None = None, elementwise: bool = False) -> ArgumentPoint:
    """Give the arguments and coordinates that ``at`` means for a function; PointError if they do not fit.

    One parameter: a number, or nested lists of numbers or an array of any shape, all one point; a list that holds an
    array is a list of parameters, [W] that of one. Several: a list or tuple with one entry each, or an array whose last
    axis runs over them (axes before it make a batch). What has labels gives parameters by name: a mapping, a series, a
    named tuple; a data frame, and a list of what has labels, are many points. ``names`` renames the coordinates, or the
    parameters. With ``elementwise`` an array is a batch of numbers. Text is read as after ``--at``.
    """
    parameters = function.parameters()
    if isinstance(at, str):
        at = _from_text(at, parameters, elementwise)
    given = labelled(at) or records(at, parameters or ())
    if given is not None and (given.names or parameters is None or len(parameters) > 1):
        values = _by_name(given.values, parameters)
        if not given.table and not getattr(function.call, "leaves", ()):  # leaves have names of their own kind
            check_variables(list(values))
        return _rows(values, names) if given.table else _named(values, names, function.shapes)
    at = _only(at, parameters)
    if parameters is None:
        parameters = _any_number(at)
    if len(parameters) > 1:
        if isinstance(at, (list, tuple)) and not function.ordered:
            raise unordered(parameters)
        return _several(at, parameters, names, function.shapes)
    array = _array(at, parameters[0])
    scalar = elementwise and (isinstance(at, np.ndarray) or array.size == 1)
    return _one(function, array, parameters[0], names, scalar)


def _any_number(at: Any) -> tuple[str, ...]:
    """Names of as many parameters as a point has coordinates."""
    count = at.shape[-1] if isinstance(at, np.ndarray) and at.ndim else len(at) if isinstance(at, (list, tuple)) else 1
    return tuple(f"x{k + 1}" for k in range(count)) if count > 1 else ("x",)


def _one(function: Function, array: Any, name: str, names: Names | None, scalar: bool) -> ArgumentPoint:
    """The place of the only argument: a number or an array, or many of them; ``scalar``: numbers in any case."""
    shape = function.shape
    if shape is None:
        shape = () if scalar else array.shape
    split = array.ndim - len(shape)
    if split < 0 or array.shape[split:] != tuple(shape):
        if array.size != math.prod(shape):
            raise PointError(f"the point has shape {array.shape}, the argument {tuple(shape)}")
        array, split = array.reshape(shape), 0
    argument = Argument(name, tuple(shape))
    batch = None if split == 0 else array.shape[:split]
    return _place((argument,), names, array.reshape(-1, argument.size), batch)


def unordered(names: Sequence[str], what: str = "a point beside data") -> PointError:
    """The error for a list of values where only names say whose they are."""
    example = ",".join(f"{name}=0" for name in names[:4])
    return PointError(f"{what} goes by names ({listing(names)}), and this is a bare list",
                      hint=f"write {example}, or give their order by variables")  # fmt: skip


def _only(at: Any, parameters: tuple[str, ...] | None) -> Any:
    """The only argument of a list that holds one array; a list of several is not one argument."""
    holds = isinstance(at, (list, tuple)) and any(getattr(value, "shape", ()) != () for value in at)
    if not holds or len(parameters or at) > 1:
        return at
    if len(at) > 1:
        raise PointError(f"the point is a list of {len(at)} arrays, the function has 1 parameter",
                         hint="np.stack makes one array of them; further data go into args=")  # fmt: skip
    return at[0]


def _from_text(text: str, parameters: tuple[str, ...] | None, elementwise: bool) -> Any:
    """Numbers, a mapping, or an array where the text has ranges."""
    parts = split_top(text, ",")
    if parameters is None:
        keys = [part.partition("=")[0].strip() for part in parts if "=" in part]
        parameters = tuple(keys) if keys else tuple(f"x{k + 1}" for k in range(len(parts)))
    if len(parameters) == 1 and not (elementwise or "=" in text):
        return number(text, parameters[0]) if len(parts) == 1 else [number(part.strip()) for part in parts]
    points = read_text(text, parameters)
    if points.point is not None:
        return points.at
    rows = points.rows.reshape(*points.batch, len(parameters))
    return rows[..., 0] if len(parameters) == 1 else rows


def _by_name(at: Mapping[Any, Any], parameters: tuple[str, ...] | None) -> dict[str, Any]:
    known = ", ".join(parameters or ())
    for name in parameters or ():
        if name not in at:
            array = "; for an array give the numbers alone" if len(parameters or ()) == 1 else ""
            raise PointError(f"the point gives no value for {name}", hint=f"f takes {known}{array}")
    extra = [name for name in at if parameters is not None and name not in parameters]
    if extra:
        raise PointError(f"the point names an unknown parameter {str(extra[0])[:64]}", hint=f"f takes {known}")
    return {name: at[name] for name in parameters or at}


def _rows(columns: Mapping[str, Any], names: Names | None) -> ArgumentPoint:
    """A table as a batch of points, one in each row, the parameters being numbers."""
    arguments = tuple(Argument(name, ()) for name in columns)
    arrays = [column(values, name) for name, values in columns.items()]
    if len({array.shape for array in arrays}) > 1:
        raise PointError("the columns of the table have different lengths")
    rows = _checked(np.stack(arrays, axis=-1))
    return _place(arguments, names, rows.reshape(-1, len(arguments)), rows.shape[:-1])


def _several(
    at: Any, parameters: tuple[str, ...], names: Names | None, shapes: Mapping[str, tuple[int, ...]] | None
) -> ArgumentPoint:
    if isinstance(at, np.ndarray):
        if at.ndim == 0 or at.shape[-1] != len(parameters):
            raise PointError(f"the last axis of the points has shape {at.shape}, for {listing(parameters)}")
        arguments = tuple(Argument(name, ()) for name in parameters)
        return _place(arguments, names, _checked(at).reshape(-1, len(parameters)), at.shape[:-1] or None)
    if not isinstance(at, (list, tuple)) or len(at) != len(parameters):
        given = plural(len(at), "coordinate") if isinstance(at, (list, tuple)) else "one coordinate"
        raise PointError(f"the point has {given}, the function has {plural(len(parameters), 'parameter')}",
                         hint=f"in order: {listing(parameters)}; further data go into args=")  # fmt: skip
    check_variables(parameters)
    return _named(dict(zip(parameters, at, strict=True)), names, shapes)


def _named(
    values: Mapping[str, Any], names: Names | None, shapes: Mapping[str, tuple[int, ...]] | None
) -> ArgumentPoint:
    """The place of several arguments; where their shapes are known, axes before these are many points."""
    if not values:
        raise PointError("the point is empty")
    arrays = {name: _array(value, name) for name, value in values.items()}
    arguments = tuple(Argument(name, (shapes or {}).get(name, array.shape)) for name, array in arrays.items())
    parts = [_many(array, argument) for array, argument in zip(arrays.values(), arguments, strict=True)]
    try:
        batch = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    except ValueError:
        leads = ", ".join(f"{a.name} {part.shape[:-1]}" for a, part in zip(arguments, parts, strict=True))
        raise PointError(f"the arguments are many points of shapes that do not fit: {leads}") from None
    rows = np.concatenate([np.broadcast_to(part, (*batch, part.shape[-1])) for part in parts], axis=-1)
    return _place(arguments, names, rows.reshape(-1, rows.shape[-1]), batch or None)


def _many(array: Any, argument: Argument) -> Any:
    """An array of an argument's shape, or of many of them, flat in its last axis."""
    lead = array.shape[: array.ndim - len(argument.shape)]
    if array.shape != (*lead, *argument.shape):
        if array.size != argument.size:
            raise PointError(f"{argument.name} has shape {array.shape}, and should have {argument.shape}",
                             hint="more axes in front are many points")  # fmt: skip
        lead = ()
    return array.reshape(*lead, argument.size)


def _array(value: Any, name: str) -> Any:
    """Numbers of any shape as binary64; text is allowed for a number."""
    if isinstance(value, (list, tuple)):
        if not value:
            raise PointError(f"{name} is empty")
        parts = [_array(part, name) for part in value]
        if len({part.shape for part in parts}) > 1:
            raise PointError(f"{name} is a ragged list")
        return np.stack(parts)
    if hasattr(value, "__array__") and getattr(value, "shape", ()) != ():
        return _checked(np.asanyarray(plain(value)))
    return np.array(number(value, name))


def _checked(array: Any) -> Any:
    if np.ma.isMaskedArray(array) and np.ma.is_masked(array):
        raise PointError("the point has masked values")
    if array.dtype.kind not in "iuf":
        raise PointError(f"an array of {array.dtype} does not hold real numbers")
    found = np.array(array, dtype=float)
    if not np.isfinite(found).all():
        raise PointError("the point holds NaN or infinity")
    if found.size == 0:
        raise PointError("the point is empty")
    return found


def _place(arguments: tuple[Argument, ...], names: Names | None, rows: Any, batch: Any) -> ArgumentPoint:
    names = None if names is None else check_variables(names)
    if names is not None and len(names) == len(arguments):
        arguments = tuple(Argument(n, a.shape) for n, a in zip(names, arguments, strict=True))
        names = None
    labels = tuple(label for argument in arguments for label in argument.labels())
    if names is not None:
        if len(names) != len(labels):
            raise VariableError(f"{plural(len(names), 'name')} for {plural(len(labels), 'coordinate')}")
        labels = names
    if batch is None:
        return ArgumentPoint(arguments, Points(labels, tuple(rows[0].tolist())))
    return ArgumentPoint(arguments, Points(labels, None, np.ascontiguousarray(rows), tuple(batch)))

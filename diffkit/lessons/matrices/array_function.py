"""Array expressions as functions of their variables: with data bound, they are differentiated as any function is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from diffkit.asking.callables import Function
from diffkit.core.errors import PointError, TracingError, VariableError, did_you_mean, listing
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Program
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.text.names import Names, check_variables, instead, natural_order
from diffkit.lessons.matrices.algebra import MatrixAlgebra
from diffkit.lessons.matrices.array_parser import check_letters, parse_array
from diffkit.lessons.matrices.nodes import Node, names_of
from diffkit.lessons.matrices.problem import read_problem
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_latex import tree_latex
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.ndarrays.kernel import evaluate, exactly

EXACT_INTEGERS = 2.0**53  # integers up to it are binary64 numbers


class ArrayFunction(Function):
    """An array expression with some of its names bound to data; a Function of the others, in natural order.

    ``text`` is the expression, ``names`` its variables, ``data`` the bound arrays by name. A point is a mapping of
    names to numbers and arrays. ``given`` are the names that a point gives, where that is known already, and ``bound``
    says that values are put in for other names, so that a list of values does not say whose they are.
    """

    def __init__(
        self, node: Node, data: Mapping[str, Any], text: str = "", variables: Names | None = None,
        given: Collection[str] | None = None, bound: bool = False,
    ):  # fmt: skip
        free = natural_order(name for name in names_of(node) if name not in data)
        told, given = given is not None, given or ()
        own = free if names_of(node) else natural_order(given)
        names = own if variables is None else check_variables(variables)
        missing = [name for name in free if name not in names]
        if missing:
            hint = instead(missing[0], names, matrices=True) or f"the variables are {listing(names)}"
            raise VariableError(f"unknown variable {missing[0]}", hint=hint)
        declared = frozenset((*given, *data, *(() if variables is None else names)))
        check_letters(node, text, declared, given)
        ordered = variables is not None or not (data or bound)
        self._set(node=node, data=dict(data), text=text or str(node), names=names, known={}, declared=declared,
                  in_order=ordered, told=told)  # fmt: skip
        super().__init__(self.evaluate)

    def __getstate__(self) -> dict[str, Any]:
        """The programs of shapes are made again where a pickle arrives: rules do not pickle."""
        return {**vars(self), "known": {}}

    def _set(self, **fields: Any) -> None:
        for field, value in fields.items():  # the base class is frozen
            object.__setattr__(self, field, value)

    node: Node
    data: dict[str, Any]
    text: str
    names: tuple[str, ...]
    declared: frozenset[str]
    in_order: bool
    told: bool
    known: dict[tuple[Shape, ...], Program]

    @property
    def name(self) -> str:
        """What to call it."""
        return "f"

    @property
    def latex(self) -> str:
        """The expression as LaTeX; what a name is without data is read off how it is written and used.

        ShapeError where shapes do not fit, LimitError if it is too long.
        """
        shapes = {name: np.shape(value) for name, value in self.data.items() if name in names_of(self.node)}
        problem = read_problem([self.text], shapes, declare=self.names)
        return tree_latex(problem.trees[0], MatrixAlgebra(problem.shapes).shape)

    def shaped(self, shapes: Mapping[str, Shape]) -> ArrayFunction:
        """The same with variables of known shapes, of which there may be many."""
        found, several = copy(self), len(shapes) > 1
        found._set(shape=None if several else next(iter(shapes.values())), shapes=shapes if several else None)
        return found

    def undeclared(self, given: Collection[str] = ()) -> frozenset[str]:
        """Names in the text that nobody declared; a point declares ``given``, unless it is known what it gives."""
        return frozenset(names_of(self.node)) - self.declared - frozenset(() if self.told else given)

    @property
    def ordered(self) -> bool:
        """Whether whoever gives a list of values can know their order."""
        return self.in_order

    def parameters(self) -> tuple[str, ...]:
        """Names of the variables."""
        if not self.names and not self.data:
            raise VariableError("the expression has no variable", hint="name one in the point, such as x=1")
        if not self.names:
            raise VariableError("every name has data, so there is nothing to differentiate by",
                                hint="name them by --variables, or leave them out of the data")  # fmt: skip
        return self.names

    def opened(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The same as a function of the variables and of the data, with the data: for whoever takes some rows."""
        whole = ArrayFunction(self.node, {}, self.text, (*self.names, *self.data))

        def f(*values: Any) -> Any:
            return whole.evaluate(*values)

        parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in whole.names]
        f.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        f.undeclared = self.undeclared  # type: ignore[attr-defined]
        return f, tuple(self.data.values())

    def _program(self, shapes: tuple[Shape, ...]) -> Program:
        """The Program of variables of some shapes, and of the data."""
        sizes = dict(zip(self.names, shapes, strict=True)) | {name: np.shape(v) for name, v in self.data.items()}
        return program_of(self.node, tuple(sizes), shapes_of(self.node, sizes, self.text))

    def evaluate(self, *values: Any) -> Any:
        """The value at arrays, dual or recorded ones too, one for each variable; ShapeError where they do not fit."""
        shapes = tuple(tuple(np.shape(v)) for v in values)
        if shapes not in self.known:
            self.known[shapes] = self._program(shapes)
        data = (exactly(array, *values) for array in self.data.values())
        try:
            return evaluate(self.known[shapes], [*values, *data])
        except TracingError as error:  # the line of code it speaks of is none of the user's
            reason = error.reason.partition(", at ")[0]
            raise TracingError(reason, hint="a proof needs smaller arrays; dual and finite need none") from None


def arrays(text: str, /, *, variables: Names | None = None, limits: Limits = DEFAULT, **data: Any) -> ArrayFunction:
    """Read an array expression such as ``mean((y - X @ w)**2)``, with data.

    Nothing in the text is executed.

    Parameters
    ----------
    text : str
        The expression.
    variables : str or sequence, optional
        The names without data in their order; natural order unless given. A
        point of several beside data goes by names.
    limits : Limits, optional
        How large the text may be.
    **data : array
        Data for some of the names.

    Returns
    -------
    ArrayFunction
        A function to differentiate, of the names without data.

    Raises
    ------
    ParseError
        For text that is no expression, with the position.
    LimitError
        For what is larger than ``limits``.
    VariableError
        For data that the text does not name.

    Examples
    --------
    >>> f = dk.arrays("x.T @ A @ x", A=[[2.0, 1.0], [1.0, 3.0]])
    >>> dk.gradient(f, {"x": [1.0, 1.0]}).value
    array([6., 8.])
    """
    node = parse_array(text, limits, (*data, *(() if variables is None else check_variables(variables))))
    names = names_of(node)
    for name in data:
        if name not in names:
            raise VariableError(f"the expression has no {name}", hint=did_you_mean(name, names))
    return ArrayFunction(node, {name: as_data(name, value) for name, value in data.items()}, text, variables)


def as_data(name: str, value: Any) -> Any:
    """Give data as an array of binary64 of at most two axes; PointError unless it holds finite real numbers.

    Numbers that binary64 would round are refused, as what is proven of others would be no proof about these.
    """
    try:
        array = np.asarray(value)
        entries = array if array.dtype.kind in "iufb" else np.asarray(value, dtype=object)
    except ValueError:
        raise PointError(f"{name} has rows of different lengths") from None
    if entries.dtype.kind == "O":
        for place, entry in np.ndenumerate(entries):
            if not isinstance(entry, (int, float, np.number)) or isinstance(entry, np.complexfloating):
                shown = "null" if entry is None else repr(entry)[:40]
                raise PointError(f"{_entry(name, place)} is {shown}, not a real number")
    if np.ma.isMaskedArray(value) and np.ma.is_masked(value):
        raise PointError(f"{name} has masked values")
    if entries.ndim > 2 or entries.size == 0:
        raise PointError(f"{name} has shape {entries.shape}", hint="data are scalars, vectors and matrices")
    try:
        found = entries.astype(float)
    except OverflowError:
        raise PointError(f"{name} holds an integer beyond binary64", hint="data are binary64 numbers") from None
    if not np.isfinite(found).all():
        place = tuple(np.argwhere(~np.isfinite(found))[0])
        raise PointError(f"{_entry(name, place)} is {found[place]}", hint="data are finite numbers")
    suspects = entries != found if entries.dtype.kind == "f" else np.abs(found) >= EXACT_INTEGERS
    for place in map(tuple, np.argwhere(suspects)):
        entry = entries[place].item() if isinstance(entries[place], np.generic) else entries[place]
        if entry != found[place].item():  # Python compares integers with floats exactly
            raise rounded(_entry(name, place), entry)
    return found[()]


def _entry(name: str, place: Sequence[Any]) -> str:
    return f"{name}[{', '.join(str(int(k)) for k in place)}]" if len(place) else name


def is_binary64(value: int) -> bool:
    """Whether an integer is a binary64 number."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def rounded(name: str, value: Any) -> PointError:
    """Give the error for a number that is no binary64 number."""
    return PointError(
        f"{name} = {str(value)[:40]} is no binary64 number, and would be rounded",
        hint="integers are exact up to 2**53; write it with a decimal point to have it rounded",
    )

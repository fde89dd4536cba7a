"""The proxy of an array, and the few operations in which all rules are written.

A rule asks for rows of the table (``apply_row``), for elements (``gather``), for sums (``total``) and for sums of
products (``contract``). Among the proxies that meet in an operation, the one of the newest level leads: to it the
others are constants, so the perturbations of nested derivatives cannot be confused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np

from diffkit.core.contractions import sum_of_products
from diffkit.core.errors import TracingError
from diffkit.core.program import Constant, Program, run
from diffkit.core.rules import by_rule
from diffkit.core.table import NE, Primitive, Rule, table
from diffkit.ndarrays.protocols import Methods, Shape
from diffkit.ndarrays.source import user_line
from diffkit.numbers.arrays import array_function
from diffkit.numbers.duals import DualAlgebra
from diffkit.numbers.floats import to_float

NUMBERS = count(1)


class Level:
    """One pushforward or one record: its proxies are newer than all that existed when it began."""

    def __init__(self) -> None:
        self.number = next(NUMBERS)
        self.open = True


class Proxy(Methods):
    """An array whose elements are followed; subclasses say what is kept (``content``) and provide the operations.

    A view knows the array it looks into (``root``) and which elements it shows (``index``, counted from 1, with
    the memory layout that NumPy's own view would have), so that writing through views works as in NumPy.
    """

    __slots__ = ("_content", "_index", "_seen", "_version", "level", "root", "shape")
    truth = False
    whole = False
    """whether operations on matrices are kept as they are, instead of what their rules make of them"""

    def __init__(self, level: Any, content: Any, shape: Shape):
        self.level = level
        self.shape = shape
        self.root: Proxy = self
        self._content = content
        self._index: Any = None
        self._version = self._seen = 0

    # What a subclass provides -----------------------------------------------------------------------------------

    def row(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the elementwise value of a row; arguments are proxies and plain arrays that broadcast."""
        raise NotImplementedError

    def gather(self, parts: Sequence[Any], indices: Any) -> Proxy:
        """Give elements of the pool (0, then all elements of the parts in order) by position."""
        raise NotImplementedError

    def total(self, x: Proxy, axes: tuple[int, ...]) -> Proxy:
        """Sum over axes."""
        raise NotImplementedError

    def contract(self, a: Any, b: Any, left: str, right: str, out: str) -> Proxy:
        """Give ``einsum("left,right->out", a, b)``."""
        raise NotImplementedError

    @property
    def primal(self) -> Any:
        """The value at the level below; None where there are no values."""
        raise NotImplementedError

    @property
    def ground(self) -> Any:
        """The record that values are of, at the bottom of all levels; None where they are numbers."""
        below = self.primal
        return below.ground if isinstance(below, Proxy) else None

    # Views ------------------------------------------------------------------------------------------------------

    @property
    def content(self) -> Any:
        """What is kept of the array, after all that was written to it."""
        root = self.root
        if not self.fresh:
            self._content, self._seen = root.gather([root], self._index)._content, root._version
        return self._content

    @property
    def fresh(self) -> bool:
        """Whether nothing was written to it that it has not read."""
        return self.root is self or self.root._version == self._seen

    @property
    def index(self) -> Any:
        """Positions of the elements in the root, counted from 1."""
        if self._index is None:
            self._index = np.arange(1, self.size + 1).reshape(self.shape)
        return self._index

    def view(self, index: Any) -> Proxy:
        """Give a view of this array's root at positions that share the memory of ``index``."""
        root = self.root
        found = root.gather([root], index)
        found.root, found._index, found._seen = root, index, root._version
        return found

    def write(self, positions: Any, value: Any) -> None:
        """Set elements of the root; TracingError if the value belongs to a newer level."""
        root = self.root
        if np.ndim(value) > positions.ndim:  # as NumPy does: leading axes of length 1 are dropped
            value = np.reshape(value, np.shape(value)[np.ndim(value) - positions.ndim :])
        pool = np.arange(1, root.size + 1)
        start = root.size + 1
        pool[positions - 1] = np.arange(start, start + np.size(value)).reshape(np.shape(value))
        new = gather([root, value], pool.reshape(root.shape))
        if new.level is not root.level:
            raise TracingError(
                f"an inner derivative writes into an array of an outer one, at {user_line()}",
                hint="make the array inside the inner function",
            )
        root._content = new.content
        root._version += 1


class Rows:
    """The algebra of arrays and proxies: the base over which dual arrays are dual.

    Constants are exact where a record is at the bottom, and floats elsewhere.
    """

    def __init__(self, record: Any = None):
        self.record = record

    def constant(self, value: Constant) -> Any:
        """Give the value of an exact constant."""
        return to_float(value) if self.record is None else self.record.exact(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the elementwise value of a row, or what a function of whole arrays gives."""
        if not isinstance(primitive, Primitive):
            return primitive.value(*args)
        lead = leader(args)
        if lead is None:
            return array_function(primitive)(*args)
        if primitive.truths:
            args = [
                self.apply(NE, (a, 0.0)) if k in primitive.truths and isinstance(a, Proxy) and not a.truth else a
                for k, a in enumerate(args)
            ]
            lead = leader(args)
        return array_function(primitive)(*args) if lead is None else lead.row(primitive, args)


ROWS = Rows()
DUALS = DualAlgebra(ROWS)


def _record_beneath(args: Iterable[Any]) -> Any:
    """Give the record at the bottom of proxies; None where they hold numbers."""
    for arg in args:
        if isinstance(arg, Proxy) and (found := arg.ground) is not None:
            return found
    return None


def rows(args: Iterable[Any]) -> Rows:
    """Give the algebra for formulas of some arguments: its constants are as exact as they are."""
    record = _record_beneath(args)
    return ROWS if record is None else Rows(record)


def duals(args: Iterable[Any]) -> DualAlgebra:
    """Give the duals over arrays and proxies, with constants as exact as the arguments are."""
    base = rows(args)
    return DUALS if base is ROWS else DualAlgebra(base)


def evaluate(program: Program, values: Sequence[Any]) -> Any:
    """Give the value of a Program of functions of arrays at arrays of any kind; constants are as exact as these are."""
    (found,) = run(program, rows(values), values)
    return found


def exactly(x: Any, *beside: Any) -> Any:
    """Numbers that a rule computes with: as constants of the record beneath what they meet, which rounds nothing.

    Where nothing is recorded, or the numbers are followed themselves, they stay as they are.
    """
    if isinstance(x, Proxy) or (record := _record_beneath(beside)) is None:
        return x
    x = numeric(x)
    return x if x.dtype == bool else record.constants(x)


def apply_row(name: str, *args: Any) -> Any:
    """Give the elementwise value of the row called ``name``."""
    return ROWS.apply(table[name], args)


def apply_formula(rule: Rule, args: Sequence[Any]) -> Any:
    """Give the elementwise value of a formula in rows, whose constants and other plain numbers are not rounded."""
    return by_rule(rule, rows(args), [exactly(a, *args) for a in args])


def leader(args: Iterable[Any]) -> Proxy | None:
    """Give the proxy of the newest level; TracingError for one whose derivative is finished."""
    found: Proxy | None = None
    for arg in args:
        if isinstance(arg, Proxy):
            if not arg.level.open:
                raise TracingError(
                    f"a value was kept from a derivative that is finished, at {user_line()}",
                    hint="return it from the function instead of storing it",
                )
            if found is None or arg.level.number > found.level.number:
                found = arg
    return found


def gather(parts: Sequence[Any], indices: Any) -> Any:
    """Give elements of the pool (0, then all elements of the parts in order) by position, in the indices' shape."""
    lead = leader(parts)
    if lead is not None:
        return lead.gather(parts, indices)
    if len(parts) == 1 and (indices.size == 0 or indices.min() > 0):
        return np.ravel(parts[0])[indices - 1]
    return np.concatenate([[0.0], *map(np.ravel, parts)])[indices]


def total(x: Any, axes: tuple[int, ...]) -> Any:
    """Sum over axes."""
    return x.total(x, axes) if isinstance(x, Proxy) else np.sum(x, axis=axes)


def contract(a: Any, b: Any, left: str, right: str, out: str) -> Any:
    """Give the sum of products ``einsum("left,right->out", a, b)``."""
    lead = leader((a, b))
    if lead is not None:
        return lead.contract(a, b, left, right, out)
    return sum_of_products(a, b, left, right, out)


def plain(x: Any) -> Any:
    """Give the values under all levels as a plain array; None where they are recorded without values."""
    while isinstance(x, Proxy):
        x = x.primal
    return x


def values_of(x: Any, what: str, hint: str) -> Any:
    """Give the values under all levels; TracingError, that says what depends on the input, where there are none."""
    values = plain(x)
    if values is None:
        raise TracingError(f"{what} depends on the input, at {user_line()}", hint=hint)
    return values


def numeric(value: Any) -> Any:
    """Give an operand as a proxy or a plain array of floats or truths; TracingError for anything else."""
    if isinstance(value, Proxy):
        return value
    if type(value) is float or type(value) is int:
        return np.float64(value)
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return join(value)
    array = np.asarray(value)
    if array.dtype.kind in "iuf":
        return array if array.dtype in (np.float64, np.longdouble) else array.astype(float)
    if array.dtype.kind == "b":
        return array
    raise TracingError(f"cannot compute with {type(value).__name__}s of type {array.dtype}, at {user_line()}")


def real(array: Any) -> Any:
    """Numbers as binary64, or in extended precision if they are: that is how rounding is measured."""
    found = np.asarray(array)
    return found if found.dtype in (float, np.longdouble) else found.astype(float)


def own(primal: Any) -> Any:
    """Give an argument in numbers of its own: the user's array is never handed out."""
    if isinstance(primal, Proxy):
        return primal
    return float(primal) if isinstance(primal, (int, float)) else real(primal).copy()


def join(value: Any) -> Any:
    """Stack nested lists, or an object array, of numbers and proxies."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        if value.ndim == 0:
            return numeric(value.item())
        value = list(value)
    if not isinstance(value, (list, tuple)):
        return numeric(value)
    parts = [join(part) for part in value]
    if leader(parts) is None:
        return numeric(np.asarray(parts, dtype=float)) if parts else np.zeros(0)
    return np.stack(parts)


def answer(call: Callable[..., Any], args: Sequence[Any]) -> Any:
    """Give what a function returns, stacked; TracingError if that is not an array of numbers."""
    try:
        value = call(*args)
    except (TypeError, ValueError) as error:  # NumPy hides an error that is raised while it fills an array
        if isinstance(error.__cause__, TracingError):
            raise error.__cause__ from None
        raise
    if value is None:
        raise TracingError("the function returned None", hint="does it end with return?")
    if isinstance(value, (dict, set, str)):
        raise TracingError(f"the function returned a {type(value).__name__}", hint="return a number or an array")
    found = join(value)
    leader((found,))
    return found

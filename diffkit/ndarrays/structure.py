"""Rules of everything that only moves elements, all by one idea.

The NumPy function itself is applied to arrays of positions (0 stands for the constant 0, so that functions which
fill with zeros work), and the elements are gathered by the positions that come out. Where NumPy's result is a view
of the positions, the proxy becomes a view too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.ndarrays.kernel import Proxy, apply_row, gather, join, leader, numeric, values_of
from diffkit.ndarrays.protocols import FUNCTIONS, rule, ufunc_rule
from diffkit.ndarrays.source import user_line


def move(function: Callable[..., Any], data: Any, *args: Any, **kwargs: Any) -> Any:
    """Move the elements of ``data``, an array or a list or tuple of arrays, as ``function(data, …)`` moves them."""
    _refuse_proxies(args, kwargs)
    if kwargs.keys() & {"out", "dtype"}:
        raise TracingError(f"np.{function.__name__} with {', '.join(kwargs)}, at {user_line()}", hint="leave them out")
    if isinstance(data, Proxy):
        root, positions = data.root, function(data.index, *args, **kwargs)
        if isinstance(positions, (list, tuple)):
            return type(positions)(_element(root, p) for p in positions)
        return _element(root, positions)
    parts = [numeric(part) for part in data]
    positions, start = [], 1
    for part in parts:
        positions.append(np.arange(start, start + np.size(part)).reshape(np.shape(part)))
        start += np.size(part)
    found = function(positions, *args, **kwargs)
    if isinstance(found, (list, tuple)):
        return type(found)(gather(parts, p) for p in found)
    return gather(parts, found)


def _element(root: Proxy, positions: Any) -> Any:
    if positions.ndim and positions.base is not None and np.may_share_memory(positions, root.index):
        return root.view(positions)
    return root.gather([root], np.asarray(positions))


def _known(key: Any) -> Any:
    """An index in which conditions are their values, where these are known."""
    if isinstance(key, tuple):
        return tuple(map(_known, key))
    return key if not isinstance(key, Proxy) or key.dtype != bool or key.primal is None else key.primal


def _refuse_proxies(args: Any, kwargs: Any) -> None:
    """Raise TracingError if an index, a count or a choice depends on the input."""
    for arg in (*args, *kwargs.values()):
        if isinstance(arg, Proxy):
            raise TracingError(
                f"an index or a count depends on the input, at {user_line()}",
                hint="indices must be plain integers; choose between values with np.where",
            )
        if isinstance(arg, (list, tuple)):
            _refuse_proxies(arg, {})


DATA_FIRST = (
    "reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "squeeze", "expand_dims", "split",
    "array_split", "hsplit", "vsplit", "dsplit", "broadcast_to", "repeat", "tile", "roll", "flip", "fliplr", "flipud",
    "rot90", "take", "take_along_axis", "diag", "diagflat", "diagonal", "tril", "triu", "copy", "delete", "resize",
    "unstack", "matrix_transpose", "permute_dims", "concatenate", "concat", "stack", "hstack", "vstack", "dstack",
    "column_stack",
)  # fmt: skip
"""functions whose first argument holds all the data"""

for _name in DATA_FIRST:
    FUNCTIONS[getattr(np, _name)] = partial(move, getattr(np, _name))
FUNCTIONS[np.lib.stride_tricks.sliding_window_view] = partial(move, np.lib.stride_tricks.sliding_window_view)


@rule(np.block)
def block(arrays: Any) -> Any:
    """Join nested lists of blocks."""
    flat = [b for r in arrays for b in (r if isinstance(r, list) else [r])]
    widths = [len(r) if isinstance(r, list) else 0 for r in arrays]

    def together(positions: Any) -> Any:
        left = iter(positions)
        return np.block([[next(left) for _ in range(n)] if n else next(left) for n in widths])

    return move(together, flat)


@rule(operator.getitem)
def getitem(x: Proxy, key: Any) -> Any:
    """x[key]."""
    key = _known(key)
    _refuse_proxies((key,), {})
    return _element(x.root, x.index[key])


@rule(operator.setitem)
def setitem(x: Proxy, key: Any, value: Any) -> None:
    """x[key] = value, seen by all views of the array; of a number and a condition of the same shape it is a choice."""
    if isinstance(key, Proxy) and key.dtype == bool and key.shape == x.shape and not np.ndim(value):
        key, value = ..., np.where(key, value, x)
    key = _known(key)
    _refuse_proxies((key,), {})
    if not x.index.flags.writeable:
        raise ValueError("assignment destination is read-only")
    x.write(np.asarray(x.index[key]), numeric(value))


@rule(np.copyto)
def copyto(x: Any, value: Any, casting: Any = None, where: Any = True) -> None:
    """Write elements."""
    if not isinstance(x, Proxy):
        raise plain_target()
    x[...] = np.where(where, value, x)


def plain_target() -> TracingError:
    """Give the error of writing what depends on the input into a plain array."""
    return TracingError(
        f"a plain array is written to with numbers that depend on the input, at {user_line()}",
        hint="write y = y + x instead of y += x, or start from np.zeros_like of an input",
    )


@rule(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    """Broadcast against each other."""
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@rule(np.meshgrid)
def meshgrid(*arrays: Any, **options: Any) -> Any:
    """Coordinates of a grid."""
    return list(move(lambda parts: tuple(np.meshgrid(*parts, **options)), arrays))


def _at_least(function: Any) -> Callable[..., Any]:
    def follow(*arrays: Any) -> Any:
        found = tuple(move(function, a) if isinstance(a, Proxy) else function(a) for a in arrays)
        return found[0] if len(found) == 1 else found

    return follow


for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    FUNCTIONS[_function] = _at_least(_function)


@rule(np.append)
def append(x: Any, values: Any, axis: Any = None) -> Any:
    """Join two arrays, flat if no axis is given."""
    x, values = numeric(x), numeric(values)
    return np.concatenate([np.ravel(x), np.ravel(values)]) if axis is None else np.concatenate([x, values], axis)


@rule(np.insert)
def insert(x: Any, where: Any, values: Any, axis: Any = None) -> Any:
    """Put values before a position."""
    _refuse_proxies((where,), {})
    return move(lambda parts: np.insert(parts[0], where, parts[1], axis), [x, values])


PADS = ("edge", "reflect", "symmetric", "wrap")


@rule(np.pad)
def pad(x: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Pad with a constant or with the array's own elements."""
    _refuse_proxies((pad_width, mode), {})
    if mode in PADS and not options:
        return move(np.pad, x, pad_width, mode)
    if mode != "constant" or set(options) - {"constant_values"} or np.ndim(options.get("constant_values", 0)):
        raise TracingError(
            f"np.pad with mode {mode!r} and {options} cannot be followed", hint=f"modes: {', '.join(PADS)}"
        )
    fill = options.get("constant_values", 0.0)
    return move(lambda parts: np.pad(parts[0], pad_width, constant_values=x.size + 1), [x, fill])


@rule(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """Give a or b by a condition, elementwise; the positions of true elements if there are no branches."""
    if isinstance(condition, Proxy):
        condition = condition if condition.truth else condition != 0
    if not branches:
        return np.nonzero(condition)
    a, b = map(numeric, branches)
    if isinstance(condition, Proxy):
        return apply_row("where", condition, a, b)
    return move(lambda parts: np.where(condition, *parts), [a, b])


@rule(np.select)
def select(conditions: Any, choices: Any, default: Any = 0.0) -> Any:
    """Give the first choice whose condition holds."""
    found = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        found = np.where(condition, choice, found)
    return found


@rule(np.piecewise)
def piecewise(x: Any, conditions: Any, functions: Any, *args: Any, **kwargs: Any) -> Any:
    """Give the value of the last function whose condition holds."""
    found = np.zeros_like(x)
    functions = list(functions)
    if len(functions) == len(conditions) + 1:
        last = functions.pop()
        found = last(x, *args, **kwargs) if callable(last) else last
    for condition, function in zip(conditions, functions, strict=True):
        found = np.where(condition, function(x, *args, **kwargs) if callable(function) else function, found)
    return found


@rule(np.full_like)
def full_like(x: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """An array of one value, to which numbers that depend on the input can be written."""
    if dtype is not None and np.dtype(dtype) != np.dtype(float):
        return np.full(np.shape(x) if shape is None else shape, fill_value, dtype)
    lead = leader((x, fill_value))
    assert lead is not None
    return lead.gather([numeric(fill_value)], np.ones(np.shape(x) if shape is None else shape, dtype=int))


@rule(np.zeros_like, np.empty_like)
def zeros_like(x: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """An array of zeros, to which numbers that depend on the input can be written."""
    return full_like(x, 0.0, dtype, shape=shape)


@rule(np.ones_like)
def ones_like(x: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """An array of ones, to which numbers that depend on the input can be written."""
    return full_like(x, 1.0, dtype, shape=shape)


@rule(np.shape)
def shape_of(x: Any) -> Any:
    """Lengths of the axes."""
    return x.shape if isinstance(x, Proxy) else join(x).shape


@rule(np.ndim)
def ndim_of(x: Any) -> int:
    """Number of axes."""
    return len(shape_of(x))


@rule(np.size)
def size_of(x: Any, axis: Any = None) -> int:
    """Number of elements."""
    return int(np.prod(shape_of(x))) if axis is None else shape_of(x)[axis]


@rule(np.nonzero)
def nonzero(x: Any) -> Any:
    """Positions of what is not zero."""
    holds = x if getattr(x, "truth", False) else x != 0
    return np.nonzero(values_of(holds, "the choice of positions", "choose values with np.where"))


@rule(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    """Flat positions of what is not zero."""
    return nonzero(np.ravel(a))[0]


@rule(np.argwhere)
def argwhere(a: Any) -> Any:
    """Positions of what is not zero, in rows."""
    return np.transpose(nonzero(a))


@rule(np.tril_indices_from, np.triu_indices_from)
def triangle_indices(*_: Any, **__: Any) -> Any:
    """Raise TracingError: only the size is wanted."""
    raise TracingError("positions are asked of an array that depends on the input", hint="use np.triu_indices(len(x))")


@rule(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Whether there are complex numbers: never."""
    return False


@rule(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Whether there are no complex numbers: always."""
    return True


@rule(np.real, np.real_if_close)
def real(x: Any) -> Any:
    """The array itself."""
    return x


@rule(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a function of vectors to every line of an array."""
    x = np.moveaxis(arr, axis, -1)
    lines = [func1d(x[position], *args, **kwargs) for position in np.ndindex(*x.shape[:-1])]
    found = np.stack(lines)
    found = np.reshape(found, (*x.shape[:-1], *np.shape(found)[1:]))
    return np.moveaxis(found, -1, axis) if np.ndim(found) == np.ndim(arr) else found


@rule(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """Sums of the weights that fall on each plain integer."""
    if isinstance(x, Proxy) or weights is None:
        raise TracingError(f"a histogram of the input has no derivative, at {user_line()}")
    x = np.asarray(x)
    return np.equal.outer(np.arange(max(minlength, int(x.max(initial=-1)) + 1)), x) * 1.0 @ weights


@ufunc_rule("add", "at")
def add_at(x: Any, key: Any, values: Any) -> None:
    """x[key] += values, where repeated positions count each time."""
    if not isinstance(x, Proxy):
        raise plain_target()
    _refuse_proxies((key,), {})
    at = np.arange(x.size).reshape(x.shape)[key]
    spread = np.equal.outer(np.arange(x.size), np.ravel(at)) * 1.0
    x[...] = x + np.reshape(spread @ np.ravel(np.broadcast_to(numeric(values), at.shape)), x.shape)


@rule(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any) -> None:
    """Write the diagonal of a square matrix."""
    rows, columns = np.shape(a)
    k = np.arange(min(rows, columns))
    a[k, k] = val


@rule(np.put)
def put(a: Any, ind: Any, v: Any) -> None:
    """Write elements by their flat positions."""
    a[np.unravel_index(ind, np.shape(a))] = v


@rule(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int) -> None:
    """Write elements at positions along an axis."""
    _refuse_proxies((indices,), {})
    if not isinstance(arr, Proxy):
        raise plain_target()
    at = np.take_along_axis(np.arange(arr.size).reshape(arr.shape), np.asarray(indices), axis)
    arr[np.unravel_index(at, arr.shape)] = values


@rule(np.result_type)
def result_type(*_: Any) -> Any:
    """Binary64, as everything that is followed."""
    return np.dtype(float)

"""Rules of ufuncs: each is a row of the table, or a formula in rows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.core.table import Primitive, table
from diffkit.core.table.ufuncs import UFUNC_FORMULAS
from diffkit.ndarrays.kernel import ROWS, Proxy, apply_formula, numeric, values_of
from diffkit.ndarrays.protocols import FUNCTIONS, UFUNCS, rule
from diffkit.ndarrays.source import user_line
from diffkit.ndarrays.structure import plain_target

LOGIC = {"bitwise_and": "and_", "bitwise_or": "or_", "invert": "not_", "bitwise_xor": "logical_xor"}


@cache
def rows() -> dict[str, Primitive]:
    """Rows of the table by the name of their ufunc."""
    found = {}
    for row in table:
        if isinstance(row.array, str):
            last = row.array.rpartition(".")[2]
            found[getattr(np, last).__name__ if "." not in row.array else last] = row
    return found


def call_ufunc(ufunc: Any, method: str, inputs: Any, out: Any = None, **options: Any) -> Any:
    """Follow a ufunc, written into ``out`` if that is a proxy."""
    if out is not None:
        return _into(out[0], call_ufunc(ufunc, method, inputs, **options))
    options = {k: v for k, v in options.items() if k not in ("casting", "order", "subok", "signature")}
    if options.get("dtype") is not None and np.dtype(options["dtype"]) != np.dtype(float):
        raise TracingError(
            f"np.{ufunc.__name__} with dtype {options['dtype']}, at {user_line()}", hint="leave dtype out"
        )
    options.pop("dtype", None)
    follow = UFUNCS.get((ufunc.__name__, method))
    if follow is not None:
        return follow(*inputs, **options)
    if method != "__call__" or options:
        how = f".{method}" if method != "__call__" else f" with {', '.join(options)}"
        raise TracingError(f"np.{ufunc.__name__}{how} cannot be followed yet", hint="use np.where, np.sum or a loop")
    return elementwise(ufunc.__name__, *inputs)


def elementwise(name: str, *inputs: Any) -> Any:
    """Follow an elementwise ufunc by name."""
    args = [numeric(x) for x in inputs]
    name = LOGIC.get(name, name)
    row = rows().get(name) or (table[name] if name in LOGIC.values() and name in table.rows else None)
    if row is not None:
        args = [_order(a) if k in row.orders else a for k, a in enumerate(args)]
        return ROWS.apply(row, _numbers(row, args))
    if name not in UFUNC_FORMULAS:
        raise TracingError(
            f"the ufunc {name} has no rule, at {user_line()}", hint="write it with functions of the table"
        )
    if name == "jv":
        args[0] = _order(args[0])
    return apply_formula(UFUNC_FORMULAS[name], args)


def _numbers(row: Primitive, args: list[Any]) -> list[Any]:
    """Plain truths count as 0 and 1 wherever a row wants numbers."""
    return [
        a if k in row.truths or isinstance(a, Proxy) or a.dtype.kind != "b" else a.astype(float)
        for k, a in enumerate(args)
    ]


def _order(n: Any) -> Any:
    if isinstance(n, Proxy) or np.ndim(n) or n != np.floor(n):
        raise TracingError("the order of a Bessel function must be one plain integer")
    return int(n)


def _into(target: Any, value: Any) -> Any:
    """Write into an array in place; a scalar is replaced, as Python does with numbers."""
    if not isinstance(target, Proxy):
        raise plain_target()
    if not target.shape and not np.shape(value):
        return value
    if np.broadcast_shapes(target.shape, np.shape(value)) != target.shape:
        raise ValueError(f"cannot write an array of shape {np.shape(value)} into one of shape {target.shape}")
    target[...] = value
    return target


FUNCTIONS[np.ufunc] = call_ufunc


def divmod_(x: Any, y: Any) -> Any:
    """Quotient and remainder."""
    return elementwise("floor_divide", x, y), elementwise("remainder", x, y)


UFUNCS["divmod", "__call__"] = divmod_


def _finiteness(name: str, function: Any) -> None:
    def follow(x: Any) -> Any:
        return function(values_of(x, f"np.{name}", "leave the check out"))

    UFUNCS[name, "__call__"] = follow


for _name in ("isnan", "isfinite", "isinf", "signbit"):
    _finiteness(_name, getattr(np, _name))


@rule(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace what is not finite."""
    values = values_of(x, "np.nan_to_num", "leave it out")
    filled = np.nan_to_num(values, nan=nan, posinf=posinf, neginf=neginf)
    return np.where(np.isfinite(values), x, filled)


@rule(np.sinc)
def sinc(x: Any) -> Any:
    """sin(πx)/(πx), 1 at 0."""
    return elementwise(np.sinc.__name__, x)


@rule(np.round, np.around)
def round_(x: Any, decimals: int = 0) -> Any:
    """Round to a number of decimals, halves to even."""
    scale = 10.0 ** abs(decimals)
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


@rule(np.fix)
def fix(x: Any) -> Any:
    """Round toward zero."""
    return elementwise("trunc", x)


@rule(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """min(max(x, low), high)."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)

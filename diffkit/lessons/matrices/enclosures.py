"""Trees in ball arithmetic: what they are at given numbers, and how fast they change along a direction.

Entries are Arb's power series with one or two terms, which Arb differentiates by rules of its own. That settles
whether two sides are equal at a point whatever the size of their terms, where binary64 can only say that they are near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from diffkit.core.builder import NAMED, exact
from diffkit.core.errors import DiffkitError
from diffkit.core.table import table
from diffkit.lessons.matrices.nodes import Node, in_order
from diffkit.lessons.matrices.shapes import Shape
from diffkit.numbers.ball_arrays import Series, boxed, determinant, inverse, lifted, product
from diffkit.numbers.balls import SERIES, series_function


def series_of(root: Node, values: Mapping[str, Series], shapes: Mapping[Node, Shape]) -> Series:
    """Give the power series of a tree at those of its names, in a precision held; an entry without a value is NaN."""
    found: dict[Node, Series] = {}
    for node in in_order(root):
        if node.kind == "name":
            found[node] = values.get(node.value)  # None for a size, which eye and ones read from the shape
        elif node.kind in ("number", "constant"):
            value = NAMED[node.value] if node.kind == "constant" else exact(node.value)
            found[node] = boxed(SERIES.constant(value))
        else:
            found[node] = boxed(_apply(node, [found[a] for a in node.args], shapes[node]))
    return found[root]


def _apply(node: Node, args: list[Series], shape: Shape) -> Any:
    kind = node.kind
    if kind in OPERATIONS:
        return OPERATIONS[kind](node, args, shape)
    if kind in REDUCTIONS and len(args) == 1:
        return REDUCTIONS[kind](args[0], node.value)
    if kind in table.rows:
        return _row(kind, *args)
    raise DiffkitError(f"{kind} has no value here")


def _row(kind: str, *args: Series) -> Series:
    """A function of the table entry by entry."""
    return boxed(np.frompyfunc(series_function(table[kind]), len(args), 1)(*args))


# Reductions -------------------------------------------------------------------------------------------------------


def _sum(x: Series, axis: int | None) -> Series:
    return boxed(np.sum(x, axis=axis))


def _mean(x: Series, axis: int | None) -> Series:
    total = _sum(x, axis)
    return _row("div", total, lifted(x.size // max(1, total.size)))


def _variance(x: Series, axis: int | None) -> Series:
    mean = _mean(x, axis)
    apart = _row("sub", x, mean if axis is None else np.expand_dims(mean, axis))
    return _mean(boxed(apart * apart), axis)


def _extreme(kind: str) -> Callable[[Series, int | None], Series]:
    def reduced(x: Series, axis: int | None) -> Series:
        along = np.ravel(x) if axis is None else np.moveaxis(x, axis, 0)
        return reduce(lambda a, b: _row(kind, boxed(a), boxed(b)), list(along))

    return reduced


def _logsumexp(x: Series, axis: int | None) -> Series:
    return _row("log", _sum(_row("exp", x), axis))


REDUCTIONS: dict[str, Callable[[Series, int | None], Series]] = {
    "sum": _sum, "mean": _mean, "prod": lambda x, axis: boxed(np.prod(x, axis=axis)), "var": _variance,
    "max": _extreme("max"), "min": _extreme("min"), "logsumexp": _logsumexp,
}  # fmt: skip

# Matrices ---------------------------------------------------------------------------------------------------------


def _softmax(node: Node, args: list[Series], _: Shape) -> Series:
    (x,), axis = args, -1 if node.value is None else node.value
    powers = _row("exp", x)
    return _row("div", powers, np.expand_dims(_sum(powers, axis), axis))


def _diag(_: Node, args: list[Series], __: Shape) -> Series:
    (x,) = args
    if x.ndim == 2:
        return np.diagonal(x)
    found = lifted(np.zeros((len(x), len(x))))
    for k, entry in enumerate(x):
        found[k, k] = entry
    return found


def _index(node: Node, args: list[Series], _: Shape) -> Series:
    return args[0][tuple(slice(*key) if isinstance(key, tuple) else key for key in node.value)]


OPERATIONS: dict[str, Callable[[Node, list[Series], Shape], Series]] = {
    "+": lambda _, a, __: reduce(lambda x, y: boxed(x + y), a),
    "*": lambda _, a, __: reduce(lambda x, y: boxed(x * y), a),
    "neg": lambda _, a, __: -a[0],
    "/": lambda _, a, __: _row("div", *a),
    "**": lambda _, a, __: _row("power", *a),
    "@": lambda _, a, __: reduce(product, a),
    "dot": lambda _, a, __: product(*a),
    "T": lambda _, a, __: np.transpose(a[0]),
    "array": lambda _, a, __: np.stack(a),
    "index": _index,
    "trace": lambda _, a, __: np.sum(np.diagonal(a[0])) if a[0].ndim else a[0],
    "det": lambda _, a, __: determinant(a[0]),
    "logdet": lambda _, a, __: _row("log", _row("abs", boxed(determinant(a[0])))),
    "inv": lambda _, a, __: inverse(a[0]),
    "solve": lambda _, a, __: product(inverse(a[0]), a[1]),
    "norm": lambda _, a, __: _row("sqrt", _sum(a[0] * a[0], None)) if a[0].ndim else _row("abs", a[0]),
    "norm1": lambda _, a, __: _sum(_row("abs", a[0]), None),
    "outer": lambda _, a, __: np.multiply.outer(a[0], a[1]),
    "diag": _diag,
    "softmax": _softmax,
    "eye": lambda _, __, shape: lifted(np.eye(int(shape[0]))),
    "ones": lambda _, __, shape: lifted(np.ones(shape)),
    "zeros": lambda _, __, shape: lifted(np.zeros(shape)),
}
"""what each kind does to series; functions of the scalar table work entry by entry"""

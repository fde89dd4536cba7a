"""Functions of square matrices, and diagonals.

Rules: M. Giles, An extended collection of matrix derivative results (2008), section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffkit.core.table import array_shapes as shapes
from diffkit.core.table.array_row import Formula, array_row
from diffkit.core.table.array_rows import ALL_ZEROS, EYE, OUTER, TRANSPOSE

DIAGONAL = array_row(
    "diag", "diagonal matrix of a vector, diagonal of a matrix", shapes.diagonal, numpy="diag", symmetric=True,
    made=lambda a, args, _: a.diag(args[0]),
    pull=lambda a, _, g: [a.diag(g)], push=lambda a, _, moving: a.diag(moving[0]),
    summed=lambda a, y, shape: a.sum(y.args[0]) if len(shape) == 2 else _trace(a, y.args),
)  # fmt: skip
INVERSE = array_row(
    "inv", "inverse", shapes.same_of_square, numpy="linalg.inv", aliases=("inverse",), latex="#^{-1}",
    made=lambda a, args, _: a.inv(args[0]),
    pull=lambda a, y, g: [a.negative(a.matmul(a.T(y), g, a.T(y)))],
    push=lambda a, y, moving: a.negative(a.matmul(y, moving[0], y)),
    turned=lambda a, y: y if a.is_symmetric(y.args[0]) else a.plain(TRANSPOSE, (y,)),
)  # fmt: skip


def _trace(a: Any, args: Sequence[Formula], _: Any = None) -> Formula:
    """The sum of the diagonal, of simpler matrices taken apart."""
    (x,) = args
    if not a.shape(x):
        return x
    scalars, rest = a.scalars_of(x)
    if scalars:
        return a.times(*scalars, _trace(a, (rest,)))
    if x.kind == "+" and all(a.shape(t) == a.shape(x) for t in x.args):
        return a.add(*[_trace(a, (t,)) for t in x.args])
    if x.kind == EYE:
        return a.length(a.shape(x)[0])
    if x.kind == OUTER:
        return a.matmul(*x.args)
    if x.kind == TRANSPOSE:
        return _trace(a, x.args)
    return a.number(0) if x.kind == ALL_ZEROS else a.plain("trace", args)


def _determinant(a: Any, args: Sequence[Formula], _: Any = None) -> Formula:
    """|Aᵀ| = |A|, |A⁻¹| = 1/|A|."""
    (x,) = args
    if x.kind == TRANSPOSE:
        return _determinant(a, x.args)
    if x.kind == INVERSE:
        return a.power(_determinant(a, x.args), a.number(-1))
    return a.number(1) if x.kind == EYE else a.plain("det", args)


def _log_rate(a: Any, y: Formula, moving: Mapping[int, Formula]) -> Formula:
    """tr A⁻¹Ȧ."""
    return _trace(a, (a.matmul(a.inv(y.args[0]), moving[0]),))


def _trace_shape(call: Any, given: Sequence[shapes.ArrayShape]) -> shapes.ArrayShape:
    return shapes.number_of_square(call, given) if given[0] else ()


array_row(
    "trace", "sum of the diagonal", _trace_shape, numpy="trace", aliases=("tr",), latex="\\operatorname{tr}",
    value=lambda np, x: np.trace(x) if np.ndim(x) else x, made=_trace,
    pull=lambda a, y, g: [a.times(g, a.eye(a.shape(y.args[0])[0]))],
    push=lambda a, _, moving: _trace(a, (moving[0],)),
)  # fmt: skip
array_row(
    "det", "determinant", shapes.number_of_square, numpy="linalg.det", made=_determinant, latex="\\det",
    pull=lambda a, y, g: [a.times(g, y, a.T(a.inv(y.args[0])))],
    push=lambda a, y, moving: a.times(y, _log_rate(a, y, moving)),
)  # fmt: skip
array_row(
    "logdet", "log of the absolute value of the determinant", shapes.number_of_square,
    value=lambda np, x: np.linalg.slogdet(x)[1], latex="\\ln\\left|\\det\\left(#\\right)\\right|",
    pull=lambda a, y, g: [a.times(g, a.T(a.inv(y.args[0])))], push=_log_rate,
)  # fmt: skip
array_row(
    "solve", "inv(A) @ b", shapes.solution, numpy="linalg.solve", counts=(2,), latex="#^{-1} \\, #",
    made=lambda a, args, _: a.matmul(a.inv(args[0]), args[1]),
)  # fmt: skip

"""Functions of whole arrays: what arrays are made of, how their entries are joined and moved.

``g`` is the adjoint of the value: df = sum(g * dY). Rules: M. Giles, An extended collection of matrix derivative
results (2008), section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diffkit.core.errors import FormError
from diffkit.core.table import array_shapes as shapes
from diffkit.core.table.array_row import Formula, array_row, no_formula
from diffkit.core.table.array_shapes import ArrayShape

# What the rules have in common --------------------------------------------------------------------------------------


def spread(a: Any, g: Formula, shape: ArrayShape, axis: int | None) -> Formula:
    """What a reduction along an axis gave, repeated along that axis."""
    if axis is None or len(shape) == 1 or axis % 2 == 0:
        return a.times(g, a.ones(shape))
    return a.outer(g, a.ones((shape[1],)))


def count(a: Any, shape: ArrayShape, axis: int | None) -> Formula:
    """How many entries a reduction joins into one."""
    lengths = shape if axis is None else (shape[axis],)
    return a.times(*map(a.length, lengths)) if lengths else a.number(1)


def kept_axis(a: Any, x: Formula, axis: int | None) -> int | None:
    """The axis of a reduction; none of a vector, which has but one."""
    return None if len(a.shape(x)) == 1 else axis


def factor_by_factor(join: str) -> Callable[[Any, Formula, Mapping[int, Formula]], Formula]:
    """The tangent of a product: every factor differentiated in its turn."""

    def push(a: Any, y: Formula, moving: Mapping[int, Formula]) -> Formula:
        made = getattr(a, join)
        return a.add(*[made(*[d if j == k else x for j, x in enumerate(y.args)]) for k, d in moving.items()])

    return push


# Syntax -------------------------------------------------------------------------------------------------------------


def _chain_value(np: Any, *factors: Any) -> Any:
    """A matrix product, from the right where that ends in a vector, which costs less."""
    if np.ndim(factors[-1]) == 1:
        found = factors[-1]
        for factor in reversed(factors[:-1]):
            found = np.matmul(factor, found)
        return found
    found = factors[0]
    for factor in factors[1:]:
        found = np.matmul(found, factor)
    return found


def _chain_pull(a: Any, y: Formula, g: Formula) -> Sequence[Formula]:
    """Of a chain, taken as pairs: Ḡ Bᵀ and Aᵀ Ḡ, or outer products where one is a vector."""
    found = []
    for k, arg in enumerate(y.args):
        left = a.matmul(*y.args[:k]) if k else None
        right = a.matmul(*y.args[k + 1 :]) if k + 1 < len(y.args) else None
        found.append(_factor(a, arg, left, right, g))
    return found


def _factor(a: Any, arg: Formula, left: Formula | None, right: Formula | None, g: Formula) -> Formula:
    """The adjoint of a factor X in left @ X @ right."""
    along = [-1 if side is None else len(a.shape(side)) for side in (left, right)]
    if len(a.shape(arg)) == 1:
        return _vector_factor(a, left, right, g)
    if left is not None and right is not None and along == [1, 1]:
        return a.times(g, a.outer(left, right))
    if left is not None and along[0] == 1:
        return a.outer(left, g if right is None else a.matmul(right, g))
    if right is not None and along[1] == 1:
        return a.outer(g if left is None else a.matmul(a.T(left), g), right)
    before, after = ([] if side is None else [a.T(side)] for side in (left, right))
    return a.matmul(*before, g, *after)


def _vector_factor(a: Any, left: Formula | None, right: Formula | None, g: Formula) -> Formula:
    """The adjoint of a vector at one end of a product, beside the rest of it."""
    side = right if left is None else left
    if side is None or (left is not None and right is not None):
        raise FormError("a vector stands inside a matrix product", hint="write it with parentheses")
    if len(a.shape(side)) == 1:
        return a.times(g, side)
    return a.matmul(side if left is None else a.T(side), g)


PRODUCT = array_row(
    "@", "matrix product", shapes.chain, called=False, counts=(2,),
    value=_chain_value, made=lambda a, args, _: a.matmul(*args), pull=_chain_pull, push=factor_by_factor("matmul"),
    turned=lambda a, y: a.matmul(*map(a.T, y.args[::-1])),
)  # fmt: skip
LITERAL = array_row("array", "an array by its entries", shapes.stacked, called=False, text="[#]",
                    latex="\\begin{bmatrix}#\\end{bmatrix}", value=lambda np, *args: np.stack(args))  # fmt: skip


def _entries(_: Any, x: Any, keys: Sequence[Any]) -> Any:
    return x[tuple(slice(*key) if isinstance(key, tuple) else key for key in keys)]


AT_INDEX = array_row("index", "entries and slices", shapes.indexed, called=False, value=_entries)
array_row("dot", "inner product of two vectors, or matrix product", shapes.chain, counts=(2,), value=_chain_value,
          latex=("", "#^{\\top} \\, #", "# \\, #"), made=lambda a, args, _: a.matmul(*args))  # fmt: skip
OUTER = array_row(
    "outer", "the matrix x[i]*y[j]", shapes.of_pairs, numpy="outer", counts=(2,), latex="# \\, #^{\\top}",
    made=lambda a, args, _: a.outer(*args),
    pull=lambda a, y, g: [a.matmul(g, y.args[1]), a.matmul(a.T(g), y.args[0])], push=factor_by_factor("outer"),
    turned=lambda a, y: a.outer(*y.args[::-1]), summed=lambda a, y, _: a.times(*map(a.sum, y.args)),
)  # fmt: skip
TRANSPOSE = array_row(
    "T", "transpose", shapes.transposed, numpy="transpose", aliases=("transpose",), text="#.T", latex="#^{\\top}",
    made=lambda a, args, _: a.T(args[0]), pull=lambda a, _, g: [a.T(g)], push=lambda a, _, moving: a.T(moving[0]),
    turned=lambda _, y: y.args[0], summed=lambda a, y, _: a.sum(y.args[0]),
)  # fmt: skip

# Arrays of a size ----------------------------------------------------------------------------------------------------

EYE = array_row(
    "eye", "identity matrix of a size", shapes.square_of_length, lengths=True,
    value=lambda np, n, _: np.eye(n), aliases=("eyes", "identity", "I"), symmetric=True, latex="I_{#}",
    summed=lambda a, _, shape: a.length(shape[0]),
)  # fmt: skip
ALL_ONES = array_row(
    "ones", "vector or matrix of ones", shapes.of_lengths, lengths=True, counts=(1, 2), symmetric=True, positive=True,
    latex="\\mathbf{1}_{#}", value=lambda np, *lengths: np.ones(lengths), turned=lambda a, y: a.ones(a.shape(y)[::-1]),
    summed=lambda a, _, shape: a.times(*map(a.length, shape)),
)  # fmt: skip
ALL_ZEROS = array_row(
    "zeros", "vector or matrix of zeros", shapes.of_lengths, lengths=True, counts=(1, 2), symmetric=True,
    never_negative=True, latex="\\mathbf{0}_{#}", value=lambda np, *lengths: np.zeros(lengths),
    turned=lambda a, y: a.zeros(a.shape(y)[::-1]),
)  # fmt: skip

# Reductions ----------------------------------------------------------------------------------------------------------


def _mean(a: Any, args: Sequence[Formula], axis: Any) -> Formula:
    """The mean of a number is that number."""
    return reduction(a, "mean", args[0], axis) if a.shape(args[0]) else args[0]


def reduction(a: Any, name: str, x: Formula, axis: int | None) -> Formula:
    """A reduction as it stands, without the axis of a vector."""
    return a.plain(name, (x,), kept_axis(a, x, axis))


def _var_pull(a: Any, y: Formula, g: Formula) -> Sequence[Formula]:
    """2(x − mean x)/n."""
    (x,), shape, axis = y.args, a.shape(y.args[0]), y.value
    mean = a.make("mean", (x,), axis)
    if axis is not None:
        g, mean = (spread(a, part, shape, axis) for part in (g, mean))
    return [a.times(a.number(2), g, a.add(x, a.negative(mean)), a.power(count(a, shape, axis), a.number(-1)))]


def _prod_pull(a: Any, y: Formula, g: Formula) -> Sequence[Formula]:
    """Π/x, where no entry is zero."""
    (x,) = y.args
    return [a.times(spread(a, a.times(g, y), a.shape(x), y.value), a.power(x, a.number(-1)))]


def _logsumexp_pull(a: Any, y: Formula, g: Formula) -> Sequence[Formula]:
    """softmax(x)."""
    (x,), shape = y.args, a.shape(y.args[0])
    if y.value is None and len(shape) != 1:
        powers = a.plain("exp", (x,))
        return [a.times(g, a.over(powers, a.sum(powers)))]
    return [a.times(spread(a, g, shape, y.value), reduction(a, "softmax", x, y.value))]


def _softmax_pull(a: Any, y: Formula, g: Formula) -> Sequence[Formula]:
    """s(Ḡ − sum(s Ḡ))."""
    shape, axis = a.shape(y), kept_axis(a, y, y.value)
    inner = spread(a, a.sum(a.times(y, g), axis), shape, axis)
    return [a.times(y, a.add(g, a.negative(inner)))]


def _softmax_push(a: Any, y: Formula, moving: Mapping[int, Formula]) -> Formula:
    """s(ẋ − s·ẋ)."""
    if len(a.shape(y)) != 1:
        raise no_formula(y, " by a scalar")
    return a.times(y, a.add(moving[0], a.negative(a.matmul(y, moving[0]))))


def _logsumexp(np: Any, x: Any, axis: int | None) -> Any:
    return np.logaddexp.reduce(np.ravel(x), axis=0) if axis is None else np.logaddexp.reduce(x, axis=axis)


def _softmax(np: Any, x: Any, axis: int | None) -> Any:
    axis = -1 if axis is None else axis
    return np.exp(x - np.expand_dims(_logsumexp(np, x, axis), axis))


SUM = array_row(
    "sum", "sum of all entries, or along an axis", shapes.along_axis, numpy="sum", axis=True, truths=True,
    keeps_sign=True, made=lambda a, args, axis: a.sum(args[0], axis),
    pull=lambda a, y, g: [spread(a, g, a.shape(y.args[0]), y.value)],
    push=lambda a, y, moving: a.sum(moving[0], y.value),
)  # fmt: skip
array_row(
    "mean", "mean of all entries, or along an axis", shapes.along_axis, numpy="mean", axis=True, truths=True,
    aliases=("average",), keeps_sign=True, made=_mean,
    pull=lambda a, y, g: [a.over(spread(a, g, a.shape(y.args[0]), y.value), count(a, a.shape(y.args[0]), y.value))],
    push=lambda a, y, moving: a.over(a.sum(moving[0], y.value), count(a, a.shape(y.args[0]), y.value)),
)  # fmt: skip
array_row("prod", "product of all entries, or along an axis", shapes.along_axis, numpy="prod", axis=True,
          aliases=("product",), keeps_sign=True, pull=_prod_pull)  # fmt: skip
_TIES = ", which has none where two entries tie"
array_row("max", "largest entry, or along an axis; of two arguments: entry by entry", shapes.along_axis, numpy="max",
          axis=True, latex="\\max", without=_TIES, kink="the largest entry of # is met more than once")  # fmt: skip
array_row("min", "smallest entry, or along an axis; of two arguments: entry by entry", shapes.along_axis, numpy="min",
          axis=True, latex="\\min", without=_TIES, kink="the smallest entry of # is met more than once")  # fmt: skip
array_row("logsumexp", "log of the sum of exponentials; of two arguments: entry by entry", shapes.along_axis,
          numpy="scipy.special.logsumexp", value=lambda np, x, axis=None: _logsumexp(np, x, axis), axis=True,
          pull=_logsumexp_pull)  # fmt: skip
array_row("softmax", "exp(x)/sum(exp(x)); of a matrix along an axis", shapes.same_along_axis, axis=True, positive=True,
          numpy="scipy.special.softmax", value=lambda np, x, axis=None: _softmax(np, x, axis),
          pull=_softmax_pull, push=_softmax_push)  # fmt: skip
array_row("var", "mean square of x - mean(x)", shapes.along_axis, numpy="var", axis=True, never_negative=True,
          latex="\\operatorname{Var}", pull=_var_pull)  # fmt: skip
array_row(
    "norm", "Euclidean norm of a vector, Frobenius norm of a matrix; norm1 sums absolute values", shapes.scalar,
    numpy="linalg.norm", value=lambda np, x: np.linalg.norm(x) if np.ndim(x) else np.abs(x),
    latex=("\\left|#\\right|", "\\left\\lVert #\\right\\rVert_{2}", "\\left\\lVert #\\right\\rVert_{F}"),
    aliases=("normF", "norm2"), never_negative=True, kink="every entry of # is 0", even_smooth=True,
    made=lambda a, args, _: a.plain("norm" if a.shape(args[0]) else "abs", args),
    pull=lambda a, y, g: [a.times(g, y.args[0], a.power(y, a.number(-1)))],
)  # fmt: skip
array_row(
    "norm1", "sum of the absolute values of all entries", shapes.scalar, value=lambda np, x: np.sum(np.abs(x)),
    latex=("\\left|#\\right|", "\\left\\lVert #\\right\\rVert_{1}",
           "\\left\\lVert\\operatorname{vec}\\left(#\\right)\\right\\rVert_{1}"),
    never_negative=True, kink="an entry of # is 0", pull=lambda a, y, g: [a.times(g, a.plain("sign", y.args))],
)  # fmt: skip

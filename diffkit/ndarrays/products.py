"""Rules of sums of products: all are einsum of two operands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.ndarrays.kernel import Proxy, contract, exactly, numeric, plain, total
from diffkit.ndarrays.protocols import rule, ufunc_rule
from diffkit.ndarrays.reductions import numbers

INDEX_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def product(subscripts: str, a: Any, b: Any) -> Any:
    """Give einsum of two operands without repeated letters in one of them."""
    inputs, out = subscripts.split("->")
    left, right = inputs.split(",")
    a, b = numbers(a), numbers(b)
    return contract(a, b, left, right, out)


@rule(np.matmul, np.linalg.matmul)
@ufunc_rule("matmul")
def matmul(a: Any, b: Any) -> Any:
    """Matrix product over the last two axes, others broadcast."""
    a, b = numbers(a), numbers(b)
    if not np.ndim(a) or not np.ndim(b):
        raise ValueError("matmul of a scalar")
    _must_match(np.shape(a)[-1], np.shape(b)[-2 if np.ndim(b) > 1 else -1])
    if np.ndim(a) > 2 and np.ndim(b) > 2:
        shape = np.broadcast_shapes(np.shape(a)[:-2], np.shape(b)[:-2])
        a, b = np.broadcast_to(a, shape + np.shape(a)[-2:]), np.broadcast_to(b, shape + np.shape(b)[-2:])
    left = INDEX_LETTERS[: max(np.ndim(a) - 2, 0)] + ("xz" if np.ndim(a) > 1 else "z")
    right = INDEX_LETTERS[: max(np.ndim(b) - 2, 0)] + ("zy" if np.ndim(b) > 1 else "z")
    batch = INDEX_LETTERS[: max(np.ndim(a), np.ndim(b), 2) - 2]
    return product(f"{left},{right}->{batch}{'x' * ('x' in left)}{'y' * ('y' in right)}", a, b)


def _must_match(first: int, second: int) -> None:
    """Raise as NumPy does: einsum would stretch a length of 1."""
    if first != second:
        raise ValueError(f"shapes do not multiply: {first} is not {second}")


@rule(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Sum over the last axis of a and the last but one of b."""
    a, b = numbers(a), numbers(b)
    if not np.ndim(a) or not np.ndim(b):
        return a * b
    return np.tensordot(a, b, ([np.ndim(a) - 1], [max(np.ndim(b) - 2, 0)]))


@rule(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Sum over the last axes."""
    if not np.ndim(a) or not np.ndim(b):
        return a * b
    return np.tensordot(a, b, ([-1], [-1]))


@rule(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Sum over all elements."""
    return np.dot(np.ravel(a), np.ravel(b))


@ufunc_rule("vecdot")
def vecdot(a: Any, b: Any) -> Any:
    """Sum over the last axis, others broadcast."""
    return np.sum(a * b, axis=-1)


@ufunc_rule("matvec")
def matvec(a: Any, b: Any) -> Any:
    """Matrix times vector."""
    return matmul(a, numeric(b)[..., None])[..., 0]


@ufunc_rule("vecmat")
def vecmat(a: Any, b: Any) -> Any:
    """Vector times matrix."""
    return matmul(numeric(a)[..., None, :], b)[..., 0, :]


@rule(np.outer, np.linalg.outer)
def outer(a: Any, b: Any) -> Any:
    """All products of elements of two vectors."""
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


@rule(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum over pairs of axes."""
    a, b = numbers(a), numbers(b)
    if isinstance(axes, (int, np.integer)):
        axes = (list(range(np.ndim(a) - axes, np.ndim(a))), list(range(axes)))
    first, second = ([x] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
    left = list(INDEX_LETTERS[: np.ndim(a)])
    right = list(INDEX_LETTERS[np.ndim(a) : np.ndim(a) + np.ndim(b)])
    for i, j in zip(first, second, strict=True):
        _must_match(np.shape(a)[i], np.shape(b)[j])
        right[j] = left[i]
    out = [c for c in left + right if (c in left) != (c in right)]
    return product(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)


@rule(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Kronecker product."""
    a, b = numbers(a), numbers(b)
    n = max(np.ndim(a), np.ndim(b))
    a = np.reshape(a, (1,) * (n - np.ndim(a)) + np.shape(a))
    b = np.reshape(b, (1,) * (n - np.ndim(b)) + np.shape(b))
    shape = tuple(i * j for i, j in zip(np.shape(a), np.shape(b), strict=True))
    spread = np.reshape(a, [m for i in np.shape(a) for m in (i, 1)]) * np.reshape(
        b, [m for j in np.shape(b) for m in (1, j)]
    )
    return np.reshape(spread, shape)


@rule(np.linalg.trace)
def trace_of_last(x: Any, *, offset: int = 0) -> Any:
    """Sum of the diagonal of the last two axes."""
    return trace(x, offset, -2, -1)


@rule(np.linalg.diagonal)
def diagonal_of_last(x: Any, *, offset: int = 0) -> Any:
    """Diagonal of the last two axes."""
    return np.diagonal(x, offset, -2, -1)


@rule(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the last two axes."""
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@rule(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum of the diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@rule(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """Vector product in three dimensions."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(numbers(a), axisa, -1), np.moveaxis(numbers(b), axisb, -1)
    if np.shape(a)[-1] != 3 or np.shape(b)[-1] != 3:
        raise TracingError("np.cross is followed in three dimensions only", hint="write x1*y2 - x2*y1 in two")
    after, last = [1, 2, 0], [2, 0, 1]
    found = a[..., after] * b[..., last] - a[..., last] * b[..., after]
    return np.moveaxis(found, -1, axisc)


@rule(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Σᵢ aᵢ v_{n−i}."""
    a, v = numbers(a), numbers(v)
    if np.size(a) < np.size(v):
        a, v = v, a
    n, m = np.size(a), np.size(v)
    padded = np.pad(a, (m - 1, m - 1))
    full = product("ij,j->i", padded[np.arange(n + m - 1)[:, None] + np.arange(m)], v[::-1])
    if mode == "full":
        return full
    return full[m - 1 : n] if mode == "valid" else full[(m - 1) // 2 : (m - 1) // 2 + n]


@rule(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Σᵢ a_{n+i} vᵢ."""
    return convolve(a, numbers(v)[::-1], mode)


@rule(np.einsum_path)
def einsum_path(*_: Any, **__: Any) -> Any:
    """Not needed here."""
    raise TracingError("np.einsum_path looks at plain arrays", hint="leave it out: np.einsum alone is followed")


@rule(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = False, **_: Any) -> Any:
    """Sums of products by Einstein's convention, pair by pair from the left."""
    if not isinstance(subscripts, str):
        raise TracingError("np.einsum is followed with subscripts as text", hint='such as np.einsum("ij,j->i", A, x)')
    terms, out = _explicit(subscripts.replace(" ", ""), [np.ndim(x) for x in operands])
    operands = tuple(exactly(numbers(x), *operands) for x in operands)
    parts = [_without_repeats(term, x) for term, x in zip(terms, operands, strict=True)]
    letters, found = parts[0]
    for k, (term, x) in enumerate(parts[1:], 1):
        later = set(out).union(*(t for t, _ in parts[k + 1 :]))
        kept = "".join(dict.fromkeys(c for c in letters + term if c in later))
        found, letters = product(f"{letters},{term}->{kept}", *_aligned(letters, found, term, x)), kept
    summed = tuple(k for k, c in enumerate(letters) if c not in out)
    found = total(found, summed) if summed else found
    letters = "".join(c for c in letters if c in out)
    return np.transpose(found, [letters.index(c) for c in out])


def _explicit(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """Write out the ellipsis and the implied output."""
    inputs, arrow, out = subscripts.partition("->")
    terms = inputs.split(",")
    free = [c for c in INDEX_LETTERS + INDEX_LETTERS.upper() if c not in subscripts]
    longest = max([n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True) if "..." in t], default=0)
    dots = free[:longest]
    counts = [n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True)]
    terms = [t.replace("...", "".join(dots[longest - c :])) for t, c in zip(terms, counts, strict=True)]
    if not arrow:
        joined = "".join(terms)
        return terms, "".join(dots) + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))
    return terms, out.replace("...", "".join(dots))


def _without_repeats(term: str, x: Any) -> tuple[str, Any]:
    """Take the diagonal for a letter that occurs twice in one operand."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            i = term.index(letter)
            j = term.index(letter, i + 1)
            x = np.diagonal(x, axis1=i, axis2=j)
            term = term[:i] + term[i + 1 : j] + term[j + 1 :] + letter
    return term, x


def _aligned(left: str, a: Any, right: str, b: Any) -> tuple[Any, Any]:
    """Repeat axes of length 1 that stand for a longer axis of the other operand."""
    sizes: dict[str, int] = {}
    for letter, n in [*zip(left, np.shape(a), strict=True), *zip(right, np.shape(b), strict=True)]:
        sizes[letter] = max(sizes.get(letter, 1), n) if n != 0 else 0
    return (
        np.broadcast_to(a, [sizes[c] for c in left]) if math.prod(np.shape(a)) or not a.ndim else a,
        np.broadcast_to(b, [sizes[c] for c in right]) if math.prod(np.shape(b)) or not b.ndim else b,
    )


@rule(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Piecewise linear interpolation on a plain increasing grid; the values may depend on the input."""
    grid, values = plain(xp), numeric(fp)
    if isinstance(xp, Proxy):
        raise TracingError("np.interp is followed on a plain grid")
    places, points = np.asarray(grid, dtype=float), plain(x)
    grid, values = exactly(places, x, values), exactly(values, x)
    slopes = (values[1:] - values[:-1]) / np.diff(grid)
    if points is None:  # without values every piece is written out
        found = values[-1] if right is None else right
        for k in range(len(grid) - 2, -1, -1):
            found = np.where(x < grid[k + 1], values[k] + slopes[k] * (x - grid[k]), found)
        return np.where(x < grid[0], values[0] if left is None else left, found)
    k = np.clip(np.searchsorted(places, points, side="right") - 1, 0, len(places) - 2)
    found = values[k] + slopes[k] * (x - grid[k])
    found = np.where(x < grid[0], values[0] if left is None else left, found)
    found = np.where(x > grid[-1], values[-1] if right is None else right, found)
    knot = np.where(points == places[-1], places[-1], places[k])
    return found + 0.0 * np.abs(x - knot)  # on a knot there is a kink

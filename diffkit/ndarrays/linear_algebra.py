"""Rules of linear algebra.

Where there are values, a function of a matrix is its value at the level below plus its first-order change, which
has the right derivative; level below level, that gives derivatives of every order. Formulas: M. Giles, An extended
collection of matrix derivative results (2008), sections 2.2 and 2.3; for Cholesky, I. Murray, arXiv:1602.07527, eq. 8.
In a record the operation itself is recorded.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.core.matrix_operations import Cholesky, Determinant, LogDeterminant, Solve
from diffkit.ndarrays.kernel import Proxy, exactly, leader, numeric, plain
from diffkit.ndarrays.ordering import max_, min_
from diffkit.ndarrays.protocols import rule
from diffkit.ndarrays.reductions import axes_of, sum_
from diffkit.ndarrays.source import user_line

COFACTORS = 4
"""the largest matrix whose determinant is written out"""
COINCIDE = 1e-13
"""eigenvalues nearer than this, relative to the largest, are taken as equal"""


def _below(x: Any, lead: Any) -> Any:
    """The value at the level below the leader's; what is not of that level is its own value."""
    return x.primal if isinstance(x, Proxy) and x.level is lead.level else x


def _recorded(*args: Any) -> Any:
    """The leading proxy if it is one of a record; else None."""
    lead = leader(args)
    return lead if lead is not None and lead.whole else None


def _square(a: Any) -> int:
    shape = np.shape(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError("the last two axes must be square")
    return int(shape[-1])


@rule(np.linalg.det)
def det(a: Any) -> Any:
    """|A| by cofactors if small, else |A₀| + tr adj(A₀)(A − A₀)."""
    n = _square(a)
    if (record := _recorded(a)) is not None:
        return record.operation(Determinant(), a)
    if n <= COFACTORS:
        return _determinant(a)
    below = _below(a, leader((a,)))
    return np.linalg.det(below) + np.einsum("...ij,...ji->...", _adjugate(below), a - below)


@rule(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Sign and log of |A|: log‖A₀‖ + tr A₀⁻¹(A − A₀)."""
    pair: Any = type(np.linalg.slogdet(np.eye(1)))  # the named tuple that NumPy gives
    if (record := _recorded(a)) is not None:
        return pair(np.sign(det(a)), record.operation(LogDeterminant(), a))
    below = _below(a, leader((a,)))
    sign, log = np.linalg.slogdet(below)
    return pair(sign, log + _relative_change(a, below))


def _adjugate(a: Any) -> Any:
    """The matrix |A|·A⁻¹, from singular values A = U·diag(s)·Vᵀ where A may be singular."""
    if isinstance(a, Proxy):
        return np.linalg.det(a)[..., None, None] * np.linalg.inv(a)
    u, s, vt = np.linalg.svd(a)
    others = np.prod(np.where(np.eye(s.shape[-1], dtype=bool), 1.0, s[..., None, :]), axis=-1)
    turns = np.linalg.det(u) * np.linalg.det(vt)
    scaled = np.swapaxes(vt, -1, -2) * (others * turns[..., None])[..., None, :]
    return scaled @ np.swapaxes(u, -1, -2)


def _relative_change(a: Any, below: Any) -> Any:
    """The change tr A₀⁻¹(A − A₀): zero, with the tangent of log|A|."""
    return np.einsum("...ij,...ji->...", np.linalg.inv(below), a - below)


def _determinant(a: Any) -> Any:
    n = _square(a)
    if n == 0:
        return np.ones(np.shape(a)[:-2])
    if n == 1:
        return a[..., 0, 0]
    return reduce(np.add, [a[..., 0, j] * _cofactor(a, 0, j) for j in range(n)])


def _cofactor(a: Any, i: int, j: int) -> Any:
    n = _square(a)
    if n == 1:
        return 1.0
    rows, columns = [k for k in range(n) if k != i], [k for k in range(n) if k != j]
    minor = _determinant(a[..., rows, :][..., columns])
    return minor if (i + j) % 2 == 0 else -minor


@rule(np.linalg.inv)
def inv(a: Any) -> Any:
    """A⁻¹, whose change is −A₀⁻¹(A − A₀)A₀⁻¹."""
    n = _square(a)
    if (record := _recorded(a)) is not None:
        return record.operation(Solve(), a, np.broadcast_to(np.eye(n), np.shape(a)))
    below = exactly(_below(a, leader((a,))), a)
    inverse = np.linalg.inv(below)
    return inverse - inverse @ (a - below) @ inverse


@rule(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """A⁻¹b: X₀ + A₀⁻¹(b − b₀ − (A − A₀)X₀)."""
    a, b = numeric(a), numeric(b)
    _square(a)
    vector = np.ndim(b) == 1
    b = b[:, None] if vector else b
    if (record := _recorded(a, b)) is not None:
        stack = np.broadcast_shapes(np.shape(a)[:-2], np.shape(b)[:-2])
        a, b = (np.broadcast_to(x, stack + np.shape(x)[-2:]) for x in (a, b))
        found = record.operation(Solve(), a, b)
    else:
        lead: Any = leader((a, b))
        a0, b0 = exactly(_below(a, lead), lead), exactly(_below(b, lead), lead)
        x0 = np.linalg.solve(a0, b0)
        found = x0 + np.linalg.inv(a0) @ ((b - b0) - (a - a0) @ x0)
    return found[..., 0] if vector else found


@rule(np.linalg.cholesky)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """L₀(1 + Φ(L₀⁻¹(A − A₀)L₀⁻ᵀ)), Φ the lower triangle with half the diagonal.

    A is taken as symmetric; in a record only the triangle is read that NumPy reads.
    """
    n = _square(a)
    if (record := _recorded(a)) is not None:
        half = np.swapaxes(np.triu(a), -1, -2) if upper else np.tril(a)
        lower = record.operation(Cholesky(), half + np.swapaxes(half * np.tri(n, k=-1), -1, -2))
    else:
        a = (a + np.swapaxes(a, -1, -2)) / 2.0
        below = _below(a, leader((a,)))
        low = np.linalg.cholesky(below)
        inverse = np.linalg.inv(low)
        change = inverse @ (a - below) @ np.swapaxes(inverse, -1, -2)
        lower = low + low @ (change * (np.tril(np.ones((n, n))) - 0.5 * np.eye(n)))
    return np.swapaxes(lower, -1, -2) if upper else lower


@rule(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Aⁿ by repeated squaring."""
    size = _square(a)
    base, found = np.linalg.inv(a) if n < 0 else a, None  # type: Any, Any
    n = abs(n)
    while n:
        found = (base if found is None else found @ base) if n % 2 else found
        n //= 2
        base = base @ base if n else base
    return np.broadcast_to(np.eye(size), np.shape(a)) + np.zeros_like(a) if found is None else found


@rule(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """Product of several matrices, from the left."""
    return reduce(np.dot, [exactly(a, *arrays) for a in arrays])


@rule(np.linalg.norm, np.linalg.vector_norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norms of vectors (p, 1, 2, inf, −inf) and of matrices (fro, 1, inf)."""
    x = numeric(x)
    whole = axis is None and ord is None
    axes = axes_of(x, axis)
    if whole or (len(axes) == 2 and ord in (None, "fro")) or (len(axes) == 1 and ord in (None, 2)):
        return _euclidean(x, axes, keepdims)
    size = np.abs(x)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        axes = axes if axis is None else tuple(int(np.arange(np.ndim(x))[a]) for a in axis)
        row, column = axes
        first, second = (row, column) if abs(ord) == 1 else (column, row)
        sums = sum_(size, first, keepdims=True)
        found = max_(sums, second, keepdims=True) if ord > 0 else min_(sums, second, keepdims=True)
        return found if keepdims else np.squeeze(found, axes)
    if len(axes) != 1 or isinstance(ord, str):
        raise TracingError(
            f"np.linalg.norm of order {ord!r} over {len(axes)} axes cannot be followed", hint="use 'fro'"
        )
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    if np.isinf(ord):
        return (max_ if ord > 0 else min_)(size, axes, keepdims=keepdims)
    return sum_(size**ord, axes, keepdims=keepdims) ** (exactly(1.0, x) / ord)


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.sqrt(sum_(x * x, axes, keepdims=keepdims))


@rule(np.cov)
def cov(m: Any, *, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    """Covariance matrix of variables in rows."""
    x = np.atleast_2d(m)
    x = x if rowvar or np.ndim(m) < 2 else np.transpose(x)
    off = x - np.mean(x, axis=1, keepdims=True)
    ddof = (0 if bias else 1) if ddof is None else ddof
    return np.squeeze(off @ np.transpose(off) / (x.shape[1] - exactly(ddof, x)))


@rule(np.corrcoef)
def corrcoef(x: Any, *, rowvar: bool = True) -> Any:
    """Covariances divided by standard deviations."""
    covariances = np.cov(x, rowvar=rowvar)
    deviations = np.sqrt(np.diagonal(covariances))
    return covariances / np.outer(deviations, deviations)


@rule(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues w₀ + diag(P) and vectors V₀ + V₀(F∘P), P = V₀ᵀ(A − A₀)V₀, Fᵢⱼ = 1/(wⱼ − wᵢ), of a symmetric A.

    Formula: Giles (2008), section 3.1. The sign of a vector is LAPACK's. Where eigenvalues coincide there is a kink.
    """
    lead = leader((a,))
    assert lead is not None
    if lead.primal is None:
        raise TracingError(f"eigenvalues cannot be recorded, at {user_line()}", hint="they have no formula")
    low = np.tril(a) if UPLO == "L" else np.swapaxes(np.triu(a), -1, -2)
    strict = low * np.tri(np.shape(a)[-1], k=-1)
    symmetric = low + np.swapaxes(strict, -1, -2)
    below = symmetric.primal
    values, vectors = np.linalg.eigh(below)
    change = np.swapaxes(vectors, -1, -2) @ (symmetric - below) @ vectors
    slopes = np.diagonal(change, 0, -2, -1)
    gaps = values[..., None, :] - values[..., :, None]
    size = np.abs(plain(gaps))
    same = size <= COINCIDE * np.max(np.abs(plain(values)), axis=-1, initial=0.0)[..., None, None]
    diagonal = np.eye(np.shape(a)[-1], dtype=bool)
    turned = np.where(same, 0.0, change / np.where(same, 1.0, gaps))
    # where eigenvalues coincide they move apart like |t|, unless the change is a multiple of the identity there
    apart = np.where(same & ~diagonal, change, 0.0), slopes[..., None, :] - slopes[..., :, None]
    pair: Any = type(np.linalg.eigh(np.eye(1)))  # the named tuple that NumPy gives
    kinks = np.sum(np.abs(apart[0]) + np.abs(np.where(same & ~diagonal, apart[1], 0.0)), axis=-1)
    return pair(values + slopes + kinks, vectors + vectors @ turned + kinks[..., None, :])


@rule(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of a symmetric matrix, increasing."""
    return eigh(a, UPLO)[0]


@rule(np.linalg.pinv)
def pinv(a: Any) -> Any:
    """Pseudoinverse of a matrix of full rank: (AᵀA)⁻¹Aᵀ or Aᵀ(AAᵀ)⁻¹."""
    rows, columns = np.shape(a)[-2:]
    transposed = np.swapaxes(a, -1, -2)
    if rows >= columns:
        return np.linalg.solve(transposed @ a, transposed)
    return transposed @ np.linalg.inv(a @ transposed)

"""Operations on stacks of matrices (the last two axes): solutions, determinants and factors, with their transposes.

Formulas: M. Giles, An extended collection of matrix derivative results (2008), sections 2.2 and 2.3; for Cholesky,
I. Murray, arXiv:1602.07527, equations 8 and 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation, gathered, reshaped
from diffkit.core.contractions import FREE_LETTERS, Contract
from diffkit.core.program import Shape
from diffkit.core.table import ADD, MUL, NEG, SUB


def transposed(algebra: Any, x: Any, shape: Shape) -> Any:
    """Matrices of the last two axes transposed."""
    positions = np.swapaxes(np.arange(1, math.prod(shape) + 1).reshape(shape), -1, -2)
    return algebra.apply(gathered(positions), [x])


def multiplied(algebra: Any, a: Any, b: Any, batch: int, across: bool = False) -> Any:
    """Products of matrices of the last two axes; ``across`` takes b transposed."""
    stack = FREE_LETTERS[:batch]
    return algebra.apply(Contract(f"{stack}xz", f"{stack}yz" if across else f"{stack}zy", f"{stack}xy"), [a, b])


@dataclass(frozen=True, repr=False)
class Solve(ArrayOperation):
    """A⁻¹B of stacks of matrices.

    X̄ → B̄ = A⁻ᵀX̄, Ā = −B̄Xᵀ (M. Giles, An extended collection of matrix derivative results, 2008, section 2.3.1).
    """

    name = "solve"

    def shape(self, *shapes: Shape) -> Shape:
        """That of B."""
        return shapes[1]

    def value(self, *args: Any) -> Any:
        """Of NumPy arrays; NaN where a matrix is singular."""
        try:
            return np.linalg.solve(*args)
        except np.linalg.LinAlgError:
            return np.full(np.shape(args[1]), np.nan)

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """Ẋ = A⁻¹(Ḃ − ȦX)."""
        if k == 1:
            return algebra.apply(self, [args[0], tangent])
        batch = len(algebra.shape(args[0])) - 2
        moved = algebra.apply(NEG, [multiplied(algebra, tangent, answer, batch)])
        return algebra.apply(self, [args[0], moved])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """Of B or of A."""
        back = algebra.apply(self, [transposed(algebra, args[0], shapes[0]), bar])
        if k == 1:
            return back
        return algebra.apply(NEG, [multiplied(algebra, back, answer, len(shapes[0]) - 2, across=True)])


class _NumberOfMatrix(ArrayOperation):
    """What gives one number for each matrix of a stack."""

    def shape(self, *shapes: Shape) -> Shape:
        """That of the stack."""
        return shapes[0][:-2]


@dataclass(frozen=True, repr=False)
class Determinant(_NumberOfMatrix):
    """|A| of stacks of matrices: Ā = ȳ·adj(A)ᵀ (Giles 2008, section 2.2.4; adj(A) = |A|·A⁻¹)."""

    name = "determinant"

    def value(self, *args: Any) -> Any:
        """Of a NumPy array."""
        return np.linalg.det(args[0])

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """tr adj(A)Ȧ."""
        stack = FREE_LETTERS[: len(algebra.shape(args[0])) - 2]
        adjugate = algebra.apply(Adjugate(), args)
        return algebra.apply(Contract(f"{stack}xy", f"{stack}yx", stack), [adjugate, tangent])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """ȳ·adj(A)ᵀ."""
        turned = transposed(algebra, algebra.apply(Adjugate(), args), shapes[0])
        return algebra.apply(MUL, [reshaped(algebra, bar, shapes[0][:-2], (*shapes[0][:-2], 1, 1)), turned])


@dataclass(frozen=True, repr=False)
class Adjugate(ArrayOperation):
    """The transposed matrix of cofactors, which is |A|·A⁻¹ where A has an inverse."""

    name = "adjugate"

    def value(self, *args: Any) -> Any:
        """From singular values, A = U·diag(s)·Vᵀ, where A may be singular."""
        (a,) = args
        whole = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
        u, s, vt = np.linalg.svd(np.where(whole, a, 0.0))
        others = np.prod(np.where(np.eye(s.shape[-1], dtype=bool), 1.0, s[..., None, :]), axis=-1)
        turns = np.linalg.det(u) * np.linalg.det(vt)
        found = (np.swapaxes(vt, -1, -2) * (others * turns[..., None])[..., None, :]) @ np.swapaxes(u, -1, -2)
        return np.where(whole, found, np.nan)

    def _parts(self, algebra: Any, args: Sequence[Any], shape: Shape) -> tuple[Any, Any, int]:
        """A⁻¹, the adjugate, and the number of axes before the matrices."""
        eye = algebra.data(np.broadcast_to(np.eye(shape[-1]), shape).copy())
        return algebra.apply(Solve(), [args[0], eye]), algebra.apply(self, args), len(shape) - 2

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """(|A|A⁻¹)′ = tr(A⁻¹Ȧ)·adj(A) − A⁻¹Ȧ·adj(A), where A has an inverse."""
        shape = algebra.shape(args[0])
        inverse, adjugate, batch = self._parts(algebra, args, shape)
        moved = multiplied(algebra, inverse, tangent, batch)
        stack = FREE_LETTERS[:batch]
        ones = algebra.data(np.broadcast_to(np.eye(shape[-1]), shape).copy())
        trace = algebra.apply(Contract(f"{stack}xy", f"{stack}xy", stack), [moved, ones])
        scaled = algebra.apply(MUL, [reshaped(algebra, trace, shape[:-2], (*shape[:-2], 1, 1)), adjugate])
        return algebra.apply(SUB, [scaled, multiplied(algebra, moved, adjugate, batch)])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """sum(Ȳ∘adj)·A⁻ᵀ − A⁻ᵀ·Ȳ·adjᵀ."""
        shape = shapes[0]
        inverse, adjugate, batch = self._parts(algebra, args, shape)
        stack = FREE_LETTERS[:batch]
        size = algebra.apply(Contract(f"{stack}xy", f"{stack}xy", stack), [bar, adjugate])
        turned = transposed(algebra, inverse, shape)
        first = algebra.apply(MUL, [reshaped(algebra, size, shape[:-2], (*shape[:-2], 1, 1)), turned])
        second = multiplied(algebra, turned, multiplied(algebra, bar, adjugate, batch, across=True), batch)
        return algebra.apply(SUB, [first, second])


@dataclass(frozen=True, repr=False)
class LogDeterminant(_NumberOfMatrix):
    """log‖A‖ of stacks of matrices: Ā = ȳ·A⁻ᵀ."""

    name = "log_determinant"

    def value(self, *args: Any) -> Any:
        """Of a NumPy array."""
        return np.linalg.slogdet(args[0])[1]

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """tr A⁻¹Ȧ."""
        shape = algebra.shape(args[0])
        stack = FREE_LETTERS[: len(shape) - 2]
        moved = algebra.apply(Solve(), [args[0], tangent])
        eye = algebra.data(np.broadcast_to(np.eye(shape[-1]), shape).copy())
        return algebra.apply(Contract(f"{stack}xy", f"{stack}xy", stack), [moved, eye])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """ȳ·A⁻ᵀ."""
        shape = shapes[0]
        eye = algebra.data(np.broadcast_to(np.eye(shape[-1]), shape).copy())
        inverse = algebra.apply(Solve(), [transposed(algebra, args[0], shape), eye])
        return algebra.apply(MUL, [reshaped(algebra, bar, shape[:-2], (*shape[:-2], 1, 1)), inverse])


@dataclass(frozen=True, repr=False)
class Cholesky(ArrayOperation):
    """The lower triangular L with LLᵀ = A; A is read as symmetric.

    L̇ = L·Φ(L⁻¹ȦL⁻ᵀ), Φ the lower triangle with half the diagonal (Murray, eq. 8); Ā = L⁻ᵀ·sym Φ(LᵀL̄)·L⁻¹ (eq. 10).
    """

    name = "cholesky"

    def value(self, *args: Any) -> Any:
        """Of a NumPy array; NaN where a matrix is not positive definite."""
        try:
            return np.linalg.cholesky(args[0])
        except np.linalg.LinAlgError:
            return np.full(np.shape(args[0]), np.nan)

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """L·Φ(L⁻¹ȦL⁻ᵀ)."""
        shape = algebra.shape(args[0])
        batch = len(shape) - 2
        left = algebra.apply(Solve(), [answer, symmetric_part(algebra, tangent, shape)])
        both = transposed(algebra, algebra.apply(Solve(), [answer, transposed(algebra, left, shape)]), shape)
        return multiplied(algebra, answer, _lower_half(algebra, both, shape), batch)

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """L⁻ᵀ·sym Φ(LᵀL̄)·L⁻¹."""
        shape = shapes[0]
        batch = len(shape) - 2
        up = transposed(algebra, answer, shape)
        inner = symmetric_part(algebra, _lower_half(algebra, multiplied(algebra, up, bar, batch), shape), shape)
        left = algebra.apply(Solve(), [up, inner])
        return transposed(algebra, algebra.apply(Solve(), [up, transposed(algebra, left, shape)]), shape)


def symmetric_part(algebra: Any, x: Any, shape: Shape) -> Any:
    """The symmetric part (X + Xᵀ)/2 of matrices of the last two axes."""
    half = algebra.data(np.full((), 0.5))
    return algebra.apply(MUL, [half, algebra.apply(ADD, [x, transposed(algebra, x, shape)])])


def _lower_half(algebra: Any, x: Any, shape: Shape) -> Any:
    """The lower triangle with half the diagonal."""
    n = shape[-1]
    return algebra.apply(MUL, [algebra.data(np.tril(np.ones((n, n))) - 0.5 * np.eye(n)), x])

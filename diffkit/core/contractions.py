"""Contractions: sums of products of two arrays by letters of their axes, in NumPy and as instructions of Programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation, reshaped, spread
from diffkit.core.program import Shape

FREE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LOOPED_PAIRS = 4096  # pairs of elements up to which a loop over them beats a matrix product


@dataclass(frozen=True, repr=False)
class Contract(ArrayOperation):
    """Sums of products of two arrays by letters of their axes, ``einsum("left,right->out", a, b)``.

    No letter stands twice in one operand, and the lengths of a letter are equal.
    """

    left: str
    right: str
    out: str
    name = "contract"

    @property
    def written(self) -> str:
        """How it is shown in a Program."""
        return f"contract[{self.left},{self.right}->{self.out}]"

    def shape(self, *shapes: Shape) -> Shape:
        """By the letters."""
        lengths = {**dict(zip(self.left, shapes[0], strict=True)), **dict(zip(self.right, shapes[1], strict=True))}
        return tuple(lengths[c] for c in self.out)

    def products(self, *shapes: Shape) -> int:
        """How many products of two numbers it takes."""
        lengths = dict(zip(self.left + self.right, (*shapes[0], *shapes[1]), strict=True))
        return math.prod(lengths.values())

    def value(self, *args: Any) -> Any:
        """Of NumPy arrays."""
        a, b = args
        return sum_of_products(a, b, self.left, self.right, self.out)

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """(a·b)′ = ȧ·b + a·ḃ."""
        return algebra.apply(self, [tangent, args[1]] if k == 0 else [args[0], tangent])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """The contraction with the other operand, repeated along the letters that were summed alone."""
        mine, others = (self.left, self.right) if k == 0 else (self.right, self.left)
        kept = "".join(c for c in mine if c in self.out + others)
        found = algebra.apply(Contract(self.out, others, kept), [bar, args[1 - k]])
        if kept == mine:
            return found
        lengths = dict(zip(mine, shapes[k], strict=True))
        thin = tuple(lengths[c] if c in kept else 1 for c in mine)
        return spread(algebra, reshaped(algebra, found, tuple(lengths[c] for c in kept), thin), thin, shapes[k])


def parted(left: str, right: str, out: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """The letters of a stack of matrix products: of the stack, of rows, those that are summed, of columns."""
    stack = [c for c in left if c in right and c in out]
    summed = [c for c in left if c in right and c not in out]
    return stack, [c for c in left if c not in right], summed, [c for c in right if c not in left]


def sum_of_products(a: Any, b: Any, left: str, right: str, out: str) -> Any:
    """Give ``einsum("left,right->out", a, b)`` of NumPy arrays: looped if they are small, else as matrix products."""
    if np.size(a) * np.size(b) <= LOOPED_PAIRS or len(set(left)) < len(left) or len(set(right)) < len(right):
        return np.einsum(f"{left},{right}->{out}", a, b)
    return _by_matmul(a, b, left, right, out)


def _by_matmul(a: Any, b: Any, left: str, right: str, out: str) -> Any:
    """Sum of products as one matrix product (of stacks of matrices), which the processor's own library does."""
    lengths = dict(zip(left, np.shape(a), strict=True))
    if any(lengths.setdefault(c, n) != n for c, n in zip(right, np.shape(b), strict=True)):
        return np.einsum(f"{left},{right}->{out}", a, b)
    stack, rows, summed, columns = parted(left, right, out)
    letters = stack + rows + columns
    found = _matrices(a, left, stack, rows, summed, lengths) @ _matrices(b, right, stack, summed, columns, lengths)
    found = np.reshape(found, [lengths[c] for c in letters])
    lost = tuple(k for k, c in enumerate(letters) if c not in out)
    found = np.sum(found, axis=lost) if lost else found
    return np.transpose(found, [[c for c in letters if c in out].index(c) for c in out])


def _matrices(
    x: Any, letters: str, stack: list[str], rows: list[str], columns: list[str], lengths: dict[str, int]
) -> Any:
    """An operand as a stack of matrices, by the letters of its axes."""
    moved = np.transpose(x, [letters.index(c) for c in stack + rows + columns])
    sizes = [math.prod(lengths[c] for c in part) for part in (rows, columns)]
    return np.reshape(moved, (*[lengths[c] for c in stack], *sizes))

"""Products of matrices, transposes, inverses and reductions, simplified as they are made.

Matrix products are flat chains from which scalars are taken out; a chain with one vector ends with it. Rules hold
wherever both sides have a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from diffkit.core.table import ADD, DIV, EXP, MUL, NEG, POWER, SUB, Primitive
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import product
from diffkit.core.table.array_table import (
    ALL_ONES,
    DIAGONAL,
    EYE,
    INVERSE,
    OUTER,
    PRODUCT,
    SUM,
    TRANSPOSE,
    array_table,
)
from diffkit.lessons.matrices.nodes import Node, entry_row, number
from diffkit.lessons.matrices.terms import MINUS_ONE, ONE_NODE, ZERO_NODE, Terms

__all__ = ["MINUS_ONE", "ONE_NODE", "ZERO_NODE", "MatrixAlgebra"]


class MatrixAlgebra(Terms):
    """Makes simplified trees over names of known shapes, some of them symmetric matrices."""

    def T(self, node: Node) -> Node:
        """A transpose, moved inwards to the names."""
        row, shape = array_table.of(node), self.shape(node)
        if len(shape) < 2 or (node.kind == "name" and node.value in self.symmetric_names):
            return node
        if row is not None and row.symmetric and shape[0] == shape[1]:
            return node
        if any(len(self.shape(a)) == 1 for a in node.args) and (row is None or row.turned is None):
            return Node(TRANSPOSE, (node,))  # a vector among matrices is repeated along rows, and turned along columns
        if row is not None and row.turned is not None:
            return row.turned(self, node)  # type: ignore[no-any-return]
        entries = entry_row(node)
        return Node(TRANSPOSE, (node,)) if entries is None else self.make(node.kind, [self.T(a) for a in node.args])

    def matmul(self, *factors: Node) -> Node:
        """A matrix product as a flat chain, scalars in front; a chain with one vector ends with it."""
        flat = self._flat(factors)
        if any(map(self.is_zero, flat)):
            return self.zeros(reduce(product, map(self.shape, flat)))
        scalars: list[Node] = []
        for k, factor in enumerate(flat):
            inside, flat[k] = self.scalars_of(factor)
            scalars += inside
        if scalars:
            return self.times(*scalars, self.matmul(*flat))
        vectors = [k for k, f in enumerate(flat) if len(self.shape(f)) == 1]
        if vectors == [0] and len(flat) > 1:  # x @ A is A.T @ x
            return self.matmul(*[self.T(f) for f in reversed(flat)])
        for k in range(len(flat) - 1):
            joined = self._pair(flat[k], flat[k + 1])
            if joined is not None:
                others = (*flat[:k], joined, *flat[k + 2 :])
                return joined if len(others) == 1 else self._joined(others)
        if len(vectors) == 2:
            return self._inner(flat)
        return flat[0] if len(flat) == 1 else Node(PRODUCT, tuple(flat))

    def _flat(self, factors: Sequence[Node]) -> list[Node]:
        """The factors of a product and of the products in it; ShapeError where two do not fit."""
        flat: list[Node] = []
        for k, factor in enumerate(factors):
            if factor.kind != PRODUCT or not self.shape(factor):
                flat.append(factor)
            elif len(self.shape(factor)) == 1 and k + 1 < len(factors):  # (M @ x) @ … is x @ M.T @ …
                flat.extend(self.T(f) for f in reversed(factor.args))
            else:
                flat.extend(factor.args)
        reduce(product, map(self.shape, flat))
        return flat

    def _joined(self, factors: Sequence[Node]) -> Node:
        """A chain in which two factors have become one, perhaps a scalar."""
        scalars = [f for f in factors if not self.shape(f)]
        arrays = [f for f in factors if self.shape(f)]
        if not arrays:
            return self.times(*scalars)
        return self.times(*scalars, self.matmul(*arrays)) if scalars else self.matmul(*arrays)

    def scalars_of(self, node: Node) -> tuple[list[Node], Node]:
        """The scalar factors of a product, and the rest of it."""
        if node.kind != "*":
            return [], node
        scalars = [a for a in node.args if not self.shape(a)]
        rest = [a for a in node.args if self.shape(a)]
        return (scalars, self.times(*rest)) if rest else ([], node)

    def _pair(self, a: Node, b: Node) -> Node | None:
        """The product of two neighbours where it is shorter than itself."""
        for rule in (self._with_eye, self._with_inverse, self._with_outer, self._with_diagonal, self._with_ones):
            if (found := rule(a, b)) is not None:
                return found
        return None

    def _with_eye(self, a: Node, b: Node) -> Node | None:
        return b if a.kind == EYE else a if b.kind == EYE else None

    def _with_inverse(self, a: Node, b: Node) -> Node | None:
        for inverse, other in ((a, b), (b, a)):
            turned = inverse.kind == TRANSPOSE and inverse.args[0].kind == INVERSE
            if inverse.kind == INVERSE and inverse.args[0] == other:
                return self.eye(self.shape(a)[0])
            if turned and self.T(inverse.args[0].args[0]) == other:
                return self.eye(self.shape(a)[0])
        return None

    def _with_outer(self, a: Node, b: Node) -> Node | None:
        if a.kind == OUTER:
            first, second = a.args
            if len(self.shape(b)) == 1:
                return self.times(self.matmul(second, b), first)
            return self.outer(first, self.matmul(self.T(b), second))
        if b.kind == OUTER:
            first, second = b.args
            if len(self.shape(a)) == 1:
                return self.times(self.matmul(a, first), second)
            return self.outer(self.matmul(a, first), second)
        return None

    def _with_diagonal(self, a: Node, b: Node) -> Node | None:
        """Of diagonal matrices, entry by entry."""
        left, right = self._diagonal_of(a), self._diagonal_of(b)
        if left is not None and right is not None:
            return self.diag(self.times(left, right))
        if left is not None and len(self.shape(b)) == 1:
            return self.times(left, b)
        return self.times(a, right) if right is not None and len(self.shape(a)) == 1 else None

    def _diagonal_of(self, node: Node) -> Node | None:
        """The vector of which a node is the diagonal matrix."""
        return node.args[0] if node.kind == DIAGONAL and len(self.shape(node.args[0])) == 1 else None

    def _with_ones(self, a: Node, b: Node) -> Node | None:
        """Sums as inner products with ones."""
        if not len(self.shape(a)) == len(self.shape(b)) == 1 or ALL_ONES not in (a.kind, b.kind):
            return None
        if a.kind == b.kind:
            return self.length(self.shape(a)[0])
        return self.sum(b if a.kind == ALL_ONES else a)

    def _inner(self, flat: list[Node]) -> Node:
        """The inner product x @ … @ y, written from the smaller of its two ends."""
        other = [self.T(f) for f in reversed(flat)]
        ends = (tuple(flat), tuple(other))
        return Node(PRODUCT, min(ends, key=lambda f: (len("".join(map(str, f))), tuple(map(str, f)))))

    def outer(self, a: Node, b: Node) -> Node:
        """The matrix aᵢbⱼ, scalars in front."""
        if self.is_zero(a) or self.is_zero(b):
            return self.zeros((*self.shape(a), *self.shape(b)))
        left, a = self.scalars_of(a)
        right, b = self.scalars_of(b)
        if a.kind == ALL_ONES and b.kind == ALL_ONES:
            return self.times(*left, *right, self.ones((*self.shape(a), *self.shape(b))))
        return self.times(*left, *right, Node(OUTER, (a, b)))

    def diag(self, node: Node) -> Node:
        """The diagonal matrix of a vector, or the diagonal of a matrix."""
        shape = self.shape(node)
        if self.is_zero(node):
            return self.zeros((*shape, *shape) if len(shape) == 1 else shape[:1])
        scalars, rest = self.scalars_of(node)
        if scalars:
            return self.times(*scalars, self.diag(rest))
        if len(shape) == 1:
            return self.eye(shape[0]) if node.kind == ALL_ONES else Node(DIAGONAL, (node,))
        if node.kind in (EYE, ALL_ONES):
            return self.ones(shape[:1])
        if node.kind == DIAGONAL:
            return node.args[0]
        if node.kind == OUTER:
            return self.times(*node.args)
        if node.kind == PRODUCT:
            for k, inner in enumerate(node.args):
                if (x := self._diagonal_of(inner)) is not None:
                    return self._diagonal(node.args[:k], x, node.args[k + 1 :])
        return Node(DIAGONAL, (node,))

    def _diagonal(self, left: Sequence[Node], x: Node, right: Sequence[Node]) -> Node:
        """The diagonal of A @ diag(x) @ B, which is (A * B.T) @ x."""
        if left and right:
            return self.matmul(self.times(self.matmul(*left), self.T(self.matmul(*right))), x)
        return self.times(x, self.diag(self.matmul(*(left or right))))

    def inv(self, node: Node) -> Node:
        """An inverse."""
        if node.kind == INVERSE:
            return node.args[0]
        if node.kind == EYE:
            return node
        if node.kind == TRANSPOSE:
            return self.T(self.inv(node.args[0]))
        scalars, rest = self.scalars_of(node)
        if scalars:
            return self.times(*[self.power(s, MINUS_ONE) for s in scalars], self.inv(rest))
        return Node(INVERSE, (node,))

    def sum(self, node: Node, axis: int | None = None) -> Node:
        """A sum of all entries, or along an axis."""
        shape = self.shape(node)
        if axis is not None and len(shape) == 1:
            axis = None
        if axis is None and not shape:
            return node
        scalars, rest = self.scalars_of(node)
        if scalars:
            return self.times(*scalars, self.sum(rest, axis))
        if node.kind == "+" and all(self.shape(t) == shape for t in node.args):
            return self.add(*[self.sum(t, axis) for t in node.args])
        return self._sum_of_all(node, shape) if axis is None else self._sum_along(node, shape, axis % 2)

    def _sum_of_all(self, node: Node, shape: Shape) -> Node:
        if self.is_zero(node):
            return ZERO_NODE
        row = array_table.of(node)
        if row is not None and row.summed is not None:
            found = row.summed(self, node, shape)
        else:
            found = self._inner_sum(node, shape) if node.kind in ("*", "**") else None
        return Node(SUM, (node,)) if found is None else found

    def _sum_along(self, node: Node, shape: Shape, axis: int) -> Node:
        if self.is_zero(node):
            return self.zeros((shape[1 - axis],))
        if node.kind == OUTER:
            return self.times(self.sum(node.args[axis]), node.args[1 - axis])
        if node.kind == ALL_ONES:
            return self.times(self.length(shape[axis]), self.ones((shape[1 - axis],)))
        return Node(SUM, (node,), axis)

    def _inner_sum(self, node: Node, shape: Shape) -> Node | None:
        """The sum of squares, or of products of two vectors, as their inner product."""
        factors = node.args if node.kind == "*" else node.args[:1] * 2 if node.args[1] == number(2) else ()
        fits = len(factors) == 2 and len(shape) == 1 and all(self.shape(f) == shape for f in factors)
        return self.matmul(*factors) if fits else None

    # Any function -----------------------------------------------------------------------------------------------------

    def make(self, kind: str, args: Sequence[Node], value: Any = None) -> Node:
        """A function made by what simplifies it, if there is anything."""
        found = Node(kind, tuple(args), value)
        row = array_table.of(found)
        if row is not None:
            return found if row.made is None else row.made(self, found.args, value)
        entries = entry_row(found)
        return found if entries is None else self._entry_by_entry(entries, found)

    def _entry_by_entry(self, row: Primitive, node: Node) -> Node:
        """A row of numbers."""
        args = node.args
        if row in (ADD, MUL):
            return (self.add if row is ADD else self.times)(*args)
        if row in (SUB, NEG):
            negative = self.negative(args[-1])
            return negative if row is NEG else self.add(args[0], negative)
        if row in (DIV, POWER):
            return (self.over if row is DIV else self.power)(*args)
        undone = len(args) == 1 and args[0].kind == row.inverse
        return args[0].args[0] if row is EXP and undone else node

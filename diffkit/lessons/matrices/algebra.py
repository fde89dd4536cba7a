"""Products of matrices, transposes, inverses and reductions, simplified as they are made.

Matrix products are flat chains from which scalars are taken out; a chain with one vector ends with it. Rules hold
wherever both sides have a value.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffkit.core.table import table
from diffkit.lessons.matrices.nodes import Node, number
from diffkit.lessons.matrices.shapes import product
from diffkit.lessons.matrices.terms import MINUS, ONE, ZERO, Terms

__all__ = ["MINUS", "ONE", "ZERO", "Algebra"]


class Algebra(Terms):
    """Makes simplified trees over names of known shapes, some of them symmetric matrices."""

    def T(self, node: Node) -> Node:
        """A transpose, moved inwards to the names."""
        shape = self.shape(node)
        kind = node.kind
        if len(shape) < 2 or (kind == "name" and node.value in self.symmetric_names) or kind in ("eye", "diag"):
            return node
        if kind == "T":
            return node.args[0]
        if kind in ("ones", "zeros"):
            return Node(kind, tuple(reversed(node.args)))
        if any(len(self.shape(a)) == 1 for a in node.args) and kind not in ("@", "outer"):
            return Node("T", (node,))  # a vector among matrices is repeated along rows, and turned along columns
        if kind == "+":
            return self.add(*map(self.T, node.args))
        if kind == "@":
            return self.matmul(*[self.T(a) for a in reversed(node.args)])
        if kind == "outer":
            return self.outer(node.args[1], node.args[0])
        if kind == "*":
            return self.times(*map(self.T, node.args))
        if kind == "**":
            return self.power(*map(self.T, node.args))
        if kind in table.rows:
            return Node(kind, tuple(map(self.T, node.args)), node.value)
        if kind == "inv" and self.is_symmetric(node.args[0]):
            return node
        return Node("T", (node,))

    def matmul(self, *factors: Node) -> Node:
        """A matrix product as a flat chain, scalars in front; a chain with one vector ends with it."""
        flat: list[Node] = []
        for k, factor in enumerate(factors):
            if factor.kind != "@" or not self.shape(factor):
                flat.append(factor)
            elif len(self.shape(factor)) == 1 and k + 1 < len(factors):  # (M @ x) @ … is x @ M.T @ …
                flat.extend(self.T(f) for f in reversed(factor.args))
            else:
                flat.extend(factor.args)
        shape = self.shape(flat[0])
        for factor in flat[1:]:
            shape = product(shape, self.shape(factor))
        scalars: list[Node] = []
        for k, factor in enumerate(flat):
            if self.is_zero(factor):
                return self.zeros(shape)
            inside, rest = self._scalars_of(factor)
            scalars += inside
            flat[k] = rest
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
        return flat[0] if len(flat) == 1 else Node("@", tuple(flat))

    def _joined(self, factors: Sequence[Node]) -> Node:
        """A chain in which two factors have become one, perhaps a scalar."""
        scalars = [f for f in factors if not self.shape(f)]
        arrays = [f for f in factors if self.shape(f)]
        if not arrays:
            return self.times(*scalars)
        return self.times(*scalars, self.matmul(*arrays)) if scalars else self.matmul(*arrays)

    def _scalars_of(self, node: Node) -> tuple[list[Node], Node]:
        """The scalar factors of a product, and the rest of it."""
        if node.kind != "*":
            return [], node
        scalars = [a for a in node.args if not self.shape(a)]
        rest = [a for a in node.args if self.shape(a)]
        return (scalars, self.times(*rest)) if rest else ([], node)

    def _pair(self, a: Node, b: Node) -> Node | None:
        """The product of two neighbours where it is shorter than itself."""
        left, right = self.shape(a), self.shape(b)
        if a.kind == "eye":
            return b
        if b.kind == "eye":
            return a
        if (a.kind == "inv" and a.args[0] == b) or (b.kind == "inv" and b.args[0] == a):
            return self.eye(left[0])
        for inverse, other in ((a, b), (b, a)):
            if inverse.kind == "T" and inverse.args[0].kind == "inv" and self.T(inverse.args[0].args[0]) == other:
                return self.eye(left[0])
        if a.kind == "outer":
            first, second = a.args
            if len(right) == 1:
                return self.times(self.matmul(second, b), first)
            return self.outer(first, self.matmul(self.T(b), second))
        if b.kind == "outer":
            first, second = b.args
            if len(left) == 1:
                return self.times(self.matmul(a, first), second)
            return self.outer(self.matmul(a, first), second)
        if a.kind == "diag" and len(self.shape(a.args[0])) == 1:
            if len(right) == 1:
                return self.times(a.args[0], b)
            if b.kind == "diag" and len(self.shape(b.args[0])) == 1:
                return self.diag(self.times(a.args[0], b.args[0]))
        if b.kind == "diag" and len(left) == 1 and len(self.shape(b.args[0])) == 1:
            return self.times(a, b.args[0])
        if a.kind == "ones" and b.kind == "ones" and len(left) == len(right) == 1:
            return self.length(left[0])
        if len(left) == len(right) == 1:
            if a.kind == "ones" and b.kind != "ones":
                return self.sum(b)
            if b.kind == "ones" and a.kind != "ones":
                return self.sum(a)
        return None

    def _inner(self, flat: list[Node]) -> Node:
        """The inner product x @ … @ y, written from the smaller of its two ends."""
        other = [self.T(f) for f in reversed(flat)]
        return Node("@", min(tuple(flat), tuple(other), key=lambda f: (len("".join(map(str, f))), tuple(map(str, f)))))

    def outer(self, a: Node, b: Node) -> Node:
        """The matrix aᵢbⱼ, scalars in front."""
        if self.is_zero(a) or self.is_zero(b):
            return self.zeros((*self.shape(a), *self.shape(b)))
        left, a = self._scalars_of(a)
        right, b = self._scalars_of(b)
        if a.kind == "ones" and b.kind == "ones":
            return self.times(*left, *right, self.ones((*self.shape(a), *self.shape(b))))
        return self.times(*left, *right, Node("outer", (a, b)))

    def diag(self, node: Node) -> Node:
        """The diagonal matrix of a vector, or the diagonal of a matrix."""
        shape = self.shape(node)
        if self.is_zero(node):
            return self.zeros((*shape, *shape) if len(shape) == 1 else shape[:1])
        scalars, rest = self._scalars_of(node)
        if scalars:
            return self.times(*scalars, self.diag(rest))
        if len(shape) == 1:
            return self.eye(shape[0]) if node.kind == "ones" else Node("diag", (node,))
        if node.kind in ("eye", "ones"):
            return self.ones(shape[:1])
        if node.kind == "diag":
            return node.args[0]
        if node.kind == "outer":
            return self.times(*node.args)
        if node.kind == "@":
            for k, inner in enumerate(node.args):
                if inner.kind == "diag" and len(self.shape(inner.args[0])) == 1:
                    return self._diagonal(node.args[:k], inner.args[0], node.args[k + 1 :])
        return Node("diag", (node,))

    def _diagonal(self, left: Sequence[Node], x: Node, right: Sequence[Node]) -> Node:
        """The diagonal of A @ diag(x) @ B, which is (A * B.T) @ x."""
        if left and right:
            return self.matmul(self.times(self.matmul(*left), self.T(self.matmul(*right))), x)
        return self.times(x, self.diag(self.matmul(*(left or right))))

    def inv(self, node: Node) -> Node:
        """An inverse."""
        if node.kind == "inv":
            return node.args[0]
        if node.kind == "eye":
            return node
        if node.kind == "T":
            return self.T(self.inv(node.args[0]))
        scalars, rest = self._scalars_of(node)
        if scalars:
            return self.times(*[self.power(s, MINUS) for s in scalars], self.inv(rest))
        return Node("inv", (node,))

    def trace(self, node: Node) -> Node:
        """The sum of the diagonal."""
        if not self.shape(node):
            return node
        scalars, rest = self._scalars_of(node)
        if scalars:
            return self.times(*scalars, self.trace(rest))
        if node.kind == "+" and all(self.shape(t) == self.shape(node) for t in node.args):
            return self.add(*map(self.trace, node.args))
        if node.kind == "eye":
            return self.length(self.shape(node)[0])
        if node.kind == "outer":
            return self.matmul(*node.args)
        if node.kind == "T":
            return self.trace(node.args[0])
        if node.kind == "zeros":
            return ZERO
        return Node("trace", (node,))

    def det(self, node: Node) -> Node:
        """A determinant."""
        if node.kind == "T":
            return self.det(node.args[0])
        if node.kind == "inv":
            return self.power(self.det(node.args[0]), MINUS)
        if node.kind == "eye":
            return ONE
        return Node("det", (node,))

    def sum(self, node: Node, axis: int | None = None) -> Node:
        """A sum of all entries, or along an axis."""
        shape = self.shape(node)
        if axis is not None and len(shape) == 1:
            axis = None
        if axis is None and not shape:
            return node
        scalars, rest = self._scalars_of(node)
        if scalars:
            return self.times(*scalars, self.sum(rest, axis))
        if node.kind == "+" and all(self.shape(t) == shape for t in node.args):
            return self.add(*[self.sum(t, axis) for t in node.args])
        if axis is None:
            if node.kind == "ones":
                return self.times(*map(self.length, shape))
            if node.kind == "eye":
                return self.length(shape[0])
            if self.is_zero(node):
                return ZERO
            if node.kind == "outer":
                return self.times(*map(self.sum, node.args))
            if node.kind == "T":
                return self.sum(node.args[0])
            if node.kind == "diag":
                return self.sum(node.args[0]) if len(shape) == 2 else self.trace(node.args[0])
            if node.kind == "**" and node.args[1] == number(2) and len(shape) == 1:
                return self.matmul(node.args[0], node.args[0])
            if (
                node.kind == "*"
                and len(node.args) == 2
                and all(self.shape(a) == shape for a in node.args)
                and (len(shape) == 1)
            ):
                return self.matmul(*node.args)
            return Node("sum", (node,))
        axis %= 2
        if self.is_zero(node):
            return self.zeros((shape[1 - axis],))
        if node.kind == "outer":
            kept, gone = node.args[1 - axis], node.args[axis]
            return self.times(self.sum(gone), kept)
        if node.kind == "ones":
            return self.times(self.length(shape[axis]), self.ones((shape[1 - axis],)))
        return Node("sum", (node,), axis)

"""Trees with shapes, simplified as they are made: every constructor gives an equal, shorter form.

Sums are n-ary with like terms collected; products carry one rational number in front and powers of equal factors
joined; matrix products are flat chains from which scalars are taken out. Rules hold wherever both sides have a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from diffkit.matrices.nodes import Node, in_order, number
from diffkit.matrices.shapes import Shape, broadcast, product, shape_of

ONE, ZERO, MINUS = number(1), number(0), number(-1)


class Algebra:
    """Makes simplified trees over names of known shapes, some of them symmetric matrices."""

    def __init__(self, shapes: Mapping[str, Shape], symmetric: frozenset[str] = frozenset()):
        self.shapes = dict(shapes)
        self.symmetric_names = symmetric
        self._known: dict[Node, Shape] = {}

    # Shapes and sizes -------------------------------------------------------------------------------------------

    def shape(self, node: Node) -> Shape:
        """The shape of a tree."""
        found = self._known.get(node)
        if found is None:
            if node.kind == "name":
                found = self.shapes.get(node.value, ())  # a name without a shape is a length
            else:
                found = shape_of(node, [self.shape(a) for a in node.args])
            self._known[node] = found
        return found

    def length(self, size: int | str) -> Node:
        """A length as a scalar."""
        return number(size) if isinstance(size, int) else Node("name", value=size)

    def ones(self, shape: Shape) -> Node:
        """An array of ones; the number 1 for a scalar."""
        return Node("ones", tuple(map(self.length, shape))) if shape else ONE

    def zeros(self, shape: Shape) -> Node:
        """An array of zeros; the number 0 for a scalar."""
        return Node("zeros", tuple(map(self.length, shape))) if shape else ZERO

    def eye(self, size: int | str) -> Node:
        """An identity matrix."""
        return Node("eye", (self.length(size),))

    def is_zero(self, node: Node) -> bool:
        """Whether a tree is visibly zero."""
        return node.kind == "zeros" or node == ZERO

    def is_symmetric(self, node: Node) -> bool:
        """Whether a matrix is visibly its own transpose."""
        shape = self.shape(node)
        if len(shape) < 2:
            return True
        if node.kind == "name":
            return node.value in self.symmetric_names
        if shape[0] != shape[1]:
            return False
        return node.kind in ("eye", "ones", "zeros", "diag") or self.T(node) == node

    # Sums -------------------------------------------------------------------------------------------------------

    def add(self, *terms: Node) -> Node:
        """A sum with like terms collected and common factors of matrix products taken out."""
        shape = broadcast("+", *map(self.shape, terms))
        collected: dict[Node, Fraction] = {}
        for term in terms:
            for part in term.args if term.kind == "+" else (term,):
                if self.is_zero(part):
                    continue
                coefficient, rest = self.split(part)
                collected[rest] = collected.get(rest, Fraction(0)) + coefficient
        kept = [(rest, c) for rest, c in collected.items() if c]
        kept = self._factored(kept)
        if not kept:
            return self.zeros(shape)
        found = [self.scaled(c, rest) for rest, c in kept]
        found.sort(key=lambda t: (self.split(t)[0] < 0, t.kind == "T"))  # x - y rather than -y + x
        result = found[0] if len(found) == 1 else Node("+", tuple(found))
        return result if self.shape(result) == shape else self.times(result, self.ones(shape))

    def split(self, node: Node) -> tuple[Fraction, Node]:
        """A tree as a rational number times the rest."""
        if node.kind == "number":
            return Fraction(node.value), ONE
        if node.kind == "*" and node.args[0].kind == "number":
            rest = node.args[1:]
            return Fraction(node.args[0].value), rest[0] if len(rest) == 1 else Node("*", rest)
        return Fraction(1), node

    def scaled(self, coefficient: Fraction, node: Node) -> Node:
        """A rational multiple."""
        if node == ONE:
            return number(coefficient)
        if coefficient == 1:
            return node
        return Node("*", (number(coefficient), *(node.args if node.kind == "*" else (node,))))

    def _factored(self, terms: list[tuple[Node, Fraction]]) -> list[tuple[Node, Fraction]]:
        """A@x + B@x as (A + B)@x where A and B are single factors, and x@A + x@B likewise."""
        for right in (True, False):
            groups: dict[tuple[Any, ...], list[int]] = {}
            for k, (node, _) in enumerate(terms):
                parts = self._two(node)
                if parts is not None:
                    scalars, left, last = parts
                    groups.setdefault((scalars, last if right else left), []).append(k)
            for (scalars, common), members in groups.items():
                if len(members) > 1:
                    others = [self._two(terms[k][0])[1 if right else 2] for k in members]  # type: ignore[index]
                    if right or len(self.shape(common)) == 2:
                        unit = terms[members[0]][1]
                        inner = self.add(
                            *[self.scaled(terms[k][1] / unit, o) for k, o in zip(members, others, strict=True)]
                        )
                        pair = (inner, common) if right else (common, inner)
                        joined = self.times(number(unit), *scalars, self.matmul(*pair))
                        rest = [t for k, t in enumerate(terms) if k not in members]
                        c, node = self.split(joined)
                        return self._factored([(node, c), *rest]) if not self.is_zero(joined) else self._factored(rest)
        return terms

    def _two(self, node: Node) -> tuple[tuple[Node, ...], Node, Node] | None:
        """Scalar factors, and the two factors of a product of two that begins with a matrix."""
        scalars: tuple[Node, ...] = ()
        if node.kind == "*" and node.args[-1].kind == "@":
            scalars, node = node.args[:-1], node.args[-1]
        if node.kind != "@" or len(node.args) != 2 or len(self.shape(node.args[0])) != 2:
            return None
        return scalars, node.args[0], node.args[1]

    def negative(self, node: Node) -> Node:
        """The tree times −1."""
        if node.kind == "+":
            return self.add(*map(self.negative, node.args))
        return self.times(MINUS, node)

    # Products entry by entry ------------------------------------------------------------------------------------

    def times(self, *factors: Node) -> Node:
        """A product entry by entry: one number, then scalars, then arrays; equal bases are joined."""
        shape = broadcast("*", *map(self.shape, factors))
        coefficient = Fraction(1)
        powers: dict[Node, Node] = {}
        stack = list(reversed(factors))
        while stack:
            factor = stack.pop()
            if factor.kind == "*":
                stack.extend(reversed(factor.args))
            elif factor.kind == "number":
                coefficient *= Fraction(factor.value)
            elif self.is_zero(factor):
                return self.zeros(shape)
            elif factor.kind != "ones":
                base, exponent = (factor.args if factor.kind == "**" else (factor, ONE))
                if not self.shape(exponent):
                    powers[base] = self.add(powers[base], exponent) if base in powers else exponent
                else:
                    powers[factor] = ONE
        if coefficient == 0:
            return self.zeros(shape)
        self._join_sigmoids(powers)
        found = [self.power(base, e) for base, e in powers.items() if e != ZERO]
        for f in [f for f in found if f.kind == "number"]:
            coefficient *= Fraction(f.value)
        found = [f for f in found if f.kind != "number"]
        found.sort(key=lambda f: len(self.shape(f)))
        arrays = [f for f in found if self.shape(f)]
        if coefficient < 0:
            for k, f in enumerate(found):
                turned = self._turned(f)
                if turned is not None:
                    coefficient, found[k] = -coefficient, turned
                    arrays = [f for f in found if self.shape(f)]
                    break
        if len(arrays) > 1:
            joined = self._special_product(arrays)
            if joined is not None:
                return self.times(number(coefficient), *[f for f in found if not self.shape(f)], joined)
        if not found or broadcast("*", *map(self.shape, found)) != shape:
            found.append(self.ones(shape))
            found = [f for f in found if f != ONE]
        if not found:
            return number(coefficient)
        rest = found[0] if len(found) == 1 else Node("*", tuple(found))
        return self.scaled(coefficient, rest)

    def _join_sigmoids(self, powers: dict[Node, Node]) -> None:
        """exp(z)/(1 + exp(z)) as sigmoid(z), which does not overflow."""
        for base, exponent in list(powers.items()):
            if exponent == MINUS and base.kind == "+" and len(base.args) == 2 and ONE in base.args:
                (other,) = [t for t in base.args if t != ONE] or [ONE]
                if other.kind == "exp" and powers.get(other) == ONE:
                    del powers[base], powers[other]
                    powers[Node("sigmoid", other.args)] = ONE

    def _turned(self, node: Node) -> Node | None:
        """The negative of a difference, or of a product that holds one; None for anything else."""
        if node.kind == "+" and any(self.split(t)[0] < 0 for t in node.args):
            return self.add(*[self.scaled(-c, rest) for c, rest in map(self.split, node.args)])
        if node.kind in ("@", "sum"):
            for k, factor in enumerate(node.args):
                turned = self._turned(factor) if factor.kind == "+" else None
                if turned is not None:
                    return Node(node.kind, (*node.args[:k], turned, *node.args[k + 1 :]), node.value)
        return None

    def _special_product(self, arrays: list[Node]) -> Node | None:
        """Entry-by-entry products with eye and outer products of ones, in shorter forms."""
        matrices = [a for a in arrays if len(self.shape(a)) == 2]
        for matrix in matrices:
            rest = [a for a in arrays if a is not matrix]
            if matrix.kind == "eye" and all(len(self.shape(a)) == 2 for a in rest):
                return self.diag(self.diag(self.times(*rest)))
            if matrix.kind == "outer" and len(matrices) > 1:
                left, right = matrix.args
                if left.kind == "ones":
                    return self.times(right, *rest)
                if right.kind == "ones":
                    return self.matmul(self.diag(left), self.times(*rest))
        return None

    def power(self, base: Node, exponent: Node) -> Node:
        """A power entry by entry."""
        if exponent == ONE:
            return base
        if exponent == ZERO:
            return self.ones(self.shape(base))
        if exponent.kind == "number":
            e = exponent.value
            if base.kind == "number" and isinstance(e, int) and abs(e) < 64 and base.value:
                return number(Fraction(base.value) ** e)
            if base.kind == "**" and base.args[1].kind == "number":
                inner = base.args[1].value
                if isinstance(inner, int) and inner % 2 and isinstance(e, int):
                    return self.power(base.args[0], number(inner * e))
                if isinstance(inner, int) and isinstance(e, int):
                    return self.power(base.args[0], number(inner * e))
            if base.kind == "*" and isinstance(e, int):
                return self.times(*[self.power(f, exponent) for f in base.args])
            if base.kind == "sqrt" and isinstance(e, int) and e % 2 == 0:
                return self.power(base.args[0], number(e // 2))
        return Node("**", (base, exponent))

    def over(self, a: Node, b: Node) -> Node:
        """A quotient entry by entry."""
        return self.times(a, self.power(b, MINUS))

    # Matrices ---------------------------------------------------------------------------------------------------

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
        if kind == "+":
            return self.add(*map(self.T, node.args))
        if kind == "@":
            return self.matmul(*[self.T(a) for a in reversed(node.args)])
        if kind == "outer":
            return self.outer(node.args[1], node.args[0])
        if kind == "*" and all(len(self.shape(a)) != 1 for a in node.args):
            return self.times(*map(self.T, node.args))
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
                rest = (*flat[:k], joined, *flat[k + 2 :])
                return joined if len(rest) == 1 else self._joined(rest)
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
        if a.kind == "inv" and a.args[0] == b or b.kind == "inv" and b.args[0] == a:
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
        """x @ … @ y written from the smaller of its two ends."""
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
        return Node("diag", (node,))

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
        if node.kind == "+" and all(self.shape(t) for t in node.args):
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
            if node.kind == "**" and node.args[1] == number(2) and len(shape) == 1:
                return self.matmul(node.args[0], node.args[0])
            if node.kind == "*" and len(node.args) == 2 and all(self.shape(a) == shape for a in node.args) and (
                len(shape) == 1
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

    def finished(self, root: Node) -> Node:
        """A tree as it is shown: x.T before a matrix, no ones that broadcasting supplies, no idle parentheses."""
        found: dict[Node, Node] = {}
        for node in in_order(root):
            args, value = tuple(found[a] for a in node.args), node.value
            if node.kind == "@" and not self.shape(node) and node.args[0].kind == "name":
                args = (Node("T", args[:1]), *args[1:])
            if node.kind == "*" and node.args[-1].kind == "@" and not any(self.shape(a) for a in node.args[:-1]):
                value = "open"
            if node.kind == "+" and any(self.shape(a) and not _is_ones(a) for a in node.args):
                args = tuple(_without_ones(a) if _is_ones(n) else a for n, a in zip(node.args, args, strict=True))
            found[node] = Node(node.kind, args, value)
        return found[root]


def _is_ones(node: Node) -> bool:
    """Whether a tree is scalars times ones."""
    return node.kind == "ones" or (node.kind == "*" and node.args[-1].kind == "ones")


def _without_ones(node: Node) -> Node:
    """The scalars of such a tree."""
    if node.kind == "ones":
        return ONE
    return node.args[0] if len(node.args) == 2 else Node("*", node.args[:-1])

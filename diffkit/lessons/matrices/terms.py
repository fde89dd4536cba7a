"""Sums and products entry by entry, simplified as they are made.

Sums are n-ary with like terms collected; products carry one rational number in front and powers of equal factors
joined. Rules hold wherever both sides have a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.table import SQRT, table
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import entry_by_entry
from diffkit.core.table.array_table import ALL_ONES, ALL_ZEROS, EYE, OUTER, PRODUCT, SUM, TRANSPOSE, array_table
from diffkit.lessons.matrices.nodes import Node, number
from diffkit.lessons.matrices.shapes import shape_of

ONE_NODE, ZERO_NODE, MINUS_ONE = number(1), number(0), number(-1)


class Terms:
    """Makes simplified sums and products entry by entry, over names of known shapes."""

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

    def number(self, value: int | Fraction) -> Node:
        """An exact number."""
        return number(value)

    def plain(self, kind: str, args: Sequence[Node], value: Any = None) -> Node:
        """A function as it stands."""
        return Node(kind, tuple(args), value)

    def ones(self, shape: Shape) -> Node:
        """An array of ones; the number 1 for a scalar."""
        return Node(ALL_ONES, tuple(map(self.length, shape))) if shape else ONE_NODE

    def zeros(self, shape: Shape) -> Node:
        """An array of zeros; the number 0 for a scalar."""
        return Node(ALL_ZEROS, tuple(map(self.length, shape))) if shape else ZERO_NODE

    def eye(self, size: int | str) -> Node:
        """An identity matrix."""
        return Node(EYE, (self.length(size),))

    def is_zero(self, node: Node) -> bool:
        """Whether a tree is visibly zero."""
        return node.kind == ALL_ZEROS or node == ZERO_NODE

    def is_symmetric(self, node: Node) -> bool:
        """Whether a matrix is visibly its own transpose."""
        shape = self.shape(node)
        if len(shape) < 2:
            return True
        if node.kind == "name":
            return node.value in self.symmetric_names
        if shape[0] != shape[1]:
            return False
        row = array_table.of(node)
        return (row is not None and row.symmetric) or self.T(node) == node

    # Sums -------------------------------------------------------------------------------------------------------

    def add(self, *terms: Node) -> Node:
        """A sum with like terms collected and common factors of matrix products taken out."""
        shape = entry_by_entry("+", *map(self.shape, terms))
        collected: dict[Any, tuple[Node, Fraction]] = {}
        for term in terms:
            for part in term.args if term.kind == "+" else (term,):
                if self.is_zero(part):
                    continue
                coefficient, core = self.split(part)
                like = frozenset(core.args) if core.kind == "*" else core  # whatever the order of the factors
                first, known = collected.get(like, (core, Fraction(0)))
                collected[like] = first, known + coefficient
        kept = [(rest, c) for rest, c in collected.values() if c]
        kept = self._factored(kept)
        if not kept:
            return self.zeros(shape)
        found = [self.scaled(c, rest) for rest, c in kept]
        found.sort(key=lambda t: (self.split(t)[0] < 0, t.kind == TRANSPOSE))  # x - y rather than -y + x
        result = found[0] if len(found) == 1 else Node("+", tuple(found))
        return result if self.shape(result) == shape else self.times(result, self.ones(shape))

    def split(self, node: Node) -> tuple[Fraction, Node]:
        """A tree as a rational number times the rest."""
        if node.kind == "number":
            return Fraction(node.value), ONE_NODE
        if node.kind == "*" and node.args[0].kind == "number":
            rest = node.args[1:]
            return Fraction(node.args[0].value), rest[0] if len(rest) == 1 else Node("*", rest)
        return Fraction(1), node

    def scaled(self, coefficient: Fraction, node: Node) -> Node:
        """A rational multiple."""
        if node == ONE_NODE:
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
                    pairs = [self._two(terms[k][0]) for k in members]
                    others = [pair[1] if right else pair[2] for pair in pairs if pair is not None]
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
        if node.kind == "*" and node.args[-1].kind == PRODUCT:
            scalars, node = node.args[:-1], node.args[-1]
        if node.kind != PRODUCT or len(node.args) != 2 or len(self.shape(node.args[0])) != 2:
            return None
        return scalars, node.args[0], node.args[1]

    def negative(self, node: Node) -> Node:
        """The tree times −1."""
        if node.kind == "+":
            return self.add(*map(self.negative, node.args))
        return self.times(MINUS_ONE, node)

    # Products entry by entry ------------------------------------------------------------------------------------

    def times(self, *factors: Node) -> Node:
        """A product entry by entry: one number, then scalars, then arrays; equal bases are joined."""
        shape = entry_by_entry("*", *map(self.shape, factors))
        collected = self._collected(factors)
        if collected is None:
            return self.zeros(shape)
        coefficient, powers = collected
        self._join_sigmoids(powers)
        made = [self.power(base, e) for base, e in powers.items() if e != ZERO_NODE]
        found = sorted([f for f in made if f.kind != "number"], key=lambda f: len(self.shape(f)))
        coefficient = math.prod([Fraction(f.value) for f in made if f.kind == "number"], start=coefficient)
        if coefficient < 0:
            coefficient = self._turn_one(coefficient, found)
        arrays = [f for f in found if self.shape(f)]
        if len(arrays) > 1 and (joined := self._special_product(arrays)) is not None:
            return self.times(number(coefficient), *[f for f in found if not self.shape(f)], joined)
        return self._product(coefficient, found, shape)

    def _product(self, coefficient: Fraction, factors: list[Node], shape: Shape) -> Node:
        """A product of what is simplified, repeated to a shape."""
        if not factors or entry_by_entry("*", *map(self.shape, factors)) != shape:
            factors = [f for f in (*factors, self.ones(shape)) if f != ONE_NODE]
        if not factors:
            return number(coefficient)
        return self.scaled(coefficient, factors[0] if len(factors) == 1 else Node("*", tuple(factors)))

    def _collected(self, factors: Sequence[Node]) -> tuple[Fraction, dict[Node, Node]] | None:
        """The rational factor of a product, and the exponents of its bases; None where it is zero."""
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
                return None
            elif factor.kind != ALL_ONES:
                base, exponent = factor.args if factor.kind == "**" else (factor, ONE_NODE)
                if self.shape(exponent):
                    base, exponent = factor, ONE_NODE
                powers[base] = self.add(powers[base], exponent) if base in powers else exponent
        return (coefficient, powers) if coefficient else None

    def _turn_one(self, coefficient: Fraction, factors: list[Node]) -> Fraction:
        """Give a negative coefficient's sign to the first factor that is a difference."""
        for k, factor in enumerate(factors):
            if (turned := self._turned(factor)) is not None:
                factors[k] = turned
                return -coefficient
        return coefficient

    def _join_sigmoids(self, powers: dict[Node, Node]) -> None:
        """exp(z)/(1 + exp(z)) as sigmoid(z), which does not overflow."""
        for base, exponent in list(powers.items()):
            if exponent == MINUS_ONE and base.kind == "+" and len(base.args) == 2 and ONE_NODE in base.args:
                (other,) = [t for t in base.args if t != ONE_NODE] or [ONE_NODE]
                row = table.rows.get(other.kind)
                if row is not None and row.logistic is not None and powers.get(other) == ONE_NODE:
                    del powers[base], powers[other]
                    powers[Node(row.logistic.tail, other.args)] = ONE_NODE

    def _turned(self, node: Node) -> Node | None:
        """The negative of a difference, or of a product that holds one; None for anything else."""
        if node.kind == "+" and any(self.split(t)[0] < 0 for t in node.args):
            return self.add(*[self.scaled(-c, rest) for c, rest in map(self.split, node.args)])
        if node.kind in (PRODUCT, SUM):
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
            if matrix.kind == EYE and all(len(self.shape(a)) == 2 for a in rest):
                return self.diag(self.diag(self.times(*rest)))
            if matrix.kind == OUTER and len(matrices) > 1:
                left, right = matrix.args
                if left.kind == ALL_ONES:
                    return self.times(right, *rest)
                if right.kind == ALL_ONES:
                    return self.matmul(self.diag(left), self.times(*rest))
        return None

    def power(self, base: Node, exponent: Node) -> Node:
        """A power entry by entry."""
        if exponent == ONE_NODE:
            return base
        if exponent == ZERO_NODE:
            return self.ones(self.shape(base))
        e = exponent.value
        if exponent.kind != "number" or not isinstance(e, int):
            return Node("**", (base, exponent))
        if base.kind == "number" and abs(e) < 64 and base.value:
            return number(Fraction(base.value) ** e)
        if base.kind == "**" and base.args[1].kind == "number" and isinstance(base.args[1].value, int):
            return self.power(base.args[0], number(base.args[1].value * e))
        if base.kind == "*":
            return self.times(*[self.power(f, exponent) for f in base.args])
        if base.kind == SQRT.name and e % 2 == 0:
            return self.power(base.args[0], number(e // 2))
        return Node("**", (base, exponent))

    def over(self, a: Node, b: Node) -> Node:
        """A quotient entry by entry."""
        return self.times(a, self.power(b, MINUS_ONE))

    # What matrices add, see Algebra -----------------------------------------------------------------------------

    def T(self, node: Node) -> Node:
        """A transpose."""
        raise NotImplementedError

    def matmul(self, *factors: Node) -> Node:
        """A matrix product."""
        raise NotImplementedError

    def diag(self, node: Node) -> Node:
        """A diagonal matrix, or a diagonal."""
        raise NotImplementedError

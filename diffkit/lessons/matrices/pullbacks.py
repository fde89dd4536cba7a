"""What an operation does to adjoints: from that of its result to its arguments', by the rows of both tables.

``g`` is the adjoint of the result: df = sum(g * dY). Functions of whole arrays have their own rules; entry by entry it
is the partials of the table of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from diffkit.core.deadline import check_time
from diffkit.core.errors import FormError
from diffkit.core.program import Constant, Named
from diffkit.core.rules import by_rule
from diffkit.core.table import ADD, MUL, POWER, Primitive
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import said
from diffkit.core.table.array_table import array_table, no_formula
from diffkit.lessons.matrices.algebra import MINUS_ONE, ONE_NODE, MatrixAlgebra
from diffkit.lessons.matrices.nodes import Node, entry_row, in_order, number


def pullback(algebra: MatrixAlgebra, node: Node, g: Node, depends: set[Node]) -> list[Node | None]:
    """The adjoints of a node's arguments from its own; None for an argument that does not vary."""
    check_time()
    row = array_table.of(node)
    if row is not None:
        if row.pull is None:
            raise no_formula(node, row.without)
        found = row.pull(algebra, node, g)
        return [part if arg in depends else None for arg, part in zip(node.args, found, strict=True)]
    shape = algebra.shape(node)
    parts: list[Node | None] = []
    for k, arg in enumerate(node.args):
        local = partial(algebra, node, k) if arg in depends else None
        parts.append(None if local is None else back(algebra, algebra.times(g, local), shape, algebra.shape(arg)))
    return parts


def back(algebra: MatrixAlgebra, g: Node, shape: Shape, own: Shape) -> Node:
    """An adjoint of the shape of a result, summed over the axes along which the argument was repeated."""
    if algebra.shape(g) != shape:
        g = algebra.times(g, algebra.ones(shape))
    if own == shape:
        return g
    if own == ():
        return algebra.sum(g)
    if len(own) == 1 and len(shape) == 2 and own[0] == shape[1]:
        return algebra.sum(g, 0)
    raise FormError(f"{said(own)} is repeated to {said(shape)}", hint="give it the full shape")


class Entries:
    """The trees as an algebra in which the formulas of the table have a meaning."""

    def __init__(self, algebra: MatrixAlgebra):
        self.algebra = algebra

    def constant(self, value: Constant) -> Node:
        """A number, or a named one."""
        return Node("constant", value=value.name) if isinstance(value, Named) else number(Fraction(value))

    def apply(self, primitive: Primitive, args: Sequence[Node]) -> Node:
        """A row entry by entry."""
        return self.algebra.make(primitive.name, args)


def partial(algebra: MatrixAlgebra, node: Node, k: int) -> Node | None:
    """The partial of a function entry by entry in its k-th argument, broadcast as NumPy would; None if zero."""
    args, row = node.args, entry_row(node)
    if row is None:
        raise no_formula(node)
    if row is ADD:
        return ONE_NODE
    if row is MUL:
        return algebra.times(*[a for j, a in enumerate(args) if j != k])
    if row is POWER and k == 0:
        base, exponent = args
        return algebra.times(exponent, algebra.power(base, algebra.add(exponent, MINUS_ONE)))
    rule = row.shown(k)
    return None if rule is None else by_rule(rule, Entries(algebra), (*args, node))


def read_tree(algebra: MatrixAlgebra, tree: Node) -> Node:
    """A tree as it was read, every node made anew."""
    found: dict[Node, Node] = {}
    for node in in_order(tree):
        row, args = array_table.of(node), [found[a] for a in node.args]
        keep = not args or (row is not None and row.lengths)
        found[node] = Node(node.kind, node.args, node.value) if keep else algebra.make(node.kind, args, node.value)
    return found[tree]

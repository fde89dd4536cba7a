"""Formulas as people write them: x.T before a matrix, no ones that broadcasting supplies, no idle parentheses."""

from __future__ import annotations

from diffkit.lessons.matrices.algebra import ONE, Algebra
from diffkit.lessons.matrices.nodes import Node, in_order


def finished(algebra: Algebra, root: Node) -> Node:
    """The tree of a formula as it is shown."""
    found: dict[Node, Node] = {}
    for node in in_order(root):
        args, value = tuple(found[a] for a in node.args), node.value
        if node.kind == "@" and not algebra.shape(node) and node.args[0].kind == "name":
            args = (Node("T", args[:1]), *args[1:])
        if node.kind == "*" and node.args[-1].kind == "@" and not any(algebra.shape(a) for a in node.args[:-1]):
            value = "open"
        if node.kind == "+" and any(algebra.shape(a) == algebra.shape(node) and not _is_ones(a) for a in node.args):
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

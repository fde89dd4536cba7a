"""The tree of an array expression: operations on scalars, vectors and matrices, equal where they are written alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

Value = Any
"""a number, a name, an axis or an index: what an operation needs besides its arguments"""


class Node:
    """An operation ``kind`` on ``args``; immutable, and hashed once, so that shared parts stay cheap.

    Kinds: number and constant and name (the value is it), array (a literal, row by row), + (any number of terms),
    neg * / ** @ T index, and the functions by name. ``position`` is where it stands in the text, if anywhere.
    """

    __slots__ = ("args", "depth", "kind", "position", "size", "value", "_hash")  # noqa: RUF023

    def __init__(self, kind: str, args: tuple[Node, ...] = (), value: Value = None, position: int | None = None):
        self.kind, self.args, self.value, self.position = kind, args, value, position
        self.depth: int = max([a.depth for a in args], default=0) + 1
        self.size: int = sum([a.size for a in args]) + 1
        self._hash = hash((kind, args, value))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Node) and self._hash == other._hash and self.kind == other.kind
            and self.value == other.value and self.args == other.args
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Node({self})"

    def __str__(self) -> str:
        from diffkit.matrices.printer import written

        return written(self)


def number(value: int | Fraction) -> Node:
    """An exact number."""
    return Node("number", value=int(value) if value == int(value) else Fraction(value))


def name(text: str) -> Node:
    """A variable."""
    return Node("name", value=text)


def in_order(*roots: Node) -> Iterator[Node]:
    """Give every different node once, arguments before what is made of them."""
    seen: set[Node] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            if node not in seen:
                seen.add(node)
                yield node
        elif node not in seen:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))


def names_of(*roots: Node) -> tuple[str, ...]:
    """Give the names in order of appearance."""
    return tuple(dict.fromkeys(node.value for node in in_order(*roots) if node.kind == "name"))


def replaced(root: Node, change: Callable[[Node], Node | None]) -> Node:
    """Give the tree with the nodes for which ``change`` gives one; what it gives is not looked into."""
    known: dict[Node, Node] = {}
    for node in in_order(root):
        new = change(node)
        if new is None:
            args = tuple(known[a] for a in node.args)
            new = node if args == node.args else Node(node.kind, args, node.value, node.position)
        known[node] = new
    return known[root]

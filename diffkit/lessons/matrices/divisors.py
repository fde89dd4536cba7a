"""Names that are factors or divisors and nothing else: numbers such as the n of a mean, rather than vectors."""

from __future__ import annotations

from collections.abc import Mapping

from diffkit.lessons.matrices.nodes import Node, names_of
from diffkit.lessons.matrices.shapes import Shape

COUNTS = frozenset(("n", "m", "k", "d", "p", "q", "r", "s", "N"))
"""names that often count entries"""
JOINS = ("*", "/", "neg")


def only_factors(tree: Node, name: str) -> bool:
    """Whether every use of a name in a tree is as a factor or divisor."""
    return all(_factors(use) is not None for use in _uses(tree, name))


def of_scalars(tree: Node, shapes: Mapping[Node, Shape], name: str) -> bool:
    """Whether every use of a name is as a factor or divisor, and of scalars that are not all numbers."""
    found = [_factors(use) for use in _uses(tree, name)]
    return bool(found) and all(
        others and all(shapes[o] == () for o in others) and any(o.kind != "number" for o in others) for others in found
    )


def _uses(tree: Node, name: str) -> list[tuple[Node, ...]]:
    """The paths from the root to every use of a name."""
    paths: list[tuple[Node, ...]] = []
    stack: list[tuple[Node, ...]] = [(tree,)]
    while stack:
        path = stack.pop()
        if path[-1].kind == "name" and path[-1].value == name:
            paths.append(path)
        stack.extend((*path, arg) for arg in path[-1].args if name in names_of(arg))
    return paths


def _factors(path: tuple[Node, ...]) -> list[Node] | None:
    """What a use of a name is multiplied with and divided by; None if it is no factor."""
    others: list[Node] = []
    for below, node in zip(reversed(path), reversed(path[:-1]), strict=False):
        power = node.kind == "**" and node.args[0] is below and node.args[1].kind == "number"
        if node.kind not in JOINS and not power:
            break
        others += [] if power else [a for a in node.args if a is not below]
    return others or None

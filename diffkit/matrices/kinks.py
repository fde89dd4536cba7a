"""Where an array expression may have no derivative, so that its formula says nothing: kinks and jumps, in words."""

from __future__ import annotations

from collections.abc import Callable

from diffkit.domain import in_words
from diffkit.matrices.algebra import Algebra
from diffkit.matrices.nodes import Node, in_order
from diffkit.primitives import table

REDUCTIONS: dict[str, Callable[[str], str]] = {
    "norm": lambda x: f"every entry of {x} is 0",
    "norm1": lambda x: f"an entry of {x} is 0",
    "max": lambda x: f"the largest entry of {x} is met more than once",
    "min": lambda x: f"the smallest entry of {x} is met more than once",
}
"""functions of one whole array, and where they are not smooth"""


def kinks(algebra: Algebra, f: Node, wrt: str) -> tuple[str, ...]:
    """Give the conditions under which a part of f that varies with a name is not smooth."""
    found: dict[str, None] = {}
    varying: set[Node] = set()
    for node in in_order(f):
        if not (node.kind == "name" and node.value == wrt) and varying.isdisjoint(node.args):
            continue
        varying.add(node)
        if node.kind in REDUCTIONS and len(node.args) == 1:
            if node.kind != "norm" or not _squared(f, node):
                along = "" if node.value is None else f" along axis {node.value}"
                found[REDUCTIONS[node.kind](f"{node.args[0]}{along}")] = None
        elif node.kind in table.rows:
            row = table.rows[node.kind]
            words = dict(zip(row.arguments, map(str, node.args), strict=False))
            some = "in some entry " if algebra.shape(node) else ""
            for place in row.places:
                if place.kind in ("kink", "jump"):
                    found[some + in_words(place.text, words)] = None
    return tuple(found)


def _squared(f: Node, norm: Node) -> bool:
    """Whether a norm is met in even powers only, which are sums of squares."""
    uses = [node for node in in_order(f) if norm in node.args]
    return bool(uses) and all(
        n.kind == "**" and n.args[0] == norm and n.args[1].kind == "number" and n.args[1].value % 2 == 0 for n in uses
    )

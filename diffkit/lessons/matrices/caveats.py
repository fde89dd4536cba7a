"""Where an array expression may have no derivative, so that its formula says nothing: kinks and jumps, in words."""

from __future__ import annotations

from collections.abc import Callable

from diffkit.calculus.domain import in_words
from diffkit.core.table import table
from diffkit.lessons.matrices.algebra import Algebra
from diffkit.lessons.matrices.nodes import Node, in_order

REDUCTIONS: dict[str, Callable[[str], str]] = {
    "norm": lambda x: f"every entry of {x} is 0",
    "norm1": lambda x: f"an entry of {x} is 0",
    "max": lambda x: f"the largest entry of {x} is met more than once",
    "min": lambda x: f"the smallest entry of {x} is met more than once",
}
"""functions of one whole array, and where they are not smooth"""

NOT_NEGATIVE = ("norm", "norm1", "var")
"""functions of one whole array whose values never are negative"""


def kinks(algebra: Algebra, f: Node, wrt: str) -> tuple[str, ...]:
    """Give the conditions under which a part of f that varies with a name is not smooth."""
    found: dict[str, None] = {}
    varying: set[Node] = set()
    for node in in_order(f):
        if not (node.kind == "name" and node.value == wrt) and varying.isdisjoint(node.args):
            continue
        varying.add(node)
        some = "in some entry " if algebra.shape(node) else ""
        if node.kind in REDUCTIONS and len(node.args) == 1:
            if node.kind != "norm" or not _squared(f, node):
                along = "" if node.value is None else f" along axis {node.value}"
                found[REDUCTIONS[node.kind](f"{node.args[0]}{along}")] = None
        elif _is_root(node) and not _is_positive(node.args[0]):
            found[f"{some}{node.args[0]} = 0"] = None
        elif node.kind in table.rows:
            row = table.rows[node.kind]
            words = dict(zip(row.arguments, map(str, node.args), strict=False))
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


def _is_root(node: Node) -> bool:
    """Whether it is a root, or a power between 0 and 1, whose tangent at 0 is vertical."""
    if node.kind == "**" and node.args[1].kind == "number":
        return bool(0 < node.args[1].value < 1)
    return node.kind == "sqrt"


def _is_positive(node: Node, strictly: bool = True) -> bool:
    """Whether a tree is seen to be positive, or at least not negative, wherever it has a value."""
    kind, args = node.kind, node.args
    if kind in ("number", "constant"):
        return kind == "constant" or node.value > 0 or (node.value == 0 and not strictly)
    if kind == "+":
        return all(_is_positive(a, False) for a in args) and (not strictly or any(map(_is_positive, args)))
    if kind in ("*", "sum", "mean"):
        return all(_is_positive(a, strictly) for a in args)
    if kind == "**" and args[1].kind == "number":
        even = args[1].value % 2 == 0 and not strictly
        return even or _is_positive(args[0], strictly)
    if kind == "@":
        return not strictly and len(args) == 2 and args[0] == args[1]
    if kind in table.rows:
        return table[kind].positive or (not strictly and table[kind].range[0] >= 0)
    return kind == "ones" or (not strictly and kind in NOT_NEGATIVE)

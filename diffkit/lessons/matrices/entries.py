"""Trees made from what was read, and partial derivatives of functions entry by entry, from the table of primitives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from diffkit.core.program import Constant, Named
from diffkit.core.rules import by_rule
from diffkit.core.table import Primitive, table
from diffkit.lessons.matrices.algebra import MINUS, ONE, Algebra
from diffkit.lessons.matrices.nodes import Node, in_order, number

KINDS = {"+": "add", "*": "mul", "**": "power"}


class Entries:
    """The trees as an algebra in which the formulas of the table have a meaning."""

    def __init__(self, algebra: Algebra):
        self.algebra = algebra

    def constant(self, value: Constant) -> Node:
        """A number, or a named one."""
        return Node("constant", value=value.name) if isinstance(value, Named) else number(Fraction(value))

    def apply(self, primitive: Primitive, args: Sequence[Node]) -> Node:
        """A row entry by entry."""
        return make(self.algebra, primitive.name, tuple(args))


def partial(algebra: Algebra, node: Node, k: int) -> Node | None:
    """The partial of a function entry by entry in its k-th argument, broadcast as NumPy would; None if zero."""
    args = node.args
    if node.kind == "+":
        return ONE
    if node.kind == "*":
        rest = [a for j, a in enumerate(args) if j != k]
        return algebra.times(*rest)
    if node.kind == "**":
        base, exponent = args
        if k == 0:
            return algebra.times(exponent, algebra.power(base, algebra.add(exponent, MINUS)))
        return algebra.times(node, Node("log", (base,)))
    rule = table[node.kind].shown(k)
    return None if rule is None else by_rule(rule, Entries(algebra), (*args, node))


def make(algebra: Algebra, kind: str, args: tuple[Node, ...], value: Any = None) -> Node:
    """A node made by the constructor of its kind."""
    maker = _makers().get(kind)
    if maker is not None and not (kind in ("sum",) and len(args) > 1):
        return maker(algebra, args, value)
    return Node(kind, args, value)


@cache
def _makers() -> dict[str, Callable[[Algebra, tuple[Node, ...], Any], Node]]:
    def mean(a: Algebra, args: tuple[Node, ...], value: Any) -> Node:
        if not a.shape(args[0]):
            return args[0]
        return Node("mean", args, None if len(a.shape(args[0])) == 1 else value)

    def exp(_: Algebra, args: tuple[Node, ...], __: Any) -> Node:
        return args[0].args[0] if args[0].kind == "log" else Node("exp", args)

    return {
        "+": lambda a, args, _: a.add(*args),
        "add": lambda a, args, _: a.add(*args),
        "sub": lambda a, args, _: a.add(args[0], a.negative(args[1])),
        "neg": lambda a, args, _: a.negative(args[0]),
        "*": lambda a, args, _: a.times(*args),
        "mul": lambda a, args, _: a.times(*args),
        "/": lambda a, args, _: a.over(*args),
        "div": lambda a, args, _: a.over(*args),
        "**": lambda a, args, _: a.power(*args),
        "power": lambda a, args, _: a.power(*args),
        "@": lambda a, args, _: a.matmul(*args),
        "dot": lambda a, args, _: a.matmul(*args),
        "T": lambda a, args, _: a.T(args[0]),
        "outer": lambda a, args, _: a.outer(*args),
        "diag": lambda a, args, _: a.diag(args[0]),
        "inv": lambda a, args, _: a.inv(args[0]),
        "solve": lambda a, args, _: a.matmul(a.inv(args[0]), args[1]),
        "trace": lambda a, args, _: a.trace(args[0]),
        "det": lambda a, args, _: a.det(args[0]),
        "sum": lambda a, args, value: a.sum(args[0], value),
        "mean": mean,
        "norm": lambda a, args, _: Node("norm" if a.shape(args[0]) else "abs", args),
        "exp": exp,
    }


def read_tree(algebra: Algebra, tree: Node) -> Node:
    """A tree as it was read, every node made anew."""
    found: dict[Node, Node] = {}
    for node in in_order(tree):
        args = tuple(found[a] for a in node.args)
        found[node] = make(algebra, node.kind, args, node.value) if args else node
        if node.kind in ("eye", "ones", "zeros"):
            found[node] = Node(node.kind, node.args)
    return found[tree]

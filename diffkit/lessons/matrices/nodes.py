"""The tree of an array expression, equal where it is written alike, and its text, which reads back to the same tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from diffkit.core.table import table
from diffkit.core.text.bindings import (
    AND_BINDING,
    ATOM_BINDING,
    COMPARISON_BINDING,
    NOT_BINDING,
    OR_BINDING,
    POSTFIX_BINDING,
    POWER_BINDING,
    PRODUCT_BINDING,
    SIGN_BINDING,
    SUM_BINDING,
)

Value = Any
"""a number, a name, an axis or an index: what an operation needs besides its arguments"""


class Node:
    """An operation ``kind`` on ``args``; immutable, and hashed once, so that shared parts stay cheap.

    Kinds: number and constant and name (the value is it), array (a literal, row by row), + (any number of terms),
    neg * / ** @ T index, and the functions by name. ``position`` is where it stands in the text, if anywhere.
    """

    __slots__ = ("args", "kind", "position", "size", "value", "_hash")  # noqa: RUF023

    def __init__(self, kind: str, args: tuple[Node, ...] = (), value: Value = None, position: int | None = None):
        self.kind, self.args, self.value, self.position = kind, args, value, position
        self.size: int = sum([a.size for a in args]) + 1
        self._hash = hash((kind, args, value))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        pairs: list[tuple[Any, Any]] = [(self, other)]
        while pairs:  # a tree may be deeper than Python nests calls
            one, another = pairs.pop()
            if one is another:
                continue
            if not (
                isinstance(another, Node) and one._hash == another._hash and one.kind == another.kind
                and one.value == another.value and len(one.args) == len(another.args)
            ):  # fmt: skip
                return False
            pairs.extend(zip(one.args, another.args, strict=True))
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the parts in order, as a tree may be deeper than Python nests calls."""
        parts = list(in_order(self))
        places = {part: k for k, part in enumerate(parts)}
        rows = [(part.kind, tuple(places[a] for a in part.args), part.value, part.position) for part in parts]
        return _rebuilt, (rows,)

    def __repr__(self) -> str:
        return f"Node({self})"

    def __str__(self) -> str:
        return written(self)


def _rebuilt(rows: list[tuple[str, tuple[int, ...], Value, int | None]]) -> Node:
    """The tree of its parts in order."""
    parts: list[Node] = []
    for kind, args, value, position in rows:
        parts.append(Node(kind, tuple(parts[a] for a in args), value, position))
    return parts[-1]


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


TRUTH_SIGNS = {row.name: row.infix for row in table if row.truth and len(row.arguments) == 2}
LOGICAL_BINDING = {"and": AND_BINDING, "or": OR_BINDING}
LONGEST_TREE = 20_000
"""characters beyond which a text is cut by who shows it"""


def written(root: Node) -> str:
    """Give the text of a tree."""
    known: dict[Node, tuple[str, int]] = {}
    for node in in_order(root):
        bases = [known[a.args[0]] if a.args else known[a] for a in node.args] if node.kind == "*" else []
        known[node] = _write(node, [known[a] for a in node.args], bases)
    return known[root][0]


def _within(part: tuple[str, int], binding: int) -> str:
    """A part in parentheses if it binds less tightly than asked."""
    return part[0] if part[1] >= binding else f"({part[0]})"


def _write(node: Node, args: list[tuple[str, int]], bases: list[tuple[str, int]]) -> tuple[str, int]:
    """The text of a node, and how tightly it binds."""
    if node.kind == "*":
        return _product(node, args, bases)
    if node.kind in WRITTEN:
        return WRITTEN[node.kind](node, args)
    if node.kind in TRUTH_SIGNS:
        binding = LOGICAL_BINDING.get(TRUTH_SIGNS[node.kind], COMPARISON_BINDING)
        return f"{_within(args[0], binding + 1)} {TRUTH_SIGNS[node.kind]} {_within(args[1], binding + 1)}", binding
    texts = [text for text, _ in args] + ([f"axis={node.value}"] if node.value is not None else [])
    return f"{node.kind}({', '.join(texts)})", ATOM_BINDING


def _number(node: Node, _: list[tuple[str, int]]) -> tuple[str, int]:
    text = str(node.value)
    return text, PRODUCT_BINDING if "/" in text else SIGN_BINDING if text.startswith("-") else ATOM_BINDING


def _plus(_: Node, args: list[tuple[str, int]]) -> tuple[str, int]:
    return _sum([_within(a, SUM_BINDING + 1 if k else SUM_BINDING) for k, a in enumerate(args)]), SUM_BINDING


def _power(node: Node, args: list[tuple[str, int]]) -> tuple[str, int]:
    if _is_below(node):
        return f"1/{_within(_below(node, args[0]), POWER_BINDING)}", PRODUCT_BINDING
    return f"{_within(args[0], POSTFIX_BINDING)}**{_within(args[1], SIGN_BINDING)}", POWER_BINDING


WRITTEN: dict[str, Callable[[Node, list[tuple[str, int]]], tuple[str, int]]] = {
    "number": _number,
    "name": lambda node, _: (str(node.value), ATOM_BINDING),
    "constant": lambda node, _: (str(node.value), ATOM_BINDING),
    "array": lambda _, args: (f"[{', '.join(text for text, _ in args)}]", ATOM_BINDING),
    "+": _plus,
    "neg": lambda _, args: (f"-{_within(args[0], SIGN_BINDING)}", SIGN_BINDING),
    "/": lambda _, args: (
        f"{_within(args[0], PRODUCT_BINDING)}/{_within(args[1], PRODUCT_BINDING + 1)}",
        PRODUCT_BINDING,
    ),
    "@": lambda node, args: (
        " @ ".join(_within(a, _side(node.args[k], k)) for k, a in enumerate(args)),
        PRODUCT_BINDING,
    ),
    "**": _power,
    "T": lambda _, args: (f"{_within(args[0], POSTFIX_BINDING)}.T", POSTFIX_BINDING),
    "index": lambda node, args: (
        f"{_within(args[0], POSTFIX_BINDING)}[{', '.join(map(_key, node.value))}]",
        POSTFIX_BINDING,
    ),
    "not_": lambda _, args: (f"not {_within(args[0], NOT_BINDING)}", NOT_BINDING),
}
"""what is not written as a call or between two operands, by kind"""


def _is_below(node: Node) -> bool:
    """Whether a factor is written under a fraction bar."""
    return node.kind == "**" and node.args[1].kind == "number" and bool(node.args[1].value < 0)


def _below(node: Node, base: tuple[str, int]) -> tuple[str, int]:
    """A negative power as what stands under the bar."""
    exponent = -node.args[1].value
    if exponent == 1:
        return base
    shown = str(exponent) if isinstance(exponent, int) else f"({exponent})"
    return f"{_within(base, POSTFIX_BINDING)}**{shown}", POWER_BINDING


def _product(node: Node, args: list[tuple[str, int]], bases: list[tuple[str, int]]) -> tuple[str, int]:
    """A product entry by entry: the number first, negative powers under one bar, a matrix product last and open."""
    above: list[str] = []
    below: list[str] = []
    sign = ""
    open_end = node.value == "open"  # c*A @ x needs no parentheses where all before the chain are scalars
    for k, (factor, part, base) in enumerate(zip(node.args, args, bases, strict=True)):
        if factor.kind == "number":
            top, bottom = Fraction(factor.value).as_integer_ratio()
            sign = "-" if top < 0 else ""
            above += [str(abs(top))] * (abs(top) != 1)
            below += [str(bottom)] * (bottom != 1)
        elif _is_below(factor):
            below.append(_within(_below(factor, base), POWER_BINDING))
        else:
            above.append(
                part[0]
                if open_end and k == len(args) - 1
                else _within(part, PRODUCT_BINDING if not above and factor.kind != "@" else POWER_BINDING)
            )
    over = "*".join(above) or "1"
    under = "" if not below else f"/{below[0]}" if len(below) == 1 else f"/({'*'.join(below)})"
    return f"{sign}{over}{under}", PRODUCT_BINDING


def _side(part: Node, k: int) -> int:
    """How tightly a factor of a matrix product must bind: ``2*A @ x`` stays as it is only in front."""
    return PRODUCT_BINDING if k == 0 and part.kind == "@" else SIGN_BINDING


def _sum(terms: list[str]) -> str:
    text = terms[0]
    for term in terms[1:]:
        text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
    return text


def _key(key: int | tuple[int | None, int | None]) -> str:
    if isinstance(key, int):
        return str(key)
    start, stop = key
    return f"{'' if start is None else start}:{'' if stop is None else stop}"

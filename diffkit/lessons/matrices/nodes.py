"""The tree of an array expression, equal where it is written alike, and its text, which reads back to the same tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from diffkit.core.builder import NAMED_CONSTANTS
from diffkit.core.program import Constant
from diffkit.core.table import ADD, DIV, MUL, POWER, Primitive, table
from diffkit.core.table.array_table import AT_INDEX, array_table
from diffkit.core.text.bindings import (
    ATOM_BINDING,
    MATRIX_PRODUCT,
    POSTFIX_BINDING,
    POWER_BINDING,
    PRODUCT_BINDING,
    SIGN_BINDING,
)
from diffkit.core.text.printer import Notation, Piece, Written, called, format_integer

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
        return TREE_TEXT.write(self)


def _rebuilt(rows: list[tuple[str, tuple[int, ...], Value, int | None]]) -> Node:
    """The tree of its parts in order."""
    parts: list[Node] = []
    for kind, args, value, position in rows:
        parts.append(Node(kind, tuple(parts[a] for a in args), value, position))
    return parts[-1]


ENTRY_ROWS = {"+": ADD, "*": MUL, "/": DIV, "**": POWER}
"""rows of numbers, entry by entry, that are not called by the name of the row"""


def entry_row(node: Node) -> Primitive | None:
    """The row that a node applies entry by entry; a sum or a product joins any number of arguments by it."""
    return None if array_table.of(node) is not None else ENTRY_ROWS.get(node.kind) or table.rows.get(node.kind)


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


LONGEST_TREE = 20_000
"""characters beyond which a text is cut by who shows it"""
OPEN_END = "open"
"""the value of a product that ends in a matrix product without parentheses"""


class TreeView:
    """A tree, node by node."""

    def look(self, node: Node) -> tuple[Primitive | str, Sequence[Node], Value]:
        """What a node is."""
        kind = node.kind
        if kind == "number":
            return "constant", (), node.value
        if kind == "constant":
            return "constant", (), NAMED_CONSTANTS[node.value]
        row = entry_row(node)
        return (kind, node.args, node.value) if row is None or row is MUL else (row, node.args, None)


class TreeNotation(Notation):
    """How formulas of arrays are written: negative powers and fractions under one bar, and what only arrays have."""

    def constant(self, value: Constant) -> tuple[str, int]:
        """A number, as a fraction, and how tightly it binds."""
        if isinstance(value, Fraction):
            sign, over, under = "-" * (value < 0), abs(value.numerator), value.denominator
            return f"{sign}{format_integer(over)}/{format_integer(under)}", PRODUCT_BINDING
        return super().constant(value)

    def negative(self, part: Node) -> Written:
        """A change of sign, which is not that of a first factor."""
        return ["-", (part, SIGN_BINDING)], SIGN_BINDING

    def power(self, base: Node, exponent: Node) -> Written:
        """A power, a negative one under a bar."""
        if is_negative_number(exponent):
            return ["1/", *_below(base, exponent)], PRODUCT_BINDING
        return super().power(base, exponent)

    def word(self, word: str, args: Sequence[Node], value: Value, /) -> Written:
        """A product entry by entry, or what only arrays have."""
        if word == "*":
            return _product(args, value == OPEN_END), PRODUCT_BINDING
        if word == MATRIX_PRODUCT:  # 2*A @ x stays as it is only in front
            first = PRODUCT_BINDING if args[0].kind == MATRIX_PRODUCT else SIGN_BINDING
            chain: list[Piece] = [(args[0], first)]
            for arg in args[1:]:
                chain += [f" {MATRIX_PRODUCT} ", (arg, SIGN_BINDING)]
            return chain, PRODUCT_BINDING
        before, frame, after = array_table.rows[word].text.partition("#")
        if word == AT_INDEX:
            frame, after = "#", f"[{', '.join(map(key_text, value))}]"
        if not frame:
            return called(f"{word}(", args, ")" if value is None else f", axis={value})"), ATOM_BINDING
        if before:
            return called(before, args, after), ATOM_BINDING
        wanted = ATOM_BINDING + 1 if args[0].kind == "number" else POSTFIX_BINDING  # 2.T would be 2.*T
        return [(args[0], wanted), after], POSTFIX_BINDING


TREE_TEXT = TreeNotation(TreeView())


def is_negative_number(node: Node) -> bool:
    """Whether a node is a number below 0."""
    return node.kind == "number" and bool(node.value < 0)


def _below(base: Node, exponent: Node) -> list[Piece]:
    """A negative power as what stands under the bar."""
    power = -exponent.value
    if power == 1:
        return [(base, POWER_BINDING)]
    shown = format_integer(power) if isinstance(power, int) else f"({TREE_TEXT.constant(power)[0]})"
    return [(base, POSTFIX_BINDING), "**", shown]


class Factors(NamedTuple):
    """A product as it is written: its sign, and what stands above and below the bar; negative powers stand below."""

    negative: bool
    above: list[Node | int]
    below: list[Node | int]

    @classmethod
    def of(cls, factors: Sequence[Node]) -> Factors:
        """Numbers with their sign in front and fractions of them under the bar."""
        above: list[Node | int] = []
        below: list[Node | int] = []
        negative = False
        for factor in factors:
            if factor.kind == "neg":
                negative, factor = not negative, factor.args[0]
            if factor.kind == "number":
                top, bottom = Fraction(factor.value).as_integer_ratio()
                negative ^= top < 0
                above += [abs(top)] * (abs(top) != 1)
                below += [bottom] * (bottom != 1)
            elif factor.kind == "**" and is_negative_number(factor.args[1]):
                below.append(factor)
            else:
                above.append(factor)
        return cls(negative, above, below)


def _product(factors: Sequence[Node], open_end: bool) -> list[Piece]:
    """A product, all negative powers under one bar.

    A matrix product that comes last may be open: c*A @ x needs no parentheses where all before the chain are scalars.
    """
    negative, top, bottom = Factors.of(factors)
    above: list[list[Piece]] = []
    for k, factor in enumerate(top):
        if isinstance(factor, int):
            above.append([format_integer(factor)])
        elif open_end and k == len(top) - 1:
            above.append([(factor, 0)])
        else:
            leads = not above and factor.kind != MATRIX_PRODUCT
            above.append([(factor, PRODUCT_BINDING if leads else POWER_BINDING)])
    below = [[format_integer(n)] if isinstance(n, int) else _below(*n.args) for n in bottom]
    over = _joined(above) or ["1"]
    under = _joined(below)
    if under:
        over += ["/", *under] if len(below) == 1 else ["/(", *under, ")"]
    return ["-", *over] if negative else over


def _joined(factors: Sequence[Sequence[Piece]]) -> list[Piece]:
    """Factors with the sign of a product between them."""
    return [piece for k, factor in enumerate(factors) for piece in (("*", *factor) if k else factor)]


def key_text(key: int | tuple[int | None, int | None]) -> str:
    """An index or a slice as text."""
    if isinstance(key, int):
        return str(key)
    start, stop = key
    return f"{'' if start is None else start}:{'' if stop is None else stop}"

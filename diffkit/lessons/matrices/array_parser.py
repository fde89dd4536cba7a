"""Text of arrays to its tree, by the grammar of all text: what is refused of numbers is refused of arrays, too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.errors import ParseError, VariableError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Named
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SUB, WHERE, Primitive
from diffkit.core.table.array_table import LITERAL, array_table
from diffkit.core.text.bindings import BESIDE
from diffkit.core.text.names import ARRAY_FUNCTIONS, first_meant
from diffkit.core.text.parser import Parser
from diffkit.core.text.targets import NumbersTarget
from diffkit.core.text.vocabulary import Vocabulary
from diffkit.lessons.matrices.nodes import Node, in_order, names_of, number

CHAIN_KINDS = {ADD: "+", SUB: "+", MUL: "*"}
NODE_KINDS = {DIV: "/", POWER: "**"}
"""kinds that are not called as the row"""


def parse_array(text: str, limits: Limits = DEFAULT, given: Collection[str] = ()) -> Node:
    """Read an array expression; ParseError with the position, LimitError beyond a limit.

    ``given`` are the names that are known to be variables, however they look.
    """
    if not isinstance(text, str):
        raise ParseError(f"an expression is text, not {type(text).__name__}")
    target = TreeTarget(text, limits)
    return target.closed(Parser(text, target, Vocabulary(text, None, limits, given, ARRAY_FUNCTIONS), limits).parse())


def check_letters(tree: Node, text: str, declared: Collection[str], given: Iterable[str]) -> None:
    """Refuse a name that nobody declared where the names ``given`` by a point, or by ``wrt``, are its letters."""
    every = names_of(tree)
    run, write = first_meant([name for name in every if name not in declared], given, every, matrices=True)
    if run:
        position = next(node.position for node in in_order(tree) if node.kind == "name" and node.value == run)
        here = position is not None and text.startswith(run, position)
        raise VariableError(f"{run} is one variable", hint=write, text=text if here else None,
                            position=position if here else None)  # fmt: skip


class _OpenChain:
    """A sum or a product that the next operator may continue, so that a chain is one node."""

    __slots__ = ("args", "kind", "position", "slot")

    def __init__(self, kind: str, args: list[Node], slot: int, position: int):
        self.kind, self.args, self.slot, self.position = kind, args, slot, position


class TreeTarget:
    """The tree of a text; operands are nodes, equal ones the same, and chains that are still open.

    The same text is read as if all were numbers, and functions of arrays unknown ones: that is where the limits, the
    conditions and the constants are looked after.
    """

    arrays = True

    def __init__(self, text: str, limits: Limits):
        self.text = text
        self.numbers = NumbersTarget(text, limits)
        self.slots: dict[Node, int] = {}
        self.nodes: dict[Node, Node] = {}

    def number(self, value: int | Fraction) -> Node:
        """A literal."""
        return self._kept(number(value), self.numbers.number(value))

    def constant(self, value: Named) -> Node:
        """Node of π or e."""
        return self._kept(Node("constant", (), value.name), self.numbers.constant(value))

    def variable(self, name: str, position: int) -> Node:
        """Node of a name."""
        return self._kept(Node("name", (), name, position), self.numbers.variable(name, position))

    def emit(self, row: Primitive, args: Sequence[Any], position: int) -> Any:
        """A row entry by entry: a chain of terms or factors, or its node."""
        slot = self.numbers.emit(row, self._slots(args), position)
        if row in CHAIN_KINDS:
            left, right = args[0], self.closed(args[1])
            return self._chained(CHAIN_KINDS[row], left, self._negative(right) if row is SUB else right, slot, position)
        nodes = tuple(self._order(a) if k in row.orders else self.closed(a) for k, a in enumerate(args))
        if row is NEG:
            return self._negative(nodes[0], position)
        return self._kept(Node(NODE_KINDS.get(row, row.name), nodes, None, position), slot)

    def beside(self, args: Sequence[Any], position: int) -> Any:
        """A product without a sign, which two matrices may mean in two ways."""
        if any(node.kind in ("number", "constant") for node in map(self.closed, args)):
            return self.emit(MUL, args, position)
        slot = self.numbers.emit(MUL, self._slots(args), position)
        return self._kept(Node("*", tuple(map(self.closed, args)), BESIDE, position), slot)

    def array(self, word: str, args: Sequence[Any], value: Any, position: int) -> Node:
        """A function of arrays; of conditions, sum and mean count."""
        counts = array_table.rows[word].truths
        nodes = [self._counted(arg, position) if counts else self.closed(arg) for arg in args]
        for node in nodes:
            self.check_number(node, position)
        if word == LITERAL and len({len(node.args) if node.kind == LITERAL else -1 for node in nodes}) > 1:
            raise ParseError("the rows of the array have different lengths", text=self.text, position=position)
        node = Node(word, tuple(nodes), value, position)
        return self.nodes.get(node) or self._kept(node, self.numbers.array(word, self._slots(nodes), value, position))

    def check_kinds(self, row: Primitive, args: Sequence[Any], position: int) -> None:
        """ParseError for a condition where a row takes a number, or the other way round."""
        self.numbers.check_kinds(row, self._slots(args), position)

    def check_number(self, operand: Any, position: int) -> None:
        """ParseError for a condition."""
        self.numbers.check_number(self._slots([operand])[0], position)

    def rational(self, operand: Any) -> int | Fraction | None:
        """The rational constant that an operand is, or None."""
        return self.numbers.rational(self._slots([operand])[0])

    def closed(self, operand: Any) -> Node:
        """The node of an operand."""
        if isinstance(operand, Node):
            return operand
        return self._kept(Node(operand.kind, tuple(operand.args), None, operand.position), operand.slot)

    def _kept(self, node: Node, slot: int) -> Node:
        kept = self.nodes.setdefault(node, node)
        self.slots.setdefault(kept, slot)
        return kept

    def _slots(self, operands: Sequence[Any]) -> list[int]:
        return [operand.slot if isinstance(operand, _OpenChain) else self.slots[operand] for operand in operands]

    def _chained(self, kind: str, left: Any, right: Node, slot: int, position: int) -> _OpenChain:
        if isinstance(left, _OpenChain) and left.kind == kind:
            left.args.append(right)
            left.slot = slot
            return left
        return _OpenChain(kind, [self.closed(left), right], slot, position)

    def _negative(self, node: Node, position: int | None = None) -> Node:
        """A number takes the sign, also as the first factor."""
        slot = self.numbers.emit(NEG, [self.slots[node]], position or 0)
        if node.kind == "number":
            return self._kept(number(-node.value), slot)
        if node.kind == "neg":
            return node.args[0]
        if node.kind == "*" and node.value is None and node.args[0].kind == "number":
            first, *rest = node.args
            return self._kept(Node("*", (number(-first.value), *rest), None, position), slot)
        return self._kept(Node("neg", (node,), None, position), slot)

    def _order(self, operand: Any) -> Node:
        """An order, which is an integer constant, as the number that it is."""
        return self.number(self.rational(operand) or 0)

    def _counted(self, operand: Any, position: int) -> Node:
        """A condition as 1 where it holds and 0 elsewhere; what is a number stays as it is."""
        node = self.closed(operand)
        if self.slots[node] not in self.numbers.builder.truths:
            return node
        return self.closed(self.emit(WHERE, [node, self.number(1), self.number(0)], position))

"""Lines of code after a change of one operation: the change is made in an algebra whose values are expressions.

So what is shown is what was computed. Where a value has no expression, or the line is not read, nothing is shown.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.array_operations import Gather, Total
from diffkit.core.contractions import Contract
from diffkit.core.program import Named, Shape, shape_of
from diffkit.core.rules import by_rule
from diffkit.core.table import ADD, AND, DIV, MUL, NEG, OR, POWER, SUB, Primitive, table
from diffkit.judging.repair.code_record import CodeRecord
from diffkit.judging.repair.code_values import LONGEST_CODE_LINE, SLOPE, Ref

_SIGNS: dict[Any, type[ast.operator]] = {
    ADD: ast.Add, SUB: ast.Sub, MUL: ast.Mult, DIV: ast.Div, POWER: ast.Pow, AND: ast.BitAnd, OR: ast.BitOr,
}  # fmt: skip
_COMPARISON_SIGNS: dict[Any, type[ast.cmpop]] = {
    table["lt"]: ast.Lt, table["le"]: ast.LtE, table["gt"]: ast.Gt, table["ge"]: ast.GtE, table["eq"]: ast.Eq,
    table["ne"]: ast.NotEq,
}  # fmt: skip
_SIGN_TEXTS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@",
               ast.BitAnd: "&", ast.BitOr: "|"}  # fmt: skip
_PRODUCTS = ("dot", "matmul", "outer")
_DEPTH = 2  # operations that an expression of a value without a name may hold


class NoPhrase(Exception):
    """Something has no expression in the words of the code."""


class Phrase(NamedTuple):
    """An expression of Python, and the shape of its value."""

    node: ast.expr
    shape: Shape


Change = Callable[[Any, Any, list[Any], Any], Any]
"""what an instruction gives after a change, of an algebra, its row, the values of its arguments and another value"""


def rewritten(record: CodeRecord, slot: int, ref: Ref | None, change: Change) -> tuple[str, str] | None:
    """The line of an operation, and the same after a change of it; None where that cannot be said.

    Of a line that is long, only the operation.
    """
    line = record.lines[slot]
    try:
        statement = ast.parse(line.text)
        found = _at(statement, line.text, line.span)
        algebra = SourceAlgebra(record, slot, found)
        given = algebra.constant(0) if ref is None else algebra.given(ref)
        after = change(algebra, record.row(slot), algebra.operands(), given).node
    except (NoPhrase, SyntaxError):
        return None
    start, end = line.span
    meant = ast.unparse(_Replacing({id(found): after}).visit(statement))
    for text in _spellings(after, found, line.text):
        whole = line.text[:start] + text + line.text[end:]
        if _unparsed(whole) == meant and whole != line.text:
            short = max(len(line.text), len(whole)) <= LONGEST_CODE_LINE
            return (line.text, whole) if short else (line.text[start:end], text)
    return None


def _spellings(node: ast.expr, old: ast.expr, text: str) -> Iterator[str]:
    """Ways to write an expression, first with operands of an old one as they stand in a text."""
    marks = {id(part): ast.Name(f"_{k}_") for k, part in enumerate(_parts(old))}
    marked = ast.unparse(_Replacing(marks).visit(copy.deepcopy(node, {id(part): part for part in _parts(old)})))
    for mark, part in zip(marks.values(), _parts_in(old, text), strict=True):
        marked = marked.replace(mark.id, part)
    for found in (marked, ast.unparse(node)):
        yield found
        yield f"({found})"


def _parts(node: ast.expr) -> list[ast.expr]:
    """What an operator combines."""
    return [node.left, node.right] if isinstance(node, ast.BinOp) else []


def _parts_in(node: ast.expr, text: str) -> list[str]:
    """The same as they stand in a text, with their brackets."""
    if not isinstance(node, ast.BinOp):
        return []
    whole = text.encode()
    end, start = node.left.end_col_offset or 0, node.right.col_offset
    before, sign, after = whole[end:start].decode().partition(_SIGN_TEXTS[type(node.op)])
    left, right = whole[node.col_offset : end].decode(), whole[start : node.end_col_offset].decode()
    return [left + before.rstrip(), after.lstrip() + right] if sign else [left, right]


def _at(statement: ast.AST, text: str, span: tuple[int, int]) -> ast.expr:
    """The expression that stands at a place of a line."""
    start, end = (len(text[:k].encode()) for k in span)
    for node in ast.walk(statement):
        if isinstance(node, ast.expr) and (node.col_offset, node.end_col_offset) == (start, end):
            return node
    raise NoPhrase


class _Replacing(ast.NodeTransformer):
    """Puts expressions in the place of others, which are known by their id."""

    def __init__(self, others: Mapping[int, ast.expr]):
        self.others = others

    def visit(self, node: ast.AST) -> Any:
        return self.others.get(id(node)) or self.generic_visit(node)


def _unparsed(text: str) -> str:
    try:
        return ast.unparse(ast.parse(text))
    except SyntaxError:
        return ""


class SourceAlgebra:
    """Makes expressions of the code's own words; NoPhrase where there are none.

    The operation in a ``slot`` is the one that ``node`` writes.
    """

    def __init__(self, record: CodeRecord, slot: int, node: ast.expr):
        self.record, self.slot, self.node = record, slot, node

    def constant(self, value: Any) -> Phrase:
        """A number."""
        if isinstance(value, Named) or (isinstance(value, Fraction) and Fraction(float(value)) != value):
            raise NoPhrase
        number = float(value)
        return Phrase(ast.Constant(int(number) if number.is_integer() else number), ())

    def data(self, array: Any) -> Phrase:
        """A number that is held as an array."""
        if np.ndim(array):
            raise NoPhrase
        return self.constant(float(array))

    def zeros(self, shape: Shape) -> Phrase:
        """Zeros, which take any shape."""
        return self.constant(0)._replace(shape=shape)

    def shape(self, x: Phrase) -> Shape:
        """The shape of a value."""
        return x.shape

    def apply(self, row: Any, args: Sequence[Phrase]) -> Phrase:
        """An operation written with its sign, or as the function that the line calls."""
        nodes = [arg.node for arg in args]
        return Phrase(self._written(row, nodes, args), shape_of(row, [arg.shape for arg in args]))

    def _written(self, row: Any, nodes: list[ast.expr], args: Sequence[Phrase]) -> ast.expr:
        if row in _SIGNS:
            return ast.BinOp(nodes[0], _SIGNS[row](), nodes[1])
        if row in _COMPARISON_SIGNS:
            return ast.Compare(nodes[0], [_COMPARISON_SIGNS[row]()], [nodes[1]])
        if row is NEG:
            return ast.UnaryOp(ast.USub(), nodes[0])
        if isinstance(row, Gather) and _turns(row, args[0].shape):
            turned = _turned(nodes[0])
            return ast.Attribute(nodes[0], "T", ast.Load()) if turned is None else turned
        if isinstance(row, Contract) and not isinstance(self.node, ast.Call):
            return ast.BinOp(nodes[0], ast.MatMult(), nodes[1])
        if isinstance(self.node, ast.Call):
            return _called_anew(self.node, self.record.row(self.slot), row, nodes)
        raise NoPhrase

    # What stands in the code --------------------------------------------------------------------------------------

    def operands(self) -> list[Phrase]:
        """The arguments of the operation, as the line writes them."""
        row, args = self.record.row(self.slot), self.record.args(self.slot)
        nodes = _operands(self.node, row)
        if len(nodes) != len(args) or not all(map(self._is_named, nodes, args)):
            raise NoPhrase
        return [Phrase(node, self.record.shape(arg)) for node, arg in zip(nodes, args, strict=True)]

    def _is_named(self, node: ast.expr, slot: int) -> bool:
        """Whether a name stands for the value in a slot, as far as names are known."""
        known = self.record.names.get(slot)
        return not isinstance(node, ast.Name) or known is None or known == node.id

    def given(self, ref: Ref) -> Phrase:
        """Another value of the claim, or of f."""
        slot = ref.slot(self.record)
        if slot is not None:
            return self._value(slot, _DEPTH)
        (arg,), row = self.record.args(ref.number), self.record.row(ref.number)
        if ref.part != SLOPE or (rule := row.partials[0]) is None:
            raise NoPhrase
        found: Phrase = by_rule(rule, self, [self._value(arg, _DEPTH), self._value(ref.number, _DEPTH)])
        return found

    def _check_one(self, name: str, slot: int) -> None:
        """NoPhrase where a name stands for something else at the line, or in the other one of claim and f."""
        record = self.record
        named = sorted(other for other, known in record.names.items() if known == name)
        here = [other for other in named if other in record.claim and other < self.slot]
        there = [other for other in named if other in record.model]
        others = [*here[-1:], *(there if slot not in record.model else ())]
        late = slot in record.claim and slot > self.slot
        if late or not all(np.array_equal(record.values[other], record.values[slot]) for other in others):
            raise NoPhrase

    def _value(self, slot: int, depth: int) -> Phrase:
        """A value by its name, or by how it is made of others."""
        record, shape = self.record, self.record.shape(slot)
        name = record.names.get(slot) or (record.program.inputs[slot] if slot < len(record.program.inputs) else "")
        if name:
            self._check_one(name, slot)
            return Phrase(ast.parse(name, mode="eval").body, shape)
        if record.is_constant(slot):
            return self.data(record.values[slot])
        row = record.row(slot)
        if not depth or not (row in _SIGNS or row is NEG or isinstance(row, (Gather, Contract))):
            raise NoPhrase
        inner = SourceAlgebra(record, slot, ast.Constant(0))
        return inner.apply(row, [self._value(arg, depth - 1) for arg in record.args(slot)])


def _turned(node: ast.expr) -> ast.expr | None:
    """What it is the transpose of; None if it is none."""
    return node.value if isinstance(node, ast.Attribute) and node.attr == "T" else None


def _turns(row: Gather, shape: Shape) -> bool:
    """Whether it transposes a matrix."""
    found = row.indices.array
    return len(shape) == 2 and np.array_equal(found, np.arange(1, found.size + 1).reshape(shape).T)


def _operands(node: ast.expr, row: Any) -> list[ast.expr]:
    """What an expression combines, if it writes the operation of a row."""
    if isinstance(node, ast.BinOp):
        sign = ast.MatMult if isinstance(row, Contract) else _SIGNS.get(row)
        return [node.left, node.right] if sign is not None and isinstance(node.op, sign) else []
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], _COMPARISON_SIGNS.get(row, ())):
        return [node.left, *node.comparators]
    if isinstance(row, Gather) and (turned := _turned(node)) is not None:
        return [turned]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and row is NEG:
        return [node.operand]
    if isinstance(node, ast.Call) and _name_of(node) in _names_of(row):
        return node.args
    return []


def _name_of(call: ast.Call) -> str:
    """The name of the function that is called."""
    return str(getattr(call.func, "attr", "") or getattr(call.func, "id", ""))


def _names_of(row: Any) -> tuple[str, ...]:
    """What a function of the row is called in code."""
    if isinstance(row, Contract):
        return _PRODUCTS
    if isinstance(row, Total):
        return ("sum",)
    return (row.name, *row.aliases, _in_module(row)) if isinstance(row, Primitive) else ()


def _called_anew(call: ast.Call, old: Any, row: Any, nodes: list[ast.expr]) -> ast.expr:
    """The call of another function, or over another axis, in the words of a call."""
    if row is old:
        return ast.Call(call.func, nodes, call.keywords)
    if isinstance(row, Total) and isinstance(old, Total) and [key.arg for key in call.keywords] == ["axis"]:
        return ast.Call(call.func, nodes, [ast.keyword("axis", ast.Constant(row.axes[0]))])
    both = isinstance(row, Primitive) and isinstance(old, Primitive) and bool(row.array)
    if both and isinstance(call.func, ast.Attribute) and _module(row) == _module(old):
        return ast.Call(ast.Attribute(call.func.value, _in_module(row), ast.Load()), nodes, call.keywords)
    raise NoPhrase


def _module(row: Primitive) -> str:
    """The module whose function a row is."""
    return str(row.array).rpartition(".")[0]


def _in_module(row: Primitive) -> str:
    """What it is called there."""
    return str(row.array).rpartition(".")[2]

"""Array text to its tree, by precedence climbing over the tokens; nothing is executed, and every step is bounded.

As in NumPy: ``@`` multiplies matrices, ``* / **`` work entry by entry, vectors have one axis, and ``.T`` of a vector
is the vector itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import reduce

from diffkit.core.errors import LimitError, ParseError, VariableError, did_you_mean
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.table import CONSTANTS, Primitive, table
from diffkit.core.text.names import POWER_SIGN, fault, first_meant, power_of_e, undeclared, written_out
from diffkit.core.text.names import SCALAR_FUNCTIONS as OF_ONE_NUMBER
from diffkit.core.text.printer import NOT_BINDING, POWER_BINDING, PRODUCT_BINDING, SIGN_BINDING, SUM_BINDING
from diffkit.core.text.tokenizer import ARRAY_TOKEN, Token, tokenize
from diffkit.lessons.matrices.nodes import Node, in_order, names_of, number
from diffkit.lessons.matrices.vocabulary import (
    ALIASES,
    ARRAY_MODULES,
    ARRAY_WORDS,
    ENTRYWISE,
    FOREIGN,
    TRUTH_ROWS,
    Word,
)

DEPTH = 100
"""nested operations; a sum counts once"""
NODES = 20_000
"""operations of one expression"""
ARRAY_BINDING = {
    "or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "@": 6,
    "**": 8,
}  # fmt: skip
ARRAYLIKE = re.compile(
    rf"@|\[|\.T\b|\b(?:{'|'.join(w for w in (*ARRAY_WORDS, *ALIASES) if w not in (*ENTRYWISE, 'I', 'T'))})\s*\("
)
ARRAY_FUNCTIONS = (
    frozenset(word for word in (*ARRAY_WORDS, *ALIASES) if 1 in ARRAY_WORDS[ALIASES.get(word, word)].counts)
    | OF_ONE_NUMBER
)
"""functions of one argument"""


class Tokens:
    """A text with the token that is to be read next, and the last one read."""

    def __init__(self, text: str, limits: Limits = DEFAULT):
        self.text, self.limits = text, limits
        self.tokens: Iterator[Token] = tokenize(text, limits, ARRAY_TOKEN)
        self.token = next(self.tokens)
        self.last = self.token
        self.nesting = 0

    def advance(self) -> Token:
        """Take the current token."""
        self.last = self.token
        if self.token.kind != "end":
            self.token = next(self.tokens)
        return self.last

    def sees(self, sign: str) -> bool:
        """Whether the current token is this operator."""
        return self.token.kind == "operator" and self.token.text == sign

    def take(self, sign: str) -> bool:
        """Take this operator if it is there."""
        found = self.sees(sign)
        if found:
            self.advance()
        return found

    def expect(self, sign: str, why: str) -> None:
        """Take this operator, which must be there."""
        if not self.take(sign):
            raise self.error(f"{sign!r} is missing {why}")

    def error(self, reason: str, hint: str = "", token: Token | None = None) -> ParseError:
        """The error at a token."""
        token = token or self.token
        return ParseError(reason, hint=hint, text=self.text, position=token.position)


def check_names(tree: Node, text: str, declared: Collection[str], given: Iterable[str]) -> None:
    """Refuse names that run together what may be meant as a product or a call, as pix and detX, unless declared.

    ``given`` are names of the point, or of what is differentiated by, which may be the letters of such a run.
    """
    for node in in_order(tree):
        if node.kind != "name" or node.value in declared:
            continue
        written = written_out(node.value, ARRAY_FUNCTIONS)
        if not written and node.position is not None and POWER_SIGN.match(text, node.position + len(node.value)):
            written = power_of_e(node.value)
        if written:
            here = node.position is not None and text.startswith(node.value, node.position)
            raise undeclared(node.value, written, text if here else None, node.position)
    every = names_of(tree)
    run, write = first_meant([name for name in every if name not in declared], given, every, matrices=True)
    if run:
        raise VariableError(f"{run} is one variable", hint=write)


def looks_like_arrays(text: str) -> bool:
    """Whether a text is of this language rather than of scalars: it has ``@``, brackets, ``.T`` or array functions."""
    return ARRAYLIKE.search(text) is not None


def parse_array(text: str, limits: Limits = DEFAULT) -> Node:
    """Read an array expression; ParseError with the position, LimitError beyond a limit."""
    try:
        return Reader(text, limits).whole()
    except ParseError as error:
        if error.position is not None:
            there = text[error.position : error.position + 2]
            error.hint = FOREIGN.get(there[:1], FOREIGN.get(there, error.hint))
        raise


class Reader(Tokens):
    """One text on its way to a tree."""

    def whole(self) -> Node:
        """The whole text is one expression."""
        found = self.expression()
        if self.token.kind != "end":
            raise self.unexpected()
        return found

    def unexpected(self) -> ParseError:
        """The error of the current token."""
        token = self.token
        if token.kind == "end":
            return self.error("the expression ends too early" if self.text.strip() else "the expression is empty")
        if token.text == "=":
            return self.error("an = is not expected here", "write == to compare; an identity goes with matrix --check")
        if token.kind in ("name", "call", "number"):
            return self.error(f"an operator is missing before {token.text[:40]}", "write * or @")
        return self.error(f"{token.text!r} is not expected here")

    def expression(self, least: int = 0) -> Node:
        """Operators that bind at least so tightly, from the left."""
        self.nesting += 1
        if self.nesting > DEPTH:
            raise LimitError(f"the expression is nested too deeply (limit {DEPTH})", text=self.text,
                             position=self.token.position)  # fmt: skip
        found = self.prefixed()
        while (binding := self.binding()) is not None and binding >= max(least, 1):
            found = self.operation(found, binding)
        self.nesting -= 1
        return found

    def binding(self) -> int | None:
        """How tightly the current operator binds; a number before a name or a parenthesis multiplies it."""
        token = self.token
        if token.kind == "operator":
            glued = token.text == "(" and self.last.kind == "number"
            return PRODUCT_BINDING if glued else ARRAY_BINDING.get(token.text)
        return PRODUCT_BINDING if token.kind in ("name", "call") and self.last.kind == "number" else None

    def operation(self, left: Node, binding: int) -> Node:
        """Join what was read with the operand after an operator."""
        token = self.token
        implicit = token.kind != "operator" or token.text == "("
        if not implicit:
            self.advance()
        sign = "*" if implicit else token.text
        if sign == "**":
            return self.node("**", (left, self.expression(SIGN_BINDING)), token)
        right = self.expression(binding + 1)
        if sign in ("+", "-"):
            return self.sum([left, right if sign == "+" else self.node("neg", (right,), token)], token)
        if sign in TRUTH_ROWS:
            if left.kind in TRUTH_ROWS.values() and binding == ARRAY_BINDING["<"]:
                raise self.error("comparisons do not chain here", "join them with and", token)
            return self.node(TRUTH_ROWS[sign], (left, right), token)
        return self.node(sign, (left, right), token)

    def sum(self, terms: list[Node], token: Token) -> Node:
        """A sum of the terms read and those that follow."""
        while self.sees("+") or self.sees("-"):
            sign = self.advance()
            term = self.expression(SUM_BINDING + 1)
            terms.append(term if sign.text == "+" else self.node("neg", (term,), sign))
        return self.node("+", tuple(terms), token)

    def prefixed(self) -> Node:
        """A sign, or an operand with what follows it."""
        token = self.token
        if self.take("-"):
            operand = self.expression(SIGN_BINDING)
            return number(-operand.value) if operand.kind == "number" else self.node("neg", (operand,), token)
        if self.take("+"):
            return self.expression(SIGN_BINDING)
        if self.take("not"):
            return self.node("not_", (self.expression(NOT_BINDING),), token)
        if self.take("√"):
            return self.node("sqrt", (self.expression(POWER_BINDING + 1),), token)
        return self.followed(self.operand())

    def operand(self) -> Node:
        """A number, a name, a call, a parenthesis or a literal."""
        token = self.token
        if token.kind == "number":
            assert token.value is not None
            return number(self.advance().value or 0)
        if token.kind == "name":
            self.advance()
            return self.word(token)
        if token.kind == "call":
            self.advance()
            return self.call(token, ())
        if self.take("("):
            found = self.expression()
            self.expect(")", "after the expression in parentheses")
            return found
        if self.take("["):
            return self.literal(token)
        raise self.unexpected()

    def word(self, token: Token) -> Node:
        """A name: a constant, or a variable."""
        if token.text in CONSTANTS or token.text in ("E", "π"):
            value = "pi" if token.text in ("pi", "π") else "e"
            return Node("constant", (), value, token.position)
        if problem := fault(token.text, self.limits):
            raise self.error(problem, token=token)
        return Node("name", (), token.text, token.position)

    def followed(self, found: Node) -> Node:
        """What may follow an operand: ``.T``, a method, an index."""
        while True:
            token = self.token
            if self.take("."):
                found = self.attribute(found, token)
            elif self.take("["):
                found = self.node("index", (found,), token, self.keys())
            else:
                return found

    def attribute(self, found: Node, dot: Token) -> Node:
        """``X.T``, ``X.sum()``, or a module's name before a function."""
        token = self.advance()
        module = found.kind == "name" and found.value in ARRAY_MODULES
        if token.kind == "call":
            return self.call(token, () if module else (found,))
        if module and token.text in ARRAY_MODULES:
            return Node("name", (), token.text, token.position)
        if module and token.text in CONSTANTS:
            return self.word(token)
        if token.kind == "name" and token.text == "T":
            return self.node("T", (found,), dot)
        raise self.error(f"there is no .{token.text}", "X.T is the transpose; functions are called, as sum(x)", token)

    def call(self, token: Token, args: tuple[Node, ...]) -> Node:
        """A function of arguments, after its parenthesis."""
        axis: int | None = None
        while not self.sees(")"):
            if self.token.kind == "name" and self.token.text == "axis":
                self.advance()
                self.expect("=", "after axis")
                axis = self.integer()
            else:
                args = (*args, self.expression())
            if not self.take(","):
                break
        self.expect(")", f"after the arguments of {token.text}")
        return self.function(token, args, axis)

    def function(self, token: Token, args: tuple[Node, ...], axis: int | None) -> Node:
        """The node of a function; ParseError for an unknown one, or too many arguments."""
        called = ALIASES.get(token.text, token.text)
        word = ARRAY_WORDS.get(called)
        if word is not None and word.axis and axis is None and len(args) == 2 and called not in ENTRYWISE:
            axis, args = self.axis_of(args[1], token), args[:1]
        if word is not None and len(args) in word.counts:
            if axis is not None and not word.axis:
                raise self.error(f"{called} takes no axis", token=token)
            return self.node(called, args, token, axis)
        row = table.names.get(called)
        if row is None and word is None:
            known = [*ARRAY_WORDS, *ALIASES, *table.names]
            hint = did_you_mean(called, known) or "write * to multiply"
            raise self.error(f"unknown function {called[:64]}", hint, token)
        if row is None or axis is not None or not (len(args) == len(row.arguments) or (row.variadic and len(args) > 2)):
            raise self._miscounted(called, word, row, args, token)
        if not row.variadic:
            return self.node("**" if row.name == "power" else row.name, args, token)
        return reduce(lambda found, arg: self.node(row.name, (found, arg), token), args)

    def _miscounted(
        self, called: str, word: Word | None, row: Primitive | None, args: Sequence[Node], token: Token
    ) -> ParseError:
        """The error for arguments of another number than a function has."""
        counts = (word.counts if word else ()) + ((len(row.arguments),) if row else ())
        wanted = " or ".join(map(str, dict.fromkeys(counts)))
        count = f"{wanted} argument{'s' * (wanted != '1')}, not {len(args)}"
        return self.error(f"{called} takes {count}", f"it is the {word.doc}" if word else "", token)

    def axis_of(self, node: Node, token: Token) -> int:
        """An axis that stands as a second argument."""
        if node.kind != "number" or not isinstance(node.value, int):
            raise self.error(f"the second argument of {token.text} is an axis, a plain integer", token=token)
        return node.value

    def integer(self) -> int:
        """A plain integer, perhaps negative."""
        negative = self.take("-")
        token = self.advance()
        if token.kind != "number" or not isinstance(token.value, int):
            raise self.error("a plain integer is wanted here", token=token)
        return -token.value if negative else token.value

    def keys(self) -> tuple[int | tuple[int | None, int | None], ...]:
        """An index after its bracket: integers and slices a:b."""
        found: list[int | tuple[int | None, int | None]] = []
        while True:
            start = None if self.sees(":") else self.integer()
            if self.take(":"):
                stop = None if self.sees("]") or self.sees(",") else self.integer()
                found.append((start, stop))
            else:
                assert start is not None
                found.append(start)
            if not self.take(","):
                break
        self.expect("]", "after the index")
        return tuple(found)

    def literal(self, token: Token) -> Node:
        """An array literal after its bracket."""
        items: list[Node] = []
        while not self.sees("]"):
            items.append(self.expression())
            if not self.take(","):
                break
        self.expect("]", "after the entries")
        if not items:
            raise self.error("the array is empty", token=token)
        rows = {len(i.args) if i.kind == "array" else -1 for i in items}
        if len(rows) > 1:
            raise self.error("the rows of the array have different lengths", token=token)
        return self.node("array", tuple(items), token)

    def node(self, kind: str, args: tuple[Node, ...], token: Token, value: object = None) -> Node:
        """Make a node within the limits."""
        found = Node(kind, args, value, token.position)
        if found.depth > DEPTH or found.size > NODES:
            what = f"nested too deeply (limit {DEPTH})" if found.depth > DEPTH else f"too large (limit {NODES:,})"
            raise LimitError(f"the expression is {what}", text=self.text, position=token.position)
        return found

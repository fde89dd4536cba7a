"""Tokens to what they mean by an iterative precedence parser: no recursion, no eval, every step bounded.

An operator waits on a stack until one that binds less tightly arrives (Dijkstra's shunting yard); a call, a parenthesis
or an array opens a frame. What is read goes into a target: a Program, or the tree of a formula of arrays. Comparisons
chain as in mathematics: 0 < x < 1. Arrays are as in NumPy: ``@`` multiplies matrices, all else works entry by entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from diffkit.core.deadline import in_time
from diffkit.core.errors import ArrayTextError, ParseError
from diffkit.core.limits import Limits
from diffkit.core.table import AND, Primitive
from diffkit.core.text.bindings import (
    BESIDE,
    COMPARISON_BINDING,
    INFIX_BINDING,
    INFIX_ROWS,
    MATRIX_PRODUCT,
    PREFIX_BINDING,
    PREFIX_ROWS,
    PRODUCT_BINDING,
)
from diffkit.core.text.calls import Call, index_keys, index_part, is_plain
from diffkit.core.text.targets import Target
from diffkit.core.text.tokenizer import Token, located, tokenize
from diffkit.core.text.vocabulary import PI, CalledFunction, Vocabulary

CLOSES = {")": "(", "]": "["}
START_TOKEN = Token("start", "", 0)
State = Callable[[Token, Token], Any]
"""what reads the next token, given the one before it; it gives what reads the one after"""


class _Waiting:
    """An operator on the stack."""

    __slots__ = ("binding", "position", "prefix", "sign")
    called: CalledFunction | None = None

    def __init__(self, sign: str, binding: int, position: int, prefix: bool = False):
        self.sign, self.binding, self.position, self.prefix = sign, binding, position, prefix


class _Frame(_Waiting):
    """What opens a group, a call or an array; ``start`` counts the operands below those inside."""

    __slots__ = ("axis", "called", "start")

    def __init__(self, sign: str, position: int, called: CalledFunction | None, start: int):
        self.sign, self.binding, self.position, self.prefix = sign, 0, position, False
        self.called, self.start = called, start
        self.axis: int | None = None


class _Chain(NamedTuple):
    """A comparison that the next comparison may continue: its truth so far and its right-hand side."""

    truth: Any
    right: Any


class Parser:
    """One text on its way to a target."""

    def __init__(self, text: str, target: Target, vocabulary: Vocabulary, limits: Limits):
        self.text, self.target, self.vocabulary, self.limits = text, target, vocabulary, limits
        self.variables = {name: target.variable(name, 0) for name in vocabulary.declared or ()}
        self.emit = target.emit
        self.operands: list[Any] = []
        self.operators: list[_Waiting] = []
        self.open = 0
        """parentheses and brackets"""
        self.prefixes = 0
        self.bracket, self.keys = 0, list[str]()
        """where the index that is being read begins, and its parts"""

    def fail(self, reason: str, token: Token | _Waiting, hint: str = "") -> NoReturn:
        """Raise a ParseError at a token."""
        raise ParseError(reason, hint=hint, text=self.text, position=token.position)

    def _check_arrays(self, reason: str, token: Token, hint: str = "") -> None:
        """Refuse arrays where numbers are wanted."""
        if not self.target.arrays:
            hint = f"{hint}; dk.arrays reads arrays" if hint else "dk.arrays reads arrays"
            raise ArrayTextError(reason, hint=hint, text=self.text, position=token.position)

    # The walk over the tokens ------------------------------------------------------------------------------------

    def parse(self) -> Any:
        """Give the operand that the whole text is."""
        previous = START_TOKEN
        read: State = self._operand
        for token in in_time(tokenize(self.text, self.limits)):
            read = read(token, previous)
            previous = token
        answer = self._settle(self.operands.pop())
        self.target.check_number(answer, 0)
        return answer

    def _operand(self, token: Token, previous: Token) -> State:
        """Read where a value must stand."""
        kind, text, position, value = token
        if kind == "name":
            known = self.variables.get(text)
            self.operands.append(self._name(token, previous) if known is None else known)
            return self._continuation
        if value is not None:
            self.operands.append(self.target.number(value))
            return self._continuation
        if kind == "call" or text == "(":
            self._open("(", position, self._function(token) if kind == "call" else None)
            return self._operand
        if text == "+":
            return self._operand
        if text in PREFIX_ROWS:
            self._prefix(text, position, previous)
            return self._operand
        if kind == "module":
            self._module(token)
            return self._operand
        if text == "[":
            self._check_arrays("a bracket begins an array", token, "write parentheses to group")
            self._open("[", position)
            return self._operand
        return self._no_operand(token, previous)

    def _no_operand(self, token: Token, previous: Token) -> State:
        kind, text, _, _ = token
        top = self.operators[-1] if self.operators else None
        if kind == "axis" and top is not None and top.called is not None:
            self._check_arrays("only arrays have an axis", token)
            return self._axis
        if text == "]" and previous.text == "," and top is not None and top.sign == "[":
            return self._close(token)
        if kind == "end":
            empty = previous is START_TOKEN
            self.fail("there is no expression" if empty else "the expression ends where a value should stand", token)
        if text == ")" and previous.kind == "call":
            self.fail(f"{previous.text} needs an argument", token)
        if text == "]" and previous.text == "[":
            self.fail("the array is empty", token)
        return self.fail(f"a value should stand before {text!r}", token)

    def _prefix(self, sign: str, position: int, previous: Token) -> None:
        self.prefixes = self.prefixes + 1 if previous.text in PREFIX_ROWS else 1
        if self.prefixes > self.limits.depth:
            raise located(self.limits.exceeded("depth", "too many signs in a row"), self.text, position)
        top = self.operators[-1] if self.operators else None
        if top is not None and top.prefix and top.sign == sign == previous.text and sign != "√":
            self.operators.pop()  # two minus signs, or two nots, in a row
        else:
            self.operators.append(_Waiting(sign, PREFIX_BINDING[sign], position, prefix=True))

    def _name(self, token: Token, previous: Token) -> Any:
        """A name that is not a variable yet: a constant or a new variable."""
        constant = self.vocabulary.constant(token)
        if constant is not None:
            return self.target.constant(constant)
        if previous.kind == "module":
            hint = f"functions are called: {previous.text}exp(x)"
            self.fail(f"there is no {previous.text}{token.text}", previous, hint)
        operand = self.variables[token.text] = self.target.variable(token.text, token.position)
        return operand

    def _module(self, token: Token) -> None:
        """Pass over ``np.linalg.``, which says nothing."""
        found = re.compile(r"(?:\w+\.)+(\w+)", re.ASCII).match(self.text, token.position)
        word = found[1] if found else ""
        self._check_arrays(f"{token.text} names a module", token, f"write {word[:64]} without {token.text}")

    def _function(self, token: Token) -> CalledFunction:
        called = self.vocabulary.function(token, self.variables)
        if called.row is None:
            self._check_arrays(f"{called.name} is a function of arrays", token)
        return called

    def _continuation(self, token: Token, previous: Token) -> State:
        """Read where an operator, a comma or what closes something may stand."""
        kind, text, position, _ = token
        binding = INFIX_BINDING.get(text)
        if binding is not None:
            if text == MATRIX_PRODUCT:
                self._check_arrays("@ multiplies matrices", token)
            self._push_infix(text, binding, position)
            return self._operand
        if text == ")" or text == "]":
            return self._close(token)
        if text == ",":
            return self._comma(token)
        if kind == "end":
            self._reduce(1)
            if self.operators:
                self._never_closed(self.operators[-1])
            return self._continuation
        if kind == "operator" and text in (".", "[", "=", ":"):
            return self._after_value(token, previous)
        return self._adjacent(token, previous)

    def _after_value(self, token: Token, previous: Token) -> State:
        """Read what follows a value: .T, a method, an index; nothing else does."""
        if token.text == ".":
            return self._attribute
        if token.text == "=":
            self.fail("an = is not expected here", token, "write == to compare; an identity goes with matrix --check")
        if token.text == "[" and (previous.kind == "name" or previous.text in CLOSES):
            self._check_arrays("a bracket after a value is an index", token, "write * and parentheses for a product")
            self.bracket, self.keys = token.position, []
            return self._index
        return self._adjacent(token, previous)

    def _push_infix(self, sign: str, binding: int, position: int) -> None:
        operators = self.operators
        if operators:
            above = operators[-1]
            if sign == "**" and above.sign == "√":
                raise ParseError(
                    "a power right after a root can be read in two ways",
                    hint="write √(x^2) or (√x)^2",
                    text=self.text,
                    position=position,
                )
            if above.binding >= binding:
                self._reduce(binding + 1 if sign == "**" else binding)
        operators.append(_Waiting(sign, binding, position))

    def _adjacent(self, token: Token, previous: Token) -> State:
        """Two values side by side: a product where it can only be that, otherwise an error."""
        product = token.kind in ("name", "call", "module") or token.text in ("(", "√")
        if (previous.kind == "name" and previous.text != PI) or previous.text == "]" or not product:
            self.fail("an operator is missing here", token, "write * for a product")
        signs = (operator.sign for operator in reversed(self.operators) if not operator.prefix)
        if next(signs, "") in ("/", "**", MATRIX_PRODUCT):  # 1/2x, 2^-3x, A @ 2x
            self.fail("this product without a sign can be read in two ways", token, "write * and parentheses")
        self._push_infix(BESIDE, PRODUCT_BINDING, token.position)
        return self._operand(token, previous)

    # Parentheses, calls and arrays -----------------------------------------------------------------------------------

    def _open(self, sign: str, position: int, called: CalledFunction | None = None, first: int = 0) -> None:
        """Open a frame, of which so many operands stand before it."""
        self.open += 1
        if self.open > self.limits.parentheses:
            raise located(self.limits.exceeded("parentheses", "too many open parentheses"), self.text, position)
        self.operators.append(_Frame(sign, position, called, len(self.operands) - first))

    def _comma(self, token: Token) -> State:
        self._reduce(1)
        top = self.operators[-1] if self.operators else None
        if top is None or (top.called is None and top.sign != "["):
            self.fail("a comma outside a function call", token)
        self.operands[-1] = self._settle(self.operands[-1])
        return self._operand

    def _close(self, token: Token, *_: Token) -> State:
        self._reduce(1)
        if not self.operators:
            self.fail(f"there is no open {'parenthesis' if token.text == ')' else 'bracket'} to close", token)
        frame = self.operators.pop()
        if frame.sign != CLOSES[token.text]:
            self._never_closed(frame)
        assert isinstance(frame, _Frame)
        self.open -= 1
        if frame.called is None and frame.sign == "(":
            self.operands[-1] = self._settle(self.operands[-1])
            return self._continuation
        args = [self._settle(operand) for operand in self.operands[frame.start :]]
        del self.operands[frame.start :]
        self.operands.append(self._framed(frame, args))
        return self._continuation

    def _never_closed(self, frame: _Waiting) -> NoReturn:
        self.fail(f"this {'parenthesis' if frame.sign == '(' else 'bracket'} is never closed", frame)

    def _framed(self, frame: _Frame, args: list[Any]) -> Any:
        if frame.called is not None:
            return Call(self.target, frame.called, frame.axis, frame.position, self.text, self.limits).of(args)
        return self.target.array("array", args, None, frame.position)

    # What only arrays have -------------------------------------------------------------------------------------------

    def _attribute(self, token: Token, _: Token) -> State:
        """Read what follows a point: T, or a function of what stands before it."""
        if token.kind == "call":
            called = self._function(token)
            self._check_arrays("functions are no attributes of numbers", token, f"write {token.text}(x)")
            self._open("(", token.position, called, first=1)
            return self._first_argument
        if token.text != "T" or token.kind != "name":
            self.fail(f"there is no .{token.text}", token,
                      "nothing has attributes here but the transpose X.T; functions are called, as sum(x)")  # fmt: skip
        self._check_arrays(".T is a transpose", token)
        self.operands.append(self.target.array("T", [self.operands.pop()], None, token.position))
        return self._continuation

    def _first_argument(self, token: Token, previous: Token) -> State:
        """Read after the parenthesis of a method, which may close at once."""
        return self._close(token) if token.text == ")" else self._operand(token, previous)

    def _axis(self, token: Token, previous: Token) -> State:
        """Read the integer after ``axis=``."""
        if token.text == "-" and previous.kind == "axis":
            return self._axis
        if not is_plain(token):
            self.fail("a plain integer is wanted here", token)
        top = self.operators[-1]
        assert isinstance(token.value, int)
        assert isinstance(top, _Frame)
        top.axis = -token.value if previous.text == "-" else token.value
        return self._after_axis

    def _after_axis(self, token: Token, _: Token) -> State:
        top = self.operators[-1]
        assert isinstance(top, _Frame)
        if token.text == ")" and len(self.operands) > top.start:
            return self._close(token)
        if token.text != ",":
            self.fail("an axis is an integer by itself, beside an argument", token)
        return self._operand

    def _index(self, token: Token, _: Token) -> State:
        """Read an index up to its bracket."""
        if token.text != "]":
            self.keys.append(index_part(token, self.keys, self.text))
            return self._index
        keys = index_keys(self.keys)
        if not keys:
            self.fail("an index is an integer or a slice a:b", token)
        self.operands.append(self.target.array("index", [self.operands.pop()], keys, self.bracket))
        return self._continuation

    # Operators that waited -------------------------------------------------------------------------------------------

    def _settle(self, operand: Any) -> Any:
        return operand.truth if isinstance(operand, _Chain) else operand

    def _reduce(self, binding: int) -> None:
        """Emit the waiting operators that bind at least this tightly."""
        operators, operands, emit = self.operators, self.operands, self.emit
        while operators and operators[-1].binding >= binding:
            operator = operators.pop()
            right = operands.pop()
            if isinstance(right, _Chain):
                right = right.truth
            if operator.prefix:
                operands.append(emit(PREFIX_ROWS[operator.sign], (right,), operator.position))
                continue
            left, sign = operands.pop(), operator.sign
            if operator.binding == COMPARISON_BINDING:
                operands.append(self._compare(INFIX_ROWS[sign], left, right, operator.position))
                continue
            left = left.truth if isinstance(left, _Chain) else left
            row = INFIX_ROWS.get(sign)
            if row is not None:
                operands.append(emit(row, (left, right), operator.position))
            elif sign == BESIDE:
                operands.append(self.target.beside((left, right), operator.position))
            else:
                operands.append(self.target.array(sign, (left, right), None, operator.position))

    def _compare(self, row: Primitive, left: Any, right: Any, position: int) -> _Chain:
        emit = self.emit
        if not isinstance(left, _Chain):
            return _Chain(emit(row, (left, right), position), right)
        again = emit(row, (left.right, right), position)
        return _Chain(emit(AND, (left.truth, again), position), right)

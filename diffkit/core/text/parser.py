"""Tokens to Program by an iterative precedence parser: no recursion, no eval, every step bounded.

An operator waits on a stack until one that binds less tightly arrives (Dijkstra's shunting yard); a call or a
parenthesis opens a frame. Comparisons chain as in mathematics: 0 < x < 1.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, NoReturn

from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder
from diffkit.core.deadline import in_time
from diffkit.core.errors import LimitError, ParseError, VariableError, did_you_mean, listing
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Program
from diffkit.core.table import DIV, Primitive, table
from diffkit.core.text import names as variable_names
from diffkit.core.text.names import POWER_SIGN, Names, instead, power_of_e, undeclared, written_out
from diffkit.core.text.printer import ATOM_BINDING, COMPARISON_BINDING, PRODUCT_BINDING, ROW_BINDING
from diffkit.core.text.tokenizer import OF_ARRAYS, Token, located, tokenize

INFIX_ROWS = {row.infix: row for row in table if row.infix and len(row.arguments) == 2}
PREFIX = {row.prefix or row.infix.strip(): row for row in table
          if row.prefix or (row.infix and len(row.arguments) == 1)}  # fmt: skip
LOGARITHMS = {row.base: row for row in table if row.base}
INFIX_BINDING = {sign: ROW_BINDING.get(row, COMPARISON_BINDING) for sign, row in INFIX_ROWS.items()}
PREFIX_BINDING = {sign: ROW_BINDING.get(row, ATOM_BINDING) for sign, row in PREFIX.items()}
PI = "π"
CONSTANTS_IN_TEXT = {**NAMED_CONSTANTS, "E": NAMED_CONSTANTS["e"], PI: NAMED_CONSTANTS["pi"]}
START_TOKEN = Token("start", "", 0)


class _Waiting:
    """An operator on the stack, or the open parenthesis of a group or a call."""

    __slots__ = ("binding", "commas", "function", "position", "prefix", "sign")

    def __init__(self, sign: str, binding: int, position: int, function: Primitive | None = None, prefix: bool = False):
        self.sign, self.binding, self.position = sign, binding, position
        self.function, self.prefix, self.commas = function, prefix, 0


class _Chain(NamedTuple):
    """A comparison that the next comparison may continue: its truth so far and its right-hand side."""

    truth: int
    right: int


class _Parser:
    """One text on its way to a Program.

    ``variables`` are all that there may be; without them ``given`` are names that are variables where they occur.
    """

    def __init__(self, text: str, variables: Names | None, limits: Limits, given: Collection[str] = ()):
        self.text = text
        self.given = frozenset(given if variables is None else ())
        self.limits = limits
        self.declared = None if variables is None else variable_names.check_variables(variables, limits)
        self.builder = ProgramBuilder(self.declared or (), limits)
        self.variables = {} if self.declared is None else {name: self.builder.input(name) for name in self.declared}
        self.operands: list[int | _Chain] = []
        self.operators: list[_Waiting] = []
        self.parentheses = 0
        self.prefixes = 0

    def _check_name(self, token: Token) -> None:
        if problem := variable_names.fault(token.text, self.limits):
            self.fail(problem, token)
        if variable_names.reserved(token.text):
            self.fail(
                f"{token.text} is not a variable here",
                token,
                f"to use it as one, declare it: variables=({token.text!r},)",
            )

    def fail(self, reason: str, token: Token | _Waiting, hint: str = "") -> NoReturn:
        """Raise a ParseError at a token."""
        raise ParseError(reason, hint=hint, text=self.text, position=token.position)

    # The walk over the tokens ------------------------------------------------------------------------------------

    def parse(self) -> Program:
        """Give the Program of the whole text."""
        previous = START_TOKEN
        wants_operand = True
        for token in in_time(tokenize(self.text, self.limits)):
            wants_operand = (self._operand if wants_operand else self._continuation)(token, previous)
            previous = token
        answer = self._settle(self.operands.pop())
        if answer in self.builder.truths:
            hint = "choose between two values with where(condition, a, b)"
            raise ParseError("a comparison is not a number", hint=hint, text=self.text, position=0)
        names = self.declared if self.declared is not None else variable_names.natural_order(self.variables)
        return self.builder.program([answer], names)

    def _operand(self, token: Token, previous: Token) -> bool:
        """Read where a value must stand; say whether a value is still wanted."""
        kind, text, position, value = token
        if kind == "name":
            slot = self.variables.get(text)
            self.operands.append(self._name(token) if slot is None else slot)
            return False
        if value is not None:
            self.operands.append(self.builder.constant(value))
            return False
        if kind == "call":
            self._open(_Waiting("(", 0, position, self._function(token)))
            return True
        if text == "(":
            self._open(_Waiting("(", 0, position))
            return True
        if text == "+":
            return True
        if text in PREFIX:
            self._prefix(text, position, previous)
            return True
        if kind == "end":
            self.fail(
                "there is no expression"
                if previous is START_TOKEN
                else "the expression ends where a value should stand",
                token,
            )
        if text == ")" and previous.kind == "call":
            self.fail(f"{previous.text} needs an argument", token)
        return self.fail(f"a value should stand before {text!r}", token)

    def _prefix(self, sign: str, position: int, previous: Token) -> None:
        self.prefixes = self.prefixes + 1 if previous.text in PREFIX else 1
        if self.prefixes > self.limits.depth:
            raise located(self.limits.exceeded("depth", "too many signs in a row"), self.text, position)
        top = self.operators[-1] if self.operators else None
        if top is not None and top.prefix and top.sign == sign == previous.text and sign != "√":
            self.operators.pop()  # two minus signs, or two nots, in a row
        else:
            self.operators.append(_Waiting(sign, PREFIX_BINDING[sign], position, prefix=True))

    def _name(self, token: Token) -> int:
        """Slot of a name that is not a variable yet: a constant or a new variable."""
        name = token.text
        if name not in self.given:
            if name in CONSTANTS_IN_TEXT:
                return self.builder.constant(CONSTANTS_IN_TEXT[name])
            if name in table.names:
                self.fail(f"{name} is a function and needs its argument in parentheses", token, f"write {name}(x)")
            self._check_name(token)
            if self.declared is not None:
                self._unknown_variable(token)
            self._check_run(token)
        elif problem := variable_names.fault(name, self.limits):
            self.fail(problem, token)
        slot = self.variables[name] = self.builder.input(name)
        return slot

    def _check_run(self, token: Token) -> None:
        """Refuse cos2x and pix, which are more likely cos(2x) and pi*x than variables."""
        written = written_out(token.text)
        if not written and POWER_SIGN.match(self.text, token.position + len(token.text)):
            written = power_of_e(token.text)
        if written:
            raise undeclared(token.text, written, self.text, token.position)

    def _function(self, token: Token) -> Primitive:
        function = table.names.get(token.text)
        known = token.text in self.variables or (token.text in self.given and function is None)
        if known or token.text in CONSTANTS_IN_TEXT:
            self.fail(f"{token.text} is not a function", token, f"write {token.text}*(…) for a product")
        if function is None:
            self._unknown_function(token)
        return function

    def _unknown_function(self, token: Token) -> NoReturn:
        if token.text in OF_ARRAYS:
            hint = f"{token.text} is a function of arrays, and dk.arrays reads those"
        else:
            hint = did_you_mean(token.text, table.names)
        hint = hint or f"write {token.text[:9]}*(…) for a product; diffkit functions lists all"
        self.fail(f"unknown function {token.text}" if len(token.text) <= 64 else "unknown function", token, hint)

    def _unknown_variable(self, token: Token) -> NoReturn:
        known = self.declared or ()
        hint = instead(token.text, known) or did_you_mean(token.text, known)
        hint = hint or f"the variables are {listing(known)}"
        raise VariableError(f"unknown variable {token.text}", hint=hint, text=self.text, position=token.position)

    def _continuation(self, token: Token, previous: Token) -> bool:
        """Read where an operator, a comma or a closing parenthesis may stand; say whether a value is wanted."""
        kind, text, position, _ = token
        binding = INFIX_BINDING.get(text)
        if binding is not None:
            self._push_infix(text, binding, position)
            return True
        if text == ")":
            self._close(token)
            return False
        if text == ",":
            self._comma(token)
            return True
        if kind == "end":
            self._reduce(1)
            if self.operators:
                self.fail("this parenthesis is never closed", self.operators[-1])
            return False
        return self._adjacent(token, previous)

    def _push_infix(self, sign: str, binding: int, position: int) -> None:
        if sign == "**" and self.operators and self.operators[-1].sign == "√":
            raise ParseError(
                "a power right after a root can be read in two ways",
                hint="write √(x^2) or (√x)^2",
                text=self.text,
                position=position,
            )
        self._reduce(binding + 1 if sign == "**" else binding)
        self.operators.append(_Waiting(sign, binding, position))

    def _adjacent(self, token: Token, previous: Token) -> bool:
        """Two values side by side: a product where it can only be that, otherwise an error."""
        product = token.kind in ("name", "call") or token.text in ("(", "√")
        if (previous.kind == "name" and previous.text != PI) or not product:
            self.fail("an operator is missing here", token, "write * for a product")
        signs = (operator.sign for operator in reversed(self.operators) if not operator.prefix)
        if next(signs, "") in ("/", "**"):  # 1/2x, 2^-3x
            self.fail("this product without a sign can be read in two ways", token, "write * and parentheses")
        self._push_infix("*", PRODUCT_BINDING, token.position)
        return self._operand(token, previous)

    # Parentheses and calls -----------------------------------------------------------------------------------------

    def _open(self, frame: _Waiting) -> None:
        self.parentheses += 1
        if self.parentheses > self.limits.parentheses:
            raise located(self.limits.exceeded("parentheses", "too many open parentheses"), self.text, frame.position)
        self.operators.append(frame)

    def _comma(self, token: Token) -> None:
        self._reduce(1)
        if not self.operators or self.operators[-1].function is None:
            self.fail("a comma outside a function call", token)
        self.operands[-1] = self._settle(self.operands[-1])
        self.operators[-1].commas += 1

    def _close(self, token: Token) -> None:
        self._reduce(1)
        if not self.operators:
            self.fail("there is no open parenthesis to close", token)
        frame = self.operators.pop()
        self.parentheses -= 1
        self.operands[-1] = self._settle(self.operands[-1])
        if frame.function is not None:
            args = [self._settle(operand) for operand in self.operands[-frame.commas - 1 :]]
            del self.operands[-frame.commas - 1 :]
            self.operands.append(self._call(frame, args))

    def _call(self, frame: _Waiting, args: list[int]) -> int:
        function = frame.function
        assert function is not None
        wanted = len(function.arguments)
        if function.base in NAMED_CONSTANTS and len(args) == 2:
            return self._to_base(frame, *args)
        if function.alone and len(args) == 1:  # the others give back a single argument
            self.fail(f"{function.name} takes at least 2 arguments", frame, f"write {function.alone}")
        if function.variadic:
            answer = args[0]
            self._check_kinds(function, [answer], frame)
            for arg in args[1:]:
                answer = self._emit(function, [answer, arg], frame)
            return answer
        if len(args) != wanted:
            many = "1 argument" if wanted == 1 else f"{wanted} arguments"
            self.fail(f"{function.name} takes {many}, not {len(args)}", frame, f"write {function.signature}")
        for place in function.orders:
            order = self.builder.rational(args[place])
            low = -self.limits.function_order if function.lowest is None else function.lowest
            if order is None or order.denominator != 1 or not low <= order <= self.limits.function_order:
                self.fail(
                    f"the order of {function.name} is an integer constant, {low} to {self.limits.function_order}",
                    frame,
                )
        return self._emit(function, args, frame)

    def _to_base(self, frame: _Waiting, x: int, base: int) -> int:
        """A logarithm to any base, by the natural one unless the table has its own."""
        assert frame.function is not None
        own = LOGARITHMS.get(value) if isinstance(value := self.builder.rational(base), int) else None
        if own is not None:
            return self._emit(own, [x], frame)
        over, under = (self._emit(frame.function, [slot], frame) for slot in (x, base))
        return self._emit(DIV, [over, under], frame)

    # Emission ------------------------------------------------------------------------------------------------------

    def _settle(self, operand: int | _Chain) -> int:
        return operand.truth if isinstance(operand, _Chain) else operand

    def _reduce(self, binding: int) -> None:
        """Emit the waiting operators that bind at least this tightly."""
        operators, operands = self.operators, self.operands
        while operators and operators[-1].binding >= binding:
            operator = operators.pop()
            right = operands.pop()
            if isinstance(right, _Chain):
                right = right.truth
            if operator.prefix:
                operands.append(self._emit(PREFIX[operator.sign], (right,), operator))
                continue
            left = operands.pop()
            if operator.binding == COMPARISON_BINDING:
                operands.append(self._compare(INFIX_ROWS[operator.sign], left, right, operator))
            else:
                left = left.truth if isinstance(left, _Chain) else left
                operands.append(self._emit(INFIX_ROWS[operator.sign], (left, right), operator))

    def _compare(self, row: Primitive, left: int | _Chain, right: int, operator: _Waiting) -> _Chain:
        if not isinstance(left, _Chain):
            return _Chain(self._emit(row, (left, right), operator), right)
        again = self._emit(row, (left.right, right), operator)
        return _Chain(self._emit(INFIX_ROWS["and"], (left.truth, again), operator), right)

    def _emit(self, row: Primitive, args: Sequence[int], where: _Waiting) -> int:
        builder = self.builder
        if row.truths or builder.truths:
            self._check_kinds(row, args, where)
        try:
            return builder.apply(row, args)
        except LimitError as error:
            raise located(error, self.text, where.position) from None

    def _check_kinds(self, row: Primitive, args: Sequence[int], where: _Waiting) -> None:
        for place, slot in enumerate(args):
            truth = slot in self.builder.truths
            if truth and place not in row.truths:
                self.fail(
                    "a comparison is not a number", where, "choose between two values with where(condition, a, b)"
                )
            if not truth and place in row.truths:
                self.fail(f"{row.infix.strip() or row.name} needs a condition, such as x > 0", where)


def parse_program(
    text: str, variables: Names | None = None, limits: Limits = DEFAULT, given: Collection[str] = ()
) -> Program:
    """Read one expression; ParseError, LimitError or VariableError with the position if it cannot be read.

    Variables are the declared ones in their order, or the free names of the text in natural order. ``given`` are names
    that the caller uses elsewhere (in a point, for what is differentiated by): they are meant as variables, too.
    """
    if not isinstance(text, str):
        raise ParseError(f"an expression is text, not {type(text).__name__}")
    return _Parser(text, variables, limits, given).parse()

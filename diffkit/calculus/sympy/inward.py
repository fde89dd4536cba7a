"""SymPy expressions on their way into a Program; every distinct subexpression is visited once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, NamedTuple

import sympy

from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder
from diffkit.core.errors import DiffkitError, VariableError
from diffkit.core.program import Constant, Program
from diffkit.core.rules import trace
from diffkit.core.table import EXP, SQRT, Primitive, table
from diffkit.core.text import names as variable_names
from diffkit.core.text.names import Names


def from_sympy(expressions: Sequence[Any], variables: Names | None = None) -> Program:
    """Give the program of SymPy expressions; DiffkitError for what has no real meaning here."""
    symbols: dict[str, Any] = {}
    for expression in expressions:
        if not isinstance(expression, sympy.Expr) or expression.is_commutative is False or expression.is_Matrix:
            raise DiffkitError(f"{str(expression)[:40]} is not a real scalar expression")
        if expression.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
            raise DiffkitError(f"{str(expression)[:40]} is not finite")
        for symbol in expression.free_symbols:
            name = symbol.name
            if (problem := variable_names.fault(name)) or name in NAMED_CONSTANTS:
                raise VariableError(
                    problem or f"the symbol {name} has the name of a constant", hint="rename the symbol"
                )
            if symbols.setdefault(name, symbol) != symbol:
                raise VariableError(f"two different symbols are called {name}", hint="their assumptions differ")
    names = variable_names.natural_order(symbols) if variables is None else variable_names.check_variables(variables)
    missing = [name for name in symbols if name not in names]
    if missing:
        raise VariableError(f"unknown variable {missing[0]}", hint=f"the variables are {', '.join(names) or 'none'}")
    builder = ProgramBuilder(names)
    inward = Inward(builder, {symbol: builder.input(name) for name, symbol in symbols.items()}, strict=True)
    return builder.program([inward.slot(expression) for expression in expressions], names)


def _heads() -> dict[str, Primitive]:
    special = {"Add", "Mul", "Pow"}  # and roots, which are powers
    heads = {
        row.sympy: row for row in table if isinstance(row.sympy, str) and row.sympy not in special and not row.root
    }
    heads.update({name: heads[row] for name, row in _RELATIONS.items()})
    return heads


_RELATIONS = {
    "StrictLessThan": "Lt", "LessThan": "Le", "StrictGreaterThan": "Gt", "GreaterThan": "Ge", "Equality": "Eq",
    "Unequality": "Ne",
}  # fmt: skip


@cache
def _by_order(row: Primitive, order: int) -> Primitive | None:
    """The row that is defined as another of a constant order: ψ is ψ⁽⁰⁾."""
    for known in table:
        if known.definition is not None and len(known.arguments) == 1:
            program = trace(known.definition, 1)
            (first, *rest) = program.instructions
            if first[0] is row and not rest and program.constant_at(first[1][0]) == order:
                return known
    return None


class Inward:
    """SymPy expressions on their way into a builder; every distinct subexpression is visited once.

    What a caller wrote is kept as it is (``strict``). A derivative that SymPy found is written as people do: e^x as it
    stands in f (``powers_of_e``), where SymPy says exp(x), and x^(n-1), where it says x^n/x.
    """

    def __init__(self, builder: ProgramBuilder, known: dict[Any, int], strict: bool = False, powers_of_e: bool = False):
        self.builder = builder
        self.known = known
        self.strict = strict
        self.powers_of_e = powers_of_e
        self.heads = _heads()

    def slot(self, expression: Any) -> int:
        """Emit an expression, without recursion."""
        stack = [expression]
        while stack:
            node = stack[-1]
            if node in self.known:
                stack.pop()
                continue
            plan = self._plan(node)
            waiting = [part for part in plan[0] if part not in self.known]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            self.known[node] = plan[1](*[self.known[part] for part in plan[0]])
            stack.pop()
        return self.known[expression]

    def total(self, terms: Sequence[Any]) -> int:
        """Emit a sum of expressions."""
        kept = [self.slot(term) for term in terms if term != 0]
        return self._sum(*kept) if kept else self.builder.constant(0)

    def emit(self, name: str, *args: int) -> int:
        """Emit a row of the table."""
        return self.builder.apply(table[name], args)

    def _number(self, value: Constant) -> tuple[tuple[()], Callable[..., int]]:
        return (), lambda: self.builder.constant(value)

    def _plan(self, node: Any) -> tuple[Sequence[Any], Callable[..., int]]:
        """Give the parts of a node and what to do with their slots."""
        if node.is_Rational:
            return self._number(Fraction(int(node.p), int(node.q)))
        if node.is_Float:
            binary = sympy.Rational(node)
            return self._number(Fraction(int(binary.p), int(binary.q)))
        if node is sympy.pi or node is sympy.E:
            return self._number(NAMED_CONSTANTS["pi" if node is sympy.pi else "e"])
        if node.is_Add:
            return _terms_in_order(node), self._sum
        if node.is_Mul:
            return self._product(node)
        if node.is_Pow:
            return self._power(node)
        if isinstance(node, sympy.Piecewise):
            return self._piecewise(node)
        if node in (sympy.true, sympy.false):
            zero = self.builder.constant(0)
            return (), lambda: self.emit("eq" if node == sympy.true else "ne", zero, zero)
        return self._function(node)

    def _sum(self, *slots: int) -> int:
        total = slots[0]
        for slot in slots[1:]:
            total = self.emit("add", total, slot)
        return total

    def _times(self, slots: Sequence[int]) -> int:
        product = slots[0]
        for slot in slots[1:]:
            product = self.emit("mul", product, slot)
        return product

    def _product(self, node: Any) -> tuple[Sequence[Any], Callable[..., int]]:
        """p·a·b/(q·c·d): one division, and rational factors stay exact."""
        if any(isinstance(factor, sympy.DiracDelta) for factor in node.args):
            return self._number(0)  # away from the step, which is where a derivative of a step exists
        scale, above, below = _factors_in_order(node, self.strict)

        def build(*slots: int) -> int:
            over, under = list(slots[: len(above)]), list(slots[len(above) :])
            if abs(scale.numerator) != 1 or not over:
                over.insert(0, self.builder.constant(scale.numerator))
            if scale.denominator != 1:
                under.insert(0, self.builder.constant(scale.denominator))
            product = self._times(over)
            if under:
                product = self.emit("div", product, self._times(under))
            return self.emit("neg", product) if scale < 0 and abs(scale.numerator) == 1 and above else product

        return (*above, *below), build

    def _power(self, node: Any) -> tuple[Sequence[Any], Callable[..., int]]:
        base, exponent = node.args
        if exponent == -1:
            return [base], lambda b: self.emit("div", self.builder.constant(1), b)
        if exponent == sympy.S.Half:
            return [base], lambda b: self.builder.apply(SQRT, (b,))
        if exponent == -sympy.S.Half:
            return [base], lambda b: self.emit("div", self.builder.constant(1), self.builder.apply(SQRT, (b,)))
        if base is sympy.E:
            return [exponent], lambda x: self.builder.apply(EXP, (x,))
        if exponent.is_Rational and exponent < 0:
            inverse = sympy.Pow(base, -exponent, evaluate=False)
            return [inverse], lambda b: self.emit("div", self.builder.constant(1), b)
        return [base, exponent], lambda b, x: self.emit("power", b, x)

    def _piecewise(self, node: Any) -> tuple[Sequence[Any], Callable[..., int]]:
        pairs = [(pair.args[0], pair.args[1]) for pair in node.args]
        parts = [part for pair in pairs for part in pair]

        def build(*slots: int) -> int:
            answer: int | None = None
            for (_, condition), k in reversed(list(zip(pairs, range(0, len(slots), 2), strict=True))):
                if condition == sympy.true:
                    answer = slots[k]
                else:
                    otherwise = self._undefined() if answer is None else answer
                    answer = self.emit("where", slots[k + 1], slots[k], otherwise)
            assert answer is not None
            return answer

        return parts, build

    def _undefined(self) -> int:
        zero = self.builder.constant(0)
        return self.emit("div", zero, zero)

    def _function(self, node: Any) -> tuple[Sequence[Any], Callable[..., int]]:
        name = type(node).__name__
        if name == "DiracDelta":  # the derivative of a step, away from the step
            return (), lambda: self.builder.constant(0)
        row = self.heads.get(name) or table.names.get(name)
        plan = None if row is None else self._call(row, name, node.args)
        if plan is not None:
            return plan
        if self.strict:
            whole = row is None or all(node.args[i].is_Integer for i in row.orders)
            what = f"SymPy's {name}" if whole else f"a {name} whose order is no integer"
            raise DiffkitError(f"{what} has no counterpart here", hint="diffkit functions lists what there is")
        return (), self._undefined

    def _call(self, row: Primitive, name: str, args: Sequence[Any]) -> tuple[Sequence[Any], Callable[..., int]] | None:
        """The plan of a function that the table has; None where its arguments are not those of the row."""
        if row is EXP and self.powers_of_e:
            return args, lambda x: self.emit("power", self.builder.constant(NAMED_CONSTANTS["e"]), x)
        if row.orders and not all(args[i].is_Integer for i in row.orders):
            return None
        if row.orders and (own := _by_order(row, int(args[0]))):
            return args[1:], lambda x: self.builder.apply(own, (x,))
        if row.variadic or name in ("And", "Or"):
            return args, lambda *slots: self._folded(row, slots)
        if row.steps and not row.truth:  # SymPy's Heaviside has its value at 0 as an argument
            args = args[: len(row.arguments)]
        return (args, lambda *slots: self.builder.apply(row, slots)) if len(args) == len(row.arguments) else None

    def _folded(self, row: Primitive, slots: Sequence[int]) -> int:
        answer = slots[0]
        for slot in slots[1:]:
            answer = self.builder.apply(row, (answer, slot))
        return answer


class _OrderedProduct(NamedTuple):
    """A product as a rational number times factors over others."""

    scale: Fraction
    above: tuple[Any, ...]
    below: tuple[Any, ...]


_NODES_KEPT = 4096  # of which the order of terms and factors is known: formulas share them, and SymPy takes long


@lru_cache(maxsize=_NODES_KEPT)
def _terms_in_order(node: Any) -> tuple[Any, ...]:
    """The terms of a sum as they are written, a positive one first, so that −a + b reads b − a."""
    parts = node.as_ordered_terms() if len(node.args) < 50 else node.args
    if parts[0].could_extract_minus_sign():
        for k, part in enumerate(parts):
            if not part.could_extract_minus_sign():
                return (part, *parts[:k], *parts[k + 1 :])
    return tuple(parts)


@lru_cache(maxsize=_NODES_KEPT)
def _factors_in_order(node: Any, strict: bool) -> _OrderedProduct:
    """The factors of a product as they are written."""
    coefficient, rest = node.as_coeff_Mul()
    factors = rest.as_ordered_factors() if len(rest.args) < 50 else sympy.Mul.make_args(rest)
    if not strict:
        factors = _powers_joined(factors)
        coefficient *= sympy.Mul(*[f for f in factors if f.is_Rational])
        factors = [f for f in factors if not f.is_Rational]
    above: list[Any] = []
    below: list[Any] = []
    for factor in factors:
        base, exponent = factor.as_base_exp() if factor.is_Pow else (factor, sympy.S.One)
        if exponent.is_Rational and exponent < 0:
            below.append(sympy.Pow(base, -exponent, evaluate=False) if exponent != -1 else base)
        else:
            above.append(factor)
    if not coefficient.is_Rational:
        return _OrderedProduct(Fraction(1), (coefficient, *above), tuple(below))
    return _OrderedProduct(Fraction(int(coefficient.p), int(coefficient.q)), tuple(above), tuple(below))


def _powers_joined(factors: Sequence[Any]) -> Sequence[Any]:
    """Factors with u^n/u as u^(n-1), also where u is 2x and the divisor x: what the derivative of u^n comes from.

    n is no number: SymPy joins powers with numbers itself.
    """
    found = list(factors)
    for power in [f for f in factors if f.is_Pow and not f.exp.is_Rational]:
        own = {part.as_base_exp()[0] for part in sympy.Mul.make_args(power.base)} | {power.base}
        below = [f for f in found if f.is_Pow and f.exp.is_Rational and f.exp < 0 and f.base in own]
        joined = _joined(power, below) if below else None
        if joined is not None:
            found = [f for f in found if f not in below and f is not power] + joined
    return found


def _joined(power: Any, below: Sequence[Any]) -> list[Any] | None:
    """u^n over divisors as u^(n-k) and what is left of u^k over them; None where something stays below."""
    if all(f.base == power.base for f in below):
        return [sympy.Pow(power.base, power.exp + sum(f.exp for f in below))]
    for k in range(1, 1 + max(-int(f.exp) for f in below)):
        rest = sympy.Mul(power.base**k, *below)
        if rest.as_numer_denom()[1].is_Rational:
            return [*sympy.Mul.make_args(rest), sympy.Pow(power.base, power.exp - k)]
    return None

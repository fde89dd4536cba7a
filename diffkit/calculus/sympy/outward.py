"""Programs on their way to SymPy.

Sums and products become flat; what SymPy must not look into becomes an opaque symbol: conditions, step functions
(their derivative is zero) and constants it would try to evaluate without bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import sympy

from diffkit.calculus.guards import depends
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Constant, Named, Program, run_slots
from diffkit.core.rules import by_definition, by_rule
from diffkit.core.table import ABS, ADD, DIV, MUL, SUB, SUM_ROWS, Primitive
from diffkit.numbers.floats import FLOATS

_PRODUCT_ROWS = (MUL, DIV)
_MODERATE = 1e6
ASK = "use another backend, or backend=SymbolicBackend(Limits({name}=…)) if you can wait"


class _SympyAlgebra:
    """SymPy expressions over real symbols; opaque symbols are kept in ``opaque``."""

    def constant(self, value: Constant) -> Any:
        """Give an exact number."""
        if isinstance(value, Named):
            return {"pi": sympy.pi, "e": sympy.E}[value.name]
        return sympy.Rational(value.numerator, value.denominator)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the SymPy head of a row at expressions, or its definition."""
        if primitive is ABS and args[0].is_extended_real is None:  # |u| of a u that SymPy will not call real
            return sympy.Piecewise((args[0], sympy.Ge(args[0], 0, evaluate=False)), (-args[0], True))
        if primitive.continues is not None:
            return self._continued(primitive, *args)
        form = primitive.sympy
        if form is None:
            return by_definition(primitive, self, args)
        return getattr(sympy, form)(*args) if isinstance(form, str) else form(sympy, *args)

    def _continued(self, primitive: Primitive, n: Any, x: Any) -> Any:
        """The nth derivative of a row's definition, and its value at the removable point."""
        row, t = primitive.continues, sympy.Dummy("t", real=True)
        assert row is not None
        assert row.removable is not None
        at = self.constant(row.removable.at)
        value = self.constant(primitive.fold(int(n), row.removable.at))  # type: ignore[misc]
        away = sympy.diff(by_rule(row.definition, self, [t]), t, int(n)).xreplace({t: x})  # type: ignore[arg-type]
        return sympy.Piecewise((value, sympy.Eq(x, at)), (away, True))


SYMPY = _SympyAlgebra()


def _has_branches(expression: Any) -> bool:
    """Whether SymPy cannot be asked about the sign of an expression: it takes one branch's sign for that of all."""
    return expression.is_extended_real is None or expression.has(sympy.Piecewise)


class Outward:
    """One program on its way to SymPy."""

    def __init__(self, program: Program, real: bool = True):
        self.program = program
        self.symbols = [sympy.Symbol(name, real=real or None) for name in program.inputs]
        self.opaque: dict[Any, int] = {}
        self.uses = [0] * len(program)
        for _, args in program.instructions:
            for slot in args:
                self.uses[slot] += 1
        self.answers = {slot for slot in program.outputs if self.uses[slot] == 0}
        for slot in program.outputs:
            self.uses[slot] += 2  # its value is kept whole
        self.varies = depends(program)
        self.floats: list[Any] = run_slots(program, FLOATS, [math.nan] * len(program.inputs))
        self.values: list[Any] = [*self.symbols, *map(SYMPY.constant, program.constants)]
        self.pending: dict[int, list[Any]] = {}  # terms or factors of a chain that is not finished
        for slot, primitive, args in program.numbered():
            self.values.append(self._value(slot, primitive, args))

    def _value(self, slot: int, primitive: Primitive, args: tuple[int, ...]) -> Any:
        if self._is_opaque(slot, primitive, args):
            symbol = sympy.Dummy(f"o{slot}") if primitive.truth else sympy.Dummy(f"o{slot}", real=True)
            self.opaque[symbol] = slot
            return symbol
        for chain in (SUM_ROWS, _PRODUCT_ROWS):
            if primitive in chain:
                return self._chain(slot, primitive, args, chain)
        return self._guarded_apply(slot, primitive, [self.closed(a) for a in args])

    def _guarded_apply(self, slot: int, primitive: Primitive, args: Sequence[Any]) -> Any:
        if primitive is ABS and _has_branches(args[0]):
            symbol = sympy.Dummy(f"s{slot}")
            self.opaque[symbol] = -slot - 1  # the condition argument ≥ 0 of the slot, made on the way back
            return sympy.Piecewise((args[0], symbol), (-args[0], True))
        return SYMPY.apply(primitive, args)

    def _chain(self, slot: int, primitive: Primitive, args: tuple[int, ...], chain: tuple[Primitive, ...]) -> Any:
        left, right = args
        parts = self.pending.pop(left, None)
        if parts is None:
            parts = [self.values[left]]
        last = self.closed(right)
        parts.append(last if primitive in (ADD, MUL) else -last if primitive is SUB else 1 / last)
        user = self._only_user.get(slot)
        if (user is not None and user in chain) or (chain is SUM_ROWS and slot in self.answers):
            self.pending[slot] = parts
            return None
        return (sympy.Add if chain is SUM_ROWS else sympy.Mul)(*parts)

    @cached_property
    def _only_user(self) -> dict[int, Primitive]:
        """For a slot used once, and as a left operand: the primitive that uses it."""
        return {args[0]: row for row, args in self.program.instructions if self.uses[args[0]] == 1}

    def closed(self, slot: int) -> Any:
        """Give a slot's expression, its chain finished."""
        parts = self.pending.pop(slot, None)
        if parts is not None:
            instruction = self.program.instruction_at(slot)
            assert instruction is not None
            self.values[slot] = (sympy.Add if instruction[0] in SUM_ROWS else sympy.Mul)(*parts)
        return self.values[slot]

    def _is_opaque(self, slot: int, primitive: Primitive, args: tuple[int, ...]) -> bool:
        if primitive.steps:
            return True
        if self.varies[slot]:
            return False
        value = self.floats[slot]
        tame = all(math.isfinite(v) and abs(v) < _MODERATE for v in (value, *(self.floats[a] for a in args)))
        return not tame or primitive.unfolds

    @property
    def outputs(self) -> list[Any]:
        """The outputs as expressions."""
        return [self.closed(slot) for slot in self.program.outputs]

    def terms(self, output: int) -> list[Any]:
        """The terms of an output that is a sum."""
        slot = self.program.outputs[output]
        return self.pending.get(slot) or [self.values[slot]]


def check_length(program: Program, limits: Limits = DEFAULT) -> None:
    """Refuse a program that is too long."""
    if len(program) > limits.symbolic_nodes:
        raise limits.exceeded("symbolic_nodes", f"{len(program):,} operations are too many for SymPy", ASK)


def nesting(program: Program, most: float = math.inf, apart: list[bool] | None = None) -> list[int]:
    """How many levels of operations each slot has; a chain of sums or of products is one.

    What is ``apart`` has none, and whatever would have more than ``most`` is set apart.
    """
    apart = apart or [False] * len(program)
    depths = [0] * program.first_instruction
    kinds: list[Any] = [None] * program.first_instruction
    for slot, primitive, args in program.numbered():
        kind = SUM_ROWS if primitive in SUM_ROWS else _PRODUCT_ROWS if primitive in _PRODUCT_ROWS else None
        depth = 1 + max(depths[a] for a in args)
        if kind is not None and kinds[args[0]] is kind:
            depth = max(depths[args[0]], *(depths[a] + 1 for a in args[1:]))
        apart[slot] = apart[slot] or (depth >= most and not primitive.truth)
        depths.append(0 if apart[slot] else depth)
        kinds.append(None if apart[slot] else kind)
    return depths


def check_size(program: Program, limits: Limits = DEFAULT) -> None:
    """Refuse what SymPy would take minutes over: what is too long, or too deep."""
    check_length(program, limits)
    if max(nesting(program), default=0) > limits.symbolic_depth:
        raise limits.exceeded("symbolic_depth", "the expression is nested too deeply for SymPy", ASK)


def to_sympy(program: Program, limits: Limits = DEFAULT, *, real: bool = True) -> list[Any]:
    """Give the outputs as SymPy expressions over real symbols (or plain ones), with nothing opaque in them."""
    check_size(program, limits)
    out = Outward(program, real)
    expressions = out.outputs
    replacements: dict[Any, Any] = {}
    for symbol, slot in out.opaque.items():
        if slot >= 0 and not out.varies[slot]:
            raise limits.exceeded("constant_bits", "a constant is too large for SymPy", "there is no SymPy form of it")
        instruction = program.instruction_at(slot if slot >= 0 else -slot - 1)
        assert instruction is not None
        primitive, args = instruction
        values = [out.closed(a) for a in args]
        meant = sympy.Ge(values[0], 0, evaluate=False) if slot < 0 else SYMPY.apply(primitive, values)
        replacements[symbol] = meant.xreplace(replacements)
    return [expression.xreplace(replacements) for expression in expressions]

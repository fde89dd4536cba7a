"""``sympy.diff`` of a Program, step by step within limits, read back: an opaque symbol becomes the slot it stands for.

The product rule makes m products of m factors, the next one m² of them: what people write in a line can fill the
memory at the third derivative. So the size of a derivative is foretold from the tree it is taken of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy.core.exprtools import factor_terms
from sympy.simplify.simplify import signsimp

from diffkit.calculus.sympy.inward import Inward
from diffkit.calculus.sympy.outward import ASK, Outward, check_length, check_size
from diffkit.calculus.sympy.sums import differentiate_sums, has_wide_sums
from diffkit.core.builder import NAMED, ProgramBuilder
from diffkit.core.errors import BackendError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Index, Program
from diffkit.core.rules import by_rule, defined
from diffkit.core.table import table

STEP = 4  # times the limit of nodes, which one step may make
ALL = 40  # times the limit, which all steps together may make
TIDY = 400  # arguments of a derivative of higher order up to which SymPy collects its common factors, as it is read
POWER, EXP = table["power"], table[table.one(base="e").inverse]


class Stepwise:
    """Derivatives of terms of one program, within the limits together."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.left = ALL * limits.symbolic_nodes

    def diff(self, term: Any, symbols: Sequence[Any]) -> Any:
        """Give the derivative; LimitError where it is larger than SymPy can take."""
        for symbol in symbols:
            size = foretold(term, symbol)
            self.left -= size
            if size > STEP * self.limits.symbolic_nodes or self.left < 0:
                raise self.limits.exceeded("symbolic_nodes", "the derivative is too large for SymPy", ASK)
            term = sympy.diff(term, symbol)
        if len(symbols) > 1 and foretold(term, None) <= TIDY:
            return factor_terms(signsimp(term))
        return term


def foretold(expression: Any, symbol: Any) -> int:
    """About how many arguments the operations of the derivative by a symbol have; of the expression itself for None.

    A product of m factors, k of which vary, has a derivative of k·m; everything else about twice its own.
    """
    varies: dict[Any, bool] = {}
    size = 0
    stack = [expression]
    while stack:
        node = stack[-1]
        waiting = [] if node in varies else [part for part in node.args if part not in varies]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node in varies:
            continue
        moving = sum(varies[part] for part in node.args)
        varies[node] = moving > 0 or node == symbol
        if symbol is None:
            size += len(node.args)
        elif moving:
            size += moving * len(node.args) if node.is_Mul else 2 * len(node.args)
    return size


def symbolic_derivative(program: Program, indices: Sequence[Index], limits: Limits = DEFAULT) -> Program:
    """Give the program of partial derivatives as ``sympy.diff`` finds them, one output per index.

    Of wide sums, as data make them, SymPy sees each form of term once.
    """
    if has_wide_sums(program):
        check_length(program, limits)
        return differentiate_sums(program, indices, lambda form, wanted: _differentiate(form, wanted, limits))
    return _differentiate(program, indices, limits)


def _differentiate(program: Program, indices: Sequence[Index], limits: Limits) -> Program:
    program = _filled(program, max((len(index) for _, index in indices), default=0))
    check_size(program, limits)
    try:
        out = Outward(program)
        # term by term: SymPy takes long over wide sums, and the order in which they were written is kept
        stepwise = Stepwise(limits)
        derivatives = [
            [stepwise.diff(term, [out.symbols[i] for i in index]) for term in out.terms(k)] for k, index in indices
        ]
    except RecursionError:
        raise limits.exceeded("symbolic_depth", "the derivative is nested too deeply for SymPy", ASK) from None
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        reason = str(error).split("\n", 1)[0][:80] or type(error).__name__
        raise BackendError(f"SymPy cannot differentiate this: {reason}", hint="use another backend") from None
    builder = ProgramBuilder.of(program)
    known = {symbol: slot for slot, symbol in enumerate(out.symbols)}
    for symbol, slot in out.opaque.items():
        if slot >= 0:
            known[symbol] = slot
        else:
            instruction = program.instruction_at(-slot - 1)
            assert instruction is not None
            known[symbol] = builder.apply(table["ge"], (instruction[1][0], builder.constant(0)))
    inward = Inward(builder, known, powers_of_e=_writes_powers_of_e(program))
    return builder.program([inward.total(terms) for terms in derivatives], program.inputs)


def _filled(program: Program, order: int) -> Program:
    """Rows with removable points by their definitions, and by their power series, up to an order, at the points."""
    if not any(row.removable or row.continues for row, _ in program.instructions):
        return program
    builder = ProgramBuilder(program.inputs)
    slots = [builder.input(name) for name in program.inputs] + [builder.constant(value) for value in program.constants]
    for row, args in program.instructions:
        if row.continues is not None:
            raise BackendError(f"SymPy cannot differentiate {row.name}", hint="use another backend")
        own = [slots[arg] for arg in args]
        slots.append(by_rule(defined(row, order), builder, own) if row.removable else builder.apply(row, own))
    return builder.program([slots[output] for output in program.outputs], program.inputs)


def _writes_powers_of_e(program: Program) -> bool:
    """Whether exponentials are written e^x in a program, and nowhere exp(x)."""
    written = {program.constant_at(args[0]) for row, args in program.instructions if row is POWER}
    return NAMED["e"] in written and all(row is not EXP for row, _ in program.instructions)

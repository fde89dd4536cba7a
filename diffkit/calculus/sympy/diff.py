"""``sympy.diff`` of a Program, read back into a Program: each opaque symbol becomes the slot it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from diffkit.calculus.sympy.inward import Inward
from diffkit.calculus.sympy.outward import ASK, Outward, check_length, check_size
from diffkit.calculus.sympy.stepwise import Stepwise
from diffkit.calculus.sympy.sums import differentiate_sums, has_wide_sums
from diffkit.core.builder import NAMED, ProgramBuilder
from diffkit.core.errors import BackendError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Index, Program
from diffkit.core.table import table

EXP, POWER = table["exp"], table["power"]


def symbolic_derivative(program: Program, indices: Sequence[Index], limits: Limits = DEFAULT) -> Program:
    """Give the program of partial derivatives as ``sympy.diff`` finds them, one output per index.

    Of wide sums, as data make them, SymPy sees each form of term once.
    """
    if has_wide_sums(program):
        check_length(program, limits)
        return differentiate_sums(program, indices, lambda form, wanted: _differentiate(form, wanted, limits))
    return _differentiate(program, indices, limits)


def _differentiate(program: Program, indices: Sequence[Index], limits: Limits) -> Program:
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


def _writes_powers_of_e(program: Program) -> bool:
    """Whether exponentials are written e^x in a program, and nowhere exp(x)."""
    written = {program.constant_at(args[0]) for row, args in program.instructions if row is POWER}
    return NAMED["e"] in written and all(row is not EXP for row, _ in program.instructions)

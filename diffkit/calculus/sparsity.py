"""Which partial derivatives of a program are not zero everywhere, read off what its instructions combine.

Jacobian: what an output is computed from. Hessian: pairs of inputs that meet in an instruction that is not linear in
what they move (Griewank & Walther, Evaluating Derivatives, 2nd ed., section 7.3). What is left out is 0 wherever f has
a value; kinks and edges are never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from diffkit.calculus.element_functions import ElementFunction
from diffkit.calculus.guards import inputs_of, set_bits, sources
from diffkit.core.deadline import in_time
from diffkit.core.program import Program
from diffkit.core.table import DIV, LINEAR_ROWS, MUL


def array_pattern(program: Program, order: int) -> list[list[int]] | None:
    """The same of a Program of arrays, entry by entry, the inputs being numbered flat; None where it sorts."""
    import numpy as np

    from diffkit.calculus.array_derivatives import gradient_program
    from diffkit.calculus.array_masks import dependence
    from diffkit.core.array_operations import Order, Put, Take

    if any(isinstance(row, (Order, Put, Take)) for row, _ in program.instructions):
        return None
    count = sum(map(prod, program.lengths))
    if order == 2:
        program = gradient_program(program)
    found = dependence(program, range(count), [None] * len(program), locally=False)
    return [np.flatnonzero(row).tolist() for row in found]


def jacobian_pattern(program: Program) -> list[list[int]]:
    """For each output the inputs that it varies with."""
    moves = inputs_of(program)
    return [list(set_bits(moves[output])) for output in program.outputs]


def hessian_pattern(program: Program, functions: Sequence[ElementFunction] | None = None) -> list[list[int]]:
    """For each input those with which it has a second partial of the only output that may not be 0.

    Of a sum of element functions, one term of each is looked at.
    """
    if functions is None:
        return [list(set_bits(row)) for row in _meetings(program)]
    found: list[set[int]] = [set() for _ in program.inputs]
    for function in functions:
        local = [list(set_bits(row)) for row in _meetings(function.program)]
        for variables in function.terms:
            for variable, others in zip(variables, local, strict=True):
                found[variable].update([variables[other] for other in others])
    return [sorted(row) for row in found]


def _meetings(program: Program) -> list[int]:
    """For each input those that it meets, as bits."""
    moves, needed = inputs_of(program), sources(program, program.outputs[0])
    found = [0] * len(program.inputs)
    met: set[tuple[int, int]] = set()
    for slot, row, args in in_time(program.numbered()):
        if slot not in needed or row in LINEAR_ROWS or (row is DIV and not moves[args[1]]):
            continue
        left, right = (moves[args[0]], moves[args[-1]]) if row is MUL else (moves[slot], moves[slot])
        for one, other in ((left, right), (right, left)):
            if (one, other) not in met:
                met.add((one, other))
                for i in set_bits(one):
                    found[i] |= other
    return found

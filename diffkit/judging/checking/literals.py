"""What the rounding of literals does to a program's outputs, to first order: Σ|∂out/∂c|·½ulp(c).

One sweep in reverse over the constants gives all of ∂out/∂c (Griewank & Walther, Evaluating Derivatives, 2nd ed.,
eq. 3.7); its terms cancel as those of the program do, so that the effect on a recurrence is what it is, and not what
absolute values carried forward would make of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diffkit.calculus.derivatives import sweep_back
from diffkit.core.program import Constant, Named, Program, run_slots
from diffkit.core.rules import partial
from diffkit.core.table import Primitive, table
from diffkit.judging.checking.exact_difference import was_rounded
from diffkit.numbers.floats import FLOATS

WHERE = table["where"]


def effect_of_literals(program: Program, point: Sequence[float], code: bool) -> Any:
    """What half a unit in the last place of every rounded literal may change each output by; infinite if not bounded.

    ``code``: constants are the binary64 they hold, and one that no short decimal gives exactly was rounded when it
    was written. Otherwise they are exact decimals, and the code beside them holds the nearest binary64.
    """
    count = len(program.inputs)
    values = run_slots(program, FLOATS, [float(x) for x in point])
    halves = [_half_unit(c, v, code) for c, v in zip(program.constants, values[count:], strict=False)]
    rounded = [count + k for k, half in enumerate(halves) if half]
    if not rounded:
        return np.zeros(len(program.outputs))
    with np.errstate(all="ignore"):
        bars = _adjoints(program, values, rounded)
        total = sum(np.abs(bars[slot]) * halves[slot - count] for slot in rounded if slot in bars)
    return np.where(np.isnan(total), math.inf, total) + np.zeros(len(program.outputs))


def _half_unit(constant: Constant, value: float, code: bool) -> float:
    """Half a unit in the last place of a constant that was rounded, 0 of any other."""
    rounded = isinstance(constant, Named) or (was_rounded(constant) if code else Fraction(value) != constant)
    return math.ulp(value) / 2 if rounded else 0.0


def _adjoints(program: Program, values: Sequence[Any], rounded: Sequence[int]) -> dict[int, Any]:
    """∂output/∂slot of every slot that a rounded constant reaches, one for each output."""
    reached = [slot in rounded for slot in range(program.first_instruction)]
    for _, args in program.instructions:
        reached.append(any(reached[a] for a in args))
    outputs = np.array(program.outputs)
    seeds = {output: np.where(outputs == output, 1.0, 0.0) for output in program.outputs}

    def handed(slot: int, row: Primitive, args: Sequence[int], adjoint: Any) -> Iterator[tuple[int, Any]]:
        if not reached[slot] or row.truth or not adjoint.any():
            return
        own = [values[a] for a in args]
        if row is WHERE:
            yield args[1 if own[0] else 2], adjoint
            return
        for k, arg in enumerate(args):
            if reached[arg] and row.partials[k] is not None:
                yield arg, adjoint * partial(row, k).at(FLOATS, own, values[slot])

    return sweep_back(program, seeds, handed, np.add)

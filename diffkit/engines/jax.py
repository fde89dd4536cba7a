"""Lowered code as JAX, for its compiler: whole batches, on accelerators where there are any (extra ``jax``).

The source is the one that people are given. Values are those of the interpreter within a few units in the last place,
as XLA has functions of its own and fuses products with sums; so pairs, whose parts are rounding errors, are refused.
It takes what is below 2⁻¹⁰²² on the way for 0, so this engine is taken only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import count
from math import isfinite
from typing import Any

from diffkit.core.errors import BackendError
from diffkit.core.folding import exact
from diffkit.core.program import Program, maker
from diffkit.engines import BatchCall, Unsuited
from diffkit.engines.lowering import Lowered
from diffkit.engines.pythonic import Jax
from diffkit.engines.statements import Spelling, Statements


def compile_batch(lowered: Lowered) -> BatchCall:
    """Give the function of points (B, n) that writes the values at each into an array (B, m).

    Its answer is which points are ordinary, or None if all are. Unsuited for pairs, and for a row that JAX has not.
    """
    import jax
    import numpy as np

    if lowered.precision == "pairs":
        raise Unsuited("JAX computes in double, not in pairs")
    compute = jax.jit(partial(_with_mask, lowered, _function(lowered.program)))

    def batch(points: Any, out: Any) -> Any:
        with jax.enable_x64(True):
            out[:], ordinary = compute(np.asarray(points, dtype=float))
        kept = np.array(ordinary)
        return None if kept.all() else kept

    return batch


def _with_mask(lowered: Lowered, call: Callable[..., Sequence[Any]], points: Any) -> tuple[Any, Any]:
    """The values at the rows of an array, and which of these are ordinary."""
    import jax.numpy as jnp

    found = call(*points.T)
    plain = lowered.values + lowered.finite
    ordinary = jnp.ones(len(points), dtype=bool)
    for column in found[:plain]:
        ordinary &= jnp.isfinite(column)
    for column, positive in zip(found[plain:], lowered.edges, strict=True):
        ordinary &= (column > 0) if positive else (column != 0)
    return jnp.stack(found[: lowered.values], axis=-1), ordinary


def _function(program: Program) -> Callable[..., Sequence[Any]]:
    """The outputs of a program as a function of its inputs, in JAX."""
    import jax
    import jax.numpy
    import jax.scipy.special

    if not program.inputs or not all(isfinite(c) for c in program.constants):  # type: ignore[arg-type]
        raise Unsuited("JAX is given finite constants, and something that varies")
    constants = tuple(exact(Fraction(c)) for c in program.constants)  # type: ignore[arg-type]
    builder = _Verbatim(program.inputs, Jax)
    try:
        found = builder.spelled(replace(program, constants=constants))
    except BackendError as error:
        raise Unsuited(error.reason) from None
    inputs = [f"x{k}" for k in range(len(program.inputs))]
    written = Statements(found, Jax, inputs, map("t{}".format, count()))
    lines = [f"{s.name} = {s.text}" for s in written.found]
    lines.append(f"return [{', '.join(f'jnp.broadcast_to({text}, {inputs[0]}.shape)' for text in written.outputs)}]")
    call: Callable[..., Sequence[Any]] = maker(inputs, lines, ("jax", "jnp"))(jax, jax.numpy)
    return call


class _Verbatim(Spelling):
    """A builder that simplifies nothing: each operation of lowered code rounds."""

    def _made(self, key: tuple[Any, ...]) -> int:
        return self._new(None, key, 0)

"""Lowered code, and Programs of arrays, as JAX, for its compiler: whole batches, on accelerators too (extra ``jax``).

The source is the one that people are given. Values are those of the interpreter within a few units in the last place,
as XLA has functions of its own and fuses products with sums; so pairs, whose parts are rounding errors, are refused.
It takes what is below 2⁻¹⁰²² on the way for 0, so this engine is taken only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from itertools import count
from math import isfinite
from typing import Any

from diffkit.core.array_operations import Gather, Reshape, Scaled, Spread, Total
from diffkit.core.contractions import Contract
from diffkit.core.errors import BackendError
from diffkit.core.folding import exact
from diffkit.core.program import Program, maker
from diffkit.core.table import WHERE, Primitive
from diffkit.engines import BatchCall, Unsuited
from diffkit.engines.lowering import Lowered
from diffkit.engines.pythonic import Jax
from diffkit.engines.statements import Spelling, Statements
from diffkit.numbers.arrays import ARRAYS


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


def compile_stack(program: Program, finish: Callable[[Any, list[Any]], Any]) -> Callable[..., Any]:
    """Give the function of stacks of the inputs of a program of arrays, which have one more axis in front.

    It gives what ``finish`` makes of JAX's NumPy and of the outputs at each, as arrays of NumPy; that is compiled too.
    Unsuited for an operation that is not written for JAX.
    """
    import jax
    import jax.numpy
    import numpy as np

    functions = [_array_function(row, jax.numpy) for row, _ in program.instructions]

    def at_one(*inputs: Any) -> Any:
        slots = [*inputs, *(jax.numpy.asarray(ARRAYS.constant(c)) for c in program.constants)]
        for function, (_, args) in zip(functions, program.instructions, strict=True):
            slots.append(function(*(slots[a] for a in args)))
        return finish(jax.numpy, [slots[slot] for slot in program.outputs])

    compute = jax.jit(jax.vmap(at_one))

    def stack(*inputs: Any) -> Any:
        with jax.enable_x64(True):
            return tuple(map(np.asarray, compute(*inputs)))

    return stack


def _array_function(row: Any, jnp: Any) -> Callable[..., Any]:
    """A row or an operation as a function of arrays of JAX."""
    if isinstance(row, Primitive):
        choose: Callable[..., Any] = jnp.where
        return choose if row is WHERE else partial(_of_row, jnp, _row_function(row))
    if isinstance(row, Contract):
        return partial(jnp.einsum, f"{row.left},{row.right}->{row.out}")
    if isinstance(row, Gather):
        return partial(_gather, jnp, row)
    simple: dict[type, Callable[..., Any]] = {
        Reshape: lambda x: jnp.reshape(x, row.new),
        Spread: lambda x: jnp.broadcast_to(x, row.new),
        Total: lambda x: jnp.sum(x, axis=row.axes),
        Scaled: lambda x, y: jnp.where(x == 0, 0.0, x * y),
    }
    if type(row) not in simple:
        raise Unsuited(f"{row.name} is not written for JAX")
    return simple[type(row)]


def _of_row(jnp: Any, function: Callable[..., Any], *args: Any) -> Any:
    """A function of arrays of one shape at some that are broadcast."""
    return function(*jnp.broadcast_arrays(*args))[0]


@cache
def _row_function(row: Primitive) -> Callable[..., Sequence[Any]]:
    names = tuple(f"x{k}" for k in range(len(row.arguments)))
    return _function(Program(names, (), ((row, tuple(range(len(names)))),), (len(names),)))


def _gather(jnp: Any, row: Gather, *args: Any) -> Any:
    """Entries of the pool; a run of them is a slice, and a run among zeros is padded, which XLA can fuse."""
    positions = row.indices.array
    if len(args) > 1:
        return jnp.concatenate([jnp.zeros(1), *map(jnp.ravel, args)])[positions]
    flat, found = jnp.ravel(args[0]), positions.ravel()
    (places,) = found.nonzero()
    run = found[places]
    if len(run) and (places[1:] - places[:-1] == 1).all() and (run[1:] - run[:-1] == 1).all():
        around = int(places[0]), len(found) - int(places[-1]) - 1
        return jnp.pad(flat[int(run[0]) - 1 : int(run[-1])], around).reshape(positions.shape)
    return jnp.concatenate([jnp.zeros(1), flat])[positions] if row.padded else flat[positions - 1]


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

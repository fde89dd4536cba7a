"""Which entries of the slots of a Program of arrays vary, matter to an output, or lead to one another: truths by entry.

A path through an operation on whole matrices joins all entries of a matrix. What only one branch of a choice needs
matters where the branch is taken; what is not decided matters on both sides.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation, Gather, Order, Put, Reshape, Scaled, Spread, Take, Total
from diffkit.core.contractions import Contract
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, Shape
from diffkit.core.table import MAX, MIN, MUL, WHERE, Primitive

Mask = Any
"""an array of truths in the shape of a slot"""


def reached(
    program: Program, inputs: Sequence[Mask], values: Sequence[Any], seeds: Mapping[int, Mask] | None = None,
    locally: bool = False,
) -> list[Mask]:  # fmt: skip
    """Entries of all slots that depend on some entries of the inputs, and of other slots, the ``seeds``.

    ``values`` tell orders; ``locally`` they tell the ways along which a derivative may be other than zero: not through
    conditions and steps, the branch of a choice that is not taken, or a factor of zero.
    """
    kind = inputs[0].dtype if inputs else np.dtype(bool)
    found = [*inputs, *(np.zeros(shape, kind) for shape in program.shapes[len(inputs) : program.first_instruction])]
    for slot, row, args in in_time(program.numbered()):
        masks = [found[a] for a in args]
        if locally and (row.truth or row.steps):
            masks = [np.zeros((), kind)]
        elif locally and (gates := _gates(row, [values[a] for a in args])):
            masks = [np.where(gate, mask, kind.type(0)) for gate, mask in zip(gates, masks, strict=True)]
        mask = np.broadcast_to(_forward(row, masks, [values[a] for a in args]), program.shapes[slot])
        found.append(mask | seeds[slot] if seeds and slot in seeds else mask)
    return found


def _forward(row: Any, masks: Sequence[Mask], orders: Sequence[Any]) -> Mask:
    """Which entries of a value depend on entries of its arguments; of words of truths, bit by bit."""
    if isinstance(row, (Primitive, Scaled)):
        return reduce(operator.or_, masks)
    if not any(mask.any() for mask in masks):
        return np.zeros(row.shape(*[m.shape for m in masks]), masks[0].dtype if masks else bool)
    if isinstance(row, Gather):
        return np.concatenate([np.zeros(1, masks[0].dtype), *map(np.ravel, masks)])[row.indices.array]
    if isinstance(row, (Reshape, Spread)):
        return row.value(*masks)
    if isinstance(row, Total):
        return np.bitwise_or.reduce(masks[0], axis=row.axes)
    if isinstance(row, Contract):
        return _onto(masks[0], row.left, row.out) | _onto(masks[1], row.right, row.out)
    if isinstance(row, (Take, Put)):
        return row.value(masks[0], orders[1]) | masks[1]
    if isinstance(row, Order):
        return np.broadcast_to(np.bitwise_or.reduce(masks[0], axis=-1, keepdims=True), masks[0].shape)
    touched = reduce(operator.or_, [np.bitwise_or.reduce(m, axis=(-2, -1)) for m in masks])
    shape = row.shape(*[m.shape for m in masks])
    return np.broadcast_to(touched[(..., *[None] * (len(shape) - touched.ndim))], shape)


def _onto(mask: Mask, letters: str, out: str) -> Mask:
    """An operand's mask onto the axes of the result, of length 1 where it has none."""
    lost = tuple(k for k, c in enumerate(letters) if c not in out)
    kept = [c for c in letters if c in out]
    found = np.transpose(np.bitwise_or.reduce(mask, axis=lost), [kept.index(c) for c in out if c in kept])
    lengths = iter(found.shape)
    return found.reshape([next(lengths) if c in kept else 1 for c in out])


WORD = 64
"""inputs whose reach is found together"""


def dependence(program: Program, columns: Sequence[int], values: Sequence[Any], locally: bool = True) -> Any:
    """Which entries of the outputs, flat, vary around the point with some entries of the inputs: (outputs, columns).

    Not ``locally``, whatever is chosen: then ``values`` tell orders only.
    """
    sizes = [math.prod(shape) for shape in program.lengths]
    ends = list(accumulate(sizes))
    found = []
    for first in range(0, len(columns), WORD):
        part = list(columns[first : first + WORD])
        words = np.zeros(ends[-1], dtype=np.uint64)
        np.bitwise_or.at(words, part, np.uint64(1) << np.arange(len(part), dtype=np.uint64))
        inputs = [
            words[end - size : end].reshape(shape)
            for end, size, shape in zip(ends, sizes, program.lengths, strict=True)
        ]
        masks = reached(program, inputs, values, locally=locally)
        outputs = np.concatenate([np.ravel(masks[slot]) for slot in program.outputs])
        found.append((outputs[:, None] >> np.arange(len(part), dtype=np.uint64)) & np.uint64(1) != 0)
    return np.concatenate(found, axis=1)


def needed(
    program: Program, seeds: Mapping[int, Mask], values: Sequence[Any], smoothly: bool = False
) -> dict[int, Mask]:
    """Entries of the slots that matter to some entries of others; ``values`` tell conditions and orders.

    Of max and min both arguments matter to the value; ``smoothly``, only the one that is handed on.
    """
    shapes = program.shapes

    def handed(slot: int, row: Any, args: tuple[int, ...], mask: Mask) -> Iterable[tuple[int, Mask]]:
        if not mask.any():
            return
        for k, arg in enumerate(args):
            if isinstance(row, Primitive):
                chooses = (row is WHERE and k) or (smoothly and row in (MAX, MIN))
                through = mask & taken_in(row, [values[a] for a in args], k) if chooses else mask
                yield arg, narrowed_mask(np.broadcast_to(through, shapes[slot]), shapes[arg])
            else:
                yield arg, _backward(row, mask, k, [shapes[a] for a in args], [values[a] for a in args])

    return _swept(program, seeds, handed)


def _swept(program: Program, seeds: Mapping[int, Mask], handed: Any) -> dict[int, Mask]:
    """The sweep, through steps and truths too."""
    bars = dict(seeds)
    for slot in range(len(program) - 1, program.first_instruction - 1, -1):
        if slot in bars:
            instruction = program.instruction_at(slot)
            assert instruction is not None
            for arg, term in handed(slot, *instruction, bars[slot]):
                bars[arg] = term if arg not in bars else bars[arg] | term
    return bars


def taken_in(row: Primitive, values: Sequence[Any], k: int) -> Mask:
    """Where a row that chooses among its arguments may hand on what depends on argument k; what is open may be any."""
    if row is WHERE:
        truths = np.asarray(values[0], dtype=object)
        return (truths == None, truths != False, truths != True)[k]  # noqa: E711, E712 truths are objects
    larger = _larger if (row is MAX) == (k == 0) else _smaller
    return np.asarray(larger(*values), dtype=bool)


_larger = np.frompyfunc(lambda a, b: not a < b, 2, 1)
_smaller = np.frompyfunc(lambda a, b: not a > b, 2, 1)


def _gates(row: Any, values: Sequence[Any]) -> list[Any]:
    """Where the slopes of a row by its arguments are not known to be zero; empty for most rows."""
    if row is WHERE:
        return [np.False_, taken_in(row, values, 1), taken_in(row, values, 2)]
    if row in (MAX, MIN):
        return [taken_in(row, values, k) for k in range(2)]
    if row is MUL or isinstance(row, Scaled):
        return [~np.asarray(values[1 - k] == 0, dtype=bool) for k in range(2)]
    return []


def narrowed_mask(mask: Mask, shape: Shape) -> Mask:
    """Of what an entry was repeated to, any."""
    extra = mask.ndim - len(shape)
    axes = (*range(extra), *(extra + k for k, n in enumerate(shape) if n == 1 and mask.shape[extra + k] != 1))
    return mask.any(axis=axes).reshape(shape) if axes else mask


def _backward(row: ArrayOperation, mask: Mask, k: int, shapes: Sequence[Shape], values: Sequence[Any]) -> Mask:
    """Which entries of an argument some entries of an operation's value need."""
    if isinstance(row, Gather):
        ends = list(accumulate(map(math.prod, shapes), initial=1))
        pool = np.zeros(ends[-1], dtype=bool)
        pool[row.indices.array[mask]] = True
        return pool[ends[k] : ends[k + 1]].reshape(shapes[k])
    if isinstance(row, Reshape):
        return mask.reshape(shapes[k])
    if isinstance(row, (Spread, Scaled)):
        return narrowed_mask(mask, shapes[k])
    if isinstance(row, Total):
        return np.broadcast_to(np.expand_dims(mask, row.axes), shapes[k])
    if isinstance(row, Contract):
        return np.broadcast_to(_onto(mask, row.out, row.left if k == 0 else row.right), shapes[k])
    if isinstance(row, (Take, Put)):
        other = Put() if isinstance(row, Take) else Take()
        if k == 0:
            return other.value(mask, values[1])
        return mask if isinstance(row, Take) else np.broadcast_to(mask.any(axis=-1, keepdims=True), shapes[1])
    if isinstance(row, Order):
        return np.broadcast_to(mask.any(axis=-1, keepdims=True), shapes[0])
    stack = len(shapes[k]) - 2
    touched = mask.any(axis=tuple(range(stack, mask.ndim))) if mask.ndim > stack else mask
    return np.broadcast_to(touched[..., None, None], shapes[k])


__all__ = ["dependence", "narrowed_mask", "needed", "reached"]

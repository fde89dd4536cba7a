"""Which entries of the slots of a Program of arrays vary, matter to an output, or lead to one another: truths by entry.

A path through an operation on whole matrices joins all entries of a matrix. What only one branch of a choice needs
matters where the branch is taken; what is not decided matters on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from diffkit.core.array_operations import (
    ArrayOperation,
    Contract,
    Gather,
    Kept,
    Order,
    Put,
    Reshape,
    Spread,
    Take,
    Total,
)
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, Shape
from diffkit.core.table import MAX, MIN, WHERE, Primitive
from diffkit.numbers.arrays import ARRAYS

Mask = Any
"""an array of truths in the shape of a slot"""
_WITHIN = (Gather, Reshape, Spread, Total)
"""operations of which an entry depends on the entries that it is made of alone"""


def reached(
    program: Program, inputs: Sequence[Mask], orders: Mapping[int, Any], seeds: Mapping[int, Mask] | None = None
) -> list[Mask]:
    """Entries of all slots that depend on some entries of the inputs, and of other slots, the ``seeds``.

    ``orders`` are the values of orders by slot.
    """
    found = [*inputs, *(np.zeros(shape, bool) for shape in program.shapes[len(inputs) : program.first_instruction])]
    for slot, row, args in in_time(program.numbered()):
        masks = [found[a] for a in args]
        mask = np.broadcast_to(_forward(row, masks, [orders.get(a) for a in args]), program.shapes[slot])
        found.append(mask | seeds[slot] if seeds and slot in seeds else mask)
    return found


def _forward(row: Any, masks: Sequence[Mask], orders: Sequence[Any]) -> Mask:
    """Which entries of a value depend on entries of its arguments."""
    if isinstance(row, (Primitive, Kept)):
        found = masks[0]
        for mask in masks[1:]:
            found = found | mask
        return found
    if not any(mask.any() for mask in masks):
        return np.zeros(row.shape(*[m.shape for m in masks]), bool)
    if isinstance(row, _WITHIN):
        return np.asarray(row.value(*masks)) > 0
    if isinstance(row, Contract):
        a, b = (m.astype(float) for m in masks)
        return (row.value(a, np.ones(b.shape)) + row.value(np.ones(a.shape), b)) > 0
    if isinstance(row, (Take, Put)):
        return row.value(masks[0], orders[1]) | masks[1]
    if isinstance(row, Order):
        return np.broadcast_to(masks[0].any(axis=-1, keepdims=True), masks[0].shape)
    touched = np.any([m.any(axis=(-2, -1)) for m in masks], axis=0)
    shape = row.shape(*[m.shape for m in masks])
    return np.broadcast_to(touched[(..., *[None] * (len(shape) - touched.ndim))], shape)


def needed(
    program: Program, seeds: Mapping[int, Mask], values: Sequence[Any], chosen: Mapping[int, Mask] | None = None
) -> dict[int, Mask]:
    """Entries of the slots that matter to some entries of others; ``values`` tell conditions and orders.

    ``chosen`` says for max and min, by slot, where the first argument is the one that is handed on (1), the other (−1),
    or it is open (0); without it both arguments matter.
    """
    shapes = program.shapes

    def handed(slot: int, row: Any, args: tuple[int, ...], mask: Mask) -> Iterable[tuple[int, Mask]]:
        if not mask.any():
            return
        for k, arg in enumerate(args):
            if isinstance(row, Primitive):
                through = mask & _taken(row, values, args, k, None if chosen is None else chosen.get(slot))
                yield arg, _narrowed(np.broadcast_to(through, shapes[slot]), shapes[arg])
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


def _taken(row: Primitive, values: Sequence[Any], args: Sequence[int], k: int, chosen: Any) -> Any:
    """Where a row may need its argument k."""
    if row is WHERE and k:
        truths = np.asarray(values[args[0]], dtype=object)
        return truths != False if k == 1 else truths != True  # noqa: E712 None is neither
    if chosen is not None and row in (MAX, MIN):
        return chosen >= 0 if k == 0 else chosen <= 0
    return np.True_


def _narrowed(mask: Mask, shape: Shape) -> Mask:
    """Of what an entry was repeated to, any."""
    extra = mask.ndim - len(shape)
    axes = (*range(extra), *(extra + k for k, n in enumerate(shape) if n == 1 and mask.shape[extra + k] != 1))
    return mask.any(axis=axes).reshape(shape) if axes else mask


def _backward(row: ArrayOperation, mask: Mask, k: int, shapes: Sequence[Shape], values: Sequence[Any]) -> Mask:
    """Which entries of an argument some entries of an operation's value need."""
    if isinstance(row, (*_WITHIN, Contract)):
        ones = [np.ones(shape) for shape in shapes]
        return np.asarray(row.pull(ARRAYS, ones, None, k, mask.astype(float), shapes)) > 0
    if isinstance(row, Kept):
        return mask
    if isinstance(row, (Take, Put)):
        other = Put() if isinstance(row, Take) else Take()
        own = mask.any(axis=-1, keepdims=True)
        return other.value(mask, values[1]) if k == 0 else np.broadcast_to(own, shapes[1])
    if isinstance(row, Order):
        return np.broadcast_to(mask.any(axis=-1, keepdims=True), shapes[0])
    stack = len(shapes[k]) - 2
    touched = mask.any(axis=tuple(range(stack, mask.ndim))) if mask.ndim > stack else mask
    return np.broadcast_to(touched[..., None, None], shapes[k])


__all__ = ["needed", "reached"]

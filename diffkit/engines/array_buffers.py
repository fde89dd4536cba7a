"""Programs of arrays as calls of NumPy that write into buffers, which stay where they are from one call to the next.

What moves no numbers, as another shape does, is a view that is made once; what nobody wants any more is written over.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffkit.core.array_operations import Gather, Order, Put, Reshape, Scaled, Spread, Take, Total
from diffkit.core.contractions import Contract, parted
from diffkit.core.program import SMALL_POWERS, Program
from diffkit.core.table import POWER, WHERE, Primitive
from diffkit.engines.blocks import aligned, writing
from diffkit.engines.threads import processors
from diffkit.numbers.arrays import ARRAYS, array_function

_SHORT_SUM = 64  # terms of a sum, or numbers in a row of it, below which a product with ones is quicker
_MOVING = (Gather, Reshape, Spread, Take, Put)
"""operations whose entries are those of their first argument"""
_SEEN_THROUGH = (Gather, Reshape, Spread)
"""those of them that may be a view"""


def compile_arrays(
    program: Program, finish: Callable[[list[Any]], Any], data: Sequence[Any] = ()
) -> Callable[..., Any]:
    """Give the function of the inputs, arrays in their shapes: what ``finish`` makes of the outputs.

    The last inputs may be ``data``, arrays that are read where they stand at every call.

    These stand in buffers, so ``finish`` keeps none of them. It is to be called under ``np.errstate``, by any number
    of threads at once.
    """
    spare: deque[_Buffers] = deque(maxlen=processors())

    def call(*inputs: Any) -> Any:
        try:
            buffers = spare.pop()
        except IndexError:
            buffers = _Buffers(program, data)
        found = finish(buffers.run(inputs))
        spare.append(buffers)
        return found

    return call


class _Buffers:
    """Where each slot of a program stands, and the calls that fill in what varies with the inputs."""

    def __init__(self, program: Program, data: Sequence[Any]):
        self.program = program
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.free: dict[int, list[Any]] = {}
        self.held: dict[int, list[Any]] = {}
        """buffers by the root that they are wanted for"""
        lengths = program.shapes[: len(program.inputs)]
        self.inputs = [self._taken(shape, np.dtype(float)) for shape in lengths[: len(lengths) - len(data)]]
        self.slots = [*self.inputs, *data, *(np.asarray(ARRAYS.constant(c)) for c in program.constants)]
        self.moves = [slot < len(lengths) for slot in range(len(self.slots))]
        self.roots = _roots(program)
        """for each slot the one whose buffer it may be a view of"""
        last = self._last_uses()
        for slot, row, args in program.numbered():
            self._add(slot, row, args, [root for root in {self.roots[a] for a in args} if last[root] == slot])
        self.outputs = [self.slots[slot] for slot in program.outputs]

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Compute; give the outputs, which the next run writes over."""
        for buffer, given in zip(self.inputs, inputs, strict=True):
            buffer[...] = given
        for call, args in self.calls:
            call(*args)
        return self.outputs

    def _last_uses(self) -> dict[int, int]:
        """Where each buffer is used last; those of outputs are kept."""
        last: dict[int, int] = {}
        for slot, _, args in self.program.numbered():
            last.update(dict.fromkeys((self.roots[a] for a in args), slot))
        last.update(dict.fromkeys((self.roots[slot] for slot in self.program.outputs), len(self.program)))
        last.update(dict.fromkeys(range(len(self.program.inputs)), len(self.program)))
        return last

    def _add(self, slot: int, row: Any, args: Sequence[int], ended: Sequence[int]) -> None:
        """Find a place for an instruction, and the calls that fill it; buffers of which this is the end are free."""
        given = [self.slots[a] for a in args]
        moves = any(self.moves[a] for a in args)
        self.moves.append(moves)
        if not moves:
            found = np.asarray(ARRAYS.apply(row, given))
            self.slots.append(np.broadcast_to(found, self.program.shapes[slot]))
            return
        view = _view(row, given)
        if view is not None:
            self.slots.append(view)
            self._let_go(ended)
            return
        early = isinstance(row, (Primitive, Scaled)) and row is not WHERE
        if early:
            self._let_go(ended)
        out = self._taken(self.program.shapes[slot], _kind(row, given), self.roots[slot])
        self._emit(row, args, given, out)
        if not early:
            self._let_go(ended)
        self.slots.append(out)

    def _taken(self, shape: tuple[int, ...], kind: Any, root: int = -1) -> Any:
        """A buffer of a shape that nothing stands in."""
        size = math.prod(shape) * kind.itemsize
        known = self.free.get(size)
        room = known.pop() if known else aligned(1, size, np.uint8)[0]
        self.held.setdefault(root, []).append(room)
        return room.view(kind).reshape(shape)

    def _let_go(self, ended: Sequence[int]) -> None:
        for root in ended:
            for room in self.held.pop(root, ()):
                self.free.setdefault(room.nbytes, []).append(room)

    # Calls --------------------------------------------------------------------------------------------------------

    def _emit(self, row: Any, args: Sequence[int], given: Sequence[Any], out: Any) -> None:
        """Add the calls that write what a row or an operation gives."""
        if isinstance(row, Primitive):
            self._elementwise(row, args, given, out)
        elif isinstance(row, Scaled):
            self._scaled(args, given, out)
        elif not (
            (isinstance(row, Total) and self._total(row, given[0], out))
            or (isinstance(row, Contract) and self._product(row, given, out))
            or (isinstance(row, Gather) and self._gather(row, given, out))
        ):
            self.calls.append((_copy, (row.value, *given, out)))

    def _elementwise(self, row: Primitive, args: Sequence[int], given: Sequence[Any], out: Any) -> None:
        exponent = self.program.constant_at(args[1]) if row is POWER else None
        if isinstance(exponent, int) and 1 < exponent <= SMALL_POWERS["*"]:
            x = given[0]
            if exponent > 2 and np.may_share_memory(x, out):
                x = self._copied(x)
            self.calls.append((np.multiply, (x, x, out)))
            self.calls += [(np.multiply, (out, x, out))] * (exponent - 2)
        elif row is WHERE or not isinstance(array_function(row), np.ufunc):
            self.calls.append((_copy, (array_function(row), *given, out)))
        else:
            self.calls.append((writing(row), (*given, out)))

    def _scaled(self, args: Sequence[int], given: Sequence[Any], out: Any) -> None:
        """A product that is 0 where the first factor is, whatever the second."""
        first, second = given
        plain = (not self.moves[args[0]] and bool(np.all(first))) or (
            not self.moves[args[1]] and bool(np.all(np.isfinite(second)))
        )
        self.calls.append((np.multiply if plain else _scale, (first, second, out)))

    def _total(self, row: Total, x: Any, out: Any) -> bool:
        """A sum over axes that stand side by side, of numbers that do; short sums as products with ones."""
        axes = sorted(row.axes)
        if not axes or axes[-1] - axes[0] >= len(axes) or x.dtype != float or not x.flags.c_contiguous:
            return False
        parts = x.shape[: axes[0]], x.shape[axes[0] : axes[-1] + 1], x.shape[axes[-1] + 1 :]
        before, terms, after = map(math.prod, parts)
        if after == 1 and (terms >= _SHORT_SUM or before == 1):
            self.calls.append((np.add.reduce, (x.reshape(before, terms), 1, None, out.reshape(before))))
        elif after == 1:
            self.calls.append((np.matmul, (x.reshape(before, terms), np.ones(terms), out.reshape(before))))
        elif after < _SHORT_SUM:
            table = x.reshape(before, terms, after)
            self.calls.append((np.matmul, (np.ones(terms), table, out.reshape(before, after))))
        else:
            self.calls.append((np.add.reduce, (x.reshape(before, terms, after), 1, None, out.reshape(before, after))))
        return True

    def _product(self, row: Contract, given: Sequence[Any], out: Any) -> bool:
        """A contraction as a stack of products of matrices, as they stand or copied once."""
        stack, rows, summed, columns = parted(row.left, row.right, row.out)
        if set(rows + columns + stack) != set(row.out):
            return False
        lengths = dict(zip(row.left + row.right, (*given[0].shape, *given[1].shape), strict=True))
        parts = (
            (given[0], row.left, rows, summed),
            (given[1], row.right, summed, columns),
            (out, row.out, rows, columns),
        )
        matrices = []
        for x, letters, down, across in parts:
            moved = np.transpose(x, [letters.index(c) for c in stack + down + across])
            shape = (*(lengths[c] for c in stack), *(math.prod(lengths[c] for c in part) for part in (down, across)))
            found = np.reshape(moved, shape)
            if found.size and (not np.may_share_memory(found, x) or not _is_a_matrix(found)):
                if x is out:
                    return False
                found = self._copied(moved).reshape(shape)
            matrices.append(found)
        left, right, to = matrices
        if not stack and not rows:  # a vector is taken as it is
            left, to = left[0], to[0]
        elif not stack and not columns:
            right, to = right[:, 0], to[:, 0]
        self.calls.append((np.matmul, (left, right, to)))
        return True

    def _copied(self, x: Any) -> Any:
        """A copy, side by side, that is made anew at every run."""
        room = np.empty(x.shape, x.dtype)
        self.calls.append((np.copyto, (room, x)))
        return room

    def _gather(self, row: Gather, given: Sequence[Any], out: Any) -> bool:
        """Entries of the pool, which is copied together unless it is one array as it stands."""
        if any(x.dtype != out.dtype for x in given):
            return False
        positions = row.indices.array
        if len(given) == 1 and not row.padded and given[0].flags.c_contiguous:
            pool, positions = given[0].reshape(-1), positions - 1
        else:
            pool = np.zeros(1 + sum(x.size for x in given), out.dtype)
            ends = 1
            for x in given:
                part = pool[ends : ends + x.size].reshape(x.shape)
                self.calls.append((np.copyto, (part, x)))
                ends += x.size
        self.calls.append((pool.take, (positions.astype(np.intp), None, out, "clip")))
        return True


def _roots(program: Program) -> list[int]:
    """For each slot the one whose buffer it may be a view of."""
    roots = list(range(program.first_instruction))
    for slot, row, args in program.numbered():
        roots.append(roots[args[0]] if isinstance(row, _SEEN_THROUGH) and len(args) == 1 else slot)
    return roots


def _kind(row: Any, given: Sequence[Any]) -> Any:
    """The type of what an instruction gives."""
    if isinstance(row, Order):
        return np.dtype(np.intp)
    if isinstance(row, _MOVING):
        return np.result_type(*given[:1]) if not isinstance(row, Gather) else np.result_type(*given)
    return np.result_type(*given[1:]) if row is WHERE else np.dtype(bool if row.truth else float)


def _view(row: Any, given: Sequence[Any]) -> Any:
    """An argument's own numbers in another shape, repeated, or every k-th of them; None where they have to be moved."""
    if isinstance(row, Spread):
        return np.broadcast_to(given[0], row.new)
    if isinstance(row, Reshape):
        found = np.reshape(given[0], row.new)
        return found if not found.size or np.may_share_memory(found, given[0]) else None
    if isinstance(row, Gather) and len(given) == 1 and not row.padded and given[0].flags.c_contiguous:
        positions = row.indices.array.ravel() - 1
        step = int(positions[1] - positions[0]) if len(positions) > 1 else 1
        if len(positions) and step > 0 and np.all(np.diff(positions) == step):
            part = given[0].reshape(-1)[positions[0] : positions[-1] + 1 : step]
            found = part.reshape(row.indices.shape)
            return found if np.may_share_memory(found, given[0]) else None
    return None


def _is_a_matrix(x: Any) -> bool:
    """Whether libraries of linear algebra take matrices as they stand."""
    down, across = x.strides[-2:]
    rows, columns = x.shape[-2:]
    return bool(across == x.itemsize and down >= columns * across) or bool(down == x.itemsize and across >= rows * down)


def _copy(function: Callable[..., Any], *args: Any) -> None:
    """Copy what a function gives into the last argument."""
    args[-1][...] = function(*args[:-1])


def _scale(x: Any, y: Any, out: Any) -> None:
    """x·y, and 0 where x is 0, whatever y."""
    if np.isfinite(np.add.reduce(y, axis=None)):
        np.multiply(x, y, out)
    else:
        out[...] = np.where(x == 0, 0.0, x * y)

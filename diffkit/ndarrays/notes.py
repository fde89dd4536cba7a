"""What is known of a function that is recorded at a point, beside what it computes: values, lines, and names.

An explanation of a wrong gradient changes one operation of the record and says its line in the words of the code.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import numpy as np

from diffkit.core.array_builder import VerbatimBuilder
from diffkit.core.array_operations import ArrayOperation
from diffkit.core.errors import TracingError
from diffkit.core.program import Data
from diffkit.core.table import Primitive
from diffkit.ndarrays.kernel import Proxy
from diffkit.ndarrays.source import SourceLine, operation_of, user_frame
from diffkit.numbers.arrays import ARRAYS

OPERATIONS_KEPT = 2000
"""operations of a function that are recorded at a point"""


class Notes:
    """Values, lines and names of the slots of a builder, as it grows; ``named`` looks for names, which takes time.

    A line is 0 for what is done with the function's result after it has returned.
    """

    def __init__(self, builder: VerbatimBuilder, inputs: Sequence[Any], named: bool):
        self.builder = builder
        self.named = named
        self.known: dict[int, Any] = dict(enumerate(inputs))
        self.lines: dict[int, SourceLine] = {}
        self.names: dict[int, str] = {}
        self.caller = sys._getframe()
        self.last = 0

    def begin(self) -> None:
        """A function is called next, by the caller of this."""
        self.caller = sys._getframe(1)
        self.last = len(self.lines) + OPERATIONS_KEPT

    def value(self, slot: int) -> Any:
        """The value in a slot."""
        if slot not in self.known:
            self.known[slot] = ARRAYS.constant(self.builder.constant_in(slot))  # type: ignore[arg-type]
        return self.known[slot]

    def add(self, row: Primitive | ArrayOperation, args: Sequence[int]) -> int:
        """Slot of an operation; TracingError after too many."""
        if len(self.lines) >= self.last:
            raise TracingError(f"the function does more than {OPERATIONS_KEPT:,} operations")
        frame = user_frame(self.caller)
        if self.named and frame is not None:
            self._name(frame, args)
        value = ARRAYS.apply(row, [self.value(arg) for arg in args])
        slot = self.builder.apply(row, args)
        self.known[slot], self.lines[slot] = value, operation_of(frame)
        return slot

    def _name(self, frame: FrameType, args: Sequence[int]) -> None:
        """Keep what the code calls the arguments: variables of the frame that hold them."""
        unnamed = [arg for arg in args if arg not in self.names and isinstance(self.builder.constant_in(arg), Data)]
        for name, value in (*frame.f_globals.items(), *frame.f_locals.items()):
            if isinstance(value, Proxy) and getattr(value.level, "notes", None) is self and value.fresh:
                self.names.setdefault(value.content, name)
            elif isinstance(value, np.ndarray):
                for arg in unnamed:
                    if factor := _multiple(self.value(arg), value):
                        self.names.setdefault(arg, name if factor == 1 else f"{factor:g}*{name}")


def _multiple(array: Any, of: Any) -> float:
    """The factor by which an array is another one, which is not 0; 0 if it is no multiple."""
    if array.shape != of.shape or not array.size or of.dtype.kind not in "fiu":
        return 0.0
    place = np.unravel_index(np.argmax(np.abs(of)), of.shape)
    factor = float(array[place] / of[place]) if of[place] else 0.0
    return factor if np.array_equal(array, factor * of) else 0.0

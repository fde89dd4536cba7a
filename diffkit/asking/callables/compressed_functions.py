"""Functions whose derivatives are those of another, compressed: along groups of inputs, or of sums of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffkit.asking.callables.binding import Bound
from diffkit.asking.callables.function import Argument, Function


def along_colours(bound: Bound, colours: Sequence[int]) -> Bound:
    """f(x + s·y) as a function of x, s and y: input j moves by sⱼ times the y of its colour, or by 0 if that is −1.

    Partials by y at y = 0 are sums of those by the inputs of a colour, times their s.
    """
    parts = np.split(np.array(colours), np.cumsum([a.size for a in bound.arguments])[:-1])
    count = max(colours) + 1
    mark = "_" * (1 + max(len(a.name) for a in bound.arguments))
    scales = [Argument(f"s{mark}{a.name}", a.shape) for a in bound.arguments]
    arguments = (*bound.arguments, *scales, Argument(f"y{mark}", (count,)))
    labels = (*bound.inputs, *(f"s{mark}{name}" for name in bound.inputs), *arguments[-1].labels())
    call = _AlongColours(bound.function, tuple(np.maximum(part, 0) for part in parts))
    start = (*bound.start, *[float(colour >= 0) for colour in colours], *[0.0] * count)
    return _derived(bound, call, arguments, labels, start)


def grouped_outputs(bound: Bound, colours: Sequence[int]) -> Bound:
    """The sums of the entries of f that have one colour, as a function of the same arguments; −1 is in none."""
    members: list[list[int]] = [[] for _ in range(max(colours) + 1)]
    for output, colour in enumerate(colours):
        if colour >= 0:
            members[colour].append(output)
    call = _GroupedOutputs(bound.function, tuple(map(np.array, members)))
    return _derived(bound, call, bound.arguments, bound.inputs, bound.start)


def _derived(
    bound: Bound, call: Any, arguments: Sequence[Argument], labels: Sequence[str], start: Sequence[float]
) -> Bound:
    """A function made of another, whose faults are the same."""
    found = Bound(Function(call, (), bound.function.vectorized), arguments, labels, start)
    found.faults, found.name = bound.faults, bound.name
    return found


@dataclass(frozen=True, eq=False)
class _AlongColours:
    """f of x + s·y, as a function of the x, the s and y."""

    function: Function
    colours: tuple[Any, ...]

    def __call__(self, *values: Any) -> Any:
        count = len(self.colours)
        moved = []
        for x, s, colours in zip(values[:count], values[count : 2 * count], self.colours, strict=True):
            moved.append(x + s * values[-1][..., colours].reshape(np.shape(x)))
        return self.function(*moved)


@dataclass(frozen=True, eq=False)
class _GroupedOutputs:
    """Sums of entries of f; of a vectorised one for each point."""

    function: Function
    groups: tuple[Any, ...]

    def __call__(self, *values: Any) -> Any:
        found = self.function(*values)
        lead = (np.shape(found)[0],) if self.function.vectorized else ()
        flat = np.reshape(found, (*lead, -1))
        return np.stack([flat[..., group].sum(axis=-1) for group in self.groups], axis=-1)

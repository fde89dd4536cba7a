"""What is known about a claim that was found wrong, its entries in words ("row f2"), and the explanation wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diffkit.asking.tasks import partial_name
from diffkit.core.program import Index, Program
from diffkit.ndarrays.record import Record

Array = NDArray[Any]
LISTED = 4  # entries named one by one


class Records(NamedTuple):
    """What the code of a claim and of f (where it is code) does with whole arrays at one point."""

    claim: Record
    model: Record | None


class Evidence(NamedTuple):
    """A claim that fails at a point, with the means to look at it elsewhere.

    * ``names``: labels of the n coordinates; ``groups``: the parameters in order, name and shape, which add up to n;
    * ``shape`` of the claimed answer, (n,), (m, n), (n, n) or the parameter's own; ``indices``: which partial each of
      its c flat components is;
    * ``claim``: point (n,) -> components (c,), may raise or give NaN; ``noise``: bars of the claim's own rounding
      (without it they are read off the claim's values at neighbouring floats);
    * ``truth``: point -> reference components and their error bars, NaN where there is none;
    * ``program``: f itself where it is known as an expression; ``sizes``: lengths that occur in the data;
    * ``records``: point, and whether names are wanted -> what the code does there, None where it cannot be followed;
    * ``kept``: point -> the point of the same kind (a symmetric matrix, say) nearest to it, None where there is none.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...]
    shape: tuple[int, ...]
    indices: tuple[Index, ...]
    claim: Callable[[Array], Any]
    truth: Callable[[Array], tuple[Any, Any]]
    point: Array
    program: Program | None
    sizes: Mapping[str, int]
    noise: Callable[[Array], Any] | None = None
    records: Callable[[Array, bool], Records | None] | None = None
    kept: Callable[[Array], Array | None] | None = None


class Explanation(NamedTuple):
    """A repair that turns the claim into the truth.

    * ``kind``: a word or two for the bug ("factor", "swap", "missing term");
    * ``text``: an instruction that a person can follow;
    * ``points``: at how many fresh points it was proven to hold.
    """

    kind: str
    text: str
    points: int


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


class Labels:
    """Names of the c components of an answer and of sets of them."""

    def __init__(self, evidence: Evidence, columns: Array):
        self.evidence = evidence
        self.columns = [int(c) for c in columns]
        self.indices = [evidence.indices[c] for c in self.columns]
        self.outputs = 1 + max(output for output, _ in evidence.indices)
        self.order = max(len(index) for _, index in evidence.indices)
        self.hessian = self.order == 2 and math.prod(evidence.shape) == len(evidence.names) ** 2

    @cached_property
    def names(self) -> list[str]:
        """Each live component's name: "y", or row and column: "(f2, x)", "(x, y)"."""
        found = []
        for output, index in self.indices:
            words = [self.evidence.names[i] for i in index]
            if self.outputs > 1:
                words.insert(0, f"f{output + 1}")
            found.append(words[0] if len(words) == 1 else f"({', '.join(words)})")
        return found

    def partial(self, position: int) -> str:
        """The partial that a live component is: ∂f/∂y."""
        output, index = self.indices[position]
        return partial_name(self.evidence.names, index, f"f{output + 1}" if self.outputs > 1 else "f")

    @cached_property
    def blocks(self) -> list[tuple[str, tuple[int, ...], list[int]]]:
        """Each parameter of several: its name, its shape, and the positions of its components."""
        if self.order != 1 or self.outputs > 1 or len(self.evidence.groups) < 2:
            return []
        found, first = [], 0
        for name, shape in self.evidence.groups:
            last = first + math.prod(shape)
            inside = [k for k, (_, (i,)) in enumerate(self.indices) if first <= i < last]
            found.append((name, shape, inside))
            first = last
        return found

    def _sets(self) -> Iterator[tuple[str, Array]]:
        """Sets of components that have a name."""
        count = len(self.indices)
        for name, _, inside in self.blocks:
            if len(inside) > 1:
                mask = np.zeros(count, dtype=bool)
                mask[inside] = True
                yield name, mask
                yield f"every entry but {name}", ~mask
            elif inside:
                yield f"every entry but {name}", np.arange(count) != inside[0]
        if self.outputs > 1 and self.order == 1:
            for k in range(self.outputs):
                yield f"row f{k + 1}", np.array([output == k for output, _ in self.indices])
            for i, name in enumerate(self.evidence.names):
                yield f"column {name}", np.array([index == (i,) for _, index in self.indices])
        if self.hessian:
            sides = np.array([index[1] - index[0] for _, index in self.indices])
            yield "the diagonal", sides == 0
            yield "everything off the diagonal", sides != 0
            yield "the lower triangle", sides < 0
            yield "the upper triangle", sides > 0
            for i, name in enumerate(self.evidence.names):
                yield f"row {name}", np.array([index[0] == i for _, index in self.indices])
                yield f"column {name}", np.array([index[1] == i for _, index in self.indices])

    def describe(self, mask: Array, silent: Array | None = None) -> str:
        """Name a set of components; those of ``silent`` (where nothing is to be seen) may belong to it or not."""
        silent = np.zeros_like(mask) if silent is None else silent & ~mask
        if mask.sum() == 1:
            return f"entry {self.names[int(np.flatnonzero(mask)[0])]}"
        for name, members in self._sets():
            if (members[mask]).all() and not members[~mask & ~silent].any():
                return name
        if (mask | silent).all() and mask.size > 1:
            return "every entry"
        words = [self.names[k] for k in np.flatnonzero(mask)]
        if len(words) <= LISTED:
            return f"entries {listed(words)}"
        return f"entries {', '.join(words[:LISTED])}, … ({len(words)} of {mask.size})"

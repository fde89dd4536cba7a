"""Random shapes and values on which formulas and identities are tried."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.core.table import table
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.lessons.matrices.nodes import Node, in_order, number, replaced
from diffkit.lessons.matrices.problem import Problem
from diffkit.numbers.floats import to_float

TRIALS = 20
"""random shapes on which a formula is tried"""
TRIES_PER_SHAPE = 12
"""random values tried for each of them, as some expressions have no value at most"""
MISSES = 6 * TRIALS
"""trials without a value, one after the other, after which no more are made"""
LARGEST_LENGTH = 4
"""lengths go up to this, and further when all shapes up to it were met"""
SMALL_TRIALS = 40
"""small whole numbers tried in search of a counter-example that can be followed by hand"""

THRESHOLD_LIMIT = 1e300
"""thresholds from here on are not tried, as values beyond them overflow"""


class TrialKey(NamedTuple):
    """The lengths of a trial: those that have names, and those of the values."""

    sizes: tuple[tuple[str, int], ...]
    shapes: tuple[tuple[str, tuple[int, ...]], ...]


class Trial(NamedTuple):
    """One choice of lengths and values."""

    sizes: dict[str, int]
    values: dict[str, Any]

    @property
    def key(self) -> TrialKey:
        """Its lengths."""
        shapes = tuple((name, tuple(np.shape(value))) for name, value in self.values.items())
        return TrialKey(tuple(self.sizes.items()), shapes)

    def times(self, factor: float) -> Trial:
        """All values times a number."""
        return self.around(0.0, factor)

    def around(self, middle: float, factor: float) -> Trial:
        """All values times a number, and moved by another one."""
        return Trial(self.sizes, {name: middle + value * factor for name, value in self.values.items()})


def thresholds(*trees: Node) -> tuple[float, ...]:
    """Numbers of the text by which a comparison, a maximum or any kink or jump may be decided."""
    deciding = (
        node for node in in_order(*trees)
        if (row := table.rows.get(node.kind)) is not None and any(p.kind in ("kink", "jump") for p in row.places)
    )  # fmt: skip
    numbers = (to_float(n.value) for node in deciding for n in in_order(*node.args) if n.kind == "number")
    return tuple(dict.fromkeys(abs(c) for c in numbers if abs(c) < THRESHOLD_LIMIT))


def about_thresholds(found: Iterable[float], exactly: bool) -> Iterator[tuple[float, float]]:
    """Middles and factors by which a trial comes to thresholds, nearer to zero and beyond them; ``exactly`` there."""
    for threshold in found:
        for middle in dict.fromkeys((threshold, -threshold)):
            yield middle, 1.0
            if exactly:
                yield middle, 0.0
        for factor in (0.3, -0.3, 30.0, -30.0) if threshold else ():
            yield 0.0, factor * threshold


def at_sizes(tree: Node, sizes: Mapping[str, int]) -> Node:
    """The tree with names of lengths replaced by numbers."""
    return replaced(tree, lambda n: number(sizes[n.value]) if n.kind == "name" and n.value in sizes else None)


def concrete(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape in numbers."""
    return tuple(n if isinstance(n, int) else sizes[n] for n in shape)


def random_trials(problem: Problem, seed: int = 0) -> Iterator[Iterator[Trial]]:
    """Give random shapes, each once while lengths are free, and for each values that get tamer by and by."""
    rng = np.random.default_rng(seed)
    for sizes in _sizes(rng, tuple(dict.fromkeys((*problem.lengths, *problem.sizes)))):
        check_time()
        yield (Trial(sizes, _values(rng, problem, sizes, k)) for k in range(TRIES_PER_SHAPE))


def _values(rng: Any, problem: Problem, sizes: Mapping[str, int], k: int) -> dict[str, Any]:
    return {
        name: _draw(rng, concrete(shape, sizes), k, name in problem.symmetric) for name, shape in problem.shapes.items()
    }


def _sizes(rng: Any, names: tuple[str, ...]) -> Iterator[dict[str, int]]:
    """Lengths from 1 on, different within a shape so that no transpose fits by accident."""
    most = max(LARGEST_LENGTH, len(names))
    met: set[tuple[int, ...]] = set()
    while True:
        drawn = tuple(int(n) for n in rng.permutation(most)[: len(names)] + 1)
        if names and drawn in met:
            most += len(met) == math.perm(most, len(names))
            continue
        met.add(drawn)
        yield dict(zip(names, drawn, strict=True))


def small_trials(problem: Problem) -> Iterator[Trial]:
    """Lengths from 2 on and whole entries from −3 to 3, every other time positive ones; symmetric where declared."""
    rng = np.random.default_rng(1)
    names = dict.fromkeys((*problem.lengths, *problem.sizes))
    sizes = {name: k for k, name in enumerate(names, 2)}
    for k in range(SMALL_TRIALS):
        values: dict[str, Any] = {}
        for name, shape in problem.shapes.items():
            value = rng.integers(-3 if k % 2 else 1, 4, concrete(shape, sizes)).astype(float)
            if name in problem.symmetric:
                value = np.triu(value) + np.triu(value, 1).T
            values[name] = value[()]
        yield Trial(sizes, values)


def _draw(rng: Any, shape: tuple[int, ...], k: int, symmetric: bool) -> Any:
    """Numbers of both signs, then positive ones, then small ones; square matrices are well conditioned.

    In the second half of the tries an array may be negative instead, as log(-x) has values only there.
    """
    if k % 3 == 0:
        value = rng.normal(size=shape)
    elif k % 3 == 1:
        value = rng.uniform(0.3, 1.8, shape)
    else:
        value = rng.uniform(0.05, 0.9, shape) / max(1, max(shape, default=1))
    if len(shape) == 2 and shape[0] == shape[1]:
        value = value / shape[0] + np.eye(shape[0]) * (rng.uniform(0.5, 1.0) if k % 3 == 2 else rng.uniform(1.5, 3.0))
    if k >= TRIES_PER_SHAPE // 2 and rng.random() < 0.5:
        value = -value
    if symmetric:
        value = (value + value.T) / 2
    return np.float64(value) if shape == () else value


def tried(problem: Problem, count: int) -> str:
    """On what a claim was tried, in words."""
    return f"{count} random shapes" if problem.lengths or problem.sizes else f"{count} random values of that shape"

"""Random shapes and values on which formulas are tried against the scalar methods."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError
from diffkit.core.table import table
from diffkit.lessons.matrices.array_function import ArrayFunction, run_tree
from diffkit.lessons.matrices.nodes import Node, in_order, number, replaced
from diffkit.lessons.matrices.problem import Problem
from diffkit.lessons.matrices.shapes import Shape, shapes_of
from diffkit.numbers.floats import to_float

TRIALS = 20
"""random shapes on which a formula is tried"""
TRIES_PER_SHAPE = 12
"""random values tried for each of them, as some expressions have no value at most"""
TRIAL_TOLERANCE = 1e-12
"""relative error by which a formula may differ from dual numbers"""
MISSES = 6 * TRIALS
"""trials without a value, one after the other, after which no more are made"""
LARGEST_LENGTH = 4
"""lengths go up to this, and further when all shapes up to it were met"""
SMALL_TRIALS = 40
"""small whole numbers tried in search of a counter-example that can be followed by hand"""
CONDITION = 1e5
"""condition number up to which a matrix may be inverted in a trial, so that rounding stays far below a wrong formula"""

THRESHOLD_LIMIT = 1e300
"""thresholds from here on are not tried, as values beyond them overflow"""


class Trial(NamedTuple):
    """One choice of lengths and values."""

    sizes: dict[str, int]
    values: dict[str, Any]

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
        if node.kind in table.rows and any(place.kind in ("kink", "jump") for place in table.rows[node.kind].places)
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


def value_of(tree: Node, trial: Trial) -> Any:
    """The value of a tree on a trial."""
    plain = at_sizes(tree, trial.sizes)
    shapes = shapes_of(plain, {name: np.shape(v) for name, v in trial.values.items()})
    with np.errstate(all="ignore"):
        return np.asarray(run_tree(plain, trial.values, shapes), dtype=float)


def is_steady(tree: Node, trial: Trial) -> bool:
    """Whether every matrix whose inverse or determinant is taken is well conditioned on a trial."""
    inner = {node.args[0] for node in in_order(tree) if node.kind in ("inv", "det", "logdet", "solve")}
    try:
        return all(np.linalg.cond(value_of(node, trial)) < CONDITION for node in inner)
    except (DiffkitError, np.linalg.LinAlgError):
        return False


def measured(tree: Node, wrt: str, trial: Trial) -> Any:
    """The derivative on a trial by dual numbers: the shape of the value, then that of the argument."""
    from diffkit.asking.questions import ask
    from diffkit.methods.prepared import answer

    others = {name: value for name, value in trial.values.items() if name != wrt}
    function = ArrayFunction(at_sizes(tree, trial.sizes), others, variables=(wrt,))
    value = np.asarray(trial.values[wrt])
    found = answer(ask(function, "jacobian", {wrt: value}), "dual")
    return np.asarray(found.value if found.ok else np.nan, dtype=float), value.shape


def reference(problem: Problem, tree: Node, wrt: str, trial: Trial) -> Any:
    """The derivative as ``derivative`` lays it out; None where there is none."""
    try:
        with np.errstate(all="ignore"):
            found, own = measured(tree, wrt, trial)
    except (DiffkitError, np.linalg.LinAlgError):
        return None
    if not np.isfinite(found).all():
        return None
    with_value = value_of(tree, trial)
    found = found.reshape(with_value.shape + own)
    if wrt in problem.symmetric:
        found = (found + np.swapaxes(found, -1, -2)) / 2
    return found


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


def usable_trials(problem: Problem, tree: Node, wrt: str, formula: Node) -> Iterator[tuple[Trial, Any]]:
    """Give trials on which the expression has a derivative, at most one for each shape; ends where none is found."""
    misses = 0
    for trials in random_trials(problem):
        for trial in trials:
            steady = is_steady(tree, trial) and is_steady(formula, trial)
            known = reference(problem, tree, wrt, trial) if steady else None
            if known is not None:
                yield trial, known
                misses = 0
                break
            misses += 1
            if misses > MISSES:
                return


def apart(found: Any, known: Any) -> float:
    """The largest difference by the largest entry; infinite for a wrong shape or no value."""
    if np.shape(found) != np.shape(known) or not np.isfinite(found).all():
        return float("inf")
    worst = float(np.max(np.abs(found - known), initial=0.0))
    return worst and worst / float(max(np.max(np.abs(known)), np.max(np.abs(found))))


def tried(problem: Problem, count: int) -> str:
    """On what a claim was tried, in words."""
    return f"{count} random shapes" if problem.lengths or problem.sizes else f"{count} random values of that shape"

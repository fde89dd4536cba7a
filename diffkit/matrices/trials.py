"""Random shapes and values on which formulas are tried against the scalar methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from diffkit.errors import DiffkitError
from diffkit.matrices.evaluation import ArrayFunction, run_tree
from diffkit.matrices.nodes import Node, in_order, number, replaced
from diffkit.matrices.problem import Problem
from diffkit.matrices.shapes import Shape, shapes_of

TRIALS = 20
"""random shapes on which a formula is tried"""
TRIES = 12
"""random values tried for each of them, as some expressions have no value at most"""
CLOSE = 1e-12
"""relative error by which a formula may differ from dual numbers"""
LARGEST = 4
"""lengths go up to one more, or further where there are many names of lengths"""
CONDITION = 1e5
"""condition number up to which a matrix may be inverted in a trial, so that rounding stays far below a wrong formula"""


class Trial(NamedTuple):
    """One choice of lengths and values."""

    sizes: dict[str, int]
    values: dict[str, Any]


SMALL = 1e-3
"""size below which a derivative counts as this large: where it is zero, its rounding is all there is to compare"""


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
    from diffkit.api import jacobian

    others = {name: value for name, value in trial.values.items() if name != wrt}
    function = ArrayFunction(at_sizes(tree, trial.sizes), others, variables=(wrt,))
    value = np.asarray(trial.values[wrt])
    found = jacobian(function, {wrt: value}, backend="dual")
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


def random_trials(problem: Problem, seed: int = 0, largest: int = LARGEST) -> Iterator[Trial]:
    """Give random shapes, all lengths different, with values that get tamer from one to the next."""
    rng = np.random.default_rng(seed)
    lengths = problem.lengths
    named = {a.value for t in problem.trees for a in _size_names(t)}
    every = tuple(dict.fromkeys((*lengths, *named)))
    most = max(largest, len(every) + 1)
    while True:
        drawn = rng.permutation(np.arange(2, most + 2))[: len(every)]
        sizes = dict(zip(every, map(int, drawn), strict=True))
        for k in range(TRIES):
            values = {}
            for name, shape in problem.shapes.items():
                values[name] = _draw(rng, concrete(shape, sizes), k, name in problem.symmetric)
            yield Trial(sizes, values)


def _size_names(tree: Node) -> Iterator[Node]:
    for node in in_order(tree):
        if node.kind in ("eye", "ones", "zeros"):
            yield from (a for a in node.args if a.kind == "name")


def _draw(rng: Any, shape: tuple[int, ...], k: int, symmetric: bool) -> Any:
    """Numbers of both signs, then positive ones, then small ones; square matrices are well conditioned."""
    if k % 3 == 0:
        value = rng.normal(size=shape)
    elif k % 3 == 1:
        value = rng.uniform(0.3, 1.8, shape)
    else:
        value = rng.uniform(0.05, 0.9, shape) / max(1, max(shape, default=1))
    if len(shape) == 2 and shape[0] == shape[1]:
        value = value / shape[0] + np.eye(shape[0]) * (rng.uniform(0.5, 1.0) if k % 3 == 2 else rng.uniform(1.5, 3.0))
    if symmetric:
        value = (value + value.T) / 2
    return np.float64(value) if shape == () else value


def usable_trials(
    problem: Problem, tree: Node, wrt: str, formula: Node | None = None, seed: int = 0
) -> Iterator[tuple[Trial, Any]]:  # fmt: skip
    """Give trials on which the expression has a derivative, at most one for each shape; ends where none is found."""
    unsteady = misses = 0
    sizes: dict[str, int] | None = None
    for trial in random_trials(problem, seed):
        if trial.sizes is sizes:
            continue
        if not is_steady(tree, trial) or (formula is not None and not is_steady(formula, trial)):
            unsteady += 1
            if unsteady > 20 * TRIES * TRIALS:
                return
            continue
        known = reference(problem, tree, wrt, trial)
        if known is None:
            misses += 1
            if misses > TRIES * TRIALS:
                return
            continue
        sizes = trial.sizes
        yield trial, known


def apart(found: Any, known: Any) -> float:
    """The largest difference by the largest entry (SMALL at least); infinite for a wrong shape or no value."""
    if np.shape(found) != np.shape(known) or not np.isfinite(found).all():
        return float("inf")
    scale = max(SMALL, float(np.max(np.abs(known), initial=0.0)))
    return float(np.max(np.abs(found - known), initial=0.0)) / scale

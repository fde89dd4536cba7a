"""Whether a sparse Jacobian or Hessian of code is whole: its product with a random vector, beside J·v or H·v.

What a pattern leaves out is 0 only if f says so too, and where columns are found together it would be taken for part of
another entry. Either shows in the product, in the row where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from diffkit.asking.tasks import Task, hvp_task, jvp_task
from diffkit.core.errors import BackendError, LimitError
from diffkit.core.partials import arranged
from diffkit.core.results import Answer, ErrorKind, Odd, findings, floats_of, worst_message
from diffkit.methods import Evaluation, get_backend

_ROUNDING = 2.0**-44  # of the terms of a product: what two ways of adding them up may differ by, and no look is needed
_MARGIN = 4.0  # times what rounding is measured to do
_WAYS = {1: ("dual", "complex", "finite"), 2: ("reverse", "dual", "finite")}
"""the methods for J·v and H·v: the first that can follow the code"""


_PATTERN_UNSEEN = "whether its pattern is whole could not be seen"


def checked(task: Task, point: Sequence[float], answer: Answer, error_kind: ErrorKind) -> Answer:
    """Give an answer at a point, uncertain in the rows that are seen to lack an entry, or cannot be looked at.

    What is proven by the structure of a record needs no look, unless the caller says which entries there are.
    """
    if task.pattern is None or task.source.code is None or _nothing_said(answer):
        return answer
    if not task.claimed and (answer.error_kind or error_kind) == "proven":
        return answer
    import numpy as np

    rows, columns = np.array(task.pattern.rows, dtype=int), np.array(task.pattern.columns, dtype=int)
    direction = np.random.default_rng(len(task.columns)).uniform(0.5, 1.5, len(task.columns))
    direction *= np.where(np.arange(len(direction)) % 3 == 1, -1.0, 1.0)
    product = _product(task, point, direction)
    with np.errstate(all="ignore"):
        terms = _components(task, answer.values) * direction[columns]
        found, sizes = (np.bincount(rows, each, task.shape[0]) for each in (terms, np.abs(terms)))
        near = _ROUNDING * (sizes + np.abs(product.values))
        if answer.errors is not None:
            near += np.bincount(rows, np.abs(_components(task, answer.errors) * direction[columns]), task.shape[0])
        apart = np.abs(found - product.values)
        off = ~(apart <= near)
        if off.any():
            off = ~(apart <= near + product.bars())
    return answer if not off.any() else _doubted(task, answer, off, found, product)


def _nothing_said(answer: Answer) -> bool:
    """Whether no component has a value that could be wrong."""
    return len(answer.odd) == len(answer.values) > 0 and all(seen.status != "ok" for seen in findings(answer.odd))


class _Product(NamedTuple):
    """J·v or H·v by a method, NaN where it has none; how far off rounding may put it, and why there is none."""

    values: Any
    bars: Callable[[], Any]
    why: str = ""


def _product(task: Task, point: Sequence[float], direction: Any) -> _Product:
    """The product with the direction, whose numbers belong to the columns."""
    import numpy as np

    velocity = np.zeros(len(task.source.inputs))
    np.add.at(velocity, list(task.columns), direction)
    along = (jvp_task if task.order == 1 else hvp_task)(task.source, velocity.tolist())
    at, why = (*point, *along.extras), ""
    assert task.function is not None
    assert along.function is not None
    try:
        for name in _WAYS[task.order]:
            try:
                return _found(task, get_backend(name).prepare(along), at)
            except (BackendError, LimitError) as error:
                why = why or str(error)
    finally:
        task.function.evaluations += along.function.evaluations  # it took over those that were not told yet
    return _Product(np.full(task.shape[0], math.nan), lambda: np.zeros(task.shape[0]), why)


def _found(task: Task, evaluation: Evaluation, at: Sequence[float]) -> _Product:
    import numpy as np

    found, chosen = evaluation.at(at), slice(None) if task.order == 1 else list(task.columns)
    values = np.array(found.values, dtype=float)
    values[[c for c, seen in found.odd.items() if seen.status != "ok"]] = math.nan
    return _Product(values[chosen], lambda: _bars(evaluation, found, at)[chosen], worst_message(found.odd))


def _bars(evaluation: Any, found: Answer, at: Sequence[float]) -> Any:
    """How far off a product may be."""
    import numpy as np

    try:
        return np.array(_MARGIN * np.array(evaluation.bound(at)) if found.errors is None else found.errors, dtype=float)
    except (BackendError, LimitError):
        return np.zeros(len(found.values))


def _components(task: Task, partials: Any) -> Any:
    """The stored entries, of distinct partials."""
    import numpy as np

    return arranged(np.asarray(partials, dtype=float)[None], task.places)[0]


def _doubted(task: Task, answer: Answer, off: Any, found: Any, product: _Product) -> Answer:
    """The answer without what rows are off that are told by truths; all of it, if such a row has no entry."""
    assert task.pattern is not None
    rows = task.pattern.rows
    lost = {task.places[c] for c, row in enumerate(rows) if off[row]}
    if not set(off.nonzero()[0].tolist()) <= set(rows):
        lost = set(range(len(task.indices)))
    why = Odd("uncertain", _reason(task, off, found, product))
    odd = {**{c: why for c in lost if c not in answer.odd or answer.odd[c].status == "ok"}, **answer.odd}
    values, errors = floats_of(answer.values), None if answer.errors is None else floats_of(answer.errors)
    for c in lost:
        for numbers in (values, errors):
            if numbers is not None:
                numbers[c] = math.nan
    return replace(answer, values=values, errors=errors, odd=odd)


def _reason(task: Task, off: Any, found: Any, product: _Product) -> str:
    """What is wrong with the pattern, by its worst row."""
    import numpy as np

    with np.errstate(all="ignore"):
        apart = np.where(off, np.abs(found - product.values), np.nan)
    if np.isnan(apart).all():
        return f"{_PATTERN_UNSEEN}: {product.why}" if product.why else _PATTERN_UNSEEN
    row = int(np.nanargmax(apart))
    name = f"f{row + 1}" if task.order == 1 else f"∂f/∂{task.source.inputs[task.columns[row]]}"
    said = "sparsity" if task.claimed else "the record of the code"
    return (
        f"{said} leaves out entries: along a random direction {name} (row {row}, counted from 0) changes by "
        f"{product.values[row]:.6g}, by the entries stored {found[row]:.6g}"
    )

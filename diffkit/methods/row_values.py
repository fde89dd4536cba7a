"""Values at many points, written by what is compiled where they are handed out; what is odd is asked for again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffkit.asking.tasks import Task
from diffkit.core.partials import arranged
from diffkit.methods import FEW_ROWS

Told = Callable[[Any], Any]
"""rows → values of their components, with all that there is to say of them"""


def rows_of_program(task: Task, evaluation: Any, rows: Any, told: Told) -> Any:
    """The components at the rows of an array (B, n), (B, m); None where nothing is compiled for them."""
    factors = None if task.factors is None else [float(factor) for factor in task.factors]
    call = evaluation.engines().many(len(rows), task.places, factors) if len(rows) >= FEW_ROWS else None
    if call is None:
        return None
    values = np.empty((len(rows), len(task.places)))
    ordinary = call(rows, values)
    if ordinary is not None and not ordinary.all():
        left = np.flatnonzero(~ordinary)
        outside = evaluation.outside(rows[left])
        values[left[outside]] = math.nan
        _fill(values, rows, left[~outside], told)
    return values


def rows_of_code(task: Task, evaluation: Any, rows: Any, told: Told) -> Any:
    """The same of code that is replayed from its record; None where it is not."""
    found = evaluation.replayed_rows(rows) if len(rows) >= FEW_ROWS else None
    if found is None:
        return None
    values = arranged(found[0], task.places)
    assert task.function is not None
    _fill(values, rows.reshape(len(rows), *task.function.arguments[0].shape), found[1], told)
    return values


def _fill(values: Any, rows: Any, left: Any, told: Told) -> None:
    if len(left):
        values[left] = np.reshape(told(rows[left]), (len(left), -1))

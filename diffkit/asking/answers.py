"""Answers laid out in the shape of their task: distinct partials become matrices, rows become batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffkit.asking.points import Points
from diffkit.asking.tasks import Task
from diffkit.core.errors import DiffkitError, PointError, plural
from diffkit.core.partials import arranged, in_order
from diffkit.core.results import Answer, ErrorKind, Odd, Result, ToldOfAll, findings, worst_message


def lay_out(
    task: Task,
    answer: Answer,
    points: Points,
    backend: str,
    error_kind: ErrorKind,
    formulas: Sequence[str] | None = None,
) -> Result:
    """Give the Result of a backend's answer at a point or a batch of points.

    PointError for a sparse matrix at many points; DiffkitError where the backend answers another number of components
    than it was asked for.
    """
    if task.pattern is not None and points.batch:
        raise PointError("a sparse matrix is of one point", hint="ask point by point, or without sparse")
    _check_size(answer, len(task.indices), points, backend)
    odd = _odd(task, answer)
    kind = answer.error_kind or error_kind
    return Result(
        task.kind,
        (*points.batch, *task.shape),
        _components(task, answer.values, points, answer.scaled),
        backend,
        task.variables,
        points.at,
        task.labels,
        None if answer.errors is None else _components(task, answer.errors, points, answer.scaled),
        "none" if kind == "proven" and len(odd) == len(answer.values) and _all_bad(odd) else kind,
        odd,
        worst_message(odd),
        task.source.spent(answer.evaluations),
        joined_formula(task, formulas),
        None if answer.decimals is None else _decimals(task, answer.decimals),
        answer.note,
        task.source.warnings,
        task.notes,
        task.pattern,
    )


def _check_size(answer: Answer, partials: int, points: Points, backend: str) -> None:
    """DiffkitError unless there are as many values and errors as are asked for, and what is odd is among them."""
    rows = 1 if points.point is not None else len(points.rows)
    count, asked = partials * rows, f"{plural(partials, 'partial')} at {plural(rows, 'point')}"
    for name, found in (("values", answer.values), ("errors", answer.errors)):
        if found is not None and len(found) != count:
            raise DiffkitError(f"the backend {backend} gives {len(found)} {name} for {asked}")
    odd = range(len(answer.odd)) if isinstance(answer.odd, ToldOfAll) else answer.odd
    if odd and not 0 <= min(odd) <= max(odd) < count:
        raise DiffkitError(f"the backend {backend} calls component {max(odd)} odd, of {asked}")


def _all_bad(odd: Mapping[int, Odd]) -> bool:
    return bool(odd) and all(described.status != "ok" for described in findings(odd))


def _decimals(task: Task, texts: Sequence[str]) -> tuple[str, ...]:
    """Texts of the distinct partials, row after row, in the order of the components."""
    rows = range(0, len(texts), len(task.indices)) if task.indices else ()
    return tuple(texts[first + place] for first in rows for place in task.places)


def _components(task: Task, flat: Any, points: Points, scaled: bool) -> Any:
    """Components from partials: lists at one point unless there are arrays, arrays of binary64 otherwise."""
    factors = None if scaled or task.factors is None else [float(factor) for factor in task.factors]
    if points.point is not None and (task.shape == () or not hasattr(flat, "ravel")):
        distinct = list(map(float, flat))
        found = distinct if in_order(task.places) else [distinct[place] for place in task.places]
        return found if factors is None else [value * factor for value, factor in zip(found, factors, strict=True)]
    import numpy as np

    rows = 1 if points.point is not None else len(points.rows)
    table = arranged(np.asarray(flat, dtype=float).reshape(rows, len(task.indices)), task.places)
    return (table if factors is None else table * np.array(factors)).ravel()


def _odd(task: Task, answer: Answer) -> Mapping[int, Odd]:
    count, width = len(task.indices), len(task.places)
    if isinstance(answer.odd, ToldOfAll) and (answer.scaled or task.factors is None):
        return ToldOfAll(len(answer.odd) // count * width if count else 0, answer.odd.finding)
    if not answer.odd:
        return {}
    if (answer.scaled or task.factors is None) and in_order(task.places) and _all_bad(answer.odd):
        return answer.odd
    found: dict[int, Odd] = {}
    of = _components_of(task.places, {position % count for position in answer.odd})
    bad = {position // count for position, described in answer.odd.items() if described.status != "ok"}
    for position, described in answer.odd.items():
        row, index = divmod(position, count)
        if described.status == "ok" and row in bad:  # what a good component is said to be belongs to good points
            continue
        found.update({row * width + c: _scaled(described, task, answer, c) for c in of.get(index, ())})
    return found


def _components_of(places: Sequence[int], partials: set[int]) -> dict[int, list[int]]:
    """The components that some partials are."""
    if in_order(places):
        return {partial: [partial] for partial in partials}
    found: dict[int, list[int]] = {partial: [] for partial in partials}
    for c, place in enumerate(places):
        if place in found:
            found[place].append(c)
    return found


def _scaled(described: Odd, task: Task, answer: Answer, c: int) -> Odd:
    """One-sided derivatives in the units of the component, as its value is."""
    if answer.scaled or task.factors is None:
        return described
    factor = float(task.factors[c])
    return described._replace(left=described.left * factor, right=described.right * factor)


def joined_formula(task: Task, formulas: Sequence[str] | None) -> str | None:
    """Give the partials' formulas as one text in the shape of the task, after what their names stand for."""
    if formulas is None:
        return None
    shared = "".join(f"{name} = {text}\n" for name, text in getattr(formulas, "definitions", ()))
    return shared + _in_shape(task, formulas)


def _in_shape(task: Task, formulas: Sequence[str]) -> str:
    cells = [formulas[place] for place in task.places]
    if task.kind == "taylor":
        cells = [c if k < 2 else f"({c})/{k}!" for k, c in enumerate(cells)]
    if len(task.shape) < 2 or task.pattern is not None:
        return cells[0] if task.shape == () else f"[{', '.join(cells)}]"
    width = task.shape[1]
    lines = [f"[{', '.join(cells[i * width : (i + 1) * width])}]" for i in range(task.shape[0])]
    return f"[{', '.join(lines)}]"

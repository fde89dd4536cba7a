"""Cases: expressions with one point each, and perhaps the answer expected there; from JSON lines or mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, get_args

from diffkit.asking.expressions import read_joint
from diffkit.asking.frames import names_in
from diffkit.asking.points import Points, number, read_points
from diffkit.asking.tasks import Task, gradient_task, hessian_task
from diffkit.core.errors import DiffkitError, FileError, PointError, did_you_mean, plural
from diffkit.core.files import at_line, json_lines, read
from diffkit.core.results import Status
from diffkit.core.text import format_outputs

_REPORT_KINDS = {"gradient": gradient_task, "hessian": hessian_task}
"""What can be asked of a case; the field of that name holds the expected answer."""
_LONGEST_CASE_NAME = 64  # characters of a case's name
_LONGEST_CASE_TEXT = 20_000  # characters of its expression


@dataclass(frozen=True)
class Case:
    """One task at one point.

    ``expected`` is empty, or runs over the task's labels: the nearest binary64, a status such as "pole", or None
    where nothing is expected.
    """

    name: str
    task: Task
    point: tuple[float, ...]
    expected: tuple[float | str | None, ...] = ()
    source: str = ""

    @property
    def at(self) -> dict[str, float]:
        """The point by name."""
        return dict(zip(self.task.variables, self.point, strict=True))

    @property
    def text(self) -> str:
        """The expression as it was read."""
        return format_outputs(self.task.program, _LONGEST_CASE_TEXT)[0]


def load_cases(cases: str | PathLike[str] | Iterable[Mapping[str, Any]], kind: str = "gradient") -> list[Case]:
    """Give the cases of a file of JSON lines, or of mappings with the same fields.

    Fields: ``expr`` and ``at`` (names to numbers or decimal text), and if wanted ``id``, ``vars``, ``source`` and the
    expected ``gradient`` or ``hessian``; others are ignored. FileError names the line that is wrong.
    """
    if kind not in _REPORT_KINDS:
        raise DiffkitError(
            f"a report has no kind {kind!r}",
            hint=did_you_mean(str(kind), _REPORT_KINDS) or f"there are {', '.join(_REPORT_KINDS)}",
        )
    if isinstance(cases, (str, PathLike)):
        name = "standard input" if cases == "-" else str(cases)
        records, place = json_lines(read(cases), name), name
    else:
        records, place = enumerate(cases, 1), ""
    found: list[Case] = []
    names: set[str] = set()
    tasks: _Tasks = {}
    for position, record in records:
        try:
            found.append(_as_case(record, kind, f"{'line' if place else 'case'} {position}", tasks))
        except DiffkitError as error:
            raise (
                at_line(place, position, error)
                if place
                else DiffkitError(f"case {position}: {error.reason}", hint=error.hint)
            ) from None
        if found[-1].name in names:
            found[-1] = replace(found[-1], name=f"{found[-1].name} ({'line' if place else 'case'} {position})")
        names.add(found[-1].name)
    if not found:
        raise FileError(f"{place} holds no cases") if place else DiffkitError("there are no cases")
    return found


def cases_at(task: Task, points: Points) -> list[Case]:
    """Give one case for each point of a batch, named after its coordinates."""
    return [
        Case(
            ", ".join(
                f"{n} = {x:g}" if float(f"{x:g}") == x else f"{n} = {x!r}"
                for n, x in zip(task.variables, row, strict=True)
            ),
            task,
            tuple(row),
        )
        for row in points.rows.tolist()
    ]


_Tasks = dict[tuple[Any, ...], Task]
"""those that were read before: cases of one expression share a task"""


def _as_case(record: Any, kind: str, name: str, tasks: _Tasks) -> Case:
    """Give the case of a mapping; DiffkitError says which field is missing or wrong."""
    if not isinstance(record, Mapping):
        raise DiffkitError("a case is an object with expr and at", hint='such as {"expr": "x^2", "at": {"x": 3}}')
    for field in ("expr", "at"):
        if field not in record:
            raise DiffkitError(f"the case has no {field}", hint=did_you_mean(field, map(str, record)))
    names = record.get("vars")
    if names is not None and not (isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)):
        raise DiffkitError("vars is not a list of names")
    if isinstance(record["expr"], (int, float, list, dict, type(None))):
        raise DiffkitError("expr is not text")
    task = _read_task(record["expr"], None if names is None else tuple(names), record["at"], kind, tasks)
    points = read_points(record["at"], task.variables)
    if points.point is None:
        raise PointError("a case has one point", hint="write one case for each")
    expected = _expected(record.get(kind), task, kind)
    name = str(record.get("id", name))[:_LONGEST_CASE_NAME]
    return Case(name, task, points.point, expected, str(record.get("source") or ""))


def _read_task(expr: Any, names: tuple[str, ...] | None, at: Any, kind: str, tasks: _Tasks) -> Task:
    """Read what is to be differentiated, once."""
    given = tuple(names_in(at))
    known = tasks.get((expr, names, given)) if isinstance(expr, str) else None
    if known is None:
        reading = read_joint([expr], names, given)
        known = replace(_REPORT_KINDS[kind](reading.program), notes=reading.notes)
        if isinstance(expr, str):
            tasks[expr, names, given] = known
    return known


def _expected(given: Any, task: Task, kind: str) -> tuple[float | str | None, ...]:
    if given is None:
        return ()
    flat = list(_flatten(given))
    if len(flat) != len(task.labels):
        raise DiffkitError(f"the expected {kind} has {plural(len(flat), 'number')}, not {len(task.labels)}")
    return tuple(
        value if value is None or value in get_args(Status) else number(value, label)
        for value, label in zip(flat, task.labels, strict=True)
    )


def _flatten(value: Any) -> Iterator[Any]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _flatten(part)
    else:
        yield value

"""Cases: expressions with one point each, and perhaps the answer expected there; from JSON lines or mappings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike
from typing import Any, get_args

from diffkit.asking.expressions import read_joint
from diffkit.asking.frames import names_in
from diffkit.asking.points import Points, number, read_points
from diffkit.asking.tasks import Task, gradient_task, hessian_task
from diffkit.core.errors import DiffkitError, PointError, did_you_mean, plural
from diffkit.core.files import LONGEST_FILE, unique_names
from diffkit.core.program import Program
from diffkit.core.records import Record, none_of, records_of
from diffkit.core.results import Status
from diffkit.core.text import format_outputs

_REPORT_KINDS = {"gradient": gradient_task, "hessian": hessian_task}
"""What can be asked of a case; the field of that name holds the expected answer."""
_TASKS_REMEMBERED = 1024  # of which cases share one
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
        return _written(self.task.program)


@lru_cache(_TASKS_REMEMBERED)
def _written(program: Program) -> str:
    return format_outputs(program, _LONGEST_CASE_TEXT)[0]


def load_cases(cases: str | PathLike[str] | Iterable[Mapping[str, Any]], kind: str = "gradient") -> list[Case]:
    """Give the cases of files, as JSON lines, CSV or Parquet, or of mappings with the same fields.

    Fields: ``expr`` and ``at`` (names to numbers or decimal text), and if wanted ``id``, ``vars``, ``source`` and the
    expected ``gradient`` or ``hessian``; others are ignored. FileError names the line that is wrong.
    """
    check_kind(kind)
    found: list[Case] = []
    names: set[str] = set()
    read = CaseReader(kind)
    for record in records_of(cases, most=LONGEST_FILE):
        case = read(record)
        if case.name in names:
            case = replace(case, name=f"{case.name} ({record.place})")
        found.append(case)
        names.add(case.name)
    if not found:
        raise none_of(cases, "cases")
    return found


def check_kind(kind: str) -> None:
    """DiffkitError unless cases can be asked for a kind of derivative."""
    if kind not in _REPORT_KINDS:
        raise DiffkitError(
            f"a report has no kind {kind!r}",
            hint=did_you_mean(str(kind), _REPORT_KINDS) or f"there are {', '.join(_REPORT_KINDS)}",
        )


def cases_at(task: Task, points: Points) -> list[Case]:
    """Give one case for each point of a batch, named after its coordinates."""
    return [Case(case_name(task.variables, row), task, tuple(row)) for row in points.rows.tolist()]


def case_name(variables: Sequence[str], point: Sequence[float]) -> str:
    """Give what a case is called that has no other name."""
    pairs = zip(variables, point, strict=True)
    return ", ".join(f"{n} = {x:g}" if float(f"{x:g}") == x else f"{n} = {x!r}" for n, x in pairs)


class CaseReader:
    """Reads records as cases of a kind; cases of one expression share a task, as long as that is remembered."""

    def __init__(self, kind: str):
        self.kind = kind
        self.tasks: dict[tuple[Any, ...], Task] = {}

    def __call__(self, record: Record) -> Case:
        """Give the case that a record is; the error of its place says which field is missing or wrong."""
        try:
            return self._case(_unfolded(record.value), record.place)
        except DiffkitError as error:
            raise record.fault(error) from None

    def _case(self, fields: Any, name: str) -> Case:
        if not isinstance(fields, Mapping):
            raise DiffkitError("a case is an object with expr and at", hint='such as {"expr": "x^2", "at": {"x": 3}}')
        for field in ("expr", "at"):
            if field not in fields:
                raise DiffkitError(f"the case has no {field}", hint=did_you_mean(field, map(str, fields)))
        names = fields.get("vars")
        if names is not None and not (isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)):
            raise DiffkitError("vars is not a list of names")
        if isinstance(fields["expr"], (int, float, list, dict, type(None))):
            raise DiffkitError("expr is not text")
        task = self._task(fields["expr"], None if names is None else tuple(names), fields["at"])
        points = read_points(fields["at"], task.variables)
        if points.point is None:
            raise PointError("a case has one point", hint="write one case for each")
        expected = _expected(fields.get(self.kind), task, self.kind)
        name = str(fields.get("id", name))[:_LONGEST_CASE_NAME]
        return Case(name, task, points.point, expected, str(fields.get("source") or ""))

    def _task(self, expr: Any, names: tuple[str, ...] | None, at: Any) -> Task:
        """Read what is to be differentiated, once."""
        given = tuple(names_in(at))
        known = self.tasks.get((expr, names, given)) if isinstance(expr, str) else None
        if known is None:
            reading = read_joint([expr], names, given)
            known = replace(_REPORT_KINDS[self.kind](reading.program), notes=reading.notes)
            if isinstance(expr, str):
                while len(self.tasks) >= _TASKS_REMEMBERED:
                    del self.tasks[next(iter(self.tasks))]
                self.tasks[expr, names, given] = known
        return known


def _unfolded(fields: Any) -> Any:
    """The fields of a case in a table: ``at.x`` is x in ``at``, lists are written as JSON, and empty cells as none."""
    if not isinstance(fields, dict):
        return fields
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None or (isinstance(value, str) and not value):
            continue
        field, dot, inner = str(name).partition(".")
        if dot and field == "at":
            found.setdefault("at", {})[inner] = value
        else:
            found[name] = _of_cell(value) if field in ("at", "vars", *_REPORT_KINDS) else value
    return found


def _of_cell(value: Any) -> Any:
    """What the cell of a table holds: a struct without what it has not, a map as one, JSON as what it says."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if inner is not None}
    if isinstance(value, list) and value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        return dict(value)
    if isinstance(value, str) and value.startswith(("[", "{")):
        try:
            return json.loads(value, object_pairs_hook=unique_names)
        except ValueError as error:
            raise DiffkitError(f"{value[:40]!r} is not JSON: {error}") from None
    return value


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

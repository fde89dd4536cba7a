"""What changed between two reports on the same cases: statuses, correct digits, and the time that methods take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

from diffkit.core.decimals import tenths
from diffkit.core.errors import FileError
from diffkit.core.files import read

_SCHEMA = "diffkit.accuracy/2"
DIGIT = 1.0  # correct digits that are missed: fewer are the last bit's
_TIMES_SLOWER, _SECONDS_SLOWER = 3.0, 0.05  # times as long, and seconds longer
_WORSE_VERDICTS = {"undecided": 1, "disagree": 2, "failed": 3}
"""Verdicts that are worse than to agree, or to say what there is in place of a derivative."""
_WITHIN_BAR, _WITHOUT_VALUE, _OUTSIDE_BAR = "within its error bar", "no value", "outside its error bar"
_STANDINGS = (_WITHIN_BAR, _WITHOUT_VALUE, _OUTSIDE_BAR)
"""What a method's answer is, from good to bad."""


class Key(NamedTuple):
    """What is compared: a case, or one partial of it by one method, or a method's time on it.

    A case is told by its expression and point, which a name, often that of a line, is not.
    """

    expression: str
    at: tuple[tuple[str, float], ...]
    backend: str = ""
    partial: str = ""

    @property
    def case(self) -> Key:
        """The case alone."""
        return Key(self.expression, self.at)


class Known(NamedTuple):
    """A report as far as it is compared with another."""

    kind: str
    names: Mapping[Key, str]
    """what each case is called"""
    verdicts: Mapping[Key, tuple[str, bool]]
    """the verdict on each case, and whether an expected value is contradicted"""
    answers: Mapping[Key, tuple[str, float]]
    """what each method's answer is, and its correct digits"""
    seconds: Mapping[Key, float]

    def row(self, key: Key) -> ReportRow:
        """What is compared, by its name."""
        return ReportRow(self.names[key.case], key.backend, key.partial)


class ReportRow(NamedTuple):
    """A case by its name, or one partial of it by one method, or a method's time on it."""

    case: str
    backend: str
    partial: str

    def __str__(self) -> str:
        return ", ".join(filter(None, self))


class Change(NamedTuple):
    """A row that is another one now: what ``was``, what ``now`` is, and whether something is ``lost`` by it."""

    row: ReportRow
    what: str
    """status, digits or time"""
    was: str
    now: str
    lost: bool


@dataclass(frozen=True)
class Changes:
    """What is different from an old report. It is true if nothing is lost.

    Lost are a status that is worse or of another kind, and a correct digit or more; a method that takes longer is told.
    ``missing`` are rows that the old report has and the new one has not, ``new`` those of the new one alone.
    """

    old: str
    changes: tuple[Change, ...]
    missing: tuple[ReportRow, ...]
    new: tuple[ReportRow, ...]

    @property
    def lost(self) -> tuple[Change, ...]:
        """The changes for the worse."""
        return tuple(change for change in self.changes if change.lost)

    def __bool__(self) -> bool:
        return not self.lost

    def __str__(self) -> str:
        lines = [f"{c.row}: {c.what} was {c.was}, is {c.now}" for c in self.changes]
        return "\n".join([f"compared with {self.old}: {len(self.lost)} lost of {len(self.changes)} changed", *lines])


def changes_since(old: Known, new: Known, name: str) -> Changes:
    """Compare two reports; FileError if they are of different kinds of derivatives."""
    if old.kind != new.kind:
        raise FileError(f"{name} is a report on {old.kind}s, and this one is on {new.kind}s", hint="give --kind")
    found = [*_statuses(old, new), *_digits(old, new), *_times(old, new)]
    return Changes(name, tuple(found), tuple(_alone(old, new)), tuple(_alone(new, old)))


def _alone(report: Known, other: Known) -> Iterator[ReportRow]:
    """Rows that the other report has not; of a case that it has not at all, the case."""
    yield from (report.row(key) for key in report.verdicts if key not in other.verdicts)
    yield from (report.row(k) for k in report.answers if k not in other.answers and k.case in other.verdicts)


def _statuses(old: Known, new: Known) -> Iterator[Change]:
    for key, (verdict, contradicted) in old.verdicts.items():
        now, now_contradicted = new.verdicts.get(key, (verdict, contradicted))
        if (now, now_contradicted) != (verdict, contradicted):
            was_rank, rank = _badness(verdict, contradicted), _badness(now, now_contradicted)
            lost = rank > was_rank or (rank == was_rank and now != verdict)
            was = _status(verdict, contradicted)
            yield Change(new.row(key), "status", was, _status(now, now_contradicted), lost)
    for key, (standing, _) in old.answers.items():
        now = new.answers.get(key, (standing, 0.0))[0]
        if now != standing:
            yield Change(new.row(key), "status", standing, now, _STANDINGS.index(now) > _STANDINGS.index(standing))


def _badness(verdict: str, contradicted: bool) -> int:
    return _WORSE_VERDICTS.get(verdict, 0) + contradicted


def _status(verdict: str, contradicted: bool) -> str:
    return f"{verdict}, an expected value contradicted" if contradicted else verdict


def _digits(old: Known, new: Known) -> Iterator[Change]:
    for key, (standing, digits) in old.answers.items():
        now_standing, now = new.answers.get(key, (standing, digits))
        if now_standing == standing != _WITHOUT_VALUE and abs(now - digits) >= DIGIT:
            yield Change(new.row(key), "digits", tenths(digits), tenths(now), now < digits)


def _times(old: Known, new: Known) -> Iterator[Change]:
    for key, seconds in old.seconds.items():
        now = new.seconds.get(key, seconds)
        if now > _TIMES_SLOWER * seconds and now - seconds > _SECONDS_SLOWER:
            yield Change(new.row(key), "time", f"{seconds:.2g} s", f"{now:.2g} s", False)


def standing(value: float | None, within: bool) -> str:
    """Say what a method's answer is."""
    if value is None or math.isnan(value):
        return _WITHOUT_VALUE
    return _WITHIN_BAR if within else _OUTSIDE_BAR


# A report that was written as JSON ------------------------------------------------------------------------------------


def known(report: Mapping[str, Any] | str | PathLike[str]) -> tuple[Known, str]:
    """Give what a report in JSON says, and its name; FileError if it is no report of this version."""
    fields, name = read_fields(report)
    if fields.get("tally") is not None:
        raise FileError(f"{name} keeps no outcomes to compare with: its rows went to a folder")
    try:
        cases = [(_case(o), o) for o in fields["outcomes"]]
        return Known(
            str(fields["kind"]),
            {case: str(o["name"]) for case, o in cases},
            {case: (str(o["verdict"]), bool(o["contradicted"])) for case, o in cases},
            {case._replace(backend=str(s["backend"]), partial=str(s["label"])):
             (standing(s["value"], s["within"]), _number(s["digits"])) for case, o in cases for s in o["scores"]},
            {case._replace(backend=str(b)): _number(t) for case, o in cases for b, t in o["seconds"].items()},
        ), name  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise malformed(name, error) from None


def read_fields(report: Mapping[str, Any] | str | PathLike[str]) -> tuple[Mapping[str, Any], str]:
    """Give the fields of a report in JSON, and its name; FileError if it is no report of this version."""
    fields: Any = report
    name = "the old report" if isinstance(report, Mapping) else "standard input" if report == "-" else str(report)
    if not isinstance(report, Mapping):
        try:
            fields = json.loads(read(report))
        except (ValueError, RecursionError) as error:
            raise FileError(f"{name} is not JSON: {error}", hint="write it with report --format json") from None
    schema = fields.get("schema") if isinstance(fields, Mapping) else None
    if schema != _SCHEMA:
        said = "it has no schema" if schema is None else f"its schema is {str(schema)[:40]}"
        raise FileError(f"{name} is no report of this version: {said}, not {_SCHEMA}",
                        hint="write it anew with report --format json")  # fmt: skip
    return fields, name


def malformed(name: str, error: Exception) -> FileError:
    """Give the error for a report that lacks something."""
    what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
    return FileError(f"{name} is a malformed report: {what}", hint="write it with report --format json")


def _case(outcome: Mapping[str, Any]) -> Key:
    return Key(str(outcome["expr"]), tuple((str(name), float(x)) for name, x in outcome["at"].items()))


def _number(value: Any) -> float:
    """A number as JSON holds it: null is NaN."""
    return math.nan if value is None else float(value)

"""``diffkit check --all``: the pairs of a function and its claimed derivative that a pyproject.toml lists.

Everything is read before anything is imported. What is wrong is told by its key, as in tool.diffkit.check[2].points.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from inspect import unwrap
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.cli.inputs import CODE_NAME, code_or_text, names_in_module
from diffkit.core.errors import DiffkitError, FileError, did_you_mean, ended
from diffkit.core.files import read
from diffkit.core.records import Record, records_of
from diffkit.core.row_files import Columns, Row

if TYPE_CHECKING:
    from diffkit.core.isolation import Isolation
    from diffkit.reports.claims_report import NamedCheck

_OUR_TOOL, _KEY_OF_PAIRS = "tool.diffkit", "tool.diffkit.check"
_CLAIMED_KINDS = ("gradient", "jacobian", "hessian", "vjp")
_TEXT, _TEXTS, _NUMBER, _FLAG = (str,), (str, list), (int, float), (bool,)
_TYPES: dict[str, tuple[type, ...]] = {
    "name": _TEXT, "function": _TEXT, **dict.fromkeys(_CLAIMED_KINDS, _TEXTS), "points": (str, int, float, list),
    "points_from": _TEXT,
    "args": (list,), "variables": _TEXTS, "wrt": _TEXTS, "reset": _TEXT, "rtol": _NUMBER, "atol": _NUMBER,
    "beside": (int,), "symmetric": _FLAG, "timeout": _NUMBER,
}  # fmt: skip
"""What a pair may say, and of which types; true is no number."""
_FOR_ALL = ("rtol", "atol", "beside", "timeout")
"""what the section may say for all its pairs"""
_PASSED_ON = ("variables", "wrt", *_FOR_ALL, "symmetric")
_PAIR_HEADER = re.compile(r"^\s*\[\[\s*tool\s*\.\s*diffkit\s*\.\s*check\s*\]\]", re.MULTILINE)
_WORDS = {str: "text", list: "a list", int: "a whole number", float: "a number", bool: "true or false"}


class ClaimPlace(NamedTuple):
    """Where something stands in files; nowhere without a file."""

    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Pair:
    """A function and its claimed derivative, as they are written."""

    key: str
    given: dict[str, Any]
    place: ClaimPlace

    @property
    def kind(self) -> str:
        """What is claimed."""
        return next(kind for kind in _CLAIMED_KINDS if kind in self.given)

    @property
    def claim(self) -> str:
        """The claim as it is written."""
        claim = self.given[self.kind]
        return claim if isinstance(claim, str) else ", ".join(map(str, claim))

    @property
    def name(self) -> str:
        """What to call it."""
        return str(self.given.get("name") or f"{self.kind} of {self.given['function']}")

    def asked(self) -> Iterator[AskedPair]:
        """The pair at each of its points."""
        if "points_from" in self.given:
            for record in records_of(self.given["points_from"], "csv"):
                yield AskedPair(self, f"{self.name}, {record.place}", record.value)
            return
        points = self.given.get("points", [None])
        points = points if isinstance(points, list) else [points]
        for number, point in enumerate(points, 1):
            yield AskedPair(self, self.name if len(points) == 1 else f"{self.name}, point {number}", point)

    def check(self, name: str, point: Any) -> NamedCheck:
        """Check the claim at a point; what is wrong with it is told there."""
        try:
            try:
                return self._check(name, point)
            except SystemExit as end:
                raise ended(end) from None
        except DiffkitError as error:
            return self.failed(name, error)

    def failed(self, name: str, error: DiffkitError) -> NamedCheck:
        """What is said of a point at which there is no check."""
        from diffkit.reports.claims_report import NamedCheck

        return NamedCheck(name, None, type(error)(f"{self.key}: {error}"), *self.place)

    def _check(self, name: str, point: Any) -> NamedCheck:
        from diffkit.judging.checking.check import check
        from diffkit.reports.check_report import CheckReport
        from diffkit.reports.claims_report import NamedCheck

        function, claim = self.given["function"], _imported(self.given[self.kind])
        f = _called(function) if CODE_NAME.match(function) else function
        reset = self.given.get("reset")
        options = {option: self.given[option] for option in _PASSED_ON if option in self.given}
        found = check(
            f, claim, code_or_text(point) if isinstance(point, str) else point, kind=self.kind,
            args=tuple(map(_imported, self.given.get("args", ()))), reset=reset and names_in_module(reset), **options,
        )  # fmt: skip
        _ = found.explanation  # looked for here, while the time runs
        return NamedCheck(name, CheckReport(found, function, self.claim), None, *(place_of(claim) or self.place))


class AskedPair(NamedTuple):
    """A pair, what to call it at a point, and the point."""

    pair: Pair
    name: str
    point: Any


def checks_of(pairs: Sequence[Pair], isolation: Isolation | None = None) -> Iterator[NamedCheck]:
    """Check each pair at each of its points, here or in another process; what is wrong with one ends no other.

    A pair's own timeout is then the time of each of its points.
    """
    if isolation is None:
        for one in chain.from_iterable(pair.asked() for pair in pairs):
            yield from _checked([one])
        return
    from diffkit.core.worker_pool import in_order

    for seconds, alike in groupby(pairs, lambda pair: pair.given.get("timeout", isolation.timeout)):
        asked = ([one] for pair in alike for one in pair.asked())
        for _, found in in_order(_checked, asked, replace(isolation, timeout=seconds), _lost):
            yield from found


def _checked(asked: Sequence[AskedPair]) -> list[NamedCheck]:
    """The checks that are asked for; where none is, as of a worker that is new, what they need is imported."""
    from diffkit.judging.checking.check import check  # noqa: F401

    return [pair.check(name, point) for pair, name, point in asked]


def _lost(asked: AskedPair, error: DiffkitError) -> list[NamedCheck]:
    """What is said of a point at which the process ended, or took too long."""
    return [asked.pair.failed(asked.name, error)]


class PairRows:
    """The claims of pairs checked, each at each of its points: a row holds the verdict and its reason."""

    def __init__(self, pairs: list[Pair]):
        self.pairs = pairs
        self.columns: Columns = {"name": "text", "verdict": "text", "message": "text", "file": "text", "line": "int"}

    @property
    def what(self) -> dict[str, Any]:
        """What is checked."""
        return {"kind": "check", "pairs": [{"key": pair.key, **pair.given} for pair in self.pairs]}

    def records(self) -> Iterator[Record]:
        """Each pair by its number, with the name of a check and its point."""
        number = 0
        for k, pair in enumerate(self.pairs):
            for _, name, point in pair.asked():
                number += 1
                yield Record([k, name, point], "", number, "check")

    def get_ready(self) -> None:
        """Nothing is needed by all."""

    def row(self, record: Record) -> Row:
        """Check a claim at a point."""
        k, name, point = record.value
        return _row_of(self.pairs[k].check(name, point))

    def lost(self, record: Record, reason: str) -> Row:
        """Give the row of a check that ends every process that works on it."""
        k, name, _ = record.value
        return _row_of(self.pairs[k].failed(name, DiffkitError(reason)))


def _row_of(check: NamedCheck) -> Row:
    return {"name": check.name, "verdict": check.verdict, "message": check.about, "file": check.file,
            "line": check.line}  # fmt: skip


def read_pairs(file: str) -> list[Pair]:
    """Read the pairs of a pyproject.toml; FileError names the key that is wrong."""
    text = read(file)
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileError(f"{file} is no TOML: {error}") from None
    section = _table(_table(content.get("tool", {}), "tool", file).get("diffkit"), _OUR_TOOL, file)
    for key in section:
        if key != "check" and key not in _FOR_ALL:
            raise _unknown(key, ("check", *_FOR_ALL), f"{file}: {_OUR_TOOL}")
    shared = {key: value for key, value in section.items() if key != "check"}
    _check_types(shared, f"{file}: {_OUR_TOOL}")
    found = section.get("check")
    if not isinstance(found, list) or not found:
        raise FileError(
            f"{file}: {_KEY_OF_PAIRS} is a list of pairs with one at the least", hint=f"write [[{_KEY_OF_PAIRS}]]"
        )
    places = _places(file, text, len(found))
    return [_pair(given, shared, f"{file}: {_KEY_OF_PAIRS}[{k}]", places[k - 1]) for k, given in enumerate(found, 1)]


def _pair(given: Any, shared: dict[str, Any], key: str, place: ClaimPlace) -> Pair:
    if not isinstance(given, dict):
        raise FileError(f"{key} is no table", hint=f"write [[{_KEY_OF_PAIRS}]], and each key on a line below it")
    for name in given:
        if name not in _TYPES:
            raise _unknown(name, _TYPES, key)
    _check_types(given, key)
    if "function" not in given:
        raise FileError(f"{key}.function is missing", hint='write function = "MODULE:NAME", or an expression')
    claims = [kind for kind in _CLAIMED_KINDS if kind in given]
    if len(claims) != 1:
        raise FileError(f"{key} has {'no claim' if not claims else 'more than one claim: ' + ', '.join(claims)}",
                        hint=f"give one of {', '.join(_CLAIMED_KINDS)}")  # fmt: skip
    for name in (claims[0], "variables", "wrt"):
        value = given.get(name)
        if isinstance(value, list) and not (value and _are_texts(value)):
            raise FileError(f"{key}.{name} is text, or a list of texts")
    if "points" in given and "points_from" in given:
        raise FileError(f"{key} has points and points_from", hint="give one of them")
    if given.get("points") == []:
        raise FileError(f"{key}.points is empty", hint="leave it out for formulas that are compared everywhere")
    return Pair(key, {**shared, **given}, place)


def _are_texts(value: list[Any]) -> bool:
    """Whether all that is in a list, and in lists in it, is text."""
    return all(_are_texts(part) if isinstance(part, list) else isinstance(part, str) for part in value)


def _table(value: Any, key: str, file: str) -> dict[str, Any]:
    if value is None:
        raise FileError(f"{file} has no [{key}]", hint=f"list what is to be checked below [[{_KEY_OF_PAIRS}]]")
    if not isinstance(value, dict):
        raise FileError(f"{file}: {key} is no table")
    return value


def _unknown(name: str, known: Any, key: str) -> FileError:
    return FileError(f"{key}.{name} is unknown", hint=did_you_mean(name, known) or f"there are {', '.join(known)}")


def _check_types(given: dict[str, Any], key: str) -> None:
    for name, value in given.items():
        if not isinstance(value, types := _TYPES[name]) or (isinstance(value, bool) and bool not in types):
            raise FileError(f"{key}.{name} is {' or '.join(map(_WORDS.__getitem__, types))}, not {value!r:.60}")


def _places(file: str, text: str, count: int) -> list[ClaimPlace]:
    """The line of each pair, where each is a table below a header of its own."""
    lines = [text.count("\n", 0, found.end()) + 1 for found in _PAIR_HEADER.finditer(text)]
    return [ClaimPlace(file, line) for line in (lines if len(lines) == count else [1] * count)]


def _imported(value: Any) -> Any:
    """What MODULE:NAME names, in lists too; anything else as it is."""
    if isinstance(value, list):
        return [_imported(part) for part in value]
    return code_or_text(value) if isinstance(value, str) else value


def _called(name: str) -> Any:
    function = names_in_module(name)
    if not callable(function):
        raise FileError(f"{name} is a {type(function).__name__}, not a function")
    return function


def place_of(claim: Any) -> ClaimPlace | None:
    """Where a claim in code stands, below the current directory by its relative path; None of anything else."""
    code = getattr(unwrap(claim), "__code__", None) if callable(claim) else None
    if code is None or not os.path.isfile(code.co_filename):
        return None
    path = os.path.realpath(code.co_filename)
    relative = os.path.relpath(path, os.path.realpath("."))
    return ClaimPlace(path if relative.startswith("..") else relative.replace(os.sep, "/"), code.co_firstlineno)

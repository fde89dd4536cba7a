"""What there is to report: documents, and the blocks that every readable format lays them out in.

A format asks a document for its title, blocks, charts and fields, and knows no kind. How numbers and statuses are
worded stands here, once.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from diffkit.core.decimals import above, tenths
from diffkit.core.errors import LimitError, visible
from diffkit.core.results import Odd

if TYPE_CHECKING:
    from diffkit.reports.pictures.charts import Chart

T = TypeVar("T")
STATUS_WORDS = {
    "agree": "agree",
    "disagree": "disagree",
    "undecided": "undecided",
    "failed": "could not be compared",
    "not_differentiable": "not differentiable",
    "domain_error": "outside the domain, or at its edge",
    "pole": "a pole",
    "overflow": "larger than the largest binary64",
    "uncertain": "uncertain",
    "ok": "ok",
}
"""Verdicts and statuses in words."""
_STATUS_CODE = re.compile(r"\b(not_differentiable|domain_error)\b")
_SIDE_WORDS = {"left": "left derivative", "right": "right derivative"}


class Equation(NamedTuple):
    """A line ``left = right``, perhaps with an error bar or a remark after it.

    ``latex`` is the same, without the remark, where that is known better than from the text.
    """

    left: str
    right: str
    remark: str = ""
    latex: str = ""


class Table(NamedTuple):
    """Columns with a heading each; ``brief`` names those to keep where a line must stay short (all, if empty).

    ``formulas`` names those that hold formulas: elsewhere 2026-11-30 is a date, and row-3 a name.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    brief: tuple[int, ...] = ()
    formulas: tuple[int, ...] = ()


class Note(NamedTuple):
    """A sentence."""

    text: str


class Heading(NamedTuple):
    """The name of the part that follows."""

    text: str


class Listing(NamedTuple):
    """Code in a language."""

    lines: tuple[str, ...]
    language: str


class Gap(NamedTuple):
    """An empty line between parts."""


Block = Equation | Table | Note | Heading | Listing | Gap


class Drawing(NamedTuple):
    """A function of ``diffkit.reports.pictures``, as MODULE:FUNCTION, and its arguments."""

    function: str
    args: tuple[Any, ...]


class JudgedClaim(NamedTuple):
    """A claimed derivative and its verdict, in one line and as a whole report, and where the claim stands if known."""

    name: str
    verdict: str
    """correct, wrong, inconclusive, or error: nothing could be asked"""
    message: str
    report: str
    file: str = ""
    line: int = 0


class Document(ABC):
    """Anything that every format can render."""

    @property
    @abstractmethod
    def title(self) -> str:
        """A line that names the report."""

    @property
    def readings(self) -> tuple[str, ...] | None:
        """How names were read that may be meant otherwise; None where nothing was typed."""
        return None

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """The report for people, from top to bottom."""

    def charts(self) -> Iterator[Chart]:
        """What a format that can show figures may show besides: nothing, unless a document says otherwise."""
        return iter(())

    def picture(self) -> Drawing | None:
        """What a notebook shows of it at a glance: nothing, unless a document says otherwise."""
        return None

    def claims(self) -> Iterator[JudgedClaim]:
        """The claims that were judged: only a report of checks has some."""
        return iter(())

    @abstractmethod
    def fields(self) -> dict[str, Any]:
        """The report for programs, as JSON can hold it; ``schema`` says which fields there are."""


@dataclass(frozen=True)
class Shown(Document):
    """A document as it is shown: below what was typed it says how names were read, and every character is visible."""

    document: Document

    @property
    def title(self) -> str:
        """A line that names the report."""
        return visible(self.document.title)

    def blocks(self) -> Iterator[Block]:
        """The report for people."""
        found = list(self.document.blocks())
        typed = next((k for k, block in enumerate(found) if not isinstance(block, Equation)), len(found)) or len(found)
        yield from map(seen, (*found[:typed], *map(Note, self.document.readings or ()), *found[typed:]))

    def charts(self) -> Iterator[Chart]:
        """What may be shown besides."""
        return map(seen, self.document.charts())

    def picture(self) -> Drawing | None:
        """What a notebook shows of it at a glance; pictures make what they write visible themselves."""
        return self.document.picture()

    def claims(self) -> Iterator[JudgedClaim]:
        """The claims that were judged; the lines of a report that was rendered stay."""
        return (seen(claim)._replace(report=claim.report) for claim in self.document.claims())

    def fields(self) -> dict[str, Any]:
        """The report for programs, with what is noted; as it is, for JSON has escapes of its own."""
        fields, readings = self.document.fields(), self.document.readings
        return fields if readings is None else {**fields, "notes": [*readings, *fields.get("notes", ())]}


def seen(part: T) -> T:
    """Give a part of a report with every character of its texts visible."""
    if isinstance(part, str):
        return visible(part)  # type: ignore[return-value]
    if isinstance(part, tuple):
        return type(part)._make(map(seen, part)) if hasattr(part, "_make") else tuple(map(seen, part))  # type: ignore[return-value]
    return part


def latex_if_short(write: Callable[[], str]) -> str:
    """Give the LaTeX that is written; nothing where it is too long."""
    try:
        return write()
    except LimitError:
        return ""


def line(block: Block) -> str:
    """Give a block that is one line as plain text."""
    if isinstance(block, Equation):
        return f"{block.left} = {block.right}" + (f"  {block.remark}" if block.remark else "")
    return block.text if isinstance(block, (Note, Heading)) else ""


def shown(value: float) -> str:
    """Give a number in its shortest exact form: 2, 0.1, 1e-07."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def rounded(value: float) -> str:
    """Give a size with three digits, a dash for NaN and words for infinity."""
    return "–" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value:.3g}"


def digits(value: float) -> str:
    """Give a number of correct digits."""
    return "–" if math.isnan(value) else tenths(value)


def bar(value: float) -> str:
    """Give an error bar; a method that allows for none claims to be exact."""
    return "–" if math.isnan(value) else f"± {above(value, 2)}" if value else "exact"


def status(odd: Odd) -> str:
    """Give what a component is where it is no number, with the one-sided derivatives or f's limit if known."""
    if odd.cause == "removable point":
        return f"f has no value here, and tends to {shown(odd.limit)}"
    known = [(words, getattr(odd, name)) for name, words in _SIDE_WORDS.items()]
    sides = ", ".join(f"{words} {shown(value)}" for words, value in known if not math.isnan(value))
    return STATUS_WORDS[odd.status] + (f" ({sides})" if sides else "")


def worded(text: str) -> str:
    """Give a sentence with words for the statuses named in it."""
    return _STATUS_CODE.sub(lambda code: STATUS_WORDS[code[0]], text)


def listed(names: Iterable[str], most: int | None = None) -> str:
    """Give ``a, b and c``; beyond ``most`` names, ``a, b and 7 more``."""
    found = list(names)
    if most is not None and len(found) > most:
        found = [*found[:most], f"{len(found) - most} more"]
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


def plain(value: Any) -> Any:
    """Give a value as JSON can hold it: NaN as null, infinities as text, arrays as lists, what has names as objects."""
    if value is None or type(value) in (str, int, bool):
        return value
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else "inf" if value > 0 else "-inf"
    return value


def picked(thing: Any, *names: str) -> dict[str, Any]:
    """Give attributes of a thing by name, as JSON can hold them."""
    return {name: plain(getattr(thing, name)) for name in names}


def present(thing: Any, *names: str) -> dict[str, Any]:
    """The same where an empty text or an empty answer is nothing to tell: null."""
    return {name: value or None for name, value in picked(thing, *names).items()}

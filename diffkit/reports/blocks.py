"""Blocks: the parts that every readable format lays a report out in, and how numbers and statuses are worded."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from diffkit.core.decimals import above, tenths
from diffkit.core.results import Odd

WORDS = {
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
CODE = re.compile(r"\b(not_differentiable|domain_error)\b")
SIDES = {"left": "left derivative", "right": "right derivative"}


class Equation(NamedTuple):
    """A line ``left = right``, perhaps with an error bar or a remark after it."""

    left: str
    right: str
    remark: str = ""


class Table(NamedTuple):
    """Columns with a heading each; ``brief`` names those to keep where a line must stay short (all, if empty)."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    brief: tuple[int, ...] = ()


class Note(NamedTuple):
    """A sentence."""

    text: str


class Heading(NamedTuple):
    """The name of the part that follows."""

    text: str


class Gap(NamedTuple):
    """An empty line between parts."""


Block = Equation | Table | Note | Heading | Gap


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
    known = [(words, getattr(odd, name)) for name, words in SIDES.items()]
    sides = ", ".join(f"{words} {shown(value)}" for words, value in known if not math.isnan(value))
    return WORDS[odd.status] + (f" ({sides})" if sides else "")


def worded(text: str) -> str:
    """Give a sentence with words for the statuses named in it."""
    return CODE.sub(lambda code: WORDS[code[0]], text)


def listed(names: Iterable[str], most: int | None = None) -> str:
    """Give ``a, b and c``; beyond ``most`` names, ``a, b and 7 more``."""
    found = list(names)
    if most is not None and len(found) > most:
        found = [*found[:most], f"{len(found) - most} more"]
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


def plain(value: Any) -> Any:
    """Give a value as JSON can hold it: NaN as null, infinities as text, arrays as lists; inside out."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else "inf" if value > 0 else "-inf"
    return value

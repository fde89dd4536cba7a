"""Reads the docstrings of the public names, as numpydoc writes them, and lays them out as pages of reference.

A docstring is a summary, what else there is to say, and sections: a title underlined by dashes. In Parameters,
Returns, Raises and their like an entry is a line at the margin with what is told of it indented below.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType
from typing import Any, NamedTuple

_TITLE = re.compile(r"^([A-Z][A-Za-z ]+)\n-+\n", re.MULTILINE)
LISTS = ("Parameters", "Returns", "Raises")


class Entry(NamedTuple):
    """What is told of a parameter, an answer or an error."""

    head: str
    text: str

    @property
    def names(self) -> list[str]:
        """The names before the colon."""
        return [name.strip().lstrip("*") for name in self.head.partition(" : ")[0].split(",")]


@dataclass
class Docstring:
    """A docstring in its parts."""

    summary: str
    more: str = ""
    sections: dict[str, str] = field(default_factory=dict)

    def entries(self, title: str) -> list[Entry]:
        """The entries of a section; none where there is no such section."""
        parts = re.split(r"^(?=\S)", self.sections.get(title, ""), flags=re.MULTILINE)
        heads = [part.partition("\n") for part in parts if part.strip()]
        return [Entry(head, " ".join(text.split())) for head, _, text in heads]


def read(thing: Any) -> Docstring:
    """Give the docstring of a thing in its parts; ValueError where it has none of its own."""
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    if not text:
        raise ValueError(f"{thing!r} says nothing of itself")
    before, *rest = _TITLE.split(text + "\n")
    summary, _, more = before.strip().partition("\n\n")
    return Docstring(summary, more, dict(zip(rest[::2], (part.strip("\n") for part in rest[1::2]), strict=True)))


class Member(NamedTuple):
    """What an object of a class has: an attribute, or a method with its signature."""

    name: str
    docstring: Docstring | None
    signature: str | None


def fields_told(cls: type) -> Iterator[tuple[str, str]]:
    """The fields of a class with the text below each, as its source has them."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id[0] != "_":
            told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and after.value.value
            yield node.target.id, " ".join(str(told or "").split())


def members(cls: type) -> list[Member]:
    """The public attributes of objects of a class, in the order of the source, and then the methods; ours alone."""
    ours = [c for c in cls.__mro__ if c.__module__.startswith("diffkit.")]
    told = {name: Docstring(text[:1].upper() + text[1:]) for name, text in fields_told(cls) if text}
    found = [Member(name, told.get(name), None) for name, _ in fields_told(cls)]
    known = {member.name for member in found}
    for name, thing in [item for c in ours for item in vars(c).items()]:
        if name.startswith("_") or name in known:
            continue
        known.add(name)
        if isinstance(thing, (property, cached_property)):
            inner = thing.fget if isinstance(thing, property) else thing.func
            found.append(Member(name, read(inner), None))
        elif isinstance(thing, FunctionType):
            found.append(Member(name, read(thing), signature(thing, name)))
    return sorted(found, key=lambda member: member.signature is not None)


def signature(thing: Any, name: str) -> str:
    """A call with its parameters, without types: these are told below."""
    shown: list[str] = []
    for p in inspect.signature(thing).parameters.values():
        if p.name in ("self", "cls"):
            continue
        if p.kind is p.KEYWORD_ONLY and "*" not in shown and not any(s.startswith("*") for s in shown):
            shown.append("*")
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        value = "" if p.default is p.empty else f"={_brief(p.default)}"
        shown.append(f"{mark}{p.name}{value}")
    return f"{name}({', '.join(shown)})"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else "…"


def spans(text: str) -> str:
    """Text of a docstring as Markdown: code in one kind of backticks, and nothing that would be marks."""
    code = re.compile(r"``(.+?)``|`([\w.]+)`", re.DOTALL)
    parts = []
    at = 0
    for found in code.finditer(text):
        parts += [_plain(text[at : found.start()]), f"`{' '.join((found[1] or found[2]).split())}`"]
        at = found.end()
    return "".join([*parts, _plain(text[at:])])


def _plain(text: str) -> str:
    return re.sub(r"([<\[\]|_]|(?<!^)(?<!\n)\*)", r"\\\1", text)


def _table(title: str, entries: list[Entry]) -> list[str]:
    rows = [f"| `{entry.head.replace('|', chr(92) + '|')}` | {spans(entry.text)} |" for entry in entries]
    return ["", f"| {title} | |", "| --- | --- |", *rows]


def _body(docstring: Docstring) -> list[str]:
    lines = [spans(docstring.summary)] + (["", spans(docstring.more)] if docstring.more else [])
    for title in LISTS:
        if entries := docstring.entries(title):
            lines += _table(title.lower(), entries)
    if also := docstring.sections.get("See Also"):
        lines += ["", f"See also {', '.join(f'`{name.strip()}`' for name in also.split(','))}."]
    if examples := docstring.sections.get("Examples"):
        lines += ["", "```python", examples, "```"]
    return lines


def _class(name: str, cls: type) -> list[str]:
    lines = [f"## {name}", "", *_body(read(cls))]
    found = members(cls)
    attributes = [m for m in found if m.signature is None]
    if attributes:
        rows = [Entry(m.name, m.docstring.summary if m.docstring else "") for m in attributes]
        lines += _table("attributes", rows)
    for member in found:
        if member.signature is not None and member.docstring is not None:
            lines += ["", f"### {name}.{member.name}", "", f"`{member.signature}`", "", *_body(member.docstring)]
    return lines


def page(title: str, about: str, names: dict[str, Any]) -> str:
    """Give a page about things by name: functions and backends as they are called, others with what they have."""
    lines = [f"# {title}", "", about, "", "Written by `python docs/generate.py` from the docstrings.", ""]
    lines += ["```python", ">>> import diffkit as dk", ">>> import numpy as np", "```", ""]
    for name, thing in names.items():
        if isinstance(thing, type) and issubclass(thing, Exception):
            lines += [f"## {name}", "", *_body(read(thing)), ""]
        elif isinstance(thing, type) and not hasattr(thing, "prepare"):
            lines += [*_class(name, thing), ""]
        else:
            lines += [f"## {name}", "", f"`{signature(thing, name)}`", "", *_body(read(thing)), ""]
    return "\n".join(lines).rstrip() + "\n"


class Topic(NamedTuple):
    """What one page of the reference is about."""

    title: str
    about: str
    names: str


TOPICS = {
    "derivatives": Topic(
        "Derivatives", "Derivatives at a point, or at many, and the Result that all of them give.",
        "derivative gradient jacobian hessian directional jvp vjp hvp taylor Result",
    ),
    "functions": Topic(
        "Functions", "What is differentiated, where plain text or a plain function does not say enough.",
        "parse Expression arrays Function Limits Isolation",
    ),
    "prepared": Topic(
        "Prepared derivatives and code", "Derivatives for many points, for optimisers, and as source code.",
        "prepare Prepared code DerivativeCode",
    ),
    "comparing": Topic(
        "Comparing", "Which methods are right, at a point, in a box, and over many cases.",
        "compare Comparison worst Worst report AccuracyReport progress",
    ),
    "streams": Topic(
        "Streams", "Millions of points or cases, in constant memory, by many processes, resumed after whatever ended them.",
        "stream RowsReport merge_reports",
    ),
    "checking": Topic(
        "Checking", "Is a derivative that somebody wrote right?",
        "check Check Entry testing.assert_gradient testing.points testing.check_backend",
    ),
    "lessons": Topic(
        "Lessons", "Calculus as tutorials teach it, every number proven or measured.",
        "quotients Quotients tangent Tangent explain Derivation backward Backward stationary StationaryPoints "
        "StationaryPoint Region descend Descent",
    ),
    "matrices": Topic(
        "Matrix calculus", "Formulas for vectors and matrices of any size.",
        "matrix_derivative MatrixDerivative check_identity Identity",
    ),
    "backends": Topic(
        "Backends", "Methods as objects that take options: `dk.compare(f, at, backends=[\"dual\", dk.backends.Scipy()])`.",
        "backends",
    ),
    "errors": Topic("Errors", "What misuse raises: each is a `DiffkitError`, of one line that says what to do.", "DiffkitError"),
}  # fmt: skip
"""Page of docs/reference/api → what it is about; the errors are those that there are"""


def named(topic: str) -> dict[str, Any]:
    """The things of a topic by name."""
    from importlib import import_module

    import diffkit

    if topic == "backends":
        return {f"backends.{name}": getattr(diffkit.backends, name) for name in diffkit.backends.__all__}
    if topic == "errors":
        things = {name: getattr(diffkit, name) for name in diffkit.__all__}
        return {name: t for name, t in things.items() if isinstance(t, type) and issubclass(t, Exception)}
    found = {}
    for name in TOPICS[topic].names.split():
        module, _, inner = name.rpartition(".")
        found[name] = getattr(import_module(f"diffkit.{module}") if module else diffkit, inner)
    return found


def topic_page(topic: str) -> str:
    """Give the page about a topic."""
    return page(TOPICS[topic].title, TOPICS[topic].about, named(topic))

"""What a statement of a tutorial is, and the ways to have it judged by diffkit."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import diffkit as dk

AGREES = ("correct", "true", "holds", "these digits")
DENIES = ("wrong", "refused", "false", "fails")


class Case(NamedTuple):
    """One question to diffkit: ``by`` is who is asked, ``says`` the answer, ``words`` a part of its explanation."""

    name: str
    by: str
    answer: Callable[[], tuple[str, str]]
    says: str
    words: str = ""


class Statement(NamedTuple):
    """What a tutorial states, with the verdict on it.

    The verdict is "right" where all cases agree with the statement, "wrong" where none does, else "in part".
    ``others`` are what the note says, and claims like the stated one that must be found wrong.
    """

    stated: str
    verdict: str
    note: str
    cases: list[Case]
    others: list[Case] = []  # noqa: RUF012

    @property
    def derived(self) -> str:
        """The verdict that follows from the cases."""
        agree = [case.says in AGREES for case in self.cases]
        return "right" if all(agree) else "in part" if any(agree) else "wrong"


def claim(
    name: str, f: Any, derivative: Any, at: Any = None, says: str = "correct", words: str = "", **options: Any
) -> Case:
    """Have ``dk.check`` judge a derivative: correct, wrong or, where it raises, refused."""

    def answer() -> tuple[str, str]:
        try:
            found = dk.check(f, derivative, at, **options)
        except dk.DiffkitError as error:
            return "refused", str(error)
        return found.verdict, found.explanation or ""

    return Case(name, "dk.check", answer, says, words)


def identity(text: str, says: str = "true") -> Case:
    """Have ``dk.check_identity`` judge an identity for arrays of any size."""
    return Case(text, "dk.check_identity", lambda: (dk.check_identity(text).verdict, ""), says)


def fact(name: str, by: str, holds: Callable[[], Any], says: str = "holds") -> Case:
    """Ask whether something holds of what diffkit answers."""
    return Case(name, by, lambda: ("holds" if holds() else "fails", ""), says)


def number(digits: str, by: str, found: Callable[[], str]) -> Case:
    """Ask for a number, which must have these digits."""

    def answer() -> tuple[str, str]:
        real = found()
        return ("these digits" if real == digits else real), ""

    return Case(digits, by, answer, "these digits")


def table(statements: list[Statement]) -> str:
    """The statements as a table in Markdown: what is stated, the verdict, and what diffkit says."""
    lines = ["| stated | verdict | diffkit says |", "| --- | --- | --- |"]
    for row in statements:
        verdict = f"{row.verdict}: {row.note}" if row.note else row.verdict
        lines.append(f"| {_cell(row.stated)} | {_cell(verdict)} | {_cell('; '.join(_said(row)))} |")
    return "\n".join(lines)


def _said(row: Statement) -> list[str]:
    """One text for all cases that agree, and one for each that does not."""
    agree = [case for case in row.cases if case.says in AGREES]
    counted: dict[tuple[str, str], int] = {}
    for case in agree:
        counted[case.by, case.says] = counted.get((case.by, case.says), 0) + 1
    texts = [
        f"`{by}`: {says}" + (f" ({count} questions)" if count > 1 else "") for (by, says), count in counted.items()
    ]
    for case in row.cases:
        if case.says in DENIES:
            name = "" if len(row.cases) == 1 else f"{case.name}: "
            texts.append(f"`{case.by}`: {name}{case.says}" + (f", “{case.words}”" if case.words else ""))
    return texts


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)

"""GitHub workflow commands: an annotation for each claim that is not correct, at the line where it stands."""

from __future__ import annotations

from diffkit.reports.document import Document, JudgedClaim

_OF_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_OF_PROPERTY = {**_OF_MESSAGE, ":": "%3A", ",": "%2C"}
"""what ends a command, or one of its properties, and how it is written instead"""


def render(document: Document, terminal: bool = False) -> str:  # noqa: ARG001
    """Give an ``::error`` command for each claim that is not correct, and a line that counts."""
    claims = list(document.claims())
    wrong = [claim for claim in claims if claim.verdict != "correct"]
    counts = f"{len(claims) - len(wrong)} of {len(claims)} claims are correct"
    return "\n".join([*map(_command, wrong), counts]) + "\n"


def _command(claim: JudgedClaim) -> str:
    where = {"file": claim.file, "line": claim.line or "", "title": f"{claim.name}: {claim.verdict}"}
    properties = ",".join(f"{name}={_escaped(str(value), _OF_PROPERTY)}" for name, value in where.items() if value)
    return f"::error {properties}::{_escaped(claim.report.rstrip() or claim.message, _OF_MESSAGE)}"


def _escaped(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(character, character) for character in text)

"""The errors a user can meet: each says what is wrong, where in the text, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diffkit.core.characters import dotted, visible

WINDOW = 72  # characters of a long input shown around the caret
LISTED = 20  # names that one line lists
MANY = 2000  # names among which a near one is looked for: comparing takes long


class DiffkitError(Exception):
    """Misuse of diffkit: bad text, unknown names, wrong shapes. Mathematics itself never raises."""

    def __init__(self, reason: str, *, hint: str = "", text: str | None = None, position: int | None = None):
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.text = text
        self.position = position

    def __str__(self) -> str:
        """Give the one-line form: reason, column and hint, with whatever they quote visible."""
        where = "" if self.position is None else f" at column {self.position + 1}"
        hint = f" ({self.hint})" if self.hint else ""
        return visible(f"{self.reason}{where}{hint}")

    def caret(self) -> str:
        """Two lines, the text and a caret under the culprit; empty when no position is known."""
        if self.text is None or self.position is None:
            return ""
        start = max(0, min(self.position - WINDOW // 2, len(self.text) - WINDOW))
        line = self.text[start : start + WINDOW]
        shown = dotted(line)
        left = "…" if start else ""
        right = "…" if start + WINDOW < len(self.text) else ""
        return f"  {left}{shown}{right}\n  {' ' * (self.position - start + len(left))}^"


class ParseError(DiffkitError):
    """The text is not an expression diffkit reads."""


class LimitError(ParseError):
    """The input is larger than a limit that protects the reader; the limit is named with the way to raise it."""


class VariableError(DiffkitError):
    """A variable is unknown, missing, given twice, or has no usable name."""


class PointError(DiffkitError):
    """The point is not a list of finite real numbers that fits the variables."""


class BackendError(DiffkitError):
    """No backend of that name, or the backend cannot do what was asked."""


class FunctionError(DiffkitError):
    """A Python function cannot be differentiated as it is: it fails, or its results are no numbers."""


class TracingError(BackendError):
    """A Python function does something that cannot be followed: it branches, or leaves NumPy."""


class RuleError(DiffkitError):
    """A rule in the table of primitives names a function that is in no row."""


class ShapeError(DiffkitError):
    """Arrays whose shapes do not fit an operation; ``lengths`` are the two that should be equal, where that is all."""

    lengths: tuple[int | str, int | str] | None = None


class FormError(DiffkitError):
    """No formula is known for the derivative of an array expression, or none that passes its check."""


class FileError(DiffkitError):
    """A file cannot be read or written, or one of its lines is malformed."""


class OutOfTime(DiffkitError):
    """The time that was given was up, and nothing was known yet that could be shown."""


class WorkerError(DiffkitError):
    """A worker process could not be started, or ended without an answer."""


class NotOkError(DiffkitError):
    """A plain number was asked of a result that is not ok everywhere."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give the hint ``did you mean sin?``, or nothing when no known name is near."""
    import difflib

    names = list(known)
    near = sorted(names, key=lambda other: abs(len(other) - len(name)))[:MANY] if len(names) > MANY else names
    close = difflib.get_close_matches(name, near, n=1, cutoff=0.6)
    if not close:
        close = [other for other in names if other.lower() == name.lower()][:1]
    return f"did you mean {close[0]}?" if close else ""


def listing(names: Sequence[str]) -> str:
    """Give names with commas, the first of them where there are many; ``none`` of none."""
    more = f", … ({len(names) - LISTED:,} more)" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more or "none"


def plural(count: int, thing: str) -> str:
    """Give 1 variable, 2 variables."""
    return f"{count} {thing}{'s' * (count != 1)}"

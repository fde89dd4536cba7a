"""The errors a user can meet, each one line, and what others' exceptions say, with nothing hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WINDOW = 72  # characters of a long input shown around the caret
LISTED_NAMES = 20  # names that one line lists
MANY_NAMES = 2000  # names among which a near one is looked for: comparing takes long


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


class ArrayTextError(ParseError):
    """The text is of arrays, and numbers are wanted there."""


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


class RowOutOfTime(OutOfTime):
    """A row, or a single question, took longer than its isolation gives it, and its process was ended."""


class WorkerError(DiffkitError):
    """A worker process could not be started, or ended without an answer."""


class WorkerLost(WorkerError):
    """A worker process ended, or needed more memory than it may, before it had answered."""


class NotOkError(DiffkitError):
    """A plain number was asked of a result that is not ok everywhere."""


class LabelError(DiffkitError, KeyError):
    """A component was asked of a result by a name that none has."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give the hint ``did you mean sin?``, or nothing when no known name is near."""
    import difflib

    names = list(known)
    near = (
        sorted(names, key=lambda other: abs(len(other) - len(name)))[:MANY_NAMES] if len(names) > MANY_NAMES else names
    )
    close = difflib.get_close_matches(name, near, n=1, cutoff=0.6)
    if not close:
        close = [other for other in names if other.lower() == name.lower()][:1]
    return f"did you mean {close[0]}?" if close else ""


def listing(names: Sequence[str]) -> str:
    """Give names with commas, the first of them where there are many; ``none`` of none."""
    more = f", … ({len(names) - LISTED_NAMES:,} more)" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + more or "none"


def plural(count: int, thing: str) -> str:
    """Give 1 variable, 2 variables."""
    return f"{count} {thing}{'s' * (count != 1)}"


BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
"""what ends or indents a line"""
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""controls of ASCII and Latin-1, what sets the direction of writing, and what has no width (Default_Ignorable)"""


def visible(text: str) -> str:
    r"""Give text in one line with nothing hidden: breaks are blanks, the other unseen characters \x1b or \u202e."""
    if text.isascii() and text.isprintable():
        return text
    return UNSEEN.sub(_named, BREAKS.sub(" ", text))


def dotted(text: str) -> str:
    """Give text with a dot in the place of each unseen character, so that columns can be counted."""
    return UNSEEN.sub("·", text)


def escaped(json: str) -> str:
    r"""Give JSON that means the same, with unseen characters written as its own \u202e."""
    if json.isascii():
        return json.replace("\x7f", r"\u007f")
    return UNSEEN.sub(lambda found: found[0] if found[0] in "\n\r\t" else _units(found[0]), json)


def _named(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _units(character: str) -> str:
    """A character in JSON's notation, which counts in units of UTF-16."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[k : k + 2].hex()}" for k in range(0, len(units), 2))


def told(error: BaseException, where: str = "") -> str:
    """Give an exception of somebody else's code in one line."""
    return f"{visible(type(error).__name__)}{where}: {message_of(error)}"


def ended(end: BaseException) -> FunctionError:
    """Give the error for code of the user that ends the process: the exit code that it chose would be no answer."""
    what = f"{type(end).__name__}({getattr(end, 'code', '')!r:.40})" if isinstance(end, SystemExit) else told(end)
    return FunctionError(f"the code that was named ended the process by {what}")


def message_of(error: BaseException) -> str:
    """Give what an exception of somebody else's code says, whatever that holds or does."""
    try:
        return visible(str(error))
    except Exception as fault:
        return f"its message cannot be read, {visible(type(fault).__name__)}"

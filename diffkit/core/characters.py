"""Characters that nobody sees or that steer a terminal, as they may stand in names, files and messages of others."""

from __future__ import annotations

import re

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


def message_of(error: BaseException) -> str:
    """Give what an exception of somebody else's code says, whatever that holds or does."""
    try:
        return visible(str(error))
    except Exception as fault:
        return f"its message cannot be read, {visible(type(fault).__name__)}"

"""Text to tokens: numbers, names and operators, each with its position."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from diffkit.core.errors import ParseError
from diffkit.core.folding import exact
from diffkit.core.limits import Limits
from diffkit.core.table.array_table import MODULES

TOKEN = re.compile(
    rf"""[ \t\r\n]*(?:
        (?P<operator>\*\*|<=|>=|==|!=|[-+*/^()<>,@\[\]:=]|\.(?=[A-Za-z]))
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<module>(?:{"|".join(MODULES)})\.(?=[A-Za-z])(?!T\b))
      | (?P<axis>axis[ \t\r\n]*=(?!=))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<call>[ \t\r\n]*\()?
      | (?P<superscript>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)
      | (?P<symbol>[−×·÷√π≤≥≠∧∨¬])
      | (?P<end>\Z))""",
    re.VERBOSE,
)
SYMBOL_SPELLINGS = {
    "−": "-", "×": "*", "·": "*", "÷": "/", "√": "√", "≤": "<=", "≥": ">=", "≠": "!=", "^": "**",
    "∧": "and", "∨": "or", "¬": "not",
}  # fmt: skip
FROM_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
LOGICAL_WORDS = ("and", "or", "not")
MEANINGS = {
    "&": "write and", "|": "write or, or abs(x) for a modulus", "!": "write gamma(n + 1) for n!, not p for negation",
    "%": "there is no remainder; write x - n*floor(x/n)", "{": "use parentheses",
    "'": "there are no strings, and no prime for a derivative; write x.T for a transpose",
    '"': "there are no strings", ";": "one expression only", "#": "no comments", "~": "write not",
    ".": "a point belongs inside a number; nothing has attributes here", "\\": "write plain text, not LaTeX",
    ".*": "write * for a product entry by entry", ".^": "write ** for a power",
    "./": "write / for a quotient entry by entry",
}  # fmt: skip
"""signs that text has elsewhere, and what to write here"""


class Token(NamedTuple):
    """``kind`` is number, name, call (a name with its parenthesis), operator, module (``np.``), axis or end."""

    kind: str
    text: str
    position: int
    value: int | Fraction | None = None


def tokenize(text: str, limits: Limits) -> Iterator[Token]:
    """Give the tokens of a text, then one of kind ``end``."""
    if len(text) > limits.length:
        raise limits.exceeded("length", f"the text has {len(text):,} characters")
    position = 0
    match, make = TOKEN.match, partial(tuple.__new__, Token)  # a third of the cost of Token(…), and there are many
    while (found := match(text, position)) is not None:
        kind = found.lastgroup
        assert kind is not None
        word, position = found[kind], found.end()
        start = position - len(word)
        if kind == "operator":
            yield make((kind, SYMBOL_SPELLINGS.get(word, word), start, None))
        elif kind == "name":
            yield make(("operator" if word in LOGICAL_WORDS else kind, word, start, None))
        elif kind == "number":
            plain = word.isdigit() and len(word) <= limits.digits
            yield make((kind, word, start, int(word) if plain else literal(text, word, start, limits)))
            if text[position : position + 1].isalpha():
                _refuse_suffix(text, word, position)
        elif kind == "call":
            word, start = found["name"], found.start("name")
            if word in LOGICAL_WORDS:
                kind, position = "operator", found.end("name")
            yield make((kind, word, start, None))
        elif kind == "superscript":
            if len(word) > 9:
                raise located(limits.exceeded("digits", "an exponent has too many digits"), text, start)
            yield make(("operator", "**", start, None))
            yield make(("number", word, start, int(word.translate(FROM_SUPERSCRIPTS))))
        elif kind == "symbol":
            yield make(
                ("name", word, start, None) if word == "π" else ("operator", SYMBOL_SPELLINGS[word], start, None)
            )
        elif kind == "end":
            yield make((kind, "", start, None))
            return
        else:
            yield make((kind, word, start, None))
    blank = re.compile(r"[ \t\r\n]*").match(text, position)
    raise _unreadable(text, blank.end() if blank else position)


def literal(text: str, word: str, position: int, limits: Limits) -> int | Fraction:
    """Give the exact value of a decimal literal."""
    mantissa, _, exponent = word.replace("E", "e").partition("e")
    if len(mantissa) > limits.digits:
        raise located(limits.exceeded("digits", "a number has too many digits"), text, position)
    if len(exponent.lstrip("+-").lstrip("0")) > limits.exponent_digits:
        raise located(limits.exceeded("exponent_digits", "a decimal exponent has too many digits"), text, position)
    whole, _, decimals = mantissa.partition(".")
    power = int(exponent or 0) - len(decimals)
    digits = int(whole + decimals)
    if digits and abs(power) * 3.33 > limits.constant_bits:
        raise located(limits.exceeded("constant_bits", "a constant is too large to be kept exactly"), text, position)
    return exact(Fraction(digits * 10**power if power >= 0 else Fraction(digits, 10**-power)))


def _refuse_suffix(text: str, word: str, position: int) -> None:
    """Refuse 2j, 1e, 0x1f: a number that runs into letters which could be part of it."""
    found = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").match(text, position)
    if found is None:
        return
    name = found.group()
    if name in ("j", "J"):
        raise ParseError("complex numbers are not read here", hint="expressions are real", text=text, position=position)
    if name in ("e", "E"):
        hint = f"write {word}*e for the constant, or give the exponent its digits"
        raise ParseError("an exponent without digits", hint=hint, text=text, position=position)
    if word == "0" and re.fullmatch(r"[xXbBoO][0-9A-Fa-f]+", name):
        raise ParseError("only decimal numbers are read", text=text, position=position)


def _unreadable(text: str, position: int) -> ParseError:
    """Give the error for a character that begins no token."""
    character = text[position]
    hint = MEANINGS.get(text[position : position + 2]) or MEANINGS.get(character, "")
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    if not hint and character.isalpha():
        hint = "names are made of ASCII letters, digits and _"
    return ParseError(f"unexpected character {shown!r}", hint=hint, text=text, position=position)


def located(error: ParseError, text: str, position: int) -> ParseError:
    """Give the error its place in the text."""
    error.text, error.position = text, position
    return error

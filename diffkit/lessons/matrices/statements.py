"""Identities as people write them: ``d/dX f = g``, ``∂/∂x f = g``, ``∇_x f = g`` or ``f = g``."""

from __future__ import annotations

import re
from typing import NamedTuple

from diffkit.core.errors import ParseError
from diffkit.lessons.matrices.array_parser import parse_array
from diffkit.lessons.matrices.nodes import names_of

NAME = r"[A-Za-z]\w*"
BY = (
    re.compile(rf"\s*[d∂]\s*/\s*[d∂]\s*(?P<wrt>{NAME})(?P<f>[\s(\[].*)\Z", re.DOTALL),
    re.compile(rf"\s*(?:∇|grad)\s*_\s*(?:\{{\s*(?P<braced>{NAME})\s*\}}|(?P<wrt>{NAME}))(?P<f>.*)\Z", re.DOTALL),
    re.compile(rf"\s*(?:∇|grad\b)\s*(?P<wrt>{NAME})(?P<f>\s+[\w(\[√].*|\s*\[.*)\Z", re.DOTALL),
)
"""a derivative by a name; without the underscore, what follows the name must begin an expression of its own"""
PLAIN = re.compile(r"\s*(?:∇|grad\b)(?P<f>.*)\Z", re.DOTALL)
"""a gradient that does not say by which name"""
EQUALS = re.compile(r"(?<![<>=!])=(?!=)")


class Sides(NamedTuple):
    """An identity as read: the derivative's name (or None for equal values), and both sides."""

    wrt: str | None
    left: str
    right: str


def read_identity(text: str) -> Sides:
    """Read an identity; ParseError without exactly one equals sign, or for ∇ of several names without a subscript."""
    if not isinstance(text, str):
        raise ParseError(f"an identity is text, not {type(text).__name__}")
    signs = list(EQUALS.finditer(re.sub(r"axis\s*=", lambda m: "axis" + " " * (len(m[0]) - 4), text)))
    if len(signs) != 1:
        raise ParseError(f"an identity has one =, not {len(signs)}", hint='write "d/dX log(det(X)) = inv(X).T"',
                         text=text, position=signs[1].start() if signs else max(0, len(text) - 1))  # fmt: skip
    left, right = text[: signs[0].start()], text[signs[0].end() :].strip()
    for form in BY:
        match = form.match(left)
        if match is not None:
            wrt = match["wrt"] or match["braced"]
            return Sides(wrt, _unbracketed(match["f"].strip()), right)
    match = PLAIN.match(left)
    if match is None:
        return Sides(None, left.strip(), right)
    inner = _unbracketed(match["f"].strip())
    return Sides(_only_argument(inner, text), inner, right)


def _only_argument(f: str, text: str) -> str:
    """The name that ∇ means: the only vector x, or the only name; ParseError where there are several."""
    names = names_of(parse_array(f))
    chosen = [name for name in names if name == "x"] or names
    if len(chosen) != 1:
        raise ParseError("∇ by which name?", hint="write ∇_x", text=text, position=0)
    return chosen[0]


def _unbracketed(text: str) -> str:
    """What stands in brackets, if those are around the whole and no literal."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    depth = 0
    for k, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return text[1:-1] if k == len(text) - 1 and "," not in text else text
    return text

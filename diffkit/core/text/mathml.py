"""MathML, which browsers show by themselves: LaTeX as diffkit writes it, read and written anew.

What a row of the table says of LaTeX is so said of MathML, and of both whatever is put together from it: fractions,
roots, scripts, brackets, matrices, cases, aligned lines. Commands that diffkit does not write are refused.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape

from diffkit.core.errors import FormError, LimitError
from diffkit.core.table import table
from diffkit.core.table.array_table import array_table

_DEEPEST_GROUP = 100  # groups within groups
_LATEX_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_NAMED = re.compile(r"\\[a-z]+(?=_|\Z)")
_COMMENT = re.compile(r"(?m)^\s*%.*\n?")
_ESCAPED = re.compile(r"\\([_%#&${}])")
_CLOSING = ("}", "&", "\\\\", "\\right", "\\end")
_BOLD_STYLE = ' style="font-weight: bold"'
_WORD_ELEMENTS = {
    "\\text": ("mtext", ""), "\\textbf": ("mtext", _BOLD_STYLE), "\\mathbf": ("mi", _BOLD_STYLE),
    "\\mathrm": ("mi", ' mathvariant="normal"'), "\\operatorname": ("mi", ' mathvariant="normal"'),
}  # fmt: skip
"""Command of words → the element that holds them, and its attributes"""
_ENVIRONMENTS = {
    "bmatrix": ("<mo>[</mo>", "<mo>]</mo>", "center"), "cases": ("<mo>{</mo>", "", "left"),
    "align*": ("", "", "right", "left"), "array": ("", "", "left"),
}  # fmt: skip
"""Environment → what stands before and behind its table, and where its columns are aligned"""
_GREEK_LETTERS = {
    name: chr(code)
    for start, names in (
        (0x3B1, "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi _ pi rho _ sigma tau "
                "upsilon phi chi psi omega"),
        (0x391, "_ _ Gamma Delta _ _ _ Theta _ _ Lambda _ _ Xi _ Pi _ _ Sigma _ Upsilon Phi _ Psi Omega"),
    )
    for code, name in enumerate(names.split(), start) if name != "_"
}  # fmt: skip
_LETTERS = {
    **{f"\\{name}": letter for name, letter in _GREEK_LETTERS.items()},
    "\\partial": "∂",
    "\\top": "⊤",
    "\\infty": "∞",
}
_OPERATORS_SHOWN = {
    "\\cdot": "⋅", "\\times": "×", "\\odot": "⊙", "\\oslash": "⊘", "\\le": "≤", "\\ge": "≥", "\\ne": "≠",
    "\\land": "∧", "\\lor": "∨", "\\lnot": "¬", "\\sim": "∼", "\\wedge": "∧", "\\backslash": "\\",
    "\\lVert": "‖", "\\rVert": "‖", "\\lfloor": "⌊", "\\rfloor": "⌋", "\\lceil": "⌈", "\\rceil": "⌉",
    "-": "−", "*": "∗",
}  # fmt: skip
_SPACES = {"\\,": "0.17em", "\\quad": "1em"}


def mathml(latex: str, display: bool = False) -> str:
    """Give LaTeX that diffkit wrote as a ``math`` element, as tall as it likes, in a line of its own if ``display``.

    LimitError for what is nested too deeply, FormError for LaTeX that diffkit does not write.
    """
    reader = _Reader(_COMMENT.sub("", latex).strip("$ \n").removeprefix("\\displaystyle"))
    inner = reader.row()
    if reader.next is not None:
        raise FormError(f"this LaTeX closes with {reader.next} what is not open")
    return _element("math", inner, ' display="block"' if display else ' displaystyle="true"')


def _element(name: str, inner: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{inner}</{name}>"


class _Reader:
    """Reads LaTeX from left to right, one token ahead."""

    def __init__(self, latex: str):
        self.tokens: list[str] = _LATEX_TOKEN.findall(latex)
        self.place = self.depth = 0

    @property
    def next(self) -> str | None:
        """The token that comes next; None at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self) -> str:
        """The next token, which is used up with the white space behind it; FormError at the end."""
        token = self.next
        if token is None:
            raise FormError("this LaTeX ends too early")
        self.place += 1
        while (after := self.next) is not None and after.isspace():
            self.place += 1
        return token

    def expect(self, token: str) -> None:
        """Use up a token that has to stand here."""
        if (found := self.take()) != token:
            raise FormError(f"this LaTeX has {found} where {token} belongs")

    def row(self, closing: str = "}") -> str:
        """Everything up to what closes it, in one element."""
        self.depth += 1
        if self.depth > _DEEPEST_GROUP:
            raise LimitError("the formula is nested too deeply for MathML", hint="take its parts one by one")
        found = []
        while (token := self.next) is not None and token not in _CLOSING and token != closing:
            found.append(self._scripted(self._atom()))
        self.depth -= 1
        return found[0] if len(found) == 1 else _element("mrow", "".join(found))

    def _scripted(self, base: str) -> str:
        """What was read with its subscript, superscript and primes."""
        below = above = ""
        while (token := self.next) in ("^", "_", "'"):
            self.take()
            if token == "_":
                below = self._atom()
            elif token == "^":
                above = self._atom()
            else:
                above = _element("mo", "′")
        if below and above:
            return _element("msubsup", base + below + above)
        if below or above:
            return _element("msub" if below else "msup", base + (below or above))
        return base

    def _atom(self) -> str:
        """A group in braces, a command with its arguments, or one token."""
        token = self.take()
        if token == "{":
            return self._until("}")
        if token[0].isdigit():
            return _element("mn", token)
        if token in _LETTERS or (len(token) == 1 and token.isalpha()):
            return _element("mi", _LETTERS.get(token, token))
        if token in _functions():
            return _element("mi", token[1:])
        if token in _SPACES:
            return f'<mspace width="{_SPACES[token]}"/>'
        if token in _WORD_ELEMENTS:
            return self._word(token)
        if token == "\\frac":
            return _element("mfrac", self._atom() + self._atom())
        if token == "\\sqrt":
            return self._root()
        if token == "\\left":
            return self._fenced()
        return self._environment() if token == "\\begin" else _sign(token)

    def _until(self, closing: str) -> str:
        """A row, and what closes it."""
        found = self.row(closing)
        self.expect(closing)
        return found

    def _word(self, token: str) -> str:
        """Words, or a name of several letters, as they stand between braces."""
        start = self.place
        self.expect("{")
        while self.next not in ("}", None):
            self.place += 1
        text = escape(_ESCAPED.sub(r"\1", "".join(self.tokens[start + 1 : self.place])))
        self.expect("}")
        element, attributes = _WORD_ELEMENTS[token]
        if element == "mtext":
            return _element("mtext", text.replace(" ", "\u00a0"), attributes)
        return _element("mn" if text.isdigit() else "mi", text, attributes)

    def _root(self) -> str:
        if self.next != "[":
            return _element("msqrt", self._atom())
        self.take()
        index = self._until("]")
        return _element("mroot", self._atom() + index)

    def _fenced(self) -> str:
        opening = self._fence()
        inner = self._until("\\right")
        return _element("mrow", opening + inner + self._fence())

    def _fence(self) -> str:
        """A bracket that grows with what it holds; a point is none."""
        token = self.take()
        return "" if token == "." else _element("mo", escape(_OPERATORS_SHOWN.get(token, token.removeprefix("\\"))))

    def _environment(self) -> str:
        name = self._name()
        if name == "array":
            self._name()  # its columns, which are all aligned to the left
        rows: list[list[str]] = [[]]
        while True:
            while self.next == "\\hline":
                self.take()
            rows[-1].append(self.row())
            token = self.take()
            if token == "\\end":
                break
            if token == "\\\\":
                rows.append([])
            elif token != "&":
                raise FormError(f"this LaTeX has {token} in {name}")
        if (ended := self._name()) != name:
            raise FormError(f"this LaTeX ends {ended} where it began {name}")
        opening, closing, *sides = _ENVIRONMENTS.get(name, ("", "", "left"))
        cells = (
            "".join(_element("mtd", cell, f' style="text-align: {sides[min(k, len(sides) - 1)]}"')
                    for k, cell in enumerate(row))
            for row in rows
        )  # fmt: skip
        table = _element("mtable", "".join(_element("mtr", row) for row in cells))
        return _element("mrow", opening + table + closing) if opening else table

    def _name(self) -> str:
        """A word in braces."""
        self.expect("{")
        name = ""
        while self.next != "}":
            name += self.take()
        self.expect("}")
        return name


@cache
def _functions() -> frozenset[str]:
    """Commands that are names of functions: the rows have them."""
    written = [row.latex for rows in (table.rows, array_table.rows) for row in rows.values()]
    return frozenset(name[0] for frame in written if isinstance(frame, str) and (name := _NAMED.match(frame)))


def _sign(token: str) -> str:
    """An operator or a mark; FormError for a command that none of ours is."""
    if token in _OPERATORS_SHOWN:
        return _element("mo", escape(_OPERATORS_SHOWN[token]))
    if token[0] == "\\" and (token == "\\" or token[1].isalpha()):
        raise FormError(f"{token} is LaTeX that diffkit does not write")
    text = token.removeprefix("\\")
    return _element("mo", escape(text), ' stretchy="false"' if text in "()[]|" else "")


__all__ = ["mathml"]

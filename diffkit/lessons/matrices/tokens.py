"""The tokens of an array text, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from diffkit.core.errors import ParseError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.text.tokenizer import ARRAY_TOKEN, Token, tokenize


class Tokens:
    """A text with the token that is to be read next, and the last one read."""

    def __init__(self, text: str, limits: Limits = DEFAULT):
        self.text, self.limits = text, limits
        self.tokens: Iterator[Token] = tokenize(text, limits, ARRAY_TOKEN)
        self.token = next(self.tokens)
        self.last = self.token
        self.nesting = 0

    def advance(self) -> Token:
        """Take the current token."""
        self.last = self.token
        if self.token.kind != "end":
            self.token = next(self.tokens)
        return self.last

    def sees(self, sign: str) -> bool:
        """Whether the current token is this operator."""
        return self.token.kind == "operator" and self.token.text == sign

    def take(self, sign: str) -> bool:
        """Take this operator if it is there."""
        found = self.sees(sign)
        if found:
            self.advance()
        return found

    def expect(self, sign: str, why: str) -> None:
        """Take this operator, which must be there."""
        if not self.take(sign):
            raise self.error(f"{sign!r} is missing {why}")

    def error(self, reason: str, hint: str = "", token: Token | None = None) -> ParseError:
        """The error at a token."""
        token = token or self.token
        return ParseError(reason, hint=hint, text=self.text, position=token.position)

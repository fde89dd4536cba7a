"""Commands and their parameters as data, and what is made of the words of a command line.

A library for command lines takes longer to be imported than most answers take; this is what is needed of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from diffkit.cli.process import EXIT_NO, complain
from diffkit.core.deadline import time_limit
from diffkit.core.errors import OutOfTime

_NAMED = re.compile(r"--[a-zA-Z][a-zA-Z-]*(=.*)?\Z", re.DOTALL)
"""what is an option, known or not; anything else that begins with a minus is an expression"""
HELP = ("-h", "--help")
_KINDS = {int: "integer", float: "float"}


class UsageError(Exception):
    """A command line that cannot be read: ``path`` is the command that it was read for."""

    def __init__(self, message: str, path: str):
        super().__init__(message)
        self.path = path


class Operand:
    """A word of the command line by its place; ``many`` takes all that are left."""

    def __init__(self, name: str, metavar: str = "", *, many: bool = False, required: bool = True):
        self.name, self.many, self.required = name, many, required
        self.metavar = metavar or (name.upper() if required else f"[{name.upper()}]")

    @property
    def quoted(self) -> str:
        """The name in messages."""
        return f"'{self.metavar}'"

    def taken(self, words: list[str]) -> Any:
        """Take from the words what is its own."""
        if self.many:
            taken = tuple(words)
            words.clear()
            return taken
        return words.pop(0) if words else None


class Option:
    """An option: ``names`` as help shows them, ``-o, --output`` or ``--formula / --no-formula``, then its value.

    ``to`` is the parameter of the command that takes the value, ``check`` may refuse it or give another one.
    """

    def __init__(
        self, names: str, metavar: str = "", help: str = "", default: Any = None, *, to: str = "",
        kind: Callable[[str], Any] = str, least: int | None = None, most: int | None = None, flag: bool = False,
        multiple: bool = False, required: bool = False, hidden: bool = False, check: Callable[[Any], Any] | None = None,
    ):  # fmt: skip
        self.names, self.metavar, self.help = names, metavar, help
        on, _, off = names.partition(" / ")
        self.spellings = dict.fromkeys(on.split(", "), True)
        self.off = off
        if off:
            self.spellings[off] = False
        self.name = to or on.rpartition("--")[2].replace("-", "_")
        self.kind, self.least, self.most, self.flag, self.multiple = kind, least, most, flag or bool(off), multiple
        self.required, self.hidden, self.check = required, hidden, check
        self.default = () if multiple else False if flag else default

    @property
    def quoted(self) -> str:
        """The names in messages, of which those that switch it off are none."""
        return " / ".join(f"'{name}'" for name, on in self.spellings.items() if on)

    @property
    def bounds(self) -> str:
        """The range of a number, as help and messages show it."""
        if self.least is None:
            return ""
        return f"x>={self.least}" if self.most is None else f"{self.least}<=x<={self.most}"

    def read(self, text: str) -> Any:
        """The value of its text; ValueError says what it should be."""
        try:
            value = self.kind(text)
        except ValueError:
            asked = _KINDS[self.kind] + (" range" if self.bounds else "")  # type: ignore[index]
            raise ValueError(f"{text!r} is not a valid {asked}") from None
        if self.least is not None and not (self.least <= value and (self.most is None or value <= self.most)):
            raise ValueError(f"{value} is not in the range {self.bounds}")
        return value


Parameter = Operand | Option


class Command:
    """A function as a command: its docstring is the help, its keyword arguments are the parameters."""

    def __init__(self, function: Callable[..., int], parameters: Iterable[Parameter]):
        self.function, self.name, self.help = function, function.__name__, function.__doc__ or ""
        help = "Seconds after which what is not known yet is given up."
        self.parameters: tuple[Parameter, ...] = (*parameters, Option("--timeout", "SECONDS", help, kind=float))
        self.arguments = [p for p in self.parameters if isinstance(p, Operand)]
        self.options = [p for p in self.parameters if isinstance(p, Option)]
        self.hidden = {option.name for option in self.options if option.hidden}
        self.path = f"diffkit {self.name}"

    def run(self, words: Iterable[str]) -> int:
        """Run within the time of ``--timeout``; what was found until it is up is given, and the answer is then no."""
        values = self.read(words)
        limit = time_limit(values.pop("timeout"))
        try:
            with limit:
                code = self.function(**values)
        except OutOfTime as error:
            complain(str(error))
            return EXIT_NO
        return code or (EXIT_NO if limit.deadline is not None and limit.deadline.missed else 0)

    def read(self, words: Iterable[str]) -> dict[str, Any]:
        """The values of all parameters; UsageError for words that cannot be read."""
        given, left = self._sorted(words)
        values = {option.name: self._value(option, texts) for option, texts in given.items()}
        values |= {argument.name: argument.taken(left) for argument in self.arguments}
        values |= {option.name: option.default for option in self.options if option.name not in values}
        for parameter in self.parameters:
            if parameter.required and values[parameter.name] in (None, ()):
                what = "argument" if isinstance(parameter, Operand) else "option"
                raise UsageError(f"Missing {what} {parameter.quoted}", self.path)
        if left:
            some = "s" if len(left) > 1 else ""
            raise UsageError(f"Got unexpected extra argument{some} ({' '.join(left)})", self.path)
        return {name: value for name, value in values.items() if name not in self.hidden}

    def _sorted(self, words: Iterable[str]) -> tuple[dict[Option, list[Any]], list[str]]:
        """What each option was given, and the words that are none; behind ``--`` none is."""
        known = {spelling: option for option in self.options for spelling in option.spellings}
        given: dict[Option, list[Any]] = {}
        left: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                left += rest
            elif word in known:
                option = known[word]
                given.setdefault(option, []).append(option.spellings[word] if option.flag else self._next(word, rest))
            elif _NAMED.match(word):
                name, _, value = word.partition("=")
                if name not in known:
                    raise UsageError(missing("option", name, known), self.path)
                if known[name].flag:
                    raise UsageError(f"Option {name!r} does not take a value", self.path)
                given.setdefault(known[name], []).append(value)
            else:
                left.append(word)
        return given, left

    def _next(self, word: str, rest: Iterable[str]) -> str:
        value = next(iter(rest), None)
        if value is None:
            raise UsageError(f"Option '{word}' requires an argument", self.path)
        return value

    def _value(self, option: Option, texts: list[Any]) -> Any:
        """The value of an option that was given; the last word counts."""
        try:
            values = texts if option.flag else [option.read(text) for text in texts]
        except ValueError as error:
            raise UsageError(f"Invalid value for {option.quoted}: {error}", self.path) from None
        value = tuple(values) if option.multiple else values[-1]
        return value if option.check is None else option.check(value)


def command(*parameters: Parameter | Iterable[Parameter]) -> Callable[[Callable[..., int]], Command]:
    """Make a command of a function, with these parameters, some of which are shared by several commands."""
    flat = [one for some in parameters for one in ((some,) if isinstance(some, (Operand, Option)) else some)]
    return lambda function: Command(function, flat)


def missing(what: str, name: str, known: Mapping[str, Any]) -> str:
    """What is said of a name that is not known."""
    from difflib import get_close_matches

    near = sorted(map(repr, get_close_matches(name, known)))
    if not near:
        return f"No such {what} {name!r}"
    return f"No such {what} {name!r}. " + (
        f"Did you mean {near[0]}?" if len(near) == 1 else f"(Did you mean one of: {', '.join(near)}?)"
    )

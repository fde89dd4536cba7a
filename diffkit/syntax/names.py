"""Which names text may use for variables."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence

from diffkit.errors import VariableError
from diffkit.limits import DEFAULT, Limits

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
NUMBERS_ELSEWHERE = frozenset(("nan", "inf", "oo", "zoo", "infinity"))
IMAGINARY = "I"


def fault(name: str, limits: Limits = DEFAULT) -> str:
    """Say why a name cannot be a variable at all; empty if it can."""
    if len(name) > limits.name_length:
        return f"a name is longer than {limits.name_length} characters"
    if name in ("and", "or", "not"):
        return f"{name} is an operator"
    if "__" in name or not NAME.match(name):
        shown = name if name.isprintable() else ascii(name)
        return f"{shown!r} is not a usable name: ASCII letters, digits and single underscores, a letter first"
    return ""


def reserved(name: str) -> bool:
    """Whether a name is a variable only where it is declared."""
    return keyword.iskeyword(name) or name.lower() in NUMBERS_ELSEWHERE or name == IMAGINARY


def check_variables(names: Sequence[str], limits: Limits = DEFAULT) -> tuple[str, ...]:
    """Give the declared variables as a tuple; VariableError if one is unusable or stands twice."""
    if isinstance(names, str):
        names = (names,)
    if not isinstance(names, Iterable):
        raise VariableError(f"variables are a list of names, not {type(names).__name__}")
    names = tuple(names)
    for name in names:
        if not isinstance(name, str):
            raise VariableError(f"a variable's name is text, not {type(name).__name__}")
        if problem := fault(name, limits):
            raise VariableError(problem)
    if len(set(names)) < len(names):
        twice = next(n for n in names if list(names).count(n) > 1)
        raise VariableError(f"the variable {twice} is given twice")
    return tuple(names)


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names as people do: x2 before x10."""
    return tuple(sorted(names, key=lambda n: [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", n)]))

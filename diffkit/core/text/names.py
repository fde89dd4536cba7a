"""Which names text may use for variables."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable
from typing import Any, Protocol

from diffkit.core.errors import VariableError
from diffkit.core.limits import DEFAULT, Limits

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
DIGITS = re.compile(r"([0-9]+)")
NUMBERS_ELSEWHERE = frozenset(("nan", "inf", "oo", "zoo", "infinity"))
IMAGINARY = "I"
GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "eps", "zeta", "eta", "theta", "kappa", "lam", "lambda", "mu", "nu",
    "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip
"""names of letters, which are one letter each"""


def names_of(wrt: Any) -> tuple[str, ...]:
    """Give the names among what is given as one name or several."""
    found = as_names(wrt)
    return tuple(name for name in (found if isinstance(found, tuple) else (found,)) if isinstance(name, str))


class Symbol(Protocol):
    """A symbol of SymPy, which stands for its name."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def is_Symbol(self) -> bool:
        """Whether it is one."""


Name = str | Symbol
Names = Name | Collection[Name]


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


def check_variables(names: Names, limits: Limits = DEFAULT) -> tuple[str, ...]:
    """Give the declared variables, a set of them in natural order; VariableError for a name unusable or given twice.

    SymPy symbols stand for their names.
    """
    given: Any = as_name(names)
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Iterable):
        raise VariableError(f"variables are a list of names, not {type(given).__name__}")
    found: tuple[str, ...] = as_names(tuple(given))
    for name in found:
        if not isinstance(name, str):
            raise VariableError(f"a variable's name is text, not {type(name).__name__}")
        if problem := fault(name, limits):
            raise VariableError(problem)
    if twice := repeated(found):
        raise VariableError(f"the variable {twice} is given twice")
    return natural_order(found) if isinstance(given, (set, frozenset)) else found


def repeated(names: Iterable[str]) -> str | None:
    """Give the first name that stood before, if one does."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names as people do: runs of digits as integers, the rest by code point, so that x2 stands before x10."""
    return tuple(sorted(names, key=_natural_key))


def _natural_key(name: str) -> tuple[list[int | str], str]:
    """Text and numbers in turn, as a split at digits gives them, then the name: x01 and x1 hold the same numbers."""
    return [int(part) if k % 2 else part for k, part in enumerate(DIGITS.split(name))], name


def as_name(name: Any) -> Any:
    """Give the name of a SymPy symbol, and anything else as it is."""
    return name.name if getattr(name, "is_Symbol", False) is True else name


def as_names(names: Any) -> Any:
    """Give a name, or a list of names, with SymPy symbols by their names; anything else as it is."""
    return tuple(map(as_name, names)) if isinstance(names, (list, tuple)) else as_name(names)

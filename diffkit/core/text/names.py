"""Which names text may use for variables, and names that run together a product or a call: cos2x, pix, mx.

Where nobody declared such a name, one that splits into a function or a constant and the rest is refused, and one of
two or three letters, or a function and a number (sqrt2), is a variable of which the answer says so.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol

from diffkit.core.errors import ParseError, VariableError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.table import table
from diffkit.core.table.array_table import array_table

VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
RUNS_OF_DIGITS = re.compile(r"([0-9]+)")
NUMBERS_ELSEWHERE = frozenset(("nan", "inf", "oo", "zoo", "infinity"))
IMAGINARY = "I"
GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "eps", "zeta", "eta", "theta", "kappa", "lam", "lambda", "mu", "nu",
    "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip
"""names of letters, which are one letter each"""
FEW_LETTERS = re.compile(r"[A-Za-z]{2,3}\Z")
"""names of letters that may be factors"""
GREEK_WORD = "|".join(sorted(GREEK, key=len, reverse=True))
QUANTITY = rf"(?:{GREEK_WORD}|[A-Za-z][0-9]*)"
LETTER_PAIR = "[abckmnpqrtuwxyz][tuxyz]"
"""a coefficient and a variable, as in cos(w*t)"""
OPERAND = rf"[0-9]*(?:pi)?(?:{QUANTITY}|{LETTER_PAIR})|[0-9]*pi"
EXPONENT = rf"[0-9]+(?:{QUANTITY}|{LETTER_PAIR})|{QUANTITY}"
RUN_PRODUCT = re.compile(
    rf"(?P<pi>pi)(?P<factors>{OPERAND})|(?P<e>[eE])(?P<exponent>{EXPONENT})|(?P<first>{QUANTITY})pi"
)
POWER_OF_E = re.compile(r"(?P<factor>[A-Za-z])e\Z")
"""a name that a power follows, as in x*e^x"""
POWER_SIGN = re.compile(r"\s*(\*\*|\^|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])")
WRITTEN_FACTOR = re.compile(rf"[0-9]+|pi|{GREEK_WORD}|[A-Za-z][0-9]*")
SCALAR_FUNCTIONS = frozenset(name for name, row in table.names.items() if len(row.arguments) == 1)
"""functions of the scalar table that take one argument"""
ARRAY_FUNCTIONS = SCALAR_FUNCTIONS | {
    name for name, word in array_table.names.items() if 1 in array_table.rows[word].counts
}
"""functions of one argument in text of arrays"""


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
    if "__" in name or not VARIABLE_NAME.match(name):
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
    return [int(part) if k % 2 else part for k, part in enumerate(RUNS_OF_DIGITS.split(name))], name


def as_name(name: Any) -> Any:
    """Give the name of a SymPy symbol, and anything else as it is."""
    return name.name if getattr(name, "is_Symbol", False) is True else name


def as_names(names: Any) -> Any:
    """Give a name, or a list of names, with SymPy symbols by their names; anything else as it is."""
    return tuple(map(as_name, names)) if isinstance(names, (list, tuple)) else as_name(names)


@lru_cache
def _values(functions: frozenset[str]) -> re.Pattern[str]:
    """A function and a number: sqrt2, which may be a name; gamma1 is one."""
    words = "|".join(sorted((name for name in functions if len(name) > 1 and name not in GREEK), reverse=True))
    return re.compile(rf"({words})([0-9]+)\Z")


@lru_cache
def _calls(functions: frozenset[str]) -> re.Pattern[str]:
    """One call without its parentheses, perhaps after a factor, in a run that holds nothing but such calls."""
    words = {word for name in functions if len(name) > 1 for word in (name, name.capitalize())}
    function = "|".join(sorted(words, key=len, reverse=True))
    more = rf"(?:(?:pi|{QUANTITY})??(?:{function})(?:{OPERAND}))*"
    return re.compile(rf"(?P<before>pi|{QUANTITY})??(?P<name>{function})(?P<operand>{OPERAND})(?={more}\Z)")


def written_out(name: str, functions: frozenset[str] = SCALAR_FUNCTIONS) -> str:
    """Write a run with its signs, cos(2x) for cos2x; empty for a name that does not split into known words."""
    if name in GREEK:
        return ""
    if found := RUN_PRODUCT.fullmatch(name):
        return _written_product(found)
    call, position, written = _calls(functions), 0, []
    while piece := call.match(name, position):
        written += [piece["before"]] if piece["before"] else []
        written.append(f"{piece['name']}({_product(piece['operand'])})")
        position = piece.end()
    return "*".join(written) if position == len(name) else ""


def _written_product(found: re.Match[str]) -> str:
    if found["pi"]:
        return f"pi*{_product(found['factors'])}"
    if found["first"]:
        return f"{found['first']}*pi"
    rest = _product(found["exponent"])
    return f"{found['e']}*{rest} or {found['e']}^{rest if rest.isalpha() else f'({rest})'}"


def _product(run: str) -> str:
    """Factors with their signs: 2w*t, as a number needs none before a name."""
    return re.sub(r"(?<=[0-9])\*(?=[A-Za-z])(?![eEjJ])", "", "*".join(WRITTEN_FACTOR.findall(run)), count=1)


def undeclared(name: str, written: str, text: str | None, position: int | None) -> ParseError:
    """Give the error for a run that nobody declared."""
    hint = f"write {written}, or declare {name}: name it in the point or among the variables"
    return ParseError(f"{name} is not read as a variable", hint=hint, text=text,
                      position=None if text is None else position)  # fmt: skip


def power_of_e(name: str) -> str:
    """Write a name that a power follows as a product with e, as xe^x is meant; empty where that is not so."""
    found = POWER_OF_E.fullmatch(name)
    return f"{found['factor']}*e" if found else ""


def _split_among(name: str, known: Iterable[str]) -> list[str]:
    """Split a run of known names; nothing where it is no such run."""
    words = known if isinstance(known, frozenset) else frozenset(known)
    parts: dict[int, list[str]] = {0: []}
    for end in range(1, len(name) + 1):
        for start in parts:
            if name[start:end] in words and end - start < len(name):
                parts[end] = [*parts[start], name[start:end]]
                break
    return parts.get(len(name), [])


def product(factors: Sequence[str], matrices: bool = False) -> str:
    """Write factors as a product; of matrices, which have capitals, as one of matrices."""
    return (" @ " if matrices and not all(map(str.islower, factors)) else "*").join(factors)


def instead(name: str, variables: Iterable[str], matrices: bool = False) -> str:
    """What to write for a name that is none of the variables, as far as it is a run of them or of known words."""
    if factors := _split_among(name, variables):
        return f"write {product(factors, matrices)} for a product"
    written = written_out(name)
    return f"write {written}" if written else ""


def meant(name: str, given: Collection[str], variables: Collection[str]) -> Sequence[str]:
    """The factors that a name must be, as the point or ``wrt`` gives them; nothing where they do not say so.

    ``given`` are the names that they give, ``variables`` those of the expression: a letter of the run that is given and
    is nowhere else to be found is meant there.
    """
    if factors := _split_among(name, given):
        return factors
    lone = FEW_LETTERS.match(name) and any(letter in given and letter not in variables for letter in name)
    return name if lone else ()


def first_meant(
    names: Iterable[str], given: Iterable[object], variables: Collection[str], matrices: bool = False
) -> tuple[str, str]:
    """The first of some names whose letters are given elsewhere, and what to do; two empty texts without one."""
    letters = frozenset(name for name in given if isinstance(name, str))
    for name in natural_order(names) if letters else ():
        if name not in letters and (factors := meant(name, letters, variables)):
            return name, f"write {product(factors, matrices)} for a product"
    return "", ""


def notes(names: Iterable[str], given: Collection[str] = (), matrices: bool = False) -> Iterator[str]:
    """Say of each name that nobody declared and that may be meant as a product or a call that it is one variable."""
    for name in natural_order(names):
        if name in given or name in GREEK:
            continue
        if FEW_LETTERS.match(name):
            yield f"{name} is one variable; write {product(name, matrices)} for a product"
        elif call := _values(SCALAR_FUNCTIONS).match(name):
            yield f"{name} is one variable; write {call[1]}({call[2]}) for the number"

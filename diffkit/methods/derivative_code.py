"""A derivative as source code in a language, for people to keep: what ``dk.code`` gives.

Of the user's text only names get into code, as identifiers that are legal there; the formula stands in a comment.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

from diffkit import __version__
from diffkit.asking.tasks import Task, read_direction
from diffkit.calculus.derivatives import derivative_program, is_swept_back
from diffkit.calculus.domain import domain
from diffkit.calculus.without_cancellation import stable
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.errors import BackendError, VariableError, did_you_mean, listing, visible
from diffkit.core.program import Index, Program
from diffkit.core.report_views import ReportViews
from diffkit.core.table import MUL
from diffkit.core.text import format_slot
from diffkit.core.text.latex import latex_name
from diffkit.core.text.names import fault
from diffkit.core.text.printer import ELISION
from diffkit.engines.languages import LANGUAGES
from diffkit.engines.notation import COLUMNS, FunctionText, Language
from diffkit.engines.statements import Spelling, Statements

_SHOWN_FORMULA = 300  # characters of f in a comment
_SHOWN_DOMAIN = 500
_LISTED_LABELS = 12
_TITLES = {
    "derivative": "Derivative", "gradient": "Gradient", "jacobian": "Jacobian", "hessian": "Hessian",
    "taylor": "Taylor coefficients", "directional": "Directional derivative", "jvp": "Product J·v",
    "vjp": "Product Jᵀ·w", "hvp": "Product H·v",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class DerivativeCode(ReportViews):
    """A derivative as source code: ``str`` gives its ``source``.

    It is a function called ``name``, whose arguments are the ``variables`` in
    their order, under names that are legal in the language.

    Examples
    --------
    >>> written = dk.code("x^2*y", language="c")
    >>> written.name, written.variables, written.shape
    ('gradient', ('x', 'y'), (2,))
    """

    kind: str
    """the derivative: gradient, hessian, …"""
    language: str
    """in which it is written"""
    name: str
    """what the function is called"""
    variables: tuple[str, ...]
    """its arguments"""
    shape: tuple[int, ...]
    """of its answer: () for a number"""
    source: str
    """the text"""

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        lines = self.source.count("\n") + 1
        written = f"{self.name}({listing(self.variables)})"
        return f"<{written}, the {self.kind} in {self.language}: {lines} lines, print() shows them>"


def find_language(name: str) -> type[Language]:
    """Give a language by name; BackendError for an unknown one."""
    if name not in LANGUAGES:
        hint = did_you_mean(str(name), LANGUAGES) or f"there are {', '.join(LANGUAGES)}"
        raise BackendError(f"unknown language {name!r}", hint=hint)
    return LANGUAGES[name]


def write_code(task: Task, language: str = "python", name: str | None = None, direction: Any = None) -> DerivativeCode:
    """Write the derivatives of a task, along a direction if it has one, as a function; errors as ``dk.code``."""
    chosen = find_language(language)
    if not task.variables:
        raise VariableError("the expression has no variable", hint="name one with variables")
    if task.pattern is not None:
        raise BackendError("code gives all entries of a matrix", hint="ask without sparse")
    spelling = Spelling(task.variables, chosen, LANGUAGES.values())
    program = spelling.spelled(_derivative(task, chosen))
    functions = sorted({chosen.function(row) for row, _ in program.instructions if not chosen.is_infix(row)} - {""})
    called = _function_name(chosen, name, task.kind, functions)
    taken = {*chosen.reserved, called, *(word for f in functions for word in re.findall(r"\w+", f))}
    inputs = _identifiers(task.variables, chosen, taken)
    written = Statements(program, chosen, inputs, _free(chosen, {*taken, *inputs}))
    functions = sorted(written.writer.called)
    shape = task.shape if chosen.evaluated else (len(task.indices),)
    found = FunctionText(called, inputs, written.found, written.outputs, shape, functions, _labels(task, inputs))
    lines = [*_comment(task, direction, inputs, list(spelling.missing), chosen), *chosen.frame(found)]
    return DerivativeCode(task.kind, chosen.key, called, task.variables, task.shape, "\n".join(lines))


# The Program --------------------------------------------------------------------------------------------------------


class _Components(ProgramBuilder):
    """A builder for which 0·x is 0: wherever f is defined and smooth, x is a number."""

    def _mul(self, x: int, y: int) -> int | None:
        return self.constant(0) if 0 in (self.rational(x), self.rational(y)) else super()._mul(x, y)


def _derivative(task: Task, language: type[Language]) -> Program:
    """The components of an answer in the variables alone; what is read, not run, is each partial once."""
    found, builder = derivative_program(task.program, task.indices), _Components(task.variables)
    outputs = _in_variables(task, stable(found) if language.evaluated else found, builder)
    if language.evaluated:
        outputs = [outputs[place] for place in task.places]
    if task.factors is not None:
        outputs = [builder.apply(MUL, (builder.constant(f), o)) for f, o in zip(task.factors, outputs, strict=True)]
    return builder.program(outputs, task.variables)


def _primal(task: Task) -> Program:
    """The Program of f itself in the variables alone."""
    builder = ProgramBuilder(task.variables)
    return builder.program(_in_variables(task, task.program, builder), task.variables)


def _in_variables(task: Task, program: Program, builder: ProgramBuilder) -> list[int]:
    """Slots of the outputs of a program, of which some inputs have values that no point gives."""
    extras = [builder.constant(Fraction(value)) for value in task.extras]
    slots = copy_slots(program, builder, [*range(len(task.variables)), *extras])
    return [slots[output] for output in program.outputs]


# Names --------------------------------------------------------------------------------------------------------------


def _key(language: type[Language], name: str) -> str:
    return name.lower() if language.folded_case else name


def _function_name(language: type[Language], name: str | None, kind: str, functions: Sequence[str]) -> str:
    """The name of the function that is written; VariableError for one that is not legal, or is called in it."""
    if name is None:
        return kind
    if not isinstance(name, str) or fault(name):
        raise VariableError(f"{name!r} is no name for a function", hint="ASCII letters, digits and single underscores")
    if _key(language, name) in {_key(language, word) for word in (*language.reserved, *functions)}:
        raise VariableError(f"{name} has a meaning of its own in {language.title}", hint="give another name")
    return name


def _identifiers(names: Sequence[str], language: type[Language], taken: Collection[str]) -> list[str]:
    """Names of variables as identifiers that mean nothing else: lambda becomes lambda_ in Python."""
    known = {_key(language, name) for name in taken}
    found = []
    for k, name in enumerate(names):
        word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
        word = word if word[:1].isalpha() else f"x{word}"
        word = word if len(word) <= language.longest_name else f"x{k + 1}"
        while _key(language, word) in known:
            word += "_"
        known.add(_key(language, word))
        found.append(word)
    return found


def _free(language: type[Language], taken: Collection[str]) -> Iterator[str]:
    """Names for what is computed on the way."""
    known = {_key(language, name) for name in taken}
    return (name for k in count(1) if _key(language, name := f"t{k}") not in known)


# Comments -----------------------------------------------------------------------------------------------------------


def _comment(
    task: Task, direction: Any, inputs: Sequence[str], missing: Sequence[str], language: type[Language]
) -> list[str]:
    """Lines that say what is computed, how it was found, and where it holds."""
    primal, several = _primal(task), len(task.source.outputs) > 1
    arguments = ", ".join(task.variables)
    formulas = [
        f"f{k + 1 if several else ''}({arguments}) = {format_slot(primal, output, _SHOWN_FORMULA)}"
        for k, output in enumerate(primal.outputs)
    ]  # fmt: skip
    if task.kind == "vjp":
        along = f" with w = ({_numbers(task.extras)}), the gradient"
    else:
        v = task.extras[:-1] if direction is None or task.extras[:-1] else read_direction(direction, task.variables)
        along = f" along v = ({_numbers(v)})" if v else ""
    paragraphs = [f"{_TITLES[task.kind]}{along} of {'; '.join(formulas)}", f"Gives {_listed(task.labels)}."]
    forms = ", in forms that do not cancel" if language.evaluated else ""
    paragraphs.append(f"By {_method(task)} (diffkit {__version__}){forms}.")
    where = str(domain(primal))
    where = where if len(where) <= _SHOWN_DOMAIN else where[: _SHOWN_DOMAIN - 1] + ELISION
    if where != "all real values":
        paragraphs.append(f"Defined and smooth where {where}; elsewhere its values mean nothing."
                          if not where.startswith(("nowhere", "all")) else f"Defined and smooth: {where}.")  # fmt: skip
    if missing:
        paragraphs.append(f"{language.title} has no {', '.join(missing)}: written in functions that it has.")
    renamed = [f"{new} is {old}" for old, new in zip(task.variables, inputs, strict=True) if old != new]
    paragraphs += [f"{'; '.join(renamed)}."] * bool(renamed)
    return [line for text in paragraphs for line in comment_lines(text, language.comment)]


def comment_lines(text: str, mark: str) -> list[str]:
    """Text as lines of comment, whatever is in it: nothing ends a comment, or makes a line of it go on."""
    harmless = visible(text).replace("\\", "/").replace("*/", "* /").replace("??", "? ?")
    return [f"{mark}{line}" for line in textwrap.wrap(harmless, COLUMNS - len(mark))]


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(repr(x).removesuffix(".0") for x in values)


def _listed(labels: Sequence[str]) -> str:
    more = f", … ({len(labels) - _LISTED_LABELS} more)" if len(labels) > _LISTED_LABELS else ""
    return ", ".join(labels[:_LISTED_LABELS]) + more


def _method(task: Task) -> str:
    if is_swept_back(task.program, task.indices):
        return "reverse accumulation"
    return "forward accumulation" if task.order <= 2 else "Taylor coefficients in forward accumulation"


def _labels(task: Task, inputs: Sequence[str]) -> list[str]:
    """What is left of the equals signs, in LaTeX."""
    if task.kind == "taylor":
        return [f"c_{{{k}}}" for k in range(len(task.indices))]
    if task.kind in ("directional", "jvp"):
        order = f"^{{{task.order}}}" if task.order > 1 else ""
        several = len(task.source.outputs) > 1
        return [f"D_{{v}}{order} f{_number(k, several)}" for k, _ in task.indices]
    if task.kind in ("vjp", "hvp"):
        product = "J^T w" if task.kind == "vjp" else "H v"
        return [f"\\left({product}\\right)_{{{latex_name(name)}}}" for name in inputs]
    return [_partial(task, inputs, index) for index in task.indices]


def _partial(task: Task, names: Sequence[str], index: Index) -> str:
    """∂²f/∂x∂y as a fraction."""
    output, inputs = index
    d = "d" if len(names) == 1 else "\\partial "
    over = f"{d.strip()}^{{{len(inputs)}}}" if len(inputs) > 1 else d
    powers: dict[int, int] = {k: inputs.count(k) for k in inputs}
    under = " ".join(
        f"{d}{latex_name(names[k])}{f'^{{{n}}}' if n > 1 else ''}" for k, n in powers.items()
    )  # fmt: skip
    return f"\\frac{{{over}f{_number(output, len(task.source.outputs) > 1)}}}{{{under}}}"


def _number(output: int, several: bool) -> str:
    return f"_{{{output + 1}}}" if several else ""


__all__ = ["DerivativeCode", "find_language", "write_code"]

"""One step of a derivation: a rule in letters, the rule applied, and how both are written."""

from __future__ import annotations

from typing import NamedTuple

from diffkit.core.program import Program
from diffkit.core.text import format_outputs
from diffkit.lessons.derivations.latex import latex, latex_name
from diffkit.lessons.derivations.verification import Evidence

LONGEST = 4000  # characters of one side of a line


class Identity(NamedTuple):
    """A line ``left = right`` as programs: what is differentiated, and what its derivative is made of.

    Inputs of ``right`` beyond those of ``left`` stand for derivatives; ``pending`` gives text and LaTeX of each.
    """

    left: Program
    right: Program
    pending: tuple[tuple[str, str], ...]


class Step(NamedTuple):
    """One step: a rule in letters, what the letters stand for, the rule applied, and the derivative it leads to."""

    rule: str
    formula: Identity
    """the rule in letters, (u·v)′ = v·u′ + u·v′"""
    parts: tuple[tuple[str, Program], ...]
    """what each letter stands for"""
    line: Identity
    """the rule applied, with the derivatives of the parts still to be found"""
    answer: Program
    """the derivative, assembled"""
    evidence: Evidence
    variable: str
    several: bool
    """whether f has other variables too"""

    @property
    def formula_text(self) -> str:
        """The rule in letters: (u*v)′ = v*u′ + u*v′."""
        left = text_of(self.formula.left)
        return f"{left if left.isidentifier() else f'({left})'}′ = {text_of(self.formula.right)}"

    @property
    def text(self) -> str:
        """The rule applied: d/dx[x*sin(x)] = sin(x)*d/dx[x] + x*d/dx[sin(x)]."""
        return f"{self.left_text} = {text_of(self.line.right)}"

    @property
    def left_text(self) -> str:
        """What is differentiated: d/dx[x*sin(x)]."""
        return f"{operator_text(self.variable, self.several)}[{text_of(self.line.left)}]"

    @property
    def answer_text(self) -> str:
        """The derivative as text."""
        return text_of(self.answer)

    @property
    def finished(self) -> bool:
        """Whether the line holds no derivative that is still to be found."""
        return not self.line.pending

    @property
    def formula_latex(self) -> str:
        """The rule in letters, as LaTeX."""
        left = text_of(self.formula.left)
        body = latex(self.formula.left)
        right = latex(self.formula.right, dict(self.formula.pending))
        return f"{body if left.isidentifier() else bracketed(body)}' = {right}"

    @property
    def latex(self) -> str:
        """The rule applied, as LaTeX."""
        left = f"{operator_latex(self.variable, self.several)}{bracketed(latex(self.line.left))}"
        return f"{left} = {latex(self.line.right, dict(self.line.pending))}"

    @property
    def answer_latex(self) -> str:
        """The derivative as LaTeX."""
        return latex(self.answer)


def operator_text(variable: str, several: bool) -> str:
    """d/dx, or ∂/∂x where there are other variables."""
    d = "∂" if several else "d"
    return f"{d}/{d}{variable}"


def operator_latex(variable: str, several: bool) -> str:
    """The same as LaTeX."""
    d = "\\partial " if several else "d"
    return f"\\frac{{{d.strip()}}}{{{d}{latex_name(variable)}}}"


def same_in_sympy(one: Program, other: Program) -> bool:
    """Whether two programs are one expression to SymPy, but for the order in which they are written."""
    from diffkit.calculus.sympy import to_sympy

    return bool(to_sympy(one) == to_sympy(other))


def bracketed(text: str) -> str:
    """Put LaTeX in square brackets of its own height."""
    return f"\\left[{text}\\right]"


def text_of(program: Program) -> str:
    """Give the first output as text, cut where it is very long."""
    return format_outputs(program, LONGEST)[0]

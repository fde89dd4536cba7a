"""A derivation as blocks and as fields: one step after the other, then the derivative and what it was checked by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.asking.expressions import Expression
from diffkit.lessons.derivations.derivation import Derivation
from diffkit.lessons.derivations.steps import Step, operator_text, same_in_sympy, text_of
from diffkit.lessons.derivations.tidied import tidy
from diffkit.reports import result_report as one
from diffkit.reports.blocks import Block, Equation, Gap, Heading, Note

if TYPE_CHECKING:
    from diffkit.reports.plots import Chart


class DerivationReport(NamedTuple):
    """A derivation, step by step."""

    derivation: Derivation

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Derivation step by step"

    def charts(self) -> Iterator[Chart]:
        """There is nothing to draw."""
        yield from ()

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.derivation.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the steps out."""
        d = self.derivation
        yield Equation(f"f({', '.join(d.program.inputs)})", d.f)
        for number, step in enumerate(d.steps, 1):
            yield Gap()
            yield Heading(f"{number}. {step.rule}")
            yield from _step(step)
        yield Gap()
        yield Heading("Put together")
        left = f"{operator_text(d.variable, d.several)}[f]"
        yield Equation(left, d.formula)
        if d.by_sympy is not None and d.formula != self.by_sympy and not same_in_sympy(d.derivative, d.by_sympy):
            yield Equation(left, str(self.by_sympy), "as SymPy writes it")
        if d.value is not None:
            yield Gap()
            yield one.where(d.value)
            yield from one.values(d.value)
            yield from one.messages(d.value)
        if d.exceptions:
            where = " or ".join(d.exceptions)
            yield Note(f"except where {where}: f may have a kink or a jump there, and then has no derivative")
        yield Gap()
        yield Note(f"every step was {d.evidence}")

    @property
    def by_sympy(self) -> str | None:
        """The derivative as SymPy writes it, if it has a form of it."""
        found = self.derivation.by_sympy
        return None if found is None else text_of(tidy(found, False))

    def fields(self) -> dict[str, Any]:
        """Give the fields of the derivation."""
        d = self.derivation
        return {
            "schema": "diffkit.derivation/1",
            "f": d.f,
            "variables": list(d.program.inputs),
            "variable": d.variable,
            "steps": [
                {
                    "rule": s.rule, "formula": s.formula_text,
                    "parts": {name: str(Expression(part)) for name, part in s.parts},
                    "text": s.text, "derivative": s.answer_text, "latex": s.latex,
                    "points": s.evidence.points, "points_by_sympy": s.evidence.by_sympy,
                }
                for s in d.steps
            ],
            "derivative": d.formula,
            "by_sympy": self.by_sympy,
            "exceptions": list(d.exceptions),
            "latex": d.latex,
            "at": None if d.value is None else one.fields(d.value),
        }  # fmt: skip


def _step(step: Step) -> Iterator[Block]:
    """The rule in letters where it says more than the line, what the letters stand for, and the line."""
    if step.parts:
        names = ", ".join(f"{name} = {Expression(part)}" for name, part in step.parts)
        left, right = step.formula_text.split(" = ", 1)
        yield Equation(left, right, f"with {names}")
    left, right = step.text.split("] = ", 1)
    yield Equation(f"{left}]", right)

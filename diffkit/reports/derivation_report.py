"""Derivations step by step, as `explain` shows them, and back-propagation as tables of values and adjoints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diffkit.asking.expressions import Expression
from diffkit.core.errors import plural
from diffkit.core.text.latex import latex
from diffkit.lessons.derivations.backward import CHEAP_GRADIENT, Backward, BackwardNode
from diffkit.lessons.derivations.derivation import (
    Derivation,
    DerivationStep,
    operator_latex,
    operator_text,
    same_in_sympy,
    text_of,
)
from diffkit.lessons.derivations.textbook_rules import tidy
from diffkit.reports import result_report as one
from diffkit.reports.document import (
    Block,
    Document,
    Drawing,
    Equation,
    Gap,
    Heading,
    Note,
    Table,
    latex_if_short,
    picked,
    plain,
    shown,
)  # fmt: skip

_MOST_QUANTITIES = 200  # quantities shown; JSON has all of them


@dataclass(frozen=True)
class DerivationReport(Document):
    """A derivation, step by step."""

    derivation: Derivation

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Derivation step by step"

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
            yield from step_blocks(step)
        yield Gap()
        yield Heading("Put together")
        left = f"{operator_text(d.variable, d.several)}[f]"
        operator = f"{operator_latex(d.variable, d.several)}\\left[f\\right]"
        yield Equation(left, d.formula, latex=latex_if_short(lambda: f"{operator} = {latex(d.derivative)}"))
        other = d.by_sympy
        if other is not None and d.formula != self.by_sympy and not same_in_sympy(d.derivative, other):
            line = latex_if_short(lambda: f"{operator} = {latex(tidy(other, False))}")
            yield Equation(left, str(self.by_sympy), "as SymPy writes it", line)
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
                    "rule": s.rule,
                    "formula": s.formula_text,
                    "parts": {name: str(Expression(part)) for name, part in s.parts},
                    "text": s.text,
                    "derivative": s.answer_text,
                    "latex": s.latex,
                    "points": s.evidence.points,
                    "points_by_sympy": s.evidence.by_sympy,
                }
                for s in d.steps
            ],
            "derivative": d.formula,
            **picked(self, "by_sympy"),
            **picked(d, "exceptions", "latex"),
            "at": None if d.value is None else one.fields(d.value),
        }


def step_blocks(step: DerivationStep) -> Iterator[Block]:
    """Lay a step out: the rule in letters where it says more than the line, what they stand for, and the line."""
    if step.parts:
        names = ", ".join(f"{name} = {Expression(part)}" for name, part in step.parts)
        left, right = step.formula_text.split(" = ", 1)
        yield Equation(left, right, f"with {names}", latex_if_short(lambda: step.formula_latex))
    left, right = step.text.split("] = ", 1)
    yield Equation(f"{left}]", right, latex=latex_if_short(lambda: step.latex))


@dataclass(frozen=True)
class BackwardReport(Document):
    """Back-propagation through one expression at one point."""

    backward: Backward
    typed: str = ""
    """an array expression as it was typed; f itself is of numbers"""

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Back-propagation"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.backward.notes

    def blocks(self) -> Iterator[Block]:
        """Lay both sweeps out."""
        b = self.backward
        yield Equation(f"f({', '.join(b.at)})", self.typed or b.f)
        yield one.where(b.gradient)
        yield Gap()
        if b.forward:
            yield from self._forward()
        yield Heading("Backward: every adjoint, the derivative of f by that quantity, last one first")
        yield Note("an adjoint is the sum over all uses: the user's adjoint times the local partial derivative")
        nodes = [*reversed(b.forward), *b.variables]
        rows = [row for node in nodes[:_MOST_QUANTITIES] for row in _rows(node)]
        if len(nodes) > _MOST_QUANTITIES:
            rows.append((f"… {len(nodes) - _MOST_QUANTITIES} more", "", "", "", "", ""))
        yield Table(
            ("quantity", "adjoint", "used in", "local partial", "= value", "contributes"), tuple(rows), formulas=(3,)
        )
        yield Gap()
        yield Heading("Gradient")
        proven = b.gradient
        for c, (label, node) in enumerate(zip(proven.labels, b.variables, strict=True)):
            truth = "no value is proven" if proven.is_odd(c) else f"proven: {shown(proven.flat[c])}"
            yield Equation(label, shown(node.adjoint), f"({truth})")
        for label, blame in b.faults.items():
            where = f" in {blame.where}" if blame.where else ""
            yield Note(f"{label} is wrong in binary64, by {blame.cause}{where}: {blame.evidence}")
        yield from one.messages(proven)
        yield Gap()
        yield from self._cost()

    def _forward(self) -> Iterator[Block]:
        b = self.backward
        yield Heading("Forward: every intermediate in the order of computation")
        hidden = len(b.forward) - _MOST_QUANTITIES
        steps = [(n.name, n.instruction, number(n.value)) for n in b.forward[:_MOST_QUANTITIES]]
        yield Table(
            ("name", "is", "value"), (*steps, *([(f"… {hidden} more", "", "")] if hidden > 0 else [])), formulas=(1,)
        )
        yield Gap()

    def _cost(self) -> Iterator[Block]:
        cost = self.backward.cost
        if not cost.function:
            yield Note("f has no operation, so there is nothing to count")
            return
        variables = plural(len(self.backward.variables), "partial derivative")
        yield Note(
            f"cost: f takes {plural(cost.function, 'operation')}, the gradient "
            f"{plural(cost.gradient, 'operation')} more; together {cost.ratio:.3g} evaluations of f, for {variables}"
        )
        if cost.ratio <= CHEAP_GRADIENT:
            yield Note("theory: at most 5 evaluations, whatever the number of variables")
        else:
            yield Note(
                "theory's bound of 5 counts + − × ÷ only: here a function has a derivative of several operations, "
                "while it counts as one itself"
            )

    def picture(self) -> Drawing:
        """Draw it."""
        return Drawing("graph:picture_of_backward", (self.backward,))

    def fields(self) -> dict[str, Any]:
        """Give the fields of both sweeps."""
        b = self.backward
        return {
            "schema": "diffkit.backward/1",
            **picked(b, "f", "at", "value"),
            "forward": [_fields(node) for node in b.forward],
            "variables": [_fields(node) for node in b.variables],
            **picked(b, "faults"),
            "cost": {**plain(b.cost), **picked(b.cost, "ratio")},
            "gradient": one.fields(b.gradient),
        }


def _fields(node: BackwardNode) -> dict[str, Any]:
    return {"name": node.name, "is": node.instruction or None, **picked(node, "value", "adjoint", "contributions")}


def number(value: float | bool) -> str:
    """Give a value with ten digits; a truth in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "–" if math.isnan(value) else f"{value:.10g}"


def _rows(node: BackwardNode) -> list[tuple[str, ...]]:
    """A line for each use, the first with the adjoint."""
    if not node.contributions:
        used = "the output" if node.adjoint else "nothing that matters"
        return [(node.name, number(node.adjoint), used, "", "", "")]
    return [
        (node.name if k == 0 else "", number(node.adjoint) if k == 0 else "", c.user, c.partial, number(c.slope),
         number(c.amount))
        for k, c in enumerate(node.contributions)
    ]  # fmt: skip

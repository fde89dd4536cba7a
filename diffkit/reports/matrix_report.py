"""Formulas for any size, and identities, as blocks and as fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffkit.core.limits import AGREED_DIGITS
from diffkit.lessons.matrices.matrix_derivative import MatrixDerivatives
from diffkit.lessons.matrices.trials import tried
from diffkit.reports.document import Block, Document, Equation, Gap, Note, latex_if_short, picked, present, shown
from diffkit.reports.latex_display import words

if TYPE_CHECKING:
    from diffkit.lessons.matrices.identities import CounterExample, Identity
    from diffkit.lessons.matrices.matrix_derivative import MatrixDerivative
    from diffkit.lessons.matrices.problem import Problem

_ORDER = {1: "df/d{}", 2: "d²f/d{}²"}


@dataclass(frozen=True)
class MatrixReport(Document):
    """Derivatives of one expression by one or more of its names."""

    found: MatrixDerivatives

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Derivative for any size"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.found.answers[0].problem.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the formulas out."""
        first = self.found.answers[0]
        yield Equation("f", first.expression, latex=latex_if_short(lambda: f"f = {first.expression_latex}"))
        yield from shapes(first.problem)
        for answer in self.found.answers:
            yield Gap()
            yield Equation(_ORDER[answer.order].format(answer.wrt), answer.formula, latex=_line_latex(answer))
            yield Note(answer.layout)
            if answer.transposed is not None:
                yield Equation("transposed (gradient layout)", answer.transposed)
        for name, error in self.found.refused.items():
            yield Gap()
            yield Note(f"no formula by {name}: {error.reason}")
        kinks = dict.fromkeys(kink for answer in self.found.answers for kink in answer.kinks)
        if kinks:
            yield Gap()
            yield Note(f"f may have no derivative where {' or '.join(kinks)}: the formula says nothing there")
        yield Gap()
        count = tried(first.problem, first.trials)
        yield Note(f"checked: on {count} it agrees with the power series of f in ball arithmetic, "
                   f"to {AGREED_DIGITS} digits")  # fmt: skip

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        first = self.found.answers[0]
        return {
            "schema": "diffkit.matrix/2",
            "expression": first.expression,
            **_names(first.problem),
            "derivatives": [
                picked(a, "wrt", "order", "formula", "shape", "layout", "transposed", "trials", "kinks")
                | {"latex": _latex(a) or None}
                for a in self.found.answers
            ],
            "refused": {name: error.reason for name, error in self.found.refused.items()},
        }


def _latex(answer: MatrixDerivative) -> str:
    return latex_if_short(lambda: answer.latex)


def _line_latex(answer: MatrixDerivative) -> str:
    return latex_if_short(lambda: f"{answer.operator_latex} = {answer.latex}")


def of_one(answer: MatrixDerivative) -> MatrixReport:
    """Give the report on a derivative by one name."""
    return MatrixReport(MatrixDerivatives((answer,), {}))


@dataclass(frozen=True)
class IdentityReport(Document):
    """The verdict on an identity."""

    identity: Identity

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Check of an identity"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.identity.problem.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the verdict out."""
        identity = self.identity
        yield Equation("identity", identity.text, latex=latex_if_short(lambda: identity.text_latex))
        yield from shapes(identity.problem)
        yield Gap()
        yield Equation("verdict", identity.verdict)
        yield Note(identity.reason)
        if identity.layout:
            yield Note(f"read as {identity.layout}")
        if identity.kinks:
            yield Note(f"f may have no derivative where {' or '.join(identity.kinks)}: nothing is said of there")
        if identity.verdict != "true" and identity.right is not None:
            line = latex_if_short(lambda: f"{words('the derivative is ')} {identity.right_latex}")
            yield Equation("the derivative is", identity.right, latex=line)
        if identity.counterexample is not None:
            yield Gap()
            yield from _example(identity.counterexample, identity.wrt)

    def fields(self) -> dict[str, Any]:
        """Give the fields of the verdict."""
        identity, example = self.identity, self.identity.counterexample
        return {
            "schema": "diffkit.identity/1",
            "identity": identity.text,
            **picked(identity, "verdict", "reason"),
            **present(identity, "layout"),
            "derived": identity.derived,
            "formula": identity.right,
            "wrt": identity.wrt,
            **_names(identity.problem),
            **picked(identity, "trials", "worst", "kinks"),
            "counterexample": None
            if example is None
            else picked(example, "values", "claimed", "true", "proven", "difference"),
        }


def _names(problem: Problem) -> dict[str, Any]:
    """What the names are, for programs."""
    return {**picked(problem, "shapes", "assumed"), "symmetric": sorted(problem.symmetric)}


def shapes(problem: Problem) -> Iterator[Block]:
    """Say what the names are, and which of that was assumed."""
    yield Note(problem.described())
    if problem.assumed:
        yield Note(
            f"assumed of {', '.join(problem.assumed)} from how they are written and used; --shape says otherwise"
        )
    for name in problem.doubtful:
        yield Note(f"{name} is read as a vector: if it is a number, say --shape {name}=scalar")


def _example(example: CounterExample, wrt: str | None) -> Iterator[Block]:
    proven = ", both sides proven in ball arithmetic" if example.proven else ""
    yield Note(f"counter-example{proven}:")
    for name, value in example.values.items():
        yield Equation(name, matrix(value))
    claimed, true = matrix(example.claimed), matrix(example.true)
    yield Equation("right side", claimed)
    yield Equation("derivative" if wrt else "left side", true)
    if claimed == true and example.difference is not None:
        yield Note(f"both are rounded to binary64: the largest difference is {example.difference}")


def matrix(value: Any) -> str:
    """An array as text of the array language."""
    listed = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(listed, list):
        return f"[{', '.join(map(matrix, listed))}]"
    return shown(listed)

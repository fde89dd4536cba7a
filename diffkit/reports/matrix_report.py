"""Formulas for any size, and identities, as blocks and as fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.lessons.matrices.ball_agreement import DIGITS
from diffkit.lessons.matrices.trials import CLOSE, tried
from diffkit.reports.blocks import Block, Equation, Gap, Note, plain, shown

if TYPE_CHECKING:
    from diffkit.lessons.matrices.identities import CounterExample, Identity
    from diffkit.lessons.matrices.matrix_derivative import MatrixDerivatives
    from diffkit.lessons.matrices.problem import Problem
    from diffkit.reports.pictures.charts import Chart

ORDER = {1: "df/d{}", 2: "d²f/d{}²"}


class MatrixReport(NamedTuple):
    """Derivatives of one expression by one or more of its names."""

    found: MatrixDerivatives

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Derivative for any size"

    def charts(self) -> Iterator[Chart]:
        """There is nothing to draw."""
        yield from ()

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.found.answers[0].problem.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the formulas out."""
        first = self.found.answers[0]
        yield Equation("f", first.expression)
        yield from shapes(first.problem)
        for answer in self.found.answers:
            yield Gap()
            yield Equation(ORDER[answer.order].format(answer.wrt), answer.formula)
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
        yield Note(f"checked: on {count} it equals dual numbers, to {CLOSE:g} of the largest entry")
        settled = max(answer.settled for answer in self.found.answers)
        if settled:
            yield Note(
                f"on {settled} of them rounding is larger: there it was settled in ball arithmetic, to {DIGITS} digits"
            )

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        first = self.found.answers[0]
        return {
            "schema": "diffkit.matrix/1",
            "expression": first.expression,
            "shapes": {name: list(shape) for name, shape in first.problem.shapes.items()},
            "assumed": list(first.problem.assumed),
            "symmetric": sorted(first.problem.symmetric),
            "derivatives": [
                {
                    "wrt": a.wrt, "order": a.order, "formula": a.formula, "shape": list(a.shape), "layout": a.layout,
                    "transposed": a.transposed, "trials": a.trials, "worst": plain(a.worst), "settled": a.settled,
                    "kinks": list(a.kinks),
                }
                for a in self.found.answers
            ],
            "refused": {name: error.reason for name, error in self.found.refused.items()},
        }  # fmt: skip


class IdentityReport(NamedTuple):
    """The verdict on an identity."""

    identity: Identity

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Check of an identity"

    def charts(self) -> Iterator[Chart]:
        """There is nothing to draw."""
        yield from ()

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.identity.problem.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the verdict out."""
        identity = self.identity
        yield Equation("identity", identity.text)
        yield from shapes(identity.problem)
        yield Gap()
        yield Equation("verdict", identity.verdict)
        yield Note(identity.reason)
        if identity.layout:
            yield Note(f"read as {identity.layout}")
        if identity.kinks:
            yield Note(f"f may have no derivative where {' or '.join(identity.kinks)}: nothing is said of there")
        if identity.verdict != "true" and identity.right is not None:
            yield Equation("the derivative is", identity.right)
        if identity.counterexample is not None:
            yield Gap()
            yield from _example(identity.counterexample, identity.wrt)

    def fields(self) -> dict[str, Any]:
        """Give the fields of the verdict."""
        identity, example = self.identity, self.identity.counterexample
        return {
            "schema": "diffkit.identity/1",
            "identity": identity.text,
            "verdict": identity.verdict,
            "reason": identity.reason,
            "layout": identity.layout or None,
            "derived": identity.derived,
            "formula": identity.right,
            "wrt": identity.wrt,
            "shapes": {name: list(shape) for name, shape in identity.problem.shapes.items()},
            "assumed": list(identity.problem.assumed),
            "symmetric": sorted(identity.problem.symmetric),
            "trials": identity.trials,
            "worst": plain(identity.worst),
            "kinks": list(identity.kinks),
            "counterexample": None if example is None else {
                "values": plain(dict(example.values)), "claimed": plain(example.claimed), "true": plain(example.true),
                "proven": example.proven, "difference": example.difference,
            },
        }  # fmt: skip


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

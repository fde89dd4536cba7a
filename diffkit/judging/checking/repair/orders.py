"""A derivative of another order: the claim is f itself, or f″ where f′ is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from diffkit.calculus.derivatives import differentiate
from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.mutants import with_bounds
from diffkit.judging.checking.repair.samples import Case, Samples

NAMES = ("f itself", "the first derivative", "the second derivative", "the third derivative")


def other_order(case: Case) -> Iterator[Candidate]:
    """The claim is f⁽ᵏ⁾ with another k, for f of one variable whose formula is known."""
    program = case.evidence.program
    if program is None or len(program.inputs) != 1 or len(program.outputs) != 1 or case.count != 1:
        return
    asked = len(case.evidence.indices[0][1])
    for order, name in enumerate(NAMES):
        if order == asked:
            continue
        function = differentiate(program, [(0, (0,) * order)])

        def predict(samples: Samples, function: Any = function) -> tuple[Any, Any]:
            return with_bounds(function, samples.points)

        steps = abs(asked - order)
        times = "once" if steps == 1 else "twice" if steps == 2 else f"{steps} times"
        what = "more" if order < asked else "less"
        yield Candidate("order", f"differentiate {times} {what}: the claim is {name}", predict)

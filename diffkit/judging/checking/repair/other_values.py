"""Another value in the place of the right one: f itself or another order, or an intermediate value: δ·ŷ for δ·a."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from diffkit.calculus.derivatives import differentiate
from diffkit.calculus.guards import depends
from diffkit.core.program import Program
from diffkit.core.text import excerpt
from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.evidence import Array, Labels
from diffkit.judging.checking.repair.mutants import with_bounds
from diffkit.judging.checking.repair.samples import Case, Samples

NAMES = ("f itself", "the first derivative", "the second derivative", "the third derivative")
LONGEST = 150  # instructions of a program whose values are tried, each in the place of each
PROOFS = 6
NEAR = 1e-7  # relative: a pair is worth a proof


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


def other_value(case: Case) -> Iterator[Candidate]:
    """claimᵢ·v = truthᵢ·u for all wrong entries: f computes v, which belongs there, and u, which was taken."""
    program, mask = case.evidence.program, case.suspects
    if program is None or len(program.instructions) > LONGEST or len(program.inputs) != case.point.size:
        return
    varies = depends(program)
    slots = [slot for slot in range(len(program)) if varies[slot]]
    where = Labels(case.evidence, case.columns).describe(mask)
    pairs = np.argwhere(_fitting(case, program, slots)).tolist()
    for right, taken in sorted(pairs, key=lambda pair: sum(len(excerpt(program, slots[k])) for k in pair))[:PROOFS]:
        both = Program(program.inputs, program.constants, program.instructions, (slots[right], slots[taken]))
        text = f"{where}: put {excerpt(program, slots[right])} where the claim has {excerpt(program, slots[taken])}"
        yield Candidate("other value", text, _predict(both, mask))


def _fitting(case: Case, program: Program, slots: list[int]) -> Array:
    """Which pairs (v, u) of values fit at all points, (S, S)."""
    fit, mask = case.fit, case.suspects
    values = with_bounds(Program(program.inputs, program.constants, program.instructions, tuple(slots)), fit.points)[0]
    found = ~np.eye(len(slots), dtype=bool)
    for claim, truth, here in zip(fit.claim[:, mask], fit.truth[:, mask], values, strict=True):
        for left, right in zip(claim, truth, strict=True):
            gap = np.abs(left * here[:, None] - right * here)
            found &= gap <= NEAR * np.abs(right * here)
    return found


def _predict(both: Program, mask: Array) -> Any:
    """The claim that has u where v belongs, for a program that gives v and u."""

    def predict(samples: Samples) -> tuple[Any, Any]:
        values, bars = with_bounds(both, samples.points)
        (v, u), (v_bar, u_bar) = (part.T[:, :, None] for part in (values, bars))
        claim = samples.truth * (u / v)
        error = samples.bars * np.abs(u / v) + np.abs(claim) * (v_bar / np.abs(v) + u_bar / np.abs(u) + 2**-51)
        return np.where(mask, claim, samples.truth), np.where(mask, error, samples.bars)

    return predict

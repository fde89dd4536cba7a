"""For which points a claim in words was shown: everywhere, by SymPy; or at points; and on which domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffkit.domain import domain

if TYPE_CHECKING:
    from diffkit.checking.check import Setting
    from diffkit.checking.judge import Judge

SIMPLE = 120  # slots of claim and derivative up to which SymPy is asked to simplify their difference


def scope_of(setting: Setting, judge: Judge, points: int, verdict: str) -> tuple[str, Any]:
    """Say where the claim was shown to hold; and a point where the domains differ, if there is one."""
    at = f"at {points} point{'s' * (points > 1)}"
    if verdict != "correct":
        return at, None
    difference = judge.difference
    if difference is None:
        return at, None
    shown = f"{at}, to 28 digits or more"
    if not (setting.claim.text and setting.subject.exact):
        return shown, None
    if len(difference.program) <= SIMPLE:
        from diffkit.sympy_bridge import is_zero

        count = difference.count
        outputs = difference.program.outputs[2 * count :]
        if all(is_zero(difference.program, output) for output in outputs):
            shown = "everywhere: SymPy simplifies the difference to zero"
    source = setting.subject.program
    assert source is not None
    of_f, of_claim = str(domain(source)), str(domain(difference.claim))
    if of_f != of_claim:
        if of_claim == "all real values":
            shown += f"; true for {of_f} only: elsewhere f has no derivative, though the claim has values"
        elif of_f == "all real values":
            shown += f"; true for {of_claim} only: elsewhere the claim has no value, though f has a derivative"
        else:
            shown += f"; f asks for {of_f}, the claim for {of_claim}"
    return shown, None

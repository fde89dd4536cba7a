"""What to do about a mistake in words that name the culprit in f."""

from __future__ import annotations

from collections.abc import Sequence

from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import Program
from diffkit.core.rules import by_rule, times_partial
from diffkit.core.table import Primitive
from diffkit.core.text import excerpt
from diffkit.judging.checking.repair.meaningful_numbers import Factor
from diffkit.judging.checking.repair.mistakes import ABS, ADD, DIV, MASKS, MUL, NEG, POWER, SUB, Mistake, row_of

SHORT = 12  # characters of an argument that is written out
Words = tuple[str, str]
"""kind and instruction"""


def partial_text(program: Program, slot: int, k: int, mistake: Mistake | None = None) -> str:
    """The local partial of an edge as text; a mistake's own if one is given."""
    builder = ProgramBuilder.of(program)
    row, args = _instruction(program, slot)
    rule = row.shown(k) if row.written else None
    one = builder.constant(1)
    found = by_rule(rule, builder, [*args, slot]) if rule else times_partial(row, builder, args, slot, k, one)
    if mistake is not None and mistake.mutant.partial is not None:
        found = mistake.mutant.partial(builder, found, args, slot)
    part = builder.program([found], program.inputs)
    return excerpt(part, part.outputs[0])


def _instruction(program: Program, slot: int) -> tuple[Primitive, Sequence[int]]:
    found = program.instruction_at(slot)
    assert found is not None
    return found


def derivative_of(program: Program, slot: int, k: int) -> str:
    """The derivative of sin(x*y); of x*y by x where the arguments are several."""
    args = _instruction(program, slot)[1]
    text = f"the derivative of {excerpt(program, slot)}"
    varying = [a for a in args if program.constant_at(a) is None]
    return text if len(varying) < 2 else f"{text} by {excerpt(program, args[k])}"


def repeated(program: Program, mistake: Mistake) -> str:
    """The derivative of every sin, for instance, or of every sin of one layer."""
    row, k = row_of(program, mistake.slot), mistake.k
    text = f"the derivative of every {row.infix or row.name}"
    if mistake.layer is not None:
        text += f" of layer {mistake.layer}"
    return text if k is None or len(row.arguments) == 1 else f"{text} by its argument {row.arguments[k]}"


def of_partial(program: Program, mistake: Mistake, throughout: bool) -> Words:
    """Words for another partial on an edge; ``throughout`` if all of the derivative flows through it."""
    slot, k = mistake.slot, mistake.k
    row = row_of(program, slot)
    if mistake.how == "ends":
        where = "" if throughout else f"in the part through {excerpt(program, slot)}, "
        return (
            "missing inner derivative",
            f"{where}multiply by the derivative of {excerpt(program, slot)} by the variable",
        )
    assert k is not None
    if mistake.how.endswith("everywhere"):
        text = repeated(program, mistake)
        program, slot, such_as = _plainly(program, slot)
        example = f"for {excerpt(program, slot)} it is {partial_text(program, slot, k)}"
        if mistake.how == "one everywhere":
            return "mask" if row in MASKS else "missing chain factor", f"multiply by {text}: {example}{such_as}"
        if mistake.how == "twice everywhere":
            return "extra chain factor", f"divide by {text}, which stands there twice: {example}{such_as}"
        if mistake.how.startswith("at the answer"):
            return "wrong derivative", f"{text} is taken at the wrong place{_why(program, slot, mistake)}{such_as}"
        if mistake.how.startswith("second derivative"):
            return "wrong derivative", f"take the first derivative, not the second, as {text}: {example}{such_as}"
        return "wrong derivative", f"correct {text}: {example}, not {partial_text(program, slot, k, mistake)}{such_as}"
    p, name = partial_text(program, slot, k), derivative_of(program, slot, k)
    where = "" if throughout else f"in the part through {excerpt(program, slot)}, "
    if mistake.how == "one":
        return "mask" if row in MASKS else "missing chain factor", f"{where}multiply by {p}, {name}"
    if mistake.how == "twice":
        return "extra chain factor", f"{where}divide by {p}, {name}, which stands there twice"
    kind = "mask" if row in MASKS else "wrong derivative"
    return kind, f"{name} is {p}, not {partial_text(program, slot, k, mistake)}{_why(program, slot, mistake)}"


def _plainly(program: Program, slot: int) -> tuple[Program, int, str]:
    """A function of one argument, of z where that is long; then also what z may be."""
    row, args = _instruction(program, slot)
    argument = excerpt(program, args[0])
    if len(args) > 1 or len(argument) <= SHORT or "z" in program.inputs:
        return program, slot, ""
    builder = ProgramBuilder(("z",))
    alone = builder.apply(row, (0,))
    return builder.program([alone], ("z",)), alone, f" (such as z = {argument})"


def _why(program: Program, slot: int, mistake: Mistake) -> str:
    """What was done to write another partial, where that has a name."""
    args = _instruction(program, slot)[1]
    if mistake.how.startswith("at the answer"):
        return f": take it at {excerpt(program, args[0])}, not at {excerpt(program, slot)}"
    if mistake.how.startswith("second derivative"):
        return ", which is the second derivative"
    return ""


def of_multiple(program: Program, mistake: Mistake, factor: Factor | None) -> Words:
    """Words for what flows through an edge or a slot and is 0 (no factor) or to be multiplied by a factor."""
    slot, k = mistake.slot, mistake.k
    row = row_of(program, slot)
    if mistake.how == "function":
        text = repeated(program, mistake)
        if factor is None:
            return "missing term", f"add what flows through {text}"
        return _kind(factor), f"in {text}, {factor.text}"
    if mistake.how == "slot":
        text = excerpt(program, slot)
        if factor is None:
            return "missing term", f"add the part through {text}: it is not a constant"
        return _kind(factor), f"in the part through {text}, {factor.text}"
    assert k is not None
    args = _instruction(program, slot)[1]
    text = excerpt(program, args[k])
    if row in (ADD, SUB):
        if factor is None:
            verb = "subtract" if row is SUB and k == 1 else "add"
            return "missing term", f"{verb} the derivative of {text}"
        return _kind(factor), f"in the derivative of the term {text}, {factor.text}"
    if factor is None:
        if row in MASKS and row is not ABS:
            return "mask", f"add the derivative of {text} where {excerpt(program, slot)} takes it"
        if row in (MUL, DIV, POWER) and sum(program.constant_at(a) is None for a in args) > 1:
            p = partial_text(program, slot, k)
            return "missing term", f"add {p} times the derivative of {text}: it varies in {excerpt(program, slot)}"
        return "missing term", f"add the part through {excerpt(program, slot)}"
    if row is NEG:
        return _kind(factor), f"in the part through {excerpt(program, slot)}, {factor.text}"
    return _kind(factor), f"in {derivative_of(program, slot, k)}, {factor.text}"


def _kind(factor: Factor) -> str:
    kinds = {"signs": "sign of a term", "factor": "term factor"}
    return kinds.get(factor.kind, factor.kind)


def of_value(program: Program, mistake: Mistake, changed: str) -> Words:
    """Words for a claim that is the derivative of another f, in which a slot holds ``changed``."""
    slot, k = mistake.slot, mistake.k
    row = row_of(program, slot)
    text, args = excerpt(program, slot), _instruction(program, slot)[1]
    read = f"differentiate {text}: the claim is the derivative of f with {changed} in its place"
    if row in MASKS:
        return "mask", read
    if row in (ADD, SUB) and mistake.how in ("argument", "negated"):
        dropped = args[1 - k] if k is not None else args[0]
        return "missing term", f"put {excerpt(program, dropped)} into f: {read}"
    if mistake.how == "sign":
        return "sign of a term", read
    return "different function", read

"""The mistakes people make with the program of f: a table of what is written in the place of what, and of the words.

A mistake on an edge replaces the local partial p of y = f(…u…) by u by what is written instead: 1 (the factor is
forgotten), p² (it stands there twice), y (the derivative of sin is sin), … Constant multiples of p, 0 and −1 among
them, need no mutants of their own: claim = truth + (m − 1)·(what flows through the edge). Or the claim is the
derivative of another f, in which one slot holds something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from diffkit.calculus.guards import depends
from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import Program, run
from diffkit.core.rules import by_rule, times_partial, trace
from diffkit.core.table import (
    ADD,
    DIV,
    LINEAR_ROWS,  # fmt: skip
    MUL,
    NEG,
    POWER,
    SUB,
    Primitive,
)
from diffkit.core.text import excerpt, parse_program
from diffkit.judging.repair.multiples import Factor
from diffkit.judging.repair.mutants import (
    Edge,
    Mutant,
    Partial,
    Value,
    flowing_edges,
    instruction_of,
    is_mask,
    mutated,
    reached_in,
    same_function,
)
from diffkit.numbers.duals import DualAlgebra

_ADDITIVE = frozenset((ADD, SUB))
_SHORT_ARGUMENT = 12  # characters of an argument that is written out

# What is written instead of a partial -----------------------------------------------------------------------------


def _formula(text: str) -> Partial:
    """A mistake in words: a formula of the partial p, the answer y, the first argument u and the last one v."""
    made = cache(partial(parse_program, text, ("p", "u", "v", "y")))
    return lambda algebra, p, args, y: run(made(), algebra, [p, args[0], args[-1], y])[0]


WRITTEN_ONE, WRITTEN_ZERO, _TWICE, _INVERTED = map(_formula, ("1", "0", "p*p", "1 - p"))
_OF_ONE = tuple(map(_formula, (
    "y", "-y", "1/p", "1 - y", "1 + y", "u*p", "p/u", "y*p", "sqrt(p)", "abs(p)", "1/u", "u",
    "u*(1 - u)", "1 - u*u",  # σ′ = y·(1 − y) and tanh′ = 1 − y², with u in the place of y
)))  # fmt: skip
_OF_TWO = tuple(map(_formula, ("u", "v", "y", "-y", "1/p", "u*p", "p/u", "v*p")))


def _at_answer(row: Primitive) -> Partial:
    """The derivative taken at the answer instead of the argument: f′(y)."""
    return lambda algebra, _, __, y: times_partial(row, algebra, (y,), algebra.apply(row, (y,)), 0, algebra.constant(1))


def _second(row: Primitive) -> Partial:
    """The second derivative instead of the first: f″(u)."""

    def written(algebra: Any, _: Any, args: Any, __: Any) -> Any:
        duals = DualAlgebra(algebra)
        x = duals.variable(args[0], "x")
        slope = times_partial(row, duals, (x,), duals.apply(row, (x,)), 0, duals.constant(1))
        return slope.tangents.get("x", algebra.constant(0))

    return written


def _is_function(row: Primitive) -> bool:
    return not is_mask(row)


def _has_slope(row: Primitive) -> bool:
    return _is_function(row) and len(row.arguments) == 1 and not row.steps and row.partials[0] is not None


class _Slip(NamedTuple):
    """A row of mistakes on an edge: what is written instead of p, for which functions, and what is said about it.

    ``say`` is of one place, ``everywhere`` of the same mistake in all places of a function; their words are those of
    ``_Words``. Without ``written`` the adjoint ends at the slot.
    """

    kind: str
    say: str
    everywhere: str = ""
    written: Callable[[Primitive], Sequence[Partial]] | None = None
    fits: Callable[[Primitive], bool] = _is_function


_SLIPS = (
    _Slip("missing chain factor", "{where}multiply by {right}, {name}", "multiply by {every}: {example}{such_as}",
          lambda _: (WRITTEN_ONE,), lambda _: True),
    _Slip("mask", "{name} is {right}, not {wrong}", "", lambda _: (_INVERTED,), is_mask),
    _Slip("extra chain factor", "{where}divide by {right}, {name}, which stands there twice",
          "divide by {every}, which stands there twice: {example}{such_as}",
          lambda _: (_TWICE,)),
    _Slip("missing inner derivative", "{where}multiply by the derivative of {answer} by the variable"),
    _Slip("wrong derivative", "{name} is {right}, not {wrong}", "correct {every}: {example}, not {wrong}{such_as}",
          lambda row: _OF_ONE if len(row.arguments) == 1 else _OF_TWO),
    _Slip("wrong derivative", "{name} is {right}, not {wrong}: take it at {argument}, not at {answer}",
          "{every} is taken at the wrong place: take it at {argument}, not at {answer}{such_as}",
          lambda row: (_at_answer(row),), _has_slope),
    _Slip("wrong derivative", "{name} is {right}, not {wrong}, which is the second derivative",
          "take the first derivative, not the second, as {every}: {example}{such_as}",
          lambda row: (_second(row),), _has_slope),
)  # fmt: skip
"""The likely ones first."""

# What flows through a place is missing, or multiplied -------------------------------------------------------------


class _Flow(NamedTuple):
    """A row: what is said where a part is missing, and where it is to be multiplied by a ``factor``."""

    kind: str
    say: str
    scaled: str


_FLOW_OF_EVERY = _Flow("missing term", "add what flows through {every}", "in {every}, {factor}")
_USES = _Flow(
    "missing term", "add the part through {answer}: it is not a constant", "in the part through {answer}, {factor}"
)
_ADDEND = _Flow(
    "missing term", "add the derivative of {argument}", "in the derivative of the term {argument}, {factor}"
)
_SUBTRAHEND = _ADDEND._replace(say="subtract the derivative of {argument}")
_MASKED = _Flow("mask", "add the derivative of {argument} where {answer} takes it", "in {name}, {factor}")
_THROUGH = _Flow("missing term", "add the part through {answer}", "in {name}, {factor}")
_FACTOR = _THROUGH._replace(say="add {right} times the derivative of {argument}: it varies in {answer}")
_NEGATED = _THROUGH._replace(scaled=_USES.scaled)


def _flow_through(program: Program, slot: int, k: int) -> _Flow:
    """The row of an edge."""
    row, args = instruction_of(program, slot)
    if row in _ADDITIVE:
        return _SUBTRAHEND if row is SUB and k == 1 else _ADDEND
    if is_mask(row) and not _takes_all(row):
        return _MASKED
    several = sum(program.constant_at(a) is None for a in args) > 1
    return _FACTOR if row in (MUL, DIV, POWER) and several else _NEGATED if row is NEG else _THROUGH


def _takes_all(row: Primitive) -> bool:
    """Whether each of its options varies with its only argument, as those of |x| do."""
    options = [trace(option, 1) for option in row.options] if len(row.arguments) == 1 else []
    return bool(options) and all(depends(option)[option.outputs[0]] for option in options)


# Another f --------------------------------------------------------------------------------------------------------

_DIFFERENT = "differentiate {answer}: the claim is the derivative of f with {changed} in its place"


class _Other(NamedTuple):
    """A row: what stands in the place of an operation of f; ``dropped`` is the argument that is missing from a sum."""

    kind: str
    value: Value
    dropped: int | None = None


def _instead(row: Primitive) -> Value:
    return lambda algebra, args: algebra.apply(row, args)


def _power(step: int) -> Value:
    return lambda algebra, args: algebra.apply(POWER, (args[0], algebra.apply(ADD, (args[1], algebra.constant(step)))))


_OTHER_OPERATIONS = {
    ADD: (_Other("sign of a term", _instead(SUB)),),
    SUB: (_Other("missing term", lambda algebra, args: algebra.apply(NEG, (args[1],)), 0),
          _Other("sign of a term", _instead(ADD))),
    MUL: (_Other("different function", _instead(DIV)),),
    DIV: (_Other("different function", _instead(MUL)),),
    POWER: (_Other("different function", _power(1)), _Other("different function", _power(-1))),
}  # fmt: skip


def _others_of(row: Primitive) -> Iterator[_Other]:
    """What may stand in the place of an operation: one of its arguments first."""
    kind = "mask" if is_mask(row) else "missing term" if row in _ADDITIVE else "different function"
    for k in range(len(row.arguments)):
        if k not in row.truths and k not in row.orders:
            yield _Other(kind, _taken(k), 1 - k if row in _ADDITIVE else None)
    yield from _OTHER_OPERATIONS.get(row, ())


def _taken(k: int) -> Value:
    return lambda _, args: args[k]


# The mistakes of a program ----------------------------------------------------------------------------------------


class Mistake(NamedTuple):
    """A mutant, the place it is in, and how it is made good in words."""

    mutant: Mutant
    program: Program
    slot: int
    k: int | None
    row: _Slip | _Flow | _Other
    repeated: bool = False
    """whether it is in every such operation: of one ``layer`` from the inputs, if that is given"""
    layer: int | None = None

    def words(self, throughout: bool = False, factor: Factor | None = None) -> tuple[str, str]:
        """The kind of bug and the instruction; ``throughout`` if all of the derivative flows through the place."""
        words = _Words(self, throughout, factor)
        masked = is_mask(instruction_of(self.program, self.slot)[0])
        if isinstance(self.row, _Other):
            put = "" if self.row.dropped is None else "put {argument} into f: "
            return self.row.kind, (put + _DIFFERENT).format_map(words)
        if isinstance(self.row, _Slip):
            kind = "mask" if masked and self.row.written else self.row.kind
            return kind, (self.row.everywhere if self.repeated else self.row.say).format_map(words)
        if factor is None:
            return self.row.kind, self.row.say.format_map(words)
        kinds = {"signs": "sign of a term", "factor": "term factor"}
        return kinds.get(factor.kind, factor.kind), self.row.scaled.format_map(words)


class _Words:
    """What can be said about the place of a mistake, each word found when it is asked for."""

    def __init__(self, mistake: Mistake, throughout: bool, factor: Factor | None):
        self.mistake, self.throughout = mistake, throughout
        self.factor = "" if factor is None else factor.text
        self.program, self.slot, self.k, self.such_as = mistake.program, mistake.slot, mistake.k, ""
        if mistake.repeated:
            self._simplify()
        self.operation, self.args = instruction_of(self.program, self.slot)

    def _simplify(self) -> None:
        """Speak of a function of z where its argument is long; then also of what z may be."""
        row, args = instruction_of(self.program, self.slot)
        argument = excerpt(self.program, args[0])
        if len(args) == 1 and len(argument) > _SHORT_ARGUMENT and "z" not in self.program.inputs:
            builder = ProgramBuilder(("z",))
            self.slot = builder.apply(row, (0,))
            self.program, self.such_as = builder.program([self.slot], ("z",)), f" (such as z = {argument})"

    def __getitem__(self, name: str) -> str:
        return str(getattr(self, name))

    @property
    def answer(self) -> str:
        """The operation: sin(x*y)."""
        return excerpt(self.program, self.slot)

    @property
    def argument(self) -> str:
        """The argument that it is differentiated by."""
        return excerpt(self.program, self.args[self.k or 0])

    @property
    def right(self) -> str:
        """The local partial."""
        return self._partial(None)

    @property
    def wrong(self) -> str:
        """What the mistake has in its place."""
        return self._partial(self.mistake.mutant.partial)

    def _partial(self, mistaken: Partial | None) -> str:
        assert self.k is not None
        builder, row = ProgramBuilder.of(self.program), self.operation
        rule = row.shown(self.k) if row.written else None
        if rule:
            found = by_rule(rule, builder, [*self.args, self.slot])
        else:
            found = times_partial(row, builder, self.args, self.slot, self.k, builder.constant(1))
        if mistaken is not None:
            found = mistaken(builder, found, self.args, self.slot)
        part = builder.program([found], self.program.inputs)
        return excerpt(part, part.outputs[0])

    @property
    def name(self) -> str:
        """The derivative of sin(x*y); of x*y by x where the arguments are several."""
        several = sum(self.program.constant_at(arg) is None for arg in self.args) > 1
        return f"the derivative of {self.answer}" + f" by {self.argument}" * several

    @property
    def every(self) -> str:
        """The derivative of every sin, for instance, or of every sin of one layer."""
        row, layer = self.operation, self.mistake.layer
        text = f"the derivative of every {row.infix or row.name}" + f" of layer {layer}" * (layer is not None)
        return text if self.k is None or len(row.arguments) == 1 else f"{text} by its argument {row.arguments[self.k]}"

    @property
    def example(self) -> str:
        """One of them: for sin(x*y) it is cos(x*y)."""
        return f"for {self.answer} it is {self.right}"

    @property
    def where(self) -> str:
        """The part that the mistake is in, if there are others."""
        return "" if self.throughout else f"in the part through {self.answer}, "

    @property
    def changed(self) -> str:
        """What stands in the slot of a changed f."""
        value, program = self.mistake.mutant.value, self.program
        assert value is not None
        alone = Program(program.inputs, program.constants, program.instructions, (self.slot,))
        other = mutated(alone, self.slot, value)
        return excerpt(other, other.outputs[0])


def cuts(program: Program) -> Iterator[Mistake]:
    """Nothing flows: through one edge, through all uses of a slot, through all instructions of one function."""
    edges = flowing_edges(program)
    for edge in edges:
        yield Mistake(Mutant((edge,), WRITTEN_ZERO), program, *edge, _flow_through(program, *edge))
    uses: dict[int, list[Edge]] = {}
    for slot, k in edges:
        uses.setdefault(instruction_of(program, slot)[1][k], []).append((slot, k))
    for arg, found in uses.items():
        if len(found) > 1 and arg >= program.first_instruction:
            yield Mistake(Mutant(tuple(found), WRITTEN_ZERO), program, arg, None, _USES)
    for same, layer in same_function(program, edges):
        yield Mistake(Mutant(same, WRITTEN_ZERO), program, *same[0], _FLOW_OF_EVERY, True, layer)


def slips(program: Program) -> Iterator[Mistake]:
    """Another partial on one edge, or an adjoint that ends; the likely ones first."""
    edges = [edge for edge in flowing_edges(program) if instruction_of(program, edge[0])[0] not in LINEAR_ROWS]
    for slip in _SLIPS:
        if slip.written is None:
            varies, first = depends(program), program.first_instruction
            inner = [slot for slot in range(first, len(program)) if varies[slot] and slot not in program.outputs]
            yield from (Mistake(Mutant(slot=slot), program, slot, None, slip) for slot in inner)
            continue
        for edge in edges:
            for written in _written(slip, program, edge):
                yield Mistake(Mutant((edge,), written), program, *edge, slip)


def repeated_slips(program: Program) -> Iterator[Mistake]:
    """The same slip wherever a function stands."""
    for same, layer in same_function(program, flowing_edges(program)):
        for slip in _SLIPS:
            for written in _written(slip, program, same[0]) if slip.everywhere else ():
                yield Mistake(Mutant(same, written), program, *same[0], slip, True, layer)


def _written(slip: _Slip, program: Program, edge: Edge) -> Sequence[Partial]:
    row = instruction_of(program, edge[0])[0]
    return slip.written(row) if slip.written is not None and slip.fits(row) else ()


def other_functions(program: Program) -> Iterator[Mistake]:
    """The claim is the right derivative of another f: without a term, a factor, a function or a mask."""
    varies, reached = depends(program), reached_in(program)
    for slot, row, _ in program.numbered():
        for other in _others_of(row) if varies[slot] and slot in reached else ():
            yield Mistake(Mutant(slot=slot, value=other.value), program, slot, other.dropped, other)

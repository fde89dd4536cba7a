"""The mistakes people make with a program: which mutants are tried, and in which order.

A mistake on an edge replaces the local partial p of y = f(…u…) by u by what is written by mistake: 1 (the factor is
forgotten), p² (it stands there twice), y (the derivative of sin is sin), … Constant multiples of p, 0 and −1 among
them, need no mutants of their own: claim = truth + (m − 1)·(what flows through the edge).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from diffkit.calculus.guards import depends
from diffkit.core.program import Program
from diffkit.core.rules import by_rule, times_partial
from diffkit.core.table import Primitive, table
from diffkit.judging.checking.repair.mutants import Edge, Mutant, Partial, supports
from diffkit.numbers.duals import DualAlgebra

ADD, SUB, MUL, DIV, NEG, POWER = (table[name] for name in ("add", "sub", "mul", "div", "neg", "power"))
WHERE, MAX, MIN, ABS, RELU, SIGN = (table[name] for name in ("where", "max", "min", "abs", "relu", "sign"))
LINEAR = frozenset((ADD, SUB, NEG))
MASKS = frozenset((WHERE, MAX, MIN, ABS, RELU))


def one(algebra: Any, p: Any, args: Any, y: Any) -> Any:
    """The factor is forgotten: 1."""
    return algebra.constant(1)


def zero(algebra: Any, p: Any, args: Any, y: Any) -> Any:
    """Nothing flows through the edge: 0."""
    return algebra.constant(0)


def answer(algebra: Any, p: Any, args: Any, y: Any) -> Any:
    """The function instead of its derivative: y."""
    return y


def argument(algebra: Any, p: Any, args: Any, y: Any) -> Any:
    """The argument itself: u."""
    return args[0]


def _formula(rule: Any) -> Partial:
    """A mistake written as a rule of (F, p, u, y)."""
    return lambda algebra, p, args, y: by_rule(rule, algebra, [p, args[0], y])


twice = _formula(lambda F, p, u, y: p * p)
inverse = _formula(lambda F, p, u, y: 1 / p)
inverted_mask = _formula(lambda F, p, u, y: 1 - p)
WRITTEN: tuple[Partial, ...] = (
    answer,
    _formula(lambda F, p, u, y: -y),
    inverse,
    _formula(lambda F, p, u, y: 1 - y),
    _formula(lambda F, p, u, y: 1 + y),
    _formula(lambda F, p, u, y: u * p),
    _formula(lambda F, p, u, y: p / u),
    _formula(lambda F, p, u, y: y * p),
    _formula(lambda F, p, u, y: F.sqrt(p)),
    _formula(lambda F, p, u, y: F.abs(p)),
    _formula(lambda F, p, u, y: 1 / u),
    argument,
    _formula(lambda F, p, u, y: u * (1 - u)),  # σ′ = y·(1 − y) and tanh′ = 1 − y², with u in the place of y
    _formula(lambda F, p, u, y: 1 - u * u),
)


def at_answer(row: Primitive) -> Partial:
    """The derivative taken at the answer instead of the argument: f′(y)."""

    def partial(algebra: Any, p: Any, args: Any, y: Any) -> Any:
        return times_partial(row, algebra, (y,), algebra.apply(row, (y,)), 0, algebra.constant(1))

    return partial


def second(row: Primitive) -> Partial:
    """The second derivative instead of the first: f″(u)."""

    def partial(algebra: Any, p: Any, args: Any, y: Any) -> Any:
        inner = DualAlgebra(algebra)
        x = inner.variable(args[0], "x")
        slope = times_partial(row, inner, (x,), inner.apply(row, (x,)), 0, inner.constant(1))
        return slope.tangents.get("x", algebra.constant(0))

    return partial


def other(algebra: Any, p: Any, args: Any, y: Any) -> Any:
    """The second argument instead of its product with something: v."""
    return args[1]


BINARY: tuple[Partial, ...] = (
    argument,
    other,
    answer,
    _formula(lambda F, p, u, y: -y),
    inverse,
    _formula(lambda F, p, u, y: u * p),
    _formula(lambda F, p, u, y: p / u),
    lambda algebra, p, args, y: algebra.apply(MUL, (args[1], p)),
)


class Mistake(NamedTuple):
    """A mutant, what was done ("one", "twice", "written", …) and where."""

    mutant: Mutant
    how: str
    slot: int
    k: int | None = None
    layer: int | None = None
    """which of several functions on the way from the inputs, where the mistake is in all of one layer"""


def flowing_edges(program: Program) -> list[Edge]:
    """Edges along which a derivative flows, from the output inwards."""
    varies = depends(program)
    reached = reaching(program)
    return [
        (slot, k)
        for slot, row, args in reversed(list(program.numbered()))
        for k, arg in enumerate(args)
        if reached[slot] and not row.steps and varies[arg]
    ]


def reaching(program: Program) -> list[bool]:
    """Which slots the outputs need."""
    found = [False] * len(program)
    for output in program.outputs:
        found[output] = True
    for slot in range(len(program) - 1, program.first_instruction - 1, -1):
        instruction = program.instruction_at(slot)
        if found[slot] and instruction is not None:
            for arg in instruction[1]:
                found[arg] = True
    return found


def row_of(program: Program, slot: int) -> Primitive:
    """The row of the instruction in a slot."""
    instruction = program.instruction_at(slot)
    assert instruction is not None
    return instruction[0]


def cut_edges(program: Program) -> Iterator[Mistake]:
    """Nothing flows: through one edge, through all uses of a slot, through all instructions of one function."""
    edges = flowing_edges(program)
    for edge in edges:
        yield Mistake(Mutant((edge,), zero), "edge", *edge)
    uses: dict[int, list[Edge]] = {}
    for slot, k in edges:
        instruction = program.instruction_at(slot)
        assert instruction is not None
        uses.setdefault(instruction[1][k], []).append((slot, k))
    for arg, found in uses.items():
        if len(found) > 1 and arg >= program.first_instruction:
            yield Mistake(Mutant(tuple(found), zero), "slot", arg)
    for same, layer in same_function(program, edges):
        yield Mistake(Mutant(same, zero), "function", *same[0], layer)


def same_function(program: Program, edges: list[Edge]) -> Iterator[tuple[tuple[Edge, ...], int | None]]:
    """The edges of each function that occurs more than once, by argument; then those of each layer of it."""
    layers = layers_of(program)
    found: dict[tuple[Primitive, int], dict[int, list[Edge]]] = {}
    for slot, k in edges:
        row = row_of(program, slot)
        if row not in LINEAR:
            found.setdefault((row, k), {}).setdefault(layers[slot], []).append((slot, k))
    for parts in found.values():
        same = tuple(edge for part in parts.values() for edge in part)
        if len(same) > 1:
            yield same, None
    for (row, _), parts in found.items():
        if len(row.arguments) == 1 and len(parts) > 1:
            yield from ((tuple(part), layer) for layer, part in parts.items() if len(part) > 1)


def layers_of(program: Program) -> list[int]:
    """How many instructions of the same function, its own among them, lie at most between a slot and the inputs."""
    counts: list[dict[Primitive, int]] = [{} for _ in range(program.first_instruction)]
    found = [0] * program.first_instruction
    for _, row, args in program.numbered():
        merged: dict[Primitive, int] = {}
        for arg in args:
            for key, count in counts[arg].items():
                merged[key] = max(count, merged.get(key, 0))
        if len(row.arguments) == 1:
            merged[row] = merged.get(row, 0) + 1
        counts.append(merged)
        found.append(merged.get(row, 0))
    return found


def local_mistakes(program: Program) -> Iterator[Mistake]:
    """Another partial on one edge, the likely ones first."""
    edges = [edge for edge in flowing_edges(program) if row_of(program, edge[0]) not in LINEAR]
    for edge in edges:
        yield Mistake(Mutant((edge,), one), "one", *edge)
    for edge in edges:
        if row_of(program, edge[0]) in MASKS:
            yield Mistake(Mutant((edge,), inverted_mask), "written", *edge)
        else:
            yield Mistake(Mutant((edge,), twice), "twice", *edge)
    for slot, found in enumerate(supports(program)):
        if slot >= program.first_instruction and found and slot not in program.outputs:
            yield Mistake(Mutant(slot=slot), "ends", slot)
    for edge in edges:
        for how, partial in _written(row_of(program, edge[0])):
            yield Mistake(Mutant((edge,), partial), how, *edge)


def _written(row: Primitive) -> Iterator[tuple[str, Partial]]:
    """What is written instead of a partial, and what was done."""
    if row in MASKS:
        return
    unary = len(row.arguments) == 1
    yield from (("written", partial) for partial in (WRITTEN if unary else BINARY))
    if unary and not row.steps and row.partials[0] is not None:
        yield "at the answer", at_answer(row)
        yield "second derivative", second(row)


def repeated_mistakes(program: Program) -> Iterator[Mistake]:
    """The same mistake wherever a function stands."""
    for same, layer in same_function(program, flowing_edges(program)):
        yield Mistake(Mutant(same, one), "one everywhere", *same[0], layer)
        yield Mistake(Mutant(same, twice), "twice everywhere", *same[0], layer)
        for how, partial in _written(row_of(program, same[0][0])):
            yield Mistake(Mutant(same, partial), f"{how} everywhere", *same[0], layer)


def changed_values(program: Program) -> Iterator[Mistake]:
    """The claim is the right derivative of another f: without a term, a factor, a function or a mask."""
    varies, reached = depends(program), reaching(program)
    for slot, row, args in program.numbered():
        if not (varies[slot] and reached[slot]):
            continue
        choices = [k for k in range(len(args)) if k not in row.truths and k not in row.orders]
        for k in choices:
            yield Mistake(Mutant(slot=slot, value=_argument(k)), "argument", slot, k)
        if row is SUB:
            yield Mistake(Mutant(slot=slot, value=_second_negated), "negated", slot)
        if row in (ADD, SUB):
            sign = SUB if row is ADD else ADD
            yield Mistake(Mutant(slot=slot, value=_instead(sign)), "sign", slot)
        if row in (MUL, DIV):
            yield Mistake(Mutant(slot=slot, value=_instead(DIV if row is MUL else MUL)), "inverse", slot)
        if row is POWER:
            yield Mistake(Mutant(slot=slot, value=_power(1)), "power", slot)
            yield Mistake(Mutant(slot=slot, value=_power(-1)), "power", slot)


def _argument(k: int) -> Any:
    return lambda algebra, args: args[k]


def _second_negated(algebra: Any, args: Any) -> Any:
    return algebra.apply(NEG, (args[1],))


def _instead(row: Primitive) -> Any:
    return lambda algebra, args: algebra.apply(row, args)


def _power(step: int) -> Any:
    return lambda algebra, args: algebra.apply(POWER, (args[0], algebra.apply(ADD, (args[1], algebra.constant(step)))))

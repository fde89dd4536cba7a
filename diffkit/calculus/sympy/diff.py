"""``sympy.diff`` of a Program, step by step within limits, read back: an opaque symbol becomes the slot it stands for.

The product rule makes m products of m factors, the next one m² of them: what people write in a line can fill the
memory at the third derivative. So the size of a derivative is foretold from the tree it is taken of.

d(Σ cₖ·uₖ) = Σ cₖ·duₖ, and where terms use another sum S, or a quantity that many share, ∂u/∂S·dS (the chain rule).
Terms are of one form if they are the same but for their constants, variables and such quantities, which are symbols in
it. So data of a thousand rows cost SymPy no more than one row. What is nested too deeply for SymPy, which calls itself
for every level, is cut into such quantities too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, reduce
from heapq import heappop, heappush
from typing import Any, NamedTuple

import sympy
from sympy.core.exprtools import factor_terms
from sympy.simplify.simplify import signsimp

from diffkit.calculus.guards import depends
from diffkit.calculus.sympy.inward import Inward
from diffkit.calculus.sympy.outward import ASK, Outward, check_length, check_size, nesting
from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder
from diffkit.core.errors import BackendError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Index, Program, run
from diffkit.core.rules import by_rule, defined
from diffkit.core.table import ADD, DIV, EXP, GE, MUL, NEG, POWER, SUB, Primitive

_ONE_STEP = 4  # times the limit of nodes, which one step may make
_ALL_STEPS = 40  # times the limit, which all steps together may make
_TIDY = 400  # arguments of a derivative of higher order up to which SymPy collects its common factors, as it is read


class _Stepwise:
    """Derivatives of terms of one program, within the limits together."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.left = _ALL_STEPS * limits.symbolic_nodes

    def diff(self, term: Any, symbols: Sequence[Any]) -> Any:
        """Give the derivative; LimitError where it is larger than SymPy can take."""
        for symbol in symbols:
            size = _foretold(term, symbol)
            self.left -= size
            if size > _ONE_STEP * self.limits.symbolic_nodes or self.left < 0:
                raise self.limits.exceeded("symbolic_nodes", "the derivative is too large for SymPy", ASK)
            term = _derivative(term, symbol)
        if len(symbols) > 1 and _foretold(term, None) <= _TIDY:
            return factor_terms(signsimp(term))
        return term


_DERIVATIVES_KEPT = 4096  # terms of which derivatives are known: formulas share them


@lru_cache(maxsize=_DERIVATIVES_KEPT)
def _derivative(term: Any, symbol: Any) -> Any:
    """What SymPy finds, which is asked of a term without the number it is multiplied by, unless that is spread."""
    number, rest = term.as_coeff_Mul()
    if number == 1:
        return sympy.diff(term, symbol)
    found = _derivative(rest, symbol)
    return sympy.diff(term, symbol) if found.is_Add else number * found


@lru_cache(maxsize=_DERIVATIVES_KEPT)
def _foretold(expression: Any, symbol: Any) -> int:
    """About how many arguments the operations of the derivative by a symbol have; of the expression itself for None.

    A product of m factors, k of which vary, has a derivative of k·m; everything else about twice its own.
    """
    varies: dict[Any, bool] = {}
    size = 0
    stack = [expression]
    while stack:
        node = stack[-1]
        waiting = [] if node in varies else [part for part in node.args if part not in varies]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node in varies:
            continue
        moving = sum(varies[part] for part in node.args)
        varies[node] = moving > 0 or node == symbol
        if symbol is None:
            size += len(node.args)
        elif moving:
            size += moving * len(node.args) if node.is_Mul else 2 * len(node.args)
    return size


def symbolic_derivative(program: Program, indices: Sequence[Index], limits: Limits = DEFAULT) -> Program:
    """Give the program of partial derivatives as ``sympy.diff`` finds them, one output per index.

    Of wide sums, as data make them, SymPy sees each form of term once, and of deep nesting a part at a time.
    """
    wide, deep = _has_wide_sums(program), max(nesting(program), default=0) > limits.symbolic_depth
    if not (wide or deep):
        with suppress(RecursionError):
            return _differentiate(program, indices, limits)
    check_length(program, limits)
    most = limits.symbolic_depth if wide and not deep else min(limits.symbolic_depth, _LEVELS_AT_ONCE)
    try:
        return _differentiate_sums(program, indices, lambda form, wanted: _differentiate(form, wanted, limits), most)
    except RecursionError:
        raise limits.exceeded("symbolic_depth", "the derivative is nested too deeply for SymPy", ASK) from None


def _differentiate(program: Program, indices: Sequence[Index], limits: Limits) -> Program:
    program = _filled(program, max((len(index) for _, index in indices), default=0))
    check_size(program, limits)
    try:
        out = Outward(program)
        # term by term: SymPy takes long over wide sums, and the order in which they were written is kept
        stepwise = _Stepwise(limits)
        derivatives = [
            [stepwise.diff(term, [out.symbols[i] for i in index]) for term in out.terms(k)] for k, index in indices
        ]
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        reason = str(error).split("\n", 1)[0][:80] or type(error).__name__
        raise BackendError(f"SymPy cannot differentiate this: {reason}", hint="use another backend") from None
    builder = ProgramBuilder.of(program)
    known = {symbol: slot for slot, symbol in enumerate(out.symbols)}
    for symbol, slot in out.opaque.items():
        if slot >= 0:
            known[symbol] = slot
        else:
            instruction = program.instruction_at(-slot - 1)
            assert instruction is not None
            known[symbol] = builder.apply(GE, (instruction[1][0], builder.constant(0)))
    inward = Inward(builder, known, powers_of_e=_writes_powers_of_e(program))
    return builder.program([inward.total(terms) for terms in derivatives], program.inputs)


def _filled(program: Program, order: int) -> Program:
    """Rows with removable points by their definitions, and by their power series, up to an order, at the points."""
    if not any(row.removable or row.continues for row, _ in program.instructions):
        return program
    builder = ProgramBuilder(program.inputs)
    slots = [builder.input(name) for name in program.inputs] + [builder.constant(value) for value in program.constants]
    for row, args in program.instructions:
        if row.continues is not None:
            raise BackendError(f"SymPy cannot differentiate {row.name}", hint="use another backend")
        own = [slots[arg] for arg in args]
        slots.append(by_rule(defined(row, order), builder, own) if row.removable else builder.apply(row, own))
    return builder.program([slots[output] for output in program.outputs], program.inputs)


def _writes_powers_of_e(program: Program) -> bool:
    """Whether exponentials are written e^x in a program, and nowhere exp(x)."""
    written = {program.constant_at(args[0]) for row, args in program.instructions if row is POWER}
    return NAMED_CONSTANTS["e"] in written and all(row is not EXP for row, _ in program.instructions)


_WIDE_SUM = 32  # terms of a sum from which on it is worth the trouble
_LEVELS_AT_ONCE = 20  # of nesting that SymPy sees at a time, where there are too many
_MANY_TERMS = 8  # terms of a sum, or uses of a quantity, from which on a form has a symbol for it
_Differentiate = Callable[[Program, Sequence[Index]], Program]


def _has_wide_sums(program: Program) -> bool:
    """Whether a sum of the program has many terms."""
    return max(_widths(program, depends(program)), default=0) >= _WIDE_SUM


def _differentiate_sums(
    program: Program, indices: Sequence[Index], differentiate: _Differentiate, most: int
) -> Program:
    """Give the program of partial derivatives of any order; ``differentiate`` is asked for those of each form.

    Forms are nested ``most`` levels deep.
    """
    first = list(dict.fromkeys((k, index[:1]) for k, index in indices))
    found = _SymbolicSweep(program, differentiate, most).program(first)
    if all(len(index) < 2 for _, index in indices):
        place = {index: n for n, index in enumerate(first)}
        return _chosen(found, [place[index] for index in indices])
    rest = [(first.index((k, index[:1])), index[1:]) for k, index in indices]
    return _differentiate_sums(found, rest, differentiate, most)


def _chosen(program: Program, outputs: Sequence[int]) -> Program:
    return Program(program.inputs, program.constants, program.instructions, tuple(program.outputs[n] for n in outputs))


def _widths(program: Program, varies: Sequence[bool]) -> list[int]:
    """How many terms each slot is the sum of."""
    widths = [1] * len(program)
    for slot, _, _ in program.numbered():
        parts = _parts(program, varies, slot)
        widths[slot] = min(sum(widths[part] for part in parts), _WIDE_SUM) if parts else 1
    return widths


def _parts(program: Program, varies: Sequence[bool], slot: int) -> list[int]:
    """What a slot depends on linearly, if it does: the arguments of a sum, or the one that has a constant factor."""
    instruction = program.instruction_at(slot)
    if instruction is None or not varies[slot]:
        return []
    row, args = instruction
    moving = [arg for arg in args if varies[arg]]
    if row in (ADD, SUB, NEG) or (row is MUL and len(moving) == 1) or (row is DIV and not varies[args[1]]):
        return moving
    return []


class _Form(NamedTuple):
    """A term without its constants: a program whose inputs stand for them, for variables and for what stands apart."""

    program: Program
    places: tuple[int, ...]
    """slots of the whole program that the inputs stand for"""
    moving: tuple[int, ...]
    """inputs that are variables or quantities apart"""


class _SymbolicSweep:
    """Reverse accumulation through the quantities apart, the terms between them being SymPy's."""

    def __init__(self, program: Program, differentiate: _Differentiate, most: int):
        self.source, self.differentiate = program, differentiate
        self.varies = depends(program)
        uses = Counter(arg for _, args in program.instructions for arg in args)
        widths = _widths(program, self.varies)
        self.apart = [max(width, uses[slot]) >= _MANY_TERMS for slot, width in enumerate(widths)]
        nesting(program, most, self.apart)
        self.builder = ProgramBuilder.of(program)
        self.known: dict[Program, Program] = {}
        self.slopes: dict[int, list[tuple[int, int]]] = {}

    def program(self, indices: Sequence[Index]) -> Program:
        """The outputs themselves, or their first partial derivatives."""
        zero = self.builder.constant(0)
        wanted = dict.fromkeys(k for k, index in indices if index)
        gradients = {k: self._gradient(self.source.outputs[k]) for k in wanted}
        outputs = [gradients[k].get(index[0], zero) if index else self.source.outputs[k] for k, index in indices]
        return self.builder.program(outputs, self.source.inputs)

    def _gradient(self, output: int) -> dict[int, int]:
        """Partial derivatives of a slot by the inputs it depends on."""
        root: int | None = output
        bar = self.builder.constant(1)
        found: dict[int, dict[int, list[int]]] = {}  # by place: slopes of the terms of each factor
        while root is not None:
            for term, factor in self._terms(root, bar).items():
                for place, slope in self._slopes(term):
                    found.setdefault(place, {}).setdefault(factor, []).append(slope)
            # the last quantity apart is complete, as only later slots use it
            root = max((place for place in found if place >= self.source.first_instruction), default=None)
            bar = bar if root is None else self._total(found.pop(root))
        return {place: self._total(groups) for place, groups in found.items()}

    def _total(self, groups: dict[int, list[int]]) -> int:
        """Σ factor·Σ slopes."""
        parts = [self.builder.apply(MUL, (factor, self._sum(slopes))) for factor, slopes in groups.items()]
        return self._sum(parts)

    def _sum(self, slots: Sequence[int]) -> int:
        return reduce(lambda total, slot: self.builder.apply(ADD, (total, slot)), slots)

    def _terms(self, root: int, bar: int) -> dict[int, int]:
        """Terms of a sum with their factors."""
        apply, waiting, terms = self.builder.apply, {root: bar}, {}
        heap = [-root]
        while heap:
            slot = -heappop(heap)
            factor = waiting.pop(slot)
            parts = _parts(self.source, self.varies, slot)
            if not parts:
                if self.varies[slot]:
                    terms[slot] = factor
                continue
            row, args = self.source.instruction_at(slot) or (ADD, ())
            for k, arg in enumerate(args):
                if not self.varies[arg]:
                    continue
                share = factor
                if row is NEG or (row is SUB and k == 1):
                    share = apply(NEG, (factor,))
                elif row in (MUL, DIV):
                    share = apply(row, (factor, args[1 - k]))
                if arg in waiting:
                    waiting[arg] = apply(ADD, (waiting[arg], share))
                else:
                    waiting[arg] = share
                    heappush(heap, -arg)
        return terms

    def _slopes(self, term: int) -> list[tuple[int, int]]:
        """Partial derivatives of a term by variables and quantities apart: what each is by, and its slot."""
        if term < len(self.source.inputs):
            return [(term, self.builder.constant(1))]
        if term not in self.slopes:
            form = self._form(term)
            if form.program not in self.known:
                self.known[form.program] = self.differentiate(form.program, [(0, (n,)) for n in form.moving])
            slopes = run(self.known[form.program], self.builder, form.places)
            self.slopes[term] = [(form.places[n], slope) for n, slope in zip(form.moving, slopes, strict=True)]
        return self.slopes[term]

    def _form(self, term: int) -> _Form:
        """The form of a term, its inputs numbered in the order in which a reader meets them."""
        source, own = self.source, ProgramBuilder()
        places: list[int] = []
        made: dict[int, int] = {}

        def stand_in(slot: int) -> int:
            if slot not in made:
                places.append(slot)
                made[slot] = own.input(f"u{len(places)}")
            return made[slot]

        def inside(slot: int) -> bool:
            instruction = source.instruction_at(slot)
            if instruction is None or instruction[0].truth:
                return instruction is not None
            return self.varies[slot] and (slot == term or not self.apart[slot])

        def argument(row: Primitive, k: int, slot: int) -> int:
            value = source.constant_at(slot)
            if value is not None and (value == 0 or k in row.orders or (row is POWER and k == 1)):
                return own.constant(value)
            return made[slot] if inside(slot) else stand_in(slot)

        stack = [term]
        while stack:
            slot = stack[-1]
            row, args = source.instruction_at(slot) or (ADD, ())
            waiting = [arg for arg in args if arg not in made and inside(arg)]
            if slot not in made and waiting:
                stack.extend(reversed(waiting))
                continue
            if slot not in made:
                made[slot] = own.apply(row, [argument(row, k, arg) for k, arg in enumerate(args)])
            stack.pop()
        moving = tuple(n for n, slot in enumerate(places) if self.varies[slot])
        return _Form(own.program([made[term]], [f"u{n + 1}" for n in range(len(places))]), tuple(places), moving)

"""Proofs of the gradient of an arithmetic Program of arrays in pairs of binary64, before anything is done in Arb.

The derivative by the table's rules is confirmed by directional derivatives along random weights, found by rules of
their own: (u·v)̇ = u̇·v + u·v̇ alone, of which those of quotients and roots follow. They must agree so closely that half
a unit in the last place of any entry would show. What is not settled here, to the last entry, is left to Arb.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffkit.calculus.array_derivatives import adjoints, tangents
from diffkit.calculus.array_masks import needed
from diffkit.core.array_operations import ArrayOperation, Scaled
from diffkit.core.deadline import in_time
from diffkit.core.program import run_slots
from diffkit.core.rules import by_rule
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SQRT, SUB
from diffkit.numbers.pair_balls import PairArrays, PairBalls, joined, summed, whole_number
from diffkit.proof.array_prover import DIRECTIONS, WEIGHT, ArrayProver, ProvenEntries

PROOF_IN_PAIRS = "the derivative in balls of pairs of binary64, confirmed by derivatives along random directions"


def proven_in_pairs(prover: ArrayProver, point: Any, columns: Sequence[int]) -> ProvenEntries | None:
    """Prove partials of the one output by some inputs at a point; None unless all are proven."""
    with np.errstate(all="ignore"):
        return _PairProof(prover, point, np.array(columns, dtype=int)).found()


class _PairProof:
    """The values at a point, and the partials by some columns of the flat inputs."""

    def __init__(self, prover: ArrayProver, point: Any, columns: Any):
        self.prover, self.program, self.columns, self.algebra = prover, prover.program, columns, PairArrays()
        self.inputs = [self.algebra.data(x) for x in prover.split(point)]
        self.values = run_slots(self.program, self.algebra, self.inputs)
        (self.output,) = self.program.outputs

    def found(self) -> ProvenEntries | None:
        """All partials, if they are proven."""
        if not (self.values[self.output].finite.all() and self._is_ordinary()):
            return None
        entries = self._entries()
        values, errors = entries.rounded()
        if not (np.isfinite(values).all() and self._confirmed(entries)):
            return None
        return ProvenEntries(values, errors, np.ones(len(values), dtype=bool))

    def _is_ordinary(self) -> bool:
        """Whether all entries lie inside the domain, off every kink and pole."""
        for _, row, args in self.program.numbered():
            if row is POWER and whole_number(self.values[args[1]]) is not None:
                continue  # a polynomial
            for place in row.special:
                margin = by_rule(place.margin, self.algebra, [self.values[a] for a in args])
                if not ((margin.least > 0) & ((place.kind != "edge") | (margin.high > 0))).all():
                    return False
        return True

    def _entries(self) -> PairBalls:
        """The partials by the columns, by the table's rules."""
        program, algebra = self.program, self.algebra
        if len(self.columns) == 1:
            speeds = self._speeds(np.ones(1))
            moved = tangents(program, algebra, self.values, speeds).get(self.output)
            return (algebra.zeros(()) if moved is None else moved).mapped(lambda part: part.reshape(1))
        seed = PairBalls(np.ones(program.shapes[self.output]))
        bars = adjoints(program, algebra, self.values, {self.output: seed})
        whole = joined([bars.get(k, PairBalls(np.zeros(shape))) for k, shape in enumerate(program.lengths)])
        return whole.mapped(lambda part: part[self.columns])

    def _speeds(self, weights: Any) -> dict[int, Any]:
        """What the inputs move by where the columns move by some weights."""
        flat = np.zeros(self.prover.inputs)
        flat[self.columns] = weights
        return {k: PairBalls(part) for k, part in enumerate(self.prover.split(flat)) if part.any()}

    # Confirmation ---------------------------------------------------------------------------------------------------

    def _confirmed(self, entries: PairBalls) -> bool:
        """Whether directions confirm every entry that the graph does not show to be zero."""
        ways = needed(self.program, {self.output: np.ones(self.program.shapes[self.output], dtype=bool)}, self.values)
        left = self.prover.flat(ways, self.program.lengths)[self.columns]
        zero = entries.exactly_zero
        for of_zeros in (False, True):  # which are seen where nothing else moves
            open_ = left & (zero == of_zeros)
            for turn in range(DIRECTIONS if open_.any() else 0):
                random = np.random.default_rng(turn).integers(WEIGHT, 2 * WEIGHT, size=len(left)).astype(float)
                weights = np.where(open_, random, 0.0) if of_zeros else random
                seen = self._seen(entries, weights, zero)
                if not (open_ & seen).any():
                    return False
                open_ &= ~seen
                if not open_.any():
                    break
            if open_.any():
                return False
        return True

    def _seen(self, entries: PairBalls, weights: Any, zero: Any) -> Any:
        """Which entries of the sum of weighted ones would show an error of half a unit in the last place."""
        along = self._rate(self._speeds(weights)).mapped(np.ravel).mapped(lambda part: part[0])
        total = summed(self.algebra.apply(MUL, (entries, PairBalls(weights))), (0,))
        if along.exactly_zero and total.exactly_zero:
            return zero & (weights != 0)
        apart = self.algebra.apply(SUB, (along, total))
        if not apart.finite or abs(apart.high) > 2 * _radius(apart):  # they may not overlap
            return np.zeros(len(zero), dtype=bool)
        return ~zero & (np.spacing(np.abs(entries.high)) / 2 * weights > 4 * _radius(apart))

    def _rate(self, speeds: dict[int, Any]) -> PairBalls:
        """The derivative of the output along a direction."""
        rates: list[Any] = [speeds.get(slot) for slot in range(self.program.first_instruction)]
        for slot, row, args in in_time(self.program.numbered()):
            given = [rates[a] for a in args]
            moves = any(rate is not None for rate in given)
            rates.append(self._moved(row, slot, args, given) if moves else None)
        found = rates[self.output]
        return self.algebra.zeros(self.program.shapes[self.output]) if found is None else found

    def _moved(self, row: Any, slot: int, args: Sequence[int], rates: Sequence[Any]) -> PairBalls:
        """How fast a value moves, whose arguments move."""
        of, values, value = self.algebra.apply, [self.values[a] for a in args], self.values[slot]
        if isinstance(row, ArrayOperation) and not isinstance(row, Scaled):
            return of(row, [self._whole(rate, a) for rate, a in zip(rates, args, strict=True)])
        wide = [self._whole(rate, a) for rate, a in zip(rates, args, strict=True)]
        if row in _LINEAR:
            return of(row, wide)
        if row is POWER:
            return self._of_power(values[0], wide[0], whole_number(values[1]) or 0)
        if row is SQRT:  # u = y² moves by 2·y·ẏ
            return of(DIV, (wide[0], value.mapped(_doubled)))
        if row is DIV:  # u = y·v moves by ẏ·v + y·v̇
            return of(DIV, (of(SUB, (wide[0], of(MUL, (value, wide[1])))), values[1]))
        terms = [of(row, pair) for pair, rate in (((wide[0], values[1]), rates[0]), ((values[0], wide[1]), rates[1]))
                 if rate is not None]  # fmt: skip
        return of(ADD, terms) if len(terms) > 1 else self._spread(terms[0], slot)

    def _of_power(self, x: PairBalls, speed: PairBalls, n: int) -> PairBalls:
        """The power by squaring: of each product of two, u̇·v + u·v̇."""
        if n == 0:
            return self.algebra.zeros(x.shape)
        of, raised, rate = self.algebra.apply, 1, speed
        for digit in bin(n)[3:]:
            power = of(POWER, (x, self.algebra.constant(raised)))
            rate, raised = of(MUL, (power, rate)).mapped(_doubled), 2 * raised
            if digit == "1":
                square = of(POWER, (x, self.algebra.constant(raised)))
                rate, raised = of(ADD, (of(MUL, (rate, x)), of(MUL, (square, speed)))), raised + 1
        return rate

    def _whole(self, rate: Any, slot: int) -> PairBalls:
        return self.algebra.zeros(self.program.shapes[slot]) if rate is None else rate

    def _spread(self, rate: PairBalls, slot: int) -> PairBalls:
        return rate.mapped(lambda part: np.broadcast_to(part, self.program.shapes[slot]))


_LINEAR = (ADD, SUB, NEG)


def _doubled(part: Any) -> Any:
    return 2.0 * part


def _radius(ball: PairBalls) -> Any:
    return np.inf if ball.radius is None and not ball.finite else 0.0 if ball.radius is None else ball.radius

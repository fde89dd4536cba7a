"""Dual numbers over any base algebra: a primal and sparse tangents, the forward mode of differentiation.

A tangent that is absent is a strong zero: nothing is multiplied by it, so 0·∞ cannot arise. An algebra wraps
exactly one base, so a nested derivative is a dual whose base is dual, and perturbations cannot be confused.
Formula: y = f(x₁ … xₙ) has ẏ = Σ ∂f/∂xᵢ·ẋᵢ (Griewank & Walther, Evaluating Derivatives, 2nd ed., eq. 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diffkit.primitives import Primitive, table
from diffkit.program import Algebra, Constant, run
from diffkit.rules import partial, trace_pushforward

ADD, MUL, NEG = table["add"], table["mul"], table["neg"]
NOTHING: Mapping[Any, Any] = {}


@dataclass(frozen=True, slots=True)
class Dual:
    """A primal and its tangents by direction."""

    primal: Any
    tangents: Mapping[Any, Any] = field(default_factory=dict)


class DualAlgebra:
    """First-order forward mode over ``base``."""

    def __init__(self, base: Algebra):
        self.base = base

    def constant(self, value: Constant) -> Dual:
        """Give a dual without tangents."""
        return Dual(self.base.constant(value), NOTHING)

    def variable(self, value: Any, direction: Any) -> Dual:
        """Give a dual whose tangent in one direction is 1."""
        return Dual(value, {direction: self.base.constant(1)})

    def apply(self, primitive: Primitive, args: Sequence[Dual]) -> Dual:
        """Push the primals and the tangents forward."""
        primals = [a.primal for a in args]
        answer = self.base.apply(primitive, primals)
        if primitive.steps or not any(a.tangents for a in args):
            return Dual(answer, NOTHING)
        if primitive.pushforward is not None:
            return Dual(answer, self._pushed(primitive, args, primals, answer))
        return Dual(answer, self._summed(primitive, args, primals, answer))

    def _pushed(self, primitive: Primitive, args: Sequence[Dual], primals: Any, answer: Any) -> dict[Any, Any]:
        tangents = {}
        for direction in {d: None for a in args for d in a.tangents}:
            present = tuple(direction in a.tangents for a in args)
            given = [a.tangents[direction] for a in args if direction in a.tangents]
            rule = trace_pushforward(primitive, present)
            tangents[direction] = run(rule, self.base, [*primals, answer, *given])[0]
        return tangents

    def _summed(self, primitive: Primitive, args: Sequence[Dual], primals: Any, answer: Any) -> Mapping[Any, Any]:
        total: dict[Any, Any] = {}
        apply = self.base.apply
        for index, arg in enumerate(args):
            if not arg.tangents or primitive.partials[index] is None:
                continue
            rule = partial(primitive, index)
            if rule.constant == 1:
                terms = dict(arg.tangents)
            elif rule.constant == -1:
                terms = {d: apply(NEG, (t,)) for d, t in arg.tangents.items()}
            else:
                factor = rule.at(self.base, primals, answer)
                terms = {d: apply(MUL, (factor, t)) for d, t in arg.tangents.items()}
            if len(terms) > len(total):  # merge the smaller into the larger: wide sums stay cheap
                for direction, term in total.items():
                    terms[direction] = apply(ADD, (term, terms[direction])) if direction in terms else term
                total = terms
            else:
                for direction, term in terms.items():
                    total[direction] = apply(ADD, (total[direction], term)) if direction in total else term
        return total

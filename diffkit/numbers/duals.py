"""Dual numbers over any base algebra: a primal and sparse tangents, the forward mode of differentiation.

A tangent that is absent is a strong zero: nothing is multiplied by it, so 0·∞ cannot arise. An algebra wraps
exactly one base, so a nested derivative is a dual whose base is dual, and perturbations cannot be confused.
Formula: y = f(x₁ … xₙ) has ẏ = Σ ∂f/∂xᵢ·ẋᵢ (Griewank & Walther, Evaluating Derivatives, 2nd ed., eq. 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffkit.core.deadline import current_deadline
from diffkit.core.program import Algebra, Constant, run
from diffkit.core.rules import partial, trace_pushforward
from diffkit.core.table import ADD, NEG, SUB, Primitive

Tangents = dict[Any, Any]


class Dual:
    """A primal and its tangents by direction."""

    __slots__ = ("_tangents", "primal")

    def __init__(self, primal: Any, tangents: Tangents | Sum | None = None):
        self.primal = primal
        self._tangents = tangents

    def __repr__(self) -> str:
        return f"Dual({self.primal!r}, {self.tangents!r})"

    @property
    def moves(self) -> bool:
        """Whether there is any tangent."""
        return bool(self._tangents)

    @property
    def tangents(self) -> Mapping[Any, Any]:
        """Tangents by direction; an absent one is zero."""
        if isinstance(self._tangents, Sum):
            self._tangents = self._tangents.total()
        return self._tangents or {}


class Sum:
    """Tangents of x ± y, added only when somebody looks: a sum of n terms then costs n, not n² for its prefixes."""

    __slots__ = ("algebra", "left", "right", "sign")

    def __init__(self, algebra: DualAlgebra, left: Any, right: Any, sign: Primitive):
        self.algebra, self.left, self.right, self.sign = algebra, left, right, sign

    def total(self) -> Tangents:
        """Add the terms from left to right."""
        apply = self.algebra.base.apply
        total: Tangents = {}
        stack: list[tuple[Any, bool]] = [(self, False)]
        deadline = current_deadline()
        while stack:
            part, negative = stack.pop()
            if deadline is not None:
                deadline.check()
            if isinstance(part, Sum):
                stack.append((part.right, negative ^ (part.sign is SUB)))
                stack.append((part.left, negative))
                continue
            for direction, tangent in (part or {}).items():
                if direction in total:
                    total[direction] = apply(SUB if negative else ADD, (total[direction], tangent))
                else:
                    total[direction] = apply(NEG, (tangent,)) if negative else tangent
        return total


class DualAlgebra:
    """First-order forward mode over ``base``."""

    def __init__(self, base: Algebra):
        self.base = base

    def constant(self, value: Constant) -> Dual:
        """Give a dual without tangents."""
        return Dual(self.base.constant(value))

    def variable(self, value: Any, direction: Any) -> Dual:
        """Give a dual whose tangent in one direction is 1."""
        return Dual(value, {direction: self.base.constant(1)})

    def apply(self, primitive: Primitive, args: Sequence[Dual]) -> Dual:
        """Push the primals and the tangents forward."""
        return self.push(primitive, args, self.base.apply(primitive, [a.primal for a in args]))

    def push(self, primitive: Primitive, args: Sequence[Dual], answer: Any) -> Dual:
        """Push the tangents forward to a primal that is known already."""
        if primitive is ADD or primitive is SUB:
            left, right = args[0]._tangents, args[1]._tangents
            return Dual(answer, Sum(self, left, right, primitive) if left or right else None)
        if primitive.steps or not any(a.moves for a in args):
            return Dual(answer)
        primals = [a.primal for a in args]
        if primitive.pushforward is not None:
            return Dual(answer, self._pushed(primitive, args, primals, answer))
        return Dual(answer, self._summed(primitive, args, primals, answer))

    def _pushed(self, primitive: Primitive, args: Sequence[Dual], primals: Any, answer: Any) -> Tangents:
        tangents = {}
        for direction in {d: None for a in args for d in a.tangents}:
            present = tuple(direction in a.tangents for a in args)
            given = [a.tangents[direction] for a in args if direction in a.tangents]
            rule = trace_pushforward(primitive, present)
            tangents[direction] = run(rule, self.base, [*primals, answer, *given])[0]
        return tangents

    def _summed(self, primitive: Primitive, args: Sequence[Dual], primals: Any, answer: Any) -> Tangents:
        total: Tangents = {}
        apply = self.base.apply
        for index, arg in enumerate(args):
            if not arg.moves or primitive.partials[index] is None:
                continue
            slope = partial(primitive, index)
            factor = slope.factor(self.base, primals, answer)
            for direction, tangent in arg.tangents.items():
                term = slope.times(self.base, factor, tangent)
                total[direction] = apply(ADD, (total[direction], term)) if direction in total else term
        return total

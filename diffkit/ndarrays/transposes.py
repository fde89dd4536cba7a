"""Transposes of the kernel's operations: from the cotangent of a result to that of an operand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from diffkit.core.rules import trace_pushforward
from diffkit.core.table import Primitive, table
from diffkit.ndarrays.cotangents import Bar, broadcast, fitted, scattered, without
from diffkit.ndarrays.kernel import DUALS, contract, duals, plain

WHERE = table["where"]


@dataclass(frozen=True, eq=False)
class Transposed:
    """Times ∂y/∂xₖ of a row; ``dropped`` where xₖ is not used, 0 where ``flat``, NaN where ``poison``."""

    primitive: Primitive
    primals: Sequence[Any]
    answer: Any
    k: int
    shape: tuple[int, ...]
    dropped: Any
    flat: Any
    poison: Any

    def __call__(self, bar: Bar) -> Bar:
        """Give the cotangent of the argument."""
        term = duals(self.primals).term(self.primitive, self.primals, self.answer, self.k, bar.value)
        if term is None:
            term = np.zeros(np.shape(bar.value))
        if self.flat is not None:
            term = np.where(self.flat, 0.0, term)
        if self.poison is not None:
            term = np.where(self.poison, np.nan, term)
        absent = without(bar.absent, self.dropped)
        return fitted(Bar(term if absent is None else np.where(absent, 0.0, term), absent), self.shape)


@dataclass(frozen=True, eq=False)
class Scattered:
    """Adds the cotangents of gathered elements to those of a part that begins at ``start`` in the pool."""

    indices: Any
    start: int
    shape: tuple[int, ...]

    def __call__(self, bar: Bar) -> Bar:
        """Give the cotangent of the argument."""
        return scattered(bar, self.indices - self.start, self.shape)


@dataclass(frozen=True, eq=False)
class Contracted:
    """Contracts with the other operand."""

    other: Any
    out: str
    others: str
    letters: str
    shape: tuple[int, ...]

    def __call__(self, bar: Bar) -> Bar:
        """Give the cotangent of the argument."""
        kept = "".join(c for c in self.letters if c in self.out + self.others)
        subscripts = (self.out, self.others, kept)
        other, absent = self.other, bar.absent
        if absent is None:
            found = Bar(contract(bar.value, other, *subscripts))
        else:
            values, present = plain(other), 1.0 - absent
            wild = np.zeros(np.shape(other), bool) if values is None else ~np.isfinite(values)
            any_wild = bool(np.any(wild))
            value = contract(bar.value, np.where(wild, 0.0, other) if any_wild else other, *subscripts)
            if any_wild:
                value = np.where(contract(present, wild * 1.0, *subscripts) > 0, np.nan, value)
            found = Bar(value, contract(present, np.ones(np.shape(other)), *subscripts) == 0)
        lengths = iter(np.shape(found.value))
        spread = tuple(next(lengths) if c in kept else 1 for c in self.letters)
        whole = tuple(n if c in kept else m for c, n, m in zip(self.letters, spread, self.shape, strict=True))
        return fitted(broadcast(found, spread, whole), self.shape)


@cache
def _chooses(primitive: Primitive) -> bool:
    """Whether a row hands on one of its arguments."""
    if primitive.pushforward is None:
        return False
    rule = trace_pushforward(primitive, (False,) * (len(primitive.arguments) - 1) + (True,))
    return any(row is WHERE for row, _ in rule.instructions)


def not_chosen(primitive: Primitive, primals: Sequence[Any], answer: Any, k: int) -> Any:
    """Where a row that chooses does not hand on its argument k, so that even a tangent of NaN is dropped."""
    if not _chooses(primitive):
        return None
    values = [plain(p) for p in primals]
    if any(v is None for v in values):
        return None
    term = DUALS.term(primitive, values, plain(answer), k, np.full(np.shape(answer), np.nan))
    return np.broadcast_to(~np.isnan(term), np.shape(answer))

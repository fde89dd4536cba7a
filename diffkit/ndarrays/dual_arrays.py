"""Dual arrays: a NumPy function is run once, and the tangents of all directions move along with the values.

Formula: ẏ = Σ ∂y/∂xᵢ·ẋᵢ by ``DualAlgebra`` over arrays. A direction is a position on the leading axis of the tangents,
so one row of the table serves all directions at once. A tangent is absent, or present with its ``still`` elements,
which do not depend on the input at all: those are strong zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.core.rules import by_rule
from diffkit.core.table import Primitive
from diffkit.ndarrays.kernel import ROWS, Proxy, answer, apply_formula, contract, duals, gather, own, plain, real, total
from diffkit.ndarrays.nonsmooth import (
    Followed,
    Hit,
    Watch,
    jointly,
    places_met,
    poisoned,
    still_products,
    ties_met,
    unvarying,
)
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.duals import Dual

ONLY = 0
"""the one direction key; its tangent holds all directions"""


class Pushed(NamedTuple):
    """What a pushforward gives: value, tangents of shape (directions, value.shape …), hits in order."""

    value: Any
    tangents: Any
    hits: tuple[Hit, ...]


class _Pushforward(Watch):
    """The level of one pushforward: its number of directions and its hits."""

    def __init__(self, directions: int):
        super().__init__()
        self.directions = directions


class DualContent(NamedTuple):
    """A dual array's primal, its tangent or None, and where the tangent is a strong zero (None: nowhere)."""

    primal: Any
    tangent: Any = None
    still: Any = None


class DualArray(Followed):
    """An array of dual numbers; primal and tangent may be proxies of an outer level."""

    __slots__ = ()
    level: _Pushforward
    content: DualContent

    def _make(self, primal: Any, tangent: Any = None, still: Any = None) -> DualArray:
        known = still is not None and bool(still.any())
        return DualArray(self.level, DualContent(primal, tangent, still if known else None), np.shape(primal))

    def _part(self, x: Any) -> DualContent:
        return x.content if isinstance(x, Proxy) and x.level is self.level else DualContent(x)

    # Rows of the table ------------------------------------------------------------------------------------------

    def row(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Push primals and tangents forward; NaN where they move at a place that is not smooth."""
        parts = [self._part(a) for a in args]
        primals = [part.primal for part in parts]
        if primitive.truth:
            self._watch_ties(primitive, parts)
            return ROWS.apply(primitive, primals)
        answer = ROWS.apply(primitive, primals)
        shape = np.shape(answer)
        padded = [_padded(part.tangent, len(shape)) for part in parts]
        moving = [Dual(p, None if t is None else {ONLY: t}) for p, t in zip(primals, padded, strict=True)]
        tangent = duals(primals).push(primitive, moving, answer).tangents.get(ONLY)
        full = (self.level.directions, *shape)
        if tangent is not None and np.shape(tangent) != full:
            tangent = np.broadcast_to(tangent, full)
        stills = [_padded(part.still, len(shape)) for part in parts if part.tangent is not None]
        still = unvarying(primitive, args, stills, full)
        tangent = self._poisoned(primitive, primals, padded, tangent, still)
        if still is not None and tangent is not None:
            tangent = np.where(still, 0.0, tangent)
        return self._make(answer, tangent, still if tangent is not None else None)

    def _poisoned(self, primitive: Primitive, primals: Any, tangents: Any, tangent: Any, still: Any) -> Any:
        """Put NaN where the function has no derivative in the direction, and keep a record."""
        for place, there in places_met(primitive, primals, [t is not None for t in tangents]):
            full = (self.level.directions, *np.broadcast_shapes(*map(np.shape, primals)))
            bad = np.broadcast_to(there, full) if still is None else there & ~still
            if place.slope is not None and not any(t is not None and plain(t) is None for t in tangents):
                directions = [0.0 if t is None else plain(t) for t in tangents]
                ahead = by_rule(place.slope, ARRAYS, directions)
                behind = by_rule(place.slope, ARRAYS, [-t for t in directions])
                smooth = (ahead == -behind) & np.isfinite(ahead)  # then the derivative in direction t is slope(t)
                if np.any(bad & smooth):  # proxies of an outer level meet in the slope, where they may have a kink too
                    nested = any(isinstance(t, Proxy) for t in tangents)
                    zeros = [0.0 if t is None else t for t in tangents]
                    tangent = np.where(bad & smooth, apply_formula(place.slope, zeros) if nested else ahead, tangent)
                bad = bad & ~smooth
            if np.any(bad):
                self.level.hit(primitive, place)
                tangent = poisoned(np.zeros(full) if tangent is None else tangent, bad, primals)
        return tangent

    def _watch_ties(self, primitive: Primitive, parts: Sequence[DualContent]) -> None:
        """Record a comparison that exact equality of moving values decides."""
        moving = [part for part in parts if part.tangent is not None]
        if moving and (equal := ties_met(primitive, [part.primal for part in parts])) is not None:
            stills = [_padded(part.still, equal.ndim) for part in moving]
            still = jointly(stills, (self.level.directions, *equal.shape))
            self.level.tie(primitive, parts, equal, still)

    # Moving, adding, multiplying and adding ---------------------------------------------------------------------

    def gather(self, parts: Sequence[Any], indices: Any) -> DualArray:
        """Give elements of the pool, with their tangents."""
        contents = [self._part(p) for p in parts]
        primal = gather([c.primal for c in contents], indices)
        if all(c.tangent is None for c in contents):
            return self._make(primal)
        directions, sizes = self.level.directions, [int(np.size(p)) for p in parts]
        if len(parts) == 1 and (indices.size == 0 or indices.min() > 0):
            tangent, still = contents[0].tangent, contents[0].still
            steps = np.arange(directions).reshape(-1, *[1] * indices.ndim) * sizes[0]
            found = np.reshape(still, -1)[steps + (indices - 1)] if still is not None else None
            if isinstance(tangent, Proxy):
                return self._make(primal, gather([tangent], steps + indices), found)
            return self._make(primal, np.reshape(tangent, -1)[steps + (indices - 1)], found)
        zeros = [np.zeros((directions, n)) for n in (1, *sizes)]
        pool = [zeros[0]]
        known = [np.ones((directions, 1), bool)]
        for content, zero in zip(contents, zeros[1:], strict=True):
            absent, still = content.tangent is None, content.still
            pool.append(zero if absent else np.reshape(content.tangent, zero.shape))
            known.append(np.full(zero.shape, absent) if still is None else np.reshape(still, zero.shape))
        found = np.take(np.concatenate(known, axis=1), indices, axis=1)
        return self._make(
            primal, np.take(np.concatenate(pool, axis=1), indices, axis=1), found if found.any() else None
        )

    def total(self, x: Proxy, axes: tuple[int, ...]) -> DualArray:
        """Sum primals and tangents."""
        primal, tangent, still = self._part(x)
        after = tuple(axis + 1 for axis in axes)
        return self._make(
            total(primal, axes),
            None if tangent is None else total(tangent, after),
            None if still is None else np.all(still, axis=after),
        )

    def contract(self, a: Any, b: Any, left: str, right: str, out: str) -> DualArray:
        """(a·b)′ = ȧ·b + a·ḃ, with one more letter for the direction."""
        (x, dx, still_x), (y, dy, still_y) = self._part(a), self._part(b)
        z = next(letter for letter in "ZYXWVUTSRQ" if letter not in left + right)
        terms, stills = [], []
        if dx is not None:
            terms.append(contract(dx, y, z + left, right, z + out))
            stills.append((still_x, y, z + left, right, z + out))
        if dy is not None:
            terms.append(contract(x, dy, left, z + right, z + out))
            stills.append((still_y, x, z + right, left, z + out))
        tangent = None if not terms else terms[0] if len(terms) == 1 else terms[0] + terms[1]
        return self._make(contract(x, y, left, right, out), tangent, still_products(stills))


def _padded(tangent: Any, ndim: int) -> Any:
    """Put axes of length 1 after the direction axis, so that primals and what they have along it broadcast alike."""
    if tangent is None or np.ndim(tangent) == ndim + 1:
        return tangent
    directions, *shape = np.shape(tangent)
    return np.reshape(tangent, (directions, *[1] * (ndim - len(shape)), *shape))


def pushforward(call: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Pushed:
    """Give f(x) and ḟ = f′(x)·ẋ for several directions at once (Griewank & Walther, 2nd ed., eq. 3.2).

    ``primals``: the positional arguments, floats or arrays (proxies of an outer pushforward when nested).
    ``tangents``: for each argument None (constant) or an array of shape (directions, *shape).
    A list, tuple or nested list that the function returns is stacked. The value has the shape of f(x), the tangents
    (directions, *that shape): zeros if f does not depend on the arguments, NaN where a hit has no derivative.
    Raises TracingError where the function cannot be followed.
    """
    directions = {np.shape(t)[0] for t in tangents if t is not None}
    if len(directions) > 1 or len(primals) != len(tangents):
        raise TracingError("primals and tangents do not fit", hint="one tangent, or None, per primal")
    level = _Pushforward(directions.pop() if directions else 0)
    try:
        value = answer(call, [seed(level, *pair) for pair in zip(primals, tangents, strict=True)])
        inner = isinstance(value, DualArray) and value.level is level
        primal, tangent, _ = value.content if inner else DualContent(value)
    finally:
        level.open = False
    if not isinstance(primal, Proxy):
        primal = real(primal)
    if tangent is None:
        tangent = np.zeros((level.directions, *np.shape(primal)))
    return Pushed(primal, tangent, tuple(level.hits))


def seed(level: _Pushforward, primal: Any, tangent: Any) -> Any:
    """Give an argument of the function from its primal and tangent; the user's own array is never handed out."""
    primal = own(primal)
    if tangent is None:
        return primal
    shape = np.shape(primal)
    if np.shape(tangent) != (level.directions, *shape):
        raise TracingError(f"a tangent of shape {np.shape(tangent)} does not fit a primal of shape {shape}")
    still = None
    if not isinstance(tangent, Proxy):
        tangent = real(tangent).copy()
        still = tangent == 0
    primal = primal if isinstance(primal, Proxy) else np.asarray(primal)
    return DualArray(level, DualContent(primal, tangent, still if still is not None and still.any() else None), shape)

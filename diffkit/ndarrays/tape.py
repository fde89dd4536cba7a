"""Tapes: a NumPy function is run once and every operation recorded; cotangents then run back through the record.

Formula: x̄ᵢ = Σ ȳ·∂y/∂xᵢ over the operations that use xᵢ, the last one first (Griewank & Walther, 2nd ed., eq. 3.7).
So one sweep gives the gradient by all inputs, for a few evaluations of f. A cotangent is absent where no path leads
from an element to the output: that is a strong zero, which no infinite or missing slope is multiplied by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.core.table import Primitive
from diffkit.ndarrays.kernel import ROWS, Proxy, answer, contract, gather, own, plain, real, total
from diffkit.ndarrays.nonsmooth import (
    Followed,
    Hit,
    Watch,
    jointly,
    places_met,
    poisoned,
    smooth_along,
    still_products,
    ties_met,
    unmoved,
    unvarying,
)
from diffkit.ndarrays.transposes import (
    Bar,
    Contracted,
    Scattered,
    Transposed,
    added,
    broadcast,
    fitted,
    not_chosen,
    without,
)

EXACT_WEIGHTS = 2**26  # weights below it times tangents of 27 bits are exact

Pull = tuple[int, Callable[[Bar], Bar]]
"""a node, and what the cotangent of a result adds to the cotangent of that node"""


class Kink(NamedTuple):
    """Where a result has a kink, and the nodes, with their shapes, whose tangents decide whether it shows.

    It does not if they are all zero, or, where ``equal``, all the same.
    """

    there: Any
    equal: bool
    arguments: tuple[tuple[int, tuple[int, ...]], ...]


class TapeNode(NamedTuple):
    """An array on the tape: where its cotangent goes; an input has no pulls."""

    pulls: tuple[Pull, ...] = ()
    kinks: tuple[Kink, ...] = ()


class Tape(Watch):
    """The level of one pullback: everything that was computed from the input, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[TapeNode] = []
        self.operations = 0
        """elements of all rows and sums that were computed"""

    def add(self, node: TapeNode) -> int:
        """Record an array, and give its number."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def sweep(self, bars: dict[int, Bar], seen: dict[int, Bar] | None = None) -> dict[int, Bar]:
        """Cotangents of the inputs from those of some nodes; ``seen`` is given what asks about kinks on the way."""
        for number in range(max(bars, default=-1), -1, -1):
            node, bar = self.nodes[number], bars.get(number)
            if bar is None or not node.pulls:
                continue
            del bars[number]
            if seen is not None:
                for kink in node.kinks:
                    _ask(kink, bar, number, seen)
            for target, pull in node.pulls:
                bars[target] = added(bars.get(target), pull(bar))
        return bars


def _ask(kink: Kink, bar: Bar, number: int, seen: dict[int, Bar]) -> None:
    """Give the arguments of a kink random weights, where it matters; what comes back is not zero where it shows."""
    live = kink.there if bar.absent is None else kink.there & ~bar.absent
    if not np.any(live):
        return
    random = np.random.default_rng(number)
    weights: Any = None
    for target, shape in kink.arguments:
        if kink.equal and weights is not None:
            weights = -weights
        else:
            weights = 2.0 * random.integers(EXACT_WEIGHTS, size=live.shape) + 1.0
        seen[target] = added(seen.get(target), fitted(Bar(np.where(live, weights, 0.0), ~live), shape))


class TapeContent(NamedTuple):
    """A tape array's primal, its number on the tape (None: it does not depend on the input), and where it is still."""

    primal: Any
    node: int | None = None
    still: Any = None


class TapeArray(Followed):
    """An array whose operations are recorded; its primal may be a proxy of an outer level."""

    __slots__ = ()
    level: Tape
    content: TapeContent

    def _make(
        self, primal: Any, pulls: Iterable[Pull] = (), still: Any = None, kinks: Iterable[Kink] = ()
    ) -> TapeArray:
        pulls = tuple(pulls)
        number = self.level.add(TapeNode(pulls, tuple(kinks))) if pulls else None
        known = number is not None and still is not None and bool(np.any(still))
        return TapeArray(self.level, TapeContent(primal, number, still if known else None), np.shape(primal))

    def _part(self, x: Any) -> TapeContent:
        return x.content if isinstance(x, Proxy) and x.level is self.level else TapeContent(x)

    # Rows of the table ------------------------------------------------------------------------------------------

    def row(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Apply a row; its cotangent goes back times the partials, or NaN where there is no derivative."""
        parts = [self._part(a) for a in args]
        primals = [part.primal for part in parts]
        stills = [part.still for part in parts if part.node is not None]
        answer = ROWS.apply(primitive, primals)
        if primitive.truth:
            if stills and (equal := ties_met(primitive, primals)) is not None:
                self.level.tie(primitive, parts, equal, jointly(stills, equal.shape))
            return answer
        if not stills:
            return self._make(answer)
        shape = np.shape(answer)
        self.level.operations += np.size(answer)
        still, ones = unvarying(primitive, args, stills, shape), unmoved(primitive, args)
        poison, flat, kinks = self._places(primitive, parts, shape, still)
        pulls: list[Pull] = []
        for k, part in enumerate(parts):
            if part.node is None or (primitive.partials[k] is None and poison is None):
                continue
            dropped = without(ones, not_chosen(primitive, primals, answer, k))
            rule = Transposed(primitive, primals, answer, k, np.shape(part.primal), dropped, flat, poison)
            pulls.append((part.node, rule))
        return self._make(answer, pulls, still, kinks)

    def _places(
        self, primitive: Primitive, parts: Sequence[TapeContent], shape: tuple[int, ...], still: Any
    ) -> tuple[Any, Any, list[Kink]]:
        """Where a row has no derivative in any direction, where it is zero if there is one, and its kinks."""
        poison, flat, kinks = None, None, []
        moves = [part.node is not None for part in parts]
        for place, there in places_met(primitive, [part.primal for part in parts], moves):
            bad = np.broadcast_to(there if still is None else there & ~still, shape)
            if not np.any(bad):
                continue
            self.level.hit(primitive, place)
            along = smooth_along(place, len(parts))
            if along == "nothing":
                poison = bad if poison is None else poison | bad
                continue
            if along == "zero":
                flat = bad if flat is None else flat | bad
            arguments = [(part.node, np.shape(part.primal)) for part in parts if part.node is not None]
            kinks.append(Kink(bad, along == "equal", tuple(arguments)))
        return poison, flat, kinks

    # Moving, adding, multiplying and adding ---------------------------------------------------------------------

    def gather(self, parts: Sequence[Any], indices: Any) -> TapeArray:
        """Give elements of the pool; each one's cotangent is added to where it came from."""
        contents = [self._part(p) for p in parts]
        primal = gather([c.primal for c in contents], indices)
        pulls: list[Pull] = []
        start = 1
        for content in contents:
            shape = np.shape(content.primal)
            if content.node is not None:
                pulls.append((content.node, Scattered(indices, start, shape)))
            start += int(np.prod(shape, dtype=int))
        still = None
        if pulls and (any(c.node is None or c.still is not None for c in contents) or np.any(indices == 0)):
            known = [np.full(np.shape(c.primal), c.node is None) if c.still is None else c.still for c in contents]
            still = np.concatenate([[True], *map(np.ravel, known)])[indices]
        return self._make(primal, pulls, still)

    def total(self, x: Proxy, axes: tuple[int, ...]) -> TapeArray:
        """Sum; every term has the cotangent of the sum."""
        primal, node, still = self._part(x)
        self.level.operations += np.size(primal)
        kept = tuple(1 if axis in axes else n for axis, n in enumerate(np.shape(primal)))
        pulls = [] if node is None else [(node, lambda bar: broadcast(bar, kept, np.shape(primal)))]
        return self._make(total(primal, axes), pulls, None if still is None else np.all(still, axis=axes))

    def contract(self, a: Any, b: Any, left: str, right: str, out: str) -> TapeArray:
        """Multiply and sum; the cotangent of one operand is the product of the result's with the other operand."""
        x, y = self._part(a), self._part(b)
        pulls: list[Pull] = []
        stills = []
        for one, other, letters, others in ((x, y, left, right), (y, x, right, left)):
            if one.node is not None:
                shape = np.shape(one.primal)
                pulls.append((one.node, Contracted(other.primal, out, others, letters, shape)))
                stills.append((one.still, other.primal, letters, others, out))
        return self._make(contract(x.primal, y.primal, left, right, out), pulls, still_products(stills))


# The face -----------------------------------------------------------------------------------------------------------


class Pulled(NamedTuple):
    """What a pullback gives.

    The value; ``back``, from a cotangent of its shape to gradients by argument; the hits; and how many elements
    were computed on the way, products of matrices left out.
    """

    value: Any
    back: Callable[[Any], list[Any]]
    hits: tuple[Hit, ...]
    operations: int


def pullback(call: Callable[..., Any], primals: Sequence[Any], active: Sequence[bool] | None = None) -> Pulled:
    """Give f(x), and the function ȳ → ȳ·f′(x), which costs a few evaluations of f whatever the number of inputs.

    ``primals``: the positional arguments, floats or arrays (proxies of an outer level when nested). ``active`` says
    which of them are differentiated by (all, if not given); the others have gradient None. A gradient has the shape
    of its argument: zeros where f does not depend on it, NaN where a hit has no derivative. ``back`` may be called
    again with other cotangents. Source: Griewank & Walther, Evaluating Derivatives, 2nd ed., eq. 3.7.
    Raises TracingError where the function cannot be followed, or a cotangent does not have the value's shape.
    """
    tape = Tape()
    chosen = [True] * len(primals) if active is None else list(active)
    args: list[Any] = [own(p) for p in primals]
    for k, primal in enumerate(args):
        if chosen[k]:
            primal = primal if isinstance(primal, Proxy) else np.asarray(primal)
            args[k] = TapeArray(tape, TapeContent(primal, tape.add(TapeNode())), np.shape(primal))
    inputs = [arg.content.node if on else None for arg, on in zip(args, chosen, strict=True)]
    shapes = [np.shape(arg) for arg in args]
    try:
        value = answer(call, args)
        result = value.content if isinstance(value, TapeArray) and value.level is tape else TapeContent(value)
    finally:
        tape.open = False
    primal = result.primal if isinstance(result.primal, Proxy) else real(result.primal)

    def back(cotangent: Any) -> list[Any]:
        given = cotangent if isinstance(cotangent, Proxy) else real(cotangent)
        if np.shape(given) != np.shape(primal):
            raise TracingError(
                f"a cotangent of shape {np.shape(given)} does not fit a value of shape {np.shape(primal)}"
            )
        absent = None if isinstance(given, Proxy) or np.all(given) else given == 0
        with np.errstate(all="ignore"):
            seen: dict[int, Bar] = {}
            bars = {} if result.node is None else tape.sweep({result.node: Bar(given, absent)}, seen)
            shown = tape.sweep(seen)
            return [
                None if number is None else _gradient(bars.get(number), shown.get(number), shape, primals)
                for number, shape in zip(inputs, shapes, strict=True)
            ]

    return Pulled(primal, back, tuple(tape.hits), tape.operations)


def _gradient(bar: Bar | None, shown: Bar | None, shape: tuple[int, ...], primals: Sequence[Any]) -> Any:
    """The cotangent of an input; NaN where a kink shows, and with it all its derivatives by outer levels."""
    value = np.zeros(shape) if bar is None else bar.value
    if shown is not None and (values := plain(shown.value)) is not None and np.any(values != 0):
        return poisoned(value, values != 0, [np.sum(x) for x in primals if isinstance(x, Proxy)])
    return value

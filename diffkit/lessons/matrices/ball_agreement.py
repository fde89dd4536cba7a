"""Whether a claim holds at a trial, settled in ball arithmetic, so that the size of its terms does not matter.

Entries are Arb's power series with one or two terms, which Arb differentiates by rules of its own. That settles
whether two sides are equal at a point whatever the size of their terms, where binary64 can only say that they are near.

A derivative is compared along a random direction V: of a scalar, sum(G * V) against the rate of change of f; of a
vector, G @ V; by a scalar, G times V.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.builder import NAMED_CONSTANTS, exact
from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError
from diffkit.core.limits import AGREED_DIGITS, DEEP_BITS
from diffkit.core.table import table
from diffkit.lessons.matrices.nodes import Node, in_order
from diffkit.lessons.matrices.shapes import Shape, shapes_of
from diffkit.lessons.matrices.trials import Trial, at_sizes
from diffkit.numbers.ball_arrays import SeriesArray, boxed, coefficient, determinant, inverse, lifted, product
from diffkit.numbers.balls import BALLS, HALF_LEAST, SERIES, enclose, precision, series_function
from diffkit.numbers.floats import SMALLEST_FLOAT


def series_of(root: Node, values: Mapping[str, SeriesArray], shapes: Mapping[Node, Shape]) -> SeriesArray:
    """Give the power series of a tree at those of its names, in a precision held; an entry without a value is NaN."""
    found: dict[Node, SeriesArray] = {}
    for node in in_order(root):
        if node.kind == "name":
            found[node] = values.get(node.value)  # None for a size, which eye and ones read from the shape
        elif node.kind in ("number", "constant"):
            value = NAMED_CONSTANTS[node.value] if node.kind == "constant" else exact(node.value)
            found[node] = boxed(SERIES.constant(value))
        else:
            found[node] = boxed(_apply(node, [found[a] for a in node.args], shapes[node]))
    return found[root]


def _apply(node: Node, args: list[SeriesArray], shape: Shape) -> Any:
    kind = node.kind
    if kind in SERIES_OPERATIONS:
        return SERIES_OPERATIONS[kind](node, args, shape)
    if kind in SERIES_REDUCTIONS and len(args) == 1:
        return SERIES_REDUCTIONS[kind](args[0], node.value)
    if kind in table.rows:
        return _row(kind, *args)
    raise DiffkitError(f"{kind} has no value here")


def _row(kind: str, *args: SeriesArray) -> SeriesArray:
    """A function of the table entry by entry."""
    return boxed(np.frompyfunc(series_function(table[kind]), len(args), 1)(*args))


# Reductions -------------------------------------------------------------------------------------------------------


def _sum(x: SeriesArray, axis: int | None) -> SeriesArray:
    return boxed(np.sum(x, axis=axis))


def _mean(x: SeriesArray, axis: int | None) -> SeriesArray:
    total = _sum(x, axis)
    return _row("div", total, lifted(x.size // max(1, total.size)))


def _variance(x: SeriesArray, axis: int | None) -> SeriesArray:
    mean = _mean(x, axis)
    apart = _row("sub", x, mean if axis is None else np.expand_dims(mean, axis))
    return _mean(boxed(apart * apart), axis)


def _extreme(kind: str) -> Callable[[SeriesArray, int | None], SeriesArray]:
    def reduced(x: SeriesArray, axis: int | None) -> SeriesArray:
        along = np.ravel(x) if axis is None else np.moveaxis(x, axis, 0)
        return reduce(lambda a, b: _row(kind, boxed(a), boxed(b)), list(along))

    return reduced


def _logsumexp(x: SeriesArray, axis: int | None) -> SeriesArray:
    return _row("log", _sum(_row("exp", x), axis))


SERIES_REDUCTIONS: dict[str, Callable[[SeriesArray, int | None], SeriesArray]] = {
    "sum": _sum, "mean": _mean, "prod": lambda x, axis: boxed(np.prod(x, axis=axis)), "var": _variance,
    "max": _extreme("max"), "min": _extreme("min"), "logsumexp": _logsumexp,
}  # fmt: skip

# Matrices ---------------------------------------------------------------------------------------------------------


def _softmax(node: Node, args: list[SeriesArray], _: Shape) -> SeriesArray:
    (x,), axis = args, -1 if node.value is None else node.value
    powers = _row("exp", x)
    return _row("div", powers, np.expand_dims(_sum(powers, axis), axis))


def _diag(_: Node, args: list[SeriesArray], __: Shape) -> SeriesArray:
    (x,) = args
    if x.ndim == 2:
        return np.diagonal(x)
    found = lifted(np.zeros((len(x), len(x))))
    for k, entry in enumerate(x):
        found[k, k] = entry
    return found


def _index(node: Node, args: list[SeriesArray], _: Shape) -> SeriesArray:
    return args[0][tuple(slice(*key) if isinstance(key, tuple) else key for key in node.value)]


SERIES_OPERATIONS: dict[str, Callable[[Node, list[SeriesArray], Shape], SeriesArray]] = {
    "+": lambda _, a, __: reduce(lambda x, y: boxed(x + y), a),
    "*": lambda _, a, __: reduce(lambda x, y: boxed(x * y), a),
    "neg": lambda _, a, __: -a[0],
    "/": lambda _, a, __: _row("div", *a),
    "**": lambda _, a, __: _row("power", *a),
    "@": lambda _, a, __: reduce(product, a),
    "dot": lambda _, a, __: product(*a),
    "T": lambda _, a, __: np.transpose(a[0]),
    "array": lambda _, a, __: np.stack(a),
    "index": _index,
    "trace": lambda _, a, __: np.sum(np.diagonal(a[0])) if a[0].ndim else a[0],
    "det": lambda _, a, __: determinant(a[0]),
    "logdet": lambda _, a, __: _row("log", _row("abs", boxed(determinant(a[0])))),
    "inv": lambda _, a, __: inverse(a[0]),
    "solve": lambda _, a, __: product(inverse(a[0]), a[1]),
    "norm": lambda _, a, __: _row("sqrt", _sum(a[0] * a[0], None)) if a[0].ndim else _row("abs", a[0]),
    "norm1": lambda _, a, __: _sum(_row("abs", a[0]), None),
    "outer": lambda _, a, __: np.multiply.outer(a[0], a[1]),
    "diag": _diag,
    "softmax": _softmax,
    "eye": lambda _, __, shape: lifted(np.eye(int(shape[0]))),
    "ones": lambda _, __, shape: lifted(np.ones(shape)),
    "zeros": lambda _, __, shape: lifted(np.zeros(shape)),
}
"""what each kind does to series; functions of the scalar table work entry by entry"""


class Met(NamedTuple):
    """The sides at a trial: their relative difference, zero only if they agree, and which of them have a value.

    ``gap`` is None where one has none, or where even this precision does not tell them apart from each other.
    """

    gap: float | None
    left: bool
    right: bool


@dataclass(frozen=True)
class ClaimedEquality:
    """``left = right``, or that ``right`` is the derivative of ``left`` by a name, perhaps in the other layout."""

    left: Node
    right: Node
    wrt: str | None = None
    turned: bool = False
    symmetric: bool = False

    @property
    def bits(self) -> int:
        """The working precision."""
        numbers = [Fraction(n.value) for n in in_order(self.left, self.right) if n.kind == "number"]
        return DEEP_BITS + 4 * sum(f.numerator.bit_length() + f.denominator.bit_length() for f in numbers)

    def at(self, trial: Trial) -> Met:
        """Compare the sides."""
        check_time()
        try:
            with precision(self.bits, 1 if self.wrt is None else 2):
                known, claimed = self._sides(trial)
                return Met(_gap(known, claimed), _has_value(known), _has_value(claimed))
        except (DiffkitError, TypeError, ValueError):
            return Met(None, False, False)

    def _sides(self, trial: Trial) -> tuple[Any, Any]:
        """What is compared; arrays of different shapes where the right side is not of the shape of the left one."""
        claimed = coefficient(_evaluated(self.right, trial), 0)
        if self.wrt is None:
            return coefficient(_evaluated(self.left, trial), 0), claimed
        own = np.shape(trial.values[self.wrt])
        direction = np.random.default_rng(5).normal(size=own)
        if self.symmetric:
            direction = direction + direction.T
        f = _evaluated(self.left, trial, self.wrt, direction)
        claimed = claimed.T if self.turned else claimed
        rate, along = coefficient(f, 1), coefficient(lifted(direction), 0)
        if claimed.shape != (*f.shape, *own):
            return np.broadcast_to(rate.reshape(f.shape + (1,) * len(own)), f.shape + own), claimed
        pushed = boxed(np.sum(boxed(claimed * along), axis=tuple(range(-len(own), 0))))
        if not self.symmetric:
            return rate, pushed
        odd = (claimed - claimed.T).ravel()  # along symmetric directions a matrix and its transpose look alike
        return np.append(rate, coefficient(lifted(np.zeros(odd.shape)), 0)), np.append(pushed, odd)

    def both(self, trial: Trial) -> tuple[Any, Any, str | None]:
        """What is claimed and what is true at a trial, entry by entry, correctly rounded where that is proven.

        The third is the largest difference, as text; None where none is known.
        The precision is twice that of ``at``: a ball around zero then lies in what rounds to zero.
        """
        with precision(2 * self.bits, 1 if self.wrt is None else 2):
            claimed, known = coefficient(_evaluated(self.right, trial), 0), self._known(trial)
            return _rounded(claimed), _rounded(known), _difference(claimed, known)

    def _known(self, trial: Trial) -> Any:
        """The left side at a trial, or its derivative, in the precision held."""
        if self.wrt is None:
            return coefficient(_evaluated(self.left, trial), 0)
        own = np.shape(trial.values[self.wrt])
        columns = []
        for index in np.ndindex(*own):
            unit = np.zeros(own)
            unit[index] = 1.0
            if self.symmetric:
                unit = (unit + unit.T) / 2
            columns.append(coefficient(_evaluated(self.left, trial, self.wrt, unit), 1))
        known = np.stack(columns, axis=-1)
        known = known.reshape(known.shape[:-1] + own)
        return known.T if self.turned else known


def _evaluated(tree: Node, trial: Trial, wrt: str | None = None, direction: Any = None) -> SeriesArray:
    plain = at_sizes(tree, trial.sizes)
    shapes = shapes_of(plain, {name: np.shape(v) for name, v in trial.values.items()})
    values = {name: lifted(v, direction if name == wrt else None) for name, v in trial.values.items()}
    return series_of(plain, values, shapes)


def _gap(known: Any, claimed: Any) -> float | None:
    """The largest difference by the largest entry, and zero only where no difference is proven."""
    if known.shape != claimed.shape:
        return float("inf")
    if not (_has_value(known) and _has_value(claimed)):
        return None
    scale = max((abs(v).abs_upper() for v in (*known.flat, *claimed.flat)), default=BALLS.constant(0))
    near = (scale + 1) * BALLS.constant(Fraction(1, 10**AGREED_DIGITS))
    worst = 0.0
    for a, b in zip(known.flat, claimed.flat, strict=True):
        difference = a - b
        if difference != 0:
            worst = max(worst, float(difference.abs_lower() / scale), SMALLEST_FLOAT)
        elif not difference.rad() < near:
            return None
    return worst


def _has_value(balls: Any) -> bool:
    return all(ball.is_finite() for ball in balls.flat)


def _rounded(balls: Any) -> Any:
    found = [0.0 if abs(ball) < HALF_LEAST else enclose(ball).value for ball in balls.flat]
    return np.array([np.nan if v is None else v for v in found]).reshape(balls.shape)[()]


def _difference(claimed: Any, known: Any) -> str | None:
    """The largest difference of entries with three digits; None for other shapes, or where it is not known."""
    if claimed.shape != known.shape or not (_has_value(claimed) and _has_value(known)):
        return None
    largest = max((abs(a - b) for a, b in zip(claimed.flat, known.flat, strict=True)), key=lambda d: d.mid())
    return str(largest.str(3, radius=False)) if largest != 0 else None

"""Places where a function needs care, and the power series of one whose definition has a removable point.

Near such a point the derivatives of a row f are those of the series, f⁽ⁿ⁾(a + u) = Σ cₖ₊ₙ·(k + n)!/k!·uᵏ, which is a
row of its own, f_series(n, x); farther away they follow from the row's rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, wraps
from typing import Any, Literal, NamedTuple

Rule = Callable[..., Any]
"""A formula ``rule(F, x, …)`` written with operators and the functions of ``F``.

It is traced once into a small Program, so it has a meaning in every algebra: floats, arrays, duals, balls, SymPy.
"""


SETTLED = 8  # terms in a row that add nothing: some series have gaps
DOUBLE = 60  # bits by which what is left out is smaller than the largest term, in binary64

PlaceKind = Literal["edge", "pole", "kink", "jump", "removable"]
Exact = int | Fraction
Coefficient = Callable[[int], Exact]
"""the k-th coefficient of a power series"""


class Place(NamedTuple):
    """Where a function needs care: the set ``margin == 0`` of its arguments.

    * edge: the domain is ``margin > 0``, or ``margin >= 0`` if ``closed``;
    * pole: the function grows without bound there;
    * kink: continuous, one-sided derivatives differ; ``slope(F, *tangents)`` is the derivative in a direction;
    * jump: the value itself jumps;
    * removable: the definition alone has no value at x = ``at``; the row is Σ ``series``(k)·(x − at)ᵏ there, and is
      smooth. Within ``reach``, half the radius of convergence or less, its derivatives are those of the series.

    ``varying`` restricts the place to the arguments that must move for it to matter (all of them if None).
    ``text`` describes the set in the formal arguments, and ``inside`` its complement where the margin would be
    hard to read.
    """

    kind: PlaceKind
    margin: Rule
    text: str
    varying: tuple[int, ...] | None = None
    closed: bool = False
    slope: Rule | None = None
    inside: str = ""
    series: Coefficient | None = None
    at: Exact = 0
    reach: Exact = 0

    def fold(self, x: Exact) -> Exact | None:
        """The value at a removable point, exactly."""
        return self.series(0) if self.series is not None and x == self.at else None


def removable(coefficient: Coefficient, at: Exact = 0, reach: Exact = Fraction(1, 4)) -> Place:
    """A removable point with the coefficients cₖ of its power series.

    ``reach`` is how far from the point the series is used: half its radius of convergence, or less. Beyond it the
    definition is differentiated, whose nth derivative loses about n!/|x − at|ⁿ units in the last place.
    """
    text = f"x = {at}".replace("-", "−")
    return Place("removable", lambda F, x: x - at, text, series=coefficient, at=at, reach=reach)


def continuation(name: str, latex: str, place: Place) -> dict[str, Any]:
    """The facts of the row that gives the derivatives of another by its power series."""
    at, reach, own = place.at, place.reach, series_name(name)
    distance = "|x|" if at == 0 else f"|x − {at}|"
    written = latex if latex and "#" not in latex else f"\\operatorname{{{name}}}"
    return {
        "doc": f"nth derivative of {name}(x) by its power series about {place.text}",
        "orders": (0,), "ulps": 8.0, "latex": f"{written}^{{(#)}}\\left(#\\right)",
        "partials": (None, lambda F, n, x, y: getattr(F, own)(n + 1, x)),
        "fold": lambda n, x: _coefficients(place, int(n), DOUBLE)[0] if x == at else None,
        "floats": lambda n, x: _of_float(place, int(n), x),
        "array": lambda np, n, x: _of_array(place, np, int(n), x),
        "spelled": lambda F, n, x: _horner(_coefficients(place, n, DOUBLE)[:-SETTLED], x - at),
        "mpmath": lambda mp, n, x: _of_mpmath(place, mp, int(n), x),
        "places": (Place("edge", lambda F, n, x: reach - F.abs(x - at), f"{distance} = {reach}", closed=True),),
        "points": ((0, float(at)), (1, float(at + Fraction(reach) * 7 / 8)), (2, float(at - Fraction(reach) / 3))),
    }  # fmt: skip


def series_name(name: str) -> str:
    """The name of the row that gives the derivatives of another by its power series."""
    return f"{name}_series"


def near(place: Place, name: str, rule: Rule) -> Rule:
    """The rule of a partial, and the power series where that is near."""

    @wraps(rule)
    def wrapped(F: Any, x: Any, y: Any) -> Any:
        return F.where(F.abs(x - place.at) < place.reach, getattr(F, series_name(name))(1, x), rule(F, x, y))

    return wrapped


def filled(place: Place, definition: Rule, order: int) -> Rule:
    """A definition, and at its removable point the power series up to an order: so the derivatives are right there."""
    assert place.series is not None
    coefficients = [place.series(k) for k in range(order + 1)]

    @wraps(definition)
    def wrapped(F: Any, x: Any) -> Any:
        return F.where(F.eq(x, place.at), _horner(coefficients, x - place.at), definition(F, x))

    return wrapped


@cache
def _coefficients(place: Place, n: int, bits: int) -> tuple[Fraction, ...]:
    """Coefficients of the nth derivative, until they add nothing to so many bits of the largest term within reach."""
    assert place.series is not None
    found: list[Fraction] = []
    largest, small, size = Fraction(0), 0, Fraction(1)
    while small < SETTLED:
        k = len(found)
        found.append(Fraction(place.series(k + n)) * math.perm(k + n, n))
        term = abs(found[-1]) * size
        largest, size = max(largest, term), size * place.reach
        small = small + 1 if term * 2**bits <= largest else 0
    return tuple(found)


@cache
def _floats(place: Place, n: int) -> tuple[float, ...]:
    return tuple(map(float, _coefficients(place, n, DOUBLE)))


def _of_float(place: Place, n: int, x: float) -> float:
    """Horner's rule within reach; NaN outside."""
    u = x - float(place.at)
    return _horner(_floats(place, n), u) if abs(u) <= place.reach else math.nan


def _of_array(place: Place, np: Any, n: int, x: Any) -> Any:
    u = np.asarray(x, dtype=float) - float(place.at)
    near = np.abs(u) <= float(place.reach)
    return np.where(near, _horner(_floats(place, n), np.where(near, u, 0.0)), np.nan)


def _of_mpmath(place: Place, mp: Any, n: int, x: Any) -> Any:
    u = x - mp.mpf(place.at.numerator) / place.at.denominator
    if not abs(u) <= mp.mpf(place.reach.numerator) / place.reach.denominator:
        return mp.nan
    return _horner([mp.mpf(c.numerator) / c.denominator for c in _coefficients(place, n, mp.prec + 10)], u)


def _horner(coefficients: Sequence[Any], u: Any) -> Any:
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * u + coefficient
    return total

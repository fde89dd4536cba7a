"""Bounds: rounded outward wherever they are shown or written, and the least value of a function to the last bit."""

import json
import math
import os
import random
import re
from fractions import Fraction
from functools import cache
from itertools import product

import mpmath as mp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.core.decimals import above, apart, below
from diffkit.reports import render
from diffkit.reports.document import line
from diffkit.reports.result_report import values
from diffkit.reports.stationary_report import StationaryReport

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "1000"))
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=EXAMPLES)
@given(FINITE, st.integers(1, 17))
def test_decimals_of_bounds_are_on_the_right_side_and_near(value, digits):
    high, low = (Fraction(f(value, digits)) for f in (above, below))
    assert low <= Fraction(value) <= high
    assert high - low <= abs(Fraction(value)) * Fraction(10) ** (1 - digits) * 2
    assert apart(value, above(value, digits)) >= high - Fraction(value)


# The least and the greatest value -----------------------------------------------------------------------------------

KNOWN = {  # least and greatest value, by mpmath at 40 digits, or exact
    "(4-2.1*x^2+x^4/3)*x^2+x*y+(-4+4*y^2)*y^2 | x=-2:2,y=-1:1": ("-1.031628453489877350416365", "86/15"),
    "sin(x+y)+(x-y)^2-1.5*x+2.5*y+1 | x=-1.5:4,y=-3:4": ("-1.913222954981036392917938", None),
    "3*(1-x)^2*exp(-x^2-(y+1)^2)-10*(x/5-x^3-y^5)*exp(-x^2-y^2)-exp(-(x+1)^2-y^2)/3 | x=-3:3,y=-3:3": (
        "-6.551133332835836941385835", "8.106213589442336023867399"),
    "100*(y-x^2)^2+(1-x)^2 | x=-2:2,y=-1:3": ("0", "2509"),
    "(x^2+y-11)^2+(x+y^2-7)^2 | x=-5:5,y=-5:5": ("0", "890"),
    "exp(x*y)-x-y | x=-1:1,y=-1:1": ("0", "4.718281828459045235360287"),
    "x*sin(x) | x=0:10": ("-5.440211108893698134047476", "7.916727371587781908183505"),
    "abs(x-1/3)+x^2 | x=-1:1": ("1/9", "7/3"),
    "max(x^2,1-x) | x=-1:2": ("0.381966011250105151795413", "4"),
    "abs(x-1/3)+abs(y-1/7)+1 | x=0:1,y=0:1": ("1", "53/21"),
    "(x^2-2)^4 | x=0:3": ("0", "2401"),
    "sin(x)*cos(y) | x=-4:4,y=-4:4": ("-1", "1"),
    "x*log(x) | x=0:2": ("-0.367879441171442321595524", "1.386294361119890618834464"),
    "gamma(x) | x=0.5:5": ("0.885603194410888700278816", "24"),
    "x+1/x | x=0.1:5": ("2", "10.09999999999999944488848768742172978818416595458984375"),
    "x^3-3*x | x=-3:3": ("-18", "18"),
    "hypot(x-3/8,y) | x=-1:1,y=-1:1": ("0", None),
    "(x-0.1)^2*(y-0.3)+z^2*y+x*z | x=-1:1,y=-1:1,z=-1:1": ("-3.573", "2.847"),
    "sqrt(x) | x=0:4": ("0", "2"),
    "3*x^2-2*x+1/3 | x=-1:1": ("0", "16/3"),
    "(3*x-1)^2+y/7+exp(x-x) | x=-1:1,y=0:7": ("1", "18"),
    "x^2+x*y+y^2-3*x+exp(y) | x=-4:4,y=-4:4": ("-2.668806183990355788068608", "90.59815003314423907811026"),
}  # fmt: skip
COARSE = {"hypot(x-3/8,y) | x=-1:1,y=-1:1"}
"""kinks at which the least value is 0: no float is next to it, and the bounds are 1e-30 apart"""


@cache
def found(case):
    text, _, box = case.partition(" | ")
    return dk.stationary(text, box)


def neighbours(extreme):
    return extreme.high <= math.nextafter(extreme.low, math.inf)


@pytest.mark.parametrize("case", KNOWN)
def test_the_least_value_is_known_to_the_last_bit(case):
    for extreme, truth in zip((found(case).lowest, found(case).highest), KNOWN[case], strict=True):
        assert extreme.proven
        assert neighbours(extreme) or (case in COARSE and extreme.high - extreme.low < 1e-20)
        if truth is not None:
            assert Fraction(extreme.low) <= Fraction(truth) <= Fraction(extreme.high)


@pytest.mark.parametrize("case", list(KNOWN)[:9])
@pytest.mark.parametrize("format", ["text", "markdown", "html", "json"])
def test_bounds_that_are_printed_hold(case, format):
    text = render(StationaryReport(found(case)), format)
    if format == "json":
        data = json.loads(text)
        pairs = [(Fraction(data[k]["low"]), Fraction(data[k]["high"])) for k in ("lowest", "highest")]
    else:
        number = r"(-?[\d.]+(?:e[-+]?\d+)?)"
        lines = re.findall(f"value in the box: (?:{number}, at .*; proven, exactly|.*between {number} and {number})",
                           text.replace("\\", "").replace("−", "-"))  # fmt: skip
        pairs = [(Fraction(exact or low), Fraction(exact or high)) for exact, low, high in lines]
    assert len(pairs) == 2
    for (low, high), truth in zip(pairs, KNOWN[case], strict=True):
        assert truth is None or low <= Fraction(truth) <= high
        assert high - low <= 1e-15 * max(1, abs(high))


TERMS = (
    ("{a}*{v}^2", lambda a, v: a * v**2), ("{a}*{v}^3/3", lambda a, v: a * v**3 / 3), ("{a}*{v}", lambda a, v: a * v),
    ("{a}*sin(2*{v})", lambda a, v: a * mp.sin(2 * v)), ("{a}*exp({v}/3)", lambda a, v: a * mp.exp(v / 3)),
    ("{a}*cos({v})^2", lambda a, v: a * mp.cos(v) ** 2), ("{a}/(1+{v}^2)", lambda a, v: a / (1 + v**2)),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(max(10, EXAMPLES // 100)))
def test_a_value_that_is_a_float_is_told_exactly(seed):
    """At a place and with coefficients that are none."""
    rng = random.Random(seed)
    places = [Fraction(rng.randint(-20, 20), rng.randint(1, 30)) for _ in range(rng.randint(1, 3))]
    value = rng.choice((0, 1, Fraction(-13, 4), rng.randint(-99, 99)))
    squares = [f"({rng.randint(1, 9)}/{rng.randint(1, 9)})*({v}-({p}))^2" for v, p in zip("xyz", places, strict=False)]
    text = "+".join([*squares, f"({value})"])
    box = {v: (-21, 21) for v, _ in zip("xyz", places, strict=False)}
    lowest, highest = dk.stationary(text, box).lowest, dk.stationary(f"-({text})", box).highest
    assert lowest.low == lowest.high == value
    assert highest.low == highest.high == -value


def drawn(rng, variable):
    """A sum of terms in one variable as text, and as a function of mpmath numbers."""
    chosen = [(rng.choice(TERMS), Fraction(rng.randint(-30, 30), 7)) for _ in range(rng.randint(2, 4))]
    text = "+".join(form.format(a=f"({a})", v=variable) for (form, _), a in chosen)
    return text, lambda v: sum(f(mp.mpf(a.numerator) / a.denominator, v) for (_, f), a in chosen)


def extremes(f, low, high):
    """Least and greatest value of a function on an interval: at its ends and where its slope changes sign."""
    grid = [low + (high - low) * mp.mpf(k) / 150 for k in range(151)]
    with mp.workdps(20):
        slopes = [f(x + 1e-8) - f(x - 1e-8) for x in grid]
    places = [mp.mpf(low), mp.mpf(high)]
    for x, y, s, t in zip(grid, grid[1:], slopes, slopes[1:], strict=False):
        if s * t < 0:
            places.append(mp.findroot(lambda v: mp.diff(f, v), (x, y), solver="anderson", tol=1e-60))
    values = [f(x) for x in places]
    return min(values), max(values)


@pytest.mark.parametrize("seed", range(max(6, EXAMPLES // 100)))
def test_extreme_values_of_random_functions(seed):
    """Of one variable, and of two where f is a sum of two functions, which the search does not know."""
    rng = random.Random(seed)
    with mp.workdps(50):
        (first, f), (second, g) = drawn(rng, "x"), drawn(rng, "y")
        (a, b), (c, d) = (sorted(rng.sample(range(-12, 13), 2)) for _ in range(2))
        sides = [extremes(f, mp.mpf(a) / 4, mp.mpf(b) / 4), extremes(g, mp.mpf(c) / 4, mp.mpf(d) / 4)]
        box_x, box_y = f"x={a / 4}:{b / 4}", f"y={c / 4}:{d / 4}"
        together = [p + q for p, q in zip(*sides, strict=True)]
        cases = [(first, box_x, sides[0]), (f"{first}+{second}", f"{box_x},{box_y}", together)]
        for text, box, truths in cases:
            search = dk.stationary(text, box)
            for extreme, truth in zip((search.lowest, search.highest), truths, strict=True):
                assert extreme.low - mp.mpf(10) ** -40 <= truth <= extreme.high + mp.mpf(10) ** -40, (text, box)
                assert neighbours(extreme) or not search.complete, (text, box)


# Convex functions whose Hessian varies much: a first step proves the one zero of a whole box, and hardly narrows it ---


class Convex:
    """A quadratic form with a dominant diagonal, and exponentials of linear forms: strictly convex."""

    def __init__(self, rng, count, steep):
        self.names = "xyz"[:count]
        self.mixed = {(i, j): Fraction(rng.randint(-4, 4), 4) for i in range(count) for j in range(i)}
        beside = [sum(abs(a) for pair, a in self.mixed.items() if i in pair) for i in range(count)]
        self.square = [Fraction(rng.randint(1, 8), 4) + Fraction(b) / 2 for b in beside]
        self.linear = [Fraction(rng.randint(-12, 12), 2) for _ in range(count)]
        rates = [[rng.choice((0, rng.randint(-steep, steep))) for _ in self.names] for _ in range(rng.randint(1, 2))]
        self.grown = [(Fraction(rng.randint(1, 8), 4), [Fraction(r, 4) for r in row]) for row in rates]

    def __str__(self):
        names = self.names
        terms = [f"({a})*{v}^2+({b})*{v}" for a, b, v in zip(self.square, self.linear, names, strict=True)]
        terms += [f"({a})*{names[i]}*{names[j]}" for (i, j), a in self.mixed.items()]
        for a, rates in self.grown:
            terms.append(f"({a})*exp({'+'.join(f'({r})*{v}' for r, v in zip(rates, names, strict=True))})")
        return "+".join(terms)

    def powers(self, x):
        return [mp.exp(mp.fdot(map(number, rates), x)) * number(a) for a, rates in self.grown]

    def __call__(self, x):
        form = sum(number(a) * v * v + number(b) * v for a, b, v in zip(self.square, self.linear, x, strict=True))
        return form + sum(number(a) * x[i] * x[j] for (i, j), a in self.mixed.items()) + sum(self.powers(x))

    def slope(self, x, k):
        beside = sum(number(a) * x[i + j - k] for (i, j), a in self.mixed.items() if k in (i, j))
        grown = sum(number(rates[k]) * p for (_, rates), p in zip(self.grown, self.powers(x), strict=True))
        return 2 * number(self.square[k]) * x[k] + number(self.linear[k]) + beside + grown

    def least(self, box):
        """By one-dimensional minimisation along each variable in turn, until none moves."""
        x, moved = [number(low) for low, _ in box], True
        while moved:
            before = list(x)
            for k, (low, high) in enumerate(box):
                x[k] = self.lowest_along(x, k, number(low), number(high))
            moved = any(abs(a - b) > FINEST for a, b in zip(x, before, strict=True))
        return self(x)

    def lowest_along(self, x, k, low, high):
        def slope(v):
            return self.slope([*x[:k], v, *x[k + 1 :]], k)

        if slope(low) >= 0 or slope(high) <= 0:
            return low if slope(low) >= 0 else high
        while high - low > FINEST / 16:
            cut = (low + high) / 2
            low, high = (low, cut) if slope(cut) > 0 else (cut, high)
        return low

    def greatest(self, box):
        """At a corner."""
        return max(self([number(v) for v in corner]) for corner in product(*box))


FINEST = mp.mpf(2) ** -50


def number(fraction):
    return mp.mpf(fraction.numerator) / fraction.denominator


@pytest.mark.parametrize("seed", range(max(12, EXAMPLES // 80)))
def test_extreme_values_of_convex_functions(seed):
    rng = random.Random(seed)
    f = Convex(rng, rng.randint(1, 3), steep=rng.choice((2, 6, 12)))
    box = [
        (Fraction(a - b, 2), Fraction(a + b, 2)) for a, b in ((rng.randint(-6, 6), rng.randint(1, 16)) for _ in f.names)
    ]
    search = dk.stationary(str(f), {v: tuple(map(float, side)) for v, side in zip(f.names, box, strict=True)})
    with mp.workdps(40):
        for extreme, truth in ((search.lowest, f.least(box)), (search.highest, f.greatest(box))):
            slack = mp.mpf(10) ** -20 * max(1, abs(truth))
            assert extreme.low - slack <= truth <= extreme.high + slack
            assert extreme.proven
            assert neighbours(extreme)
    assert search.complete


# Bars and sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_printed_bars_are_no_smaller_than_the_error(seed):
    rng = random.Random(seed)
    result = dk.derivative("exp(x)/3 + sin(7*x)", rng.uniform(-3, 3), backend="finite")
    (printed,) = re.findall(r"± (\S+)", "".join(map(line, values(result))))
    assert Fraction(result.error) <= Fraction(printed) <= Fraction(result.error) * 11 / 10


@pytest.mark.parametrize("at", [1e6, 33333.0, 7.7e8])
def test_the_size_of_what_rounds_to_zero_is_bounded(at):
    message = dk.derivative("exp(-x)", at).message
    (bound,) = re.findall(r"at most (\S+) in size", message)
    with mp.workdps(30):
        assert mp.exp(-mp.mpf(at)) <= mp.mpf(bound) <= mp.exp(-mp.mpf(at)) * mp.mpf("1.2")


def test_the_radius_is_that_of_the_printed_coordinates():
    search = dk.stationary("x^3/3 - x*sqrt(2) + x^2/3", "x=-3:3")
    rows = re.findall(
        r"(?:minimum|maximum) +(\S+) +\S+ +\S+ +(\S+) +interval Newton", render(StationaryReport(search), "text")
    )
    with mp.workdps(40):
        for shown, radius in rows:
            root = mp.findroot(lambda x: x**2 - mp.sqrt(2) + 2 * x / 3, mp.mpf(shown))
            assert abs(root - mp.mpf(shown)) <= mp.mpf(radius)
    assert len(rows) == 2

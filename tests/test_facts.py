"""What a row says of itself, each fact against the row at 60 digits."""

import math
import subprocess
import sys
from itertools import pairwise

import flint
import numpy as np
import pytest
from conftest import CONTEXT, exact, ulps
from table_rows import MP, ROWS, at_mp, points

from diffkit.core.rules import by_rule, trace
from diffkit.core.table import table
from diffkit.core.text.latex import latex
from diffkit.numbers.field import Field
from diffkit.numbers.floats import FLOATS
from diffkit.numbers.germs.composition import GermAlgebra
from diffkit.numbers.intervals import hull_function
from diffkit.numbers.multiprecision import multiprecision


def having(fact):
    return pytest.mark.parametrize("row", [r for r in ROWS if getattr(r, fact)], ids=lambda r: r.name)


def defined(row, args):
    value = MP.apply(row, [MP.number(a) for a in args])
    return value if CONTEXT.isfinite(value) else None


@having("odd")
def test_odd_rows_change_sign_with_their_argument(row):
    assert any(defined(row, p) is not None for p in points(row))
    for (x,) in points(row):
        assert at_mp(row, (-x,)) == -at_mp(row, (x,))


def drawn(row, count):
    """Random arguments of a row, of sizes from 1e-5 to 1e4, of either sign."""
    rng = np.random.default_rng(7)
    orders = [3.0] * len(row.orders)
    for _ in range(count):
        free = rng.normal(size=len(row.arguments) - len(orders)) * 10.0 ** rng.uniform(-5, 4)
        yield (*orders, *map(float, free))


@pytest.mark.parametrize("row", [r for r in ROWS if not r.truth and not r.truths], ids=lambda r: r.name)
def test_values_lie_in_the_range(row):
    low, high = row.range
    values = [v for p in (*points(row), *drawn(row, 200)) if (v := defined(row, p)) is not None]
    assert len(values) > 20
    assert low <= min(values)
    assert max(values) <= high
    if row.positive:
        assert min(values) > 0
    span = [MP.apply(row, [MP.number(x)]) for x in (-1e3, 0.0, 1e3)] if len(row.arguments) == 1 else []
    for end, value in zip((low, high), span and (min(span), max(span)), strict=False):
        if row.monotone and not row.places and math.isfinite(end) and CONTEXT.isfinite(value):
            assert abs(value - end) < 1e-3 * max(1, abs(end)), "the range is larger than it need be"


@pytest.mark.parametrize(
    "row", [row for row in table if row.monotone and len(row.arguments) == 1], ids=lambda row: row.name
)
def test_monotone_rows_never_turn_and_are_defined_in_their_domain(row):
    low, high = row.domain
    inside = sorted(x for (x,) in (*points(row), *drawn(row, 200)) if low < x < high)
    values = [MP.apply(row, [MP.number(x)]) * row.monotone for x in inside]
    values = [v for v in values if CONTEXT.isfinite(v)]
    assert len(values) > 20
    assert all(a <= b for a, b in pairwise(values))
    for end, beyond in ((low, -1.0), (high, 1.0)):
        assert defined(row, (beyond * 1e3 if math.isinf(end) else end - beyond * 2.0**-20,)) is not None
        if math.isfinite(end):
            assert defined(row, (end + beyond * 2.0**-20,)) is None


@having("hull")
def test_a_hull_holds_all_values_and_little_more(row):
    rng = np.random.default_rng(3)
    orders = [(2.0,), (3.0,), (0.5,)] if len(row.arguments) == 2 else [()]
    for _ in range(300):
        middle, radius = float(rng.normal() * 4), float(10.0 ** rng.uniform(-6, 0))
        further = orders[int(rng.integers(len(orders)))]
        found = hull_function(row)(flint.arb(middle, radius), *map(flint.arb, further))
        xs = [middle + radius * t for t in np.linspace(-1, 1, 41)]
        values = [v for x in xs if (v := defined(row, (x, *further))) is not None]
        if not values or not found.is_finite():
            continue
        low, high = float(found.lower()), float(found.upper())
        assert low <= min(values)
        assert max(values) <= high
        if len(values) == len(xs) and radius < 0.5:
            assert high - low <= 1.1 * float(max(values) - min(values)) + 1e-6 * radius + 1e-12


@having("tails")
def test_tails_are_reached_faster_than_any_power(row):
    for x, limit in zip((-120.0, 120.0), row.tails, strict=True):
        value = at_mp(row, (x,))
        if math.isinf(limit):
            assert value > CONTEXT.mpf(10) ** 40
        else:
            assert abs(value - int(limit)) < CONTEXT.mpf(10) ** -40


@pytest.mark.parametrize(
    ("row", "fact"),
    [pytest.param(r, f, id=f"{r.name}-{f}") for r in ROWS for f in ("moved", "exact") if callable(getattr(r, f))],
)
def test_identities_of_a_row_mean_the_same(row, fact):
    rule = getattr(row, fact)
    digits = multiprecision(900)  # asinh at −1e200 cancels 400 digits
    for point in points(row):
        value, truth = by_rule(rule, digits, [digits.number(p) for p in point]), at_mp(row, point)
        assert value == truth or abs(value - truth) <= CONTEXT.mpf(10) ** -45 * abs(truth)


AS_FAST = ("gamma", "loggamma", "digamma", "polygamma")
"""rows whose growth is a bound, not an identity"""


@having("growth")
def test_growth_is_no_slower_than_the_row(row):
    """The same far out; a bound where its sine is 1, and beyond any power where the row is."""
    orders, size = (0.0,) * len(row.orders), len(row.arguments) - len(row.orders)
    bound = row.name in AS_FAST
    for x in (100.5 * math.pi, 20.5 * math.pi) if bound else (50.5, 300.5, -50.5, -300.5):
        args = [MP.number(a) for a in (*orders, *[x] * size)]
        value, growth = MP.apply(row, args), by_rule(row.growth, MP, args)
        if not CONTEXT.isfinite(value):
            assert x < 0
        elif bound:
            assert 0 < value <= 2 * growth or value > growth > CONTEXT.mpf(x) ** 12
        else:
            assert abs(value - growth) <= CONTEXT.mpf(10) ** -20 * abs(value)


@having("away")
def test_poles_are_moved_away_one_by_one(row):
    for n in range(4):
        x = MP.number(-n + 2.0**-20)
        value, truth = by_rule(row.away(n), MP, [x]), MP.apply(row, [x])
        assert abs(value - truth) <= CONTEXT.mpf(10) ** -45 * abs(truth)


@pytest.mark.parametrize("row", [r for r in ROWS if r.callable], ids=lambda r: r.name)
def test_latex_holds_every_argument_once(row):
    inputs = [f"x{i}" for i in range(len(row.arguments))]
    text = latex(
        trace(lambda F, *xs: getattr(F, row.name)(*(xs if not row.truths else (xs[0] > 0, *xs[1:]))), len(inputs))
    )
    assert all(text.count(f"x_{{{i}}}") == 1 for i in range(len(inputs)))
    assert text.count("{") == text.count("}")
    assert text.count("\\left") == text.count("\\right")
    assert "#" not in text


def test_a_misspelt_rule_is_told_with_its_row_and_line():
    source = (
        "import diffkit as dk\nfrom diffkit.core.table import table\n"
        "table.add('half', 'x', 'x/2', floats=lambda x: x / 2,\n          partials=(lambda F, x, y: F.sqr(x),))\n"
        "try:\n    dk.derivative('half(x)', 1)\nexcept dk.RuleError as error:\n    print(error)\n"
    )
    found = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert found.startswith(
        "the row half, <string> line 4 calls F.sqr, which is no row of the table (did you mean sqrt?"
    )


@having("complement")
def test_complements_mean_the_same_and_do_not_cancel(row):
    known, digits = row.complement, multiprecision(900)
    for (x,) in points(row):
        value = by_rule(known.form, digits, [digits.number(x)])
        right = known.top - digits.apply(row, [digits.number(x)]) ** known.power
        assert abs(value - right) <= CONTEXT.mpf(10) ** -300 * max(1, abs(right))
        if right and math.isfinite(float(right)):
            assert ulps(by_rule(known.form, FLOATS, [x]), exact(str(right))) <= 16


@pytest.mark.parametrize(("fact", "algebra", "prefix"), [("germ", GermAlgebra, "_"), ("exact", Field, "")])
def test_a_form_by_name_is_a_method(fact, algebra, prefix):
    forms = [form for row in ROWS if (form := getattr(row, fact)) and isinstance(form, str)]
    assert forms
    assert all(callable(getattr(algebra, prefix + form)) for form in forms)

"""Every row of the table of primitives, generated: its rule, its values, its text and its documentation."""

import math
from fractions import Fraction
from html import unescape
from pathlib import Path

import flint
import numpy as np
import pytest
import sympy
from conftest import CONTEXT, exact, ulps
from table_rows import MP, ROWS, at_mp, points

import diffkit as dk
from diffkit.calculus.sympy.outward import SYMPY
from diffkit.core.program import run
from diffkit.core.rules import by_definition, by_rule, partial, trace
from diffkit.core.table import Primitive, table
from diffkit.core.text import format_outputs, parse_program
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.balls import ball_function, precision
from diffkit.numbers.duals import Dual, DualAlgebra
from diffkit.numbers.floats import FLOATS
from diffkit.numbers.multiprecision import multiprecision
from diffkit.numbers.taylor import TaylorAlgebra

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "functions.md"


VALUES = [pytest.param(row, p, id=f"{row.name}{p}") for row in ROWS for p in points(row)]
SLOPES = [
    pytest.param(row, i, p, id=f"{row.name}-{i}-{p}")
    for row in ROWS
    for i, rule in enumerate(row.partials)
    for p in points(row)
    if rule is not None and not row.truths and not row.continues
]
REMOVABLE = [pytest.param(row, row.removable, id=row.name) for row in ROWS if row.removable]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_every_row_has_points_and_a_sentence(row):
    assert row.points
    assert row.doc
    assert all(len(p) == len(row.arguments) for p in points(row))


@pytest.mark.parametrize(("row", "index", "point"), SLOPES)
def test_the_rule_is_what_sympy_differentiates_to(row, index, point):
    assert rule_error(row, index, point) <= CONTEXT.mpf(10) ** -40


@pytest.mark.parametrize(("row", "place"), REMOVABLE)
def test_a_power_series_is_that_of_the_definition(row, place):
    """The series gives the derivatives that the definition has near the point, at and on either side of it."""
    digits = multiprecision(400)
    series = table[f"{row.name}_series"]
    for part in (-1.0, -0.4, 1e-3, 0.4, 1.0):
        x = float(place.at + place.reach * Fraction(part) * Fraction(127, 128))
        for n in range(6):
            taylor = TaylorAlgebra(digits)
            (own,) = run(trace(row.definition, 1), taylor, [taylor.variable(digits.number(x))])
            truth = own.coefficient(n) * math.factorial(n)
            value = digits.apply(series, [digits.number(n), digits.number(x)])
            assert abs(value - truth) <= digits.context.mpf(10) ** -300 * max(1, abs(truth))
            float_value = FLOATS.apply(series, (n, x))
            assert ulps(float_value, truth) <= series.ulps + 0.5
    for n in range(6):
        assert FLOATS.apply(series, (n, float(place.at))) == float(place.series(n) * math.factorial(n))
        assert series.fold(n, place.at) == place.series(n) * math.factorial(n)


@pytest.mark.parametrize(("row", "place"), REMOVABLE)
def test_derivatives_of_high_order_keep_their_digits_beside_the_series(row, place):
    digits = multiprecision(100)
    for share in (0.02, 0.3, 0.95, 1.05, 1.5):
        x = float(place.at) + share * float(place.reach)
        taylor = TaylorAlgebra(digits)
        (own,) = run(trace(row.definition, 1), taylor, [taylor.variable(digits.number(x))])
        for n in range(1, 13):
            found = dk.derivative(f"{row.name}(x)", x, order=n, backend="dual").value
            assert found == pytest.approx(float(own.coefficient(n) * math.factorial(n)), rel=1e-11)


@pytest.mark.parametrize(("row", "place"), REMOVABLE)
def test_balls_about_a_removable_point_hold_all_values(row, place):
    """Of the row and of its derivatives, over balls that hold the point, touch it, or lie beside it."""
    series = ball_function(table[f"{row.name}_series"])
    at = float(place.at)
    for middle, radius in ((at, 0.0), (at, 0.2), (at + 0.1, 0.1), (at - 1e-9, 1e-8), (at + 0.02, 0.01), (at + 3, 0.5)):
        with precision(128):
            x = flint.arb(middle, radius)
            for n in range(4):
                enclosure = series(flint.arb(n), x)
                assert enclosure.is_finite()
                assert n or ball_function(row)(x).overlaps(enclosure)
                for part in (-0.99, -0.5, 0.3, 0.99):
                    taylor = TaylorAlgebra(MP)
                    (own,) = run(trace(row.definition, 1), taylor, [taylor.variable(MP.number(middle + part * radius))])
                    if middle + part * radius != at:
                        truth = own.coefficient(n) * math.factorial(n)
                        slack = 1e-30 * (1 + abs(float(truth)))
                        assert float(enclosure.lower()) - slack <= truth <= float(enclosure.upper()) + slack
            if radius < 1e-6:
                assert enclosure.rad() < 1e-6


@pytest.mark.parametrize(
    ("row", "point"), [pytest.param(row, p, id=f"{row.name}{p}") for row in ROWS if row.written for p in points(row)]
)
def test_a_partial_as_people_write_it_is_the_partial(row, point):
    args = [MP.number(p) for p in point]
    for k, rule in enumerate(row.partials):
        written, right = (by_rule(r, MP, [*args, at_mp(row, point)]) for r in (row.shown(k), rule))
        assert abs(written - right) <= CONTEXT.mpf(10) ** -50 * (1 + abs(right))


def rule_error(row, index, point):
    """Relative difference between a row's partial and sympy.diff of its SymPy form, at 60 digits."""
    symbols = [sympy.Symbol(f"s{i}", real=True) for i in range(len(point))]
    args = [sympy.Integer(p) if i in row.orders else s for i, (s, p) in enumerate(zip(symbols, point, strict=True))]
    derivative = sympy.diff(SYMPY.apply(row, args), symbols[index])
    at = {s: sympy.Float(p, 150) for s, p in zip(symbols, point, strict=True)}
    expected = exact(str(derivative.subs(at).evalf(60)))
    found = partial(row, index).at(MP, [MP.number(p) for p in point], at_mp(row, point))
    return abs(found - expected) / max(abs(found), CONTEXT.mpf(10) ** -400)


@pytest.mark.parametrize(("row", "point"), VALUES)
def test_floats_are_within_the_ulps_the_row_states(row, point):
    value, truth = FLOATS.apply(row, point), at_mp(row, point)
    if row.truth or row.truths == (0,):
        assert value == truth
    else:
        assert ulps(value, truth) <= row.ulps + 0.5


@pytest.mark.parametrize(("row", "point"), VALUES)
def test_arrays_are_as_good_as_floats(row, point):
    with np.errstate(all="ignore"):
        value = ARRAYS.apply(row, [a if i in row.orders else np.array([a, a]) for i, a in enumerate(point)])
    assert value.shape == (2,)
    truth = at_mp(row, point)
    if row.truth or row.truths == (0,):
        assert value[0] == truth
    else:
        assert ulps(float(value[1]), truth) <= max(row.ulps, 2.0) + 2.0


@pytest.mark.parametrize(
    ("row", "point"), [pytest.param(r, p, id=f"{r.name}{p}") for r in ROWS if r.definition for p in points(r)]
)
def test_the_definition_means_the_same(row, point):
    digits = multiprecision(120)  # definitions may cancel where the row itself does not
    defined = by_definition(row, digits, [digits.number(p) for p in point])
    assert abs(defined - at_mp(row, point)) <= CONTEXT.mpf(10) ** -45 * max(abs(defined), CONTEXT.mpf(10) ** -400)


@pytest.mark.parametrize(("row", "point"), [v for v in VALUES if v.values[0].pushforward])
def test_a_pushforward_is_the_sum_of_the_partials(row, point):
    """Each argument alone and all of them together; a choice or a better-rounded form changes nothing else."""
    algebra = DualAlgebra(MP)
    moving = [i for i, rule in enumerate(row.partials) if rule is not None]
    speeds = {i: MP.number(0.7 * (i + 1)) for i in moving}
    args = [p if i in row.truths else MP.number(p) for i, p in enumerate(point)]
    for chosen in [*([i] for i in moving), moving]:
        duals = [Dual(a, {0: speeds[i]} if i in chosen else None) for i, a in enumerate(args)]
        answer = algebra.apply(row, duals)
        total = sum(partial(row, i).at(MP, args, answer.primal) * speeds[i] for i in chosen)
        assert abs(answer.tangents[0] - total) <= CONTEXT.mpf(10) ** -50 * max(1, abs(total))


@pytest.mark.parametrize("row", [r for r in ROWS if r.variadic], ids=lambda r: r.name)
def test_any_number_of_arguments(row):
    values = [0.3, -1.25, 2.5, 0.1]
    for count in (1, 2, 3, 4):
        if count == 1 and row.name == "hypot":  # it would be |x|
            continue
        program = parse_program(f"{row.name}({', '.join(f'x{i}' for i in range(count))})")
        expected = values[0]
        for value in values[1:count]:
            expected = row.floats(expected, value)
        assert run(program, FLOATS, values[:count]) == [expected]
        assert parse_program(format_outputs(program)[0]) == program


@pytest.mark.parametrize("row", [r for r in ROWS if r.callable], ids=lambda r: r.name)
def test_parser_and_printer_know_the_row(row):
    for name in (row.name, *row.aliases):
        args = ["2" if i in row.orders else "x > 0" if i in row.truths else f"x{i}" for i in range(len(row.arguments))]
        program = parse_program(f"{name}({', '.join(args)})")
        (text,) = format_outputs(program)
        assert text.startswith(f"{row.name}(")
        assert parse_program(text) == program


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_the_reference_documents_the_row(row):
    text = unescape(REFERENCE.read_text(encoding="utf-8").replace("\\", ""))
    assert f"| {row.signature} |" in text
    assert row.doc in text


@pytest.mark.parametrize(("row", "point"), [v for v in VALUES if v.values[0].places])
def test_no_point_stands_at_a_special_place(row, point):
    for place in row.places:
        margin = run(trace(place.margin, len(point)), FLOATS, point)[0]
        assert margin > 0 if place.kind == "edge" else margin != 0


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_the_table_is_closed_under_differentiation(row):
    """A derivative can itself be differentiated: every rule is written in rows that have rules."""
    for index, rule in enumerate(row.partials):
        if rule is not None:
            used = {primitive for primitive, _ in partial(row, index).program.instructions}
            assert used <= set(ROWS)


PLACES = [
    pytest.param(row, place, id=f"{row.name}-{place.kind}-{i}") for row in ROWS for i, place in enumerate(row.places)
]


@pytest.mark.parametrize(("row", "place"), PLACES)
def test_places_say_the_truth(row, place):
    """Beyond an edge there is no value; at a pole it grows; at a jump it jumps; at a kink the slopes differ."""
    found = SPECIAL[row.name, place.kind, row.places.index(place)]
    for at in found:
        margin = run(trace(place.margin, len(at)), FLOATS, at)[0]
        assert margin == 0 or abs(margin) < 1e-15
        near = [[float(v) for v in side] for side in neighbours(row, at)]
        values = [FLOATS.apply(row, side) for side in near]
        if place.kind == "edge":
            values.append(FLOATS.apply(row, at))  # beyond it, or at least there, is no value
            assert any(math.isnan(v) or math.isinf(v) for v in values) or place.closed
        elif place.kind == "pole":
            assert max(map(abs, values)) > 1e5
        elif place.kind == "removable":
            values.append(FLOATS.apply(row, at))
            assert max(values) - min(values) < 1e-6
        elif place.kind == "jump":
            values.append(FLOATS.apply(row, at))
            assert max(values) - min(values) >= 0.5
        else:
            middle = FLOATS.apply(row, at)
            slopes = [(v - middle) / 1e-7 for v in values]
            assert abs(slopes[0] + slopes[1]) > 0.1 or min(map(abs, slopes)) > 1e4


def neighbours(row, at):
    """The point moved a little up and down in its last argument (the first for powers and divisions by choice)."""
    which = MOVES.get(row.name, len(at) - 1)
    for step in (1e-7, -1e-7):
        yield [v + step if i == which else v for i, v in enumerate(at)]


MOVES = {"power": 0, "atan2": 0, "max": 0, "min": 0}
SPECIAL = {
    ("div", "pole", 0): [(1.0, 0.0)],
    ("power", "edge", 0): [(0.0, 0.5)],
    ("power", "edge", 1): [(0.0, 0.5)],
    ("power", "pole", 2): [(0.0, -2.0)],
    ("abs", "kink", 0): [(0.0,)],
    ("sign", "jump", 0): [(0.0,)],
    ("floor", "jump", 0): [(2.0,), (-1.0,)],
    ("ceil", "jump", 0): [(2.0,), (-1.0,)],
    ("heaviside", "jump", 0): [(0.0,)],
    ("sqrt", "edge", 0): [(0.0,)],
    ("cbrt", "kink", 0): [(0.0,)],
    ("log", "edge", 0): [(0.0,)],
    ("log2", "edge", 0): [(0.0,)],
    ("log10", "edge", 0): [(0.0,)],
    ("log1p", "edge", 0): [(-1.0,)],
    ("tan", "pole", 0): [(math.pi / 2,)],
    ("cot", "pole", 0): [(0.0,)],
    ("sec", "pole", 0): [(math.pi / 2,)],
    ("csc", "pole", 0): [(0.0,)],
    ("asin", "edge", 0): [(1.0,), (-1.0,)],
    ("acos", "edge", 0): [(1.0,), (-1.0,)],
    ("atan2", "jump", 0): [(0.0, -1.0)],
    ("hypot", "kink", 0): [(0.0, 0.0)],
    ("acosh", "edge", 0): [(1.0,)],
    ("atanh", "edge", 0): [(1.0,), (-1.0,)],
    ("gamma", "pole", 0): [(0.0,), (-2.0,)],
    ("loggamma", "edge", 0): [(0.0,), (-2.0,)],
    ("digamma", "pole", 0): [(0.0,), (-2.0,)],
    ("polygamma", "pole", 0): [(1.0, 0.0), (0.0, -2.0)],
    ("max", "kink", 0): [(1.0, 1.0)],
    ("min", "kink", 0): [(1.0, 1.0)],
    ("relu", "kink", 0): [(0.0,)],
    **{
        (row.name, "removable", row.places.index(row.removable)): [(float(row.removable.at),)]
        for row in ROWS
        if row.removable
    },
    **{
        (row.name, "edge", 0): [(0.0, float(base.removable.at + base.removable.reach))]
        for row in ROWS
        if (base := row.continues)
    },
    **{(name, "jump", 0): [(1.0, 1.0)] for name in ("lt", "le", "gt", "ge", "eq", "ne")},
}


def test_two_rows_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two rows are called sin"):
        table.add("sin", "x", "again", partials=(None,))


def test_a_wrong_rule_would_be_noticed():
    """The check of the rules is not vacuous: it sees a wrong sign, a wrong function and an error of 1e-20."""
    rules = [lambda F, x, y: -y, lambda F, x, y: F.cos(x), lambda F, x, y: y * (1 + F.rational(1, 10**20))]
    for rule in rules:
        wrong = Primitive("wrong", ("x",), "exp with a wrong rule", (rule,), mpmath="exp", sympy="exp")
        assert rule_error(wrong, 0, (1.0,)) > CONTEXT.mpf(10) ** -40
    right = Primitive("right", ("x",), "exp", (lambda F, x, y: y,), mpmath="exp", sympy="exp")
    assert rule_error(right, 0, (1.0,)) <= CONTEXT.mpf(10) ** -40

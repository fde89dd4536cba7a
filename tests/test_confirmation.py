"""The second witness: every row is broken in turn, at tiny, ordinary and huge points, under functions that choose."""

import math
import os
import random
from dataclasses import replace

import pytest
from flint import arb, arb_series

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hessian_task
from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import run
from diffkit.core.table import table
from diffkit.numbers.balls import SERIES, precision, series_function
from diffkit.numbers.multiprecision import multiprecision
from diffkit.proof.confirmation import Links, Polarisation
from diffkit.proof.proofs import Proofs

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "1000"))
ROWS = [row for row in table if any(rule is not None for rule in row.partials) and not row.truths]
BREAKS = {
    "zero": lambda F, p: 0 * p,
    "twice": lambda F, p: 2 * p,
    "sign": lambda F, p: -p,
    "1e-6 of it": lambda F, p: p * (1 + F.rational(1, 10**6)),
    "1e-16 of it": lambda F, p: p * (1 + F.rational(1, 10**16)),
    "1e-20 more": lambda F, p: p + F.rational(1, 10**20),
    "1e-300 more": lambda F, p: p + F.rational(1, 10**300),
}
OUTER = {
    "itself": lambda F, y, x: y,
    "abs": lambda F, y, x: F("abs", y),
    "relu": lambda F, y, x: F("relu", y),
    "max": lambda F, y, x: F("max", y, 0),
    "min": lambda F, y, x: F("min", y, 0),
    "where": lambda F, y, x: F("where", F("gt", y, 0), y, F("mul", 3, y)),
    "hypot": lambda F, y, x: F("hypot", y, x),
    "size": lambda F, y, x: F("hypot", y, 0),
    "inverse": lambda F, y, x: F("div", 1, y),
    "quotient": lambda F, y, x: F("div", x, y),
    "cbrt": lambda F, y, x: F("cbrt", y),
    "root": lambda F, y, x: F("sqrt", F("abs", y)),
    "log": lambda F, y, x: F("log", F("abs", y)),
}
SIZES = [5e-324, 1e-300, 1e-200, 1e-100, 1e-40, 1e-16, 1e-8, 1e-3, 0.1, 0.3, 1.5, 2.5, 7.25, 30.5, 1e3, 1e5, 1e10, 1e20,
         1e100, 1e300]  # fmt: skip
FAR = -1e6  # SciPy has no value for polygamma beyond, or takes hours


class Slot(int):
    """A slot of a builder, to be told from a constant."""


def composed(row, outer, order):
    """A program of the row at its inputs, with a function outside."""
    names = [f"x{i}" for i in range(len(row.arguments))]
    builder = ProgramBuilder(names)

    def F(name, *args):
        return Slot(builder.apply(table[name], [a if isinstance(a, Slot) else builder.constant(a) for a in args]))

    args = [builder.constant(order) if i in row.orders else i for i in range(len(names))]
    return builder.program([OUTER[outer](F, Slot(builder.apply(row, args)), Slot(len(names) - 1))], names)


def broken(row, k, how):
    """The row with its k-th partial made wrong."""
    rule, spoil = row.partials[k], BREAKS[how]
    wrong = lambda F, *args: spoil(F, F.floor(args[-1] * 0) + rule(F, *args))  # noqa: E731  (a slot, where it is 1)
    return replace(
        row, partials=tuple(wrong if i == k else r for i, r in enumerate(row.partials)), pushforward=None, infix=""
    )


def statuses(answer):
    return [answer.odd[c].status if c in answer.odd else "ok" for c in range(len(answer.values))]


def drawn(count, seed=0):
    rng = random.Random(seed)
    for _ in range(count):
        row, outer, order = rng.choice(ROWS), rng.choice(list(OUTER)), rng.choice((0, 1, 2, 5))
        k = rng.choice([i for i, rule in enumerate(row.partials) if rule is not None])
        sizes = [rng.choice((1, -1)) * rng.choice(SIZES) for _ in row.arguments]
        point = [size * rng.choice((1, 1, rng.uniform(0.5, 1.5))) for size in sizes]
        if row.name not in ("digamma", "polygamma") or point[-1] > FAR:
            yield row, outer, order, k, rng.choice(list(BREAKS)), point


@pytest.mark.parametrize("task", [gradient_task, hessian_task])
def test_a_broken_row_is_never_confirmed_and_a_right_one_never_accused(task):
    uncertain = total = 0
    for row, outer, order, k, how, point in drawn(EXAMPLES):
        case = (row.name, outer, order, k, how, point)
        right = Proofs(task(composed(row, outer, order))).at(point)
        assert not any(odd.cause == "wrong rule" for odd in right.odd.values()), case
        wrong = Proofs(task(composed(broken(row, k, how), outer, order))).at(point)
        pairs = zip(statuses(right), statuses(wrong), right.values, wrong.values, strict=True)
        for status, spoilt, value, other in pairs:
            total += 1
            uncertain += status == "uncertain"
            assert spoilt != "ok" or (status == "ok" and value == other), case
    assert uncertain <= total // 50  # of second derivatives 1e600 apart, which 2400 bits do not tell from 0 together


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e-200, 1e-40])
@pytest.mark.parametrize("text", [
    "relu(tanh(x))", "abs(sinh(x))", "cbrt(sinh(x))", "max(tanh(x), 0)", "relu(asinh(x))", "abs(expm1(x))", "1/sinh(x)",
    "min(atanh(x), 1)", "abs(log1p(x))", "hypot(sinh(x), x)", "sqrt(abs(tan(x)))", "abs(erf(x))", "x/tanh(x)",
    "where(asin(x) > 0, x, 2*x)", "relu(-sinh(x))", "abs(besselj(1, x))",
])  # fmt: skip
def test_signs_of_tiny_numbers(text, size):
    digits = multiprecision(1500)
    f = dk.parse(text).program
    for at in (size, -size):
        h = digits.number(at) * digits.context.mpf(10) ** -400
        high, low = (run(f, digits, [digits.number(at) + sign * h])[0] for sign in (1, -1))
        truth, found = (high - low) / (2 * h), dk.derivative(text, at)
        if abs(truth) > digits.context.mpf(2) ** 1024:
            assert found.status == "overflow"
        else:
            assert found.status == "ok"
            assert found.value == float(truth + 0 if abs(truth) > 1e-330 else 0)


@pytest.mark.parametrize("row", [r for r in table if not r.truths and not r.truth], ids=lambda r: r.name)
def test_series_that_are_too_wide_know_nothing(row):
    """Around an argument that may be anywhere, no coefficient is finite, or each holds what it is at the points."""
    for point in row.points:
        point = point if isinstance(point, tuple) else (point,)
        with precision(96, 3):
            orders = [k in row.orders for k in range(len(point))]
            sharp = [arb_series([x] if fixed else [x, 1]) for x, fixed in zip(point, orders, strict=True)]
            wide = [
                arb_series([x] if fixed else [arb(x, 4 * abs(x) + 1), 1])
                for x, fixed in zip(point, orders, strict=True)
            ]
            known, vague = (series_function(row)(*args) for args in (sharp, wide))
            for k in range(3):
                assert not vague[k].is_finite() or vague[k].overlaps(known[k]), (point, k)


@pytest.mark.parametrize(
    ("text", "at"),
    [("digamma(x)", 0.3), ("digamma(x)", -30.7), ("polygamma(2, x)", 1e-5), ("polygamma(4, x)", -2.5),
     ("besselj(0, x)", 3.0), ("besselj(-3, x)", -9.0), ("besselj(2, sin(x))", 1e3), ("loggamma(x)", -12.3),
     ("polygamma(1, x)", 1e9)],
)  # fmt: skip
def test_series_of_special_functions_hold_mpmaths_derivatives(text, at):
    program = dk.parse(text).program
    digits = multiprecision(60)
    with precision(300, 4):
        (series,) = run(program, SERIES, [arb_series([at, 1])])
        for k in range(4):
            truth = digits.context.diff(lambda x: run(program, digits, [x])[0], digits.number(at), k)
            assert abs(digits.context.mpf(series[k].str(40, radius=False)) * math.factorial(k) - truth) <= 1e-20 * abs(
                truth
            )


LINKED = {
    "x*y + z": {(0, 1)}, "x + abs(y) - max(z, 1)": set(), "sin(x + y)*z": {(0, 0), (0, 1), (1, 1), (0, 2), (1, 2)},
    "x/3 + y/z": {(1, 2), (2, 2)}, "where(x > 0, y*y, z)": {(1, 1)},
}  # fmt: skip


@pytest.mark.parametrize("text", LINKED)
def test_zeros_of_the_graph_need_no_series(text):
    links = Links(dk.parse(text, ("x", "y", "z")).program)
    assert {(i, j) for i in range(3) for j in range(i, 3) if links.matter(0, (i, j))} == LINKED[text]


def test_components_of_every_size_are_confirmed():
    text = "+".join(f"10^({-20 * k})*sin(x{k})" for k in range(12)) + "+where(x0 > 0, x0, x12) + floor(x13)*0"
    at = {f"x{k}": 0.5 for k in range(14)}
    found = dk.gradient(text, at)
    assert found.ok
    expected = [10.0 ** (-20 * k) * math.cos(0.5) + (k == 0) for k in range(12)] + [0.0, 0.0]
    assert found.value == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("unknown", ["nan", "1 +/- inf"])
def test_a_coefficient_that_may_be_anything_says_nothing(unknown):
    along = frozenset({(0, 1)})
    check = Polarisation(0, 1, ((None, along),), ((arb(1), 0),))
    assert check.agrees({along: [[arb(0), arb(1)]]}, [arb(1)])
    assert check.agrees({along: [[arb(0), arb(unknown)]]}, [arb(1)]) is None
    assert check.agrees({along: [[arb(0), arb(1)]]}, [arb(unknown)]) is None

"""Stationary points: known ones, singular ones, curves, and what is proven."""

import math
from itertools import product

import numpy as np
import pytest
import sympy
from scipy import optimize
from stationary_cases import CAMEL, HIMMELBLAU, ROSENBROCK, kinds

import diffkit as dk
from diffkit.asking.expressions import parse
from diffkit.core.limits import SEARCH_BITS
from diffkit.lessons.stationary_points.boxes import Surface, balls, excludes_zero, measured, value_range
from diffkit.lessons.stationary_points.newton import krawczyk, proves
from diffkit.lessons.stationary_points.points_found import signs
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import ends


def by_scipy(text, box, starts=15):
    """Zeros of SymPy's gradient by scipy's root finder from a grid of starts, with the kind by SymPy's Hessian."""
    symbols = sympy.symbols("x y")[: len(box)]
    f = sympy.sympify(text.replace("^", "**"))
    gradient = [sympy.lambdify(symbols, sympy.diff(f, s)) for s in symbols]
    hessian = sympy.lambdify(symbols, sympy.hessian(f, symbols))
    found = []
    for start in product(*(np.linspace(low, high, starts) for low, high in box)):
        root = optimize.root(lambda x: [float(g(*x)) for g in gradient], start, tol=1e-13)
        x = root.x
        if not root.success or not all(low <= v <= high for v, (low, high) in zip(x, box, strict=True)):
            continue
        if max(abs(float(g(*x))) for g in gradient) < 1e-8 and all(np.abs(x - y).max() > 1e-6 for y, _ in found):
            e = np.linalg.eigvalsh(np.array(hessian(*x), dtype=float))
            found.append((x, "minimum" if e[0] > 0 else "maximum" if e[-1] < 0 else "saddle"))
    return found


@pytest.mark.parametrize(
    ("text", "box"),
    [(HIMMELBLAU, ((-5, 5), (-5, 5))), (CAMEL, ((-2, 2), (-1, 1))), (ROSENBROCK, ((-2, 2), (-2, 2)))],
    ids=["Himmelblau", "six-hump camel", "Rosenbrock"],
)
def test_classic_functions_have_the_points_that_scipy_finds(text, box):
    found = dk.stationary(text, box)
    expected = by_scipy(text, box)
    assert found.complete
    assert len(found) == len(expected)
    for place, kind in expected:
        near = [p for p in found.points if np.abs(np.array(p.point) - place).max() < 1e-6]
        assert len(near) == 1
        assert near[0].kind == kind
        assert near[0].proof == "interval Newton"
        assert near[0].kind_proven


def test_the_counts_of_the_classics_are_those_of_the_books():
    assert kinds(dk.stationary(HIMMELBLAU, "-5:5,-5:5")) == {"minimum": 4, "saddle": 4, "maximum": 1}
    camel = dk.stationary(CAMEL, "-2:2,-1:1")
    assert kinds(camel) == {"minimum": 6, "saddle": 7, "maximum": 2}
    low = [p for p in camel.points if p.is_global]
    assert [round(p.value, 6) for p in low] == [-1.031628] * 2
    assert sorted(abs(round(p.at["x"], 4)) for p in low) == [0.0898, 0.0898]
    assert all(p.is_global is False for p in camel.points if p.kind in ("minimum", "maximum") and p not in low)


@pytest.mark.parametrize("seed", range(6))
def test_polynomials_have_the_roots_of_their_derivatives(seed):
    roots = np.sort(np.random.default_rng(seed).uniform(-3, 3, 5)).round(3)
    slope = np.polynomial.Polynomial.fromroots(roots)
    f = slope.integ()
    text = "+".join(f"({c!r})*x^{k}" for k, c in enumerate(map(float, f.coef)))
    found = dk.stationary(text, (-4, 4))
    real = [r.real for r in np.roots(f.deriv().coef[::-1]) if abs(r.imag) < 1e-9]
    assert found.complete
    assert sorted(p.at["x"] for p in found.points) == pytest.approx(sorted(real), abs=1e-9)
    for k, p in enumerate(sorted(found.points, key=lambda p: p.at["x"])):
        assert p.kind == ("minimum" if k % 2 == 0 else "maximum")  # f′ goes from − to + at its first root
        assert p.value == pytest.approx(f(p.at["x"]), abs=1e-9)
        assert p.eigenvalues[0] == pytest.approx(f.deriv(2)(p.at["x"]), rel=1e-9, abs=1e-9)


def test_sine_times_cosine_has_a_grid():
    found = dk.stationary("sin(x)*cos(y)", "-5:5,-5:5")
    multiples = [k * math.pi / 2 for k in range(-3, 4)]
    expected = [
        (x, y) for x in multiples for y in multiples
        if abs(math.cos(x) * math.cos(y)) + abs(math.sin(x) * math.sin(y)) < 1e-9
    ]  # fmt: skip
    assert sorted(p.point for p in found.points) == [pytest.approx(e, abs=1e-15) for e in sorted(expected)]
    assert found.complete
    assert {round(p.value) for p in found.of_kind("minimum")} == {-1}
    assert all(p.is_global for p in found.points if p.kind != "saddle")


def test_three_variables_and_more():
    found = dk.stationary("x^2+y^2+z^2+x*y*z", [(-3, 3)] * 3)
    assert kinds(found) == {"minimum": 1, "saddle": 4}
    assert {abs(c) for p in found.of_kind("saddle") for c in p.point} == {2.0}
    terms = "+".join(f"(x{i}^4-16*x{i}^2+5*x{i})/2" for i in (1, 2, 3, 4))  # Styblinski & Tang, separable
    found = dk.stationary(terms, [(-5, 5)] * 4)
    roots = sorted(r.real for r in np.roots([2, 0, -16, 2.5]))
    assert found.complete
    assert len(found) == 3**4
    assert kinds(found)["minimum"] == 2**4
    (lowest,) = [p for p in found.points if p.is_global and p.kind == "minimum"]
    assert lowest.point == pytest.approx([roots[0]] * 4, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "box", "expected"),
    [
        ("x^4-3*x^3+2", (-1, 3), {2.25: "minimum", 0.0: "inflection"}),
        ("x^3", (-1, 1), {0.0: "inflection"}),
        ("x^4", (-1, 2), {0.0: "minimum"}),
        ("-x^6", (-1, 2), {0.0: "maximum"}),
        ("(x-1/3)^3", (-1, 2), {1 / 3: "inflection"}),
        ("exp(x)-1-x-x^2/2", (-1, 1), {0.0: "inflection"}),
        ("exp(-x^2)", (-3, 5), {0.0: "maximum"}),
        ("x+1/x", (-3, 2), {1.0: "minimum", -1.0: "maximum"}),
        ("x*log(x)", (-1, 2), {math.exp(-1): "minimum"}),
        ("sin(x)^4", (2, 4), {math.pi: "minimum"}),
        ("x^2", (0, 2), {0.0: "minimum"}),
        ("x*abs(x)", (-1, 1), {0.0: "inflection"}),
        ("where(x<0, x^2, x^3)", (-1, 1), {0.0: "minimum"}),
        ("abs(x-1/3)+x/2", (-3, 2), {1 / 3: "kink minimum"}),
        ("-abs(x)", (-1, 2), {0.0: "kink maximum"}),
        ("max(x, -2*x)", (-1, 2), {0.0: "kink minimum"}),
        ("log(x)", (-1, 2), {}),
        ("exp(x)+x", (-3, 2), {}),
        ("1/x", (-3, 2), {}),
        ("tan(x)", (-3, 2), {}),
        ("sqrt(x)", (0, 2), {}),
        ("cbrt(x)", (-1, 1), {}),
    ],
)  # fmt: skip
def test_kinds_of_one_variable(text, box, expected):
    found = dk.stationary(text, box)
    assert found.complete, found
    assert {p.kind: p.at["x"] for p in found.points} == pytest.approx({k: x for x, k in expected.items()}, abs=1e-12)
    assert all(p.kind_proven for p in found.points)


def test_monkey_saddle_is_proven_one_though_its_hessian_is_zero():
    (point,) = dk.stationary("x^3-3*x*y^2", "x=-2:2,y=-1:1").points
    assert (point.kind, point.kind_proven, point.proof, point.point) == ("saddle", True, "exact", (0.0, 0.0))
    assert point.eigenvalues == (0.0, 0.0)


def test_a_minimum_with_a_singular_hessian_is_enclosed_by_its_rim():
    found = dk.stationary("x^4+y^4", "x=-1:2,y=-1:3")
    (point,) = found.points
    assert (point.kind, point.kind_proven, point.is_global) == ("minimum", True, True)
    (point,) = dk.stationary("x^4+y^3", "x=-1:2,y=-1:3").points  # x⁴ + y³ falls along y
    assert (point.kind, point.kind_proven) == ("saddle", True)
    (point,) = dk.stationary("abs(x)+abs(y)", "x=-3:2,y=-3:2").points
    assert (point.kind, point.kind_proven, point.proof) == ("kink minimum", True, "enclosed")


def test_sine_and_cosine_over_a_box_lie_between_their_extremes():
    random = np.random.default_rng(0)
    for _ in range(300):
        low, high = np.sort(random.uniform(-9, 9, 2) if random.uniform() < 0.5 else random.normal(math.pi, 0.01, 2))
        places = np.linspace(low, high, 2001)
        for text, f in (("sin(x)", np.sin), ("cos(x)", np.cos), ("cosh(x)", np.cosh)):
            with precision(SEARCH_BITS):
                value = Surface(parse(text).program).value(balls(((low, high),)))
            first, last = ends(value)
            values = f(places)
            assert first <= values.min() + 1e-12
            assert last >= values.max() - 1e-12
            if high - low < 1:
                assert last - first <= np.ptp(values) * (1 + 1e-6) + 1e-6


def test_a_curve_of_stationary_points_is_a_region_and_not_a_list():
    found = dk.stationary("(x^2+y^2-1)^2", "-2:2,-2:2")
    (point,) = found.points
    assert (point.kind, point.point, point.is_global) == ("maximum", (0.0, 0.0), False)
    (region,) = found.regions
    assert region.kind == "curve"
    assert not found.complete
    assert region.ranges["x"][0] <= -1
    assert region.ranges["x"][1] >= 1
    assert max(map(abs, region.ranges["x"])) < 1.1
    assert found.lowest.low <= 0 <= found.lowest.high + 1e-9
    for text, box in (("x^2*y", "-1:1,-1:1"), ("x^2*y^2", "-1:1,-1:1"), ("(x-sqrt(2))^2*(y-pi)^2", "1:2,3:4")):
        found = dk.stationary(text, box)
        assert [r.kind for r in found.regions] == ["curve"]
        assert found.points == ()


@pytest.mark.parametrize(("text", "side", "value"), [("3", (0, 1), 3), ("x-x+2", (0, 1), 2), ("relu(x)", (-3, 0), 0)])
def test_flat_functions_are_said_to_be_flat(text, side, value):
    found = dk.stationary(text, {"x": (-3, 2) if text == "relu(x)" else (0, 1)})
    assert found.points == ()
    (region,) = found.regions
    assert region.kind == "flat"
    assert region.proven
    assert region.ranges["x"] == pytest.approx(side, abs=1e-11)
    assert f"f = {value}" in region.note
    assert found.complete


def test_kinks_that_are_not_decided_are_said():
    found = dk.stationary("max(x,-x,y,-y)", "-3:2,-3:2")
    assert [r.kind for r in found.regions] == ["kinks"]
    assert not found.complete
    assert abs(found.lowest.high) < 1e-8  # the least value is bounded all the same


def test_a_variable_that_does_not_occur_is_said():
    found = dk.stationary("x^2", "x=-1:1,y=0:1", variables=("x", "y"))
    assert found.variables == ("x",)
    assert "does not depend on y" in found.notes[0]


@pytest.mark.parametrize("text", [HIMMELBLAU, CAMEL, "sin(x)*cos(y)+x*y/9", "exp(-x^2-y^2)*(x+y/2)"])
def test_values_and_radii_hold_at_fifty_digits(text):
    """SymPy's gradient solved to 50 digits from each point must lie within the radius, and f there within its error."""
    symbols = sympy.symbols("x y")
    f = sympy.sympify(text.replace("2.1", "21/10").replace("^", "**"))
    found = dk.stationary(text, "-2:2,-1:1")
    assert found.points
    for point in found.points:
        exact = sympy.nsolve([sympy.diff(f, s) for s in symbols], symbols, point.point, prec=50)
        assert all(abs(a - sympy.Float(b, 60)) <= point.radius for a, b in zip(exact, point.point, strict=True))
        value = f.subs(dict(zip(symbols, exact, strict=True))).evalf(50)
        assert abs(value - sympy.Float(point.value, 60)) <= point.value_error
        assert point.radius < 1e-15


def test_no_proof_where_there_is_no_zero():
    surface = Surface(parse("x^2+y^2+x*y").program)
    with precision(SEARCH_BITS):
        around, beside = (balls(box) for box in (((-1.0, 2.0), (-1.0, 1.5)), ((0.5, 2.0), (-1.0, 1.5))))
        assert proves(around, krawczyk(surface, around))
        assert not proves(beside, krawczyk(surface, beside))


def test_signs_of_eigenvalues_are_proven_only_where_the_balls_allow():
    from flint import arb, arb_mat

    def kind(matrix):
        return signs(arb_mat(matrix)).kind

    with precision(SEARCH_BITS):
        assert kind([[2, 1], [1, 2]]) == "minimum"
        assert kind([[-2, 1], [1, -2]]) == "maximum"
        assert kind([[1, 2], [2, 1]]) == "saddle"
        assert kind([[1, 1], [1, 1]]) == ""
        assert kind([[1, arb(0, 1.5)], [arb(0, 1.5), 1]]) == ""  # 1 − 1.5 may be an eigenvalue
        assert kind([[3, arb(0, 1.5)], [arb(0, 1.5), 3]]) == "minimum"


ODD = ["x+1/x", "x*log(x)", "cos(x)/x", "sqrt(x)-x", "x^(2/3)*(x-1)", "tan(x)+x^2", "log(x)/x", "sqrt(1-x^2)*x", "x^x"]


@pytest.mark.parametrize("text", ODD)
def test_what_is_excluded_at_poles_and_edges_holds_no_zero(text):
    """Where intervals with infinite ends exclude a zero, scipy finds none; no sample is below their bound."""
    surface = Surface(parse(text).program)
    x = sympy.Symbol("x", real=True)
    expression = sympy.sympify(text.replace("^", "**"), {"x": x})
    f, slope = (sympy.lambdify(x, e, "numpy") for e in (expression, sympy.diff(expression, x)))
    with np.errstate(all="ignore"):
        grid = np.linspace(-3, 3, 6002)
        slopes = slope(grid)
        turns = [k for k in range(len(grid) - 1) if slopes[k] * slopes[k + 1] < 0]
        zeros = [optimize.brentq(slope, grid[k], grid[k + 1]) for k in turns]
        zeros = [z for z in zeros if abs(slope(z)) < 1e-6]  # a pole is no zero
    random = np.random.default_rng(1)
    gone = kept = 0
    for _ in range(300):
        width = 10.0 ** random.uniform(-4, 0)
        centre = random.choice([random.uniform(-2, 2), 0.0, *zeros])
        low = centre - width * random.uniform(0.1, 0.9)
        box = ((low, low + width),)
        inside = [z for z in zeros if low <= z <= low + width]
        with precision(SEARCH_BITS):
            excluded, bound = excludes_zero(surface, box), value_range(surface, box)[0]
        assert not (excluded and inside)
        gone, kept = gone + excluded, kept + bool(inside)
        with np.errstate(all="ignore"):
            values = f(random.uniform(low, low + width, 50))
        assert not (values < bound - 1e-12 * abs(values)).any()
    assert gone > 30
    assert kept > 30 or not zeros


def test_powers_of_balls_about_zero_have_a_value():
    surface = Surface(parse("x^3-2*x^2+1/x^2").program)
    for _ in range(6):  # interpreted, then compiled
        with precision(SEARCH_BITS):
            assert measured(surface.value(balls(((1.0, 2.0),))))[1] < 10
            assert surface.hessian(balls(((0.5, 2.0),)))[0, 0].is_finite()
    with precision(SEARCH_BITS):
        ball = Surface(parse("x^2+y^3").program).value(balls(((-1.0, 1.0), (-1.0, 1.0))))
        assert float(ball.lower()) == pytest.approx(-1, abs=1e-6)
        assert float(ball.upper()) == pytest.approx(2, abs=1e-6)

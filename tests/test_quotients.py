"""Difference quotients, tangents and their pictures."""

import math
import re
from fractions import Fraction

import mpmath
import pytest

import diffkit as dk
from diffkit.lessons.tangents import definiteness

PUBLISHED = {0.1: "2.30000", 0.01: "2.03000", 0.001: "2.00300", 1e-4: "2.00030", 1e-5: "2.00003"}


def test_the_published_quotients():
    found = dk.quotients("3*x^2 - 4*x", 1, steps=list(PUBLISHED))
    assert {s.h: f"{s.forward.value:.5f}" for s in found.steps} == PUBLISHED
    assert found.limits == {"forward": 2.0, "backward": 2.0, "central": 2.0}


def test_an_error_is_truncation_and_round_off():
    """By exact fractions: the quotients of 3x² − 4x at 1 are 2 + 3h, 2 − 3h and 2."""

    def f(x):
        return 3 * x**2 - 4 * x

    for step in dk.quotients("3*x^2 - 4*x", 1).steps:
        h = Fraction(step.h)
        floats = (
            (f(1 + step.h) - f(1.0)) / step.h,
            (f(1.0) - f(1 - step.h)) / step.h,
            (f(1 + step.h) - f(1 - step.h)) / (2 * step.h),
        )
        for quotient, value, exact in zip(step[1:], floats, (2 + 3 * h, 2 - 3 * h, Fraction(2)), strict=True):
            assert quotient.value == value
            assert quotient.exact == float(exact)
            assert quotient.truncation == pytest.approx(float(exact - 2), rel=1e-15)
            assert quotient.roundoff == pytest.approx(float(Fraction(value) - exact), rel=1e-12, abs=0)
            assert quotient.error == float(Fraction(value) - 2)


@pytest.mark.parametrize(("text", "function", "a"), [("exp(x)", mpmath.exp, 1.0), ("log(x)", mpmath.log, 1e-10)])
def test_truncation_by_many_digits(text, function, a):
    with mpmath.workdps(80):
        slope = mpmath.diff(function, a) if text == "exp(x)" else 1 / mpmath.mpf(a)
        for step in dk.quotients(text, a, steps=[a / 8, a / 1024, a / 2**30]).steps:
            exact = (function(a + mpmath.mpf(step.h)) - function(a)) / mpmath.mpf(step.h)
            assert step.forward.truncation == pytest.approx(float(exact - slope), rel=1e-12)


def test_steps_go_on_until_round_off_rules():
    found = dk.quotients("exp(x)", 1)
    assert [s.h for s in found.steps[:3]] == [0.1, 0.01, 0.001]
    assert all(abs(q.roundoff) > abs(q.truncation) for q in found.steps[-1][1:])
    assert found.takeover("forward") == 1e-8
    assert abs(found.steps[7].forward.roundoff) > abs(found.steps[7].forward.truncation)
    assert abs(found.steps[6].forward.roundoff) < abs(found.steps[6].forward.truncation)


@pytest.mark.parametrize("text", ["x^2", "x^3", "x"])
def test_steps_end_where_round_off_does_not_come(text):
    assert len(dk.quotients(text, 0).steps) <= 8


def test_the_short_report_has_what_is_taught(run):
    _, out, _ = run("limit", "3*x^2 - 4*x", "--at", "1")
    lines = out.splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= 100
    assert "df/dx = 2  (proven: the quotients from both sides tend to it)" in lines
    table = [line.split() for line in lines if re.match(r"(0|1e)[-.\d]", line)]
    assert {float(h): forward[:7] for h, forward, *_ in table[:5]} == PUBLISHED
    assert [float(row[2]) for row in table[:3]] == [1.7, 1.97, 1.997]
    found = dk.quotients("3*x^2 - 4*x", 1)
    best = found.best("forward")
    assert (
        f"forward: {best.error:.3g} at h = {best.h:g}; from h = {found.takeover('forward'):g} down round-off is the "
        "larger part"
    ) in lines
    assert "truncation  round-off" not in out


def test_errors_are_split_where_it_is_asked_for(run):
    _, out, _ = run("limit", "exp(x)", "--at", "1", "--steps", "0.001", "--errors")
    (step,) = dk.quotients("exp(x)", 1, steps="0.001").steps
    parts = [f"{part:.2e}" for quotient in step[1:] for part in (quotient.truncation, quotient.roundoff)]
    assert ["0.001", *parts] in [line.split() for line in out.splitlines()]
    assert "The parts of each error" in run("limit", "exp(x)", "--at", "1", "--steps", "0.1", "--format", "html")[1]


@pytest.mark.parametrize("kind", ["forward", "central"])
@pytest.mark.parametrize(("text", "a"), [("exp(x)", 1), ("sin(x)", 1e10), ("log(x)", 1e-10), ("x^3", 1000), ("1/x", 3)])
def test_theory_finds_the_best_step(text, a, kind):
    """The least error over half-decades lies within a factor of 30 of where theory puts it."""
    a = float(a)
    middle = dk.quotients(text, a, steps=[a / 10]).expected[kind]
    found = dk.quotients(text, a, steps=[middle * 10 ** (k / 2) for k in range(8, -9, -1)]).best(kind)
    assert middle / 30 < found.h < middle * 30
    assert found.expected == middle


def test_at_a_kink_the_sides_differ():
    found = dk.quotients("abs(x)", 0, steps="0.25")
    (step,) = found.steps
    assert (step.forward.value, step.backward.value, step.central.value) == (1.0, -1.0, 0.0)
    assert found.limits == {"forward": 1.0, "backward": -1.0, "central": 0.0}
    assert found.odd.status == "not_differentiable"


@pytest.mark.parametrize(
    ("text", "a", "words"),
    [
        ("sqrt(x)", 0, "edge"), ("sin(x)/x", 0, "With f(0) := 1 f would be continuous"), ("floor(x)", 1, "jumps"),
        ("1/x", 0, "one-sided quotients have none"),
    ],
)  # fmt: skip
def test_where_there_is_no_limit_it_says_what_happens(run, text, a, words):
    code, out, err = run("limit", text, "--at", str(a))
    assert (code, err) == (1, "")
    assert words in out
    assert "nan" not in out
    assert "infinite" not in out


def test_quotients_of_a_partial_derivative_and_of_functions():
    found = dk.quotients("x^2*y", {"x": 3, "y": 2}, wrt="x", steps=[0.5])
    assert found.steps[0].forward.value == (3.5**2 - 9) * 2 / 0.5
    assert found.limits["forward"] == 12
    assert dk.quotients(lambda x: x * x, 3.0, steps=[0.5]).steps[0].forward.exact == 6.5
    branching = dk.quotients(lambda x: x * x if x > 0 else -x, 3.0, steps=[0.5]).steps[0].forward
    assert branching.value == 6.5
    assert math.isnan(branching.exact)
    assert branching.error == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x^2", "--at", "1", "--steps", "0"], "not positive"),
        (["x^2", "--at", "1", "--steps", "h"], "not a number"),
        (["x*y", "--at", "1,2"], "several variables"),
        (["x^2", "--at", "x=0:1:3"], "one point"),
    ],
)
def test_bad_input_for_quotients(run, arguments, words):
    code, out, err = run("limit", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("a", "slope", "line"), [(-0.5, -1, "-x - 0.25"), (0, 0, "0"), (0.5, 1, "x - 0.25")])
def test_tangents_of_the_parabola(a, slope, line):
    found = dk.tangent("x^2", a)
    assert (found.slopes[0].value, found.multiplied_out, found.exact) == (slope, line, True)
    assert found.second.value == 2
    for model in found.models:  # the square's own rest is δ², and the parabola is the function
        assert model.line_error == pytest.approx(model.delta**2, rel=1e-14)
        assert model.quadratic_error == 0


def test_models_by_many_digits():
    with mpmath.workdps(150):
        for model in dk.tangent("exp(x)", 1, deltas=[0.5, -1e-3, 1e-30]).models:
            delta = mpmath.mpf(model.delta)
            rest = mpmath.e * (mpmath.exp(delta) - 1 - delta)
            assert model.line_error == pytest.approx(float(rest), rel=1e-12, abs=0)
            rest -= mpmath.e * delta**2 / 2
            assert model.quadratic_error == pytest.approx(float(rest), rel=1e-12, abs=0)


def test_numbers_stay_rational():
    found = dk.tangent("1/x", 3)
    assert (found.line, found.multiplied_out, found.exact) == ("1/3 - 1/9*(x - 3)", "-1/9*x + 2/3", True)
    assert not dk.tangent("exp(x)", 1).exact
    assert dk.tangent("exp(x)", 0).line == "1 + x"


@pytest.mark.parametrize(
    ("text", "a", "words"),
    [
        ("x^2", 0, "a local minimum: the first derivative that is not zero is the 2nd"),
        ("-x^4", 0, "a local maximum: the first derivative that is not zero is the 4th"),
        ("x^3", 0, "an inflection point: the first derivative that is not zero is the 3rd"),
        ("cos(x)", 0, "a local maximum"),
        ("x^2", -0.5, "f is falling"),
        ("x^2", 0.25, "gentle"),
        ("x^2", 3, "steep"),
        ("log(x)", 1, "below the tangent"),
        ("exp(x)", 1, "above the tangent"),
        ("x*abs(x)", 0, "f″ does not exist"),
        ("x^2+y^2", (0, 0), "minimum"),
        ("-x^2-y^2+x*y", (0, 0), "maximum"),
        ("x*y", (0, 0), "saddle"),
        ("x^2 + y^4", (0, 0), "does not tell what kind of point it is, for it is singular, or nearly so; diffkit stat"),
        ("cos(x)", math.pi, "f′ would be 0 about 1.22e-16 from here, and no binary64 is nearer to that place"),
        ("exp(-1/x^2)", 0.01, "changes it by about 2.27097e-4337·δ"),
    ],
)
def test_what_the_derivatives_mean(text, a, words):
    assert words in "\n".join(dk.tangent(text, a).words)


def test_only_the_nearest_float_to_a_stationary_point_is_called_one():
    for text, a, slope in (("cos(x)", math.pi, math.sin), ("sin(x)", math.pi / 2, math.cos)):
        words = [" ".join(dk.tangent(text, x).words) for x in (math.nextafter(a, 0), a, math.nextafter(a, 9))]
        assert ["rounded" in w for w in words] == [False, True, False]
        assert abs(slope(a)) < math.ulp(a) / 2 < abs(slope(math.nextafter(a, 0)))


def test_small_numbers_are_written_as_people_do():
    found = dk.tangent("sin(x)", "pi/2")
    assert found.multiplied_out == f"{math.cos(math.pi / 2)!r}*x + 0.9999999999999999"
    tiny = dk.tangent("exp(-1/x^2)", 0.01)
    with mpmath.workdps(30):
        a = mpmath.mpf(0.01)
        value = mpmath.exp(-1 / a**2)
        assert [tiny.value.text, tiny.slopes[0].text] == [mpmath.nstr(v, 6) for v in (value, 2 * value / a**3)]


def test_definiteness_agrees_with_eigenvalues():
    np = pytest.importorskip("numpy")
    from flint import arb

    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(60):
        matrix = rng.integers(-3, 4, (3, 3)).astype(float) + rng.choice([-9, 0, 9]) * np.eye(3)
        matrix = matrix + matrix.T
        eigenvalues = np.linalg.eigvalsh(matrix)
        if np.min(np.abs(eigenvalues)) < 1e-9:
            continue
        truth = "positive" if eigenvalues[0] > 0 else "negative" if eigenvalues[-1] < 0 else "indefinite"
        found = definiteness([[arb(v) for v in row] for row in matrix.tolist()])
        assert found in (truth, "")
        seen.add(found)
    assert {"positive", "negative", "indefinite"} <= seen


def test_a_plane_and_directions():
    found = dk.tangent("x^2*y", (1, 2), direction=(3, 4))
    assert found.line == "2 + 4*(x - 1) + (y - 2)"
    assert found.along.value == pytest.approx((4 * 3 + 1 * 4) / 5, rel=1e-15)
    assert found.steepest == pytest.approx((4 / math.sqrt(17), 1 / math.sqrt(17)))
    model = found.models[1]
    x, y = 1 + 0.1 * 0.6, 2 + 0.1 * 0.8
    assert model.value == pytest.approx(x * x * y, rel=1e-14)
    assert dk.tangent("x^2*y", (1, 2)).along.value == pytest.approx(math.sqrt(17), rel=1e-15)


def test_no_tangent(run):
    code, out, _ = run("tangent", "abs(x)", "--at", "0")
    assert code == 1
    assert "left derivative -1, right derivative 1" in out
    assert "no tangent can be given here" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x^2", "--at", "1", "--delta", "0"], "not zero"),
        (["x^2", "--at", "1", "--direction", "1"], "several variables"),
        (["x*y", "--at", "1,2", "--direction", "0,0"], "the direction is zero"),
        (["x*y", "--at", "1,2", "--direction", "1,2,3"], "3 components for 2"),
        (["x^2", "--at", "1", "--save", "t.png", "--interval", "3"], "not an interval"),
        (["x^2", "--at", "1", "--save", "t.png", "--interval", "3:1"], "empty"),
        (["x^2", "--at", "1", "--interval", "1:0"], "empty"),
    ],
)
def test_bad_input_for_tangents(run, arguments, words):
    code, out, err = run("tangent", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1

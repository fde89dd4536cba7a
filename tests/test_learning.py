"""Lessons: difference quotients, tangents, derivations and back-propagation, each by a second route."""

import json
import math
import random
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

import mpmath
import pytest

import diffkit as dk
from diffkit.algebras.floats import FLOATS
from diffkit.learn import rules
from diffkit.learn.backward import cost
from diffkit.learn.latex import latex, latex_name
from diffkit.learn.shape import definiteness
from diffkit.learn.tidy import tidy
from diffkit.primitives import table
from diffkit.program import Program, run

PUBLISHED = {0.1: "2.30000", 0.01: "2.03000", 0.001: "2.00300", 1e-4: "2.00030", 1e-5: "2.00003"}


# Difference quotients -----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("kind", ["forward", "central"])
@pytest.mark.parametrize(("text", "a"), [("exp(x)", 1), ("sin(x)", 1e10), ("log(x)", 1e-10), ("x^3", 1000), ("1/x", 3)])
def test_theory_finds_the_best_step(text, a, kind):
    """The least error over half-decades lies within a factor of 30 of where theory puts it."""
    a = float(a)
    middle = dk.quotients(text, a, steps=[a / 10]).balance[kind]
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
    [("sqrt(x)", 0, "edge"), ("sin(x)/x", 0, "removable"), ("floor(x)", 1, "jumps"), ("1/x", 0, "no value")],
)
def test_where_there_is_no_limit_it_says_what_happens(run, text, a, words):
    code, out, err = run("limit", text, "--at", str(a))
    assert (code, err) == (1, "")
    assert words in out
    assert "nan" not in out


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


# Tangents -----------------------------------------------------------------------------------------------------------


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
        ("x^2 + y^4", (0, 0), "does not tell"),
    ],
)
def test_what_the_derivatives_mean(text, a, words):
    assert words in "\n".join(dk.tangent(text, a).words)


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
        (["x*y", "--at", "1,2", "--save", "t.png"], "one variable"),
    ],
)
def test_bad_input_for_tangents(run, arguments, words):
    code, out, err = run("tangent", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


# Derivations --------------------------------------------------------------------------------------------------------


def use(row):
    """An expression in x that uses a row in all its arguments."""
    arguments = []
    for k in range(len(row.arguments)):
        last = k == len(row.arguments) - 1
        arguments.append("2" if k in row.orders else "x > 1" if k in row.truths else "(x/3 + 0.4)" if last else "x")
    if row.name == "acosh":
        arguments = ["2 + x^2"]
    if row.infix:
        return f"{row.infix}{arguments[0]}" if len(arguments) == 1 else f" {row.infix} ".join(arguments)
    return f"{row.name}({', '.join(arguments)})"


EVERY = [use(row) for row in table if not row.truth]
MORE = [
    "x", "3*x^2 - 4*x + 7", "x^2*sin(x)", "exp(x)/x", "x^0.5", "x^-2", "(x^2 + 1)^10", "exp(-x^2/2)", "x^x", "2^x",
    "2^(x^2)", "1/(1 + exp(-x))", "sqrt(1 + x^2)", "log(log(x))", "sin(x)*cos(x)*exp(x)", "x/(1/x)", "0*x", "x - x",
    "max(x, x^2, 3)", "where(x > 0, log(x), x)", "where(x > 0 and x < 1, x^2, -x)", "abs(sin(x))", "floor(x)*x",
    "tanh(2*x + 1)", "5/(x^2 + 1)", "-x^3/7", "log(x - 350)", "exp(-x^2)*erf(x)/sqrt(pi)", "x*y*z + y", "a^x + x^a",
]  # fmt: skip


@cache
def derivation(text):
    """Each expression is derived once for all tests."""
    return dk.explain(text, wrt="x")


@pytest.mark.parametrize("text", [*EVERY, *MORE])
def test_a_derivation_ends_in_the_derivative(text):
    found = derivation(text)
    assert all(step.evidence.points for step in found.steps)
    names = found.program.inputs
    rng = random.Random(3)
    checked = 0
    for _ in range(60):
        point = [rng.uniform(0.1, 4) if text != "log(x - 350)" else rng.uniform(351, 400) for _ in names]
        truth = dk.derivative(text, dict(zip(names, point, strict=True)), wrt="x")
        if not truth.ok:
            continue
        value = run(found.derivative, FLOATS, point)[0]
        read_back = run(dk.parse(found.formula, names).program, FLOATS, point)[0]
        assert value == pytest.approx(truth.value, rel=1e-9, abs=1e-12)
        assert read_back == pytest.approx(truth.value, rel=1e-9, abs=1e-12)
        checked += 1
        if checked == 5:
            break
    assert checked == 5


@pytest.mark.parametrize("text", ["x^2*sin(x)", "exp(x)/(1 + x)", "2^(x^2)", "max(x, x^2) - 3*x", "x^x"])
def test_every_line_is_true_as_it_reads(text):
    """The text of each line is read back, with a derivative by SymPy in place of each d/dx[…]."""
    for step in dk.explain(text).steps:
        left, right = step.text.split("] = ", 1)
        right = re.sub(r"d/dx\[((?:[^\[\]])*)\]", lambda part: f"({dk.parse(part[1], ('x',)).diff('x')})", right)
        inside = left.removeprefix("d/dx[")
        for x in (0.3, 1.7, 2.4):
            truth = dk.derivative(inside, {"x": x}, variables=("x",)).value
            assert run(dk.parse(right, ("x",)).program, FLOATS, [x])[0] == pytest.approx(truth, rel=1e-12)


def test_rules_are_named():
    names = {
        "3*x^2 - 4*x + 7": ["sum and difference rule", "constant multiple rule", "power rule", "variable rule",
                            "constant rule"],
        "x*sin(x)": ["product rule", "variable rule", "derivative of sin"],
        "x/exp(x)": ["quotient rule", "derivative of exp"],
        "exp(x^2)": ["chain rule, with the derivative of exp", "power rule"],
        "2^x": ["exponential rule"],
        "x^x": ["general power rule"],
        "(x^2 + 1)^3": ["power rule and chain rule"],
        "1/sin(x)": ["reciprocal rule and chain rule"],
        "max(x, 1)": ["branch by branch: the largest argument decides"],
        "floor(x)": ["floor is constant between its jumps"],
    }  # fmt: skip
    for text, wanted in names.items():
        assert set(wanted) <= {step.rule for step in dk.explain(text).steps}
    (step, *_) = dk.explain("x*sin(x)").steps
    assert step.formula_text == "(u*v)′ = v*u′ + u*v′"
    assert step.text == "d/dx[x*sin(x)] = sin(x)*d/dx[x] + x*d/dx[sin(x)]"


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "digamma", "mul", "atan2"])
def test_a_broken_rule_is_never_shown(name):
    right = table[name]
    wrong = replace(right, partials=(*right.partials[:-1], lambda F, *args: F.cos(args[0]) + F.rational(1, 7)))
    count = len(right.arguments)
    instructions = ((wrong, (0,) * count),)
    with pytest.raises(dk.DiffkitError, match=r"internal error: the step “.*” does not hold"):
        dk.explain(Program(("x",), (), instructions, (1,)))


def test_a_broken_quotient_rule_is_never_shown(monkeypatch):
    good = rules._quotient
    monkeypatch.setattr(rules, "_quotient", lambda b, parts, slopes: good(b, parts, slopes[::-1]))
    with pytest.raises(dk.DiffkitError, match=r"quotient rule” does not hold at a random point \(.*line.*answer"):
        dk.explain("exp(x)/(1 + x^2)")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x*y", dk.VariableError, "several variables"),
        ("log(-1 - x^2)", dk.DiffkitError, "no point was found"),
        (" + ".join(f"sin({k}*x)" for k in range(1, 200)), dk.LimitError, "150 steps"),
        (lambda x: x, dk.DiffkitError, "not a Python function"),
    ],
)
def test_what_cannot_be_explained(text, error, words):
    with pytest.raises(error, match=words):
        dk.explain(text)


def test_tidying_keeps_domain_and_value():
    for text in ("x*(2*x)/(3*y)", "0.5/sqrt(x)*(2*y)", "x/(1/y)", "-(2*x*y)/x", "x*y*x - (-3)*y", "0*log(x)"):
        program = dk.parse(text, ("x", "y")).program
        tidied = tidy(program)
        for point in ([0.7, -1.3], [2.5, 0.4], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]):
            before, after = (run(p, FLOATS, point)[0] for p in (program, tidied))
            assert math.isfinite(before) == math.isfinite(after), text
            if math.isfinite(before):
                assert after == pytest.approx(before, rel=1e-14)
    assert str(dk.Expression(tidy(dk.parse("sin(x)*(2*x)/4").program))) == "x*sin(x)/2"


@pytest.mark.parametrize("text", [*EVERY, *MORE])
def test_latex_is_well_formed(text):
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="comes with the plot extra")
    found = derivation(text)
    whole = found.latex
    assert whole.count("{") == whole.count("}")
    assert whole.count("\\left") == whole.count("\\right")
    assert whole.count("\\begin") == whole.count("\\end")
    assert not re.search(r"\*(?!\})|\*\*|==|<=|>=|!=", whole)
    parser = mathtext.MathTextParser("path")
    for step in found.steps:
        for line in (step.latex, step.formula_latex, step.answer_latex):
            if "cases" not in line and "text" not in line:
                parser.parse(f"${line}$")


def test_latex_reads_as_it_should():
    def shown(text, *names):
        return latex(dk.parse(text, names or None).program)

    assert shown("(x + 1)^2/(3*x)") == r"\frac{\left(x + 1\right)^{2}}{3 \, x}"
    assert shown("2*3^x") == r"2 \cdot 3^{x}"
    assert shown("exp(x)^2") == r"\left(e^{x}\right)^{2}"
    assert shown("a - (b - c)") == r"a - \left(b - c\right)"
    assert shown("-(x + y)*z") == r"-\left(x + y\right) \, z"
    assert shown("abs(x)*pi") == r"\left|x\right| \, \pi"
    assert [latex_name(n) for n in ("x", "x12", "x_1", "theta", "rate", "a_b")] == [
        "x", "x_{12}", "x_{1}", r"\theta", r"\mathrm{rate}", r"\mathrm{a\_b}",
    ]  # fmt: skip


def test_a_named_point_is_evaluated_and_looked_around(run):
    code, out, _ = run("explain", "sqrt((x - 1e9)*(1e9 + 1 - x))", "--at", "1000000000.25")
    assert code == 0
    truth = (1 - 2 * 0.25) / (2 * math.sqrt(0.25 * 0.75))
    assert float(re.search(r"df/dx = (\S+)", out)[1]) == pytest.approx(truth, rel=1e-15)


def test_explain_in_json_and_latex(run):
    code, out, _ = run("explain", "x*sin(x)", "--format", "json")
    body = json.loads(out)
    assert (code, body["derivative"]) == (0, "sin(x) + x*cos(x)")
    assert [s["rule"] for s in body["steps"]] == ["product rule", "variable rule", "derivative of sin"]
    code, out, _ = run("explain", "x*sin(x)", "--latex")
    assert code == 0
    assert out.startswith("\\begin{align*}\n\\frac{d}{dx}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x^2", "--at", "1,2"], "2 coordinates"),
        (["sqrt((x - 1e9)*(1e9 + 1 - x))"], "name a point of its domain"),
        (["x^2", "--backward"], "add --at"),
        (["x^2", "--backward", "--at", "1", "--latex"], "neither --latex"),
        (["log(x)", "--backward", "--at", "-1"], "f is nan at the point"),
        (["sqrt(x)", "--backward", "--at", "0"], "no derivative by x"),
    ],
)
def test_bad_input_for_explain(run, arguments, words):
    code, out, err = run("explain", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


# Back-propagation ---------------------------------------------------------------------------------------------------


def test_the_textbook_example():
    """f = x·y + sin x at (1, 2): by hand."""
    found = dk.backward("x*y + sin(x)", (1, 2))
    assert [(n.name, n.instruction, n.value, n.adjoint) for n in found.forward] == [
        ("z1", "x*y", 2.0, 1.0),
        ("z2", "sin(x)", math.sin(1), 1.0),
        ("z3", "z1 + z2", 2 + math.sin(1), 1.0),
    ]
    x, y = found.variables
    assert (x.adjoint, y.adjoint) == (2 + math.cos(1), 1.0)
    assert [(c.user, c.partial, c.amount) for c in x.contributions] == [("z2", "cos(x)", math.cos(1)), ("z1", "y", 2.0)]


@pytest.mark.parametrize(
    "text",
    [
        "(y - sigmoid(w*x + b))^2", "x^2/(1 + y^2)", "where(x > 9, log(x - 9), x*y)", "max(x, y)*x/y",
        "atan2(x, y)*abs(x - 3)", "x^y", "hypot(x, y) - gelu(x)", "logsumexp(x, y, x*y)",
    ],
)  # fmt: skip
def test_adjoints_are_derivatives(text):
    names = dk.parse(text).variables
    found = dk.backward(text, [0.5 + 0.75 * k for k in range(len(names))])
    assert [n.adjoint for n in found.variables] == pytest.approx(found.gradient.flat, rel=1e-13)
    for node in (*found.forward[:-1], *found.variables):
        assert sum(c.amount for c in node.contributions) == pytest.approx(node.adjoint, rel=1e-14)
    assert found.forward[-1].adjoint == 1.0
    known = {**found.at, **{n.name: n.value if math.isfinite(n.value) else 1.0 for n in found.forward}}
    for node in found.forward[:-1]:
        if math.isfinite(node.value) and not isinstance(node.value, bool):
            rest = after(found.forward, node)
            if node.name in rest.variables:
                point = {name: known[name] for name in rest.variables}
                assert dk.derivative(rest, point, wrt=node.name).value == pytest.approx(node.adjoint, rel=1e-12)
            else:
                assert node.adjoint == 0


def after(forward, node):
    """What follows on an intermediate, as an expression in it: f with that quantity as a variable."""
    formulas = {n.name: f"({n.instruction})" if isinstance(n.value, bool) else n.name for n in forward}
    for later in forward[forward.index(node) + 1 :]:
        text = later.instruction
        for name in re.findall(r"\bz\d+\b", text):
            text = re.sub(rf"\b{name}\b", f"({formulas[name]})", text)
        formulas[later.name] = text
    return dk.parse(formulas[forward[-1].name])


def test_a_gradient_costs_at_most_five_evaluations():
    """Baur and Strassen's bound, on random programs of + − × ÷ of 2 to 12 variables."""
    rng = random.Random(5)
    for _ in range(25):
        names = [f"x{k}" for k in range(rng.randint(2, 12))]
        terms = list(names)
        for _ in range(30):
            left, right = rng.choices(terms, k=2)
            terms.append(f"({left} {rng.choice('+-*/')} {right})"[:2000])
            if len(terms[-1]) > 400:
                terms.pop()
        text = " + ".join(terms[-6:])
        program = dk.parse(text, names).program
        found = cost(program)
        assert found.function == len(program.instructions)
        assert 1 <= found.ratio <= 5
    product = dk.backward("*".join(f"x{k}" for k in range(40)), [1.0] * 40)
    assert (product.cost.function, product.cost.ratio) == (39, pytest.approx((39 + 76) / 39, abs=0.1))


def test_a_branch_that_is_not_taken_hands_nothing_on():
    found = dk.backward("where(x > 0, log(x), x^2)", -3)
    assert found.variables[0].adjoint == -6.0
    assert [n.adjoint for n in found.forward if n.instruction == "log(x)"] == [0.0]


# Pictures -----------------------------------------------------------------------------------------------------------


def test_no_line_crosses_a_pole_or_a_jump():
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    from diffkit.pictures.functions import picture_of_tangent

    cases = {"tan(x)": math.pi / 2, "1/x": 0.0, "floor(x)*x + x": 1.0, "1/(x - 0.3)^2": 0.3, "where(x > 1, 1, -1)": 1.0}
    for text, place in cases.items():
        for interval in ((-2.0, 3.0), (-1.99, 3.01)):
            figure = picture_of_tangent(dk.tangent(text, 0.5), interval)
            for line in figure.axes[0].lines[:2]:
                x, y = line.get_data()
                joined = [
                    (a, b)
                    for a, b, u, v in zip(x, x[1:], y, y[1:], strict=False)
                    if a < place < b and math.isfinite(u) and math.isfinite(v)
                ]
                assert not joined, text
    parabola = picture_of_tangent(dk.tangent("x^2", 0.5), (-1.0, 1.0)).axes[0].lines
    assert not any(math.isnan(v) for line in parabola for v in line.get_data()[1])
    ends = parabola[2].get_data()
    assert list(ends[1]) == [-1.25, 0.75]


@pytest.mark.parametrize(
    "arguments",
    [
        ["limit", "exp(x)", "--at", "1", "--save", "v.svg"],
        ["tangent", "log(x)", "--at", "1", "--save", "v.svg", "--interval", "-1:3"],
        ["tangent", "abs(x)", "--at", "0", "--save", "v.svg"],
    ],
)
def test_pictures_by_the_commands(run, arguments, tmp_path):
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    code, _, err = run(*arguments)
    assert err == ""
    assert code in (0, 1)
    assert "<svg" in (tmp_path / "v.svg").read_text()


def test_the_gallery():
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    from diffkit.pictures import gallery

    lines = gallery.family_of_lines(slopes=(2,), intercepts=(-1,)).axes
    assert list(lines[0].lines[0].get_ydata()) == [-4.0, 4.0]
    assert list(lines[1].lines[0].get_ydata()) == [-3.0, 1.0]
    panel = gallery.activations(("sigmoid",)).axes[0]
    x, slope = panel.lines[1].get_data()
    middle = min(range(len(x)), key=lambda k: abs(x[k]))
    assert slope[middle] == pytest.approx(0.25, abs=1e-6)
    words = [text.get_text() for text in gallery.minima().axes[0].texts]
    assert [w.split("\n")[0] for w in words] == ["local minimum", "local maximum", "global minimum"]
    assert "saddle point" in gallery.saddle().axes[0].get_title()

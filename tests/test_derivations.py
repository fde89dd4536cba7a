"""Derivations step by step."""

import json
import math
import random
import re
from dataclasses import replace
from functools import cache

import pytest

import diffkit as dk
from diffkit.core.program import Program, run
from diffkit.core.table import table
from diffkit.core.text.latex import latex, latex_name
from diffkit.lessons.derivations import textbook_rules
from diffkit.lessons.derivations.textbook_rules import tidy
from diffkit.numbers.floats import FLOATS


def use(row):
    """An expression in x that uses a row in all its arguments."""
    arguments = []
    for k in range(len(row.arguments)):
        last = k == len(row.arguments) - 1
        arguments.append("2" if k in row.orders else "x > 1" if k in row.truths else "(x/3 + 0.4)" if last else "x")
    if row.name == "acosh":
        arguments = ["2 + x^2"]
    if row.continues:
        arguments[-1] = "x/20"
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


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("max(x, 0)", ["x = 0"]), ("abs(x - 3)*x", ["x - 3 = 0"]), ("floor(2*x)", ["2*x is an integer"]),
        ("where(x > 1 and not x >= y, x, x^2)", ["x = 1", "x = y"]), ("abs(y)*x + where(y > 0, x, 0)", []),
        ("x*sin(x)", []),
    ],
)  # fmt: skip
def test_where_the_derivative_may_not_exist_is_said(run, text, where):
    assert list(derivation(text).exceptions) == where
    _, out, _ = run("explain", text, "--wrt", "x")
    said = [line for line in out.splitlines() if line.startswith("except where ")]
    words = f"except where {' or '.join(where)}: f may have a kink or a jump there, and then has no derivative"
    assert said == ([words] if where else [])
    assert json.loads(run("explain", text, "--wrt", "x", "--format", "json")[1])["exceptions"] == where


def test_fractions_and_signs_are_written_as_by_hand(run):
    assert derivation("log(x^2)").steps[0].formula_text == "(log(u))′ = u′/u"
    assert derivation("acosh(2 + x^2)").steps[0].formula_text == "(acosh(u))′ = u′/sqrt(u**2 - 1)"
    _, out, _ = run("explain", "x/(1 + x^2)")
    assert "d/dx[f] = 1/(1 + x**2) - 2*x**2/(1 + x**2)**2  as SymPy writes it" in out


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "digamma", "mul", "atan2"])
def test_a_broken_rule_is_never_shown(name):
    right = table[name]
    broken = (*right.partials[:-1], lambda F, *args: F.cos(args[0]) + F.rational(1, 7))
    wrong = replace(right, partials=broken, written=())
    count = len(right.arguments)
    instructions = ((wrong, (0,) * count),)
    with pytest.raises(dk.DiffkitError, match=r"internal error: the step “.*” does not hold"):
        dk.explain(Program(("x",), (), instructions, (1,)))


def test_a_broken_quotient_rule_is_never_shown(monkeypatch):
    good = textbook_rules._quotient
    monkeypatch.setattr(textbook_rules, "_quotient", lambda b, parts, slopes: good(b, parts, slopes[::-1]))
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
        (["x^2", "--latex", "--format", "html"], "--latex has no other --format"),
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

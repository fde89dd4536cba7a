"""The first rules of every course: constants, e^x, x^n, a^x; and domains, which are conditions on variables."""

import json
import os
import re

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.calculus.domain import domain
from diffkit.core.table import table

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "60"))


def formula(text, **options):
    return dk.prepare(text, "derivative", backend="symbolic", **options).formula


# Constants ------------------------------------------------------------------------------------------------------------

CONSTANTS = [5, 0, -2.5, "5", "pi", "e^2", "1/3 + sqrt(2)", sympy.Integer(7), sympy.pi, "sin(1)", "log(e)"]


@pytest.mark.parametrize("f", CONSTANTS, ids=str)
def test_the_derivative_of_a_constant_is_zero(f):
    assert dk.derivative(f, 1).value == dk.derivative(f, {"y": 1}).value == dk.derivative(f, 3, wrt="t").value == 0
    assert dk.derivative(f, {"y": 1}).variables == ("y",)
    assert dk.gradient(f, {"x2": 1, "x10": 2}).value.tolist() == [0, 0]
    assert dk.gradient(f, {"x10": 1, "x2": 2}).variables == ("x2", "x10")
    assert dk.hessian(f, "x=1,y=2").value.tolist() == [[0, 0], [0, 0]]
    assert dk.jacobian([f, "x", f], {"x": 2}).value.tolist() == [[0], [1], [0]]
    assert dk.taylor(f, 1, 3).value[1:].tolist() == [0, 0, 0]
    assert dk.compare(f, {"x": 1})
    assert dk.check(f, "0", {"x": 1})
    assert dk.check(f, "0")
    assert not dk.check(f, "1", {"x": 1})
    assert dk.stationary(f, "-1:1").variables == ("x",)
    assert dk.explain(f).formula == "0"
    for backend in ("symbolic", "finite", "dual", "reverse"):
        assert dk.gradient(f, {"x": 1, "y": 2}, backend=backend).value.tolist() == [0, 0]


@pytest.mark.parametrize("arguments", [
    ["derivative", "5"], ["derivative", "5", "--at", "1"], ["derivative", "5", "--at", "x=1"],
    ["derivative", "5", "--wrt", "y"], ["derivative", "5", "--order", "3", "--at", "t=1"],
    ["grad", "5", "--at", "a=1,b=2"],
    ["hessian", "pi", "--at", "a=1,b=2"], ["jacobian", "5", "7", "--at", "x=1"], ["grad", "5", "--points", "p.csv"],
    ["grad", "sum([1,2])", "--at", "x=1"], ["compare", "5", "--at", "x=1:2:3"], ["limit", "5", "--at", "x=1"],
    ["tangent", "5", "--at", "x=1"], ["explain", "5"], ["explain", "5", "--backward", "--at", "x=1"],
    ["stationary", "5", "--box", "x=-1:1"], ["report", "cases.jsonl"],
], ids=" ".join)  # fmt: skip
def test_the_commands_take_constants(run, tmp_path, arguments):
    (tmp_path / "p.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "cases.jsonl").write_text('{"expr": "5", "at": {"x": 1, "y": 2}, "gradient": [0, 0]}\n')
    code, _, err = run(*arguments)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("ask", "words"),
    [(lambda: dk.gradient("5", [1, 2]), "0 variables"), (lambda: dk.derivative("5", 1, variables=()), "no variable"),
     (lambda: dk.gradient("x", {"x": 1, "y": 2}), "unknown variable y"),
     (lambda: dk.gradient("5", {"a b": 1}), "not a usable name"),
     (lambda: dk.derivative("5", [1, 2]), "2 coordinates")],
)  # fmt: skip
def test_names_are_still_checked(ask, words):
    with pytest.raises(dk.DiffkitError, match=words):
        ask()


# Powers ---------------------------------------------------------------------------------------------------------------

POWERS = [
    ("x^n", "x", "n*x**(n - 1)"), ("a^x", "x", "a**x*log(a)"), ("a^x", "a", "x*a**(x - 1)"), ("e^x", None, "e**x"),
    ("x^e", None, "e*x**(e - 1)"), ("x^pi", None, "pi*x**(pi - 1)"), ("2^x", None, "2**x*log(2)"),
    ("(x^2+1)^n", "x", "2*n*x*(x**2 + 1)**(n - 1)"), ("x^(2n)", "x", "2*n*x**(2*n - 1)"),
    ("e^(2x)", None, "2*e**(2*x)"), ("1/x^n", "x", "-n*x**(-n - 1)"), ("x^x", None, "x**x*(log(x) + 1)"),
    ("exp(x)", None, "exp(x)"), ("(2x)^n", "x", "2*n*(2*x)**(n - 1)"), ("(x*y)^n", "x", "n*y*(x*y)**(n - 1)"),
    ("(3*x*y/2)^n", "x", "3*n*y*(3*x*y/2)**(n - 1)/2"), ("sqrt(x)^n", "x", "n*x**(n/2 - 1)/2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "expected"), POWERS)
def test_powers_read_as_a_course_writes_them(run, text, wrt, expected):
    assert formula(text, wrt=wrt) == expected
    arguments = [text, *(["--wrt", wrt] if wrt else [])]
    assert f"= {expected}\n" in run("derivative", *arguments)[1]
    assert "log(e)" not in run("explain", *arguments)[1]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_power_rule_at_higher_orders(order):
    expected = {1: "n*x**(n - 1)", 2: "n*(n - 1)*x**(n - 2)", 3: "n*(n**2 - 3*n + 2)*x**(n - 3)"}
    assert formula("x^n", wrt="x", order=order) == expected[order]
    assert formula("e^x", order=order) == "e**x"


INNER = st.sampled_from(["x", "2*x", "-x", "x**2", "sin(x)", "x*y", "x + y", "1/x", "sqrt(x)"])
OUTER = st.sampled_from(["e^({})", "x*e^({})", "e^({})/x", "cos(e^({}))", "e^({})*log(x)", "(e^({}) + 1)^n", "({})^n*y",
                         "e^({}) - e^(-x)", "log(1 + e^({}))"])  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None)
@given(OUTER, INNER, st.integers(1, 2))
def test_no_logarithm_of_e_and_the_same_values(outer, inner, order):
    text = outer.format(inner)
    written = formula(text, wrt="x", order=order, variables=("x", "y", "n"))
    assert "log(e)" not in written
    assert "exp(" not in written
    assert not re.search(r"[x)]\*\*n/x\b", written) or "1/x" in inner
    assert "log(e)" not in str(dk.explain(text, wrt="x", variables=("x", "y", "n")).latex)
    x, y, n = 0.75, 1.25, 3.0
    proven = dk.derivative(text, [x, y, n], wrt="x", order=order, variables=("x", "y", "n"))
    found = dk.derivative(text, [x, y, n], wrt="x", order=order, variables=("x", "y", "n"), backend="symbolic")
    if proven.ok and found.ok:  # a plain backend does not hold n to a whole number
        assert found.value == pytest.approx(proven.value, rel=1e-13, abs=1e-13)


def test_what_a_caller_wrote_is_kept():
    """x^n/x has no value at 0, x^(n-1) may have one; exp is exp."""
    x, n = sympy.symbols("x n")
    assert str(dk.gradient(x**n / x, {"x": 0.0, "n": 2}).status) == "domain_error"
    assert "exp" in formula("exp(x) + e^x")
    assert str(dk.parse("e^x")) == "e**x"


# Domains --------------------------------------------------------------------------------------------------------------

LITERALS = st.sampled_from(["2", "-2", "0", "1/3", "pi", "-pi", "e", "e - 3", "pi - 3", "sqrt(2)", "-1/2", "3", "e^2"])
UNARY = sorted(row.name for row in table if len(row.arguments) == 1 and row.places and row.callable)
TWO = ["({0})^({1})", "atan2({0}, {1})", "hypot({0}, {1})", "max({0}, {1})", "({0})/({1})", "log({0}, {1})"]


@st.composite
def constants(draw):
    """A function of constants that may have none, or a place, and how it is used."""
    if draw(st.booleans()):
        return f"{draw(st.sampled_from(UNARY))}({draw(LITERALS)})"
    return draw(st.sampled_from(TWO)).format(draw(LITERALS), draw(LITERALS))


def conditions(text):
    return [part for part in re.split(r" and | or |, except where |\(where |\)$", text) if part]


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(constants(), st.sampled_from(["{}*x", "x + {}", "x*{} + y", "sin(x)^2*{}"]))
def test_what_constants_decide_is_no_condition(constant, outer):
    """Of a constant factor the domain is everything or nowhere, as the proven derivative says."""
    text = outer.format(constant)
    assume(constant != "atan2(0, 0)")  # a point without a value, which is no place of the row
    try:
        program = dk.parse(text, variables=("x", "y")).program
    except dk.DiffkitError:
        return
    found = str(domain(program))
    status = dk.derivative(text, [0.7, 0.3], wrt="x", variables=("x", "y")).status
    if status in ("ok", "domain_error", "pole"):
        assert (found == "all real values") is (status == "ok"), (text, found, status)
        assert found.startswith("nowhere, because of ") is (status != "ok")


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(st.sampled_from(TWO), LITERALS, st.booleans(), st.sampled_from(["x", "2*x - 1", "x^2", "x^3"]))
def test_conditions_name_variables(form, constant, first, inner):
    text = form.format(*((constant, inner) if first else (inner, constant)))
    found = domain(dk.parse(text, variables=("x",)).program)
    for part in (*found.conditions, *found.exceptions):
        for condition in conditions(part):
            assert "x" in re.findall(r"[a-z]+", condition), (text, str(found))


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(st.sampled_from(TWO), LITERALS, st.booleans(), st.sampled_from([0.7, -0.7, 2.0, -2.0, 3.0, 0.5, 0.25]))
def test_domains_are_true_of_binary_functions_of_a_constant(form, constant, first, x):
    """Inside the domain and away from its exceptions there is a derivative, and outside there is none."""
    text = form.format(*((constant, "x") if first else ("x", constant)))
    found = domain(dk.parse(text, variables=("x",)).program)
    status = dk.derivative(text, x, wrt="x", variables=("x",)).status
    if status == "uncertain" or found.exceptions:
        return
    holds = not found.nowhere and all(true_at(part, x) for part in found.conditions)
    assert holds is (status == "ok"), (text, x, str(found), status)


def true_at(condition, x):
    """Whether a condition such as ``x > 0`` or ``x is an integer`` holds."""
    first, _, unless = condition.partition(" unless ")
    if unless and true_at(unless, x):
        return True
    if first.endswith(" is an integer"):
        return float(eval(first.removesuffix(" is an integer"), {"x": x})).is_integer()
    names = {"x": x, "pi": np.pi, "e": np.e, "sqrt": np.sqrt, "log": np.log, "log2": np.log2, "log10": np.log10}
    with np.errstate(all="ignore"):
        return bool(eval(first.replace("≠", "!=").replace("≥", ">=").replace("≤", "<="), names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("e^x", "all real values"), ("2^x", "all real values"), ("(-2)^x", "nowhere, because of (-2)**x"),
     ("0^x", "x ≥ 0"), ("x^pi", "x > 0"), ("x*log(-2)", "nowhere, because of log(-2)"),
     ("x/0", "nowhere, because of x/0"),
     ("where(x > 0, x*log(-2), x)", "x <= 0, except where x = 0"), ("where(pi > 3, log(x), x)", "x > 0"),
     ("sign(pi)*x", "all real values"), ("hypot(x, 0)", "all real values, except where x = 0"),
     ("hypot(x, 2)", "all real values"), ("atan2(1, x)", "all real values"), ("log(x) + log(5)", "x > 0"),
     ("a^x", "a > 0"), ("max(x, pi)", "all real values, except where x = pi"), ("2^(1/x)", "x ≠ 0")],
)  # fmt: skip
def test_domains(run, text, expected):
    found = str(domain(dk.parse(text).program))
    assert found == expected
    if dk.parse(text).variables == ("x",):
        assert json.loads(run("derivative", text, "--format", "json")[1])["domain"] == expected


@pytest.mark.parametrize(
    ("text", "options", "shown"),
    [
        ("c", ("--wrt", "x"), "∂f/∂x = 0"),
        ("c^2", ("--wrt", "x", "--at", "c=1,x=3"), "∂f/∂x = 0"),
        ("a*b", ("--wrt", "t"), "∂f/∂t = 0"),
        ("a*b", ("--wrt", "b"), "∂f/∂b = a"),
    ],
)
def test_a_function_does_not_vary_with_what_it_does_not_name(run, text, options, shown):
    code, out, err = run("derivative", text, *options)
    assert (code, err) == (0, "")
    assert shown in out


@pytest.mark.parametrize("options", [("--wrt", "rtae"), ("--wrt", "t", "--at", "rate=1"), ("--wrt", "t", "--at", "1")])
def test_a_slip_is_no_variable(run, options):
    code, _, err = run("derivative", "rate^2", *options)
    assert code == 2
    assert "unknown variable" in err

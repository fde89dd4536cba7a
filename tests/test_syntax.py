"""Text to Program and back: what is read, how it is read, and how refusal is explained."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.core.errors import LimitError, ParseError, VariableError
from diffkit.core.limits import Limits
from diffkit.core.program import run
from diffkit.core.text import format_outputs, parse_program
from diffkit.numbers.floats import FLOATS

READ_AS = {
    "3*x^2 - 4x": "3*x**2 - 4*x",
    "2 x": "2*x",
    "2(x+1)": "2*(x + 1)",
    "3sin(x)": "3*sin(x)",
    "2exp(x)": "2*exp(x)",
    "(x+1)(x-1)": "(x + 1)*(x - 1)",
    "(x+1)x": "(x + 1)*x",
    "2x²": "2*x**2",
    "x⁻²": "x**(-2)",
    "√x": "sqrt(x)",
    "2√(x+1)": "2*sqrt(x + 1)",
    "2π": "2*pi",
    "x·y×z÷2 − 1": "x*y*z/2 - 1",
    "-x**2": "-x**2",
    "2**-x": "2**(-x)",
    "x**y**z": "x**y**z",
    "(x**y)**z": "(x**y)**z",
    "a - -b": "a + b",
    "--x": "x",
    "---x": "-x",
    "+x": "x",
    "ln(x) + arcsin(x)": "log(x) + asin(x)",
    "Max(x, y, z)": "max(x, y, z)",
    "log(x, 2)": "log2(x)",
    "log(x, 3)": "log(x)/log(3)",
    "where(0 < x <= 1, x, 0)": "where(0 < x and x <= 1, x, 0)",
    "where(not (x ≥ 1 or x ≠ y), 1, 2)": "where(not (x >= 1 or x != y), 1, 2)",
    "1/3*x": "1/3*x",
    "0.1*x": "0.1*x",
    "1e3*x": "1000*x",
    "1e-30*x": "1e-30*x",
    "12.5e-31*x": "1.25e-30*x",
    "e + E": "2*e",
    "4*x + 6*x - x/1": "9*x",
    "x - x": "x - x",
    "x - (y - z)": "x - (y - z)",
    "x/(y*z)": "x/(y*z)",
    "(-2)**x": "(-2)**x",
    "-2**x": "-2**x",
    "max(x)": "x",
}


@pytest.mark.parametrize(("text", "shown"), READ_AS.items())
def test_reads_as(text, shown):
    assert str(dk.parse(text)) == shown
    assert dk.parse(shown).program == dk.parse(text).program


REFUSED = {
    "": "there is no expression",
    "x+": "ends where a value should stand",
    "sni(x)": "did you mean sin",
    "sin x": r"write sin\(x\)",
    "x(2)": "not a function|write x",
    "f(x)": "unknown function f",
    "1/2x": "two ways",
    "2^3x": "two ways",
    "√x^2": "two ways",
    "x y": "operator is missing",
    "x 2": "operator is missing",
    "(x": "never closed",
    "x)": "no open parenthesis",
    "(x, y)": "comma outside",
    "sin()": "needs an argument",
    "sin(x, y)": "1 argument, not 2",
    "hypot(x)": "at least 2",
    "x == 1": "not a number",
    "sin(x > 1)": "not a number",
    "where(x, 1, 2)": "needs a condition",
    "where(x > 0, 1)": "3 arguments",
    "2j": "complex",
    "1e": "exponent without digits",
    "0x1f": "only decimal",
    "np.sin(x)": "write sin without np",
    "x.y": "nothing has attributes",
    "x!": "gamma",
    "x & y": "write and",
    "lambda": "declare it",
    "nan": "declare it",
    "I*x": "declare it",
    "_x": "not a usable name",
    "a__b": "not a usable name",
    "besselj(x, 1)": "integer constant",
    "polygamma(-1, x)": "integer constant",
    "x'": "no prime",
    "x\x00": "U\\+0000",
    "ｘ+1": "ASCII",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_refuses_with_reason_place_and_hint(text, reason):
    with pytest.raises(ParseError, match=reason) as caught:
        dk.parse(text)
    error = caught.value
    assert error.text == text
    assert 0 <= error.position <= len(text)
    caret = error.caret().splitlines()
    assert caret[-1].strip() == "^"


def test_the_caret_stands_under_the_culprit():
    with pytest.raises(ParseError) as caught:
        dk.parse("x + sni(x)")
    assert caught.value.caret() == "  x + sni(x)\n      ^"
    with pytest.raises(ParseError) as caught:
        dk.parse("x + " * 100 + "sni(x)")
    text, caret = caught.value.caret().splitlines()
    assert text[caret.index("^")] == "s"
    assert len(text) < 80


LIMITED = {
    "9**9**9": "constant_bits",
    "((9**9)**9999)**9999": "constant_bits",
    "(1/3)**(10**9)": "constant_bits",
    "x**2000000": "exponent",
    "1e100000": "exponent_digits",
    "1e9999": "constant_bits",
    "7" * 401: "digits",
    "sin(" * 201 + "x" + ")" * 201: "parentheses",
    "-(" * 150 + "x" + "**x)" * 150: None,
}


@pytest.mark.parametrize(("text", "limit"), LIMITED.items(), ids=lambda v: str(v)[:20])
def test_limits_name_themselves(text, limit):
    if limit is None:
        dk.parse(text)
        return
    with pytest.raises(LimitError, match=rf"limits=Limits\({limit}=…\)"):
        dk.parse(text)


def test_limits_can_be_raised_and_lowered():
    assert dk.parse("9**20000", limits=Limits(constant_bits=100_000)).variables == ()
    with pytest.raises(LimitError, match="nodes"):
        dk.parse("+".join(f"x{i}" for i in range(100)), limits=Limits(nodes=50))
    with pytest.raises(LimitError, match="length"):
        dk.parse("x + 1", limits=Limits(length=3))
    deep = "sin(" * 150 + "x" + ")" * 150
    with pytest.raises(LimitError, match="depth"):
        dk.parse(deep, limits=Limits(depth=100))


def test_chains_cost_no_depth():
    program = parse_program("+".join(["x*y"] * 5000))
    assert run(program, FLOATS, [2.0, 3.0]) == [30000.0]


def test_variables_are_declared_in_order_and_win_over_constants():
    assert dk.parse("x10 + x2 + a").variables == ("a", "x2", "x10")
    assert dk.parse("a*b", variables=("b", "a")).variables == ("b", "a")
    program = dk.parse("E + e*pi", variables=("E", "e", "pi")).program
    assert run(program, FLOATS, [1.0, 2.0, 3.0]) == [7.0]
    assert dk.parse("lambda*inf", variables=("lambda", "inf")).variables == ("lambda", "inf")
    with pytest.raises(VariableError, match="write x\\*y"):
        dk.parse("xy", variables=("x", "y"))
    with pytest.raises(VariableError, match="given twice"):
        dk.parse("x", variables=("x", "x"))
    with pytest.raises(VariableError, match="operator"):
        dk.parse("x", variables=("x", "and"))


def test_constants_are_exact():
    program = parse_program("0.1 + 1/3 + 2**10 - 1e-3")
    assert program.constants == (Fraction(1, 10) + Fraction(1, 3) + 1024 - Fraction(1, 1000),)
    assert parse_program("10**20*x").constants == (10**20,)


def test_equal_subexpressions_are_one_slot():
    program = parse_program("sin(x*y) + sin(x*y)*sin(y*x)")
    assert len(program.instructions) == 4  # x*y, sin, product, sum


def test_the_domain_survives():
    for text in ("x/x", "0*log(x)", "x - x", "log(x)**0", "sqrt(x)**2", "exp(log(x))"):
        assert str(dk.parse(text)) == text
    assert str(dk.parse("x + 0")) == str(dk.parse("1*x")) == "x"


NAMES = st.sampled_from(["x", "y", "x2", "beta"])
NUMBERS = st.one_of(
    st.integers(0, 10**25).map(str),
    st.decimals(0, 1000, allow_nan=False, places=6).map(str),
    st.sampled_from(["pi", "e", "1e-40", "3e20", "1/3", "0.1"]),
)
CONDITIONS = ["{} < {}", "{} >= {}", "{} == {} or not {} != 2", "{} < {} <= {}"]


def grow(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(pair, st.sampled_from(["{}+{}", "{}-{}", "({})*({})", "({})/({})", "{}*{}", "{}/{}"])).map(
            lambda t: t[1].format(*t[0])
        ),
        st.tuples(inner, st.sampled_from(["-{}", "({})**2", "({})**(1/3)", "-({})", "({})^(-{})"])).map(
            lambda t: t[1].format(t[0], "3")
        ),
        st.tuples(inner, st.sampled_from(["sin", "exp", "log", "abs", "erf", "sigmoid"])).map(
            lambda t: f"{t[1]}({t[0]})"
        ),
        st.tuples(pair, st.sampled_from(["max", "min", "hypot", "atan2", "logsumexp"])).map(
            lambda t: f"{t[1]}({t[0][0]}, {t[0][1]})"
        ),
        st.tuples(st.tuples(inner, inner, inner), st.sampled_from(CONDITIONS)).map(
            lambda t: f"where({t[1].format(*t[0])}, {t[0][0]}, {t[0][1]})"
        ),
    )


EXPRESSIONS = st.recursive(st.one_of(NAMES, NUMBERS), grow, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_what_is_printed_parses_back_to_the_same_program(text):
    try:
        program = parse_program(text)
    except LimitError:
        return
    (shown,) = format_outputs(program)
    assert parse_program(shown, program.inputs) == program


PLAIN = st.recursive(
    st.one_of(st.sampled_from(["x", "y"]), st.integers(0, 9).map(str)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map("".join),
        inner.map(lambda t: f"({t})"),
        inner.map(lambda t: f"-{t}"),
        st.tuples(inner, st.sampled_from(["0", "1", "2"])).map(lambda t: f"({t[0]})**{t[1]}"),
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(PLAIN)
def test_arithmetic_means_what_python_means(text):
    """Where Python gives a number for the same text, so does the program, but for rounding of constants."""
    x, y = Fraction(7, 4), Fraction(-5, 8)
    try:
        expected = eval(text.replace("x", "Fraction(7,4)").replace("y", "Fraction(-5,8)"), {"Fraction": Fraction})
    except ZeroDivisionError:
        return
    (value,) = run(parse_program(text, ("x", "y")), FLOATS, [float(x), float(y)])
    if not isinstance(expected, Fraction | int):
        expected = Fraction(expected)
    assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9) or math.isnan(value)

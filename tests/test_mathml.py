"""Formulas in HTML are MathML, which browsers show without a network: all LaTeX that diffkit writes becomes that."""

import random
import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest
from drawn_formulas import programs
from public_results import RESULTS

import diffkit as dk
from diffkit.core.table import table
from diffkit.core.table.array_table import array_table
from diffkit.core.text.latex import latex
from diffkit.core.text.mathml import mathml
from diffkit.reports import Document, html, latex_display, render
from diffkit.reports.document import Equation, Table

CALLS = {
    "where": "where(x > 0, y, z)", "sinc_series": "sinc_series(1, x)", "polygamma": "polygamma(1, x)",
    "besselj": "besselj(1, x)",
}  # fmt: skip
CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mroot": 2}
ELEMENTS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msqrt", "mtable", "mtr", "mtd", *CHILDREN}


def read(text):
    """The element of a formula, which is as MathML has it: known elements with as many children as they need."""
    root = ET.fromstring(text)
    for element in root.iter():
        assert element.tag in ELEMENTS, element.tag
        assert element.tag not in CHILDREN or len(element) == CHILDREN[element.tag], text
        assert "\\" not in (element.text or ""), text
    return root


def said(text):
    """The characters of a formula."""
    return "".join(read(text).itertext())


def of_text(text):
    return mathml(dk.parse(text).latex)


@pytest.mark.parametrize("name", [n for n, row in table.rows.items() if not row.infix])
def test_every_function_of_the_table(name):
    row = table.rows[name]
    text = CALLS.get(name) or f"{name}({', '.join('xyz'[: len(row.arguments)])})"
    assert "x" in said(of_text(text))


OPERATORS = [
    "x + y - z", "-x*2*3", "x/y/z", "x^(y^z)", "(x^y)^z", "where(x < 1 and not (y >= 2 or z != 3), x, y)",
    "1/3 - pi*e", "alpha_1 + lam2^3", "where(x == 1, x, where(y <= 2, y, z))",
]  # fmt: skip


@pytest.mark.parametrize("text", OPERATORS)
def test_every_operator(text):
    read(of_text(text))


ARRAYS = [
    "x.T @ A @ x", "norm(X @ w - y)**2", "log(det(X))", "trace(inv(X) @ A)", "sum(abs(x))", "norm(x)", "sum(X**2)",
    "A @ x", "sum(log(1 + exp(X @ w)))", "x.T @ x/(2*n)", "norm1(x)", "sum(max(x, 0))", "outer(x, x)",
]  # fmt: skip


@pytest.mark.parametrize("text", ARRAYS)
def test_formulas_of_arrays(text):
    name = "X" if "X" in text and "w" not in text else "w" if "w" in text else "x"
    try:
        found = dk.matrix_derivative(text, name)
    except dk.FormError:
        pytest.skip("no formula")
    for written in (found.latex, found.expression_latex, found.operator_latex):
        read(mathml(written))


def test_frames_of_rows_of_arrays():
    for row in array_table.rows.values():
        for frame in [row.latex] if isinstance(row.latex, str) else row.latex:
            read(mathml(frame.replace("#", "{x}") or "x"))


def test_drawn_formulas():
    for program in programs(random.Random(7), 150):
        assert said(mathml(latex(program)))


def test_derivations_and_code_and_reports():
    read(mathml(dk.explain("x^2*sin(x)/exp(x)").latex))
    read(mathml(dk.code("x^2*y", "hessian", "latex").source))
    for make in RESULTS.values():
        thing = make()
        if hasattr(thing, "_repr_latex_") and (text := thing._repr_latex_()):
            read(mathml(text))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("x^2/y", "<mfrac><msup><mi>x</mi><mn>2</mn></msup><mi>y</mi></mfrac>"),
        ("sqrt(x)", "<msqrt><mi>x</mi></msqrt>"),
        ("cbrt(x)", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        ("x1*y", '<mrow><msub><mi>x</mi><mn>1</mn></msub><mspace width="0.17em"/><mi>y</mi></mrow>'),
        ("sin(x)", "<mrow><mi>sin</mi><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow></mrow>"),
        ("-x", "<mrow><mo>−</mo><mi>x</mi></mrow>"),
        ("theta", "<mi>θ</mi>"),
    ],
)
def test_formulas_have_their_shape(text, shape):
    assert of_text(text) == f'<math displaystyle="true">{shape}</math>'


def test_what_diffkit_does_not_write_is_refused_in_one_line():
    for text in ("\\foo", "x}", "\\frac{x", "\\left(x", "{" * 3 + "x", "\\begin{array}{l} x \\end{bmatrix}", "\\"):
        with pytest.raises(dk.DiffkitError) as caught:
            mathml(text)
        assert "\n" not in str(caught.value)
    with pytest.raises(dk.LimitError):
        mathml("\\sqrt{" * 5000 + "x" + "}" * 5000)


def test_text_cannot_leave_a_formula():
    assert "<script" not in mathml("\\text{<script>x</script>} < \\mathrm{<b>}")
    assert said(mathml("\\text{a < b \\& c}")) == "a\u00a0<\u00a0b\u00a0&\u00a0c"


# In reports ----------------------------------------------------------------------------------------------------------


def shown(page):
    """The formulas of a page, as characters."""
    return [said(found) for found in re.findall("<math.*?</math>", page, re.DOTALL)]


def test_pages_show_formulas_as_mathematics():
    page = render(dk.explain("x^2*sin(x)"), "html")
    assert "f(x)=x2sin(x)" in shown(page)
    assert "ddx[x2]=2x" in shown(page)
    assert not re.search(r"\\(frac|left|sin)", page)
    matrix = render(dk.matrix_derivative("x.T @ A @ x", "x"), "html")
    assert "f=x⊤Ax" in shown(matrix)
    refuted = render(dk.check_identity("d/dx x.T @ A @ x = 2 * A @ x"), "html")
    assert "∂∂x(x⊤Ax)=2Ax" in shown(refuted)
    assert "the\u00a0derivative\u00a0is\u00a0(A+A⊤)x" in shown(refuted)
    assert "(AB)⊤=B⊤A⊤" in shown(render(dk.check_identity("(A @ B).T = B.T @ A.T"), "html"))
    assert render(dk.parse("x/y"), "html").count("<mfrac>") == 1
    assert dk.parse("x/y")._repr_html_().startswith('<math display="block"><mfrac>')


def test_numbers_stay_text_that_can_be_copied_and_formulas_tell_what_was_typed():
    result = dk.derivative("exp(x)*1e-9", 0.1)
    page = render(result, "html")
    assert f"<code><b>{result.value!r}</b></code>" in page
    assert f'title="df/dx = {result.value!r}"' in page
    assert all("\\" not in unescape(t) for t in re.findall('title="([^"]*)"', page))


def test_decimals_stay_decimals():
    assert latex_display.formula("0.25 + (x - 0.5)") == "0.25 + \\left(x - 0.5\\right)"
    assert latex_display.formula("1.5e-07*x") == "1.5 \\cdot 10^{-7} \\, x"
    assert latex_display.formula("1/4 + x") == latex(dk.parse("1/4 + x").program)
    assert latex_display.formula("-2.5*x + 0.5") == "-2.5 \\, x + 0.5"
    assert latex_display.formula("x-axis") is None
    assert latex_display.formula("-3") is None  # a number, which stays text


def test_long_formulas_are_text_that_breaks_into_lines():
    text = "+".join(f"x{k}^2" for k in range(300))
    page = render(dk.parse(text), "html")
    assert "<code>f(x0," in page


def test_what_is_nested_too_deeply_is_text():
    text = "sin(" * 90 + "x" + ")" * 90
    assert "<code>" in render(dk.explain(text), "html")
    assert dk.parse("sqrt(" * 150 + "x" + ")" * 150)._repr_html_() is None


class Named(Document):
    """A report on things whose names look like formulas."""

    title = "Named"

    def blocks(self):
        yield Equation("backend", "tool_2 - 1")
        yield Equation("f(x)", "x - 1")
        yield Table(
            ("case", "id", "formula"), (("2026-11-30", "2026-11-30", "x - 2"), ("row-3", "row-3", "x^2")), formulas=(2,)
        )

    def fields(self):
        return {}


def test_what_looks_like_a_formula_is_none_where_none_stands():
    """A date as the name of a case is no difference of numbers, in no format."""
    page = html.render(Named())
    assert shown(page) == ["f(x)=x−1", "x−2", "x2"]
    assert page.count("2026-11-30") == 2
    display = latex_display.render(Named())
    assert "\\text{2026-11-30} & \\text{2026-11-30} & x - 2" in display
    assert "\\text{row-3} & \\text{row-3} & x^{2}" in display
    assert "\\text{tool}\\_\\text{2 - 1}" in display
    assert latex_display.formula("2026-11-30") == "1985"  # which is why it is asked about formulas alone


def test_columns_of_formulas_are_mathematics():
    page = render(dk.backward("w*x/(1 + x)", {"w": 1, "x": 2}), "html")
    assert "wx" in shown(page)

"""What a notebook shows: every object in each format, in few lines, and without loading anything before it is asked."""

import base64
import json
import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from public_results import RESULTS
from test_imports import loaded

import diffkit as dk
from diffkit.core.report_views import ReportViews

FORMATS = {"html": "text/html", "markdown": "text/markdown", "latex": "text/latex"}
PARTS = {"Limits", "Isolation", "Function", "Entry", "StationaryPoint", "Region"}
"""what is part of an answer, or says how to ask"""
LARGE = {
    "gradient of many": lambda: dk.gradient("+".join(f"x{k}^2" for k in range(300)), np.ones(300)),
    "Hessian of many": lambda: dk.hessian("+".join(f"x{k}^2" for k in range(60)), np.ones(60)),
    "batch of matrices": lambda: dk.hessian("x^2*y", np.ones((50, 2))),
    "grid": lambda: dk.derivative("x^3", np.ones((20, 30))),
    "sparse": lambda: dk.hessian("+".join(f"x{k}^2" for k in range(60)), np.ones(60), sparse=True),
    "matrix point": lambda: dk.gradient(lambda W: (W**2).sum(), np.ones((12, 12))),
    "batch of arrays": lambda: dk.jacobian(["x*y", "x", "y"], np.ones((30, 2))),
    "long text": lambda: dk.parse("+".join(f"x{k}^2" for k in range(300))),
    "descent of many": lambda: dk.descend("+".join(f"x{k}^2" for k in range(60)), [1.0] * 60, rate=0.1, steps=3),
    "points": lambda: dk.stationary("sin(3*x)", "-9:9"),
}


@pytest.fixture(scope="module")
def held():
    return {name: make() for name, make in (RESULTS | LARGE).items() if name not in PARTS}


def shown(thing, format):
    """What a notebook is given: by IPython if that is there, else by the method that it would call."""
    try:
        from IPython.core.interactiveshell import InteractiveShell
    except ImportError:
        return getattr(thing, f"_repr_{format}_")()
    formatters = InteractiveShell.instance().display_formatter
    return formatters.format(thing, include=[FORMATS[format]])[0].get(FORMATS[format])


def test_every_class_that_hands_out_answers_has_the_views():
    without = {"Limits", "Isolation", "Function", "Entry", "StationaryPoint", "Region", "backends"}
    classes = {name: getattr(dk, name) for name in dk.__all__ if isinstance(getattr(dk, name), type)}
    shows = {name for name, found in classes.items() if issubclass(found, ReportViews)}
    errors = {name for name, found in classes.items() if issubclass(found, Exception)}
    assert classes.keys() - shows - errors <= without


def test_every_object_has_every_format(held):
    for name, thing in held.items():
        for format in FORMATS:
            text = shown(thing, format)
            assert isinstance(text, str), (name, format)
            assert text.strip(), (name, format)


def test_reprs_have_under_ten_lines(held):
    for name, thing in {**held, **{part: RESULTS[part]() for part in PARTS}}.items():
        text = repr(thing)
        assert text.count("\n") + 1 < 10, name
        assert len(text) < 1_500, name


def test_html_is_a_part_of_a_page_with_names_of_its_own(held):
    """It is well-formed, needs no page around it, and two of them in one page have no name in common."""
    seen = set()
    for name, thing in held.items():
        text = shown(thing, "html")
        if isinstance(thing, dk.Expression):
            assert ET.fromstring(text).tag == "math"
            continue
        style, part = re.fullmatch(r"<style>(.*?)</style>\n(<div.*)", text, re.DOTALL).groups()
        assert ":root" not in style
        assert not re.search(r"(?m)^body\b", style)
        assert not re.search(r"<(html|head|body|script|main|h1)\b", part), name
        root = ET.fromstring(f'<page xmlns:xlink="http://www.w3.org/1999/xlink">{part}</page>')
        ids = {element.get("id") for element in root.iter() if element.get("id")}
        assert all(found.startswith("diffkit-") for found in ids), name
        assert not ids & seen, name
        seen |= ids


def test_latex_opens_what_it_closes(held):
    for name, thing in held.items():
        text = shown(thing, "latex")
        bare = re.sub(r"\\[{}]", "", text)
        assert bare.count("{") == bare.count("}"), name
        begun, ended = re.findall(r"\\begin\{(\w+\*?)\}", text), re.findall(r"\\end\{(\w+\*?)\}", text)
        assert sorted(begun) == sorted(ended), name
        assert text.startswith(("$", "\\begin{align")), name
        assert not re.search(r"\\text\{[^}]*[_%#&$^~]", text), name


def test_formulas_are_typeset():
    assert (
        shown(dk.parse("x^2/y"), "latex") == r"$\displaystyle \frac{x^{2}}{y}$" == shown(dk.parse("x^2/y"), "markdown")
    )
    assert r"\frac{\partial^{2} f}{\partial x \, \partial y}" in shown(
        dk.compare("x*y", [1, 2], kind="hessian"), "latex"
    )
    assert shown(dk.explain("x^2"), "latex").startswith("\\begin{align*}")
    assert shown(dk.matrix_derivative("x.T @ A @ x", "x"), "latex").startswith("$$")


def test_numbers_keep_their_digits():
    r = dk.gradient("exp(x)*1e-9", [0.1])
    assert repr(r["x"]).replace("e-09", r" \cdot 10^{-9}") in shown(r, "latex")
    assert "2.718281828459045" in shown(dk.tangent("exp(x)", 1), "latex")


def test_the_middle_of_long_answers_is_left_out_and_said():
    batch = dk.derivative("x^3", np.arange(1000.0))
    for format in FORMATS:
        assert "960 more" in shown(batch, format), format
        assert shown(batch, format).count("more") == 1
    lines = shown(LARGE["gradient of many"](), "markdown")
    assert "260 more" in lines
    assert shown(dk.derivative("x^3", np.arange(30_000.0), backend="dual"), "html") is None


def test_code_is_a_block_of_its_language():
    code = dk.code("x^2*y", "hessian", "c")
    assert f"```c\n{code.source}\n```" in shown(code, "markdown")
    assert "<pre><code>" in shown(code, "html")
    assert shown(dk.code("x^2*y", "gradient", "latex"), "latex").startswith("\\begin{align*}")


def test_text_cannot_leave_its_place():
    claim = dk.check(lambda x: x**2, lambda x: 3 * x, 1.0)
    assert "<lambda>" not in shown(claim, "html")
    assert not re.search(r"(?<!`)<lambda>", shown(claim, "markdown"))


def test_nothing_is_loaded_before_a_notebook_asks():
    code = "import diffkit as dk; r = dk.derivative('x^2', 1, backend='dual'); r['x']; repr(r)\nimport sys\n"
    assert loaded(code + "assert not [m for m in sys.modules if m.startswith('diffkit.reports')]") == []


DRAWN = {
    "tangent": lambda: dk.tangent("x^2", 1),
    "kink": lambda: dk.tangent("abs(x)", 0),
    "stationary points": lambda: dk.stationary("x^3 - x", "-2:2"),
    "saddle": lambda: dk.stationary("x*y", "x=-1:1,y=-1:1"),
    "back-propagation": lambda: dk.backward("(y - tanh(w*x))^2", [1, 2, 3]),
    "path": lambda: dk.descend("(w - 3)^2 + b^2", {"w": 0, "b": 1}, rate=0.1, steps=5),
}
NOT_DRAWN = {
    "plane": lambda: dk.tangent("x*y", [1, 2]),
    "three variables": lambda: dk.stationary("x^2 + y^2 + z^2", "x=-1:1,y=-1:1,z=-1:1"),
    "one weight": lambda: dk.descend("w^2", 1.0, rate=0.1, steps=5),
    "code": lambda: dk.descend(lambda w: w @ w, np.ones(2), rate=0.1, steps=5),
    "network": lambda: dk.backward("*".join(f"sin(x{k})" for k in range(60)), [1] * 60),
}


@pytest.mark.parametrize("name", DRAWN)
def test_what_can_be_drawn_is_drawn_inline(name):
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    (picture,) = re.findall('<img src="data:image/png;base64,([^"]+)" alt="[^"]+"', shown(DRAWN[name](), "html"))
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert len(picture) < 150_000  # a notebook keeps it


@pytest.mark.parametrize("name", NOT_DRAWN)
def test_what_cannot_be_drawn_is_shown_without(name):
    assert "<img" not in shown(NOT_DRAWN[name](), "html")


def test_code_is_not_called_for_a_picture():
    calls = []
    path = dk.descend(lambda w: calls.append(0) or w @ w, np.ones(2), rate=0.1, steps=5)
    path.consider()
    before = len(calls)
    shown(path, "html")
    assert len(calls) == before


def test_without_matplotlib_there_is_no_picture(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = shown(dk.tangent("x^2", 1), "html")
    assert "<img" not in text
    assert "2.25" in shown(dk.tangent("x^2", 1.5), "html")


# Results by name -----------------------------------------------------------------------------------------------------

NAMED = {
    "gradient": (lambda: dk.gradient("x^2*y", [1, 2]), {"x": 4, "y": 1}),
    "some": (lambda: dk.gradient("x^2*y", {"x": 1, "y": 2}, wrt=["y"]), {"y": 1}),
    "derivative": (lambda: dk.derivative("x^3", 2), {"x": 12}),
    "named d": (lambda: dk.derivative("d^3", 2), {"d": 12}),
    "second": (lambda: dk.derivative("delta^3", 2, order=2), {("delta", "delta"): 12}),
    "mixed": (lambda: dk.derivative("x^2*y", {"x": 1, "y": 2}, wrt=["x", "y"]), {("x", "y"): 2}),
    "hessian": (lambda: dk.hessian("x^2*y1", [1, 2]),
                {("x", "x"): 4, ("x", "y1"): 2, ("y1", "x"): 2, ("y1", "y1"): 0}),
    "jacobian": (lambda: dk.jacobian(["x*y", "x"], [1, 2]),
                 {("f1", "x"): 2, ("f1", "y"): 1, ("f2", "x"): 1, ("f2", "y"): 0}),
    "taylor": (lambda: dk.taylor("x^2", 1, 2), {"f": 1, "df/dx / 1!": 2, "d²f/dx² / 2!": 1}),
    "directional": (lambda: dk.directional("x*y", [1, 2], [1, 0]), {"Df·v": 2}),
    "hvp": (lambda: dk.hvp("x*y", [1, 2], [1, 0]), {"x": 0, "y": 1}),
    "code": (lambda: dk.gradient(lambda x: x[0] * x[1], [1.0, 2.0]), {"x[0]": 2, "x[1]": 1}),
    "sparse": (lambda: dk.hessian("x^2+y^2", [1, 2], sparse=True), {("x", "x"): 2, ("y", "y"): 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_result_reads_like_a_mapping(name):
    make, answers = NAMED[name]
    r = make()
    assert dict(r) == dict(r.items()) == answers
    assert list(r) == list(r.keys()) == list(answers)
    assert r.values() == list(answers.values())
    assert len(r) == len(answers)
    for key, value in answers.items():
        assert key in r
        assert r[key] == r.get(key) == value
        assert type(r[key]) is float
    assert r.get("nothing", 7) == 7
    assert "nothing" not in r


def test_a_batch_gives_arrays_in_the_shape_of_its_points():
    X = np.arange(12.0).reshape(6, 2)
    r = dk.hessian("x^2*y", X)
    assert np.array_equal(r["x", "y"], 2 * X[:, 0])
    assert np.array_equal(dk.derivative("x^2", np.ones((2, 3)))["x"], np.full((2, 3), 2.0))
    assert [k for k, _ in r.items()] == list(r)


def test_what_is_not_ok_is_nan_by_name_too():
    r = dk.gradient("abs(x)*y", [0, 2])
    assert np.isnan(r["x"])
    assert r["y"] == 0


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("alhpa", 'no component "alhpa" (did you mean "alpha"?)'),
        ("f", 'it has "alpha", "beta"'),
        (0, "no component 0"),
        (("alpha", "beta"), 'no component ("alpha", "beta")'),
    ],
)
def test_an_unknown_name_is_a_key_error_of_one_line(key, said):
    r = dk.gradient("alpha*beta", [1, 2])
    with pytest.raises(dk.LabelError) as caught:
        r[key]
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, dk.DiffkitError)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_entries_that_are_not_stored_are_told_from_unknown_names():
    r = dk.hessian("x^2+y^2", [1, 2], sparse=True)
    with pytest.raises(dk.LabelError, match="not stored is 0"):
        r["x", "y"]
    with pytest.raises(dk.LabelError, match="no component"):
        r["x", "z"]


def test_a_result_by_name_does_not_change_what_it_was():
    r = dk.gradient("x^2*y", [1, 2])
    assert r == dk.gradient("x^2*y", [1, 2])
    r["x"]
    assert r == dk.gradient("x^2*y", [1, 2])
    assert r
    assert np.array_equal(np.asarray(r), [4, 1])
    assert not dk.derivative("abs(x)", 0)


def test_a_gradient_that_was_found_is_a_direction():
    """Along its own gradient f rises by |∇f|²."""
    slope = dk.directional("x^2*y", [1, 2], dk.gradient("x^2*y", [1, 2]))
    assert slope.value == 17
    with pytest.raises(dk.NotOkError):
        dk.directional("x*y", [1, 2], dk.gradient("abs(x)*y", [0, 2]))


@pytest.mark.parametrize("name", NAMED)
def test_dictionaries_and_json_say_the_same(name):
    r = NAMED[name][0]()
    fields = r.to_dict()
    assert json.loads(r.to_json()) == json.loads(json.dumps(fields))
    assert fields["schema"] == "diffkit.result/1"
    assert fields["kind"] == r.kind
    assert "\n" not in r.to_json()


@pytest.mark.parametrize("name", NAMED)
def test_a_frame_has_a_row_for_each_component(name):
    pytest.importorskip("pandas", reason="comes with the test extra")
    make, answers = NAMED[name]
    frame = make().to_frame()
    assert list(frame.columns) == ["value", "error", "status"]
    assert frame.value.to_dict() == answers
    assert (frame.status == "ok").all()


def test_a_frame_of_a_batch_unstacks_to_a_row_for_each_point():
    pytest.importorskip("pandas", reason="comes with the test extra")
    X = np.arange(1.0, 9.0).reshape(4, 2)
    wide = dk.gradient("x^2*y", X).to_frame().value.unstack()
    assert np.array_equal(wide[["x", "y"]].to_numpy(), np.column_stack([2 * X[:, 0] * X[:, 1], X[:, 0] ** 2]))


def test_without_pandas_a_frame_is_refused_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(dk.BackendError, match=r"a frame needs pandas \(pip install pandas\)"):
        dk.gradient("x^2", 1).to_frame()

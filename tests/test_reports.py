"""Reports of every kind in every format, and accuracy over many points."""

import json
import math
import re
import sys
from pathlib import Path

import pytest
from report_cases import KINDS, check_page

from diffkit.reports import FORMATS
from diffkit.reports.pictures.charts import STEP_AXIS, central

pytestmark = pytest.mark.usefixtures("cases")

SCHEMA = json.loads((Path(__file__).parents[1] / "docs/reference/report.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_format(run, kind, format):
    code, out, err = run(*KINDS[kind], "--format", format)
    assert code in (0, 1)
    assert err == ""
    if format != "json":
        assert not re.search(r"\bnan\b|not_differentiable|domain_error|None", out)
    if format == "html":
        check_page(out)
    if format == "markdown":
        assert out.startswith("# ")


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_strict_and_keeps_its_schema(run, kind):
    jsonschema = pytest.importorskip("jsonschema", reason="comes with the test extra")
    _, out, _ = run(*KINDS[kind], "--format", "json")
    body = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    definitions = SCHEMA["$defs"]
    named = definitions[body["schema"].removeprefix("diffkit.").partition("/")[0]]
    jsonschema.Draft202012Validator({**named, "$defs": definitions}).validate(body)  # says what is wrong
    jsonschema.Draft202012Validator(SCHEMA).validate(body)  # says that exactly one kind fits


def test_figures_are_drawn_in_the_page(run):
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    for kind, count in (("comparison", 2), ("accuracy", 2), ("result", 0), ("odd comparison", 0), ("many points", 3)):
        _, out, _ = run(*KINDS[kind], "--format", "html")
        page = check_page(out)
        assert page.seen.count("svg") == count
        assert page.seen.count("desc") == count
        assert "pip install" not in out


def test_without_matplotlib_the_page_is_complete_and_says_so(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    _, out, _ = run(*KINDS["comparison"], "--format", "html")
    check_page(out)
    assert "<svg" not in out
    assert out.count("pip install &quot;diffkit[plot]&quot;") == 1
    assert out.count("<details open>") == 2
    assert "step h" in out


def test_the_figure_of_steps_shows_the_known_curve():
    errors = [abs(central(lambda p: math.exp(p[0]), (1.0,), (0,), h) - math.e) / math.e for h in STEP_AXIS]
    assert errors[0] == pytest.approx(math.sinh(1) - 1, rel=1e-12)
    assert 1e-7 < STEP_AXIS[errors.index(min(errors))] < 1e-4
    assert central(lambda p: p[0] ** 2 * p[1], (1.0, 2.0), (0, 1), 2.0**-10) == pytest.approx(2.0)
    assert central(lambda p: p[0] ** 3, (2.0,), (0, 0), 2.0**-10) == pytest.approx(12.0)


# What a first-time reader sees ---------------------------------------------------------------------------------------


def test_a_kink_is_told_in_words_without_an_empty_table(run):
    _, out, _ = run("compare", "abs(x)", "--at", "0")
    assert "verdict = not differentiable, and every method says so" in out
    assert "dual      not differentiable (left derivative -1, right derivative 1)" in out
    assert "–" not in out
    assert "± 0" not in out
    assert "ulps" not in out


def test_agreement_in_few_digits_says_so(run):
    code, out, _ = run("compare", "(1-cos(x))/x^2", "--at", "1e-6", "--backends", "symbolic,dual")
    assert "verdict = agree" in out
    assert "but symbolic and dual have fewer than 3 correct digits: an error bar may be that wide" in out
    assert code == 0


def test_without_one_right_digit_there_is_no_agreement(run):
    code, out, _ = run("compare", "(1-cos(x))/x^2", "--at", "1e-8", "--backends", "symbolic,dual")
    assert "verdict = disagree: symbolic and dual have no right digit\n" in out
    assert code == 1


def test_a_symmetric_hessian_is_listed_once(run):
    _, out, _ = run("compare", "x*y^2", "--at", "1,2", "--kind", "hessian", "--backends", "dual")
    assert out.count("∂²f/∂x∂y") == 1
    assert "∂²f/∂y∂x" not in out

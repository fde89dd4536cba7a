"""Long formulas in shared form: names before they are needed, short lines, the same function, in every format."""

import json
import pickle
import random

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.questions import ask_everywhere
from diffkit.engines.shared_formulas import FormulaTexts, formula_texts
from diffkit.methods.symbolic import formulas_of
from diffkit.reports import render
from diffkit.reports.latex_display import render as typeset
from diffkit.reports.result_report import Report


def nested(depth, inner="sin({} + 1/{k})", start="x"):
    text = start
    for k in range(1, depth + 1):
        text = inner.format(text, k=k)
    return text


def evaluated(lines, at):
    """What the last of some lines gives, the others being definitions, through what diffkit reads."""
    values = dict(at)
    *definitions, last = lines
    for line in definitions:
        name, _, text = line.partition(" = ")
        assert name not in values
        values[name] = _value(text, values)
    return _value(last, values)


def _value(text, values):
    from diffkit.core.program import run
    from diffkit.numbers.floats import FLOATS

    program = dk.parse(text).program
    return run(program, FLOATS, [values[name] for name in program.inputs])[0]


LONG = {
    "nested": nested(60),
    "nested products": nested(30, "exp(-{}*x/{k})"),
    "quotients": nested(40, "1/(1 + x*{})"),
    "choices": nested(25, "where(x > 1/{k}, sin({}), x)"),
    "sums": "(" + " + ".join(f"sin({k}*x)*cos(x/{k})" for k in range(1, 90)) + ")^2",
}


@pytest.mark.parametrize("name", LONG)
def test_the_same_function_in_short_lines(name):
    found = dk.derivative(LONG[name], 0.7, backend="symbolic")
    lines = found.formula.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) < 100
    assert "…" not in found.formula
    assert evaluated(lines, {"x": 0.7}) == pytest.approx(found.value, rel=1e-11)


@pytest.mark.parametrize("seed", range(12))
def test_drawn_gradients_share_their_definitions(seed):
    draw = random.Random(seed)
    pieces = ["x", "y", "z"]
    for _ in range(40):
        a, b = draw.choice(pieces[-4:]), draw.choice(pieces)
        pieces.append(
            f"sin({a}*{b} + {draw.randint(1, 9)})" if len(a) + len(b) < 3000 else f"({draw.choice('xyz')} + 1)"
        )
    text = max(pieces, key=len)
    program = dk.parse(text).program
    texts = formula_texts(program)
    at = {"x": 0.3, "y": -0.4, "z": 0.9}
    assert isinstance(texts, FormulaTexts)
    lines = [*(" = ".join(pair) for pair in texts.definitions), texts[0]]
    assert evaluated(lines, at) == pytest.approx(_value(text, at), rel=1e-9)
    assert pickle.loads(pickle.dumps(texts)).definitions == texts.definitions
    if texts.definitions:
        assert len("".join(lines)) < len(text)


def test_short_formulas_stay_whole():
    found = dk.hessian("x^2*sin(y)", [1, 2], backend="symbolic")
    assert found.formula == "[[2*sin(y), 2*x*cos(y)], [2*x*cos(y), -x**2*sin(y)]]"


def test_names_that_are_variables_are_not_given():
    text = nested(60, "sin({} + t2/{k})", "t1")
    found = dk.gradient(text, {"t1": 0.2, "t2": 0.4}, backend="symbolic")
    *definitions, last = found.formula.splitlines()
    assert not {"t1", "t2"} & {line.partition(" = ")[0] for line in definitions}
    parts = last.removeprefix("[").removesuffix("]").split(", ")
    at = {"t1": 0.2, "t2": 0.4}
    assert np.allclose([evaluated([*definitions, part], at) for part in parts], found.value, rtol=1e-11)


def test_a_formula_grows_with_depth_not_with_its_square():
    lengths = []
    for depth in (100, 200):
        limits = dk.Limits(parentheses=1000, depth=1000)
        f = dk.parse(nested(depth), limits=limits)
        lengths.append(len(dk.derivative(f, 0.3, backend="symbolic").formula))
    assert lengths[1] < 2.3 * lengths[0]


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_every_format_tells_the_names(form, run):
    code, out, _ = run("derivative", LONG["nested"], "--at", "0.7", "--formula", "--format", form)
    assert code == 0
    if form == "json":
        fields = json.loads(out)
        lines = [*(" = ".join(pair) for pair in fields["definitions"].items()), *fields["formulas"]]
        assert evaluated(lines, {"x": 0.7}) == pytest.approx(fields["value"], rel=1e-11)
        return
    assert "t1" in out
    assert "…" not in out
    assert out.index("t1") < out.index("t9")


def test_formulas_alone_and_in_latex():
    question = ask_everywhere(LONG["nested"], "derivative")
    report = Report(None, question.task, (), *formulas_of(question))
    assert "t_{1} = " in typeset(report)
    assert "t1 = " in render(report, "text")

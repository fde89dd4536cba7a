"""Nothing hidden and no live link gets through: hostile text in every place that takes text, in every format."""

import json
import os
import random
import re
import sys

import numpy as np
import pytest
from markdown_it import MarkdownIt
from report_cases import Page

import diffkit as dk
from diffkit.core.errors import escaped, visible
from diffkit.reports.glossary import TERMS
from diffkit.reports.markdown import code, escape
from diffkit.reports.text import STYLE

LINKS = [{"class": "word", "href": f"#{term.anchor}", "title": term.meaning} for term in TERMS.values()]
EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "400"))
UNSEEN = re.compile(  # written down anew: C0 but the line feed, C1, bidirectional controls, no width, separators
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufe0f\ufeff\U000e0041\ud800]"
)
PIECES = [
    "\x1b[31m", "\x1b]8;;https://evil.example\x07", "\x9b31m", "\x00", "\x07", "\r", "\n", "\x08", "\x7f", "\x85", "\t",
    "\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff", "\u2028", "\xad", "\u061c", "\U000e0041", "\ufe0f",
    "[x](javascript:alert(1))", "![x](https://evil.example/x)", "<script>alert(1)</script>", "<img src=x onerror=a>",
    "<https://evil.example>", "https://evil.example/", "www.evil.example", "a@evil.example", "mailto:a@evil.example",
    "[x]: https://evil.example", "&#60;script&#62;", "&lt;b&gt;", "`", "``", "```", "|", "\\", "\\|", "*x*", "_x_",
    "# x", "- x", "1. x", "> x", "---", "===", "{: onclick=a }", "{{ x }}", "$x$", "'", '"', "]]>", "-->", "</table>",
    "~~x~~", "x", "y", "2", "+", " ", "sin(", ")", "=", ",", ".", "π", "é", "中", "✓",
]  # fmt: skip
MODULE = """
TEXT = {text!r}
def fails(x):
    raise ValueError(TEXT)
def dies(x):
    raise KeyError(TEXT)
def fine(x):
    return x**2
fine.__name__ = TEXT
def problem():
    raise RuntimeError(TEXT)
def claim(x):
    return TEXT
""".replace("{text!r}", "%r")


def on_file(name, content):
    """A way in by a file."""

    def write(text):
        with open(name, "w", encoding="utf-8", errors="surrogatepass") as stream:
            stream.write(content(text))

    return write


def cases(text):
    """A file of cases with the text wherever a case has text."""
    about = {"id": text, "source": text, "tags": [text]}
    fine = {**about, "expr": "x^2", "at": {"x": 1}, "gradient": ["3"]}
    kink = {**about, "expr": "abs(x)", "at": {"x": 0}}
    return "\n".join(map(json.dumps, (fine, kink)))


def bad_case(field):
    return lambda text: json.dumps({"id": text, "expr": "x^2", "at": {"x": 1}, field: text})


def report(_):
    return ["report", "c.jsonl", "--backends", "dual"]


CODE = on_file("hostile.py", lambda text: MODULE % text)
WAYS = {
    "expression": (None, lambda t: ["grad", t, "--at", "1"]),
    "two expressions": (None, lambda t: ["jacobian", "x", t, "--at", "1"]),
    "point": (None, lambda t: ["grad", "x", "--at", t]),
    "named point": (None, lambda t: ["grad", "x", "--at", f"{t}=1"]),
    "range": (None, lambda t: ["grad", "x", "--at", f"x=0:{t}:3"]),
    "variables": (None, lambda t: ["grad", "x", "--variables", f"x,{t}", "--at", "1,2"]),
    "wrt": (None, lambda t: ["grad", "x*y", "--wrt", t, "--at", "1,2"]),
    "backend": (None, lambda t: ["grad", "x", "--at", "1", "--backend", t]),
    "format": (None, lambda t: ["grad", "x", "--at", "1", "--format", t]),
    "kind": (None, lambda t: ["compare", "x", "--at", "1", "--kind", t]),
    "option": (None, lambda t: ["grad", "x", f"--{t}", "1"]),
    "number": (None, lambda t: ["derivative", "x", "--order", t, "--at", "1"]),
    "command": (None, lambda t: [f"x{t}", "x"]),
    "function": (None, lambda t: ["functions", t]),
    "gallery": (None, lambda t: ["gallery", t]),
    "claim": (None, lambda t: ["check", "x^2", "--claim", t, "--at", "1"]),
    "box": (None, lambda t: ["stationary", "x^2", "--box", t]),
    "schedule": (None, lambda t: ["descend", "x^2", "--from", "1", "--steps", "2", "--schedule", t]),
    "array": (None, lambda t: ["grad", "x @ x", "--let", f"A={t}", "--at", "x=[1,2]"]),
    "array name": (None, lambda t: ["grad", "x @ x", "--let", f"{t}=[1]", "--at", "x=[1,2]"]),
    "matrix": (None, lambda t: ["matrix", t]),
    "shape": (None, lambda t: ["matrix", "A @ x", "--shape", f"A={t}"]),
    "identity": (None, lambda t: ["matrix", "--check", f"d/dx x.T @ x = {t}"]),
    "limit": (None, lambda t: ["limit", t, "--at", "1"]),
    "tangent": (None, lambda t: ["tangent", t, "--at", "1"]),
    "derivation": (None, lambda t: ["explain", t]),
    "header": (on_file("p.csv", lambda t: f"x,{t}\n1,2\n"), lambda _: ["grad", "x^2", "--points", "p.csv"]),
    "cell": (on_file("p.csv", lambda t: f"x\n{t}\n"), lambda _: ["grad", "x^2", "--points", "p.csv"]),
    "JSON point": (on_file("p.jsonl", lambda t: json.dumps({"x": t})), lambda _: ["grad", "x", "--points", "p.jsonl"]),
    "JSON name": (on_file("p.jsonl", lambda t: json.dumps({t: 1})), lambda _: ["grad", "x", "--points", "p.jsonl"]),
    "no JSON": (on_file("p.jsonl", lambda t: "{" + t), lambda _: ["grad", "x", "--points", "p.jsonl"]),
    "data": (on_file("d.csv", lambda t: f"{t},y\n1,2\n"), lambda _: ["grad", "x*y", "--data", "d.csv", "--at", "x=1"]),
    "data cell": (on_file("d.csv", lambda t: f"y\n{t}\n"), lambda _: ["grad", "x*y", "--data", "d.csv", "--at", "x=1"]),
    "JSON data": (on_file("d", lambda t: json.dumps({t: [1]})), lambda _: ["grad", "x", "--data", "d", "--at", "x=1"]),
    "file": (None, lambda t: ["grad", "x", "--points", f"absent{t}"]),
    "cases file": (None, lambda t: ["report", f"absent{t}"]),
    "output": (None, lambda t: ["grad", "x", "--at", "1", "--output", f"absent/{t}"]),
    "picture": (None, lambda t: ["tangent", "x", "--at", "1", "--save", f"absent/{t}.svg"]),
    "cases": (on_file("c.jsonl", cases), report),
    **{f"case with {field}": (on_file("c.jsonl", bad_case(field)), report)
       for field in ("expr", "at", "vars", "gradient")},
    "module": (None, lambda t: ["check", f"absent{t}.py:f", "--claim", "x", "--at", "1"]),
    "name in a module": (CODE, lambda t: ["check", "hostile.py:fine", "--gradient", f"hostile.py:{t}", "--at", "1"]),
    "exception": (CODE, lambda _: ["check", "hostile.py:fails", "--claim", "2*x", "--at", "1"]),
    "fault": (CODE, lambda _: ["check", "hostile.py:dies", "--claim", "2*x", "--at", "1"]),
    "name of f": (CODE, lambda _: ["check", "hostile.py:fine", "--gradient", "hostile.py:fails", "--at", "1"]),
    "claimed text": (CODE, lambda _: ["check", "hostile.py:fine", "--gradient", "hostile.py:claim", "--at", "1"]),
    "problem": (CODE, lambda _: ["check", "hostile.py:problem"]),
    "descent": (CODE, lambda _: ["descend", "hostile.py:fails", "--from", "1", "--steps", "2"]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])


def go(run, way, text, format):
    """Standard output and error of a way in."""
    write, arguments = WAYS[way]
    if write is not None:
        write(text)
    sys.modules.pop(os.path.realpath("hostile.py"), None)
    given = [part.replace("\0", "\\0") for part in arguments(text)]
    shown = ["--format", format] if "--format" not in given and given[0] not in ("gallery",) else []
    code, out, err = run(*given, *shown)
    assert code in (0, 1, 2), err
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 3
    return out, err


class Strict(Page):
    """No element that links but from a word to its meaning in the glossary; no attribute that runs something."""

    def _look(self, tag, attributes):
        super()._look(tag, attributes)
        assert tag not in ("form", "input", "base", "foreignobject")
        assert tag != "a" or dict(attributes) in LINKS
        assert not [name for name, _ in attributes if name.startswith("on")]


def check_html(text):
    page = Strict(text)
    assert page.open == []
    assert set(page.refers) <= set(page.ids)


def check_markdown(text):
    """No mark-up but ours: tables, headings, lists and code; no address that a host would make a link of."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    kinds = {t.type for token in tokens for t in (token, *(token.children or ()))}
    live = ("link", "image", "html", "em", "strong", "s_", "blockquote", "fence")
    assert not {kind for kind in kinds if kind.startswith(live)}
    words = [t.content for token in tokens for t in token.children or () if t.type == "text"]
    raw = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)  # outside code
    assert not re.search(r"://|\bwww\.|mailto:|@\w|\]\(", raw), raw
    return words


def check(out, err, format, styled=False):
    assert not UNSEEN.search(err)
    plain = STYLE.sub("", out) if styled else out
    assert not UNSEEN.search(plain), plain
    if not out:
        return
    if format == "html":
        check_html(out)
    elif format == "markdown":
        check_markdown(out)
    elif format == "json":
        json.loads(out, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))


def hostile(draw):
    """A text of a few pieces."""
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 4)))


@pytest.mark.parametrize("way", WAYS)
def test_nothing_gets_through(run, way):
    draw = random.Random(way)
    for _ in range(max(2, EXAMPLES // len(WAYS) // 4)):
        text = hostile(draw)
        for format in ("text", "markdown", "html", "json"):
            check(*go(run, way, text, format), format)


def test_nothing_gets_through_to_a_terminal(run, monkeypatch):
    monkeypatch.setattr("diffkit.cli.output.on_terminal", lambda _: True)
    draw = random.Random(1)
    for way in WAYS:
        check(*go(run, way, hostile(draw), "text"), "text", styled=True)


def test_styles_of_others_are_no_styles_of_ours(run, monkeypatch):
    monkeypatch.setattr("diffkit.cli.output.on_terminal", lambda _: True)
    out, _ = go(run, "cases", "\x1b[1mbold", "text")
    assert "\x1b[1mbold" not in out
    assert r"\x1b[1mbold" in out


def test_json_keeps_what_was_said(run):
    draw = random.Random(2)
    for _ in range(40):
        text = hostile(draw)
        out, _ = go(run, "cases", text, "json")
        assert json.loads(out)["outcomes"][0]["name"] == text[:64]


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_by_itself(piece):
    draw = random.Random(piece)
    for text in (piece, f"{piece}x", f"x{piece}", f"x {piece} x", *(hostile(draw) + piece for _ in range(9))):
        shown = visible(text)
        assert not UNSEEN.search(shown)
        assert "\n" not in shown
        assert visible(shown) == shown
        (words,) = (["".join(check_markdown(escape(shown)))],)
        assert re.sub(r"\s|@", "", words[0]) == re.sub(r"\s|@", "", shown)  # a reader sees what was written
        (inline,) = [t for t in MarkdownIt("commonmark").parse(code(shown)) if t.type == "inline"] or [None]
        if shown.strip():
            assert [t.type for t in inline.children] == ["code_inline"]
        assert json.loads(escaped(json.dumps(text, ensure_ascii=False))) == text


def test_python_errors_and_answers_are_visible():
    for text in ("x\x1b[31m", "x\u202ey", "\u200bx"):
        with pytest.raises(dk.DiffkitError) as caught:
            dk.derivative(text, 1)
        assert not UNSEEN.search(str(caught.value) + caught.value.caret())


def test_ordinary_text_is_left_alone():
    for text in ("3*x^2 − 4x", "∂f/∂x = ½·π", "中文", "e\u0301", "a – b", "‖∇f‖ ≤ 1"):
        assert visible(text) == text
    assert np.array_equal([escape("1, -2 and (3)"), escape("f(x) = 2 − x")], ["1, -2 and (3)", "f(x) = 2 − x"])


class Unread(Exception):
    def __str__(self):
        raise RuntimeError("no")


def raising(error):
    def fails(x):
        raise error

    return fails


def called(name):
    def fine(x):
        return x**2

    fine.__name__ = name
    return fine


FACES = {
    "value": lambda f, _: dk.derivative(f, 1.0),
    "check": lambda f, _: dk.check(f, lambda x: 2 * x, at=1.0),
    "claim": lambda f, _: dk.check(lambda x: x**2, f, at=1.0),
    "descent": lambda f, _: dk.descend(f, 1.0, rate=0.1, steps=2),
    "gradient of a descent": lambda f, _: dk.descend(lambda x: x**2, 1.0, gradient=f, rate=0.1, steps=2),
    "cases": lambda _, t: dk.report([{"id": t, "source": t, "expr": "x^2", "at": {"x": 1}, "gradient": [9]}]),
    "names of cases": lambda _, t: dk.report([{"id": t, t: t, "expr": "x^2", "at": {t: 1}}]),
    "mapping": lambda _, t: dk.gradient("x*y", {t: 1.0, "x": 2.0, "y": 1.0}),
    "text": lambda _, t: dk.explain(t),
    "backend": lambda _, t: dk.compare("x*y", [1, 2], backends=(t,)),
    "array": lambda _, t: dk.arrays("sum(x*y)", **{t: [1.0]}),
    "parameter": lambda _, t: dk.check(lambda w, b: w @ w + b, {t: lambda w, b: 2 * w}, at=[np.ones(2), 1.0]),
}  # fmt: skip


def said(face, f, text):
    """What an answer or an error says in Python."""
    try:
        found = FACES[face](f, text)
    except dk.DiffkitError as error:
        return str(error)
    return str(found) + repr(found)


@pytest.mark.parametrize("face", FACES)
def test_nothing_gets_through_in_python(face):
    draw = random.Random(face)
    for _ in range(max(2, EXAMPLES // len(FACES) // 16)):
        text = hostile(draw)
        kind = draw.choice([ValueError, KeyError, RuntimeError, type(text.replace("\0", ""), (ValueError,), {})])
        f = called(text) if draw.random() < 0.2 else raising(kind(text))
        check(said(face, f, text), "", "text")


@pytest.mark.parametrize("face", list(FACES)[:5])
def test_messages_that_cannot_be_read(face):
    assert said(face, raising(type("Odd", (Unread, ValueError), {})()), "")  # no value there
    found = said(face, raising(Unread()), "")
    assert "raised Unread" in found
    assert "its message cannot be read, RuntimeError" in found

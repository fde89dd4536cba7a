"""What a report looks like on a terminal: in lines that fit, with every number whole."""

import os
import re
import subprocess
import sys

import pytest
from report_cases import KINDS

import diffkit.reports
from diffkit.reports import document_of
from diffkit.reports.document import Equation, Note, Table
from diffkit.reports.text import STYLE, render, size, wrapped

NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?")
WIDE = {
    "long formula": ["grad", "*".join(f"sin({k}.25*x)" for k in range(1, 16)), "--at", "1"],
    "Hessian": ["hessian", "exp(x*y*z*w)", "--at", "0.1,0.2,0.3,0.4"],
    "Himmelblau": ["stationary", "(x^2+y-11)^2+(x+y^2-7)^2", "--box", "x=-5:5,y=-5:5"],
}
pytestmark = pytest.mark.usefixtures("cases")


class Blocks:
    """A document of given blocks."""

    def __init__(self, *blocks):
        self.blocks = lambda: iter(blocks)


def on_terminal(document, columns, monkeypatch, **environment):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"COLUMNS": str(columns), **environment}.items():
        monkeypatch.setenv(name, value)
    return render(document, terminal=True)


@pytest.mark.parametrize("kind", [*KINDS, *WIDE])
def test_lines_fit_and_no_number_is_broken(run, monkeypatch, kind):
    documents = []
    real = diffkit.reports.render
    monkeypatch.setattr(diffkit.reports, "render", lambda a, *rest: documents.append(document_of(a)) or real(a, *rest))
    _, plain, _ = run(*{**KINDS, **WIDE}[kind])
    assert documents
    for columns in (80, 60):
        shown = "\n".join(on_terminal(document, columns, monkeypatch) for document in documents)
        lines = STYLE.sub("", shown).splitlines()
        assert max(map(size, lines)) <= columns
        assert set(NUMBER.findall(plain)) <= {number for line in lines for number in NUMBER.findall(line)}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("columns", [80, 60])
def test_a_real_terminal(columns):
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    command = [sys.executable, "-m", "diffkit", "explain", "(y - sigmoid(w*x + b))^2", "--backward"]
    command += ["--at", "b=0,w=1,x=2,y=1"]
    with subprocess.Popen(command, stdout=theirs, stdin=theirs, env={**environment, "TERM": "xterm"}) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                seen += (new := os.read(ours, 65536))
            except OSError:  # the end, as Linux tells it
                break
            if not new:
                break
        assert process.wait() == 0
    os.close(ours)
    text = seen.decode()
    assert "\x1b[1m" in text
    lines = STYLE.sub("", text).splitlines()
    assert max(map(len, lines)) <= columns
    for cell in ("-0.025031084347353474", "-0.02503108435", "z3*sigmoid(-z2)"):
        assert any(cell in line for line in lines)


TABLE = Table(("name", "value", "error bar", "what it says"), (
    ("a", "1.23456789012", "± 1.5e-16", "a short sentence"),
    ("b", "-9.87654321098", "± 2.5e-16", "another one"),
))  # fmt: skip


def test_a_table_that_fits_is_one_line_a_row(monkeypatch):
    assert STYLE.sub("", on_terminal(Blocks(TABLE), 60, monkeypatch)) == render(Blocks(TABLE))


def test_cells_are_wrapped_between_words(monkeypatch):
    assert STYLE.sub("", on_terminal(Blocks(TABLE), 44, monkeypatch)).splitlines() == [
        "name  value           error bar  what it",
        "                                 says",
        "a     1.23456789012   ± 1.5e-16  a short",
        "                                 sentence",
        "b     -9.87654321098  ± 2.5e-16  another one",
    ]


def test_columns_are_split_over_tables(monkeypatch):
    assert STYLE.sub("", on_terminal(Blocks(TABLE), 40, monkeypatch)).splitlines() == [
        "name  value           error bar",
        "a     1.23456789012   ± 1.5e-16",
        "b     -9.87654321098  ± 2.5e-16",
        "",
        "name  what it says",
        "a     a short sentence",
        "b     another one",
    ]
    same = Table(TABLE.header, tuple(("a", *row[1:]) for row in TABLE.rows))
    first, *_ = STYLE.sub("", on_terminal(Blocks(same), 40, monkeypatch)).splitlines()
    assert first == "#  name  value           error bar"


def test_a_long_word_breaks_between_symbols():
    assert wrapped("x = 1, y = -2.5 and so on", 10, "  ") == ["x = 1,", "  y = -2.5", "  and so", "  on"]
    assert wrapped("abc**2*sin(-1.5e-10)*longest", 12) == ["abc**2*sin(", "-1.5e-10)*", "longest"]
    assert wrapped("12345678901234567890", 10) == ["12345678901234567890"]
    assert wrapped("无 数字", 4) == ["无", "数字"]


def test_styles(monkeypatch):
    blocks = Blocks(Equation("y", "2", "(proven)"), Note("so it is"))
    styled = "y = \x1b[1m2\x1b[0m  \x1b[2m(proven)\x1b[0m\n\x1b[2mso it is\x1b[0m\n"
    assert on_terminal(blocks, 80, monkeypatch) == styled
    assert on_terminal(blocks, 80, monkeypatch, NO_COLOR="1") == STYLE.sub("", styled)
    assert on_terminal(blocks, 80, monkeypatch, TERM="dumb") == STYLE.sub("", styled) == render(blocks)

"""Output that is closed, full, or read by nobody: one line, the right exit code, and nothing half-written."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import diffkit as dk
from diffkit.cli.commands import cli
from diffkit.cli.process import Closed

COMMANDS = {
    "grad": ["grad", "x^2", "--at", "1", "--no-formula"],
    "help": ["grad", "-h"],
    "commands": [],
    "version": ["--version"],
    "functions": ["functions"],
    "latex": ["explain", "x^2", "--latex"],
    "gallery": ["gallery"],
    "JSON": ["compare", "x^2", "--at", "1", "--format", "json", "--backends", "dual"],
}
PROBLEMS = {
    ">/dev/full": (2, "cannot write to standard output: No space left on device"),
    ">&-": (2, "cannot write to standard output: it is closed"),
    ">/dev/full 2>/dev/full": (2, ""),
    ">&- 2>&-": (2, ""),
    "<&- >&- 2>&-": (2, ""),
    "| true": (141, ""),
    "2>&1 | true": (141, ""),
}
FAST = [(c, p) for c in COMMANDS for p in PROBLEMS if c == "grad" or p == ">/dev/full"]


def shell(arguments, problem, tmp_path):
    """Exit code and standard error of the command under a redirection."""
    environment = {**os.environ, "PYTHONPATH": str(Path(dk.__file__).parent.parent)}
    line = f'set -o pipefail; "$0" -m diffkit "$@" {problem}'
    done = subprocess.run(["bash", "-c", line, sys.executable, *arguments], capture_output=True, text=True,
                          cwd=tmp_path, env=environment, timeout=60)  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(("command", "problem"), FAST)
def test_standard_output_that_takes_nothing(command, problem, tmp_path):
    code, said = PROBLEMS[problem]
    found, err = shell(COMMANDS[command], problem, tmp_path)
    assert found == code
    assert err == (f"diffkit: {said}\n" if said else "")


def test_what_is_wrong_is_not_told_to_standard_output(tmp_path):
    code, err = shell(["grad", "x^"], "2>&- | tee said", tmp_path)
    assert (code, err) == (2, "")
    assert (tmp_path / "said").read_text() == ""


def test_a_report_into_a_file_needs_no_standard_output(tmp_path):
    code, err = shell([*COMMANDS["grad"], "--output", "report"], ">&- <&-", tmp_path)
    assert (code, err) == (0, "")
    assert "∂f/∂x = 2" in (tmp_path / "report").read_text(encoding="utf-8")


def test_standard_input_that_is_closed(tmp_path):
    code, err = shell(["grad", "x^2", "--points", "-"], "<&-", tmp_path)
    assert (code, err) == (2, "diffkit: cannot read standard input: it is closed\n")


WRITERS = {
    "--output": ["grad", "x^2", "--at", "1", "--no-formula", "--output"],
    "--output of a page": ["grad", "x^2", "--at", "1", "--format", "html", "--output"],
    "--output of LaTeX": ["explain", "x^2", "--latex", "--output"],
    "--save": ["tangent", "x^2", "--at", "1", "--save"],
    "--save of a descent": ["descend", "x^2", "--from", "1", "--steps", "3", "--save"],
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("place", ["absent/f.svg", "folder.svg", "full.svg", "locked.svg"])
def test_files_that_cannot_be_written(run, tmp_path, monkeypatch, writer, place):
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "full.svg").symlink_to("/dev/full")
    (tmp_path / "locked.svg").write_text("before")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("locked.svg") and access(path, mode))
    code, _, err = run(*WRITERS[writer], place)
    assert code == 2
    assert re.fullmatch(rf"diffkit: cannot write {place}: .+\n", err)
    assert sorted(os.listdir(tmp_path)) == ["folder.svg", "full.svg", "locked.svg"]
    assert (tmp_path / "locked.svg").read_text() == "before"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no pipe has the name of a file here")
def test_a_pipe_is_written_to_by_the_name_it_has(run):
    end, start = os.pipe()
    code, _, err = run("grad", "x*y", "--at", "1,2", "--format", "json", "--output", f"/dev/fd/{start}")
    os.close(start)
    with os.fdopen(end) as written:
        assert (code, err, json.load(written)["value"]) == (0, "", [2.0, 1.0])


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_is_half_written(run, tmp_path, monkeypatch, writer):
    (tmp_path / "f.svg").write_text("before")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, _, err = run(*WRITERS[writer], "f.svg")
    assert (code, err) == (2, "diffkit: cannot write f.svg: No space left on device\n")
    assert os.listdir(tmp_path) == ["f.svg"]
    assert (tmp_path / "f.svg").read_text() == "before"


@pytest.mark.parametrize("writer", WRITERS)
def test_files_keep_their_mode_and_links(run, tmp_path, writer):
    (tmp_path / "f.svg").write_text("before")
    (tmp_path / "f.svg").chmod(0o640)
    (tmp_path / "link.svg").symlink_to("f.svg")
    assert run(*WRITERS[writer], "link.svg")[0] == 0
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "f.svg").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "f.svg").read_text(encoding="utf-8") != "before"


def test_text_that_is_no_unicode_is_written(run, tmp_path):
    (tmp_path / "c.jsonl").write_text('{"id": "\\ud800", "expr": "x^2", "at": {"x": 1}, "gradient": [3]}')
    for format in ("text", "json", "html", "markdown"):
        assert run("report", "c.jsonl", "--backends", "dual", "--format", format, "--output", "f")[0] == 1
        assert "\\ud800" in (tmp_path / "f").read_text(encoding="utf-8").replace("\\\\", "\\")


def test_a_closed_stream_says_so():
    with pytest.raises(OSError, match="it is closed"):
        Closed().write("x")
    with pytest.raises(OSError, match="it is closed"):
        Closed().read()
    assert not Closed().isatty()


@pytest.mark.parametrize("command", [(), *((name,) for name in cli.commands)], ids=" ".join)
@pytest.mark.parametrize("ask", ["-h", "--help"])
def test_help_everywhere(run, command, ask):
    code, out, err = run(*command, ask)
    assert (code, err) == (0, "")
    assert out.startswith(" ".join(["Usage: diffkit", *command]))
    assert "-h, --help" in out
    for others in (["x"], ["x", "--format", "json"], ["--output", "f", "x^2"]):
        if command:
            assert run(*command, *others, ask)[:2] == (0, out)
            assert run(*command, ask, *others)[:2] == (0, out)


def test_minus_h_may_still_be_an_expression(run):
    assert "∂f/∂h = -1" in run("grad", "--at", "1", "--", "-h")[1]
    assert "∂f/∂h = -2" in run("grad", "-h*2", "--at", "1")[1]
    assert run("check", "h^2", "--at", "1", "--claim", "-h")[1].startswith("Usage: ")

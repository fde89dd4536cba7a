"""Reads the fenced blocks of Markdown pages and runs what they show: shell commands and Python.

* ``console`` blocks: each ``$ command`` line is followed by its output, standard output and standard error together.
  ``diffkit …`` runs in this process, in the page's own directory, ``pytest …`` and ``python -m unittest …`` there in
  one of their own; ``cat FILE`` and ``echo $?`` are understood; any other command is left alone. A line ``...`` in
  the output stands for lines that are not shown.
* ``python`` blocks run in order in one namespace per page, as a doctest where they have ``>>>`` prompts.
  With ``needs=PACKAGE`` they run only where that is installed.
* A block of any language with ``file=NAME`` (or ``append=NAME``) is written to (or at the end of) that file first.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(\S+)?[ ]*(.*)$")
TARGETS = ("file", "append")
WIDTH = "80"  # columns that commands are told the terminal has
PLUGIN = ("-p", "no:cacheprovider", "-p", "no:diffkit", "-p", "diffkit.pytest_plugin")
"""pytest's options by which it has our plugin, as if diffkit were installed anew"""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the ``key=value`` pairs behind it, its lines, and where they start."""

    language: str
    options: dict[str, str]
    lines: tuple[str, ...]
    first: int
    """index of the first line inside the fence"""

    @property
    def text(self) -> str:
        """The lines inside the fence."""
        return "".join(line + "\n" for line in self.lines)

    @property
    def target(self) -> str | None:
        """The file that the block is written to, or None."""
        return next((self.options[key] for key in TARGETS if key in self.options), None)

    @property
    def can_run(self) -> bool:
        """Whether the package that the block needs, if it names one, is installed."""
        return "needs" not in self.options or find_spec(self.options["needs"]) is not None


def blocks(text: str) -> list[Block]:
    """Give the fenced blocks of a page."""
    found: list[Block] = []
    opened: tuple[str, dict[str, str], int] | None = None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = FENCE.match(line)
        if match is None:
            continue
        if opened is None:
            options = dict(word.partition("=")[::2] for word in match[2].split() if "=" in word)
            opened = (match[1] or "", options, number + 1)
        else:
            language, options, first = opened
            found.append(Block(language, options, tuple(lines[first:number]), first))
            opened = None
    if opened is not None:
        raise ValueError(f"line {opened[2]}: this block is never closed")
    return found


def commands(block: Block) -> Iterator[tuple[str, list[str], int]]:
    """Give each command of a console block, the output that the page shows, and the line where that output starts."""
    starts = [k for k, line in enumerate(block.lines) if line.startswith("$ ")]
    for start, stop in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        yield block.lines[start][2:], list(block.lines[start + 1 : stop]), block.first + start + 1


def agrees(shown: list[str], real: list[str]) -> bool:
    """Whether the output is what the page shows, a line ``...`` standing for any lines."""
    if "..." not in shown:
        return shown == real
    at = shown.index("...")
    starts = range(at, len(real) + 1)
    return shown[:at] == real[:at] and any(agrees(shown[at + 1 :], real[k:]) for k in starts)


@dataclass
class Shell:
    """Where a page's commands run, and how: in this process, or against a copy of the package."""

    directory: Path
    copy: bool = False
    code: int = 0
    """exit code of the last command"""

    def run(self, command: str) -> str | None:
        """Give the output of a command; None for a command that is not run here."""
        words = shlex.split(command)
        given = ""
        if len(words) > 2 and words[-2] == "<":
            given = (self.directory / words[-1]).read_text(encoding="utf-8")
            words = words[:-2]
        if words[0] == "diffkit":
            return self._module(words[1:], given) if self.copy else self._in_process(words[1:], given)
        if words[0] == "cat":
            return "".join((self.directory / name).read_text(encoding="utf-8") for name in words[1:])
        if words == ["echo", "$?"]:
            return f"{self.code}\n"
        if words[0] == "pytest":
            return self._process([sys.executable, "-m", "pytest", *PLUGIN, *words[1:]], given)
        if words[0] == "python" and (self.copy or words[1:3] == ["-m", "unittest"]):
            return self._process([sys.executable, *words[1:]], given)
        return None

    def _in_process(self, arguments: list[str], given: str) -> str:
        from diffkit.cli import main

        out = io.StringIO()
        stdin, columns = sys.stdin, os.environ.get("COLUMNS")
        sys.stdin, os.environ["COLUMNS"] = io.StringIO(given), WIDTH
        try:
            with contextlib.chdir(self.directory), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                main(arguments)
        except SystemExit as stop:
            self.code = int(stop.code or 0)
        finally:
            sys.stdin = stdin
            if columns is None:
                del os.environ["COLUMNS"]
            else:
                os.environ["COLUMNS"] = columns
        return out.getvalue()

    def _module(self, arguments: list[str], given: str) -> str:
        return self._process([sys.executable, "-m", "diffkit", *arguments], given)

    def _process(self, words: list[str], given: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.directory), "COLUMNS": WIDTH, "PYTHONUTF8": "1"}
        done = subprocess.run(
            words, cwd=self.directory, env=environment, input=given, encoding="utf-8", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.code = done.returncode
        return done.stdout


@dataclass
class Difference:
    """A place where a page shows something else than what happens: the lines ``start`` to ``stop`` become ``real``."""

    what: str
    start: int
    stop: int
    shown: list[str]
    real: list[str]

    def __str__(self) -> str:
        shown, real = "\n".join(self.shown), "\n".join(self.real)
        return f"line {self.start}: {self.what}\n--- the page shows\n{shown}\n--- it gives\n{real}\n"


@dataclass
class Page:
    """A page that runs from top to bottom; ``copy`` says that ``directory`` holds a copy of the package to extend."""

    text: str
    directory: Path
    copy: bool = False
    differences: list[Difference] = field(default_factory=list)
    globals: dict[str, Any] = field(default_factory=lambda: {"__name__": "__page__"})

    def run(self) -> list[Difference]:
        """Run every block in order and give what differs."""
        shell = Shell(self.directory, self.copy)
        for block in blocks(self.text):
            if block.target is not None:
                self._write(block)
            elif block.language == "console":
                self._console(block, shell)
            elif block.language == "python" and block.can_run:
                with contextlib.chdir(self.directory):
                    (self._session if ">>> " in block.text else self._code)(block)
        return self.differences

    def _write(self, block: Block) -> None:
        target = self.directory / str(block.target)
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text(encoding="utf-8") + "\n\n" if "append" in block.options else ""
        target.write_text(before + block.text, encoding="utf-8")

    def _console(self, block: Block, shell: Shell) -> None:
        for command, shown, start in commands(block):
            output = shell.run(command)
            if output is None:
                continue
            real = output.splitlines()
            blank = bool(shown) and not shown[-1]  # an empty line before the next command is layout
            body = shown[:-1] if blank else shown
            if not agrees(body, real):
                self.differences.append(Difference(f"$ {command}", start, start + len(body), body, real))

    def _code(self, block: Block) -> None:
        try:
            name = f"<page, line {block.first}>"
            linecache.cache[name] = (len(block.text), None, block.text.splitlines(keepends=True), name)
            exec(compile(block.text, name, "exec"), self.globals)
        except Exception:
            trace = traceback.format_exc().splitlines()
            self.differences.append(Difference("this code fails", block.first, block.first, list(block.lines), trace))

    def _session(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(block.text, self.globals, f"page, line {block.first}", None, block.first)
        runner = _Recorder(verbose=False)
        runner.run(test, out=lambda _: None, clear_globs=False)
        self.globals.update(test.globs)
        for example, got in runner.wrong:
            start = block.first + example.lineno + example.source.count("\n")
            shown = example.want.splitlines()
            what = example.source.strip().splitlines()[0]
            real = [line or "<BLANKLINE>" for line in got.splitlines()]
            self.differences.append(Difference(f">>> {what}", start, start + len(shown), shown, real))


class _Recorder(doctest.DocTestRunner):
    """Keeps the examples whose output is not what the page shows."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.wrong: list[tuple[doctest.Example, str]] = []

    def report_failure(self, out: Any, test: Any, example: doctest.Example, got: str) -> None:  # noqa: ARG002
        if got.startswith("Traceback"):  # another error than the one shown: its last line is what matters
            got = f"Traceback (most recent call last):\n    ...\n{got.rstrip().splitlines()[-1]}"
        self.wrong.append((example, got))

    def report_unexpected_exception(self, out: Any, test: Any, example: doctest.Example, exc_info: Any) -> None:  # noqa: ARG002
        last = "".join(traceback.format_exception_only(*exc_info[:2]))
        self.wrong.append((example, f"Traceback (most recent call last):\n    ...\n{last}"))


def corrected(text: str, differences: list[Difference]) -> str:
    """Give the page with the real outputs in place of the shown ones."""
    lines = text.splitlines()
    for difference in sorted(differences, key=lambda d: -d.start):
        failed = any("Error" in line and not line.startswith("diffkit.core.errors.") for line in difference.real[-1:])
        if difference.what != "this code fails" and not failed:  # a crash is never what a page is meant to show
            lines[difference.start : difference.stop] = difference.real
    return "\n".join(lines) + "\n"

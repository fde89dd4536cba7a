"""Whether the tests would notice: ``python benchmarks/mutations.py [word ...]``, a line for each mutant.

Each mutant breaks one place of diffkit, in a copy, as a mistake might: a rule of the table, the confirmation, a bar.
The tests it names have to fail for it, and all tests that are named have to pass without any. Words choose the mutants
that have one of them in their names. The exit code is 1 where a mutant survives, and 2 where one no longer fits the
code.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TYPES = "types"  # a client's lines as mypy sees them, in the place of tests
COPIED = ("diffkit", "tests", "docs", "examples", "README.md", "CHANGELOG.md", "pyproject.toml")


class Mutant(NamedTuple):
    """What is broken; the file of diffkit, text that stands there once, what stands in its place; the tests."""

    kind: str
    what: str
    file: str
    text: str
    spoilt: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


MUTANTS = (
    Mutant(
        "code is confirmed", "differences are not asked", "methods/differences/witness.py",
        "        waiting, splits = blocks(claims), _SPLITS\n",
        "        return {index: Seen(claim.value, claim.bar) for index, claim in claims.items()}\n",
        ("tests/test_confirmed_code.py", "tests/test_faults.py"),
    ),
    Mutant(
        "code is confirmed", "differences agree with everything", "methods/differences/testimony.py",
        "self.apart(claims) <= self.difference.bar + bars + rounding", "bars + rounding >= 0",
        ("tests/test_confirmed_code.py", "tests/test_faults.py"),
    ),
    Mutant(
        "code is confirmed", "a bar of any width is ok", "methods/differences/testimony.py",
        "constant or bar <= _WIDEST_BAR * largest or bar <= _WIDEST_BAR * self._variation()", "bar < math.inf",
        ("tests/test_confirmed_code.py", "tests/test_faults.py"),
    ),
    Mutant(
        "rules never round", "degrees by a rounded π", "core/table/ufuncs.py",
        '"deg2rad": lambda F, x: x * F.pi / 180', '"deg2rad": lambda F, x: x * 3.141592653589793 / 180',
        ("tests/test_followed.py",),
    ),
    Mutant(
        "rules never round", "bounds to the nearest", "core/decimals.py",
        "ROUND_CEILING, MIN_EMIN, MAX_EMAX", "'ROUND_HALF_EVEN', MIN_EMIN, MAX_EMAX",
        ("tests/test_bounds.py",),
    ),
    Mutant(
        "second witness", "the sign of a rule", "core/table/elementary.py",
        "partials=(lambda F, x, y: -F.sin(x),)", "partials=(lambda F, x, y: F.sin(x),)",
        ("tests/test_table.py", "tests/test_faults.py"),
    ),
    Mutant(
        "second witness", "a factor of a rule", "core/table/elementary.py",
        "partials=(lambda F, x, y: 4 * F.sigmoid(2 * x) * F.sigmoid(-2 * x),)",
        "partials=(lambda F, x, y: 2 * F.sigmoid(2 * x) * F.sigmoid(-2 * x),)",
        ("tests/test_table.py",),
    ),
    Mutant(
        "second witness", "the series always agrees", "proof/confirmation.py",
        "        if not left.overlaps(right):\n            return False\n", "",
        ("tests/test_confirmation.py",),
    ),
    Mutant(
        "second witness", "a series without an end agrees", "proof/confirmation.py",
        "        if not (left.is_finite() and right.is_finite()):\n            return None\n",
        "        if not (left.is_finite() and right.is_finite()):\n            return True\n",
        ("tests/test_confirmation.py",),
    ),
    Mutant(
        "claims", "literals are skipped", "judging/checking/reference.py",
        "    if not rounded:\n", "    if True:\n",
        ("tests/test_noise.py",),
    ),
    Mutant(
        "claims", "solvers are skipped", "judging/checking/judge.py",
        "OWN_TOLERANCE: solvers[c]}", "OWN_TOLERANCE: 0.0}",
        ("tests/test_solvers.py",),
    ),
    Mutant(
        "claims", "few digits are enough", "judging/checking/outcome.py",
        "DIGITS_WANTED = 6 ", "DIGITS_WANTED = 1 ",
        ("tests/test_agreement.py", "tests/test_solvers.py", "tests/test_faults.py"),
    ),
    Mutant(
        "claims", "gross errors are explained", "judging/checking/outcome.py",
        "TIMES_UNCERTAIN = 3.0 ", "TIMES_UNCERTAIN = 3e9 ",
        ("tests/test_agreement.py", "tests/test_checker.py"),
    ),
    Mutant(
        "bars of differences", "a bar is zero", "methods/differences/fits.py",
        "return self.noise + self.truncation + 2 * HALF_ULP * abs(self.value) + SMALLEST_FLOAT",
        "return SMALLEST_FLOAT",
        ("tests/test_differences.py", "tests/test_families.py"),
    ),
    Mutant(
        "bars of differences", "a bar without truncation", "methods/differences/fits.py",
        "return self.noise + self.truncation + 2 * HALF_ULP", "return self.noise + 2 * HALF_ULP",
        ("tests/test_differences.py", "tests/test_families.py"),
    ),
    Mutant(
        "nothing falls over", "the clock is not looked at", "core/deadline.py",
        "        if monotonic() > self.until:\n", "        if False:\n",
        ("tests/test_timeouts.py",),
    ),
    Mutant(
        "nothing falls over", "characters of control get through", "core/errors.py",
        "    return UNSEEN.sub(_named, BREAKS.sub(\" \", text))", "    return text",
        ("tests/test_injection.py",),
    ),
    Mutant(
        "nothing falls over", "NumPy's settings leak in", "core/surroundings.py",
        'if "numpy" in sys.modules:', "if False:",
        ("tests/test_surroundings.py",),
    ),
    Mutant(
        "ordinary points", "exact algebra is not asked", "proof/confirmation.py",
        "    return vanishes(select(program, [program.outputs[output]]), point, value)", "    return False",
        ("tests/test_ordinary_points.py", "tests/test_faults.py"),
    ),
    Mutant(
        "what is meant", "names by code point", "core/text/names.py",
        "    return tuple(sorted(names, key=_natural_key))", "    return tuple(sorted(names))",
        ("tests/test_labels.py",),
    ),
    Mutant(
        "what is meant", "every answer is true", "core/results.py",
        'if every component is an ordinary, trusted number."""\n        return self.ok\n',
        'if every component is an ordinary, trusted number."""\n        return True\n',
        ("tests/test_verdicts.py",),
    ),
    Mutant(
        "the package", "unknown names have a type", "__init__.pyi",
        "\n__version__: str\n", "\n__version__: str\n\ndef __getattr__(name: str) -> object: ...\n",
        (TYPES,),
    ),
)  # fmt: skip


def copy(work: Path) -> None:
    """Copy what tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, work / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, work / name)


def failing(work: Path, tests: tuple[str, ...]) -> str:
    """The first test that fails in a copy; empty if none does."""
    files = [test for test in tests if test != TYPES]
    if not files:
        return _wrong_types(work)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *files]
    path = {**os.environ, "PYTHONPATH": str(work), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=work, env=path, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "" if done.returncode == 0 else (lines or [done.stdout.strip()[-300:] + done.stderr.strip()[-300:]])[0]


def _wrong_types(work: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--no-incremental", "tests/typed_client.py"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    return done.stdout.splitlines()[0] if done.returncode else ""


def spoil(work: Path, mutant: Mutant) -> str:
    """Break the copy; give the file as it was."""
    path = work / "diffkit" / mutant.file
    before = path.read_text(encoding="utf-8")
    if before.count(mutant.text) != 1:
        print(f"{mutant}: {mutant.file} holds {mutant.text!r} {before.count(mutant.text)} times", file=sys.stderr)
        sys.exit(2)
    path.write_text(before.replace(mutant.text, mutant.spoilt), encoding="utf-8")
    return before


def main(words: list[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not words or any(word in str(mutant) for word in words)]
    survivors = 0
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        copy(work)
        red = failing(work, tuple(sorted({test for mutant in chosen for test in mutant.tests})))
        if red:
            print(f"without a mutant: {red}", file=sys.stderr)
            return 2
        for mutant in chosen:
            start = time.monotonic()
            before = spoil(work, mutant)
            found = failing(work, mutant.tests)
            (work / "diffkit" / mutant.file).write_text(before, encoding="utf-8")
            survivors += not found
            print(f"{mutant!s:60} {time.monotonic() - start:5.0f} s  {found or 'SURVIVES'}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

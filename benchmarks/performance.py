"""The speed of diffkit beside what a user would take instead, every row of the table, in interleaved runs.

    python benchmarks/performance.py -o results.jsonl [--rows NAME …] [--rounds N] [--quick] [--no-fast]
    python benchmarks/performance.py -o results.jsonl --page       writes docs/performance.md from the file

The peers that are installed take part: numba, jax, autograd, casadi, heyoka, symengine, torch, numdifftools, jacobi.
Each row is measured twice in processes of its own, as a plain install and with the extra ``fast`` (llvmlite): what is
plain is the same Python in which diffkit does not find llvmlite. Results are lines of JSON; what is done is told on the
standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from races.batches import BATCHES, MANY_POINTS  # noqa: E402
from races.growth_rows import GROWTH  # noqa: E402
from races.judging_rows import JUDGING, REPORTS  # noqa: E402
from races.measuring import line  # noqa: E402
from races.page import write_page  # noqa: E402
from races.single_points import PROOFS, SINGLE_POINTS  # noqa: E402
from races.table import FAST, PLAIN, Bench, Row, printed  # noqa: E402

ROWS = {row.name: row for row in (*SINGLE_POINTS, *BATCHES, *GROWTH, *PROOFS, *JUDGING, *MANY_POINTS, *REPORTS)}
PACKAGES = (
    "numpy", "scipy", "sympy", "python-flint", "mpmath", "llvmlite", "numba", "jax", "autograd", "casadi", "heyoka",
    "symengine", "torch", "numdifftools", "jacobi",
)  # fmt: skip
SECONDS_OF_A_ROW = 600  # after which it is given up
UNWANTED = (
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",  # matrix products as they come
    "PYTHONDONTWRITEBYTECODE",  # an installed package is compiled
)  # fmt: skip


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="small sizes and short rounds, to see that it works")
    parser.add_argument("--no-fast", action="store_true", help="only as if llvmlite were not installed")
    parser.add_argument("-o", "--output", type=Path, help="file of results; rows measured anew replace their old ones")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md from that file, and do no more")
    parser.add_argument("--install", choices=(PLAIN, FAST), help=argparse.SUPPRESS)  # a row, in a process of its own
    return parser.parse_args()


def about() -> dict[str, Any]:
    """Where and with what this is measured."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return {"machine": f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores", "processor": _processor(),
            "python": platform.python_version(), "packages": found,
            "when": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0]}  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(text.split(":")[1].strip() for text in lines if text.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def measure_here(row: Row, install: str, rounds: int, quick: bool) -> None:
    """Measure a row in this process, and print its records."""
    if install == PLAIN:
        sys.modules["llvmlite"] = None
    row.measure(Bench(row.name, install, printed, rounds, quick))


def environment(cache: str) -> dict[str, str]:
    """The environment of what is measured: this diffkit, a cache of its own, and no settings that others would lack."""
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    paths = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "DIFFKIT_CACHE": cache}


def measured(row: str, install: str, asked: argparse.Namespace, cache: str) -> list[dict[str, Any]]:
    """The records of a row, from a process of its own; a last one says what went wrong, if something did."""
    print(f"{row}, {install} ({time.strftime('%H:%M:%S')}, load {os.getloadavg()[0]:.1f})", file=sys.stderr)
    start = time.perf_counter()
    argv = [sys.executable, __file__, "--rows", row, "--install", install, "--rounds", str(asked.rounds)]
    with subprocess.Popen(
        [*argv, "--quick"] if asked.quick else argv, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=environment(cache),
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=SECONDS_OF_A_ROW)
            why = f"the process ended with {process.returncode}" if process.returncode else ""
        except BaseException as error:  # nothing goes on behind us, whoever stops this
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            why = f"given up after {SECONDS_OF_A_ROW} s"
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
    print(f"    {time.perf_counter() - start:.0f} s", file=sys.stderr)
    records = [json.loads(text) for text in said.splitlines() if text.startswith("{")]
    return [*records, *([{"row": row, "install": install, "case": "", "left_out": "the rest", "kind": "failed",
                          "why": why}] if why else [])]  # fmt: skip


def main() -> None:
    """Measure, or write the page."""
    asked = options()
    if asked.install:
        measure_here(ROWS[asked.rows[0]], asked.install, asked.rounds, asked.quick)
        return
    if asked.page:
        records = read(asked.output)
        print(f"wrote {write_page(records, list(ROWS.values()), ROOT / 'docs').relative_to(ROOT)}")
        return
    start = time.perf_counter()
    kept = [r for r in read(asked.output) if r.get("row") not in (None, *asked.rows)] if asked.output else []
    found = [about()]
    with tempfile.TemporaryDirectory() as cache:
        for name in asked.rows:
            for install in ROWS[name].installs if not asked.no_fast else (PLAIN,):
                found += measured(name, install, asked, cache)
                if asked.output:
                    asked.output.write_text("".join(f"{line(r)}\n" for r in [*found, *kept]), encoding="utf-8")
    if not asked.output:
        print(*map(line, found), sep="\n")
    print(f"took {(time.perf_counter() - start) / 60:.1f} minutes", file=sys.stderr)


def read(path: Path | None) -> list[dict[str, Any]]:
    """The records of a file; none if there is no file yet."""
    if path is None:
        sys.exit("--page needs -o FILE, the results")
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()

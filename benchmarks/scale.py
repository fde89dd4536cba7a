"""Runs over streams at size: rows a second by workers, faults, memory; writes the figures of docs/scale.md.

``python benchmarks/scale.py`` takes about half an hour on two cores that have nothing else to do, ``--quick`` three
minutes (and writes nothing). Cases are formulas of several kinds at pseudorandom points; every run is the command
``diffkit report … --rows`` in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
START, END = "<!-- figures -->", "<!-- end of figures -->"
FORMULAS = (
    ("x^2*sin(x)", "x"), ("exp(-x)*cos(3*x)", "x"), ("log(1 + x^2)/x", "x"), ("(1 - cos(x))/x^2", "x"),
    ("x*y*exp(-x*y)", "xy"), ("sqrt(x^2 + y^2)", "xy"), ("tanh(x)*y^3", "xy"), ("abs(x - 1)*y", "xy"),
    ("100*(y - x^2)^2 + (1 - x)^2", "xy"), ("atan2(y, x)", "xy"),
)  # fmt: skip
"""with their variables"""
DAY = 86_400
ROW_BYTES = 900  # of a row with three methods as JSON lines


def write_cases(file: Path, count: int) -> None:
    """Cases with one or two variables, whole numbers and kinks among the points."""
    drawn = random.Random(1)
    with file.open("w") as stream:
        for k in range(count):
            text, names = FORMULAS[k % len(FORMULAS)]
            at = {name: round(drawn.uniform(0.6, 5), drawn.randrange(4)) for name in names}
            stream.write(json.dumps({"id": f"case {k}", "expr": text, "at": at}) + "\n")


def command(cases: Path, rows: Path, jobs: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "diffkit", "report", str(cases), "--rows", str(rows), "--jobs", str(jobs), "--format",
            "json", "--resume", *more]  # fmt: skip


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert done.returncode in (0, 1), done.stderr
    return time.perf_counter() - start


def throughput(folder: Path, counts: tuple[int, int], rounds: int) -> dict[int, float]:
    """Rows a second by workers: what more cases take beyond fewer, so that starting is not counted; interleaved."""
    few, many = (folder / f"{count}.jsonl" for count in counts)
    for file, count in zip((few, many), counts, strict=True):
        write_cases(file, count)
    taken: dict[int, list[float]] = {}
    for turn in range(rounds):
        for jobs in range(1, (os.cpu_count() or 1) + 1):
            short, long = (seconds(command(f, folder / f"rows-{f.stem}-{jobs}-{turn}", jobs)) for f in (few, many))
            taken.setdefault(jobs, []).append((counts[1] - counts[0]) / (long - short))
    return {jobs: sorted(rates)[len(rates) // 2] for jobs, rates in taken.items()}


def digest(rows: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(rows.glob("part-*")):
        found.update(file.read_bytes())
    return found.hexdigest()


def faults(folder: Path, count: int) -> dict[str, int | bool]:
    """A worker killed every second, a disk that fills, Ctrl-C and kill −9 by turns, until the run is through."""
    cases = folder / "faults.jsonl"
    write_cases(cases, count)
    more = ("--backends", "dual", "--shard-rows", "5000")
    seconds(command(cases, folder / "whole", os.cpu_count() or 1, *more))
    rows, killed, ends = folder / "ended", 0, Counter[str]()
    ways = ["a full disk", "Ctrl-C", "kill -9"]
    while True:
        way = ways[sum(ends.values()) % len(ways)] if sum(ends.values()) < 9 else "nothing"
        arguments = command(cases, rows, 2, *more)
        if way == "a full disk":  # no file may grow beyond so many bytes
            limit = f'ulimit -f {random.Random(sum(ends.values())).randrange(200, 2000)}; exec "$@"'
            arguments = ["bash", "-c", limit, "bash", *arguments]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + random.uniform(4, 12)
        while process.poll() is None:
            time.sleep(1)
            if process.poll() is None and (workers := children(process.pid)):
                killed += kill(random.choice(workers), signal.SIGKILL)
            if way in ("Ctrl-C", "kill -9") and time.monotonic() > until:
                kill(process.pid, signal.SIGINT if way == "Ctrl-C" else signal.SIGKILL)
                process.wait()
        if (
            process.returncode in (0, 1)
            and json.loads((rows / "_journal.jsonl").read_text().splitlines()[-1])["complete"]
        ):
            break
        ends[way] += 1
    numbers = [json.loads(line)["row"] for file in sorted(rows.glob("part-*")) for line in file.open()]
    return {
        "cases": count, "workers killed": killed, "runs ended": sum(ends.values()), **ends,
        "lost": len(set(range(1, count + 1)) - set(numbers)), "doubled": len(numbers) - len(set(numbers)),
        "same": digest(rows) == digest(folder / "whole"),
    }  # fmt: skip


def children(process: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True)
    return list(map(int, found.stdout.split()))


def kill(process: int, how: int) -> bool:
    try:
        os.kill(process, how)
    except ProcessLookupError:
        return False
    return True


def memory(folder: Path, counts: Iterable[int]) -> dict[int, tuple[int, float]]:
    """The most memory that a run of so many cases has had, in MiB, and its rows a second."""
    found = {}
    for count in counts:
        cases = folder / f"memory-{count}.jsonl"
        write_cases(cases, count)
        code = (
            "import resource, sys; from diffkit.cli import main\n"
            "try: main(sys.argv[1:])\n"
            "except SystemExit: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        )
        arguments = command(cases, folder / f"memory-{count}", 2, "--backends", "dual")
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code, *arguments[3:]], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)  # fmt: skip
        found[count] = int(done.stderr.split()[-1]) // 1024, count / (time.perf_counter() - start)
    return found


def text(rates: dict[int, float], fault: dict[str, int | bool], peaks: dict[int, tuple[int, float]]) -> str:
    """The figures, and what follows from them for a day's run."""
    cores, best = os.cpu_count() or 1, rates[max(rates)]
    where = f"{cores} cores ({platform.machine()}, Python {platform.python_version()})"
    ways = ", ".join(f"{fault.get(way, 0)} by {way}" for way in ("a full disk", "Ctrl-C", "kill -9"))
    same = "byte for byte those" if fault["same"] else "NOT those"
    day, bytes_a_day = 100 * best * DAY, 100 * best * DAY * ROW_BYTES
    return f"""{START}
## Figures

Measured by `benchmarks/scale.py` on {where}: reports on ten kinds of formulas.

| workers | rows a second (symbolic, finite, dual, and the proof) | times one |
| --- | --- | --- |
{lines(f"| {jobs} | {rate:,.0f} | {rate / rates[1]:.2f} |" for jobs, rate in rates.items())}

| cases (dual, and the proof) | memory of the main process | rows a second |
| --- | --- | --- |
{lines(f"| {count:,} | {size} MiB | {rate:,.0f} |" for count, (size, rate) in peaks.items())}

{fault["cases"]:,} cases with a worker killed every second: {fault["workers killed"]} workers killed, and the run ended
{fault["runs ended"]} times ({ways}) and resumed.
{fault["lost"]} rows are lost, {fault["doubled"]} are doubled, and the shards are {same} of a run without a break.

## A day on 100 machines, on paper

One machine with {cores} cores makes {best:,.0f} rows a second with three methods and the proof, {best * DAY / 1e6:,.0f}
million a day; a hundred of them {day / 1e9:,.1f} billion.
With 64 cores each, as rows do not wait for each other, they make {day / cores * 64 / 1e9:,.0f} billion.

They share nothing: each has its own part of the input and its own folder, and is started again until the exit code is
0 or 1:

```sh
diffkit report "cases/$HOST-*.parquet" --rows "found/$HOST" --jobs "$(nproc)" --resume \\
  --format json --output "$HOST.json"
```

A machine that is lost costs the rows that were not on a disk that outlives it; the rest is `--resume`.
A row takes about {ROW_BYTES:,} bytes as JSON lines, so that 100 machines with {cores} cores write
{bytes_a_day / 1e12:,.1f} TB a day, and with 64 cores {bytes_a_day / cores * 64 / 1e12:,.0f} TB: plan for disks.
In the end `diffkit report --merge *.json` gives one report in seconds: what was counted is merged, no row read again.
{END}
"""


def lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, and nothing is written")
    parser.add_argument("--largest", type=int, default=1_000_000, metavar="N", help="cases of the largest run")
    options = parser.parse_args()
    quick = options.quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rates = throughput(folder, (200, 800) if quick else (500, 5_000), 1 if quick else 3)
        fault = faults(folder, 3_000 if quick else 100_000)
        peaks = memory(
            folder, (1_000, 4_000) if quick else [n for n in (10_000, 100_000, 1_000_000) if n <= options.largest]
        )
    page = text(rates, fault, peaks)
    print(page)
    assert fault["lost"] == fault["doubled"] == 0
    assert fault["same"]
    if not quick:
        before, rest = PAGE.read_text(encoding="utf-8").split(START)
        PAGE.write_text(before + page + rest.partition(f"{END}\n")[2], encoding="utf-8")


if __name__ == "__main__":
    main()

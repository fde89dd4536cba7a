"""Every backend that is installed, through one interface, on the same cases, in one run: writes docs/tools.md.

    pip install '.[test,tools]' torch && python benchmarks/tools.py

What each can do is what ``diffkit.testing.check_backend`` finds; figures are of the corpus of benchmarks/accuracy.py. A
component counts as answered if its status is ok.
"""

from __future__ import annotations

import math
import platform
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
from accuracy import corpus, exact, hard_points, judge, percent, quantile, shown, table, ulps  # noqa: E402

import diffkit as dk  # noqa: E402
from diffkit.reports.backend_list import BackendList  # noqa: E402
from diffkit.testing import SCENARIOS, check_backend  # noqa: E402

PAGE = ROOT / "docs" / "tools.md"
KINDS = tuple(dict.fromkeys(scenario.kind for scenario in SCENARIOS))
RUNS = 5
REFERENCE = exact("1e-28")  # what the references may be off, as a share


class Figures(NamedTuple):
    """What a backend gave on the corpus."""

    errors: list[float]
    """ulps of the components that it answered and that are not 0"""
    asked: int
    covered: list[bool]
    """of each answered component with an error bar: whether that covers the truth"""
    first: list[float]
    """seconds of the preparation and the first answer"""
    later: list[float]
    """seconds of an answer after that"""


def abilities(name: str) -> list[str]:
    """How many scenarios of each kind are answered rightly; the others are refused with a reason."""
    passed = Counter(scenario.kind for scenario in check_backend(name).passed)
    asked = Counter(scenario.kind for scenario in SCENARIOS)
    return ["–" if not passed[kind] else f"{passed[kind]} of {asked[kind]}" for kind in KINDS]


def figures(name: str, cases: Iterable[dict[str, Any]]) -> Figures:
    found = Figures([], 0, [], [], [])
    asked = 0
    for case in cases:
        asked += len(case["g"])
        start = time.perf_counter()
        try:
            prepared = dk.prepare(case["expr"], variables=tuple(case["vars"]), backend=name)
            result = prepared.result(case["x"])
            found.first.append(time.perf_counter() - start)
            found.later.append(min(seconds(prepared, case["x"]) for _ in range(RUNS)))
        except dk.DiffkitError:
            continue
        for c, truth in enumerate(case["g"]):
            value = float(result.flat[c])
            if c in result.odd or not math.isfinite(value):
                continue
            if result.flat_error is not None:
                off = abs(exact(value) - truth) - REFERENCE * abs(truth)  # proven bars are tighter than thirty digits
                found.covered.append(bool(off <= exact(float(result.flat_error[c]))))
            if truth != 0:
                found.errors.append(ulps(value, truth))
    zeros = sum(truth == 0 for case in cases for truth in case["g"])
    return found._replace(asked=asked - zeros)


def seconds(prepared: Any, point: list[float]) -> float:
    start = time.perf_counter()
    prepared.result(point)
    return time.perf_counter() - start


def at_hard_points(name: str, rows: Iterable[dict[str, str]]) -> Counter[str]:
    """Right, told, silently wrong, or not asked, as docs/accuracy.md counts them."""
    counts: Counter[str] = Counter()
    for row in rows:
        pairs = [pair.split("=") for pair in row["variables"].split(",")]
        names, x = [name for name, _ in pairs], [float(value) for _, value in pairs]
        kind, _, wanted = row["what"].partition(":")
        truths = row["expected"].strip("[]").split(",") if row["expected"][0] in "-0123456789[" else [None]
        of_many = kind == "grad" or len(names) > 1
        order = {} if of_many else {"order": int(kind[1:])}
        try:
            prepared = dk.prepare(row["expression"], "gradient" if of_many else "derivative",
                                  variables=tuple(names), backend=name, **order)  # fmt: skip
            result = prepared.result(x if of_many else x[0])
        except dk.DiffkitError:
            counts["not asked"] += 1
            continue
        places = [names.index(n) for n in wanted.split(",")] if of_many else [0]
        bars = [math.nan] * len(names) if result.flat_error is None else result.flat_error
        verdicts = [
            judge(float(result.flat[p]), float(bars[p]), p in result.odd, t)
            for p, t in zip(places, truths, strict=True)
        ]
        counts[max(verdicts, key=("right", "flagged", "wrong").index)] += 1
    return counts


def page() -> str:
    """Measure, and give the page."""
    cases, hard = corpus(), hard_points()
    rows = BackendList().rows
    can, does = [], []
    for row in rows:
        print(f"{row.name} …", file=sys.stderr)
        can.append([row.name, row.version, row.order, row.follows, row.errors, *abilities(row.name)])
        found = figures(row.name, cases)
        points = at_hard_points(row.name, hard)
        does.append([
            row.name, f"{100 * len(found.errors) / found.asked:.1f} %",
            *(shown(quantile(np.array(found.errors), q)) for q in (0.5, 0.95, 0.99, 1.0)),
            percent(found.covered), f"{1e3 * statistics.median(found.first):.1f}",
            f"{1e6 * statistics.median(found.later):.0f}",
            *(str(points[verdict]) for verdict in ("right", "flagged", "wrong", "not asked")),
        ])  # fmt: skip
    python = f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()} {platform.system()}"
    components = sum(truth != 0 for case in cases for truth in case["g"])
    return "\n\n".join([
        "# Tools side by side",
        "Written by `python benchmarks/tools.py`; every number on this page comes from one run of it, each tool "
        f"through the same interface (`backend=\"jax\"`), on the same cases. {python}. `diffkit backends` lists "
        "those that are here.",
        "## What each can do",
        f"How many of the {len(SCENARIOS)} scenarios of `diffkit.testing.check_backend` each answers rightly, by kind: "
        "expressions, array code, and points without a derivative, which must be told. None is answered wrongly; what "
        "is missing is refused, with the reason (`python -c \"from diffkit.testing import check_backend; "
        "print(check_backend('jacobi'))\"`).",
        table(["backend", "version", "orders", "is given", "errors", *KINDS], can),
        "## Their figures",
        f"Gradients of {len(cases)} points that other people chose, {components} components that are not 0, beside 30 "
        "digits (docs/accuracy.md tells more of the cases, and of tools as they are without diffkit). Answered: the "
        "status is ok; the errors are those of what is answered, in units in the last place of the correctly rounded "
        "value. Bars: how many of the stated errors cover what the answer is off; a standard deviation, as jacobi "
        "states it, promises 68 %. First: milliseconds of the preparation with the first answer; later: microseconds "
        "of an answer as a `Result` after that; medians over the cases. Both hold what diffkit does around the tool: "
        f"it looks for kinks, poles and edges, which no tool tells. Hard points are the {len(hard)} of "
        "docs/accuracy.md.",
        table(["backend", "answered", "ulps, median", "95 %", "99 %", "worst", "bars cover", "first, ms", "later, µs",
               "hard: right", "told", "silently wrong", "not asked"], does),
    ]) + "\n"  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")

"""docs/performance.md from records: the table of goals and what was measured, plots of growth, every race."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from races.measuring import unit
from races.table import FAST, PLAIN, Goal, Row

Record = dict[str, Any]
PREFACE = """
Written by `python benchmarks/performance.py -o FILE` and `--page`. Ratios are times of diffkit over times of a peer,
below 1 where diffkit is faster: both warm, in turn within each round, medians over the rounds with their quartiles in
brackets. Times are CPU seconds of all threads, unless a row says that it is the wall clock; the ratio by wall clock
stands beside them in the lists below. All tools of a race gave the same numbers in the same run, unless it says
otherwise. *Plain* is diffkit as it is installed without extras, *fast* is with llvmlite.
""".strip()
PLOT = "performance.png"
GROWTH_PLOTS = (
    ("text-to-gradient", "text to gradient", "text → gradient of Rosenbrock", "variables"),
    ("sparse-hessian", "set-up", "text → sparse Hessian of Rosenbrock", "variables"),
    ("nested", "depth", "text → derivative of a nested function", "depth"),
)
"""row, beginning of its cases, title, what the size is"""


def write_page(records: list[Record], rows: Sequence[Row], folder: Path) -> Path:
    """Write the page and its plot to a folder; the path of the page."""
    path = folder / "performance.md"
    drawn = plot(records, folder / PLOT)
    path.write_text(page(records, rows, drawn), encoding="utf-8")
    return path


def page(records: list[Record], rows: Sequence[Row], drawn: bool = False) -> str:
    """The page."""
    known = [row for row in rows if any(r.get("row") == row.name for r in records)]
    parts = [
        "# Speed",
        PREFACE,
        *_about(records),
        "## Goals",
        "Each line gives the case that is farthest from its goal.",
        table(
            ("row", "beside", "goal, plain", "plain", "goal, fast", "fast"),
            [line for row in rows for line in _goal_lines(row, records)],
        ),
        *_obstacles(known, records),
        f"## Growth\n\n![Seconds by size]({PLOT})" if drawn else "",
        "## Every race" if known else "",
        *(part for row in known for part in _races(row, records)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(records: Sequence[Record]) -> list[str]:
    """Where it was measured."""
    about = next((r for r in records if "machine" in r), None)
    if about is None:
        return []
    there = ", ".join(f"{name} {number}" for name, number in about["packages"].items() if number)
    missing = ", ".join(name for name, number in about["packages"].items() if not number)
    found = f"{about['processor']}, {about['machine']}; Python {about['python']}, {there}; {about['when']}."
    return [found + (f" Not installed, and left out: {missing}." if missing else "")]


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *lines))


# Goals -------------------------------------------------------------------------------------------------------------


def worst(goal: Goal, install: str, records: Iterable[Record], row: str) -> Record | None:
    """The record of the largest ratio that a goal concerns."""
    there = [r for r in records if r.get("row") == row and r["install"] == install and goal.clock in r]
    return max((r for r in there if goal.concerns(r)), key=lambda r: r[goal.clock][1], default=None)


def _limit(goal: Goal, install: str) -> float | None:
    return goal.plain if install == PLAIN else goal.fast


def missed(row: Row, records: Sequence[Record]) -> bool:
    """Whether a goal of a row was measured and is not reached."""
    for goal in row.goals:
        for install in (PLAIN, FAST):
            limit, record = _limit(goal, install), worst(goal, install, records, row.name)
            if limit is not None and record is not None and record[goal.clock][1] > limit:
                return True
    return False


def _goal_lines(row: Row, records: Sequence[Record]) -> list[list[str]]:
    lines = []
    for number, goal in enumerate(row.goals):
        cells = [row.title if number == 0 else "", ", ".join(goal.peers)]
        if goal.ours != ("",):
            cells[1] = f"{', '.join(goal.ours)} / {cells[1]}"
        if goal.cases != ("",):
            cells[1] += f" ({'; '.join(goal.cases)})"
        for install in (PLAIN, FAST):
            limit, record = _limit(goal, install), worst(goal, install, records, row.name)
            cells += ["" if limit is None else f"≤ {limit:g}", _measured(record, limit, goal)]
        lines.append(cells)
    return lines


def _measured(record: Record | None, limit: float | None, goal: Goal) -> str:
    if record is None:
        return "" if limit is None else "not measured"
    low, median, high = record[goal.clock]
    spread = f" [{low:.3g}, {high:.3g}]" if low != high else ""
    mark = "" if limit is None else " ✓" if median <= limit else " **missed**"
    return f"{median:.3g}{spread}{mark} ({record['case']})"


def _obstacles(rows: Sequence[Row], records: Sequence[Record]) -> list[str]:
    """What stands in the way of the rows that are missed."""
    lines = [f"- *{row.title}*: {row.obstacle or 'not yet looked into.'}" for row in rows if missed(row, records)]
    return ["## What stands in the way", "\n".join(lines)] if lines else []


# Every race --------------------------------------------------------------------------------------------------------


def _races(row: Row, records: Sequence[Record]) -> list[str]:
    """All that was measured of a row, and what is to be said of it."""
    mine = [r for r in records if r.get("row") == row.name]
    lines = [
        (r["install"], r["case"], r["ours"], _time(r, 0), r.get("peer", ""), _time(r, 1), *_both(r))
        for r in mine
        if "ours" in r
    ]
    said = [text for r in mine if (text := _said(r))]
    header = ("install", "case", "diffkit", "time", "peer", "its time", "CPU", "wall")
    return [f"### {row.title}", table(header, lines) if lines else "", "\n".join(f"- {text}" for text in said)]


def _said(r: Record) -> str:
    """What is to be said besides times: of what is missing or failed, wrong numbers, digits."""
    where = f"{r['case']} ({r['install']}): "
    if "differs" in r:
        return f"{where}{r['differs']} gave other numbers, by {r['by']:.2g}."
    if "left_out" in r:
        missing = r["kind"] == "missing"
        return f"{where}{r['left_out']} {'is missing' if missing else 'failed'} ({r['why']})."
    if "digits" in r:
        return f"{r['case']}: {r['tool']} has {r['digits'][0]:.1f} digits at the median, {r['digits'][1]:.1f} at worst."
    return ""


def _both(record: Record) -> tuple[str, str]:
    return _ratio(record, "cpu"), _ratio(record, "wall")


def _time(record: Record, number: int) -> str:
    if "seconds" not in record:
        return record.get("note", "") if number == 0 else ""
    return unit(record["seconds"][number]) if number < len(record["seconds"]) else ""


def _ratio(record: Record, clock: str) -> str:
    if clock not in record:
        return ""
    low, median, high = record[clock]
    return f"{median:.3g} [{low:.3g}, {high:.3g}]" if low != high else f"{median:.3g}"


# Growth ------------------------------------------------------------------------------------------------------------


def growth(records: Iterable[Record], row: str, case: str) -> dict[str, dict[int, float]]:
    """Seconds by size of each tool, in the plain install."""
    found: dict[str, dict[int, float]] = {}
    for r in records:
        if r.get("row") == row and r["install"] == PLAIN and r.get("size") and r["case"].startswith(case):
            for name, seconds in zip((f"diffkit {r['ours']}", r.get("peer")), r["seconds"], strict=False):
                found.setdefault(str(name), {})[r["size"]] = seconds
    return found


def plot(records: Sequence[Record], path: Path) -> bool:
    """Draw the growth, both axes logarithmic; False where there is nothing to draw, or nothing to draw with."""
    try:
        import matplotlib
    except ImportError:
        return False
    curves = [(*how, growth(records, how[0], how[1])) for how in GROWTH_PLOTS]
    curves = [how for how in curves if how[-1]]
    if not curves:
        return False
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(curves), figsize=(4.5 * len(curves), 4), layout="constrained", squeeze=False)
    for (_, _, title, label, tools), place in zip(curves, axes[0], strict=True):
        for name, seconds in tools.items():
            sizes = sorted(seconds)
            style = {"linewidth": 2.2} if name.startswith("diffkit") else {"linewidth": 1.2, "linestyle": "--"}
            place.plot(sizes, [seconds[n] for n in sizes], marker="o", markersize=4, label=name, **style)
        place.set(xscale="log", yscale="log", title=title, xlabel=label, ylabel="CPU seconds")
        place.grid(alpha=0.3)
        place.legend(fontsize="small")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    return True

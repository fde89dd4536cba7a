"""Differences, checks of a hand-written gradient, reports over files of cases."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from races.examples import points, rosenbrock_of_array
from races.measuring import Failed, again, command, diffkit, ready
from races.table import Bench, Goal, Row

EXPRESSIONS = (
    "x^2*sin(x)+log(x)", "exp(-x^2)*sin(3*x)/(1+x^4)", "100*(y-x^2)^2+(1-x)^2", "log(1+exp(x))", "x*y*exp(-x*y)",
    "tanh(x)/(1+x^2)", "sqrt(x^2+y^2)", "3*x^2-4*x",
)  # fmt: skip
TORCH_UP_TO = 1000  # inputs
CPU_ROWS = 300  # that a report should do
DONE = (0, 1)  # exit codes of a report: all agree, or some do not
CPU_GOAL = f"{CPU_ROWS} rows a CPU second"


def _mixed(x: Any, m: Any = np) -> Any:
    """A function of vectors along the first axis, many at once."""
    y = m.roll(x, -1, axis=0)
    return m.sum(m.exp(-(x**2)) * m.sin(x * y) + m.log(1 + x**2) * m.tanh(y), axis=0)


def differences(bench: Bench) -> None:
    """Gradients from values of f: the time, and the digits that it buys."""
    import diffkit as dk

    for n in (2, 20) if bench.quick else (2, 20, 100):
        at = points(n)[0]
        truth = [_mixed(at + 1e-200j * along).imag / 1e-200 for along in np.eye(n)]  # by complex steps
        race = bench.race(f"{n} variables")
        race.ours("dk.gradient, finite", again(partial(dk.gradient, backend="finite"), _mixed, at), _value)
        race.peer("numdifftools", ready(_numdifftools, at))
        race.peer("scipy.differentiate", ready(_scipy, at))
        race.peer("jacobi", ready(_jacobi, at))
        race.run(reference=truth, tolerance=1e-6, digits=True)


def _value(result: Any) -> Any:
    return result.value


def _numdifftools() -> Any:
    import numdifftools

    return numdifftools.Gradient(_mixed)


def _scipy() -> Any:
    from scipy.differentiate import jacobian

    return lambda at: jacobian(_mixed, at).df


def _jacobi() -> Any:
    import jacobi

    return lambda at: jacobi.jacobi(_mixed, at)[0]


# Checks ------------------------------------------------------------------------------------------------------------


def _f(x: Any) -> Any:
    return rosenbrock_of_array(x, np)


def _claim(x: Any) -> Any:
    """Its gradient, by hand."""
    d = np.zeros_like(x)
    d[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    d[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return d


def _wrong(x: Any) -> Any:
    """The same with an entry that is one per cent off."""
    return _claim(x) * np.where(np.arange(len(x)) == 3, 1.01, 1)


def checks(bench: Bench) -> None:
    """Is a right gradient of Rosenbrock right? All must say yes, and ours no to one with an entry that is wrong."""
    for n in (10, 100) if bench.quick else (10, 1000, 10_000):
        _check(bench, n)


def _check(bench: Bench, n: int) -> None:
    import diffkit as dk

    at = points(n)[0]

    def by_torch(**options: Any) -> Any:
        import torch

        x = torch.tensor(at, requires_grad=True)
        return lambda: torch.autograd.gradcheck(lambda x: rosenbrock_of_array(x, torch), (x,), **options)

    def by_scipy() -> Any:
        from scipy.optimize import check_grad

        allowed = 1e-4 * np.linalg.norm(_claim(at))
        return lambda: check_grad(_f, _claim, at) < allowed

    race = bench.race(f"n = {n:,}")
    race.ours("dk.check", again(lambda: dk.check(_f, _claim, at=at)), lambda found: found.verdict == "correct")
    race.peer("torch gradcheck, fast", partial(by_torch, fast_mode=True))
    if n <= TORCH_UP_TO:
        race.peer("torch gradcheck, full", by_torch)
    race.peer("check_grad of SciPy", by_scipy)
    race.run(reference=[1.0])
    if dk.check(_f, _wrong, at=at).verdict != "wrong":
        bench.write(race.case, differs="dk.check", by=float("inf"))


# Reports -----------------------------------------------------------------------------------------------------------


def _cases(path: Path, count: int) -> None:
    """A file of cases, no two of them of one text."""
    random = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        for k in range(count):
            text = f"{EXPRESSIONS[k % len(EXPRESSIONS)]} + {k}*x"
            at = {v: round(float(random.uniform(0.2, 2)), 6) for v in ("x", "y") if v in text.replace("exp", "")}
            file.write(json.dumps({"expr": text, "at": at}) + "\n")


def report(bench: Bench) -> None:
    """A file of cases by the command, on one core and on two."""
    count = 100 if bench.quick else 10_000
    case = f"{count:,} cases"
    with tempfile.TemporaryDirectory() as folder:
        cases, out = Path(folder, "cases.jsonl"), Path(folder, "report.json")
        _cases(cases, count)
        ask = diffkit("report", str(cases), "--format", "json", "--output", str(out))
        one, _ = command(ask, DONE)
        rate = count / one.cpu
        bench.ratio(case, "one core", CPU_GOAL, CPU_ROWS / rate, f"{rate:.0f} rows a CPU second")
        if (os.cpu_count() or 1) < 2 or not _has_jobs():
            bench.failed(case, "two cores", "there is no --jobs 2 here")
            return
        alone = json.loads(out.read_text(encoding="utf-8"))
        two, _ = command([*ask, "--jobs", "2"], DONE)
        if _timeless(alone) != _timeless(json.loads(out.read_text(encoding="utf-8"))):
            bench.write(case, differs="two cores", by=float("inf"))
        bench.ranked(case, ["two cores"], ["one core"], {"two cores": [two], "one core": [one]})


def _timeless(value: Any) -> Any:
    """What a report says, without how long it took."""
    if isinstance(value, dict):
        return {name: _timeless(found) for name, found in value.items() if "seconds" not in name}
    return [_timeless(found) for found in value] if isinstance(value, list) else value


def _has_jobs() -> bool:
    """Whether the command takes a number of processes."""
    try:
        return "--jobs" in command(diffkit("report", "--help"))[1]
    except Failed:
        return False


JUDGING = (
    Row("finite", "Finite-difference gradient, 2, 20, 100 variables, its accuracy kept", differences, (
        Goal(("numdifftools",), .8), Goal(("scipy.differentiate",), .8), Goal(("jacobi",), .8),
    ), "fits of about 25 values a variable, where the others take 11 to 30, and the search for kinks, jumps and "
       "noise in them, which goes variable by variable in Python. The digits in the list below are what it buys."),
    Row("check", "Check of n = 10, 1,000, 10⁴", checks, (
        Goal(("torch gradcheck, fast",), 4, cases=("n = 10",)),
        Goal(("torch gradcheck, fast",), 15, cases=("n = 1,000", "n = 10,000")),
    ), "each entry is proven, and confirmed along random directions, at three points; for arithmetic that is done in "
       "pairs of binary64, array by array. What is left at n = 10 is following the code once and writing its formula "
       "down, at n = 10⁴ eight directional derivatives that are proven one by one, and the rounding of reverse mode, "
       "which is measured by eleven runs of it. torch compares one "
       "number along one direction, and does not say which entry is wrong."),
)  # fmt: skip
REPORTS = (
    Row("report", "Report of 10,000 cases", report, (
        Goal(("one core",), .58, clock="wall"),
        Goal((CPU_GOAL,), 1),
    ), "of the time of a case SymPy's answer is a fifth, differences are a quarter, the proof an eighth, and the rest "
       "is spread over parsing, guards, running bounds and the report itself. Processes start and import anew, "
       "half a second each before the first case."),
)  # fmt: skip

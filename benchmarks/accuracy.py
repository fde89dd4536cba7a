"""Accuracy of diffkit and of the peers that are installed, on the test data, in one run: writes docs/accuracy.md.

    pip install '.[peers,plot]' && python benchmarks/accuracy.py

Float methods are judged in units in the last place (ulps) of the correctly rounded answer, differences in correct
digits. Quantiles and shares, never a mean; NaN counts as infinite; true zeros are counted apart.
"""

from __future__ import annotations

import json
import math
import platform
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import mpmath  # noqa: E402
import numpy as np  # noqa: E402
from peers import TOOLS, Engine, Tool, ask, padded  # noqa: E402

from diffkit.engines import is_installed  # noqa: E402

DATA = ROOT / "tests" / "data"
PAGE, PLOT = ROOT / "docs" / "accuracy.md", ROOT / "docs" / "accuracy.svg"
QUANTILES = (0.5, 0.95, 0.99, 1.0)
CONTEXT = mpmath.MPContext()
CONTEXT.dps = 50


def exact(value: Any) -> Any:
    return CONTEXT.mpf(value)


def ulps(value: float, truth: Any) -> float:
    """|value − truth| in units in the last place of the correctly rounded truth; infinite for NaN."""
    if not math.isfinite(value):
        return math.inf
    return float(abs(exact(value) - truth) / math.ulp(float(truth)))


def corpus() -> list[dict[str, Any]]:
    """The cases, with their numbers read and what the scores need besides."""
    rows = [json.loads(line) for line in (DATA / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["x"] = [float(row["at"][name]) for name in row["vars"]]
        row["f"] = exact(row["value"])
        row["g"] = [exact(t) for t in row["gradient"]]
        row["h"] = [exact(t) for line in row["hessian"] for t in line]
        n = len(row["x"])
        row["kappa"] = [
            float(sum(abs(exact(row["x"][j]) * row["h"][i * n + j]) for j in range(n)) / abs(g)) if g else math.nan
            for i, g in enumerate(row["g"])
        ]
        row["posed"] = [well_posed(row, i) for i in range(n)]
    return rows


def hard_points() -> list[dict[str, str]]:
    """Points with kinks, poles, edges, cancellation and overflow, by column."""
    header, *lines = (DATA / "hard_points.tsv").read_text(encoding="utf-8").splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def well_posed(row: dict[str, Any], i: int) -> bool:
    """Whether values of f can tell ∂f/∂xᵢ: |xᵢgᵢ| ≥ 10⁻³|f|, and f itself has nine digits in float64."""
    from peers import callable_of

    value = float(callable_of(row["expr"], row["vars"], "numpy", "scipy.special")([np.float64(v) for v in row["x"]]))
    good = math.isfinite(value) and abs(exact(value) - row["f"]) <= exact("1e-9") * abs(row["f"])
    return bool(good and row["g"][i] and abs(exact(row["x"][i]) * row["g"][i]) >= abs(row["f"]) / 1000)


# Scores -----------------------------------------------------------------------------------------------------------


def shown(x: float) -> str:
    return "∞" if math.isinf(x) else f"{x:.3f}" if x < 10 else f"{x:.3g}" if x < 1e4 else f"{x:.0e}"


def percent(part: Sequence[bool] | Any) -> str:
    return f"{100 * float(np.mean(part)):.1f} %" if len(part) else "–"


def quantile(values: Any, q: float) -> float:
    return float(np.quantile(values, q, method="higher")) if len(values) else math.nan


def ulp_row(errors: Sequence[float]) -> list[str]:
    found = np.array(errors)
    quantiles = [shown(quantile(found, q)) for q in QUANTILES]
    return [*quantiles, *(percent(found <= limit) for limit in (0.5, 1, 4)), percent(found > 1000)]


def float_scores(tool: Tool, cases: list[dict[str, Any]], kind: str, key: str) -> dict[str, Any]:
    """Ulps of every component that is not a true zero, ulps/(1 + κ), and how many true zeros came out as zero."""
    errors, conditioned, zeros = [], [], []
    for case in cases:
        values = padded(ask(tool, kind, case["expr"], case["vars"], case["x"]), len(case[key]))
        for c, (value, truth) in enumerate(zip(values, case[key], strict=True)):
            if truth == 0:
                zeros.append(value == 0)
                continue
            errors.append(ulps(value, truth))
            if key == "g":
                conditioned.append(errors[-1] / (1 + case["kappa"][c]))
    return {"ulps": errors, "conditioned": conditioned, "zeros": zeros}


def difference_scores(tool: Tool, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Digits of the well-posed components, what the bars are worth, and evaluations of f a variable."""
    digits, ratios, lies, evaluations = [], [], 0, []
    for case in cases:
        said = ask(tool, "gradient", case["expr"], case["vars"], case["x"])
        values = padded(said, len(case["g"]))
        bars = [math.nan] * len(values) if said.bars is None or len(said.bars) != len(values) else said.bars
        evaluations.append(said.evaluations / len(values))
        for value, bar, truth, posed in zip(values, bars, case["g"], case["posed"], strict=True):
            if not posed:
                continue
            error = float(abs(exact(value) - truth) / abs(truth)) if math.isfinite(value) else math.inf
            digits.append(min(16.0, max(0.0, -math.log10(error))) if error else 16.0)
            relative = bar / float(abs(truth))
            ratios.append(relative / error if error else math.inf)
            lies += relative < 1e-6 and error > 1e-3
    return {"digits": digits, "ratios": ratios, "lies": lies, "evaluations": evaluations}


def difference_row(scores: dict[str, Any]) -> list[str]:
    digits, ratios = np.array(scores["digits"]), np.array(scores["ratios"])
    finite = ratios[np.isfinite(ratios)]
    return [
        f"{np.median(digits):.1f}", f"{np.quantile(digits, 0.05):.1f}", percent(digits < 6), percent(ratios >= 1),
        shown(float(np.median(finite))) if len(finite) else "–", str(scores["lies"]),
        f"{np.median(scores['evaluations']):.0f}",
    ]  # fmt: skip


def hard_scores(tool: Tool, rows: list[dict[str, str]]) -> dict[str, int]:
    """Right, said that it cannot tell or has no value, silently wrong, and not asked (no such order)."""
    counts = dict.fromkeys(("right", "flagged", "wrong", "not asked"), 0)
    for row in rows:
        pairs = [pair.split("=") for pair in row["variables"].split(",")]
        names, x = [name for name, _ in pairs], [float(value) for _, value in pairs]
        kind, _, wanted = row["what"].partition(":")
        truths = row["expected"].strip("[]").split(",") if row["expected"][0] in "-0123456789[" else [None]
        try:
            if kind == "grad" or len(names) > 1:
                said = ask(tool, "gradient", row["expression"], names, x)
                places = [names.index(name) for name in wanted.split(",")]
            else:
                said = ask(tool, "derivative", row["expression"], names, x, int(kind[1:]))
                places = [0]
        except NotImplementedError:
            counts["not asked"] += 1
            continue
        values, flagged = padded(said, len(names)), [*said.flagged, *[False] * len(names)]
        bars = padded(type(said)(said.bars or []), len(names))
        verdicts = [judge(values[p], bars[p], flagged[p], t) for p, t in zip(places, truths, strict=True)]
        counts[max(verdicts, key=("right", "flagged", "wrong").index)] += 1
    return counts


def judge(value: float, bar: float, flagged: bool, truth: str | None) -> str:
    """One component: a number off by more than 1e-6 is silently wrong unless a flag or its own error bar says so."""
    if flagged or not math.isfinite(value):
        return "flagged"
    if truth is None:
        return "wrong"
    error = abs(exact(value) - exact(truth))
    if error <= exact("1e-6") * abs(exact(truth) or 1):
        return "right"
    return "flagged" if error <= exact(bar) else "wrong"  # a NaN bar covers nothing


# The page ---------------------------------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plot(gradients: dict[str, Any], differences: dict[str, Any]) -> bool:
    """Distribution functions: the share of components with at most so many ulps, at least so many digits."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "diffkit", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, scores in gradients.items():
        errors = np.sort(scores["ulps"])
        left.step(np.clip(errors, 1e-2, 1e8), np.arange(1, len(errors) + 1) / len(errors), label=name)
    left.set(xscale="log", xlim=(1e-2, 1e6), xlabel="error of a gradient component, ulps", ylabel="share with at most")
    left.axvline(0.5, color="grey", linewidth=0.5)
    for name, scores in differences.items():
        digits = np.sort(scores["digits"])[::-1]
        right.step(digits, np.arange(1, len(digits) + 1) / len(digits), label=name)
    right.set(xlim=(16, 0), xlabel="correct digits from values of f", ylabel="share with at least")
    for axes in (left, right):
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    figure.savefig(PLOT, metadata={"Date": None})
    return True


def by_engine(cases: list[dict[str, Any]]) -> str:
    """Ulps of gradients and Hessians by what our programs are compiled with; nothing for engines that are not here."""
    rows = []
    for precision in ("pairs", "double"):
        for name in ("python", "numpy", "llvm"):
            if not is_installed(name):
                continue
            tool = Engine(precision, name)
            scores = [
                float_scores(tool, cases, kind, key)["ulps"] for kind, key in (("gradient", "g"), ("hessian", "h"))
            ]
            rows.append([tool.name, *(shown(quantile(errors, q)) for errors in scores for q in QUANTILES)])
    titles = [f"{kind}, {q}" for kind in ("gradient", "Hessian") for q in ("median", "95 %", "99 %", "worst")]
    return table(["", *titles], rows)


ULPS = ["", "median", "95 %", "99 %", "worst", "≤ ½", "≤ 1", "≤ 4", "> 1000"]


def page(tools: dict[Tool, str], missing: list[str], cases: list[dict[str, Any]]) -> str:
    """Measure, and give the page."""
    floats = [t for t in tools if not t.digits]
    gradients = {t.name: float_scores(t, cases, "gradient", "g") for t in floats}
    hessians = {t.name: float_scores(t, cases, "hessian", "h") for t in floats}
    differences = {t.name: difference_scores(t, cases) for t in tools if t.digits}
    hard = hard_points()
    points = {t.name: hard_scores(t, hard) for t in tools}
    drawn = plot(gradients, differences)
    components = len(next(iter(gradients.values()))["ulps"])
    posed = sum(map(sum, (case["posed"] for case in cases)))
    conditioned = [
        [
            n,
            *(shown(quantile(s["conditioned"], q)) for q in (0.5, 0.95, 0.99, 1.0)),
            f"{sum(s['zeros'])} of {len(s['zeros'])}",
        ]
        for n, s in gradients.items()
    ]
    python = f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()} {platform.system()}"
    versions = ", ".join(f"{t.module.split('.')[0]} {v}" for t, v in tools.items())
    versions = ", ".join(dict.fromkeys(versions.split(", ")))
    parts = [
        "# Accuracy",
        "Written by `python benchmarks/accuracy.py`; every number on this page comes from one run of it, all "
        "tools on the "
        "same cases. Errors do not depend on how busy the machine is, which is shared; they do depend a "
        "little on its "
        "C library and processor.",
        f"{python}; {versions}." + (f" Not installed, and left out: {', '.join(missing)}." if missing else ""),
        f"The cases are {len(cases)} points of functions that other people chose (tests/data/README.md says "
        "whose), with "
        "derivatives known to 30 digits. Expressions are evaluated as they are written there; every tool has "
        "its defaults, JAX its 64 bits. A decimal in an expression is exact in the references and in diffkit; to the "
        "others it is a binary64.",
        "![Distribution of errors](accuracy.svg)" if drawn else "",
        "## Gradients",
        f"Errors of {components} gradient components in units in the last place of the correctly rounded value "
        "(½ is the best a binary64 can promise). NaN counts as infinite; true zeros are apart, below. "
        "Where the exact value lies halfway between two binary64 numbers, the references' thirty digits make either "
        "neighbour look a shade beyond ½.",
        table(ULPS, [[n, *ulp_row(s["ulps"])] for n, s in gradients.items()]),
        "The same errors divided by 1 + κ, κᵢ = Σⱼ|xⱼHᵢⱼ|/|gᵢ|: what is left when the rounding of the point "
        "itself is "
        "allowed for. The last column says how many of the true zeros came out as zero.",
        table(["", "median", "95 %", "99 %", "worst", "true zeros kept"], conditioned),
        "## Hessians",
        f"{len(next(iter(hessians.values()))['ulps'])} entries.",
        table([*ULPS, "true zeros kept"], [[n, *ulp_row(s["ulps"]), percent(s["zeros"])] for n, s in hessians.items()]),
        "## Engines",
        "The same components as compiled code gives them, point by point, by reverse mode. In `pairs` all engines have "
        "the bits of the interpreter; `double` is plain binary64, as the other tools use it, with derivatives in forms "
        "that do not cancel. Where compiled code finds that a point is not ordinary, the interpreter answers in pairs.",
        by_engine(cases),
        "## From values of f alone",
        f"{posed} gradient components that values of f can tell: |x·g| ≥ 10⁻³|f|, and f itself has nine "
        "correct digits. "
        "Digits are capped at 16. Honest: the error is at most the stated bar. A lie: a relative bar below "
        "1e-6 with an "
        "error above 1e-3. jacobi's bar is one standard deviation, which promises 68 %.",
        table(
            ["", "digits, median", "5 % worst", "under 6", "honest", "bar/error, median", "lies",
             "evaluations/var., median"],
            [[n, *difference_row(s)] for n, s in differences.items()],
        ),
        "## Hard points",
        f"{len(hard)} points with kinks, poles, edges, cancellation and overflow. Silently wrong: a finite "
        "number where "
        "the truth differs by more than 1e-6 of it, or where there is no derivative, and neither a flag nor "
        "an error bar "
        "that covers it. Some tools do not have all orders, or take minutes over them. The data do not say "
        "what a tool "
        "should do about points without a derivative, so flagged is as good as it gets there.",
        table(["", "right", "flagged", "silently wrong", "not asked"],
              [[n, *map(str, s.values())] for n, s in points.items()]),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def main() -> None:
    """Measure what is installed and write the page."""
    warnings.simplefilter("ignore")
    tools: dict[Tool, str] = {}
    missing = []
    for tool in TOOLS:
        try:
            tools[tool] = tool.version
        except ImportError:
            missing.append(tool.name)
            print(f"{tool.name} is not installed: skipped", file=sys.stderr)
    PAGE.write_text(page(tools, missing, corpus()), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

"""What a proof costs: gradients and Hessians of the test corpus, prepared and not, and the look at odd points.

    python benchmarks/proofs.py

Medians and 95 % quantiles over the corpus of the median of nine calls, in microseconds, on whatever machine runs it.
"""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path

from timing import median

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hessian_task
from diffkit.proof.classification import classify
from diffkit.proof.prover import Prover

DATA = Path(__file__).parent.parent / "tests" / "data"
ODD = {
    "abs(x)": 0, "max(x, x**2)": 1, "floor(x)": 2, "sin(x)/x": 0, "(1 - cos(x))/x**2": 0, "1/(exp(x) - 1)": 0,
    "sqrt(x**2)": 0, "log(x)": -1, "where(x == 0, 0, exp(-1/x**2))": 0, "where(x == 0, 0, x**2*sin(1/x))": 0,
    "gamma(x)": -3, "(exp(x) - e)/(x - 1)": 1, "acos(cos(x))": 0, "x**x": 0, "cbrt(x**2)": 0,
}  # fmt: skip


def line(name: str, times: Iterable[float]) -> None:
    """Print the median and the 95 % quantile."""
    ordered = sorted(times)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{name:32s} median {1e6 * statistics.median(ordered):8.1f} µs   95 % {1e6 * high:8.1f} µs")


def main() -> None:
    """Print every measurement."""
    cases = [json.loads(text) for text in (DATA / "corpus.jsonl").read_text().splitlines()]
    for kind, make in (("gradient", gradient_task), ("Hessian", hessian_task)):
        prepared, fresh = [], []
        for case in cases:
            point = [float(case["at"][name]) for name in case["vars"]]
            task = make(dk.parse(case["expr"], case["vars"]).program)
            prover = Prover(task)
            for _ in range(6):  # compiles on the way
                prover.at(point)
            prepared.append(median(lambda p=prover, x=point: p.at(x), 9))
            text, names = case["expr"], case["vars"]
            fresh.append(median(lambda m=make, t=text, n=names, x=point: Prover(m(dk.parse(t, n).program)).at(x), 3))
        line(f"{kind}, prepared", prepared)
        line(f"{kind}, from text", fresh)
    line("an odd point", [median(lambda t=t, x=x: classify(dk.parse(t).program, (0, (0,)), [float(x)]), 9)
                          for t, x in ODD.items()])  # fmt: skip


if __name__ == "__main__":
    main()

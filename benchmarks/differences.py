"""Finite differences on the corpus and on generated functions: digits, honesty, evaluations.

    python benchmarks/differences.py

A component counts if |x·g| ≥ 1e-3·|f| (|x·y·H| for second derivatives) and f has nine correct digits in binary64.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from difference_families import smooth_cases, truth
from scoring import Score, scores, table

from diffkit.asking.questions import make_task
from diffkit.methods.finite import ECONOMY, THOROUGH, FiniteBackend

HEAD = "                          n   digits median / 5 %   < 6   honest   bar/error   lies   9 wrong   evaluations   s"


def show(name, found, evaluations, seconds):
    """One line of the table."""
    t = table(found, evaluations)
    print(
        f"{name:22}{t.count:5}   {t.median:13.1f} / {t.low:4.1f}{100 * t.under_six:5.1f} %{100 * t.honest:7.1f} %"
        f"{t.ratio:12.1f}{t.lies:7}{t.false_claims:10}{t.evaluations:14.1f}{seconds:5.1f}"
    )


def generated(order, effort, count=400):
    """Smooth random compositions in one variable."""
    found, evaluations = [], []
    for expression, x in smooth_cases(count, seed=11):
        task = make_task(expression, "derivative", ("x",), order=order)
        answer = FiniteBackend(effort).prepare(task).at([x])
        evaluations.append(answer.evaluations)
        right = truth(expression, {"x": x}, (0,) * order)
        error = abs(right - answer.values[0]) if not answer.odd else right * 0 + float("inf")
        digits = 16.0 if error == 0 else 0.0 if answer.odd else _digits(error, right)
        found.append(Score(expression, digits, float(error), answer.errors[0], abs(float(right))))
    return found, evaluations


def _digits(error, right):
    from math import log10

    return max(0.0, min(16.0, -log10(error / abs(right)))) if right else 16.0


def main():
    """Print the table."""
    print(HEAD)
    for name, effort in (("thorough", THOROUGH), ("economy", ECONOMY)):
        for kind in ("gradient", "hessian"):
            start = time.perf_counter()
            found, evaluations = scores(kind, effort)
            show(f"{name} {kind}", found, evaluations, time.perf_counter() - start)
        for order in (1, 2, 3, 4):
            start = time.perf_counter()
            found, evaluations = generated(order, effort)
            show(f"{name} order {order}", found, evaluations, time.perf_counter() - start)


if __name__ == "__main__":
    main()

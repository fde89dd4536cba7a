"""How good finite differences are on the corpus: digits, honesty of the bars, evaluations."""

import math
import statistics
from typing import NamedTuple

from conftest import corpus, exact

from diffkit.asking.questions import make_task
from diffkit.core.program import run
from diffkit.methods.finite import FiniteBackend


class Score(NamedTuple):
    """A component: correct digits (at most 16), error, its bar, and |truth|; a refusal has no digits and no bar."""

    label: str
    digits: float
    error: float
    bar: float
    truth: float

    @property
    def honest(self):
        return self.error <= self.bar


class Table(NamedTuple):
    """Figures over the well-posed components; shares are between 0 and 1."""

    count: int
    median: float
    low: float
    under_six: float
    honest: float
    ratio: float
    lies: int
    false_claims: int
    evaluations: float


def well_posed(row, scale, value):
    """Whether a component matters to f and f has nine correct digits in binary64."""
    truth = exact(row["value"])
    return abs(exact(value) - truth) <= abs(truth) * exact("1e-9") and scale >= abs(truth) / 1000


def scores(kind, effort):
    """Every well-posed component of the corpus, and the evaluations a partial, by point."""
    from diffkit.numbers.floats import FLOATS

    found, evaluations = [], []
    for row in corpus():
        task = make_task(row["expr"], kind, row["vars"])
        point = [float(row["at"][name]) for name in row["vars"]]
        answer = FiniteBackend(effort).prepare(task).at(point)
        evaluations.append(answer.evaluations / len(task.indices))
        value = run(task.program, FLOATS, point)[0]
        for c, (_, index) in enumerate(task.indices):
            text = row["gradient"][index[0]] if len(index) == 1 else row["hessian"][index[0]][index[1]]
            truth = exact(text)
            scale = abs(truth) * math.prod(abs(point[v]) for v in index)
            if truth == 0 or not well_posed(row, scale, value):
                continue
            label = f"{row['id']} {index}"
            if c in answer.odd:
                found.append(Score(label, 0.0, math.inf, 0.0, abs(float(truth))))
                continue
            error = abs(exact(answer.values[c]) - truth)
            digits = 16.0 if error == 0 else max(0.0, min(16.0, -math.log10(error / abs(truth))))
            found.append(Score(label, digits, float(error), answer.errors[c], abs(float(truth))))
    return found, evaluations


def table(found, evaluations):
    """The figures that the goals are stated in."""
    digits = sorted(s.digits for s in found)
    answered = [s for s in found if math.isfinite(s.error)]
    return Table(
        len(found),
        statistics.median(digits),
        digits[len(digits) // 20],
        sum(d < 6 for d in digits) / len(digits),
        sum(s.honest for s in found) / len(found),
        statistics.median(s.bar / s.error for s in answered if s.error),
        sum(s.bar < 1e-6 * s.truth and s.error > 1e-3 * s.truth for s in answered),
        sum(s.bar < 1e-9 * s.truth and s.error > 1e-9 * s.truth for s in answered),
        statistics.mean(evaluations),
    )

"""Outcomes counted, never averaged: verdicts, errors by method, findings by cause and the worst, in constant memory."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappush, heappushpop
from typing import Any, NamedTuple

from diffkit.core.row_files import strict, typed
from diffkit.judging.comparison import Finding
from diffkit.judging.outcomes import CONTRADICTS, JudgedCase, Score, has_passed, is_contradicted
from diffkit.judging.sketches import EXACT, Quantiles, Sketch

ULP_EDGES = (0.5, 1.0, 4.0, 100.0, 1000.0, 1e4, 1e8, math.inf)
"""ulps up to which components are counted, and one more for those without a value"""
DIGIT_STEPS = 2  # to a digit
_TOLD_AT_MOST = 1000  # names of a finding's cases, contradictions, and worst scores that are kept


@dataclass(frozen=True)
class BackendAccuracy:
    """One backend over all components whose reference is a number; true zeros have no ulps and stand apart.

    ``ulps`` runs over ``components``, no value counting as infinite; ``shares`` are the parts of them with at most
    0.5, 1 and 4 ulps and with more than 1000. ``held`` of ``bars`` values lie within the error bar of their method;
    ``overstated`` is bar / error, from tight to wide, where both are positive numbers.
    """

    backend: str
    components: int
    no_value: int
    ulps: Quantiles
    shares: tuple[float, float, float, float]
    digits: Quantiles
    zeros: int
    zeros_exact: int
    bars: int
    held: int
    overstated: Quantiles
    quantiles: str = EXACT
    """where quantiles come from: "exact", or the library whose t-digest they are of"""


class FindingGroup(NamedTuple):
    """Findings of one backend and one cause: the first 1000 cases of all that have it, and the first one's evidence."""

    backend: str
    cause: str
    cases: tuple[str, ...]
    evidence: str
    total: int

    @property
    def contradicts(self) -> bool:
        """Whether expected values are contradicted."""
        return self.cause == CONTRADICTS


class Told:
    """What is said of some cases: how many, the names of the first, and the words of the first."""

    def __init__(self, words: str):
        self.words = words
        self.names: list[str] = []
        self.count = 0

    def add(self, names: Iterable[str], count: int = 1) -> None:
        """Know that it is said of more cases."""
        self.count += count
        self.names += list(names)[: _TOLD_AT_MOST - len(self.names)]


class BackendTally:
    """One backend's scores, counted."""

    counts = ("components", "no_value", "zeros", "zeros_exact", "bars", "held")
    sketches = ("ulps", "digits", "overstated")

    def __init__(self) -> None:
        self.components = self.no_value = self.zeros = self.zeros_exact = self.bars = self.held = 0
        self.ulps, self.digits, self.overstated = Sketch(), Sketch(), Sketch()
        self.ulp_bins = [0] * len(ULP_EDGES)
        self.digit_bins = [0] * (16 * DIGIT_STEPS + 1)

    def add(self, score: Score) -> None:
        """Count a score."""
        absent = math.isnan(score.value)
        self.no_value += absent
        self.bars += not absent
        self.held += score.within and not absent
        if 0 < score.error < math.inf and 0 < score.bar < math.inf:
            self.overstated.add(score.bar / score.error)
        if score.reference == 0:
            self.zeros += 1
            self.zeros_exact += score.value == 0
            return
        self.components += 1
        self.ulps.add(score.ulps)
        self.ulp_bins[bisect_left(ULP_EDGES, score.ulps)] += 1
        self.digits.add(-score.digits)
        self.digit_bins[int(score.digits * DIGIT_STEPS)] += 1

    def merge(self, other: BackendTally) -> None:
        """Count all that another has counted."""
        for name in self.counts:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in self.sketches:
            getattr(self, name).merge(getattr(other, name))
        self.ulp_bins = [a + b for a, b in zip(self.ulp_bins, other.ulp_bins, strict=True)]
        self.digit_bins = [a + b for a, b in zip(self.digit_bins, other.digit_bins, strict=True)]

    def within(self, ulps: float) -> float:
        """The part of the components that have so many ulps at most, one of the edges; NaN of none."""
        return sum(self.ulp_bins[: ULP_EDGES.index(ulps) + 1]) / self.components if self.components else math.nan

    def accuracy(self, backend: str) -> BackendAccuracy:
        """Sum up."""
        beyond = (self.components - sum(self.ulp_bins[: ULP_EDGES.index(1000.0) + 1])) / (self.components or math.nan)
        sources = dict.fromkeys(getattr(self, name).source for name in self.sketches)
        return BackendAccuracy(
            backend, self.components, self.no_value, self.ulps.quantiles(),
            (self.within(0.5), self.within(1.0), self.within(4.0), beyond), self.digits.quantiles(-1.0),
            self.zeros, self.zeros_exact, self.bars, self.held, self.overstated.quantiles(),
            next((source for source in sources if source != EXACT), EXACT),
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Give all that it holds, as JSON can."""
        counts = {name: getattr(self, name) for name in (*self.counts, "ulp_bins", "digit_bins")}
        return {**counts, **{name: getattr(self, name).state() for name in self.sketches}}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> BackendTally:
        """Give one by its state."""
        found = cls()
        for name in (*cls.counts, "ulp_bins", "digit_bins"):
            setattr(found, name, state[name])
        for name in cls.sketches:
            setattr(found, name, Sketch.of_state(state[name]))
        return found


class Tally:
    """What was found over many cases, counted one by one."""

    def __init__(self, outcomes: Iterable[JudgedCase] = ()) -> None:
        self.rows = self.passed = self.expecting = self.contradicted = 0
        self.verdicts: Counter[str] = Counter()
        self.messages: dict[str, Told] = {}
        """by verdict, why there is no reference"""
        self.backends: dict[str, BackendTally] = {}
        self.findings: dict[tuple[str, str], Told] = {}
        self.contradictions: list[tuple[str, Finding]] = []
        self.notes: dict[str, None] = {}
        self._worst: list[tuple[tuple[int, float], int, Score]] = []
        self._scored = 0
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: JudgedCase) -> None:
        """Count an outcome."""
        self.rows += 1
        self.passed += has_passed(outcome)
        self.expecting += outcome.expecting
        self.contradicted += is_contradicted(outcome)
        self.notes.update(dict.fromkeys(outcome.notes))
        self.verdicts[outcome.verdict] += 1
        if outcome.message:
            self.messages.setdefault(outcome.verdict, Told(outcome.message)).add([outcome.name])
        first: dict[tuple[str, str], str] = {}
        for f in outcome.findings:
            first.setdefault((f.backend, f.cause), f.evidence)
            if f.cause == CONTRADICTS and len(self.contradictions) < _TOLD_AT_MOST:
                self.contradictions.append((outcome.name, f))
        for key, evidence in first.items():
            self.findings.setdefault(key, Told(evidence)).add([outcome.name])
        worst: dict[str, Score] = {}
        for score in outcome.scores:
            self.backends.setdefault(score.backend, BackendTally()).add(score)
            if badness(score) < badness(worst.get(score.backend, _HARMLESS)):
                worst[score.backend] = score
        for score in worst.values():
            self._keep(score)

    def _keep(self, score: Score) -> None:
        """Keep it among the worst: those outside their bar, then by ulps, the first first."""
        self._scored += 1
        rank = badness(score)
        entry = (-rank[0], -rank[1]), -self._scored, score
        (heappush if len(self._worst) < _TOLD_AT_MOST else heappushpop)(self._worst, entry)

    def worst(self) -> Iterator[Score]:
        """Give the worst score of each case and backend, the worst first, a thousand at most."""
        return (score for _, _, score in sorted(self._worst, reverse=True))

    def groups(self) -> tuple[FindingGroup, ...]:
        """Findings by backend and cause, the most frequent first."""
        groups = [FindingGroup(*key, tuple(of.names), of.words, of.count) for key, of in self.findings.items()]
        return tuple(sorted(groups, key=lambda group: -group.total))

    def merge(self, other: Tally) -> None:
        """Count all that another has counted, after what is counted already."""
        for name in ("rows", "passed", "expecting", "contradicted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.verdicts.update(other.verdicts)
        for verdict, told in other.messages.items():
            self.messages.setdefault(verdict, Told(told.words)).add(told.names, told.count)
        for key, told in other.findings.items():
            self.findings.setdefault(key, Told(told.words)).add(told.names, told.count)
        for backend, tally in other.backends.items():
            self.backends.setdefault(backend, BackendTally()).merge(tally)
        self.contradictions += other.contradictions[: _TOLD_AT_MOST - len(self.contradictions)]
        self.notes.update(other.notes)
        for score in other.worst():
            self._keep(score)

    def state(self) -> dict[str, Any]:
        """Give all that it holds, as JSON can."""
        return {
            **{name: getattr(self, name) for name in ("rows", "passed", "expecting", "contradicted")},
            "verdicts": dict(self.verdicts),
            "messages": [[verdict, told.count, told.names, told.words] for verdict, told in self.messages.items()],
            "findings": [[*key, told.count, told.names, told.words] for key, told in self.findings.items()],
            "contradictions": [[name, f.backend, f.evidence] for name, f in self.contradictions],
            "notes": list(self.notes),
            "worst": [strict(list(score)) for score in self.worst()],
            "backends": {name: tally.state() for name, tally in self.backends.items()},
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Tally:
        """Give one by its state; KeyError, TypeError, ValueError or LookupError where it is none."""
        found = cls()
        for name in ("rows", "passed", "expecting", "contradicted"):
            setattr(found, name, int(state[name]))
        found.verdicts.update(state["verdicts"])
        for verdict, count, names, words in state["messages"]:
            found.messages.setdefault(verdict, Told(words)).add(names, count)
        for backend, cause, count, names, words in state["findings"]:
            found.findings.setdefault((backend, cause), Told(words)).add(names, count)
        found.contradictions = [(n, Finding(backend, CONTRADICTS, e)) for n, backend, e in state["contradictions"]]
        found.notes = dict.fromkeys(state["notes"])
        found.backends = {name: BackendTally.of_state(tally) for name, tally in state["backends"].items()}
        for case, backend, label, *numbers, within in state["worst"]:
            found._keep(Score._make([case, backend, label, *(typed("float", x) for x in numbers), within]))
        return found


def badness(score: Score) -> tuple[int, float]:
    """Sort key, the worst first; a true zero that is missed weighs as its bar being broken or not at all."""
    return (-(not score.within), -score.ulps if score.ulps == score.ulps else 0.0)


_HARMLESS = Score("", "", "", 0.0, 0.0, 0.0, 1.0, 16.0, 0.0, True)
"""the worst score that is not worth telling"""

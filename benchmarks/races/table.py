"""Rows of the table: what is raced against what, the ratios that are the goal, and what stands in the way."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from races.measuring import (
    Failed,
    Sample,
    command,
    correct_digits,
    disagreement,
    interleaved,
    line,
    quartiles,
    ratios,
    started,
    unit,
)

PLAIN, FAST = "plain", "fast"
"""an install without extras, and one with the extra ``fast``"""
MEMORY = "outputs and 100 MB"
"""how much memory a large batch may take beyond its inputs"""


class Goal(NamedTuple):
    """At most so large a ratio of ours to a peer, in the plain install and with ``fast``; None: no goal there.

    A name stands for all that begin with it: peers, cases, our own tools. Of several cases all must reach it.
    """

    peers: tuple[str, ...]
    plain: float | None = None
    fast: float | None = None
    cases: tuple[str, ...] = ("",)
    ours: tuple[str, ...] = ("",)
    clock: str = "cpu"

    def concerns(self, record: dict[str, Any]) -> bool:
        """Whether a record is measured by this goal."""
        return (
            record.get("peer", "").startswith(self.peers)
            and any(not case or re.match(rf"{re.escape(case)}(?!,?\d)", record["case"]) for case in self.cases)
            and record["ours"].startswith(self.ours)
        )


@dataclass(frozen=True)
class Row:
    """A row of the table. ``obstacle`` says what stands in the way of the goals, for the page, if one is missed."""

    name: str
    title: str
    measure: Callable[[Bench], None]
    goals: tuple[Goal, ...]
    obstacle: str = ""

    @property
    def installs(self) -> tuple[str, ...]:
        """Where it is measured: with ``fast`` only if there is a goal for it."""
        return tuple(name for name in (PLAIN, FAST) if any(getattr(goal, name) is not None for goal in self.goals))


class Bench:
    """What a row measures with: it runs races and gives each result as a record to ``write``."""

    def __init__(self, row: str, install: str, write: Callable[[dict[str, Any]], None], rounds: int, quick: bool):
        self.row, self.install, self.rounds, self.quick = row, install, rounds, quick
        self._write = write
        self.slot, self.seconds = (0.004, 1.0) if quick else (0.015, 5.0)

    def write(self, case: str, **record: Any) -> None:
        """Write a record of this row."""
        self._write({"row": self.row, "install": self.install, "case": case, **record})

    def failed(self, case: str, name: str, why: str) -> None:
        """Write that a tool is missing, or failed."""
        print(f"    {case}: {name} left out: {why}", file=sys.stderr)
        kind = "missing" if why.startswith("missing") else "failed"
        self.write(case, left_out=name, kind=kind, why=why.removeprefix("missing: "))

    def race(self, case: str) -> Race:
        """A new race."""
        return Race(self, case)

    def ratio(self, case: str, ours: str, peer: str, value: float, note: str = "") -> None:
        """Write a ratio that is not one of times: how many times as large something is as it may be."""
        print(f"    {case}: {ours} / {peer}: {value:.3g} {note}", file=sys.stderr)
        self.write(case, ours=ours, peer=peer, cpu=[value] * 3, wall=[value] * 3, rounds=1, note=note)

    def commands(self, case: str, ours: dict[str, list[str]], peers: dict[str, list[str]]) -> None:
        """Race whole processes, each given as its command."""
        samples: dict[str, list[Sample]] = {}
        everyone = {**ours, **peers}
        for name, argv in everyone.items():
            try:
                command(argv)
                samples[name] = []
            except Failed as error:
                missing = "missing: " if "ModuleNotFoundError" in str(error) else ""
                self.failed(case, name, f"{missing}{error}")
        for number in range(self.rounds):
            for name in list(samples)[:: 1 if number % 2 == 0 else -1]:
                samples[name].append(command(everyone[name])[0])
        self.ranked(case, ours, peers, samples)

    def ranked(self, case: str, ours: Any, peers: Any, samples: dict[str, list[Sample]], **more: Any) -> None:
        """Write the ratios of each of ours to each peer; ``more`` has further fields of all records."""
        for mine in (name for name in ours if name in samples):
            if not any(name in samples for name in peers):
                self.write(case, ours=mine, seconds=[_median(samples[mine])], rounds=len(samples[mine]), **more)
            for theirs in (name for name in peers if name in samples):
                found = ratios(samples[mine], samples[theirs])
                seconds = [_median(samples[mine]), _median(samples[theirs])]
                low, median, high = found["cpu"]
                print(f"    {case}: {mine} {unit(seconds[0])} / {theirs} {unit(seconds[1])}: {median:.3g} "
                      f"[{low:.3g}, {high:.3g}], wall {found['wall'][1]:.3g}", file=sys.stderr)  # fmt: skip
                self.write(case, ours=mine, peer=theirs, seconds=seconds, rounds=len(samples[mine]), **found, **more)


def _median(samples: Sequence[Sample]) -> float:
    return quartiles([sample.cpu for sample in samples])[1]


class Race:
    """Tools that do the same thing. Their answers are compared with each other before they are measured."""

    def __init__(self, bench: Bench, case: str):
        self.bench, self.case = bench, case
        self.mine: dict[str, Any] = {}
        self.theirs: dict[str, Any] = {}

    def ours(self, name: str, make: Callable[[], Callable[[], Any]], view: Callable[[Any], Any] = np.asarray) -> None:
        """Add one of ours: ``make`` gives what is called, ``view`` makes numbers of its answer."""
        self.mine[name] = (make, view)

    def peer(self, name: str, make: Callable[[], Callable[[], Any]], view: Callable[[Any], Any] = np.asarray) -> None:
        """Add a peer."""
        self.theirs[name] = (make, view)

    def run(
        self, *, tolerance: float = 1e-9, reference: Any = None, points: int = 1, size: int | None = None,
        rounds: int | None = None, memory: float | None = None, digits: bool = False,
    ) -> None:  # fmt: skip
        """Measure. A call does ``points`` points; ``size`` is the place of this case on a plot of growth.

        ``memory`` is how many megabytes ours may need at its peak, beyond what it had before its first call. With
        ``digits`` each answer is written as how many of its digits are those of the reference.
        """
        bench = self.bench
        with started({**self.mine, **self.theirs}, lambda name, why: bench.failed(self.case, name, why)) as tools:
            for name, tool in tools.items() if digits else ():
                bench.write(self.case, tool=name, digits=correct_digits(reference, tool.answer))
            self._compare(tools, tolerance, reference)
            samples = interleaved(tools, rounds or bench.rounds, bench.slot, bench.seconds)
            per_point = {
                name: [Sample(cpu / points, wall / points) for cpu, wall in found] for name, found in samples.items()
            }
            bench.ranked(self.case, self.mine, self.theirs, per_point, size=size)
            if memory is not None:
                for name in (name for name in self.mine if name in tools):
                    note = f"{tools[name].peak:.0f} MB beyond the inputs"
                    bench.ratio(self.case, name, MEMORY, tools[name].peak / memory, note)

    def _compare(self, tools: dict[str, Any], tolerance: float, reference: Any) -> None:
        """Write which tools give other numbers than the reference, or than the first peer."""
        for name in [*self.theirs, *self.mine]:
            if name not in tools:
                continue
            answer = tools[name].answer
            if reference is None:
                reference = answer
            error = disagreement(reference, answer)
            if not error <= tolerance:
                print(f"    {self.case}: {name} differs by {error:.2g}", file=sys.stderr)
                self.bench.write(self.case, differs=name, by=error)
            tools[name].answer = None


def printed(record: dict[str, Any]) -> None:
    """A record on the standard output, where the run that started this process reads it."""
    print(line(record), flush=True)

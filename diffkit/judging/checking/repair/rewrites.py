"""Bugs in a line of array code: another array, product, function or axis belongs there.

The claim's code is recorded operation by operation, one place in it is changed, and the rest is replayed: the change
that gives the truth is what the line should say. What may belong there is whatever the claim or f computes, and the
slopes of the functions that f applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from diffkit.asking.callables.noise import in_extended
from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.changes import Rewrite, rewrites
from diffkit.judging.checking.repair.evidence import Array, Records
from diffkit.judging.checking.repair.samples import RAISED, Case, Samples
from diffkit.judging.checking.repair.value_names import Names

NEAR = 1e-9  # of the largest entry: a change is worth a proof


def rewritten(case: Case) -> Iterator[Candidate]:
    """Changes of one place that give the truth at the first point."""
    if case.evidence.records is None or not len(case.fit.points):
        return
    recorded = Recorded(case)
    first = recorded.at(case.fit.points[0])
    if first is None:
        return
    names = Names(first)
    for rewrite in rewrites(first):
        if case.late:
            return
        if recorded.comes_near(rewrite, first):
            text = names.instruction(rewrite.site[0], rewrite.say, rewrite.about)
            if text:
                yield Candidate("array code", text, recorded.predict(rewrite))


class Recorded:
    """The records of claim and f at the points of a case; None where the code runs another way than at the first."""

    def __init__(self, case: Case):
        self.case = case
        self.seen: dict[bytes, Records | None] = {}
        self.form: Any = None

    def at(self, point: Array) -> Records | None:
        """The records at a point."""
        key = point.tobytes()
        if key not in self.seen:
            assert self.case.evidence.records is not None
            found = self.case.evidence.records(point, self.form is None)
            form = None if found is None else _form(found)
            self.form = form if self.form is None else self.form
            self.seen[key] = found if form == self.form else None
        return self.seen[key]

    def repaired(self, rewrite: Rewrite, records: Records) -> Array:
        """The live components of the claim after a change."""
        found = rewrite.repaired(records)
        if found.size < self.case.count:
            return np.full(len(self.case.columns), np.nan)
        live: Array = found[found.size - self.case.count :][self.case.live]
        return live

    def comes_near(self, rewrite: Rewrite, records: Records) -> bool:
        """Whether a change gives the truth at the first point of the fit, to nine digits of the largest entry."""
        truth = self.case.fit.truth[0]
        try:
            found = self.repaired(rewrite, records)
        except RAISED:
            return False
        return bool((np.abs(found - truth) <= NEAR * np.max(np.abs(truth), initial=0.0)).all())

    def predict(self, rewrite: Rewrite) -> Callable[[Samples], tuple[Any, Any]]:
        """The claim that has the bug: the truth and what the change takes away, which has its own rounding."""
        changed = partial(self._at, rewrite)

        def predict(samples: Samples) -> tuple[Any, Any]:
            found = np.array([changed(point) for point in samples.points])
            exact = [in_extended(changed, point) for point in samples.points]
            noise = [np.spacing(np.abs(f)) if e is None else abs(e - f) for e, f in zip(exact, found, strict=True)]
            return samples.claim - (found - samples.truth), samples.bars + np.array(noise, dtype=float)

        return predict

    def _at(self, rewrite: Rewrite, point: Array) -> Array:
        """The changed claim at a point; NaN where the code runs another way."""
        records = self.at(point)
        return np.full(len(self.case.columns), np.nan) if records is None else self.repaired(rewrite, records)


def _form(records: Records) -> tuple[Any, ...]:
    """What must be the same at two points for the code to have run the same way."""
    return tuple(
        None if record is None else tuple((o.kind, o.shape, o.line.line) for o in record.operations)
        for record in records
    )

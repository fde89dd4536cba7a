"""Proven partials of code: on whole arrays where the point is ordinary, number by number where it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from diffkit.asking.tasks import Task
from diffkit.calculus.domain import in_words
from diffkit.core.errors import TracingError
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.partials import FirstPartials, SecondPartials
from diffkit.core.program import Index
from diffkit.core.results import Answer, Odd, by_rows, told_of
from diffkit.numbers.balls import precision
from diffkit.numbers.pair_balls import is_arithmetic
from diffkit.proof.array_kinks import SWEPT, met_exactly, one_sided
from diffkit.proof.array_obstacles import ArrayPrimal, Obstacle
from diffkit.proof.array_prover import ArrayProver, ProvenEntries
from diffkit.proof.pair_proofs import PROOF_IN_PAIRS, proven_in_pairs
from diffkit.proof.proofs import PROOF, UNCONFIRMED, Proofs

WRITTEN_OUT_BELOW = 1000  # numbers computed, up to which a program is proven number by number


def proofs_of(task: Task, digits: int | None = None) -> Proofs | ArrayProofs:
    """Give what proves a task: an array at a time where first or second partials of a long program are asked."""
    if digits is None and task.factors is None and (prover := _prover(task)) is not None:
        return ArrayProofs(task, prover)
    return Proofs(task, digits)


def _prover(task: Task) -> ArrayProver | None:
    program = task.source.arrays
    if program is None or not 1 <= task.order <= 2 or _mixed(task):
        return None
    if sum(map(math.prod, program.shapes)) <= WRITTEN_OUT_BELOW or (task.order == 2 and len(task.source.outputs) > 1):
        return None
    return ArrayProver(program, task.order)


def _mixed(task: Task) -> bool:
    """Whether partials of several orders are asked."""
    whole = isinstance(task.indices, (FirstPartials, SecondPartials))
    return not whole and any(len(index) != task.order for _, index in task.indices)


class ArrayProofs:
    """What can be proven of a task whose source is code that was recorded."""

    formula = None

    def __init__(self, task: Task, prover: ArrayProver):
        self.task, self.prover = task, prover

    def at(self, point: Sequence[float]) -> Answer:
        """Give the reference at one point: correctly rounded values, bounds of their errors, or what is odd."""
        rows, columns, places = self._layout
        quick = self._in_pairs(point, columns, places)
        found = self.prover.at(point, rows, columns, places) if quick is None else quick
        values, errors = found.values, found.errors
        rest = np.flatnonzero(~found.proven)
        odd: Mapping[int, Odd] = {}
        if found.stopped:
            odd = told_of(rest.tolist(), Odd("uncertain", found.stopped), len(values))
        elif len(rest):
            odd = self._settled(point, rest, values, errors)
        return Answer(values, errors, odd, 1, PROOF if quick is None else PROOF_IN_PAIRS, True)

    @cached_property
    def is_arithmetic(self) -> bool:
        """Whether first derivatives of one number are wanted that sums, products, quotients and roots make."""
        return self.prover.order == self.prover.outputs == 1 and is_arithmetic(self.prover.program)

    def _in_pairs(self, point: Sequence[float], columns: Sequence[int], places: Any) -> ProvenEntries | None:
        """What is proven without Arb; None unless that is all."""
        found = proven_in_pairs(self.prover, np.array(point, dtype=float), columns) if self.is_arithmetic else None
        return found if found is None or places is None else found.at(places)

    @cached_property
    def _layout(self) -> tuple[Sequence[int], Sequence[int], Any]:
        """Rows and columns of the matrix that is wanted, and where in it each component stands, flat."""
        indices = self.task.indices
        if isinstance(indices, FirstPartials) and len(indices.rest) == self.task.order - 1:
            if not indices.rest:
                return indices.outputs, indices.inputs, None
            return indices.inputs, indices.rest, None
        if isinstance(indices, SecondPartials):
            n = len(indices.inputs)
            rows, columns = np.triu_indices(n)
            return indices.inputs, indices.inputs, rows * n + columns
        pairs = [(output, *index)[-2:] for output, index in indices]
        firsts, seconds = (sorted(set(part)) for part in zip(*pairs, strict=True))
        row_of, column_of = ({v: k for k, v in enumerate(part)} for part in (firsts, seconds))
        return firsts, seconds, np.array([row_of[r] * len(seconds) + column_of[c] for r, c in pairs], dtype=int)

    def _settled(self, point: Sequence[float], rest: Any, values: Any, errors: Any) -> Mapping[int, Odd]:
        """Look at the components that are not proven yet number by number, or say what is in the way."""
        if outside := self._outside(point):
            return told_of(rest.tolist(), outside, len(values))
        indices = tuple(self.task.indices[c] for c in rest)
        try:
            self.task.source.program  # noqa: B018
        except TracingError:
            return self._told(point, rest, indices)
        task = replace(self.task, indices=indices, places=tuple(range(len(rest))), labels=("",) * len(rest))
        answer = Proofs(task).at(point)
        values[rest], errors[rest] = answer.values, math.nan if answer.errors is None else answer.errors
        return {int(rest[k]): found for k, found in answer.odd.items()}

    def _outside(self, point: Sequence[float]) -> Odd | None:
        """What is said of all components where the only output is proven to be outside its domain."""
        if self.prover.outputs > 1:
            return None
        with precision(PROOF_PRECISIONS[-2], 2), np.errstate(all="ignore"):
            primal = self.prover.primal(point)
            outside = next((o for o in primal.obstacles() if o.outside.any()), None)
            if outside is None or not primal.chosen:  # else the branch that it is in may not be taken
                return None
            message = self._words(outside, outside.outside, "is outside its domain, where")
            return Odd("domain_error", message, cause="outside the domain")

    def _told(self, point: Sequence[float], rest: Any, indices: Sequence[Index]) -> dict[int, Odd]:
        """What is said of components of a program that is too long to be looked at number by number."""
        with precision(PROOF_PRECISIONS[-2], 2), np.errstate(all="ignore"):
            primal = self.prover.primal(point)
            obstacles = list(primal.obstacles())
            if not obstacles:
                return dict.fromkeys(rest.tolist(), UNCONFIRMED)
            first = self._words(obstacles[0], obstacles[0].entries | obstacles[0].ends, "is special where")
            found = dict.fromkeys(rest.tolist(), Odd("uncertain", f"{first}, and the function is too long to see more"))
            if self.task.order == 1 and met_exactly(primal, obstacles):
                found.update(self._sided(primal, obstacles, dict(zip(rest.tolist(), indices, strict=True))))
            return found

    def _sided(self, primal: ArrayPrimal, obstacles: Sequence[Obstacle], wanted: dict[int, Index]) -> dict[int, Odd]:
        """Components at kinks that are met exactly: those whose one-sided derivatives are proven to differ."""
        found = {}
        left = SWEPT // (1 + sum(map(math.prod, primal.program.shapes)))
        words = self._words(obstacles[0], obstacles[0].entries, "has a kink where")
        for c, (output, (variable,)) in list(wanted.items())[: max(1, left)]:
            speeds = np.zeros(self.prover.inputs)
            speeds[variable] = 1.0
            sides = one_sided(primal, obstacles, self.prover.split(speeds), output)
            if sides.apart:
                odd = Odd("not_differentiable", words, cause="kink")
                found[c] = odd._replace(left=sides.left, right=sides.right)
        return found

    def _words(self, obstacle: Obstacle, entries: Any, verb: str) -> str:
        """An obstacle in words, with the index of its first entry."""
        instruction = self.prover.program.instruction_at(obstacle.slot)
        assert instruction is not None
        row = instruction[0]
        index = [int(k) for k in np.argwhere(entries)[0]]
        at = f" at entry {index}" if index else ""
        if obstacle.place is None:
            return f"the order of equal entries{at} {verb.partition(' where')[0]}"
        words = {name: name for name in row.arguments}
        return f"{row.signature} {verb} {in_words(obstacle.place.text, words)}{at}"

    def batch(self, points: object) -> Answer:
        """Prove row by row."""
        return by_rows(self, points)

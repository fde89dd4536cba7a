"""From evidence to an explanation: candidates from simple to complex, and the first that fresh points do not refute."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diffkit.judging.checking.repair import (
    additions,
    arguments,
    factors,
    mutations,
    other_values,
    positions,
    rewrites,
)
from diffkit.judging.checking.repair.candidates import Candidate, Generator, holds
from diffkit.judging.checking.repair.evidence import Evidence, Explanation
from diffkit.judging.checking.repair.samples import Case

MEANINGFUL: tuple[Generator, ...] = (
    factors.whole_factor,
    factors.set_factor,
    factors.missing_entries,
    positions.rearranged,
    positions.misplaced,
    other_values.other_order,
    mutations.mutants,
    rewrites.rewritten,
    positions.misplaced_with_signs,
    factors.entry_factors,
    arguments.previous_call,
    arguments.other_units,
    arguments.exchanged,
    arguments.transposed,
    other_values.other_value,
)
"""Where a claim can be explained in two ways, the earlier one is said."""

PECULIAR: tuple[Generator, ...] = (
    factors.whole_number,
    factors.set_number,
    factors.entry_numbers,
    additions.offsets,
    additions.regularisers,
    additions.entry_offsets,
    arguments.stale,
    mutations.multiples,
)
"""Those with a number of their own: the one with the fewest digits is said, the earlier of equals."""


def candidates(case: Case) -> Iterator[Candidate]:
    """All candidates in order."""
    for generate in MEANINGFUL:
        yield from generate(case)
    yield from sorted((found for generate in PECULIAR for found in generate(case)), key=lambda found: found.digits)


def proven(case: Case) -> Candidate | None:
    """The first candidate that holds where it was fitted and where it was not."""
    if not len(case.fit.points):
        return None
    for candidate in candidates(case):
        if case.late:
            return None
        if holds(candidate, case.fit) and len(case.fresh.points) and holds(candidate, case.fresh):
            return candidate
    return None


def explain(evidence: Evidence, seed: int = 0) -> Explanation | None:
    """Say what turns a wrong claim into the truth, or None if no candidate survives fresh points.

    It held at ``points`` random points near the evidence's own that no candidate had seen, in every component that
    has a truth, within 4·(the bars of claim and truth) + 4 ulp.
    """
    case = Case(evidence, seed)
    with np.errstate(all="ignore"):
        found = proven(case)
    return None if found is None else Explanation(found.kind, found.text, len(case.fresh.points))

"""What would make a wrong claim right: a table of mutations, from the likely to the far-fetched, and the first proven.

A mutation changes the true derivative (its values, their places, its argument), the program of f, or the code of the
claim. It makes candidates of what the claim shows at the points of a fit; the first that gives the claim there and at
fresh points, which no candidate has seen, is the explanation.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.judging.checking.claims import CodeClaim, NumberClaim
from diffkit.judging.repair import code_changes, confusions, multiples, mutations, positions
from diffkit.judging.repair.code_record import CodeRecord, record_code
from diffkit.judging.repair.evidence import SEARCH_SECONDS, Candidate, ClaimEvidence, Investigation
from diffkit.judging.repair.multiples import Namer, meaning, peculiar

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting

_MOST_ENTRIES = 2000  # entries up to which explanations are tried
_CALLS = 2500  # of f, that looking for an explanation may cost

_Mutation = Callable[[Investigation, Namer], Iterator[Candidate]]
"""a kind of mistake: the bugs of this kind that may be in a claim, whose numbers are named by a Namer"""

_MEANINGFUL: tuple[_Mutation, ...] = (
    multiples.one_factor,
    multiples.factor_of_some,
    multiples.missing_entries,
    positions.rearranged,
    positions.misplaced,
    confusions.other_order,
    mutations.missing_parts,
    mutations.slips,
    mutations.multiplied_parts,
    mutations.repeated_slips,
    mutations.other_functions,
    code_changes.changed_code,
    positions.misplaced_with_signs,
    multiples.factors_of_entries,
    confusions.previous_call,
    confusions.other_units,
    confusions.exchanged,
    confusions.other_value,
)
"""Where a claim can be explained in two ways, the earlier one is said."""

_PECULIAR: tuple[_Mutation, ...] = (
    multiples.one_factor,
    multiples.factor_of_some,
    multiples.factors_of_entries,
    multiples.offsets,
    multiples.regularisers,
    multiples.offsets_of_entries,
    confusions.stale,
    mutations.multiplied_parts,
)
"""Those with a number of their own: the one with the fewest digits is said, the earlier of equals."""


class Explanation(NamedTuple):
    """A repair that turns the claim into the truth.

    * ``kind``: a word or two for the bug ("factor", "swap", "missing term");
    * ``text``: an instruction that a person can follow;
    * ``points``: at how many fresh points it was proven to hold.
    """

    kind: str
    text: str
    points: int


def explain(evidence: ClaimEvidence, seed: int = 0) -> Explanation | None:
    """Say what turns a wrong claim into the truth, or None if no candidate survives fresh points.

    It held at ``points`` random points near the evidence's own that no candidate had seen, in every component that
    has a truth, within 4·(the bars of claim and truth) + 4 ulp.
    """
    case = Investigation(evidence, seed)
    with np.errstate(all="ignore"):
        found = proven(case)
    return None if found is None else Explanation(found.kind, case.instruction(found), len(case.fresh.points))


def proven(case: Investigation) -> Candidate | None:
    """The first candidate that holds where it was fitted and where it was not."""
    for candidate in _candidates(case) if len(case.fit.points) else ():
        if case.late:
            return None
        if candidate.holds(case.fit) and len(case.fresh.points) and candidate.holds(case.fresh):
            return candidate
    return None


def _candidates(case: Investigation) -> Iterator[Candidate]:
    """All candidates in order."""
    for mutation in _MEANINGFUL:
        yield from mutation(case, meaning)
    yield from sorted((c for mutation in _PECULIAR for c in mutation(case, peculiar)), key=lambda found: found.digits)


# The evidence of a check ------------------------------------------------------------------------------------------


class _Spent(Exception):
    """So much was spent that no further look is worth an explanation."""


class _Budget:
    """The calls of f, and the seconds, that looking for an explanation may cost."""

    def __init__(self, bound: Bound | None):
        self.bound = bound
        self.looks = [self._now()]

    def ask(self) -> None:
        """Raise _Spent if another look costs more than is left, as far as the last one tells."""
        self.looks.append(self._now())
        for first, before, now, most in zip(self.looks[0], *self.looks[-2:], (_CALLS, SEARCH_SECONDS), strict=True):
            if now - first + (now - before) > most:
                raise _Spent

    def _now(self) -> tuple[float, float]:
        return 0 if self.bound is None else self.bound.evaluations, monotonic()


def repair(setting: Setting, point: Any, seed: int = 0) -> str | None:
    """Give the instruction that makes the claim right, proven at fresh points; None if no explanation fits.

    Whatever goes wrong in looking for one, with code that was never meant to run there, is no answer either.
    """
    try:
        return _repair(setting, point, seed)
    except Exception:
        return None


def _repair(setting: Setting, point: Any, seed: int) -> str | None:
    claim, task, subject = setting.claim, setting.task, setting.subject
    if isinstance(claim, NumberClaim) or len(setting.places) > _MOST_ENTRIES:
        return None
    budget = _Budget(subject.function)
    first = int(claim.paired)  # the value of a value-and-gradient pair is no derivative

    def truth(row: Any) -> tuple[Any, Any]:
        budget.ask()
        found = subject.at(tuple(float(x) for x in row))
        values, bars = (np.array(part, dtype=float)[list(setting.places)] for part in (found.values, found.bars))
        odd = [found.odd.get(place) for place in setting.places]
        values[[o is not None and o.status != "ok" for o in odd]] = math.nan
        return values[first:], bars[first:]

    evidence = ClaimEvidence(
        setting.labels, tuple((a.name, a.shape) for a in setting.arguments), setting.claim.shape or (1,),
        tuple(task.indices[place] for place in setting.places[first:]), lambda row: claim.values(row)[first:],
        truth, np.array(point, dtype=float), subject.program, _sizes_of(setting),
        lambda row: claim.rounding(row)[first:], _record_of(setting), setting.structure.kept,
    )  # fmt: skip
    found = explain(evidence, seed)
    return None if found is None else found.text


def _record_of(setting: Setting) -> Callable[[Any, bool], CodeRecord | None] | None:
    """Give what follows the code of the claim, and of f where it is code; None where the claim is no code of arrays."""
    claim, model = setting.claim, setting.subject.function
    if not isinstance(claim, CodeClaim) or claim.bound.unsteady:
        return None
    return partial(record_code, claim.bound, model)


def _sizes_of(setting: Setting) -> Mapping[str, int]:
    """Lengths of the data behind a claim or f, by what they are called in code: len(X), X.shape[1]."""
    sizes: dict[str, int] = {}
    for name, shape in _shapes_of(setting):
        for axis, size in enumerate(shape):
            sizes.setdefault(f"{name}.shape[{axis}]" if axis else f"len({name})", size)
    return sizes


def _shapes_of(setting: Setting) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What arrays f and the claim work with: further arguments, variables that their code reads, parameters."""
    for function in setting.functions:
        try:
            names = list(inspect.signature(function.call).parameters)[len(setting.arguments) :]
        except (TypeError, ValueError):
            names = []
        names += [f"args[{k}]" for k in range(len(names), len(function.args))]
        yield from ((name, np.shape(value)) for name, value in zip(names, function.args, strict=False))
        read = _read(function.call).items()
        yield from ((name, value.shape) for name, value in read if isinstance(value, np.ndarray))
    yield from ((argument.name, argument.shape) for argument in setting.arguments)


def _read(call: Any) -> dict[str, Any]:
    """Variables outside itself that a Python function names."""
    try:
        found = inspect.getclosurevars(call)
    except TypeError:  # no Python function
        return {}
    return {**found.globals, **found.nonlocals}

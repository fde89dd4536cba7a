"""What would make a wrong claim right: the evidence of a check, handed to the search for explanations."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.core.errors import DiffkitError
from diffkit.judging.checking.claims import CodeClaim, NumberClaim
from diffkit.judging.checking.repair import Evidence, Records, explain
from diffkit.judging.checking.repair.samples import PATIENCE, RAISED
from diffkit.ndarrays.record import Record, record

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting

MOST = 2000  # entries up to which explanations are tried
CALLS = 2500  # of f, that looking for an explanation may cost


class Spent(Exception):
    """So much was spent that no further look is worth an explanation."""


class Budget:
    """The calls of f, and the seconds, that looking for an explanation may cost."""

    def __init__(self, bound: Bound | None):
        self.bound = bound
        self.looks = [self._now()]

    def ask(self) -> None:
        """Raise Spent if another look costs more than is left, as far as the last one tells."""
        self.looks.append(self._now())
        for first, before, now, most in zip(self.looks[0], *self.looks[-2:], (CALLS, PATIENCE), strict=True):
            if now - first + (now - before) > most:
                raise Spent

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
    if isinstance(claim, NumberClaim) or len(setting.places) > MOST:
        return None
    budget = Budget(subject.function)
    first = int(claim.paired)  # the value of a value-and-gradient pair is no derivative

    def truth(row: Any) -> tuple[Any, Any]:
        budget.ask()
        found = subject.at(tuple(float(x) for x in row))
        values, bars = (np.array(part, dtype=float)[list(setting.places)] for part in (found.values, found.bars))
        odd = [found.odd.get(place) for place in setting.places]
        values[[o is not None and o.status != "ok" for o in odd]] = math.nan
        return values[first:], bars[first:]

    evidence = Evidence(
        setting.labels, tuple((a.name, a.shape) for a in setting.arguments), setting.claim.shape or (1,),
        tuple(task.indices[place] for place in setting.places[first:]), lambda row: claim.values(row)[first:],
        truth, np.array(point, dtype=float), subject.program, sizes_of(setting),
        lambda row: claim.rounding(row)[first:], records_of(setting), setting.structure.kept,
    )  # fmt: skip
    found = explain(evidence, seed)
    return None if found is None else found.text


def records_of(setting: Setting) -> Callable[[Any, bool], Records | None] | None:
    """Give what follows the code of the claim, and of f where it is code; None where the claim is no code of arrays."""
    claim, model = setting.claim, setting.subject.function
    if not isinstance(claim, CodeClaim) or claim.bound.unsteady:
        return None

    def records(row: Any, named: bool) -> Records | None:
        found = _recorded(claim.bound, row, named)
        return None if found is None else Records(found, None if model is None else _recorded(model, row, named))

    return records


def _recorded(bound: Bound, row: Any, named: bool) -> Record | None:
    try:
        found = record(bound.call, bound.split(row), named)
    except (DiffkitError, *RAISED):
        return None
    if found is not None:
        for number, argument in enumerate(bound.arguments):
            found.names.setdefault(number, argument.name)
    return found


def sizes_of(setting: Setting) -> Mapping[str, int]:
    """Lengths of the data behind a claim or f, by what they are called in code: len(X), X.shape[1]."""
    sizes: dict[str, int] = {}
    for function in setting.functions:
        try:
            names = list(inspect.signature(function.call).parameters)[len(setting.arguments) :]
        except (TypeError, ValueError):
            names = []
        names += [f"args[{k}]" for k in range(len(names), len(function.args))]
        for name, value in zip(names, function.args, strict=False):
            for axis, size in enumerate(np.shape(value)):
                sizes[f"{name}.shape[{axis}]" if axis else f"len({name})"] = size
        for name, value in _read(function.call).items():
            for axis, size in enumerate(np.shape(value) if isinstance(value, np.ndarray) else ()):
                sizes.setdefault(f"{name}.shape[{axis}]" if axis else f"len({name})", size)
    for argument in setting.arguments:
        for axis, size in enumerate(argument.shape):
            sizes.setdefault(f"{argument.name}.shape[{axis}]" if axis else f"len({argument.name})", size)
    return sizes


def _read(call: Any) -> dict[str, Any]:
    """Variables outside itself that a Python function names."""
    try:
        found = inspect.getclosurevars(call)
    except TypeError:  # no Python function
        return {}
    return {**found.globals, **found.nonlocals}

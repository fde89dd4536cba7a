"""What would make a wrong claim right: the evidence of a check, handed to the search for explanations."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.checking.claims import NumberClaim
from diffkit.checking.repair import Evidence, explain

if TYPE_CHECKING:
    from diffkit.checking.check import Setting

MOST = 2000  # entries up to which explanations are tried


def repair(setting: Setting, point: Any, seed: int = 0) -> str | None:
    """Give the instruction that makes the claim right, proven at fresh points; None if no explanation fits."""
    claim, task, subject = setting.claim, setting.task, setting.subject
    if isinstance(claim, NumberClaim) or len(setting.places) > MOST:
        return None
    first = int(claim.paired)  # the value of a value-and-gradient pair is no derivative

    def truth(row: Any) -> tuple[Any, Any]:
        found = subject.at(tuple(float(x) for x in row))
        values, bars = (np.array(part, dtype=float)[list(setting.places)] for part in (found.values, found.bars))
        odd = [found.odd.get(place) for place in setting.places]
        values[[o is not None and o.status != "ok" for o in odd]] = math.nan
        return values[first:], bars[first:]

    evidence = Evidence(
        setting.labels, tuple((a.name, a.shape) for a in setting.arguments), setting.claim.shape or (1,),
        tuple(task.indices[place] for place in setting.places[first:]), lambda row: claim.values(row)[first:],
        truth, np.array(point, dtype=float), subject.program, sizes_of(setting),
        lambda row: claim.rounding(row)[first:],
    )  # fmt: skip
    found = explain(evidence, seed)
    return None if found is None else found.text


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
    for argument in setting.arguments:
        for axis, size in enumerate(argument.shape):
            sizes.setdefault(f"{argument.name}.shape[{axis}]" if axis else f"len({argument.name})", size)
    return sizes

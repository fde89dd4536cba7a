"""What a check is about: f, the claim, and where it is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffkit.callables.function import Argument, Function, as_function
from diffkit.checking.claims import Claim, CodeClaim, NumberClaim, read_claim, unfit
from diffkit.checking.subject import Subject
from diffkit.errors import DiffkitError, PointError
from diffkit.functions import as_joint_program, is_function
from diffkit.points import Points, read_points
from diffkit.questions import source_task
from diffkit.questions.of_function import OfFunction
from diffkit.syntax.names import Names
from diffkit.tasks import Task

SPREAD = 0.3  # how far beside, in proportion
TRIES = 8  # random points tried for each that is wanted, as some have no derivative


class Setting:
    """What a check is about: the subject, the claim, and the points that were given."""

    def __init__(
        self, f: Any, claim: Any, at: Any, kind: str | None, variables: Names | None, args: Sequence[Any],
        claim_args: Sequence[Any],
    ):  # fmt: skip
        code = is_function(f)
        self.given: list[tuple[float, ...]]
        points: Points | None
        if code:
            if at is None:
                raise PointError("a Python function is checked at a point", hint="give at=…")
            question = OfFunction(f, "jacobian", variables, args, {})
            task, points = question.at(at)
            bound = task.function
            assert bound is not None
            source: Any = bound
            self.arguments: tuple[Argument, ...] = bound.arguments
            self.outputs = bound.shape
            words = bound.inputs if all(a.shape == () for a in bound.arguments) else None
        else:
            program = as_joint_program(f, variables)
            source, words = program, program.inputs
            points = read_points(at, program.inputs) if at is not None else None
            self.arguments = _arguments_of(claim, program.inputs, at, claim_args)
            self.outputs = () if len(program.outputs) == 1 else (len(program.outputs),)
        self.source = source
        self.functions = [as_function(g, a) for g, a in ((f, args), (claim, claim_args)) if is_function(g)]
        self.labels: tuple[str, ...] = source.inputs
        self.given = [] if points is None else [points.point] if points.point is not None else list(
            map(tuple, points.rows.tolist()))  # fmt: skip
        start = self.given[0] if self.given else (0.7,) * len(self.labels)
        self.claim: Claim = read_claim(claim, claim_args, self.arguments, self.labels, start, words,
                                       None if kind is None else False)  # fmt: skip
        if isinstance(self.claim, NumberClaim) and len(self.given) != 1:
            raise PointError("numbers are a derivative at one point", hint="give that point with at=…")
        if isinstance(self.claim, CodeClaim) and not self.given:
            raise PointError("a claim in code is checked at a point", hint="give at=…")
        self.kind = self._kind(kind)
        self.task = self._task()
        self.places = self.task.places
        self.subject = Subject(self.task)
        self.shape = self.claim.shape

    def _kind(self, asked: str | None) -> str:
        """What the claim is, by the number of its entries."""
        n, m = len(self.labels), math.prod(self.outputs)
        count = math.prod(self.claim.shape)
        sizes = {"gradient": n, "hessian": n * n} if m == 1 else {"jacobian": m * n}
        if asked is not None:
            if asked not in sizes and asked != "jacobian":
                raise DiffkitError(f"f has {m} outputs, so its derivative is a jacobian, no {asked}")
            sizes = {asked: sizes.get(asked, m * n)}
        if count not in sizes.values():
            raise unfit(self.claim, self.arguments, sizes)
        return next(kind for kind, size in sizes.items() if size == count)

    def _task(self) -> Task:
        task = source_task(self.source, self.kind, {})
        if not self.claim.paired:
            return task
        indices = ((0, ()), *task.indices)
        places = (0, *(p + 1 for p in task.places))
        return task._replace(indices=indices, places=places, shape=(len(places),), labels=("f", *task.labels))

    def index(self, c: int) -> tuple[int, ...]:
        """Place of a component in the claimed array."""
        if self.claim.paired:
            return () if c == 0 else tuple(map(int, np.unravel_index(c - 1, self.shape or (1,))))
        return tuple(map(int, np.unravel_index(c, self.shape))) if self.shape else ()

    def named(self, point: Sequence[float]) -> dict[str, float]:
        """A point by the names of its coordinates."""
        return dict(zip(self.labels, point, strict=True))

    def beside(self, wanted: int, rng: Any) -> list[tuple[float, ...]]:
        """Random points: near the first given one, or anywhere moderate for words without a point."""
        n = len(self.labels)
        if not self.given:
            rows = rng.choice([-1, 1], (TRIES * wanted, n)) * np.exp(rng.uniform(-2, 1, (TRIES * wanted, n)))
            return [tuple(row) for row in rows.tolist()]
        base = np.array(self.given[0])
        scale = np.where(base == 0, 1.0, np.abs(base))
        return [tuple((base + SPREAD * scale * rng.uniform(-1, 1, n)).tolist()) for _ in range(TRIES * wanted)]


def _arguments_of(claim: Any, inputs: Sequence[str], at: Any, args: Sequence[Any]) -> tuple[Argument, ...]:
    """How a claim in code takes the variables of an expression: one by one, or all in one array."""
    scalars = tuple(Argument(name, ()) for name in inputs)
    if not (is_function(claim) or isinstance(claim, Function)):
        return scalars
    parameters = as_function(claim, args).parameters()
    array = isinstance(at, (list, tuple)) or getattr(at, "shape", ()) != ()
    if parameters is not None and len(parameters) == 1 and (len(inputs) > 1 or array):
        return (Argument(parameters[0], (len(inputs),)),)
    if parameters is not None and len(parameters) != len(inputs):
        names = ", ".join(inputs)
        raise DiffkitError(
            f"the claim takes {len(parameters)} arguments, f has {len(inputs)} variables ({names})",
            hint="let it take them one by one, or all in one array; data go into claim_args=",
        )
    return scalars

"""What a check is about: f, the claim, and where it is looked at.

A wrapper is a Function again, whose parameters and name are those of what it wraps.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.asking.callables.adapting import adapt
from diffkit.asking.callables.called import Called
from diffkit.asking.callables.function import Argument, Function, as_function, coordinates
from diffkit.asking.expressions import as_list, is_function, read_joint
from diffkit.asking.frames import names_in
from diffkit.asking.points import Points, read_points
from diffkit.asking.tasks import Task, source_task
from diffkit.core.deadline import in_time
from diffkit.core.errors import DiffkitError, FunctionError, PointError, told
from diffkit.core.program import Program
from diffkit.core.text.names import Names, names_of
from diffkit.judging.checking.array_structure import Structure, symmetric
from diffkit.judging.checking.claims import Claim, CodeClaim, Expected, NumberClaim, read_claim, unfit
from diffkit.judging.checking.outcome import Entry, Judged, Tolerances
from diffkit.judging.checking.reference import CheckedFunction

_SPREAD_BESIDE = 0.3  # how far beside, in proportion
_TRIES_BESIDE = 8  # random points tried for each that is wanted, as some have no derivative
_COTANGENTS = 3  # random ones that a pullback is compared with


@dataclass(frozen=True)
class Inquiry:
    """What the caller gives: f, the claim and the point, and what says how they are meant.

    ``beside`` is how many points beside the given one are looked at, ``allowed`` what the claim may be off by.
    """

    f: Any
    claim: Any
    at: Any = None
    kind: str | None = None
    wrt: Any = None
    variables: Names | None = None
    args: Sequence[Any] = ()
    claim_args: Sequence[Any] = ()
    reset: Callable[[], Any] | None = None
    symmetric: bool = False
    seed: int = 0
    beside: int = 0
    allowed: Tolerances | None = None


class Setting:
    """What a check is about: the subject, the claim, and the points that were given."""

    def __init__(self, asked: Inquiry):
        self.asked, self.allowed = asked, asked.allowed
        code, coded = is_function(asked.f), is_function(asked.claim)
        if asked.reset is not None and not (code or coded):
            raise DiffkitError("reset is called before code, and neither f nor the claim is code")
        if asked.kind == "vjp" and not (code and coded):
            raise DiffkitError("a vjp is checked of code, with the claim in code as claim(x, cotangent)",
                               hint="of text, check the gradient or the Jacobian")  # fmt: skip
        source = self._of_code() if code else self._of_text()
        self.labels: tuple[str, ...] = source.inputs
        self.chosen = self._chosen()
        claim = self._claim(code)
        self.claim: Claim = claim
        if isinstance(claim, NumberClaim) and len(self.given) != 1:
            raise PointError("numbers are a derivative at one point", hint="give that point with at=…")
        if isinstance(claim, CodeClaim) and not self.given:
            raise PointError("a claim in code is checked at a point", hint="give at=…")
        self.kind = self._kind()
        self.source = source
        self.task = self._task()
        self.places = self.task.places
        self.subject = CheckedFunction(self.task)
        self.shape = claim.shape
        self.functions = [as_function(g, args) for g, args in ((asked.f, asked.args), (asked.claim, asked.claim_args))
                          if is_function(g)]  # fmt: skip

    # F and the point ----------------------------------------------------------------------------------------------

    def _of_code(self) -> Bound:
        """f as a bound function, with its arguments, outputs and points."""
        asked = self.asked
        if asked.at is None:
            raise PointError("a Python function is checked at a point", hint="give at=…")
        function = self._wrapped(asked.f, asked.args)
        called = Called(function, (), asked.variables)
        self.notes = called.notes(names_in(asked.at))
        bound, points = called.place(adapt(as_function(asked.f, asked.args), asked.at)[1])
        self._place(points, bound.arguments)
        if self.symmetric:
            bound = Bound(_of_symmetric(function, self.symmetric), bound.arguments, bound.inputs, self.start)
        self.outputs = bound.shape
        return bound if asked.kind != "vjp" else self._pullback(bound)

    def _of_text(self) -> Program:
        """f as a program, with its arguments as the claim takes them."""
        asked = self.asked
        reading = read_joint(as_list(asked.f), asked.variables, {*names_in(asked.at), *names_of(asked.wrt)})
        program, self.notes = reading.of_one(asked.variables).program, reading.notes
        points = read_points(asked.at, program.inputs) if asked.at is not None else None
        self.outputs = () if len(program.outputs) == 1 else (len(program.outputs),)
        self._place(points, _arguments_of(asked.claim, program.inputs, asked.at, asked.claim_args))
        return program

    def _place(self, points: Points | None, arguments: tuple[Argument, ...]) -> None:
        self.arguments = arguments
        self.given: list[tuple[float, ...]] = [] if points is None else [points.point] if points.point is not None \
            else list(map(tuple, points.rows.tolist()))  # fmt: skip
        self.start = self.given[0] if self.given else (0.7,) * sum(a.size for a in arguments)
        content = repr((self.asked.kind, [tuple(a) for a in arguments], self.given))
        self.rng = np.random.default_rng((self.asked.seed, zlib.crc32(content.encode())))
        self.structure = Structure(arguments, self.start)
        arrays = self.structure.split(self.structure.point)
        self.symmetric = [k for k, a in enumerate(arrays) if symmetric(a)] if self.asked.symmetric else []
        if self.asked.symmetric and not self.symmetric:
            raise PointError("no argument is a symmetric matrix at the point")

    def _wrapped(self, f: Any, args: Sequence[Any]) -> Function:
        names = as_function(self.asked.f).parameters() if is_function(self.asked.f) else None
        return adapt(_with_reset(as_function(f, args), self.asked.reset), self.asked.at, names)[0]

    def _pullback(self, bound: Bound) -> Bound:
        """ȳ·f as a function of the point and the cotangent ȳ, at random cotangents."""
        found = bound.weighted()
        random = self.rng.standard_normal((len(self.given), _COTANGENTS, len(bound.outputs))).tolist()
        self.given = [(*x, *y) for x, each in zip(self.given, random, strict=True) for y in each]
        self.arguments, self.start = found.arguments, self.given[0]
        self.structure = Structure(self.arguments, self.start)
        return found

    # What is claimed ----------------------------------------------------------------------------------------------

    def _chosen(self) -> tuple[str, ...]:
        """The coordinates that f is differentiated by."""
        if self.asked.wrt is not None:
            names = coordinates(self.asked.wrt, self.arguments)
            return (names,) if isinstance(names, str) else tuple(map(str, names))
        fixed = self.arguments[-1].size if self.asked.kind == "vjp" else 0
        return self.labels[: len(self.labels) - fixed]

    @property
    def parameters(self) -> tuple[Argument, ...]:
        """The arguments that f is differentiated by."""
        return tuple(a for a in self.arguments if set(a.labels()) <= set(self.chosen))

    def _claim(self, code: bool) -> Claim:
        asked = self.asked
        claim, words = asked.claim, self.labels if not code or all(a.shape == () for a in self.arguments) else None
        if is_function(claim):
            claim = _with_symmetric_results(self._wrapped(claim, asked.claim_args), self.arguments, self.symmetric)
        pair = None if asked.kind is None else False
        count = len(self.chosen)
        return read_claim(claim, Expected(self.arguments, self.parameters, self.labels, self.start, count, words, pair))

    def _kind(self) -> str:
        """What the claim is, by the number of its entries."""
        asked = self.asked.kind
        n, m = len(self.chosen), math.prod(self.outputs)
        count = math.prod(self.claim.shape)
        sizes = {"gradient": n, "hessian": n * n} if m == 1 else {"jacobian": m * n}
        sizes = {"vjp": n} if asked == "vjp" else sizes
        if asked is not None:
            if asked not in sizes and asked != "jacobian":
                raise DiffkitError(f"f has {m} outputs, so its derivative is a jacobian, no {asked}")
            sizes = {asked: sizes.get(asked, m * n)}
        if count not in sizes.values():
            raise unfit(self.claim, self.parameters, sizes, self.chosen)
        return next(kind for kind, size in sizes.items() if size == count)

    def _task(self) -> Task:
        options = {} if self.chosen == self.labels else {"wrt": self.chosen}
        task = source_task(self.source, "gradient" if self.kind == "vjp" else self.kind, options)
        task = replace(task, notes=self.notes)
        if self.kind == "vjp":
            labels = tuple(label.replace("∂f", "ȳ·∂f") for label in task.labels)
            return replace(task, kind="vjp", labels=labels)
        if not self.claim.paired:
            return task
        indices = ((0, ()), *task.indices)
        places = (0, *(p + 1 for p in task.places))
        return replace(task, indices=indices, places=places, shape=(len(places),), labels=("f", *task.labels))

    @property
    def codes(self) -> list[Bound]:
        """The code of f and of the claim, where they are code."""
        return [bound for bound in (self.subject.function, self.claim.bound) if bound is not None]

    @property
    def unsteady(self) -> str:
        """Why agreeing proves nothing: f or the claim gives two values at one point; empty if neither does."""
        found = next((bound.unsteady for bound in self.codes if bound.unsteady), "")
        return f"{found}; {_NOT_STEADY}" if found else ""

    def entry(self, j: Judged, at: Mapping[str, float] | None = None) -> Entry:
        """What was found of a component, at a point that is not the first one if ``at`` is given."""
        c = j.component
        return Entry(self._index(c), self.task.labels[c], j.claimed, j.reference, j.error, j.tolerance, j.verdict,
                     j.digits, j.decided, j.note, at, j.witness)  # fmt: skip

    def _index(self, c: int) -> tuple[int, ...]:
        """Place of a component in the claimed array."""
        if self.claim.paired:
            return () if c == 0 else tuple(map(int, np.unravel_index(c - 1, self.shape or (1,))))
        return tuple(map(int, np.unravel_index(c, self.shape))) if self.shape else ()

    def named(self, point: Sequence[float]) -> dict[str, float]:
        """A point by the names of its coordinates."""
        return dict(zip(self.labels, point, strict=True))

    def beside(self, wanted: int) -> Iterator[tuple[float, ...]]:
        """Random points: near the first given one and of its kind, or anywhere moderate for words without a point."""
        shape, rng = (_TRIES_BESIDE * wanted, len(self.labels)), self.rng
        if not self.given:
            rows = rng.choice([-1, 1], shape) * np.exp(rng.uniform(-2, 1, shape))
            return map(tuple, rows.tolist())
        base = np.array(self.given[0])
        scale = np.where(base == 0, 1.0, np.abs(base))
        tries = in_time(rng.uniform(-1, 1, shape))
        moved = (self.structure.kept(base + _SPREAD_BESIDE * scale * step) for step in tries)
        return (tuple(row.tolist()) for row in moved if row is not None)


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


_NOT_STEADY = "pass reset=, which is called before every evaluation, such as reset=lambda: np.random.seed(0)"


def _around(function: Function, call: Callable[..., Any]) -> Function:
    """A function of the same name and parameters that calls another one."""
    call.__name__ = function.name
    return replace(function, call=call)


def _with_reset(function: Function, reset: Any) -> Function:
    """The function, with ``reset`` called before it: what is random or keeps a state begins anew every time."""
    if reset is None:
        return function
    if not callable(reset):
        raise DiffkitError(f"reset is called before every evaluation, and a {type(reset).__name__} cannot be",
                           hint="such as reset=lambda: np.random.seed(0)")  # fmt: skip

    @wraps(function.call)
    def call(*values: Any) -> Any:
        try:
            reset()
        except Exception as error:
            raise FunctionError(f"reset raised {told(error)}") from error
        return function.call(*values)

    return replace(function, call=call)


def _of_symmetric(function: Function, which: Collection[int]) -> Function:
    """f of the symmetric part of some of its arguments, so that it is a function of symmetric matrices."""
    if not which:
        return function

    def call(*values: Any) -> Any:
        return function.call(*[_symmetric_part(v) if k in which else v for k, v in enumerate(values)])

    return _around(function, call)


def _with_symmetric_results(function: Function, arguments: Sequence[Argument], which: Collection[int]) -> Function:
    """A claim about a function of symmetric matrices, of which only the symmetric parts count."""
    if not which:
        return function
    shapes = {arguments[k].shape for k in which}

    def symmetric(part: Any) -> Any:
        return _symmetric_part(part) if np.shape(part)[-2:] in shapes else part

    def call(*values: Any) -> Any:
        found = _of_symmetric(function, which).call(*values)
        if isinstance(found, Mapping):
            return {name: symmetric(part) for name, part in found.items()}
        return tuple(map(symmetric, found)) if isinstance(found, tuple) else symmetric(np.asanyarray(found))

    return _around(function, call)


def _symmetric_part(matrix: Any) -> Any:
    """(A + Aᵀ)/2, over the last two axes."""
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2.0

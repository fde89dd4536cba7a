"""What a derivative computation answers: values, errors, statuses and everything known about bad points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Self, TypeVar

from diffkit.core.deadline import TimeIsUp, check_time
from diffkit.core.equality import ByContent
from diffkit.core.errors import NotOkError, listing
from diffkit.core.named_components import NamedComponents, brief
from diffkit.core.report_views import ReportViews
from diffkit.core.watching import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import TypeVar as Defaulted

    V_co = Defaulted("V_co", covariant=True, default=Any)
    Array = NDArray[np.float64]
else:
    V_co = TypeVar("V_co", covariant=True)

Status = Literal["ok", "overflow", "uncertain", "not_differentiable", "pole", "domain_error"]
ErrorKind = Literal["proven", "estimate", "none"]
SEVERITY: tuple[Status, ...] = ("ok", "overflow", "uncertain", "not_differentiable", "pole", "domain_error")
"""Statuses from best to worst; the status of a whole result is its worst one."""


class Final:
    """What never changes, so that a copy of it is itself; a pickle of it may leave behind what it does not need."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


class Odd(NamedTuple):
    """What there is to say of a component besides its value, which is NaN unless the status is ok."""

    status: Status
    message: str = ""
    left: float = math.nan
    right: float = math.nan
    limit: float = math.nan
    value: float = math.nan
    error: float = math.nan
    """bound of |value − truth|, where there is a proven value"""
    cause: str = ""
    """kink, jump, branch, domain edge, outside the domain, removable point, pole, overflow"""
    where: str = ""
    """the subexpression at fault"""
    other: float = math.nan
    """what following the code gives, where values of f say something else"""


class SparsePattern(NamedTuple):
    """Which entries of a matrix are stored, the others being 0: their columns, row after row, and where rows begin."""

    columns: tuple[int, ...]
    starts: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """The row of each entry that is stored."""
        ends = zip(self.starts, self.starts[1:], strict=False)
        return tuple(row for row, (start, end) in enumerate(ends) for _ in range(start, end))

    def matrix(self, flat: Any, shape: tuple[int, ...]) -> Any:
        """Give stored entries as a SciPy array in compressed rows; it holds the entries if they are an array."""
        import numpy as np
        from scipy.sparse import csr_array

        return csr_array((np.asarray(flat, dtype=float), np.array(self.columns), np.array(self.starts)), shape=shape)


@dataclass(frozen=True, eq=False)
class ToldOfAll(Mapping[int, Odd]):
    """One thing to say of all components, as that f has no value at the point."""

    count: int
    finding: Odd

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.count))

    def __getitem__(self, component: int) -> Odd:
        if component in range(self.count):
            return self.finding
        raise KeyError(component)


def told_of(components: Sequence[int], finding: Odd, count: int) -> Mapping[int, Odd]:
    """One thing to say of some of so many components."""
    return ToldOfAll(count, finding) if len(components) == count else dict.fromkeys(components, finding)


def findings(odd: Mapping[int, Odd]) -> Iterable[Odd]:
    """What is said of components, where many are told the same thing once."""
    if isinstance(odd, ToldOfAll):
        return [odd.finding] if odd else []
    return {id(found): found for found in odd.values()}.values()


@dataclass(eq=False, repr=False)
class Answer:
    """A backend's components, flat, point by point; ``odd`` describes those that are not plain numbers.

    ``values`` and ``errors`` are lists of floats or arrays of binary64; what is not ok is NaN. What holds for all
    components alike is one finding, ``ToldOfAll(count, finding)``.
    """

    values: Any
    errors: Any = None
    odd: Mapping[int, Odd] = field(default_factory=dict)
    evaluations: int = 0
    note: str = ""
    """how the answer was found"""
    scaled: bool = False
    """whether the task's factors are in the values already"""
    decimals: list[str] | None = None
    """the values to as many proven digits as were asked for"""
    error_kind: ErrorKind | None = None
    """what the errors are, where that depends on the function"""


def floats_of(numbers: Any) -> list[float]:
    """Values or errors of an answer as Python's floats."""
    return numbers.tolist() if hasattr(numbers, "tolist") else list(numbers)


def unanswered(count: int, reason: str) -> Answer:
    """Give the answer of which no component is known, for one reason."""
    return alike(count, Odd("uncertain", reason))


def alike(count: int, finding: Odd, evaluations: int = 0) -> Answer:
    """Give the answer of which no component has a value, for one reason."""
    return Answer([math.nan] * count, None, ToldOfAll(count, finding), evaluations)


@dataclass(frozen=True, eq=False, repr=False)
class Result(NamedComponents, ReportViews, ByContent, Generic[V_co]):
    """Derivatives at a point or at a batch of points.

    ``value`` has the shape of what was asked, batch dimensions first:
    derivative (), gradient (n,), jacobian (m, n), hessian (n, n), taylor (order
    + 1,). ``error`` bounds |value − truth| component by component, in the units
    of the value; how far it can be trusted is ``error_kind``. A component that
    is not ok is NaN.

    It reads like a mapping: ``r["x"]`` is ∂f/∂x, ``r["x", "y"]`` ∂²f/∂x∂y, and
    ``r["f2", "x"]`` ∂f2/∂x of a Jacobian; of a batch each is an array, in the
    shape of the points. LabelError, which is a KeyError, names the nearest
    name.

    ``bool(r)`` is ``r.ok``; ``float(r)`` and ``np.asarray(r)`` raise NotOkError
    unless all is ok.

    Examples
    --------
    >>> r = dk.gradient("abs(x)*y", [0, 2])
    >>> r.value, r.status
    (array([nan,  0.]), 'not_differentiable')
    >>> r.statuses.tolist(), r["y"]
    (['not_differentiable', 'ok'], 0.0)
    >>> r.message
    'abs(x) has a kink where x = 0; the Clarke interval is [-2, 2]'
    """

    kind: str
    """what was asked: gradient, hessian, …"""
    shape: tuple[int, ...]
    """of the value"""
    flat: Any = field(repr=False)
    """the components, one after another"""
    backend: str
    """the method"""
    variables: tuple[str, ...]
    """the variables in their order"""
    at: Mapping[str, Any]
    """the point, or the points, by name"""
    labels: Sequence[str] = ()
    """the name of each component: ∂f/∂x"""
    flat_error: Any = field(default=None, repr=False)
    """the errors, one after another"""
    error_kind: ErrorKind = "none"
    """proven, estimate, or none"""
    odd: Mapping[int, Odd] = field(default_factory=dict, repr=False)
    """what there is to say of components without an ordinary value, by their place"""
    message: str = ""
    """what is wrong with the worst component"""
    evaluations: int = 0
    """how often f was evaluated, where that was counted"""
    formula: str | None = None
    """the partials as text, where the method finds any; of long ones first lines such as t1 = sin(x) that they use"""
    decimals: tuple[str, ...] | None = None
    """components, flat, to as many proven decimal digits as were asked for; empty where there is none"""
    method: str = ""
    """how the answer was found, where the backend chooses"""
    warnings: tuple[str, ...] = ()
    """what is odd about the code of a Python function"""
    notes: tuple[str, ...] = ()
    """how names were read that may be meant otherwise: ``xy is one variable; write x*y for a product``"""
    pattern: SparsePattern | None = None
    """which entries of a sparse matrix are stored"""

    def _shaped(self, flat: Any) -> Any:
        if self.shape == ():
            return flat[0]
        import numpy as np

        if self.pattern is not None:
            return self.pattern.matrix(np.array(flat, dtype=float), self.shape)
        return np.array(flat).reshape(self.shape)

    @property
    def value(self) -> V_co:
        """The derivative: a float, or an array of shape ``shape``."""
        return self._shaped(self.flat)  # type: ignore[no-any-return]

    @property
    def _dense(self) -> Any:
        """The value with all of its entries."""
        value: Any = self.value
        return value if self.pattern is None else value.toarray()

    @property
    def error(self) -> V_co | None:
        """Bound or estimate of |value − truth|, in the shape of ``value``; None if there is none."""
        return None if self.flat_error is None else self._shaped(self.flat_error)

    @property
    def status(self) -> Status:
        """The worst status of any component."""
        return max((odd.status for odd in findings(self.odd)), key=SEVERITY.index, default="ok")

    @property
    def statuses(self) -> Any:
        """Each component's status, in the shape of ``value``; of a sparse one those of its stored entries."""
        told = self._told("status", "ok")
        return self._shaped(told) if self.pattern is None else told.tolist()

    def _told(self, name: str, ordinary: Any) -> Any:
        """What is said of each component under a name, flat."""
        if self.shape == ():
            return [getattr(self.odd[0], name) if self.odd else ordinary]
        import numpy as np

        if isinstance(self.odd, ToldOfAll):
            return np.full(len(self.flat), getattr(self.odd.finding, name))
        said = np.array([ordinary, *(getattr(odd, name) for odd in self.odd.values())])
        flat = np.full(len(self.flat), said[0], said.dtype)
        flat[list(self.odd)] = said[1:]
        return flat

    def is_odd(self, component: int) -> bool:
        """Whether a component has no ordinary value.

        Parameters
        ----------
        component : int
            Its place, counted flat.

        Returns
        -------
        bool
            Whether its status is not ok.
        """
        odd = self.odd.get(component)
        return odd is not None and odd.status != "ok"

    def is_uncertain(self, component: int) -> bool:
        """Whether it is not known what a component is: nothing is claimed of it.

        Parameters
        ----------
        component : int
            Its place, counted flat.

        Returns
        -------
        bool
            Whether its status is uncertain.
        """
        return component in self.odd and self.odd[component].status == "uncertain"

    def _side(self, name: str) -> Any:
        if all(math.isnan(getattr(odd, name)) for odd in findings(self.odd)):
            return None
        return self._shaped(self._told(name, math.nan))

    @property
    def left(self) -> V_co | None:
        """Derivative from the left where it is known and the two sides matter (NaN elsewhere), or None."""
        return self._side("left")  # type: ignore[no-any-return]

    @property
    def right(self) -> V_co | None:
        """Derivative from the right where it is known and the two sides matter (NaN elsewhere), or None."""
        return self._side("right")  # type: ignore[no-any-return]

    @property
    def limit(self) -> V_co | None:
        """Value that would make a removable singularity smooth, where known, or None."""
        return self._side("limit")  # type: ignore[no-any-return]

    @property
    def ok(self) -> bool:
        """Whether every component is an ordinary, trusted number."""
        return self.status == "ok"

    @property
    def is_batch(self) -> bool:
        """Whether it answers at many points."""
        return any(
            (hasattr(value, "shape") and value.shape != ()) or isinstance(value, list) for value in self.at.values()
        )

    def _require_ok(self) -> None:
        if not self.ok:
            raise NotOkError(f"the {self.kind} is {self.status}: {self.message}", hint="look at .statuses and .message")

    def __bool__(self) -> bool:
        """A result is true only if every component is an ordinary, trusted number."""
        return self.ok

    def __float__(self) -> float:
        self._require_ok()
        if len(self.flat) != 1:
            raise NotOkError(f"a {self.kind} of shape {self.shape} is not one number", hint="use .value")
        return float(self.flat[0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self._require_ok()
        import numpy as np

        return np.array(self._dense, dtype=dtype)

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        where = listing([f"{name} = {brief(value)}" for name, value in self.at.items()])
        tail = "" if self.ok else f"  [{self.status}: {self.message}]"
        return f"{self.kind} at {where}: {brief(self.value)} ({self.backend}){tail}"


def worst_message(odd: Mapping[int, Odd]) -> str:
    """Give the message of the worst component."""
    if not odd:
        return ""
    return max(findings(odd), key=lambda o: SEVERITY.index(o.status)).message


def by_rows(evaluation: Any, points: Any) -> Answer:
    """Answer at the rows of an array one by one."""
    rows = points.tolist()
    width = len(evaluation.task.indices)
    answers: list[Answer] = []
    try:
        for row in counted(rows, len(rows), "points"):
            check_time()
            answers.append(evaluation.at(row))
    except TimeIsUp as up:
        answers += [unanswered(width, up.reason)] * (len(rows) - len(answers))
    return joined(answers)


def joined(answers: Sequence[Answer]) -> Answer:
    """Give the answer at all the points of some answers, which have the same components at each."""
    if not answers:
        return Answer([], None, {}, 0)
    lengths = [len(a.values) for a in answers]
    starts = accumulate(lengths, initial=0)
    return Answer(
        [v for a in answers for v in floats_of(a.values)],
        _end_to_end([None if a.errors is None else floats_of(a.errors) for a in answers], lengths, math.nan),
        {start + c: odd for start, a in zip(starts, answers, strict=False) for c, odd in a.odd.items()},
        sum(a.evaluations for a in answers),
        answers[0].note,
        answers[0].scaled,
        _end_to_end([a.decimals for a in answers], lengths, ""),
        answers[0].error_kind,
    )


def _end_to_end(parts: Sequence[Sequence[Any] | None], lengths: Sequence[int], missing: Any) -> list[Any] | None:
    """Lists of one thing, end to end, with what stands for those that are missing; None if all are."""
    if not any(parts):
        return None
    return [item for part, length in zip(parts, lengths, strict=True) for item in part or [missing] * length]


__all__ = [
    "SEVERITY", "Answer", "ErrorKind", "Final", "Odd", "Result", "Status", "by_rows", "joined",
    "unanswered",
    "worst_message",
]  # fmt: skip

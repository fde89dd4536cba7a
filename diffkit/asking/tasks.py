"""What is asked of a backend: which partial derivatives of which program, and in what shape they are answered."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from inspect import Parameter, signature
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.asking.frames import labelled
from diffkit.asking.points import Points, check_names, number
from diffkit.asking.sources import Source, source_of
from diffkit.core.errors import DiffkitError, LimitError, PointError, VariableError, did_you_mean, listing
from diffkit.core.limits import DEFAULT
from diffkit.core.partials import (
    TO_SUPERSCRIPTS,
    FirstPartials,
    PairIndices,
    PartialNames,
    SecondPartials,
    SymmetricPlaces,
    partial_name,
)
from diffkit.core.program import Index, Program
from diffkit.core.results import SparsePattern
from diffkit.core.text.names import Name, Names, as_name, as_names, first_meant

if TYPE_CHECKING:
    from diffkit.asking.callables import Bound

_ENTRIES_STORED = 2**22  # entries of a sparse matrix of which none is known to be 0


@dataclass(frozen=True)
class Task:
    """Partial derivatives of a source.

    ``indices`` are the distinct partials to compute, a family such as ``FirstPartials`` where they are a whole one;
    component c of the answer is partial ``places[c]`` times ``factors[c]``. ``extras`` are values of inputs that the
    caller does not give (the parameter of a direction).
    """

    kind: str
    source: Source
    indices: Sequence[Index]
    places: Sequence[int]
    shape: tuple[int, ...]
    labels: Sequence[str]
    factors: tuple[Fraction, ...] | None = None
    extras: tuple[float, ...] = ()
    order: int = 1
    notes: tuple[str, ...] = ()
    """how names were read that may be meant otherwise"""
    pattern: SparsePattern | None = None
    """the entries of a matrix that are asked for, where the others are zero by structure"""
    columns: tuple[int, ...] = ()
    """the input of each of its columns"""
    claimed: bool = False
    """whether it is the caller who says which entries there are"""

    @cached_property
    def program(self) -> Program:
        """The formula; TracingError where the source is code that branches."""
        return self.source.program

    @property
    def with_values(self) -> list[Index]:
        """The partials, and the values of f behind them."""
        return [*self.indices, *((output, ()) for output in range(len(self.program.outputs)))]

    @property
    def function(self) -> Bound | None:
        """The Python function, if it is one."""
        return self.source.code

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names a point gives values to."""
        return self.source.inputs[: len(self.source.inputs) - len(self.extras)]


class Question(NamedTuple):
    """What a backend is asked: derivatives, and the points where; without points, about their formulas."""

    task: Task
    points: Points | None = None

    def point(self, why: str, hint: str = "give numbers, not arrays or a range") -> tuple[float, ...]:
        """Give the one point; PointError, that says why it must be one, for many or for none."""
        if self.points is None or self.points.point is None:
            raise PointError(why, hint=hint)
        return self.points.point


def positions(inputs: Sequence[str], wrt: Names | None) -> tuple[int, ...]:
    """Give the inputs that are named, all of them if ``wrt`` is None."""
    if wrt is None:
        return tuple(range(len(inputs)))
    wrt = as_names(wrt)
    if not isinstance(wrt, (str, tuple)):
        raise VariableError(f"wrt is a name or several, not a {type(wrt).__name__}")
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    places = {name: k for k, name in enumerate(inputs)}
    for name in names:
        if name not in places:
            run, write = first_meant(inputs, names, inputs)
            hint = f"{run} is one variable; {write}" if run else did_you_mean(str(name), inputs)
            hint = hint or f"the variables are {listing(inputs)}"
            raise VariableError(f"unknown variable {name}", hint=hint)
    return tuple(places[name] for name in names)


def check_order(order: Any, least: int = 1, limit: int = DEFAULT.derivative_order) -> int:
    """Give the order as an int; DiffkitError unless least ≤ order ≤ limit."""
    try:
        found = operator.index(order)
    except TypeError:
        raise DiffkitError(f"the order is an integer, not {order!r}") from None
    if isinstance(order, bool):
        raise DiffkitError(f"the order is an integer, not {order!r}")
    if not least <= found <= limit:
        raise DiffkitError(f"the order is {found}, but orders run from {least} to {limit}")
    return found


def _ordinary_name(variable: str, order: int) -> str:
    """Name a derivative of a function of one variable: df/dx, d²f/dx²."""
    if order == 0:
        return "f"
    power = str(order).translate(TO_SUPERSCRIPTS) if order > 1 else ""
    return f"d{power}f/d{variable}{power}"


def derivative_task(program: Program | Source, wrt: Names | None = None, order: int = 1) -> Task:
    """One derivative: of the only variable, of ``wrt``, or mixed if ``wrt`` is several names."""
    source = source_of(program)
    order = check_order(order)
    if wrt is None and len(source.inputs) != 1:
        if not source.inputs:
            raise VariableError("the expression has no variable", hint="name one with variables and wrt")
        raise VariableError(f"the expression has several variables: {listing(source.inputs)}",
                            hint="say which with wrt, or ask for the gradient")  # fmt: skip
    chosen = positions(source.inputs, wrt)
    if len(chosen) > 1:
        if order != 1:
            raise DiffkitError("give either an order or several names in wrt", hint="repeat a name for a higher order")
        check_order(len(chosen))
        index = tuple(sorted(chosen))
    elif chosen:
        index = chosen * order
    else:
        raise VariableError("wrt names no variable")
    single = len(source.inputs) == 1
    label = _ordinary_name(source.inputs[0], len(index)) if single else partial_name(source.inputs, index)
    return Task("derivative", source, ((0, index),), range(1), (), (label,), order=len(index))


def gradient_task(program: Program | Source, wrt: Names | None = None) -> Task:
    """The vector of partials, shape (n,)."""
    source = source_of(program)
    chosen = positions(source.inputs, wrt)
    indices = FirstPartials(range(1), chosen)
    labels = PartialNames(source.inputs, indices)
    return Task("gradient", source, indices, range(len(indices)), (len(chosen),), labels)


def jacobian_task(
    program: Program | Source, wrt: Names | None = None, sparse: bool = False, sparsity: Any = None
) -> Task:
    """The matrix of partials of the outputs, shape (m, n).

    ``sparse``: those that are not zero by structure; ``sparsity``: those that code is said to have.
    """
    source = source_of(program)
    chosen = positions(source.inputs, wrt)
    count = len(source.outputs)
    indices = FirstPartials(range(count), chosen)
    labels = PartialNames(source.inputs, indices, several=True)
    task = Task("jacobian", source, indices, range(len(indices)), (count, len(chosen)), labels)
    return _stored(task, chosen, sparse, sparsity)


def hessian_task(
    program: Program | Source, wrt: Names | None = None, sparse: bool = False, sparsity: Any = None
) -> Task:
    """The symmetric matrix of second partials, shape (n, n); each pair is computed once.

    ``sparse``: those that are not zero by structure; ``sparsity``: those that code is said to have.
    """
    source = source_of(program)
    chosen = positions(source.inputs, wrt)
    shape, labels = (len(chosen), len(chosen)), PartialNames(source.inputs, PairIndices(chosen))
    task = Task("hessian", source, SecondPartials(chosen), SymmetricPlaces(len(chosen)), shape, labels, order=2)
    return _stored(task, chosen, sparse, sparsity)


def _stored(task: Task, chosen: Sequence[int], sparse: bool, sparsity: Any) -> Task:
    """The task itself, or that of the entries of its matrix which are not zero by structure, or are said not to be."""
    if sparsity is None:
        return _sparse(task, chosen, _by_structure(task, chosen)) if sparse else task
    if task.source.code is None:
        raise DiffkitError("sparsity is said of a Python function",
                           hint="the structure of an expression is known: ask with sparse=True")  # fmt: skip
    from diffkit.asking.sparsity_patterns import read_sparsity

    return replace(_sparse(task, chosen, read_sparsity(sparsity, task.shape, task.order == 2)), claimed=True)


def _by_structure(task: Task, chosen: Sequence[int]) -> Sequence[Sequence[int]]:
    """For each row of a matrix the columns of its entries that may not be zero: all of them where nothing is known."""
    (height, width), rows = task.shape, task.source.dependence(task.order)
    if rows is None:
        if height * width > _ENTRIES_STORED:
            raise LimitError(f"which of {height * width:,} entries are 0 is not known, as the function has no formula, "
                             "and so many are not stored one by one",
                             hint="say which are not by sparsity=, or ask without sparse")  # fmt: skip
        return [range(width)] * height
    places: dict[int, list[int]] = {}
    for place, i in enumerate(chosen):
        places.setdefault(i, []).append(place)
    wanted = rows if task.order == 1 else [rows[i] for i in chosen]
    return [sorted(place for i in row for place in places.get(i, ())) for row in wanted]


def _sparse(task: Task, chosen: Sequence[int], stored: Sequence[Sequence[int]]) -> Task:
    """The task of the stored entries of a matrix, the columns of each row."""
    width = task.shape[1]
    entries = [(row, column) for row, columns in enumerate(stored) for column in columns]
    pattern = SparsePattern(tuple(column for _, column in entries), tuple(accumulate(map(len, stored), initial=0)))
    whole = task.indices if task.order == 1 else PairIndices(tuple(chosen))
    read = [whole[row * width + column] for row, column in entries]
    number: dict[Index, int] = {}
    found = [number.setdefault((k, tuple(sorted(index))), len(number)) for k, index in read]
    labels = PartialNames(task.source.inputs, read, task.order == 1)
    distinct = range(len(found)) if len(number) == len(found) else found
    return replace(task, indices=tuple(number), places=distinct, labels=labels, pattern=pattern,
                   columns=tuple(chosen))  # fmt: skip


def _check_direction(source: Source, direction: Sequence[float]) -> None:
    if len(direction) != len(source.inputs):
        raise DiffkitError(f"the direction has {len(direction)} components for {len(source.inputs)} variables")


def directional_task(program: Program | Source, direction: Sequence[float], order: int = 1) -> Task:
    """dᵏ/dtᵏ f(x + t·v) at t = 0; v is not normalised."""
    source = source_of(program)
    order = check_order(order)
    _check_direction(source, direction)
    power = str(order).translate(TO_SUPERSCRIPTS) if order > 1 else ""
    path, extras = source.along(direction)
    index = (0, (len(path.inputs) - 1,) * order)
    return Task("directional", path, (index,), range(1), (), (f"D{power}f·v",), extras=extras, order=order)


def jvp_task(program: Program | Source, direction: Sequence[float]) -> Task:
    """J·v, the derivative of every output along v, without the Jacobian; shape (m,)."""
    source = source_of(program)
    _check_direction(source, direction)
    path = source.moving()
    count = len(source.outputs)
    indices = FirstPartials(range(count), (len(path.inputs) - 1,))
    labels = tuple(f"(J·v){k + 1}" for k in range(count))
    return Task("jvp", path, indices, range(count), (count,), labels, extras=(*direction, 0.0))


def hvp_task(program: Program | Source, direction: Sequence[float]) -> Task:
    """H·v, the derivative of the gradient along v, without the Hessian; shape (n,).

    (Hv)ᵢ = ∂²/∂xᵢ∂t f(x + t·v) at t = 0.
    """
    source = source_of(program)
    _check_direction(source, direction)
    path = source.moving()
    count, t = len(source.inputs), len(path.inputs) - 1
    indices = FirstPartials(range(1), tuple(range(count)), (t,))
    labels = tuple(f"(H·v)[{name}]" for name in source.inputs)
    return Task("hvp", path, indices, range(count), (count,), labels, extras=(*direction, 0.0), order=2)


def vjp_task(program: Program | Source, cotangent: Sequence[float]) -> Task:
    """Jᵀ·w, the gradient of Σ wₖ·fₖ for a cotangent w, without the Jacobian; shape (n,)."""
    source = source_of(program)
    if len(cotangent) != len(source.outputs):
        raise DiffkitError(f"the cotangent has {len(cotangent)} components for {len(source.outputs)} outputs")
    count = len(source.inputs)
    indices = FirstPartials(range(1), tuple(range(count)))
    labels = tuple(f"(Jᵀ·w)[{name}]" for name in source.inputs)
    return Task("vjp", source.weighted(), indices, range(count), (count,), labels, extras=tuple(cotangent))


def taylor_task(program: Program | Source, order: int, wrt: Name | None = None) -> Task:
    """f⁽ᵏ⁾/k! for k = 0 … order, shape (order + 1,)."""
    source = source_of(program)
    order = check_order(order, least=0)
    if wrt is not None and not isinstance(as_name(wrt), str):
        raise VariableError("a Taylor series runs in one variable", hint="give wrt one name")
    (variable,) = derivative_task(source, wrt).indices[0][1]
    indices = tuple((0, (variable,) * k) for k in range(order + 1))
    name = source.inputs[variable]
    labels = tuple("f" if k == 0 else f"{_ordinary_name(name, k)} / {k}!" for k in range(order + 1))
    factors = tuple(Fraction(1, math.factorial(k)) for k in range(order + 1))
    return Task("taylor", source, indices, range(order + 1), (order + 1,), labels, factors, order=order)


_TASKS: dict[str, Any] = {
    "derivative": derivative_task,
    "gradient": gradient_task,
    "jacobian": jacobian_task,
    "hessian": hessian_task,
    "taylor": taylor_task,
    "directional": directional_task,
    "jvp": jvp_task,
    "vjp": vjp_task,
    "hvp": hvp_task,
}
"""What can be asked, by name."""
OF_SEVERAL = ("jacobian", "jvp", "vjp")
"""kinds of derivatives that are of several functions"""


def source_task(source: Program | Source, kind: str, options: dict[str, Any]) -> Task:
    """Give the task of a kind about a source."""
    if "direction" in options:
        options = {**options, "direction": read_direction(options["direction"], source_of(source).parameters)}
    if "cotangent" in options:
        options = {**options, "cotangent": read_cotangent(options["cotangent"])}
    builder: Callable[..., Task] = _TASKS[kind]
    return builder(source, **options)


def read_direction(direction: Any, variables: Sequence[str] = ()) -> list[float]:
    """Numbers of a direction, flat: an array or nested lists in order, or what has labels by name."""
    given = labelled(direction)
    if given is not None and (given.names or len(variables) > 1):
        check_names(given.values, tuple(variables), "direction")
        return read_direction([_plain(given.values[name]) for name in variables])
    return _numbers(direction, "direction", "variable")


def read_cotangent(cotangent: Any) -> list[float]:
    """Numbers of a cotangent, flat: an array or nested lists in the order of the outputs, or of one output a number."""
    alone = not isinstance(cotangent, (str, Mapping)) and not hasattr(cotangent, "__len__")
    return _numbers([cotangent] if alone else cotangent, "cotangent", "output")


def _numbers(given: Any, name: str, place: str) -> list[float]:
    """The numbers of an array or of nested lists, one for each place."""
    if isinstance(given, (str, Mapping)) or not hasattr(given, "__len__"):
        raise PointError(f"the {name} is a list of numbers, one per {place}")
    if hasattr(given, "to_numpy"):
        given = given.to_numpy()
    elif hasattr(given, "__array__") and not hasattr(given, "ravel"):  # such as a gradient that was found
        given = given.__array__()
    if hasattr(given, "ravel"):
        given = given.ravel()
    parts = [_numbers(v, name, place) if isinstance(v, (list, tuple)) else [number(v, name)] for v in given]
    return [v for part in parts for v in part]


def _plain(value: Any) -> Any:
    """An array as nested lists."""
    return value.tolist() if hasattr(value, "tolist") else value


@cache
def _accepted(kind: str) -> Mapping[str, Parameter]:
    """The program and the options that a kind takes."""
    return signature(_TASKS[kind]).parameters


def check_options(kind: str, options: dict[str, Any]) -> None:
    """DiffkitError for an unknown kind, an option it does not take, or one that it needs."""
    if kind not in _TASKS:
        raise DiffkitError(
            f"unknown kind {kind!r}", hint=did_you_mean(str(kind), _TASKS) or f"there are {', '.join(_TASKS)}"
        )
    accepted = _accepted(kind)
    for name in options:
        if name not in accepted:
            known = [n for n in accepted if n != "program"]
            hint = did_you_mean(name, known) or f"it takes {', '.join(known)}"
            raise DiffkitError(f"a {kind} takes no {name}", hint=hint)
    missing = [n for n, p in accepted.items() if p.default is p.empty and n not in ("program", *options)]
    if missing:
        raise DiffkitError(f"{kind} needs {' and '.join(missing)}")

"""What is asked of a backend: which partial derivatives of which program, and in what shape they are answered."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from diffkit.builder import ProgramBuilder, copy_slots
from diffkit.errors import DiffkitError, VariableError, did_you_mean
from diffkit.limits import DEFAULT
from diffkit.primitives import table
from diffkit.program import Program

Index = tuple[int, tuple[int, ...]]
"""(output, inputs differentiated by): (0, (1, 1)) is ∂²f/∂x₁²."""

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Task(NamedTuple):
    """Partial derivatives of a program.

    ``indices`` are the distinct partials to compute; component c of the answer is partial ``places[c]`` times
    ``factors[c]``. ``extras`` are values of inputs that the caller does not give (the parameter of a direction).
    """

    kind: str
    program: Program
    indices: tuple[Index, ...]
    places: tuple[int, ...]
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    factors: tuple[Fraction, ...] | None = None
    extras: tuple[float, ...] = ()
    order: int = 1

    @property
    def variables(self) -> tuple[str, ...]:
        """The names a point gives values to."""
        return self.program.inputs[: len(self.program.inputs) - len(self.extras)]


def positions(program: Program, wrt: str | Sequence[str] | None) -> tuple[int, ...]:
    """Give the inputs that are named, all of them if ``wrt`` is None."""
    if wrt is None:
        return tuple(range(len(program.inputs)))
    if not isinstance(wrt, (str, list, tuple)):
        raise VariableError(f"wrt is a name or several, not a {type(wrt).__name__}")
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    for name in names:
        if name not in program.inputs:
            known = ", ".join(program.inputs) or "none"
            hint = did_you_mean(str(name), program.inputs) or f"the variables are {known}"
            raise VariableError(f"unknown variable {name}", hint=hint)
    return tuple(program.inputs.index(name) for name in names)


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


def partial_name(variables: Sequence[str], index: tuple[int, ...], f: str = "f") -> str:
    """Name a partial derivative: f, ∂f/∂x, ∂²f/∂x∂y, ∂³f/∂x³."""
    if not index:
        return f
    power = str(len(index)).translate(SUPERSCRIPTS) if len(index) > 1 else ""
    below = ""
    for position in dict.fromkeys(index):
        count = index.count(position)
        below += f"∂{variables[position]}" + (str(count).translate(SUPERSCRIPTS) if count > 1 else "")
    return f"∂{power}{f}/{below}"


def ordinary_name(variable: str, order: int) -> str:
    """Name a derivative of a function of one variable: df/dx, d²f/dx²."""
    if order == 0:
        return "f"
    power = str(order).translate(SUPERSCRIPTS) if order > 1 else ""
    return f"d{power}f/d{variable}{power}"


def derivative_task(program: Program, wrt: str | Sequence[str] | None = None, order: int = 1) -> Task:
    """One derivative: of the only variable, of ``wrt``, or mixed if ``wrt`` is several names."""
    order = check_order(order)
    if wrt is None and len(program.inputs) != 1:
        if not program.inputs:
            raise VariableError("the expression has no variable", hint="name one with variables and wrt")
        raise VariableError("the expression has several variables: " + ", ".join(program.inputs),
                            hint="say which with wrt, or ask for the gradient")  # fmt: skip
    chosen = positions(program, wrt)
    if len(chosen) > 1:
        if order != 1:
            raise DiffkitError("give either an order or several names in wrt", hint="repeat a name for a higher order")
        check_order(len(chosen))
        index = tuple(sorted(chosen))
    elif chosen:
        index = chosen * order
    else:
        raise VariableError("wrt names no variable")
    single = len(program.inputs) == 1
    label = ordinary_name(program.inputs[0], len(index)) if single else partial_name(program.inputs, index)
    return Task("derivative", program, ((0, index),), (0,), (), (label,), order=len(index))


def gradient_task(program: Program, wrt: str | Sequence[str] | None = None) -> Task:
    """The vector of partials, shape (n,)."""
    chosen = positions(program, wrt)
    labels = tuple(partial_name(program.inputs, (i,)) for i in chosen)
    return Task(
        "gradient", program, tuple((0, (i,)) for i in chosen), tuple(range(len(chosen))), (len(chosen),), labels
    )


def jacobian_task(program: Program, wrt: str | Sequence[str] | None = None) -> Task:
    """The matrix of partials of the outputs, shape (m, n)."""
    chosen = positions(program, wrt)
    count = len(program.outputs)
    indices = tuple((k, (i,)) for k in range(count) for i in chosen)
    labels = tuple(partial_name(program.inputs, index, f"f{k + 1}") for k, index in indices)
    return Task("jacobian", program, indices, tuple(range(len(indices))), (count, len(chosen)), labels)


def hessian_task(program: Program, wrt: str | Sequence[str] | None = None) -> Task:
    """The symmetric matrix of second partials, shape (n, n); each pair is computed once."""
    chosen = positions(program, wrt)
    number: dict[tuple[int, ...], int] = {}
    places, labels = [], []
    for i in chosen:
        for j in chosen:
            index = (min(i, j), max(i, j))
            places.append(number.setdefault(index, len(number)))
            labels.append(partial_name(program.inputs, index if i == j else (i, j)))
    shape = (len(chosen), len(chosen))
    return Task("hessian", program, tuple((0, index) for index in number), tuple(places), shape, tuple(labels), order=2)


def directional_task(program: Program, direction: Sequence[float], order: int = 1) -> Task:
    """dᵏ/dtᵏ f(x + t·v) at t = 0; v is not normalised."""
    order = check_order(order)
    if len(direction) != len(program.inputs):
        raise DiffkitError(f"the direction has {len(direction)} components for {len(program.inputs)} variables")
    parameter = next(
        name for name in ("t", *(f"t{k}" for k in range(len(program.inputs) + 1))) if name not in program.inputs
    )
    builder = ProgramBuilder((*program.inputs, parameter))
    t = builder.input(parameter)
    moved = []
    for slot, component in enumerate(direction):
        scaled = builder.apply(table["mul"], (builder.constant(Fraction(component)), t))
        moved.append(builder.apply(table["add"], (slot, scaled)) if component else slot)
    slots = copy_slots(program, builder, moved)
    path = builder.program([slots[output] for output in program.outputs], (*program.inputs, parameter))
    power = str(order).translate(SUPERSCRIPTS) if order > 1 else ""
    return Task(
        "directional",
        path,
        ((0, (len(program.inputs),) * order),),
        (0,),
        (),
        (f"D{power}f·v",),
        extras=(0.0,),
        order=order,
    )


def taylor_task(program: Program, order: int, wrt: str | None = None) -> Task:
    """f⁽ᵏ⁾/k! for k = 0 … order, shape (order + 1,)."""
    order = check_order(order, least=0)
    if wrt is not None and not isinstance(wrt, str):
        raise VariableError("a Taylor series runs in one variable", hint="give wrt one name")
    (variable,) = derivative_task(program, wrt).indices[0][1]
    indices = tuple((0, (variable,) * k) for k in range(order + 1))
    name = program.inputs[variable]
    labels = tuple("f" if k == 0 else f"{ordinary_name(name, k)} / {k}!" for k in range(order + 1))
    factors = tuple(Fraction(1, math.factorial(k)) for k in range(order + 1))
    return Task("taylor", program, indices, tuple(range(order + 1)), (order + 1,), labels, factors, order=order)

"""What a command line says about an array expression: definitions, data files and the point."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from diffkit.asking.callables.function import unordered
from diffkit.asking.frames import split_top
from diffkit.asking.points import number
from diffkit.core.errors import DiffkitError, LimitError, PointError, VariableError, did_you_mean, listing
from diffkit.core.limits import DEFAULT
from diffkit.core.table.array_table import LITERAL
from diffkit.core.text import variables_in
from diffkit.core.text.names import check_variables
from diffkit.lessons.matrices.array_function import ArrayFunction
from diffkit.lessons.matrices.array_parser import parse_array
from diffkit.lessons.matrices.data import load_data
from diffkit.lessons.matrices.nodes import Node, names_of, replaced
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.ndarrays.kernel import evaluate


def function_of_text(
    texts: Sequence[str], let: Sequence[str] = (), data: Sequence[str] = (), variables: Sequence[str] | None = None,
    given: Collection[str] = (),
) -> tuple[ArrayFunction, dict[str, str]]:  # fmt: skip
    """Give the function of an expression (or of several, stacked) with definitions put in and data bound.

    The mapping says what each data file holds; ``variables`` are not looked for in it. ``given`` are names that a point
    gives. VariableError for a definition or data that nothing names.
    """
    arrays, holds = load_data(data, [name for name in names_of(_read(texts, let)) if name not in (variables or ())])
    node = _read(texts, let, frozenset((*(variables or ()), *given, *arrays)))
    names = names_of(node)
    for name in arrays:
        if name not in names:
            raise VariableError(f"--data gives {name}, which the expression does not name",
                                hint=did_you_mean(name, names) or f"it names {listing(names)}")  # fmt: skip
    return ArrayFunction(node, arrays, ", ".join(texts), variables, given, bool(let)), holds


def claim_beside(function: ArrayFunction, claim: str, let: Sequence[str], data: Sequence[str]) -> ArrayFunction:
    """Give a claim about a function as a function of the same variables, with the same definitions and data."""
    names = function.parameters()
    loose = _read([claim], let, strict=False)
    arrays, _ = load_data(data, [name for name in names_of(loose) if name not in names])
    node = _read([claim], let, frozenset((*names, *arrays)), strict=False)
    return ArrayFunction(node, arrays, claim, names)


def _read(
    texts: Sequence[str], let: Sequence[str], declared: frozenset[str] | None = None, strict: bool = True
) -> Node:
    """The tree of texts, several stacked, with definitions put in.

    Until some names are declared, any may be a variable.
    """
    definitions = _definitions(let)

    def parsed(text: str) -> Node:
        return parse_array(text, given=variables_in(text) if declared is None else declared | definitions.keys())

    nodes = tuple(parsed(text) for text in texts)
    node = nodes[0] if len(nodes) == 1 else Node(LITERAL, nodes)
    return _with_definitions(node, {name: parsed(value) for name, value in definitions.items()}, strict)


def _with_definitions(node: Node, definitions: Mapping[str, Node], strict: bool) -> Node:
    """Put definitions in, which may name each other; VariableError for a circle, and if strict for an idle one."""
    used: set[str] = set()
    for _ in range(len(definitions) + 1):
        found = [name for name in names_of(node) if name in definitions]
        if not found:
            break
        used.update(found)
        node = replaced(node, lambda n: definitions.get(n.value) if n.kind == "name" else None)
        if node.size > DEFAULT.nodes:
            raise LimitError("the expression with its definitions is too large")
    else:
        raise VariableError(f"--let defines {found[0]} by itself")
    for name in definitions:
        if strict and name not in used:
            known = ", ".join(names_of(node))
            raise VariableError(f"--let defines {name}, which the expression does not name", hint=f"it names {known}")
    return node


def _definitions(let: Sequence[str]) -> dict[str, str]:
    """The texts that names stand for."""
    found: dict[str, str] = {}
    for text in let:
        for part in split_top(text, ","):
            name, sign, value = part.partition("=")
            (name,) = check_variables((name.strip(),))
            if not sign or not value.strip():
                raise DiffkitError(f"--let {part.strip()!r} defines nothing", hint='write --let "A=[[1,2],[3,4]]"')
            if name in found:
                raise VariableError(f"--let defines {name} twice")
            found[name] = value
    return found


def read_at(text: str, function: ArrayFunction, holds: Mapping[str, str]) -> dict[str, Any]:
    """Give the point of ``w=[0,0,0],b=0``, or of ``1,2`` in the variables' order; PointError if it does not fit."""
    names = function.parameters()
    found: dict[str, Any] = {}
    for name, value in _pairs(split_top(text, ","), function):
        if name in found:
            raise PointError(f"the point gives {name[:64]} twice")
        if name not in names:
            data = f"{name} has data; --variables with {name} leaves it out" if name in function.data else ""
            hint = data or did_you_mean(name, names) or f"the variables are {listing(names)}"
            raise PointError(f"the point names an unknown variable {name[:64]}", hint=hint)
        found[name] = read_value(value, name)
    missing = [name for name in names if name not in found]
    if missing:
        raise PointError(f"the point gives no value for {listing(missing)}", hint="; ".join(holds.values()))
    return {name: found[name] for name in names}


def _pairs(parts: Sequence[str], function: ArrayFunction) -> list[tuple[str, str]]:
    """Names with their values; those without names in the order of the variables."""
    names = function.parameters()
    pairs = [part.partition("=") for part in parts]
    if all(sign for _, sign, _ in pairs):
        return [(name.strip(), value.strip()) for name, _, value in pairs]
    if len(parts) > 1 and not function.ordered:
        raise unordered(names)
    if any(sign for _, sign, _ in pairs) or len(parts) != len(names):
        example = ",".join(f"{name}=0" for name in names[:4])
        raise PointError(f"the point does not say what is what for {listing(names)}",
                         hint=f'write --at "{example}", arrays as x=[1,2,3]')  # fmt: skip
    return [(name, part.strip()) for name, part in zip(names, parts, strict=True)]


def read_value(text: str, name: str) -> Any:
    """Give a number or an array written in text: pi/4, [1, 2], zeros(3)."""
    if not text:
        raise PointError(f"{name} = has no value")
    if ":" in text and "[" not in text:
        raise PointError(f"{name} = {text[:40]!r} is a range", hint="array expressions take one point at a time")
    node = parse_array(text)
    if names_of(node):
        raise PointError(f"{name} = {text[:40]!r} names {names_of(node)[0]}", hint="a point is made of numbers")
    return _value(node, name, text)


def _value(node: Node, name: str, text: str) -> Any:
    if node.kind == LITERAL:
        return np.stack([_value(item, name, text) for item in node.args])
    shapes = shapes_of(node, {}, text)
    if shapes[node] == ():
        try:
            return np.float64(number(str(node), name))
        except PointError:
            pass  # an array function of numbers, as sum([1,2])
    with np.errstate(all="ignore"):
        found = evaluate(program_of(node, (), shapes), ())
    if not np.isfinite(found).all():
        raise PointError(f"{name} = {text[:40]!r} is not finite")
    return found

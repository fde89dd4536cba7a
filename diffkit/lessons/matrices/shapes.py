"""Shapes of array expressions: () for scalars, (n,) for vectors, (m, n) for matrices; lengths are numbers or names.

Lengths that are not given are made equal where an operation needs it, then named; unknown ones begin with ``?``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from diffkit.core.errors import ShapeError, VariableError
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import Length, entry_by_entry, refuse, said
from diffkit.core.table.array_table import array_table
from diffkit.core.text.bindings import BESIDE
from diffkit.lessons.matrices.nodes import Node, in_order

LENGTH_LETTERS = ("n", "m", "k", "p", "q", "r", "s")


def shapes_of(root: Node, known: Mapping[str, Shape], text: str | None = None) -> dict[Node, Shape]:
    """Give the shape of every part; ShapeError where two do not fit, VariableError for a name without a shape."""
    found: dict[Node, Shape] = {}
    for node in in_order(root):
        if node.kind == "name":
            if node.value not in known:
                raise VariableError(f"{node.value} has no value and no shape", text=text, position=node.position)
            found[node] = tuple(known[node.value])
        else:
            try:
                found[node] = shape_of(node, [found[a] for a in node.args])
            except ShapeError as error:
                error.text, error.position = text, node.position
                raise
    return found


def shape_of(node: Node, args: list[Shape]) -> Shape:
    """Give the shape of a node from those of its arguments."""
    kind = node.kind
    if kind in ("number", "constant"):
        return ()
    row = array_table.of(node)
    if row is not None:
        return row.shape(node, args)
    if node.value == BESIDE and max(map(len, args)) > 1 and all(args):
        refuse("a product of matrices without a sign can be read in two ways", "write @, or * for entry by entry")
    return entry_by_entry(f"{kind}" if len(kind) < 3 else f"{kind}(…)", *args)


def named_sizes(*trees: Node) -> set[str]:
    """Names that stand for lengths: those of which an identity matrix, or an array of ones, is made."""
    makers = [node for node in in_order(*trees) if (row := array_table.of(node)) is not None and row.lengths]
    return {arg.value for node in makers for arg in node.args if arg.kind == "name"}


def unknown(length: Length) -> bool:
    """Whether a length is still to be found."""
    return str(length).startswith("?")


def plain(shape: Shape) -> Shape:
    """A shape as messages say it."""
    return tuple("?" if unknown(length) else length for length in shape)


def fitted(
    tree: Node, text: str, shapes: Mapping[str, Shape], sizes: Iterable[str], assumed: Iterable[str]
) -> dict[str, Shape]:
    """Make lengths equal until every operation fits; ShapeError where given ones do not."""
    found = dict(shapes)
    while True:
        try:
            shapes_of(tree, {**dict.fromkeys(sizes, ()), **found}, text)
        except ShapeError as error:
            if error.lengths is None or not any(map(unknown, error.lengths)):
                known = ", ".join(f"{name} as {said(plain(found[name]))}" for name in assumed)
                counts = ", ".join(sorted(sizes))
                hint = f"I read {known}; say otherwise with --shape" if known and error.lengths else error.hint
                hint += f"{'; ' * bool(hint)}{counts} counts entries here" if counts and not known else ""
                reason = re.sub(r"\?\d+", "?", error.reason)
                raise ShapeError(reason, hint=hint, text=text, position=error.position) from None
            found = joined(found, *error.lengths)
        else:
            return found


def joined(shapes: Mapping[str, Shape], a: Length, b: Length) -> dict[str, Shape]:
    """Make two lengths one; a given one stays."""
    old, new = (a, b) if unknown(a) else (b, a)
    return {name: tuple(new if n == old else n for n in shape) for name, shape in shapes.items()}


def as_derivative(
    left: Node, right: Node, wrt: str, shapes: dict[str, Shape], sizes: Iterable[str]
) -> dict[str, Shape]:
    """Make the lengths of a claimed derivative those of the true one, in the layout that asks for less."""
    known = dict.fromkeys(sizes, ())
    while True:
        every = {**known, **shapes}
        f, claimed = shapes_of(left, every)[left], shapes_of(right, every)[right]
        expected = (*f, *shapes[wrt])
        if len(expected) != len(claimed):
            return shapes
        layouts = [expected, tuple(reversed(expected))] if f else [expected]
        nearest = min(layouts, key=lambda shape: sum(a != b for a, b in zip(shape, claimed, strict=True)))
        apart = [(a, b) for a, b in zip(nearest, claimed, strict=True) if a != b and (unknown(a) or unknown(b))]
        if not apart:
            return shapes
        shapes = joined(shapes, *apart[0])


def lettered(shapes: Mapping[str, Shape], taken: Iterable[Length]) -> dict[str, Shape]:
    """Give letters to the lengths that were found: m×n for the first matrix, n elsewhere."""
    unfound = list(dict.fromkeys(n for shape in shapes.values() for n in shape if unknown(n)))
    used = set(taken)
    free = [letter for letter in (*LENGTH_LETTERS, *(f"n{k}" for k in range(1, 99))) if letter not in used]
    oblong = next((s for s in shapes.values() if len(s) == 2 and s[0] != s[1] and {*s} <= {*unfound}), None)
    order = unfound if oblong is None else [oblong[1], oblong[0], *(n for n in unfound if n not in oblong)]
    letters = dict(zip(order, free, strict=False))
    return {name: tuple(letters.get(n, n) for n in shape) for name, shape in shapes.items()}

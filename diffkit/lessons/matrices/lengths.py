"""Lengths that are not given: made equal where an operation needs it, then named; unknown ones begin with ``?``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from diffkit.core.errors import ShapeError
from diffkit.lessons.matrices.nodes import Node, in_order
from diffkit.lessons.matrices.shapes import Length, Shape, said, shapes_of

LETTERS = ("n", "m", "k", "p", "q", "r", "s")


def named_sizes(*trees: Node) -> set[str]:
    """Names that stand for lengths: those inside eye, ones and zeros."""
    return {a.value for n in in_order(*trees) if n.kind in ("eye", "ones", "zeros") for a in n.args if a.kind == "name"}


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
    free = [letter for letter in (*LETTERS, *(f"n{k}" for k in range(1, 99))) if letter not in used]
    oblong = next((s for s in shapes.values() if len(s) == 2 and s[0] != s[1] and {*s} <= {*unfound}), None)
    order = unfound if oblong is None else [oblong[1], oblong[0], *(n for n in unfound if n not in oblong)]
    letters = dict(zip(order, free, strict=False))
    return {name: tuple(letters.get(n, n) for n in shape) for name, shape in shapes.items()}

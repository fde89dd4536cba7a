"""Shapes of array expressions: () for scalars, (n,) for vectors, (m, n) for matrices; lengths are numbers or names.

Lengths that are not given are made equal where an operation needs it, then named; unknown ones begin with ``?``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from diffkit.core.errors import ShapeError, VariableError
from diffkit.core.text.bindings import BESIDE
from diffkit.lessons.matrices.nodes import Node, in_order

Length = int | str
Shape = tuple[Length, ...]
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


def said(shape: Shape) -> str:
    """Give a shape in words."""
    if len(shape) == 0:
        return "a scalar"
    lengths = "×".join(map(str, shape))
    if len(shape) == 1:
        return f"a vector of length {lengths}"
    article = "an" if lengths[0] in "aefhilmnorsx8" else "a"
    return f"{article} {lengths} matrix" if len(shape) == 2 else f"an array of shape {lengths}"


def _refuse(reason: str, hint: str = "", lengths: tuple[Length, Length] | None = None) -> NoReturn:
    error = ShapeError(reason, hint=hint)
    error.lengths = lengths
    raise error


def broadcast(what: str, *shapes: Shape) -> Shape:
    """Give the shape of an operation entry by entry, as NumPy broadcasts; ShapeError if there is none."""
    found: Shape = ()
    for shape in shapes:
        longer, shorter = (shape, found) if len(shape) >= len(found) else (found, shape)
        lengths = list(longer)
        for k, length in enumerate(reversed(shorter), 1):
            if length != lengths[-k] and 1 not in (length, lengths[-k]):
                _refuse(f"{what} of {said(found)} and {said(shape)} does not fit", "", (length, lengths[-k]))
            lengths[-k] = length if lengths[-k] == 1 else lengths[-k]
        found = tuple(lengths)
    return found


def product(a: Shape, b: Shape) -> Shape:
    """Give the shape of a @ b."""
    if not a or not b:
        _refuse(f"@ of {said(a)} and {said(b)}", "write * to multiply by a scalar")
    if len(a) > 2 or len(b) > 2:
        _refuse(f"@ of {said(a)} and {said(b)}", "@ is of vectors and matrices")
    if a[-1] != b[0]:
        _refuse(f"@ of {said(a)} and {said(b)} does not fit: {a[-1]} against {b[0]}", "", (a[-1], b[0]))
    return (*a[:-1], *b[1:])


def shape_of(node: Node, args: list[Shape]) -> Shape:
    """Give the shape of a node from those of its arguments."""
    kind = node.kind
    if kind in ("number", "constant"):
        return ()
    first = args[0]
    if kind == "@":
        right = node.args[-1]
        if len(args) == 2 and len(first) == len(args[1]) == 1 and right.kind == "T":
            _refuse("x @ y.T of two vectors is their inner product in NumPy, and a matrix on paper",
                    "write outer(x, y) or dot(x, y)")  # fmt: skip
        found = first
        for other in args[1:]:
            found = product(found, other)
        return found
    if kind == "array":
        if any(a != first for a in args) or len(first) > 1:
            _refuse("the entries of the array are of different shapes")
        return (len(args), *first)
    if kind in ("sum", "mean", "prod", "var") or (kind in ("max", "min", "logsumexp") and len(args) == 1):
        return _reduced(first, node.value)
    if kind in RULES:
        return RULES[kind](node, args)
    if kind == "index":
        return _indexed(first, node.value)
    return broadcast(f"{kind}" if len(kind) < 3 else f"{kind}(…)", *args)


def _reduced(shape: Shape, axis: int | None) -> Shape:
    if axis is None:
        return ()
    if not -len(shape) <= axis < len(shape):
        _refuse(f"{said(shape)} has no axis {axis}")
    return tuple(length for k, length in enumerate(shape) if k != axis % len(shape))


def _square(what: str, shape: Shape) -> Shape:
    if len(shape) != 2 or shape[0] != shape[1]:
        _refuse(
            f"{what} of {said(shape)}", "it takes a square matrix", (shape[0], shape[1]) if len(shape) == 2 else None
        )
    return shape


def _softmax(node: Node, args: list[Shape]) -> Shape:
    if len(args[0]) != 1 and node.value is None:
        _refuse(f"softmax of {said(args[0])}", "along which axis? softmax(X, axis=1) is of every row")
    _reduced(args[0], node.value)
    return args[0]


def _transposed(_: Node, args: list[Shape]) -> Shape:
    return tuple(reversed(args[0]))


def _trace(_: Node, args: list[Shape]) -> Shape:
    return _square("trace", args[0])[:0] if args[0] else ()


def _diag(_: Node, args: list[Shape]) -> Shape:
    if len(args[0]) == 1:
        return (*args[0], *args[0])
    return _square("diag", args[0])[:1]


def _outer(_: Node, args: list[Shape]) -> Shape:
    if len(args[0]) != 1 or len(args[1]) != 1:
        _refuse(f"outer of {said(args[0])} and {said(args[1])}", "it takes two vectors")
    return (*args[0], *args[1])


def _solve(_: Node, args: list[Shape]) -> Shape:
    return product(_square("solve", args[0]), args[1])


def _filled(node: Node, _: list[Shape]) -> Shape:
    lengths: list[Length] = []
    for arg in node.args:
        if arg.kind == "number" and isinstance(arg.value, int) and 0 < arg.value < 10_000:
            lengths.append(arg.value)
        elif arg.kind == "name":
            lengths.append(str(arg.value))
        else:
            _refuse(f"the size in {node.kind} is a plain integer from 1 to 9,999")
    return (*lengths, *lengths) if node.kind == "eye" else tuple(lengths)


def _dot(_: Node, args: list[Shape]) -> Shape:
    return product(args[0], args[1])


def _product(node: Node, args: list[Shape]) -> Shape:
    if node.value == BESIDE and max(map(len, args)) > 1 and all(args):
        _refuse("a product of matrices without a sign can be read in two ways", "write @, or * for entry by entry")
    return broadcast("*", *args)


RULES: dict[str, Callable[[Node, list[Shape]], Shape]] = {
    "*": _product,
    "T": _transposed, "trace": _trace, "softmax": _softmax, "diag": _diag, "outer": _outer, "solve": _solve,
    "eye": _filled, "ones": _filled, "zeros": _filled, "dot": _dot,
    "det": lambda _, args: _square("det", args[0])[:0], "logdet": lambda _, args: _square("logdet", args[0])[:0],
    "inv": lambda _, args: _square("inv", args[0]), "norm": lambda *_: (), "norm1": lambda *_: (),
}  # fmt: skip


def _indexed(shape: Shape, keys: tuple[int | tuple[int | None, int | None], ...]) -> Shape:
    if len(keys) > len(shape):
        _refuse(f"{said(shape)} takes {len(shape)} ind{'ex' if len(shape) == 1 else 'ices'}, not {len(keys)}")
    found: list[Length] = []
    for length, key in zip(shape, keys, strict=False):
        if isinstance(key, int):
            if isinstance(length, int) and not -length <= key < length:
                _refuse(f"index {key} is outside {said(shape)}", "counting starts at 0")
        elif isinstance(length, int):
            count = len(range(length)[slice(*key)])
            if not count:
                _refuse(f"the slice holds nothing of {said(shape)}")
            found.append(count)
        elif key == (None, None):
            found.append(length)
        else:
            _refuse(f"a slice of {said(shape)} has no known length", "give sizes as numbers")
    return (*found, *shape[len(keys) :])


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
    free = [letter for letter in (*LENGTH_LETTERS, *(f"n{k}" for k in range(1, 99))) if letter not in used]
    oblong = next((s for s in shapes.values() if len(s) == 2 and s[0] != s[1] and {*s} <= {*unfound}), None)
    order = unfound if oblong is None else [oblong[1], oblong[0], *(n for n in unfound if n not in oblong)]
    letters = dict(zip(order, free, strict=False))
    return {name: tuple(letters.get(n, n) for n in shape) for name, shape in shapes.items()}

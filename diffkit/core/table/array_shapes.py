"""Shapes of arrays: () for scalars, (n,) for vectors, (m, n) for matrices; a length is a number, or a letter for any.

A rule gives the shape of a function's value from those of its arguments; where these do not fit it raises ShapeError,
which holds the two lengths that differ, so that whoever looks for lengths can make them equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NoReturn

from diffkit.core.errors import ShapeError

Length = int | str
ArrayShape = tuple[Length, ...]
ShapeRule = Callable[[Any, Sequence[ArrayShape]], ArrayShape]
"""(the call, with its ``args`` and its ``value``: axis or index; shapes of the arguments) → shape"""
LARGEST_SIZE, LARGEST_COUNT = 10_000, 2_000_000  # of an array that a text makes


def said(shape: ArrayShape) -> str:
    """Give a shape in words."""
    if len(shape) == 0:
        return "a scalar"
    lengths = "×".join(map(str, shape))
    if len(shape) == 1:
        return f"a vector of length {lengths}"
    article = "an" if lengths[0] in "aefhilmnorsx8" else "a"
    return f"{article} {lengths} matrix" if len(shape) == 2 else f"an array of shape {lengths}"


def refuse(reason: str, hint: str = "", lengths: tuple[Length, Length] | None = None) -> NoReturn:
    """Raise ShapeError, with the lengths that would have to be equal if there are any."""
    error = ShapeError(reason, hint=hint)
    error.lengths = lengths
    raise error


def entry_by_entry(what: str, *shapes: ArrayShape) -> ArrayShape:
    """Give the shape of an operation entry by entry, as NumPy broadcasts; ShapeError if there is none."""
    found: ArrayShape = ()
    for shape in shapes:
        longer, shorter = (shape, found) if len(shape) >= len(found) else (found, shape)
        lengths = list(longer)
        for k, length in enumerate(reversed(shorter), 1):
            if length != lengths[-k] and 1 not in (length, lengths[-k]):
                refuse(f"{what} of {said(found)} and {said(shape)} does not fit", "", (length, lengths[-k]))
            lengths[-k] = length if lengths[-k] == 1 else lengths[-k]
        found = tuple(lengths)
    return found


def product(a: ArrayShape, b: ArrayShape) -> ArrayShape:
    """Give the shape of a @ b."""
    if not a or not b:
        refuse(f"@ of {said(a)} and {said(b)}", "write * to multiply by a scalar")
    if len(a) > 2 or len(b) > 2:
        refuse(f"@ of {said(a)} and {said(b)}", "@ is of vectors and matrices")
    if a[-1] != b[0]:
        refuse(f"@ of {said(a)} and {said(b)} does not fit: {a[-1]} against {b[0]}", "", (a[-1], b[0]))
    return (*a[:-1], *b[1:])


def square(what: str, shape: ArrayShape) -> ArrayShape:
    """Give the shape of a square matrix back."""
    if len(shape) != 2 or shape[0] != shape[1]:
        lengths = (shape[0], shape[1]) if len(shape) == 2 else None
        refuse(f"{what} of {said(shape)}", "it takes a square matrix", lengths)
    return shape


# Rules -----------------------------------------------------------------------------------------------------------


def scalar(*_: Any) -> ArrayShape:
    """A number, whatever the argument is."""
    return ()


def number_of_square(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """A number of a square matrix."""
    return square(call.kind, shapes[0])[:0]


def same_of_square(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """A square matrix of a square one."""
    return square(call.kind, shapes[0])


def along_axis(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """The shape without an axis; a number where none is given."""
    (shape,), axis = shapes, call.value
    if axis is None:
        return ()
    if not -len(shape) <= axis < len(shape):
        refuse(f"{said(shape)} has no axis {axis}")
    return tuple(length for k, length in enumerate(shape) if k != axis % len(shape))


def same_along_axis(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """The same shape, of a matrix along an axis that has to be given."""
    if len(shapes[0]) != 1 and call.value is None:
        refuse(f"{call.kind} of {said(shapes[0])}",
               f"along which axis? {call.kind}(X, axis=1) is of every row")  # fmt: skip
    along_axis(call, shapes)
    return shapes[0]


def chain(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """A matrix product."""
    if len(shapes) == 2 and len(shapes[0]) == len(shapes[1]) == 1 and call.args[-1].kind == "T":
        refuse("x @ y.T of two vectors is their inner product in NumPy, and a matrix on paper",
               "write outer(x, y) or dot(x, y)")  # fmt: skip
    found = shapes[0]
    for other in shapes[1:]:
        found = product(found, other)
    return found


def stacked(_: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """Numbers as a vector, vectors as the rows of a matrix."""
    if any(shape != shapes[0] for shape in shapes) or len(shapes[0]) > 1:
        refuse("the entries of the array are of different shapes")
    return (len(shapes), *shapes[0])


def transposed(_: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """The lengths turned round."""
    return tuple(reversed(shapes[0]))


def diagonal(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """A matrix of a vector, a vector of a matrix."""
    (shape,) = shapes
    return (*shape, *shape) if len(shape) == 1 else square(call.kind, shape)[:1]


def of_pairs(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """A matrix of two vectors."""
    if len(shapes[0]) != 1 or len(shapes[1]) != 1:
        refuse(f"{call.kind} of {said(shapes[0])} and {said(shapes[1])}", "it takes two vectors")
    return (*shapes[0], *shapes[1])


def solution(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """That of A⁻¹b."""
    return product(square(call.kind, shapes[0]), shapes[1])


def of_lengths(call: Any, _: Sequence[ArrayShape]) -> ArrayShape:
    """The lengths that stand as arguments."""
    lengths: list[Length] = []
    for arg in call.args:
        if arg.kind == "number" and isinstance(arg.value, int) and 0 < arg.value < LARGEST_SIZE:
            lengths.append(arg.value)
        elif arg.kind == "name":
            lengths.append(str(arg.value))
        else:
            refuse(f"the size in {call.kind} is a plain integer from 1 to {LARGEST_SIZE - 1:,}")
    return _moderate(call, tuple(lengths))


def square_of_length(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """That of a square matrix, of which a side stands as an argument."""
    return _moderate(call, of_lengths(call, shapes) * 2)


def _moderate(call: Any, shape: ArrayShape) -> ArrayShape:
    """The shape of an array that a text makes, unless it is too large to be meant."""
    if prod(length for length in shape if isinstance(length, int)) > LARGEST_COUNT:
        refuse(f"{call.kind} of {said(shape)} has more than {LARGEST_COUNT:,} entries", "large arrays are data")
    return shape


def indexed(call: Any, shapes: Sequence[ArrayShape]) -> ArrayShape:
    """What an index with integers and slices leaves."""
    (shape,), keys = shapes, call.value
    if len(keys) > len(shape):
        refuse(f"{said(shape)} takes {len(shape)} ind{'ex' if len(shape) == 1 else 'ices'}, not {len(keys)}")
    found: list[Length] = []
    for length, key in zip(shape, keys, strict=False):
        if isinstance(key, int):
            if isinstance(length, int) and not -length <= key < length:
                refuse(f"index {key} is outside {said(shape)}", "counting starts at 0")
        elif isinstance(length, int):
            count = len(range(length)[slice(*key)])
            if not count:
                refuse(f"the slice holds nothing of {said(shape)}")
            found.append(count)
        elif key == (None, None):
            found.append(length)
        else:
            refuse(f"a slice of {said(shape)} has no known length", "give sizes as numbers")
    return (*found, *shape[len(keys) :])

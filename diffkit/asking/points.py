"""Points: numbers, lists, mappings, arrays and text become binary64 coordinates in the order of the variables."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain, product
from numbers import Complex, Real
from typing import Any, NamedTuple

from diffkit.asking.frames import Labelled, holds_many, labelled, records, split_top
from diffkit.core.errors import (
    DiffkitError,
    FileError,
    PointError,
    TracingError,
    VariableError,
    did_you_mean,
    listing,
    plural,
)
from diffkit.core.limits import CONSTANT_DIGITS
from diffkit.core.program import Named, run
from diffkit.core.records import Record
from diffkit.core.text import parse_program
from diffkit.core.text.names import first_meant, repeated
from diffkit.numbers.floats import to_float

_DECIMAL = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*\Z", re.ASCII)
_MOST_POINTS = 1_000_000


class Points(NamedTuple):
    """One point (``point``) or a batch: ``rows`` of shape (B, n) and the shape ``batch`` they stand for."""

    variables: tuple[str, ...]
    point: tuple[float, ...] | None
    rows: Any = None
    batch: tuple[int, ...] = ()

    @property
    def at(self) -> dict[str, Any]:
        """Coordinates by name: numbers, or arrays of the batch's shape."""
        if self.point is not None:
            return dict(zip(self.variables, self.point, strict=True))
        return {name: self.rows[:, i].reshape(self.batch) for i, name in enumerate(self.variables)}


def number(value: Any, name: str = "") -> float:
    """Give the binary64 nearest to a number or to text such as ``pi/4``; PointError unless finite and real."""
    label = f"{name} = " if name else ""
    shown = _shown(value)
    if type(value).__name__ in ("bool", "bool_"):
        raise PointError(f"{label}{shown} is a truth value, not a number")
    if isinstance(value, (bytes, bytearray)) or (isinstance(value, Complex) and not isinstance(value, Real)):
        raise PointError(f"{label}{shown} is not a real number")
    try:
        found = _text_number(value) if isinstance(value, str) else float(value)
    except TracingError:
        raise TracingError("the point of an inner derivative depends on the input of an outer one",
                           hint="take backend='auto' or 'finite' for the outer one") from None  # fmt: skip
    except DiffkitError as error:
        hint = "" if isinstance(error, VariableError) or "declare" in error.hint else error.hint
        raise PointError(f"{label}{shown} is not a number: {error.reason}", hint=hint) from None
    except (TypeError, ValueError, OverflowError):
        raise PointError(f"{label}{shown} is not a real number") from None
    if not math.isfinite(found):
        raise PointError(f"{label}{shown} is not a finite number")
    return found


def _shown(value: Any) -> str:
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # an integer too long for str
        return f"a huge {type(value).__name__}"
    return text if len(text) <= 40 else text[:39] + "…"


def _text_number(text: str) -> float:
    if _DECIMAL.match(text):
        return float(text)
    program = parse_program(text, ())
    constant = program.constant_at(program.outputs[0])
    if constant is not None and not isinstance(constant, Named):
        return to_float(constant)
    from diffkit.numbers.multiprecision import multiprecision

    return float(run(program, multiprecision(CONSTANT_DIGITS), ())[0])


def read_points(at: Any, variables: Sequence[str], *, elementwise: bool = False) -> Points:
    """Give the points meant by ``at`` for these variables; PointError if they do not fit.

    A number (one variable), a list or tuple (one point, or several where its entries are lists or arrays), a mapping
    of names to numbers or arrays, an array whose last axis runs over the variables, or text as after ``--at``. What has
    labels goes by them: a data frame or a structured array (a point in each row), a series, a named tuple, and lists
    of these and of mappings; or a PointsFile. With ``elementwise``, an array of any shape holds values of the only one.
    """
    names = tuple(variables)
    if isinstance(at, str):
        return read_text(at, names)
    if isinstance(at, PointsFile):
        return at.points(names)
    if (found := labelled(at) or records(at, names)) is not None:
        return _from_labels(found, names)
    if hasattr(at, "__array__") and hasattr(at, "shape") and at.shape != ():
        return _from_array(at, names, elementwise)
    if isinstance(at, (list, tuple)):
        return _from_list(at, names, elementwise)
    if isinstance(at, Iterable) and getattr(at, "shape", None) != ():
        raise PointError(f"a point is a list, a tuple, a mapping or an array, not a {type(at).__name__}")
    return _single([at], names)


def _from_list(at: Sequence[Any], names: tuple[str, ...], elementwise: bool) -> Points:
    """A list that holds an array gives a value for each variable; nested lists of numbers are one array."""
    if any(getattr(value, "shape", ()) != () for value in at) and len(at) == len(names):
        return _from_labels(Labelled(dict(zip(names, at, strict=True))), names)
    if not any(isinstance(value, (list, tuple)) for value in at):
        return _single(at, names)
    import numpy as np

    try:
        return _from_array(np.array(_numbers(at)), names, elementwise)
    except ValueError:
        raise PointError("the point is a ragged list") from None


def _numbers(value: Any) -> Any:
    """Nested lists of numbers."""
    return [_numbers(part) for part in value] if isinstance(value, (list, tuple)) else number(value)


def _single(values: Sequence[Any], names: tuple[str, ...]) -> Points:
    if len(values) != len(names):
        has = plural(len(values), "coordinate")
        raise PointError(f"the point has {has}, the expression has {plural(len(names), 'variable')}",
                         hint=f"in order: {listing(names)}" if names else "name them, such as x=1")  # fmt: skip
    return Points(names, tuple(number(v, n) for v, n in zip(values, names, strict=True)))


def check_names(given: Iterable[Any], names: tuple[str, ...], what: str = "point") -> None:
    """PointError unless names are given to exactly these variables."""
    known = dict.fromkeys(given)
    labels = [str(label)[:20] for label in known if not isinstance(label, str)]
    if labels:
        raise PointError(f"the {what} goes by names, and is labelled {', '.join(labels[:4])}",
                         hint=f"in order: {listing(names)}")  # fmt: skip
    wanted = set(names)
    for name in known:
        if name not in wanted:
            run, write = first_meant(names, known, names)
            hint = f"{run} is one variable; {write}" if run else did_you_mean(name, names)
            hint = hint or f"the variables are {listing(names)}"
            raise PointError(f"the {what} names an unknown variable {name[:64]}", hint=hint)
    missing = [name for name in names if name not in known]
    if missing:
        raise PointError(f"the {what} gives no value for {listing(missing)}")


def _from_labels(given: Labelled, names: tuple[str, ...]) -> Points:
    at = given.values
    check_names(at, names)
    if not (given.table or any(holds_many(at[name]) for name in names)):
        return Points(names, tuple(number(at[name], name) for name in names))
    import numpy as np

    _check_aligned(at)
    values = {n: number(at[n], n) if not (given.table or holds_many(at[n])) else at[n] for n in names}
    try:
        arrays = {name: column(value, name) if given.table else _plain_array(value) for name, value in values.items()}
    except ValueError:
        raise PointError("a coordinate is a ragged list") from None
    for name, array in arrays.items():
        _check_real(array, name)
    try:
        columns = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{n}: {a.shape}" for n, a in arrays.items())
        raise PointError(f"the arrays of the point do not broadcast ({shapes})") from None
    return _batch(np.stack(columns, axis=-1), names, columns[0].shape)


def _check_aligned(values: Mapping[Any, Any]) -> None:
    """PointError where series of pandas stand beside each other whose rows have different labels."""
    indices = {name: value.index for name, value in values.items() if hasattr(value, "iloc")}
    for name, index in list(indices.items())[1:]:
        first = next(iter(indices))
        if not index.equals(indices[first]):
            raise PointError(f"the rows of {first} and {name} have different labels",
                             hint="align them, or give arrays without labels")  # fmt: skip


def column(values: Any, name: str) -> Any:
    """A column of a table as an array of numbers, whatever holds them: text such as pi/4 and fractions, too."""
    import numpy as np

    array = _plain_array(values)
    if array.dtype.kind in "OUT":
        array = np.array([number(value, name) for value in array.tolist()])
    _check_real(array, name)
    return array


def _check_real(array: Any, name: str) -> None:
    """PointError unless an array holds integers or floats."""
    if array.dtype.kind not in "iuf":
        raise PointError(f"{name} is an array of {array.dtype}, which does not hold real numbers")


def _plain_array(value: Any) -> Any:
    import numpy as np

    if np.ma.isMaskedArray(value) and np.ma.is_masked(value):
        raise PointError("the points have masked values")
    return np.asarray(value)


def _from_array(at: Any, names: tuple[str, ...], elementwise: bool) -> Points:

    array = _plain_array(at)
    if elementwise and len(names) == 1:
        return _batch(array[..., None], names, array.shape)
    if array.shape[-1] != len(names):
        raise PointError(f"the last axis of the points has length {array.shape[-1]}, not {len(names)}",
                         hint=f"in order: {listing(names)}")  # fmt: skip
    return _batch(array, names, array.shape[:-1])


def _batch(array: Any, names: tuple[str, ...], shape: tuple[int, ...]) -> Points:
    import numpy as np

    if array.dtype.kind not in "iuf":
        raise PointError(f"an array of {array.dtype} does not hold real numbers")
    rows = np.ascontiguousarray(array, dtype=float).reshape(math.prod(shape), len(names))
    with np.errstate(all="ignore"):
        finite = np.isfinite(np.sum(rows)) or np.isfinite(rows).all()  # a sum is finite only where its terms are
    if not finite:
        raise PointError("the points hold NaN or infinity")
    return Points(names, None, rows, tuple(shape))


# Text: what stands after --at, and points files --------------------------------------------------------------------


def read_text(text: str, names: tuple[str, ...]) -> Points:
    """Read ``1``, ``1,2``, ``x=1,y=2``, ``pi/4`` or ranges ``x=-1:1:21``; several ranges span a grid."""
    if not text.strip():
        raise PointError("the point is empty", hint="write for example --at 1 or --at x=1,y=2")
    if "[" in text:
        raise PointError(f"the point {text[:40]!r} holds an array, and numbers are wanted here",
                         hint="numbers go as 1,2 or x=1,y=2")  # fmt: skip
    parts = split_top(text, ",")
    texts = _by_name(parts, names) if any("=" in part for part in parts) else parts
    if len(texts) != len(names):
        return _single(texts, names)
    axes = [_axis(value, name) for value, name in zip(texts, names, strict=True)]
    if all(isinstance(axis, float) for axis in axes):
        return Points(names, tuple(axes))  # type: ignore[arg-type]
    spans = [[axis] if isinstance(axis, float) else axis for axis in axes]
    if math.prod(map(len, spans)) > _MOST_POINTS:
        raise PointError(f"more than {_MOST_POINTS:,} points", hint="take fewer steps, or a points file in parts")
    import numpy as np

    shape = tuple(len(axis) for axis in axes if not isinstance(axis, float))
    return _batch(np.array(list(product(*spans))), names, shape)


def _by_name(parts: Sequence[str], names: tuple[str, ...]) -> list[str]:
    """The values of ``name=value`` in the order of the names."""
    named = [part.partition("=") for part in parts]
    if not all(sign for _, sign, _ in named):
        raise PointError("the point mixes named and unnamed coordinates", hint="write x=1,y=2 or 1,2")
    keys = [name.strip() for name, _, _ in named]
    if twice := repeated(keys):
        raise PointError(f"the point gives {twice[:64]} twice")
    values = dict(zip(keys, (value for _, _, value in named), strict=True))
    check_names(values, names)
    return [values[name] for name in names]


def _axis(text: str, name: str) -> float | list[float]:
    """One coordinate, or the values of a range ``first:last:count``."""
    parts = split_top(text, ":")
    if len(parts) == 1:
        return number(text.strip(), name)
    if len(parts) != 3 or not re.fullmatch(r"\s*\d{1,7}\s*", parts[2], re.ASCII) or int(parts[2]) < 2:
        raise PointError(
            f"{name} = {text[:40]!r} is not a range", hint="write first:last:count with count ≥ 2, such as -1:1:21"
        )
    count = int(parts[2])
    if count > _MOST_POINTS:
        raise PointError(f"more than {_MOST_POINTS:,} points")
    first, last = (_exact(part.strip(), name) for part in parts[:2])
    return [float(first + (last - first) * k / (count - 1)) for k in range(count)]  # each the nearest binary64


def _exact(text: str, name: str) -> Fraction:
    """A decimal as it is written, anything else as the binary64 nearest to it."""
    value = number(text, name)
    return Fraction(text) if _DECIMAL.match(text) else Fraction(value)


class PointsFile:
    """Points in files, read once the variables are known; ``name`` is what errors call them."""

    def __init__(self, name: str, records: Iterable[Record]):
        self.name = name
        self._coming = iter(records)
        self._first = next(self._coming, None)
        self._read: dict[tuple[str, ...], Points] = {}

    def points(self, names: tuple[str, ...]) -> Points:
        """Give the points; FileError names the line that is wrong."""
        if names not in self._read:
            if self._first is None:
                raise FileError(f"{self.name} holds no points")
            import numpy as np

            rows = [point_of(record, names) for record in chain([self._first], self._coming)]
            self._read[names] = _batch(np.array(rows, dtype=float), names, (len(rows),))
        return self._read[names]

    @property
    def names(self) -> tuple[str, ...]:
        """Names that values are given to: those of the header, or of the first object."""
        first = None if self._first is None else self._first.value
        return tuple(first) if isinstance(first, dict) else ()


def point_of(record: Record, names: tuple[str, ...]) -> list[float]:
    """Give the point that a record is, an object of names and numbers or a list; FileError names its line."""
    value = record.value
    try:
        if isinstance(value, list):
            if len(value) != len(names):
                raise PointError(f"{plural(len(value), 'number')} for {plural(len(names), 'variable')}")
            value = dict(zip(names, value, strict=True))
        if not isinstance(value, Mapping):
            raise PointError("neither an object of names and numbers nor a list of numbers")
        try:
            check_names(value, names)
        except DiffkitError as error:
            raise record.fault(error, in_head=True) from None
        return [number(value[n], n) for n in names]
    except FileError:
        raise
    except DiffkitError as error:
        raise record.fault(error) from None

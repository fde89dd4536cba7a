"""The array algebra: NumPy arrays, for batches of points and in Programs of arrays, and bounds on their rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation
from diffkit.core.program import Constant, Data, Shape
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.numbers.floats import FloatAlgebra, to_float


@cache
def array_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of arrays: NumPy's or SciPy's, imported when first used, or its definition in arrays."""
    form = primitive.array
    if form is None:
        return lambda *args: by_definition(primitive, ARRAYS, args)
    if isinstance(form, str):
        module, _, name = f"numpy.{form}".rpartition(".") if "." not in form else form.rpartition(".")
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found
    return partial(form, np)


class _ArrayAlgebra:
    """Binary64 arrays and numbers; run it under ``np.errstate(all="ignore")``."""

    def constant(self, value: Constant | Data) -> Any:
        """Give the nearest float; the array of data."""
        return value.array if isinstance(value, Data) else to_float(value)

    def apply(self, row: Primitive | ArrayOperation, args: Sequence[Any]) -> Any:
        """Give the value of a row or an operation at arrays."""
        return array_function(row)(*args) if isinstance(row, Primitive) else row.value(*args)

    # What sweeps over Programs of arrays ask for

    def data(self, array: Any) -> Any:
        """A constant array."""
        return array

    def zeros(self, shape: Shape) -> Any:
        """Zeros of a shape."""
        return np.zeros(shape)

    def shape(self, x: Any) -> Shape:
        """Lengths of the axes."""
        return np.shape(x)


class _CodeAlgebra(FloatAlgebra):
    """One number at a time, with SciPy's functions where code calls those: far out they differ from ``math``."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the form of a row that code calls."""
        form = primitive.array
        if isinstance(form, str) and "." in form:
            return float(array_function(primitive)(*args))
        return super().apply(primitive, args)


ARRAYS = _ArrayAlgebra()
CODE = _CodeAlgebra()

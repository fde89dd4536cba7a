"""The array algebra: NumPy arrays, elementwise, for batches of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from diffkit.core.program import Constant
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
    """Binary64 arrays of one shape (or scalars); run it under ``np.errstate(all="ignore")``."""

    def constant(self, value: Constant) -> float:
        """Give the nearest float."""
        return to_float(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the value of a row at arrays."""
        return array_function(primitive)(*args)


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

"""The array algebra: NumPy arrays, elementwise, for batches of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from diffkit.core.program import Constant
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.numbers.floats import FloatAlgebra, to_float


@cache
def array_form(primitive: Primitive) -> Callable[..., Any] | None:
    """Give the NumPy or SciPy function of a row, imported when first used."""
    form = primitive.array
    if form is None:
        return None
    if isinstance(form, str):
        module, _, name = f"numpy.{form}".rpartition(".") if "." not in form else form.rpartition(".")
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found
    return lambda *args: form(np, *args)


class ArrayAlgebra:
    """Binary64 arrays of one shape (or scalars); run it under ``np.errstate(all="ignore")``."""

    def constant(self, value: Constant) -> float:
        """Give the nearest float."""
        return to_float(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the array form of a row, or its definition in arrays."""
        form = array_form(primitive)
        return by_definition(primitive, self, args) if form is None else form(*args)


class CodeAlgebra(FloatAlgebra):
    """One number at a time, with SciPy's functions where code calls those: far out they differ from ``math``."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the form of a row that code calls."""
        form = primitive.array
        if isinstance(form, str) and "." in form:
            return float(array_form(primitive)(*args))  # type: ignore[misc]
        return super().apply(primitive, args)


ARRAYS = ArrayAlgebra()
CODE = CodeAlgebra()

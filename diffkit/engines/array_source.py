"""Programs of arrays as straight-line calls of NumPy, which do nothing but compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffkit.core.contractions import Contract
from diffkit.core.program import Emitted, Program
from diffkit.core.table import Primitive
from diffkit.numbers.arrays import ARRAYS, array_function


def compile_arrays(program: Program) -> Callable[..., list[Any]]:
    """Give the function of the inputs, arrays in their shapes; it is to be called under ``np.errstate``."""
    emitted = Emitted(program, _function, powers="*")
    return emitted.bind([ARRAYS.constant(c) for c in program.constants])


def _function(row: Any) -> Callable[..., Any]:
    """A row or an operation as a function of arrays."""
    if isinstance(row, Primitive):
        return array_function(row)
    return _matrix_product(row) if isinstance(row, Contract) else row.value


def _matrix_product(row: Contract) -> Callable[..., Any]:
    """A contraction as one product of matrices or vectors as they stand, where it is one."""
    left, right, out = row.left, row.right, row.out
    if len(left) in (1, 2) and len(right) in (1, 2) and left[-1] == right[0] and out == left[:-1] + right[1:]:
        return lambda a, b: a @ b
    if len(left) == 2 and len(right) == 1 and right == left[0] and out == left[1]:
        return lambda a, b: b @ a
    if len(left) == 1 and len(right) == 2 and left == right[1] and out == right[0]:
        return lambda a, b: b @ a
    return row.value

"""Patterns of sparse matrices as callers give them: which entries may not be zero."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from diffkit.core.errors import DiffkitError, plural

_PATTERNS = "a matrix of SciPy, an array of truths in the shape of the answer, or a list of pairs (row, column)"


def read_sparsity(given: Any, shape: tuple[int, ...], symmetric: bool) -> list[list[int]]:
    """Give for each row of a matrix the columns of its entries, in order; of a ``symmetric`` one both of each pair.

    A sparse matrix means its stored entries, an array those that are not 0. DiffkitError for anything else, for
    another shape, for entries outside, and for none.
    """
    rows, columns = _entries(given, shape)
    if symmetric:
        rows, columns = np.concatenate((rows, columns)), np.concatenate((columns, rows))
    if not len(rows):
        raise DiffkitError("sparsity names no entry", hint="give the entries that may not be 0")
    flat = np.unique(rows * shape[1] + columns)
    ends = np.searchsorted(flat, np.arange(1, shape[0]) * shape[1])
    return [part.tolist() for part in np.split(flat % shape[1], ends)]


def _entries(given: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Rows and columns of the entries."""
    if hasattr(given, "tocoo"):
        _check_shape(given, shape)
        found = given.tocoo()
        return found.row.astype(np.int64), found.col.astype(np.int64)
    if hasattr(given, "shape"):
        _check_shape(given, shape)
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            raise DiffkitError(f"sparsity is an array of {array.dtype}", hint=f"give {_PATTERNS}")
        found = np.nonzero(array)
        return found[0].astype(np.int64), found[1].astype(np.int64)
    return _pairs(given, shape)


def _check_shape(given: Any, shape: tuple[int, ...]) -> None:
    if tuple(given.shape) != shape:
        raise DiffkitError(f"sparsity has shape {tuple(given.shape)}, and the matrix {shape}",
                           hint="an array is not read as pairs: give a list of (row, column) for that")  # fmt: skip


def _pairs(given: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Pairs of a row and a column, counted from 0."""
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise DiffkitError(f"sparsity is not a {type(given).__name__}", hint=f"give {_PATTERNS}")
    try:
        found = np.array([(_whole(row), _whole(column)) for row, column in given], dtype=np.int64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        raise DiffkitError("sparsity is not a list of pairs of whole numbers", hint=f"give {_PATTERNS}") from None
    outside = np.flatnonzero((found < 0).any(axis=1) | (found >= np.array(shape)).any(axis=1))
    if len(outside):
        row, column = found[outside[0]].tolist()
        raise DiffkitError(f"sparsity names the entry ({row}, {column}), outside a matrix of shape {shape}",
                           hint=f"rows and columns count from 0; {plural(len(outside), 'pair')} outside")  # fmt: skip
    return found[:, 0], found[:, 1]


def _whole(number: Any) -> int:
    """A row or a column; TypeError for what is no whole number."""
    if isinstance(number, (bool, np.bool_)):
        raise TypeError(number)
    return index(number)

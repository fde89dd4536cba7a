"""Programs of arrays written out number by number, for what looks at single numbers: one-sided series, SymPy, blame.

Sums run from left to right, products of matrices likewise; determinants and inverses up to 4 × 4 are cofactors, and a
constant matrix is inverted in rational arithmetic, as a formula may not round. A sort of few entries is a network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation, Gather, Order, Put, Reshape, Scaled, Spread, Take, Total
from diffkit.core.builder import ProgramBuilder
from diffkit.core.contractions import Contract
from diffkit.core.deadline import in_time
from diffkit.core.errors import TracingError
from diffkit.core.folding import exact
from diffkit.core.matrix_operations import Adjugate, Cholesky, Determinant, LogDeterminant, Solve
from diffkit.core.program import Data, Program
from diffkit.core.table import ADD, DIV, MAX, MIN, MUL, NEG, SQRT, SUB, Primitive, table
from diffkit.numbers.floats import exact_inverse

SLOTS = 50_000
"""how long a written-out program may become"""
WRITTEN_OUT = 4
"""the largest matrix whose determinant is written out"""
RATIONAL = 48
"""the largest constant matrix that is inverted exactly: the fractions grow with its size"""
SORTED = 8
"""the longest sort that is written out"""


class WrittenNumbers:
    """The algebra of arrays of slots of numbers, emitted into a builder."""

    def __init__(self, builder: ProgramBuilder, slots: int = SLOTS):
        self.builder, self.slots = builder, slots
        self._known: dict[float, int] = {}

    def constant(self, value: Any) -> Any:
        """The slots of a constant."""
        if isinstance(value, Data):
            return self._each(self._number, value.array)
        return np.array(self.builder.constant(value), dtype=np.int64)

    def _number(self, value: float) -> int:
        slot = self._known.get(value)
        if slot is None:
            slot = self._known[value] = self.builder.constant(exact(Fraction(value)))
        return slot

    @staticmethod
    def _each(function: Any, values: Any) -> Any:
        return np.array([function(v) for v in values.ravel().tolist()], dtype=np.int64).reshape(values.shape)

    def emit(self, primitive: Primitive, *args: int) -> int:
        """Slot of a row; TracingError beyond the limit."""
        slot = self.builder.apply(primitive, args)
        if slot >= self.slots:
            raise TracingError(f"the function takes more than {self.slots:,} operations, and a formula of so many "
                               "numbers is not written out")  # fmt: skip
        return slot

    def apply(self, row: Primitive | ArrayOperation, args: Sequence[Any]) -> Any:
        """The slots of a row or an operation."""
        if isinstance(row, Primitive):
            return self.entrywise(row, *args)
        return WRITTEN_FORMS[type(row)](self, row, args)

    def entrywise(self, row: Primitive, *args: Any) -> Any:
        """A row for every entry."""
        wide = np.broadcast_arrays(*args)
        found = [self.emit(row, *each) for each in zip(*[w.ravel().tolist() for w in wide], strict=True)]
        return np.array(found, dtype=np.int64).reshape(wide[0].shape)

    # Operations -------------------------------------------------------------------------------------------------

    def gather(self, row: Gather, args: Sequence[Any]) -> Any:
        """Slots of the pool."""
        zero = [self.builder.constant(0)] if row.padded or not args else [0]
        return np.concatenate([zero, *map(np.ravel, args)])[row.indices.array]

    def total(self, row: Total, args: Sequence[Any]) -> Any:
        """Add from left to right."""
        return self.sums(args[0], row.axes)

    def sums(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Sums over axes, from left to right."""
        moved = np.moveaxis(x, axes, range(-len(axes), 0))
        kept = moved.shape[: moved.ndim - len(axes)]
        rows = moved.reshape(*kept, math.prod(moved.shape[moved.ndim - len(axes) :])) if axes else moved[..., None]
        zero = self.builder.constant(0)
        found = np.full(kept, zero, dtype=np.int64)
        for position in np.ndindex(*kept):
            found[position] = reduce(lambda a, b: self.emit(ADD, a, b), rows[position].tolist(), zero)
        return found

    def contract(self, row: Contract, args: Sequence[Any]) -> Any:
        """Multiply all pairs of entries, then add."""
        letters = row.out + "".join(dict.fromkeys(c for c in row.left + row.right if c not in row.out))
        wide = []
        for x, term in zip(args, (row.left, row.right), strict=True):
            moved = np.transpose(x, [term.index(c) for c in letters if c in term])
            lengths = iter(moved.shape)
            wide.append(moved.reshape([next(lengths) if c in term else 1 for c in letters]))
        products = self.entrywise(MUL, *wide)
        summed = tuple(range(len(row.out), len(letters)))
        return self.sums(products, summed) if summed else products

    def matmul(self, a: Any, b: Any) -> Any:
        """The product of two matrices."""
        return self.contract(Contract("ij", "jk", "ik"), [a, b])

    def take(self, row: Take, args: Sequence[Any]) -> Any:  # noqa: ARG002
        """Entries in an order: sorted, if it is their own."""
        x, order = args
        if not isinstance(order, _OrderOf) or not np.array_equal(order.entries, x):
            raise TracingError("entries taken in the order of others are not written out")
        n = x.shape[-1]
        if n > SORTED:
            raise TracingError(f"a sort of {n} entries is not written out: at most {SORTED} are")
        columns = [x[..., k] for k in range(n)]
        for turn in range(n):  # odd-even transposition sort
            for k in range(turn % 2, n - 1, 2):
                a, b = columns[k], columns[k + 1]
                columns[k], columns[k + 1] = self.entrywise(MIN, a, b), self.entrywise(MAX, a, b)
        return np.stack(columns, axis=-1) if columns else x

    # Matrices ---------------------------------------------------------------------------------------------------

    def stacked(self, row: ArrayOperation, function: Any, arrays: Sequence[Any]) -> Any:
        """A function of single matrices, for all of a stack."""
        found = np.empty(row.shape(*[a.shape for a in arrays]), dtype=np.int64)
        for position in np.ndindex(*arrays[0].shape[:-2]):
            found[position] = function(*[a[position] for a in arrays])
        return found

    def solve(self, row: Solve, args: Sequence[Any]) -> Any:
        """A⁻¹B."""
        return self.stacked(row, lambda a, b: self.matmul(self.inverse(a), b), args)

    def inverse(self, a: Any) -> Any:
        """The inverse in fractions if the matrix is constant, else by cofactors."""
        n = len(a)
        known = [self.builder.rational(slot) for slot in a.ravel().tolist()]
        if None not in known and n <= RATIONAL:
            found = exact_inverse([Fraction(v) for v in known if v is not None], n)
            if found is None:  # 1/0 has no value either
                one, zero = self.builder.constant(1), self.builder.constant(0)
                return np.full(a.shape, self.emit(DIV, one, zero), dtype=np.int64)
            return np.array([self.builder.constant(exact(v)) for v in found], dtype=np.int64).reshape(n, n)
        size = self.determinant(a)
        return np.array([[self.emit(DIV, c, size) for c in line] for line in self.adjugate(a)], np.int64).reshape(n, n)

    def determinant(self, a: Any) -> int:
        """By cofactors of the first row; TracingError for what is too large."""
        n = len(a)
        if n > WRITTEN_OUT:
            raise TracingError(f"a matrix of {n} × {n} is not written out: {WRITTEN_OUT} × {WRITTEN_OUT} are")
        if n == 0:
            return self.builder.constant(1)
        if n == 1:
            return int(a[0, 0])
        terms = [self.emit(MUL, int(a[0, j]), self.cofactor(a, 0, j)) for j in range(n)]
        return reduce(lambda x, y: self.emit(ADD, x, y), terms)

    def cofactor(self, a: Any, i: int, j: int) -> int:
        """The signed minor without row i and column j."""
        if len(a) == 1:
            return self.builder.constant(1)
        minor = self.determinant(np.delete(np.delete(a, i, 0), j, 1))
        return minor if (i + j) % 2 == 0 else self.emit(NEG, minor)

    def adjugate(self, a: Any) -> Any:
        """Cofactors, transposed."""
        n = len(a)
        return np.array([[self.cofactor(a, j, i) for j in range(n)] for i in range(n)], dtype=np.int64).reshape(n, n)

    def log_determinant(self, a: Any) -> int:
        """log‖A‖ = log(|A|²)/2."""
        size = self.determinant(a)
        half = self.builder.constant(Fraction(1, 2))
        return self.emit(MUL, half, self.emit(table.one(base="e"), self.emit(MUL, size, size)))

    def cholesky(self, a: Any) -> Any:
        """Cholesky–Banachiewicz, entry by entry."""
        low = np.full(a.shape, self.builder.constant(0), dtype=np.int64)
        for i in range(len(a)):
            for j in range(i + 1):
                rest = int(a[i, j])
                for k in range(j):
                    rest = self.emit(SUB, rest, self.emit(MUL, int(low[i, k]), int(low[j, k])))
                low[i, j] = self.emit(SQRT, rest) if i == j else self.emit(DIV, rest, int(low[j, j]))
        return low


class _OrderOf:
    """The order of some entries, which has no numbers."""

    def __init__(self, entries: Any):
        self.entries = entries


def _unknown(_: WrittenNumbers, row: ArrayOperation, __: Sequence[Any]) -> Any:
    raise TracingError(f"{row.name} is not written out")


WRITTEN_FORMS: dict[type, Any] = {
    Gather: WrittenNumbers.gather,
    Reshape: lambda _, row, args: np.reshape(args[0], row.new),
    Spread: lambda _, row, args: np.broadcast_to(args[0], row.new),
    Total: WrittenNumbers.total,
    Contract: WrittenNumbers.contract,
    Order: lambda _, __, args: _OrderOf(args[0]),
    Take: WrittenNumbers.take,
    Put: _unknown,
    Scaled: _unknown,
    Solve: WrittenNumbers.solve,
    Determinant: lambda numbers, row, args: numbers.stacked(row, numbers.determinant, args),
    LogDeterminant: lambda numbers, row, args: numbers.stacked(row, numbers.log_determinant, args),
    Adjugate: lambda numbers, row, args: numbers.stacked(row, numbers.adjugate, args),
    Cholesky: lambda numbers, row, args: numbers.stacked(row, numbers.cholesky, args),
}
"""how operations are written out"""


def scalarised(program: Program, names: Sequence[str], slots: int = SLOTS) -> Program:
    """Give the Program of numbers that a Program of arrays stands for: inputs and outputs entry by entry, in order.

    ``names`` are those of all entries of the inputs. TracingError where it would be longer than ``slots``, or an
    operation has no such form.
    """
    builder = ProgramBuilder(names)
    algebra = WrittenNumbers(builder, slots)
    lengths = program.lengths or ((),) * len(program.inputs)
    ends = list(accumulate(math.prod(shape) for shape in lengths))
    values: list[Any] = [
        np.arange(end - math.prod(shape), end, dtype=np.int64).reshape(shape)
        for end, shape in zip(ends, lengths, strict=True)
    ]
    values += map(algebra.constant, program.constants)
    for row, args in in_time(program.instructions):
        values.append(algebra.apply(row, [values[a] for a in args]))
    return builder.program([slot for o in program.outputs for slot in np.ravel(values[o]).tolist()], names)

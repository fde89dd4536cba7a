"""Programs of arrays in numbers of many digits: arrays of mpmath objects, and derivatives by differences of values."""

import math
from functools import cache

import mpmath
import numpy as np

from diffkit.core.array_operations import Gather, Order, Put, Reshape, Scaled, Spread, Take, Total
from diffkit.core.contractions import Contract
from diffkit.core.matrix_operations import Adjugate, Cholesky, Determinant, LogDeterminant, Solve
from diffkit.core.program import Data, run
from diffkit.core.table import Primitive
from diffkit.numbers.multiprecision import multiprecision


def boxed(shape, entries):
    """An array of objects."""
    found = np.empty(math.prod(shape), dtype=object)
    found[:] = entries
    return found.reshape(shape)


class ManyDigits:
    """The algebra of arrays of mpmath numbers; NaN where there is no value."""

    def __init__(self, digits):
        self.numbers = multiprecision(digits)
        self.context = self.numbers.context
        self.zero = self.context.mpf(0)

    def array(self, values):
        """Floats, exactly; mpmath numbers and truths as they are."""
        values = np.asarray(values)
        if values.dtype.kind == "b" or values.dtype.kind in "iu":
            return values.astype(object)
        return boxed(values.shape, [self.context.mpf(v) for v in values.ravel().tolist()])

    data = array

    def constant(self, value):
        return self.array(value.array) if isinstance(value, Data) else boxed((), [self.numbers.constant(value)])

    def zeros(self, shape):
        return boxed(shape, [self.zero] * math.prod(shape))

    def shape(self, x):
        return x.shape

    def apply(self, row, args):
        if isinstance(row, Primitive):
            found = np.frompyfunc(lambda *a: self.numbers.apply(row, a), len(args), 1)(*args)
        else:
            found = getattr(self, row.name)(row, *args)
        return found if isinstance(found, np.ndarray) else boxed((), [found])

    def gather(self, row, *args):
        return np.concatenate([boxed((1,), [self.zero]), *[a.ravel() for a in args]])[row.indices.array]

    def reshape(self, row, x):
        return x.reshape(row.new)

    def spread(self, row, x):
        return np.broadcast_to(x, row.new)

    def total(self, row, x):
        shape = row.shape(x.shape)
        kept = [k for k in range(x.ndim) if k not in row.axes]
        moved = np.transpose(x, [*kept, *row.axes]).reshape(math.prod(shape), -1 if 0 not in x.shape else 0)
        return boxed(shape, [sum(part.tolist(), self.zero) for part in moved])

    def contract(self, row, a, b):
        lengths = dict(zip(row.left + row.right, a.shape + b.shape, strict=True))
        letters = row.out + "".join(c for c in lengths if c not in row.out)
        found = self.zeros(tuple(lengths[c] for c in row.out))
        for position in np.ndindex(*[lengths[c] for c in letters]):
            at = dict(zip(letters, position, strict=True))
            term = a[tuple(at[c] for c in row.left)] * b[tuple(at[c] for c in row.right)]
            found[tuple(at[c] for c in row.out)] += term
        return found

    def order(self, _, x):
        found = np.empty(x.shape, dtype=np.int64)
        for position in np.ndindex(*x.shape[:-1]):
            line = x[position].tolist()
            found[position] = sorted(range(len(line)), key=line.__getitem__)
        return found

    def take(self, _, x, order):
        return np.take_along_axis(x, order, axis=-1)

    def put(self, _, x, order):
        found = np.empty(x.shape, dtype=object)
        np.put_along_axis(found, order, x, axis=-1)
        return found

    def scaled(self, _, a, b):
        return np.frompyfunc(lambda x, y: self.zero if x == 0 else x * y, 2, 1)(a, b)

    # Matrices ---------------------------------------------------------------------------------------------------

    def stacked(self, function, shape, *args):
        entries = []
        for position in np.ndindex(*args[0].shape[:-2]):
            entries += function(*[a[position] for a in args])
        return boxed(shape, entries)

    def solve(self, _, a, b):
        return self.stacked(self._solve, b.shape, a, b)

    def _solve(self, a, b):
        n, size = len(a), self.determinant_of(a)
        if size == 0:
            return [self.context.nan] * b.size
        inverse = boxed((n, n), self._adjugate(a)) / size if n else a
        places = np.ndindex(n, b.shape[1])
        return [sum((inverse[i, k] * b[k, j] for k in range(n)), self.zero) for i, j in places]

    def determinant_of(self, a):
        """By cofactors, without division."""
        if not len(a):
            return self.context.mpf(1)
        return sum(
            ((-1) ** j * a[0, j] * self.determinant_of(np.delete(a[1:], j, 1)) for j in range(len(a))), self.zero
        )

    def _adjugate(self, a):
        n = len(a)
        return [(-1) ** (i + j) * self.determinant_of(np.delete(np.delete(a, j, 0), i, 1))
                for i in range(n) for j in range(n)]  # fmt: skip

    def determinant(self, _, a):
        return self.stacked(lambda m: [self.determinant_of(m)], a.shape[:-2], a)

    def log_determinant(self, _, a):
        def log(m):
            size = abs(self.determinant_of(m))
            return [self.context.log(size) if self.context.isfinite(size) and size else self.context.nan]

        return self.stacked(log, a.shape[:-2], a)

    def adjugate(self, _, a):
        return self.stacked(self._adjugate, a.shape, a)

    def cholesky(self, _, a):
        return self.stacked(self._factor, a.shape, (a + np.swapaxes(a, -1, -2)) / self.context.mpf(2) if a.size else a)

    def _factor(self, a):
        n = len(a)
        low = self.zeros((n, n))
        for i in range(n):
            for j in range(i + 1):
                rest = a[i, j] - sum((low[i, k] * low[j, k] for k in range(j)), self.zero)
                if i == j:
                    low[i, j] = self.context.sqrt(rest) if rest >= 0 else self.context.nan
                else:
                    low[i, j] = rest / low[j, j] if low[j, j] != 0 else self.context.nan
        return low.ravel().tolist()


OPERATIONS = {Gather, Order, Put, Reshape, Scaled, Spread, Take, Total, Contract, Adjugate, Cholesky, Determinant,
              LogDeterminant, Solve}  # fmt: skip


@cache
def many_digits(digits):
    """The algebra of that many digits."""
    return ManyDigits(digits)


def value(program, inputs, digits=200):
    """The output's entries, flat."""
    algebra = many_digits(digits)
    return run(program, algebra, [algebra.array(x) for x in inputs])[0].ravel().tolist()


class Moved:
    """A program along a line through a point: the entries of its output."""

    def __init__(self, example, speeds, digits=400):
        self.program, self.algebra = example.program, many_digits(digits)
        self.start, self.speeds = ([self.algebra.array(x) for x in part] for part in (example.inputs, speeds))

    def at(self, step):
        """The entries at x + step·v."""
        step = self.algebra.context.mpf(step)
        inputs = [x + v * step if x.size else x for x, v in zip(self.start, self.speeds, strict=True)]
        inputs = [x if isinstance(x, np.ndarray) else boxed((), [x]) for x in inputs]
        return run(self.program, self.algebra, inputs)[0].ravel().tolist()

    def coefficients(self):
        """Those of t⁰, t¹, t², by differences with a step of 1e-100."""
        h = self.algebra.context.mpf(10) ** -100
        low, here, high = self.at(-h), self.at(0), self.at(h)
        both = list(zip(low, here, high, strict=True))
        return here, [(c - a) / (2 * h) for a, _, c in both], [(c - 2 * b + a) / (2 * h * h) for a, b, c in both]


def slopes(program, inputs, digits=500, step=-120):
    """The Jacobian's columns, by differences of values on both sides; None where these do not agree."""
    algebra = many_digits(digits)
    context = algebra.context
    at = [algebra.array(x) for x in inputs]
    here = run(program, algebra, at)[0].ravel().tolist()
    columns = []
    for k, x in enumerate(at):
        for position in np.ndindex(*x.shape):
            sides = []
            for sign in (1, -1):
                h = sign * context.mpf(10) ** step
                moved = x.copy()
                moved[position] = x[position] + h
                there = run(program, algebra, [*at[:k], moved, *at[k + 1 :]])[0].ravel().tolist()
                sides.append([(a - b) / h for a, b in zip(there, here, strict=True)])
            columns.append([_agreed(context, a, b, step) for a, b in zip(*sides, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)] if here else []


def _agreed(context, right, left, step):
    if not (context.isfinite(right) and context.isfinite(left)):
        return None
    small = context.mpf(10) ** (step // 2)
    if abs(right - left) > small * (1 + abs(right)):
        return None
    middle = (right + left) / 2
    return (
        middle if abs(middle) > context.mpf(10) ** (3 * step // 2) else context.mpf(0)
    )  # what is left is a step squared


def correctly_rounded(number, found):
    """Whether a binary64 is nearest to a number of many digits, or next to it where that is nearly a tie."""
    nearest = float(number)
    if found == nearest:
        return True
    return abs(mpmath.mpf(number) - mpmath.mpf(found)) <= mpmath.mpf(math.ulp(nearest)) * mpmath.mpf("0.500000000001")

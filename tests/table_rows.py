"""The rows of the table, their test points, and their values at 60 digits."""

from diffkit.core.table import table
from diffkit.numbers.multiprecision import multiprecision

ROWS = list(table)
MP = multiprecision(60)


def points(row):
    """The row's test points as tuples."""
    return [p if isinstance(p, tuple) else (p,) for p in row.points]


def at_mp(row, point):
    return MP.apply(row, [a if isinstance(a, bool) else MP.number(a) for a in point])

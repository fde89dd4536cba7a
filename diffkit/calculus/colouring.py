"""Colourings of sparse matrices: which columns of a Jacobian or a Hessian one product with a vector gives together.

Jacobian: columns of one colour have no entry in the same row (Curtis, Powell & Reid, 1974). Hessian: a star colouring,
neighbours differ and no path of four has two colours; then each entry can be read from a product by its row or by its
column (Coleman & Moré, 1984; Gebremedhin, Manne & Pothen, What color is your Jacobian?, SIAM Review 47 (2005)).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from diffkit.core.deadline import in_time

Rows = Sequence[Sequence[int]]
"""for each row the columns of its entries"""


def _transposed(rows: Rows, width: int) -> list[list[int]]:
    """For each column the rows of its entries."""
    found: list[list[int]] = [[] for _ in range(width)]
    for row, columns in enumerate(rows):
        for column in columns:
            found[column].append(row)
    return found


def column_colours(rows: Rows, width: int) -> list[int]:
    """Give a colour for each of so many columns, no two of one colour having an entry in the same row.

    They are taken in order, which is best for bands, and those with most entries first; the fewer colours win. Where a
    row is half full each column has a colour of its own.
    """
    if max(map(len, rows), default=0) > width // 2:
        return list(range(width))
    columns = _transposed(rows, width)
    return min((_grouped(columns, len(rows), order) for order in _orders(columns)), key=_largest)


def star_colours(rows: Rows) -> list[int]:
    """Give a star colouring of the rows of a symmetric matrix, in the better of the same two orders.

    Where half of the matrix is full each row has a colour of its own.
    """
    if sum(map(len, rows)) > len(rows) ** 2 // 2:
        return list(range(len(rows)))
    neighbours = [[other for other in row if other != vertex] for vertex, row in enumerate(rows)]
    return min((_Stars(neighbours).coloured(order) for order in _orders(neighbours)), key=_largest)


def _orders(entries: Rows) -> list[Sequence[int]]:
    """In order, and from the longest to the shortest."""
    order = range(len(entries))
    return [order, sorted(order, key=lambda k: -len(entries[k]))]


def _largest(colours: Sequence[int]) -> int:
    return max(colours, default=-1)


def _grouped(columns: Rows, height: int, order: Sequence[int]) -> list[int]:
    seen: list[set[int]] = [set() for _ in range(height)]  # colours that a row has already
    found = [0] * len(columns)
    for column in in_time(order):
        taken = set().union(*[seen[row] for row in columns[column]])
        found[column] = colour = _least_free(taken)
        for row in columns[column]:
            seen[row].add(colour)
    return found


def _least_free(taken: set[int]) -> int:
    return next(colour for colour in count() if colour not in taken)


class _Stars:
    """A star colouring that grows vertex by vertex.

    A colour c may not be given to v if a path of four of two colours arose: with v at an end, v–w–x–y, where x has the
    colour c and a second neighbour of w's colour; with v inside, w–v–w′–y, where two neighbours of v have one colour
    and one of them a neighbour of colour c.
    """

    def __init__(self, neighbours: Rows):
        self.neighbours = neighbours
        self.colours = [-1] * len(neighbours)
        self.around: list[dict[int, int]] = [{} for _ in neighbours]
        """of each vertex the colours of its neighbours, with one neighbour of each, or −1 where there are several"""
        self.closed: list[set[int]] = [set() for _ in neighbours]
        """of each vertex the colours of neighbours that have another neighbour of the vertex's colour"""

    def coloured(self, order: Sequence[int]) -> list[int]:
        """Colour all vertices, in an order."""
        for vertex in in_time(order):
            self._give(vertex, _least_free(self._taken(vertex)))
        return self.colours

    def _taken(self, vertex: int) -> set[int]:
        near = [w for w in self.neighbours[vertex] if self.colours[w] >= 0]
        taken = {self.colours[w] for w in near}
        alike = self.around[vertex]
        for w in near:
            taken |= self.closed[w]
            if alike[self.colours[w]] < 0:
                taken |= self.around[w].keys()
        return taken

    def _give(self, vertex: int, colour: int) -> None:
        self.colours[vertex] = colour
        for w in self.neighbours[vertex]:
            its, before = self.colours[w], self.around[w].get(colour)
            self.around[w][colour] = vertex if before is None else -1
            if its < 0:
                continue
            if before is not None:
                self.closed[vertex].add(its)
                if before >= 0:
                    self.closed[before].add(its)
            if self.around[vertex][its] < 0:
                self.closed[w].add(colour)

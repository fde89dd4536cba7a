"""Partials that are asked for: whole families of them, whose members are made when somebody looks at one.

A Jacobian of 2,048 × 2,048 asks for four million partials, and a method that answers with arrays needs to know no more
than that they are all of the first order.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any, NamedTuple, TypeVar, overload

from diffkit.core.program import Index

TO_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Item = TypeVar("Item")


class LazySequence(Sequence[Item]):
    """A sequence whose items are computed from their places; it equals every sequence of the same items."""

    @abstractmethod
    def item(self, place: int) -> Item:
        """Give the item at a place, 0 ≤ place < length."""

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, place: int | slice) -> Item | tuple[Item, ...]:
        found = range(len(self))[place]
        return tuple(map(self.item, found)) if isinstance(found, range) else self.item(found)

    def __iter__(self) -> Iterator[Item]:
        return map(self.item, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True, eq=False, repr=False)
class FirstPartials(LazySequence[Index]):
    """∂fₖ/∂xᵢ of all ``outputs`` k by all ``inputs`` i, row by row; each is differentiated by ``rest`` besides.

    Gradients, Jacobians and J·v have no ``rest``, in H·v it is the parameter of the direction. An answer in arrays
    has shape (len(outputs), len(inputs)), flattened.
    """

    outputs: range
    inputs: tuple[int, ...]
    rest: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.outputs) * len(self.inputs)

    def item(self, place: int) -> Index:
        """∂fₖ/∂xᵢ, of the place's row and column."""
        row, column = divmod(place, len(self.inputs))
        return self.outputs[row], (self.inputs[column], *self.rest)

    def __iter__(self) -> Iterator[Index]:
        inputs = [(i, *self.rest) for i in self.inputs]
        return ((k, index) for k in self.outputs for index in inputs)


@dataclass(frozen=True, eq=False, repr=False)
class SecondPartials(LazySequence[Index]):
    """∂²f/∂xᵢ∂xⱼ of the only output by all pairs of some ``inputs``, each pair once.

    They are the upper triangle of the Hessian, row by row: an answer in arrays is ``hessian[numpy.triu_indices(n)]``.
    """

    inputs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.inputs) * (len(self.inputs) + 1) // 2

    def item(self, place: int) -> Index:
        """The pair at a place; a row begins after the longer ones above it."""
        below = len(self) - 1 - place
        row = len(self.inputs) - 1 - (isqrt(8 * below + 1) - 1) // 2
        column = row + place - _before(row, len(self.inputs))
        return self._pair(row, column)

    def _pair(self, row: int, column: int) -> Index:
        i, j = self.inputs[row], self.inputs[column]
        return 0, (i, j) if i <= j else (j, i)

    def __iter__(self) -> Iterator[Index]:
        n = len(self.inputs)
        return (self._pair(row, column) for row in range(n) for column in range(row, n))


@dataclass(frozen=True, eq=False, repr=False)
class SymmetricPlaces(LazySequence[int]):
    """The place among ``SecondPartials`` of each entry of an n × n Hessian, row by row."""

    size: int

    def __len__(self) -> int:
        return self.size**2

    def item(self, place: int) -> int:
        """The place of a pair, whichever of the two stands first."""
        low, high = sorted(divmod(place, self.size))
        return _before(low, self.size) + high - low


@dataclass(frozen=True, eq=False, repr=False)
class PairIndices(LazySequence[Index]):
    """The index of each entry of a Hessian, row by row, as it is read: by the row's variable and the column's."""

    inputs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.inputs) ** 2

    def item(self, place: int) -> Index:
        """The pair of a row and a column."""
        row, column = divmod(place, len(self.inputs))
        return 0, (self.inputs[row], self.inputs[column])


@dataclass(frozen=True, eq=False, repr=False)
class PartialNames(LazySequence[str]):
    """Names of partials by some of the variables; ``several``: the functions are numbered."""

    variables: tuple[str, ...]
    indices: Sequence[Index]
    several: bool = False

    def __len__(self) -> int:
        return len(self.indices)

    def item(self, place: int) -> str:
        """The name of one."""
        output, index = self.indices[place]
        return partial_name(self.variables, index, f"f{output + 1}" if self.several else "f")


def _before(row: int, size: int) -> int:
    """How many entries the rows above one hold in an upper triangle."""
    return row * size - row * (row - 1) // 2


def partial_name(variables: Sequence[str], index: tuple[int, ...], f: str = "f") -> str:
    """Name a partial derivative: f, ∂f/∂x, ∂²f/∂x∂y, ∂³f/∂x³."""
    if not index:
        return f
    power = str(len(index)).translate(TO_SUPERSCRIPTS) if len(index) > 1 else ""
    below = ""
    for position in dict.fromkeys(index):
        count = index.count(position)
        below += f"∂{variables[position]}" + (str(count).translate(TO_SUPERSCRIPTS) if count > 1 else "")
    return f"∂{power}{f}/{below}"


def in_order(places: Sequence[int]) -> bool:
    """Whether each component is the partial of the same place."""
    return isinstance(places, range)


def arranged(table: Any, places: Sequence[int]) -> Any:
    """Components from rows of distinct partials (B, partials), as an array (B, components)."""
    import numpy as np

    if in_order(places):
        return table
    if not isinstance(places, SymmetricPlaces):
        return table.take(list(places), axis=1)
    rows, columns = np.triu_indices(places.size)
    if len(table) > 1:
        numbers = np.empty((places.size, places.size), dtype=np.intp)
        numbers[rows, columns] = numbers[columns, rows] = np.arange(len(rows))
        return table.take(numbers.ravel(), axis=1)
    found = np.empty((len(table), places.size, places.size))
    found[:, rows, columns] = found[:, columns, rows] = table
    return found.reshape(len(table), places.size**2)


class PartialGrid(NamedTuple):
    """Partials of ``outputs`` by ``variables``, row by row, and their places: a slice, or of one output an array."""

    outputs: Any
    variables: Any
    places: Any

    def fill(self, found: Any, table: Any, row: Any, column: Any) -> None:
        """Put its partials where they belong, from a table; row and column of an output and a variable, −1 for none."""
        here = column[self.variables] >= 0
        rows, columns = row[self.outputs], column[self.variables[here]]
        values = table[rows[:, None], columns]
        if isinstance(self.places, slice):
            found[self.places].reshape(len(rows), len(here))[:, here] = values
        else:
            found[self.places[here]] = values[0]


def grids(indices: Sequence[Index]) -> dict[tuple[int, ...] | None, list[PartialGrid]]:
    """Partials by the variables after the first, those of one output in a grid; values of f itself under None."""
    import numpy as np

    if isinstance(indices, FirstPartials):
        return {indices.rest: [PartialGrid(np.array(indices.outputs), np.array(indices.inputs), slice(None))]}
    members: dict[tuple[int, ...] | None, dict[int, list[tuple[int, int]]]] = {}
    for c, (output, index) in enumerate(indices):
        group = members.setdefault(index[1:] if index else None, {})
        group.setdefault(output, []).append((index[0] if index else 0, c))
    return {
        rest: [PartialGrid(np.array([output]), *np.array(mine).T) for output, mine in group.items()]
        for rest, group in members.items()
    }


def output_numbers(indices: Sequence[Index]) -> Any:
    """The output that each partial is of, as an array."""
    import numpy as np

    if isinstance(indices, FirstPartials):
        return np.repeat(indices.outputs, len(indices.inputs))
    return np.array([output for output, _ in indices], dtype=int)

"""Functions of whole arrays as instructions of a Program, as a text calls them: one of several functions of NumPy.

It runs on whatever those take. Run on arrays that are being recorded it becomes a Program in operations on arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffkit.core.program import Shape
from diffkit.core.table.array_table import ArrayRow


@dataclass(frozen=True)
class ArrayCall:
    """A function with its axis or index (``given``), and the lengths of an array that it makes of nothing else."""

    row: ArrayRow
    given: Any = None
    lengths: Shape = ()
    truth = steps = False

    @property
    def name(self) -> str:
        """What it is called."""
        return self.row.name

    def value(self, *args: Any) -> Any:
        """Its value at arrays of any kind."""
        return self.row.value_of(np, self.lengths or args, self.given)

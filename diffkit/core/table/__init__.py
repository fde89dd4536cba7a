"""The table of primitives: one row per elementary function, from which everything else is generated."""

from diffkit.core.table import operators, elementary, special  # noqa: F401, I001 in the order of the table
from diffkit.core.table.places import Place, PlaceKind, Rule, removable
from diffkit.core.table.primitive import Primitive, Table, table
from diffkit.core.table.ufuncs import FORMULAS

CONSTANTS = {"pi": "π, the circle's ratio", "e": "Euler's number exp(1); also written E"}
"""Named exact constants and what they are."""

__all__ = ["CONSTANTS", "FORMULAS", "Place", "PlaceKind", "Primitive", "Rule", "Table", "removable", "table"]

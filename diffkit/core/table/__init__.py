"""The table of primitives: one row per elementary function, from which everything else is generated."""

from diffkit.core.table import operators, elementary, special  # noqa: F401, I001 in the order of the table
from diffkit.core.table.places import Place, PlaceKind, Rule, removable
from diffkit.core.table.primitive import Primitive, Table, table

ADD, SUB, MUL, DIV, NEG, POWER = (table[name] for name in ("add", "sub", "mul", "div", "neg", "power"))
WHERE, MAX, MIN, NOT = table["where"], table["max"], table["min"], table["not_"]
LT, LE, GT, GE, EQ, NE = (table[name] for name in ("lt", "le", "gt", "ge", "eq", "ne"))

CONSTANTS = {"pi": "π, the circle's ratio", "e": "Euler's number exp(1); also written E"}
"""Named exact constants and what they are."""

__all__ = [
    "ADD",
    "CONSTANTS",
    "DIV",
    "EQ",
    "GE",
    "GT",
    "LE",
    "LT",
    "MAX",
    "MIN",
    "MUL",
    "NE",
    "NEG",
    "NOT",
    "POWER",
    "SUB",
    "WHERE",
    "Place",
    "PlaceKind",
    "Primitive",
    "Rule",
    "Table",
    "removable",
    "table",
]  # fmt: skip

"""The table of primitives: one row per elementary function, from which everything else is generated."""

from diffkit.core.table import operators, elementary, special  # noqa: F401, I001 in the order of the table
from diffkit.core.table.joined_rows import join_rows
from diffkit.core.table.places import Place, PlaceKind, Rule, removable
from diffkit.core.table.primitive import Primitive, PrimitiveTable, table

ADD, SUB, MUL, DIV, NEG, POWER = (table[name] for name in ("add", "sub", "mul", "div", "neg", "power"))
WHERE, MAX, MIN, NOT = table["where"], table["max"], table["min"], table["not_"]
LT, LE, GT, GE, EQ, NE = (table[name] for name in ("lt", "le", "gt", "ge", "eq", "ne"))
AND, OR = table["and_"], table["or_"]
ABS, EXP, SQRT = table["abs"], table["exp"], table["sqrt"]
SUM_ROWS, LINEAR_ROWS = (ADD, SUB), frozenset((ADD, SUB, NEG))
CHOOSING_ROWS = frozenset((WHERE, MAX, MIN))

CONSTANTS = {"pi": "π, the circle's ratio", "e": "Euler's number exp(1); also written E"}
"""Named exact constants and what they are."""

join_rows(frozenset(("E", *CONSTANTS)))

__all__ = [
    "ABS",
    "ADD",
    "AND",
    "CHOOSING_ROWS",
    "CONSTANTS",
    "DIV",
    "EQ",
    "EXP",
    "GE",
    "GT",
    "LE",
    "LINEAR_ROWS",
    "LT",
    "MAX",
    "MIN",
    "MUL",
    "NE",
    "NEG",
    "NOT",
    "OR",
    "POWER",
    "SQRT",
    "SUB",
    "SUM_ROWS",
    "WHERE",
    "Place",
    "PlaceKind",
    "Primitive",
    "PrimitiveTable",
    "Rule",
    "removable",
    "table",
]  # fmt: skip

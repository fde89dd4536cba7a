"""The table of functions of whole arrays; every function of the table of numbers works entry by entry besides."""

from diffkit.core.table import array_rows, matrix_rows  # noqa: F401 they fill the table
from diffkit.core.table.array_row import ArrayRow, array_table, no_formula
from diffkit.core.table.array_rows import ALL_ONES, ALL_ZEROS, AT_INDEX, EYE, LITERAL, OUTER, PRODUCT, SUM, TRANSPOSE
from diffkit.core.table.matrix_rows import DIAGONAL, INVERSE

MODULES = ("np", "numpy", "jnp", "torch", "tf", "scipy", "sp", "sympy", "math", "mpmath", "linalg", "special")
"""names before a dot that say nothing here"""

__all__ = [
    "ALL_ONES",
    "ALL_ZEROS",
    "AT_INDEX",
    "DIAGONAL",
    "EYE",
    "INVERSE",
    "LITERAL",
    "MODULES",
    "OUTER",
    "PRODUCT",
    "SUM",
    "TRANSPOSE",
    "ArrayRow",
    "array_table",
    "no_formula",
]

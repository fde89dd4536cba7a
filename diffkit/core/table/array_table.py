"""The table of functions of whole arrays; every function of the table of numbers works entry by entry besides."""

from diffkit.core.table import array_rows, matrix_rows  # noqa: F401 they fill the table
from diffkit.core.table.array_row import ArrayRow, array_table, no_formula
from diffkit.core.table.array_rows import EYE, INDEX, LITERAL, ONES, OUTER, PRODUCT, SUM, TRANSPOSE, ZEROS
from diffkit.core.table.matrix_rows import DIAGONAL, INVERSE

MODULES = ("np", "numpy", "jnp", "torch", "tf", "scipy", "sp", "sympy", "math", "mpmath", "linalg", "special")
"""names before a dot that say nothing here"""

__all__ = [
    "DIAGONAL",
    "EYE",
    "INDEX",
    "INVERSE",
    "LITERAL",
    "MODULES",
    "ONES",
    "OUTER",
    "PRODUCT",
    "SUM",
    "TRANSPOSE",
    "ZEROS",
    "ArrayRow",
    "array_table",
    "no_formula",
]

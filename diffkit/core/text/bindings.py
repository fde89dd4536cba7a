"""How tightly operators bind: the one table by which text is read, and text and LaTeX are written."""

from __future__ import annotations

from diffkit.core.table import ADD, AND, DIV, MUL, NEG, NOT, OR, POWER, SUB, table

OR_BINDING, AND_BINDING, NOT_BINDING, COMPARISON_BINDING, SUM_BINDING = range(1, 6)
PRODUCT_BINDING, SIGN_BINDING, POWER_BINDING, POSTFIX_BINDING, ATOM_BINDING = range(6, 11)
ROW_BINDING = {
    **{row: COMPARISON_BINDING for row in table if row.infix},
    OR: OR_BINDING, AND: AND_BINDING, NOT: NOT_BINDING, ADD: SUM_BINDING, SUB: SUM_BINDING, MUL: PRODUCT_BINDING,
    DIV: PRODUCT_BINDING, NEG: SIGN_BINDING, POWER: POWER_BINDING,
}  # fmt: skip
"""of the rows that are written with an operator"""
MATRIX_PRODUCT = "@"
BESIDE = "beside"
"""stands for the sign of a product without one"""
INFIX_ROWS = {row.infix: row for row in table if row.infix and len(row.arguments) == 2}
PREFIX_ROWS = {row.prefix or row.infix.strip(): row for row in table
               if row.prefix or (row.infix and len(row.arguments) == 1)}  # fmt: skip
INFIX_BINDING = {**{sign: ROW_BINDING[row] for sign, row in INFIX_ROWS.items()}, MATRIX_PRODUCT: PRODUCT_BINDING}
"""how tightly a sign between two operands binds them, from the left but for a power"""
PREFIX_BINDING = {sign: ROW_BINDING.get(row, ATOM_BINDING) for sign, row in PREFIX_ROWS.items()}

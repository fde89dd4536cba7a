"""What the values of recorded array code are called: their names in the code, otherwise what makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffkit.core.table import Primitive
from diffkit.judging.checking.repair.evidence import Records
from diffkit.judging.checking.repair.known_values import SLOPE, VALUE, Ref
from diffkit.ndarrays.record import Operation, Record

LONGEST = 40  # characters of an expression, before it is called by its shape
LINE = 90  # characters of a line of code


class Names:
    """Names of the values of a claim's record and of f's."""

    def __init__(self, records: Records):
        self.records = records

    def instruction(self, number: int, say: str, about: Sequence[Any]) -> str:
        """An instruction with the names of what it is about, and the line of the operation it changes.

        Empty where two things that it tells apart would read the same.
        """
        names = [self.of(what) for what in about]
        if len(set(names)) < len(names):
            names = [self.of(what, named=False) for what in about]
            if len(set(names)) < len(names):
                return ""
        line = self.records.claim.operations[number].line
        text = line.text if len(line.text) <= LINE else f"{line.text[: LINE - 1]}…"
        return say.format(*names) + (f", in line {line.line}: {text}" if text else "")

    def of(self, what: Any, named: bool = True) -> str:
        """The name of an operand of the claim, or of a Ref; how it is made, unless ``named``."""
        if not isinstance(what, Ref):
            return _said(self.records.claim, what, named=named)
        record = what.record(self.records)
        operation = record.operations[what.number]
        of_f = " of f" if what.model else ""
        if what.part == VALUE:
            return _said(record, what.number, named=named) + of_f
        if what.part == SLOPE:
            return f"the derivative of {operation.kind} at {_said(record, operation.operands[0])}"
        taken = _said(record, operation.operands[what.part])
        if not isinstance(operation.operands[what.part], int):
            return taken
        made = _made(record, operation, 2) or operation.kind
        return f"the {taken} that {made} takes in line {operation.line.line}{of_f}"


def _said(record: Record, operand: Any, depth: int = 2, named: bool = True) -> str:
    """A value in words of the code, no longer than reads well."""
    if not isinstance(operand, int):
        return _constant(record, operand)
    if operand in record.names and record.operations[operand].kind == "input" and not named:
        return f"the given {record.names[operand]}"
    if named and operand in record.names:
        return record.names[operand]
    operation = record.operations[operand]
    text = _made(record, operation, depth) if depth else ""
    if text and len(text) <= LONGEST:
        return text
    return f"the result of shape {operation.shape}" if operation.shape else "the result"


def _constant(record: Record, value: Any) -> str:
    """A constant by its name, its number or its shape."""
    if id(value) in record.constants:
        return record.constants[id(value)]
    return f"{float(value):g}" if np.ndim(value) == 0 else f"the constant of shape {np.shape(value)}"


def _made(record: Record, operation: Operation, depth: int) -> str:
    """An operation as code; empty where that says little."""
    parts = [_said(record, operand, depth - 1) for operand in operation.operands]
    row = operation.detail
    if operation.kind == "product":
        return " @ ".join(map(_tied, parts))
    if operation.kind == "sum":
        return f"sum({parts[0]})"
    if operation.kind == "gather":
        if len(parts) > 1:
            return ""
        whole = record.value(operation.operands[0])
        turned = np.ndim(whole) == 2 and np.array_equal(np.transpose(whole), operation.value)
        return f"{_tied(parts[0])}.T" if turned else f"{_tied(parts[0])}[…]"
    if isinstance(row, Primitive) and row.infix:
        return f" {row.infix.strip()} ".join(map(_tied, parts)) if len(parts) == 2 else f"{row.infix}{_tied(parts[0])}"
    return f"{operation.kind}({', '.join(parts)})"


def _tied(text: str) -> str:
    return f"({text})" if " " in text else text

"""Values that may belong somewhere in array code, of the claim, f and the slopes of its functions, and their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.rules import by_rule
from diffkit.core.table import NEG, Primitive
from diffkit.judging.repair.evidence import Records
from diffkit.ndarrays.record import Operation, Record
from diffkit.numbers.arrays import ARRAYS

_VALUE, _SLOPE = -1, -2
_FEW_RUNS = 4
"""runs of a place up to which each is also changed alone"""
_MOST_VALUES = 40
"""values of one shape that are tried"""

_Shape = tuple[int, ...]
Site = tuple[int, ...]
"""a place in the code: the numbers of the operations it was run as, several in a loop"""
_LONGEST_NAME = 40  # characters of an expression, before it is called by its shape
_LONGEST_CODE_LINE = 90  # characters of a line of code


class Ref(NamedTuple):
    """A value of an operation of the claim or of the ``model`` f.

    ``part`` is _VALUE, _SLOPE for y′ where the operation is y = row(x), or the number of an operand.
    """

    model: bool
    number: int
    part: int = _VALUE

    def record(self, records: Records) -> Record:
        """The record it stands in."""
        record = records.model if self.model else records.claim
        assert record is not None
        return record

    def operand(self, records: Records) -> Any:
        """What it is to an operation of the claim: the number of another one, or an array."""
        record = self.record(records)
        operation = record.operations[self.number]
        if self.part == _SLOPE:
            rule = operation.detail.partials[0]
            if rule is None:
                return np.zeros(operation.shape)
            return by_rule(rule, ARRAYS, [record.value(operation.operands[0]), operation.value])
        found = self.number if self.part == _VALUE else operation.operands[self.part]
        return found if not self.model else record.value(found)

    def value(self, records: Records) -> Any:
        """Its value at the point of the records."""
        return records.claim.value(self.operand(records))


def sites(record: Record) -> list[Site]:
    """The places of a record in the order of their last run: what a loop runs recurs on its line with one period.

    The first run may be short, where what it takes is constant still, so runs are counted from the last.
    """
    lines: dict[tuple[str, int], list[int]] = {}
    for number, operation in enumerate(record.operations):
        lines.setdefault(operation.place, []).append(number)
    found = []
    for numbers in lines.values():
        kinds = [(record.operations[k].kind, record.operations[k].shape) for k in numbers]
        count = len(kinds)
        period = next(p for p in range(1, count + 1) if kinds[p:] == kinds[:-p])
        found += [tuple(numbers[count - 1 - k :: -period][::-1]) for k in range(period)]
        if period < count and count // period <= _FEW_RUNS:  # it may be no loop
            found += [(k,) for k in numbers]
    return sorted(found, key=lambda site: site[-1])


class Pool:
    """The values by shape, of equal ones the first; those of loops besides, one for each run."""

    def __init__(self, records: Records):
        self.records = records
        self.before = _ancestors(records.claim)
        both = ((False, records.claim), (True, records.model))
        self.loops = [(m, s) for m, record in both if record is not None for s in sites(record) if len(s) > 1]
        repeated = {(model, k) for model, loop in self.loops if len(loop) > _FEW_RUNS for k in loop[:-1]}
        self.refs: dict[_Shape, list[Ref]] = {}
        seen: set[tuple[_Shape, bytes]] = set()
        for ref in sorted(_refs(records), key=self._rank):
            value = np.asarray(ref.value(records), dtype=float)
            key = (value.shape, value.tobytes())
            if key not in seen and (ref.model, ref.number) not in repeated and np.isfinite(value).all():
                seen.add(key)
                self.refs.setdefault(value.shape, []).append(ref)

    def _rank(self, ref: Ref) -> tuple[bool, bool, bool]:
        """Values of the claim first, then slopes; those with a name in the code before the others."""
        unnamed = ref.part != _VALUE or ref.number not in ref.record(self.records).names
        return ref.model and ref.part != _SLOPE, ref.part == _SLOPE, unnamed

    def fitting(self, site: Site, shapes: Sequence[_Shape]) -> Iterator[tuple[Ref, ...]]:
        """Values of some shapes for each run of a place, known before it runs or not made from it."""
        for shape in shapes:
            for ref in self.refs.get(shape, ())[:_MOST_VALUES]:
                if all(self._is_free(ref, number, site) for number in site):
                    yield (ref,) * len(site)
        for model, loop in self.loops:
            if len(loop) != len(site):
                continue
            first = Ref(model, loop[0]).record(self.records).operations[loop[0]]
            for part in (_VALUE, *range(len(first.operands)), *([_SLOPE] if _has_slope(first) else [])):
                for order in (loop, loop[::-1]):
                    refs = tuple(Ref(model, number, part) for number in order)
                    fits = np.shape(refs[0].value(self.records)) in shapes
                    if fits and all(self._is_free(ref, k, site) for ref, k in zip(refs, site, strict=True)):
                        yield refs

    def carried(self, site: Site) -> Iterator[tuple[Ref | None, ...]]:
        """What the run before left in a loop of the claim; nothing for the first."""
        shape = self.records.claim.operations[site[0]].shape
        for model, loop in self.loops:
            if not model and len(loop) == len(site) and self.records.claim.operations[loop[0]].shape == shape:
                refs = (None, *(Ref(False, number) for number in loop[:-1]))
                if all(ref is None or self._is_free(ref, k, site) for ref, k in zip(refs, site, strict=True)):
                    yield refs

    def _is_free(self, ref: Ref, k: int, site: Site) -> bool:
        """Whether a value can be used by operation k of a place."""
        found = ref.operand(self.records)
        if ref.model or not isinstance(found, int) or found < k:
            return True
        return not any(self.before[found] >> number & 1 for number in site)


def _has_slope(operation: Operation) -> bool:
    """Whether it is a function of one argument."""
    row = operation.detail
    return isinstance(row, Primitive) and len(row.arguments) == 1 and row is not NEG


def _refs(records: Records) -> Iterator[Ref]:
    """Everything that claim and f compute and take for constant, and the slopes of f's functions."""
    for model, record in ((False, records.claim), (True, records.model)):
        for number, operation in enumerate(record.operations if record is not None else ()):
            yield Ref(model, number)
            yield from (Ref(model, number, k) for k, o in enumerate(operation.operands) if not isinstance(o, int))
            if model and _has_slope(operation):
                yield Ref(model, number, _SLOPE)


def _ancestors(record: Record) -> list[int]:
    """Of each operation, the bits of those it comes from and its own."""
    found: list[int] = []
    for number, operation in enumerate(record.operations):
        bits = 1 << number
        for operand in operation.operands:
            bits |= found[operand] if isinstance(operand, int) else 0
        found.append(bits)
    return found


class CodeNames:
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
        text = line.text if len(line.text) <= _LONGEST_CODE_LINE else f"{line.text[: _LONGEST_CODE_LINE - 1]}…"
        return say.format(*names) + (f", in line {line.line}: {text}" if text else "")

    def of(self, what: Any, named: bool = True) -> str:
        """The name of an operand of the claim, or of a Ref; how it is made, unless ``named``."""
        if not isinstance(what, Ref):
            return _said(self.records.claim, what, named=named)
        record = what.record(self.records)
        operation = record.operations[what.number]
        of_f = " of f" if what.model else ""
        if what.part == _VALUE:
            return _said(record, what.number, named=named) + of_f
        if what.part == _SLOPE:
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
    if text and len(text) <= _LONGEST_NAME:
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

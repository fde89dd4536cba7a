"""Values that may belong somewhere in array code, of the claim, f and the slopes of its functions, and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.array_operations import Gather, Total
from diffkit.core.contractions import Contract
from diffkit.core.program import Shape
from diffkit.core.rules import by_rule
from diffkit.core.table import NEG, Primitive
from diffkit.judging.repair.code_record import CodeRecord
from diffkit.numbers.arrays import ARRAYS

_VALUE, SLOPE = -1, -2
_FEW_RUNS = 4
"""runs of a place up to which each is also changed alone"""
_MOST_VALUES = 40
"""values of one shape that are tried"""

Site = tuple[int, ...]
"""a place in the code: the slots of the operations it was run as, several in a loop"""
_LONGEST_NAME = 40  # characters of an expression, before it is called by its shape
LONGEST_CODE_LINE = 90  # characters of a line of code


class Ref(NamedTuple):
    """A value in a record, of the claim or of f.

    ``part`` is _VALUE for that of a slot, SLOPE for y′ where the slot is y = row(x), or the number of an argument.
    """

    number: int
    part: int = _VALUE

    def slot(self, record: CodeRecord) -> int | None:
        """The slot that holds it; None for a slope."""
        if self.part == SLOPE:
            return None
        return self.number if self.part == _VALUE else record.args(self.number)[self.part]

    def given(self, record: CodeRecord, algebra: Any, value: Callable[[int], Any]) -> Any:
        """What it is in an algebra, from what is there in other slots."""
        slot = self.slot(record)
        if slot is not None:
            return value(slot)
        rule = record.row(self.number).partials[0]
        if rule is None:
            return algebra.zeros(record.shape(self.number))
        return by_rule(rule, algebra, [value(record.args(self.number)[0]), value(self.number)])

    def value(self, record: CodeRecord) -> Any:
        """Its value at the point of the record."""
        return self.given(record, ARRAYS, record.values.__getitem__)


def sites(record: CodeRecord, slots: range) -> list[Site]:
    """The places of claim or f in the order of their last run: what a loop runs recurs on its line with one period.

    The first run may be short, where what it takes is constant still, so runs are counted from the last.
    """
    lines: dict[tuple[str, int], list[int]] = {}
    for slot in slots:
        lines.setdefault(record.place(slot), []).append(slot)
    found = []
    for numbers in lines.values():
        kinds = [(record.row(k).name, record.shape(k)) for k in numbers]
        count = len(kinds)
        period = next(p for p in range(1, count + 1) if kinds[p:] == kinds[:-p])
        found += [tuple(numbers[count - 1 - k :: -period][::-1]) for k in range(period)]
        if period < count and count // period <= _FEW_RUNS:  # it may be no loop
            found += [(k,) for k in numbers]
    return sorted(found, key=lambda site: site[-1])


class Pool:
    """The values by shape, of equal ones the first; those of loops besides, one for each run."""

    def __init__(self, record: CodeRecord):
        self.record = record
        self.before = record.ancestors()
        self.loops = [site for slots in (record.claim, record.model) for site in sites(record, slots) if len(site) > 1]
        repeated = {k for loop in self.loops if len(loop) > _FEW_RUNS for k in loop[:-1]}
        self.refs: dict[Shape, list[Ref]] = {}
        seen: set[tuple[Shape, bytes]] = set()
        for ref in sorted(_refs(record), key=self._rank):
            value = np.asarray(ref.value(record), dtype=float)
            key = (value.shape, value.tobytes())
            if key not in seen and ref.number not in repeated and np.isfinite(value).all():
                seen.add(key)
                self.refs.setdefault(value.shape, []).append(ref)

    def _rank(self, ref: Ref) -> tuple[bool, bool, bool]:
        """Values of the claim first, then slopes; those with a name in the code before the others."""
        model = ref.number in self.record.model
        unnamed = ref.part != _VALUE or ref.number not in self.record.names
        return model and ref.part != SLOPE, ref.part == SLOPE, unnamed

    def fitting(self, site: Site, shapes: Sequence[Shape]) -> Iterator[tuple[Ref, ...]]:
        """Values of some shapes for each run of a place, known before it runs or not made from it."""
        for shape in shapes:
            for ref in self.refs.get(shape, ())[:_MOST_VALUES]:
                if all(self._is_free(ref, k, site) for k in site):
                    yield (ref,) * len(site)
        for loop in self.loops:
            if len(loop) != len(site):
                continue
            slope = [SLOPE] if _has_slope(self.record, loop[0]) else []
            for part in (_VALUE, *range(len(self.record.args(loop[0]))), *slope):
                for order in (loop, loop[::-1]):
                    refs = tuple(Ref(number, part) for number in order)
                    fits = np.shape(refs[0].value(self.record)) in shapes
                    if fits and all(self._is_free(ref, k, site) for ref, k in zip(refs, site, strict=True)):
                        yield refs

    def carried(self, site: Site) -> Iterator[tuple[Ref | None, ...]]:
        """What the run before left in a loop of the claim; nothing for the first."""
        shape = self.record.shape(site[0])
        for loop in self.loops:
            if loop[0] in self.record.claim and len(loop) == len(site) and self.record.shape(loop[0]) == shape:
                refs = (None, *map(Ref, loop[:-1]))
                if all(ref is None or self._is_free(ref, k, site) for ref, k in zip(refs, site, strict=True)):
                    yield refs

    def _is_free(self, ref: Ref, k: int, site: Site) -> bool:
        """Whether a value can be used by operation k of a place."""
        slot = ref.slot(self.record)
        if slot is None or slot < k or slot in self.record.model:
            return True
        return not any(self.before[slot] >> number & 1 for number in site)


def _has_slope(record: CodeRecord, slot: int) -> bool:
    """Whether it is a function of one argument."""
    row = record.row(slot)
    return isinstance(row, Primitive) and len(row.arguments) == 1 and row is not NEG


def _refs(record: CodeRecord) -> Iterator[Ref]:
    """Everything that claim and f compute and take for constant, and the slopes of f's functions."""
    yield from map(Ref, range(len(record.program.inputs)))
    for slot in (*record.claim, *record.model):
        if record.row(slot).truth:
            yield from (Ref(slot, k) for k, arg in enumerate(record.args(slot)) if record.shape(arg))
            continue
        yield Ref(slot)
        yield from (Ref(slot, k) for k, arg in enumerate(record.args(slot)) if record.is_constant(arg))
        if slot in record.model and _has_slope(record, slot):
            yield Ref(slot, SLOPE)


class CodeNames:
    """Names of the values in a record."""

    def __init__(self, record: CodeRecord):
        self.record = record

    def instruction(self, slot: int, say: str, about: Sequence[Any], lines: Sequence[str] | None = None) -> str:
        """An instruction with the names of what it is about, and the line of the operation it changes.

        ``lines`` are that line before and after, where that is known. Empty where two things that it tells apart would
        read the same.
        """
        names = [self.of(what) for what in about]
        if len(set(names)) < len(names):
            names = [self.of(what, named=False) for what in about]
            if len(set(names)) < len(names):
                return ""
        line = self.record.lines[slot]
        text = " → ".join(cut_line(text) for text in lines or (line.text,))
        return say.format(*names) + (f", in line {line.line}: {text}" if text else "")

    def of(self, what: int | Ref, named: bool = True) -> str:
        """The name of a slot or of a Ref; how it is made, unless ``named``."""
        if not isinstance(what, Ref):
            return self._said(what, named=named)
        record, number = self.record, what.number
        of_f = " of f" if number in record.model else ""
        if what.part == _VALUE:
            return self._said(number, named=named) + of_f
        if what.part == SLOPE:
            return f"the derivative of {record.row(number).name} at {self._said(record.args(number)[0])}"
        slot = record.args(number)[what.part]
        if record.is_constant(slot):
            return self._said(slot)
        made = self._made(number, 2) or record.row(number).name
        return f"the {self._said(slot)} that {made} takes in line {record.lines[number].line}{of_f}"

    def _said(self, slot: int, depth: int = 2, named: bool = True) -> str:
        """A value in words of the code, no longer than reads well."""
        record = self.record
        if record.is_constant(slot):
            return self._constant(slot)
        name = record.names.get(slot)
        if slot < len(record.program.inputs):
            name = name or record.program.inputs[slot]
            return name if named else f"the given {name}"
        if named and name is not None:
            return name
        text = self._made(slot, depth) if depth else ""
        if text and len(text) <= _LONGEST_NAME:
            return text
        return f"the result of shape {record.shape(slot)}" if record.shape(slot) else "the result"

    def _constant(self, slot: int) -> str:
        """A constant by its name, its number or its shape."""
        shape = self.record.shape(slot)
        known = f"the constant of shape {shape}" if shape else f"{float(self.record.values[slot]):g}"
        return self.record.names.get(slot, known)

    def _made(self, slot: int, depth: int) -> str:
        """An operation as code; empty where that says little."""
        record, row = self.record, self.record.row(slot)
        parts = [self._said(arg, depth - 1) for arg in record.args(slot)]
        if isinstance(row, Contract):
            return " @ ".join(map(_tied, parts))
        if isinstance(row, Total):
            return f"sum({parts[0]})"
        if isinstance(row, Gather):
            if len(parts) > 1:
                return ""
            whole = record.values[record.args(slot)[0]]
            turned = np.ndim(whole) == 2 and np.array_equal(np.transpose(whole), record.values[slot])
            return f"{_tied(parts[0])}.T" if turned else f"{_tied(parts[0])}[…]"
        if isinstance(row, Primitive) and row.infix:
            infix = row.infix.strip()
            return f" {infix} ".join(map(_tied, parts)) if len(parts) == 2 else f"{row.infix}{_tied(parts[0])}"
        return f"{row.name}({', '.join(parts)})"


def cut_line(text: str) -> str:
    """A line of code, cut where it is long."""
    return text if len(text) <= LONGEST_CODE_LINE else f"{text[: LONGEST_CODE_LINE - 1]}…"


def _tied(text: str) -> str:
    return f"({text})" if " " in text else text

"""Terms of a sum one after the other in a loop: coordinates are read where they stand, partials added where they go.

Variables of terms, and entries that they contribute to, are evenly spaced; so nothing is gathered. The last term comes
first, as in reverse accumulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from diffkit.engines import Unsuited
from diffkit.engines.llvm_modules import Module, joined, write_code
from diffkit.engines.llvm_writer import Writer
from diffkit.engines.lowering import Lowered


class Spacing(NamedTuple):
    """Places of the terms: that of the first, and how much further that of the next one is."""

    first: int
    step: int


def terms_module(
    lowered: Lowered, variables: Sequence[Spacing], targets: Sequence[tuple[int, Spacing]], count: int
) -> Module:
    """``@terms(x, out)`` adds to ``out`` the values of so many terms at x; whether all of them are ordinary.

    A target is a value of ``lowered`` and where it goes. Unsuited where functions of the C library are wanted, which
    batches compute side by side.
    """
    writer = Writer()
    writer.block = "block"
    inputs = [writer.value(f"load double, ptr {_place(writer, '%x', spacing)}") for spacing in variables]
    evaluated = write_code(lowered, writer, inputs)
    if writer.called or writer.is_split:
        raise Unsuited("the terms are more than some operations")
    for number, spacing in targets:
        place = _place(writer, "%out", spacing)
        before = f"%{writer.name()}"
        writer.line(f"{before} = load double, ptr {place}")
        total = f"%{writer.name()}"
        writer.line(f"{total} = fadd double {before}, {evaluated.values[number]}")
        writer.line(f"store double {total}, ptr {place}")
    text = [
        "define i64 @terms(ptr noalias %x, ptr noalias %out) nounwind {",
        "entry:",
        "br label %block",
        "block:",
        f"%i = phi i64 [ {count - 1}, %entry ], [ %next, %{writer.block} ]",
        f"%before = phi i1 [ true, %entry ], [ %after, %{writer.block} ]",
        *writer.lines,
        f"%after = and i1 %before, {evaluated.ordinary}",
        "%next = sub i64 %i, 1",
        "%done = icmp eq i64 %i, 0",
        "br i1 %done, label %end, label %block",
        "end:",
        "%answer = zext i1 %after to i64",
        "ret i64 %answer",
        "}",
    ]
    return joined(writer, ["\n".join(text)])


def _place(writer: Writer, pointer: str, spacing: Spacing) -> str:
    """Where the number of term %i stands."""
    further = writer.value(f"mul i64 %i, {spacing.step}")
    place = writer.value(f"add i64 {further}, {spacing.first}")
    return writer.value(f"getelementptr double, ptr {pointer}, i64 {place}")

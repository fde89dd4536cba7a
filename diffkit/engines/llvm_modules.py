"""Modules in LLVM's intermediate language: lowered code for batches of rows, and the parts of those for one point.

Whatever is outside is called by way of ``@outside``, a table of addresses that is filled in when the code is loaded:
so object code holds no address, and may be kept. No text of a user gets into a module, only numbers and operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from diffkit.core.program import run_slots
from diffkit.engines.exact_products import LARGEST_FACTOR, SMALLEST_FACTOR, factors_to_watch
from diffkit.engines.llvm_columns import load_columns, store_columns
from diffkit.engines.llvm_writer import Condition, Writer, ordinary, tame
from diffkit.engines.lowering import Lowered


class Module(NamedTuple):
    """The text of a module and what stands in its table of addresses."""

    text: str
    outside: tuple[str, ...]


class Evaluated(NamedTuple):
    """Names of the values, and of whether the point is ordinary."""

    values: list[str]
    ordinary: Condition


def write_code(lowered: Lowered, writer: Writer, inputs: Sequence[str]) -> Evaluated:
    """Write lowered code at inputs, which must be finite too."""
    program = lowered.program
    slots = run_slots(program, writer, inputs)
    ends = [slots[slot] for slot in program.outputs[: lowered.values + lowered.finite]]
    zero = writer.number(0.0)
    kept = [writer.compare("ogt" if edge else "one", slots[slot], zero) for slot, edge in lowered.margins]
    kept += [tame(writer, slots[slot], SMALLEST_FACTOR, LARGEST_FACTOR) for slot in factors_to_watch(program)]
    finite = () if lowered.bounded else (*inputs, *ends)
    return Evaluated(ends[: lowered.values], ordinary(writer, finite, kept))


def _lane_function(name: str, count: int, number: int, lanes: int) -> str:
    """A function of the C library at each lane of vectors."""
    kind = "double" if lanes == 1 else f"<{lanes} x double>"
    arguments = [f"%x{k}" for k in range(count)]
    given = ", ".join(f"{kind} {x}" for x in arguments)
    called = ", ".join(f"double %e{k}" for k in range(count))
    head = [
        f"define internal {kind} @each.{name}({given}) noinline nounwind {{",
        "entry:",
        f"%place = getelementptr ptr, ptr @outside, i64 {number}",
        "%function = load ptr, ptr %place",
    ]
    if lanes == 1:
        plain = ", ".join(f"double {x}" for x in arguments)
        return "\n".join([*head, f"%y = tail call double %function({plain})", "ret double %y", "}"])
    rooms = [f"%room{k} = alloca {kind}" for k in range(count + 1)]
    stored = [f"store {kind} {x}, ptr %room{k}" for k, x in enumerate(arguments)]
    loaded = []
    for k in range(count):
        loaded += [f"%p{k} = getelementptr double, ptr %room{k}, i64 %i", f"%e{k} = load double, ptr %p{k}"]
    return "\n".join([
        *head, *rooms, *stored, "br label %each",
        "each:", "%i = phi i64 [ 0, %entry ], [ %next, %each ]", *loaded,
        f"%y = call double %function({called})",
        f"%py = getelementptr double, ptr %room{count}, i64 %i", "store double %y, ptr %py",
        "%next = add i64 %i, 1", f"%done = icmp eq i64 %next, {lanes}", "br i1 %done, label %end, label %each",
        "end:", f"%found = load {kind}, ptr %room{count}", f"ret {kind} %found", "}",
    ])  # fmt: skip


def joined(writer: Writer, functions: Sequence[str], first: Sequence[str] = ()) -> Module:
    """Join functions with what they need; ``first`` are the first places of the table of addresses."""
    outside = (*first, *sorted(writer.called))
    lanes = [
        _lane_function(name, writer.called[name], number, writer.lanes)
        for number, name in enumerate(outside)
        if name in writer.called
    ]
    table = f"@outside = global [{max(len(outside), 1)} x ptr] zeroinitializer"
    unlikely = '!0 = !{!"branch_weights", i32 1, i32 100000}'
    return Module("\n".join([table, *sorted(writer.declared), *lanes, *functions, unlikely, ""]), outside)


# Batches ------------------------------------------------------------------------------------------------------------


def batch_module(lowered: Lowered, writer: Writer) -> Module:
    """``@batch(points, values, flags, rows)``: whether some row is not ordinary, which ``flags`` then tells.

    Rows are taken by blocks of as many as there are lanes, of which there must be one; the last block may overlap.
    """
    lanes, flags = writer.lanes, f"<{writer.lanes} x i8>"
    width, count = len(lowered.program.inputs), lowered.values
    writer.block = "block"
    start = writer.value(_place("%points", "%i", width))
    evaluated = write_code(lowered, writer, load_columns(writer, start, width))
    if count:
        store_columns(writer, writer.value(_place("%values", "%i", count)), evaluated.values)
    bytes_ = writer.value(f"zext {writer.vector('i1')} {evaluated.ordinary} to {flags}")
    writer.line(f"store {flags} {bytes_}, ptr {writer.value('getelementptr i8, ptr %flags, i64 %i')}, align 1")
    mask = f"i{lanes}"
    kept = writer.value(f"bitcast {writer.vector('i1')} {evaluated.ordinary} to {mask}")
    text = [
        "define i64 @batch(ptr noalias %points, ptr noalias %values, ptr noalias %flags, i64 %rows) nounwind {",
        "entry:",
        "%never = icmp eq ptr %points, null",
        f"%last = sub i64 %rows, {lanes}",
        "br label %block",
        "block:",
        f"%i = phi i64 [ 0, %entry ], [ %next, %{writer.block} ]",
        f"%before = phi {mask} [ -1, %entry ], [ %after, %{writer.block} ]",
        *writer.lines,
        f"%after = and {mask} %before, {kept}",
        f"%step = add i64 %i, {lanes}",
        "%over = icmp sgt i64 %step, %last",
        "%next = select i1 %over, i64 %last, i64 %step",
        "%done = icmp eq i64 %i, %last",
        "br i1 %done, label %end, label %block",
        "end:",
        f"%some = icmp ne {mask} %after, -1",
        "%told = zext i1 %some to i64",
        "ret i64 %told",
        *(["stop:", "ret i64 1"] if writer.is_split else ()),
        "}",
    ]
    return joined(writer, ["\n".join(text)])


def _place(pointer: str, row: str, columns: int) -> str:
    return f"getelementptr [{columns} x double], ptr {pointer}, i64 {row}"

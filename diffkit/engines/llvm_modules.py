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


def _mending_function(name: str, number: int, lanes: int) -> str:
    """A function of the C library in the lanes of which ``mask`` has a bit, and what was found in the others."""
    kind = f"<{lanes} x double>"
    return f"""define internal {kind} @mend.{name}({kind} %x, {kind} %found, i64 %mask) noinline nounwind {{
entry:
%place = getelementptr ptr, ptr @outside, i64 {number}
%function = load ptr, ptr %place
%room = alloca {kind}
%answers = alloca {kind}
store {kind} %x, ptr %room
store {kind} %found, ptr %answers
br label %each
each:
%left = phi i64 [ %mask, %entry ], [ %rest, %each ]
%lane = call i64 @llvm.cttz.i64(i64 %left, i1 true)
%place.x = getelementptr double, ptr %room, i64 %lane
%one = load double, ptr %place.x
%y = call double %function(double %one)
%place.y = getelementptr double, ptr %answers, i64 %lane
store double %y, ptr %place.y
%less = sub i64 %left, 1
%rest = and i64 %left, %less
%done = icmp eq i64 %rest, 0
br i1 %done, label %end, label %each
end:
%mended = load {kind}, ptr %answers
ret {kind} %mended
}}"""


def joined(writer: Writer, functions: Sequence[str], first: Sequence[str] = ()) -> Module:
    """Join functions with what they need; ``first`` are the first places of the table of addresses."""
    outside = (*first, *sorted({*writer.called, *writer.mended}))
    lanes = ["declare i64 @llvm.cttz.i64(i64, i1)"] if writer.mended else []
    for number, name in enumerate(outside):
        if name in writer.called:
            lanes.append(_lane_function(name, writer.called[name], number, writer.lanes))
        if name in writer.mended:
            lanes.append(_mending_function(name, number, writer.lanes))
    table = f"@outside = global [{max(len(outside), 1)} x ptr] zeroinitializer"
    unlikely = '!0 = !{!"branch_weights", i32 1, i32 100000}'
    return Module("\n".join([table, *sorted(writer.declared), *lanes, *functions, unlikely, ""]), outside)


# Batches ------------------------------------------------------------------------------------------------------------


def batch_module(lowered: Lowered, writers: Sequence[Writer]) -> Module:
    """``@batch(points, values, flags, rows)``: whether some row is not ordinary, which ``flags`` then tells.

    Rows are taken by blocks of as many as there are lanes, of which there must be one; the last block may overlap. If
    the first of two writers is hasty, blocks in which it was mistaken are done again by the second: a loop without any
    call keeps its values in registers.
    """
    writer, lanes = writers[0], writers[0].lanes
    mask, width, count = f"i{lanes}", len(lowered.program.inputs), lowered.values
    writer.block = "block"
    kept = _write_rows(lowered, writer)
    again = []
    if writer.mistakes:
        strange = writer.value(f"bitcast {writer.vector('i1')} {writer.any(writer.mistakes)} to {mask}")
        some = writer.value(f"icmp ne {mask} {strange}, 0")
        again = _again(lowered, writers[1])
        writer.lines += [f"br i1 {some}, label %again, label %settled, !prof !0", "again:",
                         f"%anew = call {mask} @rows(ptr %from, ptr %to, ptr %told)", "br label %settled"]  # fmt: skip
        before = writer.block
        writer.begin("settled")
        kept = writer.value(f"phi {mask} [ {kept}, %{before} ], [ %anew, %again ]")
    text = [
        "define i64 @batch(ptr noalias %points, ptr noalias %values, ptr noalias %flags, i64 %rows) nounwind {",
        "entry:",
        "%never = icmp eq ptr %points, null",
        f"%last = sub i64 %rows, {lanes}",
        "br label %block",
        "block:",
        f"%i = phi i64 [ 0, %entry ], [ %next, %{writer.block} ]",
        f"%before = phi {mask} [ -1, %entry ], [ %after, %{writer.block} ]",
        f"%from = {_place('%points', '%i', width)}",
        f"%to = {_place('%values', '%i', count)}",
        "%told = getelementptr i8, ptr %flags, i64 %i",
        *writer.lines,
        f"%after = and {mask} %before, {kept}",
        f"%step = add i64 %i, {lanes}",
        "%over = icmp sgt i64 %step, %last",
        "%next = select i1 %over, i64 %last, i64 %step",
        "%done = icmp eq i64 %i, %last",
        "br i1 %done, label %end, label %block",
        "end:",
        f"%some = icmp ne {mask} %after, -1",
        "%answer = zext i1 %some to i64",
        "ret i64 %answer",
        *(["stop:", "ret i64 1"] if writer.is_split else ()),
        "}",
    ]
    return joined(writers[1] if again else writer, [*again, "\n".join(text)])


def _again(lowered: Lowered, writer: Writer) -> list[str]:
    """``@rows``, a block of rows by itself."""
    kept = _write_rows(lowered, writer)
    mask = f"i{writer.lanes}"
    head = [f"define internal {mask} @rows(ptr %from, ptr %to, ptr %told) noinline nounwind {{", "entry:",
            "%never = icmp eq ptr %from, null"]  # fmt: skip
    stop = ["stop:", f"ret {mask} 0"] if writer.is_split else []
    return ["\n".join([*head, *writer.lines, f"ret {mask} {kept}", *stop, "}"])]


def _write_rows(lowered: Lowered, writer: Writer) -> str:
    """Write what a block of rows takes; give the mask of those that are ordinary."""
    flags = f"<{writer.lanes} x i8>"
    evaluated = write_code(lowered, writer, load_columns(writer, "%from", len(lowered.program.inputs)))
    if evaluated.values:
        store_columns(writer, "%to", evaluated.values)
    bytes_ = writer.value(f"zext {writer.vector('i1')} {evaluated.ordinary} to {flags}")
    writer.line(f"store {flags} {bytes_}, ptr %told, align 1")
    return writer.value(f"bitcast {writer.vector('i1')} {evaluated.ordinary} to i{writer.lanes}")


def _place(pointer: str, row: str, columns: int) -> str:
    return f"getelementptr [{columns} x double], ptr {pointer}, i64 {row}"

"""One point at a time, called by CPython itself: code that takes and gives its objects.

A function of CPython with the calling convention METH_FASTCALL costs what ``math.hypot`` costs to call, a tenth of what
a foreign function does. Fields of objects are read at the places of the C headers of CPython and NumPy. There is one
module of such functions for all programs: what a function is of stands in its ``self``, a tuple of a ``record``
(the address of @evaluate, how many coordinates and values there are, the shape), of what keeps the code, and of what is
called for anything that is not taken.
"""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Sequence
from functools import cache
from string import Template
from typing import Any

from diffkit.engines.llvm_call_texts import CALL_TEXTS
from diffkit.engines.llvm_modules import Module, joined, write_code
from diffkit.engines.llvm_writer import Writer
from diffkit.engines.lowering import Lowered

POINTER = struct.calcsize("P")
_CPYTHON = (
    "PyFloat_AsDouble", "PyErr_Occurred", "PyErr_Format", "PyTuple_New", "PyFloat_FromDouble", "Py_NewRef", "Py_DecRef",
    "PyObject_Vectorcall", "PyArray_New", "float", "tuple", "TypeError", "None", "out", "ndarray", "float64",
)  # fmt: skip
_HEADER = object.__basicsize__
_WRITABLE = 0x501  # the same, and writable
_FIELD_PLACES = {
    "header": _HEADER,
    "type_place": _HEADER - POINTER,  # the last of what every object begins with
    "float_place": float.__basicsize__ - struct.calcsize("d"),
    "size_place": _HEADER,
    "items_place": tuple.__basicsize__,
    "third_place": tuple.__basicsize__ + 2 * POINTER,
    "bytes_place": bytes.__basicsize__ - 1,
    # PyArrayObject_fields of NumPy's C interface, after the header
    "data_place": 0,
    "ndim_place": 8,
    "shape_place": 16,
    "dtype_place": 40,
    "flags_place": 48,
    "readable": 0x101,  # C-contiguous and aligned
    "writable": _WRITABLE,
}


def record(evaluate: int, count: int, shape: Sequence[int], arrays: bool) -> bytes:
    """What a function is of, as its code reads it: the shape is that of the array of values.

    ``arrays`` says whether an array with one axis is a point.
    """
    return struct.pack(f"Pqqqq{len(shape)}q", evaluate, count, math.prod(shape), len(shape), arrays, *shape)


def point_module(lowered: Lowered) -> Module:
    """``@evaluate(x, y)`` writes the values at x to y where the point is ordinary, and gives whether it is."""
    writer, count = Writer(), len(lowered.program.inputs)
    inputs = [writer.value(f"load double, ptr {writer.value(_place('%x', k))}") for k in range(count)]
    evaluated = write_code(lowered, writer, inputs)
    writer.line(f"br i1 {evaluated.ordinary}, label %write, label %stop")
    writer.line("write:")
    for k, value in enumerate(evaluated.values):
        writer.line(f"store double {value}, ptr {writer.value(_place('%y', k))}")
    head = ["define zeroext i1 @evaluate(ptr %x, ptr %y) nounwind {", "entry:", "%never = icmp eq ptr %x, null"]
    return joined(writer, ["\n".join([*head, *writer.lines, "ret i1 true", "stop:", "ret i1 false", "}"])])


def copy_module(count: int) -> Module:
    """``@evaluate(x, y)`` that copies so many numbers."""
    text = f"""define zeroext i1 @evaluate(ptr %x, ptr %y) nounwind {{
entry:
br label %copy
copy:
%i = phi i64 [ 0, %entry ], [ %next, %copy ]
%from = getelementptr double, ptr %x, i64 %i
%to = getelementptr double, ptr %y, i64 %i
%value = load double, ptr %from
store double %value, ptr %to
%next = add i64 %i, 1
%all = icmp eq i64 %next, {count}
br i1 %all, label %end, label %copy
end:
ret i1 true
}}"""
    return joined(Writer(), [text])


def _place(pointer: str, index: int) -> str:
    return f"getelementptr double, ptr {pointer}, i64 {index}"


def fields_stand_there() -> bool:
    """Whether objects of this CPython and this NumPy have their fields where the code will read them."""
    import numpy as np

    def word(thing: object, place: str, kind: Any = ctypes.c_void_p) -> Any:
        return kind.from_address(id(thing) + _FIELD_PLACES[place]).value

    def array_word(place: str, kind: Any = ctypes.c_void_p) -> Any:
        return kind.from_address(id(array) + _HEADER + _FIELD_PLACES[place]).value

    number, items, text, array = 1.5, (1.5, "x"), b"ab", np.ones((3, 5))
    plain = (
        all(word(thing, "type_place") == id(type(thing)) for thing in (number, items, text, array))
        and word(number, "float_place", ctypes.c_double) == number
        and (word(items, "size_place", ctypes.c_ssize_t), word(items, "items_place")) == (2, id(items[0]))
        and word(text, "bytes_place", ctypes.c_char) == text[:1]
    )
    return (
        plain
        and array_word("data_place") == array.ctypes.data
        and array_word("ndim_place", ctypes.c_int) == array.ndim
        and array_word("dtype_place") == id(array.dtype)
        and array_word("flags_place", ctypes.c_int) == array.flags.num
        and array_word("flags_place", ctypes.c_int) & _WRITABLE == _WRITABLE
        and tuple((ctypes.c_ssize_t * 2).from_address(array_word("shape_place"))) == array.shape
    )


@cache
def calls_module() -> Module:
    """Functions of CPython. ``@values`` of the coordinates gives the tuple of values, or None where it is not ordinary.

    ``@call`` of a tuple of floats, or of a contiguous array of float64 with one axis, and maybe of an array to write
    to, gives the array of the values; for anything else, and where the point is not ordinary, it passes on what it was
    given.
    """
    told: dict[str, object] = dict(_FIELD_PLACES)
    for number, name in enumerate(_CPYTHON):
        told[f"load_{name}"] = (
            f"%at.{name} = getelementptr ptr, ptr @outside, i64 {number}\n%{name} = load ptr, ptr %at.{name}"
        )
    return joined(Writer(), [Template("\n\n".join(CALL_TEXTS)).substitute(told)], _CPYTHON)

"""One point at a time, called by CPython itself: code that takes and gives its objects.

A function of CPython with the calling convention METH_FASTCALL costs what ``math.hypot`` costs to call, a tenth of what
a foreign function does. Fields of objects are read at the places of the C headers of CPython and NumPy. There is one
module of such functions for all programs: what a function is of stands in its ``self``, a tuple of a ``record``
(the address of @evaluate, and how many coordinates and values there are) and of what keeps the code.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from string import Template
from typing import Any

from diffkit.engines.llvm_modules import Module, joined, write_code
from diffkit.engines.llvm_writer import Writer
from diffkit.engines.lowering import Lowered

POINTER = struct.calcsize("P")
_CPYTHON = (
    "PyFloat_AsDouble", "PyErr_Occurred", "PyErr_Format", "PyTuple_New", "PyFloat_FromDouble", "Py_NewRef",
    "Py_DecRef", "float", "TypeError", "None", "True", "False", "ndarray", "float64",
)  # fmt: skip
_HEADER = object.__basicsize__
_WRITABLE = 0x501  # the same, and writable
_FIELD_PLACES = {
    "header": _HEADER,
    "type_place": _HEADER - POINTER,  # the last of what every object begins with
    "float_place": float.__basicsize__ - struct.calcsize("d"),
    "items_place": tuple.__basicsize__,
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


def record(evaluate: int, count: int, values: int) -> bytes:
    """What a function is of, as its code reads it."""
    return struct.pack("Pqq", evaluate, count, values)


def point_module(lowered: Lowered) -> Module:
    """``@evaluate(x, y)`` writes the values at x to y, and gives whether the point is ordinary."""
    writer, count = Writer(), len(lowered.program.inputs)
    inputs = [writer.value(f"load double, ptr {writer.value(_place('%x', k))}") for k in range(count)]
    evaluated = write_code(lowered, writer, inputs)
    for k, value in enumerate(evaluated.values):
        writer.line(f"store double {value}, ptr {writer.value(_place('%y', k))}")
    head = "define zeroext i1 @evaluate(ptr %x, ptr %y) nounwind {\nentry:"
    return joined(writer, ["\n".join([head, *writer.lines, f"ret i1 {evaluated.ordinary}", "}"])])


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
        and word(items, "items_place") == id(items[0])
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
    """Functions of CPython; a point that is not ordinary, or where nothing is compiled for, gives None.

    ``@values`` of the coordinates gives the tuple of values; ``@write`` of an array to write to and of coordinates that
    are floats gives True, if the array is contiguous and of float64; so does ``@into`` of two such arrays.
    """
    told: dict[str, object] = dict(_FIELD_PLACES)
    for number, name in enumerate(_CPYTHON):
        told[f"load_{name}"] = (
            f"%at.{name} = getelementptr ptr, ptr @outside, i64 {number}\n%{name} = load ptr, ptr %at.{name}"
        )
    return joined(Writer(), [Template("\n\n".join(_ALL_TEXTS)).substitute(told)], _CPYTHON)


_RECORD_TEXT = """%self.items = getelementptr i8, ptr %self, i64 $items_place
%record.object = load ptr, ptr %self.items
%record = getelementptr i8, ptr %record.object, i64 $bytes_place
%evaluate = load ptr, ptr %record
%place.count = getelementptr i64, ptr %record, i64 1
%count = load i64, ptr %place.count
%place.values = getelementptr i64, ptr %record, i64 2
%values = load i64, ptr %place.values"""

# Whether all coordinates are floats, written to %x: 1, 0 if some are not, -1 where an error is raised. With %any they
# may be whatever can be made a float.
_READ_TEXT = """define internal i64 @read(ptr %args, i64 %count, ptr %x, i1 %any) nounwind {
entry:
${load_float}
%none = icmp eq i64 %count, 0
br i1 %none, label %good, label %read
read:
%i = phi i64 [ 0, %entry ], [ %next, %known ]
%place = getelementptr ptr, ptr %args, i64 %i
%argument = load ptr, ptr %place
%place.type = getelementptr i8, ptr %argument, i64 $type_place
%type = load ptr, ptr %place.type
%exact = icmp eq ptr %type, %float
br i1 %exact, label %plain, label %other
plain:
%place.value = getelementptr i8, ptr %argument, i64 $float_place
%value = load double, ptr %place.value
br label %known
other:
br i1 %any, label %convert, label %bad
convert:
${load_PyFloat_AsDouble}
%converted = call double %PyFloat_AsDouble(ptr %argument)
%odd = fcmp oeq double %converted, -1.0
br i1 %odd, label %doubt, label %known
doubt:
${load_PyErr_Occurred}
%raised = call ptr %PyErr_Occurred()
%fine = icmp eq ptr %raised, null
br i1 %fine, label %known, label %fail
known:
%number = phi double [ %value, %plain ], [ %converted, %convert ], [ %converted, %doubt ]
%place.number = getelementptr double, ptr %x, i64 %i
store double %number, ptr %place.number
%next = add i64 %i, 1
%all = icmp eq i64 %next, %count
br i1 %all, label %good, label %read
good:
ret i64 1
bad:
ret i64 0
fail:
ret i64 -1
}"""

_TUPLE_TEXT = """define internal ptr @tuple(ptr %y, i64 %values) nounwind {
entry:
${load_PyTuple_New}
${load_PyFloat_FromDouble}
%tuple = call ptr %PyTuple_New(i64 %values)
%missing = icmp eq ptr %tuple, null
%none = icmp eq i64 %values, 0
%early = or i1 %missing, %none
br i1 %early, label %done, label %fill
fill:
%k = phi i64 [ 0, %entry ], [ %more, %filled ]
%place.y = getelementptr double, ptr %y, i64 %k
%found = load double, ptr %place.y
%object = call ptr %PyFloat_FromDouble(double %found)
%empty = icmp eq ptr %object, null
br i1 %empty, label %drop, label %filled
filled:
%items = getelementptr i8, ptr %tuple, i64 $items_place
%item = getelementptr ptr, ptr %items, i64 %k
store ptr %object, ptr %item
%more = add i64 %k, 1
%full = icmp eq i64 %more, %values
br i1 %full, label %done, label %fill
done:
ret ptr %tuple
drop:
${load_Py_DecRef}
call void %Py_DecRef(ptr %tuple)
ret ptr null
}"""

# The place of an array's numbers; null where it is none of %count float64, or %wanted flags are not set.
_DATA_TEXT = """define internal ptr @data(ptr %array, i64 %count, i32 %wanted) nounwind {
entry:
${load_ndarray}
%place.type = getelementptr i8, ptr %array, i64 $type_place
%type = load ptr, ptr %place.type
%fields = getelementptr i8, ptr %array, i64 $header
%same = icmp eq ptr %type, %ndarray
br i1 %same, label %look, label %no
look:
${load_float64}
%place.dtype = getelementptr i8, ptr %fields, i64 $dtype_place
%dtype = load ptr, ptr %place.dtype
%doubles = icmp eq ptr %dtype, %float64
%place.flags = getelementptr i8, ptr %fields, i64 $flags_place
%flags = load i32, ptr %place.flags
%masked = and i32 %flags, %wanted
%usable = icmp eq i32 %masked, %wanted
%place.ndim = getelementptr i8, ptr %fields, i64 $ndim_place
%ndim32 = load i32, ptr %place.ndim
%ndim = sext i32 %ndim32 to i64
%place.shape = getelementptr i8, ptr %fields, i64 $shape_place
%shape = load ptr, ptr %place.shape
%right = and i1 %doubles, %usable
br i1 %right, label %sizes, label %no
sizes:
%axis = phi i64 [ 0, %look ], [ %next, %size ]
%product = phi i64 [ 1, %look ], [ %longer, %size ]
%all = icmp eq i64 %axis, %ndim
br i1 %all, label %sized, label %size
size:
%place.length = getelementptr i64, ptr %shape, i64 %axis
%length = load i64, ptr %place.length
%longer = mul i64 %product, %length
%next = add i64 %axis, 1
br label %sizes
sized:
%fits = icmp eq i64 %product, %count
br i1 %fits, label %yes, label %no
yes:
%place.data = getelementptr i8, ptr %fields, i64 $data_place
%data = load ptr, ptr %place.data
ret ptr %data
no:
ret ptr null
}"""

_ANSWERS_TEXT = """define internal ptr @nothing() nounwind {
entry:
${load_Py_NewRef}
${load_None}
%none = call ptr %Py_NewRef(ptr %None)
ret ptr %none
}
define internal ptr @yes() nounwind {
entry:
${load_Py_NewRef}
${load_True}
%true = call ptr %Py_NewRef(ptr %True)
ret ptr %true
}
define internal ptr @misfit(i64 %count, i64 %given) nounwind {
entry:
${load_PyErr_Format}
${load_TypeError}
%none = call ptr (ptr, ptr, ...) %PyErr_Format(ptr %TypeError, ptr @message, i64 %count, i64 %given)
ret ptr null
}
@message = private constant [52 x i8] c"the function takes %zd arguments, and was given %zd\\00"
"""

_VALUES_TEXT = f"""define ptr @values(ptr %self, ptr %args, i64 %given) nounwind {{
entry:
{_RECORD_TEXT}
%x = alloca double, i64 %count
%y = alloca double, i64 %values
%fits = icmp eq i64 %given, %count
br i1 %fits, label %read, label %misfit
misfit:
%raised = call ptr @misfit(i64 %count, i64 %given)
ret ptr null
read:
%known = call i64 @read(ptr %args, i64 %count, ptr %x, i1 true)
%good = icmp eq i64 %known, 1
br i1 %good, label %run, label %fail
run:
%ordinary = call zeroext i1 %evaluate(ptr %x, ptr %y)
br i1 %ordinary, label %give, label %nothing
give:
%tuple = call ptr @tuple(ptr %y, i64 %values)
ret ptr %tuple
nothing:
%none = call ptr @nothing()
ret ptr %none
fail:
ret ptr null
}}"""

_WRITE_TEXT = f"""define ptr @write(ptr %self, ptr %args, i64 %given) nounwind {{
entry:
{_RECORD_TEXT}
%x = alloca double, i64 %count
%wanted = add i64 %count, 1
%fits = icmp eq i64 %given, %wanted
br i1 %fits, label %look, label %misfit
misfit:
%raised = call ptr @misfit(i64 %wanted, i64 %given)
ret ptr null
look:
%array = load ptr, ptr %args
%y = call ptr @data(ptr %array, i64 %values, i32 $writable)
%odd = icmp eq ptr %y, null
br i1 %odd, label %nothing, label %read
read:
%rest = getelementptr ptr, ptr %args, i64 1
%known = call i64 @read(ptr %rest, i64 %count, ptr %x, i1 false)
%good = icmp eq i64 %known, 1
br i1 %good, label %run, label %nothing
run:
%ordinary = call zeroext i1 %evaluate(ptr %x, ptr %y)
br i1 %ordinary, label %give, label %nothing
give:
%true = call ptr @yes()
ret ptr %true
nothing:
%none = call ptr @nothing()
ret ptr %none
}}"""

_INTO_TEXT = f"""define ptr @into(ptr %self, ptr %args, i64 %given) nounwind {{
entry:
{_RECORD_TEXT}
%fits = icmp eq i64 %given, 2
br i1 %fits, label %look, label %misfit
misfit:
%raised = call ptr @misfit(i64 2, i64 %given)
ret ptr null
look:
%point = load ptr, ptr %args
%x = call ptr @data(ptr %point, i64 %count, i32 $readable)
%place.out = getelementptr ptr, ptr %args, i64 1
%out = load ptr, ptr %place.out
%y = call ptr @data(ptr %out, i64 %values, i32 $writable)
%no.x = icmp eq ptr %x, null
%no.y = icmp eq ptr %y, null
%odd = or i1 %no.x, %no.y
br i1 %odd, label %nothing, label %run
run:
%ordinary = call zeroext i1 %evaluate(ptr %x, ptr %y)
br i1 %ordinary, label %give, label %nothing
give:
%true = call ptr @yes()
ret ptr %true
nothing:
%none = call ptr @nothing()
ret ptr %none
}}"""

_ALL_TEXTS = (_READ_TEXT, _TUPLE_TEXT, _DATA_TEXT, _ANSWERS_TEXT, _VALUES_TEXT, _WRITE_TEXT, _INTO_TEXT)

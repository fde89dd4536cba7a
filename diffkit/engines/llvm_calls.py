"""One point at a time, called by CPython itself: code that takes and gives its objects.

A function of CPython with the calling convention METH_FASTCALL costs what ``math.hypot`` costs to call, a tenth of what
a foreign function does. Fields of objects are read at the places that CPython and NumPy say in C.
"""

from __future__ import annotations

import struct
from string import Template

from diffkit.engines.llvm_modules import Module, joined, write_code
from diffkit.engines.llvm_writer import Writer
from diffkit.engines.lowering import Lowered

POINTER = struct.calcsize("P")
_CPYTHON = (
    "PyFloat_AsDouble", "PyErr_Occurred", "PyErr_SetString", "PyTuple_New", "PyFloat_FromDouble", "Py_NewRef",
    "Py_DecRef", "PyBool_FromLong", "float", "TypeError", "None", "ndarray", "float64",
)  # fmt: skip
_HEADER = object.__basicsize__
_FIELD_PLACES = {
    "header": _HEADER,
    "type_place": _HEADER - POINTER,  # the last of what every object begins with
    "float_place": float.__basicsize__ - struct.calcsize("d"),
    "items_place": tuple.__basicsize__,
    # PyArrayObject_fields of NumPy's C interface, after the header
    "data_place": 0,
    "ndim_place": 8,
    "shape_place": 16,
    "dtype_place": 40,
    "flags_place": 48,
    "readable": 0x101,  # C-contiguous and aligned
    "writable": 0x501,
}


def point_module(lowered: Lowered) -> Module:
    """``@call``, a function of CPython of the coordinates, and ``@into``, one of two arrays.

    ``call`` gives the tuple of values, or None at a point that is not ordinary; ``into`` writes them into its second
    array and gives whether the point is ordinary.
    """
    writer, count = Writer(), len(lowered.program.inputs)
    inputs = [writer.value(f"load double, ptr {writer.value(_place('%x', k))}") for k in range(count)]
    evaluated = write_code(lowered, writer, inputs)
    for k, value in enumerate(evaluated.values):
        writer.line(f"store double {value}, ptr {writer.value(_place('%y', k))}")
    evaluate = ["define internal i1 @evaluate(ptr %x, ptr %y) noinline nounwind {", "entry:", *writer.lines,
                f"ret i1 {evaluated.ordinary}", "}"]  # fmt: skip
    told: dict[str, object] = {"count": count, "values": lowered.values, **_FIELD_PLACES}
    told |= {f"load_{name}": _load(number, name) for number, name in enumerate(_CPYTHON)}
    messages = [
        _message("coordinates", f"the function takes {count} coordinates"),
        _message("arrays", f"the function takes a float64 array of {count} numbers and one of {lowered.values} to "
                           "write, both contiguous"),
    ]  # fmt: skip
    functions = [template.substitute(told) for template in (_CALL, _DATA_OF_ARRAY, _INTO)]
    return joined(writer, [*messages, "\n".join(evaluate), *functions], _CPYTHON)


def _place(pointer: str, index: int) -> str:
    return f"getelementptr double, ptr {pointer}, i64 {index}"


def _message(name: str, words: str) -> str:
    return f'@{name} = private constant [{len(words) + 1} x i8] c"{words}\\00"'


def _load(number: int, name: str) -> str:
    """Lines that load an address from the table, which is called by its name."""
    return f"%at.{name} = getelementptr ptr, ptr @outside, i64 {number}\n%{name} = load ptr, ptr %at.{name}"


_CALL = Template("""define ptr @call(ptr %self, ptr %args, i64 %given) nounwind {
entry:
${load_PyFloat_AsDouble}
${load_PyErr_Occurred}
${load_PyErr_SetString}
${load_PyTuple_New}
${load_PyFloat_FromDouble}
${load_Py_NewRef}
${load_Py_DecRef}
${load_float}
${load_TypeError}
${load_None}
%x = alloca [$count x double]
%y = alloca [$values x double]
%fits = icmp eq i64 %given, $count
br i1 %fits, label %read, label %misfit
misfit:
call void %PyErr_SetString(ptr %TypeError, ptr @coordinates)
ret ptr null
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
%converted = call double %PyFloat_AsDouble(ptr %argument)
%odd = fcmp oeq double %converted, -1.0
br i1 %odd, label %doubt, label %known
doubt:
%raised = call ptr %PyErr_Occurred()
%fine = icmp eq ptr %raised, null
br i1 %fine, label %known, label %fail
known:
%number = phi double [ %value, %plain ], [ %converted, %other ], [ %converted, %doubt ]
%place.number = getelementptr double, ptr %x, i64 %i
store double %number, ptr %place.number
%next = add i64 %i, 1
%all = icmp eq i64 %next, $count
br i1 %all, label %run, label %read
run:
%ordinary = call i1 @evaluate(ptr %x, ptr %y)
br i1 %ordinary, label %give, label %nothing
nothing:
%none = call ptr %Py_NewRef(ptr %None)
ret ptr %none
give:
%tuple = call ptr %PyTuple_New(i64 $values)
%made = icmp ne ptr %tuple, null
br i1 %made, label %fill, label %fail
fill:
%k = phi i64 [ 0, %give ], [ %more, %filled ]
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
%full = icmp eq i64 %more, $values
br i1 %full, label %done, label %fill
done:
ret ptr %tuple
drop:
call void %Py_DecRef(ptr %tuple)
br label %fail
fail:
ret ptr null
}""")


_DATA_OF_ARRAY = Template("""define internal ptr @data(ptr %array, i64 %count, i32 %wanted) nounwind {
entry:
${load_ndarray}
${load_float64}
%place.type = getelementptr i8, ptr %array, i64 $type_place
%type = load ptr, ptr %place.type
%fields = getelementptr i8, ptr %array, i64 $header
%same = icmp eq ptr %type, %ndarray
br i1 %same, label %look, label %no
look:
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
}""")


_INTO = Template("""define ptr @into(ptr %self, ptr %args, i64 %given) nounwind {
entry:
${load_PyErr_SetString}
${load_TypeError}
${load_PyBool_FromLong}
%two = icmp eq i64 %given, 2
br i1 %two, label %first, label %misfit
misfit:
call void %PyErr_SetString(ptr %TypeError, ptr @arrays)
ret ptr null
first:
%array = load ptr, ptr %args
%x = call ptr @data(ptr %array, i64 $count, i32 $readable)
%no.x = icmp eq ptr %x, null
br i1 %no.x, label %misfit, label %second
second:
%place.out = getelementptr ptr, ptr %args, i64 1
%out = load ptr, ptr %place.out
%y = call ptr @data(ptr %out, i64 $values, i32 $writable)
%no.y = icmp eq ptr %y, null
br i1 %no.y, label %misfit, label %run
run:
%ordinary = call i1 @evaluate(ptr %x, ptr %y)
%told = zext i1 %ordinary to i64
%truth = call ptr %PyBool_FromLong(i64 %told)
ret ptr %truth
}""")

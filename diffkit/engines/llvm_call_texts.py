"""Functions of CPython in LLVM's intermediate language: they read floats and arrays, evaluate, and give objects.

$names stand for the places of fields; ${load_name} for lines that load the address ``name`` from the table of what is
outside. ``llvm_calls`` fills them in.
"""

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

# The place of an array's numbers; null where it is no array of float64 with %ndim axes of %lengths, or %wanted flags
# are not set.
_DATA_TEXT = """define internal ptr @data(ptr %array, i64 %ndim, ptr %lengths, i32 %wanted) nounwind {
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
%axes32 = load i32, ptr %place.ndim
%axes = sext i32 %axes32 to i64
%as.many = icmp eq i64 %axes, %ndim
%place.shape = getelementptr i8, ptr %fields, i64 $shape_place
%shape = load ptr, ptr %place.shape
%plain = and i1 %doubles, %usable
%right = and i1 %plain, %as.many
br i1 %right, label %sizes, label %no
sizes:
%axis = phi i64 [ 0, %look ], [ %next, %size ]
%all = icmp eq i64 %axis, %ndim
br i1 %all, label %yes, label %size
size:
%place.length = getelementptr i64, ptr %shape, i64 %axis
%length = load i64, ptr %place.length
%place.wanted = getelementptr i64, ptr %lengths, i64 %axis
%wanted.length = load i64, ptr %place.wanted
%next = add i64 %axis, 1
%fits = icmp eq i64 %length, %wanted.length
br i1 %fits, label %sizes, label %no
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

# What is not taken here is passed on as it came.
_CALL_TEXT = f"""define ptr @call(ptr %self, ptr %args, i64 %given, ptr %names) nounwind {{
entry:
{_RECORD_TEXT}
%place.ndim = getelementptr i64, ptr %record, i64 3
%ndim = load i64, ptr %place.ndim
%place.arrays = getelementptr i64, ptr %record, i64 4
%arrays = load i64, ptr %place.arrays
%lengths = getelementptr i64, ptr %record, i64 5
%room = alloca double, i64 %count
%unnamed = icmp eq ptr %names, null
br i1 %unnamed, label %by.place, label %by.name
by.place:
%one = icmp eq i64 %given, 1
br i1 %one, label %point, label %more
more:
%two = icmp eq i64 %given, 2
br i1 %two, label %second, label %otherwise
by.name:
%place.names = getelementptr i8, ptr %names, i64 $size_place
%named = load i64, ptr %place.names
%place.name = getelementptr i8, ptr %names, i64 $items_place
%single = icmp eq i64 %named, 1
%before = icmp eq i64 %given, 1
%alone = and i1 %single, %before
br i1 %alone, label %compare, label %otherwise
compare:
${{load_out}}
%name = load ptr, ptr %place.name
%known.name = icmp eq ptr %name, %out
br i1 %known.name, label %second, label %otherwise
second:
${{load_None}}
%place.target = getelementptr ptr, ptr %args, i64 1
%target = load ptr, ptr %place.target
%absent = icmp eq ptr %target, %None
br i1 %absent, label %point, label %into
into:
%target.data = call ptr @data(ptr %target, i64 %ndim, ptr %lengths, i32 $writable)
%misfit = icmp eq ptr %target.data, null
br i1 %misfit, label %otherwise, label %point
point:
%to = phi ptr [ null, %by.place ], [ null, %second ], [ %target.data, %into ]
%kept = phi ptr [ null, %by.place ], [ null, %second ], [ %target, %into ]
%at = load ptr, ptr %args
%place.type = getelementptr i8, ptr %at, i64 $type_place
%type = load ptr, ptr %place.type
${{load_tuple}}
%some = icmp eq ptr %type, %tuple
br i1 %some, label %read, label %look
read:
%place.size = getelementptr i8, ptr %at, i64 $size_place
%size = load i64, ptr %place.size
%fits = icmp eq i64 %size, %count
br i1 %fits, label %items, label %otherwise
items:
%first = getelementptr i8, ptr %at, i64 $items_place
%known = call i64 @read(ptr %first, i64 %count, ptr %room, i1 false)
%good = icmp eq i64 %known, 1
br i1 %good, label %make, label %otherwise
look:
%taken = icmp eq i64 %arrays, 1
br i1 %taken, label %coordinates, label %otherwise
coordinates:
%data = call ptr @data(ptr %at, i64 1, ptr %place.count, i32 $readable)
%odd = icmp eq ptr %data, null
br i1 %odd, label %otherwise, label %make
make:
%x = phi ptr [ %room, %items ], [ %data, %coordinates ]
%written = icmp ne ptr %to, null
br i1 %written, label %write, label %new
write:
%is.ordinary = call zeroext i1 %evaluate(ptr %x, ptr %to)
br i1 %is.ordinary, label %done, label %otherwise
done:
${{load_Py_NewRef}}
%same = call ptr %Py_NewRef(ptr %kept)
ret ptr %same
new:
${{load_PyArray_New}}
${{load_ndarray}}
%axes = trunc i64 %ndim to i32
%made = call ptr %PyArray_New(ptr %ndarray, i32 %axes, ptr %lengths, i32 12, ptr null, ptr null, i32 0, i32 0, ptr null)
%missing = icmp eq ptr %made, null
br i1 %missing, label %fail, label %run
run:
%made.fields = getelementptr i8, ptr %made, i64 $header
%place.y = getelementptr i8, ptr %made.fields, i64 $data_place
%y = load ptr, ptr %place.y
%ordinary = call zeroext i1 %evaluate(ptr %x, ptr %y)
br i1 %ordinary, label %give, label %drop
give:
ret ptr %made
drop:
${{load_Py_DecRef}}
call void %Py_DecRef(ptr %made)
br label %otherwise
otherwise:
${{load_PyObject_Vectorcall}}
%place.other = getelementptr i8, ptr %self, i64 $third_place
%other = load ptr, ptr %place.other
%answer = call ptr %PyObject_Vectorcall(ptr %other, ptr %args, i64 %given, ptr %names)
ret ptr %answer
fail:
ret ptr null
}}"""

CALL_TEXTS = (_READ_TEXT, _TUPLE_TEXT, _DATA_TEXT, _ANSWERS_TEXT, _VALUES_TEXT, _CALL_TEXT)

"""Lowered code as machine code, by LLVM: for one point at a time, called as a function of C, and for batches of rows.

Rows of a batch are taken as many at a time as the processor's vectors hold. Object code is kept in the process and on
disk by the digest of its text, of LLVM's version and of the processor. This is the only place that needs llvmlite.
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.core.deadline import check_time
from diffkit.core.errors import BackendError
from diffkit.core.table import Primitive
from diffkit.engines import Call, MakeCall, Unsuited
from diffkit.engines.code_cache import keep_code, read_code
from diffkit.engines.float_operations import PRODUCT_ERROR
from diffkit.engines.llvm_calls import POINTER, calls_module, copy_module, fields_stand_there, point_module, record
from diffkit.engines.llvm_elementary import IN_VECTORS
from diffkit.engines.llvm_modules import Module, batch_module
from diffkit.engines.llvm_same_bits import WITH_SAME_BITS
from diffkit.engines.llvm_terms import Spacing, terms_module
from diffkit.engines.llvm_writer import Writer
from diffkit.engines.lowering import Lowered
from diffkit.engines.threads import processors, share

if TYPE_CHECKING:
    import numpy as np

LONGEST_COMPILED, _MOST_LINES = 20_000, 25_000  # instructions, and lines of them, that take LLVM two seconds or three
_MOST_READ = 30_000  # numbers that stand on the stack meanwhile
_PIECE_WORK = 2**24  # operations between two looks at the clock: about a millisecond
_THREAD_PIECES = 16  # pieces from which on a second thread is worth it: two together take more time of processors
_LANES = {"avx512f": 8, "avx": 4}
"""numbers of binary64 that a vector holds, by features of the processor; else two"""
_OF_PYTHON_ITSELF = frozenset((math.hypot, math.gamma, math.lgamma))
"""what CPython's ``math`` computes by its own algorithms"""
_KNOWN_LIBRARY = [2, 28]  # of GNU: from then on its authors state the bounds that are relied on
_KEPT = 256  # loaded modules that a process holds for those who ask again
_METH_FASTCALL, _METH_KEYWORDS = 0x80, 0x02  # functions of (self, args, count) and then names; CPython's methodobject.h
_ARRAY_NEW = 93  # the place of PyArray_New in NumPy's C interface
_CODE_VERSION = 2  # raised when the meaning of kept code changes other than by its text
_ARGUMENTS_TRIED = 300  # arguments at which a function of the C library must have the bits of Python's


def compile_point(lowered: Lowered) -> Call:
    """Give the function of the coordinates: the values, or None at a point that is not ordinary.

    Unsuited where this engine cannot: a function is not in the C library, or has other bits there than in Python, or
    the code is too long. BackendError where llvmlite is missing.
    """
    return _maker(_checked_point(lowered), len(lowered.program.inputs), "values", (lowered.values,))(None, False)


def compile_call(lowered: Lowered, shape: tuple[int, ...]) -> MakeCall:
    """Give what makes the function of a point, and maybe of an array to write to, that gives an array."""
    return _maker(_checked_point(lowered), len(lowered.program.inputs), "call", shape)


def compile_reader(count: int) -> Callable[[Any], np.ndarray | None]:
    """Give the function of a tuple of so many floats that gives them as an array, and None for anything else."""
    if count > _MOST_READ:
        raise Unsuited(f"the llvm engine reads no more than {_MOST_READ:,} numbers at once")
    return _maker(copy_module(count), count, "call", (count,))(lambda *_: None, False)


def compile_terms(
    lowered: Lowered, variables: Sequence[Spacing], targets: Sequence[tuple[int, Spacing]], count: int
) -> Callable[[np.ndarray, np.ndarray], bool]:
    """Give the function of coordinates and of an array, to which it adds values of so many terms (``terms_module``).

    It says whether all terms are ordinary. Both arrays are contiguous and of float64. Unsuited as above.
    """
    _check(lowered, True)
    loaded = _load(terms_module(lowered, variables, targets, count))
    run = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(loaded.address("terms"))

    def add(x: np.ndarray, out: np.ndarray, _: _Loaded = loaded) -> bool:
        return bool(run(x.ctypes.data, out.ctypes.data))

    return add


def compile_batch(lowered: Lowered) -> Callable[[np.ndarray, np.ndarray], np.ndarray | None]:
    """Give a function of points (B, n) and an array (B, m) for the values: None, or (B,) which rows are ordinary.

    It lets other threads run. Unsuited as above.
    """
    lanes, fused = _host().lanes, _host().fused
    _check(lowered, lowered.precision == "pairs")
    hasty = lowered.precision == "double"  # then the C library is hardly ever needed
    written_out = (IN_VECTORS if hasty else _with_same_bits()) if fused else {}
    writers = [Writer(lanes, written_out, True)] * hasty + [Writer(lanes, written_out)]
    return _Batch(lowered, _load(batch_module(lowered, writers)), lanes)


class _Batch:
    """A compiled function of rows, which takes them by pieces; threads share these."""

    _signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)

    def __init__(self, lowered: Lowered, loaded: _Loaded, lanes: int):
        self._loaded, self._lanes = loaded, lanes
        self._width, self._values = len(lowered.program.inputs), lowered.values
        self._run = self._signature(loaded.address("batch"))
        self._piece = max(64 * lanes, _PIECE_WORK // (1 + len(lowered.program.instructions)))

    def __call__(self, points: np.ndarray, out: np.ndarray) -> np.ndarray | None:
        """Write the values at rows; say which are ordinary, if not all are."""
        import numpy as np

        count = len(points)
        if points.shape != (count, self._width) or out.shape != (count, self._values):
            raise ValueError(f"points {points.shape} and values {out.shape} do not go together")
        if not count:
            return None
        points = np.require(points, np.float64, ("C", "A"))
        if count < self._lanes:
            padded = np.empty((self._lanes, self._values))
            ordinary = self(points[np.minimum(np.arange(self._lanes), count - 1)], padded)
            out[...] = padded[:count]
            return None if ordinary is None or ordinary[:count].all() else ordinary[:count]
        values = np.require(out, np.float64, ("C", "A", "W"))
        if np.may_share_memory(points, values):
            points = points.copy()
        flags = np.empty(count, bool)
        all_are = self._pieces(points.ctypes.data, values.ctypes.data, flags.ctypes.data, count)
        if values is not out:
            out[...] = values
        return None if all_are else flags

    def _pieces(self, points: int, values: int, flags: int, count: int) -> bool:
        """Take all rows, given the addresses of arrays; whether all are ordinary. The last piece may repeat some."""
        length = min(count, self._piece)
        starts = iter(range(0, count, length))
        odd: list[int] = []

        def work() -> None:
            for start in starts:
                check_time()
                at = min(start, count - length)
                if self._run(points + 8 * at * self._width, values + 8 * at * self._values, flags + at, length):
                    odd.append(at)

        share(work, starts, min(processors(), -(-count // length) // _THREAD_PIECES))
        return not odd


# What can be compiled ------------------------------------------------------------------------------------------------


def _check(lowered: Lowered, same_bits: bool) -> None:
    """Unsuited unless the engine has all of it, and with the bits of the interpreter where that is asked."""
    if len(lowered.program.instructions) > LONGEST_COMPILED:
        raise Unsuited(f"the llvm engine compiles no more than {LONGEST_COMPILED:,} operations at once")
    rows = {row for row, _ in lowered.program.instructions}
    if PRODUCT_ERROR in rows and not _host().fused:
        raise Unsuited("the processor has no fused multiply-add")
    for row in rows if same_bits else ():
        if row.libm and not _has_same_bits(row):
            raise Unsuited(f"{row.name} has other bits in the C library than in Python")


@cache
def _with_same_bits() -> Mapping[str, Callable[..., str]]:
    """What can be written out with the bits of this C library: nothing unless it is one whose errors are known."""
    try:
        version = ctypes.CFUNCTYPE(ctypes.c_char_p)(_outside("gnu_get_libc_version"))().decode()
        known = [int(part) for part in version.split(".")[:2]] >= _KNOWN_LIBRARY
    except (Unsuited, ValueError):
        return {}
    return WITH_SAME_BITS if known else {}


@cache
def _has_same_bits(row: Primitive) -> bool:
    """Whether a function of the C library is that of Python, as far as is known and tried at some arguments."""
    assert row.floats is not None
    if getattr(row.floats, "__wrapped__", row.floats) in _OF_PYTHON_ITSELF:
        return False
    draw, count = random.Random(row.name), len(row.arguments)
    known = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * count)(_outside(row.libm))
    for _ in range(_ARGUMENTS_TRIED):
        args = [draw.uniform(-4.0, 4.0) * 2.0 ** draw.randint(-4, 4) for _ in range(count)]
        here, there = row.floats(*args), known(*args)
        if here != there and (here == here or there == there):
            return False
    return True


# Machine code --------------------------------------------------------------------------------------------------------


@cache
def _llvm() -> Any:
    """llvmlite's binding, ready to make code for this processor; BackendError where it is missing."""
    try:
        import llvmlite.binding as llvm
    except ImportError as error:
        raise BackendError("the llvm engine needs llvmlite", hint="pip install 'diffkit[fast]'") from error
    if llvm.llvm_version_info[0] < 20:
        raise BackendError("the llvm engine needs llvmlite 0.45 or later", hint="pip install -U llvmlite")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


class _Host(NamedTuple):
    """The processor code is made for."""

    cpu: str
    features: str
    lanes: int
    fused: bool
    version: str


@cache
def _host() -> _Host:
    import llvmlite

    from diffkit import __version__

    llvm = _llvm()
    features = llvm.get_host_cpu_features()
    lanes = next((lanes for name, lanes in _LANES.items() if features.get(name)), 2)
    fused = bool(features.get("fma")) or not llvm.get_process_triple().startswith(("x86", "i386", "i686"))
    made_by = f"{__version__} {_CODE_VERSION} {llvmlite.__version__} {llvm.llvm_version_info} {sys.implementation}"
    return _Host(llvm.get_host_cpu_name(), features.flatten(), lanes, fused, made_by)


class _Method(ctypes.Structure):
    """PyMethodDef of CPython's C API."""

    _fields_ = (("name", ctypes.c_char_p), ("code", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


class _Loaded:
    """A module in memory, which stays as long as a function of it is held."""

    def __init__(self, engine: Any):
        self._engine = engine

    def address(self, name: str) -> int:
        """The address of a function."""
        return int(self._engine.get_function_address(name))


def _checked_point(lowered: Lowered) -> Module:
    """The module of one point; Unsuited where that has not the bits of the interpreter."""
    _llvm()
    _check(lowered, True)
    return point_module(lowered)


def _maker(module: Module, count: int, name: str, shape: tuple[int, ...]) -> MakeCall:
    """What makes functions of CPython of so many coordinates; what its ``self`` is keeps the code."""
    loaded, method = _load(module), _method(name)
    evaluate = loaded.address("evaluate")
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)

    def make(otherwise: Any, arrays: bool) -> Callable[..., Any]:
        itself = record(evaluate, count, shape, arrays), loaded, otherwise
        return new(ctypes.addressof(method), itself, None)  # type: ignore[no-any-return]

    return make


@cache
def _method(name: str) -> _Method:
    """How CPython calls a function of the module of calls, which stays."""
    flags = _METH_FASTCALL | (_METH_KEYWORDS if name == "call" else 0)
    return _Method(name.encode(), _calls().address(name), flags, None)


@cache
def _calls() -> _Loaded:
    if sys.implementation.name != "cpython" or not fields_stand_there():
        raise Unsuited("the llvm engine does not know the objects of this Python")
    return _load(calls_module())


@lru_cache(maxsize=_KEPT)
def _load(module: Module) -> _Loaded:
    """Give a module in memory: compiled now, or before; Unsuited if it is too long."""
    llvm, host = _llvm(), _host()
    if module.text.count("\n") > _MOST_LINES:
        raise Unsuited(f"the llvm engine compiles no more than {_MOST_LINES:,} lines at once")
    key = hashlib.sha256("\0".join([module.text, *host[:2], host.version]).encode()).hexdigest()
    code = read_code(key)
    if code is None:
        code = _compiled(module.text)
        keep_code(key, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target(), use_lmm=True)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    addresses = [_outside(name) for name in module.outside]
    place = engine.get_global_value_address("outside")
    for number, address in enumerate(addresses):
        ctypes.c_void_p.from_address(place + number * POINTER).value = address
    return _Loaded(engine)


def _target() -> Any:
    """A machine that makes code for this processor; an engine owns the one it is given."""
    llvm, host = _llvm(), _host()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=host.cpu, features=host.features, opt=2, reloc="pic", codemodel="small", jit=True
    )


def _compiled(text: str) -> bytes:
    module = _llvm().parse_assembly(text)
    module.verify()
    return bytes(_target().emit_object(module))


@cache
def _outside(name: str) -> int:
    """The address of what code calls: functions of the C library and of CPython, and objects."""
    objects: dict[str, Any] = {
        "float": float,
        "tuple": tuple,
        "TypeError": TypeError,
        "None": None,
        "out": sys.intern("out"),
    }
    if name in ("ndarray", "float64", "PyArray_New"):
        import numpy as np

        objects = {"ndarray": np.ndarray, "float64": np.dtype(np.float64)}
        if name == "PyArray_New":
            return int(_numpy_interface()[_ARRAY_NEW])
    if name in objects:
        return id(objects[name])
    library: Any = ctypes.pythonapi if name.startswith("Py") else _c_library()
    try:
        found = getattr(library, name)
    except AttributeError:
        raise Unsuited(f"the C library has no {name}") from None
    return int(ctypes.cast(found, ctypes.c_void_p).value or 0)


def _numpy_interface() -> Any:
    """The addresses of NumPy's C interface."""
    capsule = import_module("numpy._core._multiarray_umath")._ARRAY_API
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return (ctypes.c_void_p * (_ARRAY_NEW + 1)).from_address(get(capsule, None))


@cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)

"""Shapes in the caller's code: those at a line that raised, and columns that meet rows where vectors were meant.

(n, 1) − (n,) is (n, n) in NumPy, and no error. Nothing is run to find that: the shapes of the arrays that a frame
names are carried through the expressions of its source.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np

from diffkit.core.errors import message_of
from diffkit.core.text.names import SCALAR_FUNCTIONS
from diffkit.ndarrays.source import LIBRARIES

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
_ELEMENTWISE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.FloorDiv)
_SHAPE_KEEPING = SCALAR_FUNCTIONS | {"square", "copy", "conj", "astype"}
"""functions and methods whose result has the shape of their first argument"""
_MISFITS = ("shape", "dimension", "broadcast", "mismatch", "incompatible", "inhomogeneous", "axis", "subscript")
"""words by which NumPy says that shapes do not fit"""
_SHAPES_LISTED = 8  # shapes that a message lists
_QUOTED_LINE = 100  # characters of a line that is quoted whole
_LONGEST_QUOTE = 60  # characters of an expression that is quoted


def is_misfit(error: BaseException) -> bool:
    """Whether an error is about shapes that do not fit, and not about mathematics without a value."""
    return isinstance(error, ValueError) and any(word in message_of(error) for word in _MISFITS)


def place_of(error: BaseException) -> str:
    """Where in the caller's code something was raised, and the shapes of what that line combines; empty if unknown."""
    found = _innermost(error.__traceback__)
    if found is None:
        return ""
    frame, text = found.tb_frame, _segment(found)
    line = linecache.getline(frame.f_code.co_filename, found.tb_lineno, frame.f_globals).strip()
    line, shapes = (line if len(line) <= _QUOTED_LINE else text), _shapes_of(frame)
    parts = [f"{PurePath(frame.f_code.co_filename).name} line {found.tb_lineno}" + (f": `{line}`" if line else "")]
    parts += list(dict.fromkeys(_operands(text or line, shapes)))[:_SHAPES_LISTED]
    parts += _meetings(frame.f_code, shapes)
    return "; ".join(parts)


def meetings_in(run: Callable[[], Any]) -> list[str]:
    """What columns meet rows in the caller's functions, while something runs; nothing where a profiler runs already."""
    seen: dict[CodeType, Shapes] = {}

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and _is_callers(frame) and frame.f_code not in seen:
            seen[frame.f_code] = _shapes_of(frame)

    if sys.getprofile() is None:
        sys.setprofile(profile)
        try:
            run()
        finally:
            sys.setprofile(None)
    return list(dict.fromkeys(said for code, shapes in seen.items() for said in _meetings(code, shapes)))


def _is_callers(frame: FrameType) -> bool:
    """Whether a frame runs outside of the libraries."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] not in LIBRARIES


def _shapes_of(frame: FrameType) -> Shapes:
    """Shapes of the arrays and numbers that a frame names."""
    named = {**frame.f_globals, **frame.f_locals}
    return {
        name: getattr(v, "shape", ())
        for name, v in named.items()
        if isinstance(v, (np.ndarray, np.generic, int, float))
    }


def _meetings(code: CodeType, shapes: Shapes) -> list[str]:
    """Where a function combines an array of (n, 1) with one of (n,), in words."""
    if all(len(shape) < 2 for shape in shapes.values()):  # no column comes of these
        return []
    tree = _tree(code)
    if tree is None:
        return []
    bound = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    arguments = {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
    fixed = {name: s for name, s in shapes.items() if bound.count(name) + (name in arguments) <= 1}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, _ELEMENTWISE):
            left, right = _shape_of(node.left, fixed), _shape_of(node.right, fixed)
            if left and right and _meets(left, right) and not (_spread(node.left) or _spread(node.right)):
                text, whole = _quoted(node), np.broadcast_shapes(left, right)
                place = f"{PurePath(code.co_filename).name} line {node.lineno}"
                found.append(f"`{text}` in {place} makes {whole} of {left} and {right}")
    return found


def _meets(left: Shape, right: Shape) -> bool:
    """Whether one is a column and the other a row or a vector, of one length."""
    column, row = (left, right) if len(left) == 2 and left[1] == 1 else (right, left)
    return len(column) == 2 and column[1] == 1 and row in ((column[0],), (1, column[0])) and column[0] > 1


def _spread(node: ast.expr) -> bool:
    """Whether an axis was put in on purpose: x[:, None]."""
    inner = [n for n in ast.walk(node) if isinstance(n, ast.Subscript)]
    return any("None" in ast.unparse(n.slice) or "newaxis" in ast.unparse(n.slice) for n in inner)


def _shape_of(node: ast.expr, shapes: Shapes) -> Shape | None:
    """Shape of an expression, from those of the names in it; None where that is not known."""
    if isinstance(node, ast.Name):
        return shapes.get(node.id)
    if isinstance(node, ast.Constant):
        return () if isinstance(node.value, (int, float)) else None
    if isinstance(node, ast.UnaryOp):
        return _shape_of(node.operand, shapes)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        inner = _shape_of(node.value, shapes)
        return None if inner is None else inner[::-1]
    if isinstance(node, ast.BinOp):
        return _combined(node.op, _shape_of(node.left, shapes), _shape_of(node.right, shapes))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _called(node, node.func, shapes)
    return None


def _called(node: ast.Call, function: ast.Attribute, shapes: Shapes) -> Shape | None:
    """Shape of np.dot(a, b), a.dot(b), np.exp(a) …"""
    method = _shape_of(function.value, shapes) is not None
    arguments = [function.value, *node.args] if method else node.args
    known = [_shape_of(a, shapes) for a in arguments]
    if function.attr in ("dot", "matmul") and len(known) == 2:
        return _combined(ast.MatMult(), *known)
    return known[0] if known and function.attr in _SHAPE_KEEPING else None


def _combined(op: ast.operator, left: Shape | None, right: Shape | None) -> Shape | None:
    if left is None or right is None:
        return None
    try:
        if isinstance(op, ast.MatMult):
            return _product(left, right)
        return np.broadcast_shapes(left, right)
    except ValueError:
        return None


def _product(left: Shape, right: Shape) -> Shape | None:
    if not left or not right:
        return None
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        return None
    front = np.broadcast_shapes(left[:-2], right[:-2])
    return (*front, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


def _operands(text: str, shapes: Shapes) -> Iterator[str]:
    """The shapes of what an expression combines: of both operands, or of the arrays that it names."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        try:
            (statement,) = ast.parse(text.strip()).body
        except (SyntaxError, ValueError):
            return
        value = getattr(statement, "value", None)
        if value is None:
            return
        node = value
    if isinstance(node, ast.BinOp):
        parts: list[ast.expr] = [node.left, node.right]
    elif isinstance(node, ast.Call):
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        parts = [*owner, *node.args]
    else:
        parts = [node]
    for part in parts:
        shape = _shape_of(part, shapes)
        if shape is not None and not isinstance(part, ast.Constant):
            yield f"{_quoted(part)} has shape {shape}"
        elif shape is None:
            names = dict.fromkeys(n.id for n in ast.walk(part) if isinstance(n, ast.Name))
            yield from (f"{name} has shape {shapes[name]}" for name in names if shapes.get(name))


def _quoted(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def _innermost(trace: TracebackType | None) -> TracebackType | None:
    """The last step of a traceback in the caller's code."""
    found = None
    while trace is not None:
        found = trace if _is_callers(trace.tb_frame) else found
        trace = trace.tb_next
    return found


def _segment(trace: TracebackType) -> str:
    """The expression of the source that a traceback points at; empty where it is not known."""
    code = trace.tb_frame.f_code
    positions = list(code.co_positions())
    first, last, start, end = positions[trace.tb_lasti // 2]
    if first is None or first != last or start is None or end is None:
        return ""
    line = linecache.getline(code.co_filename, first, trace.tb_frame.f_globals).encode()
    return line[start:end].decode(errors="replace")


@lru_cache(maxsize=64)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _tree(code: CodeType) -> ast.AST | None:
    """The syntax of a function, from the file that it stands in."""
    module = _parsed("".join(linecache.getlines(code.co_filename)))
    arguments = code.co_varnames[: code.co_argcount]
    for node in ast.walk(module) if module is not None else ():
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            if first == code.co_firstlineno and tuple(a.arg for a in node.args.args) == arguments:
                return node
    return None

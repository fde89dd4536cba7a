"""A new function is one row of the table: two are added in a fresh process, and every part of diffkit knows them.

That holds as long as no function is named outside the table, which is tested by reading the code.
"""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import new_array_checks  # noqa: F401 it registers checks
import new_rows
import pytest
from new_row_checks import CHECKS

import diffkit
from diffkit.core.table import table
from diffkit.core.table.array_table import array_table


@cache
def found():
    """What each part makes of the new rows: nothing, or what went wrong."""
    program = Path(new_rows.__file__)
    run = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, cwd=program.parent)
    return json.loads(run.stdout)


@pytest.mark.parametrize("part", CHECKS)
def test_every_part_knows_a_new_row(part):
    assert found()[part] == "", found()[part]


# No function is named elsewhere ------------------------------------------------------------------------------------

PACKAGE = Path(diffkit.__file__).parent
STRUCTURE = {row.name for row in table if row.infix} | {"where", "max", "min"}
"""operators, comparisons and choices: forms are built of them, as of + and <"""
NAMES = {word for row in table for word in (row.name, *row.aliases)} - STRUCTURE
ORDINARY = {
    "maximum": "a kind of stationary point",
    "minimum": "a kind of stationary point",
    "sign": "a plus or a minus",
    "log": "a scale of an axis",
}
"""words that mean something else: as bare text they name no function; F.log and table["log"] do"""
EXCEPTIONS = {
    "engines/llvm_same_bits.py": "the same, with the bits of that library",
    "engines/llvm_elementary.py": "algorithms for vectors of functions of the C library, by their names there",
    "core/text/names.py": "Greek letters are one letter each, gamma and psi among them",
    "ndarrays/protocols.py": "a hint about SciPy's logsumexp, which does not take what stands in for arrays",
    "ndarrays/reductions.py": "ufuncs that accumulate, and their rows",
}


def named(source):
    """The functions that Python source names: as F.tanh, as table["tanh"], or as "tanh"; docstrings left out."""
    tree = ast.parse(source)
    prose = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    compared = [n for n in ast.walk(tree) if isinstance(n, ast.Compare) and getattr(n.left, "attr", "") == "name"]
    looked_up = {id(n) for c in compared for part in c.comparators for n in ast.walk(part)}
    looked_up |= {
        id(n.slice) for n in ast.walk(tree) if isinstance(n, ast.Subscript) and "table" in ast.unparse(n.value)
    }
    emitted = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith("emit") and n.args]
    looked_up |= {id(n.args[0]) for n in emitted}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "F":
            if node.attr in NAMES:
                yield node.lineno, f"F.{node.attr}"
        elif isinstance(node, ast.Constant) and id(node) not in prose:
            words = NAMES if id(node) in looked_up else NAMES.difference(ORDINARY)
            if node.value in words:
                yield node.lineno, repr(node.value)


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if "table" not in path.parts]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_function_is_named_outside_the_table(path):
    found = list(named(path.read_text(encoding="utf-8")))
    if path.relative_to(PACKAGE).as_posix() in EXCEPTIONS:
        assert found, "this exception is not needed any more"
    else:
        assert not found, "say it as a fact of the row, in core/table"


ARRAY_NAMES = {word for row in array_table for word in (row.name, *row.aliases)}
ARRAY_ORDINARY = {
    **dict.fromkeys(("sum", "mean", "max", "min", "product", "identity", "inverse"), "words of mathematics"),
    **dict.fromkeys(
        ("array", "index", "T", "I", "transpose", "zeros", "@", "dot"), "syntax, letters, ways to turn an array"
    ),
}
"""words that mean something else outside the formulas of arrays, which name functions by the table's constants"""
ARRAY_EXCEPTIONS = {
    "asking/callables/solvers.py": "functions of NumPy and SciPy that iterate or solve",
    "core/matrix_operations.py": "an operation of Programs says its own name",
    "ndarrays/protocols.py": "methods of NumPy's arrays, and hints about SciPy",
    "ndarrays/reductions.py": "ufuncs that accumulate, and methods of ufuncs",
    "judging/repair/rewritten_lines.py": "functions of NumPy that multiply, as code calls them",
    "ndarrays/structure.py": "functions of NumPy",
}


def arrays_named(path):
    """The functions of arrays that a file names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = ARRAY_NAMES - {"array"} if "matrices" in path.parts else ARRAY_NAMES.difference(ARRAY_ORDINARY)
    prose = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    named = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in prose]
    return [(n.lineno, n.value) for n in named if isinstance(n.value, str) and n.value in words]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_function_of_arrays_is_named_outside_the_table(path):
    found = arrays_named(path)
    if path.relative_to(PACKAGE).as_posix() in ARRAY_EXCEPTIONS:
        assert found, "this exception is not needed any more"
    else:
        assert not found, "say it as a fact of the row, in core/table/array_rows.py or matrix_rows.py"


@pytest.mark.parametrize(
    "line",
    [
        "y = F.tanh(x)",
        'T = table["log"]',
        'UNARY = ("sin", "x")',
        'if row.name == "log": pass',
        'f(kind="erf")',
        'self.emit("log", x)',
    ],
)
def test_a_function_that_is_named_would_be_noticed(line):
    assert len(list(named(line))) == 1


@pytest.mark.parametrize("line", ['"""tanh"""', "x = F.where(x > 0, x, -x)", 'kind = "maximum"', "a = math.tanh(1)"])
def test_what_names_no_function_is_let_be(line):
    assert not list(named(line))

"""A file reads in one sitting, a function does one thing, and what it is told fits on a line; manuals do not count."""

import ast
import re
from pathlib import Path

import pytest

import diffkit

PACKAGE = Path(diffkit.__file__).parent
FILES = [*PACKAGE.rglob("*.py"), *Path(__file__).parent.glob("*.py")]
LINES = 400
OF_A_FUNCTION = 60
PARAMETERS = 8
FACES = {PACKAGE / "api.py", *(PACKAGE / "cli").glob("*.py")}
"""what users call names every option, and so do the other functions of ``import diffkit``"""


SECTIONS = re.compile(r"^ *(Parameters|Options|Returns|Raises|Examples)\n *-+\n", re.MULTILINE)
"""what makes a docstring a manual: it is read by itself, in ``help`` and on pages, and not where the code is"""


def manual(node):
    """How many lines below its first a docstring has, if it has sections, as numpydoc has them."""
    first = node.body[0] if getattr(node, "body", ()) else None
    if not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    ):
        return 0
    text = first.value.value
    return text.count("\n") if SECTIONS.search(text) else 0


def lines(path):
    """Lines of a file without the manuals in it."""
    text = path.read_text(encoding="utf-8")
    definitions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    return len(text.splitlines()) - sum(map(manual, definitions))


def functions(path):
    """Functions and methods of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_reads_in_one_sitting(path):
    assert lines(path) <= LINES
    for function in functions(path):
        length = function.end_lineno - function.lineno + 1 - manual(function)
        assert length <= OF_A_FUNCTION, f"{function.name} has {length} lines"


@pytest.mark.parametrize("path", sorted(set(PACKAGE.rglob("*.py")) - FACES), ids=lambda path: path.stem)
def test_a_function_is_told_few_things(path):
    for function in functions(path):
        if function.name in diffkit.__all__:
            continue
        told = function.args
        names = [a.arg for a in (*told.posonlyargs, *told.args, *told.kwonlyargs) if a.arg not in ("self", "cls")]
        assert len(names) <= PARAMETERS, f"{function.name} has {len(names)} parameters"

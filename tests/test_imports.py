"""What may import what, and what a small job must not load."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from diffkit.methods import BACKENDS

PACKAGE = Path(__file__).parent.parent / "diffkit"
LAYERS = [
    {"core"},
    {"numbers"},
    {"calculus", "ndarrays"},
    {"engines"},
    {"asking"},
    {"proof"},
    {"methods"},
    {"judging"},
    {"api", "lessons"},
    {"reports"},
    {"__init__", "cli", "testing", "backends"},
    {"__main__", "pytest_plugin"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ONLY_IN = {
    "click": {"cli"},
    "rich": {"reports", "cli"},
    "matplotlib": {"reports/pictures"},
    "sympy": {"calculus/sympy"},
    "flint": {"numbers", "proof", "judging", "lessons"},
    "scipy": {"core/table", "core/results", "judging", "lessons"},
    "mpmath": {"numbers"},
    "llvmlite": {"engines/llvm"},
    "jax": {"engines/jax"},
}


def imports(path):
    """Modules that a file imports, other than for types only."""
    for module, names in froms(path):
        yield module
        if module == "diffkit":
            yield from (f"diffkit.{name}" for name in names if name in LEVEL)


def froms(path):
    """Modules that a file imports, other than for types only, each with the names it takes from there."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node) for block in ast.walk(tree) if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]


def named(path, modules):
    """Modules that a file imports, those too that it imports as names from their package."""
    for module, names in froms(path):
        inside = {f"{module}.{name}" for name in names} & modules
        yield from inside
        if not names or len(inside) < len(names):
            yield module


FILES = sorted(PACKAGE.rglob("*.py"))


def home(path):
    """The layer a file belongs to: its first folder, or its own name."""
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_layers_above(path):
    level = LEVEL[home(path)]
    for module in imports(path):
        if not module.startswith("diffkit."):
            continue
        other = module.split(".")[1]
        if other != home(path):
            assert LEVEL[other] < level, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_stay_in_their_rooms(path):
    for module in imports(path):
        package = module.split(".")[0]
        if package in ONLY_IN:
            place = path.relative_to(PACKAGE).with_suffix("").as_posix()
            assert any(f"{place}/".startswith(f"{room}/") for room in ONLY_IN[package]), f"{place} imports {package}"


def test_no_module_imports_itself_by_way_of_others():
    """No circles, not even by imports within functions; names for types alone may go both ways."""
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__") for path in FILES
    }
    graph = {}
    for path in FILES:
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = set(named(path, modules)) & modules - {name}
    tuple(TopologicalSorter(graph).static_order())


def test_imports_within_functions_and_of_modules_by_name_count():
    path = PACKAGE / "cli" / "output.py"
    assert "diffkit.reports.pictures" in set(named(path, {"diffkit.reports.pictures"}))


def test_no_backend_imports_another():
    homes = {home.partition(":")[0] for home in BACKENDS.values()}
    for backend in homes:
        path = PACKAGE.parent / f"{backend.replace('.', '/')}.py"
        assert not homes & set(imports(path)) - {backend}


def test_no_lesson_imports_another():
    """Derivations, stationary points and descent are rooms of their own: they share what stands beside them only."""
    for path in (PACKAGE / "lessons").glob("*/*.py"):
        for module in imports(path):
            room, _, _ = module.removeprefix("diffkit.lessons.").partition(".")
            assert room == path.parent.name or not (PACKAGE / "lessons" / room).is_dir(), f"{path} imports {module}"


WATCHED = ("numpy", "sympy", "scipy", "rich", "matplotlib", "mpmath", "flint", "diffkit.calculus.sympy",
           "diffkit.ndarrays")  # fmt: skip
ONE_SHOT = """
import sys
from diffkit.cli import main
try:
    main([{arguments}])
except SystemExit as exit:
    assert not exit.code, exit.code
"""


def loaded(code):
    """The heavy packages that code loads in a fresh process."""
    report = f"{code}\nimport sys; print('\\nLOADED', *[m for m in {WATCHED} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return done.stdout.rsplit("LOADED", 1)[1].split()


def test_import_diffkit_loads_nothing_heavy():
    assert loaded("import diffkit") == []


@pytest.mark.parametrize("backend", ["dual", "finite"])
@pytest.mark.parametrize("command", ["grad", "hessian"])
def test_a_one_shot_loads_nothing_heavy(backend, command):
    arguments = f"'{command}', 'exp(sin(x))*y^2+sqrt(x)/log(y+3)', '--at', 'x=1,y=0.5', '--backend', '{backend}'"
    assert loaded(ONE_SHOT.format(arguments=arguments)) == []


def test_help_needs_no_table():
    assert loaded(f"{ONE_SHOT.format(arguments=repr('--help'))}\nassert 'diffkit.core.table' not in sys.modules") == []


def test_differences_load_no_calculus():
    arguments = "'grad', 'x*y', '--at', '1,2', '--backend', 'finite'"
    assert loaded(f"{ONE_SHOT.format(arguments=arguments)}\nassert 'diffkit.calculus' not in sys.modules") == []


def test_a_proof_without_its_formula_loads_flint_alone():
    assert loaded(ONE_SHOT.format(arguments="'grad', '3*x**2-4*x', '--at', '1', '--no-formula'")) == ["flint"]


def test_python_derivatives_load_nothing_heavy():
    assert loaded("import diffkit as dk; assert float(dk.derivative('x^3', 2, backend='dual')) == 12") == []


def test_the_formula_loads_sympy_but_no_arrays():
    found = loaded(ONE_SHOT.format(arguments="'grad', '3*x**2-4*x', '--at', '1'"))
    assert "sympy" in found
    assert not {"numpy", "scipy", "rich", "matplotlib"} & set(found)


@pytest.mark.parametrize("at", ["1", "x=1:2:3"])
def test_a_comparison_away_from_a_terminal_draws_nothing(at):
    assert not {"rich", "matplotlib"} & set(loaded(ONE_SHOT.format(arguments=f"'compare', 'x^2', '--at', '{at}'")))

"""The types that a client's checker sees are those that arrive: each ``assert_type`` of the client is tried."""

import ast
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diffkit as dk
from diffkit import api

CLIENT = Path(__file__).parent / "typed_client.py"
SOURCE = CLIENT.read_text(encoding="utf-8")
TREE = ast.parse(SOURCE)
CLAIMS = [
    node.value.args for node in TREE.body
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "assert_type"
]  # fmt: skip
KINDS = {"list[str]": list, "float": float, "Array": np.ndarray, "bool": bool, "str": str, "tuple[str, ...]": tuple}


def world():
    """The names that the client's lines use."""
    names = {"dk": dk, "np": np, "points": np.ones((3, 2)), "loss": lambda w: w @ w}
    for node in TREE.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id != "Array":
            names[node.targets[0].id] = eval(ast.unparse(node.value), names)
    return names


@pytest.mark.parametrize(("made", "claimed"), CLAIMS, ids=lambda node: ast.unparse(node))
def test_what_arrives_is_of_the_type_that_is_claimed(made, claimed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text, kind = ast.unparse(made), ast.unparse(claimed).removesuffix(" | None")
    if text == "dk.report([])":
        return  # refused when it runs
    found = eval(text, world())
    wanted = KINDS[kind] if kind in KINDS else getattr(dk, kind.split(".")[1].partition("[")[0])
    absent = found is None and ast.unparse(claimed).endswith("| None")
    assert absent or isinstance(found, wanted)


def test_every_function_that_answers_is_typed():
    """No public function gives Any where it can say more, and the client calls them all."""
    for name in dk.__all__:
        thing = getattr(dk, name)
        if inspect.isfunction(thing):
            returned = str(inspect.signature(thing).return_annotation)
            assert returned not in ("Any", "typing.Any"), name
            assert f"dk.{name}(" in SOURCE, name


def test_the_client_uses_every_public_name():
    used = {node.attr for node in ast.walk(TREE) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "dk"}
    assert set(dk.__all__) - used == set()


def test_pyright_sees_what_mypy_sees(tmp_path):
    """In strict mode; mypy runs by itself, over the package too."""
    if not shutil.which("node"):
        pytest.skip("pyright runs on Node")
    pytest.importorskip("pyright", reason="comes with the dev extra")
    pyright = [sys.executable, "-m", "pyright"]
    if subprocess.run([*pyright, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("pyright loads itself when it runs for the first time, and could not")
    settings = {
        "include": [CLIENT.name], "extraPaths": [str(CLIENT.parents[1])], "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False, "reportUnnecessaryTypeIgnoreComment": "error",
    }  # fmt: skip
    shutil.copy(CLIENT, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [*pyright, "--pythonpath", sys.executable, "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "0 errors" in done.stdout


ALIKE = ("derivative", "gradient", "jacobian", "hessian", "directional", "jvp", "vjp", "hvp", "taylor")


def test_what_checkers_are_told_of_the_options_is_what_they_are():
    """The TypedDict that checkers read and the signature that the options come from say the same."""
    tree = ast.parse(inspect.getsource(api))
    (told,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "Options")
    options = [p for p in inspect.signature(api._differentiated).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert {f.target.id: ast.unparse(f.annotation) for f in told.body if isinstance(f, ast.AnnAssign)} == {
        p.name: p.annotation for p in options
    }


@pytest.mark.parametrize("name", ALIKE)
def test_functions_that_are_alike_show_the_options_that_they_take(name):
    function = getattr(dk, name)
    shown = inspect.signature(function)
    assert shown.parameters["backend"].default == "auto"
    assert not any(p.kind is p.VAR_KEYWORD for p in shown.parameters.values())
    assert "proven decimal digits" in function.__doc__
    with pytest.raises(
        TypeError, match=rf"{name}\(\) got an unexpected keyword argument 'backedn'.*did you mean backend"
    ):
        function("x", 1, backedn="dual")


def test_unknown_names_are_errors_when_they_run():
    with pytest.raises(AttributeError, match="no attribute 'gradiant'"):
        dk.gradiant  # noqa: B018
    assert set(dir(dk)) == set(dk.__all__)

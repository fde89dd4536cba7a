"""What other packages add by entry points; one that is broken, or takes a name, costs a line on standard error."""

import subprocess
import sys

import pytest

from diffkit.core.joined import is_joined

ROWS = """
def add_rows(add):
    cube = dict(definition=lambda F, x: x**3, partials=(lambda F, x, y: 3 * x**2,), points=(0.5, 2.0))
    add("thrice", "x", "x³", **cube)
    {more}
"""
BROKEN = {
    "a module that is not there": ("no_such_module:add_rows", "", "No module named 'no_such_module'"),
    "a name that is not there": ("added_rows:nothing", ROWS, "has no attribute 'nothing'"),
    "a module that fails": ("added_rows:add_rows", "1/0", "ZeroDivisionError: division by zero"),
    "a function that fails": ("added_rows:add_rows", "def add_rows(add): raise ValueError('two\\nlines')", "two lines"),
    "what is no function": ("added_rows:add_rows", "add_rows = 3", "'int' object is not callable"),
}
REFUSED = {
    "sin": "sin is in the table already: sine",
    "norm": "norm means something else in text",
    "pi": "pi means something else in text",
    "q": "'q' is no name of two letters or more",
    "né": "'né' is no name of two letters or more",
    "thrice": "thrice is of adding 1.0 already: x³",
}


def install(folder, name, group, value, modules):
    """Make a package as installers leave it."""
    described = folder / f"{name}-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def call(*arguments):
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=tmp_path)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    return call


COMMAND = ("-m", "diffkit", "derivative", "thrice(x)", "--at", "2", "--no-formula")


def test_a_row_of_another_package_is_a_row(run, tmp_path):
    install(tmp_path, "adding", "diffkit.primitives", "added_rows:add_rows", {"added_rows": ROWS.format(more="")})
    code, out, err = run(*COMMAND)
    assert (code, err) == (0, "")
    assert "df/dx = 12" in out
    assert "proven" in out
    assert "added by adding 1.0" in run("-m", "diffkit", "functions", "thrice")[1]
    pickled = "import diffkit as dk, pickle; e = pickle.loads(pickle.dumps(dk.parse('thrice(x)'))); print(e.diff('x'))"
    assert run("-c", pickled) == (0, "3*x**2\n", "")


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_is_taken_or_none_is_refused_and_the_others_are_added(name, run, tmp_path):
    more = f"add({name!r}, 'x', 'mine', **cube)\n    add('fourfold', 'x', 'x³', **cube)"
    install(tmp_path, "adding", "diffkit.primitives", "added_rows:add_rows", {"added_rows": ROWS.format(more=more)})
    code, out, err = run(*COMMAND)
    assert (code, err) == (0, f"diffkit: the function {name!r} of adding 1.0 is left out: {REFUSED[name]}\n")
    assert "df/dx = 12" in out
    assert run("-m", "diffkit", "derivative", "fourfold(sin(x))", "--at", "0")[0] == 0


@pytest.mark.parametrize("fault", BROKEN)
def test_rows_that_cannot_be_added_cost_a_line(fault, run, tmp_path):
    value, text, words = BROKEN[fault]
    install(tmp_path, "adding", "diffkit.primitives", value, {"added_rows": text})
    code, out, err = run("-m", "diffkit", "grad", "x^2", "--at", "3")
    assert code == 0
    assert "∂f/∂x = 6" in out
    assert err.startswith("diffkit: what adding 1.0 adds to the table is left out: ")
    assert words in err
    assert err.count("\n") == 1


def test_a_row_that_is_none_costs_a_line(run, tmp_path):
    more = "add('half', 'x, y', 'one partial of two', **cube)"
    install(tmp_path, "adding", "diffkit.primitives", "added_rows:add_rows", {"added_rows": ROWS.format(more=more)})
    code, _, err = run(*COMMAND)
    assert code == 0
    assert err == (
        "diffkit: the function 'half' of adding 1.0 is left out: ValueError: half: one partial per argument, please\n"
    )


def test_a_backend_that_is_broken_is_no_reason_not_to_compare(run, tmp_path):
    install(tmp_path, "lame", "diffkit.backends", "lame_backend:Lame", {"lame_backend": "raise OSError('no licence')"})
    asked = ("-m", "diffkit", "compare", "x^2", "--at", "3", "--backends")
    code, out, err = run(*asked, "dual,lame")
    assert (code, out) == (2, "")
    assert err == (
        "diffkit: the backend lame of lame 1.0 cannot be made: diffkit.backends lame: lame_backend:Lame cannot be "
        "loaded (OSError: no licence)\n"
    )
    for command in (("-m", "diffkit", "backends"), (*asked, "all")):
        code, out, err = run(*command)
        assert code == 0
        assert "dual" in out
        assert err.startswith("diffkit: the backend lame is left out: ")
        assert err.count("\n") == 1


FORMAT = "def render(document, terminal=False): {}"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("return document.title + '\\n'", 0, ""),
        ("return 1/0", 2, "diffkit: the format brief of brief 1.0 has failed: ZeroDivisionError: division by zero\n"),
        ("return None", 2, "diffkit: the format brief of brief 1.0 gives a NoneType, not text\n"),
        ("import nothing_at_all", 2, "diffkit: the format brief of brief 1.0 has failed: ModuleNotFoundError: "
         "No module named 'nothing_at_all'\n"),
    ],
)  # fmt: skip
def test_a_format_of_another_package(body, code, words, run, tmp_path):
    install(tmp_path, "brief", "diffkit.reports", "brief_format:render", {"brief_format": FORMAT.format(body)})
    assert run("-m", "diffkit", "grad", "x^2", "--at", "3", "--format", "brief") == (
        code, "" if code else "Gradient\n", words,
    )  # fmt: skip
    assert "json, markdown, html, brief" in run("-m", "diffkit", "grad", "x", "--at", "3", "--format", "none")[2]


@pytest.mark.parametrize(
    ("group", "name", "command"),
    [("diffkit.reports", "json", ["grad", "x", "--at", "3", "--format", "json"]),
     ("diffkit.backends", "dual", ["grad", "x", "--at", "3", "--backend", "dual"])],
)  # fmt: skip
def test_what_is_ours_keeps_its_name(group, name, command, run, tmp_path):
    install(tmp_path, name, group, "no_such_module:render", {})
    assert run("-m", "diffkit", *command)[::2] == (0, "")


def test_packages_are_asked_only_where_one_adds_something(run, tmp_path):
    code = "import sys, diffkit as dk; dk.parse('sin(x)'); print('importlib.metadata' in sys.modules)"
    assert run("-c", code) == (0, "False\n", "")
    assert not is_joined("diffkit.nothing_of_the_kind")
    install(tmp_path, "adding", "diffkit.primitives", "added_rows:add_rows", {"added_rows": ROWS.format(more="")})
    assert run("-c", code) == (0, "True\n", "")
    assert run("-c", "import sys, diffkit; print('diffkit.core.table' in sys.modules)") == (0, "False\n", "")

"""What is made of the words of a command line."""

import pytest

from diffkit.cli.command_line import Command, Operand, Option, UsageError
from diffkit.cli.help import help_of


def work(**values):
    """Do it.

    \b
    diffkit work "-x"
    """
    return values["code"] or 0


WORK = Command(
    work,
    (
        Operand("name"),
        Operand("others", "OTHERS...", many=True, required=False),
        Option("-o, --output", "FILE", "Where to."),
        Option("--let", "NAME=VALUE", "A value.", multiple=True),
        Option("--code", "N", "The code.", kind=int, least=0, most=3),
        Option("--rate", "R", "How fast.", 0.5, kind=float),
        Option("--shown / --no-shown", help="Show it."),
        Option("--quick", help="Be quick.", flag=True, to="is_quick"),
        Option("--old", hidden=True),
    ),
)
NOTHING = {"others": (), "output": None, "let": (), "code": None, "rate": 0.5, "shown": None, "is_quick": False,
           "timeout": None}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("x", {"name": "x"}), ("-x**2", {"name": "-x**2"}), ("- -y", {"name": "-", "others": ("-y",)}),
        ("x y z", {"name": "x", "others": ("y", "z")}), ("x --output -o", {"name": "x", "output": "-o"}),
        ("-o a x --output=b", {"name": "x", "output": "b"}), ("x --output=", {"name": "x", "output": ""}),
        ("--let a=1 x --let=b=2", {"name": "x", "let": ("a=1", "b=2")}), ("x --code 3", {"name": "x", "code": 3}),
        ("x --rate=-1e-3", {"name": "x", "rate": -1e-3}), ("-- --quick", {"name": "--quick"}),
        ("x --quick --shown --no-shown", {"name": "x", "is_quick": True, "shown": False}),
        ("x --shown -- --no-shown", {"name": "x", "shown": True, "others": ("--no-shown",)}),
        ("x --rate -- ", "Invalid value for '--rate': '--' is not a valid float"),
        ("", "Missing argument 'NAME'"), ("--quick", "Missing argument 'NAME'"), ("x --code", "requires an argument"),
        ("x --code a", "Invalid value for '--code': 'a' is not a valid integer range"),
        ("x --code 4", "Invalid value for '--code': 4 is not in the range 0<=x<=3"),
        ("x -o", "Option '-o' requires an argument"), ("x --quick=1", "Option '--quick' does not take a value"),
        ("x --cod 1", "No such option '--cod'. Did you mean '--code'?"), ("x --zzz", "No such option '--zzz'"),
    ],
)  # fmt: skip
def test_words_are_values_or_an_error(words, values):
    if isinstance(values, str):
        with pytest.raises(UsageError) as caught:
            WORK.read(words.split())
        assert values in str(caught.value)
        assert caught.value.path == "diffkit work"
    else:
        assert WORK.read(words.split()) == NOTHING | values


def test_the_code_is_that_of_the_function():
    assert [WORK.run(["x", *more]) for more in ([], ["--code=2"])] == [0, 2]


def test_help_says_all_that_is_not_hidden(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = help_of(WORK)
    assert shown.startswith(
        'Usage: diffkit work [OPTIONS] NAME OTHERS...\n\n  Do it.\n\n  diffkit work "-x"\n\nOptions:\n'
    )
    assert "  --code N              The code.  [0<=x<=3]\n" in shown
    assert "--old" not in shown
    assert all(len(line) <= 58 for line in shown.splitlines())

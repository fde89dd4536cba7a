"""Options that several commands share."""

from __future__ import annotations

from diffkit.cli.command_line import Option
from diffkit.core.errors import DiffkitError
from diffkit.methods import BACKENDS
from diffkit.reports import FORMATS, unknown_format


def _either(*names: str) -> str:
    """Names as a choice: a, b or c."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _known(name: str) -> str:
    if name not in FORMATS:
        raise unknown_format(name)
    return name


report_options = (
    Option("--format", "FORMAT", f"{_either(*FORMATS)}.  [default: text]", "text", check=_known),
    Option("--output", "FILE", "Write the report to a file, whole or not at all."),
)
"""``--format``, which is known before anything is computed, and ``--output``"""
array_options = (
    Option("--data", "FILE", "Data by name: FILE.csv|npz|json, X=FILE.npy, X=FILE.csv:a,b. Repeatable.", multiple=True),
    Option("--let", "NAME=VALUE", 'A value by name, such as "A=[[1,2],[3,4]]". Repeatable.', multiple=True),
)  # fmt: skip
"""``--data`` and ``--let``"""
place_options = (
    Option("--at", "POINT", "Where: 1 | 1,2 | x=1,y=2 | pi/4 | a range x=-1:1:21."),
    Option("--points", "FILE", "Points from CSV with a header of names, or JSON lines; - is standard input."),
    Option("--variables", "NAMES", "Variables in order, such as b,a; these names win over constants."),
    *report_options,
)
"""where something is asked, and in which form the answer is wanted"""
jobs_option = Option(
    "--jobs", "N", "Processes that share many points (backend auto, compare, report).  [default: 1]", kind=int, least=1
)
"""``--jobs``: how many processes are at work"""
derivative_options = (
    *array_options,
    *place_options,
    jobs_option,
    Option("--backend", "NAME", f"{_either('auto', *BACKENDS)}.  [default: auto]", "auto"),
    Option("--digits", "N", "Proven decimal digits to show, 1 to 1000 (backend auto).", kind=int),
    Option("--formula / --no-formula", help="Show SymPy's formula.  [default: for auto and symbolic, in text]"),
)  # fmt: skip
"""what every derivative at a point takes"""
picture_options = (
    Option("--save", "FILE", "Draw it too: FILE.png, FILE.svg or FILE.pdf (needs matplotlib)."),
    Option("--show", help="Draw it in a window (needs matplotlib).", flag=True),
)
"""a picture beside the report"""


def tolerance_options(relative: str, absolute: str) -> tuple[Option, ...]:
    """``--rtol`` and ``--atol``; ``--closeness``, which they have replaced, is refused with their names."""
    return (
        Option("--rtol", "R", relative, kind=float),
        Option("--atol", "A", absolute, kind=float),
        Option("--closeness", hidden=True, check=_refuse_closeness),
    )


def _refuse_closeness(value: str | None) -> None:
    if value is not None:
        raise DiffkitError("--closeness is no longer taken", hint="give --rtol, and --atol, in its place")


def names(text: str | None) -> tuple[str, ...] | None:
    """Give a comma-separated list of names as a tuple."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(","))

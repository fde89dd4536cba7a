"""Engines: Programs written out as code that runs by itself, and the interpreter as the oracle of all of them.

A Program is lowered to binary64 operations that round once each; an engine makes a function of these. Which one is
worth it depends on how much there is to do: a point or two are interpreted, many are compiled for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from diffkit.core.errors import BackendError, DiffkitError, did_you_mean

Precision = Literal["pairs", "double"]

ENGINES = {"python": "", "numpy": "", "llvm": "llvmlite", "jax": "jax"}
"""What a Program can be compiled by, and the package that an engine needs besides the core."""
FUSED = frozenset({"llvm"})
"""engines with a fused multiply-add"""
POINTS_INTERPRETED = 3  # points after which compiling pays

Call = Callable[..., "tuple[float, ...] | None"]
"""A function of the coordinates of a point: the values there, or None where it is not ordinary."""
MakeCall = Callable[[Any, bool], Callable[..., Any]]
"""Makes, of what is called for everything else, and of whether arrays with one axis are points, a function of a point
that is a tuple of floats, and maybe of an array to write to, that gives an array."""
BatchCall = Callable[[Any, Any], Any]
"""A function of points (B, n) and of the array (B, m) to write to: which rows are ordinary, or None if all are."""


class Unsuited(Exception):
    """An engine cannot compile a program, and says why."""


def check_engine(engine: str) -> str:
    """Give the name of an engine, or ``auto``; BackendError if it is unknown, or needs what is not installed."""
    if engine != "auto" and engine not in ENGINES:
        hint = did_you_mean(engine, ("auto", *ENGINES)) or f"there are auto, {', '.join(ENGINES)}"
        raise BackendError(f"unknown engine {engine!r}", hint=hint)
    if not is_installed(engine):
        package = ENGINES[engine]
        raise BackendError(f"the engine {engine} needs {package}, which is not installed",
                           hint=f"pip install {package}, or leave the engine to diffkit")  # fmt: skip
    return engine


def check_precision(precision: str) -> Precision:
    """Give ``pairs`` or ``double``; DiffkitError for anything else."""
    known: tuple[Precision, ...] = get_args(Precision)
    for name in known:
        if name == precision:
            return name
    raise DiffkitError(f"unknown precision {precision!r}", hint=f"there are {' and '.join(known)}")


def is_installed(engine: str) -> bool:
    """Whether what an engine needs is here."""
    from importlib.util import find_spec  # which takes as long to load as all of this file

    package = ENGINES.get(engine, "")
    return not package or find_spec(package) is not None

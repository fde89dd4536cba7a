"""The choice among engines: which one compiles a program, by what there is to do, and from when on it pays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from typing import Any

from diffkit.calculus.guards import Guarded
from diffkit.engines import FUSED, POINTS_INTERPRETED, BatchCall, Call, MakeCall, Precision, Unsuited, is_installed
from diffkit.engines.lowering import Lowered, lower

_FOR_POINTS, _FOR_MANY_POINTS = ("python",), ("llvm", "python")
_FOR_BATCHES, _FOR_LARGE_BATCHES = ("numpy",), ("llvm", "numpy")
_FOR_WIDE = ("numpy",)
_SLOTS_OF_LONG = 3000  # slots from which equal operations are computed together where they can be
_POINTS_OF_LONG = 100
_LARGE_BATCH = 2_000_000  # operations of batches from which compiling to machine code pays


class Engines:
    """A guarded derivative as code, compiled when it is first worth it.

    ``engine`` is the name of one, or ``auto``: the fastest one that can take the program.
    """

    def __init__(self, guarded: Guarded, precision: Precision, engine: str):
        self.guarded, self.precision, self.engine = guarded, precision, engine
        self._lowered: dict[bool, Lowered] = {}
        self._batches: dict[tuple[bool, bool], BatchCall | None] = {}
        self._work = 0
        """operations of all batches so far"""
        self.chosen: dict[str, str] = {}
        """the engine that was taken for what it does"""

    def __getstate__(self) -> dict[str, Any]:
        """What was compiled is compiled again where a pickle arrives."""
        state = {name: value for name, value in vars(self).items() if name != "point"}
        return {**state, "_lowered": {}, "_batches": {}, "chosen": {}}

    def lowered(self, fused: bool = False) -> Lowered:
        """The binary64 operations."""
        if fused not in self._lowered:
            self._lowered[fused] = lower(self.guarded, self.precision, fused)
        return self._lowered[fused]

    @cached_property
    def point(self) -> Call | None:
        """The function of one point whose coordinates are floats; None where no engine can take the program."""
        found: Call | None = self._compiled("points", "compile_point", self._for_points())
        return found

    @cached_property
    def points_interpreted(self) -> int:
        """Points after which it pays to compile: pairs of long programs take as long to write as many points do."""
        if self.precision == "double" or self.engine != "auto":
            return 0
        return POINTS_INTERPRETED if len(self.guarded.program) <= _SLOTS_OF_LONG else _POINTS_OF_LONG

    @cached_property
    def faster(self) -> bool:
        """Whether it pays to compile once more for a great many points."""
        return self.engine == "auto" and is_installed(_FOR_MANY_POINTS[0])

    def written(self, places: Sequence[int], shape: tuple[int, ...], many: bool = False) -> MakeCall | None:
        """Give what makes functions of a point that give an array of a shape, the values in the order of ``places``."""
        found: MakeCall | None = self._compiled("points", "compile_call", self._for_points(many), places, shape)
        return found

    def _for_points(self, many: bool = False) -> Sequence[str]:
        """The engines for points one by one, the best first."""
        if len(self.guarded.program) <= _SLOTS_OF_LONG:
            return _FOR_MANY_POINTS if many else _FOR_POINTS
        return (_FOR_MANY_POINTS[0], *_FOR_WIDE, *_FOR_POINTS) if many else (*_FOR_WIDE, *_FOR_POINTS)

    def many(
        self, rows: int, places: Sequence[int] | None = None, factors: Sequence[float] | None = None
    ) -> BatchCall | None:
        """Give the function of so many points; None where no engine can take the program.

        With ``places`` it writes the values in their order, times ``factors`` if there are some, and points that are
        not finite are not ordinary.
        """
        self._work += rows * len(self.guarded.program)
        large = self._work >= _LARGE_BATCH and self.engine == "auto"
        key = large, places is None
        if key not in self._batches:
            engines = _FOR_LARGE_BATCHES if large else _FOR_BATCHES
            self._batches[key] = self._compiled("batches", "compile_batch", engines, places, factors=factors)
        return self._batches[key]

    def _compiled(
        self, work: str, function: str, engines: Sequence[str], places: Sequence[int] | None = None, *args: Any,
        factors: Sequence[float] | None = None,
    ) -> Any:  # fmt: skip
        """What the first engine that can do some work makes of the program; None if there is none."""
        for name in engines if self.engine == "auto" else (self.engine,):
            compile_for = _function_of(name, function)
            if compile_for is None:
                continue
            lowered = self.lowered(name in FUSED)
            try:
                if places is not None:
                    lowered = lowered.arranged(places).multiplied(factors).checked()
                found = compile_for(lowered, *args)
            except Unsuited:
                continue
            self.chosen[work] = name
            return found
        return None


def _function_of(engine: str, function: str) -> Any:
    """What an engine compiles with, if it is here and does that."""
    if not is_installed(engine):
        return None
    return getattr(import_module(f"diffkit.engines.{engine}"), function, None)

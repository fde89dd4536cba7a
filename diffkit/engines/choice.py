"""The choice among engines: which one compiles a program, by what there is to do, and from when on it pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any

from diffkit.calculus.guards import Guarded
from diffkit.engines import POINTS_INTERPRETED, BatchCall, Call, Precision, Unsuited, is_installed
from diffkit.engines.lowering import Lowered, lower
from diffkit.engines.python import compile_into, compile_point

_FOR_POINTS = ("python",)
_FOR_BATCHES = ("numpy",)
_WORK = {"point": "points", "batch": "batches"}
_FUSED = {"llvm"}
"""engines with a fused multiply-add"""


class Engines:
    """A guarded derivative as code, compiled when it is first worth it.

    ``engine`` is the name of one, or ``auto``: the fastest one that can take the program.
    """

    def __init__(self, guarded: Guarded, precision: Precision, engine: str):
        self.guarded, self.precision, self.engine = guarded, precision, engine
        self._patience = POINTS_INTERPRETED if precision == "pairs" and engine == "auto" else 0
        self._lowered: dict[bool, Lowered] = {}
        self.chosen: dict[str, str] = {}
        """the engine that was taken for what it does"""

    def __getstate__(self) -> dict[str, Any]:
        """What was compiled is compiled again where a pickle arrives."""
        state = {name: value for name, value in vars(self).items() if name not in ("_point", "_batch")}
        return {**state, "_lowered": {}, "chosen": {}}

    def lowered(self, fused: bool = False) -> Lowered:
        """The binary64 operations."""
        if fused not in self._lowered:
            self._lowered[fused] = lower(self.guarded, self.precision, fused)
        return self._lowered[fused]

    def point(self) -> Call | None:
        """Give the function of one point; None as long as it is not worth it."""
        if self._patience > 0:
            self._patience -= 1
            return None
        return self._point

    def finished(self, places: Sequence[int], finish: Callable[[tuple[float, ...]], Any]) -> Call:
        """Give the function of one point whose coordinates are not yet checked; ``finish`` makes its answer.

        Of the values in the order of ``places``; None where a coordinate is no finite float, or the point not ordinary.
        """
        self.chosen["points"] = "python"
        return compile_point(self.lowered().arranged(places), finish)

    def written(self, places: Sequence[int], shape: tuple[int, ...]) -> Callable[..., bool | None]:
        """Give the function of an array of a shape, to write to, and of the coordinates as above."""
        return compile_into(self.lowered().arranged(places), shape)

    def batch(self) -> BatchCall | None:
        """Give the function of many points; None where no engine can take the program."""
        return self._batch

    @cached_property
    def _point(self) -> Call | None:
        found: Call | None = self._first("point", _FOR_POINTS)
        return found

    @cached_property
    def _batch(self) -> BatchCall | None:
        found: BatchCall | None = self._first("batch", _FOR_BATCHES)
        return found

    def _first(self, work: str, engines: Sequence[str]) -> Any:
        """What the first engine that can do some work makes of the program; None if there is none."""
        for name in engines if self.engine == "auto" else (self.engine,):
            compile_for = _compiler(name, work)
            if compile_for is None:
                continue
            try:
                found = compile_for(self.lowered(name in _FUSED))
            except Unsuited:
                continue
            self.chosen[_WORK[work]] = name
            return found
        return None


def _compiler(engine: str, work: str) -> Any:
    """What an engine compiles a point or a batch with, if it is here and does that."""
    if not is_installed(engine):
        return None
    return getattr(import_module(f"diffkit.engines.{engine}"), f"compile_{work}", None)

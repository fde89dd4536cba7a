"""What is known about a claim that was found wrong, and the explanation that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from diffkit.core.program import Index, Program
from diffkit.ndarrays.record import Record

Array = NDArray[Any]


class Records(NamedTuple):
    """What the code of a claim and of f (where it is code) does with whole arrays at one point."""

    claim: Record
    model: Record | None


class Evidence(NamedTuple):
    """A claim that fails at a point, with the means to look at it elsewhere.

    * ``names``: labels of the n coordinates; ``groups``: the parameters in order, name and shape, which add up to n;
    * ``shape`` of the claimed answer, (n,), (m, n), (n, n) or the parameter's own; ``indices``: which partial each of
      its c flat components is;
    * ``claim``: point (n,) -> components (c,), may raise or give NaN; ``noise``: bars of the claim's own rounding
      (without it they are read off the claim's values at neighbouring floats);
    * ``truth``: point -> reference components and their error bars, NaN where there is none;
    * ``program``: f itself where it is known as an expression; ``sizes``: lengths that occur in the data;
    * ``records``: point, and whether names are wanted -> what the code does there, None where it cannot be followed;
    * ``kept``: point -> the point of the same kind (a symmetric matrix, say) nearest to it, None where there is none.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...]
    shape: tuple[int, ...]
    indices: tuple[Index, ...]
    claim: Callable[[Array], Any]
    truth: Callable[[Array], tuple[Any, Any]]
    point: Array
    program: Program | None
    sizes: Mapping[str, int]
    noise: Callable[[Array], Any] | None = None
    records: Callable[[Array, bool], Records | None] | None = None
    kept: Callable[[Array], Array | None] | None = None


class Explanation(NamedTuple):
    """A repair that turns the claim into the truth.

    * ``kind``: a word or two for the bug ("factor", "swap", "missing term");
    * ``text``: an instruction that a person can follow;
    * ``points``: at how many fresh points it was proven to hold.
    """

    kind: str
    text: str
    points: int

"""Boxes as they are given: text such as ``x=-2:2,y=-1:1``, a mapping of names to pairs, or pairs in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffkit.asking.frames import labelled, split_top
from diffkit.asking.points import number
from diffkit.core.errors import PointError, did_you_mean, listing, plural
from diffkit.core.text.names import repeated

_LARGEST_SIDE = 1e150
_HINT = "write for example x=-2:2,y=-1:1"


def named(box: Any) -> dict[str, Any] | list[Any]:
    """Give the sides of a box by name, or in order; PointError for what is no box."""
    if isinstance(box, str):
        return _named_in_text(box)
    if (given := labelled(box)) is not None:
        return {str(name): side for name, side in given.values.items()}
    if hasattr(box, "tolist"):
        box = box.tolist()
    if not isinstance(box, Sequence) or isinstance(box, (bytes, bytearray)) or not len(box):
        raise PointError("a box is text, a mapping of names to pairs, or a list of pairs", hint=_HINT)
    if len(box) == 2 and not any(isinstance(side, (Sequence, Mapping)) and not _is_number(side) for side in box):
        return [tuple(box)]
    return list(box)


def _named_in_text(box: str) -> dict[str, Any] | list[Any]:
    if not box.strip():
        raise PointError("the box is empty", hint=_HINT)
    parts = [part.partition("=") for part in split_top(box, ",")]
    if not any(sign for _, sign, _ in parts):
        return [text for text, _, _ in parts]
    if not all(sign for _, sign, _ in parts):
        raise PointError("the box mixes named and unnamed sides", hint=_HINT)
    names = [name.strip() for name, _, _ in parts]
    if twice := repeated(names):
        raise PointError(f"the box gives {twice[:64]} twice")
    return dict(zip(names, (text for _, _, text in parts), strict=True))


def _is_number(side: Any) -> bool:
    return isinstance(side, str) and ":" not in side


def read_box(box: Any, names: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Give the box for these variables; PointError if it does not fit, or a side is empty, reversed or infinite."""
    sides = named(box)
    if isinstance(sides, dict):
        for name in sides:
            if name not in names:
                hint = did_you_mean(name, names) or f"the variables are {listing(names)}"
                raise PointError(f"the box names an unknown variable {name[:64]}", hint=hint)
        missing = [name for name in names if name not in sides]
        if missing:
            raise PointError(f"the box gives no side for {', '.join(missing)}", hint=_HINT)
        sides = [sides[name] for name in names]
    if len(sides) != len(names):
        raise PointError(
            f"the box has {plural(len(sides), 'side')}, the function {plural(len(names), 'variable')}",
            hint=f"in order: {listing(names)}",
        )
    return tuple(_side(side, name) for side, name in zip(sides, names, strict=True))


def _side(side: Any, name: str) -> tuple[float, float]:
    ends = split_top(side, ":") if isinstance(side, str) else side
    if not isinstance(ends, Sequence) or len(ends) != 2:
        shown = side if isinstance(side, str) else repr(side)
        raise PointError(f"{name} = {shown[:40]} is not a side of a box", hint=f"write {name}=LOW:HIGH")
    low, high = (number(end.strip() if isinstance(end, str) else end, name) for end in ends)
    if low == high:
        raise PointError(f"the box is empty: {name} runs from {low:g} to {high:g}")
    if low > high:
        raise PointError(f"the side {name} = {low:g}:{high:g} is reversed", hint=f"write {name}={high:g}:{low:g}")
    if max(-low, high) > _LARGEST_SIDE:
        raise PointError(f"the side {name} = {low:g}:{high:g} is too large", hint=f"{_LARGEST_SIDE:g} at most")
    return low, high

"""Results that read like mappings: the names of their components, and frames.

What a component is called is what one differentiates by, and of several functions which. Of ∂f/∂x that is ``"x"``, of
∂²f/∂x∂y ``("x", "y")``, of ∂f2/∂x in a Jacobian ``("f2", "x")``; what is no partial derivative is called by its label,
as ``"df/dx / 1!"`` is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any
from unicodedata import digit

from diffkit.core.errors import BackendError, LabelError, did_you_mean, listing
from diffkit.core.report_views import report_fields, report_text

Key = str | tuple[str, ...]
"""a name, or several"""
_BRIEF_SIZE, _BRIEF_LINES = 100, 6  # numbers, and lines, of a value shown whole
_PARTIAL = re.compile(r"[d∂][⁰¹²³⁴-⁹]*(f\d*)/([d∂])(\S+)\Z")
_FACTOR_POWER = re.compile(r"(.*?)([⁰¹²³⁴-⁹]*)\Z", re.DOTALL)
_PRODUCT_LABEL = re.compile(r"\(H·v\)\[(.+)\]\Z")


def key_of(label: str) -> Key:
    """Give the key of a component from its label."""
    if product := _PRODUCT_LABEL.match(label):
        return product[1]
    partial = _PARTIAL.match(label)
    if partial is None:
        return label
    function, sign, below = partial.groups()
    names = [name for factor in (below.split(sign) if sign == "∂" else [below]) for name in _repeated(factor)]
    if function != "f":
        names.insert(0, function)
    return names[0] if len(names) == 1 else tuple(names)


def _repeated(factor: str) -> list[str]:
    """x² is x, twice."""
    name, power = _FACTOR_POWER.match(factor).groups()  # type: ignore[union-attr]
    return [name] * int("".join(str(digit(sign)) for sign in power) or 1)


def places_of(labels: Iterable[str]) -> dict[Key, int]:
    """Give the place of each component by its key."""
    return {key_of(label): place for place, label in enumerate(labels)}


def unknown_key(key: Any, known: Iterable[Key], kind: str) -> LabelError:
    """Give the error for a key that no component has; it names the nearest one."""
    asked, names = written(key), [written(other) for other in known]
    hint = did_you_mean(asked, names) or f"it has {listing(names)}"
    return LabelError(f"the {kind} has no component {asked}", hint=hint)


def written(key: Any) -> str:
    """Give a key as Python is told it."""
    return f"({', '.join(map(written, key))})" if isinstance(key, tuple) else repr(key).replace("'", '"')


def frame_of(keys: Sequence[Key], columns: dict[str, Any], points: int | None) -> Any:
    """Give flat columns as a frame with a row for each component, at each of some points if there are many."""
    try:
        pd: Any = import_module("pandas")  # of which mypy knows no types
    except ImportError:
        raise BackendError("a frame needs pandas", hint="pip install pandas") from None
    width = max((len(key) for key in keys if isinstance(key, tuple)), default=1)
    levels: list[Sequence[Any]] = (
        list(zip(*(key if isinstance(key, tuple) else (key,) for key in keys), strict=True)) or [()] * width
    )
    names = ["name"] if width == 1 else [f"name {k + 1}" for k in range(width)]
    if points is not None:
        levels = [[k for k in range(points) for _ in keys], *([*level] * points for level in levels)]
        names.insert(0, "point")
    index = pd.MultiIndex.from_arrays(levels, names=names) if len(levels) > 1 else pd.Index(levels[0], name=names[0])
    return pd.DataFrame(columns, index=index)


def brief(value: Any) -> str:
    """Give a value in a few lines: of a large array its corners, or else its shape."""
    text = str(value) if getattr(value, "ndim", 0) == 0 or value.size <= _BRIEF_SIZE else ""
    if hasattr(value, "toarray"):
        return f"{len(value.data)} entries stored of shape {value.shape}"
    if hasattr(value, "ndim") and (not text or text.count("\n") >= _BRIEF_LINES):
        import numpy as np

        with np.printoptions(threshold=0, edgeitems=2):
            text = str(value)
    return text if text.count("\n") < _BRIEF_LINES else f"an array of shape {value.shape}"


def _listed(numbers: Any) -> list[float]:
    return numbers.tolist() if hasattr(numbers, "tolist") else list(numbers)


class NamedComponents:
    """A mapping from the names of components to their values; of a batch to arrays, in the shape of the points."""

    if TYPE_CHECKING:
        kind: str
        shape: tuple[int, ...]
        flat: Any
        flat_error: Any
        labels: Sequence[str]
        variables: tuple[str, ...]
        at: Mapping[str, Any]
        pattern: Any

        is_batch: Any

        def _told(self, name: str, ordinary: Any) -> Any: ...

    @cached_property
    def _places(self) -> dict[Key, int]:
        return places_of(self.labels)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_places"}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __getitem__(self, key: Key) -> Any:
        if key not in self._places:
            raise self._unstored(key) or unknown_key(key, self._places, self.kind)
        return self._component(self._places[key])

    def _unstored(self, key: Any) -> LabelError | None:
        """The error for an entry of a sparse matrix that is 0 by structure."""
        names = {*self.variables, *(f"f{k + 1}" for k in range(self.shape[0] if self.pattern is not None else 0))}
        if self.pattern is None or not isinstance(key, tuple) or len(key) != 2 or not names.issuperset(key):
            return None
        return LabelError(f"the {self.kind} stores no entry {written(key)}", hint="what is not stored is 0")

    def _component(self, place: int) -> Any:
        """A component by its place: a float, or of a batch an array of those at each point."""
        if not self.is_batch:
            return float(self.flat[place])
        import numpy as np

        column = np.array(self.flat[place :: len(self.labels)], dtype=float)
        points = max((tuple(getattr(x, "shape", ())) for x in self.at.values()), key=len, default=())
        return column.reshape(points) if points == tuple(self.shape[: len(points)]) else column

    def keys(self) -> KeysView[Key]:
        """The names of the components, in the order of their labels."""
        return self._places.keys()

    def values(self) -> list[Any]:
        """The components, in the order of ``keys``; ``value`` has them in their shape."""
        return [self._component(place) for place in self._places.values()]

    def items(self) -> list[tuple[Key, Any]]:
        """Names and components."""
        return list(zip(self._places, self.values(), strict=True))

    def get(self, key: Key, default: Any = None) -> Any:
        """Give a component by its name, or something else where none has it.

        Parameters
        ----------
        key : str or tuple of str
            The name.
        default : object, optional
            What else to give.

        Returns
        -------
        float, array or object
            The component, or ``default``.
        """
        return self[key] if key in self._places else default

    def to_dict(self) -> dict[str, Any]:
        """Give all that is known, as ``diffkit grad --format json`` does.

        Returns
        -------
        dict
            Numbers, lists and texts; NaN is None. Its ``schema`` names what it
            holds.
        """
        return report_fields(self)

    def to_json(self) -> str:
        """Give all that is known as JSON; its ``schema`` names what it holds.

        Returns
        -------
        str
            One line.
        """
        return report_text(self, "json").rstrip()

    def to_frame(self) -> Any:
        """Give a pandas DataFrame with a row for each component.

        It has the value, error and status, indexed by the name. Of a batch the
        number of the point is the first level of the index:
        ``frame.value.unstack()`` has a row for each point.

        Returns
        -------
        pandas.DataFrame
            The components.

        Raises
        ------
        BackendError
            Without pandas.
        """
        errors = [math.nan] * len(self.flat) if self.flat_error is None else _listed(self.flat_error)
        told = self._told("status", "ok")
        columns = {"value": _listed(self.flat), "error": errors, "status": [str(status) for status in told]}
        points = len(self.flat) // max(len(self.labels), 1) if self.is_batch else None
        return frame_of([key_of(label) for label in self.labels], columns, points)


__all__ = ["Key", "NamedComponents", "brief", "key_of"]

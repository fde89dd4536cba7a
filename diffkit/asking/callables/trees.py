"""Points that are trees of arrays: nested mappings and lists, models with named parameters, and nodes known to JAX.

A function of a tree becomes one of its leaves, which have names such as ``layer.weight`` or ``p[0]``.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.array_libraries import gradients_in, is_module
from diffkit.core.errors import PointError, visible
from diffkit.core.text.names import as_name

_WITHOUT_ARRAYS = (int, float)
_LEAVES = (*_WITHOUT_ARRAYS, str, bool, bytes, np.ndarray)
Build = Callable[[Iterator[Any]], Any]


class _Branch(NamedTuple):
    """The children of a node, with what they are called after its own name, and what makes the node of others."""

    labels: Sequence[str]
    children: Sequence[Any]
    make: Callable[[list[Any]], Any]


def grow(value: Any, name: str, leaves: dict[str, Any]) -> Build:
    """Put the leaves of a tree into a dict, by their names; gives what makes the tree of a stream of other leaves."""
    node = _branch(value)
    if node is None:
        if callable(value) or isinstance(value, (str, bool)):  # no number, and held as it is
            return lambda _: value
        name = name.removeprefix(".")
        if name in leaves:
            raise PointError(f"two leaves of the point are called {visible(name)[:64]}")
        leaves[name] = value
        return next
    builds = [grow(child, name + label, leaves) for label, child in zip(node.labels, node.children, strict=True)]
    return lambda stream: node.make([build(stream) for build in builds])


def is_tree(value: Any) -> bool:
    """Whether a value is a tree of arrays rather than an array: nested lists of numbers are one array."""
    return value is not None and _branch(value) is not None


def named_leaves(value: Any, name: str = "") -> dict[str, Any]:
    """The leaves of a tree by their names; of a model, the gradients it holds."""
    found: dict[str, Any] = {}
    grow(dict(gradients_in(value)) if is_module(value) else value, name, found)
    return found


def _branch(value: Any) -> _Branch | None:
    """A node as its children; None for a leaf."""
    if type(value) in _LEAVES:
        return None
    if value is None:
        return _Branch((), (), lambda _: None)
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if isinstance(value, (list, tuple)):
        if not any(getattr(v, "ndim", 0) or is_tree(v) for v in value if type(v) not in _WITHOUT_ARRAYS):
            return None
        if hasattr(value, "_fields"):
            return _Branch([f".{field}" for field in value._fields], value, lambda parts: type(value)(*parts))
        return _Branch([f"[{k}]" for k in range(len(value))], value, type(value))
    return _of_model(value) if is_module(value) else _registered(value)


def _of_mapping(value: Mapping[Any, Any]) -> _Branch:
    keys = list(value)
    kind: Any = dict if type(value).__init__ is not dict.__init__ else type(value)

    def make(parts: list[Any]) -> Any:
        found = dict(zip(keys, parts, strict=True))
        return found if type(value) is dict else kind(found)

    return _Branch([f".{as_name(key)}" for key in keys], list(value.values()), make)


def _of_model(model: Any) -> _Branch:
    """The parameters of a model; each call has a copy of it, so that none sees what another leaves there."""
    names, parameters = zip(*model.named_parameters(), strict=True)

    def make(parts: list[Any]) -> Any:
        copied = copy.deepcopy(model)
        for parameter, part in zip(copied.parameters(), parts, strict=True):
            parameter.data = part.detach()
            parameter.grad = None
        return copied

    return _Branch([f".{name}" for name in names], parameters, make)


def _registered(value: Any) -> _Branch | None:
    """A node of the kinds that JAX is told of, such as data classes; None where JAX is not loaded or knows a leaf."""
    jax = sys.modules.get("jax")
    if jax is None or not hasattr(jax, "tree_util") or hasattr(value, "dtype"):
        return None
    found, shape = jax.tree_util.tree_flatten_with_path(value, is_leaf=lambda v: v is not value)
    if len(found) == 1 and not found[0][0]:
        return None
    return _Branch([jax.tree_util.keystr(path) for path, _ in found], [child for _, child in found], shape.unflatten)

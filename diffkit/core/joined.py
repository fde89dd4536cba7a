"""What other packages add by entry points: backends, primitives and formats; one that is broken costs a line.

A package joins by declaring an object under one of three groups: ``diffkit.backends``, ``diffkit.primitives``,
``diffkit.reports`` (Python Packaging User Guide, "Entry points specification").
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import DiffkitError, told, visible

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BACKEND_GROUP, PRIMITIVE_GROUP, FORMAT_GROUP = "diffkit.backends", "diffkit.primitives", "diffkit.reports"
_DESCRIBED = (".dist-info", ".egg-info")


def joined(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; where two packages have the same name, the one that is found first."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, entry)
    return found


def is_joined(group: str) -> bool:
    """Whether any package declares the group; it costs a hundredth of asking ``importlib.metadata``."""
    needle = group.encode()
    return any(needle in text for folder in dict.fromkeys(sys.path) for text in _declarations(folder or os.curdir))


def _declarations(folder: str) -> Iterator[bytes]:
    """The files of entry points of the packages in a folder."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith(_DESCRIBED):
                with suppress(OSError), open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                    yield file.read()


def loaded(entry: EntryPoint) -> Any:
    """Import what an entry point names; DiffkitError in a line where that fails."""
    try:
        return entry.load()
    except Exception as error:
        raise DiffkitError(f"{entry.group} {entry.name}: {entry.value} cannot be loaded ({told(error)})") from error


def home(entry: EntryPoint) -> str:
    """The package that declares an entry point, and its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value.partition(":")[0]


def left_out(what: str, reason: str) -> None:
    """Say on standard error that something that was added is not used, by ``logging``, which can be told otherwise."""
    import logging

    logging.getLogger("diffkit").warning("%s", visible(f"diffkit: {what} is left out: {reason}"))

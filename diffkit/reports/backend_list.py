"""The list of backends: our own, the tools of others, and those that other packages add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from diffkit import __version__
from diffkit.methods import Backend, get_backend, joined_backends, working_backends
from diffkit.methods.tools import TOOLS, is_installed
from diffkit.reports.document import Block, Document, Gap, Note, Table

_OWN_METHODS = {
    "symbolic": "formulas of SymPy",
    "finite": "differences of values, with an error bar",
    "dual": "forward mode by dual numbers",
    "reverse": "reverse mode",
    "complex": "complex steps",
}
_BOTH = "formulas, code"
_FOLLOWS = {"symbolic": "formulas", "finite": "values"}


class _BackendRow(NamedTuple):
    name: str
    version: str
    order: str
    follows: str
    errors: str
    summary: str


@dataclass(frozen=True)
class BackendList(Document):
    """All backends, with what each can do."""

    title: str = "Backends"

    @property
    def rows(self) -> list[_BackendRow]:
        """A row for each backend that is here."""
        own = [_row(name, __version__, summary) for name, summary in _OWN_METHODS.items()]
        tools = [_row(n, _version(tool.package), tool.summary) for n, tool in TOOLS.items() if is_installed(n)]
        working = working_backends()
        joined = [_row(name, entry.dist.version if entry.dist else "", f"of {entry.value}")
                  for name, entry in joined_backends().items() if name in working]  # fmt: skip
        return [_BackendRow("auto", __version__, "any", _BOTH, "proven", "proofs"),
                *own, *tools, *joined]  # fmt: skip

    @property
    def missing(self) -> dict[str, str]:
        """The packages of tools that are not here."""
        return {name: facts.package for name, facts in TOOLS.items() if not is_installed(name)}

    def blocks(self) -> Iterator[Block]:
        """List them; where a line must be short, without what they are given and state."""
        header = ("backend", "version", "order", "is given", "errors", "what it is")
        yield Table(header, tuple(self.rows), (0, 1, 2, 5))
        yield Gap()
        if self.missing:
            yield Note(f"Not installed: {', '.join(self.missing)} (pip install {' '.join(self.missing.values())}).")
        yield Note("diffkit compare EXPRESSION --at POINT --backends all puts those that are here beside the proof.")

    def fields(self) -> dict[str, Any]:
        """Give the rows."""
        return {"schema": "diffkit.backends/1", "backends": [row._asdict() for row in self.rows],
                "missing": self.missing}  # fmt: skip


def _row(name: str, version: str, summary: str) -> _BackendRow:
    backend = get_backend(name)
    follows = getattr(backend, "takes", _FOLLOWS.get(name, _BOTH))
    kind = "bounds" if getattr(backend, "covering", True) else "estimates"
    return _BackendRow(
        name, version, _orders(backend), follows, "none" if backend.error_kind == "none" else kind, summary
    )


def _orders(backend: Backend) -> str:
    """The orders that it has."""
    most = getattr(backend, "most_order", None)
    return "any" if most is None else f"1 to {most}" if most > 1 else "1"


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""

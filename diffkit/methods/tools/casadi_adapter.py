"""CasADi as a backend: Jacobians of its symbols, evaluated by its virtual machine."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from diffkit.methods.tools.adapter import Tool, ToolPartials, imported, nested
from diffkit.methods.tools.symbols import SymbolFunctions, of_symbols

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index

_CASADI_COMPARISONS: dict[str, Callable[..., Any]] = {
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "equal": operator.eq, "not_equal": operator.ne,
}  # fmt: skip


class CasadiBackend(Tool):
    """``casadi.jacobian`` of ``SX`` symbols."""

    name = "casadi"

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        casadi = imported("casadi")
        x = casadi.SX.sym("x", len(source.inputs))
        outputs = of_symbols(source, [x[k] for k in range(len(source.inputs))], CasadiFunctions(casadi))
        f, places = casadi.vertcat(*outputs), [0] * len(indices)
        found: list[Any] = []
        for group in nested(indices):
            entries, sizes = f, [len(outputs)]
            for level in reversed(group.levels):
                entries = casadi.vec(casadi.jacobian(entries, x[list(level)]))  # column after column
                sizes.append(len(level))
            first = sum(part.numel() for part in found)
            for c, (output, *rest) in group.places:
                places[c] = first + output
                for k, place in enumerate(reversed(rest), start=1):
                    places[c] += place * _product(sizes[:k])
            found.append(casadi.densify(entries))
        call = casadi.Function("partials", [x], [casadi.vertcat(*found)])

        def at(point: Sequence[float]) -> ToolPartials:
            values = call(casadi.DM(point)).full().ravel()
            return ToolPartials(values[places].tolist())

        return at


def _product(sizes: Sequence[int]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found


class CasadiFunctions(SymbolFunctions):
    """Functions of CasADi."""

    names: ClassVar = {
        "where": "if_else", "logical_and": "logic_and", "logical_or": "logic_or", "logical_not": "logic_not"
    }  # fmt: skip

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return _CASADI_COMPARISONS.get(name) or super().__getattr__(name)

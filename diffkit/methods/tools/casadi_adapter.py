"""CasADi as a backend: Jacobians of its symbols, evaluated by its virtual machine."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import SYMBOL_SIGNS, Tool, ToolPartials, imported, nested, of_symbols

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index

_CASADI_NAMES = {
    "where": "if_else", "logical_and": "logic_and", "logical_or": "logic_or", "logical_not": "logic_not"
}  # fmt: skip
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


class CasadiFunctions:
    """Functions of CasADi by NumPy's names."""

    def __init__(self, casadi: Any):
        self._casadi = casadi
        self.__name__ = "casadi"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = SYMBOL_SIGNS.get(name) or _CASADI_COMPARISONS.get(name)
        return found or getattr(self._casadi, _CASADI_NAMES.get(name, name))

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger one."""
        return self._casadi.fmax(x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller one."""
        return self._casadi.fmin(x, y)

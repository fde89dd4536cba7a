"""heyoka as a backend: symbolic expressions, differentiated and compiled by LLVM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from diffkit.methods.tools.adapter import AtPoint, Tool, ToolPartials, imported
from diffkit.methods.tools.symbols import SymbolFunctions, of_symbols, one_from_another

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index


class HeyokaBackend(Tool):
    """``heyoka.diff`` of its expressions, evaluated by ``heyoka.cfunc``."""

    name = "heyoka"

    def partials(self, source: Source, indices: Sequence[Index]) -> AtPoint:
        """Give the function of a point that gives these partials of a source."""
        import numpy as np

        heyoka = imported("heyoka")
        symbols = [heyoka.expression(f"x{k}") for k in range(len(source.inputs))]
        outputs = map(heyoka.expression, of_symbols(source, symbols, HeyokaFunctions(heyoka)))
        call = heyoka.cfunc(one_from_another(list(outputs), symbols, indices, heyoka.diff), vars=symbols)
        return lambda point: ToolPartials(call(np.array(point)).tolist())


class HeyokaFunctions(SymbolFunctions):
    """Functions of heyoka, which take expressions."""

    names: ClassVar = {
        "where": "select", "less": "lt", "less_equal": "lte", "greater": "gt", "greater_equal": "gte", "equal": "eq",
        "not_equal": "neq",
    }  # fmt: skip

    def taking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function of what formulas have: symbols and numbers."""
        return lambda *args: function(*map(self.module.expression, args))

    def logical_and(self, *truths: Any) -> Any:
        """Whether all hold."""
        return self.module.logical_and(list(truths))

    def logical_or(self, *truths: Any) -> Any:
        """Whether one holds."""
        return self.module.logical_or(list(truths))

    def expit(self, x: Any) -> Any:
        """1/(1 + e⁻ˣ)."""
        return self.module.sigmoid(x)

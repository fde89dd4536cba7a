"""SymEngine as a backend: formulas differentiated in C++, and compiled for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from diffkit.methods.tools.adapter import AtPoint, Tool, ToolPartials, imported
from diffkit.methods.tools.symbols import SymbolFunctions, of_symbols, one_from_another

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index


class SymengineBackend(Tool):
    """``diff`` of its expressions, evaluated by ``symengine.Lambdify``."""

    name = "symengine"

    def partials(self, source: Source, indices: Sequence[Index]) -> AtPoint:
        """Give the function of a point that gives these partials of a source."""
        symengine = imported("symengine")
        symbols = [symengine.Symbol(f"x{k}") for k in range(len(source.inputs))]
        outputs = map(symengine.sympify, of_symbols(source, symbols, SymengineFunctions(symengine)))
        found = one_from_another(list(outputs), symbols, indices, lambda y, x: y.diff(x))
        call = symengine.Lambdify(symbols, found, cse=True)
        return lambda point: ToolPartials(call(list(point)).tolist())


class SymengineFunctions(SymbolFunctions):
    """Functions of SymEngine."""

    names: ClassVar = {
        "less": "Lt", "less_equal": "Le", "greater": "Gt", "greater_equal": "Ge", "equal": "Eq", "not_equal": "Ne",
        "logical_and": "And", "logical_or": "Or", "logical_not": "Not",
    }  # fmt: skip

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """One of two, by a condition."""
        return self.module.Piecewise((x, condition), (y, True))

    def ceil(self, x: Any) -> Any:
        """The least whole number that is not smaller."""
        return self.module.ceiling(x)

    def gammaln(self, x: Any) -> Any:
        """The logarithm of Γ."""
        return self.module.loggamma(x)

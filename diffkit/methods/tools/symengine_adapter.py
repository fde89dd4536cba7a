"""SymEngine as a backend: formulas differentiated in C++, and compiled for numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import SYMBOL_SIGNS, Tool, ToolPartials, imported, of_symbols

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index

_SYMENGINE_NAMES = {
    "less": "Lt", "less_equal": "Le", "greater": "Gt", "greater_equal": "Ge", "equal": "Eq", "not_equal": "Ne",
    "logical_and": "And", "logical_or": "Or", "logical_not": "Not",
}  # fmt: skip


class SymengineBackend(Tool):
    """``diff`` of its expressions, evaluated by ``symengine.Lambdify``."""

    name = "symengine"

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        symengine = imported("symengine")
        symbols = [symengine.Symbol(f"x{k}") for k in range(len(source.inputs))]
        outputs = of_symbols(source, symbols, SymengineFunctions(symengine))
        known: dict[Index, Any] = {(k, ()): symengine.sympify(output) for k, output in enumerate(outputs)}

        def partial(output: int, variables: tuple[int, ...]) -> Any:
            if (output, variables) not in known:
                known[output, variables] = partial(output, variables[:-1]).diff(symbols[variables[-1]])
            return known[output, variables]

        found = [partial(output, variables) for output, variables in indices]
        call = symengine.Lambdify(symbols, found, cse=True)
        return lambda point: ToolPartials(call(list(point)).tolist())


class SymengineFunctions:
    """Functions of SymEngine by NumPy's names."""

    def __init__(self, symengine: Any):
        self._symengine = symengine
        self.__name__ = "symengine"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in SYMBOL_SIGNS:
            return SYMBOL_SIGNS[name]
        return getattr(self._symengine, _SYMENGINE_NAMES.get(name, name))  # type: ignore[no-any-return]

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """One of two, by a condition."""
        return self._symengine.Piecewise((x, condition), (y, True))

    def abs(self, x: Any) -> Any:
        """|x|, so that it can be differentiated."""
        return self.where(self.greater_equal(x, 0), x, -x)

    def ceil(self, x: Any) -> Any:
        """The least whole number that is not smaller."""
        return self._symengine.ceiling(x)

    def gammaln(self, x: Any) -> Any:
        """The logarithm of Γ."""
        return self._symengine.loggamma(x)

    def sign(self, x: Any) -> Any:
        """−1, 0 or 1."""
        return self._symengine.Piecewise((1, self.greater(x, 0)), (-1, self.less(x, 0)), (0, True))

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger one, so that it can be differentiated."""
        return self.where(self.greater_equal(x, y), x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller one, so that it can be differentiated."""
        return self.where(self.less_equal(x, y), x, y)

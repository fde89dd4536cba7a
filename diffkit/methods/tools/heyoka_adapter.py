"""heyoka as a backend: symbolic expressions, differentiated and compiled by LLVM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import SYMBOL_SIGNS, Tool, ToolPartials, imported, of_symbols

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index

_HEYOKA_NAMES = {
    "where": "select", "less": "lt", "less_equal": "lte", "greater": "gt", "greater_equal": "gte", "equal": "eq",
    "not_equal": "neq",
}  # fmt: skip


class HeyokaBackend(Tool):
    """``heyoka.diff`` of its expressions, evaluated by ``heyoka.cfunc``."""

    name = "heyoka"

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        import numpy as np

        heyoka = imported("heyoka")
        symbols = [heyoka.expression(f"x{k}") for k in range(len(source.inputs))]
        outputs = of_symbols(source, symbols, HeyokaFunctions(heyoka))
        known: dict[Index, Any] = {(k, ()): heyoka.expression(output) for k, output in enumerate(outputs)}

        def partial(output: int, variables: tuple[int, ...]) -> Any:
            if (output, variables) not in known:
                known[output, variables] = heyoka.diff(partial(output, variables[:-1]), symbols[variables[-1]])
            return known[output, variables]

        call = heyoka.cfunc([partial(*index) for index in indices], vars=symbols)
        return lambda point: ToolPartials(call(np.array(point)).tolist())


class HeyokaFunctions:
    """Functions of heyoka by NumPy's names."""

    def __init__(self, heyoka: Any):
        self._heyoka = heyoka
        self.__name__ = "heyoka"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in SYMBOL_SIGNS:
            return SYMBOL_SIGNS[name]
        function = getattr(self._heyoka, _HEYOKA_NAMES.get(name, name))
        return lambda *args: function(*map(self._heyoka.expression, args))

    def logical_and(self, *truths: Any) -> Any:
        """Whether all hold."""
        return self._heyoka.logical_and(list(truths))

    def logical_or(self, *truths: Any) -> Any:
        """Whether one holds."""
        return self._heyoka.logical_or(list(truths))

    def expit(self, x: Any) -> Any:
        """1/(1 + e⁻ˣ)."""
        return self._heyoka.sigmoid(x)

    def sign(self, x: Any) -> Any:
        """−1, 0 or 1."""
        return self.where(self.greater(x, 0.0), 1.0, self.where(self.less(x, 0.0), -1.0, 0.0))

    def abs(self, x: Any) -> Any:
        """|x|."""
        return self.where(self.greater_equal(x, 0.0), x, -x)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger one."""
        return self.where(self.greater_equal(x, y), x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller one."""
        return self.where(self.less_equal(x, y), x, y)

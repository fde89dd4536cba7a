"""Tools that differentiate symbols: f as their expression, one partial from another, and NumPy's names for theirs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from diffkit.core.program import run
from diffkit.numbers.namespaces import NamespaceAlgebra

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index

_SYMBOL_SIGNS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "negative": operator.neg, "power": operator.pow,
}  # fmt: skip
"""what symbols have as operators, by NumPy's names"""


class SymbolFunctions:
    """Functions of a module of symbols by NumPy's names; choices can be differentiated."""

    names: ClassVar[Mapping[str, str]] = {}
    """the tool's names, where they are neither NumPy's nor those of the C library"""

    def __init__(self, module: Any):
        self.module = module
        self.__name__ = module.__name__

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in _SYMBOL_SIGNS:
            return _SYMBOL_SIGNS[name]
        return self.taking(getattr(self.module, self.names.get(name, name)))

    def taking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function of what formulas have: symbols and numbers."""
        return function

    def abs(self, x: Any) -> Any:
        """|x|."""
        return self.where(self.greater_equal(x, 0.0), x, -x)

    def sign(self, x: Any) -> Any:
        """−1, 0 or 1."""
        return self.where(self.greater(x, 0.0), 1.0, self.where(self.less(x, 0.0), -1.0, 0.0))

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger one."""
        return self.where(self.greater_equal(x, y), x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller one."""
        return self.where(self.less_equal(x, y), x, y)


def of_symbols(source: Source, symbols: Sequence[Any], functions: SymbolFunctions) -> list[Any]:
    """The outputs of f at symbols of a tool, by its formula."""
    return run(source.program, NamespaceAlgebra(functions, functions), symbols)


def one_from_another(
    outputs: Sequence[Any], symbols: Sequence[Any], indices: Sequence[Index], derivative: Callable[[Any, Any], Any]
) -> list[Any]:
    """The partials as expressions: each is the derivative of one of lower order."""
    known: dict[Index, Any] = {(k, ()): output for k, output in enumerate(outputs)}

    def partial(output: int, variables: tuple[int, ...]) -> Any:
        if (output, variables) not in known:
            known[output, variables] = derivative(partial(output, variables[:-1]), symbols[variables[-1]])
        return known[output, variables]

    return [partial(*index) for index in indices]

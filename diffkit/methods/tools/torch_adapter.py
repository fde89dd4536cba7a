"""PyTorch as a backend: ``torch.func`` on tensors of 64 bits, forwards by few variables and backwards by many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import FEW_VARIABLES, FollowedFunction, Tool, ToolPartials, by_nesting, imported

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index


class TorchBackend(Tool):
    """``torch.func.jacfwd`` and ``torch.func.jacrev``."""

    name, takes = "torch", "formulas, its code"

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        torch = imported("torch")
        f = FollowedFunction(source, TorchFunctions(torch), TorchFunctions(torch.special, torch))

        def derivative(g: Any, count: int) -> Any:
            return (torch.func.jacfwd if count <= FEW_VARIABLES else torch.func.jacrev)(g)

        found = by_nesting(f, len(source.inputs), indices, torch, derivative)
        return lambda point: ToolPartials(found(torch.tensor(point, dtype=torch.float64)), of_formula=f.of_formula)


class TorchFunctions:
    """Functions of a module of Torch by NumPy's names: numbers among their arguments are tensors there."""

    def __init__(self, module: Any, torch: Any = None):
        self._module, self._torch = module, torch or module
        self.__name__ = "torch"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            function = getattr(self._module, name)
        except AttributeError:
            raise AttributeError(name) from None
        return lambda *args: function(*map(self.asarray, args))

    def equal(self, x: Any, y: Any) -> Any:
        """Where numbers are equal; Torch's own function of that name asks whether all are."""
        return self._torch.eq(self.asarray(x), self.asarray(y))

    def asarray(self, x: Any, dtype: Any = None) -> Any:  # noqa: ARG002  # all that is real has 64 bits
        """A tensor of 64 bits, or of truths."""
        if isinstance(x, self._torch.Tensor):
            return x
        return self._torch.tensor(x, dtype=self._torch.bool if isinstance(x, bool) else self._torch.float64)

    def ravel(self, x: Any) -> Any:
        """One row of numbers."""
        return self._torch.ravel(self.asarray(x))

    def stack(self, parts: Sequence[Any]) -> Any:
        """Numbers in a row."""
        return self._torch.stack(list(parts))

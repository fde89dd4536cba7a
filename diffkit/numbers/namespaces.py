"""Programs in the functions of a module that looks like NumPy: those of JAX, of Torch, of CasADi's symbols, …"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from diffkit.core.errors import BackendError
from diffkit.core.program import Constant
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.numbers.floats import to_float


class NamespaceAlgebra:
    """What functions of NumPy's names in ``numpy``, and of SciPy's in ``special``, take and give.

    BackendError for a row that neither has, unless it can be written by others.
    """

    def __init__(self, numpy: Any, special: Any):
        self.numpy, self.special = numpy, special
        self._functions: dict[Primitive, Callable[..., Any]] = {}

    def constant(self, value: Constant) -> float:
        """Give the nearest float."""
        return to_float(value)

    def apply(self, row: Primitive, args: Sequence[Any]) -> Any:
        """Give the value of a row."""
        if row not in self._functions:
            self._functions[row] = self._function(row)
        return self._functions[row](*args)

    def _function(self, row: Primitive) -> Callable[..., Any]:
        form = row.array
        if isinstance(form, str):
            home = self.special if "." in form else self.numpy
            for name in filter(None, (form.rpartition(".")[2], row.libm)):  # as NumPy or as the C library calls it
                found: Callable[..., Any] | None = getattr(home, name, None)
                if found is not None:
                    return found
        elif form is not None and row.definition is None:
            return partial(form, self.numpy)
        if row.definition is None:
            tool = getattr(self.numpy, "__name__", type(self.numpy).__name__).partition(".")[0]
            raise BackendError(f"{tool} has no {row.name}", hint="use backend='auto'")
        return lambda *args: by_definition(row, self, args)

"""JAX as a backend: Jacobians of Jacobians in 64 bits, forwards by few variables and backwards by many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import FEW_VARIABLES, FollowedFunction, Tool, ToolPartials, by_nesting, imported

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index


class JaxBackend(Tool):
    """``jax.jacfwd`` and ``jax.jacrev``; formulas are compiled if ``jit``."""

    name, takes = "jax", "formulas, its code"

    def __init__(self, *, jit: bool = True):
        super().__init__()
        self.jit = jit

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        jax, jnp, special = imported("jax"), imported("jax.numpy"), imported("jax.scipy.special")
        f = FollowedFunction(source, jnp, special)

        def derivative(g: Any, count: int) -> Any:
            return (jax.jacfwd if count <= FEW_VARIABLES else jax.jacrev)(g)

        compiled = jax.jit if self.jit and source.code is None else lambda g: g  # code may branch on values
        found = by_nesting(f, len(source.inputs), indices, jnp, derivative, compiled)

        def at(point: Sequence[float]) -> ToolPartials:
            with jax.enable_x64(True):
                return ToolPartials(found(jnp.array(point, dtype=float)), of_formula=f.of_formula)

        return at

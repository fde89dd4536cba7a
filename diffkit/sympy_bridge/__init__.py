"""Programs to SymPy and back. SymPy is imported only when this package is, and it never sees a string."""

from diffkit.sympy_bridge.derivative import symbolic_derivative
from diffkit.sympy_bridge.identity import is_zero
from diffkit.sympy_bridge.inward import from_sympy
from diffkit.sympy_bridge.outward import SYMPY, to_sympy

__all__ = ["SYMPY", "from_sympy", "is_zero", "symbolic_derivative", "to_sympy"]

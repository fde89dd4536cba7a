"""Backends as objects that take options: ``dk.compare(f, at, backends=["dual", dk.backends.Scipy(order=8)])``.

Each of our own methods, and each adapter of another tool; ``names()`` are those that can be asked here. A backend of
your own is a subclass of ``Tool``: it says what it finds; one of ``MeasuringTool`` takes a difference.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from diffkit.methods import BACKENDS
from diffkit.methods import installed_backends as names
from diffkit.methods.tools import TOOLS

if TYPE_CHECKING:
    from diffkit.methods.auto import AutoBackend as Auto
    from diffkit.methods.complex import ComplexBackend as Complex
    from diffkit.methods.dual import DualBackend as Dual
    from diffkit.methods.finite import FiniteBackend as Finite
    from diffkit.methods.reverse import ReverseBackend as Reverse
    from diffkit.methods.symbolic import SymbolicBackend as Symbolic
    from diffkit.methods.tools.adapter import Tool
    from diffkit.methods.tools.autograd_adapter import AutogradBackend as Autograd
    from diffkit.methods.tools.casadi_adapter import CasadiBackend as Casadi
    from diffkit.methods.tools.heyoka_adapter import HeyokaBackend as Heyoka
    from diffkit.methods.tools.jacobi_adapter import JacobiBackend as Jacobi
    from diffkit.methods.tools.jax_adapter import JaxBackend as Jax
    from diffkit.methods.tools.measuring import MeasuringTool
    from diffkit.methods.tools.mpmath_adapter import MpmathBackend as Mpmath
    from diffkit.methods.tools.numdifftools_adapter import NumdifftoolsBackend as Numdifftools
    from diffkit.methods.tools.scipy_adapter import ScipyBackend as Scipy
    from diffkit.methods.tools.symengine_adapter import SymengineBackend as Symengine
    from diffkit.methods.tools.torch_adapter import TorchBackend as Torch

_PATHS = {"auto": "diffkit.methods.auto:AutoBackend", **BACKENDS, **{name: tool.path for name, tool in TOOLS.items()}}
_CLASSES = {name.capitalize(): path for name, path in _PATHS.items()}
_CLASSES |= {
    "Tool": "diffkit.methods.tools.adapter:Tool",
    "MeasuringTool": "diffkit.methods.tools.measuring:MeasuringTool",
}

__all__ = [
    "Auto", "Autograd", "Casadi", "Complex", "Dual", "Finite", "Heyoka", "Jacobi", "Jax", "MeasuringTool", "Mpmath",
    "Numdifftools", "Reverse", "Scipy", "Symbolic", "Symengine", "Tool", "Torch", "names",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a class when it is first asked for."""
    if name not in _CLASSES:
        raise AttributeError(f"module 'diffkit.backends' has no attribute {name!r}")
    module, _, found = _CLASSES[name].partition(":")
    return getattr(import_module(module), found)

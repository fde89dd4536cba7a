"""Other libraries that differentiate, each as a backend in a file of its own, imported when it is first wanted."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple


class ToolFacts(NamedTuple):
    """What is told of a tool without importing it: where its backend is, what must be installed, what it does."""

    home: str
    package: str
    summary: str

    @property
    def path(self) -> str:
        """The module and the class of its adapter."""
        module, _, name = self.home.partition(":")
        return f"diffkit.methods.tools.{module}_adapter:{name}"

    @property
    def module(self) -> str:
        """What is imported."""
        return self.package.replace("-", "_")


TOOLS = {
    "jax": ToolFacts("jax:JaxBackend", "jax", "automatic differentiation, compiled by XLA"),
    "torch": ToolFacts("torch:TorchBackend", "torch", "automatic differentiation of tensors"),
    "autograd": ToolFacts("autograd:AutogradBackend", "autograd", "reverse mode through NumPy code"),
    "casadi": ToolFacts("casadi:CasadiBackend", "casadi", "algorithmic differentiation of symbols"),
    "heyoka": ToolFacts("heyoka:HeyokaBackend", "heyoka", "symbolic expressions, compiled by LLVM"),
    "symengine": ToolFacts("symengine:SymengineBackend", "symengine", "symbolic differentiation in C++"),
    "mpmath": ToolFacts("mpmath:MpmathBackend", "mpmath", "differences in many digits"),
    "numdifftools": ToolFacts("numdifftools:NumdifftoolsBackend", "numdifftools", "extrapolated differences"),
    "scipy": ToolFacts("scipy:ScipyBackend", "scipy", "differences of scipy.differentiate"),
    "jacobi": ToolFacts("jacobi:JacobiBackend", "jacobi", "differences with a statistical error"),
}
"""The tools by the names of their backends."""


def is_installed(name: str) -> bool:
    """Whether the package of a tool is here; it is not imported."""
    return find_spec(TOOLS[name].module) is not None

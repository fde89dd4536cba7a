"""Values of other array libraries as NumPy's, and NumPy's as theirs, by what the objects themselves can do.

No library is imported: whoever hands over a tensor has loaded the one that it belongs to.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from diffkit.core.errors import DiffkitError

_WIDER = {
    "jax": "let JAX compute in 64 bits: jax.config.update('jax_enable_x64', True)",
    "jaxlib": "let JAX compute in 64 bits: jax.config.update('jax_enable_x64', True)",
    "torch": "let Torch compute in 64 bits: .double() of its tensors and modules",
}
"""what gives more digits, by the package that values belong to"""
_PLAIN_PACKAGES = ("builtins", "numpy", "diffkit")


def plain(value: Any) -> Any:
    """A value as NumPy has it, in lists and mappings too: tensors leave their graph and device; the rest stays."""
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if type(value) is dict:
        return {key: plain(part) for key, part in value.items()}
    if _is_tensor(value):
        return _detached(value)
    return np.asarray(value) if hasattr(value, "__array__") and maker(value) is not None else value


def _is_tensor(value: Any) -> bool:
    """Whether a value may hang in a graph, which it is to leave before NumPy takes it."""
    return hasattr(value, "detach") and hasattr(value, "new_tensor")


def _detached(tensor: Any) -> Any:
    try:
        return tensor.numpy(force=True)
    except (TypeError, RuntimeError, ValueError) as error:  # sparse, or of a type that NumPy does not know
        raise DiffkitError(f"a {tensor.dtype} tensor is no array of NumPy's ({error})",
                           hint="let it be dense and of float64") from None  # fmt: skip


def wider(value: Any) -> str:
    """What gives a value of float32 more digits, where its library is known to have a way; else nothing."""
    return _WIDER.get(package_of(value), "")


def package_of(value: Any) -> str:
    """The package that an object belongs to, or is."""
    home = value.__name__ if isinstance(value, ModuleType) else type(value).__module__
    return str(home).partition(".")[0]


def maker(like: Any) -> Callable[[Any], Any] | None:
    """The function that makes an array as ``like`` of one of NumPy's; None where that is NumPy's own, or a number.

    Its type, device, and whether it is followed are those of ``like``; integers become 64-bit floats.
    """
    if package_of(like) in _PLAIN_PACKAGES:
        return None
    if _is_tensor(like):
        real = like.detach() if like.is_floating_point() else like.detach().double()
        return lambda array: real.new_tensor(array).requires_grad_(like.requires_grad)
    if hasattr(like, "__array_namespace__"):
        space = like.__array_namespace__()
        kind = like.dtype if space.isdtype(like.dtype, "real floating") else None
        return lambda array: space.asarray(array, dtype=kind)
    if hasattr(like, "sparsity") and hasattr(like, "full"):  # a matrix of CasADi, which has two axes
        return lambda array: type(like)(array)
    return None


def loaded() -> Iterator[Any]:
    """A number of each library whose functions may refuse NumPy's arrays, of those that are loaded."""
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "zeros"):
        yield torch.zeros((), dtype=torch.float64)
        yield torch.zeros(())  # models have the default type, and take no other
    if (jax := sys.modules.get("jax")) is not None and hasattr(jax, "numpy"):
        yield jax.numpy.zeros(())


def home_of(call: Any) -> Any:
    """A number of the library that code belongs to, where it has arrays itself, such as the weights of a module."""
    parameters = getattr(call, "parameters", None)
    if is_module(call) and callable(parameters):
        return next((p.detach() for p in parameters()), None)
    return None


def is_module(value: Any) -> bool:
    """Whether an object is a model with named parameters, as those of Torch are."""
    return callable(getattr(value, "named_parameters", None)) and callable(getattr(value, "forward", None))


def signature_of(call: Any) -> tuple[Any, int]:
    """What tells the parameters of a callable: their names, where it has these itself, or a function of its signature.

    The second of the pair is how many of the first ones no caller gives: the context of a derivative written by hand.
    """
    if hasattr(call, "parameter_names"):  # an adapter of ours
        return call.parameter_names, 0
    if hasattr(call, "name_in") and hasattr(call, "size_in"):  # a function of CasADi
        return tuple(map(str, call.name_in())), 0
    if is_module(call):
        return call.forward, 0
    owner = getattr(call, "__self__", None)
    if isinstance(owner, type) and getattr(call, "__name__", "") == "apply" and hasattr(owner, "backward"):
        apart = any("setup_context" in vars(kind) for kind in owner.__mro__ if vars(kind).get("forward") is not None
                    and kind.__module__.partition(".")[0] != "torch")  # fmt: skip
        return owner.forward, int(not apart)  # type: ignore[attr-defined]
    return call, 0


def gradients_in(model: Any) -> Mapping[str, Any]:
    """The gradients that a model holds after a pass backwards, by the names of its parameters."""
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}

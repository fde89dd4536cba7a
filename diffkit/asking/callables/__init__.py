"""Python functions of numbers and arrays: what they take, what they give, and what is odd about their code."""

from diffkit.asking.callables.binding import Bound
from diffkit.asking.callables.function import Function, as_function

__all__ = ["Bound", "Function", "as_function"]

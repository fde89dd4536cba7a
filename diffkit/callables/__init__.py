"""Python functions of numbers and arrays: what they take, what they give, and what is odd about their code."""

from diffkit.callables.binding import Bound
from diffkit.callables.function import Function, as_function

__all__ = ["Bound", "Function", "as_function"]

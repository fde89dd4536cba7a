"""Functions written with NumPy, followed by arrays that stand in for the input: dual arrays and traced arrays.

They are not ndarrays: ``isinstance(x, np.ndarray)`` and ``isinstance(x, float)`` are false, and a function that
asks for these takes its other branch. Comparing ``Pushed.value`` with the function's plain value shows that.
"""

from diffkit.ndarrays import elementwise, linear, numerics, ordering, products, reductions, structure  # noqa: F401
from diffkit.ndarrays.dual import DualArray, Hit, Pushed, pushforward
from diffkit.ndarrays.source import SourceLine
from diffkit.ndarrays.traced import Traced, TracedArray, trace_function

__all__ = ["DualArray", "Hit", "Pushed", "SourceLine", "Traced", "TracedArray", "pushforward", "trace_function"]

"""Functions written with NumPy, followed by what stands in for the input: dual, tape and recorded arrays.

They are not ndarrays: ``isinstance(x, np.ndarray)`` and ``isinstance(x, float)`` are false, and a function that
asks for these takes its other branch. Comparing ``Pushed.value`` or ``Pulled.value`` with the function's plain value
shows that.
"""

from diffkit.ndarrays import elementwise, linear_algebra, ordering, products, reductions, structure  # noqa: F401
from diffkit.ndarrays.dual_arrays import DualArray, Pushed, pushforward
from diffkit.ndarrays.nonsmooth import Hit
from diffkit.ndarrays.recorder import RecordedArray, RecordedFunction, Recording, record_function, record_program
from diffkit.ndarrays.source import SourceLine
from diffkit.ndarrays.tape import Pulled, TapeArray, pullback

__all__ = [
    "DualArray",
    "Hit",
    "Pulled",
    "Pushed",
    "RecordedArray",
    "RecordedFunction",
    "Recording",
    "SourceLine",
    "TapeArray",
    "pullback",
    "pushforward",
    "record_function",
    "record_program",
]

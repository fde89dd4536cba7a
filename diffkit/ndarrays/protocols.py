"""NumPy's protocols: which rule follows which function, and what a proxy has in common with an ndarray."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from diffkit.core.errors import TracingError
from diffkit.ndarrays.source import called_from, user_line

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""rules of NumPy functions (and of ``operator.getitem``, ``setitem``), called with the function's own arguments"""

UFUNCS: dict[tuple[str, str], Callable[..., Any]] = {}
"""rules of ufuncs that are not elementwise, and of ufunc methods, by name and method"""


def rule(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the rule of NumPy functions."""

    def register(follow: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(functions, follow))
        return follow

    return register


def ufunc_rule(name: str, method: str = "__call__") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the rule of a ufunc's method."""

    def register(follow: Callable[..., Any]) -> Callable[..., Any]:
        UFUNCS[name, method] = follow
        return follow

    return register


def _call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """Apply the rule of a NumPy function; TracingError if it has none or is called in a way the rule does not know."""
    name = f"{function.__module__}.{function.__name__}"
    follow = FUNCTIONS.get(function)
    if follow is None:
        hint = "write it with elementwise functions, sums and products"
        raise TracingError(f"{name} cannot be followed yet, at {user_line()}", hint=hint)
    try:
        return follow(*args, **kwargs)
    except TypeError:
        try:
            signature(follow).bind(*args, **kwargs)
        except TypeError as error:
            raise TracingError(f"{name} cannot be followed when called like this: {error}, at {user_line()}") from None
        raise


Shape = tuple[int, ...]


class Methods(NDArrayOperatorsMixin):
    """The face of an ndarray; all work is done by the rules of the NumPy functions."""

    __slots__ = ()
    shape: Shape
    dtype = np.dtype(float)

    # Dispatch ---------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return FUNCTIONS[np.ufunc](ufunc, method, inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return _call_function(function, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return FUNCTIONS[operator.getitem](self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        with np.errstate(all="ignore"):
            FUNCTIONS[operator.setitem](self, key, value)

    # Attributes -------------------------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """The array itself: there are no complex numbers here."""
        return self

    @property
    def flat(self) -> Iterator[Any]:
        """Elements in order."""
        return iter(np.ravel(self))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a scalar")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a scalar")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    # Methods ----------------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """Give the elements in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self, order: Any = "C") -> Any:
        """Give a flat copy."""
        return np.copy(np.ravel(self, order=order))

    def item(self, *index: Any) -> Any:
        """Give one element, which is a proxy still."""
        if len(index) == 1 and not isinstance(index[0], tuple):
            return np.ravel(self)[index[0]]
        return self[index[0] if len(index) == 1 else index] if index else np.reshape(self, ())

    def tolist(self) -> Any:
        """Give nested lists of scalar proxies."""
        return [row.tolist() for row in self] if self.shape else self

    def astype(self, dtype: Any, **_: Any) -> Any:
        """Give a copy as binary64; TracingError for any other type."""
        if np.dtype(dtype) != np.dtype(float):
            raise TracingError(
                f"astype({np.dtype(dtype)}) rounds the input, at {user_line()}",
                hint="only float64 is followed; use np.floor, np.sign or np.where for steps",
            )
        return np.copy(self)

    def fill(self, value: Any) -> None:
        """Set all elements."""
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        """Sort in place."""
        self[...] = np.sort(self, axis=axis)

    def round(self, decimals: int = 0) -> Any:
        """Round to a number of decimals."""
        return np.round(self, decimals)

    def conj(self) -> Any:
        """The array itself."""
        return self

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.copy(self)

    # Traps ------------------------------------------------------------------------------------------------------

    @property
    def __array__(self) -> Callable[..., NoReturn]:
        """A number is no array: ``np.array([x[0], 2 * x[1]])`` then holds the proxies themselves, as objects."""
        if not self.shape:
            raise AttributeError("a number that depends on the input is no array")
        return self._refuse_plain

    def _refuse_plain(self, *_: Any, **__: Any) -> NoReturn:
        inside = called_from("scipy")
        if inside:
            raise TracingError(
                f"scipy's {inside} turns the input into plain numbers, at {user_line()}",
                hint=SCIPY_HINTS.get(inside, "only SciPy's ufuncs can be followed; write this one with NumPy"),
            )
        raise TracingError(
            f"a number that depends on the input is put into a plain array, at {user_line()}",
            hint="leave out np.array and np.asarray, np.stack a list of entries, "
            "and fill an array that is np.zeros_like of an input",
        )

    def _not_plain(self, wanted: str) -> NoReturn:
        raise TracingError(
            f"{wanted} of a number that depends on the input, at {user_line()}",
            hint="use np.sin instead of math.sin, and leave out float() and int(): they take plain numbers only",
        )

    def __float__(self) -> float:
        self._not_plain("float()")

    def __int__(self) -> int:
        self._not_plain("int()")

    def __index__(self) -> int:
        self._not_plain("an index")

    def __complex__(self) -> complex:
        self._not_plain("complex()")

    def __hash__(self) -> int:
        raise TracingError(f"a cache, set or dict asks for a number that depends on the input, at {user_line()}",
                           hint="leave the cache out")  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name, None)
        if isinstance(function, np.ufunc) and function.nin == 1:  # NumPy asks the elements of an array of objects
            return lambda: function(self)
        if name.startswith("_") or not (hasattr(np.ndarray, name) or hasattr(float, name)):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        raise TracingError(f".{name} cannot be followed, at {user_line()}", hint="use NumPy's functions instead")

    def __round__(self, digits: int = 0) -> Any:
        return np.round(self, digits)


SCIPY_HINTS = {
    "logsumexp": "write m + np.log(np.sum(np.exp(x - m))) with m = np.max(x), or np.logaddexp.reduce(x)",
    "softmax": "write e / np.sum(e) with e = np.exp(x - np.max(x))",
    "log_softmax": "write x - np.logaddexp.reduce(x)",
}
"""what to write for functions of SciPy that are not ufuncs"""

DELEGATED = (
    "sum", "mean", "prod", "cumsum", "cumprod", "max", "min", "argmax", "argmin", "argsort", "std", "var", "dot",
    "ravel", "copy", "squeeze", "swapaxes", "take", "repeat", "clip", "diagonal", "trace", "any", "all", "nonzero",
)  # fmt: skip


def _delegate(name: str) -> Any:
    function = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As ``np.{name}``."
    return method


for _name in DELEGATED:
    setattr(Methods, _name, _delegate(_name))

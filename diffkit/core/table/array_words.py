"""The functions of whole arrays: what they are called, how many arguments they take, and what they mean."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A function of arrays: numbers of arguments it may have, whether it takes an axis, and its meaning."""

    counts: tuple[int, ...]
    axis: bool
    doc: str
    truths: bool = False
    """of a condition it counts the entries where that holds"""


ARRAY_WORDS: dict[str, Word] = {
    "sum": Word((1,), True, "sum of all entries, or along an axis", truths=True),
    "mean": Word((1,), True, "mean of all entries, or along an axis", truths=True),
    "prod": Word((1,), True, "product of all entries, or along an axis"),
    "max": Word((1,), True, "largest entry, or along an axis; of two arguments: entry by entry"),
    "min": Word((1,), True, "smallest entry, or along an axis; of two arguments: entry by entry"),
    "logsumexp": Word((1,), True, "log of the sum of exponentials; of two arguments: entry by entry"),
    "softmax": Word((1,), True, "exp(x)/sum(exp(x)); of a matrix along an axis"),
    "var": Word((1,), True, "mean square of x - mean(x)"),
    "norm": Word((1,), False, "Euclidean norm of a vector, Frobenius norm of a matrix; norm1 sums absolute values"),
    "norm1": Word((1,), False, "sum of the absolute values of all entries"),
    "dot": Word((2,), False, "inner product of two vectors, or matrix product"),
    "outer": Word((2,), False, "the matrix x[i]*y[j]"),
    "T": Word((1,), False, "transpose"),
    "trace": Word((1,), False, "sum of the diagonal"),
    "det": Word((1,), False, "determinant"),
    "logdet": Word((1,), False, "log of the absolute value of the determinant"),
    "inv": Word((1,), False, "inverse"),
    "solve": Word((2,), False, "inv(A) @ b"),
    "diag": Word((1,), False, "diagonal matrix of a vector, diagonal of a matrix"),
    "eye": Word((1,), False, "identity matrix of a size"),
    "ones": Word((1, 2), False, "vector or matrix of ones"),
    "zeros": Word((1, 2), False, "vector or matrix of zeros"),
}
"""functions of whole arrays; every function of the scalar table works entry by entry besides"""

ALIASES = {
    "tr": "trace", "transpose": "T", "normF": "norm", "norm2": "norm", "average": "mean", "inverse": "inv",
    "product": "prod", "eyes": "eye", "identity": "eye", "I": "eye",
}  # fmt: skip
ENTRYWISE = ("max", "min", "logsumexp")
"""names that reduce one argument, and join two or more entry by entry"""
ARRAY_NAMES = {**{name: name for name in ARRAY_WORDS}, **ALIASES}
"""every name in text, and the function that it means"""
MODULES = ("np", "numpy", "jnp", "torch", "tf", "scipy", "sp", "sympy", "math", "mpmath", "linalg", "special")
"""names before a dot that say nothing here"""

"""What is followed of NumPy and SciPy, with references that share no code with it, at points where rounding shows.

A reference is the same mathematics on objects: mpmath numbers in arrays of objects. NumPy's own function serves where
it computes with objects and rounds nothing; the others are written out. Data are binary64 that no decimal equals, so
that a constant which is rounded on the way differs from the reference after 16 digits.
"""

import mpmath as mp
import numpy as np
import scipy.special as sp

# Elementwise: name → (reference, points) ----------------------------------------------------------------------------

ORDINARY = ((0.3,), (1.7,), (-2.9,))
POSITIVE = ((0.1,), (2.7,), (1e-200,), (1e200,))
INSIDE = ((0.3,), (-0.9999999999,), (1e-300,))
TWO = ((0.3, 1.7), (-2.9, 0.7), (1e-200, -1e-200), (1e150, 3.3))


def _trunc(x):
    return mp.sign(x) * mp.floor(abs(x))


def _rint(x):
    return mp.nint(x)


def _log_ndtr(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2) if x < 0 else mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)


UNARY = {
    "absolute": (abs, ORDINARY),
    "negative": (lambda x: -x, ORDINARY),
    "positive": (lambda x: x, ORDINARY),
    "conjugate": (lambda x: x, ORDINARY),
    "fabs": (abs, ORDINARY),
    "square": (lambda x: x * x, ORDINARY),
    "reciprocal": (lambda x: 1 / x, ORDINARY),
    "sign": (mp.sign, ORDINARY),
    "floor": (mp.floor, ORDINARY),
    "ceil": (mp.ceil, ORDINARY),
    "trunc": (_trunc, ORDINARY),
    "fix": (_trunc, ORDINARY),
    "rint": (_rint, ORDINARY),
    "sqrt": (mp.sqrt, POSITIVE),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), (*ORDINARY, (1e-300,))),
    "exp": (mp.exp, (*ORDINARY, (-700.3,), (700.3,), (1e-300,))),
    "exp2": (lambda x: mp.mpf(2) ** x, (*ORDINARY, (-1000.3,), (1000.3,))),
    "exp10": (lambda x: mp.mpf(10) ** x, (*ORDINARY, (-300.3,), (300.3,))),
    "expm1": (mp.expm1, (*ORDINARY, (1e-300,), (-40.3,))),
    "log": (mp.log, POSITIVE),
    "log2": (lambda x: mp.log(x) / mp.log(2), POSITIVE),
    "log10": (lambda x: mp.log(x) / mp.log(10), POSITIVE),
    "log1p": (mp.log1p, (*POSITIVE, (-0.9999999,))),
    "sin": (mp.sin, (*ORDINARY, (1e22,), (1e-300,))),
    "cos": (mp.cos, (*ORDINARY, (1e22,), (1e-300,))),
    "tan": (mp.tan, (*ORDINARY, (1e22,), (1.5707963267948966,))),
    "arcsin": (mp.asin, INSIDE),
    "arccos": (mp.acos, INSIDE),
    "arctan": (mp.atan, (*ORDINARY, (1e100,))),
    "sinh": (mp.sinh, (*ORDINARY, (1e-200,), (-700.3,))),
    "cosh": (mp.cosh, (*ORDINARY, (1e-200,), (-700.3,))),
    "tanh": (mp.tanh, (*ORDINARY, (1e-200,), (30.3,))),
    "arcsinh": (mp.asinh, (*ORDINARY, (-1e100,))),
    "arccosh": (mp.acosh, ((1.0000001,), (2.7,), (1e100,))),
    "arctanh": (mp.atanh, INSIDE),
    "deg2rad": (lambda x: x * mp.pi / 180, (*ORDINARY, (1e-300,), (33.3,))),
    "radians": (lambda x: x * mp.pi / 180, ORDINARY),
    "rad2deg": (lambda x: x * 180 / mp.pi, ORDINARY),
    "degrees": (lambda x: x * 180 / mp.pi, ORDINARY),
    "sinc": (lambda x: mp.sin(mp.pi * x) / (mp.pi * x), (*ORDINARY, (1000.25,), (123456.7,), (1e-8,))),
    "erf": (mp.erf, (*ORDINARY, (6.1,))),
    "erfc": (mp.erfc, (*ORDINARY, (20.3,))),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), (*ORDINARY, (20.3,), (1000.7,))),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), (*ORDINARY, (-700.3,), (30.3,))),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), (*ORDINARY, (-30.3,), (700.3,))),
    "logit": (lambda x: mp.log(x) - mp.log1p(-x), ((0.3,), (1e-200,), (0.9999999,))),
    "ndtr": (lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, (*ORDINARY, (-30.0,), (-37.5,), (9.3,))),
    "log_ndtr": (_log_ndtr, (*ORDINARY, (-40.0,), (-300.7,), (9.3,))),
    "entr": (lambda x: -x * mp.log(x), POSITIVE),
    "gamma": (mp.gamma, ((0.3,), (-2.3,), (100.7,))),
    "gammaln": (lambda x: mp.log(abs(mp.gamma(x))), ((0.3,), (-2.3,), (100.7,))),
    "rgamma": (lambda x: 1 / mp.gamma(x), ((0.3,), (-2.3,), (100.7,))),
    "psi": (mp.digamma, ((0.3,), (-2.3,), (100.7,))),
    "j0": (lambda x: mp.besselj(0, x), ((0.3,), (-7.7,), (100.7,))),
    "j1": (lambda x: mp.besselj(1, x), ((0.3,), (-7.7,), (100.7,))),
}

BINARY = {
    "add": (lambda x, y: x + y, TWO),
    "subtract": (lambda x, y: x - y, TWO),
    "multiply": (lambda x, y: x * y, TWO),
    "divide": (lambda x, y: x / y, TWO),
    "power": (lambda x, y: x**y, ((0.3, 1.7), (2.9, -0.7), (1.1, 300.3))),
    "float_power": (lambda x, y: x**y, ((0.3, 1.7), (2.9, -0.7))),
    "hypot": (lambda x, y: mp.sqrt(x * x + y * y), TWO),
    "arctan2": (mp.atan2, TWO),
    "maximum": (max, TWO),
    "minimum": (min, TWO),
    "fmax": (max, TWO),
    "fmin": (min, TWO),
    "logaddexp": (lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), ((0.3, 1.7), (1000.3, 999.7), (-700.3, 3.3))),
    "logaddexp2": (lambda x, y: mp.log(2**x + 2**y) / mp.log(2), ((0.3, 1.7), (1000.3, 999.7), (-700.3, 3.3))),
    "copysign": (lambda x, y: abs(x) * mp.sign(y), TWO),
    "heaviside": (lambda x, y: (1 + mp.sign(x)) / 2, TWO),
    "floor_divide": (lambda x, y: mp.floor(x / y), ((7.3, 1.7), (-2.9, 0.7))),
    "remainder": (lambda x, y: x - mp.floor(x / y) * y, ((7.3, 1.7), (-2.9, 0.7))),
    "fmod": (lambda x, y: x - _trunc(x / y) * y, ((7.3, 1.7), (-2.9, 0.7))),
    "xlogy": (lambda x, y: x * mp.log(y), ((0.3, 1.7), (-2.9, 1e-200))),
    "xlog1py": (lambda x, y: x * mp.log1p(y), ((0.3, 1.7), (-2.9, 1e-200))),
    "rel_entr": (lambda x, y: x * mp.log(x / y), ((0.3, 1.7), (2.9, 1e-200))),
    "kl_div": (lambda x, y: x * mp.log(x / y) - x + y, ((0.3, 1.7), (2.9, 1e-200))),
    "beta": (lambda x, y: mp.gamma(x) * mp.gamma(y) / mp.gamma(x + y), ((0.3, 1.7), (10.1, 20.7))),
    "betaln": (
        lambda x, y: mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y),
        ((0.3, 1.7), (10.1, 200.7)),
    ),
    "huber": (lambda d, r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2), ((1.3, 0.7), (1.3, -2.9))),
    "pseudo_huber": (lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1), ((1.3, 0.7), (0.1, 1e-8), (1.3, 1e5))),
}
ORDERED = {"jv": (lambda x: mp.besselj(3, x), ((0.3,), (-7.7,), (100.7,)), lambda x: sp.jv(3, x))}
"""Functions with an order, which is a constant: reference, points, and how they are called."""


def ufunc(name):
    """The function of that name."""
    return getattr(np, name, None) or getattr(sp, name)


# Of arrays: name → (function, x, data …) ----------------------------------------------------------------------------

V = np.array([0.1, -0.7, 1.3, 2.9, -1.9])
W = np.array([0.3, 0.9, 2.3, 0.7, 1.1])
M = np.array([[1.1, 0.2, -0.3], [0.7, 1.9, 0.6]])
N = np.array([[0.9, -0.4], [0.3, 1.3], [-1.7, 0.8]])
S = np.array([[2.3, 0.3, 0.1], [0.2, 1.7, -0.6], [-0.9, 0.4, 3.1]])
B = np.arange(1.0, 13.0).reshape(2, 3, 2) / 7


def filled(y, values):
    """An array after values were written into it."""
    y[...] = values
    return y


def written(x, function):
    """What a function leaves in an array that depends on x."""
    y = np.outer(x, x)
    function(y)
    return y


MOVES = {
    "getitem": (lambda x, w: x[[0, 2]] * x[1] * w[0], V, W),
    "setitem": (lambda x, w: written(x, lambda y: y.__setitem__((0, slice(None)), w * x)), V, W),
    "append": (lambda x, w: np.append(x, w) ** 2, V, W),
    "array_split": (lambda x, w: np.array_split(x, 2)[0] * w[:3], V, W),
    "atleast_1d": (lambda x, w: np.atleast_1d(x[0]) * w, V, W),
    "atleast_2d": (lambda x, w: np.atleast_2d(x) * w, V, W),
    "atleast_3d": (lambda x, w: np.atleast_3d(x)[0, :, 0] * w, V, W),
    "block": (lambda x, w: np.block([[x, x], [x, x]])[0, :5] * w, M, W),
    "broadcast_arrays": (lambda x, w: np.broadcast_arrays(x, w[:, None])[0] * w, V, W),
    "broadcast_to": (lambda x, w: np.broadcast_to(x, (2, 5)) * w, V, W),
    "column_stack": (lambda x, w: np.column_stack([x, w]) ** 2, V, W),
    "concatenate": (lambda x, w: np.concatenate([x, w]) ** 2, V, W),
    "copy": (lambda x, w: np.copy(x) * w, V, W),
    "copyto": (lambda x, w: written(x, lambda y: np.copyto(y[2], x * w)), V, W),
    "delete": (lambda x, w: np.delete(x, 1) * w[:4], V, W),
    "diag": (lambda x, w: np.diag(x) @ w, V, W),
    "diagflat": (lambda x, w: np.diagflat(x) @ w, V, W),
    "diagonal": (lambda x, w: np.diagonal(np.outer(x, w)), V, W),
    "linalg.diagonal": (lambda x, w: np.linalg.diagonal(np.outer(x, w)), V, W),
    "dsplit": (lambda x, w: np.dsplit(x, 2)[0] * w[0], B, W),
    "dstack": (lambda x, w: np.dstack([x, w]) ** 2, V, W),
    "empty_like": (lambda x, w: filled(np.empty_like(x), x * w), V, W),
    "expand_dims": (lambda x, w: np.expand_dims(x, 1) * w, V, W),
    "fill_diagonal": (lambda x, w: written(x, lambda y: np.fill_diagonal(y, w[0] * x[1])), V, W),
    "flip": (lambda x, w: np.flip(x) * w, V, W),
    "fliplr": (lambda x, w: np.fliplr(x) * w[:3], M, W),
    "flipud": (lambda x, w: np.flipud(x) * w[:3], M, W),
    "full_like": (lambda x, w: np.full_like(x, w[0]) * x, V, W),
    "hsplit": (lambda x, w: np.hsplit(x, 3)[1] * w[0], M, W),
    "hstack": (lambda x, w: np.hstack([x, w]) ** 2, V, W),
    "insert": (lambda x, w: np.insert(x, 1, w[0]) ** 2, V, W),
    "matrix_transpose": (lambda x, w: np.matrix_transpose(x) * w[:2], M, W),
    "meshgrid": (lambda x, w: np.meshgrid(x, w)[0] * np.meshgrid(x, w)[1], V, W),
    "moveaxis": (lambda x, w: np.moveaxis(x, 0, 1) * w[:2], M, W),
    "ones_like": (lambda x, w: np.ones_like(x) * x * w, V, W),
    "pad": (lambda x, w: np.pad(x, 1, constant_values=w[0]) ** 2, V, W),
    "piecewise": (lambda x, w: np.piecewise(x, [x < 0, x >= 0], [lambda t: t * w[0], lambda t: t * t]), V, W),
    "put": (lambda x, w: written(x, lambda y: np.put(y, [1, 5], x[:2] * w[:2])), V, W),
    "put_along_axis": (
        lambda x, w: written(x, lambda y: np.put_along_axis(y, np.zeros((5, 1), int), (x * w)[:, None], 1)),
        V,
        W,
    ),
    "ravel": (lambda x, w: np.ravel(x)[:5] * w, M, W),
    "real": (lambda x, w: np.real(x) * w, V, W),
    "real_if_close": (lambda x, w: np.real_if_close(x) * w, V, W),
    "repeat": (lambda x, w: np.repeat(x, 2)[:5] * w, V, W),
    "reshape": (lambda x, w: np.reshape(x, (3, 2)) * w[:2], M, W),
    "resize": (lambda x, w: np.resize(x, 5) * w, M, W),
    "roll": (lambda x, w: np.roll(x, 2) * w, V, W),
    "rollaxis": (lambda x, w: np.rollaxis(x, 1) * w[:2], M, W),
    "rot90": (lambda x, w: np.rot90(x) * w[:2], M, W),
    "select": (lambda x, w: np.select([x < -1, x < 0.5], [x * w[0], x * x], w[1] * x), V, W),
    "lib.stride_tricks.sliding_window_view": (
        lambda x, w: np.lib.stride_tricks.sliding_window_view(x, 3) @ w[:3],
        V,
        W,
    ),
    "split": (lambda x, w: np.split(x, 2)[1] * w[:3], M, W),
    "squeeze": (lambda x, w: np.squeeze(x[None]) * w, V, W),
    "stack": (lambda x, w: np.stack([x, w]) ** 2, V, W),
    "swapaxes": (lambda x, w: np.swapaxes(x, 0, 1) * w[:2], M, W),
    "take": (lambda x, w: np.take(x, [0, 2, 2, 1, 4]) * w, V, W),
    "take_along_axis": (lambda x, w: np.take_along_axis(x, np.array([4, 2, 0, 1, 3]), 0) * w, V, W),
    "tile": (lambda x, w: np.tile(x, 2)[3:8] * w, V, W),
    "transpose": (lambda x, w: np.transpose(x) * w[:2], M, W),
    "tril": (lambda x, w: np.tril(x) * w[:3], S, W),
    "triu": (lambda x, w: np.triu(x) * w[:3], S, W),
    "unstack": (lambda x, w: np.unstack(x)[1] * w[:3], M, W),
    "vsplit": (lambda x, w: np.vsplit(x, 2)[0] * w[:3], M, W),
    "vstack": (lambda x, w: np.vstack([x, w]) ** 2, V, W),
    "where": (lambda x, w: np.where(x > 0.5, x * w, w - x), V, W),
    "zeros_like": (lambda x, w: np.zeros_like(x) + x * w, V, W),
}

REDUCTIONS = {
    "all": (lambda x, w: np.where(np.all(x > -3), x * w, x), V, W),
    "any": (lambda x, w: np.where(np.any(x > 0), x * w, x), V, W),
    "amax": (lambda x, w: np.amax(x * w), V, W),
    "amin": (lambda x, w: np.amin(x * w), V, W),
    "array_equal": (lambda x, w: x * w * (2 if np.array_equal(x.shape, (5,)) else 1), V, W),
    "average": (lambda x, w: np.average(x**2, weights=w), V, W),
    "clip": (lambda x, w: np.clip(x, -w[0], w[1]) * w, V, W),
    "count_nonzero": (lambda x, w: np.count_nonzero(x > 0) * x * w, V, W),
    "cumprod": (lambda x, w: np.cumprod(x * w), V, W),
    "cumsum": (lambda x, w: np.cumsum(x * w), V, W),
    "cumulative_prod": (lambda x, w: np.cumulative_prod(x * w), V, W),
    "cumulative_sum": (lambda x, w: np.cumulative_sum(x * w), V, W),
    "diff": (lambda x, w: np.diff(x**2, n=2), V, W),
    "ediff1d": (lambda x, w: np.ediff1d(x**2), V, W),
    "max": (lambda x, w: np.max(x * w, axis=0, initial=w[0]), V, W),
    "mean": (lambda x, w: np.mean(x * x) + np.mean(x, where=np.array([True, False, True, True, False])), V, W),
    "median": (lambda x, w: np.median(x * w) + np.median(x[:4] * x[1:]), V, W),
    "min": (lambda x, w: np.min(x * w, initial=w[0]), V, W),
    "partition": (lambda x, w: np.sum(np.partition(x, 2)[:3] ** 2), V, W),
    "percentile": (lambda x, w: np.percentile(x**2, 37) + np.percentile(x, 12.3), V, W),
    "prod": (lambda x, w: np.prod(x, initial=w[0]), V, W),
    "ptp": (lambda x, w: np.ptp(x * x), V, W),
    "quantile": (lambda x, w: np.quantile(x[:4] ** 2, 0.3) + np.quantile(x[:4], 0.77), V, W),
    "sort": (lambda x, w: np.sort(x) * w, V, W),
    "std": (lambda x, w: np.std(x) + np.std(x * x, ddof=0.3), V, W),
    "sum": (lambda x, w: np.sum(x**2, initial=w[0]), V, W),
    "trapezoid": (lambda x, w: np.trapezoid(x**2, w) + np.trapezoid(w, x) + np.trapezoid(x, dx=0.1), V, W),
    "var": (lambda x, w: np.var(x) + np.var(x, ddof=0.3) + np.var(x, mean=w[:1]), V, W),
    "bincount": (lambda x, w: np.bincount([0, 2, 2, 1, 0], x * w), V, W),
    "add.reduce": (lambda x, w: np.add.reduce(x * w), V, W),
    "add.accumulate": (lambda x, w: np.add.accumulate(x * w), V, W),
    "add.outer": (lambda x, w: np.add.outer(x, w) ** 2, V, W),
    "add.at": (lambda x, w: written(x, lambda y: np.add.at(y, ([0, 0, 2, 1, 0], [1, 1, 0, 0, 2]), x * w)), V, W),
    "multiply.reduce": (lambda x, w: np.multiply.reduce(x * w), V, W),
    "multiply.accumulate": (lambda x, w: np.multiply.accumulate(x * w), V, W),
    "multiply.outer": (lambda x, w: np.multiply.outer(w, x), V, W),
    "subtract.outer": (lambda x, w: np.subtract.outer(w, x) ** 2, V, W),
    "divide.outer": (lambda x, w: np.divide.outer(w, x), V, W),
    "power.outer": (lambda x, w: np.power.outer(x, w), W, np.array([0.1, 0.3])),
    "divmod": (lambda x, w: np.divmod(x, w)[1] * w, V, W),
    **{
        f"{name}.{method}": (lambda x, w, f=name, m=method: getattr(getattr(np, f), m)(x * w), V, W)
        for name in ("maximum", "minimum", "fmax", "fmin")
        for method in ("reduce", "accumulate")
    },
    **{
        f"{name}.outer": (lambda x, w, f=name: getattr(np, f).outer(x, w) * w, V, W)
        for name in ("maximum", "minimum", "fmax", "fmin")
    },
    "logaddexp.reduce": (lambda x, w: np.logaddexp.reduce(x * w), V, W),
    "logaddexp.accumulate": (lambda x, w: np.logaddexp.accumulate(x * w), V, W),
    "logaddexp.outer": (lambda x, w: np.logaddexp.outer(x, w), V, W),
    "logical_and.reduce": (lambda x, w: np.where(np.logical_and.reduce(x > -3), x * w, x), V, W),
    "logical_or.reduce": (lambda x, w: np.where(np.logical_or.reduce(x > 0), x * w, x), V, W),
    "round": (lambda x, w: np.round(x * 37, -1) * x + np.round(x, 1) * w, V, W),
    "around": (lambda x, w: np.around(x, 1) * x, V, W),
    **{
        name: (lambda x, w, f=name: np.where(getattr(np, f)(x, w), x * w, x - w), V, W)
        for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
    },
    **{
        name: (lambda x, w, f=name: np.where(getattr(np, f)(x > 0, x < w), x * w, x - w), V, W)
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": (lambda x, w: np.where(np.logical_not(x > 0), x * w, x - w), V, W),
}

PRODUCTS = {
    "convolve": (lambda x, w: np.convolve(x, w) + np.convolve(w, x, "full"), V, W[:3]),
    "correlate": (lambda x, w: np.correlate(x, w, "full"), V, W[:3]),
    "cross": (lambda x, w: np.cross(x[:3], w[:3]), V, W),
    "linalg.cross": (lambda x, w: np.linalg.cross(w[:3], x[:3]), V, W),
    "dot": (lambda x, w: np.dot(np.dot(x, w), x), M, N),
    "einsum": (lambda x, w, s, t: np.einsum("ij,jk,kl,lm->im", s, w, x, t), S, S / 3, S / 7, N / 3),
    "inner": (lambda x, w: np.inner(x, w), V, W),
    "kron": (lambda x, w: np.kron(w, x), M, N),
    "linalg.matmul": (lambda x, w: np.linalg.matmul(x, w), M, N),
    "linalg.matrix_norm": (lambda x, w: np.linalg.matrix_norm(x), M, N),
    "linalg.multi_dot": (lambda x, w, s: np.linalg.multi_dot([s, w, x]), M, N / 3, S / 7),
    "linalg.outer": (lambda x, w: np.linalg.outer(x, w), V, W),
    "linalg.tensordot": (lambda x, w: np.linalg.tensordot(x, w, axes=1), M, N),
    "linalg.trace": (lambda x, w: np.linalg.trace(x @ w), S, S / 3),
    "linalg.vector_norm": (lambda x, w: np.linalg.vector_norm(x, ord=3), V, W),
    "matmul": (lambda x, w: w @ x @ w, M, N),
    "matvec": (lambda x, w: np.matvec(x, w[:3]), M, W),
    "outer": (lambda x, w: np.outer(x, w), V, W),
    "tensordot": (lambda x, w: np.tensordot(x, w, ([0, 1], [1, 0])), M, N),
    "trace": (lambda x, w: np.trace(x @ w, 1), S, S / 3),
    "vdot": (lambda x, w: np.vdot(x, w), M, N),
    "vecdot": (lambda x, w: np.vecdot(x, w), V, W),
    "vecmat": (lambda x, w: np.vecmat(w[:2], x), M, W),
}

LINEAR = {
    "linalg.cholesky": (lambda x, w: np.linalg.cholesky(x @ x.T + w), S, 2.3 * np.eye(3)),
    "linalg.det": (lambda x, w: np.linalg.det(x) * np.linalg.det(x + w), S, S / 3),
    "linalg.inv": (lambda x, w: np.linalg.inv(x) @ w, S, S / 3),
    "linalg.matrix_power": (lambda x, w: np.linalg.matrix_power(x, 3) + np.linalg.matrix_power(x, -2), S, W),
    "linalg.norm": (
        lambda x, w: np.linalg.norm(x) + np.linalg.norm(x, 1) * np.linalg.norm(x, np.inf) + np.linalg.norm(x, 3)
        + np.linalg.norm(x, 2.7), V, W,
    ),
    "linalg.pinv": (lambda x, w: np.linalg.pinv(x) @ w, N, N),
    "linalg.slogdet": (lambda x, w: np.linalg.slogdet(x)[1] * np.linalg.slogdet(x)[0], S, W),
    "linalg.solve": (lambda x, w: np.linalg.solve(x, w) + np.linalg.solve(w, x), S, S[::-1] / 3),
}  # fmt: skip

NUMERICS = {
    "apply_along_axis": (lambda x, w: np.apply_along_axis(lambda row: row * w[:3], 1, x), M, W),
    "corrcoef": (lambda x, w: np.corrcoef(x), M, W),
    "cov": (lambda x, w: np.cov(x) + np.cov(x, bias=True), M, W),
    "gradient": (lambda x, w: np.gradient(x**2, 0.1), V, W),
    "interp": (lambda x, w: np.interp(x, [-3.0, 0.0, 0.7, 3.0], w[:4]) + np.interp(w, [-3.0, 0.0, 3.0], x[:3]), V, W),
    "linspace": (lambda x, w: np.linspace(x[0], w[1], 7) * np.linspace(w[0], x[1], 7, endpoint=False), V, W),
    "polyval": (lambda x, w: np.polyval(w, x) + np.polyval(x, w), V, W),
    "sinc": (lambda x, w: np.sinc(x) * w, V, W),
    "vander": (lambda x, w: np.vander(x, 4) @ w[:4], V, W),
}


ARRAYS = MOVES | REDUCTIONS | PRODUCTS | LINEAR | NUMERICS

# What has no derivative to prove -------------------------------------------------------------------------------------

FACTS = frozenset((
    "array2string", "array_repr", "array_str", "shape", "ndim", "size", "iscomplexobj", "isrealobj", "result_type",
    "ufunc",
))  # fmt: skip
"""They tell no number that depends on the input."""
REFUSED = frozenset(("einsum_path", "histogram", "unique", "tril_indices_from", "triu_indices_from"))
"""They are refused, with a message of their own."""
BY_VALUE = {
    "allclose": lambda x: x if np.allclose(x, x) else -x,
    "isclose": lambda x: x if np.all(np.isclose(x, x)) else -x,
    "argmax": lambda x: x[np.argmax(x)] ** 2,
    "argmin": lambda x: x[np.argmin(x)] ** 2,
    "argsort": lambda x: x[np.argsort(x)] * W,
    "argwhere": lambda x: x[np.argwhere(x > 0)[:, 0]] * 2,
    "flatnonzero": lambda x: x[np.flatnonzero(x > 0)] * 2,
    "nonzero": lambda x: x[np.nonzero(x > 0)] * 2,
    "searchsorted": lambda x: x * np.searchsorted([-1.0, 0.0, 1.0], x),
    "nan_to_num": lambda x: np.nan_to_num(x) * W,
    "nanmax": np.nanmax, "nanmin": np.nanmin, "nanmean": np.nanmean, "nanprod": np.nanprod, "nanstd": np.nanstd,
    "nansum": np.nansum, "nanvar": np.nanvar,
    "linalg.eigh": lambda x: np.linalg.eigh(np.outer(x, x) + np.diag(W))[0],
    "linalg.eigvalsh": lambda x: np.linalg.eigvalsh(np.outer(x, x) + np.diag(W)),
    "isnan": lambda x: x if not np.any(np.isnan(x)) else -x,
    "isfinite": lambda x: x if np.all(np.isfinite(x)) else -x,
    "isinf": lambda x: x if not np.any(np.isinf(x)) else -x,
    "signbit": lambda x: x if np.signbit(x)[1] else -x,
}  # fmt: skip
"""They look at values, so that nothing is recorded for all inputs and nothing is called proven."""

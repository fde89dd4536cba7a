"""References of array functions where NumPy's own cannot compute with objects, or would round: name → function."""

import mpmath as mp
import numpy as np


def _matrix(function):
    """A function of mpmath's matrices, of matrices in arrays of objects."""
    return lambda *args: np.array(function(*[mp.matrix(a.tolist()) for a in args]).tolist())


def _sum(x):
    return sum(x.ravel().tolist())


def _root(x):
    return mp.sqrt(x) if np.ndim(x) == 0 else np.vectorize(mp.sqrt, otypes=[object])(x)


def _norm(x, p):
    return _sum(np.array([abs(v) ** p for v in x.ravel()])) ** (1 / mp.mpf(p))


def quantile(values, q):
    """The element at the part q of the way along the sorted ones, between its neighbours on a line."""
    along = sorted(values)
    place = q * (len(along) - 1)
    low = min(int(mp.floor(place)), len(along) - 2)
    return along[low] + (along[low + 1] - along[low]) * (place - low)


def interpolated(x, grid, values):
    """The line between the neighbours of x on a grid; the first or the last value beyond it."""
    grid, values = [mp.mpf(g) for g in grid], [mp.mpf(v) for v in values]
    if not grid[0] < x < grid[-1]:
        return values[0] if x <= grid[0] else values[-1]
    k = max(i for i, g in enumerate(grid) if g <= x)
    return values[k] + (values[k + 1] - values[k]) * (x - grid[k]) / (grid[k + 1] - grid[k])


def _interp(x, grid, values):
    return np.array([interpolated(v, grid, values) for v in x.tolist()])


def _linspace(a, b, n, endpoint=True):
    return np.array([a + (b - a) * k / (n - 1 if endpoint else n) for k in range(n)])


def _var(x, ddof=0, mean=None):
    centre = _sum(x) / x.size if mean is None else mean
    return _sum((x - centre) ** 2) / (x.size - mp.mpf(ddof))


def _cov(x, ddof=1):
    off = x - np.array([[_sum(row) / len(row)] for row in x])
    return off @ off.T / (x.shape[1] - mp.mpf(ddof))


def _corrcoef(x):
    found = _cov(x)
    size = _root(np.diagonal(found))
    return found / np.outer(size, size)


def _gradient(y, h):
    inner = (y[2:] - y[:-2]) / (2 * h)
    return np.array([(y[1] - y[0]) / h, *inner, (y[-1] - y[-2]) / h])


def _folded(function):
    """All partial folds of a sequence."""

    def scan(x):
        found = [x[0]]
        for v in x[1:]:
            found.append(function(found[-1], v))
        return np.array(found)

    return scan


def _logaddexp(x, y):
    return mp.log(mp.exp(x) + mp.exp(y))


def _rounded(x, decimals):
    scale = mp.mpf(10) ** decimals
    return np.array([mp.nint(v * scale) / scale for v in x])


_inverse = _matrix(lambda a: a**-1)
_power = _matrix(lambda a, n: a ** int(n[0]))


def _solve(a, b):
    return _inverse(a) @ b


def _det(a):
    return mp.det(mp.matrix(a.tolist()))


def _sinc(x):
    return np.array([mp.sin(mp.pi * v) / (mp.pi * v) for v in x])


def _pinv(a):
    return _solve(a.T @ a, a.T)


LOGS = np.vectorize(_logaddexp, otypes=[object])
REFERENCES = {
    "real_if_close": lambda x, w: x * w,
    "average": lambda x, w: _sum(x * x * w) / _sum(w),
    "percentile": lambda x, w: quantile(x * x, mp.mpf(37) / 100) + quantile(x, mp.mpf(12.3) / 100),
    "quantile": lambda x, w: quantile(x[:4] * x[:4], mp.mpf(0.3)) + quantile(x[:4], mp.mpf(0.77)),
    "median": lambda x, w: quantile(x * w, mp.mpf(0.5)) + quantile(x[:4] * x[1:], mp.mpf(0.5)),
    "std": lambda x, w: _root(_var(x)) + _root(_var(x * x, 0.3)),
    "var": lambda x, w: _var(x) + _var(x, 0.3) + _var(x, 0, w[:1]),
    "mean": lambda x, w: _sum(x * x) / 5 + _sum(x[[0, 2, 3]]) / 3,
    "bincount": lambda x, w: np.array([(x * w)[[0, 4]].sum(), (x * w)[3], (x * w)[[1, 2]].sum()]),
    "divmod": lambda x, w: np.array([a - mp.floor(a / b) * b for a, b in zip(x, w, strict=True)]) * w,
    "round": lambda x, w: _rounded(x * 37, -1) * x + _rounded(x, 1) * w,
    "around": lambda x, w: _rounded(x, 1) * x,
    "logaddexp.reduce": lambda x, w: _folded(_logaddexp)(x * w)[-1],
    "logaddexp.accumulate": lambda x, w: _folded(_logaddexp)(x * w),
    "logaddexp.outer": lambda x, w: LOGS(x[:, None], w),
    "linalg.matrix_norm": lambda x, w: _norm(x, 2),
    "linalg.vector_norm": lambda x, w: _norm(x, 3),
    "linalg.multi_dot": lambda x, w, s: s @ w @ x,
    "linalg.cholesky": lambda x, w: _matrix(mp.cholesky)(x @ x.T + w),
    "linalg.det": lambda x, w: _det(x) * _det(x + w),
    "linalg.inv": lambda x, w: _inverse(x) @ w,
    "linalg.matrix_power": lambda x, w: x @ x @ x + _inverse(x @ x),
    "linalg.norm": lambda x, w: _norm(x, 2) + _norm(x, 1) * max(map(abs, x)) + _norm(x, 3) + _norm(x, 2.7),
    "linalg.pinv": lambda x, w: _pinv(x) @ w,
    "linalg.slogdet": lambda x, w: mp.log(abs(_det(x))) * mp.sign(_det(x)),
    "linalg.solve": lambda x, w: _solve(x, w) + _solve(w, x),
    "corrcoef": lambda x, w: _corrcoef(x),
    "cov": lambda x, w: _cov(x) + _cov(x, 0),
    "gradient": lambda x, w: _gradient(x * x, mp.mpf(0.1)),
    "interp": lambda x, w: _interp(x, [-3, 0, mp.mpf(0.7), 3], w[:4]) + _interp(w, [-3, 0, 3], x[:3]),
    "linspace": lambda x, w: _linspace(x[0], w[1], 7) * _linspace(w[0], x[1], 7, False),
    "sinc": lambda x, w: _sinc(x) * w,
    "matvec": lambda x, w: x @ w[:3],
    "vecmat": lambda x, w: w[:2] @ x,
    "vecdot": lambda x, w: x @ w,
}

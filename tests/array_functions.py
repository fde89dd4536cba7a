"""Functions written with NumPy, with inputs, that the tests of dual and recorded arrays share."""

import numpy as np
import scipy.special as sp
from array_data import LARGE, NAN, B, M, N, P, S, V, W
from array_examples import EXAMPLES


def spd(a):
    """A symmetric positive definite matrix made of any matrix."""
    return a @ a.T + 2 * np.eye(a.shape[0])


def words(text):
    return text.split()


UNARY = (
    {
        name: (getattr(np, name), V)
        for name in words(
            """
            sin cos tan exp expm1 exp2 sinh cosh tanh arctan arcsinh abs absolute fabs square
            negative positive deg2rad rad2deg radians degrees cbrt sign floor ceil trunc rint fix
            sinc reciprocal
            """
        )
    }
    | {name: (getattr(np, name), P) for name in ["log", "log2", "log10", "log1p", "sqrt"]}
    | {name: (getattr(np, name), P / 3) for name in ["arcsin", "arccos", "arctanh"]}
    | {"arccosh": (np.arccosh, P + 1)}
    | {
        f"scipy {name}": (getattr(sp, name), P)
        for name in words(
            """
            erf erfc expit gamma gammaln psi log_expit ndtr log_ndtr entr rgamma j0 j1 expm1 log1p
            cbrt exp2 exp10
            """
        )
    }
    | {"scipy logit": (sp.logit, P / 3)}
)

BINARY = (
    {
        name: (getattr(np, name), V, W)
        for name in words(
            """
            add subtract multiply divide true_divide arctan2 hypot logaddexp logaddexp2 maximum
            minimum fmax fmin remainder mod fmod floor_divide copysign
            """
        )
    }
    | {name: (getattr(np, name), P, W) for name in ["power", "float_power"]}
    | {
        f"scipy {name}": (getattr(sp, name), P, P[::-1].copy())
        for name in ["xlogy", "xlog1py", "beta", "betaln", "rel_entr", "kl_div"]
    }
)

OPERATORS = {
    "both orders": (lambda x: 2 * x + x * 3 - 1 / x + x / 7 - (1 - x) + (x - 1) + 2**x + x**2 + x**-1 + abs(-x), V),
    "with arrays": (lambda x: W * x + x @ W + W @ x + (W / x) ** 2 + [1, 2, 3, 4, 5] * x, V),
    "modulo": (lambda x: x % 0.7 + 2.5 % x + x // 0.7, P + 0.01),
    "divmod": (lambda x: np.stack(divmod(x, 0.7)), P),
    "in place": (lambda x: inplace(x), V),
    "float32 and int arrays": (lambda x: np.array([1, 2, 3, 4, 5]) * x + np.ones(5, np.float32) * x, V),
    "truths as numbers": (lambda x: (V > 0) * x + x * True, W),
    "broadcast column": (lambda x, y: x[:, None] * y + x[0], V, W[:3]),
    "scalar": (lambda x: np.sin(x) * x + 2.0, np.float64(0.7)),
    "two scalars": (lambda x, y: x * np.exp(y) / (1 + x**2), np.float64(0.7), np.float64(-0.4)),
}


def inplace(x):
    y = x * 1.0
    y += x
    y *= 2
    y /= x + 7
    y[1:3] -= x[0]
    y[::2] = x[::2] ** 2
    return y


def written(x):
    y = np.zeros_like(x)
    for k in range(5):
        y[k] = x[k] * (y[k - 1] if k else 1.0)
    return y


def through_views(x):
    y = x.copy()
    tail = y[2:]
    tail[0] = x[0] * x[1]
    square = y[:4].reshape(2, 2)
    square.T[0, 1] = 3 * x[4]
    y[0] = x[1] ** 2
    return np.concatenate([y, tail, square[0]])


def objects(x):
    found = np.empty(2, dtype=object)
    found[0], found[1] = x[0] * x[1], x[2]
    return found


STRUCTURE = {
    "reshape": (lambda x: x.reshape(3, 2) * N + np.reshape(x, (3, -1)) + x.reshape((3, 2)), M),
    "ravel": (lambda x: np.ravel(x) * x.flatten() + x.ravel("F"), M),
    "transpose": (lambda x: x.T * N + x.transpose() + np.transpose(x, (1, 0)) + x.transpose(1, 0), M),
    "axes": (lambda x: np.moveaxis(x, 0, 2) + x.swapaxes(0, 2).swapaxes(0, 1)[:, :1], B),
    "squeeze": (lambda x: np.squeeze(x[None]) + np.expand_dims(x, 0) + x[..., None][..., 0], M),
    "concatenate": (lambda x, y: np.concatenate([x, y * 2, [1.0, 2.0]]), V, W),
    "stack": (lambda x, y: np.stack([x, y, V], axis=1) ** 2, V, W),
    "stacks": (lambda x, y: np.hstack([x, y])[:5] * np.vstack([x, y]) + np.column_stack([x, y]).T, V, W),
    "lists": (lambda x: [x[0] * x[1], np.sin(x[2]), 3.0], V),
    "nested lists": (lambda x: [[x[0], 1.0], [x[1] * x[2], x[3]]], V),
    "object array": (lambda x: objects(x) * x[:2] + objects(x), V),
    "split": (lambda x: np.split(x, 2, axis=0)[0] * np.array_split(x, 2)[1] + np.hsplit(x, 3)[1], M),
    "broadcast": (lambda x: np.broadcast_to(x, (2, 5)) * np.broadcast_arrays(x, np.ones((2, 1)))[0], V),
    "repeat": (lambda x: np.repeat(x, 2) * np.tile(x, 2) + x.repeat(2), V),
    "roll": (lambda x: np.roll(x, 1) * np.flip(x) + x[::-1], V),
    "rot90": (lambda x: np.rot90(x) * np.fliplr(x).T + np.flipud(x).T, M),
    "take": (lambda x: np.take(x, [0, 2, 2]) * x[[1, 1, 0]] + x.take([3, 4, 0]), V),
    "take along": (lambda x: np.take_along_axis(x, np.argsort(M, axis=1), 1), M),
    "diag": (lambda x: np.diag(x) @ x + np.diagonal(np.outer(x, x)) + np.diag(np.outer(x, x)), V),
    "triangles": (lambda x: np.tril(x) @ np.triu(x), S),
    "pad": (lambda x: np.pad(x, 2) + np.pad(x, 2, constant_values=3.0) * np.pad(x, 2, mode="edge"), V),
    "pad reflect": (lambda x: np.pad(x, ((1, 1), (0, 2)), "reflect") * np.pad(x, ((1, 1), (0, 2)), "wrap"), M),
    "at least": (lambda x: np.atleast_1d(x[0]) * np.atleast_2d(x) + np.atleast_3d(x)[0, 0], V),
    "index": (lambda x: x[1, ..., 0] * x[0, 1, 1] + x[:, 1][1, 0] + x[-1, -1, -1], B),
    "slices": (lambda x: x[1:4] * x[:-2] + x[2:] * x[::-1][:3], V),
    "boolean index": (lambda x: x[V > 0] * 2, V),
    "data boolean index": (lambda x: x[x > 0] ** 2, V),
    "fancy index": (lambda x: x[[0, 1], [2, 0]] * x[np.array([1, 0]), 1], M),
    "iteration": (lambda x: sum(r[0] * r[1] for r in x), N),
    "unpacking": (lambda x: three(*x), V[:3]),
    "written": (written, V),
    "views": (through_views, V),
    "likes": (lambda x: np.ones_like(x) * x + np.full_like(x, 2.0) * x + np.zeros_like(x), V),
    "full of x": (lambda x: np.full_like(x, x[0]) * x, V),
    "where": (lambda x, y: np.where(V > 0, x, y) * np.where(x > y, x * y, 3.0), V, W),
    "select": (lambda x: np.select([x < -1, x < 0.5], [x**2, 3 * x], np.sin(x)), V),
    "piecewise": (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda t: t**2, np.sin]), V),
    "append": (lambda x: np.append(x, x[0] * 2) * np.insert(x, 1, 3.0), V),
    "delete": (lambda x: np.delete(x, 1) * x[:4], V),
    "tolist": (lambda x: [a * b for a, b in zip(x.tolist(), W.tolist(), strict=True)], V),
    "item": (lambda x: x.item(0) * x[1].item(), V),
    "windows": (lambda x: np.lib.stride_tricks.sliding_window_view(x, 3) @ x[:3], V),
    "meshgrid": (lambda x, y: np.meshgrid(x, y)[0] * np.meshgrid(x, y)[1], V, W[:3]),
    "block": (lambda x: np.block([[x, x * 2], [x * 3, x]]), M),
}


def three(a, b, c):
    return a * b + c


REDUCTIONS = {
    "sum": (lambda x: np.sum(x * x, axis=0) + x.sum() + np.sum(x, axis=1, keepdims=True), M),
    "sum axes": (lambda x: np.sum(x**2, axis=(0, 2)) + np.add.reduce(x, axis=0).sum(), B),
    "masked sum": (lambda x: np.sum(x**2, where=V > 0, initial=3.0), V),
    "python sum": (lambda x: sum(x) * sum(v**2 for v in x), V),
    "mean": (lambda x: np.mean(x**2) + x.mean(axis=0) + np.mean(x, axis=-1, keepdims=True), M),
    "prod": (lambda x: np.prod(x) + x.prod(axis=0) + np.multiply.reduce(x), M),
    "prod with zero": (np.prod, np.array([2.0, 0.0, 3.0])),
    "cumsum": (lambda x: np.cumsum(x) * x.cumsum() + np.add.accumulate(x), V),
    "cumsum axis": (lambda x: np.cumsum(x**2, axis=1) + np.cumsum(x, axis=0), M),
    "cumprod": (lambda x: np.cumprod(x) + x.cumprod(), V),
    "max": (lambda x: np.max(x) * x.max(axis=0) + np.amax(x, axis=1, keepdims=True), M),
    "min": (lambda x: np.min(x) * x.min(axis=0) + np.minimum.reduce(x), M),
    "max accumulate": (lambda x: np.maximum.accumulate(x) * x, V),
    "ptp": (lambda x: np.ptp(x) + np.ptp(x, axis=1).sum(), M),
    "sort": (lambda x: np.sort(x) * W, V),
    "median": (lambda x: np.median(x) * np.median(x[:4]) + np.median(x[1:]), V),
    "quantile": (lambda x: np.quantile(x, 0.3) + np.percentile(x, 60), V),
    "clip": (lambda x: np.clip(x, -0.5, 1.0) * x.clip(0, None), V),
    "var": (lambda x: np.var(x) + np.var(x, axis=0, ddof=1) + x.var(axis=1).sum(), M),
    "std": (lambda x: np.std(x) + x.std(axis=1, keepdims=True), M),
    "average": (lambda x, w: np.average(x, weights=w) + np.average(x), P, P[::-1].copy()),
    "average axis": (lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 4.0]), M),
    "diff": (lambda x: np.diff(x) * np.diff(x, n=2)[0] + np.ediff1d(x), V),
    "trapezoid": (lambda x: np.trapezoid(x**2, dx=0.1) + np.trapezoid(x, W), V),
    "logaddexp reduce": (lambda x: np.logaddexp.reduce(x), V),
    "reduce over rows": (lambda x: np.logaddexp.reduce(x) + np.logical_or.reduce(x > 0.5) * x[0], M),
    "outer methods": (lambda x: np.multiply.outer(x, x) + np.add.outer(x, x) + np.subtract.outer(x, x), V),
    "interp": (lambda x: np.interp(x, [-2.0, 0.0, 1.0, 3.0], [1.0, 5.0, 2.0, 2.5]), V),
    "interp outside": (lambda x, y: np.interp(x, [-1.0, 0.0, 1.0], y, right=7.0), V, W[:3]),
    "interp values": (lambda y: np.interp([-3.0, 0.1, 0.9], [-1.0, 0.0, 1.0], y), W[:3]),
    "cov": (lambda x: np.cov(x), M),
}

PRODUCTS = {
    "matmul": (lambda a, b: a @ b + np.matmul(a, b), M, N),
    "matrix vector": (lambda a, x: a @ x + x @ a.T, M, V[:3]),
    "batched matmul": (lambda a, b: a @ b, B, M),
    "broadcast matmul": (lambda a, b: a @ np.swapaxes(b, -1, -2), B[:, None], B),
    "constant matmul": (lambda a: N @ a @ N, M),
    "dot": (lambda a, b: np.dot(a, b) * a.dot(b) + np.dot(2.0, a) @ b, M, N),
    "vectors": (lambda x, y: np.dot(x, y) + np.inner(x, y) * np.vdot(x, y) + x @ y, V, W),
    "inner": (lambda a: np.inner(a, a), M),
    "outer": (lambda x, y: np.outer(x, y) * np.outer(y, x), V, W),
    "kron": (lambda a, b: np.kron(a, b), M, N),
    "trace": (lambda a: np.trace(a) * a.trace() + np.trace(a @ a, 1), S),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=([1, 0], [0, 1])) + np.tensordot(a, b, 1)[0, 0], M, N),
    "tensordot outer": (lambda a, b: np.tensordot(a, b, axes=0), V, W),
    "einsum": (lambda a, b: np.einsum("ij,jk->ik", a, b) + np.einsum("ij,jk", a, b), M, N),
    "einsum three": (lambda a, x: np.einsum("i,ij,j->", a, S, x) * np.einsum("i,ij,kj,k->j", a, S, S, a), V[:3], W[:3]),
    "einsum one": (lambda a: np.einsum("ii->i", a) * np.einsum("ii", a) + np.einsum("ij->j", a), S),
    "einsum ellipsis": (lambda a, b: np.einsum("...ij,jk->...ik", a, b), B, M),
    "einsum order": (lambda a: np.einsum("ji", a) + np.einsum("ij->ji", a) * np.einsum("ij,ij->ji", a, a), M),
    "cross": (lambda a, b: np.cross(a, b), V[:3], W[:3]),
    "convolve": (lambda x, w: np.convolve(x, w) + np.convolve(x, w, "full") ** 2, V, W[:3]),
    "convolve modes": (lambda x, w: np.convolve(x, w, "same")[0] * np.convolve(x, w, "valid"), V, W[:3]),
    "correlate": (lambda x, w: np.correlate(x, w) * np.correlate(x, w, "full")[0], V, W[:3]),
    "correlate same": (lambda x, w: np.correlate(x, w, "same"), V, W[:3]),
    "vecdot": (lambda x, y: np.vecdot(x, y), M, M * 2),
}  # fmt: skip

LINEAR = {
    "solve": (lambda a, b: np.linalg.solve(a, b), S, N),
    "solve vector": (lambda a, b: np.linalg.solve(a, b), S, V[:3]),
    "solve constant matrix": (lambda b: np.linalg.solve(S, b), V[:3]),
    "solve constant side": (lambda a: np.linalg.solve(a, V[:3]), S),
    "inv": (lambda a: np.linalg.inv(a), S),
    "det": (lambda a: np.linalg.det(a), S),
    "singular det": (lambda a: np.linalg.det(a), np.ones((3, 3))),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1] * np.linalg.slogdet(a).sign, S),
    "cholesky": (lambda a: np.linalg.cholesky(spd(a)), S),
    "matrix power": (lambda a: np.linalg.matrix_power(a, 3) + np.linalg.matrix_power(a, -2), S),
    "multi_dot": (lambda a, b: np.linalg.multi_dot([a, b, a]), M, N),
    "norms": (lambda x: np.linalg.norm(x) + np.linalg.norm(x, 1) * np.linalg.norm(x, np.inf) + np.linalg.norm(x, 3), V),
    "matrix norms": (lambda x: np.linalg.norm(x) + np.linalg.norm(x, 1) * np.linalg.norm(x, np.inf), M),
    "norm of rows": (lambda x: np.linalg.norm(x, axis=1) + np.linalg.norm(x, axis=1, keepdims=True), M),
    "batched": (lambda a: np.linalg.inv(np.stack([a, a @ a]))[1] + np.linalg.det(np.stack([a, 2 * a]))[1], S),
}


def by_functions(x):
    y = np.outer(x, x)
    np.fill_diagonal(y, x[0] * 2)
    np.put(y, [1, 5], x[:2])
    np.add.at(y, ([0, 0, 2], [1, 1, 0]), x)
    np.copyto(y[2], x)
    np.put_along_axis(y, np.array([[0], [1], [0]]), x[:, None] ** 2, 1)
    return y


NUMERICS = {
    "bincount": (lambda w: np.bincount([0, 2, 2, 1, 0], w, minlength=4), V),
    "written by functions": (lambda x: by_functions(x), V[:3]),
    "polyval": (lambda c, x: np.polyval(c, x), W[:3], V),
    "linspace": (lambda a, b: np.linspace(a, b, 4) * np.linspace(a, 1.0, 4), np.float64(0.3), np.float64(2.5)),
    "vander": (lambda x: np.vander(x, 3) + np.vander(x, 3, increasing=True), V),
    "gradient": (lambda x: np.gradient(x) ** 2 + np.gradient(x, 0.1), V),
    "gradient of a matrix": (lambda x: np.gradient(x)[0] * np.gradient(x, axis=1), M),
    "along an axis": (lambda x: np.apply_along_axis(lambda r: np.cumsum(r) * r[0], 0, x), M),
    "scalars along an axis": (lambda x: np.apply_along_axis(lambda r: np.prod(r), 1, x), M),
    "pinv": (lambda a: np.linalg.pinv(a) + np.linalg.pinv(a.T).T, M),
    "last axes": (lambda x: np.linalg.trace(x @ x) * np.linalg.diagonal(x) + np.linalg.matrix_norm(x), S),
    "correlations": (lambda x: np.corrcoef(x), M),
    "newer names": (lambda x: np.linalg.outer(x, x) @ np.cumulative_sum(x) * np.linalg.vector_norm(x), V),
}

LARGE_LINEAR = {
    "eigh": (lambda a: np.linalg.eigvalsh(spd(a)) * np.abs(np.linalg.eigh(spd(a))[1][0]), S),
    "eigh of six": (lambda a: np.linalg.eigh(a)[0] ** 2 + np.linalg.eigh(a, "U").eigenvalues, LARGE),
    "nan deviations": (lambda x: np.nanstd(x * NAN) + np.nanvar(x * NAN, ddof=1), V),
    "positions": (lambda x: x[np.flatnonzero(x > 0)] * x[np.argwhere(x > 0)[0, 0]], V),
    "nan sums": (lambda x: np.nansum(x * NAN) * np.nanmean(x * NAN) + np.nanmax(x * NAN) * np.nanprod(x * NAN), V),
    "searchsorted": (lambda x: np.searchsorted([-1.0, 0.0, 1.0], x) * x, V),
    "large solve": (lambda a: np.linalg.solve(a, np.arange(6.0)), LARGE),
    "large inverse": (lambda a: np.linalg.inv(a), LARGE),
    "large det": (lambda a: np.linalg.det(a), LARGE),
    "singular large det": (lambda a: np.linalg.det(a), np.ones((5, 5)) + np.diag([1.0, 2, 3, 0, 0])),
    "large slogdet": (lambda a: np.linalg.slogdet(a)[1], LARGE),
    "large cholesky": (lambda a: np.linalg.cholesky(spd(a)), LARGE),
    "large sort": (
        lambda a: np.sort(a, axis=None) @ np.arange(36.0) ** 2,
        np.arange(36.0).reshape(6, 6).T % 7 + np.eye(6) / 3 + np.arange(36.0).reshape(6, 6) / 50,
    ),
}

RECORDABLE = UNARY | BINARY | OPERATORS | STRUCTURE | REDUCTIONS | PRODUCTS | LINEAR | NUMERICS | EXAMPLES
DUAL_ONLY = LARGE_LINEAR | {
    "nan_to_num": (lambda x: np.nan_to_num(np.where(x > 0, np.log(x), np.nan)), V),
    "branch": (lambda x: np.sin(x[0]) if x[0] > 0 else x[1], V),
    "newton loop": (lambda x: newton(x[0]), V),
    "argmax": (lambda x: x[np.argmax(x)] ** 2 + x[x.argmin()], V),
    "argsort": (lambda x: x[np.argsort(x)] * W, V),
    "bessel": (lambda x: sp.jv(2, x), V),
}
UNRECORDED = ("data boolean index", "take along of data")


def newton(a):
    root = a
    while abs(root * root - a) > 1e-15 * abs(a) + 1e-14:
        root = (root + a / root) / 2
    return root

"""Expressions whose formulas the tests ask for, and what NumPy alone makes of a text and of its derivative."""

import math
from functools import cache

import numpy as np

import diffkit as dk

RNG = np.random.default_rng(7)


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


NUMPY = {
    **{n: getattr(np, n) for n in ("sum", "mean", "prod", "exp", "log", "sin", "cos", "tanh", "sqrt", "sign", "abs",
                                   "diag", "outer", "trace", "eye", "ones", "zeros", "dot", "var", "log1p")},
    "norm": np.linalg.norm, "det": np.linalg.det, "inv": np.linalg.inv, "solve": np.linalg.solve,
    "logdet": lambda a: np.linalg.slogdet(a)[1], "softmax": softmax, "norm1": lambda x: np.sum(np.abs(x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "relu": lambda x: np.maximum(x, 0.0),
    "softplus": lambda x: np.log1p(np.exp(x)), "logsumexp": lambda x, axis=None: np.log(np.sum(np.exp(x), axis=axis)),
    "where": np.where, "erf": np.vectorize(math.erf), "pi": math.pi,
}  # fmt: skip
NUMPY["ones"] = lambda *shape: np.ones(shape)
NUMPY["zeros"] = lambda *shape: np.zeros(shape)
NUMPY["trace"] = lambda a: np.trace(a) if np.ndim(a) else a


def by_numpy(text, values, sizes):
    """What Python and NumPy make of a text, ours not asked."""
    scope = {**NUMPY, **values, **sizes}
    with np.errstate(all="ignore"):
        return np.asarray(eval(text, {"__builtins__": {}}, scope), dtype=float)


def differenced(text, wrt, values, sizes, symmetric=False):
    """Central differences, of fourth order, of NumPy's values: the shape of the value, then of the argument."""
    x = np.asarray(values[wrt], dtype=float)
    columns = []
    for index in np.ndindex(*x.shape):
        unit = np.zeros_like(x)
        unit[index] = 1.0
        if symmetric:
            unit[index[::-1]] += 1.0
            unit /= 2
        h = 1e-3
        at = [by_numpy(text, {**values, wrt: x + k * h * unit}, sizes) for k in (-2, -1, 1, 2)]
        columns.append((at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h))
    found = np.stack(columns, axis=-1)
    return found.reshape(found.shape[:-1] + x.shape)


def draw(shapes, sizes, positive=False, symmetric=()):
    values = {}
    for name, shape in shapes.items():
        size = tuple(n if isinstance(n, int) else sizes[n] for n in shape)
        value = RNG.uniform(0.3, 1.2, size) if positive else RNG.normal(size=size)
        if len(size) == 2 and shape[0] == shape[1]:
            value = value / 3 + 2 * np.eye(size[0])
        if name in symmetric:
            value = (value + value.T) / 2
        values[name] = value if size else float(value)
    return values


FORMS = [
    # products, transposes, linear and quadratic forms
    ("a.T @ x", "x"), ("x.T @ a", "a"), ("x.T @ x", "x"), ("x.T @ A @ x", "x"), ("x.T @ A @ x", "A"),
    ("x.T @ A @ y", "x"), ("x.T @ A @ y", "A"), ("a.T @ X @ X.T @ b", "X"), ("a.T @ X.T @ b", "X"),
    ("A @ x", "x"), ("x.T @ A", "x"), ("A.T @ (A @ x - b)", "x"), ("A @ (x*y)", "x"), ("(A @ x)*(B @ x)", "x"),
    ("(a.T @ x)*x", "x"), ("x*(x.T @ A @ x)", "x"), ("outer(x, x) @ a", "x"), ("diag(x) @ A @ x", "x"),
    ("(A @ x - b).T @ C @ (D @ x - y)", "x"), ("norm(A @ x - b)**2", "A"), ("a.T @ (X*X) @ b", "X"),
    # traces, determinants and inverses
    ("trace(X)", "X"), ("trace(A @ X)", "X"), ("trace(A @ X.T)", "X"), ("trace(A @ X @ B)", "X"),
    ("trace(X.T @ A @ X)", "X"), ("trace(X.T @ A @ X @ B)", "X"), ("trace(X @ X)", "X"), ("trace(X @ X @ X)", "X"),
    ("trace(inv(X) @ A)", "X"), ("trace(A @ inv(X) @ B)", "X"), ("det(X)", "X"), ("det(A @ X @ B)", "A"),
    ("log(det(X))", "X"), ("logdet(X)", "X"), ("log(det(X.T @ X))", "X"), ("det(inv(X))", "X"),
    ("a.T @ inv(X) @ b", "X"), ("solve(A, b).T @ y", "b"), ("solve(A, b).T @ b", "A"),
    ("trace(X)**2/trace(X @ X)", "X"),
    ("trace(diag(x) @ A)", "x"), ("sum(diag(X))", "X"), ("sum(inv(X))", "X"),
    # norms and losses
    ("norm(x)", "x"), ("norm(x)**2", "x"), ("norm(X)**2", "X"), ("norm(X)", "X"), ("norm1(A @ x - b)", "x"),
    ("norm(X @ w - y)**2/2", "w"), ("norm(X @ w - y)**2 + lam*norm(w)**2", "w"), ("norm(X - U @ V.T)**2", "U"),
    ("norm(X - U @ V.T)**2", "V"), ("mean((y - (X @ w + beta))**2)/2", "w"),
    ("mean((y - (X @ w + beta))**2)/2", "beta"), ("sum(log(1 + exp(-y*(X @ w))))", "w"),
    ("sum(log(1 + exp(-y*(X @ w))))", "X"), ("-y.T @ log(sigmoid(X @ w)) - (1 - y).T @ log(1 - sigmoid(X @ w))", "w"),
    ("logsumexp(A @ x)", "x"), ("sum(softmax(A @ x)*y)", "x"), ("sum(relu(X @ w))", "w"),
    ("sum(softplus(A @ x))", "A"), ("sum(where(x > y, x*x, x))", "x"), ("var(x)", "x"), ("prod(x)", "x"),
    ("sum(X*log(X/A))", "X"), ("sum(tanh(A @ tanh(B @ x)))", "x"), ("sum(tanh(A @ tanh(B @ x)))", "B"),
    # elementwise functions and vectors by vectors
    ("sin(x)", "x"), ("sin(A @ x)", "x"), ("exp(x)*y", "x"), ("sigmoid(A @ x)", "x"), ("tanh(x)", "x"), ("x/y", "y"),
    ("x**3", "x"), ("x**y", "x"), ("softmax(x)", "x"), ("x/norm(x)", "x"), ("x/(x.T @ x)", "x"), ("relu(x)*x", "x"),
    ("exp(-x.T @ A @ x/2)", "x"), ("sqrt(x.T @ x + 1)", "x"), ("a.T @ sin(x)*log(x.T @ x)", "x"), ("x - mean(x)", "x"),
    # reductions along an axis, broadcasting
    ("sum(X @ w)", "X"), ("sum(sum(X, axis=0)**2)", "X"), ("sum(mean(X, axis=1)**3)", "X"), ("sum((X - b)**2)", "b"),
    ("sum(logsumexp(X, axis=1))", "X"), ("sum(softmax(X, axis=1)*Y)", "X"), ("sum((X + alpha)**2)", "alpha"),
    ("sum(softmax(X, axis=0))", "X"),
    # by a scalar
    ("inv(A + t*B)", "t"), ("A @ A*t + B*t**2", "t"), ("x*sin(t)", "t"), ("log(det(A + t*B))", "t"),
    ("norm(x + t*y)**2", "t"), ("trace(A @ inv(A + t*B))", "t"),
]  # fmt: skip
SHAPES = {"t": ()}


def shapes_for(text):
    return {name: shape for name, shape in SHAPES.items() if f"{name}*" in text or f"({name})" in text}


@cache
def derived(text, wrt):
    return dk.matrix_derivative(text, wrt, shapes=shapes_for(text))

"""Functions that are hard to follow, and helpers, for the tests of dual arrays, records and tapes."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import scipy.special as sp

from diffkit.calculus.scalarised import SLOTS, scalarised
from diffkit.core.program import Program
from diffkit.ndarrays import pushforward, record_function

STENCIL = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60))


def plain(f, args):
    with np.errstate(all="ignore"):
        return np.asarray(f(*[np.array(a) if np.ndim(a) else float(a) for a in args]), dtype=float)


def flat_function(f, args):
    """f as a function of one flat vector."""
    sizes = [np.size(a) for a in args]
    ends = np.cumsum(sizes)

    def flat(x):
        parts = [x[e - n : e].reshape(np.shape(a)) for a, n, e in zip(args, sizes, ends, strict=True)]
        return f(*parts)

    return flat, np.concatenate([np.ravel(a) for a in args])


def differences(f, args, h=2e-3):
    """Jacobian by central differences of order six: shape (inputs, *value.shape)."""
    flat, x = flat_function(lambda *parts: plain(f, parts), args)
    return np.stack([
        sum(c * (flat(x + k * h * e) - flat(x - k * h * e)) for k, c in STENCIL) / h for e in np.eye(len(x))
    ])  # fmt: skip


def flat(args):
    return [float(v) for a in args for v in np.ravel(a)]


def close(found, wanted, tolerance):
    assert np.shape(found) == np.shape(wanted)
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * scale)


def by_name(cases):
    return pytest.mark.parametrize("name", cases)


ONCE = ("newton loop", "singular large det")  # a loop stops by the value; an inverse is wanted twice


def D(f):
    """The derivative of a function of a scalar."""
    return lambda x: pushforward(f, [x], [np.ones(1)]).tangents[0]


CONFUSION = {
    "x·∂(x+y)": (lambda x: x * D(lambda y: x + y)(1.0), 1.0, 1.0),
    "x·∂(x·y)": (lambda x: x * D(lambda y: x * y)(2.0), 3.0, 6.0),
    "y inside": (lambda x: D(lambda y: x * y**2)(x), 3.0, 4 * 3.0),
    "constant inside": (lambda x: D(lambda y: x**2)(1.0) + x, 5.0, 1.0),
    "three levels": (lambda x: x * D(lambda y: y * D(lambda z: x * y * z)(1.0))(2.0), 1.5, 2 * 2 * 2 * 1.5),
    "same function": (D(np.sin), 0.3, -np.sin(0.3)),
    "third": (D(D(np.sin)), 0.3, -np.cos(0.3)),
    "fourth": (D(D(D(lambda x: x**5))), 2.0, 120 * 2.0),
    "closure over the outer array": (lambda x: D(lambda t: np.sum(np.stack([x, x * t]) ** 2))(2.0), 3.0, 8 * 3.0),
    "inner where": (lambda x: D(lambda y: np.where(x > 0, x * y, y))(1.0), 2.0, 1.0),
    "inner solve": (lambda x: D(lambda y: np.linalg.det(np.stack([np.stack([x, y]), np.stack([y, x])])))(1.0) * x,
                    2.0, -2.0),
}  # fmt: skip


KINKS = {
    "abs": (np.abs, "kink"),
    "sign": (np.sign, "jump"),
    "floor": (np.floor, "jump"),
    "ceil": (np.ceil, "jump"),
    "rint at a half": (lambda x: np.rint(x + 0.5), "jump"),
    "sqrt": (np.sqrt, "edge"),
    "log": (np.log, "edge"),
    "reciprocal": (lambda x: 1 / x, "pole"),
    "power": (lambda x: x**0.5, "edge"),
    "negative power": (lambda x: x**-2, "pole"),
    "relu": (lambda x: np.maximum(x, 0), "kink"),
    "clip": (lambda x: np.clip(x, 0, 1), "kink"),
    "norm": (lambda x: np.linalg.norm(x), "edge"),
    "hypot": (lambda x: np.hypot(x, 0.0), "kink"),
    "cbrt": (np.cbrt, "kink"),
    "max": (lambda x: np.max(np.stack([x, -x, x - 1])), "kink"),
    "sort": (lambda x: np.sort(np.stack([2 * x, x - 1, x]))[1], "kink"),
    "median": (lambda x: np.median(np.stack([-x, x, 2 * x])), "kink"),
    "entropy": (sp.entr, "edge"),
    "relative entropy": (lambda x: sp.rel_entr(x, 1.0), "edge"),
    "x log x": (lambda x: sp.xlogy(x, x), "edge"),
    "interp": (lambda x: np.interp(x, [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]), "kink"),
    "equal eigenvalues": (lambda x: np.linalg.eigvalsh(np.eye(2) + np.diag(np.stack([x, -x]))), "kink"),
    "second derivative where functions touch": (lambda x: D(lambda t: np.maximum(t * t, t * 3 - t * 3))(x), "kink"),
    "turned eigenvalues": (lambda x: np.linalg.eigvalsh(np.eye(2) + x * np.ones((2, 2))), "kink"),
    "remainder": (lambda x: x % 1.0, "jump"),
}


SMOOTH_AFTER_ALL = {
    "max of equal slopes": (lambda x: np.maximum(2 * x, x + x), 2.0),
    "clip of a constant": (lambda x: np.clip(np.zeros_like(x), 0, 1) + x, 1.0),
    "sorted twins": (lambda x: np.sort(np.stack([x, x, 5 - x]))[0], 1.0),
    "median of twins": (lambda x: np.median(np.stack([x, x, x + 1])), 1.0),
    "abs of a square": (lambda x: np.abs(x**2), 0.0),
    "dropped branch": (lambda x: np.where(np.array(True), 3 * x, np.sqrt(x)), 3.0),
    "third derivative of x³": (lambda x: D(D(lambda t: t**3))(x), 6.0),
    "fourth derivative of x³": (lambda x: D(D(D(lambda t: t**3)))(x), 0.0),
    "eigenvalues that stay equal": (lambda x: np.linalg.eigvalsh(np.eye(2) * (1 + x))[0], 1.0),
    "x² at zero": (lambda x: x**2 + x**1.0, 1.0),
    "ties below the largest": (lambda x: np.max(np.stack([x, -x, x + 5])), 1.0),
}


TIES = {
    "if": lambda x: x if x > 0 else -x,
    "where": lambda x: np.where(x > 0, x, -x),
    "bool": lambda x: 2 * x if x else x,
    "argmax": lambda x: np.argmax(np.stack([x, -x])) * x,
    "argsort": lambda x: np.argsort(np.stack([x, -x])) * x,
    "heaviside": lambda x: np.heaviside(x, 1.0),
    "interp's end": lambda x: np.interp(x, [-1.0, 0.0], [0.0, 1.0]),
    "python max": lambda x: max(x, -x),
}


def fill(x):
    out = np.zeros(3)
    out[0] = x[0]
    return out


def add_into(x):
    out = np.zeros(3)
    out += x
    return out


TRAPS = {
    "math": (lambda x: math.sin(x[0]), "use np.sin instead of math.sin"),
    "float": (lambda x: float(x[0]), "leave out float"),
    "int": (lambda x: int(x[0]), "plain numbers only"),
    "index": (lambda x: [1.0, 2.0][x[0]], "plain numbers only"),
    "array of floats": (lambda x: np.array([x[0], x[1]], dtype=float), "np.stack|float"),
    "asarray": (np.asarray, "np.stack"),
    "fill": (fill, "np.stack|float"),
    "add into": (add_into, "y = y \\+ x"),
    "out": (lambda x: np.sin(x, out=np.zeros(3)), "y = y \\+ x"),
    "astype": (lambda x: x.astype(np.float32), "only float64"),
    "ufunc where": (lambda x: np.add(x, 1, where=[True, False, True]), "np.where"),
    "dtype": (lambda x: np.sum(x, dtype=np.float32), "dtype"),
    "scipy": (lambda x: sp.logsumexp(x), "np.logaddexp.reduce"),
    "no rule": (lambda x: np.fft.fft(x), "numpy.fft.fft"),
    "no ufunc rule": (lambda x: sp.airy(x), "airy"),
    "position": (lambda x: np.zeros(3)[x], "np.stack|index"),
    "own position": (lambda x: x[x], "plain integers"),
    "complex": (lambda x: 1j * x, "complex"),
    "None": (lambda x: None, "return"),
    "dict": (lambda x: {"a": x}, "return a number"),
    "cache": (lambda x: {x[0]: 1}[x[0]], "cache"),
    "attribute": (lambda x: x.tobytes(), "tobytes"),
    "random": (lambda x: np.random.default_rng(0).normal(x), "np.stack|float"),
    "odd padding": (lambda x: np.pad(x, 1, "reflect", reflect_type="odd"), "mode"),
    "take into": (lambda x: np.take(x, [0], out=np.zeros(1)), "out"),
    "Bessel order": (lambda x: sp.jv(x, 1.0), "order"),
}


KEYS = (0, -1, slice(1, None), slice(None, None, -1), (slice(None), 1), ([0, 1], [1, 0]), (slice(0, 2), None), ...)


VIEWS = (
    lambda a: a.T, lambda a: a[::-1], lambda a: a[1:], lambda a: a[:, 1:], lambda a: np.ravel(a), lambda a: a.copy(),
    lambda a: a.reshape(-1), lambda a: np.swapaxes(a, 0, -1), lambda a: a[None], lambda a: np.split(a, [1])[1],
    lambda a: np.flip(a, 0), lambda a: np.atleast_2d(a), lambda a: a[..., 0], lambda a: np.squeeze(a),
)  # fmt: skip


def scribbler(seed):
    """A function that takes views of views and writes into them."""

    def f(x):
        random = np.random.default_rng(seed)
        arrays = [x * 1.0, np.zeros_like(x)]
        for _ in range(12):
            source = arrays[random.integers(len(arrays))]
            view, key = VIEWS[random.integers(len(VIEWS))], KEYS[random.integers(len(KEYS))]
            turn = random.integers(3)
            try:
                if turn == 0:
                    arrays.append(view(source))
                elif turn == 1:
                    source[key] = source[key] * 2 + x[0, 1]
                else:
                    source *= x[1, 0]
            except (IndexError, ValueError):
                continue
        return np.concatenate([np.ravel(a) for a in arrays])

    return f


class WrittenOut(NamedTuple):
    """A recorded function number by number, and the shape of what it returned."""

    program: Program
    shape: tuple[int, ...]


def written_out(f, names, shapes, slots=SLOTS):
    """The Program of numbers of a function of arrays."""
    recorded = record_function(f, [(f"a{k}", shape) for k, shape in enumerate(shapes)])
    return WrittenOut(scalarised(recorded.program, names, slots), recorded.shape)

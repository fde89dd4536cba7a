"""Random functions of arrays as NumPy code and as text with data, and their values and slopes in mpmath.

The code is run a second time with a NumPy of many digits, so what is expected comes of the text alone.
"""

import math
import operator
import re
from random import Random

import mpmath
import numpy as np

DIGITS, STEP = 150, 40
SMALL, LARGE = mpmath.mpf(10) ** -35, mpmath.mpf(10) ** 50
"""slopes that may be zero, as a step is left where the second derivative jumps; values that show no differences"""
SPECIAL = [0.0, 0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 1e-3]
SHAPES = [(), (2,), (3,), (3,), (2, 2), (2, 3), (3, 3), (1, 3), (1,)]
MATRICES = [(2, 2), (3, 3)]
UNARY = ("sin", "cos", "exp", "tanh", "abs", "sqrt", "log")


def rounded_array(random, shape):
    """Numbers, often special ones, some of them repeated."""
    few = [random.choice(SPECIAL) if random.random() < 0.25 else round(random.gauss(0, 1), random.choice([1, 17]))
           for _ in range(max(1, random.choice([2, 9, 30])))]  # fmt: skip
    return np.array([random.choice(few) for _ in range(math.prod(shape))]).reshape(shape)


class Value:
    """A value on its way: its name in the code, what text says for it, and its shape."""

    def __init__(self, code, text, shape, size=1):
        self.code, self.text, self.shape, self.size = code, text, shape, size


class ArrayCode:
    """A number of arrays as ``code``, as ``text`` and for mpmath (``many``), its ``point`` and its ``data`` by name."""

    def __init__(self, seed, arguments=None):
        self.random = Random(seed)
        self.lines, self.data, self.point = [], {}, {}
        count = arguments or self.random.choice([1, 1, 2, 3])
        self.values = []
        for name in ("x", "W", "c")[:count]:
            shape = {"x": [(2,), (3,), (3,), (1,)], "W": [(2, 2), (2, 3), (3, 3), (3,)], "c": [()]}[name]
            shape = self.random.choice(shape)
            self.point[name] = rounded_array(self.random, shape)
            self.values.append(Value(name, name, shape))
        for _ in range(self.random.randint(1, 6)):
            self.step()
        last, other = self.values[-1], self.values[-2 % len(self.values)]
        if self.random.random() < 0.3:
            last = self.emit("({0} + np.sum({1}))", "({0} + sum({1}))", last, other, shape=last.shape)
        whole = last if last.shape == () else self.emit("np.sum({0})", "sum({0})", last, shape=())
        self.text = whole.text
        lines, wanted = [], {whole.code}
        for name, made, many in reversed(self.lines):  # what nothing comes of may have no value
            if name in wanted:
                lines.insert(0, (f"{name} = {made}", f"{name} = {many}"))
                wanted |= set(re.findall(r"\w+", made))
        self.code, self.many = (
            "\n    ".join([f"def f({', '.join(self.point)}):", *part, f"return {whole.code}"])
            for part in ([line[k] for line in lines] for k in (0, 1))
        )
        self.data = {name: value for name, value in self.data.items() if name in wanted}

    # Making ------------------------------------------------------------------------------------------------------

    def emit(self, code, text, *values, shape=None, many=None):
        """A line of code, and the same as text, and as what mpmath can do."""
        name = f"v{len(self.lines)}"
        shape = np.broadcast_shapes(*[v.shape for v in values]) if shape is None else shape
        self.lines.append((name, *(part.format(*[v.code for v in values]) for part in (code, many or code))))
        found = Value(name, text.format(*[v.text for v in values]), shape, 1 + sum(v.size for v in values))
        self.values.append(found)
        return found

    def pick(self, test=lambda value: True):
        """A value of some kind, more often a late one; None if there is none."""
        found = [v for v in self.values if test(v) and v.size < 40]
        return found[max(self.random.randrange(len(found)), self.random.randrange(len(found)))] if found else None

    def constant(self, shape):
        """Data of a shape."""
        name = f"D{len(self.data)}"
        self.data[name] = rounded_array(self.random, shape)
        return Value(name, name, shape)

    def partner(self, value):
        """A value or data that goes together with another."""

        def fits(other):
            try:
                return math.prod(np.broadcast_shapes(value.shape, other.shape)) <= 12
            except ValueError:
                return False

        found = self.pick(fits) if self.random.random() < 0.6 else None
        if found is None:
            keep = self.random.randint(0, len(value.shape))
            found = self.constant(value.shape[keep:])
        return found

    def step(self):
        """One more value."""
        kinds = [self.unary, self.unary, self.binary, self.binary, self.power, self.choice, self.product, self.product,
                 self.reduced, self.matrix, self.turned, self.entry]  # fmt: skip
        self.random.choice(kinds)()

    def unary(self):
        x, name = self.pick(), self.random.choice(UNARY)
        inside = "{0}*{0} + 1" if name in ("sqrt", "log") and self.random.random() < 0.6 else "{0}"
        self.emit(f"np.{name}({inside})", f"{name}({inside})", x)

    def binary(self):
        x = self.pick()
        y = self.partner(x)
        x, y = (x, y) if self.random.random() < 0.5 else (y, x)
        sign = self.random.choice("+-**/")
        if self.random.random() < 0.2:
            name = self.random.choice(["max", "min"])
            self.emit(f"np.{name}imum({{0}}, {{1}})", f"{name}({{0}}, {{1}})", x, y)
        elif sign == "/" and y.code not in self.data and self.random.random() < 0.6:  # of data NumPy's value counts
            self.emit("{0} / ({1}*{1} + 1)", "({0}/({1}*{1} + 1))", x, y)
        else:
            many = "np.over({0}, {1})" if sign == "/" else None
            self.emit(f"{{0}} {sign} {{1}}", f"({{0}} {sign} {{1}})", x, y, many=many)

    def power(self):
        n = self.random.choice(["2", "3", "2", "-1", "-2"])
        many = f"np.over(1, {{0}}**{n[1:]})" if n[0] == "-" else None
        self.emit(f"{{0}}**{n}", f"({{0}})**({n})", self.pick(), many=many)

    def choice(self):
        x = self.pick()
        y, z = self.partner(x), self.partner(x)
        sign = self.random.choice(["<", "<=", ">", ">="])
        bound = self.random.choice(["0", "0.5", y.code])
        text = y.text if bound == y.code else bound
        shape = np.broadcast_shapes(x.shape, y.shape)
        self.emit(f"np.where({{0}} {sign} {bound}, {{0}}, {{1}})", f"where({{0}} {sign} {text}, {{0}}, {{1}})", x, y,
                  shape=shape, many=f"np.chosen('{sign}', {{0}}, {bound}, {{0}}, {{1}})")  # fmt: skip
        if z.shape == self.values[-1].shape:
            self.emit("np.where({0} < {1}, {1}, 2*{0})", "where({0} < {1}, {1}, 2*{0})", self.values[-1], z,
                      many="np.chosen('<', {0}, {1}, {1}, 2*{0})")  # fmt: skip

    def product(self):
        x = self.pick(lambda v: 1 <= len(v.shape) <= 2)
        if x is None:
            return
        inner = x.shape[-1]
        y = self.pick(lambda v: 1 <= len(v.shape) <= 2 and v.shape[0] == inner) if self.random.random() < 0.6 else None
        y = y or self.constant(self.random.choice([(inner,), (inner, 2), (inner, 3)]))
        shape = (*x.shape[:-1], *y.shape[1:])
        self.emit("{0} @ {1}", "({0} @ {1})", x, y, shape=shape)

    def reduced(self):
        x = self.pick(lambda v: v.shape)
        if x is None:
            return
        name = self.random.choice(["sum", "mean", "prod", "max", "min", "norm"])
        axis = self.random.choice([None, *range(len(x.shape))])
        if name == "norm" or axis is None:
            code = f"np.{'linalg.' * (name == 'norm')}{name}({{0}})"
            self.emit(code, f"{name}({{0}})", x, shape=())
        else:
            shape = tuple(n for k, n in enumerate(x.shape) if k != axis)
            self.emit(f"np.{name}({{0}}, axis={axis})", f"{name}({{0}}, axis={axis})", x, shape=shape)

    def matrix(self):
        x = self.pick(lambda v: v.shape in MATRICES)
        if x is None:
            return
        n = x.shape[0]
        kind = self.random.choice(["det", "inv", "trace", "solve", "diag", "logdet"])
        if kind == "solve":
            b = self.pick(lambda v: v.shape == (n,)) or self.constant((n,))
            self.emit("np.linalg.solve({0}, {1})", "solve({0}, {1})", x, b, shape=(n,))
        elif kind == "logdet":
            self.emit("np.linalg.slogdet({0})[1]", "logdet({0})", x, shape=())
        elif kind in ("det", "inv"):
            self.emit(f"np.linalg.{kind}({{0}})", f"{kind}({{0}})", x, shape=() if kind == "det" else x.shape)
        else:
            self.emit(f"np.{kind}({{0}})", f"{kind}({{0}})", x, shape=() if kind == "trace" else (n,))

    def turned(self):
        x = self.pick(lambda v: len(v.shape) == 2) if self.random.random() < 0.7 else None
        if x is not None:
            self.emit("{0}.T", "({0}).T", x, shape=x.shape[::-1])
        elif (v := self.pick(lambda v: len(v.shape) == 1)) is not None:
            self.emit("np.outer({0}, {0})", "outer({0}, {0})", v, shape=v.shape * 2)

    def entry(self):
        x = self.pick(lambda v: v.shape)
        if x is not None:
            k = self.random.randrange(x.shape[0])
            self.emit(f"{{0}}[{k}]", f"({{0}})[{k}]", x, shape=x.shape[1:])

    # Running -----------------------------------------------------------------------------------------------------

    def function(self):
        """The code as a function."""
        space = {"np": np, **self.data}
        exec(self.code, space)
        return space["f"]

    def of_many_digits(self):
        """The same of arrays of mpmath's numbers."""
        space = {"np": ManyDigitsNumPy, **{name: exact(value) for name, value in self.data.items()}}
        exec(self.many, space)
        return space["f"]

    def expected(self):
        """The gradient's entries by argument, flat: None where the slopes of both sides do not agree.

        NaN where f is too large for its differences to show anything.
        """
        with mpmath.workdps(DIGITS):
            f = self.of_many_digits()
            point = {name: exact(value) for name, value in self.point.items()}
            return [entry for name in point for entry in slopes(f, point, name)]


def exact(values):
    """Numbers of many digits."""
    found = np.empty(np.shape(values), dtype=object)
    found.ravel()[:] = [mpmath.mpf(v) for v in np.ravel(values).tolist()]
    return found


def at(f, point):
    """The value, NaN where there is none."""
    try:
        return mpmath.mpf(np.asarray(f(*point.values())).item())
    except (ZeroDivisionError, ValueError, TypeError, OverflowError):  # complex numbers, as of √(−1), are no mpf
        return mpmath.nan


def slopes(f, point, name):
    """The partials by one argument, from both sides."""
    here = at(f, point)
    for place in np.ndindex(*np.shape(point[name])):
        sides = []
        for sign in (1, -1):
            h = sign * mpmath.mpf(10) ** -STEP
            moved = point[name].copy()
            moved[place] = point[name][place] + h
            sides.append((at(f, {**point, name: moved}) - here) / h)
        yield mpmath.nan if abs(here) > LARGE else agreed(*sides)


def agreed(right, left):
    """The slope of both sides, known to twice the digits of the step; None where they differ."""
    middle = (right + left) / 2
    near = abs(right - left) <= mpmath.mpf(10) ** (-STEP // 2) * (1 + abs(middle))
    if not near or not mpmath.isfinite(middle):
        return None
    return middle if abs(middle) > SMALL else mpmath.mpf(0)


def of_numbers(function):
    """A function of mpmath, entry by entry."""
    return lambda x: np.asarray(np.frompyfunc(function, 1, 1)(np.asarray(x, dtype=object)), dtype=object)


def determinant(a):
    """By cofactors, without division; 0 where all but a few of the digits cancel."""
    if len(a) == 1:
        return a[0, 0]
    terms = [(-1) ** j * a[0, j] * determinant(np.delete(a[1:], j, 1)) for j in range(len(a))]
    whole = sum(terms)
    return mpmath.mpf(0) if abs(whole) <= mpmath.mpf(10) ** (15 - DIGITS) * max(map(abs, terms)) else whole


def inverse(a):
    """By cofactors."""
    n = len(a)
    found = np.empty((n, n), dtype=object)
    for i, j in np.ndindex(n, n):
        found[j, i] = (-1) ** (i + j) * (determinant(np.delete(np.delete(a, i, 0), j, 1)) if n > 1 else mpmath.mpf(1))
    return over(found, determinant(a))


def over(x, y):
    """A quotient; NaN by zero."""
    return np.asarray(np.frompyfunc(lambda a, b: mpmath.mpf(a) / b if b else mpmath.nan, 2, 1)(x, y), dtype=object)


def chosen(sign, a, b, x, y):
    """x where a comparison holds and y elsewhere; NaN where what is compared is none."""

    def choose(a, b, x, y):
        return mpmath.nan if a != a or b != b else x if COMPARED[sign](a, b) else y

    return np.asarray(np.frompyfunc(choose, 4, 1)(a, b, x, y), dtype=object)


COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def extreme(sign):
    """The larger or smaller of the entries, along an axis."""

    def reduced(x, axis=None):
        x = np.ravel(x) if axis is None else np.moveaxis(x, axis, 0)
        found = x[0]
        for other in x[1:]:
            found = chosen(sign, found, other, found, other)
        return found

    return reduced


class ManyDigitsLinalg:
    """numpy.linalg of many digits."""

    det = staticmethod(determinant)
    inv = staticmethod(inverse)

    @staticmethod
    def solve(a, b):
        return inverse(a) @ b

    @staticmethod
    def slogdet(a):
        size = abs(determinant(a))
        return None, mpmath.log(size) if size else mpmath.nan

    @staticmethod
    def norm(x):
        return mpmath.sqrt(sum(v * v for v in np.ravel(x)))


class ManyDigitsNumPy:
    """What the code calls of NumPy, on arrays of objects; moving and summing entries is NumPy's own."""

    sin, cos, exp, tanh, abs = (
        staticmethod(of_numbers(f)) for f in (mpmath.sin, mpmath.cos, mpmath.exp, mpmath.tanh, abs)
    )
    sqrt = staticmethod(of_numbers(lambda x: mpmath.sqrt(x) if x >= 0 else mpmath.nan))
    log = staticmethod(of_numbers(lambda x: mpmath.log(x) if x > 0 else mpmath.nan))
    sum, prod, trace, diag, outer = map(staticmethod, (np.sum, np.prod, np.trace, np.diag, np.outer))
    over, chosen = staticmethod(over), staticmethod(chosen)
    max, min = staticmethod(extreme(">=")), staticmethod(extreme("<="))
    linalg = ManyDigitsLinalg

    @staticmethod
    def mean(x, axis=None):
        return np.sum(x, axis=axis) / mpmath.mpf(np.size(x) if axis is None else np.shape(x)[axis])

    @staticmethod
    def maximum(x, y):
        return chosen(">=", x, y, x, y)

    @staticmethod
    def minimum(x, y):
        return chosen("<=", x, y, x, y)

"""A reader of the LaTeX that formulas of arrays are written in, by the rules of paper: it gives their value in NumPy.

Vectors are columns; what stands beside each other is multiplied first (as matrices), then ⊙ and ⊘, then sums.
It shares nothing with diffkit: what it makes of a formula is what a reader would make of it.
"""

import re

import numpy as np

TOKEN = re.compile(
    r"\\begin\{\w+\}|\\end\{\w+\}|\\operatorname\{\w+\}|\\mathrm\{\w+\}|\\mathbf\{\w\}|\\text\{[^}]*\}"
    r"|\\left\\lVert|\\right\\rVert|\\left.|\\right.|\\[a-zA-Z]+|\\[,\\]|\d+|[A-Za-z]|[-+^_{}=,&<>:]"
)
SKIPPED = ("\\,", "\\cdot")
FUNCTIONS = {
    "exp": np.exp, "\\ln": np.log, "\\sin": np.sin, "\\cos": np.cos, "\\tanh": np.tanh, "sqrt": np.sqrt, "abs": np.abs,
    "\\sigma": lambda x: 1 / (1 + np.exp(-x)), "\\det": lambda x: np.array([[np.linalg.det(x)]]),
    "tr": lambda x: np.array([[np.trace(x)]]), "sum": np.sum, "mean": np.mean, "prod": np.prod, "Var": np.var,
    "\\max": np.max, "\\min": np.min, "vec": lambda x: np.ravel(x)[:, None],
    "diag": lambda x: np.diag(x[:, 0]) if x.shape[1] == 1 < x.shape[0] else np.diag(x)[:, None],
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))), "softmax": lambda x: np.exp(x) / np.sum(np.exp(x)),
}  # fmt: skip
LETTERS = {"\\alpha": "alpha", "\\lambda": "lam"}


class PaperReader:
    """Reads one formula, given the values of its names: numbers, vectors and matrices."""

    def __init__(self, text, values):
        self.tokens = [t for t in TOKEN.findall(text) if t not in SKIPPED]
        assert re.sub(r"\s", "", text) == re.sub(r"\s", "", "".join(TOKEN.findall(text))), text
        self.values = {name: self.column(value) for name, value in values.items()}

    def value(self):
        found = self.sum()
        assert not self.tokens, self.tokens
        return found

    @staticmethod
    def column(value):
        value = np.asarray(value, dtype=float)
        return value if value.ndim == 2 else value.reshape(-1, 1)

    def peek(self):
        return self.tokens[0] if self.tokens else ""

    def take(self, *wanted):
        token = self.tokens.pop(0)
        assert not wanted or token in wanted, (token, wanted, self.tokens)
        return token

    def sum(self):
        sign = -1 if self.peek() == "-" and self.take() else 1
        found = sign * self.product()
        while self.peek() in ("+", "-"):
            sign = -1 if self.take() == "-" else 1
            found = found + sign * self.product()
        return found

    def product(self):
        found = self.chain()
        while self.peek() in ("\\odot", "\\oslash"):
            sign, other = self.take(), self.chain()
            assert 1 in (found.size, other.size) or found.shape == other.shape, (found.shape, other.shape)
            found = found * other if sign == "\\odot" else found / other
        return found

    def chain(self):
        found = self.power()
        ends = ("", "+", "-", "\\odot", "\\oslash", "}", ",", "&", "\\\\", "=", "<", ">", "\\right\\rVert")
        while self.peek() not in ends and not self.peek().startswith(("\\right", "\\end")):
            other = self.power()
            found = (
                found * other if 1 in (found.size, other.size) and found.shape[1] != other.shape[0] else found @ other
            )
        return found

    def braced(self, read):
        self.take("{")
        found = read()
        self.take("}")
        return found

    def power(self):
        found = self.atom()
        while self.peek() == "^":
            self.take()
            found = self.braced(lambda base=found: self.raised(base))
        return found

    def raised(self, base):
        if self.peek() == "\\top":
            self.take()
            return base.T
        if self.tokens[:2] == ["-", "\\top"]:
            del self.tokens[:2]
            return np.linalg.inv(base).T
        entrywise = self.peek() == "\\odot" and bool(self.take())
        exponent = self.sum()
        if entrywise or base.size == exponent.size == 1:
            return base**exponent
        assert exponent.size == 1, "a matrix is raised to an array"
        return np.linalg.matrix_power(base, int(exponent[0, 0]))

    def atom(self):
        token = self.take()
        if token.isdigit():
            return np.array([[float(token)]])
        if token == "e" and self.peek() == "^":
            return np.array([[np.e]])
        if token == "\\frac":
            over, under = self.braced(self.sum), self.braced(self.sum)
            assert under.size == 1, "a fraction by an array"
            return over / under
        if token == "\\sqrt":
            return np.sqrt(self.number(self.braced(self.sum)))
        if token == "\\left(":
            return self.closed("\\right)")
        if token == "\\left|":
            return np.abs(self.number(self.closed("\\right|")))
        if token == "\\left\\lVert":
            return self.norm()
        if token == "\\begin{bmatrix}":
            return self.matrix()
        if token == "I":
            return np.eye(self.sizes()[0])
        if token.startswith("\\mathbf"):
            return np.full((*self.sizes(), 1)[:2], float(token[-2]))
        name = re.sub(r"\\operatorname\{(\w+)\}", r"\1", token)
        if name in FUNCTIONS:
            return self.called(name)
        return self.named(token)

    def number(self, found):
        assert found.size == 1, "of a number only"
        return found

    def closed(self, end):
        found = self.sum()
        self.take(end)
        return found

    def norm(self):
        found = self.closed("\\right\\rVert")
        self.take("_")
        kind = self.braced(self.take)
        assert kind == "F" or (kind in ("1", "2") and found.shape[1] == 1), kind
        return np.array([[np.abs(found).sum() if kind == "1" else np.sqrt((found**2).sum())]])

    def matrix(self):
        rows = [[self.sum()]]
        while (sign := self.take("&", "\\\\", "\\end{bmatrix}")) != "\\end{bmatrix}":
            rows = [*rows, [self.sum()]] if sign == "\\\\" else [*rows[:-1], [*rows[-1], self.sum()]]
        return np.block(rows)

    def sizes(self):
        self.take("_")
        self.take("{")
        found = [int(self.take())]
        while self.take("\\times", "}") == "\\times":
            found.append(int(self.take()))
        return tuple(found)

    def called(self, name):
        if self.peek() == "\\left|":
            return np.asarray(FUNCTIONS[name](self.atom()))
        self.take("\\left(")
        args, axis = [self.sum()], None
        while self.peek() == ",":
            self.take()
            if self.peek() == "\\mathrm{axis}":
                del self.tokens[:2]
                axis = int(self.take())
            else:
                args.append(self.sum())
        self.take("\\right)")
        if len(args) == 2:
            return np.minimum(*args) if name == "\\min" else np.maximum(*args)
        if axis is None:
            found = np.asarray(FUNCTIONS[name](args[0]))
            return found if found.ndim == 2 else found.reshape(1, 1)
        if name == "softmax":
            return np.exp(args[0]) / np.exp(args[0]).sum(axis=axis, keepdims=True)
        return np.apply_along_axis(FUNCTIONS[name], axis, args[0])[:, None]

    def named(self, token):
        name = LETTERS.get(token, token)
        if self.peek() != "_":
            return self.values[name]
        del self.tokens[:2]
        keys = []
        while (key := self.take()) != "}":
            keys += [int(key)] if key != "," else []
        return self.values[name][tuple(keys) if len(keys) == 2 else (keys[0], 0)].reshape(1, 1)

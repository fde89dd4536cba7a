"""Tools that differentiate, ours and others', behind one face: what each returns for a gradient, a Hessian or dⁿf/dxⁿ.

Every tool is asked with its defaults, as its documentation shows first. A peer that is not installed is left out.
The expressions are those of the test data, trusted, and written so that Python can evaluate them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

import diffkit as dk

NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "max": "maximum", "min": "minimum",
    **{n: n for n in ["abs", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "where", "pi"]},
}  # fmt: skip
NESTED = 6  # order up to which tools that nest derivatives are asked: the cost grows several times with each
SPECIAL = {"erfc": "erfc", "loggamma": "gammaln"}


@dataclass
class Said:
    """What a tool said: numbers, the error bars it gives (if any), evaluations of f, and whether it warned."""

    values: list[float]
    bars: list[float] | None = None
    evaluations: int = 0
    flagged: list[bool] = field(default_factory=list)


def callable_of(expression: str, variables: list[str], module: str, special: str) -> Any:
    """Give the expression as a Python function of one vector, over a module that looks like NumPy."""
    numpy, functions = importlib.import_module(module), importlib.import_module(special)
    names = {ours: getattr(numpy, theirs) for ours, theirs in NUMPY.items()}
    names.update({ours: getattr(functions, theirs) for ours, theirs in SPECIAL.items()})
    code = compile(expression, "case", "eval")
    return lambda x: eval(code, names, dict(zip(variables, x, strict=True)))


class Tool:
    """One tool; ``module`` is what must be installed for it."""

    module = ""
    digits = False
    """whether it evaluates f only, and is judged by digits rather than ulps"""

    def __init__(self, name: str):
        self.name = name

    @property
    def version(self) -> str:
        """The installed version; ImportError if there is none."""
        importlib.import_module(self.module)
        return importlib.metadata.version(self.module.split(".")[0])

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        """∇f at a point."""
        raise NotImplementedError

    def hessian(self, f: str, variables: list[str], x: list[float]) -> Said:
        """All second partials at a point, row by row."""
        raise NotImplementedError

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        """The derivative of some order of f of one variable."""
        raise NotImplementedError


@lru_cache(maxsize=1000)
def prepared(f: str, kind: str, variables: tuple[str, ...], *how: tuple[str, str]) -> Any:
    """Give our derivative of an expression, prepared once for all its points."""
    return dk.prepare(f, kind, variables=variables, **dict(how))  # type: ignore[call-overload]


class Ours(Tool):
    """A backend of diffkit."""

    module = "diffkit"

    def __init__(self, name: str):
        super().__init__(f"diffkit {name}")
        self.backend = name
        self.how = {"backend": name}
        self.digits = name == "finite"

    @property
    def version(self) -> str:
        """The version of the checkout that runs."""
        return dk.__version__

    def _said(self, result: Any) -> Said:
        bars = None if result.flat_error is None else [float(e) for e in result.flat_error]
        values = [float(v) for v in result.flat]
        return Said(values, bars, result.evaluations, [result.is_odd(c) for c in range(len(values))])

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        return self._said(prepared(f, "gradient", tuple(variables), *self.how.items()).result(x))

    def hessian(self, f: str, variables: list[str], x: list[float]) -> Said:
        return self._said(prepared(f, "hessian", tuple(variables), *self.how.items()).result(x))

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        try:
            return self._said(dk.derivative(f, x, order=order, backend=self.backend, variables=variables))
        except dk.DiffkitError:
            raise NotImplementedError from None


class Engine(Ours):
    """What an engine of diffkit compiles, in a precision; derivatives of high order as reverse mode finds them."""

    def __init__(self, precision: str, engine: str = "auto"):
        super().__init__("reverse")
        self.name = f"diffkit {precision}" if engine == "auto" else f"{precision}, {engine}"
        self.how |= {"precision": precision, "engine": engine}

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        how: Any = self.how
        return self._said(dk.prepare(f, "derivative", order=order, variables=variables, **how).result(x))


class Tape(Tool):
    """Reverse mode over NumPy functions: what autograd and JAX have in common."""

    def _tool(self) -> Any:
        return importlib.import_module(self.module)

    def _f(self, f: str, variables: list[str]) -> Any:
        raise NotImplementedError

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        return Said(np.ravel(self._tool().grad(self._f(f, variables))(np.array(x))).tolist())

    def hessian(self, f: str, variables: list[str], x: list[float]) -> Said:
        return Said(np.ravel(self._tool().hessian(self._f(f, variables))(np.array(x))).tolist())

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        if order > NESTED:
            raise NotImplementedError
        g = self._f(f, variables)
        nth: Any = lambda t: g([t])  # noqa: E731
        for _ in range(order):
            nth = self._tool().grad(nth)
        return Said([float(nth(x[0]))])


class Autograd(Tape):
    """autograd: reverse mode over NumPy."""

    module = "autograd"

    def _f(self, f: str, variables: list[str]) -> Any:
        return callable_of(f, variables, "autograd.numpy", "autograd.scipy.special")


class Jax(Tape):
    """JAX in 64 bits, without compilation."""

    module = "jax"

    def _f(self, f: str, variables: list[str]) -> Any:
        self._tool().config.update("jax_enable_x64", True)
        return callable_of(f, variables, "jax.numpy", "jax.scipy.special")


class Sympy(Tool):
    """sympy.diff, lambdified for NumPy with common subexpressions shared."""

    module = "sympy"

    def _evaluate(self, f: str, variables: list[str], x: list[float], orders: list[list[int]]) -> Said:
        function = self._function(f, tuple(variables), tuple(map(tuple, orders)))
        return Said([float(v) for v in function(*map(np.float64, x))])

    @staticmethod
    @lru_cache(maxsize=1000)
    def _function(f: str, variables: tuple[str, ...], orders: tuple[tuple[int, ...], ...]) -> Any:
        import sympy

        expression = dk.parse(f, variables=variables).sympy
        symbols = [next((s for s in expression.free_symbols if s.name == v), sympy.Symbol(v)) for v in variables]
        partials = [sympy.diff(expression, *[symbols[i] for i in order]) for order in orders]
        return sympy.lambdify(symbols, partials, modules=["scipy", "numpy"], cse=True)

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        return self._evaluate(f, variables, x, [[i] for i in range(len(x))])

    def hessian(self, f: str, variables: list[str], x: list[float]) -> Said:
        return self._evaluate(f, variables, x, [[i, j] for i in range(len(x)) for j in range(len(x))])

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        return self._evaluate(f, variables, x, [[0] * order])


class Counted:
    """f over NumPy, counting the points at which it is evaluated."""

    def __init__(self, f: str, variables: list[str]):
        self.f = callable_of(f, variables, "numpy", "scipy.special")
        self.points = 0

    def __call__(self, x: Any) -> Any:
        x = np.asarray(x, dtype=float)
        self.points += int(np.prod(x.shape[1:], dtype=int))
        return self.f(x) + np.zeros(x.shape[1:])


class Numdifftools(Tool):
    """numdifftools.Gradient and Derivative with their error estimates."""

    module, digits = "numdifftools", True

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        import numdifftools

        counted = Counted(f, variables)
        value, error = self._estimate(numdifftools.Gradient(counted, full_output=True)(x))
        return Said(value, error, counted.points)

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        import numdifftools

        g = callable_of(f, variables, "numpy", "scipy.special")
        return Said(*self._estimate(numdifftools.Derivative(lambda t: g([t]), n=order, full_output=True)(x[0])))

    @staticmethod
    def _estimate(found: Any) -> tuple[list[float], list[float]]:
        """Value and error estimate, as the versions before and since 0.11 return them."""
        value, error = (
            (found.estimate, found.error_estimate)
            if hasattr(found, "estimate")
            else (found[0], found[1].error_estimate)
        )
        return np.ravel(value).tolist(), np.ravel(error).tolist()


class ScipyDifferentiate(Tool):
    """scipy.differentiate.jacobian, with its error estimate and success flag."""

    module, digits = "scipy.differentiate", True

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        import scipy.differentiate

        counted = Counted(f, variables)
        found = scipy.differentiate.jacobian(counted, np.array(x))
        flagged = (~np.ravel(found.success)).tolist()
        return Said(np.ravel(found.df).tolist(), np.ravel(found.error).tolist(), counted.points, flagged)

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        if order != 1:
            raise NotImplementedError
        return self.gradient(f, variables, x)


class Jacobi(Tool):
    """jacobi.jacobi, with its error estimate of one standard deviation."""

    module, digits = "jacobi", True

    def gradient(self, f: str, variables: list[str], x: list[float]) -> Said:
        import jacobi

        counted = Counted(f, variables)
        value, error = jacobi.jacobi(counted, np.array(x))
        return Said(np.ravel(value).tolist(), np.ravel(error).tolist(), counted.points)

    def derivative(self, f: str, variables: list[str], x: list[float], order: int) -> Said:
        if order != 1:
            raise NotImplementedError
        return self.gradient(f, variables, x)


TOOLS: list[Tool] = [
    *map(Ours, ("auto", "dual", "symbolic")), Engine("double"), Ours("finite"), Autograd("autograd"), Jax("JAX"),
    Sympy("SymPy lambdify"), Numdifftools("numdifftools"), ScipyDifferentiate("scipy.differentiate"), Jacobi("jacobi"),
]  # fmt: skip


def ask(tool: Tool, kind: str, *question: Any) -> Said:
    """Give what a tool says; whatever it raises counts as no number at all, and is no silent error."""
    with np.errstate(all="ignore"):
        try:
            return getattr(tool, kind)(*question)
        except NotImplementedError:
            raise
        except Exception:  # a peer may raise anything
            return Said([], None, 0)


def padded(said: Said, count: int) -> list[float]:
    """Its numbers, NaN where there is none."""
    return [*said.values, *[math.nan] * (count - len(said.values))][:count]

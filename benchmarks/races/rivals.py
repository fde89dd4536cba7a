"""What a user would take instead, at its best settings: derivatives by other tools, ready to call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from races.examples import Example, points

Call = Callable[[], Any]


def jax() -> tuple[Any, Any]:
    """JAX and its NumPy, in 64 bits."""
    import jax as found

    found.config.update("jax_enable_x64", True)
    import jax.numpy

    return found, jax.numpy


def jax_call(transform: Callable[[Any, Any], Any], argument: Any) -> Call:
    """A compiled call of ``transform(jax, jax.numpy)`` at what is on its device already."""
    found, m = jax()
    compiled, at = found.jit(transform(found, m)), m.asarray(argument)
    return lambda: found.block_until_ready(compiled(at))


def jax_point(example: Example, at: Any) -> Call:
    """One gradient."""
    place = at[0] if example.n == 1 else at
    return jax_call(lambda j, m: j.grad(example.alone(m)), place)


def jax_batch(example: Example, kind: str, rows: Any) -> Call:
    """Derivatives at the rows of an array."""

    def transform(j: Any, m: Any) -> Any:
        f = example.alone(m)
        if kind == "two orders":
            return j.vmap(lambda x: m.stack([j.grad(f)(x), j.grad(j.grad(f))(x)]))
        return j.vmap(j.grad(f) if kind == "gradient" else j.hessian(f))

    return jax_call(transform, rows[:, 0] if example.n == 1 else rows)


def autograd_call(f: Callable[[Any, Any], Any], at: Any) -> Call:
    """A gradient of f(x, numpy)."""
    import autograd
    import autograd.numpy

    gradient = autograd.grad(lambda x: f(x, autograd.numpy))
    return lambda: gradient(at)


# SymPy and what compiles its formulas ------------------------------------------------------------------------------


def formulas(example: Example, with_value: bool = False) -> tuple[Any, Any]:
    """SymPy's symbols and partials, f itself before them if that is wanted."""
    import sympy

    symbols = sympy.symbols(example.names)
    f = example.scalar(symbols, sympy)
    partials = [sympy.diff(f, x) for x in symbols]
    return symbols, ((f, *partials) if with_value else tuple(partials))


def lambdified(example: Example, with_value: bool = False, module: str = "math") -> Callable[..., Any]:
    """Its partials as a function of numbers."""
    import sympy

    found: Callable[..., Any] = sympy.lambdify(*formulas(example, with_value), module, cse=True)
    return found


def numba_call(example: Example, at: Any) -> Call:
    """The same, compiled; a tuple of numbers comes back."""
    import numba

    compiled, point = numba.njit(lambdified(example)), tuple(at.tolist())
    return lambda: compiled(*point)


def numba_into(example: Example, at: Any) -> Call:
    """The same from an array into an array."""
    import numba

    inner = numba.njit(lambdified(example))
    given = ", ".join(f"x[{i}]" for i in range(example.n))
    body = "; ".join(f"y[{i}] = v[{i}]" for i in range(example.n))
    space: dict[str, Any] = {"inner": inner}
    exec(f"def into(x, y):\n    v = inner({given})\n    {body}", space)
    compiled, out = numba.njit(space["into"]), np.empty(example.n)

    def call() -> Any:
        compiled(at, out)
        return out

    return call


# casadi ------------------------------------------------------------------------------------------------------------


def casadi_function(example: Example) -> Any:
    """The gradient as a function of casadi, with its common subexpressions found."""
    import casadi

    x = casadi.SX.sym("x", example.n)
    f = example.scalar(casadi.vertsplit(x), casadi)
    return casadi.Function("f", [x], [casadi.densify(casadi.cse(casadi.gradient(f, x)))])


def casadi_buffer(function: Any, *arguments: Any) -> Call:
    """A call of a function of casadi on memory that stays where it is: the numbers that are not zero by structure."""
    buffer, evaluate = function.buffer()
    given = [np.array(a, float) for a in arguments]
    out = np.empty(function.nnz_out(0))
    for number, array in enumerate(given):
        buffer.set_arg(number, memoryview(array))
    buffer.set_res(0, memoryview(out))

    def call() -> Any:
        evaluate()
        return out

    call.keep = function, buffer, given  # casadi itself does not
    return call


# heyoka ------------------------------------------------------------------------------------------------------------


def heyoka_outputs(example: Example, kind: str) -> tuple[Any, list[Any]]:
    """Variables and derivatives as expressions of heyoka."""
    import heyoka

    found = heyoka.make_vars(*example.names)
    variables = [found] if example.n == 1 else list(found)
    f = example.scalar(variables, heyoka)
    if kind == "two orders":
        first = heyoka.diff(f, variables[0])
        return variables, [first, heyoka.diff(first, variables[0])]
    order = 2 if kind == "hessian" else 1
    tensors = heyoka.diff_tensors([f], diff_args=variables, diff_order=order)
    if kind == "gradient":
        return variables, list(tensors.gradient)
    entries = tensors.hessian(0)
    return variables, [entries[i, j] for i in range(example.n) for j in range(example.n)]


def heyoka_batch(example: Example, kind: str, rows: Any, parallel: bool = False) -> Call:
    """Derivatives at many points into the same array, with the quickest of the batch sizes."""
    import heyoka

    variables, outputs = heyoka_outputs(example, kind)
    inputs = np.ascontiguousarray(rows.T)
    out = np.empty((len(outputs), len(rows)))

    def call(batch_size: int) -> Call:
        compiled = heyoka.cfunc(outputs, vars=variables, batch_size=batch_size, parallel_mode=parallel)
        return lambda: compiled(inputs=inputs, outputs=out)

    widest = heyoka.recommended_simd_size()
    evaluate = quickest([call(size) for size in (widest, 2 * widest)])

    def transposed() -> Any:
        evaluate()
        return out

    return transposed


def quickest(calls: list[Call]) -> Call:
    """The one that takes the least wall time in three tries."""

    def least(call: Call) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    return min(calls, key=least)


def point_of(n: int) -> tuple[Any, tuple[float, ...]]:
    """A point as an array and as a tuple."""
    at = points(n)[0]
    return at, tuple(at.tolist())

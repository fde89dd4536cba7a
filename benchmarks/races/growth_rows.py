"""How cost grows with the size of the text, which the plots show: gradients, sparse Hessians, nested functions."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from races import rivals
from races.examples import Example, rosenbrock
from races.measuring import LEAST_ROUNDS, again, ready
from races.table import PLAIN, Bench, Goal, Row

SIZES = (100, 300, 1000, 3000, 10_000)
EVALUATED = (100, 1000, 10_000)
DEPTHS = (40, 400, 4000)
HEYOKA_UP_TO = 1000
SYMENGINE_UP_TO = 400  # levels


def _compiled(example: Example) -> Any:
    """The text as code of Python, which is how a user hands it to casadi or heyoka."""
    return compile(example.text, example.name, "eval")


def _casadi_of_text(example: Example) -> tuple[Any, Any, Any]:
    import casadi

    x = casadi.SX.sym("x", example.n)
    f = eval(_compiled(example), dict(zip(example.names, casadi.vertsplit(x), strict=True)))
    return casadi, x, f


def _casadi_gradient(example: Example) -> Any:
    casadi, x, f = _casadi_of_text(example)
    return casadi.Function("f", [x], [casadi.densify(casadi.gradient(f, x))])


def _heyoka_gradient(example: Example, at: Any) -> Any:
    import heyoka

    variables = list(heyoka.make_vars(*example.names))
    f = eval(_compiled(example), dict(zip(example.names, variables, strict=True)))
    tensors = heyoka.diff_tensors([f], diff_args=variables, diff_order=1)
    compiled = heyoka.cfunc(list(tensors.gradient), vars=variables, compact_mode=example.n > 100)
    out = np.empty(example.n)

    def call() -> Any:
        compiled(inputs=at, outputs=out)
        return out

    return call


def text_to_gradient(bench: Bench) -> None:
    """From text to the first gradient, and each gradient after it."""
    sys.setrecursionlimit(100_000)
    for n in SIZES[: 2 if bench.quick else 5]:
        _text_to_gradient(bench, n)


def _text_to_gradient(bench: Bench, n: int) -> None:
    import diffkit as dk

    example = rosenbrock(n)
    at, point = rivals.point_of(n)

    def prepared(precision: Any = "double") -> Any:
        return dk.prepare(example.text, "gradient", variables=example.names, backend="reverse", precision=precision)

    if bench.install == PLAIN:  # machine code does not pay before many evaluations
        first = bench.race(f"text to gradient, n = {n:,}")
        first.ours("prepare(text)(tuple)", again(lambda: prepared("pairs")(point)))
        first.peer("casadi", again(lambda: rivals.casadi_buffer(_casadi_gradient(example), at)()))
        if n <= HEYOKA_UP_TO:
            first.ours("the same in double", again(lambda: prepared()(point)))
            first.peer("heyoka", again(lambda: _heyoka_gradient(example, at)()))
        first.run(size=n, rounds=LEAST_ROUNDS if n > HEYOKA_UP_TO else None)
    if n in EVALUATED:
        after = bench.race(f"evaluation, n = {n:,}")
        after.ours("p(tuple)", ready(prepared, point))
        after.ours("p.jac(array)", ready(lambda: prepared().jac, at))
        after.peer("casadi buffer", lambda: rivals.casadi_buffer(_casadi_gradient(example), at))
        after.run(size=n)


def sparse_hessian(bench: Bench) -> None:
    """A Hessian with three diagonals: from text to its numbers, its numbers again, and its product with a vector."""
    sys.setrecursionlimit(100_000)
    for n in (100, 300) if bench.quick else EVALUATED:
        _sparse_hessian(bench, n)


def _sparse_hessian(bench: Bench, n: int) -> None:
    import diffkit as dk

    example = rosenbrock(n)
    at, point = rivals.point_of(n)
    vector = np.linspace(-1, 1, n)
    double: dict[str, Any] = {"variables": example.names, "backend": "reverse", "precision": "double"}

    def prepared(**changed: Any) -> Any:
        return dk.prepare(example.text, "hessian", sparse=True, **{**double, **changed})

    def casadi_hessian() -> Any:
        casadi, x, f = _casadi_of_text(example)
        return rivals.casadi_buffer(casadi.Function("h", [x], [casadi.triu(casadi.hessian(f, x)[0])]), at)

    def casadi_product() -> Any:
        casadi, x, f = _casadi_of_text(example)
        v = casadi.SX.sym("v", n)
        product = casadi.densify(casadi.jtimes(casadi.gradient(f, x), x, v))
        return rivals.casadi_buffer(casadi.Function("p", [x, v], [product]), at, vector)

    setup = bench.race(f"set-up, n = {n:,}")
    setup.ours("prepare(text)(tuple)", again(lambda: prepared(precision="pairs")(point)), _upper)
    setup.peer("casadi", again(lambda: casadi_hessian()()), np.sort)
    setup.run(size=n, rounds=LEAST_ROUNDS if n > HEYOKA_UP_TO else None)
    numbers = bench.race(f"evaluation, n = {n:,}")
    numbers.ours("p(tuple)", ready(prepared, point), _upper)
    numbers.peer("casadi buffer", casadi_hessian, np.sort)
    numbers.run(size=n)
    product = bench.race(f"H·v, n = {n:,}")
    product.ours("p.hessp(x, v)", ready(lambda: dk.prepare(example.text, **double).hessp, at, vector))
    product.peer("casadi buffer", casadi_product)
    product.run(size=n)


def _upper(matrix: Any) -> Any:
    """The numbers of its upper half that structure does not make zero, in order of size: what casadi gives, sorted."""
    from scipy.sparse import triu

    return np.sort(triu(matrix).data)


def nested(bench: Bench) -> None:
    """f = sin(x·exp(f)), so many levels deep; with ``Limits`` raised where the text is deeper than these allow."""
    sys.setrecursionlimit(100_000)
    for depth in DEPTHS[: 1 if bench.quick else 3]:
        _nested(bench, depth)


def _nested(bench: Bench, depth: int) -> None:
    import diffkit as dk

    text = "sin(x*exp(" * depth + "x" + "))" * depth

    def ours() -> Any:
        f = dk.parse(text, limits=dk.Limits(parentheses=10 * depth + 200, depth=10 * depth + 400))
        return dk.prepare(f, "gradient", backend="reverse")((0.7,))

    def by_casadi() -> Any:
        import casadi

        x = f = casadi.SX.sym("x")
        for _ in range(depth):
            f = casadi.sin(x * casadi.exp(f))
        return rivals.casadi_buffer(casadi.Function("f", [x], [casadi.gradient(f, x)]), np.array([0.7]))()

    def by_symengine() -> Any:
        import symengine

        x = symengine.Symbol("x")
        return symengine.Lambdify([x], [symengine.sympify(text).diff(x)], cse=True)(0.7)

    race = bench.race(f"depth {depth:,}")
    race.ours("text → f′(0.7)", again(ours))
    race.peer("casadi, built by calls", again(by_casadi))
    if depth <= SYMENGINE_UP_TO:
        race.peer("symengine", again(by_symengine))
    race.run(size=depth, tolerance=1e-6)


GROWTH = (
    Row("text-to-gradient", "Text → gradient of Rosenbrock, n = 100, 1,000, 10⁴; evaluation after", text_to_gradient, (
        Goal(("casadi",), .6, cases=("text to gradient",), ours=("prepare(text)(tuple)",)),
        Goal(("heyoka",), .2, cases=("text to gradient",), ours=("prepare(text)(tuple)",)),
        Goal(("casadi",), 30, 1.0, cases=("evaluation",)),
    ), "from 250 variables on the terms of the sum are found alike and compiled once, and two thirds are reading the "
       "text: 0.7 µs a token for the tokens, as much for the parser, 3 µs an operation for the program. Below, the "
       "sweep back and the evaluation in pairs cost as much again; the peers are handed what Python's own parser, "
       "written in C, has read, and build in C++."),
    Row("sparse-hessian", "Sparse Hessian of Rosenbrock, n = 10⁴", sparse_hessian, (
        Goal(("casadi",), .5, .5, cases=("set-up, n = 10,000",)),
        Goal(("casadi",), 10, .8, cases=("evaluation, n = 10,000",)),
        Goal(("casadi",), 10, 1.5, cases=("H·v, n = 10,000",)),
    ), "set-up is nearly all parsing: passes in Python over tokens, where casadi is handed what Python's own parser "
       "has read. Evaluations go term by term, in a loop of machine code or by NumPy; of those with n = 100 three "
       "quarters are the sparse array of SciPy."),
    Row("nested", "Nested depth 40, 400, 4,000", nested, (
        Goal(("casadi",), 1.2),
        Goal(("symengine",), .25),
    ), "a third is reading the text, which casadi is not given: it is called with the operations, and builds each in "
       "C++. Building the derivative and numbering its slots is another third, evaluating it in pairs the rest; copies "
       "into stable and guarded forms are made only where something cancels, or has a place to guard."),
)  # fmt: skip

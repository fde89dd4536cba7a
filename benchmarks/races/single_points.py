"""One point at a time: commands, calls of what was prepared, a minimiser, proofs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from races import rivals
from races.examples import ACKLEY, MIXED, POLYNOMIAL, WAVE, Example, rosenbrock
from races.measuring import again, diffkit, python, ready
from races.table import FAST, Bench, Goal, Row

FIVE = (POLYNOMIAL, WAVE, rosenbrock(2), rosenbrock(10), MIXED)
SIX = (POLYNOMIAL, WAVE, rosenbrock(2), rosenbrock(10), ACKLEY, MIXED)
TEXT = "3*x**2-4*x"
CASADI = """
import casadi
x = casadi.SX.sym("x")
print(casadi.Function("f", [x], [casadi.jacobian(3*x**2 - 4*x, x)])(1))
"""
SYMENGINE = """
import symengine
print(symengine.sympify("3*x**2-4*x").diff("x").subs({"x": 1}))
"""


def one_shot(bench: Bench) -> None:
    """Whole processes, from the command to the printed derivative."""
    ask = ("grad", TEXT, "--at", "1")
    bench.commands(
        "without the formula",
        {
            "dual": diffkit(*ask, "--backend", "dual"),
            "finite": diffkit(*ask, "--backend", "finite"),
            "proven": diffkit(*ask, "--no-formula"),
        },
        {"casadi": python(CASADI), "symengine": python(SYMENGINE), "(import click)": python("import click"),
         "(import click, flint)": python("import click, flint")},
    )  # fmt: skip
    bench.commands(
        "with the formula", {"proven with its formula": diffkit(*ask)}, {"import sympy": python("import sympy")}
    )


def _one_point(bench: Bench, example: Example, precision: str) -> None:
    import diffkit as dk

    at, point = rivals.point_of(example.n)
    race = bench.race(example.name)

    def prepared() -> Any:
        return dk.prepare(example.text, "gradient", variables=example.names, backend="reverse", precision=precision)

    def into() -> Any:
        p, out = prepared(), np.empty(example.n)
        return lambda: p(point, out)

    race.ours("p(tuple)", ready(prepared, point))
    race.ours("p(tuple, out)", into)
    race.peer("lambdify", ready(lambda: rivals.lambdified(example), *point))
    race.peer("jax jit", lambda: rivals.jax_point(example, at))
    if precision == "double":
        race.peer("casadi buffer", lambda: rivals.casadi_buffer(rivals.casadi_function(example), at))
        if bench.install == FAST:  # numba stands on llvmlite
            race.peer("numba", lambda: rivals.numba_call(example, at))
            race.peer("numba into an array", lambda: rivals.numba_into(example, at))
    race.run()


def one_point(bench: Bench) -> None:
    """A gradient at one point, in plain binary64."""
    for example in FIVE[: 2 if bench.quick else 5]:
        _one_point(bench, example, "double")


def one_point_pairs(bench: Bench) -> None:
    """A gradient at one point, in pairs."""
    for example in FIVE[: 2 if bench.quick else 5]:
        _one_point(bench, example, "pairs")


def minimiser(bench: Bench) -> None:
    """The whole of a minimisation of Rosenbrock-10, with f and its gradient by each tool."""
    import diffkit as dk

    example, start = rosenbrock(10), np.full(10, -0.5)
    race = bench.race("BFGS from (−0.5, …)")

    def minimised(f: Any, **options: Any) -> Any:
        from scipy.optimize import minimize

        return lambda: minimize(f, start, method="BFGS", **options).x

    def ours() -> Any:
        p = dk.prepare(example.text, variables=example.names, precision="double")
        return minimised(p.fun, jac=p.jac)

    def by_lambdify() -> Any:
        f = rivals.lambdified(example, with_value=True)

        def both(x: Any) -> Any:
            value, *gradient = f(*x.tolist())
            return value, np.array(gradient)

        return minimised(both, jac=True)

    def by_autograd() -> Any:
        import autograd
        import autograd.numpy

        f = example.alone(autograd.numpy)
        return minimised(f, jac=autograd.grad(f))

    race.ours("p.fun, p.jac", ours)
    race.peer("lambdify", by_lambdify)
    race.peer("autograd", by_autograd)
    race.peer("2-point differences of SciPy", lambda: minimised(example.alone(np)))
    race.run(tolerance=1e-3, reference=np.ones(10))


def proven_prepared(bench: Bench) -> None:
    """A proven gradient, all that does not depend on the point done before."""
    import diffkit as dk

    for example in SIX[: 2 if bench.quick else 6]:
        at, point = rivals.point_of(example.n)
        race = bench.race(example.name)
        race.ours("p(tuple)", ready(partial(dk.prepare, example.text, variables=example.names), point))
        race.peer("jax jit, unproven", partial(rivals.jax_point, example, at))
        race.peer(
            "mpmath, 30 digits",
            ready(partial(_of_30_digits, partial(rivals.lambdified, example, module="mpmath")), point),
        )
        race.run()


def proven_unprepared(bench: Bench) -> None:
    """A proven gradient from text, against 30 digits from text."""
    import diffkit as dk

    for example in SIX[: 2 if bench.quick else 6]:
        _, point = rivals.point_of(example.n)
        race = bench.race(example.name)
        asked = partial(dk.gradient, variables=example.names)
        race.ours("asked again", again(asked, example.text, point), _value)
        race.ours("asked first", again(partial(_anew, asked), example.text, point), _value)
        race.peer("mpmath, 30 digits", again(lambda e, at: _of_30_digits(partial(_of_text, e))(at), example, point))
        race.run()


def _anew(asked: Any, text: str, point: Any) -> Any:
    """What is asked, where nothing is known of the text."""
    from diffkit.methods.asked_before import forget

    forget()
    return asked(text, point)


def _value(result: Any) -> Any:
    return result.value


def _of_30_digits(make: Any) -> Any:
    """A function over mpmath, at 30 digits."""
    import mpmath

    function = make()

    def call(point: Any) -> Any:
        with mpmath.workdps(30):
            return [float(v) for v in function(*map(mpmath.mpf, point))]

    return call


def _of_text(example: Example) -> Any:
    """SymPy's derivative of the text, over mpmath, as one asks for it once."""
    import sympy

    symbols = sympy.symbols(example.names)
    f = sympy.sympify(example.text)
    return sympy.lambdify(symbols, [sympy.diff(f, x) for x in symbols], "mpmath")


SINGLE_POINTS = (
    Row("one-shot", "One-shot command (wall clock)", one_shot, (
        Goal(("casadi", "symengine"), .6, ours=("dual", "finite"), clock="wall"),
        Goal(("casadi", "symengine"), .85, ours=("proven",), clock="wall"),
        Goal(("import sympy",), 1.1, clock="wall"),
    ), "the start of Python and the import of click, which reads the command line, are nearly half of the plain "
       "commands, with flint half of the proven one (the races against `import click` show it); the rest is the "
       "import of the table of rules and of the parser. What a command does not need is not imported."),
    Row("one-point", "One point, five functions of at most ten variables, `double`", one_point, (
        Goal(("lambdify",), 1.2, .8),
        Goal(("jax",), .3, .1),
        Goal(("numba",), None, 1.2),
        Goal(("casadi",), None, 1.0, cases=(WAVE.name, MIXED.name, "Rosenbrock-10")),
    ), "a plain call makes an array (0.12 µs by NumPy alone, where lambdify makes a list of 0.02 µs) or looks at the "
       "shape and the kind of the caller's (0.07 µs), and tells a tuple of floats from other points (0.06 µs). The "
       "functions that miss have so few operations that this is all there is. casadi and numba are called without any "
       "of it: on memory that was handed over before, or with one kind of argument."),
    Row("one-point-pairs", "One point, the same functions, `pairs`", one_point_pairs, (
        Goal(("lambdify",), 15, 2),
        Goal(("jax",), 3, .5),
    ), "as in `double`: what a call costs besides its arithmetic."),
    Row("bfgs", "BFGS on Rosenbrock-10", minimiser, (
        Goal(("lambdify",), 1.3, 1),
        Goal(("autograd",), .5, 1),
        Goal(("2-point",), 1, 1),
    )),
)  # fmt: skip
PROOFS = (
    Row("proven-prepared", "Proven gradient, prepared, six functions", proven_prepared, (
        Goal(("jax",), 2, cases=(POLYNOMIAL.name,)),
        Goal(("jax",), 15, cases=(WAVE.name, "Rosenbrock", ACKLEY.name, MIXED.name)),
        Goal(("mpmath",), .5),
    ), "a proof encloses twice (balls, and power series that confirm them; the derivative of a polynomial is "
       "confirmed once for all points) and rounds with a test; balls are objects of Arb, each made by a call from "
       "Python. Of mixed-10 two fifths are the balls of 299 operations, and half the series of 119. jax proves "
       "nothing, and mpmath computes once, without a bound."),
    Row("proven-unprepared", "Proven gradient, unprepared", proven_unprepared, (
        Goal(("mpmath",), .1, ours=("asked again",)),
        Goal(("mpmath",), .1, ours=("asked first",)),
    ), "a text that is asked about again is not read and differentiated again, nor by SymPy, which keeps derivatives; "
       "one that never was is parsed, differentiated and simplified in Python for one point as for many; of the "
       "shortest text the proof itself is an eighth."),
)  # fmt: skip

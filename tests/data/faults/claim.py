"""Claims: a right one is never wrong, a gross error never inconclusive."""

import math

from data.faults.measures import case


def _smoothing():
    import numpy as np

    y = np.random.default_rng(0).normal(size=60)

    def f(al):
        s, total = y[0], 0.0
        for t in range(1, 60):
            e = y[t] - s
            total = total + e * e
            s = s + al * e
        return total

    def g(al):
        s, ds, total = y[0], 0.0, 0.0
        for t in range(1, 60):
            e = y[t] - s
            total = total - 2 * e * ds
            ds = ds + e - al * ds
            s = s + al * e
        return total

    return f, g


@case("claim", "exponential smoothing, 60 values: right is correct; twice as large, sign lost and zero are wrong", 60)
def recurrence():
    import diffkit as dk

    f, g = _smoothing()
    return dk.check(f, g, at=0.5).verdict == "correct" and all(
        dk.check(f, c, at=0.5).verdict == "wrong"
        for c in (lambda a: 2 * g(a), lambda a: -g(a), lambda a: 0 * a, lambda a: g(a) + 1e-3)
    )


@case("claim", "exact claims about integrals by quad, off by 6e-13 to 1e-10 of the quadrature", 60)
def quad_claims():
    import scipy.integrate as si

    import diffkit as dk

    def f(p):
        return si.quad(lambda t: math.exp(-p * t) * math.cos(t), 0, math.inf)[0]

    def g(p):
        return (1 - p * p) / (1 + p * p) ** 2

    return all(dk.check(f, g, at=p).verdict == "correct" for p in (0.9, 1.3, 0.7))


@case("claim", "a right claim in code that differs from f's formula by precomputed constants, at 1e-14")
def precomputed():
    import diffkit as dk

    c = [0.3333333333333333, 0.1428571428571428, 12.56637061435917]
    return dk.check("x/3 + x**2/7/2 + 4*pi*x", lambda x: c[0] + c[1] * x + c[2], at=1.7).verdict == "correct"


@case("claim", "polyfit's slope: −.5, 0, .5")
def polyfit():
    import numpy as np

    import diffkit as dk

    return (
        dk.check(
            lambda y: np.polyfit([0.0, 1.0, 2.0], y, 1)[0], np.array([-0.5, 0.0, 0.5]), at=np.array([1.0, 2.0, 4.0])
        ).verdict
        == "correct"
    )


@case("claim", "the right claim about solve with constant Hilbert matrices of 6, 8 and 10 is not wrong")
def hilbert_claim():
    return all(_about_solve(n).verdict != "wrong" for n in (6, 8, 10))


def _about_solve(n):
    import numpy as np

    import diffkit as dk

    H = np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])
    return dk.check(
        lambda b: np.sum(np.linalg.solve(H, b)), lambda b: np.linalg.solve(H.T, np.ones(n)), at=np.arange(1.0, n + 1)
    )


@case("claim", "z·2F1(1,1;2;−z) is log(1+z); spence")
def hyp():
    import numpy as np
    import scipy.special as sp

    import diffkit as dk

    return (
        all(
            dk.check(lambda z: z * sp.hyp2f1(1.0, 1.0, 2.0, -z), lambda z: 1 / (1 + z), at=v).verdict == "correct"
            for v in (0.4, 0.6, 0.8)
        )
        and dk.check(lambda z: sp.spence(z), lambda z: np.log(z) / (1 - z), at=2.0).verdict == "correct"
    )


@case("claim", "text: a compound-interest formula against lambdified code, off by 5e-15")
def compound():
    import numpy as np
    import sympy as sp

    import diffkit as dk

    P, r, t = sp.symbols("P r t")
    e = P * ((1 + r / 12) ** (12 * t) - 1)
    g = sp.lambdify([(P, r, t)], [sp.diff(e, s) for s in (P, r, t)], "numpy", cse=True)
    return (
        dk.check("P*((1 + r/12)**(12*t) - 1)", lambda x: np.array(g(x)), at=[1000.0, 0.05, 10.0]).verdict == "correct"
    )


@case("claim", "black boxes: right claims are correct with the digits seen, not inconclusive")
def black_box_right():
    import numpy as np

    import diffkit as dk

    fs = [
        (
            lambda x: float(40 + x[0] ** 2 - 10 * math.cos(2 * math.pi * x[0]) + x[1] ** 2),
            lambda x: np.array([2 * x[0] + 20 * math.pi * math.sin(2 * math.pi * x[0]), 2 * x[1]]),
            [0.001, 1.9],
        ),
        (lambda x: float(1e6 + math.sin(x[0])), lambda x: np.array([math.cos(x[0])]), [1.0]),
        (
            lambda x: float((x[0] ** 2 - 5 * x[0] + 6) / (x[0] ** 2 + 1)),
            lambda x: np.array(
                [((2 * x[0] - 5) * (x[0] ** 2 + 1) - 2 * x[0] * (x[0] ** 2 - 5 * x[0] + 6)) / (x[0] ** 2 + 1) ** 2]
            ),
            [2.4142],
        ),
        (lambda x: -1.0, lambda x: np.zeros(2), [0.3, 0.4]),
    ]
    return all(dk.check(f, g, at=np.array(x)).verdict == "correct" for f, g, x in fs)


@case("claim", "rtol and atol are the caller's: 1e-10 off is correct at rtol 1e-6 and wrong at 1e-12")
def tolerances():
    import diffkit as dk

    c = "2*x*(1+1e-10)"
    return (
        dk.check("x**2", c, at=1, rtol=1e-6).verdict == "correct"
        and dk.check("x**2", c, at=1, rtol=1e-12).verdict == "wrong"
    )

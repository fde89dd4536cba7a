"""Proofs, in which nothing of ours may be rounded, and whose second witness may not be empty."""

import json
import math
import subprocess
import sys

from data.faults.measures import HANGS, case, cli, exactly


def _decimals(f, at, truth, digits=20):
    import diffkit as dk

    r = dk.derivative(f, at, digits=digits)
    got = r.decimals if isinstance(r.decimals, str) else str(r.decimals)
    exponent = math.floor(math.log10(abs(r.value)))
    t = float(truth) * 10.0 ** (exponent - math.floor(math.log10(abs(float(truth)))))
    return abs(r.value - t) <= 1e-12 * abs(t) and (
        r.error_kind != "proven" or got.strip("()',").startswith(truth[: len(truth) - 2])
    )


@case("proof", "solve with a constant Hilbert matrix of 6: entry sums of the exact inverse of the binary64 matrix")
def solve_constant():
    from fractions import Fraction as Q

    import numpy as np

    import diffkit as dk

    n = 6
    H = np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])
    M = [[Q(v) for v in row] + [Q(int(i == j)) for j in range(n)] for i, row in enumerate(H.tolist())]
    for c in range(n):
        p = next(r for r in range(c, n) if M[r][c])
        M[c], M[p] = M[p], M[c]
        M[c] = [v / M[c][c] for v in M[c]]
        for r in range(n):
            if r != c:
                M[r] = [a - M[r][c] * b for a, b in zip(M[r], M[c], strict=False)]
    truth = [float(sum(M[r][n + k] for r in range(n))) for k in range(n)]
    return exactly(dk.gradient(lambda b: np.sum(np.linalg.solve(H, b)), np.arange(1.0, n + 1)), truth)


@case("proof", "normal distribution function at −30: 1.473646134878547519e-196")
def ndtr():
    import scipy.special as sp

    return _decimals(lambda x: sp.ndtr(x), -30.0, "1.473646134878547519")


@case("proof", "np.sinc at 1000.25: 7.0670508209269091e-4")
def sinc_far():
    import numpy as np

    import diffkit as dk

    r = dk.derivative(lambda x: np.sinc(x), 1000.25)
    return abs(r.value - 7.0670508209269091e-4) <= max(r.error or 0, 1.1e-19)


@case("proof", "log of the normal distribution function at −40: 40.024968847207264")
def log_ndtr():
    import scipy.special as sp

    import diffkit as dk

    r = dk.derivative(lambda x: sp.log_ndtr(x), -40.0)
    return abs(r.value - 40.024968847207264) <= 1e-12 and (
        r.error_kind != "proven" or abs(r.value - 40.024968847207264) < 4e-15
    )


@case("proof", "np.interp between whole numbers: one third to 20 digits; np.percentile: .1 and .9")
def interp_percentile():
    import numpy as np

    import diffkit as dk

    a = _decimals(lambda x: np.interp(x, [0.0, 3.0], [0.0, 1.0]), 1.0, "0.33333333333333333333")
    r = dk.gradient(lambda x: np.percentile(x, 30), np.array([3.0, 1.0, 4.0, 2.0]))
    return a and (exactly(r, [0, 0.1, 0, 0.9]) or r.error_kind != "proven")


@case("proof", "relu(tanh(x)) at 1e-40 is 1, and no row is accused")
def series_nan():
    import mpmath as mp

    import diffkit as dk

    with mp.workdps(60):
        x = mp.mpf(1e-40)
        inverse, root = float(-mp.cosh(x) / mp.sinh(x) ** 2), float(mp.cosh(x) * mp.sinh(x) ** (mp.mpf(-2) / 3) / 3)
    return all(
        exactly(dk.derivative(e, 1e-40), [t])
        for e, t in (
            ("relu(tanh(x))", 1.0),
            ("abs(sinh(x))", 1.0),
            ("cbrt(sinh(x))", root),
            ("1/sinh(x)", inverse),
            ("max(tanh(x),0)", 1.0),
            ("relu(asinh(x))", 1.0),
            ("abs(expm1(x))", 1.0),
        )
    )


@case("proof", "a wrong row proves nothing, near zero either: tanh' = 0 must not confirm abs(tanh(x)) at 1e-40")
def vacuous():
    code = """
import diffkit as dk
row = next(r for _, r, _ in dk.parse("tanh(x)").program.numbered() if r.name == "tanh")
object.__setattr__(row, "partials", (lambda F, x, y: 0 * x,))
r = dk.derivative("abs(tanh(x))", 1e-40)
print(int(r.status == "ok" and r.value == 0.0))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANGS)
    return (
        out.returncode == 0 and out.stdout.strip() == "0"
    )  # another return code: how a row is broken has changed, adapt this


@case("proof", "low and high of the least value are bounds, rounded outward: six-hump camel, McCormick, peaks")
def outward():
    from fractions import Fraction as Q

    for e, box, truth in (
        ("(4-2.1*x^2+x^4/3)*x^2+x*y+(-4+4*y^2)*y^2", "x=-2:2,y=-1:1", "-1.031628453489877350416365"),
        ("sin(x+y)+(x-y)^2-1.5*x+2.5*y+1", "x=-1.5:4,y=-3:4", "-1.913222954981036392917938"),
        (
            "3*(1-x)^2*exp(-x^2-(y+1)^2)-10*(x/5-x^3-y^5)*exp(-x^2-y^2)-exp(-(x+1)^2-y^2)/3",
            "x=-3:3,y=-3:3",
            "-6.551133332835836941385835",
        ),
    ):
        low = json.loads(cli("stationary", e, "--box", box, "--format", "json").stdout)["lowest"]
        if not Q(low["low"]) <= Q(truth) <= Q(low["high"]):
            return False
    return True

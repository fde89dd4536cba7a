"""What a caller means."""

import json

from data.faults.measures import case, cli


@case("face", "columns of a DataFrame and entries of a Series go by name (pandas)")
def frames():
    import pandas as pd

    import diffkit as dk

    r = dk.gradient("x-2*y", pd.DataFrame({"y": [1.0], "x": [2.0]}))
    s = dk.derivative("x^3*y", pd.Series({"y": 1.0, "x": 2.0}), wrt="x")
    return (
        dict(zip(r.variables, [float(v) for v in __import__("numpy").ravel(r.value)], strict=False))
        == {"x": 1.0, "y": -2.0}
        and float(s) == 12.0
    )


@case("face", "a prepared Jacobian is a drop-in for scipy.optimize.root")
def vector_fun():
    import numpy as np
    import scipy.optimize as so

    import diffkit as dk

    p = dk.prepare(["x^2+y-1", "x-y"], "jacobian")
    return (
        np.allclose(p.fun([1.0, 2.0]), [2, -1])
        and np.allclose(p.jac([1.0, 2.0]), [[2, 1], [1, -1]])
        and so.root(p.fun, [1.0, 1.0], jac=p.jac).success
    )


@case("face", "a result that says no is false: check_identity, compare, a derivative that does not exist")
def truth_values():
    import diffkit as dk

    return (
        not dk.check_identity("d/dX log(det(X)) = inv(X)")
        and bool(dk.check_identity("d/dX log(det(X)) = inv(X).T"))
        and not dk.compare("abs(x)", 0)
    )


@case("face", "one order of variables, whatever else the expression holds")
def one_order():
    a = cli("grad", "(3-(w*2+b))^2", "--at", "1,2", "--format", "json")
    b = cli("grad", "(3-(w*2+b))^2+0*sum([1,2])", "--at", "1,2", "--format", "json")
    if b.returncode == 2:
        return "order" in b.stderr
    return json.loads(a.stdout)["variables"] == json.loads(b.stdout)["variables"]


@case("face", "one array parameter in a list: at=[W] is W")
def listed():
    import numpy as np

    import diffkit as dk

    X = np.random.default_rng(0).normal(size=(6, 5))
    W = np.ones((5, 3)) * 0.1

    def f(W, X):
        return np.sum(np.tanh(X @ W) ** 2)

    def g(W, X):
        return X.T @ (2 * np.tanh(X @ W) * (1 - np.tanh(X @ W) ** 2))

    return dk.check(f, g, at=[W], args=(X,)).verdict == "correct"


@case(
    "face",
    "products written without a sign are asked about, not made variables: cos2x, pix, e2x; mx+c at m, x, c says m*x",
)
def run_together():
    return (
        all(cli("derivative", e, "--at", "1").returncode == 2 for e in ("cos2x", "pix", "e2x", "sin2x"))
        and "m*x" in cli("grad", "mx+c", "--at", "m=1,x=2,c=3").stderr
    )


@case("face", "the first rules of every course: d/dx 5 = 0, d/dx e^x = e^x, d/dx x^n = n·x^(n−1)")
def first_rules():
    a = cli("derivative", "5", "--at", "x=1")
    b = cli("explain", "e^x")
    c = cli("derivative", "x^n", "--wrt", "x")
    return a.returncode == 0 and "log(e)" not in b.stdout and "x**(n - 1)" in c.stdout


@case("face", "compare does not agree where no digit is right")
def no_digit():
    import diffkit as dk

    return dk.compare("(1-cos(x))/x^2", 1e-8).verdict == "disagree"

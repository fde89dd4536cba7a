"""Inputs on which something fell over, hung, or leaked."""

import json
import math
import os
import pickle
import subprocess
import sys
import tempfile

from data.faults.measures import case, cli, close


@case("crash", "explaining a wrong claim that reverses, stacks or normalises over the wrong axis", 40)
def explain_gather():
    import numpy as np

    import diffkit as dk

    A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    X = np.array([[1.0], [2.0]])
    Y = np.array([[0, 1], [0, 1]])

    def f3(W):
        z = X @ W
        z = z - z.max(0, keepdims=True)
        p = np.exp(z) / np.exp(z).sum(0, keepdims=True)
        return -np.sum(Y * np.log(p))

    def g3(W):
        z = X @ W
        e = np.exp(z - z.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        return X.T @ (p - Y)

    for f, g, x in (
        (lambda w: np.sum(np.sin(w) ** 2), lambda w: w[::-1], np.array([0.3, 0.7])),
        (
            lambda w: np.sum((A @ w) ** 2) / 2,
            lambda w: 1.01 * A.T @ np.stack([np.ones(3), A @ w])[1],
            np.array([0.1, 0.2]),
        ),
        (f3, g3, np.array([[0.1, 0.3]])),
    ):
        c = dk.check(f, g, at=x)
        if c.verdict != "wrong" or not str(c):
            return False
    return True


@case("crash", "order 3 of 400 terms, of 300 factors", 60)
def many_terms():
    import diffkit as dk

    r = dk.derivative("+".join(f"sin({i}*x)" for i in range(1, 400)), 0.01, order=3)
    dk.derivative("*".join(f"(x-{i})" for i in range(1, 301)), 0.5, order=3)
    return close(r, math.fsum(-(i**3) * math.cos(i * 0.01) for i in range(1, 400)), 1e-10)


@case("crash", "polygamma and digamma far left answer or refuse", 30)
def zeta_loop():
    for e, at in (("polygamma(1,x)", "-9999999999.5"), ("digamma(-x)", "1000000000000.5")):
        for b in ("dual", "finite", "auto"):
            if cli("grad", e, f"--at={at}", "--no-formula", "--backend", b).returncode not in (0, 1):
                return False
    return True


@case("crash", "--timeout holds for the formula too", 40)
def formula_timeout():
    commands = (
        ("derivative", "gamma(gamma(gamma(x)))", "--order", "8", "--at", "2.5", "--timeout", "2"),
        ("hessian", "*".join(f"(x-{i})" for i in range(1, 501)), "--at", "0.5", "--timeout", "2"),
    )
    return all(cli(*args).returncode in (0, 1) for args in commands)


@case("crash", "report --format html of cases with different variables")
def mixed_html():
    d = tempfile.mkdtemp()
    p = os.path.join(d, "mix.jsonl")
    with open(p, "w") as f:
        f.write('{"expr":"x*y","at":{"x":1,"y":2}}\n{"expr":"x**2","at":{"x":1}}\n')
    r = cli("report", p, "--format", "html")
    return "Traceback" not in r.stderr and "<html" in r.stdout.lower()


@case("crash", "no room on the output, no output: one line, no traceback")
def outputs():
    with open("/dev/full", "w") as full:
        r = cli("grad", "x^2", "--at", "1", stdout=full)
    s = subprocess.run(f"{sys.executable} -m diffkit grad 'x^2' --at 1 >&-", shell=True, capture_output=True, text=True)
    return "Traceback" not in r.stderr + s.stderr and r.returncode == 2 and len(r.stderr.strip().splitlines()) == 1


@case("crash", "expressions, checks and prepared derivatives pickle, so that processes can share the work")
def pickles():
    import diffkit as dk

    p = pickle.loads(pickle.dumps(dk.prepare("x^2*y", "gradient")))
    e = pickle.loads(pickle.dumps(dk.parse("x*y")))
    pickle.dumps(dk.check("x^2", "2*x", at=1))
    return list(p({"x": 1.0, "y": 2.0})) == [4.0, 1.0] and str(e) == "x*y"


@case("crash", "warnings and errors of NumPy do not leak, whatever the caller has set")
def leaks():
    r = cli("stationary", "exp(800*x)", "--box", "x=-1:1", env={"PYTHONWARNINGS": "error"})
    code = """
import numpy as np, diffkit as dk
np.seterr(all="raise")
print(dk.derivative(lambda x: np.exp(x) * 1e-300 * 1e-20, 1.0, backend="complex").status)
"""
    s = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    return "Warning" not in r.stderr and "Traceback" not in r.stderr + s.stderr


@case("crash", "escape sequences in a header do not reach the terminal; links in an id do not live in Markdown")
def injection():
    d = tempfile.mkdtemp()
    p = os.path.join(d, "p.csv")
    q = os.path.join(d, "c.jsonl")
    with open(p, "w") as f:
        f.write("x,\x1b[31mred\n1,2\n")
    with open(q, "w") as f:
        f.write(
            json.dumps({"id": "[x](javascript:alert(1))", "expr": "x**2", "at": {"x": 1}, "gradient": ["3"]}) + "\n"
        )
    return (
        "\x1b" not in cli("grad", "x^2", "--points", p).stderr
        and "](javascript" not in cli("report", q, "--format", "markdown").stdout
    )

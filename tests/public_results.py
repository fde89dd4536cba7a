"""One of everything that the Python face hands out, by name, each made anew; of text and of code."""

import json
from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np

import diffkit as dk

CASES = [
    {"id": "kink", "expr": "abs(x)", "at": {"x": 0}},
    {"id": "two", "expr": "x*y", "at": {"x": 1, "y": 2}, "gradient": ["2", "1"]},
]


def branching(x):
    """Code that cannot be recorded."""
    return x[0] ** 2 * x[1] if x[0] > 0 else x[1]


def prepared(backend, kind="gradient"):
    """Prepared, and asked all that optimisers ask."""
    p = dk.prepare("x^2*y", kind, backend=backend)
    p(np.array([[1.0, 2.0], [3.0, 4.0]]))
    p.jac([1.0, 2.0])
    if backend != "complex":
        p.hess([1.0, 2.0])
        p.hessp([1.0, 2.0], [1.0, 0.0])
    return p


def rows_report():
    with TemporaryDirectory() as folder:
        return replace(dk.stream("abs(x*y)", [[1, 2], [1, 0]], rows=f"{folder}/rows"), folder="rows")


def prepared_code():
    p = dk.prepare(branching)
    p([1.0, 2.0])
    return p


RESULTS = {
    "Expression": lambda: dk.parse("x*exp(x*y) + 1/3"),
    "Function": lambda: dk.Function(branching),
    "Limits": dk.Limits,
    "Isolation": lambda: dk.Isolation(timeout=5),
    "Prepared": lambda: dk.prepare("x^2*y"),
    **{f"Prepared {backend}": lambda backend=backend: prepared(backend)
       for backend in ("auto", "symbolic", "dual", "reverse", "finite", "complex")},
    "Prepared Hessian": lambda: prepared("auto", "hessian"),
    "Prepared code": prepared_code,
    "Result": lambda: dk.gradient("x^2*y", [1, 2]),
    "Result of a kink": lambda: dk.derivative("abs(x)", 0),
    "Result of a batch": lambda: dk.hessian("x^2*y", np.ones((3, 2))),
    "Result with digits": lambda: dk.taylor("exp(x)", 1, 3, digits=30),
    "Result of a lambda": lambda: dk.gradient(lambda x: x[0] ** 2 if x[1] > 0 else x[1], [1.0, 2.0]),
    "Check": lambda: dk.check("x^2", "2*x", at=1),
    "Check wrong": lambda: dk.check("x^2", "3*x", at=1),
    "Check of lambdas": lambda: dk.check(lambda x: x[0] ** 2 if x[0] > 0 else 1.0, lambda x: 3 * x, at=[1.0]),
    "Check of many inputs": lambda: dk.check(lambda x: np.sum(np.abs(x) ** 3), lambda x: 3 * x**2, np.arange(1.0, 260)),
    "Comparison": lambda: dk.compare("x^2*y", [1, 2]),
    "Comparison of a lambda": lambda: dk.compare(lambda x: x[0] ** 2 if x[0] > 0 else 1.0, [1.0]),
    "Worst": lambda: dk.worst("(1-cos(x))/x^2", {"x": (1e-6, 1)}, points=9),
    "AccuracyReport": lambda: dk.report(CASES),
    "RowsReport": rows_report,
    "StationaryPoints": lambda: dk.stationary("x^2*(x-1)", "-1:1"),
    "Descent": lambda: dk.descend("(w-3)^2", "0", rate=0.1, steps=20),
    "Descent of a lambda": lambda: dk.descend(lambda w: (w - 3) ** 2, 0.0, rate=0.1, steps=20),
    "Descent by a lambda": lambda: dk.descend("(w-3)^2", 0.0, rate=0.1, steps=9, gradient=lambda w: 2 * (w - 3)),
    "Descent on a schedule": lambda: dk.descend("(w-3)^2", 0.0, steps=9, schedule=lambda k: 0.1 / (1 + k)),
    "Derivation": lambda: dk.explain("x^2*sin(x)", at=1),
    "Tangent": lambda: dk.tangent("x^2", 0.5),
    "Tangent of a plane": lambda: dk.tangent("exp(x)*y", [1, 2]),
    "Tangent of a kink": lambda: dk.tangent("abs(x)", 0),
    "Quotients": lambda: dk.quotients("x^2", 1),
    "MatrixDerivative": lambda: dk.matrix_derivative("x.T @ A @ x", "x"),
    "Identity": lambda: dk.check_identity("d/dX log(det(X)) = inv(X).T"),
    "Identity refuted": lambda: dk.check_identity("d/dx x.T @ A @ x = A @ x"),
    "DerivativeCode": lambda: dk.code("x^2*y", "hessian", "c"),
    "Backward": lambda: dk.backward("x*y + sin(x)", [1, 2]),
}  # fmt: skip
RESULTS["Entry"] = lambda: RESULTS["Check wrong"]().entries[0]
RESULTS["StationaryPoint"] = lambda: RESULTS["StationaryPoints"]().points[0]
RESULTS["Region"] = lambda: dk.stationary("(x^2+y^2-1)^2", "x=-2:2,y=-2:2", most=200).regions[0]


def document(result):
    """What the report on a result says, for programs; None where there is no report of one alone."""
    from diffkit.lessons.matrices.matrix_derivative import MatrixDerivatives
    from diffkit.reports import DOCUMENTS, render

    if isinstance(result, dk.MatrixDerivative):
        result = MatrixDerivatives((result,), {})
    return json.loads(render(result, "json")) if type(result).__name__ in DOCUMENTS else None

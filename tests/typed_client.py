"""What a client's type checker sees: checked by mypy --strict and pyright (tests/test_types.py), never run."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import diffkit as dk

Array = NDArray[np.float64]


def loss(w: Array) -> Array:
    """Code."""
    return np.asarray(w @ w)


points = np.ones((3, 2))

# values: a float of one number, an array of several, and no union to cast
assert_type(dk.derivative("x^2", 1.0).value, float)
assert_type(dk.derivative("x^2", 1).value, float)
assert_type(dk.derivative("x^2", "pi/4").value, float)
assert_type(dk.derivative("x*y", {"x": 1.0, "y": 2}, wrt=("x", "y")).value, float)
assert_type(dk.derivative("x*y", [1.0, 2.0], wrt="x", backend="dual").value, float)
assert_type(dk.derivative("x^2", points).value, Array)
assert_type(dk.derivative("x^2", {"x": points}).value, Array)
assert_type(dk.gradient("x*y", [1, 2]).value, Array)
assert_type(dk.gradient(loss, np.ones(2), digits=None).value, Array)
assert_type(dk.jacobian(["x*y", "x"], [1, 2]).value, Array)
entries: int = dk.jacobian(loss, np.ones(2), sparsity=[(0, 0)]).value.nnz
assert_type(dk.hessian("x*y", points, timeout=2.0).value, Array)
assert_type(dk.hvp("x*y", [1, 2], [1, 0]).value, Array)
assert_type(dk.jvp("x*y", [1, 2], [1, 0]).value, Array)
assert_type(dk.vjp(["x*y", "x"], [1, 2], [1, 0]).value, Array)
assert_type(dk.taylor("exp(x)", 0, 3).value, Array)
assert_type(dk.directional("x*y", [1, 2], [1, 1]).value, float)
assert_type(dk.directional("x*y", points, [1, 1]).value, Array)
slope: float = dk.derivative("x^2", 1.0).value + 1
norm: float = float(np.linalg.norm(dk.gradient("x*y", [1, 2]).value))

# the rest of a Result
result = dk.gradient("x*y", [1, 2])
assert_type(result, dk.Result[Array])
assert_type(result.error, Array | None)
assert_type(result.left, Array | None)
assert_type(result.ok, bool)
assert_type(result.message, str)
assert_type(dk.derivative("abs(x)", 0).right, float | None)
assert_type(result.to_json(), str)
count: int = len(result)
fields: dict[str, Any] = result.to_dict()
named: list[str | tuple[str, ...]] = [*result, *result.keys()]
pairs: dict[str | tuple[str, ...], Any] = dict(result.items())
assert_type("x" in result, bool)


def told(found: dk.Result) -> str:
    """A Result of any kind needs no parameter."""
    return found.message


told(result)
told(dk.derivative("x", 1))

# prepared derivatives
prepared = dk.prepare("x*y")
assert_type(prepared(points), Array)
assert_type(prepared.jac([1.0, 2.0]), Array)
assert_type(prepared.hess([1.0, 2.0]), Array)
assert_type(prepared.hessp([1.0, 2.0], [1.0, 0.0]), Array)
assert_type(prepared.result([1, 2]).value, Array)
assert_type(dk.prepare("x^2", "derivative").result(1).value, float)
assert_type(dk.prepare("x^2", "derivative").result(points).value, Array)
assert_type(dk.prepare("x*y", "hessian", backend="dual")([1, 2]), Array)


def of_kind(kind: str) -> Any:
    """A kind that is known only when it runs."""
    return assert_type(dk.prepare("x*y", kind).result([1, 2]).value, Any)


# the others
assert_type(dk.parse("x").variables, tuple[str, ...])
assert_type(dk.check("x^2", "2*x", at=1), dk.Check)
assert_type(dk.compare("x^2", 1), dk.Comparison)
assert_type(dk.worst("x^2", "x=0:1"), dk.Worst)
assert_type(dk.report([]), dk.AccuracyReport)
assert_type(dk.report([{"expr": "x^2", "at": {"x": 1}}], rows="rows", resume=True), dk.AccuracyReport)
assert_type(dk.merge_reports(dk.report([{"expr": "x^2", "at": {"x": 1}}])), dk.AccuracyReport)
assert_type(dk.stream("x*y", [[1, 2]], "hessian", rows="rows"), dk.RowsReport)
assert_type(dk.explain("x^2"), dk.Derivation)
assert_type(dk.tangent("x^2", 1), dk.Tangent)
assert_type(dk.stationary("x^2", "-1:1"), dk.StationaryPoints)
assert_type(dk.check_identity("d/dx x.T @ x = 2*x"), dk.Identity)
assert_type(dk.matrix_derivative("x.T @ x", "x"), dk.MatrixDerivative)
assert_type(dk.backward("x^2", 1), dk.Backward)
assert_type(dk.code("x^2").source, str)
assert_type(dk.quotients("x^2", 1), dk.Quotients)
assert_type(dk.descend("x^2", 1.0, steps=2), dk.Descent)
gradient_of_arrays: Array = dk.gradient(dk.arrays("sum(x*y)", y=[1.0, 2.0]), {"x": [1.0, 2.0]}).value


# what answers hold
assert_type(dk.parse("x").diff("x"), dk.Expression)
assert_type(dk.parse("x", limits=dk.Limits(depth=50)).latex, str)
assert_type(dk.derivative("x^2", 3, isolated=dk.Isolation(timeout=60)), dk.Result[float])
assert_type(dk.Function(loss, args=(1.0,), shape=(2,)).name, str)
assert_type(dk.backends.names(), list[str])
assert_type(dk.backends.Scipy(order=8).name, str)
assert_type(dk.compare("x^2", 1, backends=["dual", dk.backends.Finite()]).verdict, str)
assert_type(dk.compare("x^2", 1).reference, dk.Result)
assert_type(dk.report([{"expr": "x", "at": 1}]).passed, bool)
assert_type(dk.explain("x^2").latex, str)
assert_type(dk.explain("x^2", at=1).value, dk.Result | None)
assert_type(dk.backward("x^2", 1).gradient, dk.Result)
assert_type(dk.tangent("x^2", 1).line, str)
assert_type(dk.matrix_derivative("x.T @ x", "x").formula, str)
assert_type(dk.check_identity("d/dx x.T @ x = 2*x").right, str | None)
assert_type(dk.quotients("x^2", 1).limits["forward"], float)
assert_type(dk.descend("x^2", 1.0, steps=2).value, float)
assert_type(dk.worst("x^2", "x=0:1", points=5).comparison, dk.Comparison)
assert_type(dk.__version__, str)
assert_type(bool(dk.check("x^2", "2*x", at=1)), bool)


def worst_entry(found: dk.Check) -> dk.Entry | None:
    """Entries of a check, the worst last."""
    return found.entries[-1] if found.entries else None


def minima(found: dk.StationaryPoints) -> tuple[dk.StationaryPoint, ...]:
    """Points of a kind; regions are no points."""
    flat: list[dk.Region] = [region for region in found.regions if region.kind == "flat"]
    return () if flat else found.of_kind("minimum")


def source(code: dk.DerivativeCode, prepared: dk.Prepared, path: dk.Descent) -> list[str]:
    """Names for what functions give."""
    return [code.source, *prepared.variables, path.status]


def lessons(
    backward: dk.Backward, derivation: dk.Derivation, quotients: dk.Quotients, tangent: dk.Tangent, worst: dk.Worst
) -> list[str]:
    """Each says what f is."""
    return [backward.f, derivation.f, quotients.f, tangent.f, worst.comparison.verdict]


def formulas(one: dk.MatrixDerivative, two: dk.Identity, many: dk.AccuracyReport) -> list[str]:
    """And verdicts."""
    return [one.latex, two.verdict, many.headline]


def safely(text: str, at: float) -> float | str:
    """Every error is a DiffkitError with a reason and a hint."""
    try:
        return dk.derivative(text, at).value
    except dk.LimitError as error:  # a ParseError, too
        return error.reason
    except (dk.ParseError, dk.VariableError, dk.PointError, dk.ShapeError, dk.FormError) as error:
        return error.caret() or error.hint
    except (dk.TracingError, dk.BackendError, dk.FunctionError, dk.RuleError, dk.FileError) as error:
        return error.hint
    except (dk.OutOfTime, dk.WorkerError, dk.NotOkError, dk.LabelError) as error:
        return str(error)
    except dk.DiffkitError as error:
        return assert_type(error.hint, str)


with dk.progress():
    dk.report([{"expr": "x", "at": 1}])


# ruff: noqa: B018
# mistakes that a checker finds; an ignore that is not needed is an error too
dk.gradiant  # type: ignore[attr-defined]  # pyright: ignore
dk.gradient("x*y", [1, 2], backed="dual")  # type: ignore[call-arg]  # pyright: ignore
dk.derivative("x", 1, odrer=2)  # type: ignore[call-overload]  # pyright: ignore
dk.derivative("x", 1).valeu  # type: ignore[attr-defined]  # pyright: ignore
result.value = np.ones(2)  # type: ignore[misc]  # pyright: ignore
wrong: str = dk.derivative("x", 1).value  # type: ignore[assignment]  # pyright: ignore

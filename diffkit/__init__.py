"""diffkit: is this derivative right?

Symbolic, finite-difference and dual-number derivatives of real expressions, compared with each other and with a
reference. ``import diffkit as dk``; every name below is imported when first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what typing has under that name: nothing is imported before the command guards its interrupts

__version__ = "0.1.0"

_HOMES = {
    "diffkit.judging.accuracy": ("AccuracyReport",),
    "diffkit.api": (
        "compare", "derivative", "directional", "gradient", "hessian", "hvp", "jacobian", "jvp", "prepare", "report",
        "taylor",
    ),
    "diffkit.asking.callables": ("Function",),
    "diffkit.judging.checking.check": ("check",),
    "diffkit.judging.checking.outcome": ("Check", "Entry"),
    "diffkit.judging.comparison": ("Comparison",),
    "diffkit.core.errors": (
        "BackendError", "DiffkitError", "FileError", "FormError", "FunctionError", "LimitError", "NotOkError",
        "OutOfTime", "ParseError", "PointError", "RuleError", "ShapeError", "TracingError", "VariableError",
        "WorkerError",
    ),
    "diffkit.asking.expressions": ("Expression", "parse"),
    "diffkit.lessons.gradient_descent.descent": ("Descent", "descend"),
    "diffkit.lessons.derivations.backward": ("Backward", "backward"),
    "diffkit.lessons.derivations.derivation": ("Derivation", "explain"),
    "diffkit.lessons.quotients": ("Quotients", "quotients"),
    "diffkit.lessons.tangents": ("Tangent", "tangent"),
    "diffkit.lessons.stationary_points.points_found": ("Region", "StationaryPoint", "StationaryPoints"),
    "diffkit.lessons.stationary_points.stationary": ("stationary",),
    "diffkit.core.limits": ("Limits",),
    "diffkit.lessons.matrices.matrix_derivative": ("MatrixDerivative", "matrix_derivative"),
    "diffkit.lessons.matrices.array_function": ("arrays",),
    "diffkit.lessons.matrices.identities": ("Identity", "check_identity"),
    "diffkit.methods.prepared": ("Prepared",),
    "diffkit.core.results": ("Result",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from diffkit.api import compare as compare
    from diffkit.api import derivative as derivative
    from diffkit.api import directional as directional
    from diffkit.api import gradient as gradient
    from diffkit.api import hessian as hessian
    from diffkit.api import hvp as hvp
    from diffkit.api import jacobian as jacobian
    from diffkit.api import jvp as jvp
    from diffkit.api import prepare as prepare
    from diffkit.api import report as report
    from diffkit.api import taylor as taylor
    from diffkit.asking.callables import Function as Function
    from diffkit.asking.expressions import Expression as Expression
    from diffkit.asking.expressions import parse as parse
    from diffkit.core.errors import BackendError as BackendError
    from diffkit.core.errors import DiffkitError as DiffkitError
    from diffkit.core.errors import FileError as FileError
    from diffkit.core.errors import FormError as FormError
    from diffkit.core.errors import FunctionError as FunctionError
    from diffkit.core.errors import LimitError as LimitError
    from diffkit.core.errors import NotOkError as NotOkError
    from diffkit.core.errors import OutOfTime as OutOfTime
    from diffkit.core.errors import ParseError as ParseError
    from diffkit.core.errors import PointError as PointError
    from diffkit.core.errors import RuleError as RuleError
    from diffkit.core.errors import ShapeError as ShapeError
    from diffkit.core.errors import TracingError as TracingError
    from diffkit.core.errors import VariableError as VariableError
    from diffkit.core.errors import WorkerError as WorkerError
    from diffkit.core.limits import Limits as Limits
    from diffkit.core.results import Result as Result
    from diffkit.judging.accuracy import AccuracyReport as AccuracyReport
    from diffkit.judging.checking.check import check as check
    from diffkit.judging.checking.outcome import Check as Check
    from diffkit.judging.checking.outcome import Entry as Entry
    from diffkit.judging.comparison import Comparison as Comparison
    from diffkit.lessons.derivations.backward import Backward as Backward
    from diffkit.lessons.derivations.backward import backward as backward
    from diffkit.lessons.derivations.derivation import Derivation as Derivation
    from diffkit.lessons.derivations.derivation import explain as explain
    from diffkit.lessons.gradient_descent.descent import Descent as Descent
    from diffkit.lessons.gradient_descent.descent import descend as descend
    from diffkit.lessons.matrices.array_function import arrays as arrays
    from diffkit.lessons.matrices.identities import Identity as Identity
    from diffkit.lessons.matrices.identities import check_identity as check_identity
    from diffkit.lessons.matrices.matrix_derivative import MatrixDerivative as MatrixDerivative
    from diffkit.lessons.matrices.matrix_derivative import matrix_derivative as matrix_derivative
    from diffkit.lessons.quotients import Quotients as Quotients
    from diffkit.lessons.quotients import quotients as quotients
    from diffkit.lessons.stationary_points.points_found import Region as Region
    from diffkit.lessons.stationary_points.points_found import StationaryPoint as StationaryPoint
    from diffkit.lessons.stationary_points.points_found import StationaryPoints as StationaryPoints
    from diffkit.lessons.stationary_points.stationary import stationary as stationary
    from diffkit.lessons.tangents import Tangent as Tangent
    from diffkit.lessons.tangents import tangent as tangent
    from diffkit.methods.prepared import Prepared as Prepared


if not TYPE_CHECKING:  # a checker of types knows the names above, and takes no others

    def __getattr__(name):
        """Import a public name when it is first asked for."""
        if name not in _HOME:
            raise AttributeError(f"module 'diffkit' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Solvers that code calls while it runs: how exactly they work, and what the code gives where they work more exactly.

Code that integrates, iterates or searches for a root adds an error of its own to its values, which no difference of
them shows: it is as smooth as they are. A profile hook (``sys.setprofile``, of this thread alone) sees the calls for
as long as one evaluation lasts. It reads their arguments as a debugger does, and may set them as a debugger may; the
code, its module and the solvers are never touched.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from inspect import unwrap
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.callables.following import stride
from diffkit.core.errors import DiffkitError
from diffkit.core.surroundings import unwarned
from diffkit.numbers.floats import EPSILON

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound


_COARSEST = 0.1  # a relative tolerance that is no larger: what is worse is worth nothing
_SIZE = 400  # rows of a matrix up to which its condition is computed
_TIGHTER = (1e-4, 1e-2)  # parts of its tolerances that a solver is asked for; the second where it fails at the first
_LEAST_TOLERANCES = {"rtol": 1e-13, "epsrel": 1e-13, "tol": 1e-13, "ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-14}
"""tolerances below which solvers refuse, or never end"""

_BY_VALUE = {"bfgs", "cg", "neldermead", "powell", "scalar_brent", "scalar_golden", "scalar_bounded", "lbfgsb", "slsqp",
            "tnc"}  # fmt: skip
"""solvers that compare values of what they minimise: these tell a minimum to the root of what they are known to"""
_OF_VALUES = ("ftol", "fatol")

_Knobs = Mapping[str, float]
"""arguments that are tolerances, with what stands for None"""
_XTOL, _GTOL, _KRYLOV = {"xtol": 2e-12, "rtol": 4 * EPSILON}, {"gtol": 1e-5}, {"rtol": 1e-5, "tol": 1e-5, "atol": 0.0}
SOLVERS: Mapping[str, Mapping[str, _Knobs]] = {
    "scipy.integrate": {
        "quad": {"epsabs": 1.49e-8, "epsrel": 1.49e-8}, "quad_vec": {"epsabs": 1e-200, "epsrel": 1e-8},
        "odeint": {"rtol": 1.49012e-8, "atol": 1.49012e-8}, "solve_bvp": {"tol": 1e-3}, "cubature": {"rtol": 1e-8},
        "tanhsinh": {"rtol": 1e-8, "atol": 0.0}, "RK45.__init__": {"rtol": 1e-3, "atol": 1e-6},
        "Radau.__init__": {"rtol": 1e-3, "atol": 1e-6}, "BDF.__init__": {"rtol": 1e-3, "atol": 1e-6},
        "LSODA.__init__": {"rtol": 1e-3, "atol": 1e-6},
    },
    "scipy.optimize": {
        **dict.fromkeys(("bisect", "brentq", "brenth", "ridder", "toms748"), _XTOL), "newton": {"tol": 1.48e-8},
        "fixed_point": {"xtol": 1e-8}, "leastsq": {"ftol": 1.49e-8, "xtol": 1.49e-8},
        "least_squares": {"ftol": 1e-8, "xtol": 1e-8, "gtol": 1e-8},
    },
    "scipy.optimize._minpack_py": {"_root_hybr": {"xtol": 1.49e-8}},
    "scipy.optimize._nonlin": {"nonlin_solve": {"f_tol": 6e-6}},
    "scipy.optimize._optimize": {
        "_minimize_bfgs": _GTOL, "_minimize_cg": _GTOL, "_minimize_newtoncg": {"xtol": 1e-5},
        "_minimize_neldermead": {"xatol": 1e-4, "fatol": 1e-4}, "_minimize_powell": {"xtol": 1e-4, "ftol": 1e-4},
        "_minimize_scalar_brent": {"xtol": 1.48e-8}, "_minimize_scalar_golden": {"xtol": 1.5e-8},
        "_minimize_scalar_bounded": {"xatol": 1e-5},
    },
    "scipy.optimize._lbfgsb_py": {"_minimize_lbfgsb": {"ftol": 2.2e-9, "gtol": 1e-5}},
    "scipy.optimize._slsqp_py": {"_minimize_slsqp": {"ftol": 1e-6}},
    "scipy.optimize._tnc": {"_minimize_tnc": {"ftol": 1e-8, "xtol": 1e-8, "gtol": 1e-5}},
    "scipy.optimize._trustregion": {"_minimize_trust_region": {"gtol": 1e-4}},
    "scipy.sparse.linalg": {
        **dict.fromkeys(("cg", "cgs", "bicg", "bicgstab", "gmres", "lgmres", "minres", "qmr", "tfqmr"), _KRYLOV),
        "lsqr": {"atol": 1e-6, "btol": 1e-6}, "lsmr": {"atol": 1e-6, "btol": 1e-6},
    },
}  # fmt: skip
"""What iterates or adapts, by module; for a class, its construction."""
_ADAPTIVE = ("quad", "quad_vec", "cubature")
"""rules that divide an interval until their estimate of the error is small enough"""
_SECTION = (math.sqrt(5) - 1) / 2
"""of an interval: a place that halving it comes near as slowly as it can"""
_DENSE = ("solve", "inv", "lstsq", "pinv", "cho_factor", "lu_factor", "solve_triangular")
_LINEAR_SOLVERS = {"numpy.linalg": _DENSE, "scipy.linalg": _DENSE}
"""What solves linear equations, whose result has the condition of the matrix ``a`` in it."""


class SolverCall(NamedTuple):
    """A solver that was called: its name, what it was asked for, and a bound on the relative error that it makes.

    ``rest`` is what it may still be off by where it is asked for more.
    """

    solver: str
    asked: str
    tolerance: float
    linear: bool = False
    rest: float = 0.0

    def __str__(self) -> str:
        return f"{self.solver} with {self.asked}"


def watched(run: Callable[[], Any]) -> tuple[Any, list[SolverCall]]:
    """Run something, and give its result with the worst call of each solver that it called, the worst one first.

    Where a profiler runs already nothing is seen.
    """
    worst: dict[str, SolverCall] = {}
    asked: dict[int, Mapping[str, Any]] = {}

    def hook(frame: FrameType, event: str, returned: Any, name: str, knobs: _Knobs | None) -> None:
        known = frame.f_locals
        if event == "call":
            asked[id(frame)] = {k: known.get(k) for k in knobs or ("a",)}
            return
        name = type(known["self"]).__name__ if "self" in known else name  # methods may share a construction
        given = asked.pop(id(frame), None)
        call = None if given is None else _call(name, knobs, given, returned)
        if call is not None and call.tolerance > worst.get(name, call._replace(tolerance=0.0)).tolerance:
            worst[name] = call

    result = _under(hook, run)
    return result, sorted(worst.values(), key=lambda call: -call.tolerance)


def calls_in(bound: Bound, point: Sequence[float]) -> list[SolverCall]:
    """The solvers that a function calls at a point, the worst first."""
    try:
        with unwarned():
            return watched(lambda: bound.values(np.array(point, dtype=float)))[1]
    except DiffkitError:  # it fails there, and what it called says nothing
        return []


def tightened(run: Callable[[], Any], factor: float) -> Any:
    """Run something, with every solver that it calls asked for a part of its tolerances; raises what that raises.

    Adaptive rules are asked for other subintervals as well: where the extrapolation of halved ones is wrong, it is so
    at all tolerances.
    """

    def hook(frame: FrameType, event: str, _: Any, name: str, knobs: _Knobs | None) -> None:
        if event == "call":
            known = frame.f_locals  # asked for once: another look would undo what is set
            if name in _ADAPTIVE:
                _divide(known)
            for knob, default in (knobs or {}).items():
                value = known.get(knob, math.nan)
                value = default if value is None else value
                if isinstance(value, (int, float)) and value > 0:
                    known[knob] = max(factor * value, min(value, _LEAST_TOLERANCES.get(knob, 0.0)))

    return _under(hook, run)


def _divide(known: Any) -> None:
    """Set the points at which a rule divides its interval at first, where it takes any."""
    a, b = np.asarray(known["a"], dtype=float), np.asarray(known["b"], dtype=float)
    if np.all(np.isfinite([a, b])) and known.get("weight") is None:
        given = known["points"]
        known["points"] = [*([] if given is None else given), a + _SECTION * (b - a)]


def added(bound: Bound, row: Any) -> Any:
    """What solvers add to the values at a point; NaN where they cannot work more exactly."""
    plain = bound.values(row)
    for closer in _closer(bound, row):
        if np.all(np.isfinite(closer) | ~np.isfinite(plain)):
            return plain - closer
    return np.full(len(plain), np.nan)


def _closer(bound: Bound, row: Any) -> Iterator[Any]:
    """The values with solvers that are asked for parts of their tolerances, without their warnings."""
    for factor in _TIGHTER:
        try:
            with unwarned():
                found = tightened(lambda: bound.values(row), factor)
        except DiffkitError:
            continue
        yield found


_Hook = Callable[[FrameType, str, Any, str, _Knobs | None], None]


def _under(hook: _Hook, run: Callable[[], Any]) -> Any:
    """Run something while a hook sees the calls and returns of solvers."""
    known = _solvers(tuple(module for module in (*SOLVERS, *_LINEAR_SOLVERS) if module in sys.modules))
    if sys.getprofile() is not None or not known:
        return run()

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        found = known.get(frame.f_code)
        if found is not None and event in ("call", "return"):
            try:
                hook(frame, event, arg, *found)
            except Exception:  # what cannot be read is not seen, and the code shall not notice
                return

    sys.setprofile(profile)
    try:
        return run()
    finally:
        sys.setprofile(None)


@cache
def _solvers(loaded: tuple[str, ...]) -> dict[CodeType, tuple[str, _Knobs | None]]:
    """The code of the solvers of some modules, with their names and tolerances (None for linear equations)."""
    named = [(module, name, knobs) for module in loaded for name, knobs in SOLVERS.get(module, {}).items()]
    found = {}
    for module, name, knobs in (*named, *((m, name, None) for m in loaded for name in _LINEAR_SOLVERS.get(m, ()))):
        solver: Any = import_module(module)  # which is there; another thread may still be at it
        for part in name.split("."):
            solver = getattr(solver, part, None)
        code = getattr(unwrap(solver), "__code__", None) if callable(solver) else None
        if isinstance(code, CodeType):
            found[code] = name.removesuffix(".__init__").removeprefix("_minimize_").lstrip("_"), knobs
    return found


def _call(name: str, knobs: _Knobs | None, given: Mapping[str, Any], returned: Any) -> SolverCall | None:
    """What a call says of its result; None if nothing."""
    if knobs is None:
        condition = _condition(given["a"])
        return (
            None
            if condition is None
            else SolverCall(
                name, f"a condition of {condition:.1g}", min(_COARSEST, len(given["a"]) * EPSILON * condition), True
            )
        )
    values = {k: knobs[k] if given[k] is None else given[k] for k in knobs if given[k] is not None or knobs[k]}
    values = {k: float(np.max(value)) for k, value in values.items() if np.size(value)}
    size = _size(returned)
    if name == "quad":
        tolerance = float(returned[1]) / size if size else _COARSEST
        missed = float(returned[1]) > max(values.get("epsabs", 0.0), values.get("epsrel", 0.0) * size)
    else:
        missed = False
        absolute = sum(v for k, v in values.items() if k in ("xtol", "atol", "xatol", "tol"))
        tolerance = max((v for k, v in values.items() if k not in ("xtol", "atol", "xatol", "tol")), default=0.0)
        tolerance += absolute / size if size else absolute
    asked = " and ".join(f"{k} = {v:.3g}" for k, v in values.items())
    rest = tolerance if missed else _rest(name, values, tolerance)
    return SolverCall(name, asked, min(_COARSEST, tolerance), rest=min(_COARSEST, rest))


def _rest(name: str, values: Mapping[str, float], tolerance: float) -> float:
    """What a solver may be off by though it is asked for more: it may have found that it needs no further step."""
    of_values = max((v for k, v in values.items() if k in _OF_VALUES), default=0.0)
    nearest = math.sqrt(max(EPSILON, _TIGHTER[0] * of_values)) if name in _BY_VALUE else 0.0
    return max(_TIGHTER[0] * tolerance, nearest)


def _size(returned: Any) -> float:
    """The size of what a solver found, where that is a number or leads what it returns; 0 if it is not known."""
    first = returned[0] if isinstance(returned, tuple) and returned else returned
    return abs(float(first)) if isinstance(first, (int, float)) and math.isfinite(first) else 0.0


def _condition(matrix: Any) -> float | None:
    """The ratio of the singular values that count; None where there is none, or the matrix is too large."""
    found = np.asarray(matrix)
    if found.ndim != 2 or not 1 < len(found) <= _SIZE or found.dtype.kind not in "fiu":
        return None
    values = np.linalg.svd(found, compute_uv=False)
    kept = values[values > EPSILON * values[0]]
    return float(kept[0] / kept[-1]) if len(kept) else None


_MEASURED_MARGIN = 3.0
"""times what asking a solver for more changes, or a condition allows, that derivatives may be off by"""
_ASKED = 10.0  # times a tolerance, where solvers cannot be asked for more
_ASKED_AT = (1.0, 1 + 2.0**-10, 1 + 2.0**-7)  # factors of the point at which they are
_SUBDIVISION_PARTS = (0.0, *((-1.0) ** k * 4.0**k for k in range(-13, -1)))
"""of the way to 0: where subdivisions may be others"""
_ROUNDING_SHARE = 16 * 2.0**-53  # of the values: less than that is rounding
_MOST_OFF = 2.0**-7  # of the values: an error that is no larger


def left_over(function: Bound, point: Sequence[float]) -> tuple[float, str]:
    """The relative error that solvers make of derivatives at a point, and the worst of them in words.

    Measured by asking them for more, at the point and beside it; 0 and no words where f calls none. Differences know
    of adaptive rules already (``teeth_of``).
    """
    calls = [call for call in calls_in(function, point) if call.solver not in _ADAPTIVE]
    found = _MEASURED_MARGIN * max((call.tolerance for call in calls if call.linear), default=0.0)
    asked = max((call.tolerance for call in calls if not call.linear), default=0.0)
    if asked:
        measured = _MEASURED_MARGIN * _measured(function, np.array(point, dtype=float))
        rest = _MEASURED_MARGIN * max(call.rest for call in calls)
        found = max(found, rest, measured if math.isfinite(measured) else _ASKED * asked)
    return found, f"it calls {calls[0]}" if calls else ""


def teeth_of(function: Bound, point: Sequence[float]) -> tuple[float, str]:
    """What adaptive rules put values around a point off by, as a share of these, and the worst rule in words.

    Which subintervals a rule takes changes with the point, and with them the error: it is as jagged as rounding. Seen
    by asking for more on other subintervals. 0 and no words where there is none.
    """
    rules = calls_in(function, point) if "scipy.integrate" in sys.modules else []
    rules = [call for call in rules if call.solver in _ADAPTIVE]
    if not rules:
        return 0.0, ""
    here = np.array(point, dtype=float)
    try:
        share = max(_jagged(function, here), *(call.rest for call in rules))
    except DiffkitError:  # it has no values around the point
        share = math.nan
    share = share if math.isfinite(share) else max(call.tolerance for call in rules)
    return (min(_MOST_OFF, share), f"it calls {rules[0]}") if share > _ROUNDING_SHARE else (0.0, "")


def _jagged(function: Bound, here: Any) -> float:
    rows = [here + part * stride(here) for part in _SUBDIVISION_PARTS]
    values = np.array([function.values(row) for row in rows])
    apart = np.array([added(function, row) for row in rows])
    return _MEASURED_MARGIN * _share(apart, values)


def _measured(function: Bound, row: Any) -> float:
    """How much of the values, and of their change, is another where solvers work more exactly."""
    rows = [row * factor for factor in _ASKED_AT]
    values = np.array([function.values(place) for place in rows])
    apart = np.array([added(function, place) for place in rows])
    changes = ((apart[k] - apart[0], values[k] - values[0]) for k in range(1, len(rows)))
    return max(itertools.starmap(_share, ((apart, values), *changes)))


def _share(part: Any, whole: Any) -> float:
    """The largest of a part, as a share of the largest of the whole; infinite where that is not known."""
    most, all_of_it = (float(np.max(np.abs(array))) for array in (part, whole))
    if math.isnan(most) or (most and not all_of_it):
        return math.inf
    return most / all_of_it if most else 0.0

"""Gradient descent that shows what it does: the path, how it ended, how fast it was, and what theory says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from diffkit.asking.callables.function import as_function, read_place
from diffkit.asking.expressions import is_function, read_joint
from diffkit.asking.frames import names_in
from diffkit.asking.points import read_points
from diffkit.core.deadline import INTERRUPTED, TimeIsUp, collected, current_deadline, unhurried
from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError, PointError
from diffkit.core.isolation import Isolation
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Final
from diffkit.core.surroundings import undisturbed
from diffkit.core.text.names import Names, notes
from diffkit.core.watching import counted
from diffkit.core.workers import timed
from diffkit.lessons.gradient_descent.convergence import Convergence, convergence, final_status, in_words
from diffkit.lessons.gradient_descent.costs import Cost, ExpressionCost, FunctionCost, WeightGroup
from diffkit.lessons.gradient_descent.curvature import ConvexityFacts, Curvature, Hessians, Unasked, evidence
from diffkit.lessons.gradient_descent.diagnosis import Symptom, diagnose
from diffkit.lessons.gradient_descent.walk import (
    Batches,
    Path,
    Schedule,
    Status,
    Walk,
    interval,
    make_batches,
    make_schedule,
)
from diffkit.methods import Backend

_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Settings:
    """How the steps were taken; ``schedule`` is its name, or "function"."""

    rate: float
    steps: int
    schedule: str
    momentum: float
    nesterov: bool
    tolerance: float
    batch: int | None
    rows: int | None
    """rows of data, where there are batches"""
    seed: int
    every: int
    """every how many steps a point was kept"""


@dataclass(frozen=True)
class Options:
    """What ``descend`` is asked besides f and the start, as it says."""

    rate: float = 0.01
    steps: int = 1000
    schedule: str | Schedule = "constant"
    decay: float | None = None
    every: int | None = None
    momentum: float = 0.0
    nesterov: bool = False
    gradient: Any = None
    args: Sequence[Any] = ()
    batch: int | None = None
    rows: Sequence[str | int] | str | None = None
    seed: int = 0
    tolerance: float = _TOLERANCE
    backend: str | Backend = "auto"
    keep: int | None = None
    variables: Names | None = None

    def check(self) -> None:
        """DiffkitError for numbers that make no descent."""
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise DiffkitError(f"the number of steps is 1 or more, not {self.steps!r}")
        if not 0 <= self.momentum < 1:
            raise DiffkitError(f"the momentum lies between 0 and 1, not {self.momentum!r}", hint="0.9 is common")
        if self.nesterov and self.momentum == 0:
            raise DiffkitError("Nesterov's method needs a momentum", hint="0.9 is common")
        if not 0 <= self.tolerance < math.inf:
            raise DiffkitError(f"the tolerance is 0 or more, not {self.tolerance!r}")
        if self.keep is not None and (isinstance(self.keep, bool) or not isinstance(self.keep, int) or self.keep < 1):
            raise DiffkitError(f"every 1 or more steps a point is kept, not {self.keep!r}")

    def settings(self, batches: Batches | None, kept: int) -> Settings:
        """What a descent says of them, with every ``kept``-th point."""
        return Settings(
            float(self.rate), self.steps, self.schedule if isinstance(self.schedule, str) else "function",
            float(self.momentum), self.nesterov, float(self.tolerance), self.batch,
            None if batches is None else batches.count, self.seed, kept,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Descent(ReportViews, ByContent, Final):
    """A path of gradient descent. ``str`` of it says how it went.

    ``status`` is "converged" (‖∇f‖ is within the tolerance, and no Hessian
    speaks against a minimum; ``ending`` says what is known of it), "stagnated"
    (no progress, and no sign of a minimum), "diverged", "left the domain",
    "steps used up", "interrupted" or "out of time"; ``norms`` and ``rates`` are
    of every step, ``path`` of the kept points. A pickle holds all that is said
    of the path; of code it leaves the code behind, with it ``check`` and
    ``polish``.

    Examples
    --------
    >>> d = dk.descend("(w - 3)^2", 0.0, rate=0.25)
    >>> d.status, round(d.weights["w"], 6)
    ('converged', 3.0)
    """

    names: tuple[str, ...]
    """of the weights, one for each number"""
    groups: tuple[WeightGroup, ...]
    """which weights belong to which parameter"""
    method: str
    """how the gradients were found"""
    settings: Settings
    """how the steps were taken"""
    status: Status
    """how it ended, in a word or two"""
    path: Path
    """the kept points, with values, gradients and updates"""
    norms: tuple[float, ...]
    """‖∇f‖ at every step"""
    rates: tuple[float, ...]
    """α of every step"""
    reason: str
    """why the last point has no value, where it has none, or why there was no time"""
    cost: Cost = field(repr=False, compare=False)
    """f as what is descended"""
    hessians: Hessians = field(repr=False, compare=False)
    """second derivatives along the path"""
    question: tuple[Any, ...] | None = field(repr=False, compare=False)
    """f, its given gradient, the start, the further arguments and the names, as they were handed in"""
    notes: tuple[str, ...] = ()
    """how names were read that may be meant otherwise"""

    def __getstate__(self) -> dict[str, Any]:
        for name in ("at_start", "at_end", "evidence", "convergence", "ending", "findings"):
            getattr(self, name)  # what takes f is found out while f is there
        return {**vars(self), "question": self.question if self.cost.travels else None}

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return int(self.path.steps[-1])

    @property
    def point(self) -> Any:
        """The weights that were reached, flat, shape (n,)."""
        return self.path.points[-1]

    @property
    def weights(self) -> dict[str, Any]:
        """The weights that were reached: each parameter, or each variable, in its own shape."""
        return {g.name: float(self.point[g.places][0]) if g.shape == () else self.point[g.places].reshape(g.shape)
                for g in self.cost.parameters}  # fmt: skip

    @property
    def value(self) -> float:
        """f of the weights that were reached."""
        return float(self.path.values[-1])

    @cached_property
    @undisturbed()
    def at_start(self) -> Curvature:
        """The Hessian's eigenvalues where the descent started."""
        return self.hessians.at(self.path.points[0])

    @cached_property
    @undisturbed()
    def at_end(self) -> Curvature:
        """The Hessian's eigenvalues where it ended."""
        return self.hessians.at(self.point)

    @cached_property
    @undisturbed()
    def evidence(self) -> ConvexityFacts:
        """The Hessians along the path, and whether they speak for a strongly convex, smooth f."""
        with np.errstate(all="ignore"):
            return evidence(self.hessians, self.path)

    @cached_property
    @undisturbed()
    def convergence(self) -> Convergence:
        """The observed rate of convergence beside the predicted one, and the bound on the number of steps."""
        return convergence(self)

    @cached_property
    @undisturbed()
    def ending(self) -> str:
        """The status as a sentence, with what the curvature says of the last point."""
        return in_words(self)

    @cached_property
    @undisturbed()
    def findings(self) -> tuple[Symptom, ...]:
        """What there is to say of the path: a cause, and a sentence."""
        return tuple(diagnose(self))

    def consider(self) -> None:
        """Look at the curvature along the path now, rather than when somebody asks."""
        self.findings, self.convergence  # noqa: B018

    @property
    def messages(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(finding.text for finding in self.findings)

    def check(self, **options: Any) -> Any:
        """Judge the hand-written gradient at the start.

        Parameters
        ----------
        **options
            Those of `check`.

        Returns
        -------
        Check
            The verdict.

        Raises
        ------
        DiffkitError
            Where there is no such gradient, or a pickle left it behind.
        """
        from diffkit.judging.checking.check import check

        if self.question is None:
            raise DiffkitError("a pickled descent leaves its code behind, so its gradient cannot be checked any more",
                               hint="check it before it is pickled")  # fmt: skip
        f, gradient, start, args, variables = self.question
        if gradient is None:
            raise DiffkitError("there is no hand-written gradient to check", hint="give one with gradient=")
        return check(f, gradient, start, args=args, variables=variables, kind="gradient", **options)

    @undisturbed()
    def polish(self, method: str = "L-BFGS-B", **options: Any) -> Any:
        """Go on from the last point with ``scipy.optimize.minimize``.

        Descent is for learning how it works: fitting in earnest is SciPy's.

        Parameters
        ----------
        method : str, default "L-BFGS-B"
            One of SciPy's.
        **options
            Those of ``minimize``.

        Returns
        -------
        scipy.optimize.OptimizeResult
            What was found, with the same gradient.
        """
        from scipy import optimize

        solve: Any = optimize.minimize
        with np.errstate(all="ignore"):
            return solve(self.cost.value, self.point, jac=lambda x: self.cost.at(np.array(x, dtype=float))[1],
                         method=method, **options)  # fmt: skip

    def __bool__(self) -> bool:
        """A descent is true only if it converged, or took all its steps."""
        return self.status in ("converged", "steps used up")

    def __str__(self) -> str:
        shown = [f"{name} = {x:.6g}" for name, x in zip(self.names[:6], self.point.tolist(), strict=False)]
        where = ", ".join(shown) + (", …" if len(self.names) > 6 else "")
        return "\n".join([f"{self.status} after {self.steps} steps: f = {self.value:.6g} at {where}", *self.messages])

    def __repr__(self) -> str:
        return f"Descent(status={self.status!r}, steps={self.steps}, value={self.value:.6g})"


@timed
@undisturbed()
def descend(
    f: Any, start: Any, *, rate: float = 0.01, steps: int = 1000, schedule: str | Schedule = "constant",
    decay: float | None = None, every: int | None = None, momentum: float = 0.0, nesterov: bool = False,
    gradient: Any = None, args: Sequence[Any] = (), batch: int | None = None,
    rows: Sequence[str | int] | str | None = None, seed: int = 0, tolerance: float = _TOLERANCE,
    backend: str | Backend = "auto", keep: int | None = None, variables: Names | None = None,
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001
) -> Descent:  # fmt: skip
    """θ ← θ − α∇f(θ), until ‖∇f‖ ≤ ``tolerance`` or the steps are used up.

    Ctrl-C keeps the path so far. Mathematics raises nothing.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The cost: a formula, or a Python function of weights (numbers or arrays,
        also several) and ``args``.
    start : number, array, list or mapping
        The first weights.
    rate : float, default 0.01
        α.
    steps : int, default 1000
        How many at most.
    schedule : str or callable, default "constant"
        How the rate goes down: "constant", "inverse", "exponential", "step",
        "cosine", or a function of the step number.
    decay : float, optional
        How fast, by the schedule.
    every : int, optional
        After how many steps, by the schedule.
    momentum : float, default 0.0
        Which part of the last step is taken again.
    nesterov : bool, default False
        Whether the gradient is that of where momentum leads.
    gradient : callable or str, optional
        A gradient written by hand, used as it is (``Descent.check`` judges it).
        Otherwise gradients are exact, or differences of code that cannot be
        followed (``Descent.method`` says so).
    args : sequence, default ()
        Further arguments of a Python function: the data.
    batch : int, optional
        How many rows of the data each step sees, in shuffles.
    rows : sequence or str, optional
        Which data have such rows.
    seed : int, default 0
        Fixes the shuffles.
    tolerance : float, default 1e-8
        ‖∇f‖ at which it ends.
    backend : str or Backend, default "auto"
        The method for the gradient.
    keep : int, optional
        Every ``keep``-th point is kept; as many as fit, unless given.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    timeout : float, optional
        Seconds after which the path so far is given.
    isolated : bool or Isolation, default False
        Do all of it in a worker process.

    Returns
    -------
    Descent
        The path, and what there is to say of it.

    Raises
    ------
    DiffkitError
        For misuse, such as a rate that is no number.

    Examples
    --------
    >>> X, y = np.array([1.0, 2.0, 3.0]), np.array([3.0, 5.0, 7.0])
    >>> def loss(w, b):
    ...     return np.mean((y - w * X - b) ** 2)
    >>> d = dk.descend(loss, {"w": 0.0, "b": 0.0}, rate=0.1, steps=2000)
    >>> d.status, {name: round(value, 4) for name, value in d.weights.items()}
    ('converged', {'w': 2.0, 'b': 1.0})
    """
    options = Options(
        rate, steps, schedule, decay, every, momentum, nesterov, gradient, args, batch, rows, seed, tolerance, backend,
        keep, variables,
    )  # fmt: skip
    descender = prepare_descent(f, start, options)
    stopped = ""
    with suppress(KeyboardInterrupt):
        _, stopped = collected(counted(descender.walk.run(), steps, "steps"))
    return descender.descent(stopped)


@dataclass(frozen=True)
class Descender:
    """A descent made ready: ``walk.run()`` takes the steps, ``descent()`` says how it went so far."""

    walk: Walk
    settings: Settings
    question: tuple[Any, ...]
    notes: tuple[str, ...]

    @undisturbed()
    def descent(self, stopped: str = "") -> Descent:
        """The path so far and what can be said of it, or why there was no time to go on."""
        with unhurried():  # the last point may want its value yet
            path = self.walk.path()
        if stopped:
            return self._told(path, Unasked(self.walk.cost, stopped), stopped)
        try:
            found = self._told(path, Hessians(self.walk.cost))
            if current_deadline() is not None:
                found.consider()
            return found
        except TimeIsUp as up:
            return self._told(path, Unasked(self.walk.cost, up.reason))

    def _told(self, path: Path, hessians: Hessians, stopped: str = "") -> Descent:
        walk, cost = self.walk, self.walk.cost
        valued = math.isfinite(path.values[-1]) and bool(np.isfinite(path.gradients[-1]).all())
        status, reason = walk.status, "" if valued else cost.reason
        if not stopped:
            status = final_status(status, hessians, path, walk.norms, self.settings.batch is not None)
        elif stopped != INTERRUPTED:
            status, reason = "out of time", stopped
        return Descent(cost.names, cost.groups, cost.method, self.settings, status, path, tuple(walk.norms),
                       tuple(walk.rates), reason, cost, hessians, self.question, self.notes)  # fmt: skip


@undisturbed()
def prepare_descent(f: Any, start: Any, options: Options) -> Descender:
    """Read everything that ``descend`` is given; errors as there."""
    options.check()
    rates = make_schedule(options.schedule, options.rate, options.steps, options.decay, options.every)
    cost, point, batches, notes = (_cost_of_code if is_function(f) else _cost_of_text)(f, start, options)
    kept = interval(options.keep, options.steps, len(point), batches)
    settings = options.settings(batches, kept)
    walk = Walk(cost, point, rates, settings.steps, settings.momentum, settings.nesterov, settings.tolerance, kept,
                batches)  # fmt: skip
    return Descender(walk, settings, (f, options.gradient, start, tuple(options.args), options.variables), notes)


_Read = tuple[Cost, Any, Batches | None, tuple[str, ...]]
"""the cost, the start as a flat array, the batches if there are any, and how names were read"""


def _cost_of_text(f: Any, start: Any, options: Options) -> _Read:
    if len(options.args) or options.batch is not None:
        raise DiffkitError("args and batches are of a Python function", hint="an expression has no rows of data")
    reading = read_joint([f], options.variables, names_in(start))
    points = read_points(start, reading.program.inputs)
    if points.point is None or not points.point:
        raise PointError("a descent starts at one point", hint="one number for each weight")
    cost = ExpressionCost(reading.program, options.backend, options.gradient)
    return cost, np.array(points.point), None, reading.notes


def _cost_of_code(f: Any, start: Any, options: Options) -> _Read:
    function = as_function(f, tuple(options.args))
    place = read_place(function, start, options.variables)
    points = place.points
    if points.point is None:
        raise PointError("a descent starts at one point")
    cost = FunctionCost(function, place.arguments, points.variables, points.point, options.backend, options.gradient)
    batches = make_batches(function, len(place.arguments), options.batch, options.rows, options.seed)
    return cost, np.array(points.point), batches, tuple(notes(function.undeclared(names_in(start)), matrices=True))

"""The derivative as a limit: difference quotients for shrinking steps, and where rounding takes over.

A quotient Q(h) in binary64 misses f′ by truncation (the exact quotient − f′, which shrinks with h) and by round-off
(the binary64 quotient − the exact one, which grows like ε/h). The exact quotient is enclosed in balls, and f′ proven,
so that both are known (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 1.14; Press et al.,
Numerical Recipes, 3rd ed., section 5.7).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb

from diffkit.asking.points import number
from diffkit.asking.questions import ask, make_task
from diffkit.asking.tasks import Task
from diffkit.core.deadline import check_time, collected
from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError, TracingError
from diffkit.core.isolation import Isolation
from diffkit.core.limits import PROOF_PRECISIONS, QUOTIENT_DIGITS
from diffkit.core.program import Program, run
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Odd, Result
from diffkit.core.surroundings import undisturbed
from diffkit.core.text import format_outputs
from diffkit.core.text.names import Name, Names
from diffkit.core.text.printer import LONGEST_FORMULA
from diffkit.core.workers import timed
from diffkit.lessons.shown_numbers import nearest, of_decimal
from diffkit.methods.answering import answer
from diffkit.numbers.balls import BALLS, precision, rational
from diffkit.numbers.floats import EPSILON, FLOATS
from diffkit.proof.proofs import Proofs

QUOTIENT_KINDS = ("forward", "backward", "central")
QUOTIENT_FORMULAS = {
    "forward": "(f(x + h) − f(x))/h",
    "backward": "(f(x) − f(x − h))/h",
    "central": "(f(x + h) − f(x − h))/(2h)",
}
"""Each quotient, as it is computed."""
_QUOTIENT_OFFSETS = {"forward": (1, 0), "backward": (0, -1), "central": (1, -1)}
"""Places of f in a quotient in units of h, the one it begins with and the one that is subtracted."""
_FEWEST_STEPS, _HOPELESS_STEPS, _MOST_QUOTIENTS = 5, 8, 40
"""steps where none are given: at least, where round-off plays no part, at most"""
_BLIND_STEPS = 10  # steps of a function whose exact quotients are not known
_ROUNDOFF_STEPS = 2  # steps beyond the one at which round-off has taken over
_ERROR_BITS = 40  # bits to which a part of an error is wanted
_NEGLIGIBLE_ROUNDOFF = 2.0**-40  # of truncation: round-off that will not take over, as where f and the point are 0


class Quotient(NamedTuple):
    """One quotient at one step; NaN where something has no value, or is not known."""

    value: float
    """as binary64 computes it"""
    exact: float
    """without rounding"""
    truncation: float
    """exact − f′"""
    roundoff: float
    """value − exact"""
    error: float
    """value − f′"""


class QuotientStep(NamedTuple):
    """The three quotients at a step h, which is the binary64 number."""

    h: float
    forward: Quotient
    backward: Quotient
    central: Quotient


class Best(NamedTuple):
    """The step at which a quotient is nearest to its limit, and the step that theory advises."""

    kind: str
    h: float
    error: float
    """the size of the error there"""
    textbook: float
    """√ε·|x| for one-sided quotients, ε^(1/3)·|x| for central ones (1 for |x| at 0)"""
    expected: float
    """where truncation and round-off of this f have the least sum: 2√(η/|f″|), or (3η/|f‴|)^(1/3) if central, with
    η = ε/2·(|f| + |x·f′|) for the rounding of f and of its argument; NaN where that is unknown, or not finite"""


@dataclass(frozen=True, eq=False, repr=False)
class Quotients(ReportViews, ByContent):
    """Difference quotients of f along one variable, for shrinking steps.

    ``limits`` are what forward, backward and central quotients tend to, as far
    as that is proven (else NaN): the derivative where it exists; at a kink the
    one-sided derivatives, and their mean for the central quotient, which is no
    derivative. ``derivative`` is the proven Result, or the best a Python
    function allows.

    Examples
    --------
    >>> q = dk.quotients("x^2", 1, steps=[0.1, 0.01])
    >>> [round(step.forward.value, 10) for step in q.steps], q.limits["forward"]
    ([2.1, 2.01], 2.0)
    """

    f: str
    """f as text, or the name of the code"""
    variable: str
    """along which they are taken"""
    at: Mapping[str, float]
    """the point by name"""
    steps: tuple[QuotientStep, ...]
    """what was found at each step, the largest first"""
    limits: Mapping[str, float]
    """what each kind tends to; NaN where that is not known"""
    derivative: Result
    """the proven Result, or the best that code allows"""
    label: str
    """the name of the derivative: df/dx"""
    expected: Mapping[str, float]
    """the step at which truncation and round-off should have the least sum, by kind"""
    stopped: str = ""
    """why fewer steps were taken than were wanted, if so"""

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        late = (f"{self.stopped}: fewer steps were taken",) if self.stopped else ()
        return (*self.derivative.notes, *late)

    @property
    def odd(self) -> Odd | None:
        """What the derivative is where it is no number."""
        return self.derivative.odd.get(0) if not self.derivative.ok else None

    def of(self, kind: str) -> tuple[Quotient, ...]:
        """Give the quotients of a kind, step by step.

        Parameters
        ----------
        kind : {"forward", "backward", "central"}
            The kind.

        Returns
        -------
        tuple of Quotient
            One for each step.
        """
        return tuple(getattr(step, kind) for step in self.steps)

    def best(self, kind: str) -> Best | None:
        """Give the step of least error, the largest one of those.

        Parameters
        ----------
        kind : {"forward", "backward", "central"}
            The kind.

        Returns
        -------
        Best or None
            None where the limit is not known.
        """
        known = [(abs(q.error), -s.h) for s, q in zip(self.steps, self.of(kind), strict=True) if math.isfinite(q.error)]
        if not known:
            return None
        error, h = min(known)
        scale = abs(self.at[self.variable]) or 1.0
        textbook = EPSILON ** (1 / 3 if kind == "central" else 1 / 2) * scale
        return Best(kind, -h, error, textbook, self.expected[kind])

    def takeover(self, kind: str) -> float | None:
        """Give the largest step from which on round-off is larger than truncation.

        Parameters
        ----------
        kind : {"forward", "backward", "central"}
            The kind.

        Returns
        -------
        float or None
            None if there is no such step.
        """
        found = None
        for step, q in zip(reversed(self.steps), reversed(self.of(kind)), strict=True):
            if not abs(q.roundoff) > abs(q.truncation):
                break
            found = step.h
        return found

    def __bool__(self) -> bool:
        """Quotients are true only if they tend to a derivative."""
        return self.derivative.ok

    def __str__(self) -> str:
        last = self.steps[-1]
        return (
            f"{self.label} as a limit at {self.variable} = {self.at[self.variable]}: "
            f"{len(self.steps)} steps from h = {self.steps[0].h:g} to {last.h:g}, limit {self.limits['forward']}"
        )

    def __repr__(self) -> str:
        return f"<quotients: {self}>"


@timed
@undisturbed()
def quotients(
    f: Any, at: Any, *, wrt: Name | None = None, steps: Any = None,
    variables: Names | None = None, args: Sequence[Any] = (),
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001
) -> Quotients:  # fmt: skip
    """(f(x + h) − f(x))/h and its kin for shrinking h, beside the derivative.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as for `derivative`.
    at : number, sequence or mapping
        One point.
    wrt : str or sympy.Symbol, optional
        The variable, if there are several.
    steps : sequence of numbers, optional
        The steps h; without them 0.1, 0.01, … (multiples of |x| where that is
        10 or more) until round-off has taken over.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.
    timeout : float, optional
        Seconds that it may take.
    isolated : bool or Isolation, default False
        Do all of it in a worker process.

    Returns
    -------
    Quotients
        Forward, backward and central quotients, with truncation and round-off.

    Raises
    ------
    PointError
        For a batch.
    DiffkitError
        For a step that is not a positive number.
    OutOfTime
        Where ``timeout`` seconds are not enough for one step.

    Examples
    --------
    >>> q = dk.quotients("exp(x)", 0)
    >>> q.best("forward").h
    1e-08
    """
    question = ask(f, "derivative", at, variables, args, wrt=wrt)
    task, point = question.task, question.point("difference quotients are shown at one point")
    if task.order != 1:
        raise DiffkitError("a difference quotient runs along one variable", hint="name one with wrt")
    digits = QUOTIENT_DIGITS if task.function is None else None
    derivative = answer(question, "auto", digits)
    limits = _limits(derivative)
    limit = _Limit(task, point, limits)
    found, stopped = collected(limit.until_roundoff() if steps is None else map(limit.step, _read_steps(steps)))
    if not found:
        check_time()
    shown = {kind: math.nan if value is None else float(value) for kind, value in limits.items()}
    name = task.variables[limit.place]
    return Quotients(
        _text(task), name, derivative.at, tuple(found), shown, derivative, task.labels[0], limit.expected(), stopped
    )


def _read_steps(steps: Any) -> list[float]:
    """Give one step or several as numbers; DiffkitError unless there is one at least and all are positive."""
    found = [number(h, "h") for h in ([steps] if isinstance(steps, (str, int, float)) else steps)]
    if not found:
        raise DiffkitError("there is no step", hint="give some, such as 0.1, 0.01, 0.001")
    for h in found:
        if h <= 0:
            raise DiffkitError(f"the step h = {h:g} is not positive", hint="one h > 0 serves both sides")
    return found


def _text(task: Task) -> str:
    """f as text, or the name of a Python function."""
    return task.function.name if task.function is not None else format_outputs(task.program, LONGEST_FORMULA)[0]


def _limits(derivative: Result) -> dict[str, Fraction | None]:
    """What the quotients tend to, exactly enough for the errors of binary64; None where that is not known."""
    if derivative.ok:
        text = derivative.decimals[0] if derivative.decimals else ""
        return dict.fromkeys(QUOTIENT_KINDS, of_decimal(text) if text else Fraction(derivative.flat[0]))
    odd = derivative.odd[0]
    right, left = (Fraction(side) if math.isfinite(side) else None for side in (odd.right, odd.left))
    return {"forward": right, "backward": left, "central": None if None in (right, left) else (right + left) / 2}  # type: ignore[operator]


def _rounding_rules(q: Quotient) -> bool:
    """Whether round-off is the larger part of an error, or nothing is known that it could be compared with."""
    return not abs(q.roundoff) < abs(q.truncation)


class _Limit:
    """One function at one point along one variable."""

    def __init__(self, task: Task, point: tuple[float, ...], limits: Mapping[str, Fraction | None]):
        self.task, self.point, self.limits = task, point, limits
        (self.place,) = task.indices[0][1]
        self.x = point[self.place]
        try:
            self.program: Program | None = task.program
        except TracingError:
            self.program = None  # a Python function whose formula is not known has no exact quotients

    def until_roundoff(self) -> Iterator[QuotientStep]:
        """Steps of 0.1, 0.01, … until round-off is most of every error, and some more, or until it will not be."""
        start = math.floor(math.log10(max(abs(self.x), 1)))
        rest = _ROUNDOFF_STEPS
        for k in range(1, _MOST_QUOTIENTS + 1):
            found = self.step(float(f"1e{start - k}"))
            yield found
            over = k >= _BLIND_STEPS if self.program is None else all(map(_rounding_rules, found[1:]))
            if k >= _FEWEST_STEPS and (over or rest < _ROUNDOFF_STEPS):
                rest -= 1
            hopeless = k >= _HOPELESS_STEPS and not any(
                abs(q.roundoff) > _NEGLIGIBLE_ROUNDOFF * abs(q.truncation) for q in found[1:]
            )
            if rest < 0 or hopeless or self.x + found.h == self.x:
                break

    def expected(self) -> dict[str, float]:
        """Steps at which truncation's leading term and round-off have the least sum, from f, f′, f″ and f‴."""
        unknown = dict.fromkeys(QUOTIENT_KINDS, math.nan)
        if self.program is None:
            return unknown
        task = make_task(self.program, "taylor", order=3, wrt=self.task.variables[self.place])
        answer = Proofs(task).at(self.point)
        if any(odd.status != "ok" for odd in answer.odd.values()):
            return unknown
        value, slope, second, third = answer.values
        noise = EPSILON / 2 * (abs(value) + abs(self.x * slope))
        one_sided = 2 * math.sqrt(noise / abs(2 * second)) if second else math.nan
        central = (3 * noise / abs(6 * third)) ** (1 / 3) if third else math.nan
        return {"forward": one_sided or math.nan, "backward": one_sided or math.nan, "central": central or math.nan}

    def step(self, h: float) -> QuotientStep:
        """The three quotients at one step."""
        check_time()
        return QuotientStep(h, *(self._quotient(kind, h) for kind in QUOTIENT_KINDS))

    def _quotient(self, kind: str, h: float) -> Quotient:
        limit = self.limits[kind]
        value = self._floating(kind, h)
        error = float(Fraction(value) - limit) if limit is not None and math.isfinite(value) else math.nan
        if self.program is None:
            return Quotient(value, math.nan, math.nan, math.nan, error)
        return Quotient(value, *self._parts(kind, h, value), error)

    def _floating(self, kind: str, h: float) -> float:
        """The quotient in plain binary64, as a program would have it; NaN where f has no value or an infinite one."""
        upper, lower = _QUOTIENT_OFFSETS[kind]
        rise = self._value(self.x + upper * h) - self._value(self.x + lower * h)
        return rise / (h * (upper - lower)) if math.isfinite(rise) else math.nan

    def _value(self, x: float) -> float:
        moved = self._moved(x)
        if self.task.function is not None:
            return float(self.task.function.values(moved)[0])
        return float(run(self.task.program, FLOATS, moved)[0])

    def _moved(self, x: Any) -> list[Any]:
        return [x if i == self.place else value for i, value in enumerate(self.point)]

    def _parts(self, kind: str, h: float, value: float) -> tuple[float, float, float]:
        """The exact quotient, truncation and round-off, at a precision that leaves each sharp."""
        limit = self.limits[kind]
        exact = truncation = roundoff = arb("nan")
        for bits in PROOF_PRECISIONS:
            with precision(bits):
                exact = self._exact(kind, h)
                truncation = exact - rational(limit) if limit is not None else arb("nan")
                roundoff = arb(value) - exact if math.isfinite(value) else arb("nan")
                if all(_sharp(ball) for ball in (exact, truncation, roundoff)):
                    break
        return nearest(exact), nearest(truncation), nearest(roundoff)

    def _exact(self, kind: str, h: float) -> Any:
        """The quotient as a ball; not finite where f has no value. In a precision held."""
        assert self.program is not None
        upper, lower = ([arb(x) for x in self._moved(0)] for _ in range(2))
        ends = []
        for point, offset in zip((upper, lower), _QUOTIENT_OFFSETS[kind], strict=True):
            point[self.place] = arb(self.x) + offset * arb(h)
            ends.append(run(self.program, BALLS, point)[0])
        return (ends[0] - ends[1]) / (arb(h) * (_QUOTIENT_OFFSETS[kind][0] - _QUOTIENT_OFFSETS[kind][1]))


def _sharp(ball: Any) -> bool:
    """Whether a ball settles its digits, or will at no precision."""
    return not ball.is_finite() or ball.is_exact() or ball.rel_accuracy_bits() >= _ERROR_BITS

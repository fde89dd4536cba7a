"""Assertions for test suites: a hand-written derivative, or a backend, is right, or the failure says what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from diffkit.lessons.smooth_points import points as points

if TYPE_CHECKING:
    from diffkit.asking.questions import OpenQuestion
    from diffkit.core.results import Result
    from diffkit.methods import Backend
    from diffkit.reports.check_report import CheckReport


def assert_gradient(
    f: Any, grad: Any, at: Any = None, *, rtol: float | None = None, atol: float | None = None,
    kind: str | None = None, args: Any = (), allow_inconclusive: bool = False, **options: Any,
) -> None:  # fmt: skip
    """Fail unless ``grad`` is the derivative of ``f``.

    |grad − f′| ≤ atol + rtol·|f′| has to hold in every entry. With neither
    tolerance six digits must be seen to agree.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function.
    grad : str, Expression, sympy.Expr, callable or array
        The claim. A Jacobian or Hessian is recognised by its shape, or named by
        ``kind``.
    at : number, sequence, mapping or array, optional
        The point or a batch; two formulas may do without.
    rtol, atol : float, optional
        The tolerances; one of the two omitted is 0.
    kind : str, optional
        What is claimed, as for ``diffkit.check``.
    args : sequence, default ()
        Further arguments of both.
    allow_inconclusive : bool, default False
        Whether an inconclusive check passes.
    **options
        Those of ``diffkit.check``: wrt, variables, beside, symmetric, reset,
        seed, timeout and others.

    Raises
    ------
    AssertionError
        With the report: the entries that are wrong, the worst last, and the
        repair where one is found.
    DiffkitError
        If what is given is no question, such as a point that does not fit.

    Examples
    --------
    >>> from diffkit.testing import assert_gradient
    >>> w = np.array([1.0, 2.0])
    >>> assert_gradient(lambda w: np.sum(w**2), lambda w: 2 * w, w)
    """
    __tracebackhide__ = True
    from diffkit.asking.callables.function import as_function
    from diffkit.asking.expressions import is_function
    from diffkit.judging.checking.check import check
    from diffkit.reports import render
    from diffkit.reports.check_report import CheckReport

    found = check(f, grad, at, rtol=rtol, atol=atol, kind=kind, args=args, **options)
    report = CheckReport(found, *(as_function(g).name if is_function(g) else str(g) for g in (f, grad)))
    for tell in WATCHERS:
        tell(report)
    if found.verdict == "correct" or (allow_inconclusive and found.verdict == "inconclusive"):
        return
    raise AssertionError(f"the {found.kind} is {found.verdict}\n\n{render(report)}")


WATCHERS: list[Callable[[CheckReport], object]] = []
"""what is told of every check that ``assert_gradient`` makes: a run of tests that writes one report about all"""

# Backends ---------------------------------------------------------------------------------------------------------

Number = int | float | Fraction | str | None
"""an exact number, text of 45 digits (proven bars are tight to the last of theirs), or None where there is no number"""


@dataclass(frozen=True)
class Scenario:
    """A question with its answer: components in their order, None where the derivative is no ordinary number."""

    kind: str
    f: Any
    at: tuple[float, ...]
    answer: tuple[Number, ...]
    options: tuple[tuple[str, Any], ...] = ()
    variables: tuple[str, ...] | None = None

    @property
    def asked(self) -> str:
        """What is asked, in words: ``gradient of x*y**2 at (3, 5)``."""
        f = self.f if isinstance(self.f, str) else getattr(self.f, "__name__", "") or f"[{', '.join(self.f)}]"
        options = "".join(f", {name}={value}" for name, value in self.options)
        return f"{self.kind} of {f} at ({', '.join(map(str, self.at))}){options}"

    @property
    def is_ordinary(self) -> bool:
        """Whether every component has a number."""
        return None not in self.answer

    @property
    def points(self) -> list[Any]:
        """The point and, before it, points beside it: what was kept from elsewhere shows in the last answer."""
        import numpy as np

        moved = np.array([[x + shift for x in self.at] for shift in SHIFTS])
        return [np.squeeze(point) for point in moved] if callable(self.f) else moved.tolist()

    @property
    def batch(self) -> Any:
        """The points as a batch of shape (B, 1); a function of one number takes it element by element."""
        import numpy as np

        rows = np.array(self.points)[:, np.newaxis]
        return rows[..., 0] if self.kind == "derivative" and len(self.at) == 1 else rows

    @property
    def question(self) -> OpenQuestion:
        """The question without its point."""
        from diffkit.asking.questions import open_question

        f = list(self.f) if isinstance(self.f, tuple) else self.f
        return open_question(f, self.kind, self.variables, **dict(self.options))


def energy(x: Any) -> Any:
    """Σ x²·exp(x), as array code."""
    import numpy as np

    return np.sum(np.exp(x) * x**2)


def swirl(x: Any) -> Any:
    """(x₀x₁, x₀ + x₁²), as array code."""
    import numpy as np

    return np.array([x[0] * x[1], x[0] + x[1] ** 2])


def branching(x: Any) -> Any:
    """x³ where x > 0, −x elsewhere, as code that branches."""
    return x**3 if x > 0 else -x


E, SIN1, COS1 = (
    "2.71828182845904523536028747135266249775724709",
    "0.841470984807896506652502321630298999622563061",
    "0.540302305868139717400936607442976603732310421",
)
SCENARIOS = (
    Scenario("gradient", "3*x**2 - 4*x", (1,), (2,)),
    Scenario("gradient", "x*y**2", (3, 5), (25, 30)),
    Scenario("gradient", "x/y", (1, 4), (Fraction(1, 4), Fraction(-1, 16))),
    Scenario("gradient", "exp(x)*sin(y)", (0, 1), (SIN1, COS1)),
    Scenario("gradient", "x**2 + z", (2, 7, 1), (4, 0, 1), (), ("x", "unused", "z")),
    Scenario("gradient", "max(x, y, 2*x)", (1, 1.5), (2, 0)),
    Scenario("gradient", "where(0 < x < 1, x**3, -x)", (0.5,), (Fraction(3, 4),)),
    Scenario("gradient", "abs(x)*x", (-3,), (6,)),
    Scenario("gradient", "cbrt(x)", (-8,), (Fraction(1, 12),)),
    Scenario("gradient", "relu(x) + softplus(y)", (2, 0), (1, Fraction(1, 2))),
    Scenario("gradient", "hypot(x, y)", (3, 4), (Fraction(3, 5), Fraction(4, 5))),
    Scenario("gradient", "x**y", (1, 3), (3, 0)),
    Scenario("gradient", "log(x, 2)", (1,), ("1.44269504088896340735992468100189213742664595",)),
    Scenario("gradient", "atan2(y, x)", (1, 2), (Fraction(-2, 5), Fraction(1, 5))),
    Scenario("gradient", "x", (1e300,), (1,)),
    Scenario("derivative", "exp(x)", (1,), (E,)),
    Scenario("derivative", "exp(2*x)", (0,), (4,), (("order", 2),)),
    Scenario("derivative", "x**5", (2,), (240,), (("order", 3),)),
    Scenario("derivative", "x**5", (2,), (240,), (("order", 4),)),
    Scenario("derivative", "x**2*y**3", (2, 3), (108,), (("wrt", ("x", "y")),)),
    Scenario("derivative", "x**2*y**3", (2, 3), (54,), (("wrt", ("x", "x")),)),
    Scenario("derivative", "sin(x)*y", (1, 2), ("1.08060461173627943480187321488595320746462084",), (("wrt", "x"),)),
    Scenario("hessian", "x**2*y", (1, 2), (4, 2, 2, 0)),
    Scenario("hessian", "100*(y - x**2)**2 + (1 - x)**2", (1, 1), (802, -400, -400, 200)),
    Scenario("hessian", "exp(x*y)", (0, 0), (0, 1, 1, 0)),
    Scenario("jacobian", ("x*y", "x + y**2", "3"), (2, 3), (3, 2, 1, 6, 0, 0)),
    Scenario("directional", "x**2 + y", (1, 1), (8,), (("direction", (3, 2)),)),
    Scenario("directional", "x**2*y", (1, 1), (30,), (("direction", (3, 1)), ("order", 2))),
    Scenario("jvp", "x**2*y", (1, 2), (14,), (("direction", (3, 2)),)),
    Scenario("vjp", ("x**2*y", "x + y"), (1, 2), (15, 6), (("cotangent", (3, 3)),)),
    Scenario("vjp", swirl, (2, 3), (4, 8), (("cotangent", (1, 1)),)),
    Scenario("hvp", "x**2*y", (1, 2), (16, 6), (("direction", (3, 2)),)),
    Scenario("taylor", "exp(x)", (0,), (1, 1, Fraction(1, 2), Fraction(1, 6), Fraction(1, 24)), (("order", 4),)),
    Scenario("taylor", "1/(1 - x)", (0,), (1, 1, 1), (("order", 2),)),
    Scenario("derivative", "abs(x)", (0,), (None,)),
    Scenario("gradient", "abs(x) + y**2", (0, 3), (None, 6)),
    Scenario("jacobian", ("abs(x)", "x**2"), (0,), (None, 0)),
    Scenario("derivative", "1/x", (0,), (None,)),
    Scenario("derivative", "log(x)", (-1,), (None,)),
    Scenario("derivative", "sqrt(x)", (0,), (None,)),
    Scenario("derivative", "where(x < 0, 0, 1)", (0,), (None,)),
    Scenario("derivative", "exp(x)", (1000,), (None,)),
    Scenario("gradient", energy, (0, 1), (0, "8.15484548537713570608086241405798749327174128")),
    Scenario("hessian", energy, (0, 1), (2, 0, 0, "19.0279727992133166475220122994686374843007297")),
    Scenario("jacobian", swirl, (2, 3), (3, 2, 1, 6)),
    Scenario("derivative", branching, (2,), (12,)),
)
"""What ``check_backend`` asks: every kind, points without a derivative, and code."""
SHIFTS = (-0.125, 0.25, 0.0)


@dataclass(frozen=True, repr=False)
class BackendCheck:
    """What ``check_backend`` found right, and what the backend refuses: pairs of a scenario and its reason."""

    backend: str
    passed: tuple[Scenario, ...]
    refused: tuple[tuple[Scenario, str], ...]
    uncovered: tuple[Scenario, ...] = ()
    """scenarios in which an error of a backend that states no bounds is smaller than what it is off"""

    @property
    def reasons(self) -> dict[str, tuple[str, ...]]:
        """Each reason that the backend gives, with what it was asked."""
        whys = dict.fromkeys(why for _, why in self.refused)
        return {why: tuple(s.asked for s, given in self.refused if given == why) for why in whys}

    def __repr__(self) -> str:
        lines = [f"{self.backend}: {len(self.passed)} scenarios right, {len(self.refused)} that it cannot do"]
        if self.uncovered:
            lines.append(f"its errors, which are no bounds, do not cover in {len(self.uncovered)}")
        for why, asked in self.reasons.items():
            lines += [f"{why}:", *(f"  {one}" for one in asked)]
        return "\n".join(lines)


def check_backend(backend: str | Backend, *, digits: int = 6) -> BackendCheck:
    """Fail unless a backend answers every scenario rightly.

    |value − truth| ≤ 10⁻ᵈ·max(1, |truth|), d = ``digits``. The scenarios carry
    exact answers: every kind of derivative of text, code, and points without a
    derivative (kink, jump, pole, edge of the domain, overflow). What is
    demanded of each:

    * as many values, and errors, as the task has partials, at a point and for
      each row of a batch;
    * at an ordinary point what is ok is right, nothing has a status but ok or
      uncertain, and what is not ok is NaN;
    * unless ``error_kind`` is "none" there are bars, and each covers the truth;
      of a backend whose ``covering`` is False, those that do not are told (a
      standard deviation is no bound);
    * a component without a derivative is NaN and not ok, whatever its status;
    * a batch is its points, in its shape, and no answer depends on the points
      that were asked before.

    BackendError for a task that the backend cannot do, and uncertain, are no
    faults: the summary lists them.

    Parameters
    ----------
    backend : str or Backend
        A name, or an object with ``prepare(task)``
        (``diffkit.methods.Backend``).
    digits : int, default 6
        d.

    Returns
    -------
    BackendCheck
        What was asked, what was refused, and which bars do not cover.

    Raises
    ------
    AssertionError
        With a line for each fault (what was asked, what was got, what is
        right), or if no ordinary point is answered.
    BackendError
        If there is no backend of that name.

    Examples
    --------
    >>> from diffkit.testing import check_backend
    >>> print(check_backend("dual"))
    dual: 46 scenarios right, 0 that it cannot do
    """
    __tracebackhide__ = True
    from diffkit.core.errors import BackendError, DiffkitError
    from diffkit.methods.answering import find_backend

    asked = find_backend(backend)
    passed, refused, faults, uncovered = [], [], [], []
    for scenario in SCENARIOS:
        try:
            fault, covers = _fault(scenario, asked, digits)
            if not covers:
                uncovered.append(scenario)
        except BackendError as error:
            refused.append((scenario, str(error)))
            continue
        except DiffkitError as error:
            fault = str(error)
        except Exception as error:  # whatever it is, the report says so
            fault = f"it raises {type(error).__name__}: {error}"
        if fault:
            faults.append(f"{scenario.asked}: {fault}")
        else:
            passed.append(scenario)
    summary = BackendCheck(asked.name, tuple(passed), tuple(refused), tuple(uncovered))
    if faults:
        count = f"{len(faults)} of {len(SCENARIOS)} scenarios"
        raise AssertionError("\n".join([f"backend {asked.name} is wrong in {count}", "", *faults]))
    if not any(scenario.is_ordinary for scenario in passed):
        raise AssertionError(f"backend {asked.name} answers at no ordinary point\n\n{summary}")
    return summary


def _fault(scenario: Scenario, backend: Backend, digits: int) -> tuple[str, bool]:
    """Say what is wrong with a backend's answers to a scenario, at its points one by one and together; "" if nothing.

    And whether its bars cover the truth, where that need not be.

    BackendError where it cannot answer or is uncertain, and whatever else the backend raises.
    """
    from diffkit.core.errors import BackendError
    from diffkit.methods.prepared import Prepared

    prepared = Prepared(scenario.question, backend)
    points = scenario.points
    single = [prepared.result(point) for point in points]
    covering = getattr(backend, "covering", True)
    fault = _wrong(single[-1], scenario, digits, covering)
    covers = covering or not _wrong(single[-1], scenario, digits, True)
    if not fault and not callable(scenario.f):  # what a batch of arrays is depends on the code
        fault = _parted(prepared.result(scenario.batch), single, points, digits)
    if not fault and scenario.is_ordinary and not single[-1].ok:
        raise BackendError(f"uncertain: {single[-1].message}")
    return fault, covers


def _wrong(result: Result, scenario: Scenario, digits: int, covering: bool) -> str:
    """Say what is wrong with a result at the point of a scenario, or "": with bars too, if they are to cover."""
    barred = result.error_kind != "none"
    if barred and result.flat_error is None:
        return f"got no error bars, and error_kind is {result.error_kind!r}"
    for k, (value, truth) in enumerate(zip(result.flat, scenario.answer, strict=True)):
        status = result.odd[k].status if k in result.odd else "ok"
        bar = result.flat_error[k] if barred else None
        covered = bar if covering else None
        if what := _misjudged(float(value), status, truth, scenario) or _off(float(value), truth, covered, digits):
            with_bar = "" if bar is None else f" ± {bar:.2g}"
            right = "no number: NaN, and not ok" if truth is None else truth
            return f"component {k}: got {float(value)!r}{with_bar} ({status}), right is {right}; {what}"
    return ""


def _misjudged(value: float, status: str, truth: Number, scenario: Scenario) -> str:
    """Say how a component's status fits neither its value nor the truth, or ""."""
    if status == "ok":
        if truth is None:
            return "there is no derivative"
        return "" if isfinite(value) else "what is ok is a number"
    if not isnan(value):
        return "what is not ok is NaN"
    return "the point is an ordinary one" if scenario.is_ordinary and status != "uncertain" else ""


def _off(value: float, truth: Number, bar: float | None, digits: int) -> str:
    """Say how a value misses the truth, or ""."""
    if truth is None or isnan(value):
        return ""
    off = abs(Fraction(value) - Fraction(truth))
    if off > max(Fraction(1), abs(Fraction(truth))) / 10**digits:
        return f"fewer than {digits} digits are right"
    return "" if bar is None or off <= bar else f"the bar does not cover the error of {float(off):.2g}"


def _parted(batch: Result, single: list[Result], points: list[list[float]], digits: int) -> str:
    """Say where a batch of shape (B, 1) is not its points, or ""."""
    import numpy as np

    shape = (len(points), 1, *single[0].shape)
    if np.shape(batch.value) != shape:
        return f"a batch of shape (3, 1): got the shape {np.shape(batch.value)}, right is {shape}"
    for row, one, point in zip(np.reshape(batch.flat, (len(points), -1)), single, points, strict=True):
        near = np.array(one.flat, dtype=float)
        if not np.allclose(row, near, rtol=10.0**-digits, atol=10.0**-digits, equal_nan=True):
            return f"in a batch at {point}: got {row.tolist()}, right is as at the point alone: {near.tolist()}"
    return ""

"""Is an identity of matrix calculus true? As people write it, tried on random shapes, then refuted or derived.

Both sides are compared in ball arithmetic, so that a difference is proven and an agreement is one of many digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import TimeIsUp
from diffkit.core.equality import ByContent
from diffkit.core.errors import FormError, ParseError, ShapeError, VariableError, visible
from diffkit.core.limits import AGREED_DIGITS, DEFAULT
from diffkit.core.report_views import ReportViews
from diffkit.core.surroundings import undisturbed
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import Length, said
from diffkit.core.text import variables_in
from diffkit.core.text.latex import latex_name
from diffkit.core.workers import timed
from diffkit.lessons.matrices.algebra import MatrixAlgebra
from diffkit.lessons.matrices.array_parser import parse_array
from diffkit.lessons.matrices.ball_agreement import ClaimedEquality
from diffkit.lessons.matrices.gradients import derivative, simplified
from diffkit.lessons.matrices.matrix_derivative import confirm, finished, kinks
from diffkit.lessons.matrices.nodes import Node, names_of, number
from diffkit.lessons.matrices.problem import Problem, read_problem
from diffkit.lessons.matrices.tree_latex import tree_latex
from diffkit.lessons.matrices.trials import (
    MISSES,
    TRIALS,
    Trial,
    about_thresholds,
    random_trials,
    small_trials,
    thresholds,
    tried,
)

NAME_PATTERN = r"[A-Za-z]\w*"
BY = (
    re.compile(rf"\s*[d∂]\s*/\s*[d∂]\s*(?P<wrt>{NAME_PATTERN})(?P<f>[\s(\[].*)\Z", re.DOTALL),
    re.compile(
        rf"\s*(?:∇|grad)\s*_\s*(?:\{{\s*(?P<braced>{NAME_PATTERN})\s*\}}|(?P<wrt>{NAME_PATTERN}))(?P<f>.*)\Z", re.DOTALL
    ),
    re.compile(rf"\s*(?:∇|grad\b)\s*(?P<wrt>{NAME_PATTERN})(?P<f>\s+[\w(\[√].*|\s*\[.*)\Z", re.DOTALL),
)
"""a derivative by a name; without the underscore, what follows the name must begin an expression of its own"""
PLAIN_GRADIENT = re.compile(r"\s*(?:∇|grad\b)(?P<f>.*)\Z", re.DOTALL)
"""a gradient that does not say by which name"""
EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
FAR_FACTORS = (30.0, -30.0, 1000.0, -1000.0)
"""how much further from zero sides that agree are compared again"""


class IdentitySides(NamedTuple):
    """An identity as read: the derivative's name (or None for equal values), and both sides."""

    wrt: str | None
    left: str
    right: str


def read_identity(text: str) -> IdentitySides:
    """Read an identity; ParseError without exactly one equals sign, or for ∇ of several names without a subscript."""
    if not isinstance(text, str):
        raise ParseError(f"an identity is text, not {type(text).__name__}")
    signs = list(EQUALS.finditer(re.sub(r"axis\s*=", lambda m: "axis" + " " * (len(m[0]) - 4), text)))
    if len(signs) != 1:
        raise ParseError(f"an identity has one =, not {len(signs)}", hint='write "d/dX log(det(X)) = inv(X).T"',
                         text=text, position=signs[1].start() if signs else max(0, len(text) - 1))  # fmt: skip
    left, right = text[: signs[0].start()], text[signs[0].end() :].strip()
    for form in BY:
        match = form.match(left)
        if match is not None:
            wrt = match["wrt"] or match["braced"]
            return IdentitySides(wrt, _unbracketed(match["f"].strip()), right)
    match = PLAIN_GRADIENT.match(left)
    if match is None:
        return IdentitySides(None, left.strip(), right)
    inner = _unbracketed(match["f"].strip())
    return IdentitySides(_only_argument(inner, text), inner, right)


def _only_argument(f: str, text: str) -> str:
    """The name that ∇ means: the only vector x, or the only name; ParseError where there are several."""
    names = names_of(parse_array(f, given=variables_in(f)))
    chosen = [name for name in names if name == "x"] or names
    if len(chosen) != 1:
        raise ParseError("∇ by which name?", hint="write ∇_x", text=text, position=0)
    return chosen[0]


def _unbracketed(text: str) -> str:
    """What stands in brackets, if those are around the whole and no literal."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    depth = 0
    for k, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return text[1:-1] if k == len(text) - 1 and "," not in text else text
    return text


class CounterExample(NamedTuple):
    """Values at which the sides differ: what is claimed and what is true there, and whether that is proven.

    ``difference`` is the largest of an entry, as text of three digits, as it may lie far below the range and the
    rounding of the values; None where no difference of entries is known.
    """

    values: Mapping[str, Any]
    claimed: Any
    true: Any
    proven: bool
    difference: str | None


@dataclass(frozen=True, eq=False, repr=False)
class Identity(ReportViews, ByContent):
    """The verdict on an identity: "true", "false" or "undecided".

    ``layout`` says how a derivative had to be read for it to hold. ``reason``
    says why it holds or does not; ``derived`` whether both sides also simplify
    to one form. ``right`` is the formula that is true, if one is known and has
    passed its check. ``worst`` is the largest relative difference that is
    proven. ``kinks`` say where f may have no derivative.

    Examples
    --------
    >>> found = dk.check_identity("d/dx x.T @ A @ x = 2 * A @ x")
    >>> found.verdict, found.right
    ('false', '(A + A.T) @ x')
    """

    text: str
    """the identity as it was given"""
    verdict: str
    """true, false or undecided"""
    reason: str
    """why it holds, or does not"""
    layout: str
    """how a derivative had to be read for it to hold"""
    derived: bool
    """whether both sides also simplify to one form"""
    right: str | None
    """the formula that is true, if one is known"""
    problem: Problem
    """the names with their shapes"""
    wrt: str | None
    """the name that is differentiated by, if one is"""
    trials: int
    """on how many random shapes both sides were compared"""
    worst: float
    """the largest relative difference that is proven"""
    counterexample: CounterExample | None = None
    """values at which the sides differ"""
    kinks: tuple[str, ...] = ()
    """where f may have no derivative"""

    @property
    def text_latex(self) -> str:
        """The identity as LaTeX, as it was read; LimitError if it is too long."""
        left, right = map(self._latex, self.problem.trees)
        if self.wrt is None:
            return f"{left} = {right}"
        return f"\\frac{{\\partial}}{{\\partial {latex_name(self.wrt)}}}\\left({left}\\right) = {right}"

    @property
    def right_latex(self) -> str | None:
        """The formula that is true as LaTeX, if one is known."""
        return None if self.right is None else self._latex(parse_array(self.right, DEFAULT, tuple(self.problem.shapes)))

    def _latex(self, tree: Node) -> str:
        return tree_latex(tree, MatrixAlgebra(self.problem.shapes).shape)

    def __bool__(self) -> bool:
        """An identity is true only if its verdict is."""
        return self.verdict == "true"

    def __repr__(self) -> str:
        return f"<identity {visible(self.text)}: {self}>"

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


class TrialRecord(NamedTuple):
    """The trials of a claim on which both sides have a value, with their gaps, and on which of others one has one."""

    gaps: list[tuple[float, Trial]]
    left_alone: int
    right_alone: int

    @property
    def worst(self) -> float:
        """The largest gap; zero if none is proven."""
        return max((gap for gap, _ in self.gaps), default=float("inf"))


@timed
@undisturbed()
def check_identity(
    text: str, *, shapes: Mapping[str, Sequence[Length]] | None = None, symmetric: Sequence[str] = (),
    timeout: float | None = None,  # noqa: ARG001
) -> Identity:  # fmt: skip
    """Check an identity such as ``d/dX log(det(X)) = inv(X).T`` on random shapes.

    A derivative of a scalar is its gradient, in the shape of the argument; of a
    vector by a vector it may be written as the Jacobian or, transposed, as a
    gradient. A name such as n that only divides or multiplies one side may
    count the entries of any length.

    Parameters
    ----------
    text : str
        Both sides, with ``=`` between them.
    shapes : mapping, optional
        Lengths by name, numbers or letters, such as ``{"A": ("n", "n")}``.
    symmetric : sequence of str, default ()
        Matrices that are symmetric.
    timeout : float, optional
        Seconds after which it is undecided.

    Returns
    -------
    Identity
        The verdict; false comes with values at which the sides differ.

    Raises
    ------
    ParseError
        For text that is no identity.
    ShapeError
        For shapes that do not fit.
    VariableError
        For a name that the left side does not have.

    Examples
    --------
    >>> dk.check_identity("d/dX log(det(X)) = inv(X).T").verdict
    'true'
    """
    sides = read_identity(text)
    problem = read_problem([sides.left, sides.right], shapes, symmetric, claim=True, wrt=sides.wrt)
    if sides.wrt is not None and sides.wrt not in problem.shapes:
        what = f"{sides.wrt} is a length" if sides.wrt in problem.sizes else f"the left side has no {sides.wrt}"
        raise VariableError(f"{what}: it is nothing to differentiate by", hint=f"it has {', '.join(problem.shapes)}")
    first: Identity | ShapeError | None = None
    for counted in problem.with_counts():
        try:
            found = _identity(text, sides, counted)
        except ShapeError as error:
            first = error if first is None else first
            continue
        except TimeIsUp as up:
            return Identity(text, "undecided", up.reason, "", False, None, problem, sides.wrt, 0, math.inf)
        if found.verdict == "true":
            return found
        first = first if isinstance(first, Identity) else found
    if isinstance(first, Identity):
        return first
    raise ShapeError("the sides have no lengths to count") if first is None else first


def _identity(text: str, sides: IdentitySides, problem: Problem) -> Identity:
    """What trials say of an identity under one reading of its sizes."""
    algebra, wrt = MatrixAlgebra(problem.shapes, problem.symmetric), sides.wrt
    f = simplified(algebra, problem.trees[0])
    expected = algebra.shape(f) if wrt is None else (*algebra.shape(f), *problem.shapes[wrt])
    if wrt is not None and problem.trees[1] == number(0) and expected:
        problem = replace(problem, trees=(problem.trees[0], algebra.zeros(expected)))
    g = simplified(algebra, problem.trees[1])
    claimed = algebra.shape(g)
    if wrt is None and len(expected) != len(claimed):
        raise ShapeError(f"the left side is {said(expected)}, the right side {said(claimed)}")
    readings = [(words, claim, _met(problem, claim)) for words, claim in _readings(problem, algebra.shape(f), wrt)]
    words, claim, met = min(readings, key=lambda reading: reading[2].worst)
    differ = sum(gap > 0 for gap, _ in met.gaps)
    if wrt is None:
        verdict, reason = _verdict(problem, met, differ, derived := f == g)
        truth = None
    else:
        truth = _truth(algebra, f, wrt, claim.turned)
        verdict, reason = _verdict(problem, met, differ, derived := truth == g)
        if differ:
            reason = _shapes_differ(problem, wrt, expected, claimed) or reason + _held_transposed(problem, claim)
        if differ or not derived:  # else the trial was of this formula
            truth = _tried(problem, wrt, truth, claim.turned, algebra)

    shown = None if truth is None else str(finished(algebra, truth))
    return Identity(
        text, verdict, reason, words, derived and verdict == "true", shown, problem,
        wrt, len(met.gaps), met.worst, _counterexample(problem, claim, met) if differ else None,
        () if wrt is None else kinks(algebra, f, wrt),
    )  # fmt: skip


def _verdict(problem: Problem, met: TrialRecord, differ: int, derived: bool) -> tuple[str, str]:
    """The verdict and its reason, by the number of trials on which the sides ``differ``."""
    if differ:
        return "false", f"the sides differ on {differ} of {tried(problem, len(met.gaps))}"
    if len(met.gaps) < TRIALS:
        return "undecided", _too_few(problem, met)
    how = "both sides simplify to the same formula, and they agree" if derived else "the sides agree"
    return "true", f"{how} on {tried(problem, TRIALS)}, to {AGREED_DIGITS} digits{_domain(met)}"


def _readings(problem: Problem, value: Shape, wrt: str | None) -> list[tuple[str, ClaimedEquality]]:
    """The layouts in which a left side may be meant."""
    left, right = problem.trees
    if wrt is None:
        return [("", ClaimedEquality(left, right))]
    own = problem.shapes[wrt]
    plain = ClaimedEquality(left, right, wrt, symmetric=wrt in problem.symmetric)
    if value and not own:
        return [("every entry by the scalar", plain)]
    if not value:
        return [(f"the gradient, in the shape of {wrt}", plain)]
    if len(value) == len(own) == 1:
        return [(f"the Jacobian, entry [i, j] = ∂f[i]/∂{wrt}[j]", plain),
                (f"the gradient layout, entry [i, j] = ∂f[j]/∂{wrt}[i]", replace(plain, turned=True))]  # fmt: skip
    raise FormError(f"the derivative of {said(value)} by {said(own)} has {len(value) + len(own)} axes",
                    hint="identities are checked up to matrices")  # fmt: skip


def _met(problem: Problem, claim: ClaimedEquality) -> TrialRecord:
    """Try a claim on random shapes, each with the first values at which both sides have one."""
    places = list(about_thresholds(_thresholds(problem, claim), exactly=claim.wrt is None))
    gaps: list[tuple[float, Trial]] = []
    left = right = misses = 0
    for trials in random_trials(problem):
        for trial in trials:
            met = claim.at(trial)
            if met.gap is not None:
                misses, k = 0, len(gaps)
                further = (
                    trial.around(*place) for place in ((0.0, FAR_FACTORS[k % len(FAR_FACTORS)]), *places[k::TRIALS])
                )
                gaps.append((met.gap, trial) if met.gap else _first_gap(claim, further))
                break
            left, right, misses = left + (met.left > met.right), right + (met.right > met.left), misses + 1
        if len(gaps) == TRIALS or misses > MISSES:
            return TrialRecord(gaps, left, right)
    raise AssertionError  # there is no end of random shapes


def _thresholds(problem: Problem, claim: ClaimedEquality) -> tuple[float, ...]:
    """The thresholds of both sides as written, and with their constants folded."""
    algebra, sides = MatrixAlgebra(problem.shapes, problem.symmetric), (claim.left, claim.right)
    return thresholds(*sides, *(simplified(algebra, side) for side in sides))


def _first_gap(claim: ClaimedEquality, trials: Iterable[Trial]) -> tuple[float, Trial]:
    """The first trial at which the sides differ, with their gap; the last one if at none."""
    for trial in trials:
        gap = claim.at(trial).gap or 0.0
        if gap:
            break
    return gap, trial


def _truth(algebra: MatrixAlgebra, f: Node, wrt: str, turned: bool) -> Node | None:
    """The derivative in a layout, if a formula is known."""
    try:
        found = derivative(algebra, f, wrt)
    except FormError:
        return None
    return algebra.T(found) if turned else found


def _tried(problem: Problem, wrt: str, truth: Node | None, turned: bool, algebra: MatrixAlgebra) -> Node | None:
    """A formula, if there is one and it passes the trial of an answer."""
    if truth is None:
        return None
    try:
        confirm(problem, problem.trees[0], wrt, finished(algebra, algebra.T(truth) if turned else truth))
    except FormError:
        return None
    return truth


def _too_few(problem: Problem, met: TrialRecord) -> str:
    """Why there is no verdict."""
    if met.gaps:
        return f"the sides agree, but both have a value on {tried(problem, len(met.gaps))} only"
    if met.left_alone and met.right_alone:
        return "each side has a value at some of the random values tried, both at none of them"
    side = "left" if met.right_alone else "right" if met.left_alone else ""
    return f"{f'the {side} side has' if side else 'the sides have'} no value at any of the random values tried"


def _domain(met: TrialRecord) -> str:
    """Where one side alone has a value, in words."""
    sides = [side for side, count in (("left", met.left_alone), ("right", met.right_alone)) if count]
    if not sides:
        return ""
    alone = " or ".join(f"the {side} side" for side in sides)
    return f", where both have a value: at some other values {alone} alone has one"


def _shapes_differ(problem: Problem, wrt: str, expected: Shape, claimed: Shape) -> str:
    """The reason of shapes that do not fit; empty if they do."""
    if claimed in (expected, tuple(reversed(expected))):
        return ""
    reason = f"the right side is {said(claimed)}, and the derivative is {said(expected)}"
    if len(expected) == 2 and len(claimed) == 1 and wrt in problem.assumed:
        reason += f"; for a scalar {wrt} say --shape {wrt}=scalar"
    return reason


def _held_transposed(problem: Problem, claim: ClaimedEquality) -> str:
    """A remark where a gradient by a matrix is right but for its layout."""
    if len(problem.shapes[str(claim.wrt)]) != 2 or claim.turned or _met(problem, replace(claim, turned=True)).worst:
        return ""
    return "; it holds with the gradient transposed, which is the numerator layout"


def _counterexample(problem: Problem, claim: ClaimedEquality, met: TrialRecord) -> CounterExample:
    """Small whole numbers at which the sides differ, or these times a threshold; else the smallest random shape."""
    factors = (1.0, *_thresholds(problem, claim))
    small = (trial.times(factor) for factor in factors for trial in small_trials(problem))
    found = next((trial for trial in small if claim.at(trial).gap), None)
    if found is None:
        found = min((trial for gap, trial in met.gaps if gap), key=lambda trial: sum(trial.sizes.values()))
    claimed, true, difference = claim.both(found)
    proven = bool(np.isfinite(claimed).all() and np.isfinite(true).all())
    return CounterExample(found.values, claimed, true, proven, difference)

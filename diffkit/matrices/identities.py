"""Is an identity of matrix calculus true? Tried on random shapes, refuted by a small counter-example, or derived."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from diffkit.errors import DiffkitError, FormError, ParseError, ShapeError
from diffkit.matrices.algebra import Algebra
from diffkit.matrices.derivatives import derivative, simplified
from diffkit.matrices.display import finished
from diffkit.matrices.evaluation import ArrayFunction
from diffkit.matrices.nodes import Node
from diffkit.matrices.problem import Problem, read_problem
from diffkit.matrices.shapes import Length, said, shapes_of
from diffkit.matrices.trials import TRIALS, Trial, apart, at_sizes, concrete, reference, usable_trials, value_of

LEFT = re.compile(
    r"\s*(?:d\s*/\s*d\s*(?P<d>[A-Za-z]\w*)|(?:∇|grad)(?:_|\s)?\{?(?P<g>[A-Za-z]\w*)\}?)(?P<f>[\s(\[].*)\Z", re.DOTALL
)
EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
CLOSE = 1e-10
"""relative difference from which an identity counts as broken; rounding stays far below"""
FEW = 40
"""small whole numbers tried in search of a counter-example that can be followed by hand"""


class CounterExample(NamedTuple):
    """Values at which the sides differ: what is claimed and what is true there, and whether both are proven."""

    values: Mapping[str, Any]
    claimed: Any
    true: Any
    proven: bool


@dataclass(frozen=True)
class Identity:
    """The verdict on an identity: "true", "false" or "undecided".

    ``layout`` says how a derivative had to be read for it to hold. ``reason`` says why it holds or does not;
    ``derived`` whether both sides also simplify to one form. ``right`` is the formula that is true, if one is known.
    """

    text: str
    verdict: str
    reason: str
    layout: str
    derived: bool
    right: str | None
    problem: Problem
    wrt: str | None
    trials: int
    worst: float
    counterexample: CounterExample | None = None

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


class Sides(NamedTuple):
    """An identity as read: the derivative's name (or None for equal values), and both sides."""

    wrt: str | None
    left: str
    right: str


def read_identity(text: str) -> Sides:
    """Read ``d/dX f = g``, ``∇_x f = g`` or ``f = g``; ParseError without exactly one equals sign."""
    signs = list(EQUALS.finditer(re.sub(r"axis\s*=", lambda m: "axis" + " " * (len(m[0]) - 4), text)))
    if len(signs) != 1:
        raise ParseError(f"an identity has one =, not {len(signs)}", hint='write "d/dX log(det(X)) = inv(X).T"',
                         text=text, position=signs[1].start() if signs else max(0, len(text) - 1))  # fmt: skip
    left, right = text[: signs[0].start()], text[signs[0].end() :]
    match = LEFT.match(left)
    if match is None:
        return Sides(None, left.strip(), right.strip())
    inner = match["f"].strip()
    if inner.startswith("[") and inner.endswith("]") and _closes(inner):
        inner = inner[1:-1]
    return Sides(match["d"] or match["g"], inner, right.strip())


def _closes(text: str) -> bool:
    """Whether the first bracket is closed by the last one, and is no literal."""
    depth = 0
    for k, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return k == len(text) - 1 and "," not in text
    return False


def check_identity(
    text: str, *, shapes: Mapping[str, Sequence[Length]] | None = None, symmetric: Sequence[str] = ()
) -> Identity:
    """Check an identity such as ``d/dX log(det(X)) = inv(X).T`` on random shapes.

    A derivative of a scalar is its gradient, in the shape of the argument; of a vector by a vector it may be written
    as the Jacobian or, transposed, as a gradient. False comes with values at which the sides differ.
    Raises ParseError, ShapeError and VariableError for text that is no identity.
    """
    sides = read_identity(text)
    problem = _problem(sides, shapes, symmetric)
    left, right = problem.trees
    if sides.wrt is None:
        return _equal_values(text, problem, left, right)
    if sides.wrt not in problem.shapes:
        raise DiffkitError(f"the left side has no {sides.wrt} to differentiate by",
                           hint=f"it has {', '.join(problem.shapes)}")  # fmt: skip
    return _derivative(text, problem, sides.wrt, left, right)


def _problem(sides: Sides, shapes: Mapping[str, Sequence[Length]] | None, symmetric: Sequence[str]) -> Problem:
    return read_problem([sides.left, sides.right], shapes, symmetric, alike=sides.wrt is None)


class _Reading(NamedTuple):
    """One way to lay out the left side."""

    words: str
    turned: bool


def _derivative(text: str, problem: Problem, wrt: str, left: Node, right: Node) -> Identity:
    algebra = Algebra(problem.shapes, problem.symmetric)
    f, g = simplified(algebra, left), simplified(algebra, right)
    value, own, claimed = algebra.shape(f), algebra.shapes[wrt], algebra.shape(g)
    readings = [_Reading(f"the gradient, in the shape of {wrt}", False)]
    if value and own and len(value) == len(own) == 1:
        readings = [_Reading(f"the Jacobian, entry [i, j] = ∂f[i]/∂{wrt}[j]", False),
                    _Reading(f"the gradient layout, entry [i, j] = ∂f[j]/∂{wrt}[i]", True)]  # fmt: skip
    elif value and not own:
        readings = [_Reading("every entry by the scalar", False)]
    elif value:
        raise FormError(f"the derivative of {said(value)} by {said(own)} has {len(value) + len(own)} axes",
                        hint="identities are checked up to matrices")  # fmt: skip
    formula = _formula(algebra, f, wrt)
    pairs = list(islice(usable_trials(problem, left, wrt), TRIALS))
    if not pairs:
        return _undecided(text, problem, wrt, "the left side has no derivative at any of the random values tried")
    gaps = []
    for reading in readings:
        gaps.append([apart(_claimed(right, trial), known.T if reading.turned else known) for trial, known in pairs])
    best = min(range(len(readings)), key=lambda k: max(gaps[k]))
    worst, reading = max(gaps[best]), readings[best]
    truth = None if formula is None else algebra.T(formula) if reading.turned else formula
    shown = None if truth is None else str(finished(algebra, truth))
    if worst <= CLOSE:
        derived = truth is not None and truth == g
        how = "both sides simplify to the same formula, and they agree" if derived else "the sides agree"
        return Identity(text, "true", f"{how} on {len(pairs)} random shapes", reading.words, derived, shown, problem,
                        wrt, len(pairs), worst)  # fmt: skip
    reason = f"the sides differ on {sum(gap > CLOSE for gap in gaps[best])} of {len(pairs)} random shapes"
    expected = own if not value else (*value, *own)
    if len(claimed) != len(expected) or (claimed != expected and claimed != tuple(reversed(expected))):
        reason = f"the right side is {said(claimed)}, and the derivative is {said(expected)}"
    elif len(own) == 2 and not value and all(apart(_claimed(right, t), k.T) <= CLOSE for t, k in pairs):
        reason += "; it holds with the gradient transposed, which is the numerator layout"
    example = _counterexample(problem, wrt, left, right, reading.turned, pairs, gaps[best])
    return Identity(text, "false", reason, reading.words, False, shown, problem, wrt, len(pairs), worst, example)


def _undecided(text: str, problem: Problem, wrt: str | None, reason: str) -> Identity:
    return Identity(text, "undecided", reason, "", False, None, problem, wrt, 0, float("nan"))


def _formula(algebra: Algebra, f: Node, wrt: str) -> Node | None:
    try:
        return derivative(algebra, f, wrt)
    except FormError:
        return None


def _claimed(right: Node, trial: Trial) -> Any:
    try:
        return value_of(right, trial)
    except (DiffkitError, np.linalg.LinAlgError):
        return np.array(np.nan)


def _counterexample(
    problem: Problem, wrt: str, left: Node, right: Node, turned: bool, pairs: Sequence[tuple[Trial, Any]],
    gaps: Sequence[float],
) -> CounterExample:  # fmt: skip
    """Small whole numbers at which the sides differ, proven where that succeeds; else the smallest random shape."""
    for trial in _small_trials(problem):
        known, claimed = reference(problem, left, wrt, trial), _claimed(right, trial)
        if known is None or not np.isfinite(claimed).all():
            continue
        known = known.T if turned else known
        if apart(claimed, known) > CLOSE:
            proven = _proven(problem, wrt, left, right, trial, turned)
            return CounterExample(trial.values, *(proven or (claimed, known)), proven is not None)
    k = min((k for k, gap in enumerate(gaps) if gap > CLOSE), key=lambda k: sum(pairs[k][0].sizes.values()))
    trial, known = pairs[k]
    return CounterExample(trial.values, _claimed(right, trial), known.T if turned else known, False)


def _small_trials(problem: Problem) -> list[Trial]:
    """Lengths 2 and 3 and entries from −3 to 3, symmetric where declared; nearly diagonal ones among them."""
    rng = np.random.default_rng(1)
    trials = []
    for k in range(FEW):
        sizes = dict(zip(problem.lengths, [2, 3, 4, 5, 6, 7][: len(problem.lengths)], strict=False))
        sizes.update({name: 2 for name in problem.lengths if name not in sizes})
        values: dict[str, Any] = {}
        for name, shape in problem.shapes.items():
            value = rng.integers(-3 if k % 2 else 1, 4, concrete(shape, sizes)).astype(float)
            if name in problem.symmetric:
                value = np.triu(value) + np.triu(value, 1).T
            values[name] = value[()]
        trials.append(Trial(sizes, values))
    return trials


def _proven(
    problem: Problem, wrt: str, left: Node, right: Node, trial: Trial, turned: bool
) -> tuple[Any, Any] | None:  # fmt: skip
    """Both sides as correctly rounded values from ball arithmetic, where those differ; None if that fails.

    The right side g is had as the derivative of t*g by t.
    """
    from diffkit.api import jacobian

    plain, claim = at_sizes(left, trial.sizes), at_sizes(right, trial.sizes)
    scale = next(name for name in ("t", "scale", "by") if name not in trial.values)
    names = tuple(trial.values)
    sizes = {name: np.shape(value) for name, value in trial.values.items()}
    try:
        shape = shapes_of(claim, sizes)[claim]
        true = jacobian(ArrayFunction(plain, {}, variables=names), trial.values, wrt=wrt)
        scaled = ArrayFunction(Node("*", (Node("name", value=scale), claim)), {}, variables=(scale, *names))
        claimed = jacobian(scaled, {scale: 1.0, **trial.values}, wrt=scale)
    except DiffkitError:
        return None
    if not (true.ok and claimed.ok and true.error_kind == claimed.error_kind == "proven"):
        return None
    value_shape = np.shape(value_of(left, trial))
    known = np.asarray(true.value).reshape(value_shape + np.shape(trial.values[wrt]))
    if wrt in problem.symmetric:
        known = (known + known.T) / 2
    found = np.asarray(claimed.value).reshape(concrete(shape, {}))
    known = known.T if turned else known
    return (found, known) if apart(found, known) > CLOSE else None


def _equal_values(text: str, problem: Problem, left: Node, right: Node) -> Identity:
    """Whether two expressions are equal: f = g is the derivative of t*f by t, at every t."""
    algebra = Algebra(problem.shapes, problem.symmetric)
    f, g = simplified(algebra, left), simplified(algebra, right)
    if len(algebra.shape(f)) != len(algebra.shape(g)):
        raise ShapeError(f"the left side is {said(algebra.shape(f))}, the right side {said(algebra.shape(g))}")
    from diffkit.matrices.trials import random_trials

    gaps: list[tuple[float, Trial]] = []
    sizes: object = None
    for trial in islice(random_trials(problem), 12 * TRIALS):
        if trial.sizes is sizes or not np.isfinite(known := _claimed(left, trial)).all():
            continue
        sizes = trial.sizes
        gaps.append((apart(_claimed(right, trial), known), trial))
    if not gaps:
        return _undecided(text, problem, None, "the left side has no value at any of the random values tried")
    worst, trial = max(gaps, key=lambda pair: pair[0])
    if worst <= CLOSE:
        return Identity(text, "true", f"the sides agree on {len(gaps)} random shapes", "", f == g, None, problem, None,
                        len(gaps), worst)  # fmt: skip
    for small in _small_trials(problem):
        if apart(_claimed(right, small), _claimed(left, small)) > CLOSE and np.isfinite(_claimed(left, small)).all():
            trial = small
            break
    example = CounterExample(trial.values, _claimed(right, trial), _claimed(left, trial), False)
    reason = f"the sides differ on {sum(gap > CLOSE for gap, _ in gaps)} of {len(gaps)} random shapes"
    return Identity(text, "false", reason, "", False, None, problem, None, len(gaps), worst, example)

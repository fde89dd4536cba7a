"""Rows of choice: comparisons, and/or/not, where, max and min."""

from __future__ import annotations

import operator
from typing import Any

from diffkit.core.table import ball_forms, ieee
from diffkit.core.table.places import Place
from diffkit.core.table.primitive import row


def _select_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    """The tangent of the chosen branch: selecting, not multiplying, so the other branch's NaN stays out."""
    _, x, z = (0 if t is None else t for t in tangents)
    return F.where(args[0], x, z)


def _max_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    s, t = (0 if t is None else t for t in tangents)
    return F.where(args[0] >= args[1], s, t)


def _min_pushforward(F: Any, args: Any, y: Any, tangents: Any) -> Any:
    s, t = (0 if t is None else t for t in tangents)
    return F.where(args[0] <= args[1], s, t)


def _certain(holds: bool, fails: bool) -> bool | None:
    """A comparison of balls is true only where it holds throughout; None where the balls do not tell."""
    return True if holds else False if fails else None


def _both(p: bool | None, q: bool | None) -> bool | None:
    return False if p is False or q is False else None if p is None or q is None else True


def _not(p: bool | None) -> bool | None:
    return None if p is None else not p


def _comparison(
    name: str, sign: str, function: Any, opposite: Any, array: str, sympy: str, words: str
) -> None:
    row(name, "x, y", words, infix=sign, truth=True, callable=False,
        floats=function, array=array, mpmath=lambda mp, x, y: function(x, y), sympy=sympy, ulps=0.0,
        ball=lambda flint, x, y: _certain(function(x, y), opposite(x, y)),
        partials=(None, None),
        places=(Place("jump", lambda F, x, y: x - y, "x = y"),),
        points=((1.0, 2.0), (2.0, -1.0)))


_comparison("lt", "<", operator.lt, operator.ge, "less", "Lt", "less than")
_comparison("le", "<=", operator.le, operator.gt, "less_equal", "Le", "at most")
_comparison("gt", ">", operator.gt, operator.le, "greater", "Gt", "greater than")
_comparison("ge", ">=", operator.ge, operator.lt, "greater_equal", "Ge", "at least")
_comparison("eq", "==", operator.eq, operator.ne, "equal", "Eq", "equal to")
_comparison("ne", "!=", operator.ne, operator.eq, "not_equal", "Ne", "different from")

row("and_", "p, q", "both conditions hold", infix="and", truth=True, truths=(0, 1), callable=False,
    floats=lambda p, q: p and q,
    ball=lambda flint, p, q: _both(p, q), array="logical_and", mpmath=lambda mp, p, q: p and q, sympy="And", ulps=0.0,
    partials=(None, None), points=((True, False), (True, True)))

row("or_", "p, q", "one of the conditions holds", infix="or", truth=True, truths=(0, 1), callable=False,
    floats=lambda p, q: p or q,
    ball=lambda flint, p, q: _not(_both(_not(p), _not(q))),
    array="logical_or", mpmath=lambda mp, p, q: p or q, sympy="Or", ulps=0.0,
    partials=(None, None), points=((True, False), (False, False)))

row("not_", "p", "the condition does not hold", infix="not ", truth=True, truths=(0,), callable=False,
    floats=operator.not_,
    ball=lambda flint, p: _not(p), array="logical_not", mpmath=lambda mp, p: not p, sympy="Not", ulps=0.0,
    partials=(None,), points=(True, False))

row("where", "condition, x, y", "x if the condition holds, else y", truths=(0,), aliases=("Piecewise",), bends=(),
    pairs="where",
    floats=ieee.where, array="where", mpmath=lambda mp, c, x, y: x if c else y, ulps=0.0,
    sympy=lambda sp, c, x, y: sp.Piecewise((x, c), (y, True)),
    ball=lambda flint, c, x, y: x.union(y) if c is None else x if c else y, series=ball_forms.where,
    partials=(None, lambda F, c, x, y, r: F.where(c, 1, 0), lambda F, c, x, y, r: F.where(c, 0, 1)),
    pushforward=_select_pushforward,
    points=((True, 1.5, -2.0), (False, 1.5, -2.0)))

row("max", "x, y", "largest argument", variadic=True, monotone=1, aliases=("Max", "maximum"), bends=(),
    pairs="max", extreme=1, options=(lambda F, x, y: x, lambda F, x, y: y),
    convention="and frameworks differ: JAX and PyTorch take the middle, others the first argument",
    germ="extreme", exact="largest", latex="\\max",
    floats=ieee.maximum, array="maximum", mpmath=lambda mp, x, y: x if x >= y or x != x else y,
    sympy="Max", fold=max, ball="max", series=ball_forms.largest, ulps=0.0,
    partials=(lambda F, x, y, m: F.where(x >= y, 1, 0), lambda F, x, y, m: F.where(x >= y, 0, 1)),
    pushforward=_max_pushforward,
    places=(Place("kink", lambda F, x, y: x - y, "x = y", slope=lambda F, s, t: F.max(s, t)),),
    points=((1.0, 2.0), (0.3, -1e-300)))

row("min", "x, y", "smallest argument", variadic=True, monotone=1, aliases=("Min", "minimum"), bends=(),
    pairs="min", extreme=-1, options=(lambda F, x, y: x, lambda F, x, y: y),
    convention="and frameworks differ: JAX and PyTorch take the middle, others the first argument",
    germ="extreme", exact="smallest", latex="\\min",
    floats=ieee.minimum, array="minimum", mpmath=lambda mp, x, y: x if x <= y or x != x else y,
    sympy="Min", fold=min, ball="min", series=ball_forms.smallest, ulps=0.0,
    partials=(lambda F, x, y, m: F.where(x <= y, 1, 0), lambda F, x, y, m: F.where(x <= y, 0, 1)),
    pushforward=_min_pushforward,
    places=(Place("kink", lambda F, x, y: x - y, "x = y", slope=lambda F, s, t: F.min(s, t)),),
    points=((1.0, 2.0), (0.3, -1e-300)))

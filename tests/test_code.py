"""Derivatives written as code: what compiles and runs gives the proven values, and nothing of a user's text runs."""

import functools

import numpy as np
import pytest
from code_runners import RUNNERS

import diffkit as dk
from diffkit.asking.questions import open_question
from diffkit.core.table import table
from diffkit.methods.program_evaluation import table_bound

LANGUAGES = ("python", "numpy", "jax", "c", "julia", "fortran", "latex")
LACKING = {("c", "digamma"), ("c", "polygamma"), ("fortran", "digamma"), ("fortran", "polygamma"), ("jax", "besselj")}
"""rows that a language has not, nor any formula for them; and derivatives that name these"""
LACKING |= {(language, name) for language in ("c", "fortran") for name in ("gamma", "loggamma")}


def row_text(row, point):
    """A formula that applies a row, its orders those of a point."""
    names = [str(int(point[k])) if k in row.orders else "xyz"[k] for k in range(len(row.arguments))]
    if row.name == "where":
        return "where(x < y, x*y, x - y)"
    if row.truth and row.truths:
        return {"and_": "where(x < 1 and y < 1, x, y)", "or_": "where(x < 1 or y < 1, x, y)", "not_": "where(not x < 1, x, x^2)"}[row.name]
    if row.truth:
        return f"where(x {row.infix} y, x*y, y)"
    if row.infix:
        return f"{row.infix}x" if len(names) == 1 else f"x {row.infix} y"
    return f"{row.name}({', '.join(names)})"


@functools.cache
def row_cases():
    """Formulas of all rows, each with a point and the proven gradient there."""
    found = []
    for row in table:
        for point in row.points:
            point = point if isinstance(point, tuple) else (point,)
            text = row_text(row, point)
            if row.truth or row.truths:
                point = (0.3, 2.0)[: 1 if row.name == "not_" else 2]
            values = [x for k, x in enumerate(point) if k not in row.orders]
            names = [name for name in "xyz" if name in dk.parse(text).variables]
            result = dk.gradient(text, values[: len(names)], variables=names)
            if result:
                found.append((row.name, text, values[: len(names)], result.value))
    return found


def bars(text, names, point):
    """What binary64 may round in each component of the table's gradient."""
    task = open_question(text, "gradient", names).task
    return np.array(table_bound(task, point))


@pytest.mark.parametrize("language", RUNNERS)
def test_code_of_every_row_gives_the_proven_gradient(language):
    codes, cases = [], []
    for k, (name, text, point, truth) in enumerate(row_cases()):
        names = sorted(dk.parse(text).variables)
        try:
            codes.append(dk.code(text, language=language, variables=names, name=f"g{k}"))
        except dk.BackendError as error:
            assert (language, name) in LACKING, error
        else:
            cases.append((name, text, point, truth, 1e-13 * np.abs(truth) + 4 * bars(text, names, point)))
    assert len({name for name, *_ in cases}) > 55
    for run, (_, text, point, truth, bar) in zip(RUNNERS[language](codes), cases, strict=True):
        found = run(*point)
        assert (np.abs(found - truth) <= bar).all(), (text, point, found, truth)

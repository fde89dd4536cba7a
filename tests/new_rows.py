"""Two functions added to the table at run time, as CONTRIBUTING says, and what each part of diffkit then makes of them.

Run as a program it prints, as JSON, what each check of tests/new_row_checks.py and tests/new_array_checks.py finds:
nothing, or what went wrong.
tests/test_new_rows.py runs it in a fresh process, so that no other test meets the new rows.
"""

import json
import math
import sys
import traceback
from fractions import Fraction

import new_array_checks  # noqa: F401 it registers checks
from new_row_checks import CHECKS


def add_rows():
    """Add the rows, as anybody adds one.

    1. ``definition``: what the function is, in other rows; or a form for each kind of number (``floats``, ``ball`` …).
    2. ``partials``: its derivative, in other rows, in a form that does not cancel.
    3. ``places``: where it is not smooth, and where the definition has no value although the function has one.
    4. ``points`` and ``ulps``: where the tests look, and how exact the floats are.
    5. What else is known: where it rises, its range, its LaTeX, its name in NumPy or SciPy.
    """
    from diffkit.core.table import Place, removable, table

    table.add(  # an edge, where it has a value, and a pole
        "flare", "x", "√(1 + x)/x", aliases=("flr",),
        definition=lambda F, x: F.sqrt(1 + x) / x,
        partials=(lambda F, x, y: -(x + 2) / (2 * x**2 * F.sqrt(1 + x)),),
        places=(Place("edge", lambda F, x: 1 + x, "x = −1", closed=True), Place("pole", lambda F, x: x, "x = 0")),
        latex="\\operatorname{fl}", ulps=3.0, points=(-0.7, 0.3, 40.0),
    )  # fmt: skip
    table.add(  # a removable point, where its power series takes the place of the definition
        "exprel", "x", "(eˣ − 1)/x, and 1 at 0",
        definition=lambda F, x: F.expm1(x) / x,
        partials=(lambda F, x, y: (F.exp(x) - y) / x,),
        places=(removable(lambda k: Fraction(1, math.factorial(k + 1))),),
        positive=True, monotone=1, range=(0.0, math.inf), exponent=60,
        array="scipy.special.exprel", ulps=3.0, points=(-3.0, 0.2, 5.0),
    )  # fmt: skip


def add_array_rows():
    """Add functions of whole arrays, as anybody adds one.

    1. ``shape``: that of the value, by lengths that may be letters; ShapeError where there is none.
    2. ``value``: what it is in functions of NumPy, or ``numpy``, its own name there.
    3. ``pull``: the adjoints of its arguments from its own, df = sum(g * dy), in formulas for any size.
    4. ``push``, ``made``, ``turned``, ``summed``: shorter forms, where there are any; ``latex``, its name or frame.
    5. ``kink``: where it is not smooth; and what is known of its sign.
    """
    from diffkit.core.table.array_row import array_table, no_formula
    from diffkit.core.table.array_shapes import along_axis, refuse, said

    def pull(a, y, g):
        (x,) = y.args
        if y.value is not None:
            raise no_formula(y, " along an axis")
        entries = a.times(*map(a.length, a.shape(x)))
        return [a.times(g, x, a.power(a.times(entries, y), a.number(-1)))]

    def gram_shape(call, shapes):
        (shape,) = shapes
        return (shape[1], shape[1]) if len(shape) == 2 else refuse(f"gram of {said(shape)}", "it takes a matrix")

    array_table.add(
        "rms", "root of the mean square of all entries, or along an axis", along_axis, axis=True, aliases=("rootms",),
        value=lambda np, x, axis=None: np.sqrt(np.mean(x * x, axis=axis)), pull=pull,
        never_negative=True, kink="every entry of # is 0", even_smooth=True, latex="\\operatorname{RMS}",
    )  # fmt: skip
    array_table.add(
        "gram", "the products of the columns of a matrix with each other, X.T @ X", gram_shape,
        value=lambda np, x: np.transpose(x) @ x, turned=lambda a, y: y,
        pull=lambda a, y, g: [a.matmul(y.args[0], a.add(g, a.T(g)))],
        push=lambda a, y, moving: a.add(
            a.matmul(a.T(moving[0]), y.args[0]), a.matmul(a.T(y.args[0]), moving[0])
        ),
    )  # fmt: skip


def main():
    """Add the rows and run every check."""
    add_rows()
    add_array_rows()
    found = {}
    for part, check in CHECKS.items():
        try:
            check()
        except Exception:
            found[part] = traceback.format_exc()
        else:
            found[part] = ""
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

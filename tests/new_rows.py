"""Two functions added to the table at run time, as CONTRIBUTING says, and what each part of diffkit then makes of them.

Run as a program it prints, as JSON, what each check of tests/new_row_checks.py finds: nothing, or what went wrong.
tests/test_new_rows.py runs it in a fresh process, so that no other test meets the new rows.
"""

import json
import math
import sys
import traceback
from fractions import Fraction

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


def main():
    """Add the rows and run every check."""
    add_rows()
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

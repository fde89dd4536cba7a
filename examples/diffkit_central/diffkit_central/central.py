"""(f(x + h) − f(x − h))/2h as a backend of diffkit: a package that adds a backend needs no more than this.

The truncation error is h²·f‴/6, so the difference to that of 2h is about three times it.
"""

from diffkit.backends import MeasuringTool

STEP = 2.0**-17  # near the cube root of the last place of binary64, where truncation and rounding are alike


class CentralBackend(MeasuringTool):
    """First derivatives by central differences, with an estimate of their error, which is no bound."""

    name = "central"
    most_order = 1

    def difference(self, f, place, orders):
        """Give f′(x) and its error, of a function of one number."""
        (x,) = place
        near, far = (slope(f, x, step * max(1.0, abs(x))) for step in (STEP, 2 * STEP))
        rounding = (abs(f(x)) + abs(near)) * 2.0**-50 / STEP
        return near, abs(far - near) / 3 + rounding


def slope(f, x, step):
    """Give the central difference of a step."""
    left, right = x - step, x + step
    return (f(right) - f(left)) / (right - left)

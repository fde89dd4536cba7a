"""Generated families of odd points with known answers: hundreds of kinks, jumps, removable points, poles and edges.

Answers come from mpmath's values of the smooth part and from calculus done here by hand, not from diffkit.
"""

from itertools import product

import mpmath
import pytest

import diffkit as dk

mpmath.mp.dps = 40
SMOOTH = {
    "sin(x)": (mpmath.sin, mpmath.cos),
    "exp(x)": (mpmath.exp, mpmath.exp),
    "(cos(2*x) + 2)": (lambda x: mpmath.cos(2 * x) + 2, lambda x: -2 * mpmath.sin(2 * x)),
    "(x**2 + 1)": (lambda x: x**2 + 1, lambda x: 2 * x),
    "(x**3 - x + 5)": (lambda x: x**3 - x + 5, lambda x: 3 * x**2 - 1),
    "1/(x**2 + 2)": (lambda x: 1 / (x**2 + 2), lambda x: -2 * x / (x**2 + 2) ** 2),
    "tanh(x)": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "atan(3*x)": (lambda x: mpmath.atan(3 * x), lambda x: 3 / (1 + 9 * x**2)),
}
PLACES = [mpmath.mpf(a) for a in (-2, -1, -0.5, 0, 0.25, 1, 3)]
CASES = [(text, g, slope, a) for (text, (g, slope)), a in product(SMOOTH.items(), PLACES)]


def at(text, a):
    """The derivative of a text with A for the place."""
    return dk.derivative(text.replace("A", f"({mpmath.nstr(a, 20)})"), float(a))


def same(found, expected):
    """Whether a proven number is the nearest binary64 of a 40-digit one."""
    return found is not None and found == float(expected)


@pytest.mark.parametrize("c", [1, -2, 0.75])
def test_kinks(c):
    for text, _, slope, a in CASES:
        result = at(f"{text} + {c}*abs(x - A)", a)
        assert result.status == "not_differentiable", text
        assert same(result.left, slope(a) - c), text
        assert same(result.right, slope(a) + c), text


@pytest.mark.parametrize("form", ["relu(x - A)", "max(x, A)", "where(x > A, x - A, 0)", "sqrt((x - A)**2)/2 + x/2"])
def test_kinks_of_other_shapes(form):
    """Slope 0 to the left and 1 to the right, times a smooth factor that is added to."""
    for text, _, slope, a in CASES:
        result = at(f"{text} + {form}", a)
        assert result.status == "not_differentiable", text
        assert same(result.left, slope(a)), text
        assert same(result.right, slope(a) + 1), text


@pytest.mark.parametrize("form", ["(x - A)*abs(x - A)", "relu(x - A)**2", "sqrt((x - A)**4)", "abs(x - A)**3",
                                  "where(x == A, 0, exp(-1/(x - A)**2))", "where(x > A, exp(-1/(x - A)), 0)",
                                  "where(x == A, 0, (x - A)**2*sin(1/(x - A)))"])  # fmt: skip
def test_flat_and_smooth_after_all(form):
    """What vanishes to second order adds nothing to the derivative of the smooth part."""
    for text, _, slope, a in CASES:
        result = at(f"{text} + {form}", a)
        assert result.ok, (text, result.message)
        assert same(result.value, slope(a)), text


@pytest.mark.parametrize("c", [1, -0.5])
def test_jumps(c):
    for text, _, slope, a in CASES:
        result = at(f"where(x > A, {text} + {c}, {text})", a)
        assert (result.status, result.message.count("jumps")) == ("not_differentiable", 1)
        assert same(result.left, slope(a))
        assert result.right is None


def test_removable_points():
    for text, g, slope, a in CASES:
        for form, limit in ((f"sin(x - A)/(x - A)*{text}", g(a)), (f"({text})*(x - A)/(x - A)", g(a)),
                            (f"(exp(x - A) - 1)/(x - A) + {text}", 1 + g(a)),
                            (f"(1 - cos(x - A))/(x - A)**2*{text}", g(a) / 2)):  # fmt: skip
            result = at(form, a)
            assert result.status == "domain_error"
            assert same(result.limit, limit), form
        if a == 0:  # g(0) is rational or vanishes, so the quotient tends to g′(0)
            result = at(f"({text} - ({mpmath.nstr(g(a), 20)}))/x", a)
            assert same(result.limit, slope(a)), text


@pytest.mark.parametrize("k", [1, 2, 3])
def test_poles(k):
    for text, g, _, a in CASES:
        if g(a) == 0:
            continue
        assert at(f"({text})/(x - A)**{k}", a).status == "pole", text
        assert at(f"{text} + 1/sin(x - A)**{k}", a).status == "pole", text


@pytest.mark.parametrize("form", ["sqrt(x - A)", "log(x - A)", "(x - A)**1.5", "acos(1 + x - A)", "log(abs(x - A))",
                                  "(A - x)**0.3", "acosh(1 + x - A)", "exp(1/(x - A))", "atan(1/(x - A))"])  # fmt: skip
def test_edges_and_essential_singularities(form):
    for text, _, _, a in CASES:
        assert at(f"{text} + {form}", a).status == "domain_error", text


@pytest.mark.parametrize("form", ["log(x - A - 1)", "sqrt(x - A - 1/2)", "asin(x - A + 2)", "(x - A - 3)**x"])
def test_outside(form):
    for text, _, _, a in CASES:
        result = at(f"{text} + {form}", a)
        assert (result.status, "outside" in result.message) == ("domain_error", True)


@pytest.mark.parametrize("edge", ["sqrt(x - A)", "log(x - A)", "acos(1 + x - A)", "(x - A)**1.5"])
def test_edges_inside_conditions(edge):
    """A condition without a value on one side leaves f without one there, whatever the branches are."""
    for text, _, _, a in CASES:
        result = at(f"where({edge} < 10, {text}, 2)", a)
        assert result.status == "domain_error", (text, edge)

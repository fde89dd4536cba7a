"""Ordinary points at which nothing was decided."""

from data.faults.measures import case, cli, exactly


@case("refuse", "a residual that is exactly zero: the mixed partials of least squares")
def zero_residual():
    import diffkit as dk

    return (
        exactly(dk.hessian("(1.7*w + b - 2.7)**2", {"w": 1, "b": 1}), [[2, 3.4], [3.4, 5.78]])
        and exactly(dk.derivative("exp(x)*(w/3-1/3)**2", {"w": 1, "x": 0}, wrt=("w", "x")), [0.0])
        and dk.hessian("sin((w/3-1/3)**2*b)", {"w": 1, "b": 2}).status == "ok"
    )


@case(
    "refuse",
    "answers that are binary64 numbers or ties, reached through roots, logarithms and squares of sine and cosine",
)
def ties():
    import diffkit as dk

    return all(
        dk.hessian(e, at).status == "ok" and dk.gradient(e, at).status == "ok"
        for e, at in (
            ("(sqrt(x**2) + sqrt(y**2))*(x*y)", [1.3, -0.4]),
            ("(sin(x)**2+cos(x)**2)*x*y+x**2", [0.7, 1.9]),
            ("sqrt(x**2)*(x+y)", [1.3, 2.2]),
            ("cbrt(x**3)*(x+y)", [1.3, 2.2]),
            ("hypot(x*3,x*4)*y", [1.1, 0.3]),
            ("log(exp(x))*y+exp(log(x**2))/x", [1.3, 0.7]),
        )
    )


@case("refuse", "Hessians of squared norms and of kernels at equal points: 2I; −2I, 2I in blocks")
def squared_norms():
    import numpy as np

    import diffkit as dk

    two = 2 * np.eye(2)
    return (
        exactly(dk.hessian(lambda u: np.linalg.norm(u) ** 2, np.zeros(2)), two)
        and exactly(dk.hessian("hypot(x,y)^2", [0.0, 0.0]), two)
        and exactly(
            dk.hessian(lambda z: np.exp(-(np.linalg.norm(z[:2] - z[2:]) ** 2)), np.array([1.0, 2.0, 1.0, 2.0])),
            np.block([[-two, two], [two, -two]]),
        )
    )


@case(
    "refuse",
    "places that do not concern a component: of a variable that is absent, an edge of another variable",
)
def unconcerned():
    import diffkit as dk

    return (
        exactly(dk.derivative("relu(z) + x*y", {"x": 1, "y": 2, "z": 0}, wrt=("x", "y")), [1.0])
        and exactly(dk.hessian("hypot(x,y,z)", [0.0, 0.0, 1.0]), [[1, 0, 0], [0, 1, 0], [0, 0, 0]])
        and list(dk.gradient("y**pi + z", {"y": 0, "z": 2}).statuses)[1] == "ok"
    )


@case("refuse", "x^n in x where n is held: 12 at x = −2, n = 3; 0^b in b for b > 0 is 0")
def powers():
    import diffkit as dk

    return (
        exactly(dk.derivative("x^n", {"x": -2, "n": 3}, wrt="x"), [12.0])
        and exactly(dk.derivative("0^b", 2), [0.0])
        and exactly(dk.derivative("(x-x)^b", {"x": 1, "b": 2}, wrt="b"), [0.0])
    )


@case("refuse", "stationary points of asin and atanh; removable points of x²·asinh(1/x), x/sinh(1/x)")
def row_facts():
    import diffkit as dk

    return "undecided" not in cli("stationary", "asin(x)*x", "--box", "x=0.2:0.9").stdout and all(
        dk.derivative(e, 0.0).limit == 0 for e in ("x^2*asinh(1/x)", "x^2*tanh(1/x)", "x*gelu(-1/x^2)", "x/sinh(1/x)")
    )

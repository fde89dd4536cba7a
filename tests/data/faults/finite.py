"""Bars of finite differences, which hold the error."""

import math

from data.faults.measures import case, close, honest, useful


@case("finite", "ripples: 158.0000063722 at order 1; −0.34821602872 at order 2; −54.186199; a callable at order 3")
def ripples():
    import diffkit as dk

    def f(x):
        return x**2 + 1e-6 * __import__("numpy").sin(1600 * x)

    return (
        honest(dk.derivative("x**2+1e-8*sin(1600*x)", 79, backend="finite"), 158.00000637218529)
        and honest(dk.derivative("x**2+1e-6*sin(1600*x)", 79, order=2, backend="finite"), -0.348216028722902)
        and honest(dk.derivative("x**2+1e-6*sin(10000*x)", 79, order=2, backend="finite"), -54.186199223238813)
        and honest(dk.derivative(f, 79.0, order=3, backend="finite"), -1631.279435004635)
    )


@case("finite", "where f''' jumps: f'' at a spline's knot and of x² + |x−1|³/6")
def third_jumps():
    import diffkit as dk

    return useful(
        dk.derivative(lambda x: x**2 + abs(float(x) - 1) ** 3 / 6, 1.0, order=2, backend="finite"), 2.0, 1e-3
    ) and useful(dk.derivative(lambda x: x**2 + max(float(x) - 1, 0.0) ** 3, 1.0, order=2, backend="finite"), 2.0, 1e-3)


@case("finite", "where f'' jumps, f' exists: Huber at its δ, x² + max(x−1,0)², 3 + x|x| + x")
def second_jumps():
    import diffkit as dk

    def huber(x):
        return 0.5 * x * x if abs(x) <= 1 else abs(x) - 0.5

    return all(
        useful(dk.derivative(lambda x, f=f: float(f(float(x))), at, backend="finite"), t, 1e-4)
        for f, at, t in (
            (huber, 1.0, 1.0),
            (lambda x: x**2 + max(x - 1, 0.0) ** 2, 1.0, 2.0),
            (lambda x: 3 + x * abs(x) + x, 0.0, 1.0),
        )
    )


@case("finite", "far out: third derivative of sqrt at 1e105; tiny x: exp at 1e-30 and 1e-300")
def scales():
    import diffkit as dk

    return (
        honest(dk.derivative("sqrt(x)", 1e105, order=3, backend="finite"), 1.1858541225631424e-263)
        and close(dk.derivative("exp(x)", 1e-30, backend="finite"), 1.0, 1e-9)
        and useful(dk.derivative("exp(x)", 1e-300, backend="finite"), 1.0, 1e-9)
    )


@case("finite", "evaluations counts every call of a callable")
def counting():
    import diffkit as dk

    n = [0]

    def f(x):
        n[0] += 1
        return math.exp(float(x))

    r = dk.derivative(f, 0.3, backend="finite")
    return r.evaluations == n[0]

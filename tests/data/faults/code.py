"""Code whose derivative only an independent witness may call ok."""

import math

from data.faults.measures import case, close, honest, useful


@case("code", "float32 norm: truth [.6, .8]; 0 ± 0 was called ok")
def f32_norm():
    import numpy as np

    import diffkit as dk

    return useful(dk.gradient(lambda w: np.linalg.norm(w).astype(np.float32), [3.0, 4.0]), [0.6, 0.8], 2e-3)


@case("code", "float32 abs: 2.2")
def f32_abs():
    import numpy as np

    import diffkit as dk

    return useful(dk.derivative(lambda w: float(np.float32(abs(w)) ** 2), 1.1), 2.2, 2e-3)


@case("code", "float32 of .real, as a wrapped framework does: cos(1), cos(2)")
def f32_real():
    import numpy as np

    import diffkit as dk

    def f(v):
        return float(np.sum(np.sin(np.float32(np.real(v)))))

    return useful(dk.gradient(f, np.array([1.0, 2.0])), [math.cos(1), math.cos(2)], 2e-3)


@case("code", "check: the right float32 claim is correct at rtol 1e-3, the zero claim is wrong")
def f32_check():
    import numpy as np

    import diffkit as dk

    def f(w):
        return float(np.float32(abs(w)) ** 2)

    return (
        dk.check(f, lambda w: 2 * w, at=1.1, rtol=1e-3).verdict == "correct"
        and dk.check(f, lambda w: 0 * w, at=1.1, rtol=1e-3).verdict == "wrong"
    )


@case("code", "fft in complex64: [4.4, 9.2]")
def f32_fft():
    import numpy as np

    import diffkit as dk

    return useful(
        dk.gradient(lambda w: np.sum(np.abs(np.fft.fft(w).astype(np.complex64)) ** 2), [1.1, 2.3]), [4.4, 9.2], 2e-3
    )


@case("code", "an ODE solved at the default tolerance through abs(k): about −0.368, not 0 ± 0")
def ode_abs():
    import scipy.integrate as si

    import diffkit as dk

    return honest(
        dk.derivative(lambda k: si.solve_ivp(lambda t, y: -abs(k) * y, [0, 1], [1.0]).y[0, -1], 1.0),
        -math.exp(-1),
        1e-2,
    )


@case("code", "bisection stopped at 1e-3: constant here, .25 as a whole; not ok with 0 ± 0")
def bisect_abs():
    import scipy.optimize as so

    import diffkit as dk

    r = dk.derivative(lambda c: so.bisect(lambda x: x**3 + x - abs(c), -10, 10, xtol=1e-3), 2.0)
    return r.status != "ok" or (r.error or 0) >= 0.2 or close(r, 0.25, 5e-2)


@case("code", "bisection by hand stopped at 1e-6: a claim of 0 is not simply correct, of −.31033 not simply wrong")
def bisect_loop():
    import diffkit as dk

    def f(p):
        a, b = 0.0, 2.0
        while b - a > 1e-6:
            m = (a + b) / 2
            if m**3 + p * m - 1 > 0:
                b = m
            else:
                a = m
        return (a + b) / 2

    r = dk.derivative(f, 0.7)
    return (
        (r.status != "ok" or (r.error or 0) >= 0.3 or close(r, -0.31033067799938560, 1e-2))
        and dk.check(f, lambda p: -0.31033067799938560, at=0.7).verdict != "wrong"
        and dk.check(f, lambda p: 0.0, at=0.7).verdict != "correct"
    )


@case("code", "sin(1/|x|), 0 at 0: no derivative")
def oscillating_code():
    import diffkit as dk

    return dk.derivative(lambda x: math.sin(1 / abs(x)) if abs(x) > 0 else 0.0, 0.0).status != "ok"


@case("code", "a cusp behind abs and a branch")
def cusp_code():
    import diffkit as dk

    return dk.derivative(lambda x: math.sqrt(abs(x - 1)) if abs(x - 1) < 0.01 else 0.0, 1.0).status != "ok"


@case("code", "log|x| with a value put in at 0: singular there, .5 was called ok")
def log_sentinel():
    import diffkit as dk

    return dk.derivative(lambda x: (math.log(abs(x)) if x != 0 else -23.0) + 0.5 * x, 0.0).status != "ok"


@case("code", "random values: never ok, never a crash")
def dropout():
    import numpy as np

    import diffkit as dk

    for seed in range(6):
        np.random.seed(seed)
        if (
            dk.check(lambda w: np.sum((np.random.rand(3) > 0.5) * w**2), lambda w: 2 * w, at=[1.0, 2.0, 3.0]).verdict
            != "inconclusive"
        ):
            return False
        np.random.seed(seed)
        if dk.derivative(lambda w: w**2 * (np.random.rand() > 0.5), 1.0).status == "ok":
            return False
        np.random.seed(seed)
        dk.derivative(lambda w: w**2 * (np.random.rand() > 0.5), 1.0, backend="finite")
    return True

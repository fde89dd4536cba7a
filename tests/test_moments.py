"""Whenever the time is up: the answer is OutOfTime, or what it would have been without a deadline, or less of it."""

import os
import random

import numpy as np
import pytest

import diffkit as dk
import diffkit.core.deadline

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "3"))  # moments of each question


def branching(x):
    return np.sum(np.exp(x) * np.sin(x[0] * x[1])) + (x[0] if x[0] > 1 else x[1] ** 2)


def components(result):
    """What is known of each component."""
    known = zip(result.labels, np.ravel(result.statuses), np.ravel(result.value), strict=True)
    return {label: (str(status), repr(float(value))) for label, status, value in known if status != "uncertain"}


def verdict(answer):
    return {} if answer.verdict in ("undecided", "inconclusive") else {"verdict": answer.verdict}


def listed(found):
    """What is found one after another."""
    return dict(enumerate(map(repr, found)))


COMPONENTS = {
    "derivative": lambda **o: dk.derivative("gamma(x)*sin(x)^x", 1.3, order=4, **o),
    "kinks": lambda **o: dk.gradient("abs(x-y)*z + max(x,y,z) + sqrt(x^2)", (1, 1, 0.5), **o),
    "hessian": lambda **o: dk.hessian("exp(x*y)*atan2(y,x) + abs(z)*z^2", (1, 0.5, 0), **o),
    "jacobian": lambda **o: dk.jacobian(["x*y*z", "sin(x)/y", "abs(z)"], (1, 0.5, 0), **o),
    "dual": lambda **o: dk.jacobian(["x*y*z", "sin(x)/y"], (1, 0.5, 2), backend="dual", **o),
    "finite": lambda **o: dk.hessian("exp(x*y)*atan2(y,x)", (1, 0.5), backend="finite", **o),
    "taylor": lambda **o: dk.taylor("exp(sin(x))", 0.5, 8, **o),
    "directional": lambda **o: dk.directional("exp(sin(x*y))", (0.5, 1), (1, 2), **o),
    "hvp": lambda **o: dk.hvp("exp(sin(x*y))", (0.5, 1), (1, 2), **o),
    "code": lambda **o: dk.gradient(branching, [0.5, 0.7], **o),
    "code, dual": lambda **o: dk.gradient(branching, [0.5, 0.7], backend="dual", **o),
    "code, reverse": lambda **o: dk.gradient(branching, [0.5, 0.7], backend="reverse", **o),
    "code, finite": lambda **o: dk.hessian(branching, [0.5, 0.7], backend="finite", **o),
}
RIGHT, WRONG = "3*x^2*sin(x*y) + x^3*y*cos(x*y)", "3*x^2*sin(x*y) - x^3*y*cos(x*y)"
VERDICTS = {
    "compare": lambda **o: dk.compare("gamma(x)*sin(x)^x", 1.3, backends=("finite", "dual"), **o),
    "right": lambda **o: dk.check("x^3*sin(x*y)", [RIGHT, "x^4*cos(x*y)"], at=(0.5, 2), **o),
    "wrong": lambda **o: dk.check("x^3*sin(x*y)", [WRONG, "x^4*cos(x*y)"], at=(0.5, 2), **o),
    "right code": lambda **o: dk.check(lambda x: np.sum(np.sin(x) ** 2), lambda x: np.sin(2 * x), at=[0.5, 1.0], **o),
    "wrong code": lambda **o: dk.check(lambda x: np.sum(np.sin(x) ** 2), lambda x: np.sin(x), at=[0.5, 1.0], **o),
    "identity": lambda **o: dk.check_identity("d/dX log(det(X)) = inv(X).T", **o),
}
LISTS = {
    "batch": lambda **o: filter(np.isfinite, dk.gradient("gamma(x)", np.arange(1, 9)[:, None] / 7, **o).value.ravel()),
    "stationary": lambda **o: [(p.at, p.kind) for p in dk.stationary("x^2*(x-1)", "-1:2", **o).points],
    "explain": lambda **o: [str(dk.explain("x^2*sin(x)", **o))],
    "backward": lambda **o: [str(dk.backward("x^2*sin(x)", 0.5, **o))],
    "quotients": lambda **o: dk.quotients("x^2*sin(x)", 0.5, steps=[0.1, 0.01, 0.001], **o).steps,
    "descend": lambda **o: dk.descend("x^2+3*y^2", {"x": 1, "y": 1}, rate=0.1, steps=20, **o).path[1],
    "matrix": lambda **o: [str(dk.matrix_derivative("norm(A@X-B)**2", "X", **o))],
    "report": lambda **o: (r.verdict for r in dk.report([{"expr": "x^2", "at": [k]} for k in range(5)], **o).outcomes),
}  # fmt: skip
ANSWERS = {
    **{name: lambda ask=ask, **o: components(ask(**o)) for name, ask in COMPONENTS.items()},
    **{name: lambda ask=ask, **o: verdict(ask(**o)) for name, ask in VERDICTS.items()},
    **{name: lambda ask=ask, **o: listed(ask(**o)) for name, ask in LISTS.items()},
    "tangent": lambda **o: (lambda t: {"line": str(t)} if t else {})(dk.tangent("x^2*sin(x)", 0.5, **o)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_at_any_moment(name, ticking):
    answer = ANSWERS[name]
    whole = answer()
    ticking(1.0)
    answer(timeout=1e9)
    looks = int(diffkit.core.deadline.monotonic())  # what it takes
    rng = random.Random(name)
    for _ in range(EXAMPLES):
        ticking(1.0)
        end = rng.randint(1, rng.choice([8, looks]))
        try:
            found = answer(timeout=end + 0.5)
        except dk.OutOfTime:
            continue
        assert found.items() <= whole.items(), end

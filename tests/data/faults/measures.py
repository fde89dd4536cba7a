"""How an answer is held against its right value, and the command in a process of its own."""

import math
import os
import subprocess
import sys

CASES = {}
HANGS = 300  # seconds after which a command has hung, however slow the machine


def case(kind, text, limit=20):
    def add(f):
        CASES[f.__name__] = (kind, text, limit, f)
        return f

    return add


def honest(result, truth, loose=0.0):
    """Either not called ok, or the truth lies within the bar (or within `loose`, relative) of every component."""
    import numpy as np

    if result.status != "ok":
        return True
    v, t = np.ravel(np.asarray(result.value, float)), np.ravel(np.asarray(truth, float))
    e = np.ravel(np.asarray(result.error, float)) if result.error is not None else np.full(v.shape, math.nan)
    return bool(
        np.all(
            (np.abs(v - t) <= np.where(np.isfinite(e), e, 0) * 1.5 + 1e-15 * np.abs(t))
            | (np.abs(v - t) <= loose * np.abs(t))
        )
    )


def close(result, truth, rel):
    """Called ok, and within a relative distance of the truth."""
    import numpy as np

    v, t = np.ravel(np.asarray(result.value, float)), np.ravel(np.asarray(truth, float))
    return result.status == "ok" and bool(np.all(np.abs(v - t) <= rel * np.maximum(np.abs(t), 1e-300)))


def useful(result, truth, rel):
    """Close, and the truth within a bar that is not absurd."""
    import numpy as np

    t = np.ravel(np.asarray(truth, float))
    e = np.ravel(np.asarray(result.error, float)) if result.error is not None else np.zeros(t.shape)
    return close(result, truth, rel) and honest(result, truth) and bool(np.all(e <= 30 * rel * np.max(np.abs(t))))


def exactly(result, truth):
    import numpy as np

    return result.status == "ok" and np.array_equal(
        np.ravel(np.asarray(result.value, float)), np.ravel(np.asarray(truth, float))
    )


def cli(*args, stdin=None, t=HANGS, env=None, stdout=subprocess.PIPE):
    return subprocess.run(
        [sys.executable, "-m", "diffkit", *args],
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=t,
        env={**os.environ, **(env or {})},
    )

"""No setting of the caller's leaks in, none of ours out: the same answers, and silence, whatever has been set."""

import contextlib
import decimal
import io
import locale
import math
import os
import random
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest
import scipy.integrate  # code is looked through for solvers that are loaded: the same ones throughout
import scipy.optimize  # noqa: F401
import sympy
from public_results import RESULTS, document

import diffkit as dk
from diffkit.cli import main

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "30"))
WILD = {
    "overflow": lambda x: np.exp(800 * x),
    "underflow": lambda x: np.exp(x) * 1e-300 * 1e-20,
    "vanishing": lambda x: np.exp(-800 * x),
    "outside": lambda x: np.log(x - 5),
    "at the edge": lambda x: np.sqrt(x - 1.0),
    "division": lambda x: 1 / (x - 1.0),
    "kink": lambda x: np.abs(x - 1.0),
    "branch": lambda x: x**2 if x > 0 else -x,
    "float32": lambda x: np.float32(x) ** 2,
    "huge": lambda x: (x * 1e200) ** 2,
    "tiny": lambda x: (x * 1e-200) ** 2,
    "nowhere": lambda x: np.nan * x,
    "chosen": lambda x: np.where(x > 0.5, np.log(x - 1), np.sqrt(-x)),
    "steps": lambda x: np.floor(x),
    "norm": lambda x: np.linalg.norm(np.array([x - 1, 0.0])),
}
TEXTS = ["exp(800*x)", "exp(-800*x)", "1/(x-1)", "log(x-5)", "sqrt(x-1)", "abs(x-1)", "x^300*1e200", "1e-320*x",
         "where(x>1, log(x-1), x)", "(x*1e200)^2", "gamma(x-1)", "besselj(2, x)", "x^2/3"]  # fmt: skip
BACKENDS = ("auto", "symbolic", "dual", "reverse", "complex", "finite")
BATCH = np.array([1.0, 0.0, 2.5, 1e300, -1e-300])


def asked(p):
    return [v.tolist() if hasattr(v, "tolist") else v for v in (p.fun([1.0]), p.jac([1.0]), p.hess([1.0]))]


def told(d):
    return str(d), str(d.convergence), d.ending, document(d)


def command(*arguments):
    """What a command prints."""

    def call():
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), pytest.raises(SystemExit) as end:
            main(arguments)
        return end.value.code, out.getvalue()

    return call


CALLS = {
    **{f"the public {name}": (lambda make=make: document(make())) for name, make in RESULTS.items()},
    **{f"{b} of {name}": (lambda f=f, b=b: document(dk.derivative(f, 1.0, backend=b)))
       for name, f in WILD.items() for b in BACKENDS},
    **{f"{b} of {text} at many": (lambda t=text, b=b: document(dk.taylor(t, {"x": BATCH}, 2, backend=b)))
       for text in TEXTS for b in BACKENDS if b != "complex"},
    **{f"check of {name}": (lambda f=f: str(dk.check(f, lambda x: 2 * x, at=1.0))) for name, f in WILD.items()},
    **{f"check of {text}": (lambda t=text: str(dk.check(t, lambda x: 2 * x, at=1.0))) for text in TEXTS},
    **{f"comparison of {name}": (lambda f=f: document(dk.compare(f, 1.0))) for name, f in WILD.items()},
    **{f"comparison of {text}": (lambda t=text: document(dk.compare(t, 1.0))) for text in TEXTS},
    **{f"descent on {name}": (lambda f=f: told(dk.descend(f, 1.0, rate=0.1, steps=20))) for name, f in WILD.items()},
    **{f"descent on {text}": (lambda t=text: told(dk.descend(t, 1.0, rate=0.1, steps=20))) for text in TEXTS},
    **{f"{text} prepared": (lambda t=text: asked(dk.prepare(t))) for text in TEXTS},
    **{f"{text} stationary": (lambda t=text: document(dk.stationary(t, "x=-1:1", most=100))) for text in TEXTS},
    **{f"quotients of {text}": (lambda t=text: document(dk.quotients(t, 1.0))) for text in TEXTS},
    **{f"tangent of {text}": (lambda t=text: document(dk.tangent(t, 1.0))) for text in TEXTS},
    **{f"derivation of {text}": (lambda t=text: document(dk.explain(t, at=1.0))) for text in TEXTS},
    **{f"backward of {text}": (lambda t=text: document(dk.backward(t, 1.0))) for text in TEXTS},
    **{f"{c} of {text}": command(c, text, "--at", "1") for text in TEXTS for c in ("grad", "compare", "limit")},
    **{f"{text} described": command("descend", text, "--from", "1", "--steps", "9") for text in TEXTS},
    "digits": lambda: document(dk.derivative("exp(x)/3", 1, digits=200)),
    "a Decimal": lambda: document(dk.derivative("x^2", decimal.Decimal("0.1"))),
}  # fmt: skip


def floats(state):
    return lambda: np.errstate(all=state)


@contextlib.contextmanager
def calling():
    """NumPy calls what it is told to at every overflow."""

    def fail(*_):
        raise AssertionError("NumPy called")

    before = np.seterrcall(fail)
    with np.errstate(all="call"):
        try:
            yield
        finally:
            np.seterrcall(before)


def decimals():
    context = decimal.Context(prec=2, Emax=5, Emin=-5, rounding=decimal.ROUND_UP, clamp=1, capitals=0)
    context.traps = dict.fromkeys(context.traps, True)
    return decimal.localcontext(context)


@contextlib.contextmanager
def attributes(thing, **values):
    """Attributes of something, which nobody else may change meanwhile."""
    before = {name: getattr(thing, name) for name in values}
    for name, value in values.items():
        setattr(thing, name, value)
    try:
        yield
        assert {name: getattr(thing, name) for name in values} == values
    finally:
        for name, value in before.items():
            setattr(thing, name, value)


@contextlib.contextmanager
def function(get, put, value):
    """A setting that is read and set by functions."""
    before = get()
    put(value)
    try:
        yield
        assert get() == value
    finally:
        put(before)


@contextlib.contextmanager
def seeds():
    """Random numbers of the caller's are as they were."""
    random.seed(5)
    np.random.seed(5)
    python, numpy = random.getstate(), np.random.get_state()
    yield
    assert random.getstate() == python
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy, strict=True))


@contextlib.contextmanager
def commas():
    """Numbers are written with commas, where the system knows how."""
    before = locale.setlocale(locale.LC_ALL)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C"):
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, name)
            break
    try:
        yield
    finally:
        locale.setlocale(locale.LC_ALL, before)


SETTINGS = {
    "NumPy raises": floats("raise"),
    "NumPy warns": floats("warn"),
    "NumPy calls": calling,
    "NumPy prints two digits": lambda: np.printoptions(precision=2, threshold=2, linewidth=20, suppress=True),
    "decimals of two digits": decimals,
    "flint of 11 bits": lambda: attributes(flint.ctx, prec=11, cap=3, pretty=False, unicode=True),
    "mpmath of 4 digits": lambda: attributes(mpmath.mp, dps=4, pretty=True, trap_complex=True),
    "SymPy does not evaluate": lambda: sympy.evaluate(False),
    "random numbers": seeds,
    "short integers": lambda: function(sys.get_int_max_str_digits, sys.set_int_max_str_digits, 640),
    "a low stack": lambda: function(sys.getrecursionlimit, sys.setrecursionlimit, 400),
    "commas": commas,
}


def outcome(call):
    """What a call gives or raises, without times and sequences of random numbers."""
    try:
        found = repr(call())
    except dk.DiffkitError as error:
        found = f"{type(error).__name__}: {error}"
    return re.sub(r"'seconds': ({[^}]*}|[^,}]*)|[^ ]* apart", "", found)


KNOWN = {}


@pytest.mark.parametrize("setting", SETTINGS)
def test_answers_do_not_depend_on_settings(setting):
    chosen = random.Random(setting).sample(sorted(CALLS), min(EXAMPLES, len(CALLS)))
    for name in chosen:
        if name not in KNOWN:
            KNOWN[name] = outcome(CALLS[name])
        with SETTINGS[setting]():
            assert outcome(CALLS[name]) == KNOWN[name], name


@pytest.mark.parametrize("loaded", ["", "import numpy, scipy.special, sympy, mpmath; numpy.seterr(all='raise'); "])
def test_a_fresh_process_that_makes_errors_of_warnings(loaded, tmp_path):
    """Nothing is loaded before, so that what we load first is under nobody's settings."""
    code = loaded + "import contextlib, diffkit as dk\n" + "\n".join(
        f"with contextlib.suppress(dk.DiffkitError): dk.{call}" for text in TEXTS for call in (
            f"gradient({text!r}, [1.0], backend='complex')",
            f"check({text!r}, '2*x', at=1)",
            f"stationary({text!r}, '-1:1', most=30)",
            f"descend({text!r}, 1.0, steps=9).findings",
        )
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(dk.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True,
                          env=environment, cwd=tmp_path, timeout=120)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


COMMANDS = {
    "stationary": ["stationary", "exp(800*x)", "--box", "x=-1:1", "--most", "50"],
    "descend": ["descend", "x^300*1e200", "--from", "1", "--steps", "5"],
    "complex": ["grad", "exp(800*x)", "--at", "1", "--backend", "complex"],
    "page": ["compare", "exp(800*x)", "--at", "x=0:1:3", "--format", "html"],
    "picture": ["tangent", "exp(x)", "--at", "1", "--save", "t.svg"],
}


@pytest.mark.parametrize(("name", "level"), [*((name, "error") for name in COMMANDS), ("stationary", "default")])
def test_commands_are_silent(name, level, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(dk.__file__).parent.parent), "PYTHONWARNINGS": level}
    done = subprocess.run([sys.executable, "-m", "diffkit", *COMMANDS[name]], capture_output=True, text=True,
                          env=environment, cwd=tmp_path, timeout=120)  # fmt: skip
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_threads_have_their_own_settings():
    """A door that one thread leaves does not open or shut that of another."""
    failed = []

    def work(state):
        with np.errstate(all=state):
            for _ in range(30):
                dk.derivative("exp(800*x)", np.array([1.0, 2.0]), backend="dual")
                dk.check(lambda x: np.exp(x), lambda x: np.exp(x), at=[1.0])
                if set(np.geterr().values()) != {state}:
                    failed.append(state)

    dk.check(lambda x: np.exp(x), lambda x: np.exp(x), at=[1.0])  # loads SciPy, which adds filters of its own
    before = list(warnings.filters)
    threads = [threading.Thread(target=work, args=(state,)) for state in ("raise", "warn", "ignore", "print")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert warnings.filters == before


def test_a_door_that_fails_restores_what_was_set():
    with np.errstate(all="raise"):
        with pytest.raises(dk.DiffkitError):
            dk.check("x^2", "2*x", at=1, kind="nonsense")
        assert set(np.geterr().values()) == {"raise"}
        assert math.isnan(dk.derivative(lambda x: np.log(x), -1.0).value)
        with pytest.raises(FloatingPointError):
            np.exp(np.float64(1000.0))


FIRST_USE = """
import threading
import diffkit as dk

together, failed = threading.Barrier(8), []

def work(k):
    backend = ("auto", "finite", "symbolic", "dual", "reverse")[k % 5]
    f, at = (lambda v: v[0] ** 2, [3.0]) if k % 3 == 0 else ("sinc(x)*y", [1.0, 2.0])
    together.wait()
    try:
        assert dk.gradient(f, at, backend=backend if k % 3 else "auto").ok
    except BaseException as error:
        failed.append(error)

threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
"""


def test_the_first_use_may_come_from_many_threads():
    """What a thread finds half imported by another it waits for."""
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", FIRST_USE], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

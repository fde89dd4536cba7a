"""Pickles and copies: everything that the Python face hands out travels to another process, and says the same there."""

import copy
import importlib
import inspect
import math
import pickle
import pkgutil
import random
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from flint import arb
from public_results import RESULTS, branching, document

import diffkit as dk
from diffkit.asking.tasks import gradient_task
from diffkit.core.errors import DiffkitError
from diffkit.core.table import table
from diffkit.lessons.shown_numbers import Number
from diffkit.proof.prover import Prover

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def there_and_back(value, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.loads(pickle.dumps(value, protocol))


def errors():
    """All kinds of errors of diffkit's own."""
    for module in pkgutil.walk_packages(dk.__path__, "diffkit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = [DiffkitError]
    for kind in found:  # which grows
        found += [k for k in kind.__subclasses__() if k not in found and k.__module__.startswith("diffkit")]
    return found


def test_no_public_type_is_forgotten():
    classes = {name for name in dk.__all__ if inspect.isclass(getattr(dk, name))}
    assert classes - {kind.__name__ for kind in errors()} == {name.split()[0] for name in RESULTS}


@pytest.mark.parametrize("name", RESULTS)
def test_results_travel(name):
    made = RESULTS[name]()
    said, fields = str(made) if not isinstance(made, dk.Prepared) else "", document(made)
    for protocol in PROTOCOLS:
        found = there_and_back(made, protocol)
        assert type(found) is type(made)
        assert isinstance(made, dk.Prepared) or str(found) == said
        assert document(found) == fields
    for found in (copy.copy(made), copy.deepcopy(made)):
        assert type(found) is type(made)
        assert document(found) == fields


@pytest.mark.parametrize("name", [name for name in RESULTS if not name.startswith("Prepared")])
def test_results_equal_their_pickles_and_copies(name):
    """NaN, arrays and balls among them; a Prepared is a tool that keeps what it found, and equals itself alone."""
    made = RESULTS[name]()
    for found in (*(there_and_back(made, protocol) for protocol in PROTOCOLS), copy.deepcopy(made), RESULTS[name]()):
        assert found == made
        assert hash(found) == hash(made)
    assert all(made != there_and_back(RESULTS[other]()) for other in RESULTS if other != name and cheap(other))


def cheap(name):
    """What is made quickly, to be told from others."""
    return name.split()[0] in ("Result", "Expression", "Tangent", "Entry")


@pytest.mark.parametrize("name", [name for name in RESULTS if name.startswith("Prepared")])
def test_prepared_derivatives_say_the_same_bits(name):
    made = RESULTS[name]()
    points = np.random.default_rng(1).normal(size=(5, 2))
    for found in (there_and_back(made), copy.deepcopy(made), copy.copy(made)):
        for point in points:
            assert made(point).tobytes() == found(point).tobytes()
        assert made.jac(points[0]).tobytes() == found.jac(points[0]).tobytes()
        if "complex" not in name:
            assert made.hessp(points[0], points[1]).tobytes() == found.hessp(points[0], points[1]).tobytes()


def test_what_was_prepared_is_not_prepared_again(monkeypatch):
    made = dk.prepare("x^2*y", backend="symbolic")
    made([1.0, 2.0])
    found = there_and_back(made)
    monkeypatch.setattr("diffkit.methods.symbolic.symbolic_derivative", None)
    assert found([1.0, 2.0]).tolist() == [4.0, 1.0]


def test_functions_without_a_name_do_not_travel():
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(dk.prepare(lambda x: x[0]))


@pytest.mark.parametrize("kind", errors(), ids=lambda k: k.__name__)
def test_errors_travel(kind):
    made = kind("what", hint="do", text="x + ?", position=4)
    found = there_and_back(made)
    assert type(found) is kind
    assert (str(found), found.caret(), found.hint) == (str(made), made.caret(), "do")


@pytest.mark.parametrize("row", list(table), ids=lambda row: row.name)
def test_rows_travel_by_name(row):
    for protocol in PROTOCOLS:
        assert there_and_back(row, protocol) is row
        assert len(pickle.dumps(row, protocol)) < 120
    assert copy.copy(row) is row
    assert copy.deepcopy(row) is row


def test_a_row_that_is_unknown_there(monkeypatch):
    with pytest.raises(DiffkitError, match=r"tanh is not in the table"):
        pickle.dumps(replace(table["tanh"], ulps=2.0))
    text = pickle.dumps(dk.parse("tanh(x)"))
    monkeypatch.setattr(table, "rows", {name: row for name, row in table.rows.items() if name != "tanh"})
    with pytest.raises(DiffkitError, match=r"the pickle holds tanh, which is in no row"):
        pickle.loads(text)


def expressions():
    """One call of each row, and sums of random ones."""
    calls = []
    for row in table:
        names = [f"x{k}" for k in range(len(row.arguments))]
        if row.callable and not row.truths and not row.truth:
            arguments = [str(k) if k in row.orders else name for k, name in enumerate(names)]
            calls.append(f"{row.name}({', '.join(arguments)})")
    draw = random.Random(3)
    return calls + [" + x0*".join(draw.sample(calls, 6)) for _ in range(30)]


@pytest.mark.parametrize("text", expressions())
def test_programs_stay_equal_and_shared(text):
    made = dk.parse(text)
    gradient = Prover(gradient_task(made.program)).derivative
    for program in (made.program, gradient):
        found = there_and_back(program)
        assert found == program
        assert hash(found) == hash(program)
        assert repr(found) == repr(program)
        assert copy.deepcopy(program) == program
    assert there_and_back(made) == made
    assert dk.parse(str(there_and_back(made)), made.variables) == made


def test_a_pickle_holds_no_caches():
    program = dk.parse("exp(x)*sin(x)").program
    bare = len(pickle.dumps(program))
    assert program == dk.parse("exp(x)*sin(x)").program
    assert program.used_inputs == {0}
    assert len(pickle.dumps(program)) == bare


@pytest.mark.parametrize("ball", [arb(1) / 3, arb(2) ** -1074, arb(0), arb(10) ** 400, arb(1, 0.25), arb("nan")])
def test_numbers_keep_their_balls(ball):
    made = Number(ball, float(ball))
    found = there_and_back(made)
    assert math.isnan(made.value) or found.value == made.value
    if ball.is_finite():
        assert found.ball.mid() == ball.mid()
        assert found.ball.rad() == ball.rad()
    else:
        assert not found.ball.is_finite()
    assert found == made
    assert found != Number(ball + 1, float(ball)) or not ball.is_finite()


def test_an_explanation_travels():
    made = dk.check("x^2*y", ["3*x*y", "x^2"], at=[1, 2])
    sent = there_and_back(made)
    assert sent.verdict == "wrong"
    assert sent.explanation == made.explanation
    assert sent.explanation
    assert copy.copy(made).explanation == made.explanation


def test_a_descent_of_code_leaves_the_code_behind():
    code = there_and_back(dk.descend(lambda w: (w - 3) ** 2, 0.0, rate=0.1, steps=9))
    for call in (code.polish, code.check):
        with pytest.raises(DiffkitError, match="leaves its code behind"):
            call()
    assert code.weights.keys() == {"w"}
    text = there_and_back(dk.descend("(w-3)^2", 0.0, rate=0.1, steps=9, gradient="2*(w-3)"))
    assert text.polish().x[0] == pytest.approx(3)
    assert text.check()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_share_the_work(method):
    p = dk.prepare("exp(x)*y")
    points = [[0.1 * k, 1.0] for k in range(8)]
    with ProcessPoolExecutor(2, get_context(method)) as pool:
        found = list(pool.map(p, points, chunksize=4))
        codes = list(pool.map(dk.prepare(branching, backend="finite"), [[1.0, 2.0]]))
    assert [v.tolist() for v in found] == [p(point).tolist() for point in points]
    np.testing.assert_allclose(codes[0], [4, 1], rtol=1e-9)


def test_pickles_of_another_process():
    code = "import sys, pickle, diffkit as dk; sys.stdout.buffer.write(pickle.dumps(dk.prepare('x^2*y')))"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert pickle.loads(text)([1.0, 2.0]).tolist() == [4.0, 1.0]

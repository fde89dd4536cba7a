"""Nothing is quadratic that need not be: four times the input takes about four times as long, not sixteen times."""

import gc
import io
import json
import time
from functools import partial

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.expressions import read_joint
from diffkit.asking.points import PointsFile, read_points
from diffkit.asking.sources import Formula
from diffkit.asking.tasks import gradient_task, hessian_task, hvp_task
from diffkit.calculus.derivatives import reverse_program
from diffkit.core.errors import did_you_mean, listing
from diffkit.core.partials import PairIndices, PartialNames, partial_name
from diffkit.core.records import text_records
from diffkit.core.text.names import check_variables, repeated
from diffkit.lessons.matrices.data import load_data

GROWTH = 9.0  # times as long for four times as much: linear work gives 4 to 6, quadratic work 16


def names(n):
    return tuple(f"x{k}" for k in range(n))


def table(n, *more):
    """A CSV file of n columns."""
    return ",".join((*names(n), *more)) + "\n" + ",".join(["1.5"] * (n + len(more))) + "\n"


def text(n):
    return "+".join(f"x{k}^2" for k in range(n))


def program(n):
    return dk.parse(text(n)).program


def there_and_back(text):
    return str(dk.parse(text))


def refused(call, *arguments):
    with pytest.raises(dk.DiffkitError) as caught:
        call(*arguments)
    assert len(str(caught.value)) < 600


def nothing(x):
    return np.nan * np.sum(x)


def failing(x):
    raise ValueError("no")


def on_disk(content):
    name = f"{len(content)}.csv"
    with open(name, "w") as stream:
        stream.write(content)
    return name


def joint(n):
    """n functions of a variable each, as one program."""
    return read_joint([f"sin(x{k})^2" for k in range(n)]).program


def in_file(text):
    """What reads the points of a file."""
    return lambda names: PointsFile("f", text_records(io.StringIO(text), "f", "csv")).points(names)


WORK = {  # name: (size, what makes the work that is timed)
    "points in CSV": (5000, lambda n: partial(in_file(table(n)), names(n))),
    "points in JSON": (3000, lambda n: partial(in_file(json.dumps(dict.fromkeys(names(n), 1))), names(n))),
    "a mapping": (3000, lambda n: partial(read_points, dict.fromkeys(names(n), 1.0), names(n))),
    "named text": (2500, lambda n: partial(read_points, ",".join(f"{v}=1" for v in names(n)), names(n))),
    "an unknown column": (3000, lambda n: partial(refused, in_file(table(n, "y")), names(n))),
    "a column twice": (5000, lambda n: partial(refused, in_file(table(n, f"x{n - 1}")), names(n))),
    "data by column": (5000, lambda n: partial(load_data, [on_disk(table(n))], ["x1", "x2"])),
    "data as a matrix": (1000, lambda n: partial(load_data, [f"A={on_disk(table(n))}"], ["A"])),
    "data for all names": (1000, lambda n: partial(load_data, [on_disk(table(n))], names(n))),
    "declared names": (5000, lambda n: partial(check_variables, names(n))),
    "a name twice": (5000, lambda n: partial(refused, check_variables, (*names(n), f"x{n - 1}"))),
    "an unknown name": (2000, lambda n: partial(refused, dk.parse, "y", names(n))),
    "chosen names": (5000, lambda n: partial(gradient_task, dk.parse("x1", names(n)).program, names(n))),
    "text": (500, lambda n: partial(there_and_back, text(n))),
    "a moving point": (500, lambda n: Formula(program(n)).moving),
    "H·v": (500, lambda n: partial(hvp_task, program(n), [1.0] * n)),
    "a gradient": (200, lambda n: partial(dk.gradient, dk.parse(text(n)), np.ones(n), backend="reverse")),
    "a proof": (150, lambda n: partial(dk.gradient, dk.parse(text(n)), np.ones(n))),
    "rows that share nothing": (1000, lambda n: partial(reverse_program, joint(n), [(k, (k,)) for k in range(n)])),
    "code without a value": (800, lambda n: partial(dk.gradient, nothing, np.ones(n))),
    "code that raises": (800, lambda n: partial(dk.gradient, failing, np.ones(n))),
}  # fmt: skip


def seconds(work, times=1):
    """The least of several times: another process can only make it longer, and so can what other tests have left."""
    taken = []
    for _ in range(times):
        gc.disable()
        try:
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
        finally:
            gc.enable()
    return min(taken)


@pytest.mark.parametrize("name", WORK)
def test_time_grows_with_the_input(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    size, make = WORK[name]
    make(4)()
    small, large = make(size), make(4 * size)
    short, long = seconds(small, 3), seconds(large)
    for _ in range(8):  # a machine that is busy may disturb one: the shortest of each counts
        if long < GROWTH * short + 0.005:
            return
        short, long = min(short, seconds(small)), min(long, seconds(large))
    pytest.fail(f"{short:.4f} s became {long:.4f} s")


def test_labels_of_a_hessian_are_made_when_asked_for():
    wanted = PartialNames(names(30_000), PairIndices(tuple(range(30_000))))
    assert len(wanted) == 900_000_000
    assert wanted[30_001] == "∂²f/∂x1²"
    assert wanted[-1] == "∂²f/∂x29999²"
    assert wanted[2:4] == ("∂²f/∂x0∂x2", "∂²f/∂x0∂x3")
    few = hessian_task(dk.parse("x*y").program).labels
    assert few == ("∂²f/∂x²", "∂²f/∂x∂y", "∂²f/∂y∂x", "∂²f/∂y²")
    assert repr(few) == repr(tuple(few))
    assert hash(few) == hash(tuple(few))
    chosen = hessian_task(dk.parse("x*y*z").program, ("z", "x")).labels
    assert list(chosen) == [partial_name("xyz", index) for index in ((2, 2), (2, 0), (0, 2), (0, 0))]


def test_calls_of_f_do_not_grow_where_it_has_no_value():
    for f in (lambda x: np.nan * np.sum(x), lambda x: np.log(-1.0 - np.sum(x**2)) if x[0] > -1 else 0.0):
        counts = {dk.gradient(f, np.ones(n), backend=b).evaluations for n in (3, 300) for b in ("finite", "auto")}
        assert max(counts) < 20
        assert dk.gradient(f, np.ones(50)).status == "domain_error"


def test_messages_list_no_more_than_a_line():
    assert listing(names(3)) == "x0, x1, x2"
    assert listing(()) == "none"
    assert listing(names(100_000)).endswith("x19, … (99,980 more)")
    assert did_you_mean("x123456", names(100_000)).startswith("did you mean x")
    assert repeated(["a", "b", "a", "b"]) == "a"
    assert repeated(["a", "b"]) is None


def test_a_row_is_a_point_bit_for_bit():
    """One row of a batch takes the way of one point, and a prepared gradient is its own jac."""
    rng = np.random.default_rng(3)
    rosenbrock = "+".join(f"100*(x{k + 1}-x{k}^2)^2+(1-x{k})^2" for k in range(4))
    for backend in ("auto", "symbolic", "dual", "reverse", "complex", "finite"):
        p = dk.prepare(rosenbrock, backend=backend)
        for x in rng.normal(size=(4, 5)):
            many = p.result(np.stack([x, x])).value
            one = p.result(x[None]).value
            point = p.result(x.tolist()).value
            assert one.shape == (1, 5)
            assert many[0].tobytes() == one.tobytes() == point.tobytes() == p.jac(x).tobytes()
        assert p._other("gradient") is p
    of_one = dk.prepare(rosenbrock, wrt=("x1",))
    assert of_one.jac([0.0] * 5).shape == (5,)
    assert of_one._other("gradient") is not of_one
    assert dk.prepare(lambda x: x[0] ** 2, wrt="x").jac([3.0]).tolist() == [6.0]

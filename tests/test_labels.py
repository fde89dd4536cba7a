"""Points with labels go by them, lists by the order of the variables, which is one order everywhere."""

import json
import os
import re
from collections import deque, namedtuple

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.core.text.names import natural_order, written_out

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "60"))


class Frame:
    """A table that knows columns by name, as pandas and polars do, and nothing else."""

    def __init__(self, columns):
        self.data = dict(columns)

    @property
    def columns(self):
        return list(self.data)

    def __getitem__(self, name):
        return np.asarray(self.data[name])


class Series:
    """Values with labels, as a series of pandas."""

    def __init__(self, values):
        self.values = dict(values)
        self.index = list(values)

    def to_numpy(self):
        return np.array(list(self.values.values()))


def structured(values):
    fields = [(name, float) for name in values]
    return np.array(list(zip(*values.values(), strict=True)), dtype=fields)


def pandas():
    return pytest.importorskip("pandas", reason="duck-typed, and never imported by us")


ONE = {
    "mapping": dict,
    "symbols": lambda values: {sympy.Symbol(name, real=True): value for name, value in values.items()},
    "named tuple": lambda values: namedtuple("Point", values)(**values),
    "record": lambda values: structured({name: [value] for name, value in values.items()})[0],
    "series": Series,
    "pandas series": lambda values: pandas().Series(values),
    "row of a frame": lambda values: pandas().DataFrame({name: [value] for name, value in values.items()}).iloc[0],
    "text": lambda values: ",".join(f"{name}={value!r}" for name, value in values.items()),
}
MANY = {
    "mapping": lambda columns: {name: np.array(values) for name, values in columns.items()},
    "structured": structured,
    "recarray": lambda columns: structured(columns).view(np.recarray),
    "frame": Frame,
    "pandas frame": lambda columns: pandas().DataFrame(columns),
    "pandas objects": lambda columns: pandas().DataFrame(columns, dtype=object),
    "mapping of series": lambda columns: dict(pandas().DataFrame(columns)),
}


def listed(form):
    """A list of points, each with labels in an order of its own."""

    def build(columns):
        names, rows = list(columns), list(zip(*columns.values(), strict=True))
        turned = [deque(zip(names, row, strict=True)) for row in rows]
        for k, row in enumerate(turned):
            row.rotate(k)
        return [ONE[form](dict(row)) for row in turned]

    return build


MANY |= {f"list, each a {form}": listed(form) for form in ONE if form != "text"}
WORDS = {"pi", "e", "E", "I", "as", "if", "in", "is", "or", "ln", "oo"}
NAMES = st.from_regex(r"[a-zA-Z][a-z]?[0-9]{0,3}", fullmatch=True).filter(
    lambda name: name not in WORDS and not written_out(name)
)
"""names, such as x10 and B2, that are no words of the language"""
VALUES = st.floats(-8, 8).map(lambda x: round(x, 3))


@st.composite
def points(draw):
    """Names in some order, with values."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    return {name: draw(VALUES) for name in names}


def weighted(names):
    """A sum whose gradient tells every variable by its own number, and the numbers."""
    weights = {name: k + 1 for k, name in enumerate(sorted(names))}
    return " + ".join(f"{k}*{name}" for name, k in weights.items()), weights


def natural_by_hand(names):
    """Runs of digits as integers, the rest by code point: compared run by run."""

    def key(name):
        return [(0, int(run)) if run.isdigit() else (1, run) for run in re.findall(r"[0-9]+|[^0-9]+", name)]

    found = []
    for name in names:  # insertion, by a comparison of its own
        place = next((k for k, other in enumerate(found) if before(key(name), key(other))), len(found))
        found.insert(place, name)
    return tuple(found)


def before(one, other):
    for a, b in zip(one, other, strict=False):
        if a != b:
            return a < b
    return len(one) < len(other)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.from_regex(r"[a-zA-Z]{1,2}([1-9][0-9]{0,2}[a-z]?)?", fullmatch=True), unique=True, max_size=12))
def test_the_order_is_natural(names):
    assert natural_order(names) == natural_order(reversed(names)) == natural_by_hand(names)


def test_the_order_of_examples():
    names = ["x10", "x2", "x1", "b", "B", "a10b2", "a10b10", "a2", "x", "x01", "x_2", "X2"]
    assert natural_order(names) == (
        "B", "X2", "a2", "a10b2", "a10b10", "b", "x", "x01", "x1", "x2", "x10", "x_2")  # fmt: skip


@pytest.mark.parametrize("form", ONE)
@settings(max_examples=max(5, EXAMPLES // 8), deadline=None)
@given(points())
def test_one_point_in_every_labelled_form(form, point):
    text, weights = weighted(point)
    result = dk.gradient(text, ONE[form](point), variables=list(point)[::-1], backend="dual")
    assert dict(zip(result.variables, result.value, strict=True)) == weights
    assert dict(result.at) == point
    result = dk.gradient(text, ONE[form](point), backend="dual")
    assert result.variables == natural_order(point)
    assert [weights[name] for name in result.variables] == result.value.tolist()


@pytest.mark.parametrize("form", MANY)
@settings(max_examples=max(5, EXAMPLES // 8), deadline=None)
@given(points())
def test_many_points_in_every_labelled_form(form, point):
    text, weights = weighted(point)
    columns = {name: [value, value + 1, -value] for name, value in point.items()}
    result = dk.gradient(text, MANY[form](columns), backend="dual")
    assert result.value.shape == (3, len(point))
    assert [dict(zip(result.variables, row, strict=True)) for row in result.value] == [weights] * 3
    assert {name: values.tolist() for name, values in result.at.items()} == columns


@pytest.mark.parametrize("form", [*ONE, *MANY])
@settings(max_examples=max(4, EXAMPLES // 12), deadline=None)
@given(points(), st.data())
def test_a_name_too_few_or_too_many_is_a_typed_error(form, point, data):
    text, _ = weighted(point)
    one = form in ONE
    make = ONE.get(form) or MANY[form]
    lone = data.draw(st.sampled_from(sorted(point)))
    less = {name: value if one else [value] for name, value in point.items() if name != lone}
    with pytest.raises(dk.DiffkitError, match="gives no value for"):
        dk.gradient(text, make(less), backend="dual")
    more = {name: value if one else [value] for name, value in {**point, "surplus": 1.0}.items()}
    with pytest.raises(dk.PointError, match="unknown variable surplus"):
        dk.gradient(text, make(more), backend="dual")


@settings(max_examples=EXAMPLES, deadline=None)
@given(points(), st.data())
def test_functions_take_labelled_points_by_their_parameters(point, data):
    """A signature declares names and their order."""
    order = list(point)
    text, weights = weighted(point)
    f = eval(f"lambda {', '.join(order)}: {text}")
    form = data.draw(st.sampled_from(["mapping", "named tuple", "series", "record"]))
    shuffled = dict(data.draw(st.permutations(list(point.items()))))
    result = dk.gradient(f, ONE[form](shuffled), backend="dual")
    assert list(result.variables) == order
    assert result.value.tolist() == [weights[name] for name in order]
    frame = data.draw(st.sampled_from(["frame", "structured", "recarray", "list, each a series"]))
    columns = {name: [value, 1.0] for name, value in shuffled.items()}
    result = dk.gradient(f, MANY[frame](columns), backend="dual")
    assert result.value.tolist() == [[weights[name] for name in order]] * 2


# What says nothing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "words"),
    [(lambda pd: pd.Series([1.0, 2.0]), "labelled 0, 1 (in order: x, y)"),
     (lambda pd: pd.DataFrame([[1.0, 2.0]]), "labelled 0, 1 (in order: x, y)"),
     (lambda pd: pd.Series([1.0, 2.0, 3.0], index=["x", "y", "y"]), "gives y twice"),
     (lambda pd: pd.DataFrame([[1.0, 2.0, 3.0]], columns=["x", "y", "y"]), "gives y twice"),
     (lambda pd: pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_product([["a"], ["x", "y"]])), "in order: x, y"),
     (lambda pd: pd.DataFrame({"x": [1.0], "y": [None]}), "y = None is not a real number"),
     (lambda pd: pd.DataFrame({"x": [1.0, 1.0], "y": [2.0, None]}), "NaN or infinity"),
     (lambda pd: pd.DataFrame({"x": [1.0], "y": pd.array([None], dtype="Int64")}), "NaN or infinity"),
     (lambda pd: pd.DataFrame({"x": [1.0], "y": [True]}), "y is an array of bool"),
     (lambda pd: pd.DataFrame({"x": [1.0], "y": pd.to_datetime(["2020-01-01"])}), "y is an array of datetime64"),
     (lambda pd: pd.DataFrame({"x": [1.0], "y": ["import os"]}), "y = 'import os' is not a number"),
     (lambda pd: pd.DataFrame({"x": [1.0], "y": [1j]}), "y is an array of complex128"),
     (lambda pd: {"x": pd.Series([1.0, 2.0]), "y": pd.Series([1.0, 2.0], index=[1, 0])}, "have different labels"),
     (lambda pd: {0: 1.0, 1: 2.0}, "labelled 0, 1 (in order: x, y)"),
     (lambda pd: {"x": 1, sympy.Symbol("x"): 1, "y": 2}, "gives x twice")],
)  # fmt: skip
def test_labels_that_say_nothing(at, words):
    with pytest.raises(dk.PointError, match=re.escape(words)):
        dk.gradient("x*y", at(pandas()))
    with pytest.raises(dk.DiffkitError):
        dk.gradient(lambda x, y: x * y, at(pandas()))


@pytest.mark.parametrize("f", ["x*y", lambda x, y: x * y], ids=["text", "code"])
def test_a_claim_by_a_name_that_f_does_not_have_is_refused(f):
    right = {"x": 2.0, "y": 1.0}
    assert dk.check(f, {"dx": 2.0, "grad_y": 1.0}, {"x": 1.0, "y": 2.0}).verdict == "correct"
    for more in ("z", "dz", "xy"):
        with pytest.raises(dk.DiffkitError, match=rf"gives a gradient of {more} \(f takes x, y\)"):
            dk.check(f, {**right, more: 0.0}, {"x": 1.0, "y": 2.0})
    assert dk.check(f, right, {"x": 1.0, "y": 2.0}, wrt="x").verdict == "correct"  # more than is asked
    with pytest.raises(dk.DiffkitError, match=r"no gradient of mx \(.*write m\*x for a product"):
        dk.check("mx + c", {"m": "x", "x": "m", "c": "1"})


def test_directions_and_claims_with_labels():
    point = {"x": 1, "y": 2}
    for form in ("mapping", "named tuple", "series", "pandas series", "symbols"):
        along = ONE[form]({"y": 1.0, "x": 0.0})
        assert dk.directional("x^2*y", point, along).value == 1.0
        assert dk.hvp("x^2*y", point, along).value.tolist() == [2.0, 0.0]
        assert dk.tangent("x^2*y", point, direction=along).direction == (0.0, 1.0)
        assert dk.check("x^2*y", ONE[form]({"y": 1.0, "x": 4.0}), point).verdict == "correct"
        with pytest.raises(dk.DiffkitError, match="z"):
            dk.directional("x^2*y", point, ONE[form]({"z": 1.0, "x": 0.0}))
    assert dk.check("x^2*y", {"y": "x^2", "x": "2*x*y"}).verdict == "correct"
    with pytest.raises(dk.PointError, match="in order: x, y"):
        dk.directional("x^2*y", point, pandas().Series([0.0, 1.0]))


class Lazy(Frame):
    """A table that has no columns yet."""

    def __getitem__(self, name):
        raise TypeError("collect me")


@pytest.mark.parametrize(
    ("at", "words"),
    [(Lazy({"x": [1.0], "y": [2.0]}), "a lazy table is collected first"),
     (Frame({"x": [1.0], "y": [2.0, 3.0, 4.0]}), ""), (Frame({}), "gives no value for x")],
)  # fmt: skip
def test_tables_that_are_none(at, words):
    for f in ("x*y", lambda x, y: x * y):
        if f == "x*y" and not words:  # columns broadcast, as arrays do
            assert dk.gradient(f, at).value.shape == (3, 2)
            continue
        with pytest.raises(dk.PointError, match=words or "different lengths"):
            dk.gradient(f, at)


def test_a_box_with_labels():
    box = dk.stationary("x^2 + 3*y^2", {"y": (-1, 0), "x": (0, 1)}).box
    for form in ("named tuple", "symbols", "series"):
        assert dk.stationary("x^2 + 3*y^2", ONE[form]({"y": (-1, 0), "x": (0, 1)})).box == box


# One order ------------------------------------------------------------------------------------------------------------


def command(run, *arguments):
    code, out, err = run(*arguments, "--format", "json")
    assert (code, err) == (0, ""), err
    return json.loads(out)


@settings(max_examples=max(5, EXAMPLES // 10), deadline=None)
@given(points(), st.data())
def test_one_order_in_every_kind_of_text(point, data):
    names = natural_order(point)
    order = data.draw(st.permutations(list(point)))
    scalar = " + ".join(f"{k}*{name}" for k, name in enumerate(order, 1))
    arrays = f"{scalar} + 0*sum([1, 2])"
    assert dk.parse(scalar).variables == names
    assert dk.arrays(arrays).parameters() == names
    assert dk.gradient(dk.arrays(arrays), point).variables == names
    by_sympy = sum(k * sympy.Symbol(name) for k, name in enumerate(order, 1))
    assert dk.gradient(by_sympy, point).variables == names
    assert dk.jacobian([*order, "1"], list(point.values())).variables == names
    assert dk.report([{"expr": scalar, "at": point}], backends="dual").outcomes[0].case.task.variables == names
    assert tuple(dk.matrix_derivative(scalar, names[0], shapes=dict.fromkeys(names, ())).problem.shapes) == names
    assert dk.check(scalar, [str(order.index(name) + 1) for name in names]).verdict == "correct"


ORDERS = ["(3-(w*2+b))^2", "(3-(w*2+b))^2+0*sum([1,2])", "(3-(w*2+b))^2+0*norm([w,b])^2", "norm([3-(w*2+b)])^2"]


@pytest.mark.parametrize("text", ORDERS)
def test_a_bare_list_is_taken_in_that_order_and_echoed(run, text):
    found = command(run, "grad", text, "--at", "1,2")
    assert (found["variables"], found["at"]) == (["b", "w"], {"b": 1, "w": 2})
    assert found["value"] == [4.0, 8.0]
    assert "at b = 1, w = 2" in run("grad", text, "--at", "1,2")[1]
    found = command(run, "grad", text, "--at", "1,2", "--variables", "w,b")
    assert (found["variables"], found["at"]) == (["w", "b"], {"w": 1, "b": 2})


BARE = [
    ["grad", "mean((y-(w*x+b))^2)", "--data", "p.csv", "--at", "1,2"],
    ["hessian", "mean((y-(w*x+b))^2)", "--let", "x=[1,2],y=[2,3]", "--at", "1,2"],
    ["compare", "mean((y-(w*x+b))^2)", "--data", "p.csv", "--at", "1,2"],
    ["check", "mean((y-(w*x+b))^2)", "--claim", "-2*mean(y-(w*x+b))", "--data", "p.csv", "--at", "1,2"],
    ["explain", "mean((y-(w*x+b))^2)", "--backward", "--data", "p.csv", "--at", "1,2"],
    ["descend", "mean((y-(w*x+b))^2)", "--steps", "1", "--data", "p.csv", "--from", "1,2"],
    ["descend", "(w-1)^2+(b+2)^2", "--steps", "1", "--from", "1,2"],
    ["descend", "sum((w-1)^2)+(b+2)^2", "--steps", "1", "--from", "1,[1,2]"],
]


@pytest.mark.parametrize("arguments", BARE, ids=lambda a: f"{a[0]} {a[2]}")
def test_a_bare_list_beside_data_is_refused_with_the_names(run, tmp_path, arguments):
    (tmp_path / "p.csv").write_text("x,y\n1,2\n2,3\n3,5\n")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "goes by names (b, w)" in err
    assert "write b=0,w=0" in err
    assert err.count("\n") == 1
    named = [*arguments[:-1], "b=1,w=[1,2]" if "[" in arguments[-1] else "b=1,w=2"]
    if arguments[0] not in ("check", "descend"):
        assert run(*named)[0] == 0
    assert "goes by names" not in run(*named)[2]
    assert "goes by names" not in run(*arguments, "--variables", "w,b")[2]


def test_a_bare_list_beside_data_in_python():
    f = dk.arrays("mean((y-(w*x+b))^2)", x=[1, 2, 3], y=[2, 3, 5])
    with pytest.raises(dk.PointError, match=re.escape("goes by names (b, w)")):
        dk.gradient(f, [1, 2])
    told = dk.arrays("mean((y-(w*x+b))^2)", x=[1, 2, 3], y=[2, 3, 5], variables=("w", "b"))
    assert dict(dk.gradient(told, [1, 2]).at) == {"w": 1, "b": 2}
    assert dk.gradient(f, {"w": 1, "b": 2}).variables == ("b", "w")
    one = dk.arrays("mean((y-w*x)^2)", x=[1, 2, 3], y=[2, 3, 5])
    assert dk.gradient(one, [1]).variables == ("w",) or dk.gradient(one, 1).variables == ("w",)


@pytest.mark.parametrize("f", ["a*b^2", lambda a, b: a * b**2])
@pytest.mark.parametrize(
    ("at", "message"),
    [
        ([{"a": 1, "b": 2}, [3, 4]], "some points of the list go by names, and others do not"),
        ([{"a": 1, "b": 2}, {"b": 1}], "some points of the list give no value for a"),
        ([{"a": 1, "b": 2}, {"b": 1, "c": 2}], "some points of the list give no value for (a|c)"),
        ([{"a": 1, "c": 2}], "the point (gives no value for b|names an unknown variable c)"),
        ([{"a": [1, 2], "b": 2}], "a point of the list gives more than one number for a"),
        ([Frame({"a": [1], "b": [2]})], "the point is a list of tables"),
    ],
)
def test_lists_of_points_that_do_not_go_together(f, at, message):
    with pytest.raises(dk.PointError, match=message):
        dk.gradient(f, at)


def test_arguments_may_have_labels_of_their_own():
    """Columns are not points, and a named tuple may be an argument: their labels name no parameter."""
    pair = namedtuple("Pair", "u v")
    assert dk.gradient(lambda p, q: p @ q, [pair(1, 3), pair(2, 5)]).value == pytest.approx([2, 5, 1, 3])
    frame = pandas().DataFrame({"b": [1.0, 2.0], "a": [3.0, 4.0]}, index=["u", "v"])
    assert dk.gradient("a*b^2", [frame.a, frame.b]).value.tolist() == [[1, 6], [4, 16]]

"""Letters that run together: refused where they split into known words, else one variable, as the answer says."""

import json
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.core.table import table
from diffkit.core.text.names import ARRAY_FUNCTIONS as OF_ARRAYS
from diffkit.core.text.names import GREEK, SCALAR_FUNCTIONS, written_out

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "150"))
SCALAR = sorted(name for name in SCALAR_FUNCTIONS if len(name) > 1)
LETTERS = list("abcdfghjkmnpqrstuvwxyz")  # e is a constant, i and o make words of others
FACTORS = st.sampled_from([*LETTERS, *sorted(GREEK - set(SCALAR_FUNCTIONS) - {"lambda", "eps", "lam"}), "x1", "t2"])
OPERANDS = st.tuples(st.sampled_from(["", "2", "3", "10"]), FACTORS)


@st.composite
def calls(draw):
    """A call or several, without signs."""
    run = draw(st.sampled_from(["", "", *"abxyt"]))
    for _ in range(draw(st.integers(1, 2))):
        run += "".join((draw(st.sampled_from(SCALAR)), *draw(OPERANDS)))
    return run


@st.composite
def products(draw):
    """A constant and the rest, without a sign."""
    return "".join((draw(st.sampled_from(["pi", "e", "E"])), *draw(OPERANDS)))


RUNS = st.one_of(calls(), products()).filter(lambda run: run not in SCALAR_FUNCTIONS and len(run) <= 64)


def written(error):
    """What the error says to write."""
    return re.search(r"write (.+?)(?: or .+?)?, or declare", str(error))[1]


def refused(text):
    with pytest.raises(dk.ParseError) as caught:
        dk.parse(text)
    return caught.value


@settings(max_examples=EXAMPLES, deadline=None)
@given(RUNS)
def test_a_run_of_known_words_is_refused_with_what_to_write(run):
    error = refused(run)
    assert (error.text, error.position) == (run, 0)
    assert re.sub(r"[^A-Za-z0-9_]", "", written(error)) == run
    dk.parse(written(error))
    assert refused(f"sin({run})^2").position == 4
    if not run.startswith(("e", "E")):  # 3e2 is a number
        assert refused(f"1 + 3{run}").position == 5


@settings(max_examples=max(20, EXAMPLES // 4), deadline=None)
@given(RUNS)
def test_a_declared_run_is_a_variable(run):
    assert dk.parse(run, variables=(run,)).variables == (run,)
    assert dk.gradient(f"{run}^2*y", {run: 3, "y": 2}, backend="dual").value.tolist() == [12.0, 9.0] or run > "y"
    assert float(dk.derivative(f"2*{run}", 5, wrt=run, backend="dual")) == 2
    assert dk.gradient(
        dk.arrays(f"sum({run}*[1, 2])", variables=(run,)), {run: 1.0}, backend="dual"
    ).value.tolist() == [3]
    assert dk.report([{"expr": run, "at": {run: 1}}], backends="dual").passed
    assert dk.check(f"{run}^2", f"2*{run}", {run: 1.0}).verdict == "correct"


@settings(max_examples=max(20, EXAMPLES // 10), deadline=None)
@given(st.sampled_from(sorted(OF_ARRAYS - {"I", "T"})), st.sampled_from("XAxw"))
def test_runs_of_array_functions_are_refused_in_arrays(function, factor):
    run = f"{function}{factor}"
    if run in OF_ARRAYS or run in SCALAR_FUNCTIONS or not written_out(run, OF_ARRAYS):
        return
    for read in (dk.arrays, lambda text: dk.matrix_derivative(text, "B"),
                 lambda text: dk.check_identity(f"{text} = B")):  # fmt: skip
        with pytest.raises(dk.ParseError, match="is not read as a variable"):
            read(f"B + {run}")
    assert dk.arrays(f"sum({run})", **{run: [1.0, 2.0]}, variables=("q",)).data


HONEST = (
    "maxx minx sumx meanx error epoch energy expected minute signal sinus logit login sincere e2 pi1 pi2 log2fc theta "
    "e1 eta beta1 gamma1 epsilon learning_rate x1 w10 sin_x xx1 price income position tangent absorb"
)


@pytest.mark.parametrize("name", HONEST.split())
def test_names_that_people_choose_are_variables(name):
    assert dk.parse(f"2*{name} + 1").variables == (name,)


@pytest.mark.parametrize(
    ("text", "write"),
    [("cos2x", "cos(2x)"), ("sin2x", "sin(2x)"), ("sinx", "sin(x)"), ("lnx", "ln(x)"), ("pix", "pi*x"),
     ("e2x", "e*2x or e^(2x)"), ("ex", "e*x or e^x"), ("xsinx", "x*sin(x)"), ("sinxcosx", "sin(x)*cos(x)"),
     ("coswt", "cos(w*t)"), ("sin2pix", "sin(2pi*x)"), ("sintheta", "sin(theta)"), ("pirx", "pi*r*x"), ("xpi", "x*pi"),
     ("xe^x", "x*e"), ("2te^-t", "t*e"), ("xe²", "x*e"), ("sqrtx", "sqrt(x)"), ("Sinx", "Sin(x)")],
)  # fmt: skip
def test_what_is_said(run, text, write):
    code, out, err = run("derivative", text, "--at", "1")
    assert (code, out) == (2, "")
    assert f"write {write}, or declare" in err
    code, _, err = run("grad", f"sum([1,2])*{text}", "--at", "x=1")
    assert code == 2
    assert f"write {write}, or declare" in err


# One variable, and the answer says so -----------------------------------------------------------------------------

NOTE = "mx is one variable; write m*x for a product"


@pytest.mark.parametrize(
    "arguments",
    [["grad", "mx+c", "--at", "1,2"], ["derivative", "mx", "--at", "1"], ["derivative", "mx"],
     ["hessian", "mx^2", "--at", "3"], ["jacobian", "mx", "mx^2", "--at", "3"], ["compare", "mx^2", "--at", "3"],
     ["compare", "mx^2", "--at", "1:2:3"], ["check", "mx^2", "--claim", "2*mx", "--at", "1"],
     ["check", "mx^2", "--claim", "2*mx"], ["limit", "mx^2", "--at", "1"], ["tangent", "mx^2", "--at", "1"],
     ["explain", "mx^2"], ["explain", "mx^2", "--backward", "--at", "1"], ["stationary", "mx^2", "--box", "-1:1"],
     ["descend", "mx^2", "--from", "1", "--steps", "3"], ["grad", "sum(mx*[1,2])", "--at", "1"],
     ["descend", "sum(mx*[1,2])^2", "--from", "1", "--steps", "2", "--rate", "0.01"], ["matrix", "norm(mx)**2"],
     ["compare", "sum(mx*[1,2])", "--at", "1"], ["check", "sum(mx*[1,2])", "--claim", "3", "--at", "1"],
     ["matrix", "--check", "mx + mx = 2*mx"], ["report", "cases.jsonl", "--backends", "dual"]],
    ids=" ".join,
)  # fmt: skip
def test_every_answer_says_that_it_is_one_variable(run, tmp_path, arguments):
    (tmp_path / "cases.jsonl").write_text('{"expr": "mx^2", "at": 1}\n{"expr": "2*mx", "at": [2]}\n')
    for format in ("text", "markdown"):
        _, out, err = run(*arguments, "--format", format)
        assert (out.replace("\\*", "*").count(NOTE), err) == (1, "")
    assert json.loads(run(*arguments, "--format", "json")[1])["notes"][0] == NOTE
    assert NOTE in run(*arguments, "--format", "html")[1]


@pytest.mark.parametrize(
    ("ask", "several"),
    [(lambda f, at: dk.gradient(f, at), True), (lambda f, at: dk.derivative(f, at), False),
     (lambda f, at: dk.prepare(f).result(at), True), (lambda f, at: dk.compare(f, at, backends="dual"), True),
     (lambda f, at: dk.check(f, "1", at), False), (lambda f, at: dk.quotients(f, at), False),
     (lambda f, at: dk.tangent(f, at), True), (lambda f, at: dk.explain(f, at=at), False),
     (lambda f, at: dk.backward(f, at), True), (lambda f, at: dk.descend(f, at, steps=1), True)],
)  # fmt: skip
def test_results_in_python_have_the_note(ask, several):
    assert ask("mx", 1).notes == (NOTE,)
    assert ask(dk.parse("mx"), 1).notes == (NOTE,)
    assert ask(dk.parse("mx", variables=("mx",)), 1).notes == ()
    if several:
        said = [f"{name} is one variable; write {'*'.join(name)} for a product" for name in ("ab", "mx", "xyz")]
        assert ask("xyz + mx*ab", [1, 2, 3]).notes == tuple(said)


@pytest.mark.parametrize("function", sorted(SCALAR_FUNCTIONS - {"gamma", "psi", "Gamma"}))
def test_a_function_and_a_number_are_one_variable(function):
    name = f"{function}2"
    if name in table.names or written_out(name):  # acos(h2)
        return
    assert dk.gradient(f"{name}*x", [1, 3]).notes == (f"{name} is one variable; write {function}(2) for the number",)
    assert dk.gradient(f"{name}*x", {name: 1, "x": 3}).notes == ()


def test_what_is_declared_has_no_note():
    assert dk.parse("mx").notes == (NOTE,)
    assert dk.parse("mx", variables=("mx",)).notes == ()
    assert dk.gradient("mx + c", {"mx": 1, "c": 2}).notes == ()
    assert dk.derivative("mx", 1, wrt="mx").notes == ()
    assert dk.gradient(lambda mx: mx**2, 1.0).notes == ()
    assert dk.gradient("lr*eps + eta*mu", [1, 2, 3, 4]).notes == ("lr is one variable; write l*r for a product",)
    assert dk.gradient(dk.arrays("sum(mx*v)", v=[1, 2]), {"mx": 1}).notes == ()
    assert dk.gradient(dk.arrays("sum(mx*v)", v=[1, 2]), 1).notes == (NOTE,)
    assert dk.matrix_derivative("norm(XW - b)**2", "b").problem.notes == (
        "XW is one variable; write X @ W for a product",
    )
    assert dk.matrix_derivative("norm(XW)**2", "XW").problem.notes == ()


POINT = {"m": 1, "x": 2, "c": 3}
LETTERS_GIVEN = [
    (lambda f: dk.gradient(f, POINT), "mx+c"), (lambda f: dk.gradient(f, {"x": 2, "c": 3}), "mx+c"),
    (lambda f: dk.derivative(f, [1, 2], wrt="x"), "mx+c"), (lambda f: dk.gradient(f, "m=1,x=2,c=3"), "mx+c"),
    (lambda f: dk.compare(f, POINT), "mx+c"), (lambda f: dk.check(f, "m", wrt="x"), "mx+c"),
    (lambda f: dk.check(f, "m, x, 1", POINT), "mx+c"), (lambda f: dk.explain(f, wrt="x"), "mx+c"),
    (lambda f: dk.stationary(f, "m=0:1,x=0:1,c=0:1"), "mx+c"), (lambda f: dk.descend(f, POINT), "mx+c"),
    (lambda f: dk.quotients(f, POINT, wrt="x"), "mx+c"), (lambda f: dk.report([{"expr": f, "at": POINT}]), "mx+c"),
    (lambda f: dk.gradient(f, {"x1": 1, "x2": 2}), "x1x2"),
    (lambda f: dk.gradient(f, {"alpha": 1, "x": 2}), "alphax + 1"),
    (lambda f: dk.gradient(f, {"m": 1, "x": 2}), dk.parse("mx + m*x")),
    (lambda f: dk.derivative(f, 1, wrt="x"), dk.parse("mx")),
    (lambda f: dk.matrix_derivative(f, "x"), "A @ mx"), (lambda f: dk.check_identity(f"d/dx {f} = m"), "mx"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "f"), LETTERS_GIVEN)
def test_where_the_letters_are_given_the_product_is_asked_for(ask, f):
    with pytest.raises(dk.DiffkitError) as caught:
        ask(f)
    assert re.search(r"(mx|x1x2|alphax) is one variable.*write (m\*x|x1\*x2|alpha\*x) for a product", str(caught.value))


@pytest.mark.parametrize("arguments", [
    ["grad", "mx+c", "--at", "m=1,x=2,c=3"], ["derivative", "mx+c", "--wrt", "x"],
    ["derivative", "xy", "--at", "x=1,y=2"],
    ["compare", "mx+c", "--at", "m=1,x=2,c=3"], ["grad", "sum(mx*[1,2])", "--at", "m=1,x=2"],
    ["grad", "mx+c", "--points", "p.csv"], ["descend", "mx+c", "--from", "m=1,x=2,c=3"],
    ["stationary", "mx+c", "--box", "m=0:1,x=0:1,c=0:1"], ["check", "mx+c", "--claim", "m", "--wrt", "x"],
    ["matrix", "mx+c", "--wrt", "x"], ["report", "cases.jsonl"],
], ids=" ".join)  # fmt: skip
def test_the_command_asks_for_the_product(run, tmp_path, arguments):
    (tmp_path / "p.csv").write_text("m,x,c\n1,2,3\n")
    (tmp_path / "cases.jsonl").write_text('{"expr": "mx+c", "at": {"m": 1, "x": 2, "c": 3}}\n')
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "is one variable" in err
    assert re.search(r"write [mx]\*[xy] for a product", err)


def test_names_given_by_files_and_data_are_declared(run, tmp_path):
    (tmp_path / "p.csv").write_text("pix,c\n1,2\n")
    (tmp_path / "p.jsonl").write_text('{"pix": 1, "c": 2}\n')
    for file in ("p.csv", "p.jsonl"):
        assert run("grad", "pix*c", "--points", file)[0] == 0
    for arguments in (["--data", "p.csv", "--at", "w=1"], ["--let", "pix=[1,2]", "--at", "w=1"]):
        code, out, err = run("grad", "sum(pix*w)", *arguments)
        assert (code, err) == (0, "")
        assert "one variable" not in out


@pytest.mark.parametrize("text", ["e*x", "pi*x", "lambda*x", "nan + x", "I*x", "sin*x"])
def test_declared_names_win_over_words_of_the_language(text):
    name = re.match(r"\w+", text)[0]
    result = dk.gradient(text, {name: 3, "x": 2})
    assert set(result.variables) == {name, "x"}
    assert dk.gradient(text, [1] * 2, variables=(name, "x")).variables == (name, "x")

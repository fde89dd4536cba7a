"""Derivatives written as code: what compiles and runs gives the proven values, and nothing of a user's text runs."""

import functools
import math
import os
import random
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from code_runners import RUNNERS
from drawn_formulas import programs

import diffkit as dk
from diffkit.asking.questions import open_question
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import depends
from diffkit.cli.commands import cli
from diffkit.core.program import run_slots
from diffkit.core.table import table
from diffkit.engines.languages import Julia
from diffkit.methods.derivative_code import comment_lines
from diffkit.methods.program_evaluation import table_bound
from diffkit.numbers.floats import FLOATS

LANGUAGES = ("python", "numpy", "jax", "c", "julia", "fortran", "latex")
LACKING = {("c", "digamma"), ("c", "polygamma"), ("fortran", "digamma"), ("fortran", "polygamma"), ("jax", "besselj")}
"""rows that a language has not, nor any formula for them; and derivatives that name these"""
LACKING |= {(language, name) for language in ("c", "fortran") for name in ("gamma", "loggamma")}
LACKING |= {("jax", "digamma"), ("jax", "polygamma")}  # its polygamma is wrong for x < 0


def row_text(row, point):
    """A formula that applies a row, its orders those of a point."""
    names = [str(int(point[k])) if k in row.orders else "xyz"[k] for k in range(len(row.arguments))]
    if row.name == "where":
        return "where(x < y, x*y, x - y)"
    if row.truth and len(names) == 1:
        return "where(not x < 1, x, x^2)"
    if row.truth:
        x, y = ("x < 1", "y < 1") if row.truths else names
        return f"where({x} {row.infix} {y}, x*y, y)"
    if row.infix:
        return f"{row.infix}x" if len(names) == 1 else f"x {row.infix} y"
    return f"{row.name}({', '.join(names)})"


@functools.cache
def row_cases():
    """Formulas of all rows, each with a point and the proven gradient there."""
    found = []
    for row in table:
        for point in row.points:
            point = point if isinstance(point, tuple) else (point,)
            text = row_text(row, point)
            if row.truth or row.truths:
                point = (0.3, 2.0)[: 1 if row.name == "not_" else 2]
            values = [x for k, x in enumerate(point) if k not in row.orders]
            names = [name for name in "xyz" if name in dk.parse(text).variables]
            result = dk.gradient(text, values[: len(names)], variables=names)
            if result:
                found.append((row.name, text, values[: len(names)], result.value))
    return found


def bars(text, names, point):
    """What binary64 may round in each component of the table's gradient."""
    task = open_question(text, "gradient", names).task
    return np.array(table_bound(task, point))


ACCURACY = {"jax": 1e-12}
"""where the functions of a language are worse: JAX has Γ by its logarithm"""


@pytest.mark.parametrize("language", RUNNERS)
def test_code_of_every_row_gives_the_proven_gradient(language):
    codes, cases, accuracy = [], [], ACCURACY.get(language, 1e-13)
    for k, (name, text, point, truth) in enumerate(row_cases()):
        names = sorted(dk.parse(text).variables)
        if (language, name) in LACKING:
            with pytest.raises(dk.BackendError, match=f"has no {name}|has no .*gamma"):
                dk.code(text, language=language, variables=names)
            continue
        codes.append(dk.code(text, language=language, variables=names, name=f"g{k}"))
        cases.append((name, text, point, truth, 4 * bars(text, names, point) + accuracy * np.abs(truth)))
    assert len({name for name, *_ in cases}) > 55
    for run, (_, text, point, truth, bar) in zip(RUNNERS[language](codes), cases, strict=True):
        found = run(*point)
        assert (np.abs(found - truth) <= ACCURACY.get(language, 1e-13) * np.abs(truth) + bar).all(), (
            text,
            point,
            found,
            truth,
        )


EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "60"))


def drawn(language, seed, kind):
    """Codes of random formulas; for each, points with the derivative as the interpreter has it in double, and a bar."""
    draw, codes, cases = random.Random(seed), [], []
    for k, program in enumerate(programs(draw, EXAMPLES)):
        expression = dk.Expression(program)
        points = [(draw.uniform(-3, 3), draw.uniform(-3, 3)) for _ in range(4)]
        known = [(p, *seen) for p in points if (seen := truth_at(expression, kind, p)) is not None]
        if known and constants_have_values(program):
            with suppress(dk.BackendError):
                codes.append(dk.code(expression, kind, language, name=f"d{k}"))
                cases.append((str(expression), known))
    return codes, cases


def constants_have_values(program):
    """Whether what does not vary has a value: Fortran does not take the square root of −2 that is written as such."""
    gradient = derivative_program(program, [(0, (0,)), (0, (1,))])
    slots = zip(depends(gradient), run_slots(gradient, FLOATS, [0.3, 0.7]), strict=True)
    return all(varies or math.isfinite(value) for varies, value in slots)


def truth_at(expression, kind, point):
    """The derivative at a point, in pairs, and what binary64 may round; None where that is all, or nothing is known."""
    result = getattr(dk, kind)(expression, point, backend="dual")
    task = open_question(expression, kind).task
    bar = np.array(table_bound(task, point), dtype=float)[list(task.places)]
    sharp = bool(result) and (np.isfinite(bar) & (bar < 1e-3 * np.abs(np.ravel(result.value)) + 1e-300)).all()
    return (np.ravel(result.value), bar) if sharp else None


@pytest.mark.parametrize("kind", ["gradient", "hessian"])
@pytest.mark.parametrize("language", RUNNERS)
def test_code_of_random_formulas_is_as_near_as_binary64_lets_it_be(language, kind):
    codes, cases = drawn(language, f"{kind}", kind)
    seen, accuracy = 0, ACCURACY.get(language, 1e-13)
    for run, (text, points) in zip(RUNNERS[language](codes), cases, strict=True):
        for point, truth, bar in points:
            found = run(*point)
            assert (np.abs(found - truth) <= 4 * bar + accuracy * np.abs(truth)).all(), (text, point, found, truth)
            seen += 1
    assert seen > EXAMPLES


KINDS = {
    "derivative": ("x^3*y", {"wrt": ("x", "y")}),
    "gradient": ("x^3*y + z", {"wrt": ("z", "x")}),
    "jacobian": (["r*cos(t)", "r*sin(t)", "2", "r"], {}),
    "hessian": ("exp(x*y)/z", {}),
    "taylor": ("exp(sin(x))", {"order": 6}),
    "directional": ("x^3*sin(y)", {"direction": [1, -2], "order": 2}),
    "jvp": ("x^3*sin(y)", {"direction": [0.5, 2]}),
    "vjp": (["x^3*sin(y)", "x/y"], {"cotangent": [0.5, 2]}),
    "hvp": ("x^3*sin(y)", {"direction": [0.5, 2]}),
}


@pytest.mark.parametrize("language", RUNNERS)
def test_every_kind_in_every_language(language):
    codes = [dk.code(f, kind, language, name=f"k_{kind}", **options) for kind, (f, options) in KINDS.items()]
    for run, code, (kind, (f, options)) in zip(RUNNERS[language](codes), codes, KINDS.items(), strict=True):
        point = [0.7, 1.3, 0.4][: len(code.variables)]
        truth = dk.prepare(f, kind, **options).result(point if kind != "taylor" else point[0]).value
        assert code.shape == np.shape(truth)
        assert run(*point) == pytest.approx(np.ravel(truth), rel=1e-14)
        assert len(repr(code).splitlines()) < 10


CHOICES = [
    "where(x > 0, x*log(x) + log(x)^2, -x/2)",
    "where(x > 0 and y > 0, log(x)*sqrt(y), where(x > 0 or not y > 1, x*y, 1/y))",
    "max(x, y, x*y)*min(x, 2)",
    "where(x > 1, log(x - 1), 0) + where(y > 1, log(x - 1)*y, 0)*0",
    "where(where(x > 0, log(x), y) > 1, log(x)/x, where(x > 0, log(x)*y, 3))",
    "abs(x)*sign(y) + floor(y)*x + relu(x - 1)*heaviside(y)",
    "where(x != y, (x^2 - y^2)/(x - y), 2*x)",
]


@pytest.mark.parametrize("language", RUNNERS)
def test_choices_compute_nothing_that_raises_in_the_branch_not_taken(language):
    codes = [dk.code(text, language=language, variables=("x", "y"), name=f"c{k}") for k, text in enumerate(CHOICES)]
    for run, text in zip(RUNNERS[language](codes), CHOICES, strict=True):
        for point in ((-1.5, -0.3), (-1.5, 0.7), (0.5, -2.2), (0.4, 0.7), (3.7, 2.5), (2.5, 0.2)):
            truth = dk.gradient(text, point, variables=("x", "y"))
            if truth:
                assert run(*point) == pytest.approx(truth.value, rel=1e-13), (text, point)


def test_constants_are_the_nearest_doubles():
    text = "x*1/3 + x^2*0.1 + 1e300*x + 1e-320*x + x*12345678901234567890123 + pi*x + e*x - 2*x"
    for language in ("python", "c", "numpy"):
        (run,) = RUNNERS[language]([dk.code(text, language=language, name="g")])
        assert run(0.3) == pytest.approx(dk.gradient(text, 0.3).value, rel=1e-15)
    with pytest.raises(dk.LimitError, match="too large for binary64"):
        dk.code("10^400*x", language="c")


HOSTILE = ("lambda", "double", "t1", "t2", "exp", "math", "out", "gradient", "x", "X", "np", "merge", "sin", "shape",
           "if_", "linux", "import", "True", "jnp", "float", "const", "abs", "function", "end", "I", "pow")  # fmt: skip


@pytest.mark.parametrize("language", RUNNERS)
def test_names_that_mean_something_else_in_the_language(language):
    names = [f"a{k}" for k in range(len(HOSTILE))]
    plain = dk.parse(" + ".join(f"sin({name})*exp({name})^1.5*abs({name})" for name in names), names)
    hostile = dk.Expression(replace(plain.program, inputs=HOSTILE))
    (run,) = RUNNERS[language]([dk.code(hostile, language=language)])
    point = np.linspace(0.1, 1.3, len(HOSTILE))
    assert run(*point) == pytest.approx(dk.gradient(plain, list(point)).value, rel=1e-13)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["a b", "x;", "", "1x", "é", "x\ny", "*/", 3])
def test_a_function_has_an_identifier_for_its_name(language, name):
    with pytest.raises(dk.VariableError):
        dk.code("x", language=language, name=name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_arrays_and_symbols_get_into_code_as_identifiers_only(language):
    arrays = dk.code(lambda W, b: float(3) * W[0, 1] ** 2 * b, language=language, at=([[1.0, 2.0]], 3.0))
    assert arrays.variables == ("W[0, 0]", "W[0, 1]", "b") or len(arrays.variables) == 3
    body = [line for line in arrays.source.splitlines() if not line.startswith(("#", "//", "!", "%"))]
    assert not any("W[" in line for line in body)


@pytest.mark.parametrize(
    "text", ["*/ int evil; /*", "a\nimport os", "x\\", "??/", "a\r\nb", "\u2028evil", "'''", '"""', "\\end{align*}"]
)
def test_text_cannot_leave_a_comment(text):
    for line in comment_lines(text * 40, "// "):
        assert line.startswith("// ")
        assert line.isprintable()
        assert not line.endswith(("\\", "??/"))
        assert "*/" not in line


def test_julia_and_latex_are_balanced():
    for text in (*CHOICES, "exp(x*y)/gamma(x) + besselj(2, x)*erfcx(y) + loggamma(x)"):
        julia, latex = (dk.code(text, "hessian", language).source for language in ("julia", "latex"))
        code = "\n".join(line for line in julia.splitlines() if not line.startswith("#"))
        assert all(code.count(a) == code.count(b) for a, b in ("()", "[]", "{}"))
        assert code.count("function") == code.count("end") == 1
        assert latex.count("{") == latex.count("}")
        assert latex.count("\\left") == latex.count("\\right")
        assert latex.count("\\begin") == latex.count("\\end")


def test_equations_are_drawn_by_mathtext():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("agg")
    for line in dk.code("exp(x*y)*sin(x)/(1 + x^2*y) + log(y)^2", "hessian", "latex").source.splitlines():
        if "&=" in line:
            parser.parse(f"${line.removesuffix(chr(92) * 2).replace('&', '')}$")


def test_lines_are_short_and_what_occurs_twice_is_computed_once():
    for language in ("python", "numpy", "jax", "c", "julia", "fortran"):
        source = dk.code(" + ".join(f"sin(x{k}*x{k + 1})^2" for k in range(40)), language=language).source
        assert max(map(len, source.splitlines())) <= 90
        assert source.count("sin(x3*x4)") + source.count("sin(x4*x3)") == 1


def test_what_cannot_be_written_is_refused_in_one_line():
    cases = [
        (("x",), {"language": "perl"}, "unknown language 'perl'"),
        (("digamma(x)",), {"language": "c"}, "C has no polygamma"),
        (("x", "tangent"), {}, "unknown kind"),
        (("3",), {}, "no variable"),
        (("x*y", "hessian"), {"sparse": True}, "all entries"),
        ((lambda x: x**2,), {}, "recorded at a point"),
        ((lambda x: x**2 if x > 0 else x,), {"at": 1.0}, "branch"),
    ]
    for args, options, message in cases:
        with pytest.raises(dk.DiffkitError, match=message) as caught:
            dk.code(*args, **options)
        assert "\n" not in str(caught.value)


def test_the_command_writes_what_the_function_gives(tmp_path):
    runner, file = CliRunner(), tmp_path / "g.c"
    arguments = ["code", "-x^2*y", "--language", "c", "--wrt", "x", "-o", str(file)]
    assert runner.invoke(cli, arguments).output == ""
    assert file.read_text() == dk.code("-x^2*y", language="c", wrt="x").source + "\n"
    shown = runner.invoke(cli, ["code", "exp(x)", "--kind", "taylor", "--order", "3"])
    assert shown.output == dk.code("exp(x)", "taylor", order=3).source + "\n"
    assert runner.invoke(cli, ["code", "r*t", "r", "--kind", "jacobian"]).exit_code == 0
    told = runner.invoke(cli, ["code", "--help"]).output
    assert all(name in told for name in (*LANGUAGES, *KINDS))


def test_a_function_of_arrays_is_written_number_by_number():
    code = dk.code(dk.arrays("sum((y - X @ w)**2)", X=[[1.0, 2.0], [3.0, 4.0]], y=[1.0, 2.0]), at={"w": [0.0, 0.0]})
    (run,) = RUNNERS["python"]([code])
    assert run(0.5, -1.0) == pytest.approx([-2 * 2.5 - 6 * 4.5, -4 * 2.5 - 8 * 4.5])


JULIA = """exp expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh hypot sqrt cbrt
    abs floor ceil max min SpecialFunctions.erf SpecialFunctions.erfc SpecialFunctions.erfcx SpecialFunctions.gamma
    SpecialFunctions.logabsgamma(#)[1] SpecialFunctions.digamma SpecialFunctions.polygamma SpecialFunctions.besselj"""


def test_julia_calls_functions_that_it_has():
    """By the manuals of Julia 1.10 and SpecialFunctions.jl 2: nothing here runs it."""
    assert {Julia.function(row) for row in table if Julia.has(row) and not row.infix} - {""} == set(JULIA.split())


@pytest.mark.parametrize("language", RUNNERS)
def test_a_function_of_a_matrix_has_answers_in_its_shape(language):
    def f(W):
        return np.sum(W @ W * W)

    at = np.array([[0.3, 1.0], [-2.0, 0.7]])
    kinds = ("gradient", "hessian")
    codes = [dk.code(f, kind, language, at=at, name=f"m_{kind}") for kind in kinds]
    assert [code.shape for code in codes] == [(2, 2), (2, 2, 2, 2)]
    for run, kind in zip(RUNNERS[language](codes), kinds, strict=True):
        assert run(*at.ravel()) == pytest.approx(np.ravel(getattr(dk, kind)(f, at).value), rel=1e-14)


def test_a_direction_is_told_and_what_it_does_not_move_is_zero():
    for options in ({"direction": [1, 0]}, {"direction": {"y": 0, "x": 1}}):
        for kind in ("directional", "hvp", "jvp"):
            source = dk.code("x^3*y", kind, "c", **options).source
            assert "along v = (1, 0)" in source
            assert "0.0*" not in source


def test_powers_of_e_are_exponentials():
    assert "exp(x*y)" in dk.code("e^(x*y)", language="c").source


def test_a_factor_of_zero_hides_no_edge_of_the_domain():
    source = dk.code("0*log(x) + x", language="c").source
    assert "f(x) = 0*log(x) + x" in source
    assert "smooth where x > 0" in source
    assert "out[0] = 1.0;" in source

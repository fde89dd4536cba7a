"""One grammar: text of numbers means and says the same where arrays may stand, and what is printed is read again."""

import json
import os

import numpy as np
import pytest
from conftest import DATA, tsv
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hostile import decode
from test_syntax import EXPRESSIONS, LIMITED, READ_AS, REFUSED

import diffkit as dk
from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder
from diffkit.core.errors import ArrayTextError, DiffkitError
from diffkit.core.limits import Limits
from diffkit.core.program import run
from diffkit.core.table import ADD, DIV, MUL, POWER, SUB, table
from diffkit.core.table.array_table import array_table
from diffkit.core.text import holds_arrays, parse_program
from diffkit.lessons.matrices.array_parser import parse_array
from diffkit.lessons.matrices.nodes import in_order
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.ndarrays.kernel import evaluate
from diffkit.numbers.floats import FLOATS

ENTRYWISE = [row.name for row in array_table if row.entrywise]
EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "200"))
SLIPS = r"""
sin^2 x;sin^2(x);sin 2x;sin x;sin^-1(x);|x|;||x||^2;f(x)=x^2;y = 3x;y=x^2+1;d/dx x^2;∂/∂x(x*y);(x^2)';2pi x;2πx
3e^x;1e-3x;2x sin(x);x^2 sin(x);x exp(x);2 pi r;x!;5!;cos2x;sin2x;pix;e2x;xe^x;xy;mx+c;x^T A x;x.T*A*x;Ax
lambda x: x**2;α*x;θ^2;σ(x);x₁²;（x+1）;，;；;＝;3×x²－4x;温度^2;½x;√x;∞;90°;x÷2;x·y;\frac{1}{x};$x^2$;\sqrt{x};e^{-x^2}
ReLU(x);Sin(x);LN(x);lg(x);sigma(x);expit(x);print(x);leaky_relu(x);5;e^x;x^n;-(y*log(p)+(1-y)*log(1-p))
sum((y-(m*x+c))^2);abs(x);1/2x;x/2(y);2^3x;-2x^2;(x+1)(x+2);(x+1)x;x(2);2√x;√x^2;0 < x < 3;where(0 < x < 3, x, 2)
(x>0)*x;log(x, 2);log(x, 3);log(x,2,3);x';x.*y;x.^2;x./y;x:2;x=2;x[0;x[a];x[1 2];x[--1];[1,2;[];[1,];[[1,2],[3]]
x.y;x.T;x.T.T;x.sum();x.sum(axis=0);x.foo();np.sin(x);np.pi;np.x;np.;np.linalg.norm(x);math.exp(x);x.np;axis=1
axis*x;sum(x, axis=0);sum(axis=0);sum(x, axis=y);max(x, axis=0);x @ y;x @;@ x;x @@ y;sum();sum(x,y);det(x,y)
trace(x, axis=1);ones(2,3);I(2);I*x;sum(x > 0);besselj(x, 1);besselj(2-1, x);nan;inf+x;(x+y];[x);x);(x;x,y;(x, y)
max(x,);max();2[0];x[0](y);x[0]y;9**9**9;x**2000000;not x > 1;where(not x > 1 and x < 3, 1, 0);where(x, 1, 2);--x
- - -x;+-+x;2**-x;-2**x;x**y**z;2 x;x y;x 2;2 3;x.5;.5x;1.x;1e5x;0x1f;2j;1e;_x;a__b;x&y;x|y;~x;x%2;x;y;"x";#x;{x}
""".replace("\n", ";").split(";")
CORPUS = {
    "slips": [text.strip() for text in SLIPS if text.strip()],
    "syntax": [*READ_AS, *REFUSED, *LIMITED],
    "hostile": [decode(row["expression"]) for row in tsv("hostile_input.tsv")],
    "hard points": sorted({row["expression"] for row in tsv("hard_points.tsv")}),
    "published": sorted(
        {json.loads(line)["expr"] for line in (DATA / "corpus.jsonl").read_text(encoding="utf-8").splitlines()}
    ),
}


def reading(read, text):
    """What is read, or why not, and where."""
    try:
        return read(text)
    except DiffkitError as error:
        return type(error), error.reason, error.hint, error.position


def by_context(text):
    """Whether a text means something else of arrays, as it must: the entries of one array, names such as sumx."""
    return any(f"{name}(" in text.replace(" ", "") for name in (*ENTRYWISE, "Max", "Min", "maximum", "minimum")) or any(
        name in text for name in array_table.names if len(name) > 2
    )


def as_program(tree, names):
    """The Program of a tree of numbers, folded from the left."""
    builder, slots = ProgramBuilder(names, Limits()), {}
    for node in in_order(tree):
        args = [slots[arg] for arg in node.args]
        if node.kind == "name":
            slots[node] = builder.input(node.value)
        elif node.kind in ("number", "constant"):
            slots[node] = builder.constant(node.value if node.kind == "number" else NAMED_CONSTANTS[node.value])
        elif node.kind in ("+", "*"):
            slots[node] = args[0]
            for part, slot in list(zip(node.args, args, strict=True))[1:]:
                less = node.kind == "+" and part.kind == "neg"
                row = MUL if node.kind == "*" else SUB if less else ADD
                slots[node] = builder.apply(row, (slots[node], slots[part.args[0]] if less else slot))
        else:
            slots[node] = builder.apply({"/": DIV, "**": POWER}.get(node.kind) or table[node.kind], args)
    return builder.program([slots[tree]], names)


def values(program):
    """Its values at a few points."""
    points = [[start + 0.3 * k for k in range(len(program.inputs))] for start in (0.2, 1.1, -2.3)]
    return [float(run(program, FLOATS, point)[0]) for point in points]


def check_both(text):
    """Numbers and arrays: the same program, or the same words at the same place."""
    program = reading(parse_program, text)
    tree = reading(parse_array, text)
    if isinstance(program, tuple) and program[0] is ArrayTextError:
        assert holds_arrays(text)
        assert isinstance(program[3], int)
        return
    assert isinstance(program, tuple) or not holds_arrays(text)  # xpi[0] is of arrays, and its name is refused
    if by_context(text):
        return
    if isinstance(tree, tuple) or isinstance(program, tuple):
        assert tree == program
    else:
        read = as_program(tree, program.inputs)
        assert read == program or values(read) == pytest.approx(values(program), nan_ok=True)  # x + -y, x - y


@pytest.mark.parametrize("source", CORPUS)
def test_both_contexts_say_the_same(source):
    assert len(CORPUS[source]) > 30
    for text in CORPUS[source]:
        check_both(text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(EXPRESSIONS)
def test_both_contexts_say_the_same_of_what_is_drawn(text):
    check_both(text)


PIECES = st.sampled_from([
    "x", "y", "A", "2", "0.5", "1e3", "pi", "+", "-", "*", "/", "^", "**", "<", ">=", "==", "and", "not ", "(", ")",
    "[", "]", ",", ".", ".T", "@", ":", "=", "sin(", "max(", "sum(", "log(", "where(", "det(", "np.", "axis=", "√",
    "²", "π", "'", " ",
])  # fmt: skip


@settings(max_examples=5 * EXAMPLES, deadline=None)
@given(st.lists(PIECES, max_size=9).map("".join))
def test_both_contexts_say_the_same_of_anything(text):
    check_both(text)


@settings(max_examples=5 * EXAMPLES, deadline=None)
@given(st.lists(PIECES, max_size=9).map("".join))
def test_what_is_read_of_arrays_is_printed_as_it_is_read(text):
    tree = reading(parse_array, text)
    if not isinstance(tree, tuple):
        assert str(parse_array(str(tree))) == str(tree)


@pytest.mark.parametrize("limit", [{"length": 3}, {"nodes": 3}, {"depth": 1}, {"parentheses": 1}, {"digits": 2}])
def test_limits_are_the_same(limit):
    text = "sin((123*x + exp(y))) + 5"
    found = [
        reading(lambda text, read=read: read(text, limits=Limits(**limit)), text)
        for read in (parse_program, parse_array)
    ]
    assert found[0] == found[1]
    assert found[0][0] is dk.LimitError


@pytest.mark.parametrize(
    ("text", "names"), [("e*x", ("e", "x")), ("lambda*inf", ("lambda", "inf")), ("pix*sin", ("pix", "sin"))]
)
def test_declared_names_are_variables_of_arrays_too(text, names):
    assert dk.arrays(text, variables=names).parameters() == names


def test_products_of_matrices_without_a_sign_are_refused():
    A = [[1.0, 2.0], [3.0, 4.0]]
    for text in ("(x*A)(A)", "(x + A)(A + x)", "(A + x)(A @ [1, 2])"):
        with pytest.raises(dk.DiffkitError, match="two ways"):
            dk.gradient(dk.arrays(f"sum({text})", A=A), {"x": 1.0})
    with pytest.raises(dk.ParseError, match="two ways"):
        dk.arrays("A @ 2x")
    assert dk.derivative(dk.arrays("sum(2(A)*x)", A=A), 1.0).value == 20
    assert dk.gradient(dk.arrays("sum((x + 1)(x + 2))"), {"x": [1.0, 2.0]}).value.tolist() == [5, 7]


ARRAYS = {"A": np.array([[1.5, -0.5], [0.25, 2.0]]), "v": np.array([0.5, 1.25]), "x": np.float64(0.75)}
OPERATIONS = [
    "{}+{}", "{}-{}", "{}*{}", "{}/{}", "{} @ {}", "({})*({})", "({})/({})", "({}) @ ({})", "({})-({})", "2({})*{}",
    "-{}*{}", "({})**2*{}", "({})**-1*({})", "max({}, {})", "where({} < {}, 1, 2)", "-({})+{}", "({}).T*{}",
    "({})[0]-{}", "sum({})/{}", "[{}, {}]", "0.5*({})*{}", "-2*{}*({})", "{}*-3*{}", "1/({}+{})", "{}**({})",
    "√({})+{}", "mean({} > {})", "{} - -{}",
]  # fmt: skip
ARRAY_TEXTS = st.recursive(
    st.sampled_from(
        [*ARRAYS, "2", "0.25", "1e3", "pi", "-1.5", "A[0, 1]", "v[-1]", "A[:, 0]", "sum(v)", "A.T", "dot(v, v)"]
    ),
    lambda inner: st.tuples(st.sampled_from(OPERATIONS), inner, inner).map(lambda t: t[0].format(*t[1:])),
    max_leaves=6,
)


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(ARRAY_TEXTS)
def test_what_is_printed_of_arrays_means_the_same(text):
    try:
        tree = parse_array(text)
        expected = evaluated(tree)
    except (dk.ShapeError, dk.ParseError):  # rows of different lengths
        return
    again = parse_array(str(tree))
    assert str(parse_array(str(again))) == str(again)  # -1.5 is -3/2, a quotient
    np.testing.assert_allclose(evaluated(again), expected, rtol=1e-11, atol=1e-12)


def evaluated(tree):
    """The value of a tree at the arrays."""
    with np.errstate(all="ignore"):
        shapes = shapes_of(tree, {name: np.shape(value) for name, value in ARRAYS.items()})
        return evaluate(program_of(tree, tuple(ARRAYS), shapes), tuple(ARRAYS.values()))

"""LaTeX of formulas of arrays: every row of the table, and random formulas read again as on paper."""

import os
import random
import re

import numpy as np
import pytest
from paper_formulas import PaperReader
from test_array_rows import CALLS

import diffkit as dk
from diffkit.core.errors import LimitError
from diffkit.core.table.array_table import array_table
from diffkit.core.text.latex import latex
from diffkit.core.text.printer import format_outputs
from diffkit.lessons.matrices.algebra import MatrixAlgebra
from diffkit.lessons.matrices.array_parser import parse_array
from diffkit.lessons.matrices.nodes import Node, names_of
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_latex import tree_latex
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.ndarrays import record_function
from diffkit.ndarrays.kernel import evaluate

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "150"))
RNG = np.random.default_rng(11)
SHAPES = {"c": (), "alpha": (), "x": (3,), "y": (3,), "z": (3,), "A": (3, 3), "B": (3, 3), "X": (2, 3), "u": (2,)}
VALUES = {n: RNG.uniform(0.3, 1.2, s) + (2 * np.eye(3) if s == (3, 3) else 0) for n, s in SHAPES.items()}


def written(tree, shapes):
    return tree_latex(tree, MatrixAlgebra(shapes).shape)


def balanced(text):
    bare = re.sub(r"\\[a-zA-Z]+|\\.", "", text)
    depths = np.cumsum([(c == "{") - (c == "}") for c in bare])
    assert not len(depths) or (depths.min() >= 0 and depths[-1] == 0)
    assert text.count("\\left") == text.count("\\right")
    assert re.findall(r"\\begin\{(\w+)", text) == re.findall(r"\\end\{(\w+)", text)
    assert not re.search(r"\}_\{[^}]*\}_\{|\^\{[^{}]*\}\^\{", text), "two indices or powers of one thing"
    return text


def value_of(tree, values):
    given = {name: values[name] for name in names_of(tree)} or {"x": values["x"]}
    shapes = shapes_of(tree, {name: np.shape(value) for name, value in given.items()})
    return evaluate(program_of(tree, tuple(given), shapes), [*given.values()])


def read_again(text, tree, values):
    """The value of the LaTeX as a reader takes it is the value of the tree."""
    expected = np.asarray(value_of(tree, values))
    found = PaperReader(balanced(text), values).value()
    found = found.T if expected.ndim == 1 and found.shape[0] == 1 else found  # x @ A is a row on paper
    np.testing.assert_allclose(found, PaperReader.column(expected), rtol=1e-9, err_msg=f"{tree}: {text}")


# Rows ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "node", "shapes"), CALLS)
def test_every_row_is_read_on_paper_as_it_is_computed(row, node, shapes):
    values = {n: RNG.uniform(0.3, 1.2, s) + (2 * np.eye(3) if s == (3, 3) else 0) for n, s in shapes.items()}
    read_again(written(node, shapes), node, values)


@pytest.mark.parametrize("row", [row for row in array_table if row.lengths or not row.called], ids=lambda r: r.name)
def test_rows_that_are_syntax_or_of_lengths_are_written(row):
    text = {
        "@": "X @ x", "array": "[[1, c], [3*c, 2]] @ u + [c, -c] + [x, 2*x] @ y", "index": "x[1]*A[0, 2]",
        "eye": "eye(3) @ x", "ones": "ones(2, 3) @ x + ones(2)", "zeros": "x + zeros(3)",
    }[row.name]  # fmt: skip
    tree = parse_array(text)
    read_again(written(tree, SHAPES), tree, VALUES)


@pytest.mark.parametrize("row", list(array_table), ids=lambda r: r.name)
def test_frames_keep_a_place_for_every_argument(row):
    for form in (row.latex,) if isinstance(row.latex, str) else row.latex:
        assert form.count("#") in (0, 1, max(row.counts))
        assert form.count("{") == form.count("}")
        assert form.count("\\left") == form.count("\\right")
    assert row.text.count("#") in (0, 1)


# How it looks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A.T", r"A^{\top}"),
        ("inv(A)", r"A^{-1}"),
        ("inv(A).T", r"A^{-\top}"),
        ("norm(x)**2", r"\left\lVert x\right\rVert_{2}^{2}"),
        ("norm(A)", r"\left\lVert A\right\rVert_{F}"),
        ("trace(A @ B)", r"\operatorname{tr}\left(A \, B\right)"),
        ("log(det(A))", r"\ln\left(\det\left(A\right)\right)"),
        ("logdet(A)", r"\ln\left|\det\left(A\right)\right|"),
        ("x.T @ A @ x", r"x^{\top} \, A \, x"),
        ("x @ A @ x", r"x^{\top} \, A \, x"),
        ("(x*y) @ z", r"\left(x \odot y\right)^{\top} \, z"),
        ("2*A @ x", r"2 \, A \, x"),
        ("x*y/c", r"\frac{x \odot y}{c}"),
        ("x/y", r"x \oslash y"),
        ("X**2", r"X^{\odot 2}"),
        ("exp(c)*exp(x)", r"e^{c} \, \operatorname{exp}\left(x\right)"),
        ("eye(3)", r"I_{3}"),
        ("x1[0]", r"\left(x_{1}\right)_{0}"),
        ("lam*x", r"\lambda \, x"),
        ("outer(x, y)", r"x \, y^{\top}"),
        ("[[1, 2], [3, 4]]", r"\begin{bmatrix}1 & 2 \\ 3 & 4\end{bmatrix}"),
    ],
)
def test_it_is_written_as_in_textbooks(text, expected):
    assert written(parse_array(text), {**SHAPES, "x1": (3,), "lam": ()}) == expected


# Random formulas ----------------------------------------------------------------------------------------------------


LEAVES = {"n": ["c", "alpha", "2", "3", "x[1]", "A[0, 2]"], "v": ["x", "y", "z", "(A @ x)", "[c, 2, alpha]"],
          "m": ["A", "B", "A.T", "inv(B)", "eye(3)"]}  # fmt: skip
MADE = {
    "n": ["({n} + {n})", "({n} - {n})", "({n}*{n})", "({n}/{n})", "(-{n})", "(({v}) @ ({v}))", "norm({v})",
          "sum({v})", "mean({v})", "max({v})", "norm1({v})", "trace({m})", "det({m})", "logdet({m})", "norm({m})",
          "({n})**2", "({n})**-1", "({n})**(-2)", "exp({n})", "abs({n})", "sin({n})"],
    "v": ["({v} + {v})", "({v} - {v})", "({v}*{v})", "({v}/{v})", "({n}*{v})", "({v}/{n})", "({v} + {n})",
          "({m} @ {v})", "(-{v})", "({v})**2", "({v})**-1", "({v})**(-2)", "exp({v})", "abs({v})", "softmax({v})",
          "sum({m}, axis=0)", "sum({m}, axis=1)", "solve({m}, {v})", "diag({m})"],
    "m": ["({m} + {m})", "({m} - {m})", "({m}*{m})", "({m} @ {m})", "({n}*{m})", "({m}/{n})", "({m}).T",
          "outer({v}, {v})", "inv({m})", "diag({v})", "(-{m})", "({m})**2", "sin({m})"],
}  # fmt: skip


class Drawing:
    """Random formulas of shapes that fit, whose values on paper are those of arrays: no vector is spread over rows."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def draw(self, kind, depth):
        if not depth or self.random.random() < 0.15:
            return self.random.choice(LEAVES[kind])
        parts = re.split(r"\{([nvm])\}", self.random.choice(MADE[kind]))
        return "".join(self.draw(part, depth - 1) if k % 2 else part for k, part in enumerate(parts))


def drawn(seed):
    drawing = Drawing(seed)
    return drawing.draw(drawing.random.choice("nvm"), drawing.random.randint(1, 4))


def tame(tree):
    """Whether every part of a formula has moderate values, as two ways of computing it must not part by rounding."""
    parts, stack = [], [tree]
    with np.errstate(all="ignore"):
        while stack:
            node = stack.pop()
            try:
                parts.append(np.abs(value_of(node, VALUES)))
            except np.linalg.LinAlgError:
                return False
            stack += node.args
        return all(np.isfinite(p).all() and np.max(p) < 1e6 and (p.ndim < 2 or np.linalg.cond(p) < 1e6) for p in parts)


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_random_formulas_are_read_on_paper_as_they_are_computed(seed):
    tree = parse_array(drawn(seed), given=tuple(SHAPES))
    if tame(tree):
        read_again(written(tree, SHAPES), tree, VALUES)


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_formulas_that_are_written_as_text_and_read_again_mean_the_same(seed):
    text = drawn(seed)
    tree = parse_array(text, given=tuple(SHAPES))
    again = parse_array(str(tree), given=tuple(SHAPES))
    assert parse_array(f"(({text}))", given=tuple(SHAPES)) == tree
    if tame(tree):
        read_again(written(again, SHAPES), tree, VALUES)


# Where it is offered ------------------------------------------------------------------------------------------------


def test_derivatives_functions_and_expressions_have_it():
    answer = dk.matrix_derivative("A @ x", "x")
    assert (answer.latex, answer.transposed_latex) == ("A", r"A^{\top}")
    assert dk.matrix_derivative("x.T @ A @ x", "x").latex == r"\left(A + A^{\top}\right) \, x"
    f = dk.arrays("sum((X @ w - y)**2)/n", X=np.ones((3, 2)), y=np.ones(3), n=3)
    assert f.latex == r"\frac{\operatorname{sum}\left(\left(X \, w - y\right)^{\odot 2}\right)}{n}"
    assert dk.parse("x^2/sin(x)").latex == r"\frac{x^{2}}{\sin\left(x\right)}"


def test_the_command_writes_it(run):
    code, out, _ = run("matrix", "norm(X @ w - y)**2/2", "--wrt", "w", "--latex")
    assert code == 0
    assert out == (
        "\\begin{align*}\n"
        "f &= \\frac{\\left\\lVert X \\, w - y\\right\\rVert_{2}^{2}}{2} \\\\\n"
        "\\frac{\\partial f}{\\partial w} &= X^{\\top} \\, \\left(X \\, w - y\\right)\n"
        "\\end{align*}\n"
    )
    _, out, _ = run("matrix", "x.T @ A @ x", "--wrt", "x", "--order", "2", "--latex")
    assert "\\frac{\\partial^{2} f}{\\partial x \\, \\partial x^{\\top}} &= A + A^{\\top}" in out
    for arguments, message in ((["--check", "--latex"], "--latex writes formulas"),
                               (["--latex", "--format", "json"], "--latex has no other --format")):  # fmt: skip
        code, _, err = run("matrix", "A @ x = x", *arguments)
        assert code == 2
        assert message in err


def test_programs_of_recorded_code_are_written_too():
    X = np.ones((3, 2))
    program = record_function(lambda w: np.sum((X @ w) ** 2) / np.linalg.det(np.outer(w, w)), [("w", (2,))]).program
    (text,) = format_outputs(program)
    assert "data[3, 2]" in text
    assert "determinant(" in text
    assert "\\operatorname{determinant}" in balanced(latex(program))


def test_what_is_too_long_is_refused():
    tree = Node("+", tuple(Node("name", value=f"x{k}") for k in range(10_000)))
    with pytest.raises(LimitError, match="too long for LaTeX"):
        written(tree, {f"x{k}": (3,) for k in range(10_000)})

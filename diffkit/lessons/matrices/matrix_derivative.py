"""The derivative of an array expression of any size, as people write it, shown only after it has passed its check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from diffkit.calculus.domain import in_words
from diffkit.core.deadline import TimeIsUp
from diffkit.core.equality import ByContent
from diffkit.core.errors import FormError, VariableError, did_you_mean, visible
from diffkit.core.report_views import ReportViews
from diffkit.core.surroundings import undisturbed
from diffkit.core.table import SQRT, table
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import Length, said
from diffkit.core.table.array_table import ALL_ONES, PRODUCT, TRANSPOSE, array_table
from diffkit.core.text.latex import aligned, latex_name
from diffkit.core.text.names import Name, as_name
from diffkit.core.workers import timed
from diffkit.lessons.matrices.algebra import ONE_NODE, MatrixAlgebra
from diffkit.lessons.matrices.ball_agreement import ClaimedEquality
from diffkit.lessons.matrices.gradients import derivative, simplified
from diffkit.lessons.matrices.nodes import OPEN_END, Node, in_order
from diffkit.lessons.matrices.problem import Problem, read_problem
from diffkit.lessons.matrices.tree_latex import tree_latex
from diffkit.lessons.matrices.trials import MISSES, TRIALS, random_trials, tried


def kinks(algebra: MatrixAlgebra, f: Node, wrt: str) -> tuple[str, ...]:
    """Give the conditions under which a part of f that varies with a name is not smooth."""
    found: dict[str, None] = {}
    varying: set[Node] = set()
    for node in in_order(f):
        if not (node.kind == "name" and node.value == wrt) and varying.isdisjoint(node.args):
            continue
        varying.add(node)
        some = "in some entry " if algebra.shape(node) else ""
        call = array_table.of(node)
        if call is not None:
            if call.kink and not (call.even_smooth and _squared(f, node)):
                along = "" if node.value is None else f" along axis {node.value}"
                found[call.kink.replace("#", f"{node.args[0]}{along}")] = None
        elif _is_root(node) and not _is_positive(node.args[0]):
            found[f"{some}{node.args[0]} = 0"] = None
        elif node.kind in table.rows:
            row = table.rows[node.kind]
            words = dict(zip(row.arguments, map(str, node.args), strict=False))
            for place in row.places:
                if place.kind in ("kink", "jump"):
                    found[some + in_words(place.text, words)] = None
    return tuple(found)


def _squared(f: Node, norm: Node) -> bool:
    """Whether a function is met in even powers only, as a norm, whose squares are sums of squares."""
    uses = [node for node in in_order(f) if norm in node.args]
    return bool(uses) and all(
        n.kind == "**" and n.args[0] == norm and n.args[1].kind == "number" and n.args[1].value % 2 == 0 for n in uses
    )


def _is_root(node: Node) -> bool:
    """Whether it is a root, or a power between 0 and 1, whose tangent at 0 is vertical."""
    if node.kind == "**" and node.args[1].kind == "number":
        return bool(0 < node.args[1].value < 1)
    return node.kind == SQRT.name


def _is_positive(node: Node, strictly: bool = True) -> bool:
    """Whether a tree is seen to be positive, or at least not negative, wherever it has a value."""
    if node.kind in POSITIVE:
        return POSITIVE[node.kind](node, strictly)
    if (call := array_table.of(node)) is not None:
        parts = call.keeps_sign and _positive_parts(node, strictly)
        return parts or call.positive or (not strictly and call.never_negative)
    if node.kind in table.rows:
        return table[node.kind].positive or (not strictly and table[node.kind].range[0] >= 0)
    return node.kind == "constant"


def _positive_parts(node: Node, strictly: bool) -> bool:
    return all(_is_positive(a, strictly) for a in node.args)


def _positive_power(node: Node, strictly: bool) -> bool:
    base, exponent = node.args
    even = exponent.kind == "number" and exponent.value % 2 == 0 and not strictly
    return even or (exponent.kind == "number" and _is_positive(base, strictly))


POSITIVE: dict[str, Callable[[Node, bool], bool]] = {
    "number": lambda node, strictly: bool(node.value > 0 or (node.value == 0 and not strictly)),
    "+": lambda node, strictly: _positive_parts(node, False) and (not strictly or any(map(_is_positive, node.args))),
    "*": _positive_parts,
    "**": _positive_power,
    PRODUCT: lambda node, strictly: not strictly and len(node.args) == 2 and node.args[0] == node.args[1],
}
"""whether values are positive (``strictly``) or not negative, by kind"""


def finished(algebra: MatrixAlgebra, root: Node) -> Node:
    """The tree of a formula as it is shown."""
    found: dict[Node, Node] = {}
    for node in in_order(root):
        args, value = tuple(found[a] for a in node.args), node.value
        if node.kind == PRODUCT and not algebra.shape(node) and node.args[0].kind == "name":
            args = (Node(TRANSPOSE, args[:1]), *args[1:])
        if node.kind == "*" and node.args[-1].kind == PRODUCT and not any(algebra.shape(a) for a in node.args[:-1]):
            value = OPEN_END
        if node.kind == "+" and any(algebra.shape(a) == algebra.shape(node) and not _is_ones(a) for a in node.args):
            args = tuple(_without_ones(a) if _is_ones(n) else a for n, a in zip(node.args, args, strict=True))
        found[node] = Node(node.kind, args, value)
    return found[root]


def _is_ones(node: Node) -> bool:
    """Whether a tree is scalars times ones."""
    return node.kind == ALL_ONES or (node.kind == "*" and node.args[-1].kind == ALL_ONES)


def _without_ones(node: Node) -> Node:
    """The scalars of such a tree."""
    if node.kind == ALL_ONES:
        return ONE_NODE
    return node.args[0] if len(node.args) == 2 else Node("*", node.args[:-1])


@dataclass(frozen=True, eq=False, repr=False)
class MatrixDerivative(ReportViews, ByContent):
    """A derivative by one name, for any size.

    ``formula`` is text of the array language; ``transposed`` the same in the
    other layout, of a Jacobian; ``latex`` and ``transposed_latex`` are the same
    as LaTeX. ``layout`` says what the entries are. ``shape`` is the formula's.
    ``trials`` counts the random shapes on which it agrees with the power series
    of f in ball arithmetic. ``kinks`` say where f may have no derivative, so
    that the formula says nothing.

    Examples
    --------
    >>> d = dk.matrix_derivative("x.T @ A @ x", "x")
    >>> d.formula, d.shape
    ('(A + A.T) @ x', ('n',))
    """

    expression: str
    """f as text"""
    wrt: str
    """the name that is differentiated by"""
    order: int
    """1, or 2 of a Hessian"""
    tree: Node
    """the formula, as it is built"""
    turned: Node | None
    """its transpose, of a Jacobian"""
    layout: str
    """what the entries are"""
    problem: Problem
    """the names with their shapes"""
    trials: int
    """on how many random shapes it was checked"""
    kinks: tuple[str, ...]
    """where f may have no derivative"""

    @property
    def formula(self) -> str:
        """The derivative as text."""
        return str(self.tree)

    @property
    def transposed(self) -> str | None:
        """The transpose of a Jacobian as text."""
        return None if self.turned is None else str(self.turned)

    @property
    def shape(self) -> Shape:
        """The formula's lengths, which are numbers or letters."""
        return self._shape_of(self.tree)

    @property
    def latex(self) -> str:
        """The derivative as LaTeX."""
        return tree_latex(self.tree, self._shape_of)

    @property
    def transposed_latex(self) -> str | None:
        """The transpose of a Jacobian as LaTeX."""
        return None if self.turned is None else tree_latex(self.turned, self._shape_of)

    @property
    def expression_latex(self) -> str:
        """f as LaTeX."""
        return tree_latex(self.problem.trees[0], self._shape_of)

    @property
    def operator_latex(self) -> str:
        """What the formula is of f, as LaTeX."""
        by = latex_name(self.wrt)
        if self.order == 1:
            return f"\\frac{{\\partial f}}{{\\partial {by}}}"
        twice = (
            f"\\partial {by} \\, \\partial {by}^{{\\top}}" if self.problem.shapes[self.wrt] else f"\\partial {by}^{{2}}"
        )
        return f"\\frac{{\\partial^{{2}} f}}{{{twice}}}"

    @cached_property
    def _shape_of(self) -> Callable[[Node], Shape]:
        return MatrixAlgebra(self.problem.shapes, self.problem.symmetric).shape

    def __repr__(self) -> str:
        return f"<derivative of {visible(self.expression)} by {self.wrt}: {visible(self.formula)}>"

    def __str__(self) -> str:
        return self.formula


@timed
@undisturbed()
def matrix_derivative(
    text: str, wrt: Name, *, shapes: Mapping[str, Sequence[Length]] | None = None, symmetric: Sequence[str] = (),
    order: int = 1, timeout: float | None = None,  # noqa: ARG001
) -> MatrixDerivative:  # fmt: skip
    """Find the derivative of an array expression for any size, and check it.

    A scalar expression has a gradient of the shape of ``wrt``, df = sum(G *
    dX); anything by a scalar has a derivative of its own shape; a vector by a
    vector has its Jacobian.

    Parameters
    ----------
    text : str
        An expression of vectors and matrices.
    wrt : str or sympy.Symbol
        The name to differentiate by.
    shapes : mapping, optional
        Lengths by name, numbers or letters, such as ``{"A": ("n", "n")}``.
    symmetric : sequence of str, default ()
        Matrices that are symmetric. They move, if they do, within the symmetric
        ones: G is then symmetric itself.
    order : {1, 2}, default 1
        2 is the Hessian of a scalar by a vector.
    timeout : float, optional
        Seconds that it may take.

    Returns
    -------
    MatrixDerivative
        The formula, and how it was checked.

    Raises
    ------
    ParseError
        For text that is no expression.
    ShapeError
        For shapes that do not fit.
    VariableError
        For a name that the expression does not have.
    FormError
        Where no formula is found, or it fails its check.
    OutOfTime
        After ``timeout`` seconds.

    Examples
    --------
    >>> dk.matrix_derivative("norm(X @ w - y)**2", "w").formula
    '2*X.T @ (X @ w - y)'
    """
    name = as_name(wrt)
    return _by(read_problem([text], shapes, symmetric, declare=(name,)), name, order)


def _by(problem: Problem, wrt: str, order: int) -> MatrixDerivative:
    """The derivative of a problem's expression by one of its names."""
    if order not in (1, 2):
        raise FormError(f"formulas are found of order 1 and 2, not {order!r}",
                        hint="with data, grad differentiates at a point")  # fmt: skip
    if not isinstance(wrt, str) or wrt not in problem.shapes:
        names = tuple(problem.shapes)
        what = f"{wrt} is a length here" if wrt in problem.sizes else f"the expression has no {wrt}"
        raise VariableError(what, hint=did_you_mean(str(wrt), names) or f"it has {', '.join(names)}")
    algebra = MatrixAlgebra(problem.shapes, problem.symmetric)
    f = simplified(algebra, problem.trees[0])
    found = derivative(algebra, f, wrt)
    checked: Node = problem.trees[0]
    if order == 2:
        if algebra.shape(f) or len(problem.shapes[wrt]) > 1:
            raise FormError("second derivatives are found of a scalar by a vector or a scalar")
        confirm(problem, checked, wrt, finished(algebra, found))
        checked, found = finished(algebra, found), derivative(algebra, found, wrt)
    formula = finished(algebra, found)
    confirm(problem, checked, wrt, formula)
    value, own = algebra.shape(f), problem.shapes[wrt]
    jacobian = order == 1 and len(value) == 1 and len(own) == 1
    turned = finished(algebra, algebra.T(found)) if jacobian else None
    layout = describe(value, own, wrt, order, wrt in problem.symmetric)
    return MatrixDerivative(
        problem.texts[0], wrt, order, formula, turned, layout, problem, TRIALS, kinks(algebra, f, wrt)
    )  # fmt: skip


class MatrixDerivatives(NamedTuple):
    """Derivatives by several names: the ``answers``, and the reasons why others are ``refused``."""

    answers: tuple[MatrixDerivative, ...]
    refused: Mapping[str, FormError]

    @property
    def latex(self) -> str:
        """f and its derivatives as a LaTeX ``align*`` environment."""
        lines = [f"f &= {self.answers[0].expression_latex}"]
        lines += [f"{answer.operator_latex} &= {answer.latex}" for answer in self.answers]
        return aligned(lines)


def matrix_derivatives(
    text: str, wrt: Sequence[str] | None = None, *, shapes: Mapping[str, Sequence[Length]] | None = None,
    symmetric: Sequence[str] = (), order: int = 1,
) -> MatrixDerivatives:  # fmt: skip
    """Find the derivatives by several names; errors as ``matrix_derivative``.

    Where no names are given all are tried, and those without a formula are refused, unless that leaves none.
    """
    problem = read_problem([text], shapes, symmetric, declare=wrt or ())
    chosen = tuple(problem.shapes) if wrt is None else tuple(dict.fromkeys(wrt))
    answers, refused = [], {}
    for name in chosen:
        try:
            answers.append(_by(problem, name, order))
        except FormError as error:
            if wrt is not None:
                raise
            refused[name] = error
        except TimeIsUp as up:
            if not answers:
                raise
            refused[name] = FormError(up.reason)
    if not answers:
        raise refused[chosen[0]]
    return MatrixDerivatives(tuple(answers), refused)


def describe(value: Shape, own: Shape, wrt: str, order: int, symmetric: bool) -> str:
    """What the entries of a derivative are."""
    if order == 2:
        return f"the Hessian: entry [i, j] is ∂²f/∂{wrt}[i]∂{wrt}[j]" if own else "the second derivative"
    if not own:
        return f"{said(value)}, as f: every entry differentiated by the scalar {wrt}" if value else "a scalar"
    if value:
        return f"the Jacobian (numerator layout): entry [i, j] is ∂f[i]/∂{wrt}[j]"
    index = "[i]" if len(own) == 1 else "[i, j]"
    if symmetric:
        return (f"the gradient among symmetric matrices: symmetric, and df = sum(G * d{wrt}) for symmetric d{wrt}; "
                f"by one off-diagonal pair of entries f changes twice as fast as G says")  # fmt: skip
    return f"the gradient, in the shape of {wrt}: entry {index} is ∂f/∂{wrt}{index}"


def confirm(problem: Problem, tree: Node, wrt: str, formula: Node) -> None:
    """Try a formula on random shapes against power series of balls; FormError unless it holds on all of them."""
    claim = ClaimedEquality(tree, formula, wrt, symmetric=wrt in problem.symmetric)
    count = misses = 0
    for trials in random_trials(problem):
        for trial in trials:
            gap = claim.at(trial).gap
            if gap:
                at = ", ".join(f"{name} = {size}" for name, size in trial.sizes.items()) or "a random value"
                raise FormError(f"the formula found, {str(formula)[:200]}, is off by {gap:.2g} at {at}: it is not "
                                "shown as an answer", hint="please report the expression")  # fmt: skip
            if gap == 0:
                count, misses = count + 1, 0
                break
            misses += 1
        if count == TRIALS:
            return
        if misses > MISSES:
            raise FormError(f"the formula could be tried on {tried(problem, count)} only, not on {TRIALS}",
                            hint="the expression has no value at most of them")  # fmt: skip

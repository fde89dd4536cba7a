"""Trees made from what was read, and what an operation does to adjoints: from that of its result to its arguments'.

Rules: M. Giles, An extended collection of matrix derivative results (2008), section 2; entry by entry, the partials
of the table of primitives. ``g`` is the adjoint of the result: df = sum(g * dY).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from diffkit.core.deadline import check_time
from diffkit.core.errors import FormError
from diffkit.core.program import Constant, Named
from diffkit.core.rules import by_rule
from diffkit.core.table import Primitive, table
from diffkit.core.table.array_words import ENTRYWISE
from diffkit.lessons.matrices.algebra import MINUS_ONE, ONE_NODE, MatrixAlgebra
from diffkit.lessons.matrices.nodes import Node, in_order, number
from diffkit.lessons.matrices.shapes import Shape, said


def unknown(node: Node, why: str = "") -> FormError:
    """The error for a function without a formula."""
    return FormError(f"no formula is known for the derivative of {node.kind}{why}",
                    hint="with data, grad differentiates it at a point")  # fmt: skip


def of_whole(node: Node) -> bool:
    """Whether a rule of whole arrays holds for a node, rather than one entry by entry."""
    return node.kind in PULLBACKS and not (node.kind in ENTRYWISE and len(node.args) > 1)


def pullback(algebra: MatrixAlgebra, node: Node, g: Node, depends: set[Node]) -> list[Node | None]:
    """The adjoints of a node's arguments from its own; None for an argument that does not vary."""
    if of_whole(node):
        found = PULLBACKS[node.kind](algebra, node, g)
        return [part if arg in depends else None for arg, part in zip(node.args, found, strict=True)]
    if node.kind not in table.rows and node.kind not in ("+", "*", "**"):
        raise unknown(node)
    shape = algebra.shape(node)
    parts: list[Node | None] = []
    for k, arg in enumerate(node.args):
        if arg not in depends:
            parts.append(None)
            continue
        local = partial(algebra, node, k)
        parts.append(None if local is None else back(algebra, algebra.times(g, local), shape, algebra.shape(arg)))
    return parts


def back(algebra: MatrixAlgebra, g: Node, shape: Shape, own: Shape) -> Node:
    """An adjoint of the shape of a result, summed over the axes along which the argument was repeated."""
    if algebra.shape(g) != shape:
        g = algebra.times(g, algebra.ones(shape))
    if own == shape:
        return g
    if own == ():
        return algebra.sum(g)
    if len(own) == 1 and len(shape) == 2 and own[0] == shape[1]:
        return algebra.sum(g, 0)
    raise FormError(f"{said(own)} is repeated to {said(shape)}", hint="give it the full shape")


def _spread(algebra: MatrixAlgebra, g: Node, shape: Shape, axis: int | None) -> Node:
    """What a reduction along an axis gave, repeated along that axis."""
    if axis is None or len(shape) == 1 or axis % 2 == 0:
        return algebra.times(g, algebra.ones(shape))
    return algebra.outer(g, algebra.ones((shape[1],)))


def count(algebra: MatrixAlgebra, shape: Shape, axis: int | None) -> Node:
    """How many entries a reduction joins into one."""
    lengths = shape if axis is None else (shape[axis],)
    return algebra.times(*map(algebra.length, lengths)) if lengths else ONE_NODE


def _matmul(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    """Of a chain, taken from the right as pairs: Ḡ Bᵀ and Aᵀ Ḡ, or outer products where one is a vector."""
    args = node.args
    found = []
    for k, arg in enumerate(args):
        check_time()
        left = algebra.matmul(*args[:k]) if k else None
        right = algebra.matmul(*args[k + 1 :]) if k + 1 < len(args) else None
        found.append(_factor(algebra, arg, left, right, g))
    return found


def _factor(algebra: MatrixAlgebra, arg: Node, left: Node | None, right: Node | None, g: Node) -> Node:
    """The adjoint of a factor X in left @ X @ right."""
    along = [-1 if side is None else len(algebra.shape(side)) for side in (left, right)]
    if len(algebra.shape(arg)) == 1:
        return _factor_vector(algebra, left, right, g)
    if left is not None and right is not None and along == [1, 1]:
        return algebra.times(g, algebra.outer(left, right))
    if left is not None and along[0] == 1:
        return algebra.outer(left, g if right is None else algebra.matmul(right, g))
    if right is not None and along[1] == 1:
        return algebra.outer(g if left is None else algebra.matmul(algebra.T(left), g), right)
    before, after = ([] if side is None else [algebra.T(side)] for side in (left, right))
    return algebra.matmul(*before, g, *after)


def _factor_vector(algebra: MatrixAlgebra, left: Node | None, right: Node | None, g: Node) -> Node:
    """The adjoint of a vector at one end of a product, beside the rest of it."""
    side = right if left is None else left
    if side is None or (left is not None and right is not None):
        raise FormError("a vector stands inside a matrix product", hint="write it with parentheses")
    if len(algebra.shape(side)) == 1:
        return algebra.times(g, side)
    return algebra.matmul(side if left is None else algebra.T(side), g)


def _inv(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    """−Yᵀ Ḡ Yᵀ (Giles 2.2.3)."""
    back = algebra.T(node)
    return [algebra.negative(algebra.matmul(back, g, back))]


def _mean(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    shape = algebra.shape(node.args[0])
    return [algebra.over(_spread(algebra, g, shape, node.value), count(algebra, shape, node.value))]


def _var(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    """2(x − mean x)/n."""
    x = node.args[0]
    if node.value is not None:
        raise unknown(node, " along an axis")
    centred = algebra.add(x, algebra.negative(Node("mean", (x,))))
    return [algebra.times(number(2), g, centred, algebra.power(count(algebra, algebra.shape(x), None), MINUS_ONE))]


def _prod(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    """Π/x, where no entry is zero."""
    x = node.args[0]
    return [algebra.times(_spread(algebra, algebra.times(g, node), algebra.shape(x), node.value),
                          algebra.power(x, MINUS_ONE))]  # fmt: skip


def _logsumexp(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    """softmax(x)."""
    x = node.args[0]
    if node.value is None and len(algebra.shape(x)) != 1:
        return [algebra.times(g, algebra.over(Node("exp", (x,)), algebra.sum(Node("exp", (x,)))))]
    soft = Node("softmax", (x,), None if len(algebra.shape(x)) == 1 else node.value)
    return [algebra.times(_spread(algebra, g, algebra.shape(x), node.value), soft)]


def _softmax(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    """s(Ḡ − sum(s Ḡ))."""
    shape = algebra.shape(node)
    axis = None if len(shape) == 1 else node.value
    inner = _spread(algebra, algebra.sum(algebra.times(node, g), axis), shape, axis)
    return [algebra.times(node, algebra.add(g, algebra.negative(inner)))]


def _det(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    return [algebra.times(g, node, algebra.T(algebra.inv(node.args[0])))]


def _norm(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    return [algebra.times(g, node.args[0], algebra.power(node, MINUS_ONE))]


def _extreme(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:  # noqa: ARG001
    raise unknown(node, ", which has none where two entries tie")


def _sum(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    return [_spread(algebra, g, algebra.shape(node.args[0]), node.value)]


def _outer(algebra: MatrixAlgebra, node: Node, g: Node) -> list[Node]:
    return [algebra.matmul(g, node.args[1]), algebra.matmul(algebra.T(g), node.args[0])]


PULLBACKS: dict[str, Callable[[MatrixAlgebra, Node, Node], list[Node]]] = {
    "@": _matmul,
    "T": lambda algebra, _, g: [algebra.T(g)],
    "trace": lambda algebra, node, g: [algebra.times(g, algebra.eye(algebra.shape(node.args[0])[0]))],
    "det": _det,
    "logdet": lambda algebra, node, g: [algebra.times(g, algebra.T(algebra.inv(node.args[0])))],
    "inv": _inv,
    "norm": _norm,
    "norm1": lambda algebra, node, g: [algebra.times(g, Node("sign", node.args))],
    "sum": _sum,
    "mean": _mean,
    "var": _var,
    "prod": _prod,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "max": _extreme,
    "min": _extreme,
    "diag": lambda algebra, _, g: [algebra.diag(g)],
    "outer": _outer,
}


ENTRY_KINDS = {"+": "add", "*": "mul", "**": "power"}


class Entries:
    """The trees as an algebra in which the formulas of the table have a meaning."""

    def __init__(self, algebra: MatrixAlgebra):
        self.algebra = algebra

    def constant(self, value: Constant) -> Node:
        """A number, or a named one."""
        return Node("constant", value=value.name) if isinstance(value, Named) else number(Fraction(value))

    def apply(self, primitive: Primitive, args: Sequence[Node]) -> Node:
        """A row entry by entry."""
        return make(self.algebra, primitive.name, tuple(args))


def partial(algebra: MatrixAlgebra, node: Node, k: int) -> Node | None:
    """The partial of a function entry by entry in its k-th argument, broadcast as NumPy would; None if zero."""
    args = node.args
    if node.kind == "+":
        return ONE_NODE
    if node.kind == "*":
        rest = [a for j, a in enumerate(args) if j != k]
        return algebra.times(*rest)
    if node.kind == "**":
        base, exponent = args
        if k == 0:
            return algebra.times(exponent, algebra.power(base, algebra.add(exponent, MINUS_ONE)))
        return algebra.times(node, Node("log", (base,)))
    rule = table[node.kind].shown(k)
    return None if rule is None else by_rule(rule, Entries(algebra), (*args, node))


def make(algebra: MatrixAlgebra, kind: str, args: tuple[Node, ...], value: Any = None) -> Node:
    """A node made by the constructor of its kind."""
    maker = _makers().get(kind)
    if maker is not None and not (kind in ("sum",) and len(args) > 1):
        return maker(algebra, args, value)
    return Node(kind, args, value)


@cache
def _makers() -> dict[str, Callable[[MatrixAlgebra, tuple[Node, ...], Any], Node]]:
    def mean(a: MatrixAlgebra, args: tuple[Node, ...], value: Any) -> Node:
        if not a.shape(args[0]):
            return args[0]
        return Node("mean", args, None if len(a.shape(args[0])) == 1 else value)

    def exp(_: MatrixAlgebra, args: tuple[Node, ...], __: Any) -> Node:
        return args[0].args[0] if args[0].kind == "log" else Node("exp", args)

    return {
        "+": lambda a, args, _: a.add(*args),
        "add": lambda a, args, _: a.add(*args),
        "sub": lambda a, args, _: a.add(args[0], a.negative(args[1])),
        "neg": lambda a, args, _: a.negative(args[0]),
        "*": lambda a, args, _: a.times(*args),
        "mul": lambda a, args, _: a.times(*args),
        "/": lambda a, args, _: a.over(*args),
        "div": lambda a, args, _: a.over(*args),
        "**": lambda a, args, _: a.power(*args),
        "power": lambda a, args, _: a.power(*args),
        "@": lambda a, args, _: a.matmul(*args),
        "dot": lambda a, args, _: a.matmul(*args),
        "T": lambda a, args, _: a.T(args[0]),
        "outer": lambda a, args, _: a.outer(*args),
        "diag": lambda a, args, _: a.diag(args[0]),
        "inv": lambda a, args, _: a.inv(args[0]),
        "solve": lambda a, args, _: a.matmul(a.inv(args[0]), args[1]),
        "trace": lambda a, args, _: a.trace(args[0]),
        "det": lambda a, args, _: a.det(args[0]),
        "sum": lambda a, args, value: a.sum(args[0], value),
        "mean": mean,
        "norm": lambda a, args, _: Node("norm" if a.shape(args[0]) else "abs", args),
        "exp": exp,
    }


def read_tree(algebra: MatrixAlgebra, tree: Node) -> Node:
    """A tree as it was read, every node made anew."""
    found: dict[Node, Node] = {}
    for node in in_order(tree):
        args = tuple(found[a] for a in node.args)
        found[node] = make(algebra, node.kind, args, node.value) if args else node
        if node.kind in ("eye", "ones", "zeros"):
            found[node] = Node(node.kind, node.args)
    return found[tree]

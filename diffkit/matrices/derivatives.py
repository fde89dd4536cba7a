"""Derivatives of array expressions of any size: gradients in reverse, tangents forward, Jacobians from covectors.

A gradient has the shape of its argument, df = sum(G * dX). Rules: Magnus & Neudecker, Matrix Differential Calculus
(2019), chapters 8 and 9; M. Giles, An extended collection of matrix derivative results (2008), section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from diffkit.errors import FormError
from diffkit.matrices.algebra import MINUS, ONE, Algebra
from diffkit.matrices.entries import partial, read_tree
from diffkit.matrices.linear import matrix_of
from diffkit.matrices.nodes import Node, in_order, names_of, number
from diffkit.matrices.shapes import Shape, said
from diffkit.primitives import table


def derivative(algebra: Algebra, f: Node, wrt: str) -> Node:
    """The derivative of f by one name: see ``layout`` for its shape; FormError where no formula is known.

    ``f`` is a simplified tree. A scalar has a gradient of the shape of its argument; anything by a scalar has a
    derivative of its own shape; a vector by a vector has the Jacobian ∂fᵢ/∂xⱼ.
    """
    shape, own = algebra.shape(f), algebra.shapes[wrt]
    if not shape:
        return gradient(algebra, f, wrt)
    if not own:
        return tangent(algebra, f, wrt)
    if len(shape) == 1 and len(own) == 1:
        return jacobian(algebra, f, wrt)
    raise FormError(f"the derivative of {said(shape)} by {said(own)} has {len(shape) + len(own)} axes",
                    hint="formulas are found up to matrices: ask for a scalar function, as sum(B * (…))")  # fmt: skip


def gradient(algebra: Algebra, f: Node, wrt: str) -> Node:
    """The gradient of a scalar by reverse accumulation, in the shape of the argument."""
    adjoints: dict[Node, Node] = {f: ONE}
    target = Node("name", value=wrt)
    depends = _dependent(f, wrt)
    found = algebra.zeros(algebra.shapes[wrt])
    for node in reversed(list(in_order(f))):
        if node not in adjoints or node not in depends:
            continue
        g = adjoints.pop(node)
        if node == target:
            found = g
        elif node.args:
            for arg, part in zip(node.args, _pullback(algebra, node, g, depends), strict=True):
                if part is not None:
                    adjoints[arg] = algebra.add(adjoints[arg], part) if arg in adjoints else part
    if wrt in algebra.symmetric_names:
        return algebra.times(number(1) if algebra.T(found) == found else _half(), _symmetrised(algebra, found))
    return found


def _half() -> Node:
    from fractions import Fraction

    return number(Fraction(1, 2))


def _symmetrised(algebra: Algebra, g: Node) -> Node:
    """G where it is symmetric, else G + Gᵀ."""
    return g if algebra.T(g) == g else algebra.add(g, algebra.T(g))


def jacobian(algebra: Algebra, f: Node, wrt: str) -> Node:
    """J of a vector by a vector: the gradient of u @ f for a fresh covector u is Jᵀ @ u, and Jᵀ is read off."""
    covector = next(name for name in ("u", "v", "covector") if name not in algebra.shapes)
    algebra.shapes[covector] = algebra.shape(f)
    try:
        u = Node("name", value=covector)
        pulled = gradient(algebra, algebra.matmul(u, f), wrt)
        if algebra.is_zero(pulled):
            return algebra.zeros((*algebra.shape(f), *algebra.shapes[wrt]))
        return algebra.T(matrix_of(algebra, pulled, covector))
    finally:
        del algebra.shapes[covector]


def _dependent(f: Node, wrt: str) -> set[Node]:
    """The parts that vary with a name."""
    found: set[Node] = set()
    for node in in_order(f):
        if (node.kind == "name" and node.value == wrt) or any(a in found for a in node.args):
            found.add(node)
    return found


def _unknown(node: Node, why: str = "") -> NoReturn:
    raise FormError(f"no formula is known for the derivative of {node.kind}{why}",
                    hint="with data, grad differentiates it at a point")  # fmt: skip


# Reverse ----------------------------------------------------------------------------------------------------------


def _pullback(algebra: Algebra, node: Node, g: Node, depends: set[Node]) -> list[Node | None]:
    """The adjoints of a node's arguments from its own; None for an argument that does not vary."""
    rule = PULLBACKS.get(node.kind)
    if rule is not None and not (node.kind in ENTRYWISE and len(node.args) > 1):
        found = rule(algebra, node, g)
        return [part if arg in depends else None for arg, part in zip(node.args, found, strict=True)]
    if node.kind not in table.rows and node.kind not in ("+", "*", "**"):
        _unknown(node)
    shape = algebra.shape(node)
    parts: list[Node | None] = []
    for k, arg in enumerate(node.args):
        if arg not in depends:
            parts.append(None)
            continue
        local = partial(algebra, node, k)
        parts.append(None if local is None else back(algebra, algebra.times(g, local), shape, algebra.shape(arg)))
    return parts


ENTRYWISE = ("max", "min", "logsumexp")


def back(algebra: Algebra, g: Node, shape: Shape, own: Shape) -> Node:
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


def _spread(algebra: Algebra, g: Node, shape: Shape, axis: int | None) -> Node:
    """What a reduction along an axis gave, repeated along that axis."""
    if axis is None or len(shape) == 1:
        return algebra.times(g, algebra.ones(shape))
    if axis % 2 == 0:
        return algebra.times(g, algebra.ones(shape))
    return algebra.outer(g, algebra.ones((shape[1],)))


def _count(algebra: Algebra, shape: Shape, axis: int | None) -> Node:
    lengths = shape if axis is None else (shape[axis],)
    return algebra.times(*map(algebra.length, lengths)) if lengths else ONE


def _matmul(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    """Of a chain, taken from the right as pairs: Ḡ Bᵀ and Aᵀ Ḡ, or outer products where one is a vector."""
    args = node.args
    found = []
    for k, arg in enumerate(args):
        left = algebra.matmul(*args[:k]) if k else None
        right = algebra.matmul(*args[k + 1 :]) if k + 1 < len(args) else None
        found.append(_factor(algebra, arg, left, right, g))
    return found


def _factor(algebra: Algebra, arg: Node, left: Node | None, right: Node | None, g: Node) -> Node:
    """The adjoint of a factor X in left @ X @ right."""
    rank = len(algebra.shape(arg))
    a = None if left is None else (left, len(algebra.shape(left)))
    b = None if right is None else (right, len(algebra.shape(right)))
    if rank == 1:
        other = [x for x in (a, b) if x is not None]
        factors = []
        for x, axes in other:
            factors.append(algebra.times(g, x) if axes == 1 else algebra.matmul(algebra.T(x) if x is left else x, g))
        return factors[0] if len(factors) == 1 else _unreachable()
    row = g if a is None else None
    if a is None and b is not None:  # X @ right
        return algebra.outer(g, b[0]) if b[1] == 1 else algebra.matmul(g, algebra.T(b[0]))
    if b is None and a is not None:  # left @ X
        return algebra.outer(a[0], g) if a[1] == 1 else algebra.matmul(algebra.T(a[0]), g)
    assert a is not None
    assert b is not None
    assert row is None
    if a[1] == 1 and b[1] == 1:
        return algebra.times(g, algebra.outer(a[0], b[0]))
    if a[1] == 1:
        return algebra.outer(a[0], algebra.matmul(b[0], g))
    if b[1] == 1:
        return algebra.outer(algebra.matmul(algebra.T(a[0]), g), b[0])
    return algebra.matmul(algebra.T(a[0]), g, algebra.T(b[0]))


def _unreachable() -> NoReturn:
    raise FormError("a vector stands inside a matrix product", hint="write it with parentheses")


def _inv(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    """−Yᵀ Ḡ Yᵀ (Giles 2.2.3)."""
    back = algebra.T(node)
    return [algebra.negative(algebra.matmul(back, g, back))]


def _mean(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    shape = algebra.shape(node.args[0])
    return [algebra.over(_spread(algebra, g, shape, node.value), _count(algebra, shape, node.value))]


def _var(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    """2(x − mean x)/n."""
    x = node.args[0]
    if node.value is not None:
        _unknown(node, " along an axis")
    centred = algebra.add(x, algebra.negative(Node("mean", (x,))))
    return [algebra.times(number(2), g, centred, algebra.power(_count(algebra, algebra.shape(x), None), MINUS))]


def _prod(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    """Π/x, where no entry is zero."""
    x = node.args[0]
    return [algebra.times(_spread(algebra, algebra.times(g, node), algebra.shape(x), node.value),
                          algebra.power(x, MINUS))]  # fmt: skip


def _logsumexp(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    """softmax(x)."""
    x = node.args[0]
    if node.value is None and len(algebra.shape(x)) != 1:
        return [algebra.times(g, algebra.over(Node("exp", (x,)), algebra.sum(Node("exp", (x,)))))]
    soft = Node("softmax", (x,), None if len(algebra.shape(x)) == 1 else node.value)
    return [algebra.times(_spread(algebra, g, algebra.shape(x), node.value), soft)]


def _softmax(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    """s(Ḡ − sum(s Ḡ))."""
    shape = algebra.shape(node)
    axis = None if len(shape) == 1 else node.value
    inner = _spread(algebra, algebra.sum(algebra.times(node, g), axis), shape, axis)
    return [algebra.times(node, algebra.add(g, algebra.negative(inner)))]


def _det(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    return [algebra.times(g, node, algebra.T(algebra.inv(node.args[0])))]


def _norm(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    return [algebra.times(g, node.args[0], algebra.power(node, MINUS))]


def _extreme(algebra: Algebra, node: Node, g: Node) -> list[Node]:  # noqa: ARG001
    _unknown(node, ", which has none where two entries tie")


def _sum(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    return [_spread(algebra, g, algebra.shape(node.args[0]), node.value)]


def _outer(algebra: Algebra, node: Node, g: Node) -> list[Node]:
    return [algebra.matmul(g, node.args[1]), algebra.matmul(algebra.T(g), node.args[0])]


PULLBACKS: dict[str, Callable[[Algebra, Node, Node], list[Node]]] = {
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


# Forward, by a scalar ---------------------------------------------------------------------------------------------


def tangent(algebra: Algebra, f: Node, wrt: str) -> Node:
    """The derivative of anything by a scalar, in the shape of f, by forward accumulation."""
    found: dict[Node, Node] = {}
    depends = _dependent(f, wrt)
    for node in in_order(f):
        if node in depends:
            moving = {k: found[a] for k, a in enumerate(node.args) if a in depends}
            found[node] = ONE if node.kind == "name" else _push(algebra, node, moving)
    return found.get(f, algebra.zeros(algebra.shape(f)))


def _push(algebra: Algebra, node: Node, moving: dict[int, Node]) -> Node:
    """The tangent of a node from those of its arguments."""
    kind, args, shape = node.kind, node.args, algebra.shape(node)
    if kind in ("@", "outer"):
        join: Any = algebra.matmul if kind == "@" else algebra.outer
        return algebra.add(*[join(*[d if j == k else a for j, a in enumerate(args)]) for k, d in moving.items()])
    if kind in LINEAR:
        return LINEAR[kind](algebra, node, moving[0])
    if kind == "inv":
        return algebra.negative(algebra.matmul(node, moving[0], node))
    if kind in PULLBACKS and not shape and not (kind in ENTRYWISE and len(args) > 1):
        (g,) = PULLBACKS[kind](algebra, node, ONE)  # df = sum(G * dX)
        product = algebra.times(g, moving[0])
        if kind in ("det", "logdet"):
            inverse = algebra.trace(algebra.matmul(algebra.inv(args[0]), moving[0]))
            return algebra.times(node, inverse) if kind == "det" else inverse
        return algebra.sum(product)
    if kind == "softmax" and len(shape) == 1:
        return algebra.times(node, algebra.add(moving[0], algebra.negative(algebra.times(
            algebra.matmul(node, moving[0]), ONE))))  # fmt: skip
    if kind in PULLBACKS and not (kind in ENTRYWISE and len(args) > 1):
        _unknown(node, " by a scalar")
    terms = []
    for k, d in moving.items():
        local = partial(algebra, node, k)
        if local is not None:
            terms.append(algebra.times(local, d, algebra.ones(shape)))
    return algebra.add(*terms) if terms else algebra.zeros(shape)


LINEAR: dict[str, Callable[[Algebra, Node, Node], Node]] = {
    "T": lambda algebra, _, d: algebra.T(d),
    "trace": lambda algebra, _, d: algebra.trace(d),
    "sum": lambda algebra, node, d: algebra.sum(d, node.value),
    "mean": lambda algebra, node, d: algebra.over(
        algebra.sum(d, node.value), _count(algebra, algebra.shape(node.args[0]), node.value)),
    "diag": lambda algebra, _, d: algebra.diag(d),
}  # fmt: skip


def simplified(algebra: Algebra, tree: Node) -> Node:
    """A tree as it was read, with every node made by the algebra."""
    return read_tree(algebra, tree)


__all__ = ["derivative", "gradient", "jacobian", "names_of", "simplified", "tangent"]

"""Derivatives of array expressions of any size: gradients in reverse, tangents forward, Jacobians from covectors.

A gradient has the shape of its argument, df = sum(G * dX). Rules: Magnus & Neudecker, Matrix Differential Calculus
(2019), chapters 8 and 9; M. Giles, An extended collection of matrix derivative results (2008), section 2.
"""

from __future__ import annotations

from fractions import Fraction

from diffkit.core.errors import FormError
from diffkit.core.table.array_shapes import said
from diffkit.core.table.array_table import PRODUCT, SUM, ArrayRow, array_table, no_formula
from diffkit.lessons.matrices.algebra import ONE_NODE, MatrixAlgebra
from diffkit.lessons.matrices.nodes import Node, in_order, names_of, number
from diffkit.lessons.matrices.pullbacks import partial, pullback, read_tree


def matrix_of(algebra: MatrixAlgebra, node: Node, name: str) -> Node:
    """M with node = M @ name; FormError where the form does not show it."""
    if node.kind == "name" and node.value == name:
        return algebra.eye(algebra.shapes[name][0])
    if node.kind == "+":
        return algebra.add(*[matrix_of(algebra, term, name) for term in node.args])
    if node.kind == "*":
        return _matrix_of_product(algebra, node, name)
    if node.kind == PRODUCT and not any(name in names_of(f) for f in node.args[:-1]):
        return algebra.matmul(*node.args[:-1], matrix_of(algebra, node.args[-1], name))
    raise _not_linear(node)


def _matrix_of_product(algebra: MatrixAlgebra, node: Node, name: str) -> Node:
    """The same of a product entry by entry: numbers, and vectors as diagonal matrices in front."""
    moving, rest = _one_moving(node, name)
    scalars = [f for f in rest if not algebra.shape(f)]
    vectors = [f for f in rest if algebra.shape(f)]
    if not algebra.shape(moving):
        return algebra.times(*scalars, algebra.outer(algebra.times(*vectors), row_of(algebra, moving, name)))
    inner = matrix_of(algebra, moving, name)
    if vectors:
        scale = algebra.diag(algebra.times(*vectors))
        parts = inner.args if inner.kind == "+" else (inner,)
        inner = algebra.add(*[algebra.matmul(scale, part) for part in parts])
    return algebra.times(*scalars, inner)


def _one_moving(node: Node, name: str) -> tuple[Node, list[Node]]:
    """The one factor of a product that moves with a name, and the others."""
    moving = [f for f in node.args if name in names_of(f)]
    if len(moving) != 1:
        raise _not_linear(node)
    return moving[0], [f for f in node.args if f is not moving[0]]


def row_of(algebra: MatrixAlgebra, node: Node, name: str) -> Node:
    """c with node = c @ name, for a scalar node."""
    if node.kind == "+":
        return algebra.add(*[row_of(algebra, term, name) for term in node.args])
    if node.kind == "*":
        moving, rest = _one_moving(node, name)
        return algebra.times(*rest, row_of(algebra, moving, name))
    if node.kind == SUM and len(algebra.shape(node.args[0])) == 1:
        inner = matrix_of(algebra, node.args[0], name)
        return algebra.matmul(algebra.T(inner), algebra.ones(algebra.shape(node.args[0])))
    if node.kind == PRODUCT:
        factors = node.args
        if name in names_of(factors[0]):
            factors = tuple(algebra.T(f) for f in reversed(factors))
        if any(name in names_of(f) for f in factors[:-1]):
            raise _not_linear(node)
        left = factors[0] if len(factors) == 2 else algebra.matmul(*factors[:-1])
        return algebra.matmul(algebra.T(matrix_of(algebra, factors[-1], name)), left)
    raise _not_linear(node)


def _not_linear(node: Node) -> FormError:
    """The error for a form that is not seen to be linear."""
    return FormError(f"no Jacobian is known for a form such as {str(node)[:60]}",
                    hint="ask for a scalar function, or for the Jacobian at a point with data")  # fmt: skip


def derivative(algebra: MatrixAlgebra, f: Node, wrt: str) -> Node:
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


def gradient(algebra: MatrixAlgebra, f: Node, wrt: str) -> Node:
    """The gradient of a scalar by reverse accumulation, in the shape of the argument."""
    adjoints: dict[Node, Node] = {f: ONE_NODE}
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
            for arg, part in zip(node.args, pullback(algebra, node, g, depends), strict=True):
                if part is not None:
                    adjoints[arg] = algebra.add(adjoints[arg], part) if arg in adjoints else part
    if wrt in algebra.symmetric_names:
        return _symmetrised(algebra, found)
    return found


def _symmetrised(algebra: MatrixAlgebra, g: Node) -> Node:
    """(G + Gᵀ)/2."""
    turned = algebra.T(g)
    return g if turned == g else algebra.times(number(Fraction(1, 2)), algebra.add(g, turned))


def jacobian(algebra: MatrixAlgebra, f: Node, wrt: str) -> Node:
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


# Forward, by a scalar ---------------------------------------------------------------------------------------------


def tangent(algebra: MatrixAlgebra, f: Node, wrt: str) -> Node:
    """The derivative of anything by a scalar, in the shape of f, by forward accumulation."""
    found: dict[Node, Node] = {}
    depends = _dependent(f, wrt)
    for node in in_order(f):
        if node in depends:
            moving = {k: found[a] for k, a in enumerate(node.args) if a in depends}
            found[node] = ONE_NODE if node.kind == "name" else _push(algebra, node, moving)
    return found.get(f, algebra.zeros(algebra.shape(f)))


def _push(algebra: MatrixAlgebra, node: Node, moving: dict[int, Node]) -> Node:
    """The tangent of a node from those of its arguments."""
    row = array_table.of(node)
    if row is not None:
        if row.push is not None:
            return row.push(algebra, node, moving)  # type: ignore[no-any-return]
        return _push_by_gradient(algebra, row, node, moving)
    shape = algebra.shape(node)
    partials = {k: partial(algebra, node, k) for k in moving}
    terms = [algebra.times(local, moving[k], algebra.ones(shape)) for k, local in partials.items() if local is not None]
    return algebra.add(*terms) if terms else algebra.zeros(shape)


def _push_by_gradient(algebra: MatrixAlgebra, row: ArrayRow, node: Node, moving: dict[int, Node]) -> Node:
    """df = sum(G * dX) of a scalar."""
    if algebra.shape(node):
        raise no_formula(node, " by a scalar")
    if row.pull is None:
        raise no_formula(node, row.without)
    found = row.pull(algebra, node, ONE_NODE)
    return algebra.add(*[algebra.sum(algebra.times(found[k], tangent)) for k, tangent in moving.items()])


def simplified(algebra: MatrixAlgebra, tree: Node) -> Node:
    """A tree as it was read, with every node made by the algebra."""
    return read_tree(algebra, tree)

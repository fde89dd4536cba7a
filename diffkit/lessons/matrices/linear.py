"""The matrix of a vector expression that is linear in a name, read off its form."""

from __future__ import annotations

from diffkit.core.errors import FormError
from diffkit.lessons.matrices.algebra import Algebra
from diffkit.lessons.matrices.nodes import Node, names_of


def matrix_of(algebra: Algebra, node: Node, name: str) -> Node:
    """M with node = M @ name; FormError where the form does not show it."""
    if node.kind == "name" and node.value == name:
        return algebra.eye(algebra.shapes[name][0])
    if node.kind == "+":
        return algebra.add(*[matrix_of(algebra, term, name) for term in node.args])
    if node.kind == "*":
        moving = [f for f in node.args if name in names_of(f)]
        if len(moving) != 1:
            raise _not_linear(node)
        rest = [f for f in node.args if f is not moving[0]]
        scalars = [f for f in rest if not algebra.shape(f)]
        vectors = [f for f in rest if algebra.shape(f)]
        weight = algebra.times(*vectors) if vectors else None
        if not algebra.shape(moving[0]):
            assert weight is not None
            return algebra.times(*scalars, algebra.outer(weight, row_of(algebra, moving[0], name)))
        inner = matrix_of(algebra, moving[0], name)
        if weight is not None:
            scale = algebra.diag(weight)
            parts = inner.args if inner.kind == "+" else (inner,)
            inner = algebra.add(*[algebra.matmul(scale, part) for part in parts])
        return algebra.times(*scalars, inner)
    if node.kind == "@" and not any(name in names_of(f) for f in node.args[:-1]):
        return algebra.matmul(*node.args[:-1], matrix_of(algebra, node.args[-1], name))
    raise _not_linear(node)


def row_of(algebra: Algebra, node: Node, name: str) -> Node:
    """C with node = c @ name, for a scalar node."""
    if node.kind == "+":
        return algebra.add(*[row_of(algebra, term, name) for term in node.args])
    if node.kind == "*":
        moving = [f for f in node.args if name in names_of(f)]
        if len(moving) != 1:
            raise _not_linear(node)
        return algebra.times(*[f for f in node.args if f is not moving[0]], row_of(algebra, moving[0], name))
    if node.kind == "sum" and len(algebra.shape(node.args[0])) == 1:
        inner = matrix_of(algebra, node.args[0], name)
        return algebra.matmul(algebra.T(inner), algebra.ones(algebra.shape(node.args[0])))
    if node.kind == "@":
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

"""The command of matrix calculus: ``matrix``, formulas for any size and identities."""

from __future__ import annotations

import click

from diffkit.cli.options import FORMATS_HELP, ExpressionCommand, names
from diffkit.cli.output import EXIT_NO, deliver


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Differentiate by these names.  [default: each]")
@click.option("--shape", multiple=True, metavar="NAME=M,N", help="A shape: A=m,n, x=n, A=3,2 or c=scalar. Repeatable.")
@click.option("--symmetric", metavar="NAMES", help="Matrices that are their own transposes.")
@click.option("--order", type=click.IntRange(1, 2), default=1, metavar="N", help="2: the Hessian.  [default: 1]")
@click.option("--check", is_flag=True, help="EXPRESSION is an identity: is it true?")
@click.option("--format", "format", default="text", metavar="FORMAT", help=FORMATS_HELP)
@click.option("--output", metavar="FILE", help="Write the report to a file, whole or not at all.")
def matrix(
    expression: str, wrt: str | None, shape: tuple[str, ...], symmetric: str | None, order: int, check: bool,
    format: str, output: str | None,
) -> int:  # fmt: skip
    """Derivative of an array EXPRESSION for vectors and matrices of any size.

    Names in capitals are matrices, Greek names (alpha, lam) scalars, other names vectors, unless --shape says so.
    @ multiplies matrices, * and / work entry by entry, .T transposes; sum, mean, norm, trace, det, logdet, inv, diag,
    outer, softmax, logsumexp and all functions of scalars are known. Every formula is tried on random shapes before
    it is shown. With --check the exit code is 0 if the identity is true, 1 if it is false or undecided.

    \b
    diffkit matrix "x.T @ A @ x" --wrt x
    diffkit matrix "norm(X @ w - y)**2/2" --wrt w
    diffkit matrix "log(det(X))" --symmetric X
    diffkit matrix "trace(A @ X @ B)" --wrt X --shape X=n,m
    diffkit matrix --check "d/dX log(det(X)) = inv(X).T"
    """
    from diffkit.core.errors import DiffkitError
    from diffkit.lessons.matrices.identities import check_identity
    from diffkit.lessons.matrices.matrix_derivative import matrix_derivatives
    from diffkit.lessons.matrices.problem import read_shapes
    from diffkit.reports import check_format
    from diffkit.reports.matrix_report import IdentityReport, MatrixReport

    check_format(format)
    shapes, twins = read_shapes(shape), names(symmetric) or ()
    if check:
        if wrt is not None or order != 1:
            raise DiffkitError("an identity says itself what it differentiates by", hint='write "d/dX f = g"')
        identity = check_identity(expression, shapes=shapes, symmetric=twins)
        deliver(IdentityReport(identity), format, output)
        return 0 if identity else EXIT_NO
    found = matrix_derivatives(expression, names(wrt), shapes=shapes, symmetric=twins, order=order)
    deliver(MatrixReport(found), format, output)
    return 0

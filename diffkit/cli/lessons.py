"""Commands that teach: ``limit``, ``tangent``, ``explain``, ``gallery``, ``stationary``, ``matrix``, ``descend``."""

from __future__ import annotations

import gc
from typing import Any

import click

from diffkit.cli.inputs import are_arrays, read, read_descent, read_gradient
from diffkit.cli.options import (
    Command,
    ExpressionCommand,
    array_options,
    names,
    option,
    picture_options,
    report_options,
    several,
)
from diffkit.cli.output import EXIT_NO, Picture, deliver, drawing, gather, progress, write
from diffkit.cli.process import EXIT_INTERRUPTED, INTERRUPTS, complain
from diffkit.core.deadline import INTERRUPTED

_lesson_options = several(
    picture_options,
    option("--variables", "NAMES", "Variables in order; these names win over constants."),
    report_options,
)


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--at", metavar="POINT", required=True, help="Where: 1 | 1,2 | x=1,y=2 | pi/4.")
@click.option("--wrt", metavar="NAME", help="The variable that moves, if there are several.")
@click.option("--steps", metavar="LIST", help="Steps h, such as 0.1,0.01.  [default: 0.1, 0.01, … to round-off]")
@click.option("--errors", is_flag=True, help="Split each error into truncation and round-off.")
@_lesson_options
def limit(expression: str, at: str, wrt: str | None, steps: str | None, errors: bool, **options: Any) -> int:
    """The derivative of EXPRESSION as a limit: difference quotients for shrinking h.

    Forward, backward and central quotients beside the proven derivative, and the h at which each is best: above it
    truncation rules, below it round-off. At a kink the limits from the two sides differ, and it says so. --save draws
    the V-curve.

    \b
    diffkit limit "3*x^2 - 4*x" --at 1
    diffkit limit "abs(x)" --at 0
    diffkit limit "exp(x)" --at 1 --steps 0.1,1e-5,1e-10 --errors
    diffkit limit "sin(x)" --at 1 --save v.svg
    """
    from diffkit.lessons.quotients import quotients
    from diffkit.reports.quotients_report import QuotientsReport

    asked: dict[str, Any] = {"wrt": wrt, "variables": names(options["variables"])}
    found = quotients(expression, at, steps=names(steps), **asked)

    picture = Picture("curves:picture_of_finer", (found, expression, at, asked))
    if steps is not None:
        picture = Picture("curves:picture_of_quotients", (found,))
    with drawing(picture, options):
        deliver(QuotientsReport(found, errors or options["format"] != "text"), options)
    return 0 if found else EXIT_NO


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--at", metavar="POINT", required=True, help="Where: 1 | 1,2 | x=1,y=2 | pi/4.")
@click.option("--delta", metavar="LIST", help="Steps δ at which f is compared.  [default: 1,0.1,0.01,0.001]")
@click.option("--direction", metavar="LIST", help="Which way to go, such as 1,1 or x=1,y=1, of several variables.")
@click.option("--interval", metavar="FROM:TO", help="What the picture shows, such as -1:1.  [default: 2 to both sides]")
@_lesson_options
def tangent(
    expression: str, at: str, delta: str | None, direction: str | None, interval: str | None, **options: Any
) -> int:  # fmt: skip
    """The tangent of EXPRESSION at a point, and what the derivatives say of the graph there.

    The line (or plane), how far f is from it nearby, whether f rises or falls, how steeply, how it curves, and what
    kind of stationary point it is. --save draws f, its derivative and the tangent.

    \b
    diffkit tangent "x^2" --at 0.5
    diffkit tangent "x^2" --at -0.5 --save t.png --interval -1:1
    diffkit tangent "x^2*y" --at 1,2 --direction 1,1
    """
    from diffkit.lessons.tangents import tangent as find
    from diffkit.reports.pictures.curves import read_interval

    shown = read_interval(interval) if interval else None
    variables = names(options["variables"])
    found = find(expression, at, deltas=names(delta), direction=_direction(direction), variables=variables)

    with drawing(Picture("curves:picture_of_tangent", (found, shown)), options):
        deliver(found, options)
    return 0 if found else EXIT_NO


def _direction(text: str | None) -> list[str] | dict[str, str] | None:
    """A list of numbers, or numbers by name."""
    if text is None or "=" not in text:
        return None if text is None else list(names(text) or ())
    parts = [part.partition("=") for part in names(text) or ()]
    return {name.strip(): value for name, _, value in parts}


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAME", help="The variable, if there are several.")
@click.option("--backward", "back", is_flag=True, help="Show back-propagation: values, adjoints and their cost.")
@click.option("--at", metavar="POINT", help="Where to evaluate it: 1 | 1,2 | x=1,y=2. --backward needs it.")
@click.option("--latex", "as_latex", is_flag=True, help="Write the steps as LaTeX.")
@array_options
@_lesson_options
def explain(expression: str, wrt: str | None, back: bool, as_latex: bool, **options: Any) -> int:
    """Derive EXPRESSION step by step, each step naming its rule.

    Every step is checked at random points against two other methods before anything is shown.
    --backward shows back-propagation at a point instead: the adjoint of every intermediate; --save draws the graph
    of the computation. Array expressions are shown number by number.

    \b
    diffkit explain "x^2*sin(x)"
    diffkit explain "exp(-x^2/2)" --latex
    diffkit explain "x*y + sin(x)" --wrt x
    diffkit explain "(y - sigmoid(w*x + b))^2" --backward --at b=0,w=1,x=2,y=1
    diffkit explain "x.T@A@x" --backward --let "A=[[1,2],[3,4]]" --at "x=[1,2]"
    """
    from diffkit.core.errors import DiffkitError
    from diffkit.lessons.derivations.derivation import explain as derive

    if as_latex and options["format"] != "text":
        raise DiffkitError("--latex has no other --format", hint="the formats json, markdown and html leave it out")
    if back:
        if as_latex or wrt is not None:
            raise DiffkitError("back-propagation has neither --latex nor --wrt", hint="leave --backward out")
        return _backward(expression, options)
    if are_arrays((expression,), options):
        raise DiffkitError("steps are shown for expressions of numbers",
                           hint="add --backward; diffkit matrix gives formulas of arrays")  # fmt: skip
    found = derive(expression, wrt=wrt, at=options["at"], variables=names(options["variables"]))

    if as_latex:
        write(found.latex + "\n", options["output"])
    else:
        deliver(found, options)
    if options["save"] is not None or options["show"]:
        raise DiffkitError("the picture is of back-propagation", hint="add --backward and --at, such as --at 1")
    return 0


def _backward(expression: str, options: dict[str, Any]) -> int:
    """Show both sweeps at a point."""
    from diffkit.core.errors import PointError
    from diffkit.lessons.derivations.backward import backward
    from diffkit.reports.derivation_report import BackwardReport

    if options["at"] is None:
        raise PointError("back-propagation is shown at a point", hint="add --at, such as --at 1")
    f, at, variables = read((expression,), options)
    swept = backward(f, at, variables=variables)

    with drawing(Picture("graph:picture_of_backward", (swept,)), options):
        deliver(BackwardReport(swept, "" if f is expression else expression), options)
    return 0


@click.command(cls=Command)
@click.argument("name", required=False)
@picture_options
def gallery(name: str | None, **options: Any) -> int:
    """Draw a picture of a course by NAME, or list them all.

    Lines of every slope, activation functions with their derivatives, minima of two kinds, a saddle, learning rates.

    \b
    diffkit gallery
    diffkit gallery activations --save activations.svg
    diffkit gallery saddle --show
    """
    from diffkit.core.errors import DiffkitError
    from diffkit.reports.pictures.gallery import GALLERY, find

    if name is None:
        if options["save"] is not None or options["show"]:
            raise DiffkitError("which picture is missing", hint=f"there are {', '.join(GALLERY)}")
        wide = max(map(len, GALLERY))
        write("".join(f"{name:{wide}}  {seen}\n" for name, (seen, _) in GALLERY.items()), None)
        return 0
    find(name)
    if options["save"] is None and not options["show"]:
        raise DiffkitError("the picture has no file", hint=f"add --save, for example --save {name}.png, or --show")
    with drawing(Picture("gallery:draw", (name,)), options):
        write(f"{name}: {GALLERY[name][0]}\n", None)
    return 0


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--box", required=True, metavar="BOX", help="Where to look: -2:2 | x=-2:2,y=-1:1 | x=0:2*pi.")
@click.option("--variables", metavar="NAMES", help="Variables in order, such as b,a.")
@click.option(
    "--most", type=int, default=50_000, metavar="N", help="Boxes to look at before the search ends.  [default: 50000]"
)
@report_options
@picture_options
def stationary(expression: str, box: str, most: int, **options: Any) -> int:
    """Points in a box where the gradient of EXPRESSION is zero: minima, maxima and saddles.

    Each point is classified by its Hessian, told global or local in the box, and proven to exist by interval Newton
    where that can be done. The report says whether all of them were found. Ctrl-C ends the search and keeps what was
    found so far. --save draws the curve or the contours of f of one or two variables with the points marked.
    Exit code 0 if all were found, 1 if there may be more, 130 if interrupted.

    \b
    diffkit stationary "x^4-3*x^3+2" --box -1:3
    diffkit stationary "x^3-3*x*y^2" --box x=-2:2,y=-1:1
    diffkit stationary "(x^2+y-11)^2+(x+y^2-7)^2" --box x=-5:5,y=-5:5 --save f.svg
    diffkit stationary "sin(x)/x" --box 1:20 --format json
    """
    from diffkit.lessons.stationary_points.stationary import stationary as search

    gc.enable()  # this is not the one answer after which the process ends
    INTERRUPTS.wait()
    with progress() as tell:
        found = search(expression, box, most=most, variables=names(options["variables"]), progress=tell)

    picture = Picture("extrema:picture", (found,))
    with drawing(picture, options, found.stopped if found.stopped == INTERRUPTED else ""):
        deliver(found, options)
    if found.stopped == INTERRUPTED:
        return EXIT_INTERRUPTED
    return 0 if found else EXIT_NO


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Differentiate by these names.  [default: each]")
@click.option("--shape", multiple=True, metavar="NAME=M,N", help="A shape: A=m,n, x=n, A=3,2 or c=scalar. Repeatable.")
@click.option("--symmetric", metavar="NAMES", help="Matrices that are their own transposes.")
@click.option("--order", type=click.IntRange(1, 2), default=1, metavar="N", help="2: the Hessian.  [default: 1]")
@click.option("--check", is_flag=True, help="EXPRESSION is an identity: is it true?")
@click.option("--latex", "as_latex", is_flag=True, help="Write the formulas as LaTeX.")
@report_options
def matrix(
    expression: str, wrt: str | None, shape: tuple[str, ...], symmetric: str | None, order: int, check: bool,
    as_latex: bool, **options: Any,
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
    diffkit matrix "norm(X @ w - y)**2/2" --wrt w --latex
    diffkit matrix --check "d/dX log(det(X)) = inv(X).T"
    """
    from diffkit.core.errors import DiffkitError
    from diffkit.lessons.matrices.identities import check_identity
    from diffkit.lessons.matrices.matrix_derivative import matrix_derivatives
    from diffkit.lessons.matrices.problem import read_shapes

    if as_latex and options["format"] != "text":
        raise DiffkitError("--latex has no other --format", hint="the format json holds the LaTeX of each formula")
    shapes, twins = read_shapes(shape), names(symmetric) or ()
    if check:
        if as_latex:
            raise DiffkitError("--latex writes formulas, --check judges one", hint="leave one of the two out")
        if wrt is not None or order != 1:
            raise DiffkitError("an identity says itself what it differentiates by", hint='write "d/dX f = g"')
        identity = check_identity(expression, shapes=shapes, symmetric=twins)
        deliver(identity, options)
        return 0 if identity else EXIT_NO
    found = matrix_derivatives(expression, names(wrt), shapes=shapes, symmetric=twins, order=order)
    if as_latex:
        write(found.latex + "\n", options["output"])
    else:
        deliver(found, options)
    return 0


_DESCENT_OPTIONS = (
    "rate", "steps", "schedule", "decay", "every", "momentum", "nesterov", "batch", "seed", "tolerance", "keep",
    "backend",
)  # fmt: skip
"""options that ``diffkit.descend`` takes as they are"""


@click.command(cls=ExpressionCommand)
@click.argument("function", metavar="F")
@click.option("--from", "start", metavar="POINT", help="Where to start: 0 | w=0,b=0 (by name) | MODULE:NAME.")
@click.option("--rate", type=float, default=0.01, metavar="A", help="Learning rate α.  [default: 0.01]")
@click.option("--steps", type=int, default=1000, metavar="N", help="Steps at most.  [default: 1000]")
@click.option(
    "--schedule", default="constant", metavar="NAME",
    help="How the rate falls: constant, inverse, exponential, step or cosine.  [default: constant]",
)  # fmt: skip
@click.option("--decay", type=float, metavar="D",
              help="How fast: α/(1 + D·k), α·exp(−D·k), or the factor of step.")  # fmt: skip
@click.option("--every", type=int, metavar="M", help="Steps after which the schedule step lowers the rate.")
@click.option("--momentum", type=float, default=0.0, metavar="B", help="Part of the last update that is kept.")
@click.option("--nesterov", is_flag=True, help="Take Nesterov's form of momentum.")
@click.option("--gradient", metavar="MODULE:NAME", help="A gradient written by hand, used as it is.")
@click.option("--check", "checked", is_flag=True, help="Check that gradient at the start first.")
@array_options
@click.option("--args", "args", metavar="LIST", help="Further arguments of code, such as MODULE:X,MODULE:y,0.1.")
@click.option("--batch", type=int, metavar="N", help="Rows of data that each step sees (stochastic descent).")
@click.option("--rows", metavar="NAMES", help="Which arguments hold the rows, such as X,y.  [default: all arrays]")
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of the shuffles.  [default: 0]")
@click.option("--tolerance", type=float, default=1e-8, metavar="T",
              help="Size of the gradient at which to stop.  [default: 1e-8]")  # fmt: skip
@click.option("--keep", type=int, metavar="N", help="Keep every N-th point of the path.")
@click.option("--backend", default="auto", metavar="NAME", help="How gradients are found.  [default: auto]")
@click.option("--variables", metavar="NAMES", help="Variables in order, such as w,b.")
@click.option("--picture", metavar="NAME", help="What is drawn: contours, surface, loss or weights.")
@picture_options
@report_options
def descend(
    function: str, start: str | None, gradient: str | None, checked: bool, args: str | None, rows: str | None,
    picture: str | None, **options: Any,
) -> int:  # fmt: skip
    """Gradient descent on F, step by step: w ← w − α·∇F(w).

    F is an expression, or code as MODULE:NAME. The report shows the path, how it ended and why, the curvature with
    the rates that suit it, and the rate of convergence beside what theory promises.
    Exit code 0 if it converged or used up its steps, 1 if it diverged, stagnated or left the domain, 130 if it was
    interrupted (the path so far is reported). It is made for learning; Descent.polish in Python goes on with SciPy.

    \b
    diffkit descend "(w-3)^2+2*(b+1)^2" --from w=0,b=0 --rate 0.1 --save path.png
    diffkit descend "100*(y-x^2)^2+(1-x)^2" --from x=-1,y=1 --rate 1e-3
    diffkit descend "mean((y-w*x)**2)" --data points.csv --from w=0 --batch 10
    diffkit descend model.py:loss --from model.py:start --schedule inverse
    diffkit descend model.py:loss --from 0,0 --args model.py:X --batch 20
    diffkit descend model.py:loss --from 0,0 --gradient model.py:gradient --check
    """
    from diffkit.core.errors import DiffkitError, PointError
    from diffkit.lessons.gradient_descent.descent import Options, prepare_descent
    from diffkit.reports.descent_report import DescentReport

    if start is None:
        raise PointError("a descent needs a start", hint="add --from, for example --from w=0,b=0")
    if checked and gradient is None:
        raise DiffkitError("there is no gradient to check", hint="name one with --gradient")
    if picture is not None and options["save"] is None and not options["show"]:
        raise DiffkitError("the picture has no file", hint="add --save, for example --save path.png, or --show")
    f, where, further = read_descent(function, start, args, options)
    asked = Options(
        gradient=read_gradient(gradient), args=further, rows=names(rows), variables=names(options["variables"]),
        **{name: options[name] for name in _DESCENT_OPTIONS},
    )  # fmt: skip
    descender = prepare_descent(f, where, asked)
    _, stopped = gather(descender.walk.run(), options["steps"], "descending")
    found = descender.descent(stopped)
    report = DescentReport(found, function, found.check() if checked else None)

    with drawing(Picture("paths:picture", (found, picture), here=callable(f)), options, stopped):
        deliver(report, options)
    if stopped:
        complain(f"{stopped} after {found.steps} steps")
        return EXIT_INTERRUPTED if stopped == INTERRUPTED else EXIT_NO
    return 0 if found else EXIT_NO

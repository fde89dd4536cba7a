"""The functions of ``import diffkit as dk``: derivatives at points by any backend, and comparisons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from inspect import Parameter, cleandoc, signature
from os import PathLike
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from diffkit.asking.questions import ask, open_question
from diffkit.core.deadline import collected, time_limit
from diffkit.core.errors import DiffkitError, FunctionError, did_you_mean
from diffkit.core.results import Result
from diffkit.core.text.names import Name, Names
from diffkit.core.watching import counted
from diffkit.core.workers import timed
from diffkit.methods import COMPARED, Backend
from diffkit.methods.answering import answer, find_backends
from diffkit.methods.asked_before import asked_before
from diffkit.methods.prepared import Prepared

if TYPE_CHECKING:
    from typing import Literal, TypedDict, Unpack

    from diffkit.asking.expressions import Expression
    from diffkit.core.isolation import Isolation
    from diffkit.core.results import Array
    from diffkit.core.worker_pool import Workers
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.comparison import Comparison
    from diffkit.judging.worst import Worst
    from diffkit.methods.derivative_code import DerivativeCode
    from diffkit.methods.prepared import Batch

    class Options(TypedDict, total=False):
        """The options of ``_differentiated``, for checkers of types (tests/test_types.py holds them together)."""

        backend: str | Backend
        variables: Names | None
        args: Sequence[Any]
        digits: int | None
        timeout: float | None
        isolated: bool | Isolation
        workers: Workers


P = ParamSpec("P")
R = TypeVar("R")
_OPTIONS_TOLD = re.compile(r"^\*\*options\n(?:    .*\n)+", re.MULTILINE)
"""where a docstring names the options, each of which stands there when it is shown"""


def _differentiated(
    f: Any, kind: str, at: Any, asked: Mapping[str, Any], *, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001  (the decorator obeys them)
    workers: Workers = None,
) -> Result[Any]:  # fmt: skip
    """Give the Result; what is told of the options stands in every docstring.

    Options
    -------
    backend : str or Backend, default "auto"
        The method: a name (``diffkit.backends.names()``) or an object of
        ``diffkit.backends``. "auto" proves its value of a formula, and of code
        takes the best that the code allows.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order; natural order (x2 before x10) unless
        given.
    args : sequence, default ()
        Further arguments of a Python function, such as data.
    digits : int, optional
        Ask "auto" for so many proven decimal digits (``result.decimals``).
    timeout : float, optional
        Seconds after which what is not known yet is uncertain. Python code is
        not stopped inside one call, unless it is isolated.
    isolated : bool or Isolation, default False
        Do all of it in a worker process, which the timeout ends; the function
        has to pickle.
    workers : int or concurrent.futures.Executor, optional
        Processes that share the proofs of a batch.
    """
    if digits is None and workers is None and not len(args):
        known = asked_before(f, kind, at, variables, backend, asked)
        if known is not None:
            return known.result(at)
    return answer(ask(f, kind, at, variables, args, **asked), backend, digits, workers)


def _with_options(function: Callable[P, R]) -> Callable[P, R]:
    """Give a function that takes the options of ``_differentiated``, shows and documents them, and obeys its time."""
    face = signature(function)
    options = [p for p in signature(_differentiated).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    own = [p for p in face.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
    known = {p.name for p in (*own, *options)}

    @wraps(function)
    def checked(*args: P.args, **given: P.kwargs) -> R:
        for name in given.keys() - known:
            hint = did_you_mean(name, known)
            raise TypeError(
                f"{function.__name__}() got an unexpected keyword argument {name!r}" + (hint and f"; {hint}")
            )
        return function(*args, **given)

    shown = timed(checked)
    shown.__signature__ = face.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    told = cleandoc(f"{_differentiated.__doc__}").partition("-------\n")[2]
    shown.__doc__ = _OPTIONS_TOLD.sub(lambda _: f"{told}\n", cleandoc(f"{function.__doc__}"))
    return shown


@overload
def derivative(
    f: Any, at: Batch, *, wrt: Names | None = None, order: int = 1, **options: Unpack[Options]
) -> Result[Array]: ...
@overload
def derivative(
    f: Any, at: Any, *, wrt: Names | None = None, order: int = 1, **options: Unpack[Options]
) -> Result[float]: ...
@_with_options
def derivative(
    f: Any, at: Any, *, wrt: Names | None = None, order: int = 1, **options: Unpack[Options]
) -> Result:  # fmt: skip
    """dⁿf/dxⁿ, or ∂ⁿf/∂x∂y… if ``wrt`` is several names; value of shape ().

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as text, as a formula, or as Python code of numbers and
        arrays.
    at : number, str, sequence, mapping or array
        The point: a number (or text such as ``"pi/4"``), a list or tuple in the
        order of the variables, or a mapping of names. An array is many points,
        of which batch dimensions come first.
    wrt : str, sympy.Symbol or sequence, optional
        The variable to differentiate by, or several for a mixed partial; the
        only one unless given.
    order : int, default 1
        How often to differentiate, from 1 to 20.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` is a float, or of many points an array of their shape. Where
        the derivative does not exist ``status`` and ``message`` say so.

    Raises
    ------
    DiffkitError
        For misuse: ParseError for text, PointError for a point that does not
        fit, VariableError for an unknown name, BackendError for what the
        backend cannot do. Mathematics raises nothing.

    See Also
    --------
    gradient, taylor, compare

    Examples
    --------
    >>> dk.derivative("x^3", 2).value
    12.0
    >>> dk.derivative("x^2*y^3", {"x": 1, "y": 2}, wrt=("x", "y")).value
    24.0
    >>> corner = dk.derivative("abs(x)", 0)
    >>> corner.status, corner.left, corner.right
    ('not_differentiable', -1.0, 1.0)
    """
    return _differentiated(f, "derivative", at, {"wrt": wrt, "order": order}, **options)


@_with_options
def gradient(f: Any, at: Any, *, wrt: Names | None = None, **options: Unpack[Options]) -> Result[Array]:
    """∇f, the vector of partials ∂f/∂xᵢ; value of shape (n,).

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        A scalar function, as text, as a formula, or as Python code of numbers
        and arrays.
    at : number, sequence, mapping or array
        The point: a list or tuple in the order of the variables, or a mapping
        of names. An array is many points, of which batch dimensions come first;
        for code it has the shape of the argument.
    wrt : str, sympy.Symbol or sequence, optional
        The variables to differentiate by; all unless given.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (n,), or (…, n) of many points. ``r["x"]`` is ∂f/∂x.

    Raises
    ------
    DiffkitError
        For misuse: ParseError for text, PointError for a point that does not
        fit, VariableError for an unknown name, BackendError for what the
        backend cannot do. Mathematics raises nothing.

    See Also
    --------
    jacobian, hessian, check, prepare

    Examples
    --------
    >>> r = dk.gradient("x^2*y", [1, 2])
    >>> r.value
    array([4., 1.])
    >>> r["y"], r.error_kind
    (1.0, 'proven')
    >>> dk.gradient(lambda w: np.sum(w**2), np.array([1.0, -3.0])).value
    array([ 2., -6.])
    """
    return _differentiated(f, "gradient", at, {"wrt": wrt}, **options)


@overload
def jacobian(
    fs: Any,
    at: Any,
    *,
    wrt: Names | None = None,
    sparse: Literal[True],
    sparsity: Any = None,
    **options: Unpack[Options],
) -> Result[Any]: ...
@overload
def jacobian(
    fs: Any,
    at: Any,
    *,
    wrt: Names | None = None,
    sparse: bool = False,
    sparsity: None = None,
    **options: Unpack[Options],
) -> Result[Array]: ...
@overload
def jacobian(
    fs: Any,
    at: Any,
    *,
    wrt: Names | None = None,
    sparse: bool = False,
    sparsity: Any,
    **options: Unpack[Options],
) -> Result[Any]: ...
@_with_options
def jacobian(
    fs: Any, at: Any, *, wrt: Names | None = None, sparse: bool = False, sparsity: Any = None,
    **options: Unpack[Options],
) -> Result[Any]:  # fmt: skip
    """J = ∂fᵢ/∂xⱼ of several scalar functions; value of shape (m, n).

    Parameters
    ----------
    fs : sequence of str, Expression or sympy.Expr, or callable
        The functions, over the union of their variables; or one function in
        Python that returns the list or array of their values.
    at : sequence, mapping or array
        The point, as for `gradient`.
    wrt : str, sympy.Symbol or sequence, optional
        The variables to differentiate by; all unless given.
    sparse : bool, default False
        Give value and error as SciPy arrays in compressed rows (``csr_array``),
        without the entries that are 0 because fᵢ does not depend on xⱼ; of code
        that has no formula all entries are stored.
    sparsity : sparse matrix, array or pairs, optional
        Which entries a Python function has, for such an answer: a SciPy matrix,
        an array of truths, or pairs of row and column from 0.
        Columns that share no row are differentiated together. A row of which
        a product with a random vector is off is uncertain.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (m, n). ``r["f2", "x"]`` is ∂f₂/∂x.

    Raises
    ------
    DiffkitError
        For misuse, as `gradient` does.

    Examples
    --------
    >>> dk.jacobian(["x*y", "x + y"], [1, 2]).value
    array([[2., 1.],
           [1., 1.]])
    """
    return _differentiated(fs, "jacobian", at, {"wrt": wrt, "sparse": sparse, "sparsity": sparsity}, **options)


@overload
def hessian(
    f: Any,
    at: Any,
    *,
    wrt: Names | None = None,
    sparse: Literal[True],
    sparsity: Any = None,
    **options: Unpack[Options],
) -> Result[Any]: ...
@overload
def hessian(
    f: Any,
    at: Any,
    *,
    wrt: Names | None = None,
    sparse: bool = False,
    sparsity: None = None,
    **options: Unpack[Options],
) -> Result[Array]: ...
@overload
def hessian(
    f: Any,
    at: Any,
    *,
    wrt: Names | None = None,
    sparse: bool = False,
    sparsity: Any,
    **options: Unpack[Options],
) -> Result[Any]: ...
@_with_options
def hessian(
    f: Any, at: Any, *, wrt: Names | None = None, sparse: bool = False, sparsity: Any = None,
    **options: Unpack[Options],
) -> Result[Any]:  # fmt: skip
    """H = ∂²f/∂xᵢ∂xⱼ, symmetric by construction; value of shape (n, n).

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        A scalar function, as for `gradient`.
    at : number, sequence, mapping or array
        The point, as for `gradient`.
    wrt : str, sympy.Symbol or sequence, optional
        The variables to differentiate by; all unless given.
    sparse : bool, default False
        Give value and error as SciPy arrays in compressed rows (``csr_array``),
        without the entries that are 0 because xᵢ and xⱼ meet only in sums; of
        code that has no formula all entries are stored.
    sparsity : sparse matrix, array or pairs, optional
        Which entries a Python function has, for such an answer: a SciPy matrix,
        an array of truths, or pairs of row and column from 0; (i, j) stands
        for (j, i) too. The work grows with the colours of the pattern. A row
        of which a product with a random vector is off is uncertain.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (n, n). ``r["x", "y"]`` is ∂²f/∂x∂y.

    Raises
    ------
    DiffkitError
        For misuse, as `gradient` does.

    See Also
    --------
    hvp, stationary

    Examples
    --------
    >>> dk.hessian("x^2*y", [1, 2]).value
    array([[4., 2.],
           [2., 0.]])
    """
    return _differentiated(f, "hessian", at, {"wrt": wrt, "sparse": sparse, "sparsity": sparsity}, **options)


@overload
def directional(
    f: Any, at: Batch, direction: Sequence[Any], order: int = 1, **options: Unpack[Options]
) -> Result[Array]: ...
@overload
def directional(
    f: Any, at: Any, direction: Sequence[Any], order: int = 1, **options: Unpack[Options]
) -> Result[float]: ...
@_with_options
def directional(
    f: Any, at: Any, direction: Sequence[Any], order: int = 1, **options: Unpack[Options]
) -> Result:  # fmt: skip
    """dᵏ/dtᵏ f(x + t·v) at t = 0; value of shape ().

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        A scalar function, as for `gradient`.
    at : number, sequence, mapping or array
        The point, as for `gradient`.
    direction : sequence of numbers
        v, one number for each variable; it is not normalised.
    order : int, default 1
        k, how often to differentiate along v.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` is a float, or of many points an array.

    Raises
    ------
    DiffkitError
        For misuse, as `gradient` does; PointError for a direction of another
        length.

    Examples
    --------
    >>> dk.directional("x^2*y", [1, 2], [3, 4]).value
    16.0
    """
    return _differentiated(f, "directional", at, {"direction": direction, "order": order}, **options)


@overload
def jvp(
    f: str | Expression | Sequence[Any], at: Any, direction: Sequence[Any], **options: Unpack[Options]
) -> Result[Array]: ...
@overload
def jvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Options]) -> Result[Any]: ...
@_with_options
def jvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Options]) -> Result:
    """J·v, the derivative of every output along v; value of shape (m,).

    J itself is not formed.

    Parameters
    ----------
    f : str, Expression, sequence of them, or callable
        The functions, as for `jacobian`.
    at : sequence, mapping or array
        The point, as for `gradient`.
    direction : sequence of numbers
        v, one number for each variable.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (m,); of a Python function the shape of its result.

    Raises
    ------
    DiffkitError
        For misuse, as `gradient` does; PointError for a direction of another
        length.

    Examples
    --------
    >>> dk.jvp(["x*y", "x + y"], [1, 2], [1, -1]).value
    array([1., 0.])
    """
    return _differentiated(f, "jvp", at, {"direction": direction}, **options)


@_with_options
def vjp(f: Any, at: Any, cotangent: Any, **options: Unpack[Options]) -> Result[Array]:
    """Jᵀ·w, the gradient of Σ wₖ·fₖ for a cotangent w; value of shape (n,).

    J itself is not formed (Griewank & Walther, Evaluating Derivatives, 2nd ed.,
    eq. 3.7).

    Parameters
    ----------
    f : str, Expression, sequence of them, or callable
        The functions, as for `jacobian`.
    at : sequence, mapping or array
        The point, as for `gradient`.
    cotangent : sequence of numbers, array or number
        w, one number for each output, or the shape of a Python function's
        result; a number where there is one output.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (n,); of a Python function that takes one array the
        shape of that.

    Raises
    ------
    DiffkitError
        For misuse, as `gradient` does; PointError for a cotangent that does not
        fit the outputs.

    Examples
    --------
    >>> dk.vjp(["x*y", "x + y"], [1, 2], [1, -1]).value
    array([1., 0.])
    """
    return _differentiated(f, "vjp", at, {"cotangent": cotangent}, **options)


@_with_options
def hvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Options]) -> Result[Array]:
    """H·v, the derivative of the gradient along v; value of shape (n,).

    H itself is not formed: (Hv)ᵢ = ∂²/∂xᵢ∂t f(x + t·v) at t = 0 (Pearlmutter,
    Neural Computation 6 (1994), eq. 3).

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        A scalar function, as for `gradient`.
    at : sequence, mapping or array
        The point, as for `gradient`.
    direction : sequence of numbers
        v, one number for each variable.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (n,).

    Raises
    ------
    DiffkitError
        For misuse, as `gradient` does; PointError for a direction of another
        length.

    Examples
    --------
    >>> dk.hvp("x^2*y", [1, 2], [1, 0]).value
    array([4., 2.])
    """
    return _differentiated(f, "hvp", at, {"direction": direction}, **options)


@_with_options
def taylor(f: Any, at: Any, order: int, *, wrt: Name | None = None, **options: Unpack[Options]) -> Result[Array]:
    """f⁽ᵏ⁾(x)/k! for k = 0 … order: Taylor coefficients in one variable.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        A scalar function, as for `gradient`.
    at : number, sequence, mapping or array
        The point, as for `gradient`.
    order : int
        The highest k.
    wrt : str or sympy.Symbol, optional
        The variable; the only one unless given.
    **options
        ``backend``, ``variables``, ``args``, ``digits``, ``timeout``,
        ``isolated``, ``workers``: ``help()`` tells of each.

    Returns
    -------
    Result
        ``value`` has shape (order + 1,): f itself comes first.

    Raises
    ------
    DiffkitError
        For misuse, as `derivative` does.

    Examples
    --------
    >>> dk.taylor("1/(1 - x)", 0, 4).value
    array([1., 1., 1., 1., 1.])
    """
    return _differentiated(f, "taylor", at, {"order": order, "wrt": wrt}, **options)


@overload
def prepare(f: Any, kind: Literal["derivative", "directional"], **options: Any) -> Prepared[float]: ...
@overload
def prepare(
    f: Any, kind: Literal["gradient", "jacobian", "hessian", "taylor", "vjp", "hvp"] = "gradient", **options: Any
) -> Prepared[Array]: ...
@overload
def prepare(f: Any, kind: str, **options: Any) -> Prepared[Any]: ...
def prepare(
    f: Any,
    kind: str = "gradient",
    *,
    backend: str | Backend = "auto",
    variables: Names | None = None,
    args: Sequence[Any] = (),
    timeout: float | None = None,
    precision: Literal["pairs", "double"] = "pairs",
    engine: str = "auto",
    like: Any = None,
    workers: Workers = None,
    **options: Any,
) -> Prepared:
    """Do once what does not depend on the point: for many, and for optimisers.

    Where a method writes a program (``reverse``, ``dual``, ``symbolic``), that
    is compiled. With ``precision`` or ``engine``, ``backend="auto"`` is the
    method whose program is shortest, and proves nothing.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as for `gradient`; for ``kind="jacobian"`` several, as for
        `jacobian`.
    kind : str, default "gradient"
        The name of the function that answers at one point: "derivative",
        "gradient", "jacobian", "hessian", "directional", "jvp", "hvp" or
        "taylor".
    backend : str or Backend, default "auto"
        The method.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.
    timeout : float, optional
        Seconds that each answer may take.
    precision : {"pairs", "double"}, default "pairs"
        Pairs of floats, whose only loss is the last digit, or plain binary64,
        which is several times as fast.
    engine : str, default "auto"
        What compiles the program; "auto" takes what suits the work, and
        ``repr`` tells what that was.
    like : array, mapping or sequence, optional
        An array of the shape of the only argument of a Python function, or of
        text with data; of several an array for each, by name or in order. Those
        with more axes in front are many points. Without it the first array that
        is asked about tells the shape of an only argument.
    workers : int or concurrent.futures.Executor, optional
        Processes that share the proofs of a batch.
    **options
        What the function of that kind takes besides: ``wrt``, ``order``,
        ``direction``, ``sparse``.

    Returns
    -------
    Prepared
        ``p(points)`` gives an array, ``p.result(points)`` a Result; ``p.fun``,
        ``p.jac``, ``p.hess``, ``p.hessp``.

    Raises
    ------
    DiffkitError
        For misuse; OutOfTime where preparing takes longer than ``timeout``.

    Examples
    --------
    >>> p = dk.prepare("x^2*y", precision="double")
    >>> p(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[ 4.,  1.],
           [24.,  9.]])
    >>> from scipy.optimize import minimize
    >>> bowl = dk.prepare("(x - 1)^2 + (y + 2)^2")
    >>> minimize(bowl.fun, [0, 0], jac=bowl.jac).x.round(6)
    array([ 1., -2.])
    """
    if like is not None:
        from diffkit.asking.callables.function import shaped_like

        f, args = shaped_like(f, like, args), ()
    with time_limit(timeout):
        question = open_question(f, kind, variables, args, **options)
        return Prepared(question, backend, timeout=timeout, precision=precision, engine=engine, workers=workers)


@timed
def code(
    f: Any, kind: str = "gradient", language: str = "python", *, at: Any = None, name: str | None = None,
    variables: Names | None = None, args: Sequence[Any] = (), timeout: float | None = None, **options: Any,  # noqa: ARG001
) -> DerivativeCode:  # fmt: skip
    r"""Write a derivative as source code.

    ``str`` of the answer is a function of the variables, by name and in order.
    It computes in binary64, without the proof and the checks that an answer of
    diffkit has: a comment says what it is and where it holds.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as for `gradient`.
    kind : str, default "gradient"
        The derivative, as for `prepare`.
    language : str, default "python"
        python, numpy, jax, c, julia, fortran or latex.
    at : number, sequence, mapping or array, optional
        A point at which a Python function is recorded.
    name : str, optional
        The name of the function that is written; the kind unless given.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.
    timeout : float, optional
        Seconds that it may take.
    **options
        What the function of that kind takes besides: ``wrt``, ``order``,
        ``direction``.

    Returns
    -------
    DerivativeCode
        ``str`` of it is the source.

    Raises
    ------
    BackendError
        For an unknown language, and for a function that the language has not.
    FunctionError
        For a Python function without a point.

    Examples
    --------
    >>> print("\n".join(str(dk.code("x^2*y", language="c")).splitlines()[-5:]))
    void gradient(double x, double y, double out[2])
    {
        out[0] = 2.0*x*y;
        out[1] = x*x;
    }
    """
    from diffkit.methods.derivative_code import find_language, write_code

    find_language(language)
    question = open_question(f, kind, variables, args, **options)
    task = question.task if at is None else question.at(at).task
    if task is None:
        raise FunctionError("a Python function is recorded at a point", hint="give at=, numbers in the shape f takes")
    return write_code(task, language, name, options.get("direction"))


@timed
def compare(
    f: Any, at: Any, kind: str = "gradient", backends: str | Sequence[str | Backend] = COMPARED, *,
    variables: Names | None = None, args: Sequence[Any] = (),
    timeout: float | None = None, isolated: bool | Isolation = False, **options: Any,  # noqa: ARG001
) -> Comparison:  # fmt: skip
    """Compare backends at one point with each other and with a proven value.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        The function, as for `gradient`.
    at : number, sequence, mapping or array
        One point.
    kind : str, default "gradient"
        The derivative, as for `prepare`.
    backends : str or sequence, default ("symbolic", "finite", "dual")
        Names and objects of ``diffkit.backends``; "all" are ours and every tool
        that is installed.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.
    timeout : float, optional
        Seconds after which a backend without an answer is skipped.
    isolated : bool or Isolation, default False
        Do all of it in a worker process.
    **options
        What the function of that kind takes besides: ``wrt``, ``order``,
        ``direction``.

    Returns
    -------
    Comparison
        ``verdict`` is "agree" if every backend keeps its own error bar about
        the reference and has a right digit, else "disagree", "undecided", or
        the status of a point without a derivative.

    Raises
    ------
    DiffkitError
        For misuse; PointError for many points, which `report` takes.

    Examples
    --------
    >>> c = dk.compare("(1 - cos(x))/x^2", 1e-8, backends=["symbolic", "dual"])
    >>> c.verdict, c.reference.value
    ('disagree', array([-8.33333333e-10]))
    >>> [(finding.backend, finding.cause) for finding in c.findings]
    [('symbolic', 'cancellation'), ('dual', 'cancellation')]
    """
    question = ask(f, kind, at, variables, args, **options)
    point = question.point("compare takes one point", hint="report takes many, as cases")
    from diffkit.judging.comparison import compare_task

    return compare_task(question.task, point, find_backends(backends))


@timed
def worst(
    f: Any, box: Any, kind: str = "gradient", backends: str | Sequence[str | Backend] = COMPARED, *,
    between: tuple[str, str] | None = None, points: int = 200, variables: Names | None = None,
    timeout: float | None = None, **options: Any,  # noqa: ARG001
) -> Worst:  # fmt: skip
    """Search a box for the point where a method is farthest from the proof.

    Or, of two methods, from each other. Points of which running bounds on
    rounding promise most are compared, and others by chance. The answer is the
    worst that was found, and no bound.

    Parameters
    ----------
    f : str, Expression or sympy.Expr
        A formula.
    box : str, mapping or sequence
        Text such as ``x=-5:5,y=0:3``, a mapping of names to pairs, or pairs in
        the order of the variables.
    kind : str, default "gradient"
        The derivative, as for `prepare`.
    backends : str or sequence, default ("symbolic", "finite", "dual")
        Names and objects of ``diffkit.backends``.
    between : tuple of two str, optional
        Two of the backends: how far these are from each other.
    points : int, default 200
        How many points are compared at most.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    timeout : float, optional
        Seconds that it may take.
    **options
        What the function of that kind takes besides: ``wrt``, ``order``.

    Returns
    -------
    Worst
        Its ``comparison`` has the cause, and the subexpression at fault.

    Raises
    ------
    PointError
        For a box that does not fit, or without a derivative to compare.
    FunctionError
        For a Python function.

    Examples
    --------
    >>> found = dk.worst("x^3", "x=1:2", backends=["dual"], points=20)
    >>> found.methods, found.points <= 20
    (('dual',), True)
    """
    from diffkit.asking.box_sides import read_box
    from diffkit.judging.worst import worst_of

    question = open_question(f, kind, variables, **options)
    if question.task is None:
        raise FunctionError("a box is of the variables of an expression", hint="give f as text or as a formula")
    return worst_of(question.task, read_box(box, question.task.variables), find_backends(backends), between, points)


@timed
def report(
    cases: str | PathLike[str] | Iterable[Mapping[str, Any]], kind: str = "gradient",
    backends: str | Sequence[str | Backend] = COMPARED, *, rtol: float | None = None, atol: float | None = None,
    against: AccuracyReport | Mapping[str, Any] | str | PathLike[str] | None = None, closeness: Any = None,
    timeout: float | None = None, workers: Workers = None,  # noqa: ARG001
    rows: str | PathLike[str] | None = None, row_format: str | None = None, shard_rows: int | None = None,
    resume: bool = False,
) -> AccuracyReport:  # fmt: skip
    """Compare backends over many cases: quantiles of errors, and findings.

    An expected number holds within atol + rtol·|number|.

    Parameters
    ----------
    cases : str, path or iterable of mappings
        A file of JSON lines, CSV or Parquet, a folder or a pattern of such
        files, or mappings with the same fields: ``expr``, ``at``, and if wanted
        ``id``, ``vars``, ``source`` and the expected ``gradient`` (or
        ``hessian``, with that ``kind``).
    kind : str, default "gradient"
        The derivative.
    backends : str or sequence, default ("symbolic", "finite", "dual")
        Names and objects of ``diffkit.backends``.
    rtol, atol : float, optional
        What an expected number may be off by; one of the two omitted is 0,
        without both rtol is 1e-12.
    against : AccuracyReport, mapping, str or path, optional
        An older report, or one in JSON: ``changes`` of the report says what is
        different, and the report is true if nothing is lost and nothing
        expected is contradicted.
    closeness : object, optional
        No longer taken; ``rtol`` and ``atol`` have its place.
    timeout : float, optional
        Seconds after which the report is of the cases that were reached.
    workers : int or concurrent.futures.Executor, optional
        Processes to share the cases among; the report is the same.
    rows : str or path, optional
        A folder for what is found at each case: cases are then read as a
        stream, and the report counts them in constant memory, without
        ``outcomes``.
    row_format, shard_rows, resume : optional
        Of ``rows``, as ``dk.stream`` takes them.

    Returns
    -------
    AccuracyReport
        ``str`` of it is its headline; it is true if it has passed.

    Raises
    ------
    FileError
        For a file that cannot be read; it names a malformed line. With
        ``rows`` as ``dk.stream``.
    FunctionError
        For a backend that does not pickle, with workers.
    WorkerError
        Where an executor breaks; what is in ``rows`` is kept.

    Examples
    --------
    >>> known = {"expr": "x^2", "at": 3, "gradient": [6]}
    >>> cases = [known, {"expr": "sin(x)", "at": 1e5}]
    >>> found = dk.report(cases, backends="dual")
    >>> print(found.headline)
    gradients at 2 points: 2 agree
    """
    from diffkit.judging.checking.outcome import read_tolerances

    chosen, allowed = find_backends(backends), read_tolerances(rtol, atol, closeness)
    if rows is not None:
        from diffkit.core.records import some_records
        from diffkit.core.row_reports import exhausted
        from diffkit.core.row_runs import row_plan
        from diffkit.judging.case_rows import CaseRows, report_rows

        if against is not None:
            raise DiffkitError("a report whose rows go to a folder keeps no outcomes to compare with another")
        plan = row_plan(cases, rows, row_format, shard_rows, resume)
        return report_rows(CaseRows(kind, chosen, allowed), some_records(cases, "cases"), plan, workers, exhausted)
    if row_format is not None or shard_rows is not None or resume:
        raise DiffkitError("a format, a size of shards and resume go with rows, the folder for them")
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.cases import load_cases
    from diffkit.judging.examination import examine

    loaded = load_cases(cases, kind)
    outcomes, stopped = collected(counted(examine(loaded, chosen, allowed, workers), len(loaded), "comparing"))
    found = AccuracyReport(kind, tuple(b.name for b in chosen), tuple(outcomes), len(loaded), stopped)
    return found if against is None else replace(found, changes=found.against(against))

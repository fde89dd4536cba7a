"""The functions of ``import diffkit as dk``: derivatives at points by any backend, and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from inspect import Parameter, signature
from os import PathLike
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from diffkit.asking.questions import ask, open_question
from diffkit.core.deadline import collected, time_limit
from diffkit.core.errors import FunctionError, did_you_mean
from diffkit.core.results import Result
from diffkit.core.text.names import Name, Names
from diffkit.core.workers import timed
from diffkit.methods import COMPARED, Backend
from diffkit.methods.answering import answer, find_backends
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


def _differentiated(
    f: Any, kind: str, at: Any, asked: Mapping[str, Any], *, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool | Isolation = False,  # noqa: ARG001  (the decorator obeys them)
    workers: Workers = None,
) -> Result[Any]:  # fmt: skip
    """``f`` is text, an Expression, a SymPy expression or a Python function (``args`` are its further arguments);
    ``at`` a number, a list or tuple (one point in the order of the ``variables``), a mapping of names, or an array, of
    which batch dimensions come first. ``wrt`` names the variables to differentiate by. ``digits`` asks ``auto`` for
    proven decimal digits (``result.decimals``). After ``timeout`` seconds what is not known yet is uncertain; Python
    code is not stopped inside one call, unless all is done in a worker process (``isolated``, of a function that
    pickles). ``workers``, a number of processes or an Executor, share the proofs of a batch. Misuse raises a
    DiffkitError; where the derivative does not exist the Result says so.
    """  # noqa: D205  (what follows the first lines of the others)
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
    shown.__doc__ = f"{function.__doc__}\n\n    {_differentiated.__doc__}"
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
    """dⁿf/dxⁿ at a point, or a mixed partial ∂ⁿf/∂x∂y… if ``wrt`` is several names; value of shape ().

    ``order`` runs from 1 to 20.
    """
    return _differentiated(f, "derivative", at, {"wrt": wrt, "order": order}, **options)


@_with_options
def gradient(f: Any, at: Any, *, wrt: Names | None = None, **options: Unpack[Options]) -> Result[Array]:
    """∇f, the vector of partials ∂f/∂xᵢ; value of shape (n,)."""
    return _differentiated(f, "gradient", at, {"wrt": wrt}, **options)


@overload
def jacobian(
    fs: Any, at: Any, *, wrt: Names | None = None, sparse: Literal[True], **options: Unpack[Options]
) -> Result[Any]: ...
@overload
def jacobian(
    fs: Any, at: Any, *, wrt: Names | None = None, sparse: bool = False, **options: Unpack[Options]
) -> Result[Array]: ...
@_with_options
def jacobian(
    fs: Any, at: Any, *, wrt: Names | None = None, sparse: bool = False, **options: Unpack[Options]
) -> Result[Any]:
    """J = ∂fᵢ/∂xⱼ of a sequence of scalar functions over the union of their variables; value of shape (m, n).

    ``sparse`` gives value and error as SciPy arrays in compressed rows (``csr_array``), without the entries that are 0
    because fᵢ does not depend on xⱼ; of code that has no formula all entries are stored.
    """
    return _differentiated(fs, "jacobian", at, {"wrt": wrt, "sparse": sparse}, **options)


@overload
def hessian(
    f: Any, at: Any, *, wrt: Names | None = None, sparse: Literal[True], **options: Unpack[Options]
) -> Result[Any]: ...
@overload
def hessian(
    f: Any, at: Any, *, wrt: Names | None = None, sparse: bool = False, **options: Unpack[Options]
) -> Result[Array]: ...
@_with_options
def hessian(
    f: Any, at: Any, *, wrt: Names | None = None, sparse: bool = False, **options: Unpack[Options]
) -> Result[Any]:
    """H = ∂²f/∂xᵢ∂xⱼ, symmetric by construction; value of shape (n, n).

    ``sparse`` gives value and error as SciPy arrays in compressed rows (``csr_array``), without the entries that are 0
    because xᵢ and xⱼ meet only in sums; of code that has no formula all entries are stored.
    """
    return _differentiated(f, "hessian", at, {"wrt": wrt, "sparse": sparse}, **options)


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
    """dᵏ/dtᵏ f(x + t·v) at t = 0; value of shape (). The direction v, one number per variable, is not normalised."""
    return _differentiated(f, "directional", at, {"direction": direction, "order": order}, **options)


@overload
def jvp(
    f: str | Expression | Sequence[Any], at: Any, direction: Sequence[Any], **options: Unpack[Options]
) -> Result[Array]: ...
@overload
def jvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Options]) -> Result[Any]: ...
@_with_options
def jvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Options]) -> Result:
    """J·v, the derivative of every output along v, without forming J; value of shape (m,).

    Of a Python function the value has the shape of its result.
    """
    return _differentiated(f, "jvp", at, {"direction": direction}, **options)


@_with_options
def hvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Options]) -> Result[Array]:
    """H·v, the derivative of the gradient along v, without forming H; value of shape (n,).

    (Hv)ᵢ = ∂²/∂xᵢ∂t f(x + t·v) at t = 0 (Pearlmutter, Neural Computation 6 (1994), eq. 3).
    """
    return _differentiated(f, "hvp", at, {"direction": direction}, **options)


@_with_options
def taylor(f: Any, at: Any, order: int, *, wrt: Name | None = None, **options: Unpack[Options]) -> Result[Array]:
    """Taylor coefficients f⁽ᵏ⁾(x)/k! for k = 0 … order in one variable; value of shape (order + 1,)."""
    return _differentiated(f, "taylor", at, {"order": order, "wrt": wrt}, **options)


@overload
def prepare(f: Any, kind: Literal["derivative", "directional"], **options: Any) -> Prepared[float]: ...
@overload
def prepare(
    f: Any, kind: Literal["gradient", "jacobian", "hessian", "taylor", "hvp"] = "gradient", **options: Any
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
    """Do once what does not depend on the point. ``kind`` and ``options`` as the function of that name takes them.

    Each answer may take ``timeout`` seconds. Where a method writes a program (``reverse``, ``dual``, ``symbolic``), it
    is compiled: in ``pairs`` of floats, whose only loss is the last digit, or in plain ``double``, which is several
    times as fast. ``engine`` names what compiles it; ``auto`` takes what suits the work, and ``repr`` tells what that
    was. With either, ``backend="auto"`` is the method whose program is shortest, and proves nothing.

    The only argument of a Python function has the shape of ``like``, or of the first array it is asked about; an array
    with more axes in front is many points. ``workers``, a number of processes or an Executor, share proofs of a batch.
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
    """Write a derivative as source code: ``str`` of the answer is a function of the variables, by name and in order.

    ``language`` is python, numpy, jax, c, julia, fortran or latex; ``kind`` and ``options`` as the function of that
    name takes them; ``name`` is that of the function, the kind unless given. A Python function is recorded ``at`` a
    point. It computes in binary64, without the proof and the checks that an answer of diffkit has: a comment says what
    it is and where it holds. BackendError for a function that the language has not.
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

    The verdict is "agree" if every backend keeps its own error bar about the reference and has a right digit, else
    "disagree", "undecided", or the status of a point without a derivative. A backend that has no answer after
    ``timeout`` seconds is skipped. ``"all"`` are ours and every tool that is installed.
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
    """Search a box for the point where a method is farthest from the proof, or two methods from each other.

    ``box`` is text such as ``x=-5:5,y=0:3``, a mapping of names to pairs, or pairs in order; ``between`` names the two
    methods. No more than ``points`` are compared: those of which running bounds on rounding promise most, and others
    by chance. The answer is the worst that was found, and no bound; its ``comparison`` has the cause, and the
    subexpression at fault. PointError for a box that does not fit, or without a derivative to compare.
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
) -> AccuracyReport:  # fmt: skip
    """Compare backends over many cases: quantiles of their errors, worst cases, and findings by cause.

    ``cases`` is the path of a file of JSON lines, or an iterable of mappings with the same fields: ``expr``, ``at``,
    and if wanted ``id``, ``vars``, ``source`` and the expected ``gradient`` (or ``hessian``, with that ``kind``).
    An expected number holds within atol + rtol·|number| (one of the two omitted is 0; without both, rtol is 1e-12).
    FileError names a malformed line. After ``timeout`` seconds the report is of the cases that were reached.
    ``against`` is an older report, or one in JSON (a path, or its content): ``changes`` of the report says what is
    different, and the report is true if nothing is lost and nothing expected is contradicted.
    ``workers`` is a number of processes, or an Executor of ``concurrent.futures``, to share the cases among; the
    report is the same. FunctionError for a backend that does not pickle.
    """
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.cases import load_cases
    from diffkit.judging.checking.outcome import read_tolerances
    from diffkit.judging.examination import examine

    loaded = load_cases(cases, kind)
    chosen = find_backends(backends)
    outcomes, stopped = collected(examine(loaded, chosen, read_tolerances(rtol, atol, closeness), workers))
    found = AccuracyReport(kind, tuple(b.name for b in chosen), tuple(outcomes), len(loaded), stopped)
    return found if against is None else replace(found, changes=found.against(against))

"""The functions of ``import diffkit as dk``: derivatives at points by any backend, and comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

from diffkit.asking.frames import names_in
from diffkit.asking.questions import ask
from diffkit.core.deadline import collected, time_limit
from diffkit.core.errors import PointError
from diffkit.core.results import Result
from diffkit.core.text.names import Name, Names
from diffkit.core.workers import timed
from diffkit.methods import COMPARED, Backend
from diffkit.methods.prepared import Prepared, find_backend

if TYPE_CHECKING:
    from typing import Literal, TypedDict, Unpack

    from diffkit.asking.expressions import Expression
    from diffkit.core.results import Array
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.comparison import Comparison
    from diffkit.methods.prepared import Batch

    class Along(TypedDict, total=False):
        """What every derivative at a point may be given."""

        backend: str | Backend
        variables: Names | None
        args: Sequence[Any]
        digits: int | None
        timeout: float | None
        isolated: bool

    class Options(Along, total=False):
        """What a derivative by variables may be given."""

        wrt: Names | None


@overload
def derivative(f: Any, at: Batch, *, order: int = 1, **options: Unpack[Options]) -> Result[Array]: ...
@overload
def derivative(f: Any, at: Any, *, order: int = 1, **options: Unpack[Options]) -> Result[float]: ...
@timed
def derivative(
    f: Any, at: Any, *, wrt: Names | None = None, order: int = 1, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result:  # fmt: skip
    """dⁿf/dxⁿ at a point, or a mixed partial ∂ⁿf/∂x∂y… if ``wrt`` is several names; value of shape ().

    ``f`` is text, an Expression or a SymPy expression; ``at`` a number, a list or tuple (one point in the order of
    the variables), a mapping of names, or an array. ``order`` runs from 1 to 20. ``digits`` asks ``auto`` for proven
    decimal digits (``result.decimals``). After ``timeout`` seconds what is not known yet is uncertain; Python code is
    not stopped inside one call, unless all is done in a worker process (``isolated``, of a function that pickles).
    Misuse raises a DiffkitError; where the derivative does not exist the Result says so.
    """
    question = ask(f, "derivative", variables, args, names_in(at), wrt=wrt, order=order)
    return Prepared(question, backend, digits).result(at)


@timed
def gradient(
    f: Any, at: Any, *, wrt: Names | None = None, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result[Array]:  # fmt: skip
    """∇f, the vector of partials ∂f/∂xᵢ; value of shape (n,), batch dimensions first. Arguments as ``derivative``."""
    return Prepared(ask(f, "gradient", variables, args, names_in(at), wrt=wrt), backend, digits).result(at)


@timed
def jacobian(
    fs: Any, at: Any, *, wrt: Names | None = None, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result[Array]:  # fmt: skip
    """J = ∂fᵢ/∂xⱼ of a sequence of scalar functions over the union of their variables; value of shape (m, n)."""
    return Prepared(ask(fs, "jacobian", variables, args, names_in(at), wrt=wrt), backend, digits).result(at)


@timed
def hessian(
    f: Any, at: Any, *, wrt: Names | None = None, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result[Array]:  # fmt: skip
    """H = ∂²f/∂xᵢ∂xⱼ, symmetric by construction; value of shape (n, n). Arguments as ``derivative``."""
    return Prepared(ask(f, "hessian", variables, args, names_in(at), wrt=wrt), backend, digits).result(at)


@overload
def directional(
    f: Any, at: Batch, direction: Sequence[Any], order: int = 1, **options: Unpack[Along]
) -> Result[Array]: ...
@overload
def directional(
    f: Any, at: Any, direction: Sequence[Any], order: int = 1, **options: Unpack[Along]
) -> Result[float]: ...
@timed
def directional(
    f: Any, at: Any, direction: Sequence[Any], order: int = 1, *, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result:  # fmt: skip
    """dᵏ/dtᵏ f(x + t·v) at t = 0; value of shape (). The direction v, one number per variable, is not normalised."""
    question = ask(f, "directional", variables, args, names_in(at), direction=direction, order=order)
    return Prepared(question, backend, digits).result(at)


@overload
def jvp(
    f: str | Expression | Sequence[Any], at: Any, direction: Sequence[Any], **options: Unpack[Along]
) -> Result[Array]: ...
@overload
def jvp(f: Any, at: Any, direction: Sequence[Any], **options: Unpack[Along]) -> Result[Any]: ...
@timed
def jvp(
    f: Any, at: Any, direction: Sequence[Any], *, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result:  # fmt: skip
    """J·v, the derivative of every output along v, without forming J; value of shape (m,).

    Of a Python function the value has the shape of its result.
    """
    question = ask(f, "jvp", variables, args, names_in(at), direction=direction)
    return Prepared(question, backend, digits).result(at)


@timed
def hvp(
    f: Any, at: Any, direction: Sequence[Any], *, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result[Array]:  # fmt: skip
    """H·v, the derivative of the gradient along v, without forming H; value of shape (n,).

    (Hv)ᵢ = ∂²/∂xᵢ∂t f(x + t·v) at t = 0 (Pearlmutter, Neural Computation 6 (1994), eq. 3).
    """
    question = ask(f, "hvp", variables, args, names_in(at), direction=direction)
    return Prepared(question, backend, digits).result(at)


@timed
def taylor(
    f: Any, at: Any, order: int, *, wrt: Name | None = None, backend: str | Backend = "auto",
    variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, isolated: bool = False,  # noqa: ARG001
) -> Result[Array]:  # fmt: skip
    """Taylor coefficients f⁽ᵏ⁾(x)/k! for k = 0 … order in one variable; value of shape (order + 1,)."""
    question = ask(f, "taylor", variables, args, names_in(at), order=order, wrt=wrt)
    return Prepared(question, backend, digits).result(at)


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
    **options: Any,
) -> Prepared:
    """Do once what does not depend on the point. ``kind`` and ``options`` as the function of that name takes them.

    Each answer may take ``timeout`` seconds.
    """
    with time_limit(timeout):
        return Prepared(ask(f, kind, variables, args, **options), backend, timeout=timeout)


@timed
def compare(
    f: Any, at: Any, kind: str = "gradient", backends: str | Sequence[str | Backend] = COMPARED, *,
    variables: Names | None = None, args: Sequence[Any] = (),
    timeout: float | None = None, isolated: bool = False, **options: Any,  # noqa: ARG001
) -> Comparison:  # fmt: skip
    """Compare backends at one point with each other and with a proven value.

    The verdict is "agree" if every backend keeps its own error bar about the reference and has a right digit, else
    "disagree", "undecided", or the status of a point without a derivative. A backend that has no answer after
    ``timeout`` seconds is skipped.
    """
    task, points = ask(f, kind, variables, args, names_in(at), **options).at(at)
    if points.point is None:
        raise PointError("compare takes one point", hint="report takes many, as cases")
    from diffkit.judging.comparison import compare_task

    chosen = (backends,) if isinstance(backends, str) else backends
    return compare_task(task, points.point, [find_backend(b) for b in chosen])


@timed
def report(
    cases: str | PathLike[str] | Iterable[Mapping[str, Any]], kind: str = "gradient",
    backends: str | Sequence[str | Backend] = COMPARED, *, rtol: float | None = None, atol: float | None = None,
    against: AccuracyReport | Mapping[str, Any] | str | PathLike[str] | None = None, closeness: Any = None,
    timeout: float | None = None,  # noqa: ARG001
) -> AccuracyReport:  # fmt: skip
    """Compare backends over many cases: quantiles of their errors, worst cases, and findings by cause.

    ``cases`` is the path of a file of JSON lines, or an iterable of mappings with the same fields: ``expr``, ``at``,
    and if wanted ``id``, ``vars``, ``source`` and the expected ``gradient`` (or ``hessian``, with that ``kind``).
    An expected number holds within atol + rtol·|number| (one of the two omitted is 0; without both, rtol is 1e-12).
    FileError names a malformed line. After ``timeout`` seconds the report is of the cases that were reached.
    ``against`` is an older report, or one in JSON (a path, or its content): ``changes`` of the report says what is
    different, and the report is true if nothing is lost and nothing expected is contradicted.
    """
    from diffkit.judging.accuracy import AccuracyReport, examine
    from diffkit.judging.cases import load_cases
    from diffkit.judging.tolerances import read_tolerances

    loaded = load_cases(cases, kind)
    chosen = [find_backend(b) for b in ((backends,) if isinstance(backends, str) else backends)]
    outcomes, stopped = collected(examine(loaded, chosen, read_tolerances(rtol, atol, closeness)))
    found = AccuracyReport(kind, tuple(b.name for b in chosen), tuple(outcomes), len(loaded), stopped)
    return found if against is None else replace(found, changes=found.against(against))

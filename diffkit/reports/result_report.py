"""A result at a point or at many, as blocks and as fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from diffkit.core.decimals import above
from diffkit.core.results import Result
from diffkit.reports.blocks import Block, Equation, Gap, Note, Table, plain, shown, status

WIDEST = 8  # variables up to which a matrix is shown as one
METHODS = {
    "symbolic": "SymPy's formula in binary64",
    "finite": "finite differences in binary64",
    "dual": "dual numbers in binary64",
    "reverse": "reverse mode in binary64",
    "auto": "proven in ball arithmetic: the values are correctly rounded",
}


def blocks(result: Result) -> Iterator[Block]:
    """Lay a result out."""
    if result.is_batch:
        yield Gap()
        yield _batch(result)
    else:
        if result.at:
            yield where(result)
        yield Gap()
        yield from values(result)
        if not result.labels:
            yield Note(f"the {result.kind} is empty: there is no variable")
    yield from messages(result)
    yield Gap()
    yield Note(_method(result))


def where(result: Result) -> Block:
    """Say at which point it is."""
    return Note("at " + ", ".join(f"{name} = {shown(value)}" for name, value in result.at.items()))


def messages(result: Result) -> Iterator[Block]:
    """Say what there is to say of components that are not plain numbers."""
    for text in dict.fromkeys(odd.message for odd in result.odd.values() if odd.message):
        yield Note(text)


def values(result: Result) -> Iterator[Block]:
    """Give the components at one point, a Hessian as a matrix where it is one of plain numbers."""
    matrix = result.kind == "hessian" and 1 < len(result.variables) <= WIDEST
    bars = result.flat_error is not None and result.error_kind != "proven"  # a proven value is right as it stands
    if matrix and not result.odd and not bars and result.decimals is None:
        yield _matrix(result)
        return
    for c, (label, value) in enumerate(zip(result.labels, result.flat, strict=True)):
        if result.is_odd(c):
            yield Note(f"{label}: {status(result.odd[c])}")
        else:
            text = result.decimals[c] if result.decimals and result.decimals[c] else shown(value)
            yield Equation(label, text, f"± {above(result.flat_error[c], 2)}" if bars else "")


def _matrix(result: Result) -> Table:
    size = result.shape[0]
    names = [label.rsplit("/", 1)[-1].replace("²", "") for label in result.labels[:: size + 1]]
    rows = [(names[i], *(shown(v) for v in result.flat[i * size : (i + 1) * size])) for i in range(size)]
    return Table(("∂²f", *names), tuple(rows))


def _batch(result: Result) -> Table:
    width = len(result.labels)
    count = len(result.flat) // width if width else 0
    columns = [[shown(v) for v in array.ravel().tolist()] for array in result.at.values()]
    rows = []
    for k in range(count):
        cells: list[str] = [column[k] for column in columns]
        bad = [c for c in range(k * width, (k + 1) * width) if result.is_odd(c)]
        cells += ["–" if c in bad else _with_bar(result, c) for c in range(k * width, (k + 1) * width)]
        if result.odd:
            cells.append("; ".join(dict.fromkeys(status(result.odd[c]) for c in bad)) or "ok")
        rows.append(tuple(cells))
    return Table((*result.at, *result.labels, *(["status"] if result.odd else [])), tuple(rows))


def _with_bar(result: Result, c: int) -> str:
    bars = result.flat_error is not None and result.error_kind == "estimate"
    return shown(result.flat[c]) + (f" ± {above(result.flat_error[c], 2)}" if bars else "")


def _method(result: Result) -> str:
    text = METHODS.get(result.backend, result.backend)
    if result.backend == "auto" and not result.ok:
        text = "ball arithmetic and one-sided series: what is shown is proven, what is not decided is called uncertain"
    if result.backend == "auto" and result.error_kind == "estimate" and result.method:
        text = f"not proven, measured: {result.method}"
    if result.decimals is not None and result.ok:
        text = "proven in ball arithmetic: every digit shown is right"
    if result.error_kind == "estimate" and not result.is_batch:
        text += "; ± is its own estimate of the error"
    if result.backend == "finite":
        text += f"; {result.evaluations} evaluations of f"
    return text


def fields(result: Result) -> dict[str, Any]:
    """Give the fields of a Result."""
    return {
        "at": {name: plain(value) for name, value in result.at.items()},
        "shape": list(result.shape),
        **{name: plain(getattr(result, name)) for name in ("value", "error", "error_kind", "status", "statuses")},
        **{name: plain(getattr(result, name)) for name in ("left", "right", "limit")},
        "message": result.message or None,
        "evaluations": result.evaluations,
        "decimals": None if result.decimals is None else list(result.decimals),
        "backend": result.backend,
        "formula": result.formula,
    }

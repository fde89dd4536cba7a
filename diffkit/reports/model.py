"""What there is to report, and the blocks that the readable formats lay it out in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.results import Odd, Result

if TYPE_CHECKING:
    from diffkit.comparison import Comparison

WIDEST = 8  # variables up to which a matrix is shown as one
METHODS = {
    "symbolic": "SymPy's formula in binary64",
    "finite": "finite differences in binary64",
    "dual": "dual numbers in binary64",
    "auto": "proven in ball arithmetic: the values are correctly rounded",
}
WORDS = {
    "not_differentiable": "not differentiable",
    "domain_error": "outside the domain, or at its edge",
    "pole": "a pole",
    "overflow": "larger than the largest binary64",
    "uncertain": "uncertain",
    "ok": "ok",
}


class Report(NamedTuple):
    """The expressions as read, and what was found: a result, a comparison, or (neither) formulas and the domain."""

    expressions: tuple[str, ...]
    variables: tuple[str, ...]
    kind: str
    labels: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    """one per label, or none"""
    domain: str = ""
    result: Result | None = None
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()


class Equation(NamedTuple):
    """A line ``left = right``, perhaps with an error bar or a remark after it."""

    left: str
    right: str
    remark: str = ""


class Table(NamedTuple):
    """Columns with a heading each."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Note(NamedTuple):
    """A sentence."""

    text: str


class Gap(NamedTuple):
    """An empty line between parts."""


Block = Equation | Table | Note | Gap


def shown(value: float) -> str:
    """Give a number in its shortest exact form: 2, 0.1, 1e-07."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def rounded(value: float) -> str:
    """Give a size with three digits."""
    return "–" if math.isnan(value) else f"{value:.3g}"


def blocks(report: Report) -> Iterator[Block]:
    """Lay a report out."""
    names = ", ".join(report.variables)
    for k, text in enumerate(report.expressions):
        name = "f" if len(report.expressions) == 1 else f"f{k + 1}"
        yield Equation(f"{name}({names})" if names else name, text)
    if report.formulas and report.result is None and report.comparison is None:
        yield Gap()
    yield from _formulas(report)
    if report.domain and report.result is None and report.comparison is None:
        yield Equation("domain", report.domain)
    if report.result is not None:
        yield from _result(report.result)
    if report.comparison is not None:
        yield from _comparison(report.comparison)
    for note in report.notes:
        yield Note(note)


def _formulas(report: Report) -> Iterator[Block]:
    if not report.formulas:
        return
    seen = set()
    for label, formula in zip(report.labels, report.formulas, strict=True):
        key = (formula, "".join(sorted(label)))
        if key not in seen:  # ∂²f/∂x∂y and ∂²f/∂y∂x are one formula
            seen.add(key)
            yield Equation(label, formula)


def _at(result: Result) -> Block:
    return Note("at " + ", ".join(f"{name} = {shown(value)}" for name, value in result.at.items()))


def _result(result: Result) -> Iterator[Block]:
    if result.is_batch:
        yield Gap()
        yield _batch(result)
    else:
        if result.at:
            yield _at(result)
        yield Gap()
        yield from _values(result)
        if not result.labels:
            yield Note(f"the {result.kind} is empty: there is no variable")
    for text in dict.fromkeys(odd.message for odd in result.odd.values()):
        yield Note(text)
    yield Gap()
    yield Note(_method(result))


def _values(result: Result) -> Iterator[Block]:
    if (
        result.kind == "hessian"
        and 1 < len(result.variables) <= WIDEST
        and not result.odd
        and (result.flat_error is None or result.error_kind == "proven")
    ):
        yield _matrix(result)
        return
    errors = result.flat_error or [None] * len(result.flat)
    for c, (label, value) in enumerate(zip(result.labels, result.flat, strict=True)):
        odd = result.odd.get(c)
        if odd is not None and odd.status != "ok":
            yield Equation(label, WORDS[odd.status], _sides(odd))
        else:
            bar = errors[c] is not None and result.error_kind != "proven"  # a proven value is right as it stands
            yield Equation(label, shown(value), f"± {errors[c]:.2g}" if bar else "")


def _sides(odd: Odd) -> str:
    known = [(name, getattr(odd, name)) for name in ("left", "right", "limit")]
    return ", ".join(f"{name} {shown(v)}" for name, v in known if not math.isnan(v))


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
        status = []
        for c in range(width):
            odd = result.odd.get(k * width + c)
            bad = odd is not None and odd.status != "ok"
            cells.append("–" if bad else shown(result.flat[k * width + c]))
            if odd is not None and bad:
                status.append(WORDS[odd.status] + (f" ({_sides(odd)})" if _sides(odd) else ""))
        if result.odd:
            cells.append("; ".join(dict.fromkeys(status)) or "ok")
        rows.append(tuple(cells))
    return Table((*result.at, *result.labels, *(["status"] if result.odd else [])), tuple(rows))


def _method(result: Result) -> str:
    text = METHODS.get(result.backend, result.backend)
    if result.backend == "auto" and result.message and not result.odd:
        text += f", {result.message}"
    if result.error_kind == "estimate" and not result.is_batch:
        text += "; ± is its own estimate of the error"
    if result.backend == "finite":
        text += f"; {result.evaluations} evaluations of f"
    return text


def _comparison(comparison: Comparison) -> Iterator[Block]:
    reference = comparison.reference
    yield _at(reference)
    yield Gap()
    yield Equation("verdict", VERDICTS.get(comparison.verdict, WORDS.get(comparison.verdict, comparison.verdict)))
    yield Gap()
    yield Note(f"reference: {comparison.source}")
    yield from _values(reference)
    for text in dict.fromkeys(odd.message for odd in reference.odd.values()):
        yield Note(text)
    yield Gap()
    yield _backends(comparison)
    pairs = [(f"{a} – {b}", rounded(_largest(ulps))) for (a, b), ulps in comparison.pairs.items()]
    if pairs:
        yield Gap()
        yield Table(("between", "largest difference, ulps"), tuple(pairs))
    if comparison.findings:
        yield Gap()
        for finding in comparison.findings:
            yield Note(f"{finding.backend}: {finding.cause}. {finding.evidence}")
    for row in comparison.rows:
        if row.skipped:
            yield Note(f"{row.backend} was not asked: {row.skipped}")


VERDICTS = {
    "agree": "agree: every method is within the error that it admits",
    "disagree": "disagree: a method is outside the error that it admits, or has no answer",
    "undecided": "undecided: there is no reference value to tell who is right",
}


def _largest(values: Sequence[float]) -> float:
    known = [v for v in values if v == v]
    return max(known) if known else math.nan


def _backends(comparison: Comparison) -> Table:
    header = ("method", "partial", "value", "error", "ulps", "digits", "admits", "")
    rows = []
    for row in comparison.rows:
        if row.skipped:
            continue
        for c, label in enumerate(row.result.labels):
            bad = c in row.outside
            rows.append((
                row.backend if c == 0 else "", label, _value(row.result, c),
                rounded(row.absolute[c]), rounded(row.ulps[c]), _known("{:.1f}", row.digits[c]),
                _known("± {:.2g}", row.bar[c]), "✗" if bad else "",
            ))  # fmt: skip
    return Table(header, tuple(rows))


def _value(result: Result, c: int) -> str:
    return WORDS[result.odd[c].status] if result.is_odd(c) else shown(result.flat[c])


def _known(form: str, value: float) -> str:
    return "–" if math.isnan(value) else form.format(value)


def plain(value: Any) -> Any:
    """Give a value as JSON can hold it: NaN as null, infinities as text, arrays as lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else "inf" if value > 0 else "-inf"
    return value

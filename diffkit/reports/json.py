"""JSON: one strict object with a schema version; NaN and what is absent are null, infinities are text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from diffkit.reports.model import Report, plain
from diffkit.results import Result

if TYPE_CHECKING:
    from diffkit.comparison import Comparison

RESULT_SCHEMA = "diffkit.result/1"
COMPARISON_SCHEMA = "diffkit.comparison/1"
FORMULA_SCHEMA = "diffkit.formula/1"


def render(report: Report, terminal: bool = False) -> str:  # noqa: ARG001
    """Give the report as one JSON object."""
    head: dict[str, Any] = {
        "expressions": list(report.expressions), "kind": report.kind, "variables": list(report.variables),
        "labels": list(report.labels), "formulas": list(report.formulas) or None,
    }  # fmt: skip
    if report.comparison is not None:
        body = {"schema": COMPARISON_SCHEMA, **head, **comparison_fields(report.comparison)}
    elif report.result is not None:
        body = {"schema": RESULT_SCHEMA, **head, **result_fields(report.result)}
    else:
        body = {"schema": FORMULA_SCHEMA, **head, "domain": report.domain}
    body["notes"] = list(report.notes)
    return json.dumps(body, ensure_ascii=False, allow_nan=False) + "\n"


def result_fields(result: Result) -> dict[str, Any]:
    """Give the fields of a Result."""
    return {
        "at": {name: plain(value) for name, value in result.at.items()},
        "shape": list(result.shape),
        **{name: plain(getattr(result, name)) for name in ("value", "error", "error_kind", "status", "statuses")},
        **{name: plain(getattr(result, name)) for name in ("left", "right", "limit")},
        "message": result.message or None,
        "evaluations": result.evaluations,
        "backend": result.backend,
        "formula": result.formula,
    }


def comparison_fields(comparison: Comparison) -> dict[str, Any]:
    """Give the fields of a Comparison; lists run over the labels."""
    return {
        "verdict": comparison.verdict,
        "source": comparison.source,
        "reference": result_fields(comparison.reference),
        "rows": [
            {
                "backend": row.backend,
                "skipped": row.skipped or None,
                "result": result_fields(row.result),
                **{name: plain(getattr(row, name)) for name in ("bar", "absolute", "relative", "ulps", "digits")},
                "seconds": row.seconds,
                "within": row.within,
            }
            for row in comparison.rows
        ],
        "pairs": [{"backends": list(pair), "ulps": plain(ulps)} for pair, ulps in comparison.pairs.items()],
        "findings": [
            {"backend": f.backend, "cause": f.cause, "evidence": f.evidence, "where": f.where or None}
            for f in comparison.findings
        ],
    }

"""Points on which tools are silently wrong: the default is right on each, or says that it cannot tell."""

import pytest
from conftest import tsv

import diffkit as dk

ROWS = tsv("hard_points.tsv")


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r["id"])
def test_hard_point(row):
    kind, _, names = row["what"].partition(":")
    if kind == "grad":
        result = dk.gradient(row["expression"], row["variables"], wrt=tuple(names.split(",")))
    else:
        result = dk.derivative(row["expression"], row["variables"], wrt=names, order=int(kind[1:]))
    status, _, sides = row["expected"].partition("(")
    if status[0].isalpha():
        assert result.status == status
        if sides:
            assert [result.left, result.right] == [float(side) for side in sides.rstrip(")").split(",")]
    else:
        assert result.ok
        for value, truth in zip(result.flat, row["expected"].strip("[]").split(","), strict=True):
            assert value == float(truth)

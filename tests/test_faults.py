"""Inputs that 0.1.0 got wrong, fell over or refused: each is mended (tests/data/faults), for its kind."""

import pytest
from data.faults import claim, code, crash, face, finite, proof, refuse
from data.faults.measures import CASES

assert CASES, (claim, code, crash, face, finite, proof, refuse)


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_mended(name):
    kind, text, _, holds = CASES[name]
    assert holds(), f"{kind}: {text}"

"""What a package that adds a backend tests: that diffkit finds it by its name, and that it answers rightly."""

import diffkit as dk
from diffkit.testing import check_backend


def test_it_is_found_by_its_name():
    assert "central" in dk.backends.names()
    assert abs(dk.gradient("x*y**2", (3, 5), backend="central").value[0] - 25) < 1e-6


def test_it_answers_rightly():
    checked = check_backend("central", digits=5)
    assert len(checked.passed) > 20

"""Every example runs, and prints what its prose promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import diffkit

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
PROMISES = {
    "activations": ["σ′(40) = 4.248354e-18; σ(1 − σ) in binary64 gives 0.0e+00", "not_differentiable"],
    "is_my_gradient_right": [
        "methods agree",
        "by hand, right: -0.449149, off by 0.0e+00",
        "factor x: -0.299433, off by",
    ],
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path):
    environment = {**os.environ, "PYTHONPATH": str(Path(diffkit.__file__).parent.parent), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, path], capture_output=True, env=environment, check=True, encoding="utf-8")
    for promise in PROMISES[path.stem]:
        assert promise in done.stdout

"""Whole one-shot commands against the imports they cannot avoid: interleaved runs, median of the ratios.

    python benchmarks/startup.py [RUNS]

The goal is a ratio of at most 1.20 for a command that shows SymPy's formula against `import sympy` alone.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

PYTHON = sys.executable
SCRIPT = Path(PYTHON).with_name("diffkit")  # the installed command; measure an ordinary install, not an editable one
ONE_SHOT = [str(SCRIPT), "grad", "3*x**2-4*x", "--at", "1"]
PAIRS = {
    "with the formula / import sympy": (ONE_SHOT, [PYTHON, "-c", "import sympy"]),
    "dual / import click": ([*ONE_SHOT, "--backend", "dual"], [PYTHON, "-c", "import click"]),
    "finite / import click": ([*ONE_SHOT, "--backend", "finite"], [PYTHON, "-c", "import click"]),
    "dual / import numpy": ([*ONE_SHOT, "--backend", "dual"], [PYTHON, "-c", "import numpy"]),
}


def seconds(command: list[str]) -> float:
    """Wall time of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(runs: int) -> None:
    """Print the median ratio of each pair."""
    for name, (ours, theirs) in PAIRS.items():
        seconds(ours), seconds(theirs)  # warm the file cache
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
        ratios = [a / b for a, b in pairs]
        a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{name}: {statistics.median(ratios):.2f}  ({1000 * a:.0f} ms / {1000 * b:.0f} ms, {runs} pairs)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

"""The value other answers are judged by: SymPy's derivative in multiprecision, confirmed at a higher precision.

This is strong evidence, not yet a proof; ``error_kind`` therefore stays "none".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from diffkit.errors import BackendError, LimitError
from diffkit.program import Program, run
from diffkit.results import Answer, Odd
from diffkit.tasks import Task
from diffkit.transforms import differentiate

PRECISIONS = (60, 120, 240, 480)
AGREE = 1e-40  # relative difference between two precisions that settles 40 digits
NOTHING = 1e-45  # what is smaller than this times 10^−(digits lost on raising precision) is taken for zero


class Referee:
    """A task's reference values; ``source`` says whose derivative is evaluated."""

    formula = None

    def __init__(self, task: Task):
        self.task = task

    @cached_property
    def _derivative(self) -> tuple[Program, str]:
        from diffkit.sympy_bridge import symbolic_derivative

        try:
            return symbolic_derivative(self.task.program, self.task.indices), "SymPy's derivative"
        except (LimitError, BackendError):
            return differentiate(self.task.program, self.task.indices), "the table's derivative (too large for SymPy)"

    @property
    def source(self) -> str:
        """Whose derivative is evaluated."""
        return self._derivative[1]

    def at(self, point: Sequence[float]) -> Answer:
        """Give the reference at one point."""
        from diffkit.diagnosis import diagnose

        odd: dict[int, Odd] = {}
        values = [math.nan] * len(self.task.indices)
        for c, index in enumerate(self.task.indices):
            seen = diagnose(self.task.program, index, point)
            if seen.status != "ok":
                odd[c] = seen
        settled = self._settle(point, {c for c in range(len(values)) if c not in odd})
        for c, value in settled.items():
            if value is None:
                odd[c] = Odd("uncertain", f"{PRECISIONS[-1]} digits do not settle the value")
            elif math.isinf(value):
                odd[c] = Odd("overflow", "the derivative is larger than the largest binary64, 1.8e308")
            else:
                values[c] = value
        return Answer(values, None, odd, 1)

    def _settle(self, point: Sequence[float], wanted: set[int]) -> dict[int, float | None]:
        """Raise the precision until two agree; None for what never does."""
        from diffkit.algebras.multiprecision import multiprecision

        program = self._derivative[0]
        found: dict[int, float | None] = dict.fromkeys(wanted)
        previous = None
        for digits in PRECISIONS:
            algebra = multiprecision(digits)
            outputs = run(program, algebra, [algebra.number(x) for x in point])
            if previous is not None:
                for c in [c for c in wanted if found[c] is None]:
                    low, high = previous[c], outputs[c]
                    if not (algebra.context.isfinite(low) and algebra.context.isfinite(high)):
                        continue
                    if abs(high - low) <= AGREE * abs(high):
                        found[c] = float(high)
                    elif abs(high) < NOTHING**2 and abs(low) < NOTHING:
                        found[c] = 0.0
            if None not in found.values():
                break
            previous = outputs
        return found

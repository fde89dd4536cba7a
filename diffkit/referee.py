"""The value other answers are judged by: SymPy's derivative in multiprecision, to the last bit.

The precision is raised until a running error bound leaves one binary64. The bound is of first order, so this is
strong evidence, not yet a proof; ``error_kind`` therefore stays "none".
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

PRECISIONS = (60, 120, 240, 480, 1200)
HIGHEST_SYMBOLIC_ORDER = 8  # SymPy's derivatives swell; above this the table's Taylor program is evaluated


class Referee:
    """A task's reference values; ``source`` says whose derivative is evaluated."""

    formula = None

    def __init__(self, task: Task):
        self.task = task

    @cached_property
    def _derivative(self) -> tuple[Program, str]:
        from diffkit.sympy_bridge import symbolic_derivative

        if self.task.order > HIGHEST_SYMBOLIC_ORDER:
            return differentiate(self.task.program, self.task.indices), "the table's derivative (of high order)"
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
        """Raise the precision until the error bound leaves one binary64; None for what never settles."""
        from diffkit.algebras.bounds import multiprecision_bounds

        program = self._derivative[0]
        found: dict[int, float | None] = dict.fromkeys(wanted)
        for digits in PRECISIONS:
            if None not in found.values():
                break
            algebra = multiprecision_bounds(digits)
            outputs = run(program, algebra, [algebra.number(x) for x in point])
            for c in [c for c in wanted if found[c] is None]:
                value, bound = outputs[c]
                if not algebra.context.isfinite(bound):
                    continue
                low, high = float(value - bound), float(value + bound)
                if low == high:
                    found[c] = low + 0.0  # a −0.0 becomes 0.0
        return found

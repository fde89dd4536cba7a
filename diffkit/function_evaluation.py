"""The partials of a Python function at points, whichever way its derivatives are followed through its code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.errors import BackendError
from diffkit.evaluation import by_rows
from diffkit.results import Answer, Odd
from diffkit.tasks import Index, Task

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

HIGHEST_ORDER = 4  # of a Python function: nesting costs 2ⁿ
SAME = 1e-13  # relative difference of two values of one function that is not worth a second look
FAR = 4.0  # times the measured rounding of f by which the value that was followed may differ from the plain one


class Derived(NamedTuple):
    """What following a function gave: its values, flat, its partials by index, and the hits on the way."""

    values: Any
    partials: dict[Index, Any]
    hits: list[Hit]


class FunctionEvaluation:
    """The partials of a Python function; a subclass says how they are found (``derive``)."""

    formula = None

    def __init__(self, task: Task):
        if task.order > HIGHEST_ORDER:
            raise BackendError(f"derivatives of a Python function go up to order {HIGHEST_ORDER}, not {task.order}",
                               hint="a function without branches can be traced: use backend='auto'")  # fmt: skip
        assert task.function is not None
        self.task, self.function = task, task.function

    def derive(self, point: Any) -> Derived:
        """Follow the function at a point, an array of its coordinates."""
        raise NotImplementedError

    def at(self, point: Sequence[float]) -> Answer:
        """Give the partials at one point, with what is odd about them."""
        import numpy as np

        start = self.function.evaluations
        plain = self.function.values(point)
        self.function.evaluations += 1
        found = self.derive(np.array(point, dtype=float))
        other = self._other_branch(point, plain, found.values)
        values = [float(found.partials[index]) for index in self.task.indices]
        odd = {}
        for c, (output, _) in enumerate(self.task.indices):
            seen = self._odd(float(plain[output]), values[c], found.hits) or other.get(output)
            if seen is not None:
                values[c], odd[c] = np.nan, seen
        return Answer(values, None, odd, self.function.evaluations - start, warnings=self.function.warnings)

    def _odd(self, value: float, slope: float, hits: Sequence[Hit]) -> Odd | None:
        """What is known of a component that has no ordinary value."""
        import numpy as np

        if not np.isfinite(value):
            reason = self.function.reason or f"{self.function.name} is {value} there"
            return Odd("domain_error", reason, cause="outside the domain")
        if "not deterministic" in self.function.faults:
            return Odd("uncertain", self.function.faults["not deterministic"])
        ties = [hit for hit in hits if hit.kind == "tie"]
        if not np.isfinite(slope) or ties:
            seen = "; ".join(dict.fromkeys(str(hit) for hit in (hits if not np.isfinite(slope) else ties)))
            return Odd("uncertain", seen or "binary64 overflows or loses everything on the way")
        return None

    def _other_branch(self, point: Sequence[float], plain: Any, followed: Any) -> dict[int, Odd]:
        """Outputs whose value is another one when the code is followed: it asked for the type of its argument."""
        import numpy as np

        def apart(bars: Any) -> Any:
            return np.isfinite(plain) & ~(np.abs(followed - plain) <= bars)

        with np.errstate(all="ignore"):
            if not np.any(apart(SAME * np.abs(plain))):
                return {}
            from diffkit.callables.noise import rounding

            outputs = np.flatnonzero(apart(FAR * rounding(self.function.values, point)))
        return {int(k): Odd("uncertain", OTHER.format(self.function.name, plain[k], followed[k])) for k in outputs}

    def bound(self, point: Sequence[float]) -> list[float]:
        """How far rounding may carry each component, measured."""
        from diffkit.callables.noise import rounding

        def values(row: Any) -> Any:
            import numpy as np

            found = self.derive(row).partials
            return np.array([found[index] for index in self.task.indices])

        return [float(b) for b in rounding(values, point)]

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        return by_rows(self, points)


OTHER = (
    "{0} is {1:.17g} there, and {2:.17g} when its code is followed: it takes another branch for what is not a float or "
    "an ndarray (isinstance, type), or changes what it keeps"
)

"""Forward-mode dual numbers: the table's rules pushed through the program, exact but for rounding."""

from __future__ import annotations

from diffkit.evaluation import ProgramEvaluation
from diffkit.results import ErrorKind
from diffkit.tasks import Task
from diffkit.transforms import differentiate


class DualBackend:
    """Duals over the builder write the derivative program once; each point then costs one run of it."""

    name = "dual"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation:
        """Write the program of the task's partials."""
        return ProgramEvaluation(task, differentiate(task.program, task.indices))

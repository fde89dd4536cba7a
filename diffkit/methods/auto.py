"""backend="auto": the proven, correctly rounded value; for a Python function the best that its code allows."""

from __future__ import annotations

from diffkit.asking.tasks import Task
from diffkit.core.errors import DiffkitError
from diffkit.core.results import ErrorKind
from diffkit.methods.function_referee import FunctionReferee
from diffkit.proof.referee import Referee

MOST_DIGITS = 1000


class AutoBackend:
    """The referee as a backend: what it says is proven, or called uncertain.

    ``digits`` asks for that many proven decimal digits besides the binary64.
    """

    name = "auto"
    error_kind: ErrorKind = "proven"

    def __init__(self, digits: int | None = None):
        if digits is not None and not 1 <= digits <= MOST_DIGITS:
            raise DiffkitError(f"{digits} digits were asked for, but proofs go from 1 to {MOST_DIGITS}")
        self.digits = digits

    def prepare(self, task: Task) -> Referee | FunctionReferee:
        """Get ready for proofs."""
        if task.function is not None:
            return FunctionReferee(task, self.digits)
        return Referee(task, self.digits)

"""The formulas that a command shows beside its answer."""

from __future__ import annotations

from typing import Any


def formulas_of(task: Any, required: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask SymPy for the formulas; without a point they are all there is, otherwise a note says why they are missing."""
    from diffkit.core.deadline import TimeIsUp
    from diffkit.core.errors import BackendError, LimitError
    from diffkit.methods import get_backend

    try:
        formulas = get_backend("symbolic").prepare(task).formula or ()
        return tuple(formulas[place] for place in task.places), ()
    except TimeIsUp as up:
        return (), (f"no formula: {up.reason}",)
    except (BackendError, LimitError) as error:
        if required:
            raise
        return (), (f"no formula: {error.reason}",)

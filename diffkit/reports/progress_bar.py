"""How far long work is, as a bar in a terminal or in a notebook: ``with dk.progress():``, by rich."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import BackendError
from diffkit.core.watching import watched_by

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress(console: Console | None = None) -> Iterator[None]:
    """Show how far long work is, while the block runs.

    Reports over many cases, answers at many points, searches and descents have
    a bar each, which goes when the block ends. It stands in the notebook, or on
    standard error if that is a terminal; elsewhere there is none.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to show it.

    Returns
    -------
    context manager
        For ``with``.

    Raises
    ------
    BackendError
        In a notebook without ipywidgets, which moves the bar.

    Examples
    --------
    >>> with dk.progress():
    ...     found = dk.gradient("x^2*y", np.ones((500, 2)))
    >>> found.value.shape
    (500, 2)
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True) if console is None else console
    if console.is_jupyter and find_spec("ipywidgets") is None:
        raise BackendError("a bar in a notebook needs ipywidgets", hint='pip install "diffkit[notebook]" brings it')
    if not (console.is_jupyter or console.is_terminal):
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(doing: str, done: float, total: float) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(doing, total=total)
            bars.update(tasks[doing], completed=done, total=total)

        with watched_by(show):
            yield


__all__ = ["progress"]

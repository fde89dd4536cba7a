"""Where a report goes: the terminal, a pipe, or a file."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from diffkit.cli.process import EXIT_INTERRUPTED, INTERRUPTS, complain
from diffkit.core.deadline import INTERRUPTED, TimeIsUp, check_time, unhurried
from diffkit.core.errors import DiffkitError
from diffkit.core.files import replaced

EXIT_NO = 1
EXIT_BAD = 2
EXIT_UNREAD = 141  # as shells have it: 128 and the number of SIGPIPE
SILENT_SECONDS = 1.0  # seconds without a word
T = TypeVar("T")


def write(text: str, file: str | None) -> None:
    """Write a report to standard output, or to a file whole or not at all."""
    if file is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    with replaced(file) as beside, open(beside, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)


def on_terminal(file: str | None) -> bool:
    """Whether the report is for a person's terminal."""
    return file is None and sys.stdout.isatty()


def deliver(answer: Any, options: dict[str, Any]) -> None:
    """Render an answer, or a document about one, in the ``format`` of a command's options; write it to ``output``."""
    from diffkit.reports import render

    with unhurried():
        write(render(answer, options["format"], on_terminal(options["output"])), options["output"])


class Picture(NamedTuple):
    """What may be drawn: a function of ``diffkit.reports.pictures`` as MODULE:FUNCTION, and its arguments.

    What holds the user's code, which no worker process has, is drawn ``here`` whatever the time.
    """

    function: str
    args: tuple[Any, ...]
    here: bool = False

    def image(self, file: str) -> bytes:
        """The bytes of a file of that name."""
        from diffkit.reports import pictures

        if self.here:
            check_time()
            return pictures.image(self.function, self.args, file)
        from diffkit.core.workers import stoppable

        return stoppable(pictures.image, self.function, self.args, file)


@contextmanager
def drawing(picture: Picture, options: dict[str, Any], stopped: str = "") -> Iterator[None]:
    """Draw a picture where one is asked for: into a file before the report is written, in a window after it.

    Where there is no time, or the work was ``stopped``, that is said.

    What cannot be drawn does not cost the report: the error is raised when that is written.
    """
    file, window = options["save"], options["show"]
    if file is None and not window:
        yield
        return
    from diffkit.reports import pictures

    failure: DiffkitError | None = None
    try:
        if not stopped and file is not None:
            pictures.format_of(file)
            pictures.store(picture.image(file), file)
    except DiffkitError as error:
        failure = error
    except TimeIsUp as up:
        stopped = up.reason
    yield
    if failure is not None:
        raise failure
    if stopped:
        complain(f"no picture: {stopped}")
    elif window:
        with unhurried():
            pictures.show(pictures.drawn(picture.function, picture.args))


def gather(found: Iterable[T], total: int, doing: str = "comparing") -> tuple[list[T], str]:
    """Collect what is found one by one, with a progress bar on a terminal; and why that ended early, if it did."""
    gathered: list[T] = []
    return gathered, drain(found, gathered.append, total, doing)


def drain(found: Iterable[T], take: Callable[[T], object], total: int | None = None, doing: str = "rows") -> str:
    """Take what is found one by one, with progress on a terminal; why that ended early, if it did."""
    gc.enable()  # this is not the one answer after which the process ends
    any_taken = False
    try:
        for one in _watched(found, total, doing):
            take(one)
            any_taken = True
            INTERRUPTS.wait()
    except KeyboardInterrupt:
        if not any_taken:
            raise
        return INTERRUPTED
    except TimeIsUp as up:
        return up.reason
    return ""


def run_told(document: Any, stopped: str, good: bool, options: dict[str, Any]) -> int:
    """Report on a run over a stream; the exit code says whether all is well, or the run was interrupted."""
    deliver(document, options)
    if stopped:
        complain(f"{stopped}; what was found is kept, and --resume goes on with it")
    return EXIT_INTERRUPTED if stopped == INTERRUPTED else 0 if good else EXIT_NO


@contextmanager
def patience(doing: str) -> Iterator[Callable[[str], object]]:
    """What is told of a computation that takes long: on a terminal, after a second, who is at work and since when."""
    if not sys.stderr.isatty():
        yield str  # nobody is told
        return
    import threading
    from time import perf_counter

    done, start, names = threading.Event(), perf_counter(), ["the start"]

    def said() -> str:
        return f"{doing}: {names[-1]}, {perf_counter() - start:.0f} s"

    def show() -> None:
        if done.wait(SILENT_SECONDS):
            return
        from rich.console import Console

        with Console(stderr=True).status(said()) as status:
            while not done.wait(0.25):
                status.update(said())

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield names.append
    finally:
        done.set()
        thread.join()


def _watched(found: Iterable[T], total: int | None, doing: str) -> Iterable[T]:
    if not sys.stderr.isatty():
        return found
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, track

    console = Console(stderr=True)
    if total is not None:
        return track(found, doing, total, console=console, transient=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return _counted(found, Progress(*columns, console=console, transient=True), doing)


def _counted(found: Iterable[T], bar: Any, doing: str) -> Iterator[T]:
    """A stream, of which nobody knows the end, beside the number of what has come."""
    with bar:
        yield from bar.track(found, total=None, description=doing)


@contextmanager
def progress() -> Iterator[Any]:
    """What is told of the search: a line on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("searching", total=None)

        def tell(boxes: int, points: int, part: float) -> None:
            bar.update(task, description=progress_words(boxes, points, part))

        yield tell


def progress_words(boxes: int, points: int, part: float) -> str:
    """How far a search is; the part of the box is rounded down, as the last boxes of it take the longest."""
    settled = math.floor(min(part, 1.0) * 10_000) / 100
    return f"boxes looked at: {boxes:,}; points found: {points:,}; settled: {settled:.2f}% of the box"

"""Calls shared among processes, their answers in order: workers of our own, or an executor of the caller's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Any, TypeVar

from diffkit.core.deadline import Deadline, TimeIsUp, current_deadline
from diffkit.core.errors import DiffkitError, FunctionError, OutOfTime, WorkerError, plural, told
from diffkit.core.isolation import Isolation, OwnTime, delayed
from diffkit.core.worker_process import TimedCall, refuse_at_import
from diffkit.core.workers import Worker

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    Workers = int | Executor | None
    """how many processes, or who runs the calls; None for this process alone"""

_PARTS_EACH = 4  # parts that every worker gets at least, so that none waits long for the last
_MOST_TOGETHER = 32  # items of a part: so much is known at once, and lost at once when the time is up
T = TypeVar("T")


def are_shared(workers: Workers) -> bool:
    """Whether there is anybody to share work with; DiffkitError for what is no number and no executor."""
    if workers is None or hasattr(workers, "submit"):
        return workers is not None
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise DiffkitError(f"workers are a positive whole number or an Executor, not {workers!r}")
    return workers > 1


def parts(items: Sequence[T], workers: Workers, most: int = _MOST_TOGETHER) -> list[Sequence[T]]:
    """Split items into neighbours for one call each, of so many at most."""
    count = workers if isinstance(workers, int) else os.cpu_count() or 1
    size = max(1, min(most, len(items) // (_PARTS_EACH * count)))
    return [items[first : first + size] for first in range(0, len(items), size)]


def in_order(function: Callable[..., T], calls: Sequence[tuple[Any, ...]], workers: Workers) -> Iterator[T]:
    """Give ``function(*call)`` of each call, in order, as soon as it is known; TimeIsUp when there is no more time.

    The function and what it gets and gives are pickled; FunctionError for what cannot be. It has the deadline that
    holds here, and raises what it raises there; WorkerError where a process ends or an executor does not run it.
    """
    deadline = current_deadline()
    limit = _time_of(deadline)
    patient = None if deadline is None else delayed(deadline)
    with _submitting(workers, len(calls), patient) as submit:
        futures: list[Future[T]] = []
        try:
            for call in calls:
                futures.append(submit(TimedCall(function, call, {}, *limit)))
            for future in futures:
                yield _answer(future, deadline, patient)
        finally:
            for future in futures:
                future.cancel()


def _time_of(deadline: Deadline | None) -> tuple[float | None, float]:
    """A deadline for another process, whose clock it is not: its seconds, and when they began."""
    return (None, 0.0) if deadline is None else (deadline.seconds, time() + deadline.left - deadline.seconds)


@contextmanager
def _submitting(workers: Workers, most: int, deadline: Deadline | None) -> Iterator[Callable[[TimedCall], Future[Any]]]:
    """The way to have calls done."""
    if not isinstance(workers, int):
        executor: Any = workers
        yield lambda call: _submitted(executor, call)
        return
    pool = WorkerPool(min(workers, most), deadline)
    try:
        yield pool.submit
    finally:
        pool.kill()


def _submitted(executor: Executor, call: TimedCall) -> Future[Any]:
    try:
        return executor.submit(call.answer)
    except RuntimeError as error:  # it is shut down, or broken
        raise WorkerError(f"the executor takes no calls: {told(error)}") from None


def _answer(future: Future[T], deadline: Deadline | None, patient: Deadline | None) -> T:
    try:
        return future.result(None if patient is None else patient.left)
    except TimeoutError:
        assert deadline is not None
        raise TimeIsUp(deadline) from None
    except DiffkitError:
        raise
    except Exception as error:  # a pickle that cannot be made, or a process that has ended
        raise WorkerError(f"the executor could not run a call: {told(error)}") from None


class WorkerPool:
    """So many workers, each of which answers one call at a time, until all of them are killed."""

    def __init__(self, count: int, deadline: Deadline | None = None):
        from queue import SimpleQueue
        from threading import Thread

        refuse_at_import("with workers")
        self.deadline = deadline
        self.calls: SimpleQueue[tuple[Future[Any], TimedCall] | None] = SimpleQueue()
        self.workers: list[Worker] = []
        for _ in range(count):
            self.workers.append(Worker())
            Thread(target=self._serve, args=self.workers[-1:], daemon=True).start()

    def submit(self, call: TimedCall) -> Future[Any]:
        """Have a call answered by the next worker that is idle."""
        from concurrent.futures import Future

        future: Future[Any] = Future()
        self.calls.put((future, call))
        return future

    def _serve(self, worker: Worker) -> None:
        while (asked := self.calls.get()) is not None:
            future, call = asked
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(worker.call(call, self.deadline))
            except BaseException as error:
                future.set_exception(error)

    def kill(self) -> None:
        """End all processes at once, whatever they do."""
        for worker in self.workers:
            self.calls.put(None)
            worker.kill()


class IsolatedRows:
    """Rows answered one by one in a process that may end at any of them: the others are answered all the same.

    ``warm`` is called first in each process: what is imported and started at first is no row's time.
    """

    def __init__(self, isolation: Isolation, warm: TimedCall | None = None):
        refuse_at_import("with isolation")
        self.isolation, self.warm = isolation, warm
        self.worker: Worker | None = None

    def answers(
        self, function: Callable[..., Iterator[T]], rows: Sequence[Any], *rest: Any, each: float | None = None
    ) -> Iterator[T | DiffkitError]:
        """Give what ``function(rows, *rest)`` gives for each row, or the error that there is in its place.

        OutOfTime of a row that took too long, WorkerError of one that ended its process or needed more memory; what
        comes of earlier rows is told apart by trying again in a fresh process. TimeIsUp when there is no time for more.
        Rows may have another time ``each`` than the isolation gives them.
        """
        deadline = current_deadline()
        each = each or self.isolation.timeout
        while rows:
            worker, fresh = self._ready(deadline)
            call = TimedCall(function, (rows, *rest), {}, *_time_of(deadline), each, many=True)
            found = worker.each_answer(call, deadline)
            try:
                for answer in found:
                    yield answer
                    rows, fresh = rows[1:], False
                if rows:
                    raise WorkerError(f"there is no answer for {plural(len(rows), 'row')}")
            except Exception as error:
                if fresh or not isinstance(error, WorkerError):
                    yield error if isinstance(error, DiffkitError) else FunctionError(told(error))
                    rows = rows[1:]
            except TimeIsUp as up:
                if not isinstance(up.deadline, OwnTime):
                    assert deadline is not None
                    raise TimeIsUp(deadline) from None
                yield OutOfTime(up.reason, hint="its process was ended")
                rows = rows[1:]

    def _ready(self, deadline: Deadline | None) -> tuple[Worker, bool]:
        """A process that can be called, and whether it has just been started."""
        fresh = self.worker is None or not self.worker.alive
        if self.worker is None or fresh:
            self.worker = Worker(self.isolation)
            self.worker.start(deadline)
            if self.warm is not None:
                self.worker.call(self.warm, deadline)
        return self.worker, fresh

    def __enter__(self) -> IsolatedRows:
        return self

    def __exit__(self, *_: object) -> None:
        if self.worker is not None:
            self.worker.kill()

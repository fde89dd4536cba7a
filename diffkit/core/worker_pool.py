"""Calls shared among processes, their answers in order: workers of our own, or an executor of the caller's."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import local
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from diffkit.core.deadline import Deadline, TimeIsUp, current_deadline
from diffkit.core.errors import DiffkitError, RowOutOfTime, WorkerError, WorkerLost, told
from diffkit.core.isolation import Isolation, delayed, row_ending
from diffkit.core.worker_process import TimedCall, refuse_at_import, time_of
from diffkit.core.workers import Worker, out_of_time

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    Workers = int | Executor | Isolation | None
    """how many processes, who runs the calls, or what each may need; None for this process alone"""

_PARTS_EACH = 4  # parts that every worker gets at least, so that none waits long for the last
MOST_TOGETHER = 32  # items of a part: so much is known at once, and lost at once when the time is up
_AHEAD = 4  # parts that are asked for each worker, before the first of them is answered
_AHEAD_OF_OTHERS = 1000  # the same for an executor, of which nobody knows how many processes it has
_STARTS_IN_VAIN = 5  # times in a row that a worker may end before it has done anything
T = TypeVar("T")
R = TypeVar("R")
Lost = Callable[[T, DiffkitError], R]
"""gives the answer for an item that ends every worker that is asked about it, or takes longer than it may"""


def are_shared(workers: Workers) -> bool:
    """Whether work is for other processes than this; DiffkitError for what is no number, Executor or Isolation."""
    if workers is None or isinstance(workers, Isolation) or hasattr(workers, "submit"):
        return workers is not None
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise DiffkitError(f"workers are a positive whole number or an Executor, not {workers!r}")
    return workers > 1


def processes(workers: Workers) -> int | None:
    """How many workers of our own there are to be; None where they are somebody else's."""
    return workers.workers if isinstance(workers, Isolation) else workers if isinstance(workers, int) else None


def parts(items: Sequence[T], workers: Workers, most: int = MOST_TOGETHER) -> list[Sequence[T]]:
    """Split items into neighbours for one call each, of so many at most."""
    count = processes(workers) or os.cpu_count() or 1
    size = max(1, min(most, len(items) // (_PARTS_EACH * count)))
    return [items[first : first + size] for first in range(0, len(items), size)]


def in_order(
    function: Callable[[Sequence[T]], R],
    parts: Iterable[Sequence[T]],
    workers: Workers,
    lost: Lost[T, R] | None = None,
) -> Iterator[tuple[Sequence[T], R]]:
    """Give each part and ``function(part)`` of it, in order, as soon as it is known; TimeIsUp when time is up.

    Parts are taken as they are wanted, a few ahead of the answers. The function, which must know what to do with an
    empty part, and what it gets and gives are pickled; FunctionError for what cannot be. It has the deadline that holds
    here, and raises what it raises there; WorkerError where an executor of the caller's does not run it. Where a worker
    of our own ends, another takes its place, and the items of its part are asked about one by one; of one that ends
    two workers the answer is ``lost``, without which the error is raised. With an Isolation the workers are our own and
    have so much memory; a part that takes longer than an item may is asked about item by item, and so an item that
    takes longer is found, which is ``lost``.
    """
    deadline = current_deadline()
    limit = time_of(deadline)
    patient = None if deadline is None else delayed(deadline)
    own = processes(workers)
    ahead = _AHEAD_OF_OTHERS if own is None else _AHEAD * own
    coming = iter(parts)
    with _submitting(workers, patient) as submit:
        asked: deque[_PartAsked[T]] = deque()

        def ask(part: Sequence[T], again: bool = False) -> _PartAsked[T]:
            return _PartAsked(part, submit(TimedCall(function, (part,), {}, *limit), again), again)

        try:
            while True:
                asked.extend(map(ask, islice(coming, max(0, ahead - len(asked)))))
                if not asked:
                    return
                part, future, again = asked.popleft()
                try:
                    found = _answer(future, deadline, patient)
                except (WorkerLost, RowOutOfTime) as error:
                    if len(part) > 1:
                        asked.extendleft([ask(part[k : k + 1]) for k in range(len(part))][::-1])
                        continue
                    if isinstance(error, WorkerLost) and not again:
                        asked.appendleft(ask(part, True))
                        continue
                    if lost is None:
                        raise
                    found = lost(part[0], error)
                yield part, found
        finally:
            for waiting in asked:
                waiting.future.cancel()


_AT_WORK = local()


def unpacked(packed: bytes) -> Any:
    """In a worker: give what was pickled, with all that it has prepared since, as long as its thread works with it."""
    if getattr(_AT_WORK, "packed", None) != packed:
        _AT_WORK.packed, _AT_WORK.thing = packed, pickle.loads(packed)
    return _AT_WORK.thing


class _PartAsked(NamedTuple, Generic[T]):
    """A part that a call is about, and whether a worker has ended with it alone."""

    part: Sequence[T]
    future: Future[Any]
    again: bool


@contextmanager
def _submitting(workers: Workers, deadline: Deadline | None) -> Iterator[Callable[[TimedCall, bool], Future[Any]]]:
    """The way to have calls done, in a worker that has done nothing before where that is asked for."""
    own = processes(workers)
    if own is None:
        executor: Any = workers
        yield lambda call, _: _submitted(executor, call)
        return
    pool = WorkerPool(own, deadline, workers if isinstance(workers, Isolation) else None)
    try:
        yield pool.submit
    finally:
        pool.kill()


def _submitted(executor: Executor, call: TimedCall) -> Future[Any]:
    try:
        return executor.submit(call.answer)
    except RuntimeError as error:  # it is shut down, or broken
        raise WorkerError(f"the executor takes no calls: {told(error)}") from None


def _answer(future: Future[R], deadline: Deadline | None, patient: Deadline | None) -> R:
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
    """So many workers at most, each of which answers one call at a time, until all of them are killed.

    A worker is started for a call that finds none idle; one that has ended is replaced. With an isolation each has so
    much memory, and each call so much time.
    """

    def __init__(self, count: int, deadline: Deadline | None = None, isolation: Isolation | None = None):
        from queue import SimpleQueue
        from threading import Lock

        refuse_at_import("with workers")
        self.count, self.deadline, self.isolation = count, deadline, isolation
        self.calls: SimpleQueue[tuple[Future[Any], TimedCall, bool] | None] = SimpleQueue()
        self.workers: list[Worker | None] = []
        self.ended, self.starting = False, Lock()

    def submit(self, call: TimedCall, fresh: bool = False) -> Future[Any]:
        """Have a call answered by the next worker that is idle; WorkerLost where it ends with it.

        A ``fresh`` one has done nothing before, whose leavings could be what ended it.
        """
        from concurrent.futures import Future
        from threading import Thread

        future: Future[Any] = Future()
        self.calls.put((future, call, fresh))
        if len(self.workers) < self.count:
            self.workers.append(None)
            Thread(target=self._serve, args=(len(self.workers) - 1,), daemon=True).start()
        return future

    def _serve(self, place: int) -> None:
        while (asked := self.calls.get()) is not None:
            future, call, fresh = asked
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker = self._worker(place, call, fresh)
                future.set_result(worker.call(call, row_ending(self.isolation, self.deadline)))
            except TimeIsUp as up:
                error = out_of_time(up)
                future.set_exception(error if isinstance(error, RowOutOfTime) else up)
            except BaseException as error:
                future.set_exception(error)

    def _worker(self, place: int, call: TimedCall, fresh: bool) -> Worker:
        """The worker at a place, a new one where there is none alive, or a ``fresh`` one is wanted.

        It is asked about nothing first: what it imports and prepares then is no fault of what it is asked about.
        """
        worker, starts = self.workers[place], 0
        if worker is not None and fresh:
            worker.kill()
        while worker is None or not worker.alive:
            with self.starting:
                if self.ended:
                    raise WorkerError("the workers are at their end")
                if worker is not None:
                    worker.kill()  # which closes what is left of it
                worker = self.workers[place] = Worker(self.isolation)
            try:
                worker.call(call._replace(args=tuple(items[:0] for items in call.args)), self.deadline)
            except WorkerLost as error:
                starts += 1
                if starts == _STARTS_IN_VAIN:
                    raise WorkerError(f"{error.reason}, as did {starts - 1} before it") from None
            except Exception:  # it comes again where it belongs
                continue
        return worker

    def kill(self) -> None:
        """End all processes at once, whatever they do."""
        with self.starting:
            self.ended = True
        for worker in self.workers:
            self.calls.put(None)
            if worker is not None:
                worker.kill()

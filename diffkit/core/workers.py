"""Worker processes: calls that nothing else can stop run in a process of their own, which can be ended.

SymPy, and C code that loops, do not look at our clock. ``stoppable(function, *args)`` calls such a function here where
there is no deadline, and in a worker where there is one; one worker serves all calls of a deadline, and ends with it.
A worker is a fresh interpreter (a fork would copy locks that other threads hold) that gets pickled calls and gives
pickled answers. It is in a process group of its own, so that Ctrl-C reaches us alone, and ends itself when we do. One
with an ``Isolation`` has so much memory and time; what it prints is not shown, and however it ends is an error.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from diffkit.core.deadline import Deadline, TimeIsUp, current_deadline, time_limit
from diffkit.core.errors import FunctionError, OutOfTime, RowOutOfTime, WorkerError, WorkerLost, told
from diffkit.core.isolation import (
    THREADS,
    Isolation,
    LastWords,
    OwnTime,
    delayed,
    how_it_ended,
    isolation_of,
    row_ending,
)
from diffkit.core.worker_process import IMPORTED, MAIN, TimedCall, receive, refuse_at_import, time_of, write

if TYPE_CHECKING:
    from subprocess import Popen

START_WORKER = """import sys; sys.path[:] = {path!r}; from diffkit.core.workers import Worker; Worker.serving = True
from diffkit.core.worker_process import serve; serve({memory})"""
_UNREADABLE = "the answer of the worker process cannot be read"
_LAST_MOMENT = 1.0  # seconds for a process to end by itself that has closed its answers, and for them to be read
T = TypeVar("T")
P = ParamSpec("P")


def stoppable(function: Callable[..., T], *args: Any) -> T:
    """Give ``function(*args)``; where there is a deadline from a worker process, so that it ends in time."""
    deadline = current_deadline()
    if deadline is None:
        return function(*args)
    found: T = _worker_of(deadline).call(TimedCall(function, args, {}), deadline)
    return found


def timed(function: Callable[P, T]) -> Callable[P, T]:
    """Give a function that obeys its arguments ``timeout``, in seconds, and ``isolated``, in a worker process."""

    @wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> T:
        timeout: Any = given.get("timeout")
        isolation = isolation_of(given.get("isolated"))
        with time_limit(timeout):
            if isolation is None:
                return function(*args, **given)
            given.update(isolated=False, timeout=None)
            return isolated(isolation, call, args, given)

    return call


def isolated(
    isolation: Isolation, function: Callable[..., T], args: tuple[Any, ...] = (), given: dict[str, Any] | None = None
) -> T:
    """Give ``function(*args, **given)``, of a worker of its own that is killed where it gives no answer in time.

    OutOfTime at the deadline that holds here, or when the isolation's time is up, which begins once it has started;
    WorkerLost that says how the process ended, or that it needed more memory; and what the function raises.
    """
    deadline = current_deadline()
    patient = None if deadline is None else delayed(deadline)
    refuse_at_import("with isolated=True")
    worker = Worker(isolation)
    try:
        worker.call(TimedCall(os.getpid), patient)  # what it takes to start is not the question's time
        found: T = worker.call(
            TimedCall(function, args, given or {}, *time_of(deadline)), row_ending(isolation, patient)
        )
        return found
    except TimeIsUp as up:
        raise out_of_time(up) from None
    finally:
        worker.kill()


def out_of_time(up: TimeIsUp) -> OutOfTime:
    """The error for a process that was ended as its time was up: its own, or that of all."""
    kind = RowOutOfTime if isinstance(up.deadline, OwnTime) else OutOfTime
    return kind(up.reason, hint="the function did not return, and its process was ended")


_OWN: list[Worker] = []
"""in a worker: the one that it has itself, for all its deadlines, as that ends with it"""


def _worker_of(deadline: Deadline) -> Worker:
    """The worker of a deadline, started when it is first wanted."""
    deadline.check()
    owners = [getattr(end, "__self__", None) for end in deadline.at_end]
    for owner in (*owners, *_OWN):
        if isinstance(owner, Worker) and owner.alive:
            return owner
    worker = Worker()
    if Worker.serving:
        _OWN[:] = [worker]
    else:
        deadline.at_end.append(worker.kill)
    return worker


class Worker:
    """A process that answers one call after another, until it is killed."""

    serving = False
    """whether this process is one itself"""

    def __init__(self, isolation: Isolation | None = None) -> None:
        import subprocess
        from queue import SimpleQueue
        from threading import Lock, Thread

        if not sys.executable:
            raise WorkerError("there is no Python interpreter to start a worker process with")
        self.isolation = isolation
        memory = isolation and isolation.bytes
        apart: dict[str, Any] = {"process_group": 0}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if memory:
            apart["env"] = {**THREADS, **os.environ}
        command = [sys.executable, "-c", START_WORKER.format(path=sys.path, memory=memory or "")]
        self.process: Popen[bytes] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=None if isolation is None else subprocess.PIPE, **apart,
        )  # fmt: skip
        self.words = LastWords(self.process.stderr) if self.process.stderr is not None else None
        self.answers: SimpleQueue[bytes | None] = SimpleQueue()
        self.readable = True
        """whether what it wrote were messages"""
        self.busy = Lock()
        reader = Thread(target=self._hear, args=(self.process.stdout,), daemon=True)
        reader.start()
        Thread(target=self._await_end, args=(reader,), daemon=True).start()

    def _hear(self, stream: Any) -> None:
        """Take answers, until there are no more, or none that can be read: code may write to any pipe."""
        self.readable = receive(stream, self.answers.put)
        self.answers.put(None)

    def _await_end(self, reader: Any) -> None:
        """See that the end of the process is the end of its answers, though processes that it started live on."""
        with suppress(OSError):
            if hasattr(os, "waitid"):  # which leaves its number taken, until we have ended what it has started
                os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.wait()
        reader.join(_LAST_MOMENT)
        self.answers.put(None)

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self.process.poll() is None

    def call(self, call: TimedCall, deadline: Deadline | None = None) -> Any:
        """Give the answer, or raise what the function raised; TimeIsUp when there is none in time.

        WorkerLost where the process ends before that, needs more memory than it may, or answers what nobody can read.
        """
        message = _packed(call)
        with self.busy:
            try:
                assert self.process.stdin is not None
                with suppress(OSError):  # it has ended, which is found when its answer is looked for
                    write(self.process.stdin, message)
                good, answer = self._understood(self._next(deadline))
            except BaseException:  # whatever it answers from now on is nobody's answer
                self.kill()
                raise
        if not good:
            raise answer
        return answer

    def _next(self, deadline: Deadline | None) -> bytes:
        """The next message; WorkerLost if there can be none."""
        from queue import Empty
        from subprocess import TimeoutExpired

        try:
            found = self.answers.get(timeout=None if deadline is None else deadline.left)
        except Empty:
            assert deadline is not None
            raise TimeIsUp(deadline) from None
        if found is not None:
            return found
        with suppress(TimeoutExpired):
            self.process.wait(_LAST_MOMENT)
        if self.alive or not self.readable:
            raise WorkerLost(_UNREADABLE)
        said = "" if self.words is None else self.words.line()
        raise WorkerLost(how_it_ended(self.process.returncode, said, self.isolation))

    def _understood(self, message: bytes) -> tuple[bool, Any]:
        """The answer that a message holds; or that there is none, and what the function raised."""
        try:
            good, found, words = _Unpickler(io.BytesIO(message)).load()
        except Exception as error:
            raise WorkerLost(f"{_UNREADABLE}: {told(error)}") from None
        if good:
            return True, found
        if found is None and self.isolation is not None and self.isolation.bytes:
            raise WorkerLost(f"the worker process needed more than {self.isolation.size}")
        try:
            return False, MemoryError(words) if found is None else _Unpickler(io.BytesIO(found)).load()
        except Exception:
            return False, WorkerError(words)

    def kill(self) -> None:
        """End the process at once, whatever it does, and what it has started."""
        if self.alive and hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        with suppress(OSError):  # it holds a part of a call that nobody reads
            self.process.stdin.close()


def _packed(call: TimedCall) -> bytes:
    """A call as a message: the path of the user's script, if the call needs it, and the pickled call."""
    packed = pickled(call)
    return pickle.dumps((_script() if MAIN.encode() in packed else None, packed))


def pickled(thing: Any) -> bytes:
    """Pickle what another process needs; FunctionError if that cannot be."""
    try:
        return pickle.dumps(thing)
    except Exception as error:
        raise FunctionError(
            f"this cannot be sent to a worker process: {error}",
            hint="functions are sent by name: define it at the top of a module, and hand data in as args",
        ) from None


def _script() -> tuple[str, str]:
    """The user's script as a module or as a path."""
    main = sys.modules[MAIN]
    name = getattr(getattr(main, "__spec__", None), "name", "")
    path = getattr(main, "__file__", "")
    if not (name or path):
        raise FunctionError("functions of an interactive session cannot be sent to a worker process",
                            hint="put them into a module and import it")  # fmt: skip
    return name, path


_AT_HOME = frozenset(("diffkit", "numpy", "scipy", "sympy", "flint", "mpmath", *sys.stdlib_module_names))
"""what may be imported here because an answer holds it"""


class _Unpickler(pickle.Unpickler):
    """Reads an answer in which things of the user's script are said to be of the worker's copy of it.

    An answer imports nothing here that is the user's: that may be what had better happen there.
    """

    def find_class(self, module: str, name: str) -> Any:
        home = MAIN if module == IMPORTED else module
        if home not in sys.modules and home.partition(".")[0] not in _AT_HOME:
            raise FunctionError(f"it holds {name} of the module {home}, which is not imported here")
        return super().find_class(home, name)

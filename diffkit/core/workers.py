"""Worker processes: calls that nothing else can stop run in a process of their own, which can be ended.

SymPy, and C code that loops, do not look at our clock. ``stoppable(function, *args)`` calls such a function here where
there is no deadline, and in a worker where there is one; one worker serves all calls of a deadline, and ends with it.
A worker is a fresh interpreter (a fork would copy locks that other threads hold) that gets pickled calls and gives
pickled answers. It is in a process group of its own, so that Ctrl-C reaches us alone, and ends itself when we do.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from time import time
from typing import IO, TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from diffkit.core.deadline import Deadline, TimeIsUp, current_deadline, time_limit
from diffkit.core.errors import FunctionError, OutOfTime, WorkerError, WorkerLost, told

if TYPE_CHECKING:
    from subprocess import Popen

START_WORKER = "import sys; sys.path[:] = {path!r}; from diffkit.core.workers import serve; serve()"
MAIN, IMPORTED = "__main__", "__mp_main__"
"""The user's script, here and where a worker imports it: the name that multiprocessing gives it there, too."""
GRACE = 0.1  # of its time, in which isolated work may still say what it has found
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
        if given.get("isolated"):
            given.update(isolated=False, timeout=None)
            found: T = _isolated(TimedCall(call, args, given, timeout, time()))
            return found
        with time_limit(timeout):
            return function(*args, **given)

    return call


class TimedCall(NamedTuple):
    """A function and its arguments; and the seconds it has, counted from a time of the clock."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    given: dict[str, Any]
    seconds: float | None = None
    start: float = 0.0

    def answer(self) -> Any:
        """Call it."""
        with time_limit(None if self.seconds is None else Deadline(self.seconds, time() - self.start)):
            return self.function(*self.args, **self.given)


def _isolated(call: TimedCall) -> Any:
    """The answer of a worker of its own, which is killed where it does not give one in time."""
    deadline = None if call.seconds is None else delayed(Deadline(call.seconds))
    refuse_at_import("with isolated=True")
    worker = Worker()
    try:
        return worker.call(call, deadline)
    except TimeIsUp as up:
        raise OutOfTime(up.reason, hint="the function did not return, and its process was ended") from None
    finally:
        worker.kill()


def delayed(deadline: Deadline) -> Deadline:
    """When a worker is ended that has been told to end in time."""
    later = Deadline(deadline.seconds)
    later.until = deadline.until + GRACE * deadline.seconds
    return later


def refuse_at_import(how: str) -> None:
    """FunctionError where a worker imports the script that calls us: it would start workers without end."""
    if _is_importing():
        raise FunctionError(f"the script calls diffkit {how} when a worker process imports it",
                            hint="put what it does under if __name__ == '__main__':")  # fmt: skip


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

    def __init__(self) -> None:
        import subprocess
        from queue import SimpleQueue
        from threading import Lock, Thread

        if not sys.executable:
            raise WorkerError("there is no Python interpreter to start a worker process with")
        apart: dict[str, Any] = {"process_group": 0}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        command = [sys.executable, "-c", START_WORKER.format(path=sys.path)]
        self.process: Popen[bytes] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **apart)
        self.answers: SimpleQueue[bytes | None] = SimpleQueue()
        self.busy = Lock()
        Thread(target=_receive, args=(self.process.stdout, self.answers.put), daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self.process.poll() is None

    def call(self, call: TimedCall, deadline: Deadline | None = None) -> Any:
        """Give the answer, or raise what the function raised; TimeIsUp when there is none in time."""
        message = _packed(call)
        with self.busy:
            try:
                found = self._asked(message, deadline)
            except BaseException:  # whatever it answers from now on is nobody's answer
                self.kill()
                raise
        if found is None:
            code = self.process.wait()
            raise WorkerLost(f"the worker process ended without an answer (exit code {code})")
        good, answer = _Unpickler(io.BytesIO(found)).load()
        if not good:
            raise answer
        return answer

    def _asked(self, message: bytes, deadline: Deadline | None) -> bytes | None:
        from queue import Empty

        assert self.process.stdin is not None
        try:
            _write(self.process.stdin, message)
            return self.answers.get(timeout=None if deadline is None else deadline.left)
        except OSError:
            return None
        except Empty:
            assert deadline is not None
            raise TimeIsUp(deadline) from None

    def kill(self) -> None:
        """End the process at once, whatever it does."""
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


class _Unpickler(pickle.Unpickler):
    """Reads an answer in which things of the user's script are said to be of the worker's copy of it."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(MAIN if module == IMPORTED else module, name)


def _write(stream: IO[bytes], message: bytes) -> None:
    stream.write(len(message).to_bytes(8, "big") + message)
    stream.flush()


def _receive(stream: IO[bytes], put: Callable[[bytes | None], None]) -> None:
    """Hand on message after message, and None at the end."""
    with stream:
        while size := stream.read(8):
            put(stream.read(int.from_bytes(size, "big")))
        put(None)


# In the worker ------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Answer calls until whoever asks is gone; what functions print goes to standard error."""
    from queue import SimpleQueue
    from threading import Thread

    Worker.serving = True
    calls: SimpleQueue[bytes] = SimpleQueue()
    asked, answered = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    Thread(target=_receive, args=(asked, lambda call: os._exit(0) if call is None else calls.put(call))).start()
    while True:
        _write(answered, _answered(calls.get()))


def _answered(message: bytes) -> bytes:
    """The answer to a message: whether it is good, and what the call gave or raised."""
    try:
        script, packed = pickle.loads(message)
        if script and IMPORTED not in sys.modules:
            _import_script(*script)
        return pickle.dumps((True, pickle.loads(packed).answer()))
    except BaseException as error:
        try:
            return pickle.dumps((False, error))
        except Exception:
            return pickle.dumps((False, WorkerError(f"{told(error)}")))


def _is_importing() -> bool:
    """Whether this process is a worker that is at importing the user's script, whose module is empty until then."""
    main = sys.modules[MAIN]
    return main.__name__ == IMPORTED and not hasattr(main, "__file__")


def _import_script(name: str, path: str) -> None:
    """Import the user's script, so that what it defines can be found; under another name, so that it does not run."""
    import runpy
    from types import ModuleType

    script = sys.modules[IMPORTED] = sys.modules[MAIN] = ModuleType(IMPORTED)
    found = runpy.run_module(name, None, IMPORTED, True) if name else runpy.run_path(path, run_name=IMPORTED)
    script.__dict__.update(found)

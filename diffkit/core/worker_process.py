"""In a worker process: calls are taken from a pipe, and what they give or raise is written to another."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from time import time
from typing import IO, Any, NamedTuple

from diffkit.core.deadline import Deadline, time_limit
from diffkit.core.errors import FunctionError, WorkerError, ended, told
from diffkit.core.isolation import is_of_memory, limit_process

MAIN, IMPORTED = "__main__", "__mp_main__"
"""The user's script, here and where a worker imports it: the name that multiprocessing gives it there, too."""


class TimedCall(NamedTuple):
    """A function and its arguments; and the seconds it has, counted from a time of the clock."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    given: dict[str, Any] = {}  # noqa: RUF012  nobody writes to it
    seconds: float | None = None
    start: float = 0.0

    def answer(self) -> Any:
        """Call it."""
        with time_limit(None if self.seconds is None else Deadline(self.seconds, time() - self.start)):
            return self.function(*self.args, **self.given)


def time_of(deadline: Deadline | None) -> tuple[float | None, float]:
    """A deadline for another process, whose monotonic clock is another: its seconds, and when they began."""
    return (None, 0.0) if deadline is None else (deadline.seconds, time() + deadline.left - deadline.seconds)


def serve(memory: int = 0) -> None:
    """Answer calls until whoever asks is gone, with so many bytes of memory; what functions print goes to fd 2."""
    from queue import SimpleQueue
    from threading import Thread

    if memory:
        limit_process(memory)
    calls: SimpleQueue[bytes] = SimpleQueue()
    asked, answered = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    Thread(target=_listen, args=(asked, calls.put)).start()
    with suppress(BrokenPipeError):  # whoever asked is gone
        while True:
            write(answered, _answered(calls.get()))
    os._exit(0)


def _listen(asked: IO[bytes], put: Callable[[bytes], None]) -> None:
    """Take calls, and end the process when no more can come."""
    try:
        receive(asked, put)
    except MemoryError as error:
        os.write(2, told(error).encode())
    finally:
        os._exit(0)


def _answered(message: bytes) -> bytes:
    """The answer to a message: whether it is good, what the call gave or raised, and that in words."""
    try:
        script, packed = pickle.loads(message)
        if script and IMPORTED not in sys.modules:
            _import_script(*script)
        call: TimedCall = pickle.loads(packed)
        return pickle.dumps((True, call.answer(), ""))
    except BaseException as error:
        return pickle.dumps((False, *_failure(error)))


def _failure(error: BaseException) -> tuple[bytes | None, str]:
    """What was raised: as a pickle, or None where it is of memory; and in words."""
    words = told(error)
    if is_of_memory(error):
        return None, words
    if not isinstance(error, Exception):  # which would end, or interrupt, whoever asks
        error = ended(error)
    try:
        return pickle.dumps(error), words
    except Exception:
        return pickle.dumps(WorkerError(words)), words


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


def write(stream: IO[bytes], message: bytes) -> None:
    """Write a message, after its length."""
    stream.write(len(message).to_bytes(8, "big") + message)
    stream.flush()


def receive(stream: IO[bytes], put: Callable[[bytes], None]) -> bool:
    """Hand on message after message, until there are no more, or none that can be read: whether all could be."""
    with stream, suppress(OSError):
        try:
            while size := stream.read(8):
                put(stream.read(int.from_bytes(size, "big")))
        except (MemoryError, OverflowError, ValueError):  # no message is so long
            return False
    return True


def refuse_at_import(how: str) -> None:
    """FunctionError where a worker imports the script that calls us: it would start workers without end."""
    if _is_importing():
        raise FunctionError(f"the script calls diffkit {how} when a worker process imports it",
                            hint="put what it does under if __name__ == '__main__':")  # fmt: skip

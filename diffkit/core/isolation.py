"""Isolation: what a process of its own may need, and how it came to its end.

It is for code that may abort, loop in C, leak or end the process: whatever it does, the caller goes on. It is no wall
against malice: the code has the rights of its user, on files, on the network and on other processes.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO, Any

from diffkit.core.deadline import Deadline
from diffkit.core.errors import DiffkitError, visible

_WRITTEN_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([KMGT]?)(?:i?B)?\s*\Z", re.IGNORECASE)
_BYTES_OF = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LAST_WORDS = 2048  # bytes that are kept of what a process has written
_LONGEST_WORD = 160  # characters of its last line that are told
_GRACE = 0.1  # of its time, in which isolated work may still say what it has found
_WAITED = 1.0  # seconds for the rest of what an ended process has written
_OF_MEMORY = re.compile(
    "MemoryError|bad_alloc|start new thread|out of memory|allocate memory|memory alloc", re.IGNORECASE
)
"""what processes write before they end for want of memory"""
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
"""settings of a process whose memory is limited: libraries reserve it for each thread, as many as there are cores"""


class OwnTime(Deadline):
    """The time that a row, or a single question, has for itself."""

    @property
    def reason(self) -> str:
        """Why work was ended, to be shown."""
        return f"it took more than {self.seconds:g} s"


@dataclass(frozen=True)
class Isolation:
    """What work in a process of its own may need.

    For a single question it is given as ``isolated``, for the rows of a batch
    as ``workers``. A crash, a fault or an exit of the process, more memory or
    more time are a ``WorkerError`` or an ``OutOfTime`` with the reason, or mark
    the row. It is no wall against malice: code keeps the rights of its user.

    Raises
    ------
    DiffkitError
        For what is no size or no time, and for memory where the system does
        not limit it: Linux does.

    Examples
    --------
    >>> limits = dk.Isolation(memory="2G", timeout=5)
    >>> print(limits)
    2 GiB, 5 s
    >>> dk.derivative("x^3", 2, isolated=limits).value
    12.0
    """

    memory: int | str | None = None
    """address space of the process, in bytes, or as text such as 512M or 2GiB by powers of 1024 (``RLIMIT_AS`` of
    POSIX.1-2017)"""
    timeout: float | None = None
    """seconds of a single question, or of each row of a batch; then the process is ended, whatever it does"""
    workers: int = 1
    """processes that share rows, in the place of a number: ``workers=dk.Isolation(timeout=5, workers=2)``"""

    def __post_init__(self) -> None:
        if self.timeout is not None:
            Deadline(self.timeout)
        if isinstance(self.workers, bool) or not isinstance(self.workers, int) or self.workers < 1:
            raise DiffkitError(f"workers are a positive whole number, not {self.workers!r:.40}")
        if self.bytes is not None and sys.platform != "linux":
            raise DiffkitError(
                f"memory cannot be limited on {sys.platform}", hint="Linux can; leave the limit out here"
            )

    @property
    def bytes(self) -> int | None:
        """The memory in bytes; DiffkitError if it is no size."""
        if self.memory is None:
            return None
        found = 0
        if isinstance(self.memory, str) and (read := _WRITTEN_SIZE.match(self.memory)):
            found = int(float(read[1]) * _BYTES_OF[read[2].upper()])
        elif isinstance(self.memory, int) and not isinstance(self.memory, bool):
            found = self.memory
        if not 0 < found < 2**63:
            raise DiffkitError(f"memory is a number of bytes, or such as 512M or 2G, not {self.memory!r:.40}")
        return found

    @property
    def size(self) -> str:
        """The memory as people write it, such as 2 GiB."""
        said = self.bytes or 0
        unit = next((unit for unit in "TGMK" if said >= _BYTES_OF[unit]), "")
        return f"{said / _BYTES_OF[unit]:.4g} {unit and unit + 'i'}B"

    def __str__(self) -> str:
        said = [self.size] if self.bytes else []
        said += [] if self.timeout is None else [f"{self.timeout:g} s"]
        said += [] if self.workers == 1 else [f"{self.workers} workers"]
        return ", ".join(said) or "no limits"


def row_ending(isolation: Isolation | None, whole: Deadline | None) -> Deadline | None:
    """When a process is ended whose row begins now: when its own time is up, or that of all."""
    own = None if isolation is None or isolation.timeout is None else OwnTime(isolation.timeout)
    return whole if own is None or (whole is not None and whole.until <= own.until) else own


def delayed(deadline: Deadline) -> Deadline:
    """When a worker is ended that has been told to end in time."""
    later = type(deadline)(deadline.seconds)
    later.until = deadline.until + _GRACE * deadline.seconds
    return later


def isolation_of(isolated: Any) -> Isolation | None:
    """What ``isolated`` asks for: True is a process without limits, False or None this one; DiffkitError otherwise."""
    if isolated is None or isinstance(isolated, (bool, Isolation)):
        return isolated if isinstance(isolated, Isolation) else Isolation() if isolated else None
    raise DiffkitError(f"isolated is True, False or an Isolation, not {isolated!r:.40}")


class LastWords:
    """The end of what a process writes, which may be of any length: its last line is told where the process fails."""

    def __init__(self, stream: IO[bytes]):
        self.kept = b""
        self.thread = Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream, suppress(OSError, ValueError):
            while piece := stream.read1(1 << 16):  # type: ignore[attr-defined]
                self.kept = (self.kept + piece)[-_LAST_WORDS:]

    def line(self) -> str:
        """Its last line that says something, once it has ended."""
        self.thread.join(_WAITED)
        lines = [line.strip() for line in self.kept.decode("utf-8", "replace").splitlines()]
        said = [line for line in lines if any(map(str.isalpha, line)) and not line.startswith(_FROM_FAULTHANDLER)]
        return visible(said[-1])[:_LONGEST_WORD] if said else ""


_FROM_FAULTHANDLER = ("Extension modules:", "<no Python frame>", 'File "')


def how_it_ended(code: int, words: str = "", isolation: Isolation | None = None) -> str:
    """Why a process is no more, from its exit code and its last words."""
    said = f"; it wrote last: {words}" if words else ""
    if isolation is not None and isolation.bytes and _OF_MEMORY.search(words):
        return f"the worker process needed more than {isolation.size}{said}"
    if code >= 0:
        return f"the worker process ended without an answer (exit code {code}){said}"
    from signal import Signals

    with suppress(ValueError):
        return f"the worker process crashed by {Signals(-code).name}{said}"
    return f"the worker process crashed by signal {-code}{said}"


def limit_process(size: int) -> None:
    """In a worker: more memory than that is a MemoryError, and a crash leaves no core behind."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def is_of_memory(error: BaseException | None) -> bool:
    """Whether an error came of memory that there was not, whatever was made of it on the way."""
    seen = 0
    while error is not None and seen < 100:
        if isinstance(error, MemoryError):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False

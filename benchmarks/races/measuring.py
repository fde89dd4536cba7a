"""Interleaved measuring: every tool in a process of its own, one after another in each round, ratios within a round.

The machine may be shared: CPU seconds (user and system, all threads) are what is judged, and the wall clock stands
beside them. A tool in a process of its own has its own pools of threads and its own memory, and may die of itself.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import Any, ClassVar, NamedTuple

import numpy as np

WARM_CALLS = 400  # before a tool is measured: more than after which anything is compiled anew
WARM_SECONDS, QUICK_CALL = 0.15, 1e-3  # or so long, unless a call is so quick that compiling was most of it
SLOW_CALL = 1.0  # seconds of a call that is warm enough
LEAST_ROUNDS = 3


class Sample(NamedTuple):
    """Seconds of CPU and of the wall clock."""

    cpu: float
    wall: float


class Failed(Exception):
    """A tool that gave no answer."""


def now() -> Sample:
    """Both clocks."""
    return Sample(time.process_time(), time.perf_counter())


def once(action: Callable[[], Any], calls: int) -> Sample:
    """Seconds of a call, over several of them."""
    gc.disable()
    start = now()
    for _ in range(calls):
        action()
    end = now()
    gc.enable()
    return Sample((end.cpu - start.cpu) / calls, (end.wall - start.wall) / calls)


def quartiles(values: Sequence[float]) -> list[float]:
    """The quartiles, the median in the middle; the extremes where there are less than three values."""
    if len(values) < LEAST_ROUNDS:
        return [min(values), statistics.median(values), max(values)]
    return statistics.quantiles(values, n=4, method="inclusive")


def ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> dict[str, list[float]]:
    """Quartiles of ours / theirs in each round, by CPU and by wall clock."""
    return {
        clock: quartiles([getattr(a, clock) / max(getattr(b, clock), 1e-12) for a, b in zip(ours, theirs, strict=True)])
        for clock in Sample._fields
    }


def disagreement(reference: Any, found: Any) -> float:
    """The largest difference, relative to a value or to a thousandth of the largest one; infinite for other shapes."""
    wanted, found = (np.asarray(v, float).ravel() for v in (reference, found))
    if wanted.shape != found.shape:
        return np.inf
    scale = np.abs(wanted) + np.max(np.abs(wanted), initial=0) / 1000
    error = np.abs(found - wanted) / np.where(scale, scale, 1)
    return float(np.max(np.where(np.isnan(error), np.inf, error), initial=0))


def correct_digits(truth: Any, found: Any) -> list[float]:
    """Digits of the median entry and of the worst, at most 16."""
    wanted, found = (np.asarray(v, float).ravel() for v in (truth, found))
    digits = -np.log10(np.clip(np.abs(found - wanted) / np.abs(wanted), 1e-16, None))
    return [float(np.median(digits)), float(np.min(digits))]


def unit(seconds: float) -> str:
    """Seconds as one reads them."""
    for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"


def ready(make: Callable[[], Any], *arguments: Any) -> Callable[[], Callable[[], Any]]:
    """What makes a function beforehand, and then calls it with arguments."""

    def made() -> Callable[[], Any]:
        function = make()
        return lambda: function(*arguments)

    return made


def again(function: Callable[..., Any], *arguments: Any) -> Callable[[], Callable[[], Any]]:
    """What does everything at every call."""
    return lambda: lambda: function(*arguments)


# A tool in its process ---------------------------------------------------------------------------------------------


class Tool:
    """A tool that was made ready in a child process, and is called there as often as one asks for.

    ``make`` gives what is to be called; ``view`` makes numbers of its answer, to be compared. Neither is run here.
    """

    pipes: ClassVar[set[Any]] = set()
    """our ends of the pipes to all children, which no child may keep open"""

    def __init__(self, make: Callable[[], Callable[[], Any]], view: Callable[[Any], Any] = np.asarray):
        self.pipe, theirs = Pipe()
        self.pipes.add(self.pipe)
        sys.stderr.flush()
        with warnings.catch_warnings():  # Python counts threads of BLAS, which look after a fork themselves
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if not self.pid:
            for pipe in self.pipes:
                pipe.close()
            try:
                _serve(make, view, theirs)
            finally:
                os._exit(0)
        theirs.close()
        try:
            self.answer, self.peak, self.seconds = self._told()
        except Failed:
            self.close()
            raise

    def _told(self) -> Any:
        """What the child says; Failed if it says that it failed, or nothing."""
        try:
            said = self.pipe.recv()
        except EOFError:
            raise Failed("the process died") from None
        if isinstance(said, str):
            raise Failed(said)
        return said

    def sample(self, calls: int) -> Sample:
        """Measure some calls."""
        self.pipe.send(calls)
        return Sample(*self._told())

    def close(self) -> None:
        """End the child."""
        self.pipes.discard(self.pipe)
        self.pipe.close()
        os.waitpid(self.pid, 0)


def _serve(make: Callable[[], Callable[[], Any]], view: Callable[[Any], Any], pipe: Any) -> None:
    """The child: an answer, the memory it took, the seconds of a warm call; and then samples until the pipe closes."""
    try:
        action = make()
        _forget_peak()
        before = _memory("VmRSS")
        start = now().wall
        answer = action()
        seconds = now().wall - start
        peak = _memory("VmHWM") - before
        if seconds > SLOW_CALL:  # was it the function that is slow, or what it did at first?
            seconds = once(action, 1).wall
        pipe.send((np.array(view(answer), float), peak, seconds if seconds > SLOW_CALL else _warm(action)))
    except ImportError as error:
        pipe.send(f"missing: {error}")
        return
    except BaseException as error:  # a tool may raise anything
        pipe.send(f"{type(error).__name__}: {str(error).splitlines()[0][:150] if str(error) else ''}")
        return
    del answer
    gc.collect()
    gc.freeze()
    try:
        while True:
            pipe.send(tuple(once(action, pipe.recv())))
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def _warm(action: Callable[[], Any]) -> float:
    """Call until what is compiled late is compiled; wall seconds of a call after that."""
    start, least = now().wall, float("inf")
    for _ in range(WARM_CALLS):
        least = min(least, once(action, 1).wall)
        if now().wall - start > WARM_SECONDS and least > QUICK_CALL:
            break
    return once(action, 3).wall if least < QUICK_CALL else least


def _forget_peak() -> None:
    """Start the record of the largest memory anew, where the system can (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def _memory(field: str) -> float:
    """Megabytes of this process, now (VmRSS) or at most (VmHWM); NaN where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(float(line.split()[1]) / 1024 for line in file if line.startswith(field))
    except (OSError, StopIteration):
        return float("nan")


@contextmanager
def started(makes: dict[str, Any], failed: Callable[[str, str], None]) -> Iterator[dict[str, Tool]]:
    """The tools that can be made ready, each (make, view); of one that cannot, ``failed`` is told its name and why."""
    tools: dict[str, Tool] = {}
    try:
        for name, (make, view) in makes.items():
            try:
                tools[name] = Tool(make, view)
            except Failed as error:
                failed(name, str(error))
        yield tools
    finally:
        for tool in tools.values():
            tool.close()


def interleaved(tools: dict[str, Tool], rounds: int, slot: float, seconds: float) -> dict[str, list[Sample]]:
    """Samples of about ``slot`` seconds by round, in turn and there and back, until the seconds are up."""
    calls = {name: max(1, round(slot / max(tool.seconds, 1e-7))) for name, tool in tools.items()}
    samples: dict[str, list[Sample]] = {name: [] for name in tools}
    start = time.perf_counter()
    for number in range(rounds):
        if number >= min(rounds, LEAST_ROUNDS) and time.perf_counter() - start > seconds:
            break
        for name in list(tools)[:: 1 if number % 2 == 0 else -1]:
            samples[name].append(tools[name].sample(calls[name]))
    return samples


# Commands ----------------------------------------------------------------------------------------------------------


def command(argv: Sequence[str], codes: Sequence[int] = (0,)) -> tuple[Sample, str]:
    """Seconds of a whole process, and what it printed; Failed with its last line at any other exit code."""
    start = now().wall
    with (
        tempfile.TemporaryFile("w+") as complaint,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=complaint, text=True) as process,
    ):
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        sample = Sample(used.ru_utime + used.ru_stime, now().wall - start)
        complaint.seek(0)
        complaints = complaint.read().strip().splitlines()
    if process.returncode not in codes:
        raise Failed((complaints or [f"exit code {process.returncode}"])[-1][:150])
    return sample, said


def python(code: str) -> list[str]:
    """The command that runs some Python as this process does: without what is hidden from it."""
    hidden = [name for name, module in sys.modules.items() if module is None and name == "llvmlite"]
    prelude = "".join(f"import sys; sys.modules[{name!r}] = None\n" for name in hidden)
    return [sys.executable, "-c", prelude + code]


def diffkit(*arguments: str) -> list[str]:
    """The command line of diffkit, as its script runs it."""
    return [*python("import sys; from diffkit.__main__ import main; sys.exit(main())"), *arguments]


def line(record: dict[str, Any]) -> str:
    """A record as a line of JSON."""
    return json.dumps(record, ensure_ascii=False, default=float)

"""How long work may take, and the one way in which it ends when the time is up.

``with time_limit(2.0):`` gives what runs inside it two seconds. The deadline is a context variable: it belongs to the
thread or task that set it, and loops at any depth can ask for it without a parameter through every function between.
They call ``check_time()``, which raises TimeIsUp. Whoever holds part of an answer catches that, and gives the part
with the deadline's ``reason``; where nobody does, the block ends with OutOfTime, an ordinary error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from time import monotonic
from typing import TypeVar

from diffkit.core.errors import DiffkitError, OutOfTime

INTERRUPTED = "interrupted"  # why something stopped
STRETCH = 64  # steps of a loop between two looks at the clock
T = TypeVar("T")


class TimeIsUp(BaseException):
    """Unwinds work whose time is up. No Exception, so that no handler of what can go wrong takes it for that."""

    def __init__(self, deadline: Deadline):
        super().__init__(deadline.reason)
        deadline.miss()
        self.deadline = deadline
        self.reason = deadline.reason


class Deadline:
    """A moment of the monotonic clock at which work is to end: so many seconds from now, or from a moment gone by.

    What is in ``at_end`` is called when its block is left. DiffkitError unless the seconds are a positive number.
    """

    def __init__(self, seconds: float, gone: float = 0.0):
        self.seconds = _checked(seconds)
        self.until = monotonic() + self.seconds - gone
        self.missed = False
        """whether anything was given up for it"""
        self.whole: Deadline | None = None
        """the deadline of which it is a share"""
        self.at_end: list[Callable[[], object]] = []

    @property
    def reason(self) -> str:
        """Why work was ended, to be shown."""
        return f"timeout of {self.seconds:g} s"

    @property
    def left(self) -> float:
        """Seconds that are left; none are left of a moment that has passed."""
        return max(0.0, self.until - monotonic())

    def miss(self) -> None:
        """Know that something is given up for it."""
        self.missed = True
        if self.whole is not None:
            self.whole.miss()

    def end(self) -> None:
        """Do what is to be done at the end."""
        while self.at_end:
            self.at_end.pop()()

    def check(self) -> None:
        """Raise TimeIsUp if the moment has passed."""
        if monotonic() > self.until:
            raise TimeIsUp(self)

    def paced(self, steps: Iterable[T]) -> Iterator[T]:
        """Go through steps, with a look at the clock now and then."""
        for number, step in enumerate(steps, 1):
            yield step
            if not number % STRETCH:
                self.check()


_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
current_deadline = _CURRENT.get


def check_time() -> None:
    """Raise TimeIsUp if the work at hand has a deadline that has passed."""
    deadline = _CURRENT.get()
    if deadline is not None:
        deadline.check()


def reason_to_stop(share: float = 0.0) -> str:
    """Why the work at hand had better end by itself, as that share of its time is all that is left; empty if it is not.

    For work that has to finish what it began: it keeps part of its time for that.
    """
    deadline = _CURRENT.get()
    if deadline is None or deadline.left > share * deadline.seconds:
        return ""
    deadline.miss()
    return deadline.reason


def in_time(steps: Iterable[T]) -> Iterable[T]:
    """The steps of a loop, which then ends when the time is up; without a deadline they cost nothing."""
    deadline = _CURRENT.get()
    return steps if deadline is None else deadline.paced(steps)


def collected(found: Iterable[T]) -> tuple[list[T], str]:
    """Collect what is found one by one until the time is up, and the reason why there is no more, if there is one."""
    kept: list[T] = []
    try:
        for one in found:
            kept.append(one)
    except TimeIsUp as up:
        return kept, up.reason
    return kept, ""


class time_limit:
    """Give the work inside ``with time_limit(seconds):`` that long, or less if a block around it ends sooner.

    None is no limit of its own. DiffkitError unless the seconds are a positive number; OutOfTime when they were up.
    """

    def __init__(self, seconds: float | Deadline | None):
        self.deadline = seconds if seconds is None or isinstance(seconds, Deadline) else Deadline(seconds)

    def __enter__(self) -> None:
        outer, own = _CURRENT.get(), self.deadline
        if own is not None and outer is not None and outer.until <= own.until:
            self.deadline = own = None
        if own is not None:
            self.token = _CURRENT.set(own)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        own = self.deadline
        if own is None:
            return
        _CURRENT.reset(self.token)
        own.end()
        if isinstance(error, TimeIsUp) and error.deadline is own:
            raise OutOfTime(error.reason, hint="nothing was found until then") from None


def share_of_time(part: float) -> Deadline | None:
    """The deadline of what may take a part of the time that is left, in the words of the one set; None without one."""
    deadline = _CURRENT.get()
    if deadline is None:
        return None
    own = Deadline(deadline.seconds)
    own.until = monotonic() + part * deadline.left
    own.whole = deadline
    return own


class unhurried:
    """Finish what is begun, ``with unhurried():``, whatever the time: showing what was found must not lose it."""

    def __enter__(self) -> None:
        self.token = _CURRENT.set(None)

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self.token)


def _checked(seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise DiffkitError(f"the timeout is a positive number of seconds, not {seconds!r}")
    return float(seconds)

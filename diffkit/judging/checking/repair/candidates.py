"""A candidate bug: the map from the truth to the claim, and the words for undoing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from diffkit.judging.checking.repair.samples import Case, Samples


class Candidate(NamedTuple):
    """A bug that would make the claim out of the truth.

    ``predict`` gives for samples the claim that the bug would make, (P, c), and its bars; NaN where it makes none.
    """

    kind: str
    text: str
    predict: Callable[[Samples], tuple[Any, Any]]
    digits: int = 0
    """of the numbers in it that mean nothing"""


Generator = Callable[[Case], Iterator[Candidate]]


def holds(candidate: Candidate, samples: Samples) -> bool:
    """Whether the claim is what the bug makes of the truth, at every point and in every component."""
    first = Samples(*(part[:1] for part in samples))  # one point refutes most of them
    return all(bool(part.agree(*candidate.predict(part)).all()) for part in (first, samples))

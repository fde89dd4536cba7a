"""Text that is asked about again: it is read, differentiated and compiled once, as ``re`` does with a pattern.

Nothing but time tells: an answer is that of what is prepared, bit for bit, and what is refused is refused anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from diffkit.asking.frames import names_in
from diffkit.asking.points import PointsFile
from diffkit.asking.questions import open_question
from diffkit.methods import BACKENDS
from diffkit.methods.prepared import Prepared

_REMEMBERED = 64  # questions; the one that was asked longest ago goes first
_TEXT_LENGTH = 2_000  # characters of a text that is kept


def asked_before(
    f: Any, kind: str, at: Any, variables: Any, backend: Any, asked: Mapping[str, Any]
) -> Prepared[Any] | None:
    """What is prepared for a question about text; None where such a question is not kept. Errors as ``ask``."""
    if type(f) is not str or len(f) > _TEXT_LENGTH or type(backend) is not str or backend not in ("auto", *BACKENDS):
        return None
    variables, *values = (tuple(option) if type(option) is list else option for option in (variables, *asked.values()))
    if not all(map(_is_kept, (variables, *values))):
        return None
    given = at.names if isinstance(at, PointsFile) else names_in(at)
    return _prepared(f, kind, variables, tuple(given), backend, **dict(zip(asked, values, strict=True)))


def _is_kept(option: Any) -> bool:
    """Whether an option is none that equals another one, as 1 equals True within a tuple."""
    return option is None or type(option) in (str, int, bool) or (
        type(option) is tuple and all(type(name) is str for name in option)
    )  # fmt: skip


def forget() -> None:
    """Ask about all texts anew."""
    _prepared.cache_clear()


@lru_cache(maxsize=_REMEMBERED, typed=True)
def _prepared(
    text: str, kind: str, variables: Any, given: tuple[str, ...], backend: str, **asked: Any
) -> Prepared[Any]:
    return Prepared(open_question(text, kind, variables, (), given, **asked), backend)

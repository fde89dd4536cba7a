"""What the caller has set for floating-point arithmetic stays outside, and is as it was afterwards.

NumPy raises, warns or calls a function at overflow, division by zero and the like, as ``numpy.seterr`` says, which
belongs to the thread. Mathematics of ours has infinities and NaN there, whatever anybody has set.
"""

from __future__ import annotations

import sys
from contextlib import ContextDecorator
from typing import Any


class undisturbed(ContextDecorator):
    """Compute in silence: ``with undisturbed():``, or ``@undisturbed()`` on a function of the Python face.

    Where NumPy is not loaded there is nothing to do; who loads it inside guards itself.
    """

    def _recreate_cm(self) -> undisturbed:
        """One of its own for every call, so that calls may nest and run in threads."""
        return undisturbed()

    def __enter__(self) -> None:
        numpy: Any = sys.modules.get("numpy")
        self.state = None if numpy is None else numpy.errstate(all="ignore")
        if self.state is not None:
            self.state.__enter__()

    def __exit__(self, *error: object) -> None:
        if self.state is not None:
            self.state.__exit__(*error)

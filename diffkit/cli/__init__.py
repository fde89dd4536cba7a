"""The ``diffkit`` command."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit.

    0 fine, 1 the answer is no, 2 bad input or output that cannot be written, 130 interrupted, 141 nobody reads on.
    """
    gc.disable()  # one answer and the process ends: collecting would cost a tenth of it
    from diffkit.cli.process import provide

    provide()
    sys.exit(_code(sys.argv[1:] if arguments is None else list(arguments)))


def _code(arguments: list[str]) -> int:
    """Run the command and give its exit code."""
    from diffkit.cli.command_line import UsageError
    from diffkit.cli.commands import run
    from diffkit.cli.process import EXIT_BAD, EXIT_INTERRUPTED, EXIT_UNREAD, complain, give_up
    from diffkit.core.errors import DiffkitError

    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except DiffkitError as error:
        complain(str(error), error.caret())
    except UsageError as error:
        complain(f"{error} ({error.path} --help explains)")
    except KeyboardInterrupt:
        complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        give_up(sys.stdout)
        return EXIT_UNREAD
    except OSError as error:  # of standard output: files have errors of their own
        complain(f"cannot write to standard output: {error.strerror or error}")
        give_up(sys.stdout)
    except (MemoryError, RecursionError):
        complain("the expression is too large for this machine")
    return EXIT_BAD

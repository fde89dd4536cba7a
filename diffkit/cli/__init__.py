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
    import click

    from diffkit.cli import completion
    from diffkit.cli.commands import cli
    from diffkit.cli.output import EXIT_BAD, EXIT_UNREAD
    from diffkit.cli.process import EXIT_INTERRUPTED, complain, give_up
    from diffkit.core.errors import DiffkitError

    if (code := completion.asked(cli)) is not None:
        return code
    try:
        with cli.make_context("diffkit", arguments) as context:
            code = cli.invoke(context)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except DiffkitError as error:
        complain(str(error), error.caret())
    except click.UsageError as error:
        hint = f" ({error.ctx.command_path} --help explains)" if error.ctx is not None else ""
        complain(error.format_message().rstrip(".") + hint)
    except click.ClickException as error:
        complain(error.format_message())
    except (click.Abort, KeyboardInterrupt):
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

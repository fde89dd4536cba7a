"""The ``diffkit`` command."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 fine, 1 the answer is no, 2 the input is bad, 130 interrupted."""
    gc.disable()  # one answer and the process ends: collecting would cost a tenth of it
    import click

    from diffkit.cli.commands import cli
    from diffkit.cli.output import EXIT_INTERRUPTED
    from diffkit.errors import DiffkitError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace", encoding="utf-8")
    try:
        code = cli.main(args=None if arguments is None else list(arguments), prog_name="diffkit", standalone_mode=False)
    except DiffkitError as error:
        code = _complain(str(error), error.caret())
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.UsageError as error:
        hint = f" ({error.ctx.command_path} --help explains)" if error.ctx is not None else ""
        code = _complain(error.format_message().rstrip(".") + hint)
    except click.ClickException as error:
        code = _complain(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader went away; nothing more can be said to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except (MemoryError, RecursionError):
        code = _complain("the expression is too large for this machine")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(reason: str, caret: str = "") -> int:
    one_line = " ".join(reason.split())
    print(f"diffkit: {one_line}", file=sys.stderr)
    if caret:
        print(caret, file=sys.stderr)
    return 2

"""The ``diffkit`` command, as which ``python -m diffkit`` runs too."""

import gc
import sys


def main() -> None:
    """Run the command in a process of its own, and exit; from here on an interrupt is one line and exit code 130."""
    try:
        from diffkit import cli
        from diffkit.cli.process import guarded

        code = guarded(cli.main)
    except KeyboardInterrupt:
        print("diffkit: interrupted", file=sys.stderr)
        code = 130
    gc.freeze()  # the last collection would take longer than most answers
    sys.exit(code)


if __name__ == "__main__":
    main()

"""`python -m edgemark` is `edgemark`."""

from __future__ import annotations

import sys


def start() -> None:
    """Run the program; an interrupt is told as one from the first moment, while it imports too."""
    try:
        from edgemark.cli.main import main  # noqa: PLC0415 - it takes a while
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)  # as `Exit.INTERRUPTED`, which may not be there yet
    main()


if __name__ == "__main__":
    start()

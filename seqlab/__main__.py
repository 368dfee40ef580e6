"""The ``seqlab`` command: runs the application and turns errors into messages and exit codes."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line; exit with 0, 1 (failed), 2 (wrong usage) or 130 (interrupted)."""
    # torch's threads wait for each other by spinning; beside any other busy process that makes a step of two
    # threads several times slower. A short spin costs nothing measurable. It must be said before torch loads.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    # What is imported stays; looking through it again and again for what is to be freed takes 8 % of a start.
    gc.set_threshold(20_000)

    from seqlab.cli.app import app
    from seqlab.cli.console import show_error
    from seqlab.errors import SeqlabError

    try:
        app(prog_name="seqlab")
    except SeqlabError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

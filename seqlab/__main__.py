"""The ``seqlab`` command: runs the application and turns errors into messages and exit codes."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; exit with 0, 1 (failed), 2 (wrong usage) or 130 (interrupted)."""
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

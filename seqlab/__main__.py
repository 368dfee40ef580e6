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
    from seqlab.cli.console import patient, remarks_as_notes, show_error
    from seqlab.errors import SeqlabError

    words = sys.argv[1:]
    try:
        with remarks_as_notes(), patient():
            app(
                sorted(words, key=lambda word: word != "--traceback"), prog_name="seqlab"
            )  # it may stand anywhere
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from seqlab.own_code import in_a_sentence

        told = error if isinstance(error, SeqlabError) else in_a_sentence(error)
        if told is None:
            raise
        show_error(told)
        sys.exit(told.exit_code)


if __name__ == "__main__":
    main()

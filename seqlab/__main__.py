"""The ``seqlab`` command: runs the application and turns errors into messages and exit codes."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqlab.errors import SeqlabError


def main() -> None:
    """Run the command line; exit with 0, 1 (failed), 2 (wrong usage) or 130 (interrupted)."""
    # torch's threads wait for each other by spinning; beside any other busy process that makes a step of two
    # threads several times slower. A short spin costs nothing measurable. It must be said before torch loads.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    # What is imported stays; looking through it again and again for what is to be freed takes 8 % of a start.
    gc.set_threshold(20_000)

    from seqlab.cli.app import app
    from seqlab.cli.console import patient, remarks_as_notes, show_error

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names need not be of characters
    words = sys.argv[1:]
    try:
        with remarks_as_notes(), patient():
            app(
                sorted(words, key=lambda word: word != "--traceback"), prog_name="seqlab"
            )  # it may stand anywhere
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        show_error(told)
        sys.exit(told.exit_code)


def _told(error: Exception) -> SeqlabError | None:
    """Return an error as it is shown; None for one that is a fault of seqlab's, with a traceback."""
    from seqlab.errors import RunFailedError, SeqlabError
    from seqlab.own_code import in_a_sentence

    if isinstance(error, SeqlabError):
        return error
    if isinstance(error, OSError) and error.strerror:  # no room, no rights, no descriptors, ...
        where = f"{error.filename}: " if error.filename else ""
        return RunFailedError(f"{where}{error.strerror}.", hint="seqlab --traceback ... says where.")
    if isinstance(error, MemoryError):
        return RunFailedError(
            f"There is not enough memory for this{f': {error}' if str(error) else ''}.",
            hint="Take a smaller size: of the model, of a batch, or of a sequence.",
        )
    return in_a_sentence(error)


if __name__ == "__main__":
    main()

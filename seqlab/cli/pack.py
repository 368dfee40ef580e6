"""`seqlab pack` and `seqlab unpack`: a run as one file, to be given to somebody."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import note, show_json, tell

if TYPE_CHECKING:
    from seqlab.runs import Run

Json = Annotated[bool, typer.Option("--json", help="What came of it, as JSON.")]


def pack(
    run: options.NamedRun,
    file: Annotated[str, typer.Argument(help="The file to be written, FILE.zip.")],
    data: Annotated[
        bool, typer.Option("--data", help="With the text or the files that it learned from.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Pack a run into one file, with the hash of each of its files; unpack brings it back anywhere.

    Weights, curves, samples, settings and the vocabulary are in it, and copies of code of your own; not what
    it learned from, unless --data asks for it.

    Example: seqlab pack latest shakespeare.zip
    """
    from seqlab.outside import path_of
    from seqlab.runs.packing import pack_run

    found, path = options.the_run(run), path_of(file)
    read = _data_of(found) if data else None
    names = pack_run(found, path, read)
    size = path.stat().st_size
    if as_json:
        return show_json({"run": found.id, "file": str(path), "bytes": size, "files": names})
    print(path)
    if any(name.startswith("own/") for name in names):
        note("Code of your own is in it, under own/; nothing runs it unless it is named.")
    tell(f"{len(names)} files, {size / 1e6:.1f} MB. There: seqlab unpack {shlex.quote(path.name)}")
    return None


def unpack(
    file: Annotated[str, typer.Argument(help="A packed run, FILE.zip.")],
    as_json: Json = False,
) -> None:
    """Unpack a run among the runs, after a look at every name and every hash in the file.

    Nothing of it is run. Where its data came with it, it is said how to make them known.

    Example: seqlab unpack shakespeare.zip
    """
    from seqlab.cli.show import run_words
    from seqlab.outside import path_of
    from seqlab.runs.packing import data_of, unpack_run

    run = unpack_run(path_of(file))
    there = data_of(run)
    if as_json:
        return show_json(
            {"run": run.id, "path": str(run.path), "data": None if there is None else str(there)}
        )
    print(run.path)
    if there is not None:
        note(f"Its data came with it: seqlab resume {run_words(run)} --text {shlex.quote(str(there))}")
    tell(f"Next: seqlab show {run_words(run)}")
    return None


def _data_of(run: Run) -> Path:
    """Return the file or folder that a run has learned from.

    Raises:
        UsageError: when it has learned from none, or from what has a name everywhere.
    """
    from seqlab.errors import UsageError
    from seqlab.outside import path_of
    from seqlab.registry import load

    settings = run.settings()
    option = load("task", str(settings.get("task.name"))).reads
    read = None if option is None else settings.get(f"task.{option}")
    if not isinstance(read, str) or not path_of(read).is_absolute():
        raise UsageError(
            f"{run.id} has not learned from a file or folder of yours.", hint="Leave --data out."
        )
    path = path_of(read)
    if not path.exists():
        raise UsageError(f"{path} is not there any more.", hint="Leave --data out.")
    return path

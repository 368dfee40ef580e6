"""What every command prints with: results on stdout, progress and errors on stderr.

On a terminal, results are tables; in a pipe they are tab-separated lines without control characters or cut
words. Progress is a live bar on a terminal and plain lines elsewhere.
"""

from __future__ import annotations

import functools
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seqlab.errors import TRACEBACK, PluginError, SeqlabError
from seqlab.files import to_json

if TYPE_CHECKING:
    from rich.console import Console


def stderr() -> Console:
    """Return the console for progress and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def stdout() -> Console:
    """Return the console for results."""
    from rich.console import Console

    return Console(highlight=False)


def show_error(error: SeqlabError) -> None:
    """Print an error and its hint on stderr, after its traceback if the user asked for that."""
    from rich.text import Text

    console = stderr()
    if os.environ.get(TRACEBACK):
        from traceback import format_exception

        console.print("".join(format_exception(error)), soft_wrap=True, markup=False)
    console.print(Text.assemble(("Error: ", "bold red"), error.message), soft_wrap=True)
    if error.hint:
        console.print(Text(error.hint), soft_wrap=True)
    if isinstance(error, PluginError) and error.__cause__ is not None and not os.environ.get(TRACEBACK):
        console.print(
            "Where that came from is shown by: seqlab --traceback ...", markup=False, soft_wrap=True
        )


def show_json(data: Any) -> None:
    """Print data as JSON on stdout; figures that are not finite become null."""
    print(to_json(data, indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table on a terminal, tab-separated lines elsewhere; cells are plain text."""
    rows = [[_plain(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [columns, *rows]:
            print("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=index == 0)  # names stay whole, to be copied
    for row in rows:
        table.add_row(*map(Text, row))
    stdout().print(table)


@contextmanager
def waiting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr, on a terminal, what is being done and how far it is.

    Yields:
        The function to call with how much of ``total`` has been done.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = stderr()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def ends_quietly(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end with exit code 0 when the reader of its output has gone, as ``| head`` does."""

    @functools.wraps(command)
    def ending(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed

    return ending


def _plain(cell: str) -> str:
    """Put a question mark for what a line or a terminal cannot hold: control characters, half characters."""
    return "".join("?" if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in cell)

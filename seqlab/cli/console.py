"""What every command prints with: results on stdout, progress and errors on stderr.

On a terminal, results are tables; in a pipe they are tab-separated lines without control characters or cut
words. Progress is a live bar on a terminal and plain lines elsewhere.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any

from seqlab.doing import doing, heard, listening
from seqlab.errors import TRACEBACK, PluginError, Remark, SeqlabError
from seqlab.files import to_json
from seqlab.outside import escaped

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
    asked = bool(os.environ.get(TRACEBACK))
    if asked:
        from traceback import format_exception

        stderr().print("".join(format_exception(error)), soft_wrap=True, markup=False)
    tell(error.message, head="Error: ", head_style="bold red")
    if error.hint:
        tell(error.hint)
    cause = error.__cause__
    own = isinstance(error, PluginError) and cause is not None and not isinstance(cause, SeqlabError)
    if own and not asked:
        tell("Where that came from is shown by: seqlab --traceback ...")


def tell(
    text: str, style: str = "", console: Console | None = None, *, head: str = "", head_style: str = ""
) -> None:
    """Print prose on stderr: on a terminal wrapped at words, elsewhere a line as it is.

    A word that is longer than a line (a path) stays whole, so that it can be copied.

    Args:
        text: not read as markup.
        style: as rich names it.
        console: one that shows something live, which the text is printed above.
        head: stands before the text.
        head_style: of that.
    """
    from rich.text import Text

    from seqlab.cli.tables import wrap

    heard()
    console = console or stderr()
    whole = escaped(head + text)
    shown = Text(wrap(whole, console.width) if console.is_terminal else whole, style)
    shown.stylize(head_style, 0, len(head))
    console.print(shown, soft_wrap=True)


def note(text: str) -> None:
    """Print on stderr what a user had better know."""
    tell(text, head="Note: ", head_style="bold yellow")


@contextmanager
def remarks_as_notes() -> Iterator[None]:
    """Print what deeper layers warn of as a note, once, and every other warning as it would be."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", Remark)
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, Remark):
                note(str(message))
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = show
        yield


def say(text: str) -> None:
    """Print prose on stdout, as :func:`tell` does on stderr."""
    if sys.stdout.isatty():
        tell(text, console=stdout())
    else:
        print(escaped(text))


def show_json(data: Any) -> None:
    """Print data as JSON on stdout; figures that are not finite become null."""
    print(to_json(data, indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table on a terminal, tab-separated lines elsewhere; cells are plain text."""
    heard()
    rows = [[_plain(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [columns, *rows]:
            print("\t".join(row))
        return
    from rich.text import Text

    from seqlab.cli.tables import layout

    console = stdout()
    if title is not None:
        console.print(Text(title, "italic"), soft_wrap=True)
    console.print(layout(columns, rows, console.width))


PATIENCE = 1.5
"""Seconds of silence after which it is said what is being done."""


class Patience:
    """Says what is being done where it takes long; is told by :mod:`seqlab.doing`."""

    def __init__(self) -> None:
        self._timer: Timer | None = None
        self._quiet_since: float | None = None
        self._said: set[str] = set()

    def __call__(self, what: str | None) -> None:
        """Take note of what begins, or that nothing does."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if what is None:
            self._quiet_since = None
            return
        if self._quiet_since is None:
            self._quiet_since = monotonic()
        if what not in self._said:
            left = max(self._quiet_since + PATIENCE - monotonic(), 0.0)
            self._timer = Timer(left, self._say, (what,))
            self._timer.daemon = True
            self._timer.start()

    def _say(self, what: str) -> None:
        self._said.add(what)
        self._quiet_since = monotonic()
        tell(f"{what} ...", "dim")


@contextmanager
def patient() -> Iterator[None]:
    """Say what is being done where it takes long; at first that is to load what a command needs."""
    patience = Patience()
    with listening(patience):
        patience("loading")
        try:
            yield
        finally:
            patience(None)


@contextmanager
def waiting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr, on a terminal, what is being done and how far it is.

    Yields:
        The function to call with how much of ``total`` has been done.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = stderr()
    if not console.is_terminal:
        with doing(what):
            yield lambda done: None
        return
    with Progress(*columns, console=console, transient=True) as bar:
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
    """Put a space for the end of a line, and numbers for what a terminal would obey.

    >>> _plain("Mary left.\\nWhere is Mary?\\a")
    'Mary left. Where is Mary?\\\\x07'
    """
    return escaped(re.sub(r"[\n\t]", " ", cell))

"""The application: every command, in the panels of the help page."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from seqlab import __version__
from seqlab.cli import (
    bench,
    cells,
    compare,
    complete,
    config,
    corpus,
    diff,
    explain,
    export,
    gradients,
    judge,
    notes,
    novel,
    plot,
    replay,
    report,
    runs,
    sample,
    schema,
    score,
    show,
    train,
    trash,
)
from seqlab.cli import (
    inspect as inspect_,
)
from seqlab.cli import list as list_
from seqlab.cli._later import import_later
from seqlab.cli.console import ends_quietly

# The help page would otherwise load a reader of Markdown and a printer of tracebacks, for half of its time.
import_later("rich.markdown", "Markdown")
import_later("rich.traceback", "Traceback")

PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Train": (train.train, train.resume, compare.compare, replay.replay),
    "Write": (sample.sample, complete.complete, score.score, novel.novel),
    "Inspect": (
        runs.runs, show.show, judge.judge, plot.plot, inspect_.inspect, gradients.gradients, cells.cells,
        explain.explain, diff.diff, report.report, bench.bench,
    ),
    "Manage": (notes.tag, notes.note, trash.rm, trash.restore, trash.clean, export.export),
    "Look up": (config.config, schema.schema, list_.list_),
}  # fmt: skip
COMMANDS = {one.__name__.rstrip("_"): (panel, one) for panel, several in PANELS.items() for one in several}
"""The panel and the function of each command by its name."""
CORPUS = "corpus"
"""The command that has commands of its own."""


class _Built(Mapping[str, Any]):
    """The commands by name, each built when it is asked for: to build all takes longer than `seqlab list`."""

    def __getitem__(self, name: str) -> Any:
        return _build(name)

    def __iter__(self) -> Iterator[str]:
        return iter((*COMMANDS, CORPUS))

    def __len__(self) -> int:
        return len(COMMANDS) + 1


@cache
def _build(name: str) -> Any:
    if name == CORPUS:
        command = typer.main.get_command(corpus.app)
        command.rich_help_panel = "Look up"  # type: ignore[attr-defined]
        return command
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    alone.command(name)(ends_quietly(COMMANDS[name][1]))
    return typer.main.get_command(alone)


class Commands(TyperGroup):
    """All commands. A list of them, in the help and in completion, shows them in outline."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Built()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order of the help page."""
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        self.commands = _outlines()
        super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return the commands that begin so."""
        self.commands = _outlines()
        return super().shell_complete(ctx, incomplete)


def _outlines() -> dict[str, Any]:
    """Return every command by its name, with what it is and without its arguments and options."""
    found: dict[str, Any] = {
        name: TyperCommand(name, help=inspect.getdoc(function), rich_help_panel=panel)
        for name, (panel, function) in COMMANDS.items()
    }
    return {**found, CORPUS: _build(CORPUS)}


app = typer.Typer(
    name="seqlab",
    cls=Commands,
    help="A laboratory for recurrent and other sequence models: train, compare over many seeds, look inside.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"seqlab {__version__}")
        raise typer.Exit


@app.callback()
def seqlab(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""

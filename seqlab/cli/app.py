"""The application: every command, in the panels of the help page."""

from __future__ import annotations

from typing import Annotated

import typer

from seqlab import __version__
from seqlab.cli import (
    compare,
    complete,
    config,
    diff,
    explain,
    export,
    inspect,
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
from seqlab.cli import list as list_

app = typer.Typer(
    name="seqlab",
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


TRAIN, INSPECT, MANAGE = "Train", "Inspect", "Manage"

for command in (train.train, train.resume, compare.compare, replay.replay):
    app.command(rich_help_panel=TRAIN)(command)
app.command(rich_help_panel=INSPECT)(sample.sample)
app.command(rich_help_panel=INSPECT)(complete.complete)
app.command(rich_help_panel=INSPECT)(score.score)
app.command(rich_help_panel=INSPECT)(novel.novel)

app.command(rich_help_panel=INSPECT)(runs.runs)
app.command(rich_help_panel=INSPECT)(show.show)
app.command(rich_help_panel=INSPECT)(plot.plot)
app.command(rich_help_panel=INSPECT)(inspect.inspect)
app.command(rich_help_panel=INSPECT)(explain.explain)
app.command(rich_help_panel=INSPECT)(diff.diff)
app.command(rich_help_panel=INSPECT)(report.report)
for managing in (notes.tag, notes.note, trash.rm, trash.restore, trash.clean, export.export):
    app.command(rich_help_panel=MANAGE)(managing)
app.command(rich_help_panel=MANAGE)(config.config)
app.command(rich_help_panel=MANAGE)(schema.schema)
app.command("list", rich_help_panel=MANAGE)(list_.list_)

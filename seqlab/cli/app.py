"""The application: every command, in the panels of the help page."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

from seqlab import __version__
from seqlab.cli import (
    answer,
    ask,
    bench,
    cells,
    check,
    compare,
    complete,
    config,
    corpus,
    diff,
    explain,
    export,
    forecast,
    gradients,
    judge,
    neighbours,
    notes,
    novel,
    pack,
    plot,
    predict,
    replay,
    report,
    runs,
    sample,
    schema,
    score,
    show,
    train,
    trash,
    watch,
)
from seqlab.cli import (
    inspect as inspect_,
)
from seqlab.cli import list as list_
from seqlab.cli import map as map__
from seqlab.cli.console import ends_quietly
from seqlab.cli.once import Command, Group
from seqlab.errors import TRACEBACK

PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Train": (train.train, train.resume, compare.compare, replay.replay),
    "Write": (
        answer.answer, ask.ask, predict.predict, forecast.forecast, sample.sample, complete.complete,
        score.score, novel.novel,
    ),
    "Inspect": (
        runs.runs, show.show, watch.watch, judge.judge, plot.plot, inspect_.inspect, neighbours.neighbours,
        map__.map_, gradients.gradients, cells.cells, explain.explain, check.check, diff.diff, report.report,
        bench.bench,
    ),
    "Manage": (
        notes.tag, notes.note, trash.rm, trash.restore, trash.clean, export.export, pack.pack, pack.unpack,
    ),
    "Look up": (config.config, schema.schema, list_.list_),
}  # fmt: skip
"""The commands, by the panel of the help page in which they stand."""

app = typer.Typer(
    name="seqlab",
    cls=Group,
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


def _show_tracebacks(value: bool) -> None:
    if value:
        os.environ[TRACEBACK] = "1"  # where the processes of a comparison find it, too


@app.callback()
def seqlab(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
    traceback: Annotated[
        bool,
        typer.Option(
            "--traceback", callback=_show_tracebacks, is_eager=True, help="Show where an error comes from."
        ),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


for _panel, _commands in PANELS.items():
    for _command in _commands:
        _name = _command.__name__.rstrip("_")
        app.command(_name, cls=Command, rich_help_panel=_panel)(ends_quietly(_command))
app.add_typer(corpus.app, name="corpus", rich_help_panel="Look up")

"""`seqlab compare`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, stderr

if TYPE_CHECKING:
    from pathlib import Path

    from seqlab.comparison.design import Design
    from seqlab.comparison.outcome import Comparison
    from seqlab.comparison.study import Finished


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help=r"Models (lstm, lstm\[hidden_size=8], my_cell.py), then settings as key.path=value.",
            metavar="MODEL... [KEY=VALUE]...",
            autocompletion=options.complete_model_or_setting,
        ),
    ],
    on: Annotated[
        str,
        typer.Option(
            help="The experiment whose task they learn.", autocompletion=options.complete_experiment
        ),
    ] = "temporal-order",
    difficulty: Annotated[
        str | None, typer.Option(help="The task's difficulty; several, as easy,normal,hard, are a ladder.")
    ] = None,
    preset: options.Preset = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 1 to this number.")] = 10,
    match_parameters: Annotated[
        bool,
        typer.Option("--match-parameters", help="Choose widths so that all are as large as the largest."),
    ] = False,
    same_width: Annotated[
        bool, typer.Option("--same-width", help="With --match-parameters: show the unmatched beside them.")
    ] = False,
    grid: Annotated[
        list[str] | None,
        typer.Option(help="A sweep: a setting's values, as training.learning_rate=1e-3,3e-3; repeatable."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Fit each run's steps into this time, such as 60s, measured first.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Runs side by side; default: the number of cores.")
    ] = None,
    quiet: options.Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The table as CSV.")] = False,
) -> None:
    """Train several models on the same data over several seeds, and say what differs.

    What is finished is reused, what was interrupted is gone on with: after Ctrl-C type the same line again.

    Examples: seqlab compare rnn lstm / seqlab compare rnn lstm gru --difficulty hard --match-parameters /
    seqlab compare lstm --difficulty easy,normal,hard --seeds 5
    """
    from seqlab.errors import UsageError

    if as_json and as_csv:
        raise UsageError("Both --json and --csv are given.", hint="Leave one out.")
    from seqlab.comparison import server

    server.start(torch_trains=server.torch_may_train(models))  # it imports torch while we do
    from seqlab.comparison.design import Design
    from seqlab.comparison.entrants import parse_grid
    from seqlab.session.budget import parse_seconds

    named = [word for word in models if "=" not in word.partition("[")[0]]
    design = Design(
        on,
        tuple(named),
        tuple(range(1, seeds + 1)),
        overrides=tuple(word for word in models if word not in named),
        difficulties=split_names(difficulty),
        preset=preset,
        grid=parse_grid(grid or []),
        match_parameters=match_parameters,
        same_width=same_width,
        budget=None if budget is None else parse_seconds(budget),
        command=shlex.join(["seqlab", *sys.argv[1:]]),
    )
    run_comparison(design, jobs=jobs, quiet=quiet, as_json=as_json, as_csv=as_csv)


def run_comparison(
    design: Design,
    *,
    jobs: int | None = None,
    quiet: bool = False,
    as_json: bool = False,
    as_csv: bool = False,
) -> None:
    """Run a comparison and show it: table, verdict, pictures.

    Args:
        design: what is to be compared.
        jobs: runs side by side; None for the number of cores.
        quiet: whether to leave progress out.
        as_json: whether to print everything as JSON instead.
        as_csv: whether to print the table as CSV instead.
    """
    from seqlab.errors import UsageError

    if as_json and as_csv:
        raise UsageError("Both --json and --csv are given.", hint="Leave one out.")
    from seqlab.comparison import server

    words = [*design.models, *design.overrides]
    server.start(torch_trains=server.torch_may_train(words))  # it imports torch while we do
    from seqlab.cli.live import board
    from seqlab.comparison.design import draw_up
    from seqlab.comparison.study import conclude, entries_of, study
    from seqlab.errors import RunFailedError
    from seqlab.figures.comparison import keep

    console = stderr()
    if design.budget is not None:
        console.print(f"Measuring the speed for {design.budget:g} s a run ...")
    lineup = draw_up(design)
    for note in lineup.notes:
        console.print(note, soft_wrap=True, markup=False)
    entries = entries_of(lineup.entrants, design.seeds)

    def announce(line: str) -> None:
        console.print(line, soft_wrap=True, markup=False)

    with board(entries, quiet) as note_update:
        finished = study(
            entries,
            processes=jobs,
            command=design.command,
            plugins=design.plugins,
            on_update=note_update,
            announce=announce,
        )
    _report_failures(finished)
    if all(item.summary is None for item in finished):
        raise RunFailedError("Every run failed.", hint="`seqlab runs --status failed` lists them.")
    result = conclude(finished)
    folder, facts = keep(design, finished, result, lineup.notes)
    failed = sum(item.summary is None for item in finished)
    if as_json:
        show_json({**facts, "folder": str(folder)})
    elif as_csv:
        print(result.to_csv(), end="")
    else:
        _show(result, folder / facts["figures"][0]["png"], finished)
    if failed:
        raise RunFailedError(
            f"{failed} of {len(finished)} runs failed.",
            hint="The same command tries them again; `seqlab runs --status failed` lists them.",
        )


def _show(result: Comparison, picture: Path, finished: Sequence[Finished]) -> None:
    rows = result.to_rows()
    show_table(list(rows[0]), [list(row.values()) for row in rows])
    print(f"\n{result.verdict}\n")
    print(picture)
    reused = sum(item.reused for item in finished)
    if reused:
        stderr().print(f"{reused} of {len(finished)} runs had been finished before and were reused.")
    stderr().print("Next: seqlab report, seqlab show RUN, or the same command with more --seeds.")


def split_names(text: str | None) -> tuple[str, ...]:
    """Read names with commas between them.

    >>> split_names("easy, hard"), split_names(None)
    (('easy', 'hard'), ())
    """
    return tuple(name for word in (text or "").split(",") if (name := word.strip()))


def _report_failures(finished: Sequence[Finished]) -> None:
    from rich.text import Text

    for item in finished:
        if item.failure is not None:
            where = f" {item.entry.level}," if item.entry.level else ""
            said = f"{item.entry.label},{where} seed {item.entry.experiment.seed}: {item.failure}"
            stderr().print(Text.assemble(("Failed: ", "bold red"), said), soft_wrap=True)
    if any(item.failure is not None for item in finished):
        stderr().print("The same command tries failed runs again.")

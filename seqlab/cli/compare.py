"""`seqlab compare`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import note, say, show_json, show_table, tell

if TYPE_CHECKING:
    from seqlab.comparison.design import Design, Lineup
    from seqlab.comparison.entries import Entry
    from seqlab.comparison.outcome import Comparison


PATIENCE = 1.5
"""Seconds before what draws is imported beside the runs: short ones have the processors to themselves."""

Models = Annotated[
    list[str],
    typer.Argument(
        help=r"Models (lstm, lstm\[hidden_size=8], my_cell.py), then settings as key.path=value.",
        metavar="MODEL... [KEY=VALUE]...",
        autocompletion=options.complete_model_or_setting,
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        help="The experiment whose task they learn, a settings file, or my_task.py; default: temporal-order.",
        autocompletion=options.complete_experiment,
    ),
]
Difficulties = Annotated[
    str | None, typer.Option(help="The task's difficulty; several, as easy,normal,hard, are a ladder.")
]
Matched = Annotated[
    bool, typer.Option("--match-parameters", help="Choose widths so that all are as large as the largest.")
]
SameWidth = Annotated[
    bool, typer.Option("--same-width", help="With --match-parameters: show the unmatched beside them.")
]
Sweep = Annotated[
    list[str] | None,
    typer.Option(help="A sweep: a setting's values, as training.learning_rate=1e-3,3e-3; repeatable."),
]
Budget = Annotated[
    str | None, typer.Option(help="Fit each run's steps into this time, such as 60s, measured first.")
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Runs side by side; default: the number of cores.")]


def compare(
    models: Models,
    on: On = None,
    task: options.Task = None,
    difficulty: Difficulties = None,
    preset: options.Preset = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 1 to this number.")] = 10,
    match_parameters: Matched = False,
    same_width: SameWidth = False,
    grid: Sweep = None,
    device: options.Device = None,
    budget: Budget = None,
    jobs: Jobs = None,
    quiet: options.Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The table as CSV.")] = False,
) -> None:
    """Train several models on the same data over several seeds, and say what differs.

    What is finished is reused, what was interrupted is gone on with: after Ctrl-C type the same line again.

    Examples: seqlab compare rnn lstm / seqlab compare rnn lstm gru --difficulty hard --match-parameters /
    seqlab compare lstm --difficulty easy,normal,hard --seeds 5 /
    seqlab compare my_cell.py lstm --task my_task.py
    """
    from seqlab.errors import UsageError

    if as_json and as_csv:
        raise UsageError("Both --json and --csv are given.", hint="Leave one out.")
    _start_server()
    from seqlab.comparison.design import Design, learned
    from seqlab.comparison.entrants import parse_grid
    from seqlab.session.budget import parse_seconds

    on, task = learned(on, task)
    named = [word for word in models if "=" not in word.partition("[")[0]]
    words = [word for word in models if word not in named]
    design = Design(
        on,
        tuple(named),
        tuple(range(1, seeds + 1)),
        overrides=(*([] if device is None else [f"compute.device={device}"]), *words),
        task=task,
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
    report: Callable[[dict[str, Any]], None] = show_json,
) -> None:
    """Run a comparison and show it: table, verdict, pictures.

    Args:
        design: what is to be compared.
        jobs: runs side by side; None for the number of cores.
        quiet: whether to leave progress out.
        as_json: whether to print everything as JSON instead.
        as_csv: whether to print the table as CSV instead.
        report: what is done with everything in place of printing it, if ``as_json``.
    """
    _start_server()
    from seqlab.comparison.design import draw_up
    from seqlab.comparison.study import conclude
    from seqlab.errors import RunFailedError

    if design.budget is not None:
        tell(f"Measuring the speed for {design.budget:g} s a run ...")
    lineup = draw_up(design)
    for advice in lineup.notes:
        tell(advice)
    finished = _train(design, lineup, jobs, quiet)
    failed = sum(item.summary is None for item in finished)
    if failed == len(finished):
        raise RunFailedError("Every run failed.", hint="`seqlab runs --status failed` lists them.")
    result = conclude(finished)
    if as_csv:
        print(result.to_csv(), end="")
    elif not as_json:
        _show(result)
    sys.stdout.flush()  # the table is there while pictures are drawn
    from seqlab.figures.comparison import keep

    folder, facts = keep(design, finished, result, lineup.notes)
    if as_json:
        report({**facts, "folder": str(folder)})
    elif not as_csv:
        for figure in facts["figures"]:
            print(folder / figure["png"])
        _say_what_is_next(finished)
    if failed:
        raise RunFailedError(
            f"{failed} of {len(finished)} runs failed.",
            hint="The same command tries them again; `seqlab runs --status failed` lists them.",
        )


def _start_server() -> None:
    """Start what the runs are forked from, before anything else is imported: it imports torch while we do."""
    from seqlab.comparison import server

    server.start()


def _train(design: Design, lineup: Lineup, jobs: int | None, quiet: bool) -> list[Entry]:
    """Train everyone on every seed, and show how they get on."""
    from seqlab.cli.live import board
    from seqlab.comparison.entries import entries_of
    from seqlab.comparison.study import study

    Thread(target=_import_the_rest, daemon=True).start()
    entries = entries_of(lineup.entrants, design.seeds)
    with board(entries, quiet) as note_update:
        return study(
            entries,
            processes=jobs,
            command=design.command,
            plugins=design.plugins,
            on_update=note_update,
            announce=tell,
        )


def _import_the_rest() -> None:
    """Import what is needed at the end, while the runs train."""
    import_module("scipy.special")
    time.sleep(PATIENCE)
    import_module("seqlab.figures.comparison")


def _show(result: Comparison) -> None:
    from seqlab.comparison.verdict import verdict
    from seqlab.comparison.wording import table

    rows = table(result)
    show_table(list(rows[0]), [list(row.values()) for row in rows])
    say(f"\n{verdict(result)}\n")


def _say_what_is_next(finished: Sequence[Entry]) -> None:
    from seqlab.runs.info import remarks_on_data

    made = [item.run.info() for item in finished if item.run is not None]
    for remark in dict.fromkeys(remark for info in made for remark in remarks_on_data(info)):
        note(remark)
    reused = sum(item.reused for item in finished)
    if reused:
        tell(f"{reused} of {len(finished)} runs had been finished before and were reused.")
    tell("Next: seqlab report, seqlab show RUN, or the same command with more --seeds.")


def split_names(text: str | None) -> tuple[str, ...]:
    """Read names with commas between them.

    >>> split_names("easy, hard"), split_names(None)
    (('easy', 'hard'), ())
    """
    return tuple(name for word in (text or "").split(",") if (name := word.strip()))

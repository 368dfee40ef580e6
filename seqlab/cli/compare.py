"""`seqlab compare`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, stderr

if TYPE_CHECKING:
    from seqlab.comparison.outcome import Comparison
    from seqlab.comparison.study import Entry, Finished
    from seqlab.comparison.workers import Update


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Two or more models (lstm, lstm[hidden_size=8], my_cell.py), then settings as key.path=value.",
            metavar="MODEL... [KEY=VALUE]...",
            autocompletion=options.complete_model,
        ),
    ],
    on: Annotated[
        str,
        typer.Option(
            help="The experiment whose task they learn.", autocompletion=options.complete_experiment
        ),
    ] = "temporal-order",
    difficulty: Annotated[str | None, typer.Option(help="The task's difficulty.")] = None,
    preset: Annotated[str | None, typer.Option(help="A preset of the experiment.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds 1 to this number.")] = 10,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Runs side by side; default: the number of cores.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
) -> None:
    """Train several models on the same data over several seeds, and say what differs.

    Examples: seqlab compare rnn lstm / seqlab compare rnn lstm gru --difficulty hard --seeds 10
    """
    named = [word for word in models if "=" not in word.partition("[")[0]]
    run_comparison(
        on,
        named,
        range(1, seeds + 1),
        overrides=[word for word in models if word not in named],
        difficulty=difficulty,
        preset=preset,
        jobs=jobs,
        quiet=quiet,
        as_json=as_json,
    )


def run_comparison(
    on: str,
    models: Sequence[str],
    seeds: Iterable[int],
    *,
    overrides: Sequence[str] = (),
    difficulty: str | None = None,
    preset: str | None = None,
    jobs: int | None = None,
    quiet: bool = False,
    as_json: bool = False,
) -> None:
    """Run a comparison and show it: table, verdict, pictures."""
    from seqlab.comparison.study import outcome, study
    from seqlab.errors import RunFailedError
    from seqlab.registry import is_plugin, parse_reference

    from seqlab.comparison.outcome import summarise
    from seqlab.tasks import build_task

    entries = _entries(on, models, list(seeds), overrides, difficulty, preset)
    command = shlex.join(["seqlab", *sys.argv[1:]])
    plugins = [name for model in models if is_plugin(name := parse_reference(model).name)]
    with _progress(entries, quiet) as note:
        finished = study(entries, processes=jobs, command=command, plugins=plugins, on_update=note)
    _report_failures(finished)
    if all(item.summary is None for item in finished):
        raise RunFailedError("Every run failed.", hint="`seqlab runs --status failed` lists them.")
    task = build_task(entries[0].experiment.task)
    result = summarise(
        [outcome(item, task.metric) for item in finished], task.metric, task.higher_is_better, task.bounds
    )
    folder, pictures = _keep(result, finished, task.metric, command)
    if as_json:
        figures = [str(path) for path in pictures]
        return show_json({**result.to_dict(), "folder": str(folder), "figures": figures, "command": command})
    rows = result.to_rows()
    show_table(list(rows[0]), [list(row.values()) for row in rows])
    print(f"\n{result.verdict}\n")
    print(next(path for path in pictures if path.suffix == ".png"))
    _say_what_next(finished)
    return None


def _say_what_next(finished: Sequence[Finished]) -> None:
    console = stderr()
    reused = sum(item.reused for item in finished)
    if reused:
        console.print(f"{reused} of {len(finished)} runs had been finished before and were reused.")
    console.print("Next: seqlab runs, seqlab show RUN, or the same command with more --seeds.")


def _entries(
    on: str,
    models: Sequence[str],
    seeds: Sequence[int],
    overrides: Sequence[str],
    difficulty: str | None,
    preset: str | None,
) -> list[Entry]:
    """Return every model on every seed, seed by seed, so that the models stay level while they train."""
    from seqlab.comparison.study import Entry, one_thread
    from seqlab.errors import UsageError
    from seqlab.settings import TrainExperiment

    repeated = sorted({model for model in models if models.count(model) > 1})
    if repeated:
        raise UsageError(
            f"The model {repeated[0]!r} is named twice.", hint="Vary it: lstm lstm[hidden_size=8]"
        )
    settings = []
    for model in models:
        experiment, _ = options.load_settings(
            on, overrides=overrides, model=model, difficulty=difficulty, preset=preset
        )
        if not isinstance(experiment, TrainExperiment):
            raise UsageError(f"{on} is not an experiment in which one model learns one task.")
        settings.append((model, one_thread(experiment)))
    return [
        Entry(model, experiment.model_copy(update={"seed": seed}))
        for seed in seeds
        for model, experiment in settings
    ]


@contextmanager
def _progress(entries: Sequence[Entry], quiet: bool) -> Iterator[Callable[[Entry, Update], None]]:
    """Show the runs as they go: a bar for each model on a terminal, a line for each finished run elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = stderr()
    live = console.is_terminal and not quiet
    labels = list(dict.fromkeys(entry.label for entry in entries))
    columns = (
        TextColumn("{task.fields[label]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not live) as bar:
        tasks = {
            label: bar.add_task("", label=label, total=sum(entry.label == label for entry in entries))
            for label in labels
        }
        solved = dict.fromkeys(labels, 0)

        def note(entry: Entry, update: Update) -> None:
            if update.kind == "step":
                text = f"{solved[entry.label]} solved; seed {entry.experiment.seed}: step {update.facts['step']:,}, loss {update.facts['loss']:.3f}"
                bar.update(tasks[entry.label], description=text)
            elif update.kind in ("finished", "failed"):
                solved[entry.label] += bool(update.facts.get("solved"))
                bar.advance(tasks[entry.label])
                if not live and not quiet:
                    console.print(_line(entry, update), soft_wrap=True)

        yield note


def _line(entry: Entry, update: Update) -> str:
    name = f"{entry.label}, seed {entry.experiment.seed}"
    if update.kind == "failed":
        return f"{name}: failed: {update.facts['message']}"
    if update.facts.get("solved"):
        return f"{name}: solved after {update.facts['sequences_to_solve']:,} sequences"
    return f"{name}: {update.facts['steps']:,} steps" + (
        ", not solved" if update.facts["solved"] is False else ""
    )


def _report_failures(finished: Sequence[Finished]) -> None:
    for item in finished:
        if item.failure is not None:
            stderr().print(
                f"[bold red]Failed:[/] {item.entry.label}, seed {item.entry.experiment.seed}: {item.failure}",
                soft_wrap=True,
            )


def _keep(
    result: Comparison, finished: Sequence[Finished], metric: str, command: str
) -> tuple[Path, list[Path]]:
    """Write the comparison's folder: outcome as JSON and CSV, pictures; return it and the pictures."""
    import json

    from seqlab.figures.comparison import learning_curves, overview
    from seqlab.figures.style import save
    from seqlab.runs import create_report, replace_file, short_model

    names = "-".join(short_model(model.model) for model in result.models)
    folder = create_report(f"{finished[0].entry.experiment.experiment}-{names}")
    runs = [item.run.id for item in finished if item.run is not None]
    facts = {"command": command, "runs": runs, **result.to_dict()}
    replace_file(folder / "comparison.json", json.dumps(facts, indent=2) + "\n")
    replace_file(folder / "comparison.csv", result.to_csv())
    curves: dict[str, list[tuple[list[float], list[float]]]] = {model.model: [] for model in result.models}
    for item in finished:
        if item.run is not None and item.entry.label in curves:
            points = [line for line in item.run.metrics() if f"validation_{metric}" in line]
            curves[item.entry.label].append(
                ([line["sequences"] for line in points], [line[f"validation_{metric}"] for line in points])
            )
    survivals = {model.model: model.survival for model in result.models if model.survival is not None}
    label = f"validation {metric}"
    figure = overview(curves, survivals, label) if survivals else learning_curves(curves, label)
    return folder, list(save(figure, folder / "comparison"))

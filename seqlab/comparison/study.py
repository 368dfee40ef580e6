"""A comparison as a set of ordinary runs: what is finished is reused, what was interrupted is gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqlab.comparison.outcome import RunOutcome
from seqlab.comparison.workers import Job, Update, run_jobs
from seqlab.registry import is_plugin
from seqlab.runs import Run, RunEntry, list_runs
from seqlab.settings import Component, TrainExperiment
from seqlab.tasks import Task, build_task
from seqlab.training.identity import fingerprint


@dataclass(frozen=True)
class Entry:
    """One model on one seed.

    Attributes:
        label: the model as it was named.
        experiment: its settings; one thread, since runs go side by side.
    """

    label: str
    experiment: TrainExperiment


@dataclass(frozen=True)
class Finished:
    """One entry with the run that answers it, or with the reason why there is none."""

    entry: Entry
    run: Run | None
    summary: dict[str, Any] | None
    reused: bool
    failure: str | None = None


def one_thread(experiment: TrainExperiment) -> TrainExperiment:
    """Return the settings with one torch thread."""
    return experiment.model_copy(update={"compute": experiment.compute.model_copy(update={"threads": 1})})


def study(
    entries: Sequence[Entry],
    *,
    processes: int | None = None,
    command: str = "",
    plugins: Sequence[str] = (),
    on_update: Callable[[Entry, Update], None] = lambda entry, update: None,
) -> list[Finished]:
    """Train what is not trained yet, and return every entry with its run.

    Args:
        entries: models on seeds.
        processes: runs side by side; None for the number of cores.
        command: the command line, for the runs' records.
        plugins: the user's own files that were named on the command line.
        on_update: called with everything that a run says while it trains.

    Raises:
        Interrupted: after Ctrl-C; the same call goes on where this one stopped.
    """
    known = {entry.info.extra["fingerprint"]: entry for entry in list_runs() if _identified(entry)}
    done: list[Finished | None] = []
    jobs: list[Job] = []
    places: list[int] = []
    tasks: dict[str, Task] = {}
    for place, entry in enumerate(entries):
        mark = fingerprint(entry.experiment, _data_hash(entry.experiment.task, tasks))
        before = known.get(mark)
        if before is not None and before.status == "finished" and before.summary is not None:
            done.append(Finished(entry, Run(before.path), before.summary, reused=True))
            continue
        # a plug-in's run is begun anew: its file may only be loaded under the name that was typed
        resumable = (
            before is not None
            and before.status == "interrupted"
            and not is_plugin(entry.experiment.model.name)
        )
        done.append(None)
        places.append(place)
        jobs.append(
            Job(
                entry.label,
                entry.experiment,
                before.id if resumable and before else None,
                command,
                tuple(plugins),
            )
        )

    runs: dict[int, Run] = {}

    def note(update: Update) -> None:
        place = places[update.job]
        if update.kind == "began":
            runs[place] = Run(Path(update.facts["path"]))
        elif update.kind == "finished":
            done[place] = Finished(entries[place], runs[place], update.facts, reused=False)
        elif update.kind == "failed":
            done[place] = Finished(
                entries[place], runs.get(place), None, reused=False, failure=update.facts["message"]
            )
        on_update(entries[place], update)

    run_jobs(jobs, processes or os.cpu_count() or 1, note)
    return [finished for finished in done if finished is not None]


def outcome(finished: Finished, metric: str) -> RunOutcome:
    """Return what a run's summary says, for the statistics."""
    summary = finished.summary or {}
    held_out = summary.get("held_out") or {}
    return RunOutcome(
        model=finished.entry.label,
        seed=finished.entry.experiment.seed,
        status="failed" if finished.summary is None else "finished",
        parameters=int(summary.get("parameters", 0)),
        solved=summary.get("solved"),
        sequences_to_solve=summary.get("sequences_to_solve"),
        sequences_seen=int(summary.get("sequences_seen", 0)),
        metric=held_out.get(metric),
        errors=held_out.get("errors"),
        wall_seconds=float(summary.get("training_seconds", 0.0)),
        steps=int(summary.get("steps", 0)),
        run_id="" if finished.run is None else finished.run.id,
    )


def _identified(entry: RunEntry) -> bool:
    return entry.info is not None and isinstance(entry.info.extra.get("fingerprint"), str)


def _data_hash(task: Component, built: dict[str, Task]) -> str | None:
    """Return the hash of a task's corpus; each task is built once."""
    key = repr(task)
    if key not in built:
        built[key] = build_task(task)
    corpus = getattr(built[key], "corpus_info", None)
    return None if corpus is None else str(corpus.sha256)

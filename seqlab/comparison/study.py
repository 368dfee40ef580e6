"""A comparison as a set of ordinary runs: the finished are reused, the interrupted gone on with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from seqlab.comparison.entrants import Entrant
from seqlab.comparison.outcome import Comparison, RunOutcome, summarise
from seqlab.comparison.workers import Job, Update, Wanted, run_jobs
from seqlab.engines import engine_of, settle
from seqlab.errors import Interrupted
from seqlab.models import outline
from seqlab.runs import Run, RunEntry, list_runs, make_runs_dir
from seqlab.runs.machine import processors
from seqlab.session.identity import Identity, identify
from seqlab.session.opening import trials_of
from seqlab.settings import TrainExperiment
from seqlab.tasks import Metric, Task, build_task
from seqlab.training.runtime import pick_device


@dataclass(frozen=True)
class Entry:
    """One model on one seed.

    Attributes:
        label: the model as it was named.
        experiment: its settings; one thread, since runs go side by side.
        level: the difficulty, where a comparison climbs several; else None.
    """

    label: str
    experiment: TrainExperiment
    level: str | None = None


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


def entries_of(entrants: Sequence[Entrant], seeds: Sequence[int]) -> list[Entry]:
    """Return every entrant on every seed: level by level, there seed by seed, so that models stay abreast."""
    entries = []
    for level, group in groupby(entrants, key=lambda entrant: entrant.level):
        here = [(entrant.label, one_thread(entrant.experiment)) for entrant in group]
        entries += [
            Entry(label, experiment.model_copy(update={"seed": seed}), level)
            for seed in seeds
            for label, experiment in here
        ]
    return entries


def study(
    entries: Sequence[Entry],
    *,
    processes: int | None = None,
    command: str = "",
    plugins: Sequence[str] = (),
    on_update: Callable[[Entry, Update], None] = lambda entry, update: None,
    announce: Callable[[str], None] | None = None,
) -> list[Finished]:
    """Train what is not trained yet, and return every entry with its run.

    A finished run of the same settings, code and data is reused, an interrupted one gone on with; one that
    failed is tried again.

    Args:
        entries: models on seeds.
        processes: runs side by side; None for the number of cores.
        command: the command line, for the runs' records.
        plugins: the user's own files that were named on the command line.
        on_update: called with everything that a run says: ``reused`` or ``began``, its steps, its end.
        announce: called with a line where code must be compiled first, which takes some seconds.

    Raises:
        Interrupted: after Ctrl-C; the same call goes on where this one stopped.
    """
    make_runs_dir()
    done, missing = _take_stock(entries)
    for place, finished in done.items():
        on_update(finished.entry, Update(place, "reused", finished.summary or {}))
    processes = processes or processors()
    jobs = [Job(runs, command, tuple(plugins)) for runs in share_out(entries, missing, processes)]
    for engine in {wanted.experiment.training.engine for wanted in missing}:
        if not engine_of(engine).is_ready():
            engine_of(engine).make_ready(announce)  # here, once, rather than in each process
    runs: dict[int, Run] = {}

    def note(update: Update) -> None:
        place = update.place
        entry, run = entries[place], runs.get(place)
        if update.kind == "began":
            runs[place] = Run(Path(update.facts["path"]))
        elif update.kind == "finished":
            done[place] = Finished(entry, run, update.facts, reused=False)
        elif update.kind == "failed":
            done[place] = Finished(entry, run, None, reused=False, failure=update.facts["message"])
        on_update(entry, update)

    try:
        run_jobs(jobs, processes, note)
    except Interrupted as error:
        saved = len(runs.keys() - done.keys())
        raise Interrupted(
            f"Interrupted: {len(done)} of {len(entries)} runs are finished, {saved} begun and saved.",
            hint=error.hint,
        ) from None
    return [done[place] for place in sorted(done)]


def _take_stock(entries: Sequence[Entry]) -> tuple[dict[int, Finished], list[Wanted]]:
    """Return by place what is finished already, and what is to be trained or gone on with."""
    known = _known_runs()
    done: dict[int, Finished] = {}
    missing: list[Wanted] = []
    tasks: dict[str, Task] = {}
    for place, entry in enumerate(entries):
        before = known.get(identity_of(entry.experiment, tasks).fingerprint)
        if before is not None and before.status == "finished" and before.summary is not None:
            done[place] = Finished(entry, Run(before.path), before.summary, reused=True)
        else:
            resumed = before.id if before is not None and before.status == "interrupted" else None
            missing.append(Wanted(place, entry.experiment, resumed))
    return done, missing


def share_out(
    entries: Sequence[Entry], missing: Sequence[Wanted], processes: int
) -> list[tuple[Wanted, ...]]:
    """Divide runs among processes, in the order in which they are to be begun.

    With an engine that trains several at once the seeds of a model advance together: each process gets a
    share of them. Every other run is by itself.
    """
    found: list[tuple[Wanted, ...]] = []
    together: dict[tuple[str | None, str], list[Wanted]] = {}
    for wanted in missing:
        entry = entries[wanted.place]
        if engine_of(wanted.experiment.training.engine).together:
            together.setdefault((entry.level, entry.label), []).append(wanted)
        else:
            found.append((wanted,))
    for group in together.values():
        shares = min(processes, len(group))
        found += [tuple(group[k::shares]) for k in range(shares)]
    return sorted(found, key=lambda runs: runs[0].place)


def _known_runs() -> dict[str, RunEntry]:
    """Return the run of each fingerprint that is of most use: finished, else interrupted; the newest."""
    known: dict[str, RunEntry] = {}
    worth = {"finished": 2, "interrupted": 1}
    for entry in list_runs():  # newest first
        mark = entry.info.extra.get("fingerprint") if entry.info is not None else None
        if isinstance(mark, str):
            before = known.get(mark)
            if before is None or worth.get(entry.status, 0) > worth.get(before.status, 0):
                known[mark] = entry
    return known


def outcome(finished: Finished, metric: Metric) -> RunOutcome:
    """Return what a run's summary says, for the statistics.

    What a model comes to in another trial, and mixed with counts, are figures beside its metric.
    """
    summary = finished.summary or {}
    held_out = summary.get("held_out") or {}
    others = {
        f"{metric.title} ({name})": figures.get(metric.name)
        for name, figures in (summary.get("trials") or {}).items()
        if figures != held_out
    } | {
        f"mixed {metric.title} ({name})": figures.get(metric.name)
        for name, figures in (summary.get("mixture") or {}).items()
    }
    return RunOutcome(
        model=finished.entry.label,
        seed=finished.entry.experiment.seed,
        status="failed" if finished.summary is None else "finished",
        parameters=int(summary.get("parameters", 0)),
        solved=summary.get("solved"),
        sequences_to_solve=summary.get("sequences_to_solve"),
        sequences_seen=int(summary.get("sequences_seen", 0)),
        metric=held_out.get(metric.name),
        errors=held_out.get("errors"),
        wall_seconds=float(summary.get("training_seconds", 0.0)),
        steps=int(summary.get("steps", 0)),
        run_id="" if finished.run is None else finished.run.id,
        level=finished.entry.level,
        further=others,
    )


def conclude(finished: Sequence[Finished]) -> Comparison:
    """Return what came of the runs of one task."""
    experiment = finished[0].entry.experiment
    task = build_task(experiment.task)
    metric = task.metric
    ordinary = [name for name, trial in trials_of(experiment, task).items() if trial.is_ordinary]
    name = f"{metric.title} ({ordinary[0]})" if ordinary else metric.title
    low, high = metric.bounds
    bounds = (-math.inf if low is None else low, math.inf if high is None else high)
    return summarise(
        [outcome(item, metric) for item in finished], name, bool(metric.higher_is_better), bounds
    )


def learning_curves(
    finished: Sequence[Finished], metric: str
) -> dict[str, list[tuple[list[float], list[float]]]]:
    """Return the validations of all runs by entrant: for each seed the sequences seen, and a metric there."""
    curves: dict[str, list[tuple[list[float], list[float]]]] = {}
    key = f"validation_{metric}"
    for item in finished:
        level = item.entry.level
        runs = curves.setdefault(item.entry.label if level is None else f"{level}: {item.entry.label}", [])
        if item.run is not None:
            points = [line for line in item.run.metrics() if line.get(key) is not None]
            runs.append(([line["sequences"] for line in points], [line[key] for line in points]))
    return curves


def identity_of(experiment: TrainExperiment, built: dict[str, Task] | None = None) -> Identity:
    """Return what a run of an experiment, whose engine is taken, would be known by.

    Args:
        experiment: the settings.
        built: tasks by their settings, so that each is built once.
    """
    built = {} if built is None else built
    key = repr(experiment.task)
    if key not in built:
        built[key] = build_task(experiment.task)
    task, device = built[key], pick_device(experiment.compute.device)
    settled = settle(experiment, task, outline(experiment.model, task.spec), device)
    return identify(settled.experiment, task, device)

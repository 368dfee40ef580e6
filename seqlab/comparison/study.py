"""A comparison as a set of ordinary runs: the finished are reused, the interrupted gone on with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seqlab.comparison.entries import Entry
from seqlab.comparison.outcome import Comparison, RunOutcome, summarise
from seqlab.comparison.workers import Job, Update, run_jobs
from seqlab.engines import engine_of, settle
from seqlab.errors import Interrupted
from seqlab.models import outline
from seqlab.runs import Guessed, Run, RunEntry, guessed, list_runs, make_runs_dir
from seqlab.runs.machine import processors
from seqlab.session.identity import Identity, identify
from seqlab.session.opening import trials_of
from seqlab.session.passes import within_passes
from seqlab.settings import TrainExperiment
from seqlab.tasks import Metric, Task, build_task
from seqlab.training.runtime import pick_device


def study(
    entries: Sequence[Entry],
    *,
    processes: int | None = None,
    command: str = "",
    plugins: Sequence[str] = (),
    on_update: Callable[[Entry, Update], None] = lambda entry, update: None,
    announce: Callable[[str], None] | None = None,
) -> list[Entry]:
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
    found = _take_stock(entries)
    missing = {place: entry for place, entry in enumerate(found) if not entry.reused}
    for place, entry in enumerate(found):
        if entry.reused:
            on_update(entry, Update(place, "reused", entry.summary or {}))
    processes = processes or processors()
    jobs = [Job(runs, command, tuple(plugins)) for runs in share_out(missing, processes)]
    for engine in {entry.experiment.training.engine for entry in missing.values()}:
        if not engine_of(engine).is_ready():
            engine_of(engine).make_ready(announce)  # here, once, rather than in each process

    def note(update: Update) -> None:
        entry = found[update.place]
        if update.kind == "began":
            entry = replace(entry, run=Run(Path(update.facts["path"])))
        elif update.kind == "finished":
            entry = replace(entry, summary=update.facts)
        elif update.kind == "failed":
            entry = replace(entry, failure=update.facts["message"])
        found[update.place] = entry
        on_update(entry, update)

    try:
        run_jobs(jobs, processes, note)
    except Interrupted as error:
        ended = sum(entry.has_ended for entry in found)
        saved = sum(entry.run is not None and not entry.has_ended for entry in found)
        raise Interrupted(
            f"Interrupted: {ended} of {len(found)} runs are finished, {saved} begun and saved.",
            hint=error.hint,
        ) from None
    return [entry for entry in found if entry.has_ended]


def _take_stock(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with the runs that are finished already or can be gone on with."""
    known = _known_runs()
    tasks: dict[str, Task] = {}
    found = []
    for entry in entries:
        before = known.get(identity_of(entry.experiment, tasks).fingerprint)
        if before is not None and before.status == "finished" and before.summary is not None:
            entry = replace(entry, run=Run(before.path), summary=before.summary, reused=True)
        elif before is not None and before.status == "interrupted":
            entry = replace(entry, run=Run(before.path))
        found.append(entry)
    return found


def share_out(missing: Mapping[int, Entry], processes: int) -> list[dict[int, Entry]]:
    """Divide runs, by their places, among processes, in the order in which they are to be begun.

    With an engine that trains several at once the seeds of a model advance together: each process gets a
    share of them. Every other run is by itself.
    """
    found: list[list[int]] = []
    together: dict[str, list[int]] = {}
    for place, entry in missing.items():
        if engine_of(entry.experiment.training.engine).together:
            together.setdefault(entry.title, []).append(place)
        else:
            found.append([place])
    for group in together.values():
        shares = min(processes, len(group))
        found += [group[k::shares] for k in range(shares)]
    return [{place: missing[place] for place in places} for places in sorted(found)]


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


def outcome(entry: Entry, metric: Metric) -> RunOutcome:
    """Return what a run's summary says, for the statistics.

    What a model comes to in another trial, and mixed with counts, are figures beside its metric.
    """
    summary = entry.summary or {}
    held_out = summary.get("held_out") or {}
    guess = Guessed() if entry.run is None else guessed(entry.run.info())
    declared = [] if entry.run is None else entry.run.info().extra.get("metrics") or []
    only_there = [Metric.from_dict(each) for each in declared if each["name"] not in held_out]
    others = {
        f"{each.title} ({name})": figures.get(each.name)
        for name, figures in (summary.get("trials") or {}).items()
        if figures != held_out
        for each in (metric, *(other for other in only_there if other.name in figures))
    } | {
        f"mixed {metric.title} ({name})": figures.get(metric.name)
        for name, figures in (summary.get("mixture") or {}).items()
    }
    return RunOutcome(
        model=entry.label,
        seed=entry.experiment.seed,
        status="failed" if entry.summary is None else "finished",
        parameters=int(summary.get("parameters", 0)),
        solved=summary.get("solved"),
        sequences_to_solve=summary.get("sequences_to_solve"),
        sequences_seen=int(summary.get("sequences_seen", 0)),
        metric=held_out.get(metric.name),
        errors=held_out.get("errors"),
        wall_seconds=float(summary.get("training_seconds", 0.0)),
        steps=int(summary.get("steps", 0)),
        run_id="" if entry.run is None else entry.run.id,
        level=entry.level,
        further=others,
        guess=guess.figures.get(metric.name),
        guess_name=guess.name,
    )


def conclude(finished: Sequence[Entry]) -> Comparison:
    """Return what came of the runs of one task."""
    experiment = finished[0].experiment
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
    finished: Sequence[Entry], metric: str
) -> dict[str, list[tuple[list[float], list[float]]]]:
    """Return the validations of all runs by entrant: for each seed the sequences seen, and a metric there."""
    curves: dict[str, list[tuple[list[float], list[float]]]] = {}
    key = f"validation_{metric}"
    for item in finished:
        runs = curves.setdefault(item.title, [])
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
    experiment, _ = within_passes(experiment, task)
    settled = settle(experiment, task, outline(experiment.model, task.spec), device)
    return identify(settled.experiment, task, device)

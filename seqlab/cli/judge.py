"""`seqlab judge`: a trained run judged in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell
from seqlab.cli.language_model import Alone

if TYPE_CHECKING:
    from seqlab.models import SequenceModel
    from seqlab.runs import Run
    from seqlab.session import Session
    from seqlab.tasks import Trial


def judge(
    run: options.NamedRun = "latest",
    overrides: options.Overrides = None,
    answers: Annotated[
        Literal["shown", "greedy", "beam"],
        typer.Option(help="Shown with the right symbols so far as the input, or written by the model."),
    ] = "shown",
    sequences: Annotated[
        int | None,
        typer.Option(min=1, help="Sequences to judge on; default: as many as the run's settings say."),
    ] = None,
    checkpoint: options.Checkpoint = "best",
    alone: Alone = False,
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Judge a trained run in another way: with other options of its task, or on answers that it writes.

    Examples: seqlab judge latest task.length=500 / seqlab judge latest --answers greedy
    """
    from seqlab.session import reopen
    from seqlab.session.opening import trial_task
    from seqlab.session.recording import judge_in

    if run is not None and "=" in run:
        run, overrides = "latest", [run, *(overrides or [])]
    found = options.the_run(run)
    options.admit_plugins(found, model, task, anyway=anyway)
    session = reopen(found, model, task, anyway=anyway)
    trial = _trial(session, overrides or [], answers)
    judged = _model(found, session, checkpoint, alone)
    figures = judge_in(session, trial, judged, sequences)
    is_mixed = judged is not session.model
    which = {"checkpoint": checkpoint, "sequences": sequences, "mixed": is_mixed}
    unusual = [f"{key}={value}" for key, value in which.items() if value not in ("best", None, False)]
    name = ", ".join([trial.name, *unusual])
    guess = _guess(session, trial, sequences)
    told = {"trial": trial.to_dict(), "figures": figures, "guess": guess}
    found.keep_judgement(name, {**told, **which})
    summary = found.summary() or {}
    before = (next(iter(summary["mixture"].values())) if is_mixed else summary.get("held_out")) or {}
    if as_json:
        return show_json({"run": found.id, **told, "held_out": before})
    beside = () if guess is None else (f"{guess['name']} there",)
    show_table(
        ("figure", "as trained", name, *beside),
        [
            (
                metric.title,
                _word(before.get(metric.name)),
                _word(figures[metric.name]),
                *(() if guess is None else (_word(guess["figures"].get(metric.name)),)),
            )
            for metric in trial_task(session, trial).metrics
            if metric.name in figures
        ],
    )
    tell(f"Kept in {found.judgements_path}\nNext: seqlab plot {found.id}")
    return None


def _trial(session: Session, words: list[str], answers: Literal["shown", "greedy", "beam"]) -> Trial:
    """Return the trial that was asked for, its options checked."""
    from seqlab.errors import UsageError
    from seqlab.registry import check_options
    from seqlab.session.opening import trial_task
    from seqlab.settings import COMMAND_LINE, Component, Document, apply_overrides, parse_override
    from seqlab.tasks import Trial

    changed = {}
    for key, value in map(parse_override, words):
        section, _, option = key.partition(".")
        if section != "task" or option in ("", "name"):
            raise UsageError(
                f"{key} cannot be judged otherwise: a finished run has the model it has.",
                hint="Options of the task are given as task.length=500.",
            )
        changed[option] = value
    own = session.experiment.task
    document = apply_overrides(Document({"task": own.model_dump()}, COMMAND_LINE), words)
    checked = check_options("task", Component(name=own.name, **{**own.options, **changed}), document)
    name = ", ".join([*words, *([] if answers == "shown" else [answers])]) or "held out"
    trial = Trial(name, {key: checked.options[key] for key in changed}, answers)
    trial_task(session, trial)
    return trial


def _guess(session: Session, trial: Trial, sequences: int | None) -> dict[str, Any] | None:
    """Return what guessing comes to in a trial, where answers are shown."""
    from seqlab.session.opening import trial_task

    if trial.answers != "shown":
        return None
    experiment = session.experiment
    sequences = sequences or experiment.training.test_sequences
    return trial_task(session, trial).guess(sequences, experiment.seed).to_dict()


def _model(run: Run, session: Session, checkpoint: options.Weights, alone: bool) -> SequenceModel:
    """Return the trained model, mixed with its counts where it is."""
    from seqlab.session.mixing import mix_with_saved
    from seqlab.session.trained import load_trained

    load_trained(run, session.model, session.experiment, checkpoint)
    mixture = session.experiment.mixture
    if mixture is None or alone or run.info().status != "finished":
        return session.model
    return mix_with_saved(session.model, run, mixture)


def _word(value: Any) -> str:
    return "–" if value is None else f"{value:.6g}"

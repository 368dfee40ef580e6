"""A finished run that is gone on with, beyond its end."""

from __future__ import annotations

from seqlab.errors import RunFolderError
from seqlab.runs import Run, owning
from seqlab.runs.info import now
from seqlab.session.identity import identify
from seqlab.session.opening import go_on, open_session
from seqlab.settings import TrainExperiment, dump
from seqlab.training.checkpoints import counters_of, go_beyond_the_end
from seqlab.training.optimisers import learning_rate

KEPT = ("finished", "steps", "held_out")
"""What a run remembers of an earlier end."""


def extend(
    run: Run, steps: int, model: str | None = None, task: str | None = None, *, anyway: bool = False
) -> str:
    """Let a finished run have more steps, so that it can be gone on with from its last checkpoint.

    Its settings become those of a run that was to take all of them from the beginning: a schedule that had
    come to its end rises to where the longer one is at that step, and falls anew. It ends with these steps
    alone, not when ``stop_when`` is met or ``passes`` are over. What it had come to is kept in ``run.json``,
    as ``earlier``. Killed meanwhile, it is finished, or interrupted and can be gone on with.

    Args:
        run: the run.
        steps: how many more.
        model: the plug-in file that the run's model came from, as it was named on the command line.
        task: likewise that of its task.
        anyway: whether to do so although something has changed that its figures depend on.

    Returns:
        What is to be said of it.

    Raises:
        RunFolderError: when the run is not finished, another process owns it, or something has changed.
    """
    with owning(run):
        return _extend(run, steps, model, task, anyway)


def _extend(run: Run, steps: int, model: str | None, task: str | None, anyway: bool) -> str:
    info = run.info()
    if info.status != "finished":
        raise RunFolderError(
            f"{run.id} is {info.status}: only a finished run is given more steps.",
            hint=f"Go on with it first: seqlab resume {run.id}",
        )
    before = go_on(run, model, task, anyway=anyway, words=f" --steps {steps}").experiment
    done = int(counters_of(run.last_checkpoint)["step"])
    longer = before.training.model_copy(update={"steps": done + steps, "stop_when": {}, "passes": None})
    experiment = before.model_copy(update={"training": longer})
    session = open_session(experiment, run, anyway=anyway)
    identity = identify(session.experiment, session.task, session.device)
    _take_back_the_end(run)
    go_beyond_the_end(run.last_checkpoint)
    run.write_config(dump(session.experiment.model_dump()))
    run.update_info(extra={"fingerprint": identity.fingerprint, "identity": identity.to_dict()})
    return f"{run.id} goes on from step {done:,} to {done + steps:,}. {_rates(before, experiment, done)}"


def _take_back_the_end(run: Run) -> None:
    """Make a finished run an interrupted one, without the files of an end that is none any more."""
    info, summary = run.info(), run.summary() or {}
    ended = {"finished": info.ended or now(), **{key: summary[key] for key in KEPT if key in summary}}
    final = {"metrics.jsonl", "summary.json", "answers.json"}
    run.update_info(
        status="interrupted",
        files={
            name: digest
            for name, digest in info.files.items()
            if name not in final and not name.startswith("checkpoints/")
        },
        extra={
            "earlier": [*info.extra.get("earlier", []), ended],
            "fingerprint": None,  # until its settings are the longer ones, it is like no other run
        },
    )
    for path in (run.summary_path, run.answers_path):
        path.unlink(missing_ok=True)


def _rates(before: TrainExperiment, experiment: TrainExperiment, done: int) -> str:
    """Say how the learning rate goes on."""
    was, first = learning_rate(before.training, max(done - 1, 0)), learning_rate(experiment.training, done)
    last = learning_rate(experiment.training, experiment.training.steps - 1)
    if experiment.training.schedule == "constant":
        return f"The learning rate stays {first:.3g}."
    return (
        f"The learning rate, {was:.3g} at the last step, goes on at {first:.3g}, as in a run of all steps, "
        f"and comes to {last:.3g}."
    )

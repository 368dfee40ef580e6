"""A finished run that is gone on with, beyond its end."""

from __future__ import annotations

from seqlab.errors import RunFolderError
from seqlab.runs import Run
from seqlab.runs.info import now
from seqlab.session.identity import identify
from seqlab.session.opening import open_session, read_experiment
from seqlab.settings import TrainExperiment, dump
from seqlab.training.checkpoints import counters_of, go_beyond_the_end
from seqlab.training.optimisers import learning_rate

KEPT = ("finished", "steps", "held_out")
"""What a run remembers of an earlier end."""


def extend(run: Run, steps: int, model: str | None = None, task: str | None = None) -> str:
    """Let a finished run have more steps, so that it can be gone on with from its last checkpoint.

    Its settings become those of a run that was to take all of them from the beginning: a schedule that had
    come to its end rises to where the longer one is at that step, and falls anew. It ends with these steps
    alone, not when ``stop_when`` is met or ``passes`` are over. What it had come to is kept in ``run.json``,
    as ``earlier``.

    Args:
        run: the run.
        steps: how many more.
        model: the plug-in file that the run's model came from, as it was named on the command line.
        task: likewise that of its task.

    Returns:
        What is to be said of it.

    Raises:
        RunFolderError: when the run is not finished.
    """
    info = run.info()
    if info.status != "finished":
        raise RunFolderError(
            f"{run.id} is {info.status}: only a finished run is given more steps.",
            hint=f"Go on with it first: seqlab resume {run.id}",
        )
    before, done = read_experiment(run, model, task), int(counters_of(run.last_checkpoint)["step"])
    longer = before.training.model_copy(update={"steps": done + steps, "stop_when": {}, "passes": None})
    experiment = before.model_copy(update={"training": longer})
    summary = run.summary(info) or {}
    ended = {"finished": info.ended or now(), **{key: summary[key] for key in KEPT if key in summary}}
    session = open_session(experiment, run)
    identity = identify(session.experiment, session.task, session.device)
    final = {"metrics.jsonl", "summary.json", "answers.json", "checkpoints/last.pt"}
    open_ended = {name: digest for name, digest in info.files.items() if name not in final}
    run.update_info(
        status="interrupted",
        files={name: digest for name, digest in open_ended.items() if not name.startswith("checkpoints/")},
        extra={
            "earlier": [*info.extra.get("earlier", []), ended],
            "fingerprint": identity.fingerprint,
            "identity": identity.to_dict(),
        },
    )
    for path in (run.summary_path, run.answers_path):  # those of an end that is none any more
        path.unlink(missing_ok=True)
    go_beyond_the_end(run.last_checkpoint)
    run.write_config(dump(session.experiment.model_dump()))
    return f"{run.id} goes on from step {done:,} to {done + steps:,}. {_rates(before, experiment, done)}"


def _rates(before: TrainExperiment, experiment: TrainExperiment, done: int) -> str:
    """Say how the learning rate goes on."""
    was, first = learning_rate(before.training, max(done - 1, 0)), learning_rate(experiment.training, done)
    last = learning_rate(experiment.training, experiment.training.steps - 1)
    if experiment.training.schedule == "constant":
        return f"The learning rate stays {first:.3g}."
    return (
        f"The learning rate, {was:.3g} at the last step, goes on at {first:.3g}, as in a run of all steps, "
        f"and falls to {last:.3g}."
    )

"""The data that a run was trained on: whether it is there, whether it is the same, and where it has gone."""

from __future__ import annotations

from seqlab.errors import NotInstalledError, RunFolderError, TextError, UsageError
from seqlab.plugins import flags
from seqlab.registry import check_options, load
from seqlab.runs import Run
from seqlab.settings import Component, Document, TrainExperiment, dump
from seqlab.tasks import Task, build_task


def task_of(run: Run, experiment: TrainExperiment, *, anyway: bool = False) -> Task:
    """Build the task of a run from its settings, on the data that it was trained on or, ``anyway``, others.

    Raises:
        RunFolderError: when the data is another.
        TextError: when it is not there, with how to say where it is.
    """
    try:
        task = build_task(experiment.task)
    except (TextError, OSError) as error:
        if _option(experiment) is None or isinstance(error, NotInstalledError):
            raise
        reason = error.message if isinstance(error, TextError) else str(error)
        message = f"{run.id} was trained on data that cannot be read: {reason}"
        raise TextError(message, hint=_hint(run, experiment)) from None
    if not anyway:
        check_data(run, task, experiment)
    return task


def check_data(run: Run, task: Task, experiment: TrainExperiment) -> None:
    """Raise a RunFolderError when a task reads other data than a run was trained on."""
    data, trained_on = task.data, run.info().data_hash
    if data is None or trained_on in (None, data.sha256):
        return
    instead = f" {data.reason}" if data.stands_in_for and data.reason else ""
    raise RunFolderError(
        f"{run.id} was trained on data with SHA-256 {trained_on[:12]}..., but {data.name!r} here has "
        f"{data.sha256[:12]}....{instead}",
        hint=("Has it been changed since?" if _option(experiment) is None else _hint(run, experiment))
        + " To take it as it is, add --anyway.",
    )


def move_text(run: Run, experiment: TrainExperiment, text: str) -> None:
    """Write down that the text, or other data, of a run is found elsewhere now; nothing else changes.

    Args:
        run: whose settings are written anew.
        experiment: its settings.
        text: a file or folder, or a corpus by name.

    Raises:
        UsageError: when the task of the run reads no files.
        RunFolderError: when the text there is another.
    """
    option = _option(experiment)
    if option is None:
        raise UsageError(
            f"{run.id} was not trained on a text, or on other data that its task names (`reads`).",
            hint="Leave --text out.",
        )
    told = Component(name=experiment.task.name, **{**experiment.task.options, option: text})
    moved = experiment.model_copy(update={"task": check_options("task", told, Document({}, "--text"))})
    check_data(run, build_task(moved.task), moved)
    run.write_config(dump(moved.model_dump()))


def _option(experiment: TrainExperiment) -> str | None:
    """Return the option of the task that names the files which it reads, if it says so."""
    reads: str | None = load("task", experiment.task.name).reads
    return reads


def _hint(run: Run, experiment: TrainExperiment) -> str:
    own = flags(experiment.model.name, experiment.task.name)
    return f"Where is it now? seqlab resume {run.id}{own} --text PATH takes it, if it is the same."

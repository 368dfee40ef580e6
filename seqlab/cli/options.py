"""What many commands share: arguments and options, the settings that they come to, names for completion."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqlab.cli.console import tell
from seqlab.configure import admit_named, load_settings
from seqlab.doing import be_quiet

if TYPE_CHECKING:
    from seqlab.runs import Run, RunInfo

__all__ = ["admit_named", "load_settings"]


def admit_plugins(run: Run, model: str | None, task: str | None, *, anyway: bool) -> None:
    """Load the user's own files of a run, which were named on the command line.

    Args:
        run: that was made with them.
        model: the file of its model, or None.
        task: likewise.
        anyway: whether to take them although they have changed since.

    Raises:
        RunFolderError: when one has changed, and ``anyway`` is not said.
        PluginError: when one cannot be imported.
    """
    from seqlab.plugins import admit
    from seqlab.runs.own_files import require_unchanged

    if not anyway:
        require_unchanged(run, {"model": model, "task": task})
    for name in (model, task):
        if name is not None:
            admit(name)


def the_run(reference: str, *, where: Callable[[RunInfo], bool] | None = None, kind: str = "run") -> Run:
    """Return the run that a user means, as :func:`seqlab.runs.find_run` does, and say which that is.

    It is not said where the user named it outright, nor of ``latest`` where that is the newest run of all.
    """
    from seqlab.runs import find_run, latest_run

    if reference == "latest":
        found, newest = latest_run(where, kind)
        if newest.id != found.id:
            why = f": {newest.id}, which is newer, is damaged" if newest.info is None else ""
            tell(f"Using {found.id}{why}")
        return found
    found = find_run(reference, where=where, kind=kind)
    if found.id not in (reference, Path(reference).name):
        tell(f"Using {found.id}")
    return found


def complete_experiment(incomplete: str) -> list[str]:
    """Complete the name of an experiment."""
    from seqlab.settings import experiment_names

    return _that_begin(experiment_names(), incomplete)


def complete_model(incomplete: str) -> list[str]:
    """Complete the name of a model."""
    from seqlab.registry import names

    return _that_begin(names("model"), incomplete)


def complete_task(incomplete: str) -> list[str]:
    """Complete the name of a task."""
    from seqlab.registry import names

    return _that_begin(names("task"), incomplete)


def complete_preset(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a preset of the experiment typed before."""
    from seqlab.settings import experiment_names, preset_names

    typed = [context.params.get("experiment"), context.params.get("on"), *context.args]  # args: not parsed
    if context.info_name == "compare":
        typed.append("temporal-order")  # what it compares on
    name = next((word for word in typed if word in experiment_names()), None)
    return _that_begin(preset_names(name) if name else [], incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Complete the id of a run, from the names of the folders alone."""
    from seqlab.runs.store import folder_names, runs_dir

    return _that_begin(["latest", *folder_names(runs_dir())], incomplete)


def complete_trashed(incomplete: str) -> list[str]:
    """Complete the id of a run in the trash."""
    from seqlab.runs.store import folder_names, trash_dir

    return _that_begin(folder_names(trash_dir()), incomplete)


def complete_setting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the key of a setting: ``training.lea`` becomes ``training.learning_rate=``.

    The options of the task and the model are those of the experiment and ``--model`` typed before; without
    them, of all tasks and models.
    """
    from seqlab.defaults import setting_keys

    typed = context.params
    name = typed.get("experiment") or typed.get("on")
    keys = setting_keys(name, model=typed.get("model"), task=typed.get("task"))
    return _that_begin([f"{key}=" for key in keys], incomplete)


def complete_explained(incomplete: str) -> list[str]:
    """Complete the name of a model, of a task or of an experiment."""
    found = (complete(incomplete) for complete in (complete_model, complete_task, complete_experiment))
    return sorted({name for names in found for name in names})


def complete_model_or_setting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a word of ``compare``: the name of a model or the key of a setting."""
    return [*complete_model(incomplete), *complete_setting(context, incomplete)]


def writable_folder(folder: Path | None) -> Path | None:
    """Refuse at once a folder that nothing could be written into at the end."""
    from seqlab.errors import UsageError

    if folder is None:
        return None
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if there.is_dir() and os.access(there, os.W_OK):
        return folder
    reason = "is a folder that you may not write to" if there.is_dir() else "is a file, not a folder"
    raise UsageError(
        f"{str(folder)!r} cannot be written: {str(there)!r} {reason}.",
        hint="Name another folder, or leave --output out.",
    )


def require_writable(file: Path | None, option: str, runs: Iterable[Run], *read: str | Path) -> None:
    """Refuse at once a file that could not be written, or would be written over what is read.

    Args:
        file: that a command is to write; None where it writes none.
        option: by which it was named.
        runs: whose data it must not be, whatever option of their tasks names these.
        read: what the command reads besides.
    """
    from seqlab.errors import UsageError

    if file is None:
        return
    if file.is_dir() or not file.absolute().parent.is_dir():
        wrong = "it is a folder" if file.is_dir() else "its folder is not there"
        raise UsageError(f"{str(file)!r} cannot be written: {wrong}.", hint=f"Name a file: {option} FILE")
    require_not_read(file, option, runs, *read)


def require_not_read(file: Path | None, option: str, runs: Iterable[Run], *read: str | Path) -> None:
    """Refuse a file that would be written over what is read; see :func:`require_writable`."""
    from seqlab.errors import UsageError

    if file is None or not file.exists():
        return
    known = [
        value
        for run in runs
        for key, value in run.settings().items()
        if key.startswith("task.") and isinstance(value, str) and Path(value).is_absolute()
    ]
    own = file.resolve()
    for one in map(Path, (*read, *known)):
        if own == one.resolve() or one.resolve() in own.parents:
            raise UsageError(
                f"{option} would write over {str(file)!r}, which is read.", hint="Name another file."
            )


def quieten(quiet: bool) -> bool:
    """Say nothing of what is being done, where that is asked for."""
    if quiet:
        be_quiet()
    return quiet


def _that_begin(words: Iterable[str], beginning: str) -> list[str]:
    return [word for word in words if word.startswith(beginning)]


Experiment = Annotated[
    str | None,
    typer.Argument(
        help="A named experiment (`seqlab list` shows them), or a settings file.",
        autocompletion=complete_experiment,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="Settings as key.path=value.", metavar="[KEY=VALUE]...", autocompletion=complete_setting
    ),
]
Config = Annotated[Path | None, typer.Option(help="Your own settings file instead of a named experiment.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="Another model: a name, lstm\\[hidden_size=8], or your own my_cell.py.",
        autocompletion=complete_model,
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        help="Another task: a name, echo\\[delay=5], or your own my_task.py.", autocompletion=complete_task
    ),
]
Difficulty = Annotated[str | None, typer.Option(help="The task's difficulty.")]
Preset = Annotated[
    str | None, typer.Option(help="A preset of the experiment.", autocompletion=complete_preset)
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Seed = Annotated[int | None, typer.Option(help="Seed of weights, data and dropout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", callback=quieten)]

NamedRun = Annotated[
    str, typer.Argument(help="Id, unique prefix, `latest`, or path.", autocompletion=complete_run)
]
OwnModel = Annotated[str | None, typer.Option(help="The .py file of the run's model, where it has one.")]
OwnTask = Annotated[str | None, typer.Option(help="The .py file of the run's task, where it has one.")]
Anyway = Annotated[
    bool,
    typer.Option("--anyway", help="Also where own files or data have changed since the run was trained."),
]
Weights = Literal["best", "last"]
Checkpoint = Annotated[Weights, typer.Option(help="The weights of the best validation, or the last.")]
PictureFolder = Annotated[
    Path | None, typer.Option(help="Folder of the pictures instead of the run's.", callback=writable_folder)
]

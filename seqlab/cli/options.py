"""What many commands share: the settings that their words come to, and names for completion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import typer

from seqlab.configure import admit_models, load_settings

__all__ = [
    "Checkpoint", "admit_models", "complete_experiment", "complete_model",
    "complete_model_or_setting", "complete_run", "complete_setting",
    "complete_task", "complete_trashed", "load_settings",
]  # fmt: skip

Checkpoint = Literal["best", "last"]
"""Which of a run's weights to look at: those of the best validation, or the last."""


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
    from seqlab.source import setting_keys

    typed = context.params
    name = typed.get("experiment") or typed.get("on")
    keys = setting_keys(name, model=typed.get("model"), task=typed.get("task"))
    return _that_begin([f"{key}=" for key in keys], incomplete)


def complete_model_or_setting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a word of ``compare``: the name of a model or the key of a setting."""
    return [*complete_model(incomplete), *complete_setting(context, incomplete)]


def _that_begin(words: Iterable[str], beginning: str) -> list[str]:
    return [word for word in words if word.startswith(beginning)]

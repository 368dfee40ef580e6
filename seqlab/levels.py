"""Levels of a task, its difficulties: what ``--difficulty`` sets, and presets that belong to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from seqlab.settings import Document


def set_difficulty(document: Document, difficulty: str) -> Document:
    """Set the difficulty of the task and, where the file has one, lay the preset of that name over it.

    A comparison has no task of its own; it hands the difficulty on to the experiment that it is about.
    """
    from seqlab.settings import apply_preset, kind_names, settings_of

    presets = document.data.get("presets")
    kind = document.data.get("kind", "train")
    fields = settings_of(kind).model_fields if kind in kind_names() else {"task": None}
    if (isinstance(presets, Mapping) and difficulty in presets) or not {"task", "difficulty"} & fields.keys():
        document = apply_preset(document, difficulty)
    owns = "task" in fields and "difficulty" not in fields
    return document.override("task.difficulty", difficulty) if owns else document


def levels(document: Document) -> tuple[object, ...]:
    """Return the task's difficulties; a preset named as one of them is that level."""
    from seqlab.constructors import options_model
    from seqlab.errors import SeqlabError
    from seqlab.registry import load

    task = document.data.get("task")
    name = task.get("name") if isinstance(task, Mapping) else None
    if not isinstance(name, str):
        return ()
    try:
        field = options_model(load("task", name)).model_fields.get("difficulty")
    except SeqlabError:  # it is said where the task is looked up
        return ()
    return () if field is None else get_args(field.annotation)


def check_level(preset: str | None, level: object, taken: object) -> None:
    """Refuse a preset that belongs to one level of the task (None: to any) together with another level.

    Raises:
        UsageError: naming both.
    """
    from seqlab.errors import UsageError

    if level is not None and level != taken:
        raise UsageError(
            f"--preset {preset} belongs to the task's level {level}, but its difficulty is set to {taken}.",
            hint=f"Leave one of them out; --difficulty {taken} takes what there is for it.",
        )

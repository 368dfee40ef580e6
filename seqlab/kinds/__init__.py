"""Kinds of experiments: one file each, with its settings and what running it does.

A file holds ``SETTINGS``, a class derived from :class:`seqlab.settings.Experiment`, and ``run``. What
``run`` needs is imported inside it, so that settings are checked without any of it. ``FLAGS`` names the
options of ``seqlab train`` that mean something for this kind alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from seqlab.errors import UsageError
from seqlab.settings import Document, Experiment


@dataclass(frozen=True)
class Asked:
    """What the command line asks for besides the settings.

    Attributes:
        document: where the settings were written.
        difficulty: as it was typed.
        quiet: whether there is no progress.
        as_json: whether the result is printed as JSON.
        flags: further options, those that were given, by name; a kind takes those of its ``FLAGS``.
    """

    document: Document
    difficulty: str | None
    quiet: bool
    as_json: bool
    flags: dict[str, Any]

    def beside(self, name: str) -> str:
        """Return a settings file that these settings name as it lies beside them; other names as they are."""
        path = Path(self.document.source).parent / name
        return str(path) if name.endswith((".yaml", ".yml")) and path.is_file() else name


def run(experiment: Experiment, asked: Asked) -> None:
    """Do what an experiment of any kind means.

    Raises:
        UsageError: when an option was given that means nothing for this kind.
    """
    module = import_module(f"seqlab.kinds.{experiment.kind.replace('-', '_')}")
    for flag in asked.flags:
        if flag not in getattr(module, "FLAGS", ()):
            raise UsageError(
                f"{flag} is for experiments of one run; {experiment.experiment} is none.",
                hint="Leave it out.",
            )
    module.run(experiment, asked)

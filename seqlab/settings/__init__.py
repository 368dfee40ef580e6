"""YAML files to frozen, validated settings; overrides; the catalogue of shipped experiments.

What lists experiments and reads YAML is imported at once; what checks settings (and pydantic with it) is
imported when it is first asked for, so that ``seqlab list`` and shell completion start fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqlab.settings._yaml import dump
from seqlab.settings.catalogue import (
    engine_names,
    experiment_names,
    family,
    kind_names,
    preset_names,
    read_experiment,
    read_experiment_file,
    summary,
)
from seqlab.settings.overrides import apply_overrides, apply_preset, once, parse_override
from seqlab.settings.reader import COMMAND_LINE, Document, read_file, read_text, read_value

if TYPE_CHECKING:
    from seqlab.settings.checking import check, explain, settings_of
    from seqlab.settings.schema import (
        Component,
        Compute,
        Experiment,
        MixedIn,
        Names,
        Origin,
        Presets,
        Settings,
        TrainExperiment,
        Training,
        TrialSettings,
    )

__all__ = [
    "COMMAND_LINE",
    "Component",
    "Compute",
    "Document",
    "Experiment",
    "MixedIn",
    "Names",
    "Origin",
    "Presets",
    "Settings",
    "TrainExperiment",
    "Training",
    "TrialSettings",
    "apply_overrides",
    "apply_preset",
    "check",
    "dump",
    "engine_names",
    "experiment_names",
    "explain",
    "family",
    "kind_names",
    "once",
    "parse_override",
    "preset_names",
    "read_experiment",
    "read_experiment_file",
    "read_file",
    "read_text",
    "read_value",
    "settings_of",
    "summary",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "checking" if name in ("check", "explain", "settings_of") else "schema"
    return getattr(import_module(f"seqlab.settings.{home}"), name)

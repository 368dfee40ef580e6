"""YAML files to frozen, validated settings; overrides; the catalogue of shipped experiments.

What lists experiments and reads YAML is imported at once; what checks settings (and pydantic with it) is
imported when it is first asked for, so that ``seqlab list`` and shell completion start fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqlab.settings.catalogue import (
    engine_names,
    experiment_names,
    family,
    preset_names,
    read_experiment,
    read_experiment_file,
    summary,
)
from seqlab.settings.overrides import apply_overrides, apply_preset, parse_override
from seqlab.settings.reader import COMMAND_LINE, Document, dump, read_file, read_text, read_value

if TYPE_CHECKING:
    from seqlab.settings.checking import check, explain
    from seqlab.settings.schema import (
        ADAPTER,
        AnyExperiment,
        CompareExperiment,
        Component,
        Compute,
        CuresExperiment,
        Experiment,
        GradientExperiment,
        Ladder,
        LagsExperiment,
        MixedIn,
        Settings,
        TrainExperiment,
        Training,
        TrialSettings,
        VariantsExperiment,
        WorkedExperiment,
    )

__all__ = [
    "ADAPTER",
    "COMMAND_LINE",
    "AnyExperiment",
    "CompareExperiment",
    "Component",
    "Compute",
    "CuresExperiment",
    "Document",
    "Experiment",
    "GradientExperiment",
    "Ladder",
    "LagsExperiment",
    "MixedIn",
    "Settings",
    "TrainExperiment",
    "Training",
    "TrialSettings",
    "VariantsExperiment",
    "WorkedExperiment",
    "apply_overrides",
    "apply_preset",
    "check",
    "dump",
    "engine_names",
    "experiment_names",
    "explain",
    "family",
    "parse_override",
    "preset_names",
    "read_experiment",
    "read_experiment_file",
    "read_file",
    "read_text",
    "read_value",
    "summary",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "checking" if name in ("check", "explain") else "schema"
    return getattr(import_module(f"seqlab.settings.{home}"), name)

"""YAML files to frozen, validated settings; overrides; the catalogue of shipped experiments."""

from seqlab.settings.catalogue import experiment_names, read_experiment, summary
from seqlab.settings.checking import check, explain
from seqlab.settings.overrides import apply_overrides, apply_preset, parse_override
from seqlab.settings.reader import Document, dump, read_file, read_text, read_value
from seqlab.settings.schema import (
    ADAPTER,
    CompareExperiment,
    Component,
    Compute,
    Experiment,
    GradientExperiment,
    Settings,
    TrainExperiment,
    Training,
)

__all__ = [
    "ADAPTER", "CompareExperiment", "Component", "Compute", "Document", "Experiment", "GradientExperiment", "Settings",
    "TrainExperiment", "Training", "apply_overrides", "apply_preset", "check", "dump", "experiment_names", "explain",
    "parse_override", "read_experiment", "read_file", "read_text", "read_value", "summary",
]  # fmt: skip

"""Several models learn the task of another experiment, or of several, over several seeds."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from seqlab.kinds import Asked
from seqlab.settings import Experiment, Names, Presets

if TYPE_CHECKING:
    from seqlab.comparison.design import Design


class CompareExperiment(Experiment):
    """Several models learn the task of another experiment, or of several, over several seeds."""

    kind: Literal["compare"]
    on: str | Names = Field(
        description="the experiment whose task and training all models share; of several, a comparison each"
    )
    task: str | None = Field(
        default=None, description="another task than the experiment's, as on the command line"
    )
    models: Names = Field(
        min_length=1, description="as on the command line: lstm, lstm[hidden_size=8], my_cell.py"
    )
    labels: Names = Field(
        default=(), description="what the models are called, one each; none for their names"
    )
    seeds: int = Field(default=5, ge=1, le=1000, description="seeds 1 to this number")
    difficulty: Names = Field(default=(), description="of the task; several are a ladder")
    match_parameters: bool = Field(
        default=False, description="whether widths are chosen so that all are as large as the largest"
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="key: value laid over that experiment")
    presets: Presets = Field(default_factory=dict)


SETTINGS = CompareExperiment


def run(settings: CompareExperiment, asked: Asked) -> None:
    """Run the comparison as `seqlab compare` does."""
    from seqlab.cli.compare import run_comparison
    from seqlab.cli.console import show_json
    from seqlab.configure import admit_named

    admit_named("models", settings.models, asked.document)
    admit_named("task", [settings.task] if settings.task else [], asked.document)
    names = (settings.on,) if isinstance(settings.on, str) else settings.on
    several, found = len(names) > 1, list[dict[str, Any]]()
    try:
        for on in names:
            design = _design(settings, asked, on, f"-{Path(on).stem}" if several else "")
            report = found.append if several else show_json
            run_comparison(design, quiet=asked.quiet, as_json=asked.as_json, report=report)
    finally:
        if several and asked.as_json:
            show_json(found)


def _design(settings: CompareExperiment, asked: Asked, on: str, suffix: str) -> Design:
    """Return the comparison on one experiment."""
    from seqlab.cli.compare import split_names
    from seqlab.comparison.design import Design
    from seqlab.configure import leaves

    return Design(
        asked.beside(on),
        settings.models,
        tuple(range(1, settings.seeds + 1)),
        task=settings.task,
        overrides=tuple(f"{key}={json.dumps(value)}" for key, value in leaves(settings.settings).items()),
        difficulties=split_names(asked.difficulty) or settings.difficulty,
        match_parameters=settings.match_parameters,
        labels=settings.labels,
        name=settings.experiment + suffix,
        question=settings.summary or None,
        command=shlex.join(["seqlab", *sys.argv[1:]]),
    )

"""Cures for vanishing and exploding gradients side by side, in several columns; nothing is trained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from seqlab.kinds import Asked
from seqlab.settings import Experiment, Names, Presets

if TYPE_CHECKING:
    from seqlab.analysis.cures import CuresReport


class CuresExperiment(Experiment):
    """What helps against vanishing and exploding gradients, side by side; nothing is trained."""

    kind: Literal["cures"]
    columns: dict[str, Names] = Field(min_length=1, description="title: models; a column of the picture")
    input_std: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(0.1, 1.0),
        min_length=1,
        strict=False,
        description="standard deviations of the input weights; a row of the picture each",
    )
    clipped: Names = Field(default=(), description="models that are shown with and without clipping")
    clip_norm: float = Field(default=1.0, gt=0, description="greatest global norm of the clipped gradient")
    hidden_size: int = Field(default=100, ge=1, le=2000, description="units of every network")
    lags: int = Field(default=100, ge=1, le=10_000, description="greatest lag, in steps")
    burn_in: int = Field(default=50, ge=0, le=10_000, description="steps before the first Jacobian")
    seeds: int = Field(default=5, ge=1, le=1000, description="seeds 1 to this number")
    presets: Presets = Field(default_factory=dict)


SETTINGS = CuresExperiment


def run(settings: CuresExperiment, asked: Asked) -> None:
    """Measure, keep numbers and picture in a folder of the reports, and show them."""
    from seqlab.analysis.cures import measure_cures
    from seqlab.analysis.trained_gradients import Moment, to_csv
    from seqlab.cli.console import say, show_json, tell
    from seqlab.figures.cures import cures_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, make_runs_dir, replace_file

    make_runs_dir()
    report = measure_cures(
        settings,
        None if asked.quiet else lambda name: tell(f"measuring {name}"),
    )
    folder = create_report(settings.experiment)
    replace_file(folder / "cures.json", json.dumps(report.to_dict(), allow_nan=False) + "\n")
    measured = [
        Moment(
            f"input std {row.input_std:g}",
            tuple(model for panel in row.columns.values() for model in panel.models),
        )
        for row in report.rows
    ]
    replace_file(folder / "cures.csv", to_csv(measured, of="model"))
    paths = save(cures_figure(report), folder / "cures")
    if asked.as_json:
        return show_json({**report.to_dict(), "figures": [str(path) for path in paths]})
    _say(report)
    say(f"\nSpectral norm of d s(T) / d s(T - lag), geometric mean over seeds 1 to {settings.seeds}.\n")
    print(paths[0])
    tell("Next: seqlab train gradient-and-lag, what it does to learning.")
    return None


def _say(report: CuresReport) -> None:
    """Print the norms at the greatest lag, where they are 0, and what clipping does."""
    from seqlab.analysis.gradients import zeros_in_words
    from seqlab.cli.console import say, show_table

    settings = report.experiment
    show_table(
        ["model", "input std", f"norm at lag {settings.lags}", "rate per step", "forget gates"],
        [
            [
                model.name,
                f"{row.input_std:g}",
                f"{model.spectral.mean[-1]:.2g}",
                f"{model.spectral.rate:.3g}",
                "" if model.path_mean is None else f"{model.path_mean.mean[-1]:.2g}",
            ]
            for row in report.rows
            for panel in row.columns.values()
            for model in panel.models
        ],
    )
    for row in report.rows:
        for model in (model for panel in row.columns.values() for model in panel.models):
            if told := zeros_in_words(f"{model.name}, input std {row.input_std:g}", model.spectral):
                say(told)
    for row in report.rows:
        for clipped in row.clipped:
            norms = ", ".join(f"{norm:.3g}" for norm in clipped.norm)
            say(
                f"{clipped.name}, input std {row.input_std:g}: gradient of the weights {norms} by seed, "
                f"clipped to {settings.clip_norm:g}"
            )

"""The gradient through time is measured at the start of training; nothing is trained."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from seqlab.kinds import Asked
from seqlab.settings import Experiment, Names, Presets


class GradientExperiment(Experiment):
    """The norm of d h(T) / d h(t) against the lag T - t, at the start."""

    kind: Literal["gradients"]
    models: Names = Field(min_length=1, description="as on the command line: rnn, lstm[chrono=50]")
    hidden_size: int = Field(default=100, ge=1, le=2000, description="units of every network")
    lags: int = Field(default=100, ge=1, le=10_000, description="greatest lag, in steps")
    burn_in: int = Field(
        default=50,
        ge=0,
        le=10_000,
        description="steps before the first Jacobian, so that the state has settled",
    )
    input_std: float = Field(
        default=0.1, ge=0, description="standard deviation of the input weights, for one N(0, 1) input"
    )
    seeds: int = Field(default=5, ge=1, le=1000, description="seeds 1 to this number")
    presets: Presets = Field(default_factory=dict)


SETTINGS = GradientExperiment


def run(settings: GradientExperiment, asked: Asked) -> None:
    """Measure, keep numbers and picture in a folder of the reports, and show them."""
    from seqlab.cli.console import say, show_json, show_table, tell
    from seqlab.configure import admit_named

    admit_named("models", settings.models, asked.document)
    from seqlab.analysis.gradients import measure, rows, zeros_in_words
    from seqlab.analysis.trained_gradients import Moment, to_csv
    from seqlab.figures.gradients import gradient_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, make_runs_dir, replace_file

    make_runs_dir()
    report = measure(
        settings,
        None if asked.quiet else lambda name: tell(f"measuring {name}"),
    )
    folder = create_report(settings.experiment)
    replace_file(folder / "gradients.json", json.dumps(report.to_dict(), allow_nan=False) + "\n")
    replace_file(folder / "gradients.csv", to_csv([Moment("start", report.models)], of="model"))
    pictures = save(gradient_figure(report), folder / "gradients")
    if asked.as_json:
        return show_json({**report.to_dict(), "figures": [str(path) for path in pictures]})
    table = rows(report)
    show_table(
        list(table[0]),
        [[value if isinstance(value, str) else f"{value:.3g}" for value in row.values()] for row in table],
    )
    for model in report.models:
        if told := zeros_in_words(model.name, model.spectral):
            say(told)
    held = all(model.within_bounds for model in report.models)
    say(
        f"\nSpectral norm of d s(T) / d s(T - lag), geometric mean over seeds 1 to {settings.seeds}; "
        f"the bounds from the singular values {'hold' if held else 'ARE BROKEN'} at every lag.\n"
    )
    print(pictures[0])
    tell(
        f"Next: seqlab train {settings.experiment} --preset strong-input, or with "
        "'models=[rnn, \"lstm[chrono=100]\"]'"
    )
    return None

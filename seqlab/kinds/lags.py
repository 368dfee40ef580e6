"""Several models learn tasks at growing lags; their gradients through time beside it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from seqlab.kinds import Asked
from seqlab.settings import Experiment, Names, Presets, Settings


class Rung(Settings):
    """A task at one lag."""

    lag: int = Field(ge=1, description="steps from the first symbol that matters to the answer")
    settings: dict[str, Any] = Field(description="key: value that bring the task to that lag")


class Ladder(Settings):
    """A task at growing lags."""

    on: str = Field(description="the experiment whose task and training all models share")
    settings: dict[str, Any] = Field(default_factory=dict, description="key: value laid over that experiment")
    rungs: tuple[Rung, ...] = Field(min_length=1, strict=False, description="the lags, one after another")


class LagsExperiment(Experiment):
    """Several models learn tasks at growing lags, and their gradients through time are measured."""

    kind: Literal["lags"]
    models: Names = Field(min_length=1, description="as on the command line: rnn, lstm[chrono=50]")
    labels: Names = Field(
        default=(), description="what the models are called, one each; none for their names"
    )
    seeds: int = Field(default=3, ge=1, le=1000, description="seeds 1 to this number")
    ladders: tuple[Ladder, ...] = Field(
        min_length=1, strict=False, description="a task each, whose lag grows"
    )
    presets: Presets = Field(default_factory=dict)


SETTINGS = LagsExperiment


def run(settings: LagsExperiment, asked: Asked) -> None:
    """Train every model at every lag, measure the gradients, and show both."""
    from seqlab.cli.console import show_json, show_table, tell
    from seqlab.cli.study import plugins_of, train_entries
    from seqlab.configure import admit_named

    admit_named("models", settings.models, asked.document)
    from seqlab.comparison.lags import conclude_ladder, entries_of_ladder
    from seqlab.figures.lags import lags_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, replace_file

    ladders = [(ladder, entries_of_ladder(settings, ladder)) for ladder in settings.ladders]
    plugins = plugins_of(settings.models)
    trained = [(ladder, train_entries(entries, plugins, asked.quiet)) for ladder, entries in ladders]
    climbs = [conclude_ladder(ladder, finished) for ladder, finished in trained]
    folder = create_report(settings.experiment)
    data = {
        "experiment": settings.model_dump(mode="json", exclude={"presets"}),
        "ladders": [climb.to_dict() for climb in climbs],
    }
    replace_file(folder / "lags.json", json.dumps(data, allow_nan=False) + "\n")
    paths = save(lags_figure(climbs), folder / "lags")
    if asked.as_json:
        return show_json({**data, "figures": [str(path) for path in paths]})
    show_table(
        ["task", "model", "lag", "held out", "guessing", "each seed"],
        [
            [
                climb.on,
                score.model,
                str(score.lag),
                "failed" if score.mean is None else f"{score.mean:.3f}",
                "–" if score.guess is None else f"{score.guess:.3f}",
                " ".join(f"{value:.3f}" for value in score.values),
            ]
            for climb in climbs
            for score in climb.scores
        ],
    )
    print(f"\n{paths[0]}")
    for run in [one.run for _, finished in trained for one in finished if one.run is not None][:1]:
        tell(f"Next: seqlab gradients {run.id}")
    return None

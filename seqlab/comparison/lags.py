"""Models on tasks whose lag grows: how well they learn, beside how far back their gradients reach.

The runs are ordinary ones, as of every comparison: what is finished is reused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seqlab.analysis.gradients import Curve, ModelGradient
from seqlab.analysis.states import network_of
from seqlab.analysis.trained_gradients import check_network, measure_network
from seqlab.comparison.design import with_engines
from seqlab.comparison.entrants import make_entrants
from seqlab.comparison.entries import Entry, entries_of
from seqlab.configure import load_training
from seqlab.kinds.lags import Ladder, LagsExperiment
from seqlab.models import outline
from seqlab.runs import guessed
from seqlab.session import open_session
from seqlab.settings import TrainExperiment
from seqlab.tasks import Metric, build_task


@dataclass(frozen=True)
class Score:
    """How well a model did at one lag.

    Attributes:
        model: its label.
        lag: steps from the first symbol that matters to the answer.
        values: the task's metric on held-out data, of each seed whose run finished.
        seeds: how many seeds there were.
        guess: what guessing comes to there, the mean over the seeds; None where nobody knows.
    """

    model: str
    lag: int
    values: tuple[float, ...]
    seeds: int
    guess: float | None = None

    @property
    def mean(self) -> float | None:
        """The mean over the seeds."""
        return float(np.mean(self.values)) if self.values else None


@dataclass(frozen=True)
class Climb:
    """What came of one ladder.

    Attributes:
        on: the experiment whose task it was.
        metric: the figure that tells how well the task is done.
        models: by label, what model it is.
        scores: of every model at every lag.
        gradients: label: of each model at the start, on the task at the greatest lag, a line for each seed.
    """

    on: str
    metric: Metric
    models: Mapping[str, str]
    scores: tuple[Score, ...]
    gradients: Mapping[str, ModelGradient]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "on": self.on,
            "metric": self.metric.name,
            "scores": [{**vars(score), "mean": score.mean} for score in self.scores],
            "gradients": {label: model.to_dict() for label, model in self.gradients.items()},
        }


def entries_of_ladder(experiment: LagsExperiment, ladder: Ladder) -> list[Entry]:
    """Return every model on every seed at every lag; an entry's level is ``lag 31``, say.

    Raises:
        UsageError: when the settings are wrong, or a model has no gradient through time.
    """

    def load(model: str, overrides: Sequence[str], difficulty: str | None) -> TrainExperiment:
        return load_training(ladder.on, overrides=overrides, model=model)

    entries: list[Entry] = []
    for rung in ladder.rungs:
        words = [f"{key}={json.dumps(value)}" for key, value in {**ladder.settings, **rung.settings}.items()]
        entrants = make_entrants(experiment.models, load, labels=experiment.labels, overrides=words)
        for entrant in entrants:
            _check(entrant.experiment)
        settled, _ = with_engines(entrants)
        here = [replace(entrant, level=_level(rung.lag)) for entrant in settled]
        entries += entries_of(here, range(1, experiment.seeds + 1))
    return entries


def conclude_ladder(ladder: Ladder, finished: Sequence[Entry]) -> Climb:
    """Return what came of the runs of one ladder, and measure the gradients of its models at their start."""
    labels = list(dict.fromkeys(item.label for item in finished))
    top = max(ladder.rungs, key=lambda rung: rung.lag)
    gradients: dict[str, ModelGradient] = {}
    for label in labels:
        starts = [
            item.experiment for item in finished if item.label == label and item.level == _level(top.lag)
        ]
        gradients[label], metric = _at_start(label, starts)
    scores = [
        _score(label, rung.lag, metric.name, [item for item in finished if _is(item, label, rung.lag)])
        for label in labels
        for rung in ladder.rungs
    ]
    models = {item.label: item.experiment.model.name for item in finished}
    return Climb(ladder.on, metric, models, tuple(scores), gradients)


def _check(experiment: TrainExperiment) -> None:
    """Refuse, before anything is trained, a model in which no gradient goes back through time."""
    name = experiment.model.name
    model = outline(experiment.model, build_task(experiment.task).spec)
    check_network(network_of(model, name), name)


def _level(lag: int) -> str:
    return f"lag {lag}"


def _is(item: Entry, label: str, lag: int) -> bool:
    return item.label == label and item.level == _level(lag)


def _score(label: str, lag: int, metric: str, finished: Sequence[Entry]) -> Score:
    values = [((item.summary or {}).get("held_out") or {}).get(metric) for item in finished]
    bars = [guessed(item.run.info()).figures.get(metric) for item in finished if item.run is not None]
    known = [bar for bar in bars if bar is not None]
    guess = sum(known) / len(known) if known else None
    return Score(
        label, lag, tuple(float(value) for value in values if value is not None), len(finished), guess
    )


def _at_start(label: str, experiments: Sequence[TrainExperiment]) -> tuple[ModelGradient, Metric]:
    """Measure a model as each seed starts it, on its task; return the layer that reads the input.

    Returns:
        What was measured, cut to the lags that all seeds have, and the task's metric.
    """
    measured = []
    for experiment in experiments:
        session = open_session(experiment)
        network = network_of(session.model, experiment.model.name)
        check_network(network, experiment.model.name)
        measured.append(measure_network(network, session.task, sequences=1, seed=experiment.seed)[0])
    lags = min(one.spectral.logs.shape[1] for one in measured)
    shared = set.intersection(*(set(one.curves()) for one in measured))
    curves: dict[str, Any] = {
        key: Curve(np.concatenate([one.curves()[key].logs[:, :lags] for one in measured])) for key in shared
    }
    return replace(
        measured[0], name=label, sigma_max=None, spectral_radius=None, **curves
    ), session.task.metric

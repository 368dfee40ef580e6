"""A ladder of lags: the shipped rungs have the lag they say; scores are those of the runs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from seqlab.comparison.lags import conclude_ladder, entries_of_ladder
from seqlab.configure import load_settings
from seqlab.errors import SettingsError
from seqlab.figures.lags import lags_figure
from seqlab.kinds.lags import Ladder, LagsExperiment, Rung
from seqlab.tasks import build_task


def shipped(*words: str) -> LagsExperiment:
    settings, _ = load_settings("gradient-and-lag", overrides=words)
    assert isinstance(settings, LagsExperiment)
    return settings


def test_rungs_have_the_lag_that_they_say() -> None:
    settings = shipped("seeds=1")
    for ladder in settings.ladders:
        entries = {entry.level: entry for entry in entries_of_ladder(settings, ladder)}
        assert list(entries) == [f"lag {rung.lag}" for rung in ladder.rungs]
        for rung in ladder.rungs:
            batch = build_task(entries[f"lag {rung.lag}"].experiment.task).batch("train", 0, 500, 1)
            if ladder.on == "copy":  # the symbol stands first, its answer last
                lag = batch.inputs.shape[1] - 1
            else:  # X and Y are symbols 0 and 1
                first = ((batch.inputs == 0) | (batch.inputs == 1)).int().argmax(1)
                lag = float((batch.inputs.shape[1] - 1 - first).float().mean())
            assert lag == pytest.approx(rung.lag, abs=1)


def test_scores_are_means_over_the_seeds_that_finished() -> None:
    settings = shipped("seeds=2", 'models=["rnn[hidden_size=3]","gru[hidden_size=3]"]', "labels=[a, b]")
    ladder = settings.ladders[1].model_copy(update={"rungs": settings.ladders[1].rungs[:2]})
    entries = entries_of_ladder(settings, ladder)
    assert len(entries) == 2 * 2 * 2
    finished = []
    for entry in entries:
        value = 0.5 + 0.1 * entry.experiment.seed + (0.2 if entry.level == "lag 6" else 0)
        failed = entry.label == "b" and entry.level == "lag 11" and entry.experiment.seed == 1
        summary = None if failed else {"held_out": {"accuracy": value}}
        finished.append(replace(entry, summary=summary, failure="NaN" if failed else None))
    climb = conclude_ladder(ladder, finished)
    means = {(score.model, score.lag): score.mean for score in climb.scores}
    expected = {("a", 6): 0.85, ("a", 11): 0.65, ("b", 6): 0.85, ("b", 11): 0.7}
    assert means == pytest.approx(expected)
    assert {label: model.loss_hidden.logs.shape for label, model in climb.gradients.items()} == {
        "a": (2, 11),
        "b": (2, 11),
    }
    json.dumps(climb.to_dict(), allow_nan=False)
    above, below = lags_figure([climb]).axes
    np.testing.assert_allclose(above.get_lines()[1].get_ydata(), climb.gradients["b"].loss_hidden.mean)
    np.testing.assert_allclose(below.get_lines()[0].get_ydata(), [0.85, 0.65])


@pytest.mark.parametrize(
    ("model", "said"),
    [("rnn[bidirectional=true]", "reads from both ends"), ("ngram", "counts, and has no states")],
)
def test_a_model_without_a_lag_is_refused_before_it_is_trained(model: str, said: str) -> None:
    on, words = (
        ("temporal-order", {}) if "rnn" in model else ("char-shakespeare", {"task.corpus": "miniature"})
    )
    rung = Rung(lag=5, settings=words)
    with pytest.raises(SettingsError, match=said):
        entries_of_ladder(
            shipped("seeds=1", f'models=["{model}"]', "labels=[]"), Ladder(on=on, rungs=(rung,))
        )

"""The four-letter picture: its numbers against the network's own, and what is too large for it."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import torch

from seqlab.analysis.unrolled import to_csv, unroll
from seqlab.contracts import Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.figures.unrolled import unrolled_figure
from seqlab.models import Recurrent
from seqlab.models.recurrent.rnn import RNN
from seqlab.tasks.basics.hello import Hello
from seqlab.tasks.lags.temporal_order import TemporalOrder


def _network(size: int = 3, layers: int = 1) -> Recurrent:
    model = Recurrent(RNN, Spec("tokens", 4, "classes", 4, causal=True), hidden_size=size, layers=layers)
    model.initialise(torch_stream(1, "weights"))
    return model


def test_every_number_is_the_networks_own() -> None:
    model, task = _network(), Hello()
    batch = task.batch("test", 0, 1, 1)
    seen = unroll(model, task, batch, "rnn")
    outputs = model(batch.inputs)[0][0]
    W, U, b = (seen.weights[letter] for letter in "WUb")
    h = np.zeros(3)
    for step in seen.steps:  # every number can be worked out from those that are shown
        h = np.tanh(W @ h + U @ step.one_hot + b)
        assert step.h == pytest.approx(h, abs=1e-6)
        assert step.scores == pytest.approx(seen.weights["V"] @ h + seen.weights["c"], abs=1e-6)
    assert "".join(step.symbol for step in seen.steps) == "hell"
    assert "".join(step.target for step in seen.steps) == "ello"
    assert seen.inputs == ("e", "h", "l", "o")
    assert seen.steps[0].one_hot.tolist() == [0, 1, 0, 0]
    for step, expected in zip(seen.steps, outputs, strict=True):
        assert step.scores == pytest.approx(expected.detach().numpy(), abs=1e-6)
        assert step.scores == pytest.approx(
            model.readout(torch.tensor(step.h, dtype=torch.float32)).detach().numpy(), abs=1e-6
        )
        target = seen.outputs.index(step.target)
        assert step.loss == pytest.approx(-math.log(step.probabilities[target]))
        assert step.said == seen.outputs[int(expected.argmax())]
    assert seen.loss == pytest.approx(float(task.loss(outputs[None].detach(), batch)), abs=1e-6)
    rows = list(csv.DictReader(to_csv({"now": seen}).splitlines()))
    assert len(rows) == 4 * (4 + 3 + 4 + 4 + 1) + W.size + U.size + b.size + 4 * 3 + 4
    figure = unrolled_figure({"before": seen, "after": seen}, "hello")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert all(f"{step.loss:.3f}" in texts and f"{step.h[0]:.2f}" in texts for step in seen.steps)


@pytest.mark.parametrize(
    ("model", "said"), [(_network(size=17), "17 units"), (_network(layers=2), "more than one layer")]
)
def test_what_is_too_large_is_refused(model: Recurrent, said: str) -> None:
    task = Hello()
    with pytest.raises(SettingsError, match=said):
        unroll(model, task, task.batch("test", 0, 1, 1), "rnn")


def test_a_task_with_one_answer_a_sequence_is_refused() -> None:
    task = TemporalOrder()
    with pytest.raises(SettingsError, match="one at every step"):
        unroll(_network(), task, task.batch("test", 0, 1, 1), "rnn")

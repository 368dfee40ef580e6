from __future__ import annotations

import torch
from torch.func import functional_call

from seqlab.contracts import Spec, torch_stream
from seqlab.engines.guessing import drawn, judged
from seqlab.models.recurrent.guess import Guess
from seqlab.settings import Component
from seqlab.tasks import build_task


def test_a_network_by_hand_holds_what_its_first_input_said() -> None:
    """One unit that switches on at 1, off at -1, and holds between: h = sigmoid(100 x + 100 h - 50)."""
    model = Guess(Spec("features", 1, "values", 1, causal=True), hidden_size=1)
    with torch.no_grad():
        for name, value in {"U": 100.0, "W": 100.0, "b": -50.0, "V": 100.0, "c": -50.0}.items():
            getattr(model, name).fill_(value)
    x = torch.tensor([[1.0, 0, 0.3, -0.3, 0], [-1.0, 0, 0.3, -0.3, 0], [1.0, 0, 0, -1.0, 0]])[..., None]
    outputs, _ = model(x)
    assert torch.allclose(outputs[:, -1, 0], torch.tensor([1.0, 0.0, 0.0]), atol=1e-6)


def test_guesses_are_judged_together_as_they_are_alone_and_the_present_weights_first() -> None:
    task = build_task(Component(name="two-sequence", length=20))
    model = Guess(task.spec, hidden_size=2)
    model.initialise(torch_stream(1, "initialisation"))
    batch = task.batch("train", 0, 6, seed=1)
    guesses = drawn(model, torch_stream(1, "guesses", 0))
    losses = judged(model, guesses, task, batch)
    assert len(losses) == model.guesses + 1
    for place in (0, 1, 40):
        weights = {name: weight[place] for name, weight in guesses.items()}
        alone = task.loss(functional_call(model, weights, (batch.inputs,))[0], batch)
        assert torch.allclose(losses[place], alone, atol=1e-6)
    assert torch.equal(guesses["U"][0], model.U)
    guesses["b"][3] = torch.nan
    assert judged(model, guesses, task, batch)[3] == torch.inf
    assert float(losses.std()) > 0

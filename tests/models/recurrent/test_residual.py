"""Sums around layers, and dropout of what the first layer reads."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seqlab import fused
from seqlab.analysis.states import trace
from seqlab.configure import load_training
from seqlab.contracts import Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import Cell, Recurrent, build_model
from seqlab.models._cell import read_cell
from seqlab.settings import Component
from seqlab.tasks import build_task

SPEC = Spec("tokens", 7, "classes", 7, causal=True)
SYMBOLS = torch.tensor([[1, 2, 3, 0], [6, 5, 4, 3]])


def network(**options: Any) -> Recurrent:
    model = build_model(Component(name="lstm", hidden_size=5, layers=3, **options), SPEC, 1)
    assert isinstance(model, Recurrent)
    return model.eval()


def test_each_layer_but_the_first_adds_what_it_reads() -> None:
    model = network(residual=True)
    x = SYMBOLS
    for number, cell in enumerate(model.cells):
        assert isinstance(cell, Cell)
        found, _ = read_cell(cell, x, cell.start(2))
        x = found if number == 0 else found + x
    torch.testing.assert_close(model(SYMBOLS)[0], model.readout(x))
    assert not torch.allclose(model(SYMBOLS)[0], network()(SYMBOLS)[0], atol=1e-3)


def test_what_is_drawn_of_it_is_what_it_does() -> None:
    model = network(residual=True)
    torch.testing.assert_close(trace(model, SYMBOLS).outputs, model(SYMBOLS)[0])


def test_the_same_numbers_of_an_embedding_are_silenced_at_all_steps() -> None:
    model = network(embedding_size=40, embedding_dropout=0.5).train()
    read = []
    model.cells[0].register_forward_pre_hook(lambda _, given: read.append(given[0]))
    model.noise = torch_stream(1, "noise")
    model(SYMBOLS)
    silent = read[0] == 0  # (B, T, E)
    assert torch.equal(silent, silent[:, :1].expand_as(silent))
    assert 0.2 < silent.float().mean() < 0.8
    assert not torch.equal(silent[0], silent[1])
    model.eval()(SYMBOLS)
    assert torch.equal(read[1], model.embed(SYMBOLS))


def test_without_vectors_there_is_nothing_to_silence() -> None:
    with pytest.raises(SettingsError, match="symbols do not become vectors"):
        network(embedding_dropout=0.1)


@pytest.mark.parametrize("words", [["model.residual=true"], ["model.embedding_dropout=0.1"]])
def test_compiled_code_leaves_it_to_torch(words: list[str]) -> None:
    more = ["model.embedding_size=4"] * ("embedding" in words[0])
    experiment = load_training("hello", overrides=[*words, *more])
    reason = fused.why_not(experiment, build_task(experiment.task))
    assert reason is not None
    assert reason.startswith("it knows n")

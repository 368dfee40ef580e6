"""What a CUDA machine reads with: torch's own layers, here on the processor, are the cells' equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seqlab.contracts import Spec, torch_stream
from seqlab.models import Cell, build_model
from seqlab.models.recurrent import gru as gru_module
from seqlab.models.recurrent import lstm as lstm_module
from seqlab.models.recurrent import rnn as rnn_module
from seqlab.settings import Component

CELLS: list[dict[str, Any]] = [
    {"name": "rnn"},
    {"name": "rnn", "nonlinearity": "relu"},
    {"name": "irnn"},
    {"name": "lstm"},
    {"name": "gru", "reset": "after"},
]


def build(options: dict[str, Any], inputs: str) -> Cell:
    spec = Spec("tokens" if inputs == "tokens" else "features", 6, "classes", 3, causal=True)
    cell = build_model(Component(**options, hidden_size=5), spec, 1).double().cells[0]  # type: ignore[index,union-attr]
    assert isinstance(cell, Cell)
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            parameter.uniform_(-0.6, 0.6, generator=torch_stream(3, name))
    return cell


def sequence(inputs: str) -> torch.Tensor:
    if inputs == "tokens":
        return torch.randint(0, 6, (4, 9), generator=torch_stream(1, "symbols"))
    return torch.randn(4, 9, 6, generator=torch_stream(1, "features"), dtype=torch.float64)


@pytest.mark.parametrize("inputs", ["tokens", "features"])
@pytest.mark.parametrize("options", CELLS, ids=lambda options: "-".join(options.values()))
def test_the_layer_and_its_gradients_are_those_of_the_equations(
    options: dict[str, Any], inputs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, x, read = build(options, inputs), sequence(inputs), []
    for module in (rnn_module, lstm_module, gru_module):
        monkeypatch.setattr(module, "has_cudnn", lambda W: True)
        original = module.read_in_library
        monkeypatch.setattr(
            module, "read_in_library", lambda *words, original=original: read.append(1) or original(*words)
        )
    found = []
    for way in (cell.forward, cell.steps):
        state = tuple(
            torch.randn(4, 5, generator=torch_stream(2, part), dtype=torch.float64).requires_grad_()
            for part in cell.parts
        )
        h, end = way(x, state)
        loss = (h**2).sum() + sum((i * part).sum() for i, part in enumerate(end, 2))
        found.append([h, *end, *torch.autograd.grad(loss, [*cell.parameters(), *state])])
    assert read == [1]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_with_the_reset_before_there_is_no_such_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, x = build({"name": "gru", "reset": "before"}, "tokens"), sequence("tokens")
    monkeypatch.setattr(gru_module, "has_cudnn", lambda W: True)
    torch.testing.assert_close(cell(x, cell.start(4))[0], cell.steps(x, cell.start(4))[0])

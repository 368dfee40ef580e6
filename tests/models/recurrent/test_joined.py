"""Layers with nothing between them are read at once by torch's own, and all is as if read one by one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from seqlab.contracts import Spec, torch_stream
from seqlab.models import Cell, build_model
from seqlab.models import _recurrent as recurrent_module
from seqlab.models._recurrent import Recurrent
from seqlab.models.recurrent import gru as gru_module
from seqlab.models.recurrent import lstm as lstm_module
from seqlab.models.recurrent import rnn as rnn_module
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN
from seqlab.settings import Component

CELLS: list[dict[str, Any]] = [
    {"name": "rnn"},
    {"name": "rnn", "nonlinearity": "relu"},
    {"name": "lstm"},
    {"name": "gru", "reset": "after"},
]


class Gentler(LSTM):
    """An LSTM whose h is half as large."""

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        h, end = super().forward(x, state)
        return h / 2, end


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rnn_module, lstm_module, gru_module, recurrent_module):
        monkeypatch.setattr(module, "has_cudnn", lambda W: True)


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many layers were read at once, call by call."""
    counts: list[int] = []
    original = recurrent_module.read_in_library

    def read(layers: Any, *words: Any) -> Any:
        counts.append(len(layers))
        return original(layers, *words)

    monkeypatch.setattr(recurrent_module, "read_in_library", read)
    return counts


def build(**options: Any) -> Recurrent:
    spec = Spec("tokens", 6, "classes", 3, causal=not options.get("bidirectional", False))
    model = build_model(
        Component(**{"name": "lstm", "hidden_size": 5, "layers": 3, **options}), spec, 1
    ).double()
    assert isinstance(model, Recurrent)
    return model


def symbols(pad: bool = False) -> Tensor:
    drawn = torch.randint(0, 6, (4, 9), generator=torch_stream(1, "symbols"))
    if pad:
        drawn[2, 5:] = -1
    return drawn


@pytest.mark.parametrize("embedded", [False, True], ids=["symbols", "vectors"])
@pytest.mark.parametrize("options", CELLS, ids=lambda options: "-".join(options.values()))
def test_outputs_states_and_gradients_are_those_of_one_layer_after_the_other(
    options: dict[str, Any], embedded: bool, joined: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(**options, **({"embedding_size": 4} if embedded else {}))
    start = tuple(
        tuple(
            torch.randn(4, 5, generator=torch_stream(layer, part), dtype=torch.float64).requires_grad_()
            for part in cell.parts  # type: ignore[union-attr]
        )
        for layer, cell in enumerate(model.cells)
    )
    found = []
    for at_once in (True, False):
        if not at_once:
            monkeypatch.setattr(Recurrent, "_joined", lambda *_: [])
        outputs, ends = model(symbols(), start)
        loss = (outputs**2).sum() + sum(
            i * j * part.sum() for i, end in enumerate(ends, 2) for j, part in enumerate(end, 3)
        )
        given = [*model.parameters(), *(part for parts in start for part in parts)]
        found.append([outputs, *(part for end in ends for part in end), *torch.autograd.grad(loss, given)])
    assert joined == [3]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.5},
        {"weight_dropout": 0.5},
        {"residual": True},
        {"bidirectional": True},
        {"layers": 1},
        {"peepholes": True},
        {"name": "gru", "reset": "before"},
        {"name": "janet"},
    ],
    ids=lambda options: "-".join(map(str, options)),
)
def test_with_something_between_they_are_read_one_by_one(options: dict[str, Any], joined: list[int]) -> None:
    build(**options).train()(symbols())
    assert joined == []


@pytest.mark.parametrize("share", ["dropout", "weight_dropout"])
def test_dropout_stands_between_in_training_alone(share: str, joined: list[int]) -> None:
    build(**{share: 0.5}).eval()(symbols())
    assert joined == [3]


def test_around_padding_they_are_read_one_by_one(joined: list[int]) -> None:
    build()(symbols(pad=True))
    assert joined == []


def test_a_cell_that_reads_in_its_own_way_is_asked(joined: list[int]) -> None:
    model = Recurrent(Gentler, Spec("tokens", 6, "classes", 3, causal=True), hidden_size=5, layers=2)
    model.initialise(torch_stream(1, "weights"))
    outputs, _ = model(symbols())
    h: Tensor = symbols()
    for cell in model.cells:
        h, _ = cell(h, cell.start(4))  # type: ignore[operator]
    assert joined == []
    torch.testing.assert_close(outputs, model.readout(h))


class Halved(Recurrent):
    """A network of which each layer gives half of what it finds."""

    def passed_on(self, cell: int, read: Tensor, found: Tensor) -> Tensor:
        return found / 2


def test_a_network_that_passes_on_in_its_own_way_is_asked(joined: list[int]) -> None:
    model = Halved(LSTM, Spec("tokens", 6, "classes", 3, causal=True), hidden_size=5, layers=2)
    model.initialise(torch_stream(1, "weights"))
    h: Tensor = symbols()
    for cell in model.cells:
        h = cell(h, cell.start(4))[0] / 2  # type: ignore[operator]
    torch.testing.assert_close(model(symbols())[0], model.readout(h))
    assert joined == []


@pytest.mark.parametrize("other", [RNN(5, 5, nonlinearity="relu"), LSTM(5, 5)], ids=["relu", "lstm"])
def test_layers_of_several_kinds_are_read_one_by_one(other: Cell, joined: list[int]) -> None:
    model = build(name="rnn", layers=2).float()
    other.initialise(torch_stream(1, "other"))
    model.cells[1] = other
    h: Tensor = symbols()
    for cell in model.cells:
        h = cell(h, cell.start(4))[0]  # type: ignore[operator]
    torch.testing.assert_close(model(symbols())[0], model.readout(h))
    assert joined == []


@pytest.mark.parametrize("layers", [1, 3])
def test_what_a_state_ends_as_may_be_changed_in_place(layers: int) -> None:
    _, ends = build(layers=layers)(symbols())
    for end in ends:
        for part in end:
            part.clamp_(-0.1, 0.1)


def test_on_a_processor_whoever_listens_to_a_cell_hears_it(
    joined: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lstm_module, recurrent_module):
        monkeypatch.setattr(module, "has_cudnn", lambda W: W.is_cuda)
    model, heard = build(embedding_size=4).float(), []
    for cell in model.cells:
        cell.register_forward_hook(lambda *_: heard.append(1))
    model(symbols())
    assert (joined, len(heard)) == ([], 3)

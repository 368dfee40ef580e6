"""The passes derived by hand against autograd through the steps, in float64 to 1e-10."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seqlab.contracts import torch_stream
from seqlab.models import Cell
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.irnn import IRNN
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN

CELLS = {
    "rnn": lambda: RNN(2, 4),
    "relu": lambda: RNN(2, 4, nonlinearity="relu"),
    "irnn": lambda: IRNN(2, 4),
    "lstm": lambda: LSTM(2, 4),
    "gru after": lambda: GRU(2, 4, reset="after"),
    "gru before": lambda: GRU(2, 4, reset="before"),
}
BATCH, STEPS, WINDOW = 3, 12, 4


def _gradients(cell: Cell, *, by_hand: bool, truncate: bool) -> list[Tensor]:
    """Read windows with the state carried on, and return the gradients of weights, inputs and start state."""
    stream = torch_stream(2, "inputs")
    x = torch.randn(BATCH, STEPS, 2, dtype=torch.float64, generator=stream, requires_grad=True)
    start = tuple(
        torch.randn(BATCH, 4, dtype=torch.float64, generator=stream, requires_grad=True) for _ in cell.parts
    )
    weight = torch.randn(BATCH, STEPS, 4, dtype=torch.float64, generator=stream)
    state, loss = start, torch.zeros((), dtype=torch.float64)
    for first in range(0, STEPS, WINDOW):
        window = slice(first, first + WINDOW)
        h, state = cell(x[:, window], state) if by_hand else cell.steps(x[:, window], state)
        loss = loss + (h * weight[:, window]).sum() + sum(part.pow(2).sum() for part in state)
        if truncate:
            state = tuple(part.detach() for part in state)
    return list(torch.autograd.grad(loss, [*cell.parameters(), x, *start]))


@pytest.mark.parametrize("truncate", [True, False], ids=["truncated", "whole"])
@pytest.mark.parametrize("name", CELLS)
def test_by_hand_is_what_autograd_says(name: str, truncate: bool) -> None:
    cell = CELLS[name]().double()
    cell.initialise(torch_stream(1, "weights"))
    by_hand = _gradients(cell, by_hand=True, truncate=truncate)
    automatic = _gradients(cell, by_hand=False, truncate=truncate)
    for found, expected in zip(by_hand, automatic, strict=True):
        assert float(expected.abs().max()) > 0
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CELLS)
def test_truncation_cuts_something_off(name: str) -> None:
    cell = CELLS[name]().double()
    cell.initialise(torch_stream(1, "weights"))
    whole, cut = (_gradients(cell, by_hand=True, truncate=truncate) for truncate in (False, True))
    assert max(float((a - b).abs().max()) for a, b in zip(whole, cut, strict=True)) > 1e-6


@pytest.mark.parametrize("name", CELLS)
def test_it_is_the_pass_by_hand_that_is_tested(name: str) -> None:
    cell = CELLS[name]().double()
    h, _ = cell(torch.zeros(1, 2, 2, dtype=torch.float64), cell.start(1))
    graph, seen = [h.grad_fn], set()
    while graph:
        node = graph.pop()
        if node is not None and node not in seen:
            seen.add(node)
            graph += [before for before, _ in node.next_functions]
    assert any(type(node).__name__.startswith(("_Sequence", "_Reset")) for node in seen)

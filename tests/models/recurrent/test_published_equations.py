"""Cells against their equations, written out one step after the other, and against the cells that they contain."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models import Cell
from seqlab.models.recurrent.clockwork import Clockwork
from seqlab.models.recurrent.hyper_rnn import HyperRNN
from seqlab.models.recurrent.indrnn import IndRNN
from seqlab.models.recurrent.janet import JANET
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.multiplicative_lstm import MultiplicativeLSTM
from seqlab.models.recurrent.multiplicative_rnn import MultiplicativeRNN
from seqlab.models.recurrent.mut1 import MUT1
from seqlab.models.recurrent.mut2 import MUT2
from seqlab.models.recurrent.mut3 import MUT3
from seqlab.models.recurrent.rnn import RNN

INPUTS, H, T = 3, 4, 9
sigmoid, tanh = torch.sigmoid, torch.tanh


def made(cls: type[Cell], **options: Any) -> Any:
    cell = cls(INPUTS, H, **options)
    cell.initialise(torch_stream(1, "weights"))
    return cell.double()


def scattered(cell: Any) -> Any:
    """Draw all weights anew, so that none is 0 or 1 as it may be at the start."""
    with torch.no_grad():
        for weight in cell.parameters():
            weight.uniform_(-1, 1, generator=torch_stream(3, f"weight {tuple(weight.shape)}"))
    return cell


def inputs() -> Tensor:
    return torch.randn(2, T, INPUTS, generator=torch_stream(2, "inputs"), dtype=torch.float64)


def same(one: Tensor, other: Tensor) -> None:
    assert_close(one, other, rtol=1e-10, atol=1e-12)


def read(cell: Cell, x: Tensor | None = None) -> Tensor:
    x = inputs() if x is None else x
    h, _ = cell(x, cell.start(len(x)))
    return h


@pytest.mark.parametrize("cls", [MUT1, MUT2, MUT3])
def test_the_units_found_by_search_compute_their_equations(cls: type[Cell]) -> None:
    cell = scattered(made(cls))
    U, W, (b_z, b_r, b_n) = cell.U.split(H), cell.W.split(H), cell.b.split(H)
    h, shown = torch.zeros(2, H).double(), []
    for x in inputs().unbind(1):
        e = x @ cell.input.weight.T
        if cls is MUT1:
            z, r = sigmoid(e @ U[0].T + b_z), sigmoid(e @ U[1].T + h @ W[0].T + b_r)
            n = tanh((r * h) @ W[1].T + tanh(e) + b_n)
        elif cls is MUT2:
            z, r = sigmoid(e @ U[0].T + h @ W[0].T + b_z), sigmoid(e + h @ W[1].T + b_r)
            n = tanh((r * h) @ W[2].T + e @ U[1].T + b_n)
        else:
            z, r = sigmoid(e @ U[0].T + tanh(h) @ W[0].T + b_z), sigmoid(e @ U[1].T + h @ W[1].T + b_r)
            n = tanh((r * h) @ W[2].T + e @ U[2].T + b_n)
        h = n * z + h * (1 - z)
        shown.append(h)
    same(read(cell), torch.stack(shown, 1))


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_janet_computes_its_equations(beta: float) -> None:
    cell = scattered(made(JANET, beta=beta))
    h, shown = torch.zeros(2, H).double(), []
    for x in inputs().unbind(1):
        s, a = (x @ cell.input.weight.T + h @ cell.W.T + cell.input.bias).split(H, -1)
        h = sigmoid(s) * h + (1 - sigmoid(s - beta)) * tanh(a)
        shown.append(h)
    same(read(cell), torch.stack(shown, 1))


def test_janet_without_beta_is_an_lstm_with_coupled_gates_that_shows_its_cell() -> None:
    janet, lstm = made(JANET, beta=0.0), made(LSTM, coupled=True, output_gate=False, output_activation=False)
    sign = torch.tensor([-1.0] * H + [1.0] * H).double()  # i = 1 - f
    with torch.no_grad():
        lstm.W.copy_(sign[:, None] * janet.W)
        lstm.input.weight.copy_(sign[:, None] * janet.input.weight)
        lstm.input.bias.copy_(sign * janet.input.bias)
    same(read(janet), read(lstm))


@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_the_indrnn_is_a_plain_cell_with_a_diagonal_matrix(nonlinearity: str) -> None:
    cell, plain = made(IndRNN, nonlinearity=nonlinearity), made(RNN, nonlinearity=nonlinearity)
    with torch.no_grad():
        plain.W.copy_(cell.w.diag())
        plain.input.load_state_dict(cell.input.state_dict())
    same(read(cell), read(plain))


def test_a_long_lag_starts_the_indrnn_with_weights_near_1() -> None:
    w = made(IndRNN, longest=100).w.detach()
    assert bool(((w >= 2**-0.01) & (w <= 2**0.01)).all())


def test_a_clockwork_of_one_module_is_the_plain_cell() -> None:
    cell, plain = made(Clockwork, modules=1), made(RNN)
    with torch.no_grad():
        plain.W.copy_(cell.W_0)
        plain.input.load_state_dict(cell.input.state_dict())
    same(read(cell), read(plain))


def test_the_modules_of_a_clockwork_tick_at_their_paces_and_hear_slower_ones_alone() -> None:
    cell = made(Clockwork, modules=3)  # units 0 | 1, 2 | 3 with periods 1, 2, 4
    period = [1, 2, 2, 4]
    W = torch.zeros(H, H).double()
    W[0], W[1:3, 1:], W[3, 3:] = cell.W_0[0], cell.W_1, cell.W_2[0]
    x, shown = inputs(), []
    h = torch.zeros(2, H).double()
    for t in range(T):
        new = tanh(x[:, t] @ cell.input.weight.T + h @ W.T + cell.input.bias)
        h = torch.stack([new[:, k] if t % period[k] == 0 else h[:, k] for k in range(H)], 1)
        shown.append(h)
    same(read(cell), torch.stack(shown, 1))
    count = sum(weight.numel() for weight in cell.parameters())
    assert count == H * INPUTS + H + 4 + 2 * 3 + 1


def test_the_multiplicative_network_has_a_matrix_for_each_symbol() -> None:
    cell = scattered(made(MultiplicativeRNN, factors=6))
    of = [cell.W @ cell.input_factors.weight[:, symbol].diag() @ cell.W_f for symbol in range(INPUTS)]
    symbols, h, shown = [2, 0, 1, 1, 2], torch.zeros(H).double(), []
    for symbol in symbols:
        h = tanh(cell.input.weight[:, symbol] + of[symbol] @ h + cell.input.bias)
        shown.append(h)
    same(read(cell, torch.tensor([symbols]))[0], torch.stack(shown))


def test_the_multiplicative_lstm_whose_matrix_is_the_identity_is_the_lstm() -> None:
    cell, lstm = made(MultiplicativeLSTM), made(LSTM)
    with torch.no_grad():
        cell.input_factors.weight.fill_(1)  # of a symbol, that is
        cell.W_m.copy_(torch.eye(H))
        cell.W.copy_(lstm.W)
        cell.input.load_state_dict(lstm.input.state_dict())
    x = torch.randint(0, INPUTS, (2, T), generator=torch_stream(2, "symbols"))
    same(read(cell, x), read(lstm, x))
    with torch.no_grad():
        cell.input_factors.weight[:, 1] = 0  # a symbol that hides the state
    blind = lstm.step(torch.tensor([1]), (torch.zeros(1, H).double(), torch.ones(1, H).double()))
    state = (torch.full((1, H), 0.3).double(), torch.ones(1, H).double())
    same(cell.step(torch.tensor([1]), state)[0], blind[0])


def test_the_hypernetwork_starts_as_the_plain_cell() -> None:
    cell, plain = made(HyperRNN), made(RNN)
    with torch.no_grad():
        plain.W.copy_(cell.W)
        plain.input.weight.copy_(cell.input.weight)
        plain.input.bias.copy_(cell.b)
    same(read(cell), read(plain))


def test_the_hypernetwork_computes_its_equations() -> None:
    cell = scattered(made(HyperRNN, hyper_size=5, scales=2))
    Z_h, Z_x, Z_b = cell.Z.split(2)
    D_h, D_x, D_b = cell.D.split(H)
    h, k, shown = torch.zeros(2, H).double(), torch.zeros(2, 5).double(), []
    for x in inputs().unbind(1):
        read_k = x @ cell.hyper_input.weight.T + cell.hyper_input.bias
        k = tanh(read_k + h @ cell.W_k[:, :H].T + k @ cell.W_k[:, H:].T)
        z_h, z_x, z_b = k @ Z_h.T + cell.z[:2], k @ Z_x.T + cell.z[2:], k @ Z_b.T
        h = tanh(
            (z_h @ D_h.T) * (h @ cell.W.T) + (z_x @ D_x.T) * (x @ cell.input.weight.T) + z_b @ D_b.T + cell.b
        )
        shown.append(h)
    same(read(cell), torch.stack(shown, 1))

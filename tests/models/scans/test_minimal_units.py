"""minGRU and minLSTM: their equations number by number, their starts, and long sequences."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models.scans.mingru import MinGRU
from seqlab.models.scans.minlstm import MinLSTM

CELLS = (MinGRU, MinLSTM)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def g(x: float) -> float:
    return x + 0.5 if x >= 0 else sigmoid(x)


def one_unit(cls: type[MinGRU] | type[MinLSTM], weight: list[float], bias: list[float]) -> MinGRU | MinLSTM:
    cell = cls(1, 1).double()
    with torch.no_grad():
        cell.input.weight.copy_(torch.tensor(weight)[:, None])
        cell.input.bias.copy_(torch.tensor(bias))
    return cell


@pytest.mark.parametrize("x", [-1.5, 0.7])
def test_a_step_of_the_mingru_by_hand(x: float) -> None:
    cell = one_unit(MinGRU, [2.0, -3.0], [0.5, 0.25])
    z, n = sigmoid(2 * x + 0.5), g(-3 * x + 0.25)
    (h,) = cell.step(torch.tensor([[x]], dtype=torch.float64), (torch.tensor([[-4.0]], dtype=torch.float64),))
    assert h.item() == pytest.approx(z * -4 + (1 - z) * n, rel=1e-12)


@pytest.mark.parametrize("x", [-1.5, 0.7])
def test_a_step_of_the_minlstm_by_hand(x: float) -> None:
    cell = one_unit(MinLSTM, [2.0, 1.0, -3.0], [0.5, -0.5, 0.25])
    p, q, n = sigmoid(2 * x + 0.5), sigmoid(x - 0.5), g(-3 * x + 0.25)
    (h,) = cell.step(torch.tensor([[x]], dtype=torch.float64), (torch.tensor([[-4.0]], dtype=torch.float64),))
    assert h.item() == pytest.approx((p * -4 + q * n) / (p + q), rel=1e-12)


@pytest.mark.parametrize("cls", CELLS)
def test_in_single_precision_a_long_sequence_at_once_equals_the_steps(
    cls: type[MinGRU] | type[MinLSTM],
) -> None:
    """Of 10,000 steps: see test_scan.py."""
    cell = cls(4, 3)
    cell.initialise(torch_stream(1, "weights"))
    with torch.no_grad():
        cell.input.weight.mul_(5)  # gates that open and shut
        x = torch.randint(0, 4, (2, 1000), generator=torch_stream(1, "inputs"))
        start = torch.randn(2, 3, generator=torch_stream(1, "start"))
        single, _ = cell(x, (start,))
        wanted, _ = cell.double().steps(x, (start.double(),))
        assert float(((single - wanted) / wanted).abs().max()) < 1e-5


@pytest.mark.parametrize("cls", CELLS)
def test_the_state_is_linear_in_its_start(cls: type[MinGRU] | type[MinLSTM]) -> None:
    """What makes the scan possible: the gates do not look at h."""
    cell = cls(4, 3).double()
    cell.initialise(torch_stream(1, "weights"))
    x = torch.randint(0, 4, (1, 30), generator=torch_stream(1, "inputs"))
    at = [cell(x, (torch.full((1, 3), value, dtype=torch.float64),))[0] for value in (0.0, 1.0, -7.0)]
    assert_close(at[2], at[0] - 7 * (at[1] - at[0]), rtol=1e-10, atol=1e-12)
    assert (at[1] - at[0])[0, 0].min().item() > 0.01


@pytest.mark.parametrize("cls", CELLS)
def test_chrono_spreads_the_memory_over_all_lags(cls: type[MinGRU] | type[MinLSTM]) -> None:
    cell = cls(3, 500, chrono=50)
    cell.initialise(torch_stream(1, "weights"))
    with torch.no_grad():
        cell.input.weight.zero_()
        kept = cell.gates(torch.zeros(1, 3), cell.start(1))[0]
    lags = 1 / (1 - kept)  # steps after which a state has faded to 1/e
    assert 2 <= float(lags.min()) < 3
    assert 49 < float(lags.max()) <= 50.001


def test_the_minlstm_starts_with_its_forget_bias() -> None:
    cell = MinLSTM(3, 5, forget_bias=2.5)
    cell.initialise(torch_stream(1, "weights"))
    b_f, b_i, _ = cell.input.bias.detach().chunk(3)
    assert_close(b_f, torch.full((5,), 2.5))
    assert len(set(b_i.tolist())) == 5

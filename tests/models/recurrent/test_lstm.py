"""The LSTM: its formulas, its gates driven by hand, and how it starts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models.recurrent.lstm import LSTM

EXACT = {"rtol": 1e-10, "atol": 1e-12}
OPEN, SHUT = 50.0, -50.0


def random(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(size, generator=torch_stream(seed, "values"), dtype=torch.float64)


def started(cell: LSTM, seed: int = 1) -> LSTM:
    cell.initialise(torch_stream(seed, "weights"))
    return cell


@pytest.mark.parametrize(
    ("dtype", "close"), [(torch.float64, EXACT), (torch.float32, {"rtol": 1e-4, "atol": 1e-5})]
)
def test_the_formulas_are_those_of_torch(dtype: torch.dtype, close: dict[str, float]) -> None:
    cell = started(LSTM(3, 6)).to(dtype)
    layer = nn.LSTM(3, 6, batch_first=True).double()
    layer.load_state_dict(
        {
            "weight_ih_l0": cell.input.weight,
            "weight_hh_l0": cell.W,
            "bias_ih_l0": cell.input.bias,
            "bias_hh_l0": torch.zeros(24),
        }
    )
    x, h0, c0 = random(4, 9, 3), random(4, 6, seed=2), random(4, 6, seed=3)
    h, (h_end, c_end) = cell(x.to(dtype), (h0.to(dtype), c0.to(dtype)))
    wanted, (wanted_h, wanted_c) = layer(x, (h0[None], c0[None]))
    ((h**3).sum() + (c_end**2).sum()).backward()
    ((wanted**3).sum() + (wanted_c**2).sum()).backward()
    ours = [h, h_end, c_end, cell.W.grad, cell.input.weight.grad, cell.input.bias.grad]
    theirs = [
        wanted,
        wanted_h[0],
        wanted_c[0],
        layer.weight_hh_l0.grad,
        layer.weight_ih_l0.grad,
        layer.bias_ih_l0.grad,
    ]
    assert_close([part.double() for part in ours], theirs, **close)


def test_the_backward_pass_agrees_with_finite_differences() -> None:
    cell = started(LSTM(2, 3)).double()
    x, start = random(2, 4, 2).requires_grad_(), [random(2, 3, seed=s).requires_grad_() for s in (2, 3)]

    def outputs(x: Tensor, h0: Tensor, c0: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        h, (_, c) = cell(x, (h0, c0))
        return h, c

    assert torch.autograd.gradcheck(outputs, (x, *start, *cell.parameters()))


@pytest.mark.parametrize("inputs", ["symbols", "features"])
def test_single_precision_gives_what_the_steps_give(inputs: str) -> None:
    """Features go through oneDNN, symbols are looked up; both are the same function."""
    cell = started(LSTM(8, 7))
    x = torch.randint(0, 8, (5, 20), generator=torch_stream(1, "symbols"))
    if inputs == "features":
        x = random(5, 20, 8).float()
    results = []
    for read in (cell.forward, cell.steps):
        start = tuple(random(5, 7, seed=s).float().requires_grad_() for s in (2, 3))
        h, (_, c) = read(x, start)
        loss = (h**2).sum() + c.sum()
        results.append([h, c, *torch.autograd.grad(loss, [*cell.parameters(), *start])])
    assert_close(*results, rtol=1e-4, atol=1e-5)


def driven(i: float, f: float, o: float, *, g: float = 0.5) -> LSTM:
    """Return a cell of one unit whose gates stand still, whatever comes in."""
    cell = LSTM(1, 1).double()
    with torch.no_grad():
        cell.W.zero_()
        cell.input.weight.zero_()
        cell.input.bias.copy_(torch.tensor([i, f, math.atanh(g), o]))
    return cell


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("way", ["forward", "steps"])
@pytest.mark.parametrize(
    ("i", "f", "o", "c", "h"),
    [
        (SHUT, OPEN, OPEN, 0.8, math.tanh(0.8)),  # keep, and show
        (SHUT, OPEN, SHUT, 0.8, 0.0),  # keep, and do not show
        (OPEN, SHUT, OPEN, 0.5, math.tanh(0.5)),  # write g
        (SHUT, SHUT, OPEN, 0.0, 0.0),  # reset
        (OPEN, OPEN, SHUT, 0.8 + 4 * 0.5, 0.0),  # add up
    ],
    ids=["keep", "hide", "write", "reset", "count"],
)
def test_the_memory_can_be_driven_by_hand(
    i: float, f: float, o: float, c: float, h: float, way: str, dtype: torch.dtype
) -> None:
    """NYU 6-3: four steps from c = 0.8 with the gates held open or shut."""
    cell = driven(i, f, o).to(dtype)
    start = (torch.tensor([[-0.3]], dtype=dtype), torch.tensor([[0.8]], dtype=dtype))
    shown, (h_end, c_end) = getattr(cell, way)(torch.ones(1, 4, 1, dtype=dtype), start)
    assert c_end.item() == pytest.approx(c, abs=1e-6)
    assert h_end.item() == pytest.approx(h, abs=1e-6)
    assert shown[0, -1, 0].item() == h_end.item()


def test_gates_are_named_in_the_order_of_the_weights() -> None:
    cell = driven(1.0, 2.0, 3.0)
    values = dict(zip(cell.gate_names, cell.gates(torch.zeros(1, 1).double(), cell.start(1)), strict=True))
    sigmoid = {name: 1 / (1 + math.exp(-bias)) for name, bias in (("i", 1.0), ("f", 2.0), ("o", 3.0))}
    assert {name: value.item() for name, value in values.items()} == pytest.approx({**sigmoid, "g": 0.5})


@pytest.mark.parametrize("bias", [1.0, -2.0])
def test_the_forget_gate_starts_with_its_bias(bias: float) -> None:
    cell = started(LSTM(3, 5, forget_bias=bias))
    b_i, b_f, b_g, b_o = cell.input.bias.detach().chunk(4)
    assert torch.equal(b_f, torch.full((5,), bias))
    assert all(float(b.abs().max()) <= 5**-0.5 for b in (b_i, b_g, b_o))


def test_chrono_spreads_the_memory_over_all_lags() -> None:
    cell = started(LSTM(3, 500, chrono=100, forget_bias=7.0))
    b_i, b_f, _, _ = cell.input.bias.detach().chunk(4)
    assert torch.equal(b_i, -b_f)
    lags = b_f.exp()
    assert 1 <= float(lags.min()) < 2
    assert 97 < float(lags.max()) <= 99.001
    assert float(lags.mean()) == pytest.approx(50, rel=0.06)  # uniform in [1, 99]

"""The GRU with its reset gate after or before the recurrent matrix."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models.recurrent.gru import GRU

EXACT = {"rtol": 1e-10, "atol": 1e-12}


def random(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(size, generator=torch_stream(seed, "values"), dtype=torch.float64)


def started(cell: GRU) -> GRU:
    cell.initialise(torch_stream(1, "weights"))
    return cell


def test_reset_after_is_the_form_of_torch() -> None:
    cell = started(GRU(3, 6)).double()
    layer = nn.GRU(3, 6, batch_first=True).double()
    assert cell.c is not None
    layer.load_state_dict(
        {
            "weight_ih_l0": cell.input.weight,
            "weight_hh_l0": cell.W,
            "bias_ih_l0": cell.input.bias,
            "bias_hh_l0": torch.cat([torch.zeros(12), cell.c.float()]),
        }
    )
    with torch.no_grad():
        layer.bias_hh_l0[12:] = cell.c
    x, start = random(4, 9, 3), random(4, 6, seed=2)
    h, (end,) = cell(x, (start,))
    wanted, wanted_end = layer(x, start[None])
    (h**3).sum().backward()
    (wanted**3).sum().backward()
    ours = [h, end, cell.W.grad, cell.input.weight.grad, cell.input.bias.grad, cell.c.grad]
    theirs = [wanted, wanted_end[0], layer.weight_hh_l0.grad, layer.weight_ih_l0.grad, layer.bias_ih_l0.grad]
    assert_close(ours, [*theirs, layer.bias_hh_l0.grad[12:]], **EXACT)


def test_reset_before_is_the_published_form() -> None:
    """One step written out number by number: n sees the past through r before the matrix."""
    cell = started(GRU(2, 2, reset="before")).double()
    x, h = random(1, 1, 2), random(1, 2, seed=2)
    W, U, b = cell.W.detach(), cell.input.weight.detach(), cell.input.bias.detach()
    a = U @ x[0, 0] + b
    r = torch.sigmoid(a[:2] + W[:2] @ h[0])
    z = torch.sigmoid(a[2:4] + W[2:4] @ h[0])
    n = torch.tanh(a[4:] + W[4:] @ (r * h[0]))
    for way in (cell.forward, cell.steps):
        out, _ = way(x, (h,))
        assert_close(out[0, 0].detach(), z * h[0] + (1 - z) * n, **EXACT)


def test_the_two_forms_differ_only_where_r_and_the_matrix_do_not_commute() -> None:
    """With a diagonal W_n and c = 0 they are one function; otherwise they are not."""
    after, before = started(GRU(2, 5)).double(), GRU(2, 5, reset="before").double()
    with torch.no_grad():
        after.W[10:] = torch.diag(random(5))
        after.c.zero_()
        before.load_state_dict({key: value for key, value in after.state_dict().items() if key != "c"})
    x, state = random(3, 6, 2), (random(3, 5, seed=2),)
    assert_close(after(x, state), before(x, state), **EXACT)
    with torch.no_grad():
        for cell in (after, before):
            cell.W[10:] = random(5, 5)
    assert (after(x, state)[0] - before(x, state)[0]).abs().max() > 1e-3


@pytest.mark.parametrize("reset", ["after", "before"])
def test_the_backward_pass_agrees_with_finite_differences(reset: str) -> None:
    cell = started(GRU(2, 3, reset=reset)).double()
    x, start = random(2, 4, 2).requires_grad_(), random(2, 3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, start, *_: cell(x, (start,))[0], (x, start, *cell.parameters()))


@pytest.mark.parametrize(("bias", "kept"), [(50.0, True), (-50.0, False)])
def test_the_update_gate_keeps_or_replaces(bias: float, kept: bool) -> None:
    cell = started(GRU(2, 3)).double()
    with torch.no_grad():
        cell.input.bias[3:6] = bias
    x, h = random(1, 5, 2), random(1, 3, seed=2)
    _, (end,) = cell(x, (h,))
    _, _, n = cell.gates(x[:, 4], (cell(x[:, :4], (h,))[1][0],))
    assert_close(end, h if kept else n, **EXACT)


def test_chrono_spreads_the_memory_over_all_lags() -> None:
    b_z = started(GRU(3, 500, chrono=50)).input.bias.detach().chunk(3)[1]
    lags = b_z.exp()
    assert 1 <= float(lags.min()) < 2
    assert 48 < float(lags.max()) <= 49.001

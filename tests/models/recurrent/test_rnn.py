"""The plain recurrent cell and its start as the identity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models.recurrent.irnn import IRNN
from seqlab.models.recurrent.rnn import RNN

EXACT = {"rtol": 1e-10, "atol": 1e-12}


def double(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def random(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(size, generator=torch_stream(seed, "values"), dtype=torch.float64)


def worked_example() -> tuple[RNN, Tensor, Tensor, Tensor, Tensor]:
    """KMU-8, example 8-1: the cell, V, c, x and y."""
    cell = RNN(2, 3).double()
    with torch.no_grad():
        cell.input.weight.copy_(double([[0.1, 0.1], [0, 0], [0, -0.1]]))
        cell.W.copy_(double([[0.1, 0.1, 0], [0, 0, 0], [0.2, -0.1, -0.1]]))
        cell.input.bias.copy_(double([0, 0, 0.2]))
    V, c = double([[0, 0.1, 0], [-0.2, 0, 0]]).requires_grad_(), double([0.2, 0.1]).requires_grad_()
    x = double([[0, 1], [0, 0.1], [0.1, -0.2], [0.5, 0]])
    y = double([[0.7, 0.4], [0.3, 0.4], [0.2, 0.4], [0.4, 0.5]])
    return cell, V, c, x, y


@pytest.mark.parametrize("way", ["forward", "steps"])
def test_the_worked_example_comes_out_to_the_printed_digits(way: str) -> None:
    cell, V, c, x, _ = worked_example()
    h, _ = getattr(cell, way)(x[None], (torch.zeros(1, 3, dtype=torch.float64),))
    y = torch.softmax(h @ V.t() + c, -1)
    assert_close(h[0, 0], double([0.0997, 0, 0.0997]), rtol=0, atol=5e-5)
    printed = double([[0.5299, 0.4701], [0.5260, 0.4740], [0.5246, 0.4754], [0.5274, 0.4726]])
    assert_close(y[0], printed, rtol=0, atol=5e-5)


def test_back_propagation_through_time_is_that_of_the_lecture() -> None:
    """KMU-8 eq. 8.18-8.24 written out, against the cell's backward pass."""
    cell, V, c, x, y = worked_example()
    out, _ = cell(x[None], (torch.zeros(1, 3, dtype=torch.float64),))
    o = out @ V.t() + c
    do = torch.softmax(o, -1)[0].detach() - y  # (8.19)
    o.backward(do[None])

    h, W, T = out[0].detach(), cell.W.detach(), len(x)
    dh = [Tensor()] * T
    dh[-1] = V.detach().t() @ do[-1]  # (8.20)
    for t in range(T - 2, -1, -1):
        dh[t] = V.detach().t() @ do[t] + W.t() @ torch.diag(1 - h[t + 1] ** 2) @ dh[t + 1]  # (8.21)
    delta = [torch.diag(1 - h[t] ** 2) @ dh[t] for t in range(T)]
    before = [torch.zeros_like(h[0]), *h]
    steps = range(T)
    assert_close(V.grad, sum(torch.outer(do[t], h[t]) for t in steps), **EXACT)
    assert_close(c.grad, do.sum(0), **EXACT)
    assert_close(cell.W.grad, sum(torch.outer(delta[t], before[t]) for t in steps), **EXACT)  # (8.24)
    assert_close(cell.input.weight.grad, sum(torch.outer(delta[t], x[t]) for t in steps), **EXACT)
    assert_close(cell.input.bias.grad, sum(delta), **EXACT)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_formulas_are_those_of_torch(nonlinearity: str) -> None:
    cell = RNN(3, 6, nonlinearity=nonlinearity).double()
    cell.initialise(torch_stream(1, "weights"))
    layer = nn.RNN(3, 6, nonlinearity=nonlinearity, batch_first=True).double()
    layer.load_state_dict(
        {
            "weight_ih_l0": cell.input.weight,
            "weight_hh_l0": cell.W,
            "bias_ih_l0": cell.input.bias,
            "bias_hh_l0": torch.zeros(6),
        }
    )
    x, start = random(4, 9, 3), random(4, 6, seed=2)
    h, (end,) = cell(x, (start,))
    wanted, wanted_end = layer(x, start[None])
    assert_close(h, wanted, **EXACT)
    assert_close(end, wanted_end[0], **EXACT)
    (h**3).sum().backward()
    (wanted**3).sum().backward()
    assert_close(cell.W.grad, layer.weight_hh_l0.grad, **EXACT)
    assert_close(cell.input.weight.grad, layer.weight_ih_l0.grad, **EXACT)
    assert_close(cell.input.bias.grad, layer.bias_ih_l0.grad, **EXACT)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_backward_pass_agrees_with_finite_differences(nonlinearity: str) -> None:
    cell = RNN(2, 3, nonlinearity=nonlinearity).double()
    cell.initialise(torch_stream(3, "weights"))
    x, start = random(2, 4, 2).requires_grad_(), random(2, 3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, start, *_: cell(x, (start,))[0], (x, start, *cell.parameters()))


def test_the_irnn_starts_as_the_identity() -> None:
    cell = IRNN(50, 40)
    cell.initialise(torch_stream(1, "weights"))
    assert torch.equal(cell.W, torch.eye(40))
    assert torch.equal(cell.input.bias, torch.zeros(40))
    assert float(cell.input.weight.detach().std()) == pytest.approx(0.001, rel=0.1)


def test_the_irnn_keeps_its_state_and_its_gradient_where_nothing_comes_in() -> None:
    cell = IRNN(2, 5)
    cell.initialise(torch_stream(1, "weights"))
    start = torch.rand(1, 5, generator=torch_stream(1, "values")).requires_grad_()
    _, (end,) = cell(torch.zeros(1, 300, 2), (start,))
    assert torch.equal(end, start)
    end.sum().backward()
    assert torch.equal(start.grad, torch.ones(1, 5))


def test_the_irnn_may_start_otherwise() -> None:
    cell = IRNN(2, 5, start="orthogonal", spectral_radius=0.5)
    cell.initialise(torch_stream(1, "weights"))
    W = cell.W.detach()
    assert_close(W @ W.t(), torch.eye(5) * 0.25)

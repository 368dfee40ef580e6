"""The parallel scan in log space against the recurrence it solves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from seqlab.contracts import torch_stream
from seqlab.models.scans._scan import linear_scan, log_positive, positive, scan


def one_by_one(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    steps = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        steps.append(h)
    return torch.stack(steps)


def in_numpy(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """The same without gradients, in less time."""
    steps, h = np.empty(a.shape), start.numpy()
    for t, (a_t, b_t) in enumerate(zip(a.numpy(), b.numpy(), strict=True)):
        h = steps[t] = a_t * h + b_t
    return torch.from_numpy(steps)


def problem(steps: int, spread: float, *, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Gates from nearly shut to nearly open, and a start of either sign, in float64."""
    generator = torch_stream(seed, "scan")
    gate = torch.randn(steps, 2, 3, generator=generator, dtype=torch.float64) * spread
    new = torch.randn(steps, 2, 3, generator=generator, dtype=torch.float64)
    start = torch.randn(2, 3, generator=generator, dtype=torch.float64) * 10
    return torch.nn.functional.logsigmoid(gate), new, start


@pytest.mark.parametrize("spread", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 16, 17, 63])
def test_any_length_gives_what_the_steps_give(steps: int, spread: float) -> None:
    log_a, b, start = problem(steps, spread)
    wanted = in_numpy(log_a.exp(), b.exp(), start)
    assert_close(scan(log_a, b, start), wanted, rtol=1e-10, atol=1e-12)
    wanted = in_numpy(log_a.exp(), b, start)  # of either sign
    assert_close(linear_scan(log_a.exp(), b, start), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("spread", [0.5, 30.0])
def test_ten_thousand_steps_lose_no_precision(spread: float) -> None:
    """In float32 the published formula, without the pieces, is a hundred times less exact at this length."""
    log_a, log_b, start = problem(10_000, spread)
    wanted = in_numpy(log_a.exp(), log_b.exp(), start)
    assert_close(scan(log_a, log_b, start), wanted, rtol=1e-10, atol=1e-12)
    log_a, log_b, start = log_a.float(), log_b.float(), start.float().zero_()
    wanted = in_numpy(log_a.double().exp(), log_b.double().exp(), start.double())
    A = log_a.cumsum(0)
    published = (A + torch.logcumsumexp(log_b - A, 0)).exp()
    ours, theirs = (
        float(((h - wanted) / wanted).abs().max()) for h in (scan(log_a, log_b, start), published)
    )
    assert ours < 1e-5
    assert theirs > 100 * ours


@pytest.mark.parametrize("steps", [1, 2, 9, 67])
def test_gradients_are_those_of_the_steps(steps: int) -> None:
    leaves = [part.requires_grad_() for part in problem(steps, 3.0)]
    log_a, log_b, start = leaves
    weights = torch.randn(steps, 2, 3, generator=torch_stream(1, "weights"), dtype=torch.float64)
    ours = torch.autograd.grad((scan(log_a, log_b, start) * weights).sum(), leaves)
    theirs = torch.autograd.grad((one_by_one(log_a.exp(), log_b.exp(), start) * weights).sum(), leaves)
    assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_gates_that_underflow_keep_values_and_gradients_finite() -> None:
    log_a = torch.tensor([0.0, -1e4, -1e-30, -200.0])[:, None, None].requires_grad_()
    log_b = torch.tensor([-1e4, -300.0, 3.0, -1e4])[:, None, None].requires_grad_()
    h = scan(log_a, log_b, torch.full((1, 1), -5.0))
    assert_close(h.flatten(), torch.tensor([-5.0, 0.0, math.exp(3), 0.0]))
    h.sum().backward()
    assert torch.isfinite(log_a.grad).all()
    assert torch.isfinite(log_b.grad).all()


def test_g_is_positive_continuous_and_has_the_logarithm_it_claims() -> None:
    x = torch.linspace(-30, 30, 1201, dtype=torch.float64).requires_grad_()
    g = positive(x)
    assert bool((g > 0).all())
    assert bool((g.diff() > 0).all())
    assert_close(log_positive(x).exp(), g, rtol=1e-12, atol=0)
    (through_log,) = torch.autograd.grad(log_positive(x).exp().sum(), x)
    (straight,) = torch.autograd.grad(g.sum(), x)
    assert_close(through_log, straight, rtol=1e-12, atol=0)
    below, at = positive(torch.tensor([-1e-12, 0.0], dtype=torch.float64))
    assert abs(float(at - below)) < 1e-11


@pytest.mark.parametrize("alike", [False, True], ids=["each row its own", "all rows alike"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("steps", [1, 7, 20])
def test_coefficients_of_either_sign_or_complex_have_the_gradients_of_the_steps(
    steps: int, dtype: torch.dtype, alike: bool
) -> None:
    generator = torch_stream(1, "scan")
    a = torch.randn(steps, 1 if alike else 2, 3, generator=generator, dtype=dtype)
    b, weights = (torch.randn(steps, 2, 3, generator=generator, dtype=dtype) for _ in range(2))
    given = [a, b, torch.randn(2, 3, generator=generator, dtype=dtype)]
    results = []
    for solve in (linear_scan, one_by_one):
        leaves = [part.clone().requires_grad_() for part in given]
        h = solve(*leaves)
        results.append([h, *torch.autograd.grad((h * weights).real.sum(), leaves)])
    assert_close(*results, rtol=1e-10, atol=1e-12)

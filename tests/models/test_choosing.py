"""The gradient of REINFORCE, against the exact one of a problem of two choices that can be enumerated."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from seqlab.contracts import torch_stream
from seqlab.models import reinforced

CHOICES = 4


def policy(weights: Tensor) -> list[tuple[tuple[int, int], Tensor]]:
    """Return all ways to choose twice with their log-probabilities (1, 2); the second sees the first."""
    first, second = weights[0, 0].log_softmax(-1), weights[1].log_softmax(-1)
    ways = list(product(range(CHOICES), repeat=2))
    return [((a, b), torch.stack([first[a], second[a, b]])[None]) for a, b in ways]


@pytest.mark.parametrize("baseline", ["none", "constant", "by step"])
def test_its_mean_is_the_exact_gradient_whatever_the_baseline(baseline: str) -> None:
    """Each way counts by its probability, so that nothing is drawn: the loss depends on the weights, too."""
    draw = torch_stream(1, "two steps")
    weights = torch.randn(2, CHOICES, CHOICES, generator=draw, dtype=torch.float64, requires_grad=True)
    rewards = torch.randn(CHOICES, CHOICES, generator=draw, dtype=torch.float64)
    expected, estimate = torch.zeros_like(weights), torch.zeros_like(weights)
    for (a, b), log_probs in policy(weights):  # whose graph is shared
        probability = log_probs.sum().exp()
        reward = rewards[a, b] * weights[0, 1, 2].sigmoid()
        (gradient,) = torch.autograd.grad(-probability * reward, weights, retain_graph=True)
        expected += gradient
        subtracted = {
            "none": torch.zeros(1, 2),
            "constant": torch.full((1, 2), 0.7),
            "by step": torch.tensor([[0.3, -1.0 - 2 * a]]),  # which may know what was chosen before
        }[baseline]
        loss = -reward + reinforced(log_probs, reward - subtracted.double())
        assert loss.item() == -reward.item()
        (gradient,) = torch.autograd.grad(loss, weights, retain_graph=True)
        estimate += probability.detach() * gradient
    torch.testing.assert_close(estimate, expected, rtol=1e-12, atol=1e-12)
    assert expected.abs().max() > 0.01


def test_rows_are_averaged_and_one_reward_may_be_for_all_choices() -> None:
    log_probs = torch.zeros(3, 2, requires_grad=True)
    reinforced(log_probs, torch.tensor([[3.0], [0.0], [-6.0]])).backward()
    assert log_probs.grad is not None
    assert log_probs.grad.tolist() == [[-1, -1], [0, 0], [2, 2]]

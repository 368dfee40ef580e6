"""Schedules at known points, clipping against its definition."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seqlab.errors import UsageError
from seqlab.session.budget import parse_seconds
from seqlab.settings import Training
from seqlab.training.optimisers import build_optimizer, clip_gradient, learning_rate


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", [0.5, 1, 1, 1, 1]), ("linear", [0.5, 1, 1, 0.6, 0.2]), ("cosine", [0.5, 1, 1, 0.6, 0.2])],
)
def test_learning_rate_rises_stays_and_falls(schedule: str, expected: list[float]) -> None:
    settings = Training(
        steps=23, learning_rate=1.0, warmup_steps=2, schedule=schedule, final_learning_rate=0.2
    )  # type: ignore[arg-type]
    assert [learning_rate(settings, step) for step in (0, 1, 2, 12, 22)] == pytest.approx(expected)


@given(
    st.sampled_from(["constant", "linear", "cosine"]), st.integers(1, 50), st.integers(0, 60), st.floats(0, 1)
)
def test_learning_rate_never_leaves_its_range(schedule: str, steps: int, warmup: int, final: float) -> None:
    settings = Training(
        steps=steps, learning_rate=0.1, warmup_steps=warmup, schedule=schedule, final_learning_rate=final
    )  # type: ignore[arg-type]
    for step in range(steps):
        assert 0 <= learning_rate(settings, step) <= 0.1 + 1e-12


@pytest.mark.parametrize(("clip", "expected"), [(1.0, 1.0), (10.0, 5.0), (None, 5.0)])
def test_clipping_is_by_the_norm_over_all_parameters(clip: float | None, expected: float) -> None:
    parameters = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(2))]
    parameters[0].grad = torch.tensor([3.0])
    parameters[1].grad = torch.tensor([0.0, -4.0])
    assert float(clip_gradient(parameters, clip)) == pytest.approx(5.0)
    after = torch.cat([parameter.grad for parameter in parameters if parameter.grad is not None])
    assert float(after.norm()) == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(after / after.norm(), torch.tensor([0.6, 0.0, -0.8]))


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw"])
def test_every_optimiser_descends_a_quadratic(name: str) -> None:
    parameter = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = build_optimizer([parameter], Training(optimizer=name, learning_rate=0.05))  # type: ignore[arg-type]
    for _ in range(200):
        optimizer.zero_grad()
        (parameter**2).sum().backward()
        optimizer.step()
    assert float(parameter.detach().abs().max()) < 0.1


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize(("of", "shrinks"), [("matrices", [True, False, False]), ("all", [True, True, True])])
def test_weight_decay_shrinks_matrices_or_all(name: str, of: str, shrinks: list[bool]) -> None:
    """Where the gradient is 0, nothing but weight decay moves a weight: a matrix, a vector, a number."""
    parameters = [nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,), ())]
    settings = Training(optimizer=name, learning_rate=0.1, weight_decay=0.5, weight_decay_of=of)  # type: ignore[arg-type]
    optimizer = build_optimizer(parameters, settings)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert [bool((parameter < 1).all()) for parameter in parameters] == shrinks
    assert all(
        bool((parameter == 1).all()) or shrink for parameter, shrink in zip(parameters, shrinks, strict=True)
    )


@pytest.mark.parametrize("text", ["", "90", "0s", "-5s", "90 parsecs", "1e3s", "s"])
def test_a_time_span_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a time span|nothing can be trained"):
        parse_seconds(text)

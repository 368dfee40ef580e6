"""The echo state network: what is drawn, what it computes, and that none of it learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from seqlab.contracts import Spec, torch_stream
from seqlab.models import build_model, count_parameters
from seqlab.models._initialise import radius
from seqlab.models.recurrent.echo_state import EchoState
from seqlab.settings import Component, Training
from seqlab.tasks.lags.temporal_order import TemporalOrder
from seqlab.training import fit, new_learner
from seqlab.training.checkpoints import load_checkpoint, save_checkpoint


def reservoir(units: int, **options: float) -> EchoState:
    cell = EchoState(3, units, **options)
    cell.initialise(torch_stream(1, "weights"))
    return cell


def test_the_reservoir_has_the_radius_and_the_sparsity_that_are_asked_for() -> None:
    W = reservoir(100, spectral_radius=0.7, sparsity=0.9).W
    assert radius(W) == pytest.approx(0.7, rel=1e-5)
    assert float((W == 0).float().mean()) == pytest.approx(0.9, abs=0.02)


def test_a_reservoir_without_any_connection_is_drawn_nonetheless() -> None:
    assert bool(reservoir(1, sparsity=0.999).W.isfinite().all())


def test_units_leak() -> None:
    cell = reservoir(5, leak=0.25).double()
    x = torch.randn(2, 6, 3, generator=torch_stream(2, "inputs"), dtype=torch.float64)
    h, shown = torch.zeros(2, 5).double(), []
    for x_t in x.unbind(1):
        new = torch.tanh(x_t @ cell.input.weight.T + h @ cell.W.T + cell.input.bias)
        h = 0.75 * h + 0.25 * new
        shown.append(h)
    assert_close(cell(x, cell.start(2))[0], torch.stack(shown, 1), rtol=1e-10, atol=1e-12)


def test_what_came_long_ago_fades() -> None:
    cell = reservoir(50)
    x = torch.randn(1, 300, 3, generator=torch_stream(2, "inputs"))
    ends = [cell(x, (start,))[1][0] for start in (torch.zeros(1, 50), torch.ones(1, 50))]
    assert_close(*ends, rtol=0, atol=1e-3)


def test_the_read_out_alone_learns_and_the_reservoir_is_saved_with_the_run(tmp_path: Path) -> None:
    task = TemporalOrder(difficulty="easy")
    settings = Training(steps=3, optimizer="adamw", weight_decay=0.1, averaging=0.9, evaluation_sequences=8)
    model = build_model(Component(name="echo-state", hidden_size=6), task.spec, 1)
    assert count_parameters(model) == 6 * task.spec.output_size + task.spec.output_size
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    learner = new_learner(model, settings)
    list(fit(learner, task, settings, 1))
    changed = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert changed == {"readout.weight", "readout.bias"}
    save_checkpoint(tmp_path / "last.pt", learner)
    other = new_learner(build_model(Component(name="echo-state", hidden_size=6), task.spec, 2), settings)
    load_checkpoint(tmp_path / "last.pt", other)
    for name, weight in other.model.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name])


def test_it_says_how_many_of_its_weights_learn() -> None:
    spec = Spec("tokens", 8, "classes", 4, causal=True)
    model = build_model(Component(name="echo-state", hidden_size=6), spec, 1)
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    assert frozen == ["cells.0.W", "cells.0.input.weight", "cells.0.input.bias"]

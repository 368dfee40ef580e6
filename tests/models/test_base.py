"""What build_model and the network around a cell refuse, and how a layer is read from both ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from seqlab.contracts import Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import Recurrent, build_model
from seqlab.plugins import admit
from seqlab.settings import Component

CAUSAL = Spec("tokens", 5, "classes", 4, causal=True)
WHOLE = Spec("features", 5, "values", 4, causal=False)


def test_a_causal_task_takes_no_reader_from_the_end() -> None:
    with pytest.raises(SettingsError, match="bidirectional") as caught:
        build_model(Component(name="rnn", bidirectional=True), CAUSAL, 1)
    assert "model.bidirectional=false" in str(caught.value)


def test_a_model_is_refused_inputs_that_it_does_not_read(tmp_path: Path) -> None:
    file = tmp_path / "symbols.py"
    file.write_text(
        "from seqlab.models.recurrent.rnn import RNN\nclass Symbols(RNN):\n    reads = ('tokens',)\n"
    )
    admit(str(file))
    build_model(Component(name=str(file)), CAUSAL, 1)
    with pytest.raises(SettingsError, match="reads tokens; the task gives features"):
        build_model(Component(name=str(file)), WHOLE, 1)


def test_a_bidirectional_layer_is_two_cells_of_which_one_reads_from_the_end() -> None:
    model = build_model(Component(name="gru", hidden_size=3, bidirectional=True), WHOLE, 1)
    assert isinstance(model, Recurrent)
    x = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(1))
    forth, back = model.cells
    h_forth, _ = forth(x, forth.start(2))
    h_back, _ = back(x.flip(1), back.start(2))
    wanted = model.readout(torch.cat([h_forth, h_back.flip(1)], -1))
    assert_close(model(x)[0], wanted)


def test_dropout_silences_the_same_units_at_every_step() -> None:
    """Without a recurrence of its own, a constant input gives the same output at every step, or silence."""
    spec = Spec("tokens", 3, "classes", 2, causal=True)
    model = build_model(Component(name="rnn", hidden_size=40, dropout=0.5), spec, seed=1)
    masks = []
    model.get_submodule("readout").register_forward_pre_hook(lambda _, inputs: masks.append(inputs[0] != 0))
    model.train()
    model.noise = torch_stream(1, "dropout", 0)
    model(torch.zeros(5, 7, dtype=torch.int64))
    (kept,) = masks
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert 0.3 < float(kept[:, 0].float().mean()) < 0.7
    assert not torch.equal(kept[0, 0], kept[1, 0])


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_weight_dropout_silences_recurrent_weights_anew_at_every_update(name: str, steps: int) -> None:
    model = build_model(Component(name=name, hidden_size=40, weight_dropout=0.25), CAUSAL, seed=1)
    assert isinstance(model, Recurrent)
    x = torch.randint(5, (3, steps), generator=torch.Generator().manual_seed(1))
    state = ((*(torch.ones(3, 40) for _ in model.cells[0].parts),),)  # type: ignore[union-attr]
    plain = model.eval()(x, state)[0]
    kept = model.kept_weights(torch_stream(1, "dropout", 0))
    assert kept.keys() == {"cells.0.W"}
    assert set(kept["cells.0.W"].unique().tolist()) == {0.0, torch.tensor(4 / 3).item()}
    assert 0.7 < float((kept["cells.0.W"] > 0).float().mean()) < 0.8
    model.train()
    answers = []
    for update in (0, 0, 1):
        model.noise = torch_stream(1, "dropout", update)
        answers.append(model(x, state)[0])
    assert_close(answers[0], answers[1], rtol=0, atol=0)
    assert not torch.equal(answers[0], answers[2])
    answers[0].sum().backward()
    gradient = model.get_parameter("cells.0.W").grad
    assert gradient is not None
    assert bool((gradient[kept["cells.0.W"] == 0] == 0).all())
    with torch.no_grad():
        model.get_parameter("cells.0.W").mul_(kept["cells.0.W"])
    assert_close(model.eval()(x, state)[0], answers[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(plain, answers[0], atol=1e-3)


def test_a_cell_without_recurrent_weights_has_none_to_silence() -> None:
    with pytest.raises(SettingsError, match=r"weight_dropout is 0.5, but MinGRU has no recurrent weights"):
        build_model(Component(name="mingru", weight_dropout=0.5), CAUSAL, 1)


def test_the_input_scale_sets_the_first_layer_alone() -> None:
    spec = Spec("tokens", 5, "classes", 2, causal=True)
    settings = {"name": "lstm", "hidden_size": 30, "layers": 2}
    plain = build_model(Component(**settings), spec, seed=1)
    scaled = build_model(Component(**settings, input_scale=2.0), spec, seed=1)
    first = scaled.get_parameter("cells.0.input.weight")
    assert 1.8 < float(first.detach().abs().max()) <= 2.0
    for name, parameter in plain.named_parameters():
        same = torch.equal(parameter, scaled.get_parameter(name))
        assert same is (name != "cells.0.input.weight"), name

"""What build_model and the network around a cell refuse, and how a layer is read from both ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from seqlab import registry
from seqlab.contracts import Spec
from seqlab.errors import SettingsError
from seqlab.models import Recurrent, build_model
from seqlab.settings import Component

CAUSAL = Spec("tokens", 5, "classes", 4, causal=True)
WHOLE = Spec("features", 5, "values", 4, causal=False)


def test_a_causal_task_takes_no_reader_from_the_end() -> None:
    with pytest.raises(SettingsError, match="bidirectional") as caught:
        build_model(Component(name="rnn", bidirectional=True), CAUSAL, 1)
    assert "model.bidirectional=false" in str(caught.value)


def test_a_model_is_refused_inputs_that_it_does_not_read(tmp_path: Path) -> None:
    file = tmp_path / "symbols.py"
    file.write_text("from seqlab.models.rnn import RNN\nclass Symbols(RNN):\n    reads = ('tokens',)\n")
    registry.admit(str(file))
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

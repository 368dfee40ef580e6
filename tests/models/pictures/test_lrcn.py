"""Convolutions in front of a recurrent network, against a loop over frames."""

from __future__ import annotations

import pytest
import torch

from seqlab.contracts import Spec, torch_stream
from seqlab.models import build_model
from seqlab.models._variants import exact
from seqlab.models.pictures.lrcn import LRCN
from seqlab.settings import Component

SPEC = Spec("features", 30, "classes", 3, True, frame=(5, 6))


@torch.no_grad()
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_each_frame_is_seen_by_itself_and_then_read(cell: str) -> None:
    options = {"name": "lrcn", "cell": cell, "hidden_size": 4, "channels": 2, "places": 3}
    model = exact(build_model(Component(**options), SPEC, 1)).eval()
    assert isinstance(model, LRCN)
    films = torch.randn(2, 3, 30, dtype=torch.float64, generator=torch_stream(1, "films"))
    outputs, _ = model(films)
    (network,) = model.cells
    for row in range(2):
        state = tuple(torch.zeros(1, 4).double() for _ in network.parts)  # type: ignore[union-attr]
        for step in range(3):
            picture = films[row, step].reshape(1, 5, 6, 1)  # row by row
            seen = model.whole(model.grid(picture).reshape(1, -1)).clamp(min=0)
            state = network.step(seen, state)  # type: ignore[operator]
            torch.testing.assert_close(outputs[row, step], model.readout(state[0])[0])

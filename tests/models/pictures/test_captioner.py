from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqlab.contracts import PAD, Signal, Spec, Written, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import build_model
from seqlab.models._variants import exact
from seqlab.models.pictures.captioner import Captioner
from seqlab.settings import Component

SPEC = Spec(
    "tokens", 4, "classes", 4, True, {"picture": Signal("features", 2, ("row", "column"))}, Written(3, 3, 5)
)


def captioner(spec: Spec = SPEC, **options: Any) -> Captioner:
    model = exact(build_model(Component(name="captioner", hidden_size=5, channels=3, **options), spec, 1))
    assert isinstance(model, Captioner)
    return model.eval()


def picture(rows: int = 9, columns: int = 14) -> Tensor:
    return torch.randn(2, rows, columns, 2, dtype=torch.float64, generator=torch_stream(1, "picture"))


def given(model: Captioner, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the state of the cell after one step, (B, H) each."""
    (cell,) = model.decoder.cells
    _, new = model.decoder(x[:, None], (state,), None, lambda x: x)
    assert new[0][0].shape == state[0].shape
    assert cell is model.decoder.cells[0]
    return new[0]  # type: ignore[no-any-return]


def grid_by_hand(model: Captioner, x: Tensor) -> Tensor:
    """Return the grid, place by place: (B, rows, columns, M)."""
    x = x.movedim(-1, 1)
    for convolution in model.grid.convolutions:
        weight, step = convolution.weight, convolution.stride
        framed = F.pad(x, (1, 1, 1, 1))
        down, right = (range(0, size, step) for size in x.shape[2:])  # type: ignore[arg-type]
        x = torch.stack(
            [
                torch.stack(
                    [
                        torch.einsum("oirc,birc->bo", weight, framed[:, :, r : r + 3, c : c + 3])
                        + convolution.bias
                        for c in right
                    ],
                    -1,
                )
                for r in down
            ],
            -2,
        ).clamp(min=0)
    rows, columns = x.shape[2:]
    found = x.new_zeros(len(x), rows, columns, 5)
    for row in range(rows):
        for column in range(columns):
            where = torch.tensor([2 * row / (rows - 1) - 1, 2 * column / (columns - 1) - 1]).double()
            features = torch.cat([x[:, :, row, column], where.expand(len(x), 2)], -1)
            found[:, row, column] = model.grid.place(features).clamp(min=0)
    return found


@torch.no_grad()
def test_the_grid_is_three_convolutions_and_where_each_place_is() -> None:
    model = captioner()
    found = model.grid(picture())
    assert found.shape == (2, 3, 4, 5)
    torch.testing.assert_close(found, grid_by_hand(model, picture()))


@torch.no_grad()
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_with_soft_attention_each_step_looks_before_it_is_taken(cell: str) -> None:
    """Against a loop over steps and places."""
    model, read = captioner(cell=cell), torch.tensor([[3, 0, 2], [3, 1, 1]])
    start = model.start({"picture": picture()}, 2)
    outputs, _ = model(read, start)
    looked = model.alignments(read, start)["attention"]
    places = model.grid(picture()).flatten(1, 2)
    assert model.score is not None
    assert model.begin is not None
    assert model.combine is not None
    state = tuple(torch.tanh(part(places.mean(1))) for part in model.begin)
    for step in range(3):
        scores = torch.stack(
            [
                torch.tanh(model.score.query(state[0]) + model.score.key(places[:, place])) @ model.score.v
                for place in range(places.shape[1])
            ],
            -1,
        )
        weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
        seen = sum(weights[:, place, None] * places[:, place] for place in range(places.shape[1]))
        assert isinstance(seen, Tensor)
        state = given(model, torch.cat([model.embedding(read[:, step]), seen], -1), state)
        told = torch.tanh(model.combine(torch.cat([seen, state[0]], -1)))
        torch.testing.assert_close(looked[:, step], weights)
        torch.testing.assert_close(outputs[:, step], model.readout(told))


@torch.no_grad()
@pytest.mark.parametrize("attention", ["none-every-step", "none-first-step"])
def test_without_attention_the_picture_is_added_at_every_step_or_at_the_first(attention: str) -> None:
    model, read = captioner(attention=attention), torch.tensor([[PAD, 3, 0, 2], [3, 1, 1, 0]])
    start = model.start({"picture": picture()}, 2)
    outputs, _ = model(read, start)
    assert model.alignments(read, start) == {}
    grid = model.grid(picture())
    assert model.whole is not None
    pooled = F.adaptive_avg_pool2d(grid.movedim(-1, 1), (6, 6)).flatten(1)  # 36 places suit 3 x 4 so
    seen = model.whole(pooled)
    for row in range(2):
        state, symbols = tuple(torch.zeros(1, 5).double() for _ in range(2)), [s for s in read[row] if s >= 0]
        for step, symbol in enumerate(symbols):
            is_given = step == 0 or attention == "none-every-step"
            x = model.embedding(symbol[None]) + is_given * seen[row]
            state = given(model, x, state)
            place = step + 4 - len(symbols)
            torch.testing.assert_close(outputs[row, place], model.readout(state[0])[0])


def test_it_needs_a_picture() -> None:
    with pytest.raises(SettingsError):
        captioner(Spec("tokens", 4, "classes", 4, True))

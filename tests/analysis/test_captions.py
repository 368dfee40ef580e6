"""Where in a picture each word looks: models that look where they are told to, against where things stand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.analysis.captions import find_named, read_caption
from seqlab.contracts import BOXES, PAD, Batch, State
from seqlab.errors import UsageError
from seqlab.models import SequenceModel
from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures.digit_captions import DigitCaptions

pytest.importorskip("sklearn", reason="its digits are what is described")


class Looking(SequenceModel):
    """Looks first at one of the places, every fourth pixel along both axes, then half at it and half at the next.

    It writes "three" until it has written so three times, and ends.
    """

    def __init__(self, task: DigitCaptions, place: int) -> None:
        super().__init__(task.spec)
        self.place = place
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        return ((torch.zeros(rows),),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        assert state is not None
        ((read,),) = state
        count = read[:, None] + (inputs != PAD).cumsum(1)
        symbol = torch.where(count > 3, self.spec.output_size - 1, 3)
        return 5.0 * torch.nn.functional.one_hot(symbol, self.spec.output_size), ((count[:, -1],),)

    def alignments(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        weights = torch.zeros(*inputs.shape, 36)
        weights[..., self.place] = 1.0
        weights[:, 1:, self.place] = weights[:, 1:, self.place + 1] = 0.5
        return {"attention": weights}

    def centres(self, rows: int, columns: int) -> list[tuple[int, int]]:
        return [(row, column) for row in range(0, rows, 4) for column in range(0, columns, 4)]

    def initialise(self, generator: torch.Generator) -> None:
        """Nothing is drawn."""


class Blind(Looking):
    alignments = SequenceModel.alignments


def boxes_of(batch: Batch) -> list[list[int]]:
    return [box for row in batch.notes[BOXES].tolist() for box in row if any(box)]


def test_it_is_counted_how_often_the_peak_is_of_what_is_named() -> None:
    """Against a loop over boxes and places."""
    task = DigitCaptions()
    found = find_named(task, Looking(task, 17), 40, 1)  # pixel (4, 20)
    assert found is not None
    (batch,) = task.evaluation("test", 40, 1)
    boxes = boxes_of(batch)
    hits = [top <= 4 < bottom and left <= 20 < right for top, left, bottom, right in boxes]
    assert (found.words, found.captions) == (len(boxes), 40)
    assert 0.1 < found.shares["attention"] == pytest.approx(np.mean(hits))
    anywhere = [
        np.mean(
            [
                top <= row < bottom and left <= column < right
                for row in (0, 4, 8)
                for column in range(0, 48, 4)
            ]
        )
        for top, left, bottom, right in boxes
    ]
    assert found.chance == pytest.approx(np.mean(anywhere))


def test_a_caption_is_told_with_where_each_word_looked() -> None:
    task = DigitCaptions()
    batch = next(task.evaluation("test", 1, 1))
    caption = read_caption(task, Looking(task, 17), batch, is_answered=True)
    assert caption.written == ("three", "three", "three", "<end>")
    assert batch.mask is not None
    names = [task.answers[word] for word in batch.targets[batch.mask].tolist()]
    assert caption.wanted == " ".join(names[:-1])
    assert np.array_equal(caption.picture, batch.context[PICTURE][0].numpy())
    assert caption.probability == pytest.approx([np.exp(5) / (np.exp(5) + 10)] * 4)
    assert caption.peaks("attention")[0].tolist() == [4, 20]
    assert caption.boxes is not None
    assert [list(box) for box in caption.boxes.tolist() if any(box)] == boxes_of(batch)[:4]
    head, *rows = caption.to_rows()
    assert head == ("attention", "step", "written", "row", "column", "weight")
    assert rows[17] == ("attention", 0, "three", 4, 20, 1.0)
    assert len(rows) == 4 * 36


def test_a_pixel_has_the_weight_of_the_place_that_is_nearest() -> None:
    task = DigitCaptions()
    caption = read_caption(task, Looking(task, 17), next(task.evaluation("test", 1, 1)), is_answered=False)
    over = caption.over_pixels("attention")
    assert over.shape == (4, 12, 48)
    rows, columns = np.nonzero(over[0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 6, 19, 22)  # ties go to the first
    assert set(over[1, 3:7, 19:27].ravel()) == {0.5}
    assert (caption.boxes, caption.wanted, caption.is_on_it("attention")) == (None, None, [None] * 4)


def test_a_model_that_does_not_look_is_refused() -> None:
    task = DigitCaptions()
    with pytest.raises(UsageError, match="does not look at parts of the picture"):
        find_named(task, Blind(task, 0), 4, 1)

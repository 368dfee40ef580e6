"""Which parts of a picture are seen: of a model that looks where it is told to, against where things stand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from seqlab.analysis.windows import find_looks, follow, to_rows
from seqlab.contracts import BOXES, State
from seqlab.models import SequenceModel
from seqlab.tasks.pictures.digit_glimpses import DigitGlimpses

pytest.importorskip("sklearn", reason="its digits are what is looked at")


class Looking(SequenceModel):
    """Looks at the upper left corner first and then at the middle; and is ever surer that it is a two."""

    def __init__(self, task: DigitGlimpses) -> None:
        super().__init__(task.spec)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        return ((torch.zeros(rows),),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        assert state is not None
        outputs = torch.zeros(*inputs.shape, 10)
        ((looks,),) = state
        outputs[..., 2] = looks[:, None] + torch.arange(1.0, inputs.shape[1] + 1)
        return outputs, ((looks + inputs.shape[1],),)

    def windows(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        fine = torch.tensor([[-2.0, -2.0, 4.0, 4.0], [9.0, 9.0, 15.0, 15.0]])
        coarse = torch.tensor([[-5.0, -5.0, 7.0, 7.0], [6.0, 6.0, 18.0, 18.0]])
        return {"glimpse": torch.stack([fine, coarse], 1).expand(len(inputs), -1, -1, -1)}

    def initialise(self, generator: torch.Generator) -> None:
        """Nothing is drawn."""


def test_what_is_said_and_seen_is_told_step_by_step() -> None:
    task = DigitGlimpses(looks=2)
    batch = task.batch("test", 0, 3, 1)
    paths = [follow(task, Looking(task), batch.row(row), is_answered=True) for row in range(3)]
    assert [path.wanted for path in paths] == [task.answers[label] for label in batch.targets[:, 0]]
    assert follow(task, Looking(task), batch.row(0), is_answered=False).wanted is None
    path = paths[1]
    assert path.said == ("two", "two")
    torch.testing.assert_close(
        torch.tensor(path.probability).float(),
        torch.tensor([1.0, 2.0]).exp() / (9 + torch.tensor([1.0, 2.0]).exp()),
    )
    assert path.middles("glimpse").tolist() == [[1, 1], [12, 12]]
    assert path.drawn is None
    rows = list(to_rows(dict(zip("abc", paths, strict=True))))
    assert len(rows) == 1 + 3 * 2 * 2
    assert rows[8] == ("b", "glimpse", 1, 1, 6, 6, 18, 18)


def test_how_often_it_looks_at_the_digit_is_counted() -> None:
    task = DigitGlimpses(looks=2)
    found = find_looks(task, Looking(task), 600, seed=1)
    assert found is not None
    assert found.pictures == 600
    hits = [0, 0]
    for batch in task.evaluation("test", 600, 1):
        for box in batch.notes[BOXES][:, 0].tolist():
            for step, pixel in enumerate((1, 12)):
                hits[step] += box[0] <= pixel < box[2] and box[1] <= pixel < box[3]
    assert found.shares["glimpse"] == pytest.approx([count / 600 for count in hits])
    assert 0 < hits[0] < hits[1]

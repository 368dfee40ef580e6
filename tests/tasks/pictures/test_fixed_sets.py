"""The sets that picture models are judged on: every picture as often as every other."""

from __future__ import annotations

from collections import Counter

import pytest

from seqlab.tasks import Task
from seqlab.tasks._seeing import PICTURE
from seqlab.tasks.pictures.digit_drawing import DigitDrawing
from seqlab.tasks.pictures.digit_glimpses import DigitGlimpses

pytest.importorskip("sklearn", reason="its digits are what is looked at")


@pytest.mark.parametrize("task", [DigitGlimpses(room=1), DigitDrawing()])
def test_each_is_shown_as_often(task: Task) -> None:
    shown: Counter[bytes] = Counter()
    sizes = []
    for batch in task.evaluation("test", 4 * 193, seed=1):  # the last batch is smaller
        sizes.append(len(batch.inputs))
        shown.update(one.tobytes() for one in batch.context[PICTURE].numpy())
    assert sizes == [512, 260]
    assert sum(shown.values()) == 772
    assert {count % 4 for count in shown.values()} == {0}, "equal pictures in black and white count together"

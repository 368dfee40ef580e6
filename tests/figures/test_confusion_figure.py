"""The picture of what was said where which class was wanted."""

from __future__ import annotations

from seqlab.figures.confusion import MOST, confusion_figure
from seqlab.runs.confusion import Confusion, confusion_of


def test_each_cell_holds_its_number_and_its_share_of_the_row() -> None:
    told = {"confusion": {"classes": ["a", "$b"], "counts": [[3, 1], [0, 4]], "sequences": 8}}
    found = confusion_of(told)
    assert found is not None
    assert (found.answers, found.right) == (8, 7)
    axes = confusion_figure(found, "run").axes[0]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "3",
        (1, 0): "1",
        (1, 1): "4",
    }
    assert axes.images[0].get_array().tolist() == [[0.75, 0.25], [0, 1]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", r"\$b"]


def test_of_many_classes_there_are_shades_alone() -> None:
    size = MOST + 1
    counts = tuple(tuple(int(row == column) for column in range(size)) for row in range(size))
    axes = confusion_figure(Confusion(tuple(map(str, range(size))), counts, size), "run").axes[0]
    assert not axes.texts


def test_runs_without_it_have_none() -> None:
    assert confusion_of(None) is None
    assert confusion_of({"held_out": {}}) is None

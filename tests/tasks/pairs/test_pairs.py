from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD, Split
from seqlab.errors import TextError
from seqlab.generation.answers import questions
from seqlab.tasks.pairs._pairs import Pair, Pairs, Side
from seqlab.tasks.pairs.addition import Addition
from seqlab.tasks.pairs.dates import Dates
from seqlab.tasks.pairs.reverse_words import ReverseWords
from seqlab.text.vocabulary import Vocabulary


class Few(Pairs):
    """Three pairs of different lengths."""

    def __init__(self) -> None:
        self.source = Side(Vocabulary.of("abc"))
        self.target = Side(Vocabulary.counted({"one": 1, "two": 1, "three": 1}, "word"), joiner=" ")
        self.finish(longest=3)

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        return [("abc", "one two three"), ("a", "two"), ("cb", "one three")][:size]


def test_a_batch_holds_the_source_and_the_target_read_and_written_with_padding_in_front() -> None:
    batch = Few().batch("train", 0, 3, 1)  # one 0, three 1, two 2; begin and end 3
    assert batch.context["source"].tolist() == [[0, 1, 2], [PAD, PAD, 0], [PAD, 2, 1]]
    assert batch.inputs.tolist() == [[3, 0, 2, 1], [PAD, PAD, 3, 2], [PAD, 3, 0, 1]]
    assert batch.mask is not None
    wanted = [row[mask].tolist() for row, mask in zip(batch.targets, batch.mask, strict=True)]
    assert wanted == [[0, 2, 1, 3], [2, 3], [0, 1, 3]]


def test_all_rows_begin_to_write_at_their_first_step() -> None:
    task = Few()
    assert questions(task.batch("train", 0, 3, 1), task.spec).tolist() == [[3], [3], [3]]


def test_a_question_of_a_user_s_is_a_batch_of_its_source() -> None:
    task = Few()
    batch = task.ask("cab")
    assert batch.context["source"].tolist() == [[2, 0, 1]]
    assert questions(batch, task.spec).tolist() == [[3]]
    assert task.asked(batch) == ["cab"]


def test_sources_and_answers_print_as_they_are_written() -> None:
    task = Few()
    assert task.asked(task.batch("train", 0, 3, 1)) == ["abc", "a", "cb"]
    assert task.text_of(np.array([0, 2, 1, 3])) == "one two three"
    assert task.text_of(np.array([0, 2])) == "one two"


def test_what_is_unknown_or_empty_is_refused() -> None:
    with pytest.raises(TextError, match=r"'x'.*position 2"):
        Few().ask("ax")
    with pytest.raises(TextError, match="empty"):
        Few().ask("")
    with pytest.raises(TextError, match="'four'"):
        Few().target.encode("one four")


def test_an_answer_right_as_a_whole_is_so_whether_shown_or_written() -> None:
    task = Few()
    batch = task.batch("train", 0, 3, 1)
    outputs = torch.nn.functional.one_hot(batch.targets, 4).float()
    assert task.figures(task.tally(outputs, batch))["sequence_accuracy"] == 1
    written = [np.array(row) for row in ([0, 2, 1, 3], [2, 3], [0, 1])]  # the last without its end
    figures = task.figures(task.tally_written(written, batch))
    assert figures["sequence_accuracy"] == pytest.approx(2 / 3)
    assert figures["accuracy"] == pytest.approx(8 / 9)


def test_what_is_right_is_told_by_the_length_of_the_source_whether_shown_or_written() -> None:
    task = Few()
    task.finish(longest=3, ranges=(1, 2))
    batch = task.batch("train", 0, 3, 1)  # sources of 3, 1 and 2 symbols
    outputs = torch.nn.functional.one_hot(batch.targets, 4).float()
    outputs[1, -1] = 0  # the end of the shortest
    wanted = {"sequence_accuracy_to_1": 0.0, "sequence_accuracy_2": 1.0, "sequence_accuracy_from_3": 1.0}
    written = [np.array(row) for row in ([0, 2, 1, 3], [2], [0, 1, 3])]
    for total in (task.tally(outputs, batch), task.tally_written(written, batch)):
        figures = task.figures(total)
        assert {name: figures[name] for name in wanted} == wanted
    details = {metric.name for metric in task.metrics if metric.detail}
    assert details == wanted.keys()


def test_nothing_is_told_by_length_where_all_sources_are_alike() -> None:
    task = ReverseWords(length=7)
    total = task.tally(torch.zeros(3, 8, 27), task.batch("test", 0, 3, 1))
    assert not {metric.name for metric in task.metrics if metric.detail} & task.figures(total).keys()


def test_the_ranges_of_every_task_of_pairs_hold_some_of_its_sources() -> None:
    for task in (Addition(), Addition(digits=2), Dates(), ReverseWords()):
        batch = task.batch("test", 0, 512, 1)
        figures = task.figures(task.tally(torch.zeros(*batch.inputs.shape, task.spec.output_size), batch))
        assert {metric.name for metric in task.metrics if metric.detail} <= figures.keys()

"""Lines as sequences of their own: how they are split, read and judged."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD, Batch, Split
from seqlab.errors import TextError
from seqlab.tasks.text.lines import Lines

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
MakeTask = Callable[..., Lines]
NAMES = [f"{first}{middle}{last}" for first in "bdk" for middle in "aeiou" for last in ("n", "ra", "lle")]


@pytest.fixture
def task_of(tmp_path: Path) -> MakeTask:
    """Make a task of some lines."""

    def make(lines: list[str], **options: Any) -> Lines:
        path = tmp_path / "names.txt"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return Lines(corpus=str(path), **options)

    return make


def lines_of(task: Lines, split: Split) -> list[str]:
    text = task.vocabulary.decode(task.text(split))
    assert text[0] == text[-1] == task.sample.stop
    return text[1:-1].split(task.sample.stop)


def all_lines(task: Lines) -> list[str]:
    return [line for split in SPLITS for line in lines_of(task, split)]


def rows(task: Lines, batch: Batch) -> list[tuple[str, str]]:
    """Return inputs and targets of each row as text."""
    found = []
    for read, wanted in zip(batch.inputs, batch.targets, strict=True):
        there = read != PAD
        found.append(
            (task.vocabulary.decode(read[there].numpy()), task.vocabulary.decode(wanted[there].numpy()))
        )
    return found


def test_no_held_out_line_was_learned_though_lines_repeat(task_of: MakeTask) -> None:
    task = task_of(NAMES + NAMES[:7] + NAMES[:7])
    parts = [lines_of(task, split) for split in SPLITS]
    assert sorted(all_lines(task)) == sorted(NAMES + NAMES[:7] + NAMES[:7])
    assert not set(parts[0]) & set(parts[1])
    assert not set(parts[0]) & set(parts[2])
    assert not set(parts[1]) & set(parts[2])
    assert [len(set(part)) for part in parts] == [37, 4, 4]
    assert "14 lines repeat an earlier one; equal lines are in the same part." in task.data.notes


def test_the_parts_are_the_same_wherever_the_lines_stand(task_of: MakeTask) -> None:
    first = set(lines_of(task_of(NAMES), "test"))
    assert set(lines_of(task_of(random.Random(1).sample(NAMES, len(NAMES))), "test")) == first


def test_every_token_of_a_line_is_asked_for_and_its_end(task_of: MakeTask) -> None:
    task = task_of(NAMES)
    batch = task.batch("train", 0, 5, seed=1)
    known = set(lines_of(task, "train"))
    for read, wanted in rows(task, batch):
        assert read[0] == wanted[-1] == "\n"
        assert read[1:] == wanted[:-1]
        assert read[1:] in known
    assert batch.mask is None or torch.equal(batch.mask, batch.inputs != PAD)


def test_a_pass_has_each_training_line_once(task_of: MakeTask) -> None:
    task = task_of(NAMES[:36] + NAMES[:4])
    steps = round(task.steps_of_a_pass(1))
    read = [row[1:] for index in range(steps) for row, _ in rows(task, task.batch("train", index, 1, 1))]
    assert Counter(read) == Counter(lines_of(task, "train"))


def test_held_out_lines_are_read_once_each_as_a_whole(task_of: MakeTask) -> None:
    task = task_of(NAMES, period=2)
    for split in ("validation", "test"):
        read = [row[1:] for batch in task.evaluation(split, 1, 1) for row, _ in rows(task, batch)]
        assert sorted(read) == sorted(lines_of(task, split))


def test_of_a_long_line_a_stretch_is_trained_on(task_of: MakeTask) -> None:
    task = task_of([*NAMES, "a" * 100 + "b" * 100], period=10)
    seen = {read for index in range(40) for read, _ in rows(task, task.batch("train", index, 8, 1))}
    assert max(map(len, seen)) == 10
    assert all(task.batch("train", index, 8, 1).inputs.shape[1] <= 10 for index in range(40))


def test_bits_count_the_end_as_a_character(task_of: MakeTask) -> None:
    task = task_of(NAMES)
    even = torch.zeros(1, 1, len(task.vocabulary))
    total = Counter[str]()
    for batch in task.evaluation("test", 1, 1):
        total.update(task.tally(even.expand(*batch.inputs.shape, -1), batch))
    assert total["targets"] == sum(len(line) + 1 for line in lines_of(task, "test"))
    assert task.figures(total)["bits"] == pytest.approx(math.log2(len(task.vocabulary)))


def test_counting_begins_anew_at_every_line(task_of: MakeTask) -> None:
    guess = task_of(NAMES).guess(1, 1)
    assert guess.name == "3-gram"
    assert guess.figures["bits"] < math.log2(len(task_of(NAMES).vocabulary))
    other = task_of(random.Random(1).sample(NAMES, len(NAMES))).guess(1, 1)
    assert other.figures["bits"] == pytest.approx(guess.figures["bits"]), "the line before has no say"
    lines = [f"{letter}{n}" for n in range(10) for letter in "abcdefgh"]
    asked = task_of(lines).guess(1, 1).figures["accuracy"]
    assert asked >= 1 / 3, "the end of each line is known, since its beginning is"


def test_lines_of_words_and_of_bytes(task_of: MakeTask) -> None:
    words = task_of([f"add {n} eggs" for n in range(20)], tokens="word")
    assert "eggs" in words.vocabulary.symbols
    assert words.sample.stop == "\n"
    read = task_of([f"é{n}" for n in range(20)], tokens="byte")
    assert all(len(wanted) == len(row) for row, wanted in rows(read, read.batch("train", 0, 3, 1)))


def test_a_block_may_have_ends_of_lines_in_it(tmp_path: Path) -> None:
    (tmp_path / "tunes.txt").write_text("".join(f"X:{n}\nABC|\n\n" for n in range(20)))
    task = Lines(corpus=str(tmp_path / "tunes.txt"), unit="block")
    assert task.sample.stop == "\x1c" == task.vocabulary.start
    assert sorted(all_lines(task)) == sorted(f"X:{n}\nABC|" for n in range(20))


def test_what_is_left_out_or_changed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "p.fasta"
    path.write_bytes(b"".join(b">p%d\r\nMK%s\r\n" % (n, b"A" * n) for n in range(10)) + b">none\r\n")
    notes = Lines(corpus=str(path), unit="fasta").data.notes
    assert notes[0] == "8 records are for training, 1 for validation, 1 for the test."
    assert notes[1:] == (
        "1 empty record is left out.",
        "11 headers (lines that begin with >) are no part of the sequences.",
        "Lines of the text end with \\r\\n; they are read as \\n.",
    )


@pytest.mark.parametrize("lines", [["one"], ["a", "b"] * 50, list("abcdefghi")])
def test_too_few_lines_are_refused(task_of: MakeTask, lines: list[str]) -> None:
    with pytest.raises(TextError, match=f"has {len(set(lines))} different lines?; at least 10 are wanted"):
        task_of(lines)


def test_the_default_is_names_of_functions() -> None:
    task = Lines()
    assert {"append", "get", "__init__"} <= set(all_lines(task))
    assert np.isfinite(task.guess(1, 1).figures["bits"])

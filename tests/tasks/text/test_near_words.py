"""Which words stand near a word: batches against the text that they are cut from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqlab.errors import TextError
from seqlab.tasks.text.near_words import NearWords

WINDOW = 3


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """A text of the words 0 to 99, each once, in order."""
    path = tmp_path / "numbers.txt"
    path.write_text("\n".join(f"{number:02d}" for number in range(100)))
    return path


def test_neighbours_stand_where_the_text_has_them(numbered: Path) -> None:
    task = NearWords(corpus=str(numbered), window=WINDOW, rare=0, subsample=1.0)
    text = task.text("train").tolist()
    line_feed = int(task.vocabulary.encode("\n")[0])
    place = {code: at for at, code in enumerate(text) if code != line_feed}
    batch = task.batch("train", 0, len(text), seed=1)
    apart = [-3, -2, -1, 1, 2, 3]
    read = batch.inputs[:, 0].tolist()
    assert sorted(read) == sorted(text)  # a pass reads every token once
    assert batch.mask is not None
    for row, code in enumerate(read):
        if code == line_feed:
            continue
        there = [place[code] + step for step in apart]
        for step, at in enumerate(there):
            if batch.mask[row, step]:
                assert batch.targets[row, step] == text[at]
        counted = [abs(step) for step, kept in zip(apart, batch.mask[row], strict=True) if kept]
        reach = max(counted)
        inside = [abs(step) for step, at in zip(apart, there, strict=True) if 0 <= at < len(text)]
        assert counted == [step for step in inside if step <= reach]


def test_near_neighbours_count_more_and_frequent_tokens_less() -> None:
    task = NearWords(corpus="miniature", window=WINDOW, subsample=1e-3)
    batch = task.batch("train", 0, 2000, seed=1)
    assert batch.mask is not None
    shares = batch.mask.float().mean(0)
    assert np.allclose(shares, [1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3], atol=0.05)
    counts = np.bincount(task.text("train"), minlength=len(task.vocabulary))
    space = int(task.vocabulary.encode(" ")[0])
    frequency = counts[space] / counts.sum()
    stays = np.minimum(1, np.sqrt(1e-3 * counts.sum() / np.maximum(counts, 1)))
    wanted = frequency * stays[space] / float((counts / counts.sum()) @ stays)
    assert (batch.inputs[:, 0] == space).float().mean() == pytest.approx(wanted, abs=0.03)


def test_a_pass_is_as_long_as_what_stays_of_the_text_and_the_next_is_another() -> None:
    task = NearWords(corpus="miniature")
    steps = int(task.steps_of_a_pass(256))
    first, second = (task.batch("train", place, 256, seed=1).inputs for place in (0, steps))
    assert not np.array_equal(first, second)
    assert len(np.unique(first)) > 10


def test_guessing_answers_with_the_frequencies_of_words() -> None:
    task = NearWords(corpus="miniature")
    guess = task.guess(64, seed=1)
    assert guess.name == "1-gram"
    everything = np.log(len(task.vocabulary))
    assert 0 < guess.figures["loss"] < everything
    assert 0 < guess.figures["accuracy"] < 0.5


def test_a_text_without_a_held_out_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("one two")
    with pytest.raises(TextError, match="too short"):
        NearWords(corpus=str(path), rare=0)

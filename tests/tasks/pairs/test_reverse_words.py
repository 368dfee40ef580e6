from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.tasks.pairs.reverse_words import ReverseWords


def test_the_answer_is_the_words_from_the_last_to_the_first() -> None:
    for words, answer in ReverseWords().pairs("test", 0, 200, seed=1):
        assert answer.split() == list(reversed(words.split()))


def test_a_training_batch_has_one_length_and_all_lengths_occur() -> None:
    task = ReverseWords(shortest=5, longest=8)
    batches = [{len(words.split()) for words, _ in task.pairs("train", i, 8, seed=1)} for i in range(40)]
    assert all(len(lengths) == 1 for lengths in batches)
    assert set().union(*batches) == {5, 6, 7, 8}
    assert {len(words.split()) for words, _ in task.pairs("test", 0, 100, seed=1)} == {5, 6, 7, 8}


def test_a_trial_asks_for_one_length() -> None:
    trials = {trial.name: trial for trial in ReverseWords().trials}
    task = ReverseWords(**trials["length-60"].task)
    assert {len(words.split()) for words, _ in task.pairs("test", 0, 9, seed=1)} == {60}
    assert task.spec.writes.longest == 61  # type: ignore[union-attr]


def test_a_user_s_words_are_read_as_words() -> None:
    task = ReverseWords()
    batch = task.ask("golf  alpha zulu")
    assert batch.context["source"].tolist() == [[6, 0, 25]]
    assert task.asked(batch) == ["golf alpha zulu"]


def test_lengths_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"task\.shortest is 9"):
        ReverseWords(shortest=9, longest=5)

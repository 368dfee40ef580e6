"""How people feel about a word: the lexicon, who is held out, and the bag of letters."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from seqlab.contracts import PAD
from seqlab.errors import TextError
from seqlab.tasks.text import word_sentiment
from seqlab.tasks.text.word_sentiment import WordSentiment, rank_correlation

pytest.importorskip("vaderSentiment", reason="its lexicon is what is read")


def test_every_word_is_in_one_split_and_read_with_its_score() -> None:
    task = WordSentiment()
    parts = [task.words(split) for split in ("train", "validation", "test")]
    every = dict(pair for part in parts for pair in zip(part.words, part.scores.tolist(), strict=True))
    assert len(every) == sum(len(part.words) for part in parts)
    assert every["foolishly"] == pytest.approx(-1.8)
    assert 0.08 < len(parts[2].words) / len(every) < 0.12
    batch = task.batch("train", 3, 16, seed=2)
    for row, score, counted in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        word = task.vocabulary.decode(row[row != PAD])
        assert word in parts[0].words
        assert every[word] == pytest.approx(float(score))
        assert counted.nonzero().flatten().tolist() == [len(row) - 1]
    assert "vaderSentiment.vaderSentiment" not in sys.modules  # nothing of the package is run


def test_relatives_stay_together_where_that_is_asked_for() -> None:
    task = WordSentiment(relatives="together")
    beginnings = [{word[:5] for word in task.words(split).words} for split in ("train", "validation", "test")]
    for one, other in combinations(beginnings, 2):
        assert not one & other


def test_the_figure_is_that_of_scipy_over_all_held_out_words() -> None:
    task = WordSentiment()
    (batch,) = task.evaluation("test", 10, seed=1)
    outputs = torch.randn(*batch.inputs.shape, 1, generator=torch.Generator().manual_seed(1)).round(
        decimals=1
    )
    outputs[:, -1, 0] += 0.5 * batch.targets
    found = task.figures(task.tally(outputs, batch))
    assert found["rank_correlation"] == pytest.approx(spearmanr(outputs[:, -1, 0], batch.targets).statistic)
    assert found["mse"] == pytest.approx(float((outputs[:, -1, 0] - batch.targets).square().mean()))
    assert rank_correlation(torch.zeros(3), torch.arange(3)) == 0


def test_the_bag_of_letters_has_the_least_error_and_knows_no_order() -> None:
    task = WordSentiment(ridge=2.0)
    words, scores = task.words("train")
    letters = word_sentiment.LETTERS
    bags = np.array([[Counter(word)[letter] for letter in letters] for word in words], float)
    centred = np.vstack([bags, np.sqrt(2.0) * np.eye(26)])  # ridge regression as least squares
    wanted = np.concatenate([scores - scores.mean(), np.zeros(26)])
    weights = np.linalg.lstsq(centred, wanted, rcond=None)[0]
    test = task.words("test")
    answers = np.array([[word.count(letter) for letter in letters] for word in test.words]) @ weights
    guess = task.guess(1, seed=1)
    assert guess.name == "bag of letters"
    assert guess.figures["rank_correlation"] == pytest.approx(
        spearmanr(answers, test.scores).statistic, abs=1e-6
    )
    assert 0.1 < guess.figures["rank_correlation"] < 0.3


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_sentiment, "PACKAGE", "no_such_package")
    with pytest.raises(TextError) as error:
        WordSentiment()
    assert "seqlab[sentiment]" in str(error.value)

"""Nearest words and sums of words, on vectors whose angles are known."""

from __future__ import annotations

import pytest
import torch

from seqlab.analysis.vectors import Query, neighbours, queries, vectors_of
from seqlab.contracts import Spec
from seqlab.errors import SettingsError, TextError, UsageError
from seqlab.models import build_model
from seqlab.settings import Component
from seqlab.text import Vocabulary

WORDS = Vocabulary.counted(
    {"king": 9, "man": 8, "queen": 7, "woman": 6, "x": 1, "y": 1}, rare=2, tokens="word"
)
PLACES = {
    "king": (1.0, 1.0),
    "man": (1.0, 0.0),
    "queen": (-1.0, 1.0),
    "woman": (-1.0, 0.0),
    "\ufffd": (0.0, 9.0),
}
VECTORS = torch.nn.functional.normalize(torch.tensor([PLACES[symbol] for symbol in WORDS.symbols]), dim=1)


def test_the_nearest_come_first_without_the_word_and_without_what_is_rare() -> None:
    found = neighbours(VECTORS, WORDS, Query(("king",)), 9)
    assert [one.word for one in found] == ["man", "queen", "woman"]
    assert [round(one.cosine, 3) for one in found] == [0.707, 0.0, -0.707]
    assert found[0].seen == 8
    assert len(neighbours(VECTORS, WORDS, Query(("king",)), 1)) == 1


def test_an_analogy_is_a_sum_of_vectors() -> None:
    (query,) = queries(["king", "-", "man", "+", "woman"])
    assert query == Query(("king", "woman"), ("man",))
    assert neighbours(VECTORS, WORDS, query, 1)[0].word == "queen"


@pytest.mark.parametrize(
    "words", [["king", "-"], ["+", "king"], ["king", "man", "-", "woman"], ["a", "-", "-"]]
)
def test_what_is_no_sum_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match="no sum of words"):
        queries(words)


def test_a_word_that_is_not_known_is_refused_with_the_nearest_spelled() -> None:
    with pytest.raises(TextError, match="Did you mean 'queen'"):
        neighbours(VECTORS, WORDS, Query(("quen",)), 1)


def test_models_that_look_nothing_up_have_no_vectors() -> None:
    model = build_model(Component(name="rnn"), Spec("features", 3, "classes", 3, causal=True), 1)
    with pytest.raises(SettingsError, match="no symbols as vectors"):
        vectors_of(model, "rnn")
    for name, options in (("gru", {}), ("transformer", {"tied": True}), ("mingru", {})):
        model = build_model(
            Component(name=name, hidden_size=8, **options), Spec("tokens", 5, "classes", 5, causal=True), 1
        )
        assert vectors_of(model, name).shape[0] == 5

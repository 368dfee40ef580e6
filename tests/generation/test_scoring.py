"""Scores of texts: the chain rule, step by step."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from seqlab.contracts import Spec, numpy_stream
from seqlab.generation import scoring
from seqlab.generation.scoring import log_probabilities
from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component

SYMBOLS = 5


def build(name: str) -> SequenceModel:
    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    if name == "ngram":
        model = build_model(Component(name="ngram", order=3), spec, 1)
        model.count(numpy_stream(1, "text").integers(SYMBOLS, size=200))
        return model
    model = build_model(Component(name=name, hidden_size=9), spec, 1)
    torch.nn.init.normal_(model.readout.weight, std=3, generator=torch.Generator().manual_seed(1))
    return model


@torch.no_grad()
def by_the_chain_rule(model: SequenceModel, text: list[int], start: int | None) -> list[float]:
    whole = text if start is None else [start, *text]
    scores = []
    for place in range(1, len(whole)):
        outputs, _ = model(torch.tensor(whole[:place])[None])  # from the beginning each time
        scores.append(float(outputs[0, -1].double().log_softmax(-1)[whole[place]]))
    return scores


@pytest.mark.parametrize("name", ["lstm", "ngram"])
@pytest.mark.parametrize("start", [None, 2])
@pytest.mark.parametrize(("rows", "chunk"), [(64, 16_384), (2, 6)])
def test_scores_follow_the_chain_rule(
    name: str, start: int | None, rows: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "ROWS", rows)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    model = build(name)
    generator = numpy_stream(2, "texts")
    texts = [generator.integers(SYMBOLS, size=length) for length in (12, 1, 7, 0, 23)]
    for text, scores in zip(texts, log_probabilities(model, texts, start), strict=True):
        np.testing.assert_allclose(scores, by_the_chain_rule(model, text.tolist(), start), atol=1e-5)


@pytest.mark.parametrize("name", ["gru", "ngram"])
def test_all_texts_of_a_length_have_probability_one_together(name: str) -> None:
    texts = [np.array(text) for text in product(range(SYMBOLS), repeat=3)]
    scores = log_probabilities(build(name), texts, 0)
    assert sum(np.exp(score.sum()) for score in scores) == pytest.approx(1, abs=1e-6)


def test_nothing_to_score() -> None:
    assert log_probabilities(build("rnn"), [], 0) == []
    assert [
        len(score) for score in log_probabilities(build("rnn"), [np.array([1]), np.array([], int)], None)
    ] == [0, 0]


def test_few_positions_at_once_give_the_same_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("gru")
    texts = [numpy_stream(1, "few", length).integers(SYMBOLS, size=length) for length in (30, 41)]
    whole = log_probabilities(model, texts, 0)
    monkeypatch.setattr("seqlab.contracts.ANSWERS", 3 * 2 * SYMBOLS)  # three steps of two texts
    for few, all_of_it in zip(log_probabilities(model, texts, 0), whole, strict=True):
        np.testing.assert_allclose(few, all_of_it, rtol=1e-5)

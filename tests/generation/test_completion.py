"""Completions: beam search against all continuations, tried one by one."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from seqlab.contracts import Spec
from seqlab.generation.completion import complete, is_word
from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component
from seqlab.text import Vocabulary

TEXT = "ab ba ab. aab bab ab ba, ab ba ba. abba ab baa ab "
VOCABULARY = Vocabulary.of(TEXT)
LONGEST = 5


def counted(text: str = TEXT, order: int = 4) -> tuple[SequenceModel, Vocabulary]:
    vocabulary = Vocabulary.of(text)
    spec = Spec("tokens", len(vocabulary), "classes", len(vocabulary), causal=True)
    model = build_model(Component(name="ngram", order=order), spec, 1)
    model.count(vocabulary.encode(text))
    return model, vocabulary


@torch.no_grad()
def by_trying_all(model: SequenceModel, vocabulary: Vocabulary, text: str) -> list[tuple[str, float]]:
    """Return every continuation shorter than LONGEST with its log-probability, the likeliest first."""
    found = []
    separators = [n for n, symbol in enumerate(vocabulary.symbols) if not is_word(symbol)]
    for length in range(1, LONGEST):
        for symbols in product(vocabulary.symbols, repeat=length):
            words = [is_word(symbol) for symbol in symbols]
            if not words[-1] or sorted(words) != words:  # separators, then a word
                continue
            codes = torch.from_numpy(vocabulary.encode(text + "".join(symbols)).astype(np.int64))
            logs = model(codes[None])[0][0].double().log_softmax(-1)
            before = len(text) - 1
            path = sum(float(logs[before + n, codes[len(text) + n]]) for n in range(length))
            found.append(("".join(symbols), path + float(logs[-1, separators].logsumexp(0))))
    return sorted(found, key=lambda one: -one[1])


@pytest.mark.parametrize("text", ["a", "ab", "ab ", "ba,", "bab a", ". "])
def test_the_beam_finds_the_likeliest_of_all(text: str) -> None:
    model, vocabulary = counted()
    found = complete(model, vocabulary, vocabulary.encode(text), count=4, beam=200, longest=LONGEST)
    expected = by_trying_all(model, vocabulary, text)[:4]
    assert [one.text for one in found] == [name for name, _ in expected]
    np.testing.assert_allclose([one.log_probability for one in found], [p for _, p in expected], atol=1e-5)
    assert all(one.probability == math.exp(one.log_probability) for one in found)


def test_a_network_is_searched_as_well() -> None:
    spec = Spec("tokens", len(VOCABULARY), "classes", len(VOCABULARY), causal=True)
    model = build_model(Component(name="lstm", hidden_size=8), spec, 3)
    torch.nn.init.normal_(model.readout.weight, std=3, generator=torch.Generator().manual_seed(1))
    found = complete(model, VOCABULARY, VOCABULARY.encode("ab b"), beam=300, longest=LONGEST)
    expected = by_trying_all(model, VOCABULARY, "ab b")[:3]
    assert [one.text for one in found] == [name for name, _ in expected]
    np.testing.assert_allclose([one.log_probability for one in found], [p for _, p in expected], atol=1e-4)


def test_a_narrow_beam_finds_the_obvious() -> None:
    model, vocabulary = counted("the king and the king and the kind king " * 5, order=6)
    found = complete(model, vocabulary, vocabulary.encode("the ki"), beam=4)
    assert [one.text for one in found][:2] == ["ng", "nd"]
    assert complete(model, vocabulary, vocabulary.encode("the king"), beam=4)[0].text == " and"


def test_words_of_any_script_and_a_vocabulary_without_separators() -> None:
    model, vocabulary = counted("자세히 보아야 예쁘다 " * 6, order=5)
    assert complete(model, vocabulary, vocabulary.encode("자세히 보"))[0].text == "아야"
    model, vocabulary = counted("hello" * 4, order=3)
    assert complete(model, vocabulary, vocabulary.encode("he")) == []

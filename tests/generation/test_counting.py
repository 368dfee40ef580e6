"""The n-gram model read symbol by symbol gives what the model itself gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqlab.contracts import Spec, numpy_stream
from seqlab.generation import Sampling, generate, generate_many
from seqlab.generation.counting import FastNGram, FastNGrams
from seqlab.generation.readers import open_reader
from seqlab.models.counting.ngram import NGram

V = 7


def counted(order: int) -> NGram:
    model = NGram(Spec("tokens", V, "classes", V, causal=True), order=order)
    text = numpy_stream(1, "text").integers(V - 1, size=600)  # one symbol is never seen
    model.count(np.where(numpy_stream(2, "text").random(600) < 0.6, text[::-1], text % 3))
    return model.eval()


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("prime", [1, 4, 9])
def test_its_scores_are_those_of_the_model(order: int, prime: int) -> None:
    model = counted(order)
    text = numpy_stream(3, "prime").integers(V, size=prime + 200)
    reader, first = open_reader(model, text[:prime])
    assert isinstance(reader, FastNGram)
    read = np.stack([first, *(reader.read(symbol).copy() for symbol in text[prime:])])
    with torch.no_grad():
        outputs, _ = model(torch.from_numpy(text)[None])
    expected = outputs[0, prime - 1 :].numpy()
    np.testing.assert_allclose(read, expected, atol=1e-5)
    np.testing.assert_allclose(np.exp(read).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_several_texts_are_read_as_one_is(order: int) -> None:
    model, prime = counted(order), np.array([1, 2, 0, 2])
    texts = numpy_stream(4, "texts").integers(V, size=(5, 100))
    reader, _ = open_reader(model, prime, rows=5)
    assert isinstance(reader, FastNGrams)
    read = np.stack([reader.read(symbols) for symbols in texts.T], 1)
    for text, scores in zip(texts, read, strict=True):
        one, _ = open_reader(model, prime)
        np.testing.assert_allclose(scores, [one.read(symbol) for symbol in text], atol=1e-6)


def test_one_text_is_the_first_of_many() -> None:
    model = counted(4)
    sampling = Sampling(length=200, temperature=1.0)
    one = list(generate(model, np.array([1, 2]), sampling))
    assert one == generate_many(model, np.array([1, 2]), sampling, 3)[0].tolist()

"""Writing text: the fast sampler is the reference, and a text depends on its seed and number alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from seqlab.contracts import Spec, keep_rows, torch_stream
from seqlab.generation import Sampling, generate, generate_many, readers, writing
from seqlab.generation.fast import FastNetwork, is_fast
from seqlab.models import Recurrent, SequenceModel, build_model
from seqlab.models.recurrent.lstm import LSTM
from seqlab.settings import Component

SYMBOLS = 11
PRIME = np.array([3, 0, 7, 7])
CELLS: list[dict[str, Any]] = [
    {"name": "rnn"},
    {"name": "rnn", "nonlinearity": "relu", "spectral_radius": 0.5},
    {"name": "irnn", "spectral_radius": 0.5},
    {"name": "lstm"},
    {"name": "gru", "reset": "after"},
    {"name": "gru", "reset": "before"},
]


def build(cell: dict[str, Any], layers: int = 1, *, wide: float = 4.0) -> SequenceModel:
    """Build a network whose weights are so large that its scores are far from uniform."""
    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    model = build_model(Component(**cell, hidden_size=13, layers=layers), spec, 1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith("W"):
                parameter.uniform_(-1, 1, generator=torch_stream(7, name))
        if "spectral_radius" not in cell:  # relu makes its states large enough by itself
            model.readout.weight.mul_(wide)
    return model


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every model read in the reference way, through its forward pass."""
    monkeypatch.setattr(readers, "is_fast", lambda model: False)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(map(str, cell.values())))
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("rows", [None, 5])
@torch.no_grad()
def test_the_fast_network_scores_as_the_model_does(
    cell: dict[str, Any], layers: int, rows: int | None
) -> None:
    model = build(cell, layers)
    assert is_fast(model)
    count = rows or 1
    texts = torch.randint(0, SYMBOLS, (count, 60), generator=torch_stream(1, "texts"))
    prime = torch.as_tensor(PRIME)
    _, state = model(prime[None])
    fast = FastNetwork(model, state, rows)
    whole = torch.cat([prime.expand(count, -1), texts], 1)
    expected = model(whole)[0][:, len(PRIME) :].log_softmax(-1)
    assert expected.exp().max() > 0.25, "too uniform to tell anything"
    for step in range(60):
        symbol = texts[:, step].numpy() if rows else texts[0, step].numpy()
        scores = torch.from_numpy(fast.read(symbol).copy())
        assert scores.shape == ((rows, SYMBOLS) if rows else (SYMBOLS,))
        found = scores.log_softmax(-1).reshape(count, -1)
        torch.testing.assert_close(found, expected[:, step], atol=1e-4, rtol=0)


@pytest.mark.parametrize("rows", [None, 5])
@pytest.mark.parametrize(
    "options", [{"embedding_size": 7}, {"embedding_size": 13, "tied": True}, {"residual": True}]
)
@torch.no_grad()
def test_the_fast_network_reads_vectors_and_sums_around_layers(
    options: dict[str, Any], rows: int | None
) -> None:
    model = build({"name": "lstm", **options}, 3)
    assert is_fast(model)
    _, state = model(torch.as_tensor(PRIME)[None])
    text = torch.randint(0, SYMBOLS, (rows or 1, 20), generator=torch_stream(1, "texts"))
    expected = model(text, state if rows is None else keep_rows(state, torch.zeros(rows, dtype=torch.int64)))[
        0
    ]
    fast = FastNetwork(model, state, rows)
    for step in range(20):
        scores = fast.read(text[:, step].numpy() if rows else text[0, step].numpy())
        found = torch.from_numpy(scores.copy()).reshape(rows or 1, -1)
        torch.testing.assert_close(found, expected[:, step], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(map(str, cell.values())))
def test_the_fast_sampler_writes_the_text_of_the_reference(
    cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(cell, layers=2)
    samplings = [Sampling(150, 0.8, seed) for seed in (1, 2)] + [Sampling(50, 0), Sampling(50, 1, top_p=0.8)]
    fast = [list(generate(model, PRIME, sampling)) for sampling in samplings]
    slowly(monkeypatch)
    assert fast == [list(generate(model, PRIME, sampling)) for sampling in samplings]
    assert fast[0] != fast[1]


def test_what_is_not_one_of_the_cells_goes_the_way_of_every_model() -> None:
    class Own(LSTM):
        def step(self, x: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            h, c = super().step(x, state)
            return -h, c

    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    model = Recurrent(Own, spec, hidden_size=4)
    model.initialise(torch_stream(1, "weights"))
    assert not is_fast(model)
    assert not is_fast(Recurrent(LSTM, Spec("tokens", 3, "classes", 3, causal=False), bidirectional=True))
    assert len(list(generate(model, PRIME, Sampling(20)))) == 20


@pytest.mark.parametrize("slow", [False, True])
def test_a_text_is_the_same_whatever_the_count(slow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if slow:
        slowly(monkeypatch)
    model = build({"name": "gru"}, layers=2)
    sampling = Sampling(120, 1.0, seed=5)
    alone = [list(generate(model, PRIME, sampling, index=index)) for index in range(4)]
    assert len(set(map(tuple, alone))) == 4
    assert list(generate(model, PRIME, sampling)) == alone[0]
    for count in (1, 2, 4):
        assert [text.tolist() for text in generate_many(model, PRIME, sampling, count)] == alone[:count]
    monkeypatch.setattr(writing, "AT_ONCE", 3)
    assert [text.tolist() for text in generate_many(model, PRIME, sampling, 4)] == alone


def test_a_longer_text_begins_as_a_shorter_one_and_draws_are_not_used_up() -> None:
    model = build({"name": "rnn"})
    short, long = (list(generate(model, PRIME, Sampling(length))) for length in (1020, 1040))
    assert long[:1020] == short
    assert list(generate(model, PRIME, Sampling(0))) == []
    assert [len(text) for text in generate_many(model, PRIME, Sampling(0), 2)] == [0, 0]


def test_many_texts_follow_the_models_distribution() -> None:
    model = build({"name": "lstm"}, wide=1.5)
    with torch.no_grad():
        scores = model(torch.as_tensor(PRIME)[None])[0][0, -1].double()
    expected = (scores / 0.7).softmax(-1).numpy()
    drawn = np.concatenate(generate_many(model, PRIME, Sampling(1, 0.7), 3000))
    assert chisquare(np.bincount(drawn, minlength=SYMBOLS), expected * 3000).pvalue > 1e-3


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_text_ends_with_the_stop_text(length: int) -> None:
    model = build({"name": "gru"})
    sampling = Sampling(300, 1.5)
    whole = list(generate(model, PRIME, sampling))
    stop = whole[40 : 40 + length]
    first = next(i for i in range(300) if whole[i : i + length] == stop)
    assert list(generate(model, PRIME, sampling, stop=stop)) == whole[: first + length]
    alone = [list(generate(model, PRIME, sampling, stop=stop, index=index)) for index in range(6)]
    together = generate_many(model, PRIME, sampling, 6, stop=stop)
    assert [text.tolist() for text in together] == alone
    assert len({len(text) for text in alone}) > 1


def test_a_long_prime_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build({"name": "irnn"})  # which forgets nothing
    prime = np.arange(23) % SYMBOLS
    whole = list(generate(model, prime, Sampling(60)))
    monkeypatch.setattr(readers, "CHUNK", 5)
    assert list(generate(model, prime, Sampling(60))) == whole
    assert list(generate(model, prime[20:], Sampling(60))) != whole


def test_dropout_is_off() -> None:
    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    model = build_model(Component(name="lstm", hidden_size=8, dropout=0.9), spec, 1)
    model.train()
    first = list(generate(model, PRIME, Sampling(40)))
    model.train()
    assert list(generate(model, PRIME, Sampling(40))) == first

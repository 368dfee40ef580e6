"""Attention against a slow oracle, its window, its memory of rows of different lengths, and the stack around it."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from seqlab.contracts import PAD, Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import build_model
from seqlab.models.attention.transformer import QUERIES, Attention, Transformer, attend
from seqlab.settings import Component

EXACT = {"rtol": 1e-10, "atol": 1e-12}
SPEC = Spec("tokens", 5, "classes", 5, causal=True)


def attention(size: int = 8, heads: int = 2, window: int = 4) -> Attention:
    mixer = Attention(size, heads, window).double()
    with torch.no_grad():  # wide, so that probabilities differ
        mixer.qkv.weight.normal_(generator=torch_stream(1, "weights"))
    return mixer


def test_with_a_convolution_attention_hears_four_steps_at_once() -> None:
    """What stands before the window is heard through the convolution, three steps further back and no more."""
    model = build_model(
        Component(name="transformer", hidden_size=8, layers=1, heads=2, window=2, convolution=True), SPEC, 1
    )
    x = torch.zeros(1, 9, dtype=torch.int64)
    plain = model(x)[0][0, -1]
    heard = []
    for place in range(9):
        other = x.clone()
        other[0, place] = 3
        heard.append(not torch.equal(model(other)[0][0, -1], plain))
    assert heard == [False] * 4 + [True] * 5  # 1 step of the window back, and 3 of the convolution


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch_stream(seed, "numbers"))


def oracle(mixer: Attention, x: Tensor) -> Tensor:
    """Attention of one row (T, D), number by number."""
    size, d = mixer.size, mixer.size // mixer.heads
    W_q, W_k, W_v = mixer.qkv.weight.split(size)

    def turned(vector: Tensor, place: int) -> Tensor:
        result = vector.clone()
        for i in range(d // 2):
            angle = place / 10_000 ** (2 * i / d)
            one, other = vector[i], vector[i + d // 2]
            result[i] = math.cos(angle) * one - math.sin(angle) * other
            result[i + d // 2] = math.sin(angle) * one + math.cos(angle) * other
        return result

    rows = []
    for t in range(len(x)):
        heard = []
        for head in range(mixer.heads):
            part = slice(head * d, (head + 1) * d)
            places = range(max(0, t - mixer.window + 1), t + 1)
            q = turned((W_q @ x[t])[part], t)
            weights = [math.exp(float(q @ turned((W_k @ x[s])[part], s)) / math.sqrt(d)) for s in places]
            values = [(W_v @ x[s])[part] * w for s, w in zip(places, weights, strict=True)]
            heard.append(torch.stack(values).sum(0) / sum(weights))
        rows.append(torch.cat(heard))
    return torch.stack(rows)


@pytest.mark.parametrize(("size", "heads", "window"), [(8, 2, 4), (8, 4, 1), (6, 1, 50), (4, 2, 11)])
@torch.no_grad()
def test_attention_is_what_a_slow_oracle_says(size: int, heads: int, window: int) -> None:
    mixer, x = attention(size, heads, window), numbers(2, 11, size)
    heard, _ = mixer(x, mixer.start(2))
    assert_close(heard, torch.stack([oracle(mixer, row) for row in x]), **EXACT)


@pytest.mark.parametrize("window", [11, 12, 1000])
@torch.no_grad()
def test_a_window_longer_than_the_sequence_is_full_attention(window: int) -> None:
    x = numbers(2, 11, 8)
    wide, narrow = attention(window=window), attention(window=10)
    full = wide(x, wide.start(2))[0]
    assert_close(full, torch.stack([oracle(attention(window=11), row) for row in x]), **EXACT)
    short = narrow(x, narrow.start(2))[0]
    assert_close(short[:, :10], full[:, :10], **EXACT)
    assert not torch.allclose(short[:, 10], full[:, 10])


@pytest.mark.parametrize("window", [1, 2, 5, 30, 200])
@torch.no_grad()
def test_chunks_of_any_size_are_the_whole_and_the_state_does_not_grow(window: int) -> None:
    mixer, x = attention(window=window), numbers(2, 3 * QUERIES, 8)
    whole, end = mixer(x, mixer.start(2))
    state, pieces = mixer.start(2), []
    sizes = [part.shape for part in state]
    for chunk in x.split([1, 1, 3, 40, 1, QUERIES + 9, 2, 2 * QUERIES - 57], 1):
        piece, state = mixer(chunk, state)
        assert [part.shape for part in state] == sizes
        pieces.append(piece)
    assert_close(torch.cat(pieces, 1), whole, **EXACT)
    assert_close(state, end, **EXACT)


@torch.no_grad()
def test_positions_do_not_drift_in_a_long_text() -> None:
    """What is heard depends on the window alone: to the bit the same in the second and the 500th chunk."""
    mixer, x = attention().float(), numbers(1, 10, 8).float()
    _, state = mixer(x, mixer.start(1))
    near, state = mixer(x, state)
    for _ in range(498):
        far, state = mixer(x, state)
    assert torch.equal(near, far)


@torch.no_grad()
def test_rows_that_have_read_different_numbers_of_steps_read_on_beside_one_another() -> None:
    """Two chunks, padded differently in each row, against each row by itself."""
    mixer, x = attention(window=6), numbers(4, 14, 8)
    pads = [(0, 0), (5, 1), (7, 3), (2, 7)]  # in front of the first and of the second seven steps
    padded = torch.zeros(4, 14, dtype=torch.bool)
    for row, (first, second) in enumerate(pads):
        padded[row, :first] = padded[row, 7 : 7 + second] = True
    state, heard = mixer.start(4), []
    for chunk, mask in zip(x.split(7, 1), padded.split(7, 1), strict=True):
        piece, state = mixer(chunk, state, mask)
        heard.append(piece)
    assert state[2].tolist() == [5, 5, 4, 5]
    for row in range(4):
        alone, end = mixer(x[row : row + 1, ~padded[row]], mixer.start(1))
        assert_close(torch.cat(heard, 1)[row, ~padded[row]], alone[0], **EXACT)
        assert_close([part[row] for part in state], [part[0] for part in end], **EXACT)


@torch.no_grad()
def test_dropped_probabilities_are_those_of_the_softmax() -> None:
    q, k, v = numbers(3, 2, 2, 5, 4).unbind()
    seen = torch.ones(5, 5, dtype=torch.bool).tril()
    assert_close(attend(q, k, v, seen, drop=lambda p: p), attend(q, k, v, seen), **EXACT)
    assert_close(attend(q, k, v, seen, drop=lambda p: 2 * p), 2 * attend(q, k, v, seen), **EXACT)


def test_a_size_that_cannot_be_divided_among_the_heads_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="hidden_size is 30, which transformer does not take") as caught:
        build_model(Component(name="transformer", hidden_size=30), SPEC, 1)
    assert "model.hidden_size=32" in str(caught.value)
    for size in range(1, 70):
        nearest = Transformer.nearest_size(size, heads=3)
        assert nearest % 6 == 0
        assert abs(nearest - size) == min(abs(other - size) for other in range(6, 100, 6))


def test_it_starts_as_gpt_2_does() -> None:
    model = build_model(Component(name="transformer", hidden_size=128, layers=8), SPEC, 1)
    for name, weight in model.named_parameters():
        kind = name.split(".")[-2]
        if kind.endswith("norm"):
            assert bool((weight == 1).all()), name
        elif name == "readout.bias":
            assert bool((weight == 0).all())
        else:
            expected = 0.02 / (4 if kind in ("out", "down") else 1)
            assert float(weight.detach().std()) == pytest.approx(expected, rel=0.06), name


def test_it_is_as_large_as_the_formula_says() -> None:
    model = build_model(Component(name="transformer", hidden_size=16, layers=3), SPEC, 1)
    D, symbols = 16, 5
    expected = symbols * D + 3 * (12 * D * D + 2 * D) + D + symbols * (D + 1)
    assert sum(weight.numel() for weight in model.parameters()) == expected


def test_a_tied_read_out_is_the_embedding() -> None:
    model = build_model(Component(name="transformer", hidden_size=16, layers=1, tied=True), SPEC, 1)
    untied = build_model(Component(name="transformer", hidden_size=16, layers=1), SPEC, 1)
    weights = [sum(weight.numel() for weight in one.parameters()) for one in (model, untied)]
    assert weights[0] == weights[1] - 5 * 16
    with torch.no_grad():
        untied.load_state_dict({**untied.state_dict(), **model.state_dict()})
        untied.get_parameter("embedding.weight").copy_(model.get_parameter("readout.weight").t())
    x = torch.randint(5, (3, 9), generator=torch_stream(1, "inputs"))
    assert_close(model(x), untied(x))
    other = Spec("tokens", 5, "classes", 4, causal=True)
    with pytest.raises(SettingsError, match="not the symbols that it gives"):
        build_model(Component(name="transformer", tied=True), other, 1)


def test_a_gradient_reaches_every_weight_and_no_padding() -> None:
    model = build_model(Component(name="transformer", hidden_size=16, layers=2, window=3), SPEC, 1)
    x = torch.randint(5, (3, 9), generator=torch_stream(1, "inputs"))
    x[0, :4], x[1] = PAD, PAD
    model(x)[0][x != PAD].pow(2).sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None
        assert bool(torch.isfinite(weight.grad).all()), name
        assert bool((weight.grad != 0).any()), name


def test_it_learns_what_lies_within_the_window_and_not_beyond() -> None:
    """To repeat the symbol of three steps ago, with windows of four steps and of three, in one layer."""
    losses = {}
    for window in (4, 3):
        settings = Component(name="transformer", hidden_size=16, layers=1, heads=2, window=window)
        model = build_model(settings, SPEC, 1)
        optimizer, generator = torch.optim.Adam(model.parameters(), lr=0.01), torch_stream(1, "data")
        for _ in range(150):
            x = torch.randint(0, 5, (32, 16), generator=generator)
            loss = F.cross_entropy(model(x)[0][:, 3:].flatten(0, 1), x[:, :-3].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[window] = loss.item()
    assert losses[4] < 0.5 < 1.5 < losses[3]

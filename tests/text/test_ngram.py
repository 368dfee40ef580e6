"""The n-gram model against the equations written out with dictionaries, and against known figures."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.errors import SettingsError, TextError
from seqlab.text.ngram import NGram, discounts, fit

Gram = tuple[int, ...]


class BruteForce:
    """Chen & Goodman's equations, a dictionary an order, one probability at a time."""

    def __init__(self, text: list[int], vocabulary_size: int, order: int) -> None:
        self.vocabulary_size, self.order = vocabulary_size, order
        self.counts: dict[int, Counter[Gram]] = {}
        for k in range(1, order + 1):
            occurrences = [tuple(text[i : i + k]) for i in range(len(text) - k + 1)]
            predecessors = {(text[i - 1], tuple(text[i : i + k])) for i in range(1, len(text) - k + 1)}
            self.counts[k] = Counter(occurrences) if k == order else Counter(g for _, g in predecessors)
        self.discounts = {k: self.estimate(self.counts[k]) for k in self.counts}

    @staticmethod
    def estimate(counts: Counter[Gram]) -> list[float]:
        n = Counter(counts.values())
        if not (n[1] and n[2] and n[3] and n[4]):
            return [0.0, 0.5, 1.0, 1.5]
        y = n[1] / (n[1] + 2 * n[2])
        found = [1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
        return [0.0, *found] if min(found) > 0 else [0.0, 0.5, 1.0, 1.5]

    def probability(self, context: Gram, symbol: int) -> float:
        """Return p(symbol | context) for a context of at most order - 1 symbols."""
        lower = self.probability(context[1:], symbol) if context else 1 / self.vocabulary_size
        k = len(context) + 1
        counts, discount = self.counts[k], self.discounts[k]
        followers = [counts[(*context, v)] for v in range(self.vocabulary_size)]
        total = sum(followers)
        if total == 0:
            return lower
        number = [
            sum(c == 1 for c in followers),
            sum(c == 2 for c in followers),
            sum(c >= 3 for c in followers),
        ]
        weight = sum(discount[j] * number[j - 1] for j in (1, 2, 3)) / total
        count = followers[symbol]
        return max(count - discount[min(count, 3)], 0) / total + weight * lower

    def sequence(self, text: list[int]) -> list[float]:
        return [self.probability(self.tail(text[:i]), symbol) for i, symbol in enumerate(text)]

    def tail(self, text: list[int]) -> Gram:
        return tuple(text[max(0, len(text) - self.order + 1) :])


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[int], list[int], int, int]:
    """Draw a text to count, a text to score, the vocabulary's size and the order."""
    vocabulary_size = draw(st.integers(1, 6))
    symbol = st.integers(0, vocabulary_size - 1)
    train = draw(st.lists(symbol, min_size=1, max_size=80))
    return train, draw(st.lists(symbol, max_size=25)), vocabulary_size, draw(st.integers(1, 6))


def zipf_text(seed: int, length: int, vocabulary_size: int) -> list[int]:
    """Return a text whose symbols are as unequal as words are, so that all counts of counts occur."""
    drawn = np.random.default_rng(seed).zipf(1.3, length)
    return [int(symbol) % vocabulary_size for symbol in drawn]


def as_array(symbols: list[int]) -> np.ndarray:
    return np.array(symbols, dtype=np.int64)


@settings(max_examples=60)
@given(texts())
def test_every_probability_is_that_of_the_equations(case: tuple[list[int], list[int], int, int]) -> None:
    train, scored, vocabulary_size, order = case
    model = fit(as_array(train), vocabulary_size, order)
    expected = BruteForce(train, vocabulary_size, order)
    for text in (scored, train):
        got = np.exp(model.log_probabilities(as_array(text)))
        np.testing.assert_allclose(got, expected.sequence(text), rtol=1e-10, atol=0)


@pytest.mark.parametrize(("vocabulary_size", "order"), [(20, 2), (40, 3), (60, 4)])
def test_equations_where_the_discounts_are_estimated(vocabulary_size: int, order: int) -> None:
    train, scored = zipf_text(1, 3000, vocabulary_size), zipf_text(2, 100, vocabulary_size)
    expected = BruteForce(train, vocabulary_size, order)
    estimated = [k for k, found in expected.discounts.items() if found != [0.0, 0.5, 1.0, 1.5]]
    assert len(estimated) >= order - 1  # else this test proves nothing beyond the one above
    got = np.exp(fit(as_array(train), vocabulary_size, order).log_probabilities(as_array(scored)))
    np.testing.assert_allclose(got, expected.sequence(scored), rtol=1e-10, atol=0)


@settings(max_examples=60)
@given(texts())
def test_the_probabilities_of_what_may_follow_sum_to_one(case: tuple[list[int], list[int], int, int]) -> None:
    train, scored, vocabulary_size, order = case
    model = fit(as_array(train), vocabulary_size, order)
    for i in range(len(scored)):
        assert total_after(model, scored[:i]) == pytest.approx(1, abs=1e-12)


def total_after(model: NGram, context: list[int]) -> float:
    """Return the sum of the probabilities of all symbols after a context."""
    texts = [as_array([*context, symbol]) for symbol in range(model.vocabulary_size)]
    return float(sum(np.exp(model.log_probabilities(text)[-1]) for text in texts))


@pytest.mark.parametrize("block", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_block_is_scored_as_if_it_stood_alone(order: int, block: int) -> None:
    symbols = as_array(zipf_text(5, 40, 5))
    model = fit(as_array(zipf_text(4, 1000, 5)), 5, order)
    got = model.log_probabilities(symbols, block=block)
    expected = [model.log_probabilities(symbols[:1])]
    for start in range(
        0, len(symbols) - 1, block
    ):  # inputs start .. start + block - 1 predict the ones after
        expected.append(model.log_probabilities(symbols[start : start + block + 1])[1:])
    np.testing.assert_array_equal(got, np.concatenate(expected))


def test_a_block_as_long_as_the_text_is_the_stream() -> None:
    symbols = as_array(zipf_text(6, 30, 5))
    model = fit(symbols, 5, 3)
    np.testing.assert_array_equal(
        model.log_probabilities(symbols, block=30), model.log_probabilities(symbols)
    )


def test_discounts_are_the_formulas() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [40, 15, 8, 5, 3])
    y = 40 / 70
    expected = [1 - 2 * y * 15 / 40, 2 - 3 * y * 8 / 15, 3 - 4 * y * 5 / 8]
    np.testing.assert_allclose(discounts(counts), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 5, 5, 5),
        (5, 0, 5, 5),
        (5, 5, 0, 5),
        (5, 5, 5, 0),
        (5, 2, 5, 2),  # D(2) = 2 - 3 (5 / 9) (5 / 2) would be negative
        (0, 0, 0, 0),
    ],
)
def test_discounts_that_cannot_be_estimated_fall_back(numbers: tuple[int, ...]) -> None:
    counts = np.repeat([1, 2, 3, 4], numbers)
    np.testing.assert_array_equal(discounts(counts), [0.5, 1.0, 1.5])


def test_one_symbol_again_and_again_becomes_certain() -> None:
    model = fit(np.zeros(50, np.int64), 2, 3)
    # 48 trigrams 000: (48 - 1.5) / 48 are kept; each lower order has a single gram with continuation count 1.
    unigram = 0.5 + 0.5 / 2
    bigram = 0.5 + 0.5 * unigram
    trigram = 46.5 / 48 + 1.5 / 48 * bigram
    got = np.exp(model.log_probabilities(np.zeros(3, np.int64)))
    np.testing.assert_allclose(got, [unigram, bigram, trigram], rtol=1e-14)


@pytest.mark.parametrize("text", [[0], [0, 1], [1, 0, 1]])
def test_a_text_shorter_than_the_order_still_makes_a_model(text: list[int]) -> None:
    model = fit(as_array(text), 3, 8)
    assert model.order == 8
    assert total_after(model, text) == pytest.approx(1)
    expected = BruteForce(text, 3, 8).sequence(text)
    np.testing.assert_allclose(np.exp(model.log_probabilities(as_array(text))), expected, rtol=1e-12)


def test_large_vocabulary_does_not_overflow_the_keys() -> None:
    vocabulary_size, order = 50_000, 8  # 50,000 ** 8 is far beyond 64 bits
    text = [vocabulary_size - 1 - symbol for symbol in zipf_text(7, 400, 30)]
    model = fit(as_array(text), vocabulary_size, order)
    tight = fit(vocabulary_size - 1 - as_array(text), 30, order)
    kept = [level.kept for level in model.levels]
    assert [len(level) for level in kept] == [len(level.kept) for level in tight.levels]
    for level, other in zip(kept, tight.levels, strict=True):
        np.testing.assert_allclose(np.sort(level), np.sort(other.kept), rtol=1e-14)


def test_wrong_input_is_refused_with_its_value() -> None:
    text = as_array([0, 1, 2])
    with pytest.raises(TextError, match="empty text"):
        fit(text[:0], 3, 2)
    with pytest.raises(TextError, match="Symbol 2 is outside the vocabulary of 2"):
        fit(text, 2, 2)
    with pytest.raises(TextError, match="integers, got float64"):
        fit(np.array([0.5]), 2, 2)
    for order in (0, 9):
        with pytest.raises(SettingsError, match=f"1 to 8, got {order}"):
            fit(text, 3, order)
    model = fit(text, 3, 2)
    with pytest.raises(TextError, match="Symbol -1"):
        model.log_probabilities(as_array([0, -1]))
    with pytest.raises(TextError, match="Symbol 3"):
        model.log_probabilities(as_array([3]))
    with pytest.raises(SettingsError, match="got 0"):
        model.log_probabilities(text, block=0)


@pytest.fixture(scope="module")
def shakespeare() -> tuple[np.ndarray, np.ndarray]:
    """Return the first 90 % and the last 10 % of Tiny Shakespeare as symbols."""
    folder = os.environ.get("SEQLAB_DATA_DIR")
    path = Path(folder or ".") / "tinyshakespeare.txt"
    if folder is None or not path.is_file():
        pytest.skip("SEQLAB_DATA_DIR names no folder with tinyshakespeare.txt")
    letters, symbols = np.unique(np.array(list(path.read_text(encoding="utf-8"))), return_inverse=True)
    assert (len(letters), len(symbols)) == (65, 1_115_394)
    return symbols[:1_003_854], symbols[1_003_854:]


LONG = [
    pytest.param(order, nats, marks=pytest.mark.slow) for order, nats in ((5, 1.561), (6, 1.523), (8, 1.519))
]


@pytest.mark.parametrize(("order", "nats"), [(1, 3.347), (2, 2.484), (3, 2.038), (4, 1.719), *LONG])
def test_known_figures_on_tiny_shakespeare(
    order: int, nats: float, shakespeare: tuple[np.ndarray, np.ndarray]
) -> None:
    train, validation = shakespeare
    scores = fit(train, 65, order).log_probabilities(validation)
    assert round(-scores[1:].mean(), 3) == nats


def test_known_figures_of_order_seven_on_tiny_shakespeare(shakespeare: tuple[np.ndarray, np.ndarray]) -> None:
    train, validation = shakespeare
    model = fit(train, 65, 7)
    found = {block: -model.log_probabilities(validation, block=block)[1:].mean() for block in (None, 256, 64)}
    assert {block: round(nats, 4) for block, nats in found.items()} == {None: 1.5165, 256: 1.5297, 64: 1.5712}

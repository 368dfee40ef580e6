from __future__ import annotations

from collections import Counter

import pytest

from seqlab.contracts import PAD
from seqlab.tasks.lags.three_symbols import ORDERS, SYMBOLS, ThreeSymbols, classify


def texts() -> list[tuple[str, str]]:
    batch = ThreeSymbols().batch("train", 0, 3000, seed=1)
    return [
        ("".join(SYMBOLS[token] for token in row.tolist() if token != PAD), ORDERS[target])
        for row, target in zip(batch.inputs, batch.targets, strict=True)
    ]


def test_agrees_with_the_oracle_and_with_every_rule_of_the_paper() -> None:
    for text, order in texts():
        assert classify(text) == order
        assert 100 <= len(text) <= 110
        assert (text[0], text[-1]) == ("E", "B")
        places = [place for place, symbol in enumerate(text) if symbol in "XY"]
        assert 10 <= places[0] <= 20
        assert 33 <= places[1] <= 43
        assert 66 <= places[2] <= 76
        assert all(symbol in "abcdXY" for symbol in text[1:-1])


def test_all_that_is_drawn_is_uniform() -> None:
    found = texts()
    orders = Counter(order for _, order in found)
    assert len(orders) == 8
    assert all(count / 3000 == pytest.approx(1 / 8, abs=0.025) for count in orders.values())
    lengths = Counter(len(text) for text, _ in found)
    assert set(lengths) == set(range(100, 111))
    for rank, (low, high) in enumerate(((10, 20), (33, 43), (66, 76))):
        places = Counter([k for k, s in enumerate(text) if s in "XY"][rank] for text, _ in found)
        assert set(places) == set(range(low, high + 1))
        assert all(count / 3000 == pytest.approx(1 / 11, abs=0.025) for count in places.values())

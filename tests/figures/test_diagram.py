"""Diagrams of cells: they hold what the equations hold, and are drawn of no other cell."""

from __future__ import annotations

from collections import Counter

import pytest
from torch import Tensor

from seqlab.figures.diagram import cell_diagram
from seqlab.models import Cell
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.irnn import IRNN
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN
from seqlab.models.scans.mingru import MinGRU
from seqlab.models.scans.minlstm import MinLSTM


def _words(cell: type[Cell], **options: object) -> Counter[str]:
    figure = cell_diagram(cell, options, "a cell")
    assert figure is not None
    return Counter(text.get_text() for text in figure.axes[0].texts)


def test_the_lstm_has_its_four_gates_three_products_and_one_sum() -> None:
    words = _words(LSTM)
    assert [words[name] for name in LSTM.gate_names] == [1] * 4
    assert (words["σ"], words["tanh"], words["×"], words["+"]) == (3, 2, 3, 1)
    assert words["c(t-1)"] == words["c(t)"] == 1


@pytest.mark.parametrize(("reset", "products"), [("after", 1), ("before", 0)])
def test_the_gru_resets_after_or_before_the_product(reset: str, products: int) -> None:
    words = _words(GRU, reset=reset)
    assert [words[name] for name in GRU.gate_names] == [1] * 3
    assert (words["σ"], words["tanh"], words["×"], words["1−"]) == (2, 1, 3, 1)
    assert words["W, c"] == products


def test_the_plain_cell_shows_its_function() -> None:
    assert _words(RNN, nonlinearity="tanh")["tanh"] == 1
    assert _words(IRNN)["relu"] == 1


def test_minimal_units_have_no_way_from_the_state_to_a_gate() -> None:
    words = _words(MinGRU)
    assert [words[name] for name in MinGRU.gate_names] == [1] * 2
    assert (words["σ"], words["g"], words["×"], words["1−"], words["+"]) == (1, 1, 2, 1, 1)
    words = _words(MinLSTM)
    assert [words[name] for name in MinLSTM.gate_names] == [1] * 3
    assert (words["σ"], words["g"], words["×"], words["/(p+q)"], words["+"]) == (2, 1, 2, 1, 1)
    assert words["tanh"] == words["c(t)"] == 0


def test_a_cell_that_steps_otherwise_has_no_diagram() -> None:
    class Own(LSTM):
        def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return state

    assert cell_diagram(Own, {}, "own") is None
    assert cell_diagram(Cell, {}, "own") is None

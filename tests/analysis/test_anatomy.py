"""Equations are found, weights are named in letters, and a step's products are counted as worked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.analysis.anatomy import dissect
from seqlab.plugins import admit
from seqlab.registry import check_options, parse_reference
from seqlab.settings import Component, Document

H, I, O = 12, 8, 4  # noqa: E741
READ_OUT = H * O


def dissected(reference: str) -> object:
    component = check_options("model", parse_reference(reference), Document({}, reference))
    return dissect(component, inputs=I, outputs=O)


@pytest.mark.parametrize(("name", "gates", "biases"), [("rnn", 1, 1), ("lstm", 4, 4), ("gru", 3, 4)])
def test_a_step_costs_one_product_with_every_matrix(name: str, gates: int, biases: int) -> None:
    found = dissected(f"{name}[hidden_size={H}]")
    assert found.multiply_adds == {
        "tokens": gates * H * H + READ_OUT,  # symbols are looked up
        "features": gates * H * (I + H) + READ_OUT,
    }
    letters = {weight.name: weight.letters for weight in found.weights}
    factor = "" if gates == 1 else str(gates)
    assert letters["cells.0.W"] == f"{factor}H x H"
    assert letters["cells.0.input.weight"] == f"{factor}H x I"
    assert letters["readout.weight"] == "O x H"
    assert found.parameters == gates * H * (I + H) + biases * H + READ_OUT + O


def test_the_equations_are_those_of_the_docstring() -> None:
    lines = dissected("lstm").equations
    assert len(lines) == 6
    assert lines[4] == "c(t) = f(t) * c(t-1) + i(t) * g(t)"
    assert dissected("lstm").gates == ("i", "f", "g", "o")


def test_of_a_cell_of_ones_own_the_same_is_known(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "adding-a-model.md"
    path = tmp_path / "my_cell.py"
    path.write_text(page.read_text().split("```python\n")[1].split("```")[0])
    admit(str(path))
    found = dissect(Component(name=str(path), hidden_size=H), inputs=I, outputs=O)
    assert found.equations[0].startswith("h(t) = (1 - p) * h(t-1)")
    assert found.multiply_adds["features"] == H * (I + H) + READ_OUT
    assert {weight.letters for weight in found.weights if weight.name == "cells.0.q"} == {"H"}


def test_of_a_model_that_is_no_cell_no_cost_is_claimed() -> None:
    component = check_options("model", Component(name="ngram", order=2), Document({}, "ngram"))
    found = dissect(component, inputs=5, outputs=5)
    assert found.counts
    assert found.state == ()
    assert found.multiply_adds == {}
    assert found.equations == ("p(w | h) = kept(hw) + weight(h) p(w | h')",)
    assert found.parameters == 0  # it has counted nothing yet


def test_a_cell_that_takes_some_sizes_only_is_taken_apart(tmp_path: Path) -> None:
    path = tmp_path / "heads.py"
    path.write_text(
        "import torch\nfrom torch import nn\nfrom seqlab.models import Cell, Input\n"
        "class Heads(Cell):\n    'Four heads.'\n"
        "    def __init__(self, input_size, hidden_size):\n"
        "        super().__init__(input_size, hidden_size)\n"
        "        assert hidden_size % 4 == 0\n"
        "        self.input = Input(input_size, hidden_size)\n"
        "    @classmethod\n    def nearest_size(cls, hidden_size, **options):\n"
        "        return max(1, round(hidden_size / 4)) * 4\n"
        "    def step(self, x, state):\n        return (torch.tanh(self.input(x) + state[0]),)\n"
    )
    admit(str(path))
    found = dissect(Component(name=str(path), hidden_size=8), inputs=5, outputs=3)
    assert {weight.name: weight.letters for weight in found.weights} == {
        "cells.0.input.weight": "H x I", "cells.0.input.bias": "H", "readout.weight": "O x H", "readout.bias": "O",
    }  # fmt: skip

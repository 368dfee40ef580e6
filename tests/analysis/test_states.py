"""States and gates as they were, units found that were put there, and what interventions do."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from seqlab.analysis.gates import Force, check_force
from seqlab.analysis.reading import reading
from seqlab.analysis.states import network_of, trace
from seqlab.analysis.symbols import read_symbols
from seqlab.analysis.units import accuracy, area_under_curve, find_switches, lesions
from seqlab.contracts import PAD, Spec, torch_stream
from seqlab.errors import SettingsError, TextError
from seqlab.models import Cell, Recurrent, build_model
from seqlab.settings import Component
from seqlab.tasks.basics.hello import Hello
from seqlab.tasks.lags.adding import Adding
from seqlab.tasks.lags.temporal_order import TemporalOrder
from seqlab.tasks.languages.embedded_reber import EmbeddedReber
from seqlab.tasks.pictures.moving_digits import MovingDigits
from seqlab.tasks.text.char_lm import CharLM

TASK = TemporalOrder(difficulty="easy")
BATCH = TASK.batch("test", 0, 16, 1)


def network(name: str, **options: Any) -> Recurrent:
    model = build_model(Component(name=name, **{"hidden_size": 5, **options}), TASK.spec, 1)
    return network_of(model, name)


@pytest.mark.parametrize(
    ("name", "options"),
    [("rnn", {}), ("lstm", {}), ("gru", {"reset": "before"}), ("lstm", {"layers": 2, "bidirectional": True})],
)
def test_the_trace_is_what_the_network_does(name: str, options: dict[str, Any]) -> None:
    model = network(name, **options)
    read = trace(model, BATCH.inputs)
    wanted, end = model(BATCH.inputs)
    active = BATCH.inputs != PAD
    assert torch.equal(read.active, active)
    assert_close(read.outputs[active], wanted[active])
    assert len(read.layers) == len(end)
    for number, (layer, parts) in enumerate(zip(read.layers, end, strict=True)):
        backwards = number % model.directions == 1
        for values, part in zip(layer.parts.values(), parts, strict=True):
            assert_close(values[:, 0 if backwards else -1], part)


def test_the_gates_make_the_cell_state() -> None:
    (layer,) = trace(network("lstm"), BATCH.inputs).layers
    assert list(layer.gates) == ["i", "f", "g", "o"]
    h, c, i, f, g, o = (*layer.parts.values(), *layer.gates.values())
    steps = (BATCH.inputs != PAD)[:, 1:]
    assert_close(c[:, 1:][steps], (f[:, 1:] * c[:, :-1] + i[:, 1:] * g[:, 1:])[steps])
    assert_close(h[steps.new_ones(16, 1) & (BATCH.inputs != PAD)], (o * torch.tanh(c))[BATCH.inputs != PAD])


def test_held_gates_keep_the_cell_state_at_those_steps_and_at_no_other() -> None:
    model = network("lstm")
    free, held = trace(model, BATCH.inputs), trace(model, BATCH.inputs, force=Force({"f": 1, "i": 0}, 2, 5))
    for row in range(len(BATCH.inputs)):
        steps = free.active[row]
        before, after = (read.layers[0].parts["c"][row][steps] for read in (free, held))
        assert_close(after[:2], before[:2])
        assert torch.equal(after[2:5], after[1].expand(3, -1))
        assert not torch.allclose(after[5], after[4])
    again = trace(model, BATCH.inputs)
    assert torch.equal(again.outputs, free.outputs)  # nothing is left behind


@pytest.mark.parametrize(
    ("name", "gate", "said"),
    [
        ("rnn", "f", "no gates"),
        ("lstm", "z", "no gate 'z'; it has i, f, g, o"),
        ("gru", "r", "'r' of GRU acts"),
    ],
)
def test_what_cannot_be_held_is_refused(name: str, gate: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_force(network(name), Force({gate: 0}))
    check_force(network("gru", reset="before"), Force({"z": 0, "n": 1}))


class Counter(Cell):
    """Unit 2 is -1 from the first X to the second, unit 0 from the first X on; unit 1 is noise."""

    parts = ("h", "count")

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        count = state[1] + (x == 0)[:, None]
        noise = torch.sin(count + 3.1 * x[:, None])[:, :1]
        h = torch.cat([-(count[:, :1] > 0).float(), noise, -(count[:, :1] == 1).float()], 1)
        return h + 0 * self.bias, count

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.bias = torch.nn.Parameter(torch.zeros(hidden_size))


def counting_network() -> Recurrent:
    model = Recurrent(Counter, TASK.spec, hidden_size=3)
    model.initialise(torch_stream(1, "weights"))
    return model


def test_the_unit_that_switches_is_found() -> None:
    found = {
        switch.symbol: switch for switch in find_switches(counting_network(), TASK, sequences=200, seed=1)
    }
    switch = found["X"]
    assert (switch.layer, switch.unit, switch.score) == (0, 2, 1.0)
    assert switch.is_clear
    assert not switch.rises
    assert (switch.before, switch.between, switch.after) == (0, -1, 0)
    assert not found["Y"].is_clear


def test_a_task_without_symbols_has_no_switch() -> None:
    task = Adding(length=20)
    model = build_model(Component(name="rnn", hidden_size=4), task.spec, 1)
    assert find_switches(network_of(model, "rnn"), task, sequences=30, seed=1) == []


def test_a_unit_is_not_told_by_a_symbol_that_nothing_stands_before() -> None:
    """Strings of embedded-reber begin with B, of which they have two."""
    task = EmbeddedReber()
    model = build_model(Component(name="rnn", hidden_size=4), task.spec, 1)
    found = find_switches(network_of(model, "rnn"), task, sequences=200, seed=1)
    assert found
    assert "B" not in {switch.symbol for switch in found}
    assert all(math.isfinite(switch.before) and math.isfinite(switch.score) for switch in found)


def test_the_area_under_the_curve_counts_pairs() -> None:
    values = torch.randint(0, 6, (40, 3), generator=torch_stream(1, "values")).float()
    positive = torch.arange(40) % 3 == 0
    pairs = list(itertools.product(values[positive], values[~positive]))
    wanted = sum((a > b).double() + 0.5 * (a == b).double() for a, b in pairs) / len(pairs)
    assert_close(area_under_curve(values, positive), wanted)


def test_only_the_unit_that_the_answer_hangs_on_is_missed() -> None:
    model = counting_network()
    with torch.no_grad():  # XX is told by unit 0, XY by unit 2; YX and YY are never answered
        model.readout.weight.zero_()
        model.readout.bias.copy_(torch.tensor([0.0, 0.5, -9, -9]))
        model.readout.weight[1, 2] = -1
        model.readout.weight[0, 0] = -1
    found = lesions(model, TASK, sequences=64, seed=1)
    batch = TASK.batch("test", 0, 64, 1)
    share = [float((batch.targets == label).double().mean()) for label in range(4)]
    assert found.intact == accuracy(model, TASK, batch) == pytest.approx(share[0] + share[1])
    without_first, without_noise, without_last = found.silenced[0]
    assert without_noise == found.intact
    assert without_first == pytest.approx(share[1])
    assert without_last == pytest.approx(share[0])


def test_a_reading_is_one_sequence_without_padding() -> None:
    row = int((BATCH.inputs == PAD).sum(1).argmax())
    read = reading(trace(network("lstm", layers=2), BATCH.inputs), TASK, row, BATCH)
    assert "".join(read.symbols).startswith("B")
    assert read.symbols[-1] == "E"
    assert [panel.name for panel in read.panels[:3]] == ["h, layer 1", "c, layer 1", "i, layer 1"]
    assert read.panels[0].values.shape == (5, len(read.symbols))
    assert read.wanted == "QRSU"[int(BATCH.targets[row])]
    assert read.answers.sum(1) == pytest.approx(1)
    assert read.said[-1] == read.answer_names[read.answers[-1].argmax()]


def test_a_reading_of_a_film_has_its_frames_row_by_row() -> None:
    pytest.importorskip("sklearn", reason="its digits are what moves")
    task = MovingDigits(length=3)
    batch = task.batch("test", 0, 2, 1)
    model = network_of(build_model(Component(name="rnn", hidden_size=3), task.spec, 1), "rnn")
    read = reading(trace(model, batch.inputs), task, 1, batch)
    assert read.frames is not None
    assert read.frames.shape == (3, 12, 12)
    assert read.frames[2, 4].tolist() == batch.inputs[1, 2, 48:60].tolist()
    assert read.symbols == ("144 numbers",) * 3
    assert read.wanted_each == ("", *(task.answers[way] for way in batch.targets[1, 1:].tolist()))
    assert reading(trace(network("lstm"), BATCH.inputs), TASK, 0, BATCH).wanted_each is None


def test_symbols_are_read_as_they_are_called() -> None:
    assert read_symbols(TASK, "BXE").tolist() == [[6, 0, 7]]
    words = CharLM(corpus="miniature", tokens="word")
    symbols = read_symbols(words, "the house")[0].tolist()
    assert [words.vocabulary.symbols[symbol] for symbol in symbols] == ["the", " ", "house"]
    assert read_symbols(Hello(), "hell").tolist() == [[1, 0, 2, 2]]
    with pytest.raises(TextError, match="'Z' at position 1"):
        read_symbols(TASK, "BZE")
    with pytest.raises(TextError, match="numbers, not symbols"):
        read_symbols(Adding(length=20), "1")


def test_a_model_that_is_no_network_of_cells_is_refused() -> None:
    spec = Spec("tokens", 4, "classes", 4, causal=True)
    with pytest.raises(SettingsError, match="ngram counts, and has no states"):
        network_of(build_model(Component(name="ngram", order=2), spec, 1), "ngram")

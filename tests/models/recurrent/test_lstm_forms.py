"""The forms of the LSTM against equations written out, what they are made of, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from seqlab.contracts import Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.generation.fast import is_fast
from seqlab.models import Recurrent
from seqlab.models.recurrent.lstm import LSTM

FORMS: dict[str, dict[str, Any]] = {
    "usual": {},
    "no input gate": {"input_gate": False},
    "no forget gate (1997)": {"forget_gate": False},
    "no output gate": {"output_gate": False},
    "no input activation": {"input_activation": False},
    "no output activation": {"output_activation": False},
    "coupled": {"coupled": True},
    "peepholes": {"peepholes": True},
    "full gate recurrence": {"gate_recurrence": True},
    "all of Greff's": {"peepholes": True, "gate_recurrence": True},
    "much at once": {"coupled": True, "peepholes": True, "input_activation": False, "gate_recurrence": True},
    "an adder": {"input_gate": False, "forget_gate": False, "output_gate": False},
}


def made(options: dict[str, Any], inputs: int = 3, units: int = 4) -> LSTM:
    cell = LSTM(inputs, units, **options)
    cell.initialise(torch_stream(1, "weights"))
    return cell.double()


def by_the_equations(cell: LSTM, options: dict[str, Any], x: Tensor) -> Tensor:
    """Return h at every step, (B, T, H), by the equations of Greff et al. with all gates there."""
    has = {"i": True, "f": True, "g": True, "o": True}
    has["i"], has["o"] = options.get("input_gate", True), options.get("output_gate", True)
    has["f"] = options.get("forget_gate", True) and not options.get("coupled", False)
    names, gates = [name for name in "ifgo" if has[name]], [name for name in "ifo" if has[name]]
    U, W, b = (part.chunk(len(names)) for part in (cell.input.weight, cell.W, cell.input.bias))
    zero, one = x.new_zeros(len(x), cell.hidden_size), x.new_ones(len(x), cell.hidden_size)
    h = c = zero
    before = dict.fromkeys(gates, zero)
    shown = []
    for x_t in x.unbind(1):
        sums = {
            name: x_t @ U[k].T + h @ W[k].T + b[k] for k, name in enumerate(names)
        }  # what peepholes and gates add comes below
        if options.get("gate_recurrence"):
            H = cell.hidden_size
            for k, to in enumerate(gates):
                for j, source in enumerate(gates):
                    sums[to] = sums[to] + before[source] @ cell.R[k * H : (k + 1) * H, j * H : (j + 1) * H].T
        p = dict(zip(gates, cell.p.chunk(len(gates)), strict=True)) if options.get("peepholes") else {}
        i = torch.sigmoid(sums["i"] + p.get("i", zero) * c) if has["i"] else one
        f = torch.sigmoid(sums["f"] + p.get("f", zero) * c) if has["f"] else one
        f = 1 - i if options.get("coupled") else f
        g = torch.tanh(sums["g"]) if options.get("input_activation", True) else sums["g"]
        c = f * c + i * g
        o = torch.sigmoid(sums["o"] + p.get("o", zero) * c) if has["o"] else one
        h = o * (torch.tanh(c) if options.get("output_activation", True) else c)
        before = {name: value for name, value in (("i", i), ("f", f), ("o", o)) if has[name]}
        shown.append(h)
    return torch.stack(shown, 1)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_computes_its_equations(form: str) -> None:
    cell = made(FORMS[form])
    x = torch.randn(2, 7, 3, generator=torch_stream(2, "inputs"), dtype=torch.float64)
    assert_close(cell(x, cell.start(2))[0], by_the_equations(cell, FORMS[form], x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_has_the_weights_that_it_says(form: str) -> None:
    cell = made(FORMS[form])
    count = sum(weight.numel() for weight in cell.parameters())
    assert LSTM.parameter_count(3, 4, **FORMS[form]) == count
    assert len(cell.gate_names) * 4 == len(cell.W)
    assert len(cell.gates(torch.zeros(1, 3).double(), cell.start(1))) == len(cell.gate_names)


def test_the_unit_of_1997_keeps_what_it_has_for_ever() -> None:
    cell = made({"forget_gate": False})
    with torch.no_grad():
        cell.input.bias.chunk(3)[0].fill_(-50)  # nothing is written
    state = (torch.zeros(1, 4).double(), torch.full((1, 4), 0.7).double())
    assert_close(cell(torch.zeros(1, 500, 3).double(), state)[1][1], state[1])
    assert cell.gate_names == ("i", "g", "o")


def test_coupled_gates_start_open_for_what_there_is() -> None:
    assert torch.equal(
        made({"coupled": True, "forget_bias": 2.0}).input.bias[:4], torch.full((4,), -2.0).double()
    )
    b_i = made({"coupled": True, "chrono": 100}, units=500).input.bias[:500].detach()
    assert float(b_i.neg().exp().mean()) == pytest.approx(50, rel=0.06)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"coupled": True, "forget_gate": False}, "model.forget_gate is false"),
        ({"coupled": True, "input_gate": False}, "model.input_gate is false"),
        ({"peepholes": True, **FORMS["an adder"]}, "no gate for it"),
    ],
)
def test_what_is_no_form_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        LSTM(3, 4, **options)


def test_what_reads_the_usual_form_alone_leaves_the_others() -> None:
    spec = Spec("tokens", 5, "classes", 5, causal=True)
    assert is_fast(Recurrent(LSTM, spec))
    assert not is_fast(Recurrent(LSTM, spec, coupled=True))

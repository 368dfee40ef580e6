"""FLOPs and bytes of a training step by formula, against torch's own count of a plain version."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from seqlab.analysis.cost import BLOCKS, Machine, StepCost, measure_machine, training_cost
from seqlab.analysis.growth import Setting, _threads_used
from seqlab.contracts import Spec
from seqlab.models import Recurrent, count_parameters
from seqlab.registry import load

B, T, I, H, O = 3, 5, 6, 7, 4  # noqa: E741
Step = Callable[[Tensor, Tensor, Tensor], Tensor]


def written_out(model: str, hidden: Tensor, sums: Tensor, W: Tensor) -> Tensor:
    """One step of the cell as one would write it; ``sums`` are the input's shares."""
    if model == "rnn":
        return torch.tanh(sums + hidden @ W.t())
    if model == "lstm":  # the path through c multiplies no matrices
        i, f, g, o = (sums + hidden @ W.t()).chunk(4, 1)
        return torch.sigmoid(o) * torch.tanh(torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f))
    if model == "gru":
        r, z, n = (hidden @ W.t()).chunk(3, 1)
        u_r, u_z, u_n = sums.chunk(3, 1)
        z = torch.sigmoid(u_z + z)
        return z * hidden + (1 - z) * torch.tanh(u_n + torch.sigmoid(u_r + r) * n)
    z, n = torch.sigmoid(sums[:, :H]), sums[:, -H:]  # neither mingru nor minlstm has a recurrent matrix
    return z * hidden + (1 - z) * n


def counted(model: str, kind: str, layers: int) -> int:
    """Count the FLOPs of a training step of the plain version."""
    gates = {"rnn": 1, "lstm": 4, "gru": 3, "mingru": 2, "minlstm": 3}[model]
    x = torch.randn(T, B, I) if kind == "features" else torch.randint(0, I, (T, B))
    V = torch.randn(O, H, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        steps = list(x)
        for layer in range(layers):
            U = torch.randn(gates * H, H if layer else I, requires_grad=True)
            W = torch.randn(gates * H, H, requires_grad=True)
            hidden = torch.zeros(B, H, requires_grad=True)  # so that every step has a way back to it
            after = []
            for x_t in steps:
                sums = x_t @ U.t() if x_t.is_floating_point() else torch.nn.functional.embedding(x_t, U.t())
                hidden = written_out(model, hidden, sums, W)
                after.append(hidden)
            steps = after
        (steps[-1] @ V.t()).sum().backward()
    return int(counter.get_total_flops())


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ["tokens", "features"])
@pytest.mark.parametrize("model", ["rnn", "lstm", "gru", "mingru", "minlstm"])
def test_flops_are_those_of_a_plain_version(model: str, kind: str, layers: int) -> None:
    spec = Spec(kind, I, "classes", O, causal=True)
    with torch.device("meta"):
        network = Recurrent(load("model", model), spec, hidden_size=H, layers=layers)
    assert training_cost(network, batch=B, time=T, answers=B).flops == counted(model, kind, layers)


def test_every_answer_that_counts_costs_a_read_out() -> None:
    network = Recurrent(load("model", "gru"), Spec("tokens", I, "classes", O, causal=True), hidden_size=H)
    all_steps, last = (training_cost(network, batch=B, time=T, answers=n).flops for n in (None, B))
    assert all_steps - last == 3 * 2 * H * O * B * (T - 1)


@pytest.mark.parametrize(("model", "kept"), [("rnn", 1), ("lstm", 6), ("gru", 4), ("mingru", 3)])
def test_bytes_are_gates_and_states_there_and_back_and_the_weights(model: str, kept: int) -> None:
    network = Recurrent(load("model", model), Spec("tokens", I, "classes", O, causal=True), hidden_size=H)
    cost = training_cost(network, batch=B, time=T)
    assert cost.bytes == 4 * (2 * kept * H * B * T + 10 * count_parameters(network))


def test_the_floor_is_the_greater_of_the_two() -> None:
    machine = Machine(1, peak=100.0, bandwidth=(8.0, 4.0, 2.0))
    small, large = 2 * BLOCKS[0], 2 * BLOCKS[2]  # bytes that are written and read take half the room
    assert machine.floor(StepCost(200, small - 1)) == 2.0  # within the nearest cache only FLOPs count
    assert machine.floor(StepCost(200, small)) == small / 8
    assert machine.floor(StepCost(200, large)) == large / 2
    assert machine.floor(StepCost(200 * large, large), copies=3) == 6.0 * large


def test_what_the_machine_reaches_is_measured_and_its_threads_come_back() -> None:
    before = torch.get_num_threads()
    machine = measure_machine(1)
    assert torch.get_num_threads() == before
    assert machine.peak > 1e8
    assert len(machine.bandwidth) == len(BLOCKS)
    assert all(speed > 1e7 for speed in machine.bandwidth)


@pytest.mark.parametrize(
    ("engine", "hidden", "batch", "seeds", "used"),
    [
        ("torch", 12, 32, 1, 8),
        ("fused", 12, 32, 1, 1),
        ("fused", 12, 32, 5, 5),
        ("fused", 12, 32, 100, 8),
        ("fused", 96, 32, 1, 8),
        ("fused", 96, 16, 1, 1),  # one tile
        ("fused", 96, 32, 2, 2),
    ],
)
def test_the_floor_is_that_of_the_threads_that_work(
    engine: str, hidden: int, batch: int, seeds: int, used: int
) -> None:
    assert _threads_used(Setting("gru", engine, 100, hidden, batch, seeds), 8) == used

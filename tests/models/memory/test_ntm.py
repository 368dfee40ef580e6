"""The neural Turing machine: its equations by hand, and compiled steps beside them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seqlab.contracts import Spec
from seqlab.models.memory import _turing
from seqlab.models.memory.ntm import NTM, address

SPEC = Spec("features", 5, "bits", 3, causal=True)


def machine(**options) -> NTM:
    model = NTM(SPEC, hidden_size=7, slots=6, cell_size=4, **options)
    model.initialise(torch.Generator().manual_seed(1))
    return model.double()


def told(key: list[float], strength: float, gate: float, moves: list[float], sharpness: float) -> Tensor:
    """What a head is told, before the functions of it, so that it comes to these numbers."""
    soft = lambda wanted: math.log(math.expm1(wanted)) if wanted > 0 else -50.0  # noqa: E731
    logit = lambda wanted: math.log(wanted / (1 - wanted)) if 0 < wanted < 1 else (50.0 if wanted else -50.0)  # noqa: E731
    chances = [math.log(max(move, 1e-30)) for move in moves]
    keys = [math.atanh(number) for number in key]
    numbers = [*keys, soft(strength), logit(gate), *chances, soft(sharpness - 1)]
    return torch.tensor(numbers, dtype=torch.double)[None, None]


MEMORY = torch.tensor([[0.9, 0.1, -0.5, 0.2], [0.1, 0.8, 0.5, -0.2]], dtype=torch.double)[
    None
]  # (1, W 2, N 4)


def test_a_head_goes_to_the_slot_that_is_like_its_key() -> None:
    before = torch.full((1, 1, 4), 0.25, dtype=torch.double)
    weights = address(told([0.1, 0.8], 200.0, 1.0, [0, 1, 0], 1.0), MEMORY, before)
    assert weights[0, 0].tolist() == pytest.approx([0, 1, 0, 0], abs=1e-4)


@pytest.mark.parametrize(("moves", "at"), [([0, 0, 1], 0), ([0, 1, 0], 3), ([1, 0, 0], 2)])
def test_a_head_moves_around_the_circle_from_where_it_stood(moves: list[float], at: int) -> None:
    before = torch.tensor([[[0.0, 0.0, 0.0, 1.0]]], dtype=torch.double)
    weights = address(told([0.1, 0.8], 5.0, 0.0, moves, 1.0), MEMORY, before)
    assert weights[0, 0].argmax() == at
    assert weights[0, 0, at] == pytest.approx(1, abs=1e-6)


def test_all_of_addressing_at_once_computed_by_hand() -> None:
    """Two slots' worth of numbers, one after the other, as the paper writes them."""
    before, key = [0.1, 0.2, 0.3, 0.4], [0.6, -0.3]
    strength, gate, moves, sharpness = 2.0, 0.7, [0.2, 0.5, 0.3], 1.5
    slots = [[0.9, 0.1], [0.1, 0.8], [-0.5, 0.5], [0.2, -0.2]]
    likeness = [
        sum(k * m for k, m in zip(key, slot, strict=True)) / (math.hypot(*key) * math.hypot(*slot))
        for slot in slots
    ]
    total = sum(math.exp(strength * alike) for alike in likeness)
    content = [math.exp(strength * alike) / total for alike in likeness]
    v = [gate * c + (1 - gate) * w for c, w in zip(content, before, strict=True)]
    moved = [moves[0] * v[(i + 1) % 4] + moves[1] * v[i] + moves[2] * v[i - 1] for i in range(4)]
    sharp = [weight**sharpness for weight in moved]
    found = address(
        told(key, strength, gate, moves, sharpness), MEMORY, torch.tensor([[before]], dtype=torch.double)
    )
    assert found[0, 0].tolist() == pytest.approx([weight / sum(sharp) for weight in sharp], rel=1e-6)


def test_what_is_erased_is_gone_and_what_is_added_is_there() -> None:
    """With a head that stands on a slot, erasing all and adding a vector there replaces what it holds."""
    model = machine()
    with torch.no_grad():
        model.P.zero_()
        model.p.zero_()
        model.stands.copy_(torch.tensor([[9.0] + [0] * 5] * 2) * 10)
        each = 4 + 6
        for head in range(2):  # stand still, as sharply as may be
            model.p[head * each + 5], model.p[head * each + 7] = -50, 50
        model.p[2 * each : 2 * each + 4] = 50  # erase all
        model.p[2 * each + 4 :] = torch.tensor([0.1, -0.2, 0.3, 0.4]).atanh()
    (state,) = model.start({}, 1)
    h, c, weights, memory, read = state
    memory = torch.full_like(memory, 0.9)
    after = model.step(torch.zeros(1, 5, dtype=torch.double), (h, c, weights, memory, read))
    assert after[3][0, :, 0].tolist() == pytest.approx([0.1, -0.2, 0.3, 0.4], abs=1e-5)
    assert after[3][0, :, 1:].flatten().tolist() == pytest.approx([0.9] * 20, abs=1e-4)
    assert after[4].tolist()[0] == pytest.approx([0.9] * 4)  # what is read was there before


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.skipif(not _turing.COMPILES, reason="Numba is not installed")
def test_compiled_steps_are_the_equations(
    controller: str, heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs, end states and all gradients, those of the start state and of the inputs included."""
    model = machine(controller=controller, heads=heads)
    random = torch.Generator().manual_seed(2)
    inputs = torch.randn(3, 9, 5, generator=random, dtype=torch.double, requires_grad=True)
    found = []
    for compiles in (True, False):
        monkeypatch.setattr(_turing, "COMPILES", compiles)
        outputs, (parts,) = model(inputs)
        weights = torch.Generator().manual_seed(3)
        score = sum(
            (part * torch.randn(part.shape, generator=weights, dtype=torch.double)).sum()
            for part in (outputs, *parts)
        )
        gradients = torch.autograd.grad(score, [inputs, *model.parameters()])
        found.append([outputs, *parts, *gradients])
    for compiled, plain in zip(*found, strict=True):
        torch.testing.assert_close(compiled, plain, rtol=1e-10, atol=1e-12)


def test_heads_stand_at_the_first_slot_and_the_memory_is_empty_at_the_start() -> None:
    model = NTM(SPEC)
    model.initialise(torch.Generator().manual_seed(1))
    ((_, _, weights, memory, _),) = model.start({}, 2)
    assert weights[:, :, 0].tolist() == [[pytest.approx(0.959, abs=1e-3)] * 2] * 2
    assert memory.unique().tolist() == [pytest.approx(1e-6)]


def test_weights_stay_distributions_over_a_long_sequence() -> None:
    model = machine(heads=2)
    _, ((_, _, weights, memory, _),) = model(torch.randn(2, 300, 5, dtype=torch.double))
    assert weights.sum(2).tolist() == [[pytest.approx(1)] * 4] * 2
    assert bool(memory.isfinite().all())


@pytest.mark.skipif(not _turing.COMPILES, reason="Numba is not installed")
@pytest.mark.parametrize("can_be_kept", [True, False])
def test_compiled_steps_lie_in_the_cache_or_nowhere(can_be_kept: bool, tmp_path: Path) -> None:
    """Not beside the source, where nobody may write who has not installed it."""
    folder = tmp_path / "cache"
    if not can_be_kept:
        folder.write_text("a file stands in the folder's place")
    code = (
        "from seqlab.models.memory._turing_back import go_back; print(go_back.__wrapped__.stats.cache_path)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SEQLAB_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert shown.startswith(str(folder)) if can_be_kept else shown == "None"

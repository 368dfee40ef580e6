"""The neural Turing machine: its equations by hand, and compiled steps beside them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seqlab.compiling import Kernel
from seqlab.contracts import Spec
from seqlab.errors import EngineError
from seqlab.models.memory import _turing, ntm
from seqlab.models.memory.ntm import NTM, address

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="Numba is not installed")

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


def kernel_in_double(kernel: Kernel) -> Kernel:
    """Return the same compiled for float64."""
    in_double = kernel.signature.replace("f4", "f8")
    return Kernel(kernel.module, kernel.name, in_double, kernel.sources, **kernel.options)


def check_compiled_steps(model: NTM, dtype: torch.dtype, rtol: float, atol: float) -> None:
    """Compare outputs, end states and all gradients, those of the inputs included, with the equations'."""
    random = torch.Generator().manual_seed(2)
    inputs = torch.randn(3, 9, 5, generator=random, dtype=torch.double)
    found = []
    for kind, read in ((dtype, NTM._at_once), (torch.double, NTM._step_by_step)):
        x = inputs.to(kind).requires_grad_()
        model.to(kind)
        shown, parts = read(model, x, model.start({}, 3)[0])
        weights = torch.Generator().manual_seed(3)
        score = sum(
            (part * torch.randn(part.shape, generator=weights, dtype=torch.double)).sum()
            for part in (shown, *parts)
        )
        learned = [parameter for name, parameter in model.named_parameters() if name not in ("V", "d")]
        found.append([shown, *parts, *torch.autograd.grad(score, [x, *learned])])
    for compiled, plain in zip(*found, strict=True):
        torch.testing.assert_close(compiled.double(), plain, rtol=rtol, atol=atol)


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
@pytest.mark.parametrize("heads", [1, 2])
@needs_numba
def test_compiled_steps_are_the_equations(controller: str, heads: int) -> None:
    check_compiled_steps(machine(controller=controller, heads=heads), torch.float, 1e-4, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
@pytest.mark.parametrize("heads", [1, 2])
@needs_numba
def test_compiled_steps_are_the_equations_to_the_last_digits(
    controller: str, heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64, for which to compile takes ten seconds."""
    monkeypatch.setattr(ntm, "READ", kernel_in_double(_turing.READ))
    monkeypatch.setattr(ntm, "GO_BACK", kernel_in_double(_turing.GO_BACK))
    check_compiled_steps(machine(controller=controller, heads=heads), torch.double, 1e-10, 1e-12)


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_only_float32_is_read_by_compiled_code(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Tensor] = []

    def watched(model: NTM, inputs: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        calls.append(inputs)
        return model._step_by_step(inputs, parts)

    monkeypatch.setattr(NTM, "_at_once", watched)
    machine().to(dtype)(torch.zeros(1, 2, 5, dtype=dtype))
    assert len(calls) == (dtype == torch.float)


def test_what_is_exported_is_the_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntm, "is_exported", lambda: True)
    monkeypatch.setattr(NTM, "_at_once", None)
    outputs, _ = machine().float()(torch.zeros(1, 2, 5))
    assert bool(outputs.isfinite().all())


@needs_numba
def test_weights_may_lie_in_memory_in_any_order() -> None:
    model, x = machine().float(), torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(2))
    found = []
    for way in (lambda weight: weight, lambda weight: weight.t().contiguous().t()):
        for weight in (model.W, model.P):
            weight.data = way(weight.data)
        outputs, _ = model(x)
        found.append([outputs, *torch.autograd.grad(outputs.sum(), [model.W, model.P])])
    assert not model.W.is_contiguous()
    for strided, plain in zip(*found, strict=True):
        torch.testing.assert_close(strided, plain)


GRADIENTS = """
import hashlib, torch
from seqlab.contracts import Spec
from seqlab.models.memory.ntm import NTM
model = NTM(Spec("features", 5, "bits", 3, causal=True), hidden_size=20, slots=12, cell_size=6)
model.initialise(torch.Generator().manual_seed(1))
outputs, _ = model(torch.randn(3, 30, 5, generator=torch.Generator().manual_seed(2)))
outputs.pow(2).sum().backward()
digest = hashlib.sha256()
for part in (outputs, *(weight.grad for weight in model.parameters())):
    digest.update(part.detach().numpy().tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
@needs_numba
def test_what_was_just_compiled_computes_as_what_was_kept_to_the_bit(tmp_path: Path) -> None:
    env = {**os.environ, "SEQLAB_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", GRADIENTS]
    first, second = (subprocess.run(words, env=env, capture_output=True, check=True).stdout for _ in range(2))
    assert list(tmp_path.rglob("*go_back*.nbc"))
    assert first == second


def test_where_numba_is_broken_the_equations_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise EngineError("Numba does not work here")

    inputs = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(2))
    model = machine().float()
    expected, _ = model(inputs)
    monkeypatch.setattr(_turing.GO_BACK, "load", fail)
    monkeypatch.setattr(_turing, "load", _turing.load.__wrapped__)
    monkeypatch.setattr(NTM, "_at_once", None)
    outputs, _ = model(inputs)
    torch.testing.assert_close(outputs, expected)


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

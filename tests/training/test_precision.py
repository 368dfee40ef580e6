"""Which precision is taken, and that it does not matter to what is learned."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from seqlab.models import build_model
from seqlab.settings import Component, Training
from seqlab.tasks import build_task
from seqlab.training import evaluate, fit, new_learner, precision
from seqlab.training.precision import bfloat16_units, kept_gain, step_seconds, take_precision
from seqlab.training.runtime import autocast

CPU = torch.device("cpu")
PLAIN = "model name\t: an older one\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
TILES = "model name\t: a newer one\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile\n"
ARM = "Features\t: fp asimd bf16 i8mm\n"


def not_measured(*_: object) -> float:
    raise AssertionError("there was nothing to measure")


@pytest.mark.parametrize(
    ("text", "units"), [(PLAIN, None), (TILES, "AMX"), (ARM, "NEON"), ("avx512_bf16\n", None), (None, None)]
)
def test_a_processor_says_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, units: str | None
) -> None:
    monkeypatch.setattr(precision, "PROCESSOR", tmp_path / "cpuinfo")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert bfloat16_units(CPU) == units


def test_without_units_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "bfloat16_units", lambda device: None)
    assert take_precision("auto", "torch", CPU, 10**6, not_measured) == (
        "fp32",
        "there are no units for bf16",
    )
    for wanted in ("fp32", "bf16"):
        assert take_precision(wanted, "torch", CPU, 10**6, not_measured) == (wanted, None)
    monkeypatch.setattr(precision, "bfloat16_units", lambda device: "AMX")
    taken, reason = take_precision("auto", "fused", CPU, 10**6, not_measured)
    assert taken == "fp32"
    assert "fused" in str(reason)
    taken, reason = take_precision("auto", "torch", CPU, 1000, not_measured)
    assert taken == "fp32"
    assert "small" in str(reason)


@pytest.mark.parametrize(("gain", "taken"), [(2.0, "bf16"), (1.05, "fp32"), (0.7, "fp32"), (None, "fp32")])
def test_with_units_the_faster_is_taken(
    monkeypatch: pytest.MonkeyPatch, gain: float | None, taken: str
) -> None:
    monkeypatch.setattr(precision, "bfloat16_units", lambda device: "AMX")
    found, reason = take_precision("auto", "torch", CPU, 10**6, lambda: gain)
    assert found == taken
    said = "cannot be kept" if gain is None else f"AMX a step in bf16 is {gain:.2f} times as fast"
    assert said in str(reason)


def test_what_was_measured_first_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path))
    first, later = {"fp32": 3.0, "bf16": 2.0}, {"fp32": 2.0, "bf16": 3.0}
    assert kept_gain({"model": "gru"}, first.__getitem__) == 1.5
    assert kept_gain({"model": "gru"}, not_measured) == 1.5
    assert kept_gain({"model": "lstm"}, later.__getitem__) == pytest.approx(2 / 3)
    monkeypatch.setattr(precision, "processors", lambda: 64)  # another machine
    assert kept_gain({"model": "gru"}, later.__getitem__) == pytest.approx(2 / 3)


def test_what_cannot_be_kept_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("where a folder would be")
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "file"))
    assert kept_gain({}, {"fp32": 2.0, "bf16": 1.0}.__getitem__) is None
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path))
    assert kept_gain({}, {"fp32": 2.0, "bf16": 1.0}.__getitem__) == 2.0
    (kept,) = (tmp_path / "precision").iterdir()
    kept.write_text("{")
    assert kept_gain({}, not_measured) is None


def test_to_measure_is_to_learn_nothing() -> None:
    task = build_task(Component(name="char-lm", corpus="miniature", period=8))
    model = build_model(Component(name="gru", hidden_size=8), task.spec, 1)
    before = [parameter.clone() for parameter in model.parameters()]
    batch = task.batch("train", 0, 4, 1)
    assert all(step_seconds(model, task, batch, name) > 0 for name in ("fp32", "bf16"))
    assert all(map(torch.equal, model.parameters(), before))
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_both_precisions_learn_the_same(cell: str) -> None:
    task = build_task(Component(name="char-lm", corpus="miniature", period=16))
    settings = Training(
        steps=300, batch_size=16, optimizer="adamw", learning_rate=5e-3, schedule="cosine", evaluate_every=300
    )
    losses, weights = {}, {}
    for name in ("fp32", "bf16"):
        model = build_model(Component(name=cell, hidden_size=32), task.spec, 1)
        learner = new_learner(model, settings)
        for _ in fit(learner, task, settings, 1, autocast(name, CPU)):
            pass
        losses[name] = evaluate(model, task, task.evaluation("validation", 0, 1))["loss"]
        weights[name] = model.readout.weight.detach().clone()
    assert losses["fp32"] < 0.8 * math.log(task.spec.output_size), "something was learned"
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.01)
    assert not torch.equal(weights["fp32"], weights["bf16"]), "both computed the same"

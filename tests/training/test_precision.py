"""Which precision is taken, and that it does not matter to what is learned."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from seqlab.models import build_model
from seqlab.models.recurrent.lstm import WORTH_FROM
from seqlab.settings import Component, Training
from seqlab.tasks import build_task
from seqlab.training import evaluate, fit, new_learner, precision
from seqlab.training.precision import bfloat16_units, take_precision
from seqlab.training.runtime import autocast

CPU = torch.device("cpu")
PLAIN = "model name\t: an older one\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
TILES = "model name\t: a newer one\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile\n"
ARM = "Features\t: fp asimd bf16 i8mm\n"


@pytest.mark.parametrize(
    ("text", "units"),
    [(PLAIN, None), (TILES, "AMX units"), (ARM, "NEON units"), ("avx512_bf16\n", None), (None, None)],
)
def test_a_processor_says_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, units: str | None
) -> None:
    monkeypatch.setattr(precision, "PROCESSOR", tmp_path / "cpuinfo")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert bfloat16_units(CPU) == units


def test_the_rule_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "bfloat16_units", lambda device: None)
    assert take_precision("auto", CPU, 10**6, 1000) == ("fp32", "there are no units for bf16")
    for wanted in ("fp32", "bf16"):
        assert take_precision(wanted, CPU, 10**6, None) == (wanted, None)
    monkeypatch.setattr(precision, "bfloat16_units", lambda device: "AMX units")
    assert take_precision("auto", CPU, 10**6, 1000) == ("bf16", "there are AMX units")
    assert take_precision("auto", CPU, 999, 1000)[0] == "fp32"
    assert take_precision("auto", CPU, 10**6, None)[0] == "fp32"


def test_a_model_says_whether_it_gains() -> None:
    task = build_task(Component(name="char-lm", corpus="miniature"))
    models = {name: build_model(Component(name=name), task.spec, 1) for name in ("lstm", "mingru", "ngram")}
    assert {name: model.bfloat16_from is not None for name, model in models.items()} == {
        "lstm": False, "mingru": True, "ngram": False
    }  # fmt: skip
    vectors = {"embedding_size": 4}
    assert build_model(Component(name="lstm", **vectors), task.spec, 1).bfloat16_from == WORTH_FROM
    assert build_model(Component(name="lstm", coupled=True, **vectors), task.spec, 1).bfloat16_from is None
    assert build_model(Component(name="gru", **vectors), task.spec, 1).bfloat16_from is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "options"), [("rnn", {}), ("gru", {}), ("lstm", {}), ("lstm", {"embedding_size": 32})]
)
def test_both_precisions_learn_the_same(cell: str, options: dict[str, int]) -> None:
    task = build_task(Component(name="char-lm", corpus="miniature", period=16))
    settings = Training(
        steps=300, batch_size=16, optimizer="adamw", learning_rate=5e-3, schedule="cosine", evaluate_every=300
    )
    losses, weights = {}, {}
    for name in ("fp32", "bf16"):
        model = build_model(Component(name=cell, hidden_size=32, **options), task.spec, 1)
        learner = new_learner(model, settings)
        for _ in fit(learner, task, settings, 1, autocast(name, CPU)):
            pass
        losses[name] = evaluate(model, task, task.evaluation("validation", 0, 1))["loss"]
        weights[name] = model.readout.weight.detach().clone()
    assert losses["fp32"] < 0.8 * math.log(task.spec.output_size), "something was learned"
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.01)
    assert not torch.equal(weights["fp32"], weights["bf16"]), "both computed the same"

"""Learners trained together by the fused engine against the same learners trained by the loop."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import NonFiniteLossError, SeqlabError
from seqlab.fused import fit_together, why_not
from seqlab.fused.memory import LARGE
from seqlab.models import build_model
from seqlab.settings import Component, Compute, TrainExperiment, Training
from seqlab.tasks import Task
from seqlab.tasks.basics.echo import Echo
from seqlab.tasks.lags.temporal_order import TemporalOrder
from seqlab.training import Learner, Step, fit, new_learner
from seqlab.training.checkpoints import load_checkpoint, save_checkpoint

MODELS = {
    "rnn": Component(name="rnn", hidden_size=12),
    "irnn": Component(name="irnn", hidden_size=12),
    "lstm": Component(name="lstm", hidden_size=12),
    "gru": Component(name="gru", hidden_size=12),
    "gru-before": Component(name="gru", hidden_size=12, reset="before"),
    "relu": Component(name="rnn", hidden_size=12, nonlinearity="relu"),
    "lstm-1997": Component(name="lstm", hidden_size=12, forget_gate=False, input_activation=False),
    "no input gate": Component(name="lstm", hidden_size=12, input_gate=False),
    "no output gate": Component(
        name="lstm", hidden_size=12, coupled=True, output_gate=False, output_activation=False
    ),
    "peepholes": Component(name="lstm", hidden_size=12, coupled=True, peepholes=True),
    "all peepholes": Component(name="lstm", hidden_size=12, peepholes=True),
    "few peepholes": Component(
        name="lstm", hidden_size=12, input_gate=False, output_gate=False, peepholes=True
    ),
    "deep": Component(name="lstm", hidden_size=12, layers=2, dropout=0.3),
    "silenced": Component(
        name="gru", hidden_size=12, layers=2, dropout=0.3, dropout_varies=True, weight_dropout=0.4
    ),
}
EASY = TemporalOrder(difficulty="easy")
SETTINGS = Training(
    steps=20, learning_rate=1e-2, decay=0.999, evaluate_every=7, evaluation_sequences=40, checkpoint_every=5
)


class Sines(Task):
    """Features to values: say the next value of one of two sines, at every step but the first three."""

    spec = Spec("features", 2, "values", 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        phase = numpy_stream(seed, "sines", split, index).random((size, 2, 1)).astype(np.float32)
        wave = torch.from_numpy(np.sin(6 * phase + np.arange(13, dtype=np.float32)))  # (B, 2, T + 1)
        mask = (torch.arange(12) > 2).expand(size, -1)
        return Batch(wave[:, :, :-1].transpose(1, 2).contiguous(), wave[:, 0, 1:].contiguous(), mask)


class ManySymbols(Task):
    """More symbols than are multiplied: say the one before; batches are 5 or 6 steps long."""

    spec = Spec("tokens", 40, "classes", 40, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        tokens = numpy_stream(seed, "many", split, index).integers(0, 40, (size, 6 + index // 3 % 2))
        return Batch(torch.from_numpy(tokens[:, 1:]), torch.from_numpy(tokens[:, :-1].copy()))


def learner(task: Task, settings: Training, seed: int, model: str = "lstm") -> Learner:
    return new_learner(build_model(MODELS[model], task.spec, seed), settings)


def together(
    learners: Sequence[Learner], task: Task, settings: Training, seeds: Sequence[int], **options: Any
) -> list[list[Step]]:
    """Train and return the steps of each learner."""
    rows = list(fit_together(learners, task, settings, seeds, **options))
    return [[step for step in column if step is not None] for column in zip(*rows, strict=True)]


def assert_same(ours: Learner, theirs: Learner, tolerance: float) -> None:
    for name, value in theirs.model.state_dict().items():
        torch.testing.assert_close(ours.model.state_dict()[name], value, rtol=tolerance, atol=tolerance)
    kept, wanted = ours.optimizer.state_dict()["state"], theirs.optimizer.state_dict()["state"]
    for place, values in wanted.items():
        assert kept.get(place, {}).keys() == {name for name, value in values.items() if value is not None}
        for name, value in kept.get(place, {}).items():
            torch.testing.assert_close(value, wanted[place][name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("model", MODELS)
def test_float32_follows_the_loop(model: str) -> None:
    ours = [learner(EASY, SETTINGS, seed, model) for seed in (1, 2, 3)]
    for i, steps in enumerate(together(ours, EASY, SETTINGS, [1, 2, 3])):
        theirs = learner(EASY, SETTINGS, i + 1, model)
        wanted = list(fit(theirs, EASY, SETTINGS, i + 1))
        assert [step.step for step in steps] == list(range(1, 21))
        for step, other in zip(steps, wanted, strict=True):
            assert step.loss == pytest.approx(other.loss, abs=1e-5)
            assert step.grad_norm == pytest.approx(other.grad_norm, rel=1e-3)
            assert (step.sequences, step.learning_rate) == (other.sequences, other.learning_rate)
            assert (step.validation is None) == (other.validation is None)
            if step.validation is not None and other.validation is not None:
                assert step.validation.metrics.keys() == other.validation.metrics.keys()
                assert step.validation.metrics["loss"] == pytest.approx(
                    other.validation.metrics["loss"], abs=1e-5
                )
                assert step.validation.metrics["errors"] == other.validation.metrics["errors"]
                assert step.validation.best == other.validation.best
        assert_same(ours[i], theirs, 1e-4)
        rough = {"smoothed_loss", "grad_norm", "best_score"}
        for name, value in theirs.counters.items():
            near = name in rough or isinstance(value, dict)
            assert ours[i].counters[name] == (pytest.approx(value, rel=1e-3) if near else value)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "weight_decay": 0.01},
        {"optimizer": "sgd", "momentum": 0.9, "clip_norm": 0.05},
        {"optimizer": "rmsprop", "decay": 0.99, "weight_decay": 0.01},
        {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 1e-3},
        {"optimizer": "adam", "weight_decay": 0.01, "clip_norm": None},
        {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "warmup_steps": 5},
        {"optimizer": "adamw", "weight_decay": 0.1, "weight_decay_of": "all"},
        {"optimizer": "adam", "averaging": 0.9},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_optimisers_are_torch_s(settings: dict[str, Any]) -> None:
    training = SETTINGS.model_copy(update=settings)
    ours, theirs = learner(EASY, training, 1), learner(EASY, training, 1)
    (steps,) = together([ours], EASY, training, [1])
    wanted = list(fit(theirs, EASY, training, 1))
    assert_same(ours, theirs, 1e-4)
    assert ours.optimizer.param_groups[0]["lr"] == theirs.optimizer.param_groups[0]["lr"]
    if theirs.averaged is not None and ours.averaged is not None:
        for mine, other in zip(ours.averaged, theirs.averaged, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)
    assert [step.learning_rate for step in steps] == [step.learning_rate for step in wanted]
    assert steps[-1].validation is not None
    assert wanted[-1].validation is not None
    # rmsprop divides by small numbers, which makes rounding larger
    assert steps[-1].validation.metrics["loss"] == pytest.approx(
        wanted[-1].validation.metrics["loss"], abs=5e-5
    )


@pytest.mark.parametrize(
    "task", [Sines(), ManySymbols(), Echo(delay=2, chunk=5, length=30)], ids=["values", "symbols", "stream"]
)
@pytest.mark.parametrize(("size", "model"), [(5, "lstm"), (33, "lstm"), (33, "deep"), (5, "silenced")])
def test_other_tasks_follow_the_loop(task: Task, size: int, model: str) -> None:
    settings = SETTINGS.model_copy(update={"batch_size": size, "steps": 10})
    ours, theirs = learner(task, settings, 1, model), learner(task, settings, 1, model)
    (steps,) = together([ours], task, settings, [1])
    wanted = list(fit(theirs, task, settings, 1))
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in wanted], abs=1e-5)
    assert_same(ours, theirs, 1e-4)
    if task.stream:
        assert ours.carried is not None
        assert theirs.carried is not None
        for layer, other in zip(ours.carried, theirs.carried, strict=True):
            torch.testing.assert_close(layer, other, rtol=1e-4, atol=1e-5)


def test_a_seed_in_company_equals_the_seed_alone_to_the_bit() -> None:
    alone = learner(EASY, SETTINGS, 2)
    company = [learner(EASY, SETTINGS, seed) for seed in (1, 2, 3)]
    (steps,) = together([alone], EASY, SETTINGS, [2], threads=1, ahead=1)
    assert together(company, EASY, SETTINGS, [1, 2, 3], threads=2)[1] == steps
    for name, value in alone.model.state_dict().items():
        assert torch.equal(value, company[1].model.state_dict()[name])


@pytest.mark.parametrize(
    "task", [ManySymbols(), Sines(), Echo(delay=2, chunk=5, length=30)], ids=lambda task: task.metric
)
def test_a_large_network_follows_the_loop_and_is_the_same_on_any_number_of_threads(task: Task) -> None:
    settings = SETTINGS.model_copy(
        update={"batch_size": 33, "steps": 6, "learning_rate": 1e-3, "averaging": 0.9}
    )
    component = Component(name="gru", hidden_size=LARGE + 1, layers=2, dropout=0.2, weight_dropout=0.3)

    def fresh() -> Learner:
        return new_learner(build_model(component, task.spec, 1), settings)

    theirs, ours, spread = fresh(), fresh(), [fresh(), fresh()]
    wanted = list(fit(theirs, task, settings, 1))
    (steps,) = together([ours], task, settings, [1], threads=1)
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in wanted], abs=1e-5)
    assert_same(ours, theirs, 1e-4)
    for one, threads in zip(spread, (2, 3), strict=True):
        assert together([one], task, settings, [1], threads=threads) == [steps]
        assert_same(one, ours, 0)
        assert one.averaged is not None
        assert ours.averaged is not None
        assert all(torch.equal(a, b) for a, b in zip(one.averaged, ours.averaged, strict=True))


def test_a_solved_seed_drops_out_and_the_others_go_on() -> None:
    settings = Training(
        steps=300, learning_rate=1e-2, decay=0.999, evaluate_every=10, evaluation_sequences=100,
        stop_when={"errors": 0},
    )  # fmt: skip
    seeds = [1, 2, 3, 4]
    learners = [learner(EASY, settings, seed) for seed in seeds]
    steps = together(learners, EASY, settings, seeds)
    assert len({len(column) for column in steps}) > 1
    for one, column in zip(learners, steps, strict=True):
        assert one.step == column[-1].step == len(column) < 300
        assert column[-1].validation is not None
        assert column[-1].validation.solved
        assert column[-1].validation.metrics["errors"] == 0
        assert one.counters["solved_at"] == column[-1].sequences


def test_a_learner_is_where_the_step_says_at_every_pause() -> None:
    one = learner(EASY, SETTINGS, 1)
    pauses = [
        step.step
        for (step,) in fit_together([one], EASY, SETTINGS, [1], pause_at=(12,))
        if step is not None and step.step == one.step
    ]
    assert {5, 7, 10, 12, 14, 15, 20} <= set(pauses)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
@pytest.mark.parametrize("first", ["fused", "loop"])
@pytest.mark.parametrize("second", ["fused", "loop"])
def test_a_run_begun_with_one_engine_is_resumed_with_either(
    tmp_path: Path, optimizer: str, first: str, second: str
) -> None:
    # RMSprop's steps do not shrink with the gradient, so that rounding grows: smaller ones
    rate = 1e-3 if optimizer == "rmsprop" else SETTINGS.learning_rate
    settings = SETTINGS.model_copy(
        update={"optimizer": optimizer, "momentum": 0.5, "averaging": 0.9, "learning_rate": rate}
    )
    half = settings.model_copy(update={"steps": 10})

    def go_on(one: Learner, engine: str, training: Training) -> list[Step]:
        if engine == "loop":
            return list(fit(one, EASY, training, 1))
        return together([one], EASY, training, [1])[0]

    whole = learner(EASY, settings, 1)
    steps = go_on(whole, "loop", settings)
    begun, resumed = learner(EASY, settings, 1), learner(EASY, settings, 9)
    go_on(begun, first, half)
    save_checkpoint(tmp_path / "last.pt", begun)
    load_checkpoint(tmp_path / "last.pt", resumed)
    losses = [step.loss for step in go_on(resumed, second, settings)]
    assert losses == pytest.approx([step.loss for step in steps[10:]], abs=1e-5)
    assert_same(resumed, whole, 1e-3)


def test_a_checkpoint_holds_its_own_learner_only(tmp_path: Path) -> None:
    seeds = list(range(20))
    learners = [learner(EASY, SETTINGS, seed) for seed in seeds]
    together(learners, EASY, SETTINGS, seeds)
    save_checkpoint(tmp_path / "last.pt", learners[0])
    numbers = 3 * sum(parameter.numel() for parameter in learners[0].model.parameters())
    assert (tmp_path / "last.pt").stat().st_size < 4 * numbers + 20_000


def test_what_is_not_finite_ends_that_seed_with_its_weights_as_they_were() -> None:
    seeds = [1, 2]
    learners = [learner(EASY, SETTINGS, seed) for seed in seeds]
    with torch.no_grad():
        next(learners[0].model.parameters()).fill_(math.nan)
    before = learners[0].model.state_dict()["readout.weight"].clone()
    failures: list[tuple[int, SeqlabError]] = []
    steps = together(learners, EASY, SETTINGS, seeds, on_failure=lambda *what: failures.append(what))
    assert [(place, type(error)) for place, error in failures] == [(0, NonFiniteLossError)]
    assert [len(column) for column in steps] == [0, 20]
    assert learners[0].step == 0
    assert torch.equal(learners[0].model.state_dict()["readout.weight"], before)
    with pytest.raises(NonFiniteLossError, match="At step 1 the loss is nan"):
        together(learners[:1], EASY, SETTINGS, [1])


def experiment(**compute: Any) -> TrainExperiment:
    return TrainExperiment(
        experiment="x",
        task=Component(name="temporal-order"),
        model=MODELS["lstm"],
        compute=Compute(**compute),
    )


def test_why_not_says_what_the_engine_lacks() -> None:
    def reason(options: dict[str, Any] | None = None, name: str = "lstm", **compute: Any) -> str | None:
        component = Component(name=name, hidden_size=4, **(options or {}))
        return why_not(experiment(**compute).model_copy(update={"model": component}), EASY)

    assert all(reason(name=name) is None for name in ("rnn", "irnn", "lstm", "gru"))
    assert reason({"layers": 2, "dropout": 0.1, "weight_dropout": 0.1}) is None
    assert "one direction" in (reason({"bidirectional": True}) or "")
    assert "float32" in (reason(precision="bf16") or "")

    class OwnLoss(TemporalOrder):
        def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            return 2 * super().loss(outputs, batch)

    assert "loss of its own" in (why_not(experiment(), OwnLoss()) or "")
    own = experiment().model_copy(update={"model": Component(name="ngram")})
    assert "gate_recurrence" in (reason({"gate_recurrence": True}) or "")
    assert "rnn, irnn, lstm and gru" in (why_not(own, EASY) or "")


def test_the_package_is_imported_without_numba_and_says_what_is_lacking() -> None:
    code = """
import importlib.util, sys
import seqlab.fused
from seqlab.settings import Component, TrainExperiment
from seqlab.tasks.lags.temporal_order import TemporalOrder
experiment = TrainExperiment(
    experiment="x", task=Component(name="temporal-order"), model=Component(name="lstm", hidden_size=4)
)
print("numba" in sys.modules)
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "numba" else find(name, package)
print(seqlab.fused.why_not(experiment, TemporalOrder()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, reason = done.stdout.splitlines()
    assert imported == "False"
    assert "seqlab[fast]" in reason

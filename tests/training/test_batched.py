"""Learners trained together by the batched engine against the same learners trained by the loop.

The two differ in rounding: losses are compared to 1e-5, a seed in company with the same seed alone likewise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab import registry
from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.errors import NonFiniteLossError, SeqlabError
from seqlab.models import Recurrent, build_model
from seqlab.settings import Component, Compute, TrainExperiment, Training
from seqlab.tasks import Task
from seqlab.tasks.echo import Echo
from seqlab.tasks.temporal_order import TemporalOrder
from seqlab.training import Learner, Step, evaluate, fit, new_learner
from seqlab.training.batched import fit_batched, why_not_batched
from seqlab.training.checkpoints import load_checkpoint, save_checkpoint
from seqlab.training.stacked import losses_of, pile_inputs, read_all

PLUGIN = '''
"""Cells: with a step of its own, a weight without an axis and a start that is learned; and two that cannot be."""
import torch
import torch.nn.functional as F
from torch import nn
from seqlab.models import Cell, Input

class Own(Cell):
    recurrent = ("W",)
    parts = ("h", "slow")
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.pace = nn.Parameter(torch.empty(()))
        self.first = nn.Parameter(torch.empty(hidden_size))
        self.unused = nn.Parameter(torch.empty(2))
    def start(self, batch):
        return tuple(self.first.expand(batch, -1) for _ in self.parts)
    def step(self, x, state):
        h, slow = state
        slow = torch.lerp(slow, h, torch.sigmoid(self.pace))
        return torch.tanh(self.input(x) + F.linear(h, self.W) + slow), slow

class Deciding(Own):
    def step(self, x, state):
        return state if state[0].sum() > 1 else super().step(x, state)

class Buffered(Own):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.register_buffer("constant", torch.ones(hidden_size))
'''
MODELS = {
    "rnn": Component(name="rnn", hidden_size=7),
    "lstm": Component(name="lstm", hidden_size=7),
    "gru": Component(name="gru", hidden_size=7),
    "mingru": Component(name="mingru", hidden_size=7),
    "deep": Component(name="lstm", hidden_size=7, layers=2, dropout=0.3),
    "varying": Component(name="gru", hidden_size=7, layers=2, dropout=0.3, dropout_varies=True),
    "silenced": Component(name="gru", hidden_size=7, layers=2, dropout=0.3, weight_dropout=0.2),
}
EASY = TemporalOrder(difficulty="easy")  # padded in front
SETTINGS = Training(
    steps=20, batch_size=5, learning_rate=1e-2, decay=0.999, evaluate_every=7, evaluation_sequences=40
)


class Sines(Task):
    """Features to values; sequences are 9 to 11 steps long, which depends on the seed."""

    spec = Spec("features", 2, "values", 1, causal=True)
    higher_is_better = False
    metric = "mse"

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        steps = 9 + (index + seed) % 3
        phase = numpy_stream(seed, "sines", split, index).random((size, 2, 1)).astype(np.float32)
        wave = torch.from_numpy(np.sin(6 * phase + np.arange(steps + 1, dtype=np.float32)))  # (B, 2, T + 1)
        mask = (torch.arange(steps) > 2).expand(size, -1) if index % 2 else None
        return Batch(wave[:, :, :-1].transpose(1, 2).contiguous(), wave[:, 0, 1:].contiguous(), mask)


class OwnLoss(Sines):
    """The sum of absolute errors."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        selected, targets = batch.select(outputs)
        return (selected[:, 0] - targets).abs().sum()


class Gaps(Task):
    """Padding in front, of all lengths, and in between; targets that do not count are no classes.

    Where the state is carried, too, depends on the seed.
    """

    spec = Spec("tokens", 6, "classes", 6, causal=True)
    stream = True

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        stream = numpy_stream(seed, "gaps", split, index)
        tokens = stream.integers(0, 6, (size, 8 + seed % 2))
        tokens[np.arange(tokens.shape[1]) < stream.integers(0, 5, (size, 1))] = PAD
        tokens[:, 5][stream.random(size) < 0.5] = PAD
        inputs = torch.from_numpy(tokens)
        targets = inputs.roll(1, 1).masked_fill(inputs == PAD, -7).masked_fill(inputs.roll(1, 1) == PAD, 0)
        return Batch(inputs, targets, inputs != PAD, continues=(index + seed) % 3 > 0)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("own") / "own.py"
    file.write_text(PLUGIN, encoding="utf-8")
    registry.admit(str(file))
    return str(file)


def component(model: str, own: str) -> Component:
    if model != "plug-in":
        return MODELS[model]
    return Component(name=f"{own}:Own", hidden_size=7, layers=2, weight_dropout=0.2)


def learner(task: Task, settings: Training, seed: int, model: Component = MODELS["gru"]) -> Learner:
    return new_learner(build_model(model, task.spec, seed), settings)


def together(
    learners: Sequence[Learner], task: Task, settings: Training, seeds: Sequence[int], **options: Any
) -> list[list[Step]]:
    """Train and return the steps of each learner."""
    rows = list(fit_batched(learners, task, settings, seeds, **options))
    return [[step for step in column if step is not None] for column in zip(*rows, strict=True)]


def assert_same(ours: Any, theirs: Any, tolerance: float = 1e-4) -> None:
    """Compare learners' states, or parts of them."""
    if isinstance(theirs, Learner):
        ours, theirs = ours.state_dict(), theirs.state_dict()
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        pairs = [(ours[key], value) for key, value in theirs.items()]
    elif isinstance(theirs, list | tuple):
        pairs = list(zip(ours, theirs, strict=True))
    elif isinstance(theirs, Tensor):
        return torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
    else:
        assert ours == (pytest.approx(theirs, rel=1e-3) if isinstance(theirs, float) else theirs)
        return None
    for mine, other in pairs:
        assert_same(mine, other, tolerance)
    return None


def assert_follows_the_loop(task: Task, settings: Training, model: Component, seeds: Sequence[int]) -> None:
    ours = [learner(task, settings, seed, model) for seed in seeds]
    for one, steps, seed in zip(ours, together(ours, task, settings, seeds), seeds, strict=True):
        theirs = learner(task, settings, seed, model)
        wanted = list(fit(theirs, task, settings, seed))
        assert [step.loss for step in steps] == pytest.approx([step.loss for step in wanted], abs=1e-5)
        for step, other in zip(steps, wanted, strict=True):
            assert step.grad_norm == pytest.approx(other.grad_norm, rel=1e-3)
            assert (step.step, step.sequences, step.learning_rate) == (
                other.step, other.sequences, other.learning_rate,
            )  # fmt: skip
            assert (step.validation is None) == (other.validation is None)
        assert steps[-1].validation is not None
        assert_same(one, theirs)


@pytest.mark.parametrize("model", [*MODELS, "plug-in"])
def test_it_follows_the_loop(model: str, own: str) -> None:
    assert_follows_the_loop(EASY, SETTINGS, component(model, own), [1, 2])


@pytest.mark.parametrize(
    "task",
    [Sines(), OwnLoss(), Gaps(), Echo(delay=2, chunk=5, length=18)],
    ids=lambda task: type(task).__name__,
)
@pytest.mark.parametrize("model", ["varying", "plug-in"])
def test_other_tasks_follow_the_loop(task: Task, model: str, own: str) -> None:
    settings = SETTINGS.model_copy(update={"steps": 7, "learning_rate": 3e-3})
    if isinstance(
        task, Gaps
    ):  # with one seed's start there is a gradient, 0, of the other's, for Adam to see
        settings = settings.model_copy(update={"optimizer": "sgd", "learning_rate": 0.1})
    assert_follows_the_loop(task, settings, component(model, own), [1, 2])


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "weight_decay": 0.01},
        {"optimizer": "sgd", "momentum": 0.9, "clip_norm": 0.05},
        {"optimizer": "rmsprop", "decay": 0.99, "weight_decay": 0.01},
        {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 1e-3},
        {"optimizer": "adam", "weight_decay": 0.01, "clip_norm": None},
        {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "warmup_steps": 5},
        {"optimizer": "adam", "averaging": 0.9, "clip_norm": 0.05},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_optimisers_are_torch_s(settings: dict[str, Any]) -> None:
    training = SETTINGS.model_copy(update={"steps": 6, **settings})
    assert_follows_the_loop(EASY, training, MODELS["gru"], [1, 2])


def test_a_seed_in_company_equals_the_seed_alone_to_rounding() -> None:
    alone = learner(EASY, SETTINGS, 2)
    company = [learner(EASY, SETTINGS, seed) for seed in (1, 2, 3)]
    (steps,) = together([alone], EASY, SETTINGS, [2])
    beside = together(company, EASY, SETTINGS, [1, 2, 3])[1]
    assert [step.loss for step in beside] == pytest.approx([step.loss for step in steps], abs=1e-5)
    assert_same(company[1], alone)


def test_a_solved_seed_leaves_and_the_others_go_on() -> None:
    settings = Training(
        steps=300, learning_rate=2e-2, decay=0.999, evaluate_every=10, evaluation_sequences=100,
        stop_when={"errors": 0},
    )  # fmt: skip
    seeds = [1, 2, 3]
    learners = [learner(EASY, settings, seed) for seed in seeds]
    steps = together(learners, EASY, settings, seeds)
    assert len({len(column) for column in steps}) > 1
    for one, column, seed in zip(learners, steps, seeds, strict=True):
        assert one.step == column[-1].step == len(column) < 300
        assert column[-1].validation is not None
        assert column[-1].validation.solved
        assert one.counters["solved_at"] == column[-1].sequences
        judged = evaluate(one.model, EASY, EASY.evaluation("validation", 100, seed))
        assert judged == column[-1].validation.metrics  # nobody has moved its weights since


def test_a_learner_is_where_its_step_says_and_its_tensors_are_views_of_the_stacks() -> None:
    settings = SETTINGS.model_copy(update={"averaging": 0.9, "momentum": 0.5, "optimizer": "sgd"})
    learners = [learner(EASY, settings, seed) for seed in (1, 2)]
    training = fit_batched(learners, EASY, settings, [1, 2])
    for row in training:
        for one, step in zip(learners, row, strict=True):
            assert step is not None
            assert one.step == step.step
        if learners[0].step == 8:
            break
    half = settings.model_copy(update={"steps": 8})
    whole = [learner(EASY, settings, seed) for seed in (1, 2)]
    for one, other, seed in zip(learners, whole, (1, 2), strict=True):
        list(fit(other, EASY, half, seed))
        for part in ("model", "optimizer", "averaged"):
            assert_same(one.state_dict()[part], other.state_dict()[part])
    with torch.no_grad():
        before = learners[1].model.readout.weight.clone()
        learners[1].model.readout.weight.add_(1)
    training.close()
    assert torch.equal(learners[1].model.readout.weight, before + 1)
    shared = {weight.untyped_storage().data_ptr() for weight in learners[0].model.parameters()}
    assert shared.isdisjoint(weight.untyped_storage().data_ptr() for weight in learners[1].model.parameters())
    list(fit(learners[0], EASY, settings, 1))  # which leaves the other as it is
    assert torch.equal(learners[1].model.readout.weight, before + 1)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize(("first", "second"), [("loop", "batched"), ("batched", "loop"), ("batched",) * 2])
def test_a_run_begun_with_one_engine_is_resumed_with_either(
    tmp_path: Path, optimizer: str, first: str, second: str
) -> None:
    task = Echo(delay=2, chunk=5, length=30)  # the state is carried, too
    settings = SETTINGS.model_copy(
        update={"optimizer": optimizer, "momentum": 0.5, "averaging": 0.9, "learning_rate": 3e-3,
                "evaluate_every": 5, "steps": 10}
    )  # fmt: skip
    half = settings.model_copy(update={"steps": 5})

    def go_on(learners: Sequence[Learner], engine: str, training: Training) -> list[list[Step]]:
        if engine == "loop":
            return [list(fit(one, task, training, seed)) for seed, one in enumerate(learners)]
        return together(learners, task, training, range(len(learners)))

    def fresh() -> list[Learner]:
        return [learner(task, settings, seed) for seed in (0, 1)]

    whole, begun, resumed = fresh(), fresh(), fresh()[::-1]
    wanted = go_on(whole, "loop", settings)
    go_on(begun, first, half)
    for one, other in zip(begun, resumed, strict=True):
        save_checkpoint(tmp_path / "last.pt", one)
        load_checkpoint(tmp_path / "last.pt", other)
    for one, other, steps, others in zip(
        resumed, whole, go_on(resumed, second, settings), wanted, strict=True
    ):
        assert [step.loss for step in steps] == pytest.approx([step.loss for step in others[5:]], abs=1e-5)
        assert_same(one, other)


def test_learners_at_different_steps_go_on_together() -> None:
    settings = SETTINGS.model_copy(update={"steps": 8})
    learners = [learner(EASY, settings, seed) for seed in (1, 2, 3, 4)]
    for one, seed, steps in zip(learners, (1, 2, 3, 4), (3, 0, 3, 8), strict=True):
        list(fit(one, EASY, settings.model_copy(update={"steps": steps}), seed))
    columns = together(learners, EASY, settings, [1, 2, 3, 4])
    assert [len(column) for column in columns] == [5, 8, 5, 0]
    for one, seed in zip(learners[:3], (1, 2, 3), strict=True):
        other = learner(EASY, settings, seed)
        list(fit(other, EASY, settings, seed))
        assert_same(one.model.state_dict(), other.model.state_dict())


def test_a_checkpoint_in_the_middle_holds_its_own_learner_only(tmp_path: Path) -> None:
    seeds = range(30)
    learners = [learner(EASY, SETTINGS, seed) for seed in seeds]
    next(fit_batched(learners, EASY, SETTINGS, seeds))
    save_checkpoint(tmp_path / "last.pt", learners[0])
    numbers = 3 * sum(parameter.numel() for parameter in learners[0].model.parameters())
    assert (tmp_path / "last.pt").stat().st_size < 4 * numbers + 20_000


@pytest.mark.parametrize("at", [0, 3])
def test_what_is_not_finite_ends_that_seed_with_its_weights_as_they_were(at: int) -> None:
    seeds = [1, 2, 3]
    learners = [learner(EASY, SETTINGS, seed) for seed in seeds]
    failures: list[tuple[int, SeqlabError]] = []
    training = fit_batched(learners, EASY, SETTINGS, seeds, on_failure=lambda *what: failures.append(what))
    columns: list[list[Step | None]] = [list(next(training)) for _ in range(at)]
    with torch.no_grad():
        learners[1].model.readout.bias.fill_(math.nan)
    before = {name: value.clone() for name, value in learners[1].model.state_dict().items()}
    columns += [list(row) for row in training]
    assert [(place, type(error)) for place, error in failures] == [(1, NonFiniteLossError)]
    assert [sum(step is not None for step in column) for column in zip(*columns, strict=True)] == [20, at, 20]
    assert learners[1].step == at
    for name, value in before.items():
        assert torch.equal(learners[1].model.state_dict()[name].nan_to_num(), value.nan_to_num())
    other = learner(EASY, SETTINGS, 3)
    list(fit(other, EASY, SETTINGS, 3))
    assert_same(learners[2], other)
    if at:
        with pytest.raises(NonFiniteLossError, match="At step 4 the loss is nan"):
            together(learners[1:2], EASY, SETTINGS, [2])


def test_why_not_says_what_the_engine_lacks(own: str) -> None:
    def reason(name: str, task: Task = EASY, precision: Any = "auto", **options: Any) -> str | None:
        experiment = TrainExperiment(
            experiment="x",
            task=Component(name="temporal-order"),
            model=Component(name=name, **options),
            compute=Compute(precision=precision),
        )
        return why_not_batched(experiment, task)

    for name in ("rnn", "irnn", "lstm", "gru", "mingru", "minlstm"):
        assert reason(name, hidden_size=4, layers=2, dropout=0.1) is None
        assert reason(name, Sines(), hidden_size=4) is None
    assert reason("gru", weight_dropout=0.1) is None
    assert "one direction" in (reason("gru", bidirectional=True) or "")
    assert "float32" in (reason("gru", precision="bf16") or "")
    assert "recurrent cells only" in (reason("ngram") or "")
    assert reason(f"{own}:Own", weight_dropout=0.1) is None
    assert "several seeds at once" in (reason(f"{own}:Deciding") or "")
    assert "buffers" in (reason(f"{own}:Buffered") or "")


def test_weights_on_another_device_are_where_the_stacks_are() -> None:
    """All that is made in a step is brought to the weights' device: a step on ``meta`` meets no other."""
    model = Recurrent(registry.load("model", "gru"), EASY.spec, hidden_size=3, layers=2, dropout=0.5)
    batches = [EASY.batch("train", 0, 4, seed) for seed in (1, 2)]
    inputs, held = pile_inputs(batches, EASY.spec)
    weights = {
        name: torch.empty(2, *weight.shape, device="meta") for name, weight in model.named_parameters()
    }
    kept = tuple(torch.ones(2, 4, 1, 3, device="meta") for _ in range(2))
    outputs, states = read_all(model, weights, inputs.to("meta"), held.to("meta"), kept, (), ())
    assert outputs.shape == (2, 4, 9, 4)
    assert [tuple(part.shape) for parts in states for part in parts] == [(2, 4, 3)] * 2
    losses = losses_of(outputs, batches, EASY)
    assert (losses.shape, losses.device.type) == ((2,), "meta")

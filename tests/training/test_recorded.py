"""Updates that are recorded and repeated: the same as those of the training loop, on a recorder without a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from seqlab.contracts import PAD, Batch, Spec, State
from seqlab.errors import NonFiniteLossError
from seqlab.models import Cell, Input, Known, Recurrent, SequenceModel, build_model
from seqlab.models.recurrent.rnn import RNN
from seqlab.settings import Component, Training
from seqlab.tasks import Task, build_task
from seqlab.training import Learner, fit, new_learner, recorded
from seqlab.training.loop import loss_of
from seqlab.training.preparing import prepared
from seqlab.training.recorded import Play

ASKING = ("item", "tolist", "__bool__", "__int__", "__float__", "__index__", "nonzero", "cpu", "numpy")


class Repeating:
    """A recorder on the processor: it repeats by doing the same again, on the same buffers."""

    def __init__(self) -> None:
        self.noise = torch.Generator()
        self.recorded = self.repeated = 0

    def at_work(self) -> Any:
        return nullcontext()

    @contextmanager
    def asking_nothing(self) -> Iterator[None]:
        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError("called a synchronizing CUDA operation")

        with patch.multiple(Tensor, **dict.fromkeys(ASKING, refuse)):
            yield

    def record(self, act: Callable[[], None]) -> Play:
        self.recorded += 1
        self.prepare()

        def play() -> None:
            self.repeated += 1
            self.stand_still()
            act()

        with torch.no_grad():
            pass
        return play

    def prepare(self) -> None:
        """Note what stands still."""

    def stand_still(self) -> None:
        """Put it back."""


def of(name: str, task: Task, **options: Any) -> SequenceModel:
    return build_model(Component(name=name, **options), task.spec, 1)


def losses(steps: Any) -> list[tuple[float, float]]:
    return [(step.loss, step.grad_norm) for step in steps]


def close(one: list[Any], other: list[Any]) -> None:
    """Learning rates are float64 in the one and float32 in the other."""
    torch.testing.assert_close(torch.tensor(one), torch.tensor(other), rtol=1e-3, atol=1e-5)


def both(
    model: Callable[[], SequenceModel], task: Task, settings: Training
) -> tuple[list[Any], list[Any], Learner, Learner, Repeating, list[str]]:
    plain, learner, recorder = new_learner(model(), settings), new_learner(model(), settings), Repeating()
    told: list[str] = []
    one = losses(fit(plain, task, settings, 1))
    other = losses(recorded.fit(learner, task, settings, 1, None, recorder, tell=told.append))
    return one, other, plain, learner, recorder, told


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_language_model_learns_the_same(optimizer: str) -> None:
    """With dropout of all kinds, a state that is carried on, an epoch that ends, averages, validations."""
    task = build_task(Component(name="char-lm", corpus="miniature", period=50))
    settings = Training(
        steps=300, batch_size=8, optimizer=optimizer, momentum=0.5 if optimizer == "sgd" else 0, averaging=0.9,
        schedule="cosine", warmup_steps=5, evaluate_every=100, clip_norm=1.0, learning_rate=0.01,
    )  # fmt: skip
    assert task.steps_of_a_pass(8) < 250, "no epoch ends"

    def model() -> SequenceModel:
        return of("lstm", task, hidden_size=8, layers=2, dropout=0.2, embedding_size=8,
                  residual=True, embedding_dropout=0.1)  # fmt: skip

    one, other, plain, learner, recorder, told = both(model, task, settings)
    close(one, other)
    assert recorder.recorded == 2, "batches that go on, and the first of an epoch"
    assert recorder.repeated >= 280
    assert not told
    for mine, yours in zip(
        [*plain.model.parameters(), *(plain.averaged or ())],
        [*learner.model.parameters(), *(learner.averaged or ())],
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("model", ["lstm", "mut1", "transformer", "mingru"])
def test_around_padding_the_same_is_learned(model: str) -> None:
    task = build_task(Component(name="temporal-order", difficulty="easy"))
    settings = Training(steps=40, batch_size=8, learning_rate=0.001, evaluate_every=20)
    batch = task.batch("train", 0, 8, 1)
    assert int(batch.inputs.min()) == PAD, "there is no padding"
    one, other, *_, recorder, told = both(lambda: of(model, task, hidden_size=8), task, settings)
    close(one, other)
    assert not told
    assert recorder.repeated >= 20


@pytest.mark.parametrize("name", ["dates"])
def test_a_source_with_padding_that_is_read_in_both_directions(name: str) -> None:
    task = build_task(Component(name=name))
    settings = Training(steps=12, batch_size=4, learning_rate=0.001, evaluate_every=12)
    assert any(int(part.min()) == PAD for part in task.batch("train", 0, 4, 1).context.values())
    one, other, *_, told = both(lambda: of("encoder-decoder", task, hidden_size=8), task, settings)
    close(one, other)
    assert not told


class Asking(Cell):
    """A cell that asks the host."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)

    def step(self, x: Tensor, state: tuple[Tensor, ...], *_: Any, **__: Any) -> tuple[Tensor, ...]:
        h = torch.tanh(self.input(x) + state[0])
        return (h if bool(h.sum() > -1e9) else -h,)


class Counting(Cell):
    """A cell that remembers in Python how often it was read."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input, self.read = Input(input_size, hidden_size), 0

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        self.read += self.training
        return super().forward(x, state)

    def step(self, x: Tensor, state: tuple[Tensor, ...], *_: Any, **__: Any) -> tuple[Tensor, ...]:
        return (torch.tanh(self.input(x) + state[0] / (1 + 0.1 * self.read)),)


def network(cell: type[Cell], task: Task) -> Recurrent:
    model = Recurrent(cell, task.spec, hidden_size=4)
    model.initialise(torch.Generator().manual_seed(1))
    return model


def test_what_asks_the_host_is_not_recorded_and_that_is_said_once() -> None:
    task = build_task(Component(name="echo"))
    settings = Training(steps=20, batch_size=4, evaluate_every=20)
    one, other, *_, recorder, told = both(lambda: network(Asking, task), task, settings)
    close(one, other)
    assert recorder.recorded == 0
    assert len(told) == 1
    assert "synchronizing" in told[0]


class Keeping(Counting):
    """A cell that keeps a tensor of its own from update to update."""

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        h, state = super().forward(x, state)
        self.read = 0.5 * self.read + h.detach().mean()
        return h, state


@pytest.mark.parametrize("cell", [Counting, Keeping])
def test_what_stands_in_attributes_from_update_to_update_is_not_recorded(cell: type[Cell]) -> None:
    task = build_task(Component(name="adding", length=20))
    settings = Training(steps=8, batch_size=4, evaluate_every=8)
    one, other, *_, recorder, told = both(lambda: network(cell, task), task, settings)
    close(one, other)
    assert recorder.recorded == 0
    assert f"`read` of cells.0 ({cell.__name__})" in told[0]


def test_what_is_remembered_elsewhere_is_found_out_and_nothing_is_lost() -> None:
    task = build_task(Component(name="adding", length=20))
    settings = Training(steps=20, batch_size=4, evaluate_every=20)
    count = [0]

    class Elsewhere(Counting):
        def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
            count[0] += self.training
            return Cell.forward(self, x, state)

        def step(self, x: Tensor, state: tuple[Tensor, ...], *_: Any, **__: Any) -> tuple[Tensor, ...]:
            return (torch.tanh(self.input(x) + state[0] / (1 + 0.1 * count[0])),)

    class StandingStill(Repeating):
        def prepare(self) -> None:
            self.count = count[0]

        def stand_still(self) -> None:
            count[0] = self.count

    model = network(Elsewhere, task)

    told: list[str] = []
    learner, recorder = new_learner(model, settings), StandingStill()
    found = losses(recorded.fit(learner, task, settings, 1, None, recorder, tell=told.append))
    assert recorder.repeated == 2
    assert "remembered in Python" in told[0]
    assert len(found) == 20


def test_what_differs_between_early_and_late_updates_is_not_recorded() -> None:
    task = build_task(Component(name="digit-captions"))
    settings = Training(steps=6, batch_size=4, evaluate_every=6)
    one, other, *_, recorder, told = both(
        lambda: of("captioner", task, attention="hard", hidden_size=8), task, settings
    )
    close(one, other)
    assert recorder.recorded == 0
    assert "how many updates" in told[0]


def test_a_loss_that_is_not_finite_ends_training_where_it_was() -> None:
    task = build_task(Component(name="adding", length=20))
    settings = Training(
        steps=64, batch_size=4, learning_rate=100.0, optimizer="sgd", evaluate_every=64, clip_norm=None
    )
    said = []
    for way in (
        lambda learner: fit(learner, task, settings, 1),
        lambda learner: recorded.fit(learner, task, settings, 1, None, Repeating()),
    ):
        learner = new_learner(of("irnn", task, hidden_size=4), settings)
        steps = []
        with pytest.raises(NonFiniteLossError) as error:
            steps.extend((step.step, step.loss) for step in way(learner))
        said.append((steps, error.value.message))
    assert said[0] == said[1]


def test_it_pauses_where_it_is_asked_to_and_goes_on_to_the_bit() -> None:
    task = build_task(Component(name="char-lm", corpus="miniature", period=16))
    settings = Training(steps=40, batch_size=4, evaluate_every=40, averaging=0.9)
    whole = new_learner(of("gru", task, hidden_size=8, dropout=0.3), settings)
    expected = losses(recorded.fit(whole, task, settings, 1, None, Repeating()))
    learner, found = new_learner(of("gru", task, hidden_size=8, dropout=0.3), settings), []
    for step in recorded.fit(learner, task, settings, 1, None, Repeating(), pause_at=(17,)):
        found.append((step.loss, step.grad_norm))
        if step.step == 17:
            assert learner.step == 17
            break
    again = new_learner(of("gru", task, hidden_size=8, dropout=0.3), settings)
    again.load_state_dict(learner.state_dict())
    found += losses(recorded.fit(again, task, settings, 1, None, Repeating()))
    assert found == expected


def test_a_batch_is_made_longer_in_front_and_nothing_else() -> None:
    inputs = torch.tensor([[-1, 3, 4], [5, 6, 7]])
    mask = torch.tensor([[False, False, True], [False, True, True]])
    wide, known = prepared(Batch(inputs, torch.arange(6).view(2, 3), mask))
    assert (wide.inputs.shape, known) == ((2, 8), Known(8, begin=True))
    assert torch.equal(wide.inputs[:, 5:], inputs)
    assert (wide.inputs[:, :5] == PAD).all()
    outputs = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(1))
    chosen, targets = wide.select(outputs)
    assert targets.tolist() == [2, 4, 5]
    assert torch.equal(chosen, torch.stack([outputs[0, 7], outputs[1, 6], outputs[1, 7]]))
    features = Batch(torch.zeros(2, 3, 1), torch.zeros(2, 3))
    assert prepared(features) == (features, Known(0, begin=True))


class Norming(Recurrent):
    """A network with running means, of what it reads."""

    def __init__(self, cell: type[Cell], spec: Spec, **options: Any) -> None:
        super().__init__(cell, spec, **options)
        self.norm = torch.nn.BatchNorm1d(spec.input_size)

    def embed(self, inputs: Tensor) -> Tensor:
        return self.norm(inputs.transpose(1, 2)).transpose(1, 2)


class NormingAsking(Norming):
    def embed(self, inputs: Tensor) -> Tensor:
        x = super().embed(inputs)
        return x if bool(x.sum() > -1e9) else -x


@pytest.mark.parametrize("kind", [Norming, NormingAsking])
def test_running_means_move_once_an_update(kind: type[Norming]) -> None:
    task = build_task(Component(name="adding", length=20))
    settings = Training(steps=8, batch_size=4, evaluate_every=8)

    def model() -> Recurrent:
        made = kind(RNN, task.spec, hidden_size=4)
        made.initialise(torch.Generator().manual_seed(1))
        return made

    one, other, plain, learner, *_ = both(model, task, settings)
    close(one, other)
    for mine, yours in zip(plain.model.buffers(), learner.model.buffers(), strict=True):
        torch.testing.assert_close(mine, yours)


class DrawingOnTheProcessor(Recurrent):
    """A network that draws on the processor, which the generator of a GPU refuses."""

    def embed(self, inputs: Tensor) -> Tensor:
        if isinstance(self.noise, ThereOnly):
            raise RuntimeError("Expected a 'cpu' device type for generator but found 'cuda'")
        x = super().embed(inputs)
        return x * torch.rand(x.shape, generator=self.noise) if self.training else x


class ThereOnly(torch.Generator):
    """A generator as that of a GPU."""


def test_a_model_that_draws_on_the_processor_is_trained_and_draws_the_same() -> None:
    task = build_task(Component(name="adding", length=20))
    settings = Training(steps=8, batch_size=4, evaluate_every=8)

    def made() -> Learner:
        model = DrawingOnTheProcessor(RNN, task.spec, hidden_size=4)
        model.initialise(torch.Generator().manual_seed(1))
        return new_learner(model, settings)

    recorder, told = Repeating(), list[str]()
    recorder.noise = ThereOnly()
    one = losses(fit(made(), task, settings, 1))
    other = losses(recorded.fit(made(), task, settings, 1, None, recorder, tell=told.append))
    close(one, other)
    assert recorder.recorded == 0
    assert "generator" in told[0]
    assert len(told) == 1


class There(TorchFunctionMode):
    """Refuses as a GPU does what draws from its generator on the processor."""

    def __init__(self, noise: torch.Generator) -> None:
        super().__init__()
        self.noise, self.drawn = noise, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("generator") is self.noise:
            self.drawn += 1
            there = "device" in kwargs or func not in (torch.rand, torch.randn, torch.randint)
            assert there, f"{func.__name__} draws on the processor"
        assert func is not Tensor.cpu, "what is drawn from is fetched"
        return func(*args, **kwargs)


@pytest.mark.parametrize(
    ("model", "options", "task"),
    [
        ("glimpse-network", {"looking": "random"}, "digit-glimpses"),
        ("glimpse-network", {}, "digit-glimpses"),
        ("draw", {}, "digit-drawing"),
        ("captioner", {"attention": "hard", "soft_updates": 0}, "digit-captions"),
        ("memory-network", {}, "stories"),
        ("skip-gram", {}, "near-words"),
    ],
)
def test_noise_is_drawn_where_its_generator_is(model: str, options: dict[str, Any], task: str) -> None:
    built = build_task(Component(name=task))
    network = of(model, built, **options)
    network.train()
    with There(network.noise) as there:
        loss_of(network, built, built.batch("train", 0, 2, 1))
    assert there.drawn


def test_notes_on_the_steps_keep_their_places() -> None:
    inputs, mask = torch.tensor([[-1, 3, 4]]), torch.tensor([[False, True, True]])
    of_steps = Batch(inputs, torch.arange(3)[None], mask, notes={"weight": torch.ones(1, 3)})
    assert prepared(of_steps)[0].inputs.shape == (1, 3)


def test_a_state_that_passes_on_what_it_was_is_not_overwritten() -> None:
    """With one step a batch, the last but one is what was read before."""
    task = build_task(Component(name="char-lm", corpus="miniature", period=1))
    settings = Training(steps=10, batch_size=4, evaluate_every=10)

    class Delayed(SequenceModel):
        def __init__(self) -> None:
            super().__init__(task.spec)
            size = task.spec.input_size
            self.weight = torch.nn.Parameter(torch.linspace(-1, 1, size * size).view(size, size))

        def initialise(self, generator: torch.Generator) -> None: ...

        def start(self, context: Any, rows: int) -> State:
            return (tuple(torch.zeros(rows, task.spec.input_size) for _ in range(2)),)

        def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
            ((last, before),), told = state or self.start({}, len(inputs)), []
            for x in inputs.unbind(1):
                told.append((F.one_hot(x, len(self.weight)) + 0.5 * last + before) @ self.weight)
                last, before = F.one_hot(x, len(self.weight)).float(), last
            return torch.stack(told, 1), ((last, before),)

    one, other, *_, recorder, told = both(Delayed, task, settings)
    close(one, other)
    assert recorder.repeated
    assert not told


def test_a_checkpoint_of_a_gpu_keeps_the_options_of_the_device_here() -> None:
    """There updates are recorded, for which the optimiser is told to be capturable; here it refuses that."""
    task = build_task(Component(name="adding", length=20))
    settings = Training(steps=4, batch_size=4, evaluate_every=4, optimizer="rmsprop")
    there, here = (new_learner(of("rnn", task, hidden_size=4), settings) for _ in range(2))
    list(fit(there, task, settings.model_copy(update={"steps": 2}), 1))
    saved = there.state_dict()
    saved["optimizer"]["param_groups"][0]["capturable"] = True
    here.load_state_dict(saved)
    assert [step.step for step in fit(here, task, settings, 1)] == [3, 4]


def test_a_checkpoint_with_other_groups_of_weights_is_refused() -> None:
    task = build_task(Component(name="adding", length=20))
    of_all, of_matrices = (Training(weight_decay=0.1, weight_decay_of=of) for of in ("all", "matrices"))
    saved = new_learner(of("rnn", task, hidden_size=4), of_all).state_dict()
    with pytest.raises(ValueError, match="zip"):
        new_learner(of("rnn", task, hidden_size=4), of_matrices).load_state_dict(saved)

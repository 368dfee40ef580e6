"""Models whose updates cannot be repeated, or only with care: none learns anything else for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from repeating import Repeating, both, close, losses, of
from torch import Tensor
from torch.overrides import TorchFunctionMode

from seqlab.contracts import Spec, State
from seqlab.models import Cell, Input, Recurrent, SequenceModel
from seqlab.models.recurrent.rnn import RNN
from seqlab.settings import Component, Training
from seqlab.tasks import Task, build_task
from seqlab.training import Learner, fit, new_learner, recorded
from seqlab.training.loop import loss_of


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


class Hesitant(Recurrent):
    """A network that learns otherwise at first, without saying how long."""

    def embed(self, inputs: Tensor) -> Tensor:
        x = super().embed(inputs)
        return x if self.updates < 3 else x / 2


@pytest.mark.parametrize("early", [None, 3])
def test_what_differs_between_early_and_late_updates_is_recorded_where_that_is_said(
    early: int | None,
) -> None:
    task = build_task(Component(name="adding", length=22))
    settings = Training(steps=30, batch_size=4, evaluate_every=30)

    def made() -> SequenceModel:
        model = Hesitant(RNN, task.spec, hidden_size=4)
        model.initialise(torch.Generator().manual_seed(1))
        model.early = early
        return model

    one, other, *_, recorder, told = both(made, task, settings)
    close(one, other)
    assert bool(recorder.repeated) == (early is not None)
    assert ["how many updates" in line for line in told] == [True] * (early is None)


@pytest.mark.parametrize(
    ("model", "options", "task"),
    [
        ("draw", {"rising": 2, "hidden_size": 4}, "digit-drawing"),
        ("captioner", {"attention": "hard", "soft_updates": 2, "hidden_size": 4}, "digit-captions"),
        ("memory-network", {"linear_start": 2, "empty": 0.3}, "stories"),
    ],
)
def test_models_that_learn_otherwise_at_first_say_how_long(
    model: str, options: dict[str, Any], task: str
) -> None:
    built = build_task(Component(name=task))
    network = of(model, built, **options)
    assert network.early == 2
    network.updates = 2
    network.train()
    with network.steady():
        loss_of(network, built, built.batch("train", 0, 2, 1))


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

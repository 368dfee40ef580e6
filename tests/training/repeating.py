"""A recorder without a GPU, and a run with it beside one of the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component, Training
from seqlab.tasks import Task
from seqlab.training import Learner, fit, new_learner, recorded
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

"""Optimisers, learning-rate schedules and clipping, as functions of the settings."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from seqlab.settings import Training


def build_optimizer(parameters: Iterable[nn.Parameter], settings: Training) -> torch.optim.Optimizer:
    """Build the optimiser that the settings name."""
    weights = _groups(list(parameters), settings)
    rate, momentum, betas = settings.learning_rate, settings.momentum, (0.9, settings.decay)
    match settings.optimizer:
        case "sgd":
            return torch.optim.SGD(weights, rate, momentum, fused=True)
        case "rmsprop":
            there = any(weight.is_cuda for group in weights for weight in group["params"])
            return torch.optim.RMSprop(weights, rate, settings.decay, momentum=momentum, capturable=there)
        case "adam":
            return torch.optim.Adam(weights, rate, betas, fused=True)
        case "adamw":
            return torch.optim.AdamW(weights, rate, betas, fused=True)


def weight_decay_of(parameter: nn.Parameter, settings: Training) -> float:
    """Return the weight decay of a parameter: biases and gains have none, unless all weights have.

    A bias or gain that is pulled to 0 moves the sums of a whole unit, and generalises none the better for it.

    >>> settings = Training(weight_decay=0.1)
    >>> [weight_decay_of(nn.Parameter(torch.zeros(shape)), settings) for shape in ((2, 3), (3,))]
    [0.1, 0.0]
    """
    decays = settings.weight_decay_of == "all" or parameter.dim() >= 2
    return settings.weight_decay if decays else 0.0


def _groups(parameters: list[nn.Parameter], settings: Training) -> list[dict[str, Any]]:
    """Return the parameters by their weight decay: in one group where all have the same."""
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(weight_decay_of(parameter, settings), []).append(parameter)
    return [{"params": group, "weight_decay": decay} for decay, group in groups.items()]


def _spare_the_compiler() -> None:
    """Keep the bookkeeping of torch's optimisers from importing torch's compiler, which takes 1.5 s.

    It is imported to keep these methods out of what is compiled; nothing is compiled here. Where torch is
    made differently, it is imported as ever.
    """
    for name in ("add_param_group", "state_dict", "load_state_dict", "zero_grad"):
        method = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, "__dynamo_disable"):
            method.__dynamo_disable = method


_spare_the_compiler()


@torch.no_grad()
def update(optimizer: torch.optim.Optimizer) -> None:
    """Make an optimiser's step: what its own ``step`` does, without importing torch's compiler before."""
    inspect.unwrap(type(optimizer).step)(optimizer)


def learning_rate(settings: Training, step: int) -> float:
    """Return the learning rate of update number ``step``, counted from 0.

    It rises linearly over ``warmup_steps``, then stays (constant) or falls to ``final_learning_rate`` times
    its height at the last step, along a line or half a cosine.

    >>> settings = Training(steps=101, learning_rate=1.0, schedule="cosine")
    >>> [round(learning_rate(settings, step), 2) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    span = settings.steps - 1 - settings.warmup_steps
    done = min(1.0, (step - settings.warmup_steps) / span) if span > 0 else 0.0
    match settings.schedule:
        case "constant":
            height = 1.0
        case "linear":
            height = 1 - done
        case "cosine":
            height = (1 + math.cos(math.pi * done)) / 2
    floor = settings.final_learning_rate if settings.schedule != "constant" else 0.0
    return settings.learning_rate * (floor + (1 - floor) * height)


def averaging_at(decay: float, step: int) -> float:
    """Return what averaged weights keep of themselves in update ``step``, counted from 0: less at first.

    >>> averaging_at(0.99, 0), averaging_at(0.99, 10_000)
    (0.1, 0.99)
    """
    return min(decay, (1 + step) / (10 + step))


def clip_gradient(parameters: Iterable[nn.Parameter], clip_norm: float | None) -> Tensor:
    """Scale the gradient down to the global norm ``clip_norm`` where it is longer; return its norm before.

    The global norm is the Euclidean norm over all parameters together (Pascanu, Mikolov & Bengio 2013).
    """
    return nn.utils.clip_grad_norm_(parameters, math.inf if clip_norm is None else clip_norm)

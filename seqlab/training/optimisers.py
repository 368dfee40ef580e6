"""Optimisers, learning-rate schedules and clipping, as functions of the settings."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from seqlab.settings import Training


def build_optimizer(parameters: Iterable[nn.Parameter], settings: Training) -> torch.optim.Optimizer:
    """Build the optimiser that the settings name."""
    weights = list(parameters)
    rate, shrink = settings.learning_rate, settings.weight_decay
    momentum, betas = settings.momentum, (0.9, settings.decay)
    match settings.optimizer:
        case "sgd":
            return torch.optim.SGD(weights, rate, momentum, weight_decay=shrink, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(weights, rate, settings.decay, weight_decay=shrink, momentum=momentum)
        case "adam":
            return torch.optim.Adam(weights, rate, betas, weight_decay=shrink, fused=True)
        case "adamw":
            return torch.optim.AdamW(weights, rate, betas, weight_decay=shrink, fused=True)


def _spare_the_compiler() -> None:
    """Keep the bookkeeping of torch's optimisers from importing torch's compiler, which takes 1.5 s.

    It is imported to keep these methods out of what is compiled; nothing is compiled here. A step of torch's
    own imports it nonetheless, so this serves the fused engine. Where torch is made differently, it is
    imported as ever.
    """
    for name in ("add_param_group", "state_dict", "load_state_dict", "zero_grad"):
        method = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, "__dynamo_disable"):
            method.__dynamo_disable = method


_spare_the_compiler()


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


def clip_gradient(parameters: Iterable[nn.Parameter], clip_norm: float | None) -> Tensor:
    """Scale the gradient down to the global norm ``clip_norm`` where it is longer; return its norm before.

    The global norm is the Euclidean norm over all parameters together (Pascanu, Mikolov & Bengio 2013).
    """
    return nn.utils.clip_grad_norm_(parameters, math.inf if clip_norm is None else clip_norm)

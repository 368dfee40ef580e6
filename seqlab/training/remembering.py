"""What a model keeps from update to update besides its weights: in buffers, or in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

Held = Mapping[tuple[str, str], tuple[object, ...]]
"""By the kind of module and the name of its attribute what that holds, with what stands in a collection."""


@contextmanager
def buffers_as_they_were(model: nn.Module, *, on_error_only: bool = False) -> Iterator[None]:
    """Put the model's buffers, such as running means, back to what they were before.

    Args:
        model: that computes something meanwhile.
        on_error_only: whether what is done without an error counts.
    """
    before = [buffer.clone() for buffer in model.buffers()]
    done = False
    try:
        yield
        done = on_error_only
    finally:
        if not done:
            with torch.no_grad():
                for buffer, was in zip(model.buffers(), before, strict=True):
                    buffer.copy_(was)


def held_in_python(model: nn.Module) -> Held:
    """Return what stands in the attributes of a model and of its parts.

    A tensor stands for itself, whatever numbers are in it: those that are changed in place, what is repeated
    changes, too.
    """
    return {
        (f"{name or 'model'} ({type(module).__name__})", attribute): _parts(value)
        for name, module in model.named_modules()
        for attribute, value in vars(module).items()
    }


def changed(before: Held, after: Held) -> str | None:
    """Return the name of an attribute that is not what it was; None where all are."""
    for (module, attribute), parts in after.items():
        was = before.get((module, attribute), ())
        if len(was) != len(parts) or not all(map(_same, was, parts)):
            return f"`{attribute}` of {module}"
    return None


def _parts(value: object) -> tuple[object, ...]:
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    return tuple(value) if isinstance(value, list | tuple | set) else (value,)


def _same(one: object, other: object) -> bool:
    plain = isinstance(one, int | float | str) and type(one) is type(other)
    return one is other or (plain and one == other)

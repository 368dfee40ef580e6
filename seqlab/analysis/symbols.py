"""The symbols of a task by name, and sequences as a user writes them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import TextError
from seqlab.tasks import Task


def input_names(task: Task) -> tuple[str, ...]:
    """Return what a task's input symbols are called; empty where its inputs are no symbols."""
    return _names(task, task.symbols, task.spec.input_size) if task.spec.inputs == "tokens" else ()


def answer_names(task: Task) -> tuple[str, ...]:
    """Return what a task's classes are called; empty where its outputs are no classes."""
    return _names(task, task.answers, task.spec.output_size) if task.spec.outputs == "classes" else ()


def read_symbols(task: Task, text: str) -> Tensor:
    """Return a sequence that a user wrote, (1, T).

    A text is read as the task reads it. Elsewhere each sign is a symbol; where names of symbols are
    longer than one sign, they stand between spaces.

    Raises:
        TextError: when the task reads numbers, the text is empty, or a symbol is unknown.
    """
    names = input_names(task)
    if not names:
        raise TextError("This task reads numbers, not symbols.", hint="Take one of its own: --example 0")
    if task.vocabulary is not None and names == task.vocabulary.symbols and text:
        return torch.from_numpy(task.read(text).astype(np.int64))[None]
    single = all(len(name) == 1 for name in names)
    words = list(text) if single else text.split()
    if not words:
        raise TextError("The text is empty.", hint=f"Known symbols: {' '.join(names)}")
    for place, word in enumerate(words):
        if word not in names:
            raise TextError(
                f"{word!r} at position {place} is no symbol of this task.",
                hint=f"Known symbols{'' if single else ', with spaces between'}: "
                f"{' '.join(map(visible, names))}",
            )
    return torch.tensor([[names.index(word) for word in words]])


def _names(task: Task, own: tuple[str, ...], size: int) -> tuple[str, ...]:
    if own:
        return own
    if task.vocabulary is not None and len(task.vocabulary) == size:
        return task.vocabulary.symbols
    return tuple(map(str, range(size)))


def visible(symbol: str) -> str:
    """Return a symbol as it can be seen: spaces and ends of lines as they are written in Python."""
    return symbol if symbol.isprintable() and symbol.strip() else repr(symbol)

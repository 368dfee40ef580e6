"""Batches drawn and packed in one go, where the network's step takes less than Python would.

A task names its module of this package (:attr:`seqlab.tasks.Task.packed_by`), which has a :data:`Draw` called
``draw``: what it yields is, to the bit, what packing the task's own batches gives. Its ``KERNELS``, if
it has some, are compiled for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

from seqlab.contracts import Split
from seqlab.fused.packed import Packed
from seqlab.seeding import Words, words_of
from seqlab.tasks import Task

Draw = Callable[[Any, Split, int, int, int, int, int], Iterator[Packed]]
"""(task, split, index, count, size, seed, lanes) -> batches ``index`` to ``index + count`` of a split.

Each has ``size`` sequences. Those packed together have one shape and, of a stream, continue one another."""

SOURCES = ("contracts.py", "fused/_marking.py", "fused/drawing")
"""Of what is compiled here, as of a :class:`seqlab.compiling.Kernel`."""


def stream_words(seed: int, *path: str) -> Words:
    """Return the words of a random stream's name, with one more for the number of a batch."""
    words, _ = words_of(seed, path)
    return np.array([*words, 0], np.uint32)


def module_of(task: Task) -> str | None:
    """Return the name of the module that draws a task's batches, if there is one.

    It does not draw those of a class that is made of the task's: they may be others.
    """
    name = vars(type(task)).get("packed_by")
    return None if name is None else f"{__name__}.{name}"


def make_ready(task: Task) -> None:
    """Load what is compiled for a task, or compile it; there may be nothing.

    Raises:
        EngineError: when Numba does not work on this machine.
    """
    module = module_of(task)
    for kernel in () if module is None else getattr(import_module(module), "KERNELS", ()):
        kernel.load()


def drawer_of(task: Task) -> Draw | None:
    """Return what draws a task's batches many at once, if there is such a thing."""
    module = module_of(task)
    draw: Draw | None = None if module is None else import_module(module).draw
    return draw

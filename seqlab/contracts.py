"""What tasks and models agree on: the shape of a batch, what a model may know of a task, and random streams.

Tasks and models never import each other; both import this page.

Shapes in names and comments: B batch, T time, I inputs, H hidden units, O outputs.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Split = Literal["train", "validation", "test"]

PAD = -1
"""The token that is no symbol: a model holds its state there. Padding stands in front of a sequence."""


@dataclass(frozen=True)
class Spec:
    """All that a model may know of a task.

    Attributes:
        inputs: ``tokens`` are int64 symbols (B, T), looked up; ``features`` are float vectors (B, T, I).
        input_size: the number of symbols, or of features.
        outputs: ``classes`` are scores (logits) for a softmax; ``values`` are real numbers.
        output_size: the number of classes, or of values.
        causal: the answer at a step may use that step and the past only; such a task takes no
            bidirectional model.
    """

    inputs: Literal["tokens", "features"]
    input_size: int
    outputs: Literal["classes", "values"]
    output_size: int
    causal: bool


@dataclass(frozen=True)
class Batch:
    """Sequences to learn from, or to be tested on.

    Attributes:
        inputs: (B, T) int64 symbols with :data:`PAD` in front, or (B, T, I) float32 features.
        targets: the wanted outputs where ``mask`` counts: int64 classes or float32 values, shaped (B, T) or,
            for a task with one answer a sequence, (B,).
        mask: (B, T) bool, True where the loss counts; with (B,) targets it holds one True in each row.
            None where every step counts.
        continues: whether the state at the end of the previous batch is the state at the start of this one.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor | None = None
    continues: bool = False

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        if self.inputs.device == device:
            return self
        mask = None if self.mask is None else self.mask.to(device)
        return replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device), mask=mask)

    def select(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs that count, (N, O), and their targets, (N,)."""
        if self.mask is None:
            return outputs.flatten(0, 1), self.targets.flatten()
        targets = self.targets if self.targets.dim() == 1 else self.targets[self.mask]
        return outputs[self.mask], targets


def numpy_stream(seed: int, *path: str | int) -> np.random.Generator:
    """Return the random stream of that name: the same on every machine, independent of every other.

    >>> bool(numpy_stream(1, "train", 0).random() == numpy_stream(1, "train", 0).random())
    True
    >>> bool(numpy_stream(1, "train", 0).random() == numpy_stream(1, "test", 0).random())
    False
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *map(_word, path)])))


def torch_stream(seed: int, *path: str | int) -> torch.Generator:
    """Return the torch generator of that name (initial weights, dropout)."""
    words = np.random.SeedSequence([seed, *map(_word, path)]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))


def _word(part: str | int) -> int:
    return part if isinstance(part, int) else zlib.crc32(part.encode())

"""Timing: measure how far spikes lie apart, set them as far apart as is asked, draw a wave without an end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, MSE, SEQUENCE_ACCURACY, SEQUENCES

Form = Literal["msd", "gts", "pfg"]
Wave = Literal["cosine", "triangle", "rectangle"]

LARGEST_ERROR = {"msd": 0.49, "gts": 0.49, "pfg": 0.3}
"""An answer is right where it is nearer to its target than this."""


class Timing(Task):
    """Three tasks in which what counts is when something happens.

    Spikes come one after another; number n follows the one before after F + I(n) steps, where I(n) is drawn
    from 0 to ``most``.

    - ``msd``, to measure spike delays: the input is 1 at a spike and 0 elsewhere; at each spike I(n) is asked
      for.
    - ``gts``, to generate timed spikes: input and target change places. The input is I(n) from the step after
      spike n - 1 up to spike n, the target 1 at a spike and 0 elsewhere.
    - ``pfg``, to generate a periodic function: the input is 0, the target a wave of period F,
      (1 - cos(2 pi t / F)) / 2, or a triangle or rectangle between 0 and 1 (which is 1 in the second half).

    A sequence has ``spikes`` spikes, or as many periods. It is right where every answer is nearer to its
    target than 0.49, or 0.3 in ``pfg``. The rows of a batch share one length: of ``msd`` and ``gts``, that of
    the shortest, so that the others may lack their last spikes.

    Args:
        difficulty: the form.
        interval: F, in steps.
        most: the greatest I(n).
        spikes: of a sequence.
        wave: of ``pfg``; the other forms have none.

    Source:
        Gers, Schraudolph & Schmidhuber, "Learning precise timing with LSTM recurrent networks", JMLR 3, 2002,
        in which the cell needs peepholes for ``gts`` and ``pfg``; an LSTM whose output and gates see the cell
        state through h alone can read it only where the output gate is open.

    >>> batch = Timing(difficulty="gts", interval=3, spikes=3).batch("train", 0, size=1, seed=3)
    >>> batch.inputs.flatten().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    >>> batch.targets.flatten().tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    """

    metrics = (SEQUENCE_ACCURACY, ACCURACY, ERRORS, SEQUENCES, MSE, LOSS)

    def __init__(
        self,
        *,
        difficulty: Form = "msd",
        interval: Annotated[int, Field(ge=2, le=10_000)] = 10,
        most: Annotated[int, Field(ge=1, le=1_000)] = 1,
        spikes: Annotated[int, Field(ge=2, le=100_000)] = 10,
        wave: Wave = "cosine",
    ) -> None:
        if difficulty != "pfg" and spikes * interval < interval + most:
            raise SettingsError(
                f"task.spikes is {spikes}, but sequences end with the batch's shortest and might keep none.",
                hint=f"Take task.spikes={1 - (-most // interval)}, or more.",
            )
        self.difficulty, self.interval, self.most, self.spikes, self.wave = (
            difficulty, interval, most, spikes, wave,
        )  # fmt: skip
        self.spec = Spec("features", 1, "values", 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs (B, T, 1), targets (B, T)."""
        if self.difficulty == "pfg":
            targets = np.tile(periods(self.wave, self.interval, self.spikes), (size, 1))
            return Batch(torch.zeros(*targets.shape, 1), torch.from_numpy(targets))
        stream = numpy_stream(seed, "timing", split, index)
        spikes, delays = self._spikes(stream.integers(0, self.most, (size, self.spikes), endpoint=True))
        if self.difficulty == "gts":
            return Batch(torch.from_numpy(delays[..., None]), torch.from_numpy(spikes))
        return Batch(
            torch.from_numpy(spikes[..., None]), torch.from_numpy(delays), torch.from_numpy(spikes > 0)
        )

    def _spikes(self, delays: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return spikes, and what I(n) is at each step up to spike n: (B, T) both."""
        apart = self.interval + delays  # the first spike is F + I(1) steps after the start
        ends = apart.ravel().cumsum()  # of sequences one behind the other
        spikes = np.zeros(ends[-1], np.float32)
        spikes[ends - 1] = 1
        held = np.repeat(delays.ravel().astype(np.float32), apart.ravel())
        lengths = apart.sum(1)
        steps = ends[self.spikes - 1 :: self.spikes, None] - lengths[:, None] + np.arange(lengths.min())
        return spikes[steps], held[steps]

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the held-out sequences; a wave is the same each time, and one will do."""
        yield from super().evaluation(split, 1 if self.difficulty == "pfg" else sequences, seed)

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say which answers (N, 1) are nearer to their target (N,) than what is allowed."""
        return (selected.squeeze(-1) - targets).abs() < LARGEST_ERROR[self.difficulty]


def periods(wave: Wave, interval: int, count: int) -> NDArray[np.float32]:
    """Return ``count`` periods of a wave between 0 and 1, ``interval`` steps each.

    >>> periods("triangle", 4, 1).tolist(), periods("rectangle", 4, 1).tolist()
    ([0.0, 0.5, 1.0, 0.5], [0.0, 0.0, 1.0, 1.0])
    """
    phase = np.arange(interval * count) % interval / interval
    match wave:
        case "cosine":
            values = (1 - np.cos(2 * math.pi * phase)) / 2
        case "triangle":
            values = 1 - np.abs(2 * phase - 1)
        case _:
            values = (phase >= 0.5).astype(np.float64)
    return values.astype(np.float32)


def delays_of(spikes: Sequence[float], interval: int) -> list[int]:
    """Return I(n) of each spike of a sequence, by counting steps.

    >>> delays_of([0, 0, 0, 1, 0, 0, 1], interval=3)
    [1, 0]
    """
    found, since = [], 0
    for spike in spikes:
        since += 1
        if spike:
            found.append(since - interval)
            since = 0
    return found

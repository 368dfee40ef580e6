"""Batches made ready to be sent: with fewer forms among them, and what is to be known of them found out."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from seqlab.contracts import PAD, Batch
from seqlab.models import Known

WIDTH = 8
"""Sequences with padding become as long as a multiple of this, so that there are fewer forms."""


def prepared(batch: Batch) -> tuple[Batch, Known]:
    """Return a batch with all that there is to be known of it before it is sent.

    Padding is put in front until the length is a multiple of :data:`WIDTH`, which no model minds; not where
    the task has notes on the steps, whose meaning is its own.

    Returns:
        The batch, and what is known of it; its ``lead`` is a multiple, too.

    >>> import torch
    >>> batch, known = prepared(Batch(torch.tensor([[-1, 3], [4, 5]]), torch.ones(2), torch.ones(2, 2) > 0))
    >>> batch.inputs.tolist()
    [[-1, -1, -1, -1, -1, -1, -1, 3], [-1, -1, -1, -1, -1, -1, 4, 5]]
    >>> known.lead, batch.places.tolist()
    (8, [6, 7, 14, 15])
    """
    of_steps = any(part.shape[1:2] == batch.inputs.shape[1:2] for part in batch.notes.values())
    if _lead(batch.inputs) and batch.mask is not None and not of_steps:
        batch = _wider(batch, -batch.inputs.shape[1] % WIDTH)
    lead = max(map(_lead, (batch.inputs, *batch.context.values())))
    return batch.located(), Known(-(-lead // WIDTH) * WIDTH, begin=not batch.continues)


def _wider(batch: Batch, steps: int) -> Batch:
    """Put so many steps of padding in front of a batch of symbols; they count for nothing."""
    targets, mask = batch.targets, batch.mask
    assert mask is not None
    if targets.dim() > 1:  # (B, T) or (B, T, O)
        targets = F.pad(targets.movedim(1, -1), (steps, 0)).movedim(-1, 1)
    inputs, mask = F.pad(batch.inputs, (steps, 0), value=PAD), F.pad(mask, (steps, 0))
    return replace(batch, inputs=inputs, targets=targets, mask=mask)


def _lead(part: Tensor) -> int:
    """Return the number of first steps, along the second axis, among which all padding is."""
    if part.is_floating_point() or part.dim() < 2 or int(part.min()) != PAD:
        return 0
    padded = (part == PAD).transpose(0, 1).flatten(1).any(1)
    return int(padded.nonzero().max()) + 1

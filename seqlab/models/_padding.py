"""Padding: where it stands, and how a sequence is read around it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from seqlab.contracts import PAD
from seqlab.models._fast import is_exported

Parts = tuple[Tensor, ...]
"""The state of one layer: tensors of any shape whose first axis is the row of the batch."""

Reader = Callable[[Tensor, Parts], tuple[Tensor, Parts]]
"""What reads a sequence (B, T, ...) from a state: to outputs (B, T, N) and the state after the last step."""


def padding(inputs: Tensor) -> Tensor | None:
    """Return where symbols (B, T) are padding, as (B, T) bool; None where none is, as in features.

    >>> padding(torch.tensor([[-1, 3]])), padding(torch.tensor([[0, 3]]))
    (tensor([[ True, False]]), None)
    """
    if inputs.is_floating_point() or is_exported():
        return None
    padded = inputs == PAD
    return padded if bool(padded.any()) else None


def read_around(
    read: Reader, x: Tensor, state: Parts, padded: Tensor, idle: Callable[[Parts], Tensor]
) -> tuple[Tensor, Parts]:
    """Read a sequence with what knows no padding; the state is held where there is some.

    The sequence is cut where padding ends or begins in some row; in each piece the rows without are read.

    Args:
        read: what reads.
        x: (B, T, ...).
        state: from which to read.
        padded: (B, T) bool.
        idle: gives from the state what is shown where it is held, (B, N).
    """
    cuts = (padded[:, 1:] != padded[:, :-1]).any(0).nonzero().flatten() + 1
    outputs = []
    for start, stop in pairwise([0, *cuts.tolist(), x.shape[1]]):
        piece = x[:, start:stop]
        rows = (~padded[:, start]).nonzero().flatten()
        if len(rows) == len(x):
            shown, state = read(piece, state)
        else:
            shown = idle(state)[:, None].expand(-1, stop - start, -1)
            if len(rows):
                new_shown, new = read(piece[rows], tuple(part[rows] for part in state))
                shown = shown.index_copy(0, rows, new_shown.to(shown.dtype))
                state = tuple(
                    old.index_copy(0, rows, part.to(old.dtype)) for old, part in zip(state, new, strict=True)
                )
        outputs.append(shown)
    return torch.cat(outputs, 1), state

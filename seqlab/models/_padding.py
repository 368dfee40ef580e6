"""Padding: where it stands, and how a sequence is read around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from seqlab.contracts import PAD, hold
from seqlab.models._fast import is_exported

Parts = tuple[Tensor, ...]
"""The state of one layer: tensors of any shape whose first axis is the row of the batch."""

Reader = Callable[[Tensor, Parts], tuple[Tensor, Parts]]
"""What reads a sequence (B, T, ...) from a state: to outputs (B, T, N) and the state after the last step."""

_known: ContextVar[Known | None] = ContextVar("known", default=None)


class Known(NamedTuple):
    """What is known of sequences before they are read.

    Attributes:
        lead: padding stands within so many first steps, if anywhere.
        begin: whether nothing has been read before.
    """

    lead: int
    begin: bool


@contextmanager
def knowing(known: Known) -> Iterator[None]:
    """Say what is known, so that nobody needs to look.

    On a GPU to look is to wait for it, and what is recorded there to be repeated must not depend on numbers.
    """
    token = _known.set(known)
    try:
        yield
    finally:
        _known.reset(token)


def may_look() -> bool:
    """Say whether what is computed may depend on numbers that were computed before."""
    return not is_exported() and _known.get() is None


def padding(inputs: Tensor) -> Tensor | None:
    """Return where symbols (B, T) are padding, as (B, T) bool; None where none is, as in features.

    >>> padding(torch.tensor([[-1, 3]])), padding(torch.tensor([[0, 3]]))
    (tensor([[ True, False]]), None)
    """
    if inputs.is_floating_point() or is_exported():
        return None
    known = _known.get()
    if known is not None:
        return inputs == PAD if known.lead else None
    padded = inputs == PAD
    return padded if bool(padded.any()) else None


def greatest(count: Tensor, most: int) -> int:
    """Return the greatest of the numbers of steps (B,) that rows remember, or one that it cannot exceed.

    Args:
        count: of each row.
        most: that may be remembered.
    """
    known = _known.get()
    if known is not None and known.begin:
        return 0
    return int(count.max()) if may_look() else most


def read_around(
    read: Reader,
    x: Tensor,
    state: Parts,
    padded: Tensor,
    idle: Callable[[Parts], Tensor],
    *,
    backwards: bool = False,
) -> tuple[Tensor, Parts]:
    """Read a sequence with what knows no padding; the state is held where there is some.

    The sequence is cut where padding ends or begins in some row; in each piece the rows without are read.
    Within :func:`knowing` every row is read, step by step as far as there may be padding.

    Args:
        read: what reads.
        x: (B, T, ...).
        state: from which to read.
        padded: (B, T) bool.
        idle: gives from the state what is shown where it is held, (B, N).
        backwards: whether padding stands behind, since the sequence is read from its end.
    """
    known = _known.get()
    if known is not None:
        lead = x.shape[1] if backwards else min(known.lead, x.shape[1])
        with knowing(Known(0, begin=False)):
            return _read_held(read, x, state, padded, idle, lead)
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


def _read_held(
    read: Reader, x: Tensor, state: Parts, padded: Tensor, idle: Callable[[Parts], Tensor], lead: int
) -> tuple[Tensor, Parts]:
    """Read ``lead`` steps one by one, all rows, and keep of each what is no padding; the rest at once."""
    outputs = []
    for step in range(lead):
        held = padded[:, step]
        shown, new = read(x[:, step : step + 1], state)
        outputs.append(torch.where(held[:, None, None], idle(state).to(shown.dtype)[:, None], shown))
        state = hold(held, state, (part.to(old.dtype) for old, part in zip(state, new, strict=True)))
    if lead < x.shape[1]:
        shown, state = read(x[:, lead:], state)
        outputs.append(shown)
    return torch.cat(outputs, 1), state

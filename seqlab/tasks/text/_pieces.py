"""A text cut into the sequences that a language model reads: columns; a stream, blocks, documents.

All are (B, T) symbols, each with the next symbol as its target. Where a vocabulary is large, fewer positions
stand in one batch, since each is answered with a number for every symbol.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from seqlab.contracts import PAD, Batch, at_once
from seqlab.text.vocabulary import Codes

PIECES = 64
"""Pieces of the held-out text that are read side by side as a stream."""

WARM_UP = 512
"""Tokens that each piece reads before its own, so that its state is that of the stream."""

STEPS = 256
"""Steps of the stream in one batch, at most."""

POSITIONS = 16_384
"""Tokens in one batch of blocks, about."""


def batchify(text: Codes, columns: int) -> Codes:
    """Cut a text into columns: (N,) to (N // columns, columns); what is left over goes.

    Source: NYU 6-3.

    >>> batchify(np.arange(12), 4)
    array([[ 0,  3,  6,  9],
           [ 1,  4,  7, 10],
           [ 2,  5,  8, 11]])
    """
    rows = len(text) // columns
    return text[: rows * columns].reshape(columns, rows).T


def blocks(text: Codes, length: int, symbols: int = 1) -> Iterator[Batch]:
    """Yield a text in blocks, each from the start state; the last one, shorter, is by itself.

    Args:
        text: (T,) symbols.
        length: of a block.
        symbols: how many there are.
    """
    predictions = len(text) - 1
    whole = predictions // length * length
    inputs, targets = text[:whole].reshape(-1, length), text[1 : whole + 1].reshape(-1, length)
    rows = max(1, at_once(symbols, POSITIONS) // length)
    for first in range(0, len(inputs), rows):
        yield from _in_time(inputs[first : first + rows], targets[first : first + rows], symbols)
    if whole < predictions:
        yield from _in_time(text[None, whole:-1], text[None, whole + 1 :], symbols)


def stream(text: Codes, symbols: int = 1) -> Iterator[Batch]:
    """Yield a text as pieces side by side, the state carried from batch to batch.

    Every row reads WARM_UP + ``length`` characters and answers for the last ``length``, at which the next row
    begins to answer; the first row, with nothing before it, answers for all. The last row may run out of
    text: what stands there does not count.

    Args:
        text: (T,) symbols.
        symbols: how many there are.
    """
    predictions = len(text) - 1
    warm_up = min(WARM_UP, predictions - 1)
    length = -(-(predictions - warm_up) // PIECES)
    starts = np.arange(-(-(predictions - warm_up) // length))[:, None] * length  # (pieces, 1)
    steps = max(1, at_once(symbols, PIECES * STEPS) // PIECES)
    for first in range(0, warm_up + length, steps):
        step = np.arange(first, min(first + steps, warm_up + length))
        place = starts + step  # (pieces, steps)
        counted = place < predictions
        counted[1:, step < warm_up] = False
        place = np.minimum(place, predictions - 1)
        yield Batch(
            tensor_of(text[place]),
            tensor_of(text[place + 1]),
            mask=torch.from_numpy(counted),
            continues=first > 0,
        )


def beginnings(text: Codes, mark: int) -> Codes:
    """Return where the documents of a text begin, then the end of the text, (documents + 1,)."""
    marks = np.flatnonzero(text == mark)
    return np.concatenate([[0] if len(marks) == 0 or marks[0] else [], marks, [len(text)]]).astype(np.int64)


def stretches(text: Codes, mark: int) -> tuple[Codes, Codes]:
    """Return where documents begin and how many tokens of each are followed by another, if any are."""
    places = beginnings(text, mark)
    lengths = np.minimum(np.diff(places), len(text) - 1 - places[:-1])  # the last has nothing behind it
    return places[:-1][lengths > 0], lengths[lengths > 0]


def documents(text: Codes, mark: int, symbols: int) -> Iterator[Batch]:
    """Yield a text document by document, each from the start state, those of about one length side by side.

    A document answers for all its tokens but the mark in front of it, and for the mark behind it.

    Args:
        text: (T,) symbols.
        mark: what stands in front of every document.
        symbols: how many there are.
    """
    starts, lengths = stretches(text, mark)
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        longest = lengths[order[first:]]
        fitting = np.flatnonzero(longest * np.arange(1, len(longest) + 1) <= at_once(symbols, POSITIONS))
        rows = order[first : first + max(1, len(fitting))]
        first += len(rows)
        yield from _in_time(*padded(text, starts[rows], lengths[rows], int(lengths[rows[-1]])), symbols)


def padded(text: Codes, starts: Codes, lengths: Codes, width: int) -> tuple[Codes, Codes]:
    """Return stretches of a text, (B, width), and what comes next; shorter ones have padding in front."""
    place = np.arange(width) - (width - lengths)[:, None]
    there = starts[:, None] + np.maximum(place, 0)
    inputs, targets = text[there].astype(np.int64), text[there + 1].astype(np.int64)
    return np.where(place < 0, PAD, inputs), np.where(place < 0, PAD, targets)


def batch_of(inputs: Codes, targets: Codes, *, continues: bool = False) -> Batch:
    """Return a batch of (B, T) symbols; what is padding counts for nothing."""
    padding = inputs == PAD if np.issubdtype(inputs.dtype, np.signedinteger) else np.zeros(1, bool)
    if not padding.any():
        return Batch(tensor_of(inputs), tensor_of(targets), continues=continues)
    targets = np.where(padding, 0, targets)
    return Batch(tensor_of(inputs), tensor_of(targets), mask=torch.from_numpy(~padding), continues=continues)


def tensor_of(codes: Codes) -> Tensor:
    """Return symbols as a tensor of int64."""
    return torch.from_numpy(np.ascontiguousarray(codes, dtype=np.int64))


def _in_time(inputs: Codes, targets: Codes, symbols: int) -> Iterator[Batch]:
    """Yield sequences (B, T) as one batch or, if that is too large, in pieces that go on."""
    steps = max(1, at_once(symbols) // len(inputs))
    for first in range(0, inputs.shape[1], steps):
        part = slice(first, first + steps)
        yield batch_of(inputs[:, part], targets[:, part], continues=first > 0)

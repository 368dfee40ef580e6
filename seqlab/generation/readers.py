"""What reads a model symbol by symbol: in NumPy where that is faster, else by the model's forward pass."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import at_once, keep_rows
from seqlab.generation.counting import FastNGram, FastNGrams
from seqlab.generation.fast import FastNetwork, is_fast
from seqlab.generation.mixing import FastMixture
from seqlab.generation.rule import Scores, Symbols
from seqlab.models import Mixture, SequenceModel, State
from seqlab.models.counting.ngram import NGram

CHUNK = 4096
"""Symbols of a prime that are read at once."""


class Reader(Protocol):
    """A model with what it has read: (...) symbols in, the scores (..., V) of the next ones out.

    It has rows, (rows,), or is one text without a dimension for it, ().
    """

    def read(self, symbols: Symbols) -> Scores:
        """Read one symbol of each row."""

    def keep(self, rows: NDArray[np.integer]) -> None:
        """Go on with these rows, in this order and as many as there were: some may go, some come twice."""


def open_reader(model: SequenceModel, prime: Symbols, rows: int | None = None) -> tuple[Reader, Scores]:
    """Read a prime and return what reads on from there, with the scores of the next symbol.

    Args:
        model: put into evaluation mode; the networks of :mod:`seqlab.generation.fast` and the n-gram model
            are read in NumPy, by themselves and mixed.
        prime: (P,) symbols, at least one.
        rows: how many texts go on side by side; None for one, without a dimension for it.

    Returns:
        The reader, and the scores (V,), or (rows, V).
    """
    model.eval()
    scores, state = read_text(model, prime)
    last = scores.float().cpu()
    return reader_of(model, state, rows), (last if rows is None else last.expand(rows, -1)).numpy()


def reader_of(model: SequenceModel, state: State, rows: int | None) -> Reader:
    """Return the fastest thing that reads on with a model.

    Args:
        model: in evaluation mode.
        state: of so many rows, or of one for all.
        rows: how many; None for one text, without a dimension for it.
    """
    if is_fast(model):
        return FastNetwork(model, state, rows)
    if type(model) is NGram:
        return FastNGram(model, state) if rows is None else FastNGrams(model, state, rows)
    if type(model) is Mixture:
        network = reader_of(model.network, state[:-1], rows)
        return FastMixture(network, reader_of(model.ngram, state[-1:], rows), model.share)
    return TorchReader(model, state, rows)


@torch.no_grad()
def read_text(model: SequenceModel, text: Symbols, state: State | None = None) -> tuple[Tensor, State]:
    """Read a text, (T,) symbols, at least one; return the scores after it, (V,), and the state of one row."""
    assert len(text) > 0
    symbols = torch.as_tensor(np.asarray(text, np.int64), device=next(model.parameters()).device)
    for chunk in torch.split(symbols, at_once(model.spec.output_size, CHUNK)):
        outputs, state = model(chunk[None], state)
    assert state is not None
    return outputs[0, -1], state


class TorchReader:
    """Any model, called with one step at a time; the rows that it goes on with may be more or fewer."""

    def __init__(self, model: SequenceModel, state: State, rows: int | None) -> None:
        self.model, self.is_one = model, rows is None
        self.state = tuple(
            tuple(part.expand(rows or 1, *part.shape[1:]).contiguous() for part in parts) for parts in state
        )
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def read(self, symbols: Symbols) -> Scores:
        """Read one symbol of each row."""
        inputs = torch.as_tensor(np.asarray(symbols, np.int64), device=self.device).reshape(-1, 1)
        outputs, self.state = self.model(inputs, self.state or None)
        scores: Scores = outputs[:, -1].float().cpu().numpy()
        return scores[0] if self.is_one else scores

    def keep(self, rows: NDArray[np.integer]) -> None:
        """Go on with chosen rows."""
        self.state = keep_rows(self.state, torch.as_tensor(rows, device=self.device))

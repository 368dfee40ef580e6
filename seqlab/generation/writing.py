"""Text written by a language model, symbol by symbol."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import numpy_stream
from seqlab.generation.counting import FastNGram, FastNGrams
from seqlab.generation.fast import FastNetwork, is_fast
from seqlab.generation.mixing import FastMixture, Reader
from seqlab.generation.sampling import Sampling, Scores, Symbols, choose
from seqlab.models import Mixture, SequenceModel, State
from seqlab.models.counting.ngram import NGram

AT_ONCE = 128
"""Texts that are written side by side, at most."""

CHUNK = 4096
"""Symbols of a prime that are read at once."""

_DRAWS = 1024


def generate(
    model: SequenceModel, prime: Symbols, sampling: Sampling, *, stop: Sequence[int] = (), index: int = 0
) -> Iterator[int]:
    """Write symbols that go on from ``prime``.

    The prime is read from the start state; then symbols are drawn and read in turn. One uniform number is
    drawn for each symbol, from the stream of (seed, index), so that the n-th symbol depends on these and on
    the text before it alone.

    Args:
        model: a trained language model; put into evaluation mode.
        prime: (P,) the symbols to begin with, at least one.
        sampling: length, temperature and so on.
        stop: symbols after which the text ends, once they have been written in this order.
        index: which of the texts of that seed.

    Yields:
        The symbols after the prime.
    """
    reader, scores = open_reader(model, prime)
    draws = _Draws(sampling.seed, [index])
    latest: deque[int] = deque(maxlen=len(stop))
    for _ in range(sampling.length):
        symbol = choose(scores, draws.next()[0], sampling)
        yield int(symbol)
        latest.append(int(symbol))
        if stop and list(latest) == list(stop):
            return
        scores = reader.read(symbol)


def generate_many(
    model: SequenceModel, prime: Symbols, sampling: Sampling, count: int, *, stop: Sequence[int] = ()
) -> list[NDArray[np.int64]]:
    """Write several texts side by side; number i is what :func:`generate` writes with ``index=i``.

    The random numbers are the same. The sums of many rows are taken in another order than those of one, so
    scores differ by rounding, and a draw that falls on the very border of two symbols (about one in a
    million) may fall on the other side.
    """
    texts: list[NDArray[np.int64]] = []
    for first in range(0, count, AT_ONCE):
        texts += _generate_rows(model, prime, sampling, range(first, min(count, first + AT_ONCE)), stop)
    return texts


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
    last = scores.float().cpu().numpy() if rows is None else scores.float().cpu().expand(rows, -1).numpy()
    return _reader(model, state, rows), last


@torch.no_grad()
def read_text(model: SequenceModel, text: Symbols, state: State | None = None) -> tuple[Tensor, State]:
    """Read a text, (T,) symbols, at least one; return the scores after it, (V,), and the state of one row."""
    assert len(text) > 0
    symbols = torch.as_tensor(np.asarray(text, np.int64), device=next(model.parameters()).device)
    for chunk in torch.split(symbols, CHUNK):
        outputs, state = model(chunk[None], state)
    assert state is not None
    return outputs[0, -1], state


def _reader(model: SequenceModel, state: State, rows: int | None) -> Reader:
    """Return the fastest thing that reads on with a model from a state of one row."""
    if is_fast(model):
        return FastNetwork(model, state, rows)
    if type(model) is NGram:
        return FastNGram(model, state) if rows is None else FastNGrams(model, state, rows)
    if type(model) is Mixture:
        network, ngram = _reader(model.network, state[:-1], rows), _reader(model.ngram, state[-1:], rows)
        return FastMixture(network, ngram, model.share)
    return _TorchReader(model, state, rows)


class _TorchReader:
    """Any model, called with one step at a time."""

    def __init__(self, model: SequenceModel, state: State, rows: int | None) -> None:
        self.model, self.shape = model, (() if rows is None else (rows,))
        self.state = tuple(
            tuple(part.expand(rows or 1, *part.shape[1:]).contiguous() for part in parts) for parts in state
        )
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def read(self, symbol: Symbols) -> Scores:
        """Read one symbol of each text."""
        symbols = torch.as_tensor(np.asarray(symbol, np.int64), device=self.device).reshape(-1, 1)
        outputs, self.state = self.model(symbols, self.state)
        scores: Scores = outputs[:, -1].float().cpu().numpy()
        return scores.reshape(*self.shape, -1)


class _Draws:
    """The uniform numbers in (0, 1] of several streams, drawn ahead."""

    def __init__(self, seed: int, indices: Sequence[int]) -> None:
        self.streams = [numpy_stream(seed, "sampling", index) for index in indices]
        self.taken = _DRAWS

    def next(self) -> NDArray[np.float64]:
        """Return the next number of each stream."""
        if self.taken == _DRAWS:
            self.numbers = 1 - np.stack([stream.random(_DRAWS) for stream in self.streams], 1)
            self.taken = 0
        self.taken += 1
        numbers: NDArray[np.float64] = self.numbers[self.taken - 1]
        return numbers


def _generate_rows(
    model: SequenceModel, prime: Symbols, sampling: Sampling, indices: Sequence[int], stop: Sequence[int]
) -> list[NDArray[np.int64]]:
    rows = len(indices)
    reader, scores = open_reader(model, prime, rows)
    draws = _Draws(sampling.seed, indices)
    written = np.zeros((rows, sampling.length), np.int64)
    lengths = np.full(rows, sampling.length)
    for step in range(sampling.length):
        written[:, step] = symbols = choose(scores, draws.next(), sampling)
        if stop and step + 1 >= len(stop):
            ended = (written[:, step + 1 - len(stop) : step + 1] == np.asarray(stop)).all(1)
            lengths = np.where(ended, np.minimum(lengths, step + 1), lengths)
            if (lengths <= step + 1).all():
                break
        scores = reader.read(symbols)
    return [text[:length] for text, length in zip(written, lengths, strict=True)]

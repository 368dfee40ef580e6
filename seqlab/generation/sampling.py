"""Sampling from a language model, symbol by symbol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from seqlab.contracts import numpy_stream
from seqlab.models import SequenceModel


@dataclass(frozen=True)
class Sampling:
    """How the next symbol is chosen.

    Attributes:
        length: symbols to write.
        temperature: what the scores are divided by before the softmax; 0 takes the likeliest symbol.
        seed: of the draws.
    """

    length: int = 400
    temperature: float = 0.8
    seed: int = 1


@torch.no_grad()
def generate(model: SequenceModel, prime: np.ndarray, sampling: Sampling) -> Iterator[int]:
    """Write symbols that go on from ``prime``.

    The prime is read from the start state; then each symbol is drawn from

        p(k) = exp(o_k / temperature) / sum_j exp(o_j / temperature)

    and read in turn (CS231n-10). One uniform number is drawn for each symbol, so the n-th symbol depends on the
    seed and the text before it alone.

    Args:
        model: a trained language model; put into evaluation mode.
        prime: the symbols to begin with, at least one.
        sampling: length, temperature and seed.

    Yields:
        The symbols after the prime.
    """
    model.eval()
    device = next(model.parameters()).device
    stream = numpy_stream(sampling.seed, "sampling")
    outputs, state = model(torch.as_tensor(prime, dtype=torch.int64, device=device)[None])
    for _ in range(sampling.length):
        symbol = choose(outputs[0, -1].double().cpu().numpy(), sampling.temperature, stream.random())
        yield symbol
        outputs, state = model(torch.tensor([[symbol]], device=device), state)


def choose(scores: np.ndarray, temperature: float, uniform: float) -> int:
    """Choose a symbol from scores (V,), by a number uniform in [0, 1).

    >>> choose(np.array([0.0, 3.0, 1.0]), temperature=0, uniform=0.99)
    1
    >>> choose(np.log([0.2, 0.3, 0.5]), temperature=1, uniform=0.4)
    1
    """
    if temperature == 0:
        return int(scores.argmax())
    scaled = (scores - scores.max()) / temperature
    cumulative = np.exp(scaled).cumsum()
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right").clip(max=len(scores) - 1))

"""How likely a language model finds a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import at_once
from seqlab.generation.rule import Symbols
from seqlab.models import SequenceModel, State

ROWS = 64
"""Texts that are read side by side, at most."""

CHUNK = 16_384
"""Symbols that are read at once, at most about; fewer where there are many different ones."""


@torch.no_grad()
def log_probabilities(
    model: SequenceModel, texts: Sequence[Symbols], start: int | None
) -> list[NDArray[np.float64]]:
    """Return the logarithm of the probability of every symbol given those before it, for each text.

    Args:
        model: a trained language model; put into evaluation mode.
        texts: each (T,) symbols.
        start: the symbol before each text, given which the first is scored; None to leave the first out.

    Returns:
        For each text (T,) nats, or (T - 1,) without a start.
    """
    model.eval()
    given = [] if start is None else [start]
    whole = [np.concatenate([given, text]).astype(np.int64) for text in texts]
    scores: list[NDArray[np.float64]] = [np.zeros(0)] * len(whole)
    by_length = sorted(range(len(whole)), key=lambda number: len(whole[number]))
    for first in range(0, len(by_length), ROWS):
        numbers = by_length[first : first + ROWS]
        for number, score in zip(numbers, _score(model, [whole[n] for n in numbers]), strict=True):
            scores[number] = score
    return scores


def _score(model: SequenceModel, texts: Sequence[NDArray[np.int64]]) -> list[NDArray[np.float64]]:
    """Score texts side by side: shorter ones go on with symbol 0, which is behind all that counts."""
    device = next(model.parameters()).device
    longest = max(map(len, texts))
    if longest < 2:
        return [np.zeros(0) for _ in texts]
    padded = np.stack([np.pad(text, (0, longest - len(text))) for text in texts])
    rows = torch.from_numpy(padded).to(device)
    state: State | None = None
    found: list[Tensor] = []
    steps = max(1, at_once(model.spec.output_size, CHUNK) // len(texts))
    for place in range(0, longest - 1, steps):
        inputs = rows[:, place : min(place + steps, longest - 1)]
        targets = rows[:, place + 1 : place + 1 + inputs.shape[1]]
        outputs, state = model(inputs, state)
        logs = outputs.double().log_softmax(-1)  # (B, T, V)
        found.append(logs.gather(-1, targets[..., None]).squeeze(-1).cpu())
    scores = torch.cat(found, 1).numpy()
    return [row[: max(0, len(text) - 1)] for row, text in zip(scores, texts, strict=True)]

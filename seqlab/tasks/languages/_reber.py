"""Reber's grammar, and the strings in which it is embedded: what the tasks of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Batch
from seqlab.tasks._base import Task

SYMBOLS = "BTPSXVE"
"""Tokens 0 to 6, and the classes."""

REBER: tuple[Mapping[str, int], ...] = (
    {"B": 1}, {"T": 2, "P": 3}, {"S": 2, "X": 4}, {"T": 3, "V": 5},
    {"X": 3, "S": 6}, {"P": 4, "V": 6}, {"E": 7},
)  # fmt: skip
"""Reber's grammar: by state the symbols that may come, each with the state after it; 7 is the end."""

LAST, END = 18, 19
"""States of a whole string: 0 before B, 1 before t; 2 to 8 those of Reber's grammar behind T, 9 before the
second T, 10 to 17 the same for P; 18 before E, 19 behind it."""

SHORTEST = 9
"""Symbols of the shortest string."""

COINS = 8
"""Symbols that are drawn at once."""


class LegalSymbols(Task):
    """A task that asks for each next symbol of strings of the grammar, where more than one may be legal.

    A step is right where no symbol that is not legal scores higher than one that is, and a sequence where all
    its steps are.
    """

    several_are_right = True
    symbols = answers = tuple(SYMBOLS)

    def legal(self, inputs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which symbols may come after each one that is read, (B, T, 7)."""
        return legal_next(inputs)

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does; a step is right where every legal symbol scores above the others."""
        assert batch.mask is not None
        right = right_steps(outputs, self.legal(batch.inputs.numpy(force=True)))
        counted = batch.mask.numpy(force=True)
        total = Counter[str]()
        total["targets"] = int(counted.sum())
        total["loss"] = float(self.loss(outputs, batch)) * total["targets"]  # type: ignore[assignment]
        total["correct"] = int((right & counted).sum())
        total["sequences"] = len(right)
        total["errors"] = int((~right & counted).any(1).sum())
        return total


def right_steps(outputs: Tensor, legal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say at which steps, (B, T), every symbol that is legal next scores above all others.

    Args:
        outputs: (B, T, 7) scores.
        legal: (B, T, 7).
    """
    scores = outputs.numpy(force=True)
    least = np.where(legal, scores, np.inf).min(-1)
    right: NDArray[np.bool_] = least >= np.where(legal, -np.inf, scores).max(-1)
    return right


def draw_strings(stream: np.random.Generator, count: int) -> NDArray[np.int8]:
    """Return strings of the embedded grammar, (count, longest or more), padded behind.

    More is drawn than is needed: ``stream`` is not for anything else afterwards.
    """
    state = np.zeros(count, np.int64)
    parts: list[NDArray[np.int8]] = []
    while state.min() < END:
        coins = stream.integers(0, 2, (COINS, count))
        place = (state << COINS) + _BITS @ coins
        parts.append(_WRITTEN.take(place, 0))
        state = _AFTER.take(place)
    return np.concatenate(parts, 1)


def legal_next(tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which symbols may come after each one of strings as they are read, (B, T, 7).

    Args:
        tokens: (B, T), padded in front.
    """
    rows, state = np.arange(len(tokens)), np.zeros(len(tokens), np.int64)
    legal = np.zeros((*tokens.shape, len(SYMBOLS) + 1), dtype=bool)  # the last column is PAD's
    for step, symbol in enumerate(tokens.T):
        side = (_OPTIONS[state, 0, 0] != symbol).astype(np.int64)
        state = np.where(symbol == PAD, state, _OPTIONS[state, side, 1])
        legal[rows[:, None], step, _OPTIONS[state, :, 0]] = True
    return legal[..., :-1]


def is_legal(text: str) -> bool:
    """Say whether the grammar has a string, by going through it symbol by symbol.

    >>> is_legal("BTBTXSETE"), is_legal("BTBTXSEPE"), is_legal("BTBTXSET")
    (True, False, False)
    """
    if len(text) < 9 or text[0] != "B" or text[-1] != "E" or text[1] != text[-2] or text[1] not in "TP":
        return False
    state = 0
    for symbol in text[2:-2]:
        if state == 7 or symbol not in REBER[state]:
            return False
        state = REBER[state][symbol]
    return state == 7


def decode(row: Tensor) -> str:
    """Return the symbols of a row of tokens, without its padding."""
    return "".join(SYMBOLS[token] for token in row.tolist() if token != PAD)


def _options() -> NDArray[np.int64]:
    """Return for each state of a whole string, and each side of a coin, a symbol and the state after it."""
    whole: list[Mapping[str, int]] = [{"B": 1}, {"T": 2, "P": 10}]
    for again in "TP":
        first = len(whole)
        whole += [{symbol: first + after for symbol, after in options.items()} for options in REBER]
        whole.append({again: LAST})
    whole.append({"E": END})
    found = np.full((END + 1, 2, 2), [PAD, END])
    for state, options in enumerate(whole):
        for side in (0, 1):
            symbol = list(options)[side % len(options)]
            found[state, side] = SYMBOLS.index(symbol), options[symbol]
    return found


def _written() -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Return the symbols of a state and :data:`COINS` coins, a bit each, and the state after them.

    A state and coins stand in row ``state << COINS | coins``.
    """
    sides = np.arange(2**COINS)
    after = np.tile(np.arange(END + 1)[:, None], 2**COINS)
    written = np.empty((*after.shape, COINS), np.int8)
    for coin in range(COINS):
        written[..., coin], after = np.moveaxis(_OPTIONS[after, sides >> coin & 1], -1, 0)
    return written.reshape(-1, COINS), after.ravel()


_BITS = 1 << np.arange(COINS)
_OPTIONS = _options()
_WRITTEN, _AFTER = _written()

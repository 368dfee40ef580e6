"""Embedded Reber: predict the next symbol of a string whose last but one repeats its second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task

SYMBOLS = "BTPSXVE"
"""Tokens 0 to 6, and the classes."""

REBER: tuple[Mapping[str, int], ...] = (
    {"B": 1}, {"T": 2, "P": 3}, {"S": 2, "X": 4}, {"T": 3, "V": 5},
    {"X": 3, "S": 6}, {"P": 4, "V": 6}, {"E": 7},
)  # fmt: skip
"""Reber's grammar: by state the symbols that may come, each with the state after it; 7 is the end."""

REPEAT, END = 9, 11
"""States of a whole string: 0 before B, 1 before t, 2 to 8 those of Reber's grammar, 9 before the second t,
10 before E, 11 behind it."""

BLOCK = 1024
"""Strings that are drawn at once."""


class EmbeddedReber(Task):
    """Predict each next symbol of the strings B t R t E, in which R is a string of Reber's grammar.

    t is T or P, drawn once a string and read twice: it must be remembered while R is read. Where Reber's
    grammar lets two symbols come, each does with probability 1/2. The shortest string has 9 symbols; there
    is no longest.

    The answer to a symbol is the one after it. Two may be legal there, so none can be predicted for sure: a
    step is right where no symbol that is not legal scores higher than one that is, and a string where all
    its steps are.

    Source:
        Reber 1967; embedded: Fahlman 1991, Smith & Zipser 1989, Cleeremans, Servan-Schreiber & McClelland
        1989; Hochreiter & Schmidhuber 1997, experiment 1.

    >>> batch = EmbeddedReber().batch("train", 0, size=1, seed=1)
    >>> decode(batch.inputs[0]), decode(batch.targets[0])
    ('BTBTXSET', 'TBTXSETE')
    """

    several_are_right = True
    symbols = answers = tuple(SYMBOLS)

    def __init__(self) -> None:
        self.spec = Spec("tokens", len(SYMBOLS), "classes", len(SYMBOLS), causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: strings but for their last symbol, (B, longest - 1)."""
        wanted = np.arange(index * size, (index + 1) * size)
        parts = [_strings(seed, split, int(block)) for block in np.unique(wanted // BLOCK)]
        width = max(part.shape[1] for part in parts)
        padded = [np.pad(part, ((0, 0), (width - part.shape[1], 0)), constant_values=PAD) for part in parts]
        strings = np.concatenate(padded)[wanted - wanted[0] // BLOCK * BLOCK]
        strings = strings[:, (strings != PAD).any(0)].astype(np.int64)  # as wide as the longest
        inputs = np.ascontiguousarray(strings[:, :-1])
        mask = inputs != PAD
        targets = np.where(mask, strings[:, 1:], 0)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count as every task does; a step is right where every legal symbol scores above the others."""
        assert batch.mask is not None
        scores = outputs.numpy(force=True)
        legal = legal_next(batch.inputs.numpy(force=True))
        least = np.where(legal, scores, np.inf).min(-1)
        most = np.where(legal, -np.inf, scores).max(-1)
        counted = batch.mask.numpy(force=True)
        right = (least >= most) | ~counted
        total = Counter[str]()
        total["targets"] = int(counted.sum())
        total["loss"] = float(self.loss(outputs, batch)) * total["targets"]  # type: ignore[assignment]
        total["correct"] = int((right & counted).sum())
        total["sequences"] = len(right)
        total["errors"] = int((~right.all(1)).sum())
        return total


def legal_next(tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which symbols may come after each one of strings as they are read, (B, T, 7).

    Args:
        tokens: (B, T), padded in front.
    """
    rows = np.arange(len(tokens))
    state, second = np.zeros(len(tokens), np.int64), np.zeros(len(tokens), np.int64)
    legal = np.zeros((*tokens.shape, len(SYMBOLS) + 1), dtype=bool)  # the last column is PAD's
    for step, symbol in enumerate(tokens.T):
        read = symbol != PAD
        second = np.where(read & (state == 1), symbol, second)
        side = (_OPTIONS[state, 0, 0] != symbol).astype(np.int64)
        state = np.where(read, _OPTIONS[state, side, 1], state)
        legal[rows[:, None], step, _OPTIONS[state, :, 0]] = True
        again = state == REPEAT  # the symbol that was second comes again, and no other
        legal[again, step] = False
        legal[rows[again], step, second[again]] = True
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


@lru_cache(maxsize=8)
def _strings(seed: int, split: Split, block: int) -> NDArray[np.int8]:
    """Return :data:`BLOCK` strings of the stream of strings, (BLOCK, longest), padded in front."""
    stream = numpy_stream(seed, "embedded-reber", split, block)
    state = np.zeros(BLOCK, np.int64)
    columns: list[NDArray[np.int64]] = []
    while (state < END).any():
        taken = _OPTIONS[state, stream.integers(0, 2, BLOCK)]  # (BLOCK, 2): a symbol and the state after it
        symbol = np.where(state == REPEAT, columns[1] if len(columns) > 1 else PAD, taken[:, 0])
        columns.append(symbol)
        state = taken[:, 1]
    strings = np.stack(columns, 1).astype(np.int8)
    behind = (strings == PAD).sum(1)[:, None]
    places = (np.arange(strings.shape[1]) - behind) % strings.shape[1]
    return np.take_along_axis(strings, places, 1)


def _options() -> NDArray[np.int64]:
    """Return for each state of a whole string, and each side of a coin, a symbol and the state after it."""
    whole: list[Mapping[str, int]] = [{"B": 1}, {"T": 2, "P": 2}]
    whole += [{symbol: after + 2 for symbol, after in options.items()} for options in REBER]
    whole += [{"T": 10, "P": 10}, {"E": END}]
    found = np.full((END + 1, 2, 2), [PAD, END])
    for state, options in enumerate(whole):
        for side in (0, 1):
            symbol = list(options)[side % len(options)]
            found[state, side] = SYMBOLS.index(symbol), options[symbol]
    return found


_OPTIONS = _options()

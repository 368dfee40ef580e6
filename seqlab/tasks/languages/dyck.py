"""Dyck: which brackets may come next, in balanced strings of several kinds of brackets?"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCE_ACCURACY, SEQUENCES, Trial

Codes = NDArray[np.int64]
Length = Annotated[int, Field(ge=2, le=10_000)]

BRACKETS, TWICE = 0.5, 0.25
"""Probabilities of the rules S -> ( S ) and S -> S S; else S is empty."""

BLOCK = 2048
"""Strings that are drawn at once."""

SHARES: dict[Split, tuple[int, ...]] = {"train": (0, 1), "validation": (2,), "test": (3,)}
"""Of four parts, into which all strings fall by their hash, those of each split."""


@dataclass(frozen=True, eq=False)
class Strings:
    """Different strings.

    Attributes:
        tokens: (N, longest), padded in front.
        innermost: which kind opened last at each step; see :func:`innermost_open`.
        lengths: (N,).
    """

    tokens: Codes
    innermost: NDArray[np.int16]
    lengths: Codes


class Dyck(Task):
    """Read a balanced string of brackets, and say at each step which brackets may come next.

    With K kinds, tokens 0 to K - 1 open and K to 2 K - 1 close them. The answer is a bit for each: every
    bracket may open, and the one that opened last may close. A string counts as right where every bit of
    every step is.

    Strings come of the grammar S -> (i S )i with probability 1/2, S -> S S with 1/4, S -> nothing, and are
    all different. By its hash a string is for training, for validation or for the test, so that none is in
    two.

    Args:
        kinds: K, the kinds of brackets.
        shortest: the least length.
        longest: the greatest length.
        strings: how many there are to learn from, again and again; fewer, where there are not so many.

    Source:
        Suzgun et al., "Memory-augmented recurrent neural networks can learn generalized Dyck languages",
        2019: 5,000 strings of length 2 to 50, judged on 5,000 of length 52 to 100.

    >>> task = Dyck(longest=12, strings=100)
    >>> batch = task.batch("train", 0, size=1, seed=3)
    >>> "".join(task.symbols[token] for token in batch.inputs[0])
    '[](([[]]()))'
    >>> batch.targets[0, :2].tolist()
    [[1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]]
    """

    metrics = (SEQUENCE_ACCURACY, ACCURACY, ERRORS, SEQUENCES, LOSS)
    trials = (Trial("length-52-to-100", {"shortest": 52, "longest": 100}),)

    def __init__(
        self,
        *,
        kinds: Annotated[int, Field(ge=1, le=100)] = 2,
        shortest: Length = 2,
        longest: Length = 50,
        strings: Annotated[int, Field(ge=1, le=1_000_000)] = 5000,
    ) -> None:
        if shortest > longest or longest - shortest < shortest % 2:
            raise SettingsError(
                f"task.shortest is {shortest} and task.longest {longest}: no even number lies between.",
                hint=f"Set task.longest={shortest + shortest % 2}, or more.",
            )
        self.kinds, self.lengths, self.strings = kinds, (shortest, longest), strings
        self.symbols = names_of(kinds)
        self.answers = self.symbols
        self.spec = Spec("tokens", 2 * kinds, "bits", 2 * kinds, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: strings (B, longest of them), in another order at every pass.

        Those of a batch are as long as one another, or nearly so, which spares padding.
        """
        known = self._known(split, self.strings, seed)
        number, place = divmod(index, -(-len(known.lengths) // size))
        batches = batches_of_pass(number, size, seed, split, self.strings, self.kinds, *self.lengths)
        return self._batch(known, batches[place])

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the fixed set, 512 at a time, the short ones first."""
        known = self._known(split, sequences, seed)
        order = np.argsort(known.lengths, kind="stable")
        for start in range(0, len(order), 512):
            yield self._batch(known, order[start : start + 512])

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` all strings are seen once."""
        return -(-self.strings // size)

    def _known(self, split: Split, count: int, seed: int) -> Strings:
        return known_strings(seed, split, count, self.kinds, *self.lengths)

    def _batch(self, known: Strings, chosen: Codes) -> Batch:
        steps = known.lengths[chosen].max()
        tokens, innermost = known.tokens[chosen, -steps:], known.innermost[chosen, -steps:]
        mask = tokens != PAD
        legal = legal_within(innermost, self.kinds) & mask[..., None]
        return Batch(
            torch.from_numpy(tokens), torch.from_numpy(legal.astype(np.float32)), torch.from_numpy(mask)
        )


def names_of(kinds: int) -> tuple[str, ...]:
    """Return what the brackets are called, those that open first.

    >>> names_of(2), names_of(5)[4:6]
    (('(', '[', ')', ']'), ('(5', ')1'))
    """
    if kinds <= 4:
        return (*"([{<"[:kinds], *")]}>"[:kinds])
    return tuple(f"{side}{kind + 1}" for side in "()" for kind in range(kinds))


def innermost_open(tokens: Codes, kinds: int) -> Codes:
    """Return of which kind the bracket is that opened last, at each step of strings (B, T); -1 for none.

    >>> innermost_open(np.array([[PAD, 0, 1, 3, 2]]), kinds=2)
    array([[-1,  0,  1,  0, -1]])
    """
    rows, depth = np.arange(len(tokens)), np.zeros(len(tokens), np.int64)
    opened = np.full((len(tokens), tokens.shape[1] + 1), -1)  # the kind of what is open at each depth
    found = np.empty_like(tokens)
    for step, token in enumerate(tokens.T):
        opens = (token >= 0) & (token < kinds)
        depth += opens
        depth -= token >= kinds
        opened[rows[opens], depth[opens]] = token[opens]
        found[:, step] = opened[rows, depth]
    return found


def legal_within(innermost: NDArray[np.signedinteger[Any]], kinds: int) -> NDArray[np.bool_]:
    """Return which brackets may come within brackets of those kinds, (B, T) with -1 for none: (B, T, 2 K)."""
    brackets = np.arange(2 * kinds)
    # Within none the bracket looked for is kinds - 1, which opens and is legal anyway.
    legal: NDArray[np.bool_] = (brackets < kinds) | (brackets == kinds + innermost[..., None])
    return legal


def allowed(tokens: Sequence[int], kinds: int) -> set[int]:
    """Return which brackets may come after a string that began so, with a list.

    >>> sorted(allowed([0, 1, 1, 3], kinds=2))
    [0, 1, 3]
    """
    stack: list[int] = []
    for token in tokens:
        if token < kinds:
            stack.append(token)
        else:
            assert stack.pop() == token - kinds
    return {*range(kinds), *(kinds + token for token in stack[-1:])}


@lru_cache(maxsize=2)
def batches_of_pass(number: int, size: int, seed: int, split: Split, count: int, *kind: int) -> Codes:
    """Return which strings stand in each batch of a pass, (batches, size).

    Args:
        number: of the pass, from 0.
        size: of a batch.
        seed, split, count, kind: those of :func:`known_strings`.
    """
    lengths = known_strings(seed, split, count, *kind).lengths
    batches = -(-len(lengths) // size)
    stream = numpy_stream(seed, "dyck", "order", split, number)
    order = stream.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    return np.resize(order, (batches, size))[stream.permutation(batches)]


@lru_cache(maxsize=8)
def known_strings(seed: int, split: Split, count: int, kinds: int, shortest: int, longest: int) -> Strings:
    """Return what :func:`draw_strings` draws, with what is known of it."""
    tokens = draw_strings(seed, split, count, kinds, shortest, longest)
    innermost = innermost_open(tokens, kinds).astype(np.int16)
    return Strings(tokens, innermost, (tokens != PAD).sum(1))


def draw_strings(seed: int, split: Split, count: int, kinds: int, shortest: int, longest: int) -> Codes:
    """Return different strings of the grammar, (count, longest), padded in front; fewer where there are none.

    Twenty blocks one after the other without a new one are taken for the end.
    """
    found: dict[bytes, None] = {}
    block, idle = 0, 0
    while len(found) < count and idle < 20:
        stream = numpy_stream(seed, "dyck", split, kinds, block)
        before = len(found)
        for string in _derive(stream, kinds, longest):
            if shortest <= len(string) and zlib.crc32(string) % 4 in SHARES[split]:
                found[string] = None
        block, idle = block + 1, idle + 1 if len(found) == before else 0
    strings = list(found)[:count]
    padded = np.full((len(strings), longest), PAD)
    for row, string in zip(padded, strings, strict=True):
        row[longest - len(string) :] = np.frombuffer(string, np.uint8)
    return padded


def _derive(stream: np.random.Generator, kinds: int, longest: int) -> list[bytes]:
    """Return strings of the grammar, a byte for each bracket; those that grow too long are left out.

    What is still to come of a string is a stack of symbols: S, and brackets that close. What is on top is
    taken off and, if it is S, replaced by the right side of a rule.
    """
    start = 2 * kinds
    rows, height, length = np.arange(BLOCK), np.ones(BLOCK, np.int64), np.zeros(BLOCK, np.int64)
    stack = np.full((BLOCK, 2 * longest + 4), start)
    written = np.zeros((BLOCK, longest + 1), np.uint8)
    while len(rows := rows[(height[rows] > 0) & (length[rows] <= longest) & (height[rows] <= 2 * longest)]):
        top = stack[rows, height[rows] - 1]
        chance, kind = stream.random(len(rows)), stream.integers(0, kinds, len(rows))
        is_start = top == start
        wraps, doubles = is_start & (chance < BRACKETS), is_start & (chance >= 1 - TWICE)
        written[rows, np.minimum(length[rows], longest)] = np.where(wraps, kind, top)
        length[rows] += wraps | ~is_start
        stack[rows, height[rows] - 1] = np.where(wraps, kinds + kind, start)
        height[rows] += np.where(wraps | doubles, 1, -1)
        stack[rows, height[rows] - 1] = np.where(wraps | doubles, start, stack[rows, height[rows] - 1])
    done = np.flatnonzero((height == 0) & (length <= longest))
    return [written[row, : length[row]].tobytes() for row in done]

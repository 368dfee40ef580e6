"""What a random stream starts with: NumPy's hash of the words of its name.

Each batch has a random stream of its own, so that it depends on its number alone. NumPy hashes a name in as
much time as it draws a thousand numbers. Here 256 names that differ in their last word alone are hashed as
arrays and kept, in a tenth of that time for each. NumPy promises that its hash stays as it is, since what was
drawn once must be drawn again; :mod:`seqlab.fused.drawing.streams` has it for compiled code.

Source:
    O'Neill, "Developing a seed_seq alternative", 2015; numpy.random.SeedSequence.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property, lru_cache
from operator import index
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISpawnableSeedSequence
from numpy.typing import NDArray

Words = NDArray[np.uint32]

TOO_LARGE = 2**32
"""The least number that is no word."""

BLOCK = 256
"""Names that are hashed together."""


def start(seed: int, path: tuple[str | int, ...]) -> Any:
    """Return what a stream of that name starts with, for one of NumPy's generators.

    Its words are the seed and the numbers of its path, with CRC-32 in the place of texts.

    Raises:
        ValueError: when a number is negative.
    """
    if path and not isinstance(path[-1], str):
        (name, fits), number = words_of(seed, path[:-1]), index(path[-1])
        if fits and 0 <= number < TOO_LARGE:
            return Start(name, number)
    words, fits = words_of(seed, path)
    return np.random.SeedSequence(np.array(words, np.uint32) if fits else words)  # twice as fast of an array


@lru_cache(maxsize=256)
def words_of(seed: int, path: tuple[str | int, ...]) -> tuple[tuple[int, ...], bool]:
    """Return the numbers of a name, and whether each is a word."""
    words = seed, *(zlib.crc32(part.encode()) if isinstance(part, str) else index(part) for part in path)
    return words, min(words) >= 0 and max(words) < TOO_LARGE


class Start(ISpawnableSeedSequence):
    """What stands for ``SeedSequence([*name, number])``: the same streams, of which PCG64's start sooner.

    Args:
        name: words, from 0 to 2^32 - 1 each.
        number: one more, by which others of the name differ.

    >>> from numpy.random import PCG64, SeedSequence
    >>> PCG64(Start((1, 2), 300)).state == PCG64(SeedSequence([1, 2, 300])).state
    True
    """

    def __init__(self, name: tuple[int, ...], number: int) -> None:
        self.name, self.number = name, number

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Return the words that a generator asks for; PCG64 asks for four of 64 bits.

        The first of a name is hashed alone: it may be the only one.
        """
        if self.number and n_words == 4 and dtype is np.uint64:
            block, place = divmod(self.number, BLOCK)
            hashed: NDArray[np.uint64] = _hashed(self.name, block)[place]
            return hashed
        state: NDArray[Any] = self._sequence.generate_state(n_words, dtype)
        return state

    def spawn(self, n_children: int) -> list[Any]:
        """Return what so many further streams start with, as NumPy asks of what a generator starts with."""
        return self._sequence.spawn(n_children)

    @cached_property
    def _sequence(self) -> np.random.SeedSequence:
        return np.random.SeedSequence(np.array([*self.name, self.number], np.uint32))


@lru_cache(maxsize=64)
def _hashed(name: tuple[int, ...], block: int) -> NDArray[np.uint64]:
    """Return the 4 words of 64 bits of each name of a block, (256, 4)."""
    numbers = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.uint32)
    words = [*(np.full(1, word, np.uint32) for word in name), numbers]
    words += [np.zeros(1, np.uint32)] * (4 - len(words))
    hashed = _hash(0x43B0D7E5, 0x931E8875)
    pool = [hashed(word) for word in words[:4]]
    for source in range(4):
        for i in range(4):
            if i != source:
                pool[i] = _mix(pool[i], hashed(pool[source]))
    for word in words[4:]:
        pool = [_mix(part, hashed(word)) for part in pool]
    spread = _hash(0x8B51F9DD, 0x58F38DED)
    halves = np.empty((BLOCK, 8), "<u4")  # of 64 bits the low half first, on every machine
    for i in range(8):
        halves[:, i] = spread(pool[i % 4])
    state = halves.view("<u8").astype(np.uint64, copy=False)
    state.setflags(write=False)
    return state


def _hash(constant: int, multiplier: int) -> Callable[[Words], Words]:
    """Return a hash of words; each call has another constant."""

    def hashed(words: Words) -> Words:
        nonlocal constant
        words = words ^ np.uint32(constant)
        constant = constant * multiplier % TOO_LARGE
        words = words * np.uint32(constant)
        return words ^ (words >> np.uint32(16))

    return hashed


def _mix(x: Words, y: Words) -> Words:
    mixed: Words = x * np.uint32(0xCA01F9DD) - y * np.uint32(0x4973F715)
    return mixed ^ (mixed >> np.uint32(16))

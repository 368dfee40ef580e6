"""What a random stream starts with: NumPy's hash of a name, of many names at once.

Each batch has a random stream of its own, so that it depends on its number alone. To hash one name takes
NumPy longer than to draw a thousand numbers. Here 256 names that differ in their last number alone are hashed
as arrays and kept, which takes a twentieth of the time for each.

Source:
    O'Neill, "Developing a seed_seq alternative", 2015; numpy.random.SeedSequence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISpawnableSeedSequence
from numpy.typing import NDArray

Words = NDArray[np.uint32]

MOST = 2**32
"""A word is less than this."""

AT_ONCE = 256
"""Names that are hashed together."""


class Start(ISpawnableSeedSequence):
    """What stands for ``SeedSequence([*name, number])`` where a PCG64 is to start: the same stream.

    Args:
        name: words, from 0 to 2^32 - 1 each.
        number: one more.

    >>> from numpy.random import PCG64, SeedSequence
    >>> PCG64(Start((1, 2), 300)).state == PCG64(SeedSequence([1, 2, 300])).state
    True
    """

    def __init__(self, name: tuple[int, ...], number: int) -> None:
        self.name, self.number = name, number

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Return the words that a generator asks for; PCG64 asks for four of 64 bits."""
        state: NDArray[Any]
        if n_words == 4 and dtype is np.uint64:
            block, place = divmod(self.number, AT_ONCE)
            state = _hashed(self.name, block)[place]
        else:
            state = self._sequence.generate_state(n_words, dtype)
        return state

    def spawn(self, n_children: int) -> list[Any]:
        """Return what so many further streams start with."""
        return self._sequence.spawn(n_children)

    @cached_property
    def _sequence(self) -> np.random.SeedSequence:
        return np.random.SeedSequence([*self.name, self.number])


@lru_cache(maxsize=64)
def _hashed(name: tuple[int, ...], block: int) -> NDArray[np.uint64]:
    """Return the 4 words of 64 bits of each name of a block, (256, 4)."""
    numbers = np.arange(block * AT_ONCE, (block + 1) * AT_ONCE, dtype=np.uint32)
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
    state = np.empty((AT_ONCE, 8), "<u4")
    for i in range(8):
        state[:, i] = spread(pool[i % 4])
    state.setflags(write=False)
    return state.view(np.uint64)


def _hash(constant: int, multiplier: int) -> Callable[[Words], Words]:
    """Return a hash of words; each call has another constant."""

    def hashed(words: Words) -> Words:
        nonlocal constant
        words = words ^ np.uint32(constant)
        constant = constant * multiplier % MOST
        words = words * np.uint32(constant)
        return words ^ (words >> np.uint32(16))

    return hashed


def _mix(x: Words, y: Words) -> Words:
    mixed: Words = x * np.uint32(0xCA01F9DD) - y * np.uint32(0x4973F715)
    return mixed ^ (mixed >> np.uint32(16))

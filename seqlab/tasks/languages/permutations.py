"""Permutations: the product so far of the elements of a group, at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import permutations
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._judging import Trial

Group = Literal["S3", "S5", "A5", "Z60"]

Element = tuple[int, ...]


class Permutations(Task):
    """Read elements g(1) ... g(T) of a group, and say after each the product g(1) g(2) ... g(t).

    It is the word problem of the group. S3 and S5 are all permutations of 3 and 5 things (6 and 120 of them),
    A5 the 60 even ones of S5, Z60 the numbers to 59, added modulo 60. In g h, g is done first. Of S5 and A5,
    which are not solvable, no circuits of constant depth (of threshold gates) are believed to do this; of the
    others they do.

    Args:
        group: the group.
        generators: whether only a few elements come, of which all others are made: a swap and a turn of all
            for S3 and S5, two turns for A5, 1 for Z60, and what does nothing.
        length: T.

    Source:
        Barrington 1989; Merrill, Petty & Sabharwal, "The illusion of state in state-space models", 2024;
        lengths 32 in training and up to 500 in the test: Grazzi et al. 2024.

    >>> batch = Permutations(group="S3", length=4).batch("train", 0, size=1, seed=1)
    >>> batch.inputs, batch.targets
    (tensor([[0, 1, 5, 5]]), tensor([[0, 1, 4, 1]]))
    """

    trials = tuple(Trial(f"length-{length}", {"length": length}) for length in (64, 128, 256, 500))

    def __init__(
        self,
        *,
        group: Group = "S3",
        generators: bool = False,
        length: Annotated[int, Field(ge=1, le=10_000)] = 32,
    ) -> None:
        self.group: Group = group
        self.length = length
        elements = elements_of(group)
        self.allowed = np.arange(len(elements))
        if generators:
            self.allowed = np.array([elements.index(element) for element in GENERATORS[group]])
        self.spec = Spec("tokens", len(elements), "classes", len(elements), causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: elements and products (B, length)."""
        stream, table = numpy_stream(seed, "permutations", split, index), products_of(self.group)
        elements = self.allowed[stream.integers(0, len(self.allowed), (size, self.length))]
        products = elements.copy()
        for step in range(1, self.length):
            products[:, step] = table[products[:, step - 1], elements[:, step]]
        return Batch(torch.from_numpy(elements), torch.from_numpy(products))


GENERATORS: dict[Group, list[Element]] = {
    "S3": [(0, 1, 2), (1, 0, 2), (1, 2, 0)],
    "S5": [(0, 1, 2, 3, 4), (1, 0, 2, 3, 4), (1, 2, 3, 4, 0)],
    "A5": [(0, 1, 2, 3, 4), (1, 2, 0, 3, 4), (1, 2, 3, 4, 0)],
    "Z60": [(0,), (1,)],
}
"""The unit, and elements whose products are the group."""


def is_even(element: Element) -> bool:
    """Say whether a permutation swaps an even number of pairs."""
    pairs = [(i, j) for j in range(len(element)) for i in range(j)]
    return sum(element[i] > element[j] for i, j in pairs) % 2 == 0


@cache
def elements_of(group: Group) -> list[Element]:
    """Return the elements, the unit first: where each thing goes, or the number alone.

    >>> [len(elements_of(group)) for group in ("S3", "S5", "A5", "Z60")]
    [6, 120, 60, 60]
    """
    if group == "Z60":
        return [(number,) for number in range(60)]
    return [element for element in permutations(range(int(group[1]))) if group[0] == "S" or is_even(element)]


def compose(group: Group) -> Callable[[Element, Element], Element]:
    """Return what makes g h of g and h: g is done first, then h."""
    if group == "Z60":
        return lambda g, h: ((g[0] + h[0]) % 60,)
    return lambda g, h: tuple(h[place] for place in g)


@cache
def products_of(group: Group) -> NDArray[np.int64]:
    """Return the table of products, by their numbers, (G, G)."""
    elements, made = elements_of(group), compose(group)
    number = {element: place for place, element in enumerate(elements)}
    return np.array([[number[made(g, h)] for h in elements] for g in elements])


def follow(group: Group, word: Sequence[int]) -> list[int]:
    """Return the answers, by moving things about; a number is 60 things in a ring.

    >>> follow("S3", [2, 2, 1]), follow("Z60", [50, 20])
    ([2, 0, 1], [50, 10])
    """
    elements, answers = elements_of(group), []
    size = 60 if group == "Z60" else int(group[1])
    where = list(range(size))  # of each thing, at which place it is
    for token in word:
        element = elements[token]
        turned = range(element[0], element[0] + size) if group == "Z60" else element
        moves = [place % size for place in turned]
        where = [moves[place] for place in where]
        found: Element = (where[0],) if group == "Z60" else tuple(where)
        answers.append(elements.index(found))
    return answers

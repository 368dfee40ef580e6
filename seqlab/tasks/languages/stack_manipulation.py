"""Stack manipulation: read a stack and what is done to it, say what is on it then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.tasks.languages._chomsky import Codes, Transduction, ended

POP, PUSH = 2, 3
"""Tokens: 0 and 1 are on the stack at first; 2 pops, 3 pushes 0, 4 pushes 1."""

END = 2


class StackManipulation(Transduction):
    """Read a stack of bits, the lowest first, then actions; say what is left, the top first, and END.

    Of n tokens k are the stack, k uniform from 1 to n - 1, and the others are actions, each a third of the
    time pop, push 0 and push 1; an empty stack stays so when it is popped. Behind END nothing counts. A
    deterministic context-free language.

    Source:
        Delétang et al. 2022.

    >>> batch = StackManipulation(length=5).batch("train", 0, size=1, seed=2)
    >>> batch.inputs, batch.targets[batch.mask]
    (tensor([[0, 0, 1, 1, 2, 5, 5, 5, 5, 5, 5]]), tensor([1, 0, 0, 2]))
    """

    letters, classes = 5, 3
    symbols = ("0", "1", "pop", "push 0", "push 1", "empty")
    answers = ("0", "1", "end")

    def draw(self, stream: np.random.Generator, size: int, length: int) -> tuple[Codes, Codes]:
        """Return stacks and actions (B, n), and what is left with its end (B, n + 1)."""
        given = stream.integers(1, max(length, 2), size)
        is_given = np.arange(length) < given[:, None]
        bits, actions = stream.integers(0, 2, (size, length)), stream.integers(POP, POP + 3, (size, length))
        tokens = np.where(is_given, bits, actions)
        rows, stack, height = (
            np.arange(size),
            np.zeros((size, length + 1), np.int64),
            np.zeros(size, np.int64),
        )
        for token in tokens.T:
            stack[rows, height] = np.where(
                token < POP, token, token - PUSH
            )  # what is popped is overwritten later
            height = np.maximum(height + np.where(token == POP, -1, 1), 0)
        places = np.maximum(height[:, None] - 1 - np.arange(length + 1), 0)
        return tokens, ended(np.take_along_axis(stack, places, 1), height, END)


def final_stack(tokens: Sequence[int]) -> list[int]:
    """Return the answers, with a list.

    >>> final_stack([0, 1, 1, 0, 4, 2, 2]), final_stack([1, 2, 2])
    ([1, 1, 0, 2], [2])
    """
    stack: list[int] = []
    for token in tokens:
        if token == POP:
            stack = stack[:-1]
        else:
            stack.append(token if token < POP else token - PUSH)
    return [*reversed(stack), END]

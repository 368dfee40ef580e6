"""Bounded Dyck: predict the next bracket of balanced strings that are never more than a few brackets deep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from seqlab.compiling import Kernel
from seqlab.contracts import PAD, Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError
from seqlab.tasks._base import Task
from seqlab.tasks._judging import LOSS, SEQUENCES, SHARE, Metric, Trial
from seqlab.tasks.languages.dyck import Length, names_of

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

SURE, UNLIKELY = 0.8, 0.2
"""The share that the right closing bracket must have of all, and the probability that is little enough."""

AT_ONCE = 128
"""Symbols for which numbers are drawn at once, after which it is asked whether all strings are over."""

SOURCES = ("tasks/languages/_walks.py",)
WALK = Kernel(
    "seqlab.tasks.languages._walks",
    "walk",
    "none(i8, f8[:,::1], f8[:,::1], f8[:,::1], i1[:,::1], i8[::1])",
    SOURCES,
)
WRITE = Kernel(
    "seqlab.tasks.languages._walks",
    "write",
    "none(i1[:,::1], i8[::1], i8[:,::1], i8, i8[::1], i8[:,::1], i8[:,::1])",
    SOURCES,
)

CLOSES = Metric("closes", True, SHARE, "closed rightly, mean over distances")
LEGAL = Metric("legal", True, SHARE, "steps without illegal ends or openings")


class BoundedDyck(Task):
    """Predict each next symbol of strings of the language Dyck-(K, M): K kinds of brackets, at most M open.

    A begin symbol is read first, and the end is predicted last. Where nothing is open the end has probability
    1/2, and the opening brackets share the other half; where M are open the right one closes; elsewhere one
    opens with probability 1/2, each as likely, else the right one closes. Strings are drawn so, given that
    their length lies in the range.

    ``closes``: at a step with an open bracket, the right one must have more than 0.8 of the probability of
    all that close; the share of such steps for each distance to the bracket that is open, in the mean over
    distances. ``legal``: the share of steps at which the end has less than 0.2 while something is open, and
    the brackets that open have less than 0.2 together while M are.

    Args:
        kinds: K.
        deepest: M, the most brackets that are open at once.
        shortest: the least length in brackets.
        longest: the greatest length in brackets.

    Source:
        Hewitt et al., "RNNs can generate bounded hierarchical languages with optimal memory", EMNLP 2020: for
        M = 3 trained on lengths 1 to 84, judged on 85 to 168.

    >>> task = BoundedDyck(kinds=2, deepest=2, longest=6)
    >>> batch = task.batch("train", 0, size=1, seed=1)
    >>> [task.symbols[token] for token in batch.inputs[0]], task.answers[batch.targets[0, -1]]
    (['begin', '(', '(', ')', ')'], 'end')
    """

    several_are_right = True
    metrics = (CLOSES, LEGAL, SEQUENCES, LOSS)
    trials = (Trial("length-86-to-168", {"shortest": 86, "longest": 168}),)

    def __init__(
        self,
        *,
        kinds: Annotated[int, Field(ge=2, le=1000)] = 8,
        deepest: Annotated[int, Field(ge=1, le=100)] = 3,
        shortest: Length = 2,
        longest: Length = 84,
    ) -> None:
        if shortest > longest or longest - shortest < shortest % 2:
            raise SettingsError(
                f"task.shortest is {shortest} and task.longest {longest}: no even number lies between.",
                hint=f"Set task.longest={shortest + shortest % 2}, or more.",
            )
        self.kinds, self.deepest, self.lengths = kinds, deepest, (shortest, longest)
        self.symbols, self.answers = (*names_of(kinds), "begin"), (*names_of(kinds), "end")
        self.spec = Spec("tokens", 2 * kinds + 1, "classes", 2 * kinds + 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs, targets and mask (B, longest of them + 1)."""
        stream = numpy_stream(seed, "bounded-dyck", split, index)
        depths, lengths = draw_depths(stream, size, *chances(self.deepest, *self.lengths))
        longest = int(lengths.max())
        drawn = stream.integers(0, self.kinds, (size, longest))
        inputs, targets = np.full((size, longest + 1), PAD), np.zeros((size, longest + 1), np.int64)
        opened = np.empty(self.deepest + 1, np.int64)
        WRITE.at_hand(depths, lengths, drawn, self.kinds, opened, inputs, targets)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(inputs != PAD))

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count right and all steps for each distance, and legal steps."""
        assert batch.mask is not None
        total = Counter[str]()
        total["targets"], total["sequences"] = int(batch.mask.sum()), len(batch.inputs)
        total["loss"] = float(self.loss(outputs, batch)) * total["targets"]  # type: ignore[assignment]
        chances = outputs.double().softmax(-1).numpy(force=True)
        closing = chances[..., self.kinds : 2 * self.kinds]
        inner, distance, depth = open_brackets(batch.inputs.numpy(force=True), self.kinds)
        counted = batch.mask.numpy(force=True)
        within = counted & (depth > 0)
        right = np.take_along_axis(closing, inner[..., None], -1)[..., 0] > SURE * closing.sum(-1)
        for name, steps in (("right", within & right), ("all", within)):
            for apart, count in enumerate(np.bincount(distance[steps])):
                total[f"{name} {apart}"] += int(count)
        wrong = (depth > 0) & (chances[..., -1] >= UNLIKELY)
        wrong |= (depth == self.deepest) & (chances[..., : self.kinds].sum(-1) >= UNLIKELY)
        total["legal"] = int((counted & ~wrong).sum())
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the share of brackets closed rightly, in the mean over distances, and of legal steps."""
        apart = [key.split()[1] for key, count in total.items() if key.startswith("all ") and count]
        shares = [total.get(f"right {distance}", 0) / total[f"all {distance}"] for distance in apart]
        return {
            "closes": float(np.mean(shares)),
            "legal": total["legal"] / total["targets"],
            "sequences": int(total["sequences"]),
            "loss": total["loss"] / total["targets"],
        }


def draw_depths(
    stream: np.random.Generator, size: int, ends_at: Floats, opens_at: Floats
) -> tuple[NDArray[np.int8], Codes]:
    """Return how many brackets of strings are open after each symbol, and their lengths.

    Args:
        stream: to draw from, a number from 0 to 1 for what comes next in each string.
        size: B.
        ends_at: how probable it is that a string ends there, by its length and depth; of :func:`chances`.
        opens_at: how probable it is that a bracket opens.

    Returns:
        Depths, (B, longest possible + 1), the first being 0; what stands behind a string says nothing.
        Lengths, (B,).
    """
    longest, up = len(ends_at) - 1, ends_at + opens_at
    depths, lengths = np.zeros((size, longest + 1), np.int8), np.zeros(size, np.int64)
    for first in range(0, longest, AT_ONCE):
        chance = stream.random((min(AT_ONCE, longest - first), size))
        WALK.at_hand(first, chance, ends_at, up, depths, lengths)
        if lengths.max() < first + AT_ONCE:
            break
    return depths, lengths


@lru_cache(maxsize=32)
def chances(depth: int, shortest: int, longest: int) -> tuple[Floats, Floats]:
    """Return how probable it is to end and to open, by length and depth so far, as the length will be right.

    Returns:
        Two of (longest + 1, depth + 1); noughts where such a string is none that can still be right.
    """
    ends, opens = np.zeros((2, longest + 1, depth + 1))
    after = np.zeros(depth + 1)  # that the length will be right, by the depth after one more symbol
    for place in reversed(range(longest + 1)):
        up, down = np.append(after[1:], 0), np.append(0, after[:-1])
        may_end = place >= max(shortest, 1)
        every = 0.5 * up + 0.5 * down
        every[-1], every[0] = down[-1], 0.5 * up[0] + 0.5 * may_end
        possible = every > 0
        np.divide(0.5 * up, every, out=opens[place], where=possible)
        ends[place, 0] = 0.5 / every[0] if may_end else 0.0
        # Where nothing ends yet ratios are all that counts: by a power of two they are kept from vanishing.
        after = every if may_end else np.ldexp(every, -np.frexp(every.max())[1])
    return ends, opens


def open_brackets(tokens: Codes, kinds: int) -> tuple[Codes, Codes, Codes]:
    """Return at each step of strings (B, T) the kind of the innermost open bracket, its distance, the depth.

    Where nothing is open, kind and distance are 0; when it has just opened, the distance is 1.
    """
    rows, depth = np.arange(len(tokens)), np.zeros(len(tokens), np.int64)
    kind, place = np.zeros((2, len(tokens), tokens.shape[1] + 1), np.int64)
    found = np.zeros((3, *tokens.shape), np.int64)
    for step, token in enumerate(tokens.T):
        opens, closes = (token >= 0) & (token < kinds), (token >= kinds) & (token < 2 * kinds)
        depth = depth + opens - closes
        kind[rows[opens], depth[opens]], place[rows[opens], depth[opens]] = token[opens], step
        within = np.flatnonzero(depth)
        found[0, within, step] = kind[within, depth[within]]
        found[1, within, step] = step + 1 - place[within, depth[within]]
        found[2, :, step] = depth
    return found[0], found[1], found[2]


def innermost(tokens: Sequence[int], kinds: int) -> tuple[int, int, int]:
    """Return kind and distance of the innermost open bracket and the depth after some symbols, with a list.

    >>> innermost([4, 0, 1, 3], kinds=2), innermost([4, 0, 2], kinds=2)
    ((0, 3, 1), (0, 0, 0))
    """
    stack: list[tuple[int, int]] = []
    for step, token in enumerate(tokens):
        if token < kinds:
            stack.append((token, step))
        elif token < 2 * kinds:
            stack.pop()
    return (stack[-1][0], len(tokens) - stack[-1][1], len(stack)) if stack else (0, 0, 0)

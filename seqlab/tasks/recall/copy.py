"""Copy memory: read a few symbols, wait, then repeat them in order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.tasks._base import Task
from seqlab.tasks._guessing import Guess


class Copy(Task):
    """Hold ``recall`` random symbols over ``lag`` steps, then repeat them.

        inputs    s(1) ... s(K)  blank x (lag - 1)  delimiter  blank x K
        targets   blank x (K + lag)                            s(1) ... s(K)

    with K = ``recall``; lag + 2 K steps in all. Symbols are tokens 0 to S - 1, the blank is S, the delimiter
    S + 1; the classes are the symbols and the blank.

    The loss is the mean over all steps, blanks included, as in the literature, so that it can be held against
    that of the best answer without memory, K ln S / (lag + 2 K). The accuracies count the repeated symbols
    alone: answering blank for ever would otherwise be right nearly everywhere.

    Args:
        lag: steps from the last symbol read to the delimiter.
        symbols: S, how many different symbols there are.
        recall: K, how many are to be repeated.

    Source:
        Hochreiter & Schmidhuber 1997; in this form Arjovsky, Shah & Bengio 2016, with S = 8 and K = 10.

    >>> batch = Copy(lag=3, symbols=8, recall=2).batch("train", 0, size=1, seed=4)
    >>> batch.inputs
    tensor([[2, 3, 8, 8, 9, 8, 8]])
    >>> batch.targets
    tensor([[8, 8, 8, 8, 8, 2, 3]])
    """

    def __init__(
        self,
        *,
        lag: Annotated[int, Field(ge=1, le=100_000)] = 30,
        symbols: Annotated[int, Field(ge=2, le=10_000)] = 8,
        recall: Annotated[int, Field(ge=1, le=1_000)] = 10,
    ) -> None:
        self.lag, self.alphabet, self.recall = lag, symbols, recall
        self.blank, self.delimiter = symbols, symbols + 1
        self.spec = Spec("tokens", symbols + 2, "classes", symbols + 1, causal=True)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: inputs and targets (B, lag + 2 recall)."""
        stream = numpy_stream(seed, "copy", split, index)
        wanted = stream.integers(0, self.alphabet, (size, self.recall))
        inputs = np.full((size, self.lag + 2 * self.recall), self.blank, dtype=np.int64)
        targets = inputs.copy()
        inputs[:, : self.recall] = wanted
        inputs[:, self.recall + self.lag - 1] = self.delimiter
        targets[:, -self.recall :] = wanted
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets))

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what the best answer without memory comes to: blanks, then any symbol."""
        right, steps = 1 / self.alphabet, self.lag + 2 * self.recall
        figures = {"loss": self.recall * math.log(self.alphabet) / steps, "accuracy": right}
        return Guess("guessing", {**figures, "sequence_accuracy": right**self.recall})

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count the loss of every step, and what is right among the repeated symbols."""
        total = Counter[str]()
        steps = batch.targets.numel()
        total["loss"] = float(self.loss(outputs, batch)) * steps  # type: ignore[assignment]
        total["steps"] = steps
        recalled = outputs[:, -self.recall :].argmax(-1) == batch.targets[:, -self.recall :]
        total["targets"] = recalled.numel()
        total["correct"] = int(recalled.sum())
        total["sequences"] = len(recalled)
        total["errors"] = int((~recalled.all(1)).sum())
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return the loss over all steps, and the accuracies of the repeated symbols."""
        return {**super().figures(total), "loss": total["loss"] / total["steps"]}


def repeat(inputs: Sequence[int], symbols: int) -> list[int]:
    """Return the targets of a sequence, by reading it.

    >>> repeat([5, 6, 8, 8, 9, 8, 8], symbols=8)
    [8, 8, 8, 8, 8, 5, 6]
    """
    blank, delimiter = symbols, symbols + 1
    memory = [token for token in inputs if token < symbols]
    answers = []
    asked = False
    for token in inputs:
        answers.append(memory.pop(0) if asked else blank)
        asked = asked or token == delimiter
    return answers

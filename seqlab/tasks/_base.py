"""What every task is: an endless, addressable supply of batches, a loss, and what counts as right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split
from seqlab.errors import SettingsError
from seqlab.text.vocabulary import Codes, Vocabulary


@dataclass(frozen=True)
class Sample:
    """What is sampled from a model in training.

    Attributes:
        prime: the text to begin with.
        length: symbols to write.
        temperature: of the softmax; 0 takes the likeliest symbol.
    """

    prime: str = "\n"
    length: int = 400
    temperature: float = 0.8


class Task:
    """A generator of sequences with known answers.

    A batch is a function of (split, index, size, seed) and of nothing else: batch 1,000 can be had without
    the 999 before it, so a resumed run meets exactly the data it would have met, and two models with the
    same seed meet the same data. Splits draw from different random streams.

    A subclass sets :attr:`spec` and writes :meth:`batch`; its keyword-only constructor arguments are its
    settings.

    Attributes:
        spec: what a model may know.
        stream: whether successive batches continue one another, so that the state is carried (and detached).
        metric: the name of the figure that tells how well the task is done.
        higher_is_better: the direction of ``metric``.
        bounds: what ``metric`` can be at all.
        protocols: the ways of judging a finished model, where there are several, for :meth:`evaluation`.
        vocabulary: the symbols of a task whose models can be sampled from, else None.
        sample: what a run writes early, middle and late in training, where there is a vocabulary.
        symbols: what the input symbols are called, where their numbers say nothing.
        answers: what the classes are called, likewise.
    """

    component: ClassVar = "task"
    spec: Spec
    stream: bool = False
    metric: str = "accuracy"
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    protocols: tuple[str, ...] = ()
    vocabulary: Vocabulary | None = None
    sample: Sample = Sample()
    symbols: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index`` (from 0) of ``size`` sequences."""
        raise NotImplementedError

    def text(self, split: Split) -> Codes:
        """Return the text of a split, (T,) symbols, for models that count.

        Raises:
            SettingsError: where the task's sequences are no text.
        """
        raise SettingsError(
            "This task has no text that could be counted.",
            hint="Take a model that learns by gradient, such as lstm.",
        )

    def evaluation(
        self, split: Split, sequences: int, seed: int, protocol: str | None = None
    ) -> Iterator[Batch]:
        """Yield the fixed set on which a model is judged: ``sequences`` fresh ones, at most 512 at a time.

        Args:
            split: ``"validation"`` or ``"test"``.
            sequences: how many; a task that cannot make as many as it likes (a text) takes what there is.
            seed: of the random streams.
            protocol: one of :attr:`protocols`; None for the first, or where there is none.
        """
        for index, start in enumerate(range(0, sequences, 512)):
            yield self.batch(split, index, min(512, sequences - start), seed)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss over what counts: cross-entropy in nats, or the squared error for values.

        Args:
            outputs: (B, T, O), the model's outputs.
            batch: what they answer to.
        """
        selected, targets = batch.select(outputs)
        if self.spec.outputs == "classes":
            return F.cross_entropy(selected, targets)
        return F.mse_loss(selected.squeeze(-1), targets)

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count what :meth:`metrics` needs; tallies of several batches add up.

        Returns:
            ``targets`` counted, ``correct`` among them, their ``loss`` in all (nats, or squared error), and
            the ``sequences`` with their ``errors`` (sequences in which anything is wrong).
        """
        selected, targets = batch.select(outputs)
        correct = self.is_correct(selected, targets)
        rows = torch.arange(len(batch.inputs), device=outputs.device)
        if batch.mask is not None:
            rows = rows[:, None].expand_as(batch.mask)[batch.mask]
        else:
            rows = rows.repeat_interleave(outputs.shape[1])
        wrong_rows = int(torch.unique(rows[~correct]).numel())
        total = Counter[str]()
        total["loss"] = float(self.loss(outputs, batch)) * len(targets)  # type: ignore[assignment]
        total["targets"] = len(targets)
        total["correct"] = int(correct.sum())
        total["sequences"] = len(batch.inputs)
        total["errors"] = wrong_rows
        return total

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor:
        """Say for each selected output (N, O) whether it is right, as (N,) bool."""
        return selected.argmax(-1) == targets

    def metrics(self, total: Mapping[str, float]) -> dict[str, float]:
        """Turn tallies into figures: loss, accuracy, sequence_accuracy, errors and sequences."""
        return {
            "loss": total["loss"] / total["targets"],
            "accuracy": total["correct"] / total["targets"],
            "sequence_accuracy": 1 - total["errors"] / total["sequences"],
            "errors": int(total["errors"]),
            "sequences": int(total["sequences"]),
        }

"""What every task is: an endless, addressable supply of batches, a loss, and what counts as right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split
from seqlab.errors import SettingsError, TextError
from seqlab.tasks._data import Data, Sample
from seqlab.tasks._forecasting import Answering, Forecast
from seqlab.tasks._guessing import Guess, constant_guess
from seqlab.tasks._judging import USUAL, Metric, Trial
from seqlab.tasks._predicting import Asked
from seqlab.tasks._seeing import Form, Pixels
from seqlab.text.vocabulary import Codes, Vocabulary

AT_ONCE = 512
"""Sequences of a batch, at most, on which a model is judged."""


class Task(ABC):
    """A generator of sequences with known answers.

    A batch is a function of (split, index, size, seed) and of nothing else: batch 1,000 can be had without
    the 999 before it, so a resumed run meets exactly the data it would have met, and two models with the
    same seed meet the same data. Splits draw from different random streams.

    A subclass sets :attr:`spec` and writes :meth:`batch`; its keyword-only constructor arguments are its
    settings.

    Attributes:
        spec: what a model may know.
        stream: whether successive batches continue one another, so that the state is carried (and detached).
        has_test: whether the test set is another than the validation set; if not, a model has been judged
            when it became the best.
        several_are_right: whether more answers than the target may be right at a step.
        trials: the ways in which a finished model is judged besides; the settings of an experiment may add
            others.
        data: what a run records of files that the task reads, else None.
        vocabulary: what symbols print as, where a task knows that.
        sample: what models write while they train, where they go on with a text, symbol by symbol; else None.
        drawn: by option that is not set, the least and the greatest value that training draws in its place;
            pictures over that option show it.
        symbols: what the input symbols are called, where their numbers say nothing.
        answers: what the classes are called, likewise.
        places: by the names of the context what its symbols are called, likewise.
        has_statements: whether statements are told before a question; see :meth:`ask`.
        sees: what its pictures look like, where a user may show one of their own; see :meth:`see`.
        asks_about_pictures: whether a question belongs to each.
        forecasts: whether it forecasts series of numbers; see :meth:`outlook` and :meth:`hindsight`.
        predicts: whether it labels the sequences of a user's file; see :meth:`ask_of_file`.
        scales: of numbers of a user's own, what is taken from a step and what it is divided by
            (``read_mean``, ``read_spread``), and what answers are multiplied by and what is added then
            (``said_factor``, ``said_shift``), where it is the same for all sequences; for exported networks.
        reads: the option that names the file or folder which the task reads, where it reads any.
        packed_by: of seqlab's own tasks, the module of ``seqlab.fused.drawing`` that draws the batches of
            this very class, if any.
        earlier: options that runs of earlier versions do not have among their settings, with what they did.
    """

    component: ClassVar = "task"
    spec: Spec
    stream: bool = False
    has_test: bool = True
    several_are_right: bool = False
    trials: Sequence[Trial] = ()
    data: Data | None = None
    vocabulary: Vocabulary | None = None
    sample: Sample | None = None
    drawn: Mapping[str, tuple[float, float]] = MappingProxyType({})
    symbols: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    places: Mapping[str, Sequence[str]] = MappingProxyType({})
    has_statements: bool = False
    sees: Form | None = None
    asks_about_pictures: bool = False
    forecasts: bool = False
    predicts: bool = False
    scales: Mapping[str, Sequence[float]] = MappingProxyType({})
    reads: ClassVar[str | None] = None
    packed_by: ClassVar[str | None] = None
    earlier: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if callable(vars(cls).get("metrics")):
            raise TypeError(
                f"{cls.__name__}.metrics lists the task's Metrics; the method that returns them is `figures`"
            )
        old = {"metric", "higher_is_better", "bounds", "protocols"} & vars(cls).keys()
        if old:
            raise TypeError(
                f"{cls.__name__}.{min(old)} is not read: `metrics = (Metric(name, higher_is_better, bounds), "
                "...)`, the first of which tells how well the task is done, and `trials = (Trial(...), ...)`"
            )

    @property
    def metrics(self) -> Sequence[Metric]:
        """The figures that :meth:`figures` returns; the first tells how well the task is done.

        A subclass that returns others says so in a class attribute of this name.
        """
        if self.spec.outputs == "values" and type(self).is_correct is not Task.is_correct:
            return (*USUAL["values"], *USUAL["classes"][:3])
        return USUAL[self.spec.outputs]

    @property
    def metric(self) -> Metric:
        """The figure that tells how well the task is done."""
        return self.metrics[0]

    @property
    def loss_unit(self) -> str:
        """What the loss is measured in, as pictures say it."""
        return "squared error" if self.spec.outputs == "values" else "nats"

    @abstractmethod
    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index`` (from 0) of ``size`` sequences."""

    def text(self, split: Split) -> Codes:
        """Return the text of a split, (T,) symbols, for models that count.

        Raises:
            SettingsError: where the task's sequences are no text.
        """
        raise SettingsError(
            "This task has no text that could be counted.",
            hint="Take a model that learns by gradient, such as lstm.",
        )

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the fixed set on which a model is judged: fresh sequences, :data:`AT_ONCE` at a time.

        Args:
            split: ``"validation"`` or ``"test"``.
            sequences: how many; a task that cannot make as many as it likes (a text) takes what there is.
            seed: of the random streams.
        """
        for index, start in enumerate(range(0, sequences, AT_ONCE)):
            yield self.batch(split, index, min(AT_ONCE, sequences - start), seed)

    @property
    def in_text(self) -> bool:
        """Whether questions and answers are texts, so that a user can ask: see :meth:`ask`."""
        return self.spec.writes is not None and self.vocabulary is not None and self.spec.inputs == "tokens"

    def ask(self, text: str) -> Batch:
        """Return a question of a user's as a batch of one row, whose answer is unknown.

        Where the task :attr:`has_statements`, they stand before it, each on a line of its own. The symbol at
        which answers begin may be left out.

        Raises:
            TextError: when the task has no such question.
        """
        vocabulary, writes = self.vocabulary, self.spec.writes
        assert vocabulary is not None
        assert writes is not None
        codes = vocabulary.encode(text).astype(np.int64)
        if not len(codes):
            raise TextError("There is nothing to answer: the text is empty.")
        if codes[-1] != writes.begin:
            codes = np.append(codes, writes.begin)
        inputs, mask = torch.from_numpy(codes)[None], torch.zeros(1, len(codes), dtype=torch.bool)
        mask[:, -1] = True
        return Batch(inputs, torch.zeros_like(inputs), mask)

    def see(self, pixels: Pixels, question: str | None = None) -> Batch:
        """Return a picture of a user's as a batch of one row, whose answer is unknown.

        Args:
            pixels: in the form that the task :attr:`sees`, (R, C, features) from 0 to 1.
            question: about it, where the task :attr:`asks_about_pictures`; else None.

        Raises:
            TextError: when the task has no such question.
        """
        raise NotImplementedError

    def read(self, text: str) -> Codes:
        """Return a text of a user's as it is read, (T,) symbols, where the task has a :attr:`vocabulary`.

        Raises:
            TextError: when it holds what the vocabulary does not know.
        """
        assert self.vocabulary is not None
        return self.vocabulary.encode(text)

    def ask_of_file(self, path: str, encoding: str | None) -> Asked:
        """Return the sequences of a file, whose answers are unknown, where the task :attr:`predicts`.

        Args:
            path: of the file.
            encoding: that it is in; None for that of the file learned from or, where that says none, of its
                byte-order mark.

        Raises:
            TextError: when something is wrong in the file, with its line.
        """
        raise NotImplementedError

    def asked(self, batch: Batch) -> list[str]:
        """Return what each row of a batch asks, as text: the inputs up to the first step that counts."""
        assert self.vocabulary is not None
        assert batch.mask is not None
        firsts = batch.mask.int().argmax(1).tolist()
        read = [row[: first + 1] for row, first in zip(batch.inputs.cpu(), firsts, strict=True)]
        return [self.vocabulary.decode(row[row != PAD].numpy()) for row in read]

    def text_of(self, answer: Codes) -> str:
        """Return an answer as text: symbols that were written, or a class.

        Where there is no vocabulary to decode them, symbols are words.
        """
        writes = self.spec.writes
        if writes is None:
            return self.answers[int(answer[0])]
        if self.vocabulary is None:
            return " ".join(self.answers[symbol] for symbol in answer.tolist() if symbol != writes.end)
        return self.vocabulary.decode(answer)

    def labels(self, batch: Batch) -> Mapping[str, Sequence[str]]:
        """Return by the name of a label what it is of each sequence of a batch, for maps to be coloured by.

        Here that is the answer, where a sequence has one of several; a task that knows more says so.
        """
        if self.spec.outputs != "classes" or batch.targets.dim() > 1:
            return {}
        names = self.answers or [str(number) for number in range(self.spec.output_size)]
        return {"answer": [names[target] for target in batch.targets.tolist()]}

    def outlook(
        self, answer: Answering, steps: int | None = None, table: str | None = None
    ) -> list[Forecast]:
        """Return what follows the last rows of what was learned from, or of another table, column by column.

        Args:
            answer: a trained model.
            steps: how many; None for as many as are forecast at once.
            table: a file of the same columns; None for the task's own.
        """
        raise NotImplementedError

    def hindsight(self, answer: Answering, example: int) -> list[Forecast]:
        """Return forecasts of the test part beside what came, and beside what needs no network.

        Args:
            answer: a trained model.
            example: which of the test part, counted from 0.
        """
        raise NotImplementedError

    def steps_of_a_pass(self, size: int) -> float | None:
        """Return in how many batches of ``size`` all training data are seen once; None if they never end."""
        return None

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what comes of answering without having learned; it is shown beside a model's figures.

        Args:
            sequences: of the test set, as in :meth:`evaluation`.
            seed: of the random streams.
        """
        return constant_guess(self, sequences, seed)

    def guess_written(self, sequences: int, seed: int) -> Guess | None:
        """Return what comes of writing answers without having learned, where the task knows a way to."""
        return None

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss over what counts.

        It is the cross-entropy in nats (for bits, of each bit), or the squared error for values.

        Args:
            outputs: (B, T, O), the model's outputs.
            batch: what they answer to.
        """
        selected, targets = batch.select(outputs)
        if self.spec.outputs == "classes":
            return F.cross_entropy(selected, targets)
        selected = selected.view_as(targets)  # one value is (N, 1) beside (N,)
        if self.spec.outputs == "bits":
            return F.binary_cross_entropy_with_logits(selected, targets)
        return F.mse_loss(selected, targets)

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count what :meth:`figures` needs; tallies of several batches add up.

        Returns:
            ``targets`` counted (each bit, each value), their ``loss`` in all (nats, or squared error), the
            ``sequences`` and, where answers are right or wrong, how many targets are ``correct`` and in how
            many sequences anything is wrong (``errors``).
        """
        selected, targets = batch.select(outputs)
        total = Counter[str]()
        total["loss"] = float(self.loss(outputs, batch)) * targets.numel()  # type: ignore[assignment]
        total["targets"] = targets.numel()
        total["sequences"] = len(batch.inputs)
        correct = self.is_correct(selected, targets)
        if correct is not None:
            rows = torch.arange(len(batch.inputs), device=outputs.device)
            if batch.mask is not None:
                rows = rows[:, None].expand_as(batch.mask)[batch.mask]
            else:
                rows = rows.repeat_interleave(outputs.shape[1])
            total["correct"] = int(correct.sum())
            total["errors"] = int(torch.unique(rows[~correct.view(len(rows), -1).all(1)]).numel())
        return total

    def is_correct(self, selected: Tensor, targets: Tensor) -> Tensor | None:
        """Say for each selected output (N, O) whether it is right, as (N,) bool, or (N, O) for bits.

        None means that answers are nearer or farther, not right or wrong: so it is with values, unless a task
        says otherwise.
        """
        match self.spec.outputs:
            case "classes":
                return selected.argmax(-1) == targets
            case "bits":
                return (selected > 0) == (targets > 0.5)
        return None

    def tally_written(self, written: Sequence[Codes], batch: Batch) -> Counter[str]:
        """Count what :meth:`figures` needs where answers were written: a sequence is right as a whole.

        Args:
            written: of each row the symbols up to the end, which is the last one, if it was written.
            batch: with targets (B, T), which stand where the mask counts.
        """
        counted = np.ones(batch.targets.shape, bool) if batch.mask is None else batch.mask.cpu().numpy()
        wanted = [row[there] for row, there in zip(batch.targets.cpu().numpy(), counted, strict=True)]
        total = Counter[str]()
        total["sequences"] = len(wanted)
        total["targets"] = sum(map(len, wanted))
        for own, right in zip(written, wanted, strict=True):
            both = min(len(own), len(right))
            total["correct"] += int((own[:both] == right[:both]).sum())
            total["errors"] += not np.array_equal(own, right)
        return total

    def together(self, written: Sequence[Codes]) -> dict[str, float]:
        """Return figures that only all answers together have, as BLEU: no sum over batches gives them.

        Args:
            written: the answers to the test set, in its order.
        """
        return {}

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Turn tallies into figures, by the names of :attr:`metrics`; one that has no tally is left out.

        What a model has ``paid`` for its answers, in nats, is part of the loss.
        """
        found: dict[str, float] = {"sequences": int(total["sequences"])}
        if "loss" in total:
            found["loss"] = (total["loss"] + total.get("paid", 0)) / total["targets"]
        if "errors" in total:
            found["accuracy"] = total["correct"] / total["targets"]
            found["sequence_accuracy"] = 1 - total["errors"] / total["sequences"]
            found["errors"] = int(total["errors"])
        if self.spec.outputs == "values" and "loss" in total:
            found["mse"] = found["loss"]
        return found

    def progress(self, loss: float, steps_per_second: float, size: int) -> list[str]:
        """Word how training goes, for a line on the screen.

        Args:
            loss: smoothed, of the training batches.
            steps_per_second: updates made in a second.
            size: sequences of a batch.
        """
        return [f"loss {loss:.4f}", f"{steps_per_second:,.0f} steps/s"]

    def score(self, figures: Mapping[str, float]) -> float:
        """Return what the best weights are chosen by; less is better.

        It is the loss or, where a task reports none, its first metric.
        """
        if "loss" in figures:
            return figures["loss"]
        value = figures[self.metric.name]
        return -value if self.metric.higher_is_better else value

"""Labelled sequences of a user's own: say the class of a text, or of a series of numbers, at its end."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.data import absolute, is_table, plain_lines, read_table
from seqlab.errors import TextError
from seqlab.outside import path_of
from seqlab.tasks._base import Task
from seqlab.tasks._by_hash import SPLITS, parted
from seqlab.tasks._data import Data
from seqlab.tasks._guessing import Guess
from seqlab.tasks._passes import in_passes
from seqlab.tasks._predicting import Asked
from seqlab.tasks.own import _bag, _modules
from seqlab.tasks.own._classes import METRICS, class_figures, counted, on_counts
from seqlab.tasks.own._examples import (
    Examples,
    numbered,
    pairs_of,
    read_asked,
    read_examples,
    require_classes,
)
from seqlab.tasks.own._inputs import Integers, Stored, inputs_of
from seqlab.text.tokens import Tokens
from seqlab.text.vocabulary import Codes

MODULES = "modules"
"""The table that needs no file: lines of the standard library and their modules."""

ROWS = 256
"""Sequences that are judged, or labelled, side by side."""


def table_name(name: str) -> str:
    """Return the name of a table as it holds in every folder."""
    return name if name == MODULES else absolute(name) or name


class Labels(Task):
    r"""Read a sequence and say which of several classes it belongs to.

        inputs    r e t u r n   s e l f END
        target                           argparse

    A sequence is a text, in a row of a table with its label, or numbers in several rows, which a column of
    names holds together. A text is answered behind its last token, at END; numbers at their last step.

    Of the different sequences of each class a tenth is for validation and a tenth for the test, by a hash
    (stratified). Equal sequences fall into one part, so that none is held out that was learned, even where
    their labels differ. Vocabulary, mean and deviation are those of the training part.

    Beside each figure stands logistic regression: on a bag of n-grams, weighed by tf-idf, or on what the
    numbers come to (mean, deviation, extremes, ends, length); and below it the commonest class, which is all
    where scikit-learn is not installed.

    Args:
        table: a file of rows (.csv, .tsv, .jsonl, .parquet), which the settings keep absolute; or
            ``modules``, lines of eight modules of the standard library, to be told apart.
        text: the column of the texts; null for the only one of texts besides the labels.
        label: the column of the labels; null for one called label, class or category.
        group: the column that says to which sequence a row of numbers belongs; null where rows are texts.
        columns: those of the numbers; null for all.
        encoding: of the file; null for that of its byte-order mark, or else UTF-8.
        tokens: what of a text is a symbol: ``char``, ``byte``, or ``word`` (words, and each sign between).
        rare: tokens seen less often in the training part are one symbol, which unknown ones become, too;
            with 0 all are kept, and unknown ones left out.
        longest: steps of a sequence that are read, from its beginning.
        class_weights: ``balanced`` draws every class equally often in training, however many examples it has:
            in the mean that weighs the loss by class. Judging stays as it is.
        fewest: classes with fewer different examples are left out.
        also: a text whose tokens are symbols, too, whether the training part has them or not.

    Attributes:
        answers: the labels, in alphabetical order.

    Raises:
        TextError: when something is wrong in the file, with its line.
        UsageError: when it is not clear which columns are meant.

    >>> task = Labels()
    >>> batch = task.batch("train", 0, size=2, seed=1)
    >>> len(task.answers), tuple(batch.targets.shape), bool(batch.mask[:, -1].all())
    (8, (2,), True)
    """

    metrics = METRICS
    reads = "table"
    predicts = True

    def __init__(
        self,
        *,
        table: Annotated[str, AfterValidator(table_name)] = MODULES,
        text: str | None = None,
        label: str | None = None,
        group: str | None = None,
        columns: Sequence[str] | None = None,
        encoding: str | None = None,
        tokens: Tokens = "char",
        rare: Annotated[int, Field(ge=0)] = 0,
        longest: Annotated[int, Field(ge=1, le=100_000)] = 1000,
        class_weights: Literal["none", "balanced"] = "none",
        fewest: Annotated[int, Field(ge=0)] = 0,
        also: str = "",
    ) -> None:
        found = _examples(table, label, text, group, columns, encoding)
        self._examples = found = require_classes(found, fewest)
        self.answers, classes = numbered(found.labels)
        self._classes: Integers = classes
        self._parts = parted(found.hashes, classes)
        self._inputs = inputs_of(found, self._parts == 0, tokens, rare, also)
        self._stored = self._inputs.store(found)
        self._which = {split: np.flatnonzero(self._parts == part) for part, split in enumerate(SPLITS)}
        self.longest, self.tokens, self.encoding = longest, tokens, encoding
        self.balanced = class_weights == "balanced"
        self.vocabulary, self.scales = self._inputs.vocabulary, self._inputs.scales
        self.spec = Spec(self._inputs.kind, self._inputs.size, "classes", len(self.answers), causal=False)
        self.data = _data(table, found, tuple(self._notes()))

    def _notes(self) -> Iterator[str]:
        """Yield what is to be said of the examples before they are learned."""
        yield on_counts(self.answers, self._classes, self._parts)
        yield from self._examples.notes
        yield from _on_copies(self._examples.hashes, self._classes)
        yield from self._stored.notes
        cut = self._stored.longer_than(self.longest)
        if cut is not None:
            yield cut

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``size`` sequences of a pass; balanced, of classes drawn evenly."""
        which = self._which[split]
        if self.balanced and split == "train":
            random = numpy_stream(seed, "labels", split, "balanced", index)
            classes = random.integers(len(self._by_class), size=size)
            places = random.random(size)
            chosen = [
                self._by_class[one][int(at * len(self._by_class[one]))]
                for one, at in zip(classes, places, strict=True)
            ]
            return self._batch(np.array(chosen))
        return self._batch(which[in_passes(("labels",), len(which), index, size, split, seed)])

    @cached_property
    def _by_class(self) -> list[Integers]:
        """Which sequences of the training part have each class; one that has none there is passed over."""
        which = self._which["train"]
        order = np.argsort(self._classes[which], kind="stable")
        sizes = np.bincount(self._classes[which])
        return np.split(which[order], np.cumsum(sizes[sizes > 0])[:-1])

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield all sequences of a split, those of about one length together; the arguments have no say."""
        which = self._which[split]
        for part in _by_length(which[np.argsort(self._stored.lengths[which], kind="stable")]):
            yield self._batch(part)

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many sequences are read as there are."""
        return len(self._which["train"]) / size

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what logistic regression comes to; see above."""
        commonest = super().guess(sequences, seed)
        if not _bag.is_available():
            return commonest
        assert self.data is not None
        asked = _bag.Question(
            self.data.sha256, self.tokens, self.balanced, self._examples, self._classes, self._parts
        )
        shares = _bag.shares(asked)
        wanted = self._classes[self._which["test"]]
        total = Counter[str](counted(shares.argmax(1), wanted))
        total["loss"] = float(-np.log(shares[np.arange(len(wanted)), wanted]).sum())  # type: ignore[assignment]
        return Guess(_bag.bag_of(self._examples), self.figures(total), (commonest,))

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count by class what is said, wanted and right, and the loss."""
        selected, targets = batch.select(outputs)
        total = counted(selected.argmax(-1).cpu().numpy(), targets.cpu().numpy())
        total["loss"] = float(self.loss(outputs, batch)) * len(targets)  # type: ignore[assignment]
        return total

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return accuracy, balanced accuracy and macro F1, and the loss in nats a sequence."""
        wanted = sum(value for name, value in total.items() if name.startswith("wanted"))
        return {**class_figures(total, len(self.answers)), "loss": total["loss"] / wanted}

    def read(self, text: str) -> Codes:
        """Return a text as it is read, with its end; see :meth:`Task.read`."""
        return self._inputs.read(text)

    def ask_of_file(self, path: str, encoding: str | None) -> Asked:
        """Return the sequences of a file, to be labelled: a table with the columns learned from, or lines."""
        found = _to_be_labelled(path, encoding or self.encoding, self._examples)
        stored = self._inputs.store(found)
        places = np.arange(len(found))
        batches = (self._rows(stored, places[first : first + ROWS]) for first in range(0, len(found), ROWS))
        cut = stored.longer_than(self.longest)
        notes = (*found.notes, *stored.notes, *(() if cut is None else (cut,)))
        if found.texts:
            return Asked(("place", "text"), list(zip(found.places, found.texts, strict=True)), batches, notes)
        return Asked((found.columns["group"][0],), [(place,) for place in found.places], batches, notes)

    def _batch(self, which: Integers) -> Batch:
        return self._rows(self._stored, which, self._classes[which])

    def _rows(self, stored: Stored, which: Integers, classes: Integers | None = None) -> Batch:
        inputs = self._inputs.batch(stored, which, self.longest)
        mask = torch.zeros(inputs.shape[:2], dtype=torch.bool)
        mask[:, -1] = True
        targets = np.zeros(len(which), np.int64) if classes is None else classes
        return Batch(inputs, torch.from_numpy(targets), mask)


def _examples(
    table: str, label: str | None, text: str | None, group: str | None, columns: Sequence[str] | None,
    encoding: str | None,
) -> Examples:  # fmt: skip
    if table == MODULES:
        lines = _modules.labelled_lines()
        texts, labels = zip(*lines, strict=True)
        return Examples(MODULES, [f"{name} {n}" for n, name in enumerate(labels, 1)], texts, (), labels)
    return read_examples(read_table(table, encoding=encoding), label, text, group, columns)


def _to_be_labelled(path: str, encoding: str | None, told: Examples) -> Examples:
    """Return the sequences of a table or, where texts are learned, the lines of any other file."""
    if is_table(path) or not told.texts:
        return read_asked(read_table(path, encoding=encoding), told)
    lines = plain_lines(path, encoding)
    if not lines:
        raise TextError(f"{path} is empty.", hint="Each line is a text to be labelled.")
    return Examples(path, [f"line {number}" for number in range(1, len(lines) + 1)], lines)


def _by_length(which: Integers) -> Iterator[Integers]:
    return (which[first : first + ROWS] for first in range(0, len(which), ROWS))


def _data(table: str, found: Examples, notes: tuple[str, ...]) -> Data:
    """Return what a run records of the examples; the hash is of texts, or numbers, and labels."""
    digest = hashlib.sha256()
    for key, label in zip(found.keys, found.labels, strict=True):
        digest.update(f"{key}\0{label}\0".encode("utf-8", "surrogatepass"))
    source = _modules.source() if table == MODULES else table
    return Data(MODULES if table == MODULES else path_of(table).name, source, digest.hexdigest(), notes=notes)


def _on_copies(hashed: NDArray[np.uint64], classes: Integers) -> Iterator[str]:
    """Say how many sequences stand there more than once, and how many of these have different labels."""
    different = len(np.unique(hashed))
    copies = len(hashed) - different
    if copies:
        yield f"{copies:,} of {len(hashed):,} sequences repeat an earlier one; equal ones are in one part."
        _, labels = np.unique(pairs_of(hashed, classes)[0], return_counts=True)
        if (labels > 1).any():
            yield f"{int((labels > 1).sum()):,} sequences stand there with different labels."

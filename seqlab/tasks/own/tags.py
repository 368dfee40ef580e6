"""Tagged sentences of a user's own: say a tag for every word, as names of people and places have them."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split
from seqlab.data import absolute
from seqlab.errors import TextError
from seqlab.outside import path_of
from seqlab.tasks._base import Task
from seqlab.tasks._by_hash import SPLITS, hashes, parted
from seqlab.tasks._data import Data
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import ACCURACY, LOSS, SHARE, Metric
from seqlab.tasks._passes import in_passes
from seqlab.tasks._predicting import Asked
from seqlab.tasks._rows import side_by_side
from seqlab.tasks.own import _modules, _roles
from seqlab.tasks.own._classes import MACRO_F1, class_figures, counted, on_counts
from seqlab.tasks.own._inputs import Integers
from seqlab.tasks.own._spans import has_spans, spans
from seqlab.tasks.own._tagged import Sentence, read_sentences
from seqlab.text import Vocabulary
from seqlab.text.reading import USUAL
from seqlab.text.vocabulary import RARE, Codes

ROLES = "roles"
"""The sentences that need no file: lines of Python, each token with the part that it plays."""

FEWEST = 10
"""Different sentences that there must be."""

ROWS = 256
"""Sentences that are judged, or tagged, side by side."""

SPAN_F1 = Metric("span_f1", True, SHARE, "span F1")


def file_name(name: str) -> str:
    """Return the name of a file as it holds in every folder."""
    return name if name == ROLES else absolute(name) or name


class Tags(Task):
    r"""Read a sentence and say the tag of each word.

        inputs    self   .      name       =      parser   .      add_argument
        targets   name   other  attribute  other  name     other  method

    The form of the file is that of CoNLL: a word and its tag on each line, an empty line behind each
    sentence. A tag may depend on later words, so models that read in both directions are allowed.

    Of the different sentences a tenth is for validation and a tenth for the test, by a hash; equal ones fall
    into one part. The vocabulary is that of the training part.

    Where the tags are O, B-... and I-... (IOB2), the first figure is the F1 of spans, 2 right / (said +
    wanted), where a span is right that begins, ends and is called as wanted. Beside each figure stands what
    comes of each word's commonest tag in the training part; of a word that is not there, of the commonest of
    rare words.

    Args:
        table: a file of that form, which the settings keep absolute; or ``roles``, lines of three modules of
            the standard library, each token with the part that it plays.
        encoding: of the file; null for UTF-8.
        word: the column of the words, from 1.
        tag: that of the tags; null for the last one.
        rare: words seen less often in the training part are one symbol, which unknown ones become, too.

    Attributes:
        answers: the tags, in alphabetical order.

    Raises:
        TextError: when something is wrong in the file, with its line.

    >>> task = Tags()
    >>> batch = task.batch("train", 0, size=2, seed=1)
    >>> batch.inputs.shape == batch.targets.shape, "parameter" in task.answers
    (True, True)
    """

    reads = "table"
    predicts = True
    vocabulary: Vocabulary

    def __init__(
        self,
        *,
        table: Annotated[str, AfterValidator(file_name)] = ROLES,
        encoding: str | None = None,
        word: Annotated[int, Field(ge=1)] = 1,
        tag: Annotated[int, Field(ge=1)] | None = None,
        rare: Annotated[int, Field(ge=1)] = 2,
    ) -> None:
        sentences = _sentences(table, encoding, word, tag)
        keys = ["\n".join(one.words) for one in sentences]
        self._parts = parted(hashes(keys))
        different = len(set(keys))
        if different < FEWEST:
            several = "" if different == 1 else "s"
            raise TextError(
                f"{table} has {different} different sentence{several}; at least {FEWEST} are wanted, of "
                "which a tenth is held out for validation, and a tenth for the test.",
                hint="An empty line stands behind each sentence.",
            )
        self.word, self.encoding = word, encoding
        self._which = {split: np.flatnonzero(self._parts == part) for part, split in enumerate(SPLITS)}
        self.vocabulary = _vocabulary([sentences[place] for place in self._which["train"].tolist()], rare)
        self.answers = tuple(sorted({tag for one in sentences for tag in one.tags}))
        if len(self.answers) < 2:
            raise TextError(f"{table} has one tag only, {self.answers[0]!r}.", hint="Is task.tag its column?")
        numbers = {tag: number for number, tag in enumerate(self.answers)}
        self._words = [self.vocabulary.encode_units(one.words) for one in sentences]
        self._tags = [np.array([numbers[tag] for tag in one.tags], np.int64) for one in sentences]
        self.marks_spans = has_spans(self.answers)
        self.spec = Spec("tokens", len(self.vocabulary), "classes", len(self.answers), causal=False)
        self.data = _data(table, keys, sentences, tuple(self._notes(keys)))

    @property
    def metrics(self) -> Sequence[Metric]:
        """Accuracy, the mean F1 of tags, and the loss; first the F1 of spans, where tags mark such."""
        usual = (ACCURACY, MACRO_F1, LOSS)
        return (SPAN_F1, *usual) if self.marks_spans else usual

    def _notes(self, keys: Sequence[str]) -> Iterator[str]:
        """Yield what is to be said of the sentences before they are learned."""
        sizes = "/".join(f"{len(which):,}" for which in self._which.values())
        yield f"Sentences for training/validation/test: {sizes}."
        parts = np.repeat(self._parts, [len(tags) for tags in self._tags])
        yield on_counts(self.answers, np.concatenate(self._tags), parts)
        copies = len(keys) - len(set(keys))
        if copies:
            yield f"{copies:,} of {len(keys):,} sentences repeat an earlier one; equal ones are in one part."

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the next ``size`` sentences of a pass, (B, T), PAD in front of shorter ones."""
        which = self._which[split]
        return self._batch(which[in_passes(("tags",), len(which), index, size, split, seed)])

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield all sentences of a split, those of about one length together; the arguments have no say."""
        which = self._which[split]
        which = which[np.argsort([len(self._words[place]) for place in which], kind="stable")]
        for first in range(0, len(which), ROWS):
            yield self._batch(which[first : first + ROWS])

    def steps_of_a_pass(self, size: int) -> float:
        """Return in how many batches of ``size`` as many sentences are read as there are."""
        return len(self._which["train"]) / size

    def guess(self, sequences: int, seed: int) -> Guess:
        """Return what comes of each word's commonest tag, whose probability is its share.

        A word's counts are joined by one more, which is shared out as the tags of all words are.
        """
        train = self._which["train"].tolist()
        words, tags = (np.concatenate([part[at] for at in train]) for part in (self._words, self._tags))
        counts = np.zeros((len(self.vocabulary), len(self.answers)))
        np.add.at(counts, (words, tags), 1.0)
        counts += (counts.sum(0) + 0.5) / (counts.sum() + 0.5 * len(self.answers))
        scores = torch.from_numpy(np.log(counts / counts.sum(1, keepdims=True)))
        total = Counter[str]()
        for batch in self.evaluation("test", sequences, seed):
            total.update(self.tally(scores[batch.inputs.clamp(min=0)], batch))
        return Guess("word's commonest tag", self.figures(total), (super().guess(sequences, seed),))

    @torch.no_grad()
    def tally(self, outputs: Tensor, batch: Batch) -> Counter[str]:
        """Count by tag what is said, wanted and right, the loss and, where tags mark them, the spans."""
        selected, targets = batch.select(outputs)
        said, wanted = selected.argmax(-1).cpu().numpy(), targets.cpu().numpy()
        total = counted(said, wanted)
        total["loss"] = float(self.loss(outputs, batch)) * len(targets)  # type: ignore[assignment]
        if self.marks_spans:
            assert batch.mask is not None
            ends = np.cumsum(batch.mask.sum(1).cpu().numpy())[:-1]
            for own, right in zip(np.split(said, ends), np.split(wanted, ends), strict=True):
                total.update(self._count_spans(own, right))
        return total

    def _count_spans(self, said: Integers, wanted: Integers) -> dict[str, int]:
        own, right = (spans([self.answers[number] for number in tags]) for tags in (said, wanted))
        return {"spans said": len(own), "spans wanted": len(right), "spans right": len(own & right)}

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return accuracy and macro F1, the F1 of spans where there are such, and the loss in nats a word."""
        words = sum(value for name, value in total.items() if name.startswith("wanted"))
        of_classes = class_figures(total, len(self.answers))
        found = {name: of_classes[name] for name in ("accuracy", "macro_f1")}
        if self.marks_spans:
            both = total.get("spans said", 0) + total.get("spans wanted", 0)
            found["span_f1"] = 2 * total.get("spans right", 0) / both if both else math.nan
        return {**found, "loss": total["loss"] / words}

    def read(self, text: str) -> Codes:
        """Return a sentence as it is read, whose words stand between spaces; see :meth:`Task.read`."""
        return self.vocabulary.encode_units(text.split())

    def ask_of_file(self, path: str, encoding: str | None) -> Asked:
        """Return the sentences of a file with a word on each line, whose tags are not known."""
        found = read_sentences(path, encoding or self.encoding, self.word, None)
        unknown = [word for one in found for word in one.words if word not in self.vocabulary]
        cells = [(f"line {one.line + at}", word) for one in found for at, word in enumerate(one.words)]
        words = [self.vocabulary.encode_units(one.words) for one in found]
        batches = (_rows(words[first : first + ROWS]) for first in range(0, len(words), ROWS))
        return Asked(("place", "word"), cells, batches, (_on_unknown(unknown),) if unknown else ())

    def _batch(self, which: Integers) -> Batch:
        places = which.tolist()
        return _rows([self._words[place] for place in places], [self._tags[place] for place in places])


def _rows(words: Sequence[np.ndarray], tags: Sequence[Integers] | None = None) -> Batch:
    """Return sentences side by side; where their tags are not known, they are 0."""
    inputs = side_by_side(words)
    targets = np.zeros_like(inputs) if tags is None else side_by_side(tags, fill=0)
    return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(inputs != PAD))


def _on_unknown(words: Sequence[str]) -> str:
    """Say which words the model takes for one symbol."""
    different = [*dict.fromkeys(words)]
    shown = ", ".join(map(repr, different[:5])) + (", ..." if len(different) > 5 else "")
    count = "1 word is" if len(words) == 1 else f"{len(words):,} words are"
    return f"{count} rare or unknown, which the model takes for one symbol: {shown}."


def _vocabulary(sentences: Sequence[Sentence], rare: int) -> Vocabulary:
    """Return the words of the training part, with a symbol for all others even where none is rare."""
    counts = Counter(word for one in sentences for word in one.words if word != RARE)
    kept = {word: number for word, number in counts.items() if number >= rare}
    kept[RARE] = sum(counts.values()) - sum(kept.values())
    symbols = tuple(sorted(kept))
    return Vocabulary(
        symbols,
        "word",
        USUAL,
        tuple(kept[word] for word in symbols),
        folded=max(1, len(counts) - len(kept) + 1),
    )


def _sentences(table: str, encoding: str | None, word: int, tag: int | None) -> list[Sentence]:
    if table != ROLES:
        return read_sentences(table, encoding, word, -1 if tag is None else tag)
    return [
        Sentence(tuple(word for word, _ in line), tuple(tag for _, tag in line), number)
        for number, line in enumerate(_roles.tagged_lines(), 1)
    ]


def _data(table: str, keys: Sequence[str], sentences: Sequence[Sentence], notes: tuple[str, ...]) -> Data:
    """Return what a run records of the sentences; the hash is of words and tags."""
    digest = hashlib.sha256()
    for key, one in zip(keys, sentences, strict=True):
        digest.update(f"{key}\n\n{chr(10).join(one.tags)}\n\n".encode("utf-8", "surrogatepass"))
    if table == ROLES:
        return Data(ROLES, _modules.source(_roles.MODULES), digest.hexdigest(), notes=notes)
    return Data(path_of(table).name, table, digest.hexdigest(), notes=notes)

"""What language models of all kinds of texts are judged by, and what a run records of a text."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from seqlab.tasks._base import Task
from seqlab.tasks._data import Data
from seqlab.tasks._judging import SHARE, Metric
from seqlab.text import Corpus, Vocabulary, ngram
from seqlab.text.tokens import UNITS
from seqlab.text.vocabulary import Codes

JUDGED = 1_000_000
"""Tokens of the held-out text that are judged, at most: the first ones. Only of texts beyond ten million."""

COUNTED = 2_000_000
"""Tokens of the training text that guessing counts, at most."""

LARGE = 20_000
"""Symbols from which it is said that a vocabulary is large."""


@dataclass(frozen=True)
class CorpusInfo(Data):
    """What a run records of its text; the hash is of the text in UTF-8, as it was read and normalised.

    Attributes:
        characters: its length.
        tokens: what a symbol is: char, byte or word.
        length: its length in tokens.
        symbols: the size of the vocabulary.
        folded: how many different rare tokens are one symbol of it.
        encoding: of the files.
        normalisation: the Unicode form.
        line_ends: whether lines were made to end with a line feed.
    """

    characters: int = 0
    tokens: str = "char"
    length: int = 0
    symbols: int = 0
    folded: int = 0
    encoding: str = "utf-8"
    normalisation: str = "none"
    line_ends: str = "keep"

    @classmethod
    def about(
        cls,
        found: Corpus,
        vocabulary: Vocabulary,
        encoding: str,
        *,
        sha256: str,
        characters: int,
        length: int,
        notes: Iterable[str],
    ) -> CorpusInfo:
        """Return what is recorded of a corpus that has become tokens of a vocabulary."""
        return cls(
            name=found.name,
            source=found.source,
            sha256=sha256,
            stands_in_for=found.stands_in_for,
            reason=found.reason,
            notes=tuple(notes),
            characters=characters,
            tokens=vocabulary.tokens,
            length=length,
            symbols=len(vocabulary),
            folded=vocabulary.folded,
            encoding=encoding,
            normalisation=vocabulary.form.normalisation,
            line_ends=vocabulary.form.line_ends,
        )


class LanguageModel(Task):
    """A task that asks for the next token of a text.

    The loss is in nats per token. With c characters per token in the judged text, the share r of rare tokens
    there, and R different ones folded into one symbol,

        bits per character = (loss + r ln R) / (c ln 2):

    a model that says only "rare" still owes which one, and is charged a guess among all of them.

    Attributes:
        vocabulary: the tokens of the whole text, with counts.
        data: what a run records of the text.
    """

    metrics = (
        Metric("nats_per_character", False, (0.0, None), "nats/char"),
        Metric("bits", False, (0.0, None), "bits/char"),
        Metric("perplexity", False, (1.0, None)),
        Metric("accuracy", True, SHARE),
        Metric("bits_per_token", False, (0.0, None)),
        Metric("loss", False, (0.0, None)),
    )
    reads = "corpus"
    vocabulary: Vocabulary
    data: CorpusInfo

    def figures(self, total: Mapping[str, float]) -> dict[str, float]:
        """Return nats and bits a character, and of tokens the loss in nats, perplexity and accuracy.

        Where tokens are not just characters, also ``bits_per_token``.
        """
        loss = total["loss"] / total["targets"]
        bits = self.bits_per_character(loss)
        figures = {
            "loss": loss,
            "nats_per_character": loss if self._plain else bits * math.log(2),
            "bits": bits,
            "perplexity": math.exp(min(loss, 700.0)),  # e^710 is more than a float holds
            "accuracy": total["correct"] / total["targets"],
        }
        if not self._plain:
            figures["bits_per_token"] = loss / math.log(2)
        return figures

    def bits_per_character(self, loss: float) -> float:
        """Convert nats per token by the equation above."""
        if self._plain:
            return loss / math.log(2)
        rare_nats, characters = self._conversion
        return (loss + rare_nats) / (characters * math.log(2))

    def progress(self, loss: float, steps_per_second: float, size: int) -> list[str]:
        """Word how training goes, in bits per character and characters a second."""
        tokens = len(self.text("train")) / (self.steps_of_a_pass(size) or 1)
        speed = steps_per_second * tokens * self.characters_per_token
        return [
            f"loss {loss:.4f}", f"{self.bits_per_character(loss):.3f} bits/char", f"{speed:,.0f} chars/s"
        ]  # fmt: skip

    @property
    def judged(self) -> Codes:
        """The held-out text as far as it is judged."""
        return self.text("test")[:JUDGED]

    @property
    def characters_per_token(self) -> float:
        """How many characters a token of the judged text has in the mean."""
        return 1.0 if self._plain else self._conversion[1]

    @property
    def _plain(self) -> bool:
        """Whether a token is a character, and each one known."""
        return self.vocabulary.tokens == "char" and not self.vocabulary.folded

    @cached_property
    def _conversion(self) -> tuple[float, float]:
        """Return r ln R and c of the equation above."""
        vocabulary, judged = self.vocabulary, self.judged
        share = np.bincount(judged, minlength=len(vocabulary)) / len(judged)
        rare = 0.0 if vocabulary.rare is None else share[vocabulary.rare] * math.log(vocabulary.folded)
        return float(rare), float(share @ vocabulary.lengths())


@lru_cache(maxsize=1)
def counted(text: bytes, judged: bytes, kind: str, symbols: int) -> tuple[ngram.NGram, Codes]:
    """Count a text once for all trials and seeds: its 3-grams, and the commonest answer to each token."""
    codes, read = np.frombuffer(text, kind), np.frombuffer(judged, kind)
    return ngram.fit(codes, symbols, 3), ngram.commonest_next(codes, read, symbols)


def on_line_ends(replaced: Collection[str]) -> str:
    """Say which ends of lines of a text became line feeds."""
    ends = " or ".join(repr(end)[1:-1] for end in replaced)
    return f"Lines of the text end with {ends}; they are read as \\n."


def on_vocabulary(vocabulary: Vocabulary) -> str | None:
    """Say that a vocabulary is large, where it is."""
    counts = np.array(vocabulary.counts)
    if len(counts) < LARGE:
        return None
    left = {rare: int((counts >= rare).sum()) + 1 for rare in (3, 5, 10, 20, 50)}
    rare = next((rare for rare in left if 1 < left[rare] < len(counts) / 2), None)
    fewer = "" if rare is None else f"; task.rare={rare} leaves {left[rare]:,}, and takes less time"
    return (
        f"There are {len(counts):,} different {UNITS[vocabulary.tokens]}s, each of which is "
        f"scored at every step{fewer}."
    )

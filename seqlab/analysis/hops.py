"""Which sentences of a story a model reads before it answers, hop by hop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seqlab.analysis.symbols import answer_names
from seqlab.contracts import PAD, SUPPORTING, Batch
from seqlab.errors import UsageError
from seqlab.models import SequenceModel, read_batch
from seqlab.tasks import Task


@dataclass(frozen=True)
class Hops:
    """A story of S sentences, a question about it, and where each hop looked.

    Attributes:
        sentences: what was told.
        question: what was asked.
        answer: the likeliest answer.
        probability: its own.
        wanted: the right answer, where it is known.
        weights: by the name of the hop, (S,), which sum to 1.
        supporting: of each sentence whether the answer follows from it; None where that is not known.
    """

    sentences: tuple[str, ...]
    question: str
    answer: str
    probability: float
    wanted: str | None
    weights: Mapping[str, NDArray[np.float64]]
    supporting: tuple[bool, ...] | None

    def to_rows(self) -> Iterator[Sequence[object]]:
        """Yield a heading and then a row for each sentence, for a CSV file."""
        yield "sentence", "told", "supporting", *self.weights
        for place, sentence in enumerate(self.sentences):
            supports = "" if self.supporting is None else int(self.supporting[place])
            yield place + 1, sentence, supports, *(round(float(w[place]), 6) for w in self.weights.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "sentences": list(self.sentences),
            "question": self.question,
            "answer": self.answer,
            "probability": self.probability,
            "wanted": self.wanted,
            "weights": {name: weights.tolist() for name, weights in self.weights.items()},
            "supporting": None if self.supporting is None else list(self.supporting),
        }


@dataclass(frozen=True)
class Found:
    """How often hops read what the answers follow from.

    Attributes:
        hops: by the name of the hop the share of questions whose most read sentence is a supporting one.
        all_found: the share of questions each of whose supporting sentences is the most read of some hop.
        chance: the share that a sentence drawn at random would come to.
        questions: of the test set that were looked at, those whose supporting sentences are known.
    """

    hops: Mapping[str, float]
    all_found: float
    chance: float
    questions: int


@torch.no_grad()
def read_hops(task: Task, model: SequenceModel, batch: Batch, *, is_answered: bool) -> Hops:
    """Let a model answer a batch of one row, and say which sentences it read.

    Args:
        task: with a context of sentences, a line each where it is printed; its answers are classes.
        model: put into evaluation mode.
        batch: of one row.
        is_answered: whether its target is the right answer.

    Raises:
        UsageError: when the model does not look anywhere.
    """
    ((_, story),) = batch.context.items()
    weights = _last(model, batch)
    *sentences, question = task.asked(batch)[0].splitlines()
    scores, _ = read_batch(model, batch)
    probability = scores[0, -1].double().softmax(-1)
    names = answer_names(task)
    there = (story[0] != PAD).any(-1)
    supporting = batch.notes.get(SUPPORTING) if is_answered else None
    return Hops(
        tuple(sentences),
        question,
        names[int(probability.argmax())],
        float(probability.max()),
        names[int(batch.targets[0])] if is_answered else None,
        {hop: found[0, there].double().numpy() for hop, found in weights.items()},
        None if supporting is None else tuple(supporting[0][there].tolist()),
    )


@torch.no_grad()
def find_supporting(task: Task, model: SequenceModel, questions: int, seed: int) -> Found | None:
    """Count how often hops read what the answers follow from; None where no question says what that is.

    Args:
        task: as in :func:`read_hops`.
        model: put into evaluation mode.
        questions: of the test set, at most.
        seed: of the test set.
    """
    right: dict[str, int] = {}
    complete = count = 0
    chance = 0.0
    for batch in task.evaluation("test", questions, seed):
        if SUPPORTING not in batch.notes:
            return None
        supporting = batch.notes[SUPPORTING]
        ((_, story),) = batch.context.items()
        sentences, is_known = (story != PAD).any(-1).sum(1), supporting.any(1)
        read = torch.zeros_like(supporting)
        for hop, weights in _last(model, batch).items():
            most = weights.argmax(1, keepdim=True)
            right[hop] = right.get(hop, 0) + int(supporting.gather(1, most).sum())
            read.scatter_(1, most, value=True)
        complete += int(((read | ~supporting).all(1) & is_known).sum())
        chance += float((supporting.sum(1) / sentences.clamp(min=1)).sum())
        count += int(is_known.sum())
    if not count:
        return None
    shares = {hop: number / count for hop, number in right.items()}
    return Found(shares, complete / count, chance / count, count)


def _last(model: SequenceModel, batch: Batch) -> dict[str, Tensor]:
    """Return where each hop looks at the last step, (B, S); sentences that are forgotten are not read."""
    ((_, story),) = batch.context.items()
    model.eval()
    found = model.alignments(batch.inputs, model.start(batch.context, len(batch.inputs)))
    if not found:
        raise UsageError(
            "This model does not look at the sentences one by one, so there are no hops.",
            hint="Train one that does: seqlab train stories",
        )
    return {
        hop: F.pad(weights[:, -1], (story.shape[1] - weights.shape[2], 0)) for hop, weights in found.items()
    }

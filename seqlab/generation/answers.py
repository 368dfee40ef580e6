"""Answers that a model gives by itself: what was asked is read, then a rule writes up to the end.

Where a task's answers are one of several classes, nothing is written: the likeliest are taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, State, keep_rows
from seqlab.errors import RunFailedError
from seqlab.generation.beam import Beam, Hypothesis
from seqlab.generation.greedy import Greedy
from seqlab.generation.readers import reader_of
from seqlab.generation.writing import write
from seqlab.models import SequenceModel, read_batch
from seqlab.tasks import Task

WIDTH = 8
"""Hypotheses of a beam."""


@torch.no_grad()
def write_answers(
    model: SequenceModel,
    spec: Spec,
    batch: Batch,
    how: Literal["greedy", "beam"],
    *,
    width: int = WIDTH,
    normalise: float = 0.0,
) -> list[list[Hypothesis]]:
    """Let a model answer a batch by itself.

    Args:
        model: put into evaluation mode.
        spec: of the task; it says how answers are written. Where they are not, an answer is a class, and
            stands for what is written.
        batch: what it reads: the context, and the inputs up to the first step that counts.
        how: by which rule.
        width: of the beam.
        normalise: the exponent of the length by which a beam's hypotheses are ranked; see :class:`Beam`.

    Returns:
        For each row what was written, the best first; a greedy rule has one.
    """
    (scores, state), writes = _asked(model, spec, batch), spec.writes
    rows = len(scores)
    if writes is None:
        return _likeliest(scores, 1 if how == "greedy" else width)
    if how == "greedy":
        rule = Greedy(rows, writes.end, writes.longest)
        for _ in write(reader_of(model, state, rows), scores.cpu().numpy(), rule):
            pass
        found = zip(rule.answers(), rule.log_probability.tolist(), strict=True)
        return [[Hypothesis(symbols, told, told)] for symbols, told in found]
    each = torch.arange(rows, device=scores.device).repeat_interleave(width)
    beam = Beam(rows, width, writes.end, writes.longest, normalise=normalise)
    reader = reader_of(model, keep_rows(state, each), rows * width)
    for _ in write(reader, scores[each].cpu().numpy(), beam):
        pass
    return beam.hypotheses()


def write_slowly(model: SequenceModel, spec: Spec, batch: Batch) -> Iterator[Hypothesis]:
    """Let a model answer a batch of one row greedily, as :func:`write_answers` does.

    Yields:
        The answer so far, after each symbol.
    """
    (scores, state), writes = _asked(model, spec, batch), spec.writes
    if writes is None:
        yield _likeliest(scores, 1)[0][0]
        return
    rule = Greedy(1, writes.end, writes.longest)
    for _ in write(reader_of(model, state, 1), scores.cpu().numpy(), rule):
        told = float(rule.log_probability[0])
        yield Hypothesis(rule.answers()[0], told, told)


def best_of(hypotheses: list[list[Hypothesis]]) -> list[NDArray[np.int64]]:
    """Return the symbols of the best hypothesis of each row."""
    return [row[0].symbols if row else np.zeros(0, np.int64) for row in hypotheses]


@torch.no_grad()
def _asked(model: SequenceModel, spec: Spec, batch: Batch) -> tuple[Tensor, State]:
    """Let a model read what is asked; return the scores of the first symbols, (B, V), and the state."""
    model.eval()
    outputs, state = read_batch(model, replace(batch, inputs=questions(batch, spec)))
    return outputs[:, -1].float(), state


def _likeliest(scores: Tensor, count: int) -> list[list[Hypothesis]]:
    """Return the likeliest classes of each row of scores, (B, O)."""
    best, classes = scores.double().log_softmax(-1).topk(min(count, scores.shape[1]))
    return [
        [Hypothesis(np.array([one]), value, value) for one, value in zip(ones, values, strict=True)]
        for ones, values in zip(classes.tolist(), best.tolist(), strict=True)
    ]


def questions(batch: Batch, spec: Spec) -> Tensor:
    """Return what is read before an answer is written: the inputs up to the first step that counts.

    Rows in which that comes earlier are filled with padding in front; steps of padding alone are left out.

    >>> mask = torch.tensor([[False, True, True], [False, False, True]])
    >>> batch = Batch(torch.tensor([[5, 6, 7], [5, 6, 7]]), torch.zeros(2, 3), mask)
    >>> questions(batch, Spec("tokens", 9, "classes", 9, causal=True))
    tensor([[-1,  5,  6],
            [ 5,  6,  7]])
    """
    if batch.mask is None:
        return batch.inputs[:, :1]
    first = batch.mask.int().argmax(1)  # (B,)
    longest = int(first.max())
    place = torch.arange(longest + 1, device=first.device) - (longest - first)[:, None]  # (B, longest + 1)
    if spec.inputs == "features":
        assert bool((place >= 0).all()), "features know no padding: every answer begins at the same step"
        return batch.inputs[:, : longest + 1]
    read = batch.inputs.gather(1, place.clamp(min=0)).masked_fill(place < 0, PAD)
    return read[:, int((read == PAD).all(0).sum()) :]


def evaluate_written(
    model: SequenceModel, task: Task, batches: Iterable[Batch], how: Literal["greedy", "beam"]
) -> dict[str, float]:
    """Return the task's figures over batches that the model answers by itself, symbol by symbol.

    Args:
        model: evaluated as it is, without dropout.
        task: one whose Spec says how answers are written.
        batches: of its test set, none of which continues another.
        how: the rule by which symbols are chosen.

    Raises:
        RunFailedError: when the task's figures need what its ``tally_written`` does not count.
    """
    was_training = model.training
    device = next(model.parameters()).device
    total, every = Counter[str](), list[NDArray[np.int64]]()
    for batch in batches:
        written = best_of(write_answers(model, task.spec, batch.to(device), how))
        total.update(task.tally_written(written, batch))
        every += written
    model.train(was_training)
    try:
        return task.figures(dict(total)) | task.together(
            every
        )  # a Counter would take what nobody has counted for 0
    except KeyError as error:
        raise RunFailedError(
            f"The task's figures need {error} of answers that are written, which nobody counts.",
            hint="Count it in the task's `tally_written`, as in `tally`.",
        ) from error

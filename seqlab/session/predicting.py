"""What a trained model says of the sequences of a user's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.errors import RunFolderError
from seqlab.models import read_batch
from seqlab.runs import Run
from seqlab.session.opening import Session


@dataclass(frozen=True)
class Prediction:
    """The answers to a file's sequences, N of them.

    Attributes:
        columns: what is told of each.
        cells: that, N each.
        answers: what the C classes are called.
        said: the likeliest class of each, (N,).
        shares: the probability of each class, (N, C).
        notes: sentences on what was read.
    """

    columns: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]
    answers: tuple[str, ...]
    said: NDArray[np.int64]
    shares: NDArray[np.float64]
    notes: tuple[str, ...]


@torch.no_grad()
def predictions(run: Run, session: Session, path: str, encoding: str | None) -> Prediction:
    """Return what the model of a session says of the sequences of a file.

    Args:
        run: that it was trained in.
        session: with trained weights.
        path: of the file.
        encoding: that it is in; None for that of its byte-order mark, or else UTF-8.

    Raises:
        RunFolderError: when the run's task labels no sequences of a user's.
        TextError: when something is wrong in the file, with its line.
    """
    task, model = session.task, session.model
    if not task.predicts:
        raise RunFolderError(
            f"{run.id} labels no sequences of yours: its task is {run.info().task}.",
            hint="Train one that does: seqlab train --data FILE --text COLUMN --label COLUMN",
        )
    asked = task.ask_of_file(path, encoding)
    model.eval()
    found = []
    for batch in asked.batches:
        here = batch.to(session.device)
        outputs, _ = read_batch(model, here)
        found.append(here.select(outputs.double())[0].softmax(-1).cpu().numpy())
    shares = np.concatenate(found)
    return Prediction(asked.columns, asked.cells, task.answers, shares.argmax(1), shares, asked.notes)

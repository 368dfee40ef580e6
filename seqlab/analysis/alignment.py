"""Where in a source a model looks while it writes an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.analysis.symbols import answer_names, visible
from seqlab.contracts import PAD, Batch
from seqlab.errors import UsageError
from seqlab.generation.answers import best_of, questions, write_answers
from seqlab.models import SequenceModel, read_batch
from seqlab.tasks import Task


@dataclass(frozen=True)
class Alignment:
    """An answer of T symbols, its end included, beside a source of S places.

    Attributes:
        source: what stands at each place.
        written: the symbols of the answer.
        wanted: the right answer as text, where it is known.
        probability: of each symbol behind those before it, (T,).
        weights: by the name of what looks, (T, S), which sum to 1 over the places.
    """

    source: tuple[str, ...]
    written: tuple[str, ...]
    wanted: str | None
    probability: NDArray[np.float64]
    weights: Mapping[str, NDArray[np.float64]]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The weights in the mean over all that look, (T, S)."""
        mean: NDArray[np.float64] = np.mean(list(self.weights.values()), 0)
        return mean

    def to_rows(self) -> Iterator[Sequence[object]]:
        """Yield a heading and then a row for each weight, for a CSV file."""
        yield "attention", "step", "written", "place", "source", "weight"
        for name, weights in self.weights.items():
            for step, symbol in enumerate(self.written):
                for place, sign in enumerate(self.source):
                    yield name, step, symbol, place, sign, round(float(weights[step, place]), 6)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "source": list(self.source),
            "written": list(self.written),
            "wanted": self.wanted,
            "probability": self.probability.tolist(),
            "weights": {name: weights.tolist() for name, weights in self.weights.items()},
        }


@torch.no_grad()
def align(task: Task, model: SequenceModel, batch: Batch, *, is_answered: bool) -> Alignment:
    """Let a model answer a batch of one row, and say where it looked.

    Args:
        task: with a context of one row of symbols.
        model: put into evaluation mode.
        batch: of one row.
        is_answered: whether its targets are the right answer.

    Raises:
        UsageError: when the model does not look anywhere.
    """
    ((name, signal),) = task.spec.context.items()
    if signal.kind == "features":
        raise UsageError(
            f"What this model looks at, {name}, is {signal.form}: where it looks is shown of symbols only.",
            hint="SequenceModel.alignments gives the weights.",
        )
    (answer,) = best_of(write_answers(model, task.spec, batch, "greedy"))
    asked = questions(batch, task.spec)
    inputs = torch.cat([asked, torch.as_tensor(answer[None, :-1])], 1)
    found = model.alignments(inputs, model.start(batch.context, 1))
    if not found:
        raise UsageError(
            "This model does not look at the source, so there is no alignment.",
            hint="Train one with attention, such as: seqlab train dates model.attention=additive",
        )
    outputs, _ = read_batch(model, replace(batch, inputs=inputs))
    logs = outputs[0, -len(answer) :].double().softmax(-1).numpy()
    source = batch.context[name]
    places = (source[0] != PAD).numpy()
    names, signs = answer_names(task), task.places[name]
    return Alignment(
        tuple(visible(signs[symbol]) for symbol in source[0].numpy()[places]),
        tuple(visible(names[symbol]) for symbol in answer),
        _wanted(task, batch) if is_answered else None,
        logs[np.arange(len(answer)), answer],
        {key: weights[0, -len(answer) :].double().numpy()[:, places] for key, weights in found.items()},
    )


def _wanted(task: Task, batch: Batch) -> str:
    assert batch.mask is not None
    return task.text_of(batch.targets[batch.mask].numpy())

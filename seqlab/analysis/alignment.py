"""Where in a source a model looks while it writes an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.analysis.symbols import answer_names, visible
from seqlab.contracts import PAD, Batch, Spec
from seqlab.errors import UsageError
from seqlab.generation.answers import best_of, questions, write_answers
from seqlab.models import SequenceModel, read_batch
from seqlab.tasks import Task
from seqlab.text.vocabulary import Codes


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


@dataclass(frozen=True)
class Looked:
    """What a model wrote, and where it looked.

    Attributes:
        symbols: of the answer, (T,), its end included.
        probability: of each behind those before it, (T,).
        weights: by the name of what looks, (T, S) over all places of the context; of a model that does not
            look there are none.
    """

    symbols: Codes
    probability: NDArray[np.float64]
    weights: Mapping[str, NDArray[np.float64]]


@torch.no_grad()
def look_while_writing(model: SequenceModel, spec: Spec, batch: Batch) -> Looked:
    """Let a model answer a batch of one row, the likeliest symbol each time, and say where it looked.

    Args:
        model: put into evaluation mode.
        spec: of its task.
        batch: of one row.
    """
    (answer,) = best_of(write_answers(model, spec, batch, "greedy"))
    inputs = torch.cat([questions(batch, spec), torch.as_tensor(answer[None, :-1])], 1)
    found = model.alignments(inputs, model.start(batch.context, 1))
    outputs, _ = read_batch(model, replace(batch, inputs=inputs))
    steps = len(answer)
    probability = outputs[0, -steps:].double().softmax(-1).numpy()[np.arange(steps), answer]
    weights = {name: weights[0, -steps:].double().numpy() for name, weights in found.items()}
    return Looked(answer, probability, weights)


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
            f"What this model looks at, {name}, is {signal.form}: where it looks is shown of symbols and of "
            "pictures only.",
            hint="SequenceModel.alignments gives the weights.",
        )
    looked = look_while_writing(model, task.spec, batch)
    if not looked.weights:
        raise UsageError(
            "This model does not look at the source, so there is no alignment.",
            hint="Train one with attention, such as: seqlab train dates model.attention=additive",
        )
    source = batch.context[name]
    places = (source[0] != PAD).numpy()
    names, signs = answer_names(task), task.places[name]
    return Alignment(
        tuple(visible(signs[symbol]) for symbol in source[0].numpy()[places]),
        tuple(visible(names[symbol]) for symbol in looked.symbols),
        wanted_of(task, batch) if is_answered else None,
        looked.probability,
        {key: weights[:, places] for key, weights in looked.weights.items()},
    )


def wanted_of(task: Task, batch: Batch) -> str:
    """Return the right answer of a batch of one row, as text."""
    _, targets = batch.select(torch.empty(*batch.inputs.shape[:2], 1))
    return task.text_of(targets.numpy())

"""Maps: what a model makes of sequences, or of words, in two dimensions; and who lies beside whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.analysis.vectors import vectors_of
from seqlab.contracts import State
from seqlab.errors import SettingsError, UsageError
from seqlab.models import SequenceModel, read_batch
from seqlab.tasks import Task
from seqlab.text import Vocabulary

Method = Literal["pca", "tsne"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Vectors with what they stand for.

    Attributes:
        kind: what they are, in words.
        vectors: (N, D).
        texts: of each what it stands for; empty where that is no text.
        labels: by name of a label, what it is of each.
    """

    kind: str
    vectors: Floats
    texts: tuple[str, ...]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Company:
    """How often the nearest point has the same label.

    Attributes:
        share: of the points whose nearest has it.
        chance: the same share, were the nearest any other point.
        labels: how many different ones there are.
    """

    share: float
    chance: float
    labels: int


@torch.no_grad()
def map_of_states(model: SequenceModel, task: Task, count: int, seed: int) -> Points:
    """Return what a model has in mind at the end of the source of test sequences, or of the sequences.

    Raises:
        SettingsError: when that is no vector of a fixed size.
    """
    batch = task.batch("test", 0, count, seed)
    if task.spec.context:
        kind, state = "states at the end of the source", model.start(batch.context, count)
    else:
        kind, state = "states at the end of the sequence", read_batch(model, batch)[1]
    texts = tuple(task.asked(batch)) if task.in_text else ()
    return Points(kind, _flat(state), texts, task.labels(batch))


def map_of_words(model: SequenceModel, name: str, vocabulary: Vocabulary, count: int) -> Points:
    """Return the vectors of the most frequent words, without signs and what is rare."""
    vectors = vectors_of(model, name).cpu().double().numpy()
    words = [place for place, symbol in enumerate(vocabulary.symbols) if symbol.isalpha()]
    words.sort(key=lambda place: -vocabulary.counts[place])
    chosen = words[:count]
    texts = tuple(vocabulary.symbols[place] for place in chosen)
    labels = {
        "first letter": [text[0].lower() for text in texts],
        "length": [str(len(text)) for text in texts],
    }
    return Points("vectors of words", vectors[chosen], texts, labels)


def project(vectors: Floats, method: Method, seed: int) -> Floats:
    """Return vectors in two dimensions, (N, 2).

    Principal components: the plane in which the points are spread the most. t-SNE: points that lie near one
    another stay so, distances of far ones mean nothing (van der Maaten & Hinton 2008).

    Raises:
        UsageError: when t-SNE is asked for and scikit-learn is not installed.

    >>> x = np.array([[0.0, 0, 0], [3, 0, 0], [0, 1, 0], [3, 1, 0]])
    >>> np.abs(project(x, "pca", seed=1)).round(1).tolist()
    [[1.5, 0.5], [1.5, 0.5], [1.5, 0.5], [1.5, 0.5]]
    """
    centred = vectors - vectors.mean(0)
    if method == "pca":
        _, _, axes = np.linalg.svd(centred, full_matrices=False)
        axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]  # else a matter of luck
        plane: Floats = centred @ axes[:2].T
        return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise UsageError(
            "t-SNE is scikit-learn's, which is not installed.",
            hint="pip install 'seqlab[analysis]', or --method pca, which needs nothing.",
        ) from None
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    found: Floats = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(centred)
    return found.astype(np.float64)


def company(points: Points) -> dict[str, Company]:
    """Return for each kind of label how often the nearest point has the same; in all dimensions.

    >>> vectors = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> company(Points("", vectors, (), {"side": ["left", "left", "right", "right"]}))
    {'side': Company(share=1.0, chance=0.333..., labels=2)}
    """
    squares = (points.vectors**2).sum(1)
    distances = squares[:, None] + squares - 2 * points.vectors @ points.vectors.T
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(1)
    found = {}
    for name, values in points.labels.items():
        _, number, counts = np.unique(np.array(values), return_inverse=True, return_counts=True)
        total = len(number)
        chance = float((counts * (counts - 1)).sum()) / (total * (total - 1))
        found[name] = Company(float((number == number[nearest]).mean()), chance, len(counts))
    return found


def _flat(state: State) -> Floats:
    """Return the vectors of a state side by side, (N, D); what has places, as a memory, is none."""
    parts: list[Tensor] = [
        torch.view_as_real(part).flatten(1) if part.is_complex() else part
        for group in state
        for part in group
        if part.dim() == 2 and (part.is_floating_point() or part.is_complex())
    ]
    if not parts:
        raise SettingsError(
            "What this model remembers is no vector of a fixed size, so there is nothing to map.",
            hint="Take a recurrent model; or seqlab map RUN --words, where it reads words.",
        )
    return torch.cat(parts, 1).cpu().double().numpy()

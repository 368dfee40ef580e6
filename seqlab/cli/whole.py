"""What `seqlab sample` says of whole lines, blocks or records: how many are new, and how new they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqlab.cli.console import tell
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.generation.rule import Symbols
    from seqlab.runs import Run
    from seqlab.text import Vocabulary


COMPARED = 50
"""Held-out texts whose distance from the training part is taken, at least."""


def writes_whole(vocabulary: Vocabulary, stop: str) -> bool:
    """Say whether texts are whole: they end with the symbol that stands for their beginning, too."""
    return bool(stop) and stop == vocabulary.start


def novelty(
    run: Run, model: str | None, texts: Sequence[Symbols], ends: Sequence[int], *, anyway: bool
) -> dict[str, Any] | None:
    """Return how many whole texts stand in the training part of a run, and how far the others are from it.

    Args:
        run: that wrote them.
        model: the user's own file behind the run's model, or None.
        texts: each with its end, where it came to one.
        ends: the symbol of it.
        anyway: whether other data are taken, too.

    Returns:
        ``texts``, how many are in ``training``, ``new`` and ``different``; the medians of the ``distance`` of
        the new ones from the nearest training text, in edits of tokens, and of held-out texts, as many or
        :data:`COMPARED` (``held_out_distance``), None where there is too much to look through. None where the
        data are gone.
    """
    import numpy as np

    from seqlab.errors import SeqlabError
    from seqlab.generation.nearest import MOST, distances, stretches_between
    from seqlab.session import reopen

    (end,) = ends
    try:
        task = reopen(run, model, anyway=anyway).task
    except SeqlabError as error:
        tell(f"Whether they are new is not known: {error.message}")
        return None
    training, held_out = task.text("train"), task.text("test")
    known = {
        training[start : start + length].astype(np.int64).tobytes()
        for start, length in zip(*stretches_between(training, end), strict=True)
    }
    written = [text[text != end].astype(np.int64) for text in texts]
    fresh = [text for text in written if text.tobytes() not in known]
    others = [
        held_out[start : start + length]
        for start, length in zip(*stretches_between(held_out, end), strict=True)
    ][: max(len(fresh), COMPARED)]
    medians: list[float | None] = [None, None]
    if fresh and len(training) <= MOST:
        with doing("looking for the nearest of the training part"):
            medians = [float(np.median(list(distances(training, end, some)))) for some in (fresh, others)]
    return {
        "texts": len(written),
        "training": len(written) - len(fresh),
        "new": len(fresh),
        "different": len({text.tobytes() for text in fresh}),
        "distance": medians[0],
        "held_out_distance": medians[1],
    }


def tell_novelty(found: dict[str, Any]) -> None:
    """Say in a line what :func:`novelty` has found."""
    new, different = found["new"], found["different"]
    among = "" if different == new else f" ({different} of them different)"
    said = f"Of {found['texts']}, {found['training']} stand in the training part and {new} are new{among}."
    if found["distance"] is not None:
        said += (
            " The median edit distance from the nearest of the training part is "
            f"{found['distance']:g} for the new ones, and {found['held_out_distance']:g} for held-out ones."
        )
    tell(said)

"""What `seqlab inspect` shows of a model with a memory: what its heads write and read, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.pictures import point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.cli.pictures import Album
    from seqlab.models import SequenceModel
    from seqlab.runs import Run
    from seqlab.session import Session

ALL_STEPS = 60
"""Of sequences up to this long every step is printed."""


def has_heads(model: SequenceModel) -> bool:
    """Say whether a model has a memory that can be watched."""
    from seqlab.models import SequenceModel

    return type(model).heads is not SequenceModel.heads


def show_heads(
    run: Run, session: Session, text: str | None, example: int, album: Album, *, as_json: bool
) -> None:
    """Show what the heads did in a sequence, as a table, a picture and a file of numbers.

    Args:
        run: the run.
        session: with its trained model.
        text: what a user wants to have read; None for a sequence of the test set.
        example: its number, from 0.
        album: where pictures go.
        as_json: whether all is printed as JSON.
    """
    import torch

    from seqlab.analysis.heads import watch
    from seqlab.analysis.symbols import read_symbols
    from seqlab.cli.alignment import example_of
    from seqlab.contracts import Batch
    from seqlab.figures.heads import heads_figure

    task = session.task
    if text is None:
        batch = example_of(session, example)
    else:
        inputs = read_symbols(task, text)
        nothing = torch.zeros(inputs.shape[:2], dtype=torch.bool)
        batch = Batch(inputs, torch.zeros_like(inputs), nothing)
    with doing("reading"):
        found = watch(task, session.model, batch)
    paths = album.keep({"heads": heads_figure(found, run.id)})
    paths.append(album.keep_rows("heads", found.to_rows()))
    if as_json:
        return show_json({"run": run.id, **found.to_dict(), "figures": paths})
    shown = found.steps if found.steps <= ALL_STEPS else ALL_STEPS // 2
    rows = [
        [str(step)]
        + [f"{int(weights[step].argmax())} ({weights[step].max():.2f})" for weights in found.weights.values()]
        for step in range(shown)
    ]
    show_table(("step", *(f"{name}, slot (weight)" for name in found.weights)), rows)
    if shown < found.steps:
        say(f"{found.steps - shown} more steps stand in the files.")
    return point_to(paths, f"seqlab inspect {run.id} --example {example + 1}, or seqlab show {run.id}")

"""What `seqlab inspect` shows of a model that reads a source and writes: where it looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.pictures import point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.analysis.alignment import Alignment
    from seqlab.cli.pictures import Album
    from seqlab.contracts import Batch
    from seqlab.runs import Run
    from seqlab.session import Session


def show_alignment(
    run: Run, session: Session, text: str | None, example: int | None, album: Album, *, as_json: bool
) -> None:
    """Show where a model looked while it wrote an answer, as a table, a picture and a file of numbers.

    Args:
        run: the run.
        session: with its trained model.
        text: what a user asks; None for a question of the test set.
        example: its number, counted from 0; None for the first.
        album: where pictures go.
        as_json: whether all is printed as JSON.
    """
    from seqlab.analysis.alignment import align
    from seqlab.figures.alignment import alignment_figure

    task = session.task
    batch = example_of(session, example or 0) if text is None else task.ask(text)
    with doing("answering"):
        found = align(task, session.model, batch, is_answered=text is None)
    paths = album.keep({"alignment": alignment_figure(found, run.id)})
    paths.append(album.keep_rows("alignment", found.to_rows()))
    if as_json:
        return show_json({"run": run.id, **found.to_dict(), "figures": paths})
    _say(found, task.asked(batch)[0])
    return point_to(
        paths, f'seqlab inspect {run.id} --input "QUESTION", or seqlab answer {run.id} "QUESTION"'
    )


def example_of(session: Session, number: int) -> Batch:
    """Return a row of the test set, on which the run was judged, as a batch.

    Raises:
        UsageError: when it has fewer.
    """
    from seqlab.errors import UsageError

    experiment, row = session.experiment, number
    count = experiment.training.test_sequences
    for batch in session.task.evaluation("test", count, experiment.seed):
        if row < len(batch.inputs):
            return batch.row(row)
        row -= len(batch.inputs)
    raise UsageError(
        f"There is no sequence {number} in the test set of {number - row:,}, counted from 0.",
        hint="Take a smaller --example.",
    )


def _say(found: Alignment, asked: str) -> None:
    """Print of each symbol of the answer at which place its weight is the greatest."""
    places, mean = found.mean.argmax(1), found.mean
    rows = [
        (
            *(str(step), symbol, f"{found.probability[step]:.3f}"),
            *(found.source[place], str(place), f"{mean[step, place]:.3f}"),
        )
        for step, (symbol, place) in enumerate(zip(found.written, places.tolist(), strict=True))
    ]
    say(f"asked: {asked}" + ("" if found.wanted is None else f"\nwanted: {found.wanted}"))
    several = len(found.weights)
    weight = "weight" if several == 1 else f"weight, mean of {several} heads"
    show_table(("step", "written", "probability", "looks at", "place", weight), rows)

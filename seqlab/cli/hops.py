"""What `seqlab inspect` shows of a model that is told a story: which sentences it read, hop by hop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqlab.cli.alignment import example_of
from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.language_model import harmless
from seqlab.cli.pictures import point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.analysis.hops import Found, Hops
    from seqlab.cli.pictures import Album
    from seqlab.runs import Run
    from seqlab.session import Session


def show_hops(
    run: Run,
    session: Session,
    text: str | None,
    example: int | None,
    sequences: int,
    album: Album,
    *,
    as_json: bool,
) -> None:
    """Show which sentences a model read before it answered, as a table, a picture and a file of numbers.

    Args:
        run: the run.
        session: with its trained model.
        text: a story and a question of a user's; None for a question of the test set.
        example: its number, counted from 0; None for the first.
        sequences: questions of the test set on which it is counted how often what was read is what supports.
        album: where pictures go.
        as_json: whether all is printed as JSON.
    """
    from seqlab.analysis.hops import find_supporting, read_hops
    from seqlab.figures.hops import hops_figure

    task = session.task
    batch = example_of(session, example or 0) if text is None else task.ask(text)
    with doing("reading"):
        hops = read_hops(task, session.model, batch, is_answered=text is None)
        found = find_supporting(task, session.model, sequences, session.experiment.seed)
    paths = album.keep({"hops": hops_figure(hops, run.id)})
    paths.append(album.keep_rows("hops", hops.to_rows()))
    if as_json:
        counted = None if found is None else vars(found)
        return show_json({"run": run.id, **hops.to_dict(), "found": counted, "figures": paths})
    _say(hops, found)
    return point_to(paths, f"seqlab inspect {run.id} --example {(example or 0) + 1}, or seqlab ask {run.id}")


def _say(hops: Hops, found: Found | None) -> None:
    """Print how much of each sentence each hop read, and how often that is what an answer follows from."""
    marks = hops.supporting or [False] * len(hops.sentences)
    rows = [
        (
            str(place),
            sentence,
            "yes" * mark,
            *(f"{weights[place - 1]:.2f}" for weights in hops.weights.values()),
        )
        for place, (sentence, mark) in enumerate(zip(hops.sentences, marks, strict=True), 1)
    ]
    show_table(("", "told", "supporting", *hops.weights), rows)
    wanted = "" if hops.wanted is None else f", wanted: {hops.wanted}"
    say(harmless(f"{hops.question} {hops.answer}, probability {hops.probability:.3f}{wanted}"))
    if found is not None:
        shares = ", ".join(f"{hop} {share:.1%}" for hop, share in found.hops.items())
        say(
            f"The most read sentence is a supporting one: {shares} of {found.questions:,} test questions "
            f"(by chance {found.chance:.1%}); all supporting ones are read in {found.all_found:.1%}."
        )

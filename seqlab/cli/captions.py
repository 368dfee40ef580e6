"""What `seqlab inspect` shows of a model that sees a picture and writes: where it looked at each word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqlab.cli.alignment import example_of
from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.pictures import point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.analysis.captions import Caption, Found
    from seqlab.cli.pictures import Album
    from seqlab.contracts import Batch, Spec
    from seqlab.runs import Run
    from seqlab.session import Session


def has_picture(spec: Spec) -> bool:
    """Say whether a picture is known before the first step."""
    from seqlab.analysis.captions import picture_of

    return picture_of(spec) is not None


def show_caption(
    run: Run,
    session: Session,
    example: int,
    shown: Batch | None,
    sequences: int,
    album: Album,
    *,
    as_json: bool,
) -> None:
    """Show where a model looked at each word that it wrote, as a table, a picture and a file of numbers.

    Args:
        run: the run.
        session: with its trained model.
        example: number of a picture of the test set, counted from 0.
        shown: a user's picture, which is taken instead.
        sequences: test captions on which it is counted how often what is looked at is what is named.
        album: where pictures go.
        as_json: whether all is printed as JSON.
    """
    from seqlab.analysis.captions import find_named, read_caption
    from seqlab.figures.captions import caption_figure

    task = session.task
    with doing("writing"):
        batch = example_of(session, example) if shown is None else shown
        caption = read_caption(task, session.model, batch, is_answered=shown is None)
        found = find_named(task, session.model, sequences, session.experiment.seed)
    paths = album.keep({"caption": caption_figure(caption, run.id)})
    paths.append(album.keep_rows("caption", caption.to_rows()))
    if as_json:
        counted = None if found is None else vars(found)
        return show_json({"run": run.id, **caption.to_dict(), "found": counted, "figures": paths})
    if task.asks_about_pictures and shown is None:
        say(f"asked: {task.asked(batch)[0]}")
    _say(caption, found)
    asked = '--input "QUESTION" ' if task.asks_about_pictures else ""
    return point_to(paths, f"seqlab inspect {run.id} --example {example + 1}, or {asked}--image FILE")


def _say(caption: Caption, found: Found | None) -> None:
    """Print of each word where its weight is the greatest, and how often that is what is named."""
    said = {True: "yes", False: "no", None: "names nothing"}
    rows, is_known = [], caption.boxes is not None
    for name, weights in caption.weights.items():
        peaks, hits = caption.peaks(name).tolist(), caption.is_on_it(name)
        for step, word in enumerate(caption.written):
            probability, weight = caption.probability[step], weights[step].max()
            place = "row {}, column {}".format(*peaks[step])
            hit = (said[hits[step]],) if is_known else ()
            rows.append((name, str(step), word, f"{probability:.3f}", place, f"{weight:.3f}", *hit))
    head = ("what looks", "step", "written", "probability", "looks at pixel", "weight")
    show_table((*head, "is of it") if is_known else head, rows)
    if caption.wanted is not None:
        say(f"wanted: {caption.wanted}")
    if found is not None:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in found.shares.items())
        say(
            f"The place that is looked at most is of what is named: {shares} of {found.words:,} words in "
            f"{found.captions:,} test captions (by chance {found.chance:.1%})."
        )

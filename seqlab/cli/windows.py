"""What `seqlab inspect` shows of a model that sees parts of a picture, or draws one: where, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqlab.cli.alignment import example_of
from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.pictures import point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.analysis.windows import Found, Path
    from seqlab.cli.pictures import Album
    from seqlab.contracts import Batch
    from seqlab.models import SequenceModel
    from seqlab.runs import Run
    from seqlab.session import Session

SHOWN = 4
"""Pictures of the test set that are shown, where none is named."""


def has_windows(model: SequenceModel) -> bool:
    """Say whether a model sees parts of a picture at a time, or changes them."""
    from seqlab.models import SequenceModel

    return type(model).windows is not SequenceModel.windows


def show_windows(
    run: Run,
    session: Session,
    example: int | None,
    shown: Batch | None,
    sequences: int,
    album: Album,
    *,
    as_json: bool,
) -> None:
    """Show what a model saw of pictures, step by step, as a table, a picture and a file of numbers.

    Args:
        run: the run.
        session: with its trained model.
        example: number of a picture of the test set, counted from 0; None for the first few.
        shown: a user's picture, which is taken instead.
        sequences: test pictures on which it is counted how often it looks at what it is asked for.
        album: where pictures go.
        as_json: whether all is printed as JSON.
    """
    from seqlab.analysis.windows import find_looks, follow, to_rows
    from seqlab.figures.windows import windows_figure

    numbers = list(range(SHOWN)) if example is None else [example]
    with doing("looking"):
        batches = [example_of(session, number) for number in numbers] if shown is None else [shown]
        paths = [follow(session.task, session.model, batch, is_answered=shown is None) for batch in batches]
        found = find_looks(session.task, session.model, sequences, session.experiment.seed)
    labels = list(map(str, numbers)) if shown is None else ["yours"]
    files = album.keep({"windows": windows_figure(paths, run.id)})
    files.append(album.keep_rows("windows", to_rows(dict(zip(labels, paths, strict=True)))))
    if as_json:
        told = [path.to_dict() for path in paths]
        examples = {} if shown is not None else {"examples": numbers}
        counted = None if found is None else vars(found)
        return show_json({"run": run.id, **examples, "pictures": told, "found": counted, "figures": files})
    _say(labels, paths, found)
    own = "" if session.task.sees is None else ", or --image FILE"
    return point_to(files, f"seqlab inspect {run.id} --example {numbers[-1] + 1}{own}")


def _say(labels: Sequence[str], paths: Sequence[Path], found: Found | None) -> None:
    """Print of each step the middles of the windows and what would be said, or what has been paid."""
    names = list(paths[0].windows)
    said = ("would say", "probability") if paths[0].said else ()
    wanted = ("wanted",) if any(path.wanted is not None for path in paths) else ()
    cost = ("nats of the code so far", "of the pixels") if paths[0].drawn is not None else ()
    rows = [
        (
            label,
            str(step),
            *("{:.1f}, {:.1f}".format(*path.middles(name)[step]) for name in names),
            *((path.said[step], f"{path.probability[step]:.3f}") if said else ()),
            *((path.wanted or "",) if wanted else ()),
            *((f"{path.paid[step]:.2f}", f"{path.missing[step]:.2f}") if cost else ()),
        )
        for label, path in zip(labels, paths, strict=True)
        for step in range(path.steps)
    ]
    places = (f"{name}, row and column" for name in names)
    show_table(("picture", "step", *places, *said, *wanted, *cost), rows)
    if found is None:
        return
    for name, shares in found.shares.items():
        steps = ", ".join(f"{share:.1%}" for share in shares)
        say(
            f"The middle of the {name} is on what is asked for in {steps} of {found.pictures:,} test "
            "pictures, step by step."
        )

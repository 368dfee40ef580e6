"""What `seqlab sample` does with a model that draws: a sheet of pictures that nobody has shown it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seqlab.cli import options
from seqlab.cli.console import show_json
from seqlab.cli.pictures import Album, point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.runs import Run

USUAL, MOST = 25, 1000
"""Pictures of a sheet: as many as are usual, and at most."""


def drawing_run(reference: str | None) -> Run | None:
    """Return the run that is meant, if its model draws pictures."""
    from seqlab.errors import RunFolderError
    from seqlab.runs import find_run

    try:
        found = None if reference is None else find_run(reference)
    except RunFolderError:
        return None  # which is said where a language model is looked for
    return found if found is not None and found.info().extra.get("draws") else None


def refuse_words(run: Run, given: Mapping[str, object]) -> None:
    """Refuse options that are for texts.

    Raises:
        UsageError: naming the first that was given.
    """
    from seqlab.errors import UsageError

    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} is for texts, but {run.id} draws pictures.", hint="Leave it out.")


def show_sheet(
    run: Run,
    count: int | None,
    seed: int,
    checkpoint: options.Weights,
    model: str | None,
    output: Path | None,
    *,
    anyway: bool,
    as_json: bool,
) -> None:
    """Draw pictures from codes that are drawn at random, and keep them as one, in PNG.

    Args:
        run: whose model draws.
        count: how many; None for as many as are usual.
        seed: of the codes.
        checkpoint: which weights.
        model: the user's own file that the model came from.
        output: the file; None for one in the run's folder.
        anyway: whether to take the file of the model although it has changed.
        as_json: whether the shades of all pixels are printed as JSON.

    Raises:
        UsageError: when there are more than fit on a sheet.
    """
    from seqlab.errors import UsageError
    from seqlab.figures.sheet import sheet_figure
    from seqlab.session import reopen
    from seqlab.session.drawing import imagined
    from seqlab.session.trained import load_trained

    if count is not None and count > MOST:
        raise UsageError(
            f"--count is {count:,}, but a sheet has up to {MOST:,} pictures.",
            hint="Others come with another --seed.",
        )
    options.admit_plugins(run, model, None, anyway=anyway)
    session = reopen(run, model, None, anyway=anyway)
    load_trained(run, session.model, session.experiment, checkpoint)
    with doing("drawing"):
        pictures = imagined(session, USUAL if count is None else count, seed)
    place = run.figures / "sheet.png" if output is None else output
    album = Album(place.parent, [place.suffix.removeprefix(".") or "png"])
    paths = album.keep({place.stem: sheet_figure(pictures, f"{run.id}, seed {seed}")})
    if as_json:
        told = {"run": run.id, "checkpoint": checkpoint, "seed": seed, "pictures": pictures.tolist()}
        return show_json({**told, "figures": paths})
    return point_to(paths, f"seqlab sample {run.id} --seed {seed + 1}, or seqlab inspect {run.id}")

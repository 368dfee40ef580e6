"""`seqlab map`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.pictures import Album, Formats, Title, point_to
from seqlab.doing import doing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqlab.analysis.maps import Company, Points
    from seqlab.session import Session


def map_(
    run: options.NamedRun = "latest",
    by: Annotated[
        str | None, typer.Option(help="The label that gives the colours; default: the task's first.")
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Vectors of the most frequent words instead of states.")
    ] = False,
    method: Annotated[
        Literal["pca", "tsne"], typer.Option(help="Principal components, or t-SNE (extra `analysis`).")
    ] = "pca",
    count: Annotated[int, typer.Option("--count", "-n", min=4, max=5000, help="How many points.")] = 500,
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    title: Title = None,
    formats: Formats = None,
    output: options.PictureFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Map what a trained model has in mind: its states after test sequences, or its vectors of words.

    The states are those at the end of the source, where the task has one, else at the end of the sequence.
    How often the nearest point has the same label, in all dimensions, is told beside chance.

    Examples: seqlab map / seqlab map latest --by year --method tsne / seqlab map latest --words
    """
    from seqlab.analysis.maps import company, project
    from seqlab.figures.map import map_figure
    from seqlab.session import reopen_trained

    found = options.the_run(run)
    options.admit_plugins(found, model, task, anyway=anyway)
    session = reopen_trained(found, model, task, anyway=anyway)
    with doing("reading what is to be mapped"):
        points = _points(session, words, count)
    label = _label(points, by)
    with doing("bringing it into two dimensions"):
        places = project(points.vectors, method, session.experiment.seed)
    beside = company(points)
    above = f"{found.id}\n{points.kind}, {'t-SNE' if method == 'tsne' else 'principal components'}"
    shown = points.texts if points.kind == "vectors of words" else ()
    figure = map_figure(places, points.labels.get(label or "", ()), label or "", above, shown)
    album = Album(found.figures if output is None else output, formats, title)
    name = f"map-{method}"
    rows = _rows(points, places)
    table = [tuple(rows[0]), *(tuple(row.values()) for row in rows)]
    paths = [*album.keep({name: figure}), album.keep_rows(name, table)]
    if as_json:
        return show_json(
            {
                "run": found.id,
                "kind": points.kind,
                "method": method,
                "by": label,
                "nearest": {key: vars(one) for key, one in beside.items()},
                "points": rows,
                "figures": paths,
            }
        )
    _say(points, beside)
    others = [key for key in points.labels if key != label]
    return point_to(paths, f"seqlab map {found.id} " + (f"--by {others[0]!r}" if others else "--method tsne"))


def _points(session: Session, words: bool, count: int) -> Points:
    """Return states, or words where these are asked for or are all that there is."""
    from seqlab.analysis.maps import map_of_states, map_of_words
    from seqlab.errors import SettingsError

    vocabulary = session.task.vocabulary
    if words and vocabulary is None:
        raise SettingsError(
            f"The task {session.experiment.task.name} has no vocabulary.", hint="Leave --words out."
        )
    stateless = not session.task.spec.context and not session.model.start({}, 1)
    if vocabulary is not None and (words or stateless):
        return map_of_words(session.model, session.experiment.model.name, vocabulary, count)
    return map_of_states(session.model, session.task, count, session.experiment.seed)


def _label(points: Points, by: str | None) -> str | None:
    from seqlab.errors import UnknownNameError

    if by is not None and by not in points.labels:
        raise UnknownNameError("label", by, points.labels)
    return by or next(iter(points.labels), None)


def _say(points: Points, beside: dict[str, Company]) -> None:
    say(f"{len(points.vectors):,} {points.kind}, {points.vectors.shape[1]} numbers each")
    if not beside:
        return say("The task knows no labels for them.")
    show_table(
        ("label", "different", "nearest has the same", "by chance"),
        [(key, f"{one.labels:,}", f"{one.share:.3f}", f"{one.chance:.3f}") for key, one in beside.items()],
    )
    return None


def _rows(points: Points, places: NDArray[np.float64]) -> list[dict[str, str | float]]:
    """Return of each point where it lies, what it stands for and its labels."""
    return [
        {
            "x": float(x),
            "y": float(y),
            **({"text": points.texts[number]} if points.texts else {}),
            **{key: values[number] for key, values in points.labels.items()},
        }
        for number, (x, y) in enumerate(places)
    ]

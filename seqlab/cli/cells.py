"""`seqlab cells`."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, stdout, tell, waiting
from seqlab.cli.language_model import Encoding, Json, NewestRun, open_language_model, read_file
from seqlab.cli.pictures import Album, Formats, Title
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.analysis.cells import Finding, Passage, Units
    from seqlab.models import Recurrent
    from seqlab.runs import Run
    from seqlab.text import Vocabulary

IN_PICTURE, ON_PAGE = 500, 2_500
"""Characters of a passage."""


def cells(
    run: NewestRun = None,
    text: Annotated[
        Path | None, typer.Option(help="A text to read instead of the held-out part of the run's own.")
    ] = None,
    encoding: Encoding = None,
    characters: Annotated[
        int, typer.Option(min=2_000, max=10_000_000, help="How much of it, at most.")
    ] = 100_000,
    model: options.OwnModel = None,
    anyway: options.Anyway = False,
    title: Title = None,
    formats: Formats = None,
    output: options.PictureFolder = None,
    as_json: Json = False,
) -> None:
    """Find units of a character model that stand for something in the text, such as being inside quotes.

    Every unit of every layer is scored against each feature of the text, by AUC (yes or no) or rank
    correlation (counts); luck is what the best unit scores in 95 of 100 searches with the feature moved along
    the text.

    Examples: seqlab cells / seqlab cells char-python --text my_program.py
    """
    from seqlab.analysis.cells import passage
    from seqlab.analysis.states import network_of
    from seqlab.figures.cells import cells_page, passages_figure

    found, network, vocabulary = open_language_model(run, "best", model, alone=True, anyway=anyway)
    cells_of = network_of(network, found.info().model)
    if text is not None:
        whole, first = vocabulary.form.of(read_file(text, encoding, found)), 0
    else:
        whole, first = _held_out(found, model, vocabulary, anyway)
    read = whole[first : first + characters]
    units, features, findings = _search(cells_of, vocabulary, whole, first, characters)
    folder = found.figures if output is None else output
    kept = [finding for finding in findings if finding.is_found]
    title = title or f"{found.id}, {len(read):,} characters of {text or 'its held-out text'}"
    short = [passage(one, units, features[one.feature], IN_PICTURE) for one in kept]
    paths = Album(folder, formats).keep({"cells": passages_figure(short, title)} if short else {})
    long = [passage(one, units, features[one.feature], ON_PAGE) for one in kept]
    paths += _save(folder, cells_page(long, title), _table(units, findings))
    absent = [name for name in features if name not in {one.feature for one in findings}]
    if as_json:
        return show_json(
            {
                "run": found.id,
                "text": None if text is None else str(text),
                "characters": len(read),
                "units": len(units.names),
                "findings": [one.to_dict() for one in findings],
                "absent": absent,
                "figures": paths,
            }
        )
    _say(findings, absent, len(read), len(units.names))
    _colour(short)
    for path in paths:
        print(path)
    tell("Next: open the page in a browser, or seqlab cells RUN --text FILE")
    return None


def _held_out(run: Run, model: str | None, vocabulary: Vocabulary, anyway: bool) -> tuple[str, int]:
    """Return the whole text that a run learned from, and where its held-out part begins.

    Features are looked for in the whole text: the held-out part may begin within quotes.
    """
    from seqlab.errors import RunFolderError
    from seqlab.session import reopen

    task = reopen(run, model, anyway=anyway).task
    if task.sample is None or task.data is None:
        raise RunFolderError(
            f"{run.id} has not learned a text, in which units could be looked for.",
            hint="Take a run of char-shakespeare or char-python, or give a text: --text FILE.",
        )
    with doing("reading the text of the run"):
        parts = [vocabulary.decode(task.text(split)) for split in ("train", "test")]
    return "".join(parts), len(parts[0])


def _search(
    network: Recurrent, vocabulary: Vocabulary, whole: str, first: int, characters: int
) -> tuple[Units, dict[str, Any], list[Finding]]:
    """Read a text from a place on, and score every unit against each of its features."""
    import torch

    from seqlab.analysis.cells import find_cells, read_units
    from seqlab.analysis.features import begin_before, features_of

    read = whole[first : first + characters]
    codes = vocabulary.encode(read).astype("int64")
    with doing(f"reading {len(read):,} characters"):
        units = read_units(network, torch.tensor(codes), read)
    with doing("working out the features of the text"):
        begin = begin_before(whole, first)
        here = slice(first - begin, first - begin + characters)
        features = {name: values[here] for name, values in features_of(whole[begin:]).items()}
    with waiting(f"scoring {len(units.names):,} units", len(units.names)) as watch:
        findings = find_cells(units, features, watch=watch)
    return units, features, findings


def _say(findings: Sequence[Finding], absent: Sequence[str], characters: int, units: int) -> None:
    show_table(
        ("feature", "best unit", "measure", "score", "luck", "found"),
        [
            (
                one.feature,
                str(one.unit) + ("" if one.sign > 0 else " (lower)"),
                one.measure,
                f"{one.score:.3f}",
                f"{one.baseline:.3f}",
                "yes" if one.is_found else "no",
            )
            for one in findings
        ],
    )
    say(f"\nthe best of {units:,} units, on {characters:,} characters")
    if absent:
        say(f"not (or hardly) in this text: {', '.join(absent)}")


def _colour(passages: Sequence[Passage]) -> None:
    """Print passages in colour, where the terminal has it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return
    from rich.text import Text

    from seqlab.figures.cells import colours

    for one in passages:
        drawn = Text()
        for sign, value in zip(one.text, one.values.tolist(), strict=True):
            back, ink = colours(value)
            drawn.append(sign if sign != "\n" else " \n", f"{ink} on {back}")
        stdout().print(Text(f"\n{one.finding.summary}", "bold"))
        stdout().print(drawn, soft_wrap=True)


def _table(units: Units, findings: Sequence[Finding]) -> str:
    """Return the score of every unit for every feature as CSV."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("layer", "part", "unit", *(f"{one.feature} ({one.measure})" for one in findings)))
    for number, unit in enumerate(units.names):
        rows.writerow(
            (unit.layer, unit.part, unit.number, *(f"{one.scores[number]:.6f}" for one in findings))
        )
    return written.getvalue()


def _save(folder: Path, page: str, table: str) -> list[str]:
    """Write the page and the scores of all units."""
    from seqlab.errors import UsageError
    from seqlab.runs import replace_file

    paths = folder / "cells.html", folder / "cells.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, (page, table), strict=True):
            replace_file(path, text)
    except OSError as error:
        raise UsageError(f"Cannot write to {folder}: {error.strerror}.") from None
    return [str(path) for path in paths]

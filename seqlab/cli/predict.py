"""`seqlab predict`."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import note, show_json, show_table, tell
from seqlab.cli.language_model import Json
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.runs import RunInfo
    from seqlab.session.predicting import Prediction

SHOWN = 3
"""Classes whose probabilities a terminal shows of each answer, the likeliest."""


def predict(
    run: options.NamedRun,
    file: Annotated[Path, typer.Argument(help="A table with the columns learned from, or lines of text.")],
    encoding: Annotated[str | None, typer.Option(help="Of the file; default: as of that trained on.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write CSV to this file instead of the screen.")] = None,
    checkpoint: options.Checkpoint = "best",
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    as_json: Json = False,
) -> None:
    """Label the sequences of a file by a trained model: the likeliest class of each, with probabilities.

    In a pipe, and with --out, it is CSV: where a sequence stands, its label, and a column for each class.

    Examples: seqlab predict latest new.csv --out labelled.csv / seqlab predict latest lines.txt --json
    """
    from seqlab.session import reopen
    from seqlab.session.predicting import predictions
    from seqlab.session.trained import load_trained

    found = options.the_run(run, where=labels, kind="run that labels sequences")
    options.require_writable(out, "--out", [found], file)
    options.admit_plugins(found, model, task, anyway=anyway)
    session = reopen(found, model, task, anyway=anyway)
    load_trained(found, session.model, session.experiment, checkpoint)
    with doing(f"labelling {file.name}"):
        predicted = predictions(found, session, str(file), encoding)
    for one in predicted.notes:
        note(one)
    if as_json:
        return show_json({"run": found.id, "checkpoint": checkpoint, **_data(predicted)})
    if out is None and sys.stdout.isatty():
        return show_table((*predicted.columns, "label", "probability"), list(_rows(predicted)))
    return _deliver(_csv(predicted), out, len(predicted.said))


def labels(info: RunInfo) -> bool:
    """Say whether a run labels sequences of a user's."""
    return bool(info.extra.get("predicts"))


def _rows(predicted: Prediction) -> Iterator[tuple[str, ...]]:
    """Yield what a terminal shows: the label, and the likeliest classes."""
    for cells, said, shares in zip(predicted.cells, predicted.said, predicted.shares, strict=True):
        likeliest = (-shares).argsort(kind="stable")[:SHOWN].tolist()
        told = ", ".join(f"{predicted.answers[number]} {shares[number]:.3f}" for number in likeliest)
        yield (*cells, predicted.answers[said], told)


def _data(predicted: Prediction) -> dict[str, Any]:
    return {
        "classes": predicted.answers,
        "answers": [
            {**dict(zip(predicted.columns, cells, strict=True)), "label": predicted.answers[said],
             "probabilities": shares.tolist()}
            for cells, said, shares in zip(predicted.cells, predicted.said, predicted.shares, strict=True)
        ],
    }  # fmt: skip


def _csv(predicted: Prediction) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow((*predicted.columns, "label", *(f"p({name})" for name in predicted.answers)))
    for cells, said, shares in zip(predicted.cells, predicted.said, predicted.shares, strict=True):
        writer.writerow((*cells, predicted.answers[said], *(f"{share:.6g}" for share in shares)))
    return written.getvalue()


def _deliver(text: str, out: Path | None, count: int) -> None:
    from seqlab.files import write_output

    if out is None:
        sys.stdout.write(text)
        return
    write_output(out, text)
    tell(f"{count:,} answers written to {out}")

"""What the commands share that use a trained language model: sample, score, complete and novel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from unicodedata import category

import typer

from seqlab.cli import options
from seqlab.cli.console import tell

if TYPE_CHECKING:
    from seqlab.models import SequenceModel
    from seqlab.runs import Run
    from seqlab.text import Vocabulary

NewestRun = Annotated[
    str | None,
    typer.Argument(
        help="Id, unique prefix, `latest`, or path; default: the newest language model.",
        autocompletion=options.complete_run,
    ),
]
Unknown = Annotated[
    Literal["refuse", "skip", "replace"],
    typer.Option(help="What to do with characters that the model does not know."),
]
Alone = Annotated[
    bool, typer.Option("--alone", help="Without the counts that the network is mixed with, where it is.")
]
Encoding = Annotated[
    str | None, typer.Option(help="Of a file that is read; default: that of the text trained on.")
]
Json = Annotated[bool, typer.Option("--json", help="The result as JSON.")]


def open_language_model(
    run: str | None,
    checkpoint: options.Weights,
    model: str | None,
    *,
    alone: bool = False,
    anyway: bool = False,
) -> tuple[Run, SequenceModel, Vocabulary]:
    """Return the run that is meant, its trained model and its vocabulary.

    Args:
        run: as it was named; None for the newest run that has a language model's weights.
        checkpoint: which weights.
        model: the user's own file that the model came from; it is loaded, because the user named it.
        alone: whether to leave out the counts that the network is mixed with.
        anyway: whether to take the file of the model although it has changed.

    Raises:
        RunFolderError: when there is no language model, with what to type.
    """
    from seqlab.models import Mixture
    from seqlab.runs.info import RunInfo
    from seqlab.session import load_language_model

    def writes(info: RunInfo) -> bool:
        return info.extra.get("vocabulary") is not None

    if run is None:
        found = _newest()
        tell(f"Using {found.id}")
    else:
        found = options.the_run(run, where=writes, kind="language model")
    options.admit_plugins(found, model, None, anyway=anyway)
    network, vocabulary = load_language_model(found, checkpoint=checkpoint, model=model, alone=alone)
    if isinstance(network, Mixture):
        tell("The network is mixed with counts; --alone leaves them out.")
    return found, network, vocabulary


def read_file(path: Path, encoding: str | None, run: Run) -> str:
    """Return the text of a file, ``-`` being standard input.

    Args:
        path: of the file.
        encoding: that it is in; None for that of the text which the run was trained on.
        run: whose model is to read it.

    Raises:
        TextError: when it cannot be read, or is in another encoding.
    """
    from seqlab.errors import TextError
    from seqlab.outside import open_ordinary
    from seqlab.text.reading import read_stream

    encoding = encoding or str((run.info().extra.get("corpus") or {}).get("encoding", "utf-8"))
    try:
        if str(path) == "-":
            return read_stream(sys.stdin.buffer, "standard input", encoding)
        with open_ordinary(path) as opened:
            return read_stream(opened, str(path), encoding)
    except OSError as error:
        raise TextError(f"{str(path)!r} cannot be read: {error.strerror}.") from None


def harmless(text: str) -> str:
    """Return a text without what a terminal would obey: a question mark for each control character.

    Where a marked document begins stands a sign for that.

    >>> harmless("a\\x1b\\x1cb")
    'a?␜b'
    """
    from seqlab.text.reading import DOCUMENT

    text = text.replace(DOCUMENT, "␜")
    return "".join("?" if category(sign) == "Cc" and sign not in "\n\t" else sign for sign in text)


def visible(text: str) -> str:
    """Return a passage on one line, with the ends of lines, tabs and marks of documents to be seen."""
    from seqlab.text.reading import DOCUMENT

    return text.replace("\n", "↵").replace("\t", "⇥").replace(DOCUMENT, "␜")


def _newest() -> Run:
    from seqlab.errors import RunFolderError
    from seqlab.runs import Run, list_runs, runs_dir

    for entry in list_runs():
        run = Run(entry.path)
        if entry.info is not None and entry.info.extra.get("vocabulary") and run.best_weights.is_file():
            return run
    raise RunFolderError(
        f"No language model has been trained yet in {runs_dir()}.",
        hint="Train one: seqlab train char-shakespeare; or in seconds: seqlab train char-shakespeare --model "
        "ngram. SEQLAB_RUNS_DIR says where runs are looked for.",
    )

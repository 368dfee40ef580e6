"""`seqlab score`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell
from seqlab.cli.language_model import (
    Alone,
    Encoding,
    Json,
    Unknown,
    open_language_model,
    read_file,
    visible,
)
from seqlab.doing import doing

if TYPE_CHECKING:
    from seqlab.models import SequenceModel
    from seqlab.text import Vocabulary
    from seqlab.text.vocabulary import Codes

SHOWN = 60
"""Characters of a text that a table shows."""


def score(
    run: options.NamedRun,
    file: Annotated[Path, typer.Argument(help="A text; - for standard input.")] = Path("-"),
    encoding: Encoding = None,
    line: Annotated[bool, typer.Option("--line", help="Score every line for itself.")] = False,
    rank: Annotated[
        bool, typer.Option("--rank", help="Score every line, and put the likeliest first.")
    ] = False,
    unknown: Unknown = "refuse",
    checkpoint: options.Checkpoint = "best",
    alone: Alone = False,
    model: options.OwnModel = None,
    anyway: options.Anyway = False,
    as_json: Json = False,
) -> None:
    """Say how likely a language model finds a text.

    The logarithm of the probability is in nats; bits per character are what its best code would need. A rare
    token is charged with a guess among all that the model has folded into one symbol, too. The first token
    is scored as the first of a line, where the model knows ends of lines, and is left out
    elsewhere. Lines are scored without their ends, and empty ones passed over.

    Examples: seqlab score latest essay.txt / printf 'to be\\nbe to\\n' | seqlab score latest --rank
    """
    from seqlab.errors import TextError
    from seqlab.models import Mixture

    found, network, vocabulary = open_language_model(run, checkpoint, model, alone=alone, anyway=anyway)
    text = vocabulary.form.of(read_file(file, encoding, found))
    texts = (
        {0: text} if not (line or rank) else {n: part for n, part in enumerate(text.split("\n"), 1) if part}
    )
    if not any(texts.values()):
        raise TextError("The text is empty.", hint="Give a file, or text on standard input.")
    rows = [{"line": n or None, **figures} for n, figures in _score(network, vocabulary, texts, unknown)]
    if rank:
        rows.sort(key=lambda row: -row["log_probability"])
    if as_json:
        mixed = isinstance(network, Mixture)
        return show_json({"run": found.id, "checkpoint": checkpoint, "mixed": mixed, "texts": rows})
    columns = ("log_probability", "bits_per_character", "guessing evenly", "characters", "text")
    show_table(columns, [_cells(row) for row in rows])
    if rank:
        tell("The likeliest stands first.")
    return None


def _score(
    network: SequenceModel, vocabulary: Vocabulary, texts: dict[int, str], unknown: Unknown
) -> list[tuple[int, dict[str, Any]]]:
    from seqlab.errors import TextError
    from seqlab.generation.priming import encode
    from seqlab.generation.scoring import log_probabilities

    codes = {}
    for number, text in texts.items():
        try:
            codes[number] = encode(vocabulary, text, unknown)
        except TextError as error:
            place = f"Line {number}: " if number else ""
            raise TextError(place + error.message, hint=error.hint) from None
    symbol = vocabulary.start
    start = None if symbol is None else int(vocabulary.encode(symbol)[0])
    with doing("scoring the text"):
        scores = log_probabilities(network, list(codes.values()), start)
    return [
        (number, _figures(vocabulary, codes[number], float(nats.sum()), len(nats)))
        for number, nats in zip(codes, scores, strict=True)
    ]


def _figures(vocabulary: Vocabulary, codes: Codes, nats: float, scored: int) -> dict[str, Any]:
    """Describe a text of which the last ``scored`` tokens have this log-probability."""
    counted = codes[len(codes) - scored :]
    if vocabulary.rare is not None:
        nats -= int((counted == vocabulary.rare).sum()) * math.log(vocabulary.folded)
    characters = round(float(vocabulary.lengths()[counted].sum()))
    return {
        "text": vocabulary.decode(codes),
        "characters": characters,
        "tokens": scored,
        "log_probability": nats,
        "bits_per_character": -nats / math.log(2) / characters if characters else None,
        "guess": scored * math.log2(len(vocabulary)) / characters if characters else None,
    }


def _cells(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    text = visible(row["text"])
    bits, guess = row["bits_per_character"], row["guess"]
    return (
        f"{row['log_probability']:.4f}",
        "-" if bits is None else f"{bits:.4f}",
        "-" if guess is None else f"{guess:.3g}",
        str(row["characters"]),
        text if row["line"] or len(text) <= SHOWN else text[:SHOWN] + "…",
    )

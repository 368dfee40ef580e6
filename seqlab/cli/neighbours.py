"""`seqlab neighbours`."""

from __future__ import annotations

from typing import Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell
from seqlab.cli.language_model import visible


def neighbours(
    run: options.NamedRun,
    words: Annotated[list[str], typer.Argument(help="Words, or a sum of words: king - man + woman.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many of each.")] = 8,
    checkpoint: options.Checkpoint = "best",
    model: options.OwnModel = None,
    anyway: options.Anyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Show which words a model reads as nearly the same, by the cosine of their vectors.

    It is for every model of a text with word tokens: skip-gram, whose vectors are all that it has, or a
    network, whose input weights they are.

    Examples: seqlab train word-vectors, then seqlab neighbours latest he two / seqlab neighbours latest
    king - man + woman
    """
    from dataclasses import asdict

    from seqlab.analysis import vectors
    from seqlab.session import load_language_model

    asked = vectors.queries(words)
    found = options.the_run(run)
    options.admit_plugins(found, model, None, anyway=anyway)
    network, vocabulary = load_language_model(found, checkpoint=checkpoint, model=model, alone=True)
    table = vectors.vectors_of(network, found.info().model)
    near = {query: vectors.neighbours(table, vocabulary, query, count) for query in asked}
    if as_json:
        answers = [
            {**asdict(query), "neighbours": [asdict(one) for one in several]}
            for query, several in near.items()
        ]
        return show_json({"run": found.id, "checkpoint": checkpoint, "queries": answers})
    show_table(
        ("near to", "word", "cosine", "seen"),
        [
            (str(query), visible(one.word), f"{one.cosine:.3f}", f"{one.seen:,}")
            for query, several in near.items()
            for one in several
        ],
    )
    tell(f"Next: seqlab neighbours {found.id} WORD - WORD + WORD, or seqlab map {found.id}")
    return None

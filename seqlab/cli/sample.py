"""`seqlab sample`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, stderr


def sample(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Id, unique prefix, `latest`, or path; default: the newest language model.",
            autocompletion=options.complete_run,
        ),
    ] = None,
    prime: Annotated[
        str | None, typer.Option(help="The text to go on from; default: the start of a line.")
    ] = None,
    length: Annotated[int, typer.Option(min=1, help="Characters to write.")] = 400,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="Below 1 safer, above 1 wilder, 0 always the likeliest.")
    ] = 0.8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    checkpoint: Annotated[
        Literal["best", "last"], typer.Option(help="The weights of the best validation, or the last.")
    ] = "best",
    model: Annotated[
        str | None, typer.Option(help="The .py file of the run's model, where it has one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Text, seed and settings as JSON.")] = False,
) -> None:
    """Write text with a trained language model.

    Example: seqlab sample --prime "the"
    """
    from seqlab.generation import Sampling, generate
    from seqlab.registry import admit
    from seqlab.runs import find_run
    from seqlab.training import load_language_model

    if model is not None:
        admit(model)
    if run is None:
        found = find_run("latest", where=lambda info: info.extra.get("vocabulary") is not None)
        stderr().print(f"Sampling from {found.id}", soft_wrap=True)
    else:
        found = find_run(run)
    network, vocabulary = load_language_model(found, checkpoint=checkpoint, model=model)
    start = prime if prime else ("\n" if "\n" in vocabulary.symbols else vocabulary.symbols[0])
    symbols = generate(network, vocabulary.encode(start), Sampling(length, temperature, seed))
    shown = "" if start == "\n" else start
    if as_json:
        text = shown + vocabulary.decode(list(symbols))
        return show_json(
            {
                "run": found.id,
                "text": text,
                "prime": start,
                "length": length,
                "temperature": temperature,
                "seed": seed,
            }
        )
    sys.stdout.write(shown)
    for symbol in symbols:
        sys.stdout.write(vocabulary.decode([symbol]))
        sys.stdout.flush()
    sys.stdout.write("\n")
    return None

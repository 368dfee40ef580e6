"""`seqlab diff`."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell


def diff(
    first: options.NamedRun,
    second: options.NamedRun,
    as_json: Annotated[bool, typer.Option("--json", help="What differs as JSON.")] = False,
) -> None:
    """Show what differs between two runs: settings, environment, figures.

    Example: seqlab diff hello-rnn-s1 latest
    """
    from seqlab.cli.show import word
    from seqlab.runs.difference import difference

    runs = options.the_run(first), options.the_run(second)
    found = dataclasses.asdict(difference(*runs))
    if as_json:
        return show_json({"first": runs[0].id, "second": runs[1].id, **found})
    rows = [
        (f"{part} {name}", *map(word, values))
        for part, pairs in found.items()
        for name, values in pairs.items()
    ]
    show_table(("what", runs[0].id, runs[1].id), rows)
    tell("Next: seqlab plot RUN RUN" if rows else "The two runs are the same in all of it.")
    return None

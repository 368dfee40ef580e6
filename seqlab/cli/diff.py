"""`seqlab diff`."""

from __future__ import annotations

import dataclasses
import re
import sys
from typing import Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, tell


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
        (f"{part} {name}", *(_short(word(value)) for value in values))
        for part, pairs in found.items()
        for name, values in pairs.items()
    ]
    names = runs[0].id, runs[1].id
    if sys.stdout.isatty():  # where ids would not leave room for the values
        say(f"first   {names[0]}\nsecond  {names[1]}\n")
        names = "first", "second"
    show_table(("what", *names), rows)
    tell("Next: seqlab plot RUN RUN" if rows else "The two runs are the same in all of it.")
    return None


def _short(text: str) -> str:
    """Return the beginning of a hash, which tells it apart; other values whole.

    >>> _short("0" * 64), _short("lstm")
    ('000000000000...', 'lstm')
    """
    return f"{text[:12]}..." if re.fullmatch(r"[0-9a-f]{40,}", text) else text

"""`seqlab report`."""

from __future__ import annotations

from typing import Annotated

import typer

from seqlab.cli.console import show_json, tell


def complete_comparison(incomplete: str) -> list[str]:
    """Complete the name of a comparison's folder."""
    from seqlab.comparison.record import names

    return [name for name in names() if name.startswith(incomplete)]


def report(
    comparison: Annotated[
        str | None,
        typer.Argument(
            help="The comparison's folder, its name or the beginning of it; default: the newest.",
            autocompletion=complete_comparison,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The path of the page as JSON.")] = False,
) -> None:
    """Write a comparison as one HTML page that can be sent, printed and read without a network.

    Example: seqlab compare rnn lstm, then seqlab report
    """
    from seqlab.comparison.record import find, read
    from seqlab.figures.page import page
    from seqlab.runs import replace_file

    folder = find(comparison)
    path = folder / "report.html"
    replace_file(path, page(read(folder), folder))
    if as_json:
        return show_json({"report": str(path)})
    print(path)
    tell("Next: open it in a browser.")
    return None

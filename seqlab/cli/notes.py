"""`seqlab tag` and `seqlab note`."""

from __future__ import annotations

from typing import Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, tell


def tag(
    run: options.NamedRun,
    tags: Annotated[
        list[str] | None, typer.Argument(help="Words to find the run by.", metavar="[TAG]...")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="A tag to take away; may be repeated.", metavar="TAG")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The run's tags as JSON.")] = False,
) -> None:
    """Put tags on a run, or take them away; without any, show those that it has.

    Examples: seqlab tag latest paper fig3 / seqlab tag latest --remove fig3 / seqlab runs --tag paper
    """
    from seqlab.runs import find_run, tag_run, tags_of

    found = find_run(run, newest=False)
    has = tag_run(found, tags or (), remove or ()) if tags or remove else tags_of(found.info())
    if as_json:
        return show_json({"run": found.id, "tags": has})
    for word in has:
        print(word)
    tell(f"{found.id}. Next: seqlab runs --tag TAG")
    return None


def note(
    run: options.NamedRun,
    text: Annotated[
        str | None, typer.Argument(help="What to remember of it; without it the note is shown.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Take the note away.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The run's note as JSON.")] = False,
) -> None:
    """Write a note on a run, or show the one that it has.

    Examples: seqlab note latest "too high a learning rate" / seqlab note latest
    """
    from seqlab.errors import UsageError
    from seqlab.runs import find_run, note_of, write_note

    if delete and text is not None:
        raise UsageError("Both a note and --delete are given.", hint="Leave one out.")
    found = find_run(run, newest=False)
    if delete or text is not None:
        write_note(found, text)
    has = note_of(found.info())
    if as_json:
        return show_json({"run": found.id, "note": has})
    if has:
        say(has)
    tell(f"{found.id}{'' if has else ' has no note'}. Next: seqlab show RUN")
    return None

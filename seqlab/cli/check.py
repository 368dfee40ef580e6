"""`seqlab check`: whether a model or a task keeps what all of them promise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli.console import show_json, show_table, stderr

if TYPE_CHECKING:
    from seqlab.promises import Outcome
    from seqlab.registry import Kind
    from seqlab.settings import Component


def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py", help=r"Your own file, my_cell.py:Class in it, or a name; echo\[delay=5]."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The outcomes as JSON.")] = False,
) -> None:
    """Try a model or a task, such as one of your own, on what all of them promise; a file is run.

    Each promise rests on those above it, so the first that is broken is the one to mend. The exit code is 0
    where all are kept, and 1 where one is broken.

    Examples: seqlab check my_cell.py / seqlab check parity.py / seqlab check gru
    """
    from seqlab.plugins import admit, is_plugin
    from seqlab.registry import parse_reference, references
    from seqlab.settings import Component

    asked = parse_reference(what)
    if is_plugin(asked.name):
        admit(asked.name)
    found = {
        (kind, name): _try(kind, Component(name=name, **asked.options))
        for kind, name in references(asked.name)
    }
    broken = sum(outcome.why is not None for outcomes in found.values() for outcome in outcomes)
    if as_json:
        show_json(
            [
                {"kind": kind, "name": name, "promises": [_plain(outcome) for outcome in outcomes]}
                for (kind, name), outcomes in found.items()
            ]
        )
    else:
        for (kind, name), outcomes in found.items():
            _show(kind, name, outcomes)
    if broken:
        raise typer.Exit(1)


def _try(kind: Kind, component: Component) -> list[Outcome]:
    """Try all promises of a kind."""
    from seqlab.errors import UsageError
    from seqlab.promises import try_all
    from seqlab.registry import check_options
    from seqlab.settings import COMMAND_LINE, Document

    shown = _short(component.name)
    stderr().print(f"Trying the {kind} {shown} ...", soft_wrap=True, markup=False)
    if kind == "model":
        if component.options:
            raise UsageError(
                f"{shown} is given options, but a model is tried with its defaults and with others.",
                hint="Leave out what stands in brackets.",
            )
        from seqlab.models import _cell_promises
        from seqlab.registry import load

        load("model", component.name)  # what is no whole model is refused
        return list(try_all(_cell_promises.PROMISES, component.name))
    from seqlab.tasks import _promises

    whole = check_options("task", component, Document({}, COMMAND_LINE))
    return list(try_all(_promises.PROMISES, whole))


def _show(kind: Kind, name: str, outcomes: list[Outcome]) -> None:
    rows = [
        (outcome.promise.replace("_", " "), "yes" if outcome.why is None else "no", outcome.why or "")
        for outcome in outcomes
    ]
    show_table(("promise", "holds", "why"), rows, title=f"{kind} {_short(name)}")
    kept = sum(outcome.why is None for outcome in outcomes)
    every = (
        f"keeps all {kept} promises" if kept == len(outcomes) else f"keeps {kept} of {len(outcomes)} promises"
    )
    print(f"{_short(name)} {every}.")


def _short(name: str) -> str:
    """Return a name with the file's own name for its path."""
    return Path(name).name


def _plain(outcome: Outcome) -> dict[str, object]:
    return {"promise": outcome.promise, "holds": outcome.why is None, "why": outcome.why}

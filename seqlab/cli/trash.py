"""`seqlab rm`, `restore` and `clean`: into the trash and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell

if TYPE_CHECKING:
    from seqlab.runs import RunEntry
    from seqlab.runs.choosing import Cleaning


def rm(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Ids, unique prefixes, `latest`, or paths.",
            metavar="RUN...",
            autocompletion=options.complete_run,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Where the runs lie now, as JSON.")] = False,
) -> None:
    """Move runs into the trash; `seqlab restore` brings them back.

    Example: seqlab rm latest
    """
    from seqlab.runs import find_run, trash_run

    named = [find_run(name, newest=False) for name in runs]  # all are known before any goes
    found = {run.path.resolve(): run for run in named}.values()
    moved = {run.id: str(trash_run(run)) for run in found}
    if as_json:
        return show_json(moved)
    for run in moved:
        print(run)
    tell(f"In the trash. To bring back: seqlab restore {' '.join(moved)}")
    return None


def restore(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids or unique prefixes; without any, what is in the trash is listed.",
            metavar="[RUN]...",
            autocompletion=options.complete_trashed,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The runs as JSON.")] = False,
) -> None:
    """Bring runs back from the trash, or list what is in it.

    Examples: seqlab restore / seqlab restore hello-rnn-s1
    """
    from seqlab.cli.runs import as_data
    from seqlab.runs import list_runs, restore_run, trash_dir

    if runs:
        back = [restore_run(reference) for reference in runs]
        if as_json:
            return show_json({run.id: str(run.path) for run in back})
        for run in back:
            print(run.path)
        tell("Next: seqlab show RUN")
        return None
    entries = list_runs(trash_dir())
    if as_json:
        return show_json([as_data(entry) for entry in entries])
    show_table(("run", "status", "age"), [_row(entry) for entry in entries])
    tell(
        f"Next: seqlab restore RUN. What is not wanted any more may be deleted from {trash_dir()}."
        if entries
        else "The trash is empty."
    )
    return None


def clean(
    failed: Annotated[bool, typer.Option("--failed", help="Runs that failed.")] = False,
    older_than: Annotated[
        str | None, typer.Option(help="Runs made so long ago: 12h, 7d, 2w.", metavar="SPAN")
    ] = None,
    keep_best: Annotated[
        bool, typer.Option("--keep-best", help="Keep the best run of each experiment and model.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What goes and what is kept, as JSON.")] = False,
) -> None:
    """Move many runs into the trash: those that meet every condition. Runs with a tag or a note are kept.

    Examples: seqlab clean --failed / seqlab clean --older-than 7d --keep-best --dry-run
    """
    from seqlab.errors import UsageError
    from seqlab.runs import list_runs, sweep_unnamed
    from seqlab.runs.choosing import parse_age, plan_cleaning

    if not failed and older_than is None:
        raise UsageError("It is not said which runs may go.", hint="Say --failed, --older-than 7d, or both.")
    span = None if older_than is None else parse_age(older_than)
    plan = plan_cleaning(list_runs(), failed=failed, older_than=span, keep_best=keep_best)
    if not dry_run:
        for path in sweep_unnamed():
            tell(f"Deleted: {path.name}, which was killed before it had its name.")
        plan = _throw_away(plan)
    if as_json:
        kept = {entry.id: reason for entry, reason in plan.kept}
        return show_json({"going": [entry.id for entry in plan.going], "kept": kept, "dry_run": dry_run})
    show_table(("run", "status", "age"), [_row(entry) for entry in plan.going])
    for entry, reason in plan.kept:
        tell(f"Kept: {entry.id}, {reason}")
    done = (
        "would go; nothing was moved" if dry_run else "moved into the trash; seqlab restore brings them back"
    )
    tell(f"{_count(len(plan.going))} {done}.")
    return None


def _throw_away(plan: Cleaning) -> Cleaning:
    """Move runs into the trash; return what became of the plan: another process may have been faster."""
    from seqlab.errors import RunFolderError
    from seqlab.runs import Run, trash_run

    going, kept = [], [*plan.kept]
    for entry in plan.going:
        try:
            trash_run(Run(entry.path))
            going.append(entry)
        except RunFolderError as error:
            if entry.path.exists():
                kept.append((entry, f"which cannot be moved: {error.message}"))
    return dataclasses.replace(plan, going=tuple(going), kept=tuple(kept))


def _row(entry: RunEntry) -> tuple[str, str, str]:
    from seqlab.cli.runs import age

    return entry.id, entry.status, age(entry.info.created) if entry.info else "-"


def _count(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"

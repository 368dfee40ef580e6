"""`seqlab replay`."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, tell

if TYPE_CHECKING:
    from seqlab.analysis.reproduction import Reproduction
    from seqlab.runs import Run


def replay(
    run: options.NamedRun = "latest",
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="How far a figure may be off: relative, below 1 absolute.")
    ] = 1e-3,
    quiet: options.Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
) -> None:
    """Train a run again from its settings, in a new folder, and say whether it came to the same.

    The exit code is 0 when the run was reproduced, to the bit or within the tolerance, and 1 when it was not.

    Example: seqlab replay latest
    """
    from seqlab.errors import RunFolderError
    from seqlab.plugins import flags

    found = options.the_run(run)
    info = found.info()
    status = info.status
    if status != "finished":
        raise RunFolderError(
            f"{found.id} is {status}; only a finished run can be compared with another.",
            hint=None if status == "running" else f"seqlab resume {found.id}{flags(info.model, info.task)}",
        )
    options.admit_plugins(found, model, task, anyway=anyway)
    from seqlab.analysis.reproduction import compare_runs  # torch: only now that there is something to do

    again = _train_again(found, model, task, quiet)
    outcome = compare_runs(found, again)
    verdict = outcome.verdict(tolerance)
    if as_json:
        show_json({"run": found.id, "again": again.id, "verdict": verdict, **_plain(outcome)})
    else:
        say(verdict)
        _show(outcome)
        tell(f"Next: seqlab diff {found.id} {again.id}")
    if not outcome.is_within(tolerance):
        raise typer.Exit(1)


def _train_again(run: Run, model: str | None, task: str | None, quiet: bool) -> Run:
    from seqlab.cli.progress import Reporter, progress
    from seqlab.engines import engine_of
    from seqlab.session import begin, read_experiment, train

    command = shlex.join(["seqlab", *sys.argv[1:]])
    again, session = begin(read_experiment(run, model, task), command=command, again=run)
    again.update_info(extra={"replay_of": run.id})
    if not quiet:
        tell(f"{run.id} again, as {again.id}")
    engine_of(session.experiment.training.engine).make_ready(tell, session.task)
    reporter = Reporter(session.task, session.experiment.training, 0)
    with progress(reporter, again.log, quiet=quiet) as watch:
        train(again, session, watch=watch)
    return again


def _show(outcome: Reproduction) -> None:
    from seqlab.cli.show import word

    if not outcome.to_the_bit:
        weights = (
            "cannot be compared" if outcome.weights is None else f"differ by {outcome.weights:.2g} at most"
        )
        print(f"the best weights {weights}")
    if outcome.environment:
        rows = [(name, *map(word, values)) for name, values in outcome.environment.items()]
        show_table(("environment", "then", "now"), rows)
    else:
        say("the environment is the same")


def _plain(outcome: Reproduction) -> dict[str, object]:
    """Return the outcome ready for JSON, which has no infinity."""
    from seqlab.files import from_json, to_json

    data: dict[str, object] = from_json(to_json(dataclasses.asdict(outcome)).encode())
    return data

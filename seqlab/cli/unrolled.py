"""What `seqlab train --explain` shows: every number of every step, before and after training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqlab.cli.console import show_table
from seqlab.cli.numbers import show_matrices

if TYPE_CHECKING:
    from seqlab.analysis.unrolled import Unrolled
    from seqlab.runs import Run
    from seqlab.session import Session


def unrolled(session: Session) -> Unrolled:
    """Read the first test sequence with the weights as they are."""
    from seqlab.analysis.unrolled import unroll

    task, experiment = session.task, session.experiment
    batch = task.batch("test", 0, 1, experiment.seed).to(session.device)
    return unroll(session.model, task, batch, experiment.model.name)


def keep_unrolled(run: Run, moments: dict[str, Unrolled]) -> list[str]:
    """Write the picture and the numbers to the run's figures, and return their paths."""
    from seqlab.analysis.unrolled import to_csv
    from seqlab.figures.style import save
    from seqlab.figures.unrolled import unrolled_figure
    from seqlab.runs import replace_file

    paths = [*save(unrolled_figure(moments, run.id), run.figures / "unrolled"), run.figures / "unrolled.csv"]
    replace_file(paths[-1], to_csv(moments))
    return [str(path) for path in paths]


def show_unrolled(moments: dict[str, Unrolled]) -> None:
    """Print a table for each moment."""
    for moment, seen in moments.items():
        print(f"{moment}: loss {seen.loss:.4f} nats a step\n")
        show_matrices({name: values.tolist() for name, values in seen.weights.items()})
        show_table(
            (
                "step",
                "reads",
                "input",
                "hidden state h",
                f"scores of {' '.join(seen.outputs)}",
                "says",
                "target",
                "loss",
            ),
            [
                (
                    str(t),
                    step.symbol,
                    " ".join(f"{value:.0f}" for value in step.one_hot),
                    " ".join(f"{value + 0.0:.2f}" for value in step.h),
                    " ".join(f"{value + 0.0:.2f}" for value in step.scores),
                    step.said,
                    step.target,
                    f"{step.loss:.4f}",
                )
                for t, step in enumerate(seen.steps, 1)
            ],
        )
        print()

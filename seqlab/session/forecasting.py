"""What a trained model forecasts of series: what comes next, and what has come since."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from seqlab.errors import UsageError
from seqlab.session.opening import Session
from seqlab.tasks import Forecast


def next_of(session: Session, steps: int | None, table: str | None) -> list[Forecast]:
    """Return what follows what was learned from, or another table; see :meth:`seqlab.tasks.Task.outlook`.

    Raises:
        UsageError: when the run forecasts no series.
    """
    if not session.task.forecasts:
        raise UsageError(
            f"The task {session.experiment.task.name} forecasts no series.",
            hint="Train one that does: seqlab train series, or seqlab train --data FILE",
        )
    return session.task.outlook(_answering(session), steps, table)


def since(session: Session, example: int) -> list[Forecast]:
    """Return forecasts of the test part beside what came; see :meth:`seqlab.tasks.Task.hindsight`."""
    return session.task.hindsight(_answering(session), example)


def _answering(session: Session) -> Callable[[Tensor], Tensor]:
    def answer(inputs: Tensor) -> Tensor:
        outputs: Tensor = session.model(inputs)[0]
        return outputs

    return answer

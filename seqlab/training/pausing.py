"""How far an engine may go ahead of what it tells: to the next pause, or for a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterable

from seqlab.settings import Training

ROUND_SECONDS = 0.1

AHEAD = 64
"""Most updates between two pauses."""


def until_pause(settings: Training, step: int, pause_at: Iterable[int], ahead: int) -> int:
    """Return how many updates may be made before the next pause.

    Args:
        settings: whose judgements and checkpoints are pauses.
        step: updates made so far.
        pause_at: further steps at which there shall be one.
        ahead: updates at most.

    >>> settings = Training(steps=100, evaluate_every=50, checkpoint_every=30)
    >>> [until_pause(settings, step, (45,), 64) for step in (0, 30, 45, 50, 90)]
    [30, 15, 5, 10, 10]
    """
    regular = (period - step % period for period in (settings.evaluate_every, settings.checkpoint_every))
    extra = (pause - step for pause in pause_at if pause > step)
    return min(ahead, settings.steps - step, *regular, *extra)


def next_ahead(ahead: int, seconds: float, most: int = AHEAD) -> int:
    """Return how many updates to make before what has happened is told again, some ten times a second.

    Args:
        ahead: that were allowed.
        seconds: that they took.
        most: at most.

    >>> next_ahead(8, 0.01), next_ahead(8, 0.07), next_ahead(8, 0.5)
    (16, 8, 4)
    """
    if seconds < ROUND_SECONDS / 2:
        return min(2 * ahead, most)
    return max(ahead // 2, 1) if seconds > 2 * ROUND_SECONDS else ahead

"""Several learners trained together: a thread for each processor, each of which takes a learner at a time.

The compiled code releases Python's global lock, so threads are enough, and each sets for itself that denormal
numbers are flushed to zero (which makes the way back through a long sequence up to 26 times faster).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from typing import Any

from seqlab.errors import NonFiniteLossError, SeqlabError
from seqlab.fused.member import Member
from seqlab.runs.machine import processors
from seqlab.settings import Training
from seqlab.tasks import Task
from seqlab.training.loop import Learner, Step
from seqlab.training.pausing import next_ahead, until_pause
from seqlab.training.runtime import flush_denormals

Result = tuple[list[Step], NonFiniteLossError | None]


class Engine:
    """What :func:`seqlab.fused.fit_together` runs; its arguments are described there."""

    def __init__(
        self,
        learners: Sequence[Learner],
        task: Task,
        settings: Training,
        seeds: Sequence[int],
        *,
        ahead: int,
        pause_at: Sequence[int],
    ) -> None:
        self.members = [
            Member(learner, task, settings, seed) for learner, seed in zip(learners, seeds, strict=True)
        ]
        self.settings, self.ahead = settings, ahead
        self.pauses = sorted(pause_at)

    def fit(
        self,
        threads: int | None,
        on_failure: Callable[[int, SeqlabError], None] | None,
    ) -> Iterator[tuple[Step | None, ...]]:
        """Train all members to their ends."""
        failed: set[int] = set()
        ahead = 1
        with _workers(threads or processors()) as each:
            while active := [i for i, one in enumerate(self.members) if not one.over and i not in failed]:
                count = min(
                    until_pause(self.settings, self.members[i].learner.step, self.pauses, ahead)
                    for i in active
                )
                began = time.perf_counter()
                if len(active) == 1:
                    results: Iterable[Result] = [self.members[active[0]].advance(count, each)]
                else:
                    results = each(Member.advance, [self.members[i] for i in active], repeat(count))
                done = dict(zip(active, results, strict=True))
                ahead = next_ahead(ahead, time.perf_counter() - began, self.ahead)
                yield from self._together(done, count)
                for i, (_, error) in done.items():
                    if error is not None:
                        if on_failure is None:
                            raise error
                        failed.add(i)
                        on_failure(i, error)

    def _together(self, done: dict[int, Result], count: int) -> Iterator[tuple[Step | None, ...]]:
        """Yield the steps that members have made, side by side."""
        rows = [done[i][0] if i in done else [] for i in range(len(self.members))]
        for k in range(count):
            step = tuple(row[k] if k < len(row) else None for row in rows)
            if any(step):
                yield step


@contextmanager
def _workers(threads: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Yield a function that maps as ``map`` does, in so many threads, in which denormals are flushed."""
    flush_denormals()  # a learner that is alone advances in this thread
    if threads == 1:
        yield map
    else:
        with ThreadPoolExecutor(threads, "fused", flush_denormals) as pool:
            yield pool.map

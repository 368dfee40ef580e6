"""A run trained to its end, recorded, interrupted, gone on with.

The loop (:mod:`seqlab.training.loop`) knows no files; this module has written what it yields.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from seqlab.errors import Interrupted, RunFailedError, SeqlabError
from seqlab.runs import Run
from seqlab.session.opening import Session
from seqlab.session.recording import SAMPLE_AT, keep_sample, note_failure, record, summarise
from seqlab.session.stopping import stop_requests
from seqlab.training.checkpoints import load_checkpoint, save_checkpoint, save_weights
from seqlab.training.loop import Learner, Step, fit, new_learner
from seqlab.training.runtime import autocast

Watcher = Callable[[Step], None]


def train(run: Run, session: Session, *, watch: Watcher | None = None) -> dict[str, Any]:
    """Train a run to its end, from its last checkpoint if it has one.

    Args:
        run: the folder, new or interrupted.
        session: what it is made of.
        watch: called with every step, for progress on a screen.

    Returns:
        The summary.

    Raises:
        Interrupted: on the first Ctrl-C or SIGTERM, with a checkpoint saved.
        RunFailedError: when the run cannot go on; its folder says why.
    """
    experiment = session.experiment
    learner = new_learner(session.model, experiment.training)
    if run.last_checkpoint.is_file():
        load_checkpoint(run.last_checkpoint, learner)
    run.truncate_metrics(learner.step)
    run.update_info(status="running")
    try:
        with stop_requests() as stopped:
            summary = _train_to_the_end(run, session, learner, watch, stopped)
    except Interrupted:
        run.update_info(status="interrupted")
        raise
    except KeyboardInterrupt:
        run.update_info(status="interrupted")
        raise
    except SeqlabError as error:
        note_failure(run, error)
        raise
    except Exception as error:
        note_failure(run, error)
        raise RunFailedError(
            f"{run.id} failed: {type(error).__name__}: {error}",
            hint=f"The traceback is in {run.path / 'error.txt'}.",
        ) from error
    run.write_summary(summary)
    run.update_info(status="finished")
    return summary


def _train_to_the_end(
    run: Run, session: Session, learner: Learner, watch: Watcher | None, stopped: Callable[[], bool]
) -> dict[str, Any]:
    experiment, settings = session.experiment, session.experiment.training
    before = float(learner.counters.get("seconds", 0.0))
    started = time.perf_counter()
    precision = autocast(experiment.compute.precision, session.device)
    sample_at = {max(1, round(share * settings.steps)) for share in SAMPLE_AT}

    def checkpoint() -> None:
        learner.counters["seconds"] = before + time.perf_counter() - started
        save_checkpoint(run.last_checkpoint, learner)

    for step in fit(learner, session.task, settings, experiment.seed, precision):
        record(run, learner, step, settings.log_every)
        if step.step in sample_at or (learner.counters["ended"] and session.task.vocabulary):
            keep_sample(run, session, learner)
        if watch is not None:
            watch(step)
        if stopped():
            checkpoint()
            raise Interrupted(
                f"Interrupted at step {step.step:,}; everything is saved.",
                hint=f"To go on: seqlab resume {run.id}",
            )
        if step.step % settings.checkpoint_every == 0:
            checkpoint()
    checkpoint()
    if not run.best_weights.is_file():  # no step was asked for, so none was judged
        save_weights(run.best_weights, session.model)
    return summarise(run, session, learner, started - before)

"""What training leaves in a run's folder: a step's figures, samples, the summary, an error."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from seqlab.doing import doing
from seqlab.engines import engine_of
from seqlab.errors import RunFolderError
from seqlab.files import replace_file
from seqlab.generation import Sampling, generate
from seqlab.generation.answers import evaluate_written
from seqlab.models import SequenceModel, count_parameters
from seqlab.runs import Run
from seqlab.session.answering import keep_answers
from seqlab.session.mixing import mix_with_counts, save_counts
from seqlab.session.opening import Session, trial_task
from seqlab.tasks import Trial
from seqlab.training.checkpoints import load_weights
from seqlab.training.evaluation import confusion, evaluate
from seqlab.training.loop import Learner, Step

ORDINARY = Trial("held out")
"""The judgement that is made of every finished model."""

SAMPLE_AT = (0.05, 0.3, 1.0)
"""Shares of the steps at which a sample is kept: early, middle and late in training (CS231n-10)."""


def record(run: Run, step: Step, log_every: int) -> bytes:
    """Write down a step's figures, and return what was written."""
    here: dict[str, float] = {"step": step.step, "sequences": step.sequences}
    records = []
    if step.step % log_every == 0 or step.step == 1:
        figures = {
            "loss": step.loss,
            "smoothed_loss": step.smoothed_loss,
            "grad_norm": step.grad_norm,
            "learning_rate": step.learning_rate,
        }
        records.append(here | figures)
    if step.validation is not None:
        records.append(
            here | {f"validation_{name}": value for name, value in step.validation.metrics.items()}
        )
    return run.append_metrics(*records) if records else b""


def write_sample(session: Session, length: int) -> str:
    """Let the model of a session write so many tokens, as it is now; it may be in the middle of training."""
    task, model = session.task, session.model
    assert task.vocabulary is not None
    assert task.sample is not None
    was_training = model.training
    prime = task.vocabulary.encode(task.sample.prime)
    sampling = Sampling(length, task.sample.temperature, session.experiment.seed)
    symbols = list(generate(model, prime, sampling, stop=task.vocabulary.encode(task.sample.stop).tolist()))
    model.train(was_training)
    return task.sample.prime + task.vocabulary.decode(symbols)


def keep_sample(run: Run, session: Session, learner: Learner) -> None:
    """Keep a sample of what a model writes now, where it writes."""
    if session.task.sample is None:
        return
    with learner.evaluated_weights():
        text = write_sample(session, session.task.sample.length)
    run.samples.mkdir(exist_ok=True)
    replace_file(run.samples / f"step-{learner.step:07d}.txt", text.lstrip("\n") + "\n")


def summarise(run: Run, session: Session, learner: Learner) -> dict[str, Any]:
    """Judge the best weights on the held-out test set, put them to the trials, and return the summary."""
    started = time.perf_counter()
    task, settings = session.task, session.experiment.training
    load_weights(run.best_weights, session.model)
    held_out = None if task.has_test else learner.counters["best_metrics"]
    held_out = held_out or judge_in(session, ORDINARY, session.model)
    summary: dict[str, Any] = {
        "solved": learner.counters["solved_at"] is not None if settings.stop_when else None,
        "sequences_to_solve": learner.counters["solved_at"],
        "held_out": held_out,
        "trials": _put_to_trials(session, session.model, held_out),
        "parameters": count_parameters(session.model),
        "steps": learner.step,
        "sequences_seen": learner.counters["sequences"],
        "best_step": learner.counters["best_step"],
        "training_seconds": learner.counters["seconds"],
        "wall_seconds": learner.counters["seconds"] + time.perf_counter() - started,
    }
    if task.predicts:
        summary["confusion"] = _confusion(session)
    keep_answers(run, session)
    if session.experiment.mixture is not None:
        run.write_summary(summary)  # what was judged stays, should there be no room for the counts
        with doing("counting the training text, for the mixture"):
            mixture = mix_with_counts(session.model, task, session.experiment.mixture)
            save_counts(run, mixture)
        summary["mixture"] = _put_to_trials(session, mixture, judge_in(session, ORDINARY, mixture))
        summary["wall_seconds"] = learner.counters["seconds"] + time.perf_counter() - started
    return summary


def _confusion(session: Session) -> dict[str, Any]:
    """Return how often each class was said of the test set where each was wanted, (wanted, said)."""
    experiment, task = session.experiment, session.task
    test = list(task.evaluation("test", experiment.training.test_sequences, experiment.seed))
    with doing("counting what is mistaken for what"):
        counts = confusion(session.model, task, test).tolist()
    return {
        "classes": list(task.answers),
        "counts": counts,
        "sequences": sum(len(one.inputs) for one in test),
    }


def _put_to_trials(
    session: Session, model: SequenceModel, held_out: Mapping[str, float]
) -> dict[str, Mapping[str, float]]:
    """Return a model's figures in every trial, by name; the ordinary judgement has been made."""
    return {
        name: held_out if trial.is_ordinary else judge_in(session, trial, model)
        for name, trial in session.trials.items()
    }


def judge_in(
    session: Session, trial: Trial, model: SequenceModel, sequences: int | None = None
) -> dict[str, float]:
    """Return a model's figures on the test set, judged as a trial says.

    Args:
        session: whose task it has learned.
        trial: what is different.
        model: the session's, or one that has it inside.
        sequences: in the test set; None for as many as the settings say.

    Raises:
        SettingsError: when the task with the trial's options is one that the model cannot answer.
    """
    mixed = "" if model is session.model else ", mixed with counts"
    name = "" if trial.is_ordinary else f": {trial.name}"
    with doing(f"judging on the test set{name}{mixed}"):
        return _judge_in(session, trial, model, sequences)


def _judge_in(
    session: Session, trial: Trial, model: SequenceModel, sequences: int | None
) -> dict[str, float]:
    experiment, task = session.experiment, trial_task(session, trial)
    sequences = sequences or experiment.training.test_sequences
    if trial.answers != "shown":
        return evaluate_written(
            model, task, task.evaluation("test", sequences, experiment.seed), trial.answers
        )
    engine = engine_of(experiment.training.engine)
    if model is session.model and engine.why_not(experiment, task) is None:
        return engine.judge(experiment, task, model, "test", sequences)
    return evaluate(model, task, task.evaluation("test", sequences, experiment.seed))


def note_failure(run: Run, error: BaseException) -> None:
    """Write down why a run ended early, where that can be written: the disk may be why."""
    with suppress(OSError, RunFolderError):
        run.update_info(status="failed")
        run.write_error("".join(traceback.format_exception(error)))

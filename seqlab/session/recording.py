"""What training leaves in a run's folder: a step's figures, samples, the summary, an error."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from typing import Any

from seqlab.generation import Sampling, generate
from seqlab.models import SequenceModel, count_parameters
from seqlab.runs import Run
from seqlab.session.engines import judge
from seqlab.session.mixing import mix_with_counts, save_counts
from seqlab.session.opening import Session
from seqlab.training.checkpoints import load_weights
from seqlab.training.evaluation import evaluate
from seqlab.training.loop import Learner, Step

SAMPLE_AT = (0.05, 0.3, 1.0)
"""Shares of the steps at which a sample is kept: early, middle and late in training (CS231n-10)."""


def record(run: Run, step: Step, log_every: int) -> None:
    """Write down a step's figures."""
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
    if records:
        run.append_metrics(*records)


def write_sample(session: Session, length: int) -> str:
    """Let the model of a session write so many tokens, as it is now; it may be in the middle of training."""
    task, model = session.task, session.model
    assert task.vocabulary is not None
    was_training = model.training
    prime = task.vocabulary.encode(task.sample.prime)
    sampling = Sampling(length, task.sample.temperature, session.experiment.seed)
    symbols = list(generate(model, prime, sampling))
    model.train(was_training)
    return task.sample.prime + task.vocabulary.decode(symbols)


def keep_sample(run: Run, session: Session, learner: Learner) -> None:
    """Keep a sample of what a language model writes now."""
    if session.task.vocabulary is None:
        return
    with learner.evaluated_weights():
        text = write_sample(session, session.task.sample.length)
    run.samples.mkdir(exist_ok=True)
    (run.samples / f"step-{learner.step:07d}.txt").write_text(text.lstrip("\n") + "\n", encoding="utf-8")


def summarise(run: Run, session: Session, learner: Learner) -> dict[str, Any]:
    """Judge the best weights on the held-out test set and return the summary."""
    started = time.perf_counter()
    task, settings = session.task, session.experiment.training
    load_weights(run.best_weights, session.model)
    summary: dict[str, Any] = {
        "solved": learner.counters["solved_at"] is not None if settings.stop_when else None,
        "sequences_to_solve": learner.counters["solved_at"],
        "held_out": None,
        "parameters": count_parameters(session.model),
        "steps": learner.step,
        "sequences_seen": learner.counters["sequences"],
        "best_step": learner.counters["best_step"],
    }
    if session.model.counts:
        summary["counted"] = len(task.text("train"))
    if task.protocols:
        judged = {task.protocols[0]: learner.counters["best_metrics"]}  # when they became the best
        summary["validation"] = _judge_text(session, session.model, judged)
        first = summary["validation"][task.protocols[0]]
        summary["held_out"] = {"protocol": task.protocols[0], "loss": first["nats"], "bits": first["bits"]}
    else:
        summary["held_out"] = judge(session.experiment, task, session.model, "test", settings.test_sequences)
    summary["training_seconds"] = learner.counters["seconds"]
    summary["wall_seconds"] = learner.counters["seconds"] + time.perf_counter() - started
    if session.experiment.mixture is not None:
        run.write_summary(summary)  # what was judged stays, should there be no room for the counts
        mixture = mix_with_counts(session.model, task, session.experiment.mixture)
        save_counts(run, mixture)
        summary["mixture"] = _judge_text(session, mixture)
        summary["wall_seconds"] = learner.counters["seconds"] + time.perf_counter() - started
    return summary


def _judge_text(
    session: Session, model: SequenceModel, judged: Mapping[str, dict[str, float]] | None = None
) -> dict[str, dict[str, float]]:
    """Return a language model's figures in each protocol; ``judged`` has the metrics of some already."""
    task, judged = session.task, judged or {}
    batches = {
        name: task.evaluation("validation", 0, session.experiment.seed, name) for name in task.protocols
    }
    return {
        name: _text_figures(judged.get(name) or evaluate(model, task, batches[name]))
        for name in task.protocols
    }


def _text_figures(metrics: dict[str, float]) -> dict[str, float]:
    """Return nats and bits per character and, where tokens are something else, bits per token."""
    figures = {
        "nats": metrics.get("nats_per_character", metrics["loss"]),
        "bits": metrics["bits"],
        "perplexity": metrics["perplexity"],
    }
    if "bits_per_token" in metrics:
        figures["bits_per_token"] = metrics["bits_per_token"]
    return figures


def note_failure(run: Run, error: BaseException) -> None:
    """Write down why a run ended early."""
    run.write_error("".join(traceback.format_exception(error)))
    run.update_info(status="failed")

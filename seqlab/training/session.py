"""A training run in its folder: begun, recorded, interrupted, gone on with, finished.

The loop (:mod:`seqlab.training.loop`) knows no files; this module writes what it yields.
"""

from __future__ import annotations

import json
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch

from seqlab.contracts import Spec
from seqlab.errors import Interrupted, RunFailedError, RunFolderError, SeqlabError, SettingsError, TextError
from seqlab.generation import Sampling, generate
from seqlab.models import SequenceModel, build_model, count_parameters
from seqlab.registry import resolve
from seqlab.runs import Run, create_run
from seqlab.runs.files import replace_file, to_json
from seqlab.settings import Component, TrainExperiment, check, dump, read_text
from seqlab.tasks import Task, build_task
from seqlab.text import Vocabulary
from seqlab.training.checkpoints import load_checkpoint, load_weights, save_checkpoint, save_weights
from seqlab.training.evaluation import evaluate
from seqlab.training.identity import code_hash, fingerprint, plugin_hashes
from seqlab.training.loop import Learner, Step, fit, is_solved, new_learner
from seqlab.training.runtime import autocast, pick_device, prepare

SAMPLE_AT = (0.05, 0.3, 1.0)
"""Shares of the steps at which a sample is kept: early, middle and late in training (CS231n-10)."""

VOCABULARY = "vocabulary.json"

Watcher = Callable[[Step], None]


@dataclass(frozen=True)
class Session:
    """What a run is made of, built from its settings."""

    experiment: TrainExperiment
    task: Task
    model: SequenceModel
    device: torch.device


def open_session(experiment: TrainExperiment) -> Session:
    """Build task and model, prepare the process, and check that they fit each other.

    Raises:
        SettingsError: when the model does not answer in the shape that the task asks for, or ``stop_when``
            names a metric that the task does not have.
    """
    task = build_task(experiment.task)
    model = _build(experiment, task)
    device = pick_device(experiment.compute.device)
    compute = prepare(experiment.compute, device, count_parameters(model))
    experiment = experiment.model_copy(update={"compute": compute})
    if model.counts:  # in one step, from which there is nothing to average
        task.text("train")  # or it is said here that there is none
        training = experiment.training.model_copy(update={"steps": 1, "averaging": None})
        experiment = experiment.model_copy(update={"training": training})
    session = Session(experiment, task, model.to(device), device)
    _try_out(session)
    return session


def begin(experiment: TrainExperiment, *, command: str) -> tuple[Run, Session]:
    """Create the folder of a new run."""
    session = open_session(experiment)
    corpus = getattr(session.task, "corpus_info", None)
    run = create_run(
        experiment.experiment,
        experiment.model.name,
        experiment.seed,
        task=experiment.task.name,
        command=command,
        config_text=dump(session.experiment.model_dump()),
        data_hash=None if corpus is None else corpus.sha256,
        extra={
            "device": str(session.device),
            "precision": session.experiment.compute.precision,
            "threads": session.experiment.compute.threads,
            "parameters": count_parameters(session.model),
            "metric": session.task.metric,
            "loss_unit": "nats" if session.task.spec.outputs == "classes" else "squared error",
            "fingerprint": fingerprint(experiment, None if corpus is None else corpus.sha256),
            "code": code_hash(),
            "plugins": plugin_hashes(experiment) or None,
            "vocabulary": None if session.task.vocabulary is None else len(session.task.vocabulary),
            **({} if corpus is None else {"corpus": corpus.to_dict()}),
        },
    )
    if session.task.vocabulary is not None:
        replace_file(run.path / VOCABULARY, to_json(session.task.vocabulary.to_list()))
    return run, session


def reopen(run: Run, model: str | None = None) -> Session:
    """Build a run's task and model again from its settings, with the weights of the start.

    Args:
        run: the run.
        model: the plug-in file that the run's model came from, as it was named on the command line.

    Raises:
        RunFolderError: when the settings are damaged, or the corpus is not the one trained on.
    """
    session = open_session(read_experiment(run, model))
    corpus = getattr(session.task, "corpus_info", None)
    trained_on = run.info().data_hash
    if corpus is not None and trained_on not in (None, corpus.sha256):
        raise RunFolderError(
            f"{run.id} was trained on a text with SHA-256 {trained_on[:12]}..., but the corpus "
            f"{corpus.name!r} here has {corpus.sha256[:12]}...",
            hint="Is the corpus offline or changed? Set SEQLAB_DATA_DIR to where the first one lies.",
        )
    return session


def read_experiment(run: Run, model: str | None = None) -> TrainExperiment:
    """Return the settings of a run, checked."""
    document = read_text(run.config_text(), source=str(run.config_path))
    experiment = check(document)
    if not isinstance(experiment, TrainExperiment):
        raise RunFolderError(f"{run.id} is not a training run.")
    if model is not None:
        experiment = experiment.model_copy(
            update={"model": Component(**{"name": model, **experiment.model.options})}
        )
    return resolve(experiment, document)


def load_language_model(
    run: Run, *, checkpoint: str = "best", model: str | None = None
) -> tuple[SequenceModel, Vocabulary]:
    """Return a run's trained language model and its vocabulary; the corpus is not needed.

    Raises:
        RunFolderError: when the run's model does not write text, or its files are damaged.
    """
    path = run.path / VOCABULARY
    if not path.is_file():
        raise RunFolderError(
            f"{run.id} is no language model: it has no vocabulary.",
            hint="Train one: seqlab train char-shakespeare",
        )
    try:
        vocabulary = Vocabulary.from_list(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, TextError) as error:
        raise RunFolderError(f"{path} is damaged: {error}") from None
    experiment = read_experiment(run, model)
    size = len(vocabulary)
    network = build_model(
        experiment.model, Spec("tokens", size, "classes", size, causal=True), experiment.seed
    )
    if checkpoint == "best":
        load_weights(run.best_weights, network)
    else:
        learner = new_learner(network, experiment.training)
        load_checkpoint(run.last_checkpoint, learner)
        learner.use_averaged_weights()
    return network, vocabulary


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
        with _stop_requests() as stopped:
            summary = _train_to_the_end(run, session, learner, watch, stopped)
    except Interrupted:
        run.update_info(status="interrupted")
        raise
    except KeyboardInterrupt:
        run.update_info(status="interrupted")
        raise
    except SeqlabError as error:
        _fail(run, error)
        raise
    except Exception as error:
        _fail(run, error)
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
        _record(run, learner, step, settings.log_every)
        if step.step in sample_at or (learner.counters["ended"] and session.task.vocabulary):
            _keep_sample(run, session, learner)
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
    return _summarise(run, session, learner, started - before)


def _record(run: Run, learner: Learner, step: Step, log_every: int) -> None:
    if step.step % log_every == 0 or step.step == 1:
        run.append_metrics(
            {
                "step": step.step,
                "sequences": step.sequences,
                "loss": step.loss,
                "smoothed_loss": step.smoothed_loss,
                "grad_norm": step.grad_norm,
                "learning_rate": step.learning_rate,
            }
        )
    if step.validation is not None:
        metrics = {f"validation_{name}": value for name, value in step.validation.metrics.items()}
        run.append_metrics({"step": step.step, "sequences": step.sequences, **metrics})
        if step.validation.best:
            with learner.evaluated_weights():
                save_weights(run.best_weights, learner.model)


def _keep_sample(run: Run, session: Session, learner: Learner) -> None:
    task = session.task
    if task.vocabulary is None:
        return
    prime = task.vocabulary.encode(task.sample.prime)
    sampling = Sampling(task.sample.length, task.sample.temperature, session.experiment.seed)
    with learner.evaluated_weights():
        symbols = list(generate(learner.model, prime, sampling))
    learner.model.train()
    run.samples.mkdir(exist_ok=True)
    text = task.sample.prime + task.vocabulary.decode(symbols)
    (run.samples / f"step-{learner.step:07d}.txt").write_text(text.lstrip("\n") + "\n", encoding="utf-8")


def _summarise(run: Run, session: Session, learner: Learner, started: float) -> dict[str, Any]:
    """Judge the best weights on the held-out test set and return the summary.

    ``started`` is the reading of the clock at which an uninterrupted run would have begun.
    """
    task, settings, seed = session.task, session.experiment.training, session.experiment.seed
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
    if task.protocols:
        summary["validation"] = {
            protocol: _text_figures(
                evaluate(session.model, task, task.evaluation("validation", 0, seed, protocol))
            )
            for protocol in task.protocols
        }
        first = summary["validation"][task.protocols[0]]
        summary["held_out"] = {"protocol": task.protocols[0], "loss": first["nats"], "bits": first["bits"]}
    else:
        test = task.evaluation("test", settings.test_sequences, seed)
        summary["held_out"] = evaluate(session.model, task, test)
    summary["training_seconds"] = learner.counters["seconds"]
    summary["wall_seconds"] = time.perf_counter() - started
    return summary


def _text_figures(metrics: dict[str, float]) -> dict[str, float]:
    return {"nats": metrics["loss"], "bits": metrics["bits"], "perplexity": metrics["perplexity"]}


def _build(experiment: TrainExperiment, task: Task) -> SequenceModel:
    """Build the model, or say that it does not fit into memory."""
    try:
        return build_model(experiment.model, task.spec, experiment.seed)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        options = experiment.model.options
        sizes = ", ".join(f"{key} {options[key]}" for key in ("hidden_size", "layers") if key in options)
        raise SettingsError(
            f"The model {experiment.model.name} ({sizes}) does not fit into memory.",
            hint="Choose a smaller model.hidden_size or fewer layers.",
        ) from None


def _try_out(session: Session) -> None:
    """Run one small batch through, so that what does not fit is said before a run begins."""
    task, settings = session.task, session.experiment.training
    batch = task.batch("train", 0, settings.batch_size, session.experiment.seed).to(session.device)
    rows, steps = batch.inputs.shape[:2]
    expected = (rows, steps, task.spec.output_size)
    name = session.experiment.model.name
    with torch.no_grad():
        try:
            outputs, _ = session.model(batch.inputs)
        except SeqlabError:
            raise
        except Exception as error:
            raise SettingsError(
                f"The model {name} cannot read the task {session.experiment.task.name}: "
                f"{type(error).__name__}: {error}",
                hint=f"Its inputs are {task.spec.inputs} of shape {tuple(batch.inputs.shape)}.",
            ) from error
    if tuple(outputs.shape) != expected:
        raise SettingsError(
            f"The model {name} must answer in shape {expected} (batch, time, outputs), "
            f"got {tuple(outputs.shape)}."
        )
    is_solved(task.metrics(task.tally(outputs.float(), batch)), settings.stop_when, task)


def _fail(run: Run, error: BaseException) -> None:
    run.write_error("".join(traceback.format_exception(error)))
    run.update_info(status="failed")


@contextmanager
def _stop_requests() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop after the step; the second stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread, as in a notebook's worker: signals are not ours
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

"""A small run that is trained in a forked process, so that it can be killed, and what it comes to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

import torch

from seqlab.registry import resolve
from seqlab.runs import Run
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment, check, read_text

SETTINGS = """
experiment: killed
task: {name: char-lm, corpus: miniature, period: 16}
model: {name: gru, hidden_size: 4}
training: {steps: 12, batch_size: 2, evaluate_every: 4, evaluation_sequences: 2, test_sequences: 2, log_every: 1,
           checkpoint_every: 3, engine: torch}
mixture: {order: 2}
"""


def settings() -> TrainExperiment:
    document = read_text(SETTINGS, source="test.yaml")
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    return resolve(experiment, document)


def in_a_process(work: Callable[[], object]) -> int:
    """Do it in a forked process, and return how that ended."""
    child = os.fork()
    if child == 0:
        _do(work)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def a_run() -> Run:
    run, session = begin(settings(), command="test")
    train(run, session)
    return run


def content(run: Run) -> tuple[object, ...]:
    """Return what a run has come to, but for times."""
    last = torch.load(run.last_checkpoint, weights_only=True)
    summary = {key: value for key, value in (run.summary() or {}).items() if not key.endswith("_seconds")}
    samples = [path.read_bytes() for path in sorted(run.samples.iterdir())]
    weights = {name: tensor.tolist() for name, tensor in last["model"].items()}
    files = (run.metrics_path, run.best_weights, run.ngram_weights, run.path / "vocabulary.json")
    return (summary, samples, weights, *(path.read_bytes() for path in files))


def killed_after(seconds: float, work: Callable[[], object]) -> bool:
    """Do it in a forked process that is killed after so many seconds; return whether it was not done yet."""
    child = os.fork()
    if child == 0:
        _do(work)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)  # which is there until it is waited for
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _do(work: Callable[[], object]) -> NoReturn:
    """Do it and leave, as a forked process must: what is above it on the stack is the parent's."""
    code = 70
    try:
        work()
        code = 0
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        os._exit(code)

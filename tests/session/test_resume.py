"""A run that was interrupted, at any step and in any way, ends as if it had not been."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from seqlab.errors import Interrupted
from seqlab.registry import resolve
from seqlab.runs import Run
from seqlab.session import begin, recording, reopen, train, train_together
from seqlab.settings import TrainExperiment, check, read_text
from seqlab.training import Step
from seqlab.training.checkpoints import step_of

FRESH = """
experiment: fresh
task: {name: temporal-order, difficulty: easy}
model: {name: lstm, hidden_size: 5, layers: 2, dropout: 0.2}
training: {steps: 30, batch_size: 8, learning_rate: 1e-2, schedule: cosine, warmup_steps: 5, averaging: 0.9,
           optimizer: rmsprop, momentum: 0.5, evaluate_every: 7, evaluation_sequences: 32, test_sequences: 32,
           log_every: 2, checkpoint_every: 10}
"""
STREAM = """
experiment: stream
task: {name: char-lm, corpus: miniature, period: 16}
model: {name: lstm, hidden_size: 6}
training: {steps: 24, batch_size: 4, learning_rate: 1e-2, optimizer: adamw, weight_decay: 0.01,
           evaluate_every: 12, log_every: 3, checkpoint_every: 8}
"""


MEMORY = STREAM.replace(
    "{name: lstm, hidden_size: 6}",
    "{name: transformer, hidden_size: 8, heads: 2, layers: 2, window: 24, dropout: 0.1}",
)
ONE_LAYER = FRESH.replace(", layers: 2, dropout: 0.2", "")


def settings(text: str, engine: str = "auto") -> TrainExperiment:
    if engine == "fused":
        pytest.importorskip("numba")
    document = read_text(text, source="test.yaml").override("training.engine", engine)
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    return resolve(experiment, document)


def stop_at(step: int) -> Callable[[Step], None]:
    """Return a watcher that asks for a stop, as Ctrl-C does, once this many steps have been made."""

    def watch(event: Step) -> None:
        if event.step == step:
            signal.raise_signal(signal.SIGINT)

    return watch


def same_run(one: Run, other: Run) -> None:
    """Compare two runs to the bit."""
    assert one.metrics_path.read_bytes() == other.metrics_path.read_bytes()
    assert one.best_weights.read_bytes() == other.best_weights.read_bytes()
    for name in sorted(path.name for path in one.samples.glob("*")) if one.samples.is_dir() else []:
        assert (one.samples / name).read_bytes() == (other.samples / name).read_bytes()
    ends = [torch.load(run.last_checkpoint, weights_only=True) for run in (one, other)]
    for saved in ends:
        del saved["counters"]["seconds"], saved["sha256"]
    assert_equal(*ends)
    sums = [
        {k: v for k, v in (run.summary() or {}).items() if not k.endswith("_seconds")} for run in (one, other)
    ]
    assert sums[0] == sums[1]
    assert sums[0]["steps"] > 0


def assert_equal(one: object, other: object) -> None:
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)  # type: ignore[arg-type]
    elif isinstance(one, dict):
        assert one.keys() == other.keys()  # type: ignore[attr-defined]
        for key in one:
            assert_equal(one[key], other[key])  # type: ignore[index]
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)  # type: ignore[arg-type]
        for left, right in zip(one, other, strict=True):  # type: ignore[call-overload]
            assert_equal(left, right)
    else:
        assert one == other


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test runs of its own, with short samples: they are compared, and not read."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    write = recording.write_sample
    monkeypatch.setattr(recording, "write_sample", lambda session, length: write(session, min(length, 40)))


GUESSING = FRESH.replace(
    "{name: lstm, hidden_size: 5, layers: 2, dropout: 0.2}", "{name: guess, hidden_size: 2}"
)


CASES = {
    "fresh torch": (FRESH, "torch"),
    "stream torch": (STREAM, "torch"),
    "memory torch": (MEMORY, "torch"),
    "fresh fused": (ONE_LAYER, "fused"),
    "stream fused": (STREAM, "fused"),
    "fresh guessing": (GUESSING, "guessing"),
}
either_engine = pytest.mark.parametrize(("text", "engine"), CASES.values(), ids=CASES)


@either_engine
@pytest.mark.parametrize("step", [7, 15, *(pytest.param(step, marks=pytest.mark.slow) for step in (1, 13))])
def test_interrupted_and_resumed_equals_uninterrupted(text: str, engine: str, step: int) -> None:
    wanted = settings(text, engine)
    whole, session = begin(wanted, command="test")
    train(whole, session)
    broken, session = begin(wanted, command="test")
    with pytest.raises(Interrupted, match="step" if engine == "fused" else f"step {step}"):
        train(broken, session, watch=stop_at(step))
    assert broken.info().status == "interrupted"
    assert broken.summary() is None
    if engine == "fused":  # it comes to where what it has computed ahead is used up
        assert step <= step_of(broken.last_checkpoint) <= step + 8
    train(broken, reopen(broken))
    assert broken.info().status == "finished"
    same_run(whole, broken)


@either_engine
def test_killed_after_a_checkpoint_and_resumed_equals_uninterrupted(text: str, engine: str) -> None:
    wanted = settings(text, engine)
    whole, session = begin(wanted, command="test")
    train(whole, session)
    killed, session = begin(wanted, command="test")

    class Killed(BaseException):
        """Nothing in the session may catch this, as nothing can catch kill -9."""

    def watch(step: Step) -> None:
        if step.step == 19:
            raise Killed

    with pytest.raises(Killed):
        train(killed, session, watch=watch)
    last = killed.metrics()[-1]["step"]
    assert last > step_of(killed.last_checkpoint) > 0
    with killed.metrics_path.open("ab") as file:
        file.write(b'{"step": 19, "lo')  # torn off in the middle of a line
    train(killed, reopen(killed))
    same_run(whole, killed)


def test_members_of_a_company_are_interrupted_and_gone_on_with_each_from_its_own_step() -> None:
    seeds = [settings(ONE_LAYER, "fused").model_copy(update={"seed": seed}) for seed in (1, 2, 3)]
    alone = []
    for experiment in seeds:
        run, session = begin(experiment, command="test")
        train(run, session)
        alone.append(run)
    company = [begin(experiment, command="test") for experiment in seeds]
    with pytest.raises(Interrupted):
        train_together(company, watch=lambda place, step: stop_at(9)(step) if place == 0 else None)
    train(company[1][0], reopen(company[1][0]))  # one is further than the others
    left = [run for run, _ in company if run.info().status == "interrupted"]
    assert len(left) == 2
    assert all(isinstance(result, dict) for result in train_together([(run, reopen(run)) for run in left]))
    for one, (other, _) in zip(alone, company, strict=True):
        same_run(one, other)


def test_the_config_of_a_run_repeats_it() -> None:
    first, session = begin(settings(FRESH), command="test")
    train(first, session)
    second, session = begin(settings(first.config_text()), command="test")
    train(second, session)
    same_run(first, second)


def test_another_seed_gives_another_run() -> None:
    metrics = []
    for seed in (1, 2):
        run, session = begin(settings(FRESH).model_copy(update={"seed": seed}), command="test")
        train(run, session)
        metrics.append(run.metrics_path.read_bytes())
    assert metrics[0] != metrics[1]

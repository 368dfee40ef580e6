"""What is shown of a run while it goes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from seqlab.cli import progress as module
from seqlab.cli.progress import Reporter, progress, sampler
from seqlab.settings import Training
from seqlab.tasks import Metric, Task
from seqlab.tasks.basics.hello import Hello
from seqlab.tasks.text.char_lm import CharLM
from seqlab.training import Step
from seqlab.training.loop import Validation

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def step(number: int) -> Step:
    return Step(number, 32 * number, 1.7, 1.5, 0.5, 0.01)


def reporter_of(steps: int, start: int = 0, task: Task | None = None) -> Reporter:
    return Reporter(task or Hello(), Training(steps=steps), start)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that goes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


def screen(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> io.StringIO:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, highlight=False)
    monkeypatch.setattr(module, "stderr", lambda: console)
    return output


def test_a_line_tells_all_of_a_language_model(clock: Callable[[float], None]) -> None:
    reporter = reporter_of(100, 10, CharLM(corpus="miniature", period=64))
    clock(4.0)
    assert (
        reporter.line(step(30)) == "loss 1.5000, 2.164 bits/char, 10,240 chars/s"
    )  # 1.5 / ln 2; 5 x 32 x 64
    assert reporter.seconds_left(step(30)) == pytest.approx(70 / 5)
    assert reporter_of(100).line(step(1)).startswith("loss 1.5000, ")


def test_the_best_validation_is_told_as_it_is_measured() -> None:
    class Judged(Hello):
        metrics = (Metric("score", True, (0.0, 1.0), "points"),)

    def judged(**figures: float) -> Step:
        return replace(step(1), validation=Validation(figures, best=True, solved=False))

    points = reporter_of(9, task=Judged())
    for value in (0.25, 0.75, 0.5):
        points.note(judged(score=value))
    assert points.line(step(1)).endswith(", best validation points 0.75")
    losses = reporter_of(9, task=Judged())
    for value in (2.0, 1.5, 3.0):
        losses.note(judged(loss=value, score=value))
    assert losses.line(step(1)).endswith(", best validation 1.5000")


@pytest.mark.parametrize("terminal", [False, True])
def test_a_sample_is_shown_now_and_then(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None], terminal: bool
) -> None:
    output = screen(monkeypatch, terminal=terminal)
    logged: list[str] = []
    samples = iter(f"\nto be {number}\n[or] not\n" for number in range(1000))
    with progress(reporter_of(1000), logged.append, sample=lambda: next(samples)) as watch:
        for number in range(1, 1000):
            clock(0.5)
            watch(step(number))
    shown = output.getvalue()
    if terminal:
        assert "to be 0" in shown
        assert "[or] not" in shown, "what looks like markup is text"
        assert int(re.findall(r"to be (\d+)", shown)[-1]) == pytest.approx(500 / 5, abs=2)
    else:
        assert not CONTROL.search(shown)
        lines = shown.splitlines()
        assert [line for line in lines if line.startswith("sample")] == [
            f"sample: to be {number}↵[or] not" for number in range(8)
        ]
        assert sum(line.startswith("step") for line in lines) == 1 + 99  # the first after 1.5 s
        assert logged == lines


def test_samples_that_take_long_are_written_seldom(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    screen(monkeypatch, terminal=True)
    taken = [0]

    def slow() -> str:
        taken[0] += 1
        clock(2.0)
        return "slow"

    with progress(reporter_of(10_000), lambda _: None, sample=slow) as watch:
        for number in range(1, 1000):
            clock(0.5)
            watch(step(number))
    assert taken[0] == 2, "at 5 s and at 405 s"


def test_quiet_is_quiet_and_logs(monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]) -> None:
    output = screen(monkeypatch, terminal=True)
    logged: list[str] = []
    with progress(reporter_of(10), logged.append, quiet=True, sample=lambda: "never") as watch:
        for number in range(1, 11):
            clock(100.0)
            watch(step(number))
    assert output.getvalue() == ""
    assert len(logged) == 10


def test_a_session_writes_as_it_is_and_goes_on_training() -> None:
    from seqlab.configure import load_settings
    from seqlab.session import open_session
    from seqlab.settings import TrainExperiment

    words = ["task.corpus=miniature", "model.hidden_size=8", "compute.device=cpu", "task.tokens=byte"]
    experiment, _ = load_settings("char-shakespeare", overrides=words)
    assert isinstance(experiment, TrainExperiment)
    session = open_session(experiment)
    session.model.train()
    write = sampler(session)
    assert write is not None
    assert write() == write()
    assert session.model.training
    hello, _ = load_settings("hello")
    assert isinstance(hello, TrainExperiment)
    assert sampler(open_session(hello)) is None
